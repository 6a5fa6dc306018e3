"""Bringing files back from the trash of the stores to where they lay."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from catalog.errors import AlreadyExists, NotFound, StoreError
from catalog.features.removal.trash import choose_stores, recall, record_back, restore_one
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.stores.trash import Trashed
from catalog.work.driver import execute
from catalog.work.folder_names import FolderNames
from catalog.work.outcome import Outcome, RunResult
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.sink import Sink
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

COMMAND = "trash restore"
NAME = "restore"
Place: TypeAlias = tuple[str, str, str]
"""A store, a name in its trash ("" if it is not known), and where the file lay."""
STRANGE = "the catalog does not know it any more: `catalog sync` loads it anew"


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
    """A file of a store's trash (`key` is its name there) comes back to `path`; it lay at `was`.

    `problem` says why it cannot. `done`: it is back already, and at most not recorded.
    """

    store: str
    key: str
    path: str
    hash: str = ""
    problem: str = ""
    done: bool = False
    was: str = ""
    name: str = NAME

    @property
    def counts(self) -> bool:
        """Whether a limit counts it."""
        return not (self.problem or self.done)

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
        found, back = _found(repository, stores, request.wanted)
        work = Restoring(repository, stores, found, back)
        return execute(workspace, work, sink, COMMAND, dry=request.dryrun)


def _found(
    repository: Repository, stores: Mapping[str, ManagedStore], wanted: Sequence[str]
) -> tuple[list[tuple[str, Trashed]], list[Place]]:
    """What is meant of the trash; and the files that an earlier run has brought back, which may
    have been killed before it recorded that."""
    found = [
        (name, trashed)
        for name, store in stores.items()
        for trashed in store.trashed()
        if any(_is_meant(name, trashed, each) for each in wanted)
    ]
    still = {(name, trashed.path) for name, trashed in found}
    back: dict[Place, None] = {}
    for each in wanted:
        before = [p for p in _back(repository, stores, each) if (p[0], p[2]) not in still]
        if not before and not any(_is_meant(name, trashed, each) for name, trashed in found):
            raise NotFound(
                f"Nothing in the trash is called {each}.",
                hint="`catalog trash list` shows keys, runs and paths.",
            )
        back |= dict.fromkeys(before)
    return found, list(back)


def _back(
    repository: Repository, stores: Mapping[str, ManagedStore], wanted: str
) -> Iterator[Place]:
    """The files that lie where what was called so in the trash would come back to."""
    name, _, rest = wanted.partition(":")
    some, rest = ([name], rest) if name in stores else (list(stores), wanted)
    run, _, path = rest.partition("/")
    taken = [e for e in repository.history.of_run(run) if e["action"] == "trash" and "trash" in e]
    places = [(e["store"], e["trash"], e["path"]) for e in taken if path in ("", e["path"])]
    for store, key, place in places or [(each, "", rest) for each in some]:
        with contextlib.suppress(StoreError):
            if store in some and stores[store].stat(_spelled(stores[store], place)) is not None:
                yield store, key, place


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
        back: Sequence[Place],
    ) -> None:
        self._repository = repository
        self._stores = stores
        self._found = found
        self._back = back
        self._taken: set[tuple[str, str]] = set()

    def plans(self) -> Iterator[Sequence[Restore]]:
        """File by file, each read when its turn comes."""
        for name, trashed in self._found:
            yield [self._planned(name, trashed)]
        for name, key, path in self._back:
            spelled = _spelled(self._stores[name], path)
            yield [Restore(name, key or path, spelled, done=True, was=path)]

    def _planned(self, store: str, trashed: Trashed) -> Restore:
        try:
            digest = self._stores[store].trash_checksum(trashed.key)
        except StoreError as error:
            return Restore(store, trashed.key, trashed.path, problem=str(error))
        spelled = _spelled(self._stores[store], trashed.path)
        return Restore(store, trashed.key, spelled, digest, was=trashed.path)

    def foresee(self, action: Restore) -> Outcome:
        """What will become of a file; what comes back before it is in its way, too."""
        if action.done:
            return _outcome(action, "already", "", is_known=True)
        problem = action.problem or self._obstacle(action)
        if problem:
            return _outcome(action, "failed", problem, is_known=True)
        self._taken.add((action.store, action.path))
        known = recall(self._repository, action.store, action.was, action.hash).is_known
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
                problem, known = self._bring(run, action)
            except StoreError as error:
                problem = str(error)
        became = "already" if action.done else "restored"
        return _outcome(action, became, problem, is_known=known)

    def _bring(self, run: Session, action: Restore) -> tuple[str, bool]:
        store = self._stores[action.store]
        if action.done:
            digest = store.checksum(action.path)
            return "", record_back(run, store, action.key, action.path, digest, action.was)
        return restore_one(run, store, action.key, action.path, action.hash, action.was)

    def conclude(self, report: Report) -> None:
        """Nothing more."""


def _spelled(store: ManagedStore, path: str) -> str:
    """Where a file comes back to: in the folder that is there under an equal name."""
    return FolderNames(store).spell(path)


def _outcome(action: Restore, became: str, problem: str, *, is_known: bool) -> Outcome:
    outcome = "failed" if problem else became
    reason = problem or ("" if is_known else STRANGE)
    return Outcome(NAME, action.key, outcome, action.store, action.path, action.hash, reason)
