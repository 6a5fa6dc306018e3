"""Forgetting assets: their documents go, and where it is asked for their files go to the trash."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.domain import edits
from catalog.domain.document import AssetDocument
from catalog.domain.edits import Edit
from catalog.errors import ConfirmationNeeded
from catalog.features.inspection.lookup import find
from catalog.features.removal.trash import Taken, finish_taking, obstacles, take_away
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work.driver import execute
from catalog.work.outcome import Outcome, RunResult
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.sink import Sink
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

COMMAND = "forget"
BATCH = 200
UNKNOWN = "the catalog has no such id"


@dataclass(frozen=True, slots=True)
class ForgetRequest:
    """Which assets are forgotten: by content hash (`ids`), or as `lookup.find` takes `names`.

    `with_files`: their files go to the trash of their stores. `yes` agrees to more of them than the
    setting move_limit. `command` is what the history calls it.
    """

    ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    with_files: bool = False
    dryrun: bool = False
    yes: bool = False
    command: str = COMMAND


@dataclass(frozen=True, slots=True)
class Forget:
    """An asset goes, and with it `files`. The catalog may not have it (`known`)."""

    hash: str
    known: bool
    files: tuple[Taken, ...] = ()
    name: str = COMMAND

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.hash

    @property
    def counts(self) -> bool:
        """Whether a limit counts it."""
        return self.known

    def describe(self) -> str:
        """One line for a person."""
        return f"forget {self.hash}" if self.known else f"{self.hash}: {UNKNOWN}"


def run_forget(workspace: Workspace, request: ForgetRequest, sink: Sink) -> RunResult:
    """Forget assets; nothing is changed where one of the names is not found."""
    repository = workspace.existing_repository
    repository.refresh()
    ids = list(dict.fromkeys([*request.ids, *(find(repository, name) for name in request.names)]))
    if len(ids) > workspace.settings.move_limit and not request.yes:
        raise ConfirmationNeeded(
            f"{len(ids):,} assets would be forgotten; nothing was changed.",
            hint="Add --yes if that is meant.",
        )
    with contextlib.ExitStack() as stack:
        stores = (
            stack.enter_context(
                StoreBook(workspace, repository).open_present(writes=not request.dryrun)
            )
            if request.with_files
            else {}
        )
        work = Forgetting(repository, ids, stores, with_files=request.with_files)
        details = {"ids": len(ids), "with_files": request.with_files}
        return execute(workspace, work, sink, request.command, dry=request.dryrun, details=details)


class Forgetting:
    """Some assets that are forgotten, in order. `stores` are those that files can be taken from."""

    def __init__(
        self,
        repository: Repository,
        ids: Sequence[str],
        stores: Mapping[str, ManagedStore],
        *,
        with_files: bool,
    ) -> None:
        self._repository = repository
        self._ids = ids
        self._stores = stores
        self._with_files = with_files

    def plans(self) -> Iterator[Sequence[Forget]]:
        """Some hundred at a time."""
        for start in range(0, len(self._ids), BATCH):
            part = self._ids[start : start + BATCH]
            found = self._repository.documents(part)
            yield [self._planned(name, found[name][0] if name in found else None) for name in part]

    def _planned(self, name: str, document: AssetDocument | None) -> Forget:
        files = _files(name, document) if document is not None and self._with_files else []
        return Forget(name, document is not None, tuple(files))

    def foresee(self, action: Forget) -> Outcome:
        """What will become of an asset; of its files as they are now."""
        found = obstacles(self._repository, self._stores, action.files)
        return _outcome(action, "planned", _why_kept(action.files, found).get(action.hash, ""))

    def apply(self, run: Session, plans: Iterator[Sequence[Forget]]) -> None:
        """Their files first, then their documents, part by part."""
        for plan in plans:
            self._forget(run, plan)

    def _forget(self, run: Session, plan: Sequence[Forget]) -> None:
        files = [file for action in plan for file in action.files]
        problems = _why_kept(files, take_away(run, self._stores, files))
        if self._with_files:
            finish_taking(run, self._stores, [action.hash for action in plan if action.known])
        going = [action.hash for action in plan if action.known and action.hash not in problems]
        for name in going:
            run.journal.started(COMMAND, hash=name)
        answers = run.edit(
            [Edit(name, COMMAND, edits.forgotten(), {"effect": "index"}) for name in going]
        )
        problems |= {
            name: answer
            for name, answer in zip(going, answers, strict=True)
            if answer not in ("done", "unchanged")
        }
        for action in plan:
            problem = problems.get(action.hash, "")
            tell = run.journal.failed if problem else run.journal.done
            tell(COMMAND, hash=action.hash, reason=problem)
            run.report.add(_outcome(action, "forgotten", problem))

    def conclude(self, report: Report) -> None:
        """Nothing more."""


def _why_kept(files: Sequence[Taken], problems: Sequence[str]) -> dict[str, str]:
    """Why assets stay, by hash: a file cannot go. A sidecar that cannot go keeps no asset."""
    found = zip(files, problems, strict=True)
    return {
        file.hash: f"kept: {problem}" for file, problem in found if problem and not file.is_sidecar
    }


def _outcome(action: Forget, became: str, problem: str) -> Outcome:
    outcome = "unknown" if not action.known else "failed" if problem else became
    reason = problem or ("" if action.known else UNKNOWN)
    return Outcome(COMMAND, action.hash, outcome, hash=action.hash, reason=reason)


def _files(name: str, document: AssetDocument) -> list[Taken]:
    """The files that go to the trash with an asset: its copies that are there, and its sidecars."""
    copies = [Taken(name, row) for row in document.get("copies", []) if row["state"] != "missing"]
    return copies + [Taken(name, row) for row in document.get("sidecars", [])]
