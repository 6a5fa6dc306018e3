"""What was handed over, what still lies in staging folders, what left them; and a person's word that it arrived."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catalog.cli.console import Screen
from catalog.domain.copies import timestamp
from catalog.domain.fixity import is_content_hash
from catalog.domain.names import from_text, to_text
from catalog.errors import DONE, StoreGuard, UsageError
from catalog.features.reingest.archive import catalog_of
from catalog.features.reingest.staging import identity_of
from catalog.features.reingest.tables import processed_path, read_table
from catalog.index.handovers import CONFIRMED, STAGED, Handovers, Record, staged_path
from catalog.stores.local import LocalStore
from catalog.work.report import Outcome
from catalog.work.session import Session, session
from catalog.work.workspace import Workspace

REPORTS = ("duplicate_image_report.csv", "icloud_image_report.csv", "icloud_video_report.csv")
"""The names that reports have unless others are given."""
WORDS = {"outcomes": ("confirmed", "unchanged", "still there", "unknown", "failed"), "always": ("confirmed",),
         "shown": ("still there",), "done": "confirmed"}  # fmt: skip
NAMES_SHOWN = 20


@dataclass(slots=True)
class Folder:
    """A staging folder as the records know it. `is_there`: it is, by its marker, so that what is not in it has left it."""

    path: str
    is_there: bool
    waiting: list[Record] = field(default_factory=list)
    vanished: list[Record] = field(default_factory=list)
    changed: list[Record] = field(default_factory=list)

    def event(self) -> dict[str, Any]:
        """For a program."""
        names = {n: [r["name"] for r in getattr(self, n)] for n in ("waiting", "vanished", "changed")}
        return {"event": "staging", "folder": self.path, "there": self.is_there, **names}


def run_status(workspace: Workspace, target: str | None, reports: Path, screen: Screen) -> int:
    """Print what is known of handovers, staging folders and reports."""
    repository = catalog_of(workspace)
    records = list(Handovers(repository).all(target)) if repository else []
    counts = Counter((r["target"], r["state"], r["kind"]) for r in records)
    folders = folders_of(r for r in records if r["state"] == STAGED)
    found = [row for name in REPORTS if (row := _report_row(reports / name))]
    if screen.json:
        for (name, state, kind), count in sorted(counts.items()):
            screen.out_json({"event": "handovers", "target": name, "state": state, "kind": kind, "count": count})
        for folder in folders:
            screen.out_json(folder.event())
        for row in found:
            screen.out_json(row)
        screen.out_json({"event": "summary", "handovers": len(records), "staging": len(folders), "reports": len(found)})
        return DONE
    for line in _lines(counts, folders, found):
        screen.out_line(line)
    return DONE


def _lines(
    counts: Mapping[tuple[str, str, str], int], folders: Sequence[Folder], reports: Sequence[dict[str, Any]]
) -> Iterator[str]:
    if not counts:
        yield "Nothing was handed over yet."
    for (target, state, kind), count in sorted(counts.items()):
        yield f"{target}: {count:,} {kind}{'s' if count != 1 else ''} {state}"
    for folder in folders:
        yield from _folder_lines(folder)
    for row in reports:
        actions = ", ".join(f"{n:,} {action}" for action, n in row["actions"].items())
        done = f"; processed: {row['done']:,} done, {row['failed']:,} failed" if row["processed"] else "; not processed"
        yield f"Report {row['report']}: {actions or 'empty'}{done}"


def _folder_lines(folder: Folder) -> Iterator[str]:
    if not folder.is_there:
        yield f"{folder.path}: not there now; {len(folder.waiting):,} files were staged in it. Is it mounted?"
        return
    yield f"{folder.path}: {len(folder.waiting):,} files wait to be uploaded, {len(folder.vanished):,} have left it"
    for word, records in (("left", folder.vanished), ("changed", folder.changed)):
        for record in records[:NAMES_SHOWN]:
            yield f"  {word}: {record['name']}"
        if len(records) > NAMES_SHOWN:
            yield f"  and {len(records) - NAMES_SHOWN:,} more {word}"
    if folder.vanished:
        yield f"  If they are in the cloud: reingest confirm --emptied {folder.path}"


def folders_of(records: Iterable[Record]) -> list[Folder]:
    """The staging folders of records, and what became of the files in each."""
    folders: dict[tuple[str, str], Folder] = {}
    for record in records:
        key = record["folder"], record.get("staging", "")
        if key not in folders:
            folders[key] = Folder(key[0], identity_of(Path(from_text(key[0]))) == key[1])
        _sort_in(folders[key], record)
    return list(folders.values())


def _sort_in(folder: Folder, record: Record) -> None:
    entry = LocalStore("staging", Path(from_text(folder.path)), managed=False).stat(record["name"]) if folder.is_there else None
    if not folder.is_there:
        folder.waiting.append(record)
    elif entry is None:
        folder.vanished.append(record)
    elif entry.size != record["size"]:
        folder.changed.append(record)
    else:
        folder.waiting.append(record)


def _report_row(path: Path) -> dict[str, Any] | None:
    """What a report holds, and how far it was processed; None where there is none, or it is no report."""
    try:
        rows = read_table(path, ("file",)).rows
        done = processed_path(path)
        processed = read_table(done, ("file",)).rows if done.exists() else ()
    except UsageError:
        return None
    outcomes = [row.get("processed") or row.get("processing_status") or row.get("removed") for row in processed]
    failed = sum(o.lower().startswith("error") or o == "file_missing" for o in outcomes)
    actions = Counter(row.get("action").lower() or row.get("dupe_type") for row in rows)
    return {
        "event": "report", "report": to_text(str(path)), "rows": len(rows), "actions": dict(sorted(actions.items())),
        "processed": done.exists(), "done": sum(bool(o) for o in outcomes) - failed, "failed": failed,
    }  # fmt: skip


# --- confirm ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConfirmRequest:
    """What the command line asks for."""

    what: tuple[str, ...]
    emptied: str | None = None
    dryrun: bool = False


def run_confirm(workspace: Workspace, request: ConfirmRequest, screen: Screen) -> int:
    """Record that what was handed over is in the cloud; the exit status."""
    if bool(request.what) == bool(request.emptied):
        raise UsageError("Name what has arrived, or the folder that was emptied.", hint="See --help for examples.")
    workspace.existing_repository.refresh()
    target = workspace.settings.reingest_target
    records = list(Handovers(workspace.existing_repository).all(target))
    outcomes = list(_emptied(records, request.emptied)) if request.emptied else list(_named(records, request.what))
    if request.dryrun:
        report = screen.report(workspace.progress, dry=True, **WORDS)
        for record, outcome in outcomes:
            report.add(_outcome(record, "planned" if outcome == "confirmed" else outcome))
        report.finish()
        return report.exit_code()
    with session(workspace, screen, "reingest confirm", WORDS) as run:
        return run.work(lambda: _confirm(run, outcomes))


def _emptied(records: Sequence[Record], emptied: str) -> Iterator[tuple[Record, str]]:
    """The records of a staging folder whose files have left it. Raises StoreGuard where that cannot be told."""
    folder = Path(emptied).expanduser().absolute()
    identity = identity_of(folder)
    if identity is None:
        raise StoreGuard(f"{folder} is not there, or has no marker of a staging folder; nothing was changed.",
                         hint="Is it mounted? Files can be named one by one instead.")  # fmt: skip
    store = LocalStore("staging", folder, managed=False)
    for record in records:
        if record.get("staging") == identity and record["state"] == STAGED:
            yield record, "still there" if store.stat(record["name"]) else "confirmed"


def _named(records: Sequence[Record], what: Sequence[str]) -> Iterator[tuple[Record, str]]:
    """The records that words mean: a report, a staged name or pattern, a content hash, or an archived file."""
    told: set[str] = set()
    for word in what:
        found = [r for r in records if _is_meant(r, word)] if not word.endswith(".csv") else _of_report(records, Path(word))
        if not found:
            yield {"name": word, "hash": "", "target": "", "folder": ""}, "unknown"
        for record in found:
            if record["hash"] not in told:
                told.add(record["hash"])
                yield record, "confirmed" if record["state"] == STAGED else "unchanged"


def _is_meant(record: Record, word: str) -> bool:
    if is_content_hash(word.lower()):
        return word.lower() in (record["hash"], record["staged"])
    text = to_text(word)
    absolute = to_text(str(Path(word).absolute()))
    return (
        fnmatch.fnmatchcase(record["name"], text) or text == record["name"] or absolute in (record["source"], staged_path(record))
    )


def _of_report(records: Sequence[Record], path: Path) -> list[Record]:
    """Those of the rows of a report, or of what was processed of it."""
    rows = read_table(path, ("file",), ("hash",)).rows
    hashes = {row.get("hash").lower() for row in rows}
    files = {row.cells["file"] for row in rows}
    return [r for r in records if r["hash"] in hashes or r["source"] in files]


def _confirm(run: Session, outcomes: Sequence[tuple[Record, str]]) -> None:
    handovers = Handovers(run.repository)
    for record, outcome in outcomes:
        if outcome == "confirmed":
            now = timestamp(datetime.now(UTC))

            def change(before: Record | None, now: str = now) -> Record | None:
                if before is None or before["state"] == CONFIRMED:
                    return before
                return {**before, "state": CONFIRMED, "confirmed": now}

            note = {"run": run.run, "command": run.command}
            run.journal.started("confirm", hash=record["hash"], path=staged_path(record))
            run.patiently(lambda r=record, c=change, n=note: handovers.change(r["target"], r["hash"], c, "confirm", **n))  # type: ignore[misc]
            run.journal.done("confirm", hash=record["hash"], path=staged_path(record))
        run.report.add(_outcome(record, outcome))


def _outcome(record: Record, outcome: str) -> Outcome:
    reason = "nothing of this name was handed over" if outcome == "unknown" else ""
    path = staged_path(record) if record["folder"] else record["name"]
    return Outcome("confirm", path, outcome, record["target"], hash=record["hash"], reason=reason)
