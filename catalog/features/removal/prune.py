"""Removing from a folder what is proved to be in the catalog."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalog.domain.copies import CopyKey
from catalog.features.removal.plan import Keep, Prune
from catalog.features.removal.pruner import Pruner, tell_gone, tell_kept
from catalog.features.removal.survey import Documents, PruneSurvey
from catalog.index.repository import Repository
from catalog.stores.dropbox.root import dropbox_folder
from catalog.stores.protocol import ManagedStore
from catalog.work import guards
from catalog.work.driver import execute, limit_plans
from catalog.work.outcome import Outcome, RunResult
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.sink import Sink
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

COMMAND = "delete_from_directory_if_in_catalog"


@dataclass(frozen=True, slots=True)
class PruneRequest:
    """Which folder is looked at, on this machine, or as its prefix says; `dropbox`: in the Dropbox
    account, without a prefix.

    `limit`: files that go at most, 0 means all. `yes` agrees to more than the setting move_limit.
    """

    directory: str
    recursive: bool = False
    dryrun: bool = False
    limit: int = 0
    yes: bool = False
    dropbox: bool = False


def run_prune(workspace: Workspace, request: PruneRequest, sink: Sink) -> RunResult:
    """Remove the files of a folder that are in the catalog, and keep the rest."""
    repository = workspace.existing_repository
    book = StoreBook(workspace, repository)
    with book.open_present(writes=not request.dryrun) as stores, workspace.readers() as pool:
        source = _source(book, request)
        count = sum(1 for _entry in source.list(recursive=request.recursive))
        if not request.dryrun:
            guards.check_removals(count, workspace.settings.move_limit, yes=request.yes)
        sink.progress.files(count)
        reading, needed = workspace.reading(pool, source), workspace.settings.source_copies
        survey = PruneSurvey(source, reading, _documents(repository), stores, needed)
        work = Pruning(source, survey, request)
        return execute(
            workspace, work, sink, COMMAND, dry=request.dryrun, details={"source": source.location}
        )


def _source(book: StoreBook, request: PruneRequest) -> ManagedStore:
    """The folder, which is no part of the catalog. Raises SourceInsideCatalog where it is one."""
    if request.dropbox:
        return book.open_outside_afar(dropbox_folder(request.directory))
    return book.open_source(request.directory)


def _documents(repository: Repository) -> Documents:
    return lambda hashes: {name: found[0] for name, found in repository.documents(hashes).items()}


class Pruning:
    """One folder that is pruned."""

    def __init__(self, source: ManagedStore, survey: PruneSurvey, request: PruneRequest) -> None:
        self._source = source
        self._survey = survey
        self._request = request
        self._filled: set[tuple[str, CopyKey]] = set()

    def plans(self) -> Iterator[Sequence[Prune]]:
        """Shot by shot, up to the limit."""
        return limit_plans(
            self._survey.plan(recursive=self._request.recursive), self._request.limit
        )

    def foresee(self, action: Prune) -> Outcome:
        """What will become of a file; a place of the catalog is filled but once."""
        if isinstance(action, Keep):
            return tell_kept(action)
        vacant = [place for place in action.vacant if (action.hash, place) not in self._filled]
        self._filled |= {(action.hash, place) for place in vacant}
        return tell_gone(action, vacant, "planned")

    def apply(self, run: Session, plans: Iterator[Sequence[Prune]]) -> None:
        """Do it."""
        Pruner(self._source, self._source.location, self._survey.stores, run).apply(plans)

    def conclude(self, report: Report) -> None:
        """Nothing more."""
