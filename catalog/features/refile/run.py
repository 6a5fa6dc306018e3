"""`catalog refile`: names and folders again, from what is known now."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from catalog.domain.copies import MISSING
from catalog.errors import ConfirmationNeeded
from catalog.features.inspection.search import mark_errors
from catalog.features.refile.apply import StoreRenamer, outcome_of
from catalog.features.refile.file_names import Naming, Record
from catalog.features.refile.plan import COMMAND, Rename, limit_steps
from catalog.features.refile.sight import StoreSight
from catalog.features.refile.survey import NameSurvey, scan_shots
from catalog.index import queries
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work.driver import execute
from catalog.work.outcome import Outcome, RunResult
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.sink import Level, Sink
from catalog.work.store_book import DROPBOX, NAS, StoreBook, describe_absence
from catalog.work.workspace import Workspace

LEADING = (NAS, DROPBOX)
"""The stores that uploads arrange, and all others follow: the first that has an asset leads."""


@dataclass(frozen=True, slots=True)
class RefileRequest:
    """Whose files are named again: of assets that match `query`, in `stores`, or (none) in the one
    that leads.

    `limit`: files that are renamed at most, 0 means all; a shot is not cut. `yes` agrees to more of
    them than the setting move_limit.
    """

    query: str = ""
    stores: tuple[str, ...] = ()
    dryrun: bool = False
    limit: int = 0
    yes: bool = False


def run_refile(workspace: Workspace, request: RefileRequest, sink: Sink) -> RunResult:
    """Give files the names that the layout gives now."""
    repository = workspace.existing_repository
    repository.refresh()
    with mark_errors(request.query):
        queries.count(repository, request.query)
    book = StoreBook(workspace, repository, sink.notice)
    with _stores(book, request) as stores:
        work = Refiling(workspace, repository, stores, request, sink)
        work.look(book)
        details = {"query": request.query}
        return execute(workspace, work, sink, COMMAND, dry=request.dryrun, details=details)


@contextlib.contextmanager
def _stores(book: StoreBook, request: RefileRequest) -> Iterator[dict[str, ManagedStore]]:
    """The stores that are named, each proved to be it; else those of LEADING that are there."""
    with contextlib.ExitStack() as stack:
        if not request.stores:
            stores = stack.enter_context(book.open_present())
            stores = {name: stores[name] for name in LEADING if name in stores}
        else:
            names = dict.fromkeys(request.stores)
            stores = {n: stack.enter_context(book.open(n, dry=request.dryrun)) for n in names}
        for store in () if request.dryrun else stores.values():
            store.sweep()
        yield stores


class Refiling:
    """The files of some assets in some stores, which get the names that they should have."""

    def __init__(
        self,
        workspace: Workspace,
        repository: Repository,
        stores: dict[str, ManagedStore],
        request: RefileRequest,
        sink: Sink,
    ) -> None:
        self._workspace = workspace
        self._repository = repository
        self._stores = stores
        self._request = request
        self._sink = sink
        self._steps: list[list[Rename]] = []
        self._sights = {name: StoreSight(store) for name, store in stores.items()}
        naming = Naming(workspace.layout)
        self._surveys = {name: NameSurvey(name, naming) for name in stores}

    # --- survey and plan --------------------------------------------------------------------------

    def look(self, book: StoreBook) -> None:
        """Plan all of it. Raises ConfirmationNeeded where that is more than a person may expect."""
        request, progress = self._request, self._sink.progress
        progress.step("Comparing names")
        wanted = request.stores or LEADING
        absent: set[str] = set()
        for shot in scan_shots(self._repository, request.query, wanted):
            records = [self._led(record) for record in shot]
            for name in {row["store"] for record in records for row in record.copies}:
                if name in self._surveys:
                    self._surveys[name].take(records)
                else:
                    absent.add(name)
        for name in sorted(absent):
            self._sink.notice(describe_absence(name, book.absent.get(name, "")))
        for name, survey in self._surveys.items():
            misnamed = survey.find_misnamed(self._repository)
            self._steps += self._sights[name].plan(misnamed, survey.numbered)
        self._steps = limit_steps(self._steps, request.limit)
        self._check_count(sum(action.counts for step in self._steps for action in step))

    def _led(self, record: Record) -> Record:
        """An asset with the copies alone that are to be looked at."""
        there = {row["store"] for row in record.copies if row["state"] != MISSING}
        wanted = self._request.stores or [name for name in LEADING if name in there][:1]
        return replace(record, copies=[r for r in record.copies if r["store"] in wanted])

    def _check_count(self, count: int) -> None:
        limit, request = self._workspace.settings.move_limit, self._request
        if self._sink.progress.shows_files:
            self._sink.progress.files(count)
        if count > limit and not (request.yes or request.dryrun):
            raise ConfirmationNeeded(
                f"{count:,} files would be renamed, more than {limit:,}; nothing was changed.",
                hint="See how with --dryrun; add --yes if that is meant.",
            )

    def plans(self) -> Iterator[Sequence[Rename]]:
        """The renames, shot by shot, in an order in which no file is in the way of another."""
        return iter(self._steps)

    def foresee(self, action: Rename) -> Outcome:
        """What will become of a file."""
        return outcome_of(action, "failed" if action.problem else "planned", action.problem)

    # --- apply ------------------------------------------------------------------------------------

    def apply(self, run: Session, plans: Iterator[Sequence[Rename]]) -> None:
        """Rename them."""
        for name, steps in itertools.groupby(plans, key=lambda step: step[0].store):
            StoreRenamer(self._stores[name], self._sights[name].shown, run).apply(steps)

    def conclude(self, report: Report) -> None:
        """Tell how many names are right, and how many are a person's."""
        kept = sum(survey.kept for survey in self._surveys.values())
        report.count("unchanged", sum(survey.unchanged for survey in self._surveys.values()))
        if kept:
            report.count("kept", kept)
            what = "1 file has a name" if kept == 1 else f"{kept:,} files have names"
            report.notice(f"{what} that the catalog did not give: kept.", Level.INFO)
