"""What `catalog export` and `catalog import` do."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson

from catalog import __version__
from catalog.cli.console import Screen, tell_line
from catalog.domain.amounts import size_text
from catalog.domain.names import printable, to_text
from catalog.errors import DONE, SOME_FAILED
from catalog.features.transfer import archive as packing
from catalog.features.transfer import stream as transfer
from catalog.index import schema
from catalog.index.editor import Editor
from catalog.work.journal import Journal
from catalog.work.recorder import patiently
from catalog.work.workspace import Workspace, new_run

COMMAND = "import"
FAILURES_SHOWN = 20
_WORDS = {schema.ASSETS: "assets", "events": "events", "stores": "stores", "sources": "read files", "decisions": "decisions",
          "handovers": "handovers"}  # fmt: skip


def run_export(workspace: Workspace, file: str, *, force: bool, screen: Screen) -> int:
    """Write the whole catalog into a file, or to stdout; the summary goes to stderr then."""
    packing.check_target(file, force=force)
    began = time.monotonic()
    export = transfer.Export(workspace.existing_repository, datetime.now(UTC), __version__)
    with packing.written(file, force=force) as output:
        lines = export.lines()
        try:
            for number, (piece, documents) in enumerate(lines):
                if not number:
                    workspace.progress.files(sum(export.counts.values()))
                output.write(piece)
                workspace.progress.advance(documents)
        finally:
            lines.close()
            workspace.progress.close()
    seconds = time.monotonic() - began
    total = sum(export.counts.values())
    summary = {"event": "summary", "documents": total, **export.counts, "bytes": output.size, "file": to_text(file)}
    text = f"Exported {_listed(export.counts)} to {_shown(file)}: {size_text(output.size)} before packing{_rate(total, seconds)}."
    _tell(screen, file == packing.STANDARD, summary | _timed(total, seconds), text)
    return DONE


def run_import(workspace: Workspace, file: str, *, dryrun: bool, screen: Screen) -> int:
    """Bring an export in. Whether it is one is known before anything is started or made."""
    with packing.opened(file) as lines:
        reader = transfer.Reader(lines)
        if dryrun:
            comparer = _comparer(workspace)
            tally = Tally(workspace, screen)
            _work(workspace, reader, tally, comparer.compare)
            return tally.finish(dry=True)
        run = new_run()
        repository = workspace.repository
        reader.check_stores(repository.store_ids())
        journal = Journal(workspace.journal_dir, run)
        try:
            source = to_text(file)
            journal.started("run", command=COMMAND, source=source)
            tally = Tally(workspace, screen)
            writer = transfer.Writer(repository, Editor(repository, run=run, command=COMMAND), {"source": source})
            _work(workspace, reader, tally, writer.create_or_merge)
            repository.refresh()
            status = tally.finish(dry=False, run=run)
            journal.done("run", **tally.outcomes, status=status)
            return status
        except BaseException as error:
            journal.failed("run", reason=str(error) or type(error).__name__)
            raise
        finally:
            workspace.progress.close()
            journal.close()


def _work(workspace: Workspace, reader: transfer.Reader, tally: Tally, work: Any) -> None:
    workspace.progress.files(reader.expected)
    wait = partial(patiently, seconds=workspace.settings.retry_seconds, recover=workspace.reconnect)
    transfer.Import(work, tally.settle, wait).run(reader)


def _comparer(workspace: Workspace) -> transfer.Comparer:
    """For a dry run: the indexes are asked as they are, and none is made."""
    repository = workspace.untouched_repository
    found = repository.checked()
    return transfer.Comparer(repository, {what: index.version for what, index in found.items()})


@dataclass
class Tally:
    """What became of the documents of an import: counted, told where a person should know, and summed up."""

    workspace: Workspace
    screen: Screen
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)

    @property
    def outcomes(self) -> dict[str, int]:
        """How many documents had each outcome."""
        totals = dict.fromkeys(transfer.OUTCOMES, 0)
        for (_what, outcome), number in self.counts.items():
            totals[outcome] += number
        return totals

    def settle(self, items: Sequence[transfer.Item], results: transfer.Results) -> None:
        """Count some documents. Told are merges (as JSON) and failures."""
        failed_before = self.outcomes[transfer.FAILED]
        self.counts.update((item.what, outcome) for item, (outcome, _reason) in zip(items, results, strict=True))
        for item, (outcome, reason) in zip(items, results, strict=True):
            if outcome == transfer.FAILED:
                failed_before += 1
                self._complain(item, reason, failed_before)
            elif outcome == transfer.MERGED and self.screen.json:
                tell_line(orjson.dumps(_object(item, outcome, reason)).decode())
        self.workspace.progress.advance(len(items))

    def _complain(self, item: transfer.Item, reason: str, number: int) -> None:
        if self.screen.json:
            tell_line(orjson.dumps(_object(item, transfer.FAILED, reason), option=orjson.OPT_NON_STR_KEYS).decode())
        elif number <= FAILURES_SHOWN:
            line = f"Line {item.number} was not imported: {_WORDS[item.what]} {item.key}: {reason}"
            self.workspace.progress.write(printable(line))

    def finish(self, *, dry: bool, **more: Any) -> int:
        """The summary, and the exit status."""
        self.workspace.progress.close()
        seconds = time.monotonic() - self.began
        outcomes = self.outcomes
        total = sum(outcomes.values())
        by_what = {what: {o: self.counts[what, o] for o in transfer.OUTCOMES} for what in transfer.ORDER}
        summary = {"event": "summary", "dryrun": dry, "documents": total, **outcomes, **by_what, **more}
        parts = [f"{number:,} {outcome}" for outcome, number in outcomes.items() if number or outcome == transfer.NEW]
        would = "Dry run, nothing was changed: " if dry else ""
        new = {what: self.counts[what, transfer.NEW] for what in transfer.ORDER}
        text = f"{would}{total:,} documents: {', '.join(parts)}{_rate(total, seconds)}. New: {_listed(new)}."
        _tell(self.screen, False, summary | _timed(total, seconds), text)
        return SOME_FAILED if outcomes[transfer.FAILED] else DONE


def _object(item: transfer.Item, outcome: str, reason: str) -> dict[str, Any]:
    key = "hash" if item.what == schema.ASSETS else "id"
    return {"action": COMMAND, "what": item.what, key: item.key, "line": item.number, "outcome": outcome, "reason": reason}


def _tell(screen: Screen, aside: bool, summary: dict[str, Any], text: str) -> None:
    """The summary for a program or a person; on stderr where stdout is taken."""
    line = orjson.dumps(summary).decode() if screen.json else printable(text)
    if aside:
        sys.stderr.write(f"{line}\n")
    else:
        screen.out(line)


def _timed(total: int, seconds: float) -> dict[str, float]:
    return {"seconds": round(seconds, 3), "documents_per_second": round(total / seconds, 1) if seconds else 0.0}


def _rate(total: int, seconds: float) -> str:
    return f" in {seconds:.1f} s ({total / seconds:,.0f} documents/s)" if seconds else ""


def _listed(counts: dict[str, int]) -> str:
    """`1,200 assets, 2,000 events`; those that are none are left out."""
    parts = [f"{counts[what]:,} {_WORDS[what]}" for what in (schema.ASSETS, *schema.COMPANIONS) if counts.get(what)]
    return ", ".join(parts) or "nothing"


def _shown(file: str) -> str:
    return "stdout" if file == packing.STANDARD else file
