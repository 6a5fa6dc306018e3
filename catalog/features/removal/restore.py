"""Bringing files back from the trash of the stores to where they lay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.errors import AlreadyExists, NotFound, StoreError
from catalog.features.removal.trash import choose_stores, recall, restore_one
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.stores.trash import Trashed
from catalog.work.driver import execute
from catalog.work.outcome import Outcome, RunResult
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.sink import Sink
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

COMMAND = "trash restore"
NAME = "restore"
STRANGE = "the catalog does not know it any more: sync_catalog_with_disk loads it anew"


@dataclass(frozen=True, slots=True)
class RestoreFilesRequest:
    """What comes back: names in the trash, runs that took files away, or paths.

    Each may begin with `STORE:`. `store`: only from the trash of this one.
    """

    wanted: tuple[str, ...]
    store: str | None = None
    dryrun: bool = False


@dataclass(frozen=True, slots=True)
class Restore:
    """A file of a store's trash (`key` is its name there) comes back to `path`.

    `problem` says why it cannot.
    """

    store: str
    key: str
    path: str
    hash: str = ""
    problem: str = ""
    name: str = NAME

    @property
    def counts(self) -> bool:
        """Whether a limit counts it."""
        return not self.problem

    def describe(self) -> str:
        """One line for a person."""
        return f"restore {self.store}:{self.key} -> {self.path}"


def run_restore_files(workspace: Workspace, request: RestoreFilesRequest, sink: Sink) -> RunResult:
    """Bring files back, and into the index. Raises NotFound for a name that the trash has not."""
    repository = workspace.existing_repository
    repository.refresh()
    book = StoreBook(workspace, repository)
    with book.open_present(writes=not request.dryrun) as there:
        stores = choose_stores(there, request.store)
        if request.store is None:
            book.tell_absent(there, sink)
        work = Restoring(repository, stores, _found(stores, request.wanted))
        return execute(workspace, work, sink, COMMAND, dry=request.dryrun)


def _found(stores: Mapping[str, ManagedStore], wanted: Sequence[str]) -> list[tuple[str, Trashed]]:
    found = [
        (name, trashed)
        for name, store in stores.items()
        for trashed in store.trashed()
        if any(_is_meant(name, trashed, each) for each in wanted)
    ]
    for each in wanted:
        if not any(_is_meant(name, trashed, each) for name, trashed in found):
            raise NotFound(
                f"Nothing in the trash is called {each}.",
                hint="`catalog trash list` shows keys, runs and paths.",
            )
    return found


def _is_meant(store: str, trashed: Trashed, wanted: str) -> bool:
    names = {trashed.key, trashed.batch, trashed.path}
    return wanted in names or wanted in {f"{store}:{name}" for name in names}


class Restoring:
    """Some files of the trash that come back, one after another."""

    def __init__(
        self,
        repository: Repository,
        stores: Mapping[str, ManagedStore],
        found: Sequence[tuple[str, Trashed]],
    ) -> None:
        self._repository = repository
        self._stores = stores
        self._found = found
        self._taken: set[tuple[str, str]] = set()

    def plans(self) -> Iterator[Sequence[Restore]]:
        """File by file, each read when its turn comes."""
        for name, trashed in self._found:
            yield [self._planned(name, trashed)]

    def _planned(self, store: str, trashed: Trashed) -> Restore:
        try:
            digest = self._stores[store].trash_checksum(trashed.key)
        except StoreError as error:
            return Restore(store, trashed.key, trashed.path, problem=str(error))
        return Restore(store, trashed.key, trashed.path, digest)

    def foresee(self, action: Restore) -> Outcome:
        """What will become of a file; what comes back before it is in its way, too."""
        problem = action.problem or self._obstacle(action)
        if problem:
            return _outcome(action, "failed", problem, is_known=True)
        self._taken.add((action.store, action.path))
        known = recall(self._repository, action.store, action.path, action.hash).is_known
        return _outcome(action, "planned", "", is_known=known)

    def _obstacle(self, action: Restore) -> str:
        """What lies where a file is to come back to, or ""."""
        try:
            is_free = self._stores[action.store].stat(action.path) is None
        except StoreError as error:
            return str(error)
        if is_free and (action.store, action.path) not in self._taken:
            return ""
        return str(AlreadyExists(f"{action.path} is already in store {action.store}."))

    def apply(self, run: Session, plans: Iterator[Sequence[Restore]]) -> None:
        """Bring them back."""
        for plan in plans:
            for action in plan:
                run.report.add(self._restore(run, action))

    def _restore(self, run: Session, action: Restore) -> Outcome:
        problem, known = action.problem, True
        if not problem:
            try:
                problem, known = restore_one(
                    run, self._stores[action.store], action.key, action.path, action.hash
                )
            except StoreError as error:
                problem = str(error)
        return _outcome(action, "restored", problem, is_known=known)

    def conclude(self, report: Report) -> None:
        """Nothing more."""


def _outcome(action: Restore, became: str, problem: str, *, is_known: bool) -> Outcome:
    outcome = "failed" if problem else became
    reason = problem or ("" if is_known else STRANGE)
    return Outcome(NAME, action.key, outcome, action.store, action.path, action.hash, reason)
