"""The import: an export brought into a catalog, or shown what would become of it."""

from __future__ import annotations

import contextlib
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from catalog.domain.names import to_text
from catalog.features.backup import packed_files
from catalog.features.backup.stream import (
    OUTCOMES,
    WITH_ACCESS,
    Comparer,
    ExportImporter,
    Item,
    Reader,
    Results,
    chunks,
)
from catalog.index import schema
from catalog.index.editor import Editor
from catalog.work.driver import execute
from catalog.work.outcome import Outcome, RunResult
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace

COMMAND = "import"
IN_FLIGHT = 2
"""Requests that are under way while further lines are read."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """Which export is brought in: a file, or the `source` instead. `dryrun`: only shown.

    `with_access`: users and tokens that it holds may come in here as well.
    """

    file: str
    dryrun: bool = False
    source: packed_files.PackedInput | None = None
    with_access: bool = False


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What the run came to, and how many documents of each index had each outcome."""

    run: RunResult
    documents: Mapping[str, Mapping[str, int]]

    @property
    def problems(self) -> int:
        """Documents that could not be brought in."""
        return self.run.problems


@dataclass(frozen=True, slots=True)
class DocumentOutcome(Outcome):
    """What became of one document: `path` is its id, `what` its index, `line` where it stood."""

    what: str = ""
    line: int = 0

    def event(self) -> dict[str, object]:
        """For a program."""
        key = "hash" if self.what == schema.ASSETS else "id"
        return {
            "action": self.action,
            "what": self.what,
            key: self.path,
            "line": self.line,
            "outcome": self.outcome,
            "reason": self.reason,
        }


def run_import(workspace: Workspace, request: ImportRequest, sink: Sink) -> ImportResult:
    """Bring an export in. Whether it is one is known before anything is started or made."""
    with _lines(request) as lines:
        reader = Reader(lines)
        # where it is only shown, the indexes are asked as they are, and none is made
        dry = request.dryrun
        repository = workspace.untouched_repository if dry else workspace.repository
        found = repository.indexes.checked()
        if "stores" in found:
            reader.check_stores(repository.stores.read_ids())
        comparer = Comparer(repository, {what: index.version for what, index in found.items()})
        work = Import(workspace, reader, comparer, request, sink)
        details = {"source": work.source}
        run = execute(workspace, work, sink, COMMAND, dry=dry, details=details)
    return ImportResult(run, work.documents)


def _lines(request: ImportRequest) -> contextlib.AbstractContextManager[packed_files.Input]:
    if request.source is not None:
        return contextlib.nullcontext(packed_files.unpack(request.source))
    return packed_files.open_file(request.file)


class Import:
    """The documents of one export, as work with a plan: each of them is to be brought in.

    `source` is what the history says of where they come from.
    """

    def __init__(
        self,
        workspace: Workspace,
        reader: Reader,
        comparer: Comparer,
        request: ImportRequest,
        sink: Sink,
    ) -> None:
        self.source = to_text(request.file)
        self._with_access = request.with_access
        self._sink = sink
        self._left_out = 0
        self._reader = reader
        self._comparer = comparer
        self._progress = sink.progress
        self._counts: Counter[tuple[str, str]] = Counter()
        self._part: Sequence[Item] = ()
        self._foreseen: dict[int, tuple[str, str]] = {}
        self._patiently: Callable[[Callable[[], Results]], Results] = (
            workspace.elasticsearch.patiently
        )

    @property
    def documents(self) -> dict[str, dict[str, int]]:
        """How many documents of each index had each outcome so far."""
        return {what: {o: self._counts[what, o] for o in OUTCOMES} for what in WITH_ACCESS}

    def plans(self) -> Iterator[Sequence[Item]]:
        """The documents, as many at a time as make a good request."""
        self._progress.files(self._reader.expected)
        for part in chunks(self._wanted()):
            self._part = part
            yield part

    def _wanted(self) -> Iterator[Item]:
        for item in self._reader:
            if item.what == schema.ACCESS and not self._with_access:
                self._left_out += 1
            else:
                yield item

    def foresee(self, action: Item) -> Outcome:
        """What would become of a document; the index is asked of all of its part at once."""
        if action.number not in self._foreseen:
            results = self._patiently(partial(self._comparer.compare, self._part))
            numbers = (item.number for item in self._part)
            self._foreseen = dict(zip(numbers, results, strict=True))
        return self._outcome(action, *self._foreseen[action.number])

    def apply(self, run: Session, plans: Iterator[Sequence[Item]]) -> None:
        """Bring them in, some requests at once. What was begun before an error is finished."""
        for outcome in OUTCOMES:
            run.report.count(outcome, 0)
        editor = Editor(run.repository, run=run.run, command=COMMAND)
        writer = ExportImporter(run.repository, editor, {"source": self.source})
        pending: deque[tuple[Sequence[Item], Future[Results]]] = deque()
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            try:
                for part in plans:
                    if len(pending) > IN_FLIGHT:
                        self._settle(run.report, *pending.popleft())
                    work = partial(writer.create_or_merge, part)
                    pending.append((part, pool.submit(self._patiently, work)))
                while pending:
                    self._settle(run.report, *pending.popleft())
            except BaseException:
                pool.shutdown(cancel_futures=True)
                for part, future in pending:
                    if not future.cancelled() and future.exception() is None:
                        self._settle(run.report, part, future)
                raise

    def _settle(self, report: Report, part: Sequence[Item], future: Future[Results]) -> None:
        for item, (outcome, reason) in zip(part, future.result(), strict=True):
            report.add(self._outcome(item, outcome, reason))
        self._progress.advance(len(part))

    def _outcome(self, item: Item, outcome: str, reason: str) -> DocumentOutcome:
        self._counts[item.what, outcome] += 1
        return DocumentOutcome(
            COMMAND,
            item.key,
            outcome,
            hash=item.hash,
            reason=reason,
            what=item.what,
            line=item.number,
        )

    def conclude(self, _report: Report) -> None:
        """What was left out; of every other document was told."""
        if self._left_out:
            self._sink.notice(
                f"{self._left_out:,} users and tokens of the export were left out; with "
                "--with-access they may come in here as well."
            )
