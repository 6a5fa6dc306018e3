"""How duplicates go: each to a trash, while what it duplicates is proved to be there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from catalog.domain.asset import Entry
from catalog.domain.fixity import is_content_hash
from catalog.domain.names import from_text, to_text
from catalog.domain.spreadsheets import Row
from catalog.errors import CatalogError, NotFound, StoreError, StoreUnavailable
from catalog.features.reingest.duplicates import plan
from catalog.features.reingest.duplicates.plan import DELETE, Remove, Seen, is_going, plan_removal
from catalog.features.reingest.locations import Located, Locations
from catalog.features.reingest.reports import Processed
from catalog.features.reingest.row_state import LeftRow
from catalog.features.reingest.rows import CHANGED, Validated, change_problem, leave, outcome_of
from catalog.features.removal.trash import Taken, obstacles, take_away
from catalog.index.repository import Repository
from catalog.stores.local.store import LocalStore
from catalog.work.outcome import Outcome
from catalog.work.report import Report
from catalog.work.session import Session

TRASH = "/.catalog/trash/"
"""What stands between a folder and the key of a file in its trash."""
_UNKNOWN = "it lies in a store that does not know it: run `catalog sync` first"


@dataclass(slots=True)
class Files:
    """The files of a report: those that go, with their lines, and what each of them duplicates.

    `found` are those that are there, by name.
    """

    locations: Locations
    going: Mapping[str, int]
    found: dict[str, tuple[Located, Entry]] = field(default_factory=dict)

    def check(self, row: Row) -> str:
        """Why a row cannot be done, or "".

        That a file is missing is no reason: then there is nothing to do.
        """
        if not is_going(row):
            return ""
        file, keeper = row.cells["file"], row.cells["dupe_of"]
        if not keeper:
            return "it names nothing in dupe_of that would be left"
        if keeper in self.going:
            return f"what it duplicates is deleted as well, by line {self.going[keeper]}"
        try:
            located, entry = self.locations.entry(file)
        except NotFound:
            return ""
        except CatalogError as error:
            return str(error)
        self.found[file] = located, entry
        return change_problem(row, located, entry) or self.keeper_problem(row)

    def keeper_problem(self, row: Row, *, read: bool = False) -> str:
        """Why what a file duplicates does not stand for it, or "".

        With `read` its content is read at this moment.
        """
        keeper, digest = row.cells["dupe_of"], row.get("dupe_of_hash").lower()
        try:
            located, entry = self.locations.entry(keeper)
        except CatalogError as error:
            return f"what it duplicates, {keeper}, does not stand for it: {error}"
        mine, _entry = self.found[row.cells["file"]]
        if _are_one(mine.system_path, located.system_path):
            return "what it duplicates is the very same file"
        if not is_content_hash(digest):
            return (
                "its dupe_of_hash is none, so that what it duplicates cannot be proved; "
                "evaluate again"
            )
        if read and located.store.checksum(located.path) != digest:
            return f"what it duplicates, {keeper}, has another content now"
        return "" if entry.size else f"what it duplicates, {keeper}, is empty"


def _are_one(one: str | None, other: str | None) -> bool:
    """Whether two paths are one entry of one folder; two hard links are two files."""
    if one is None or other is None:
        return False
    first, second = Path(one), Path(other)
    if first.name == second.name and first.parent.samefile(second.parent):
        return True
    return first.samefile(second) and first.stat().st_nlink == 1


class Removal:
    """One processing: each file goes to a trash only while what it duplicates is proved to be
    there."""

    def __init__(
        self, repository: Repository | None, files: Files, rows: Validated, processed: Processed
    ) -> None:
        self._repository = repository
        self._files = files
        self._rows = rows
        self._processed = processed

    # --- plan -------------------------------------------------------------------------------------

    def plans(self) -> Iterator[Sequence[LeftRow | Remove]]:
        """The refused rows, in one part; then row by row, without those that an earlier run has
        done."""
        yield self._rows.refusals(DELETE)
        for row in self._rows.rows:
            yield [] if self._is_told(row) else [plan_removal(row, self._seen(row))]

    def _is_told(self, row: Row) -> bool:
        file = row.cells["file"]
        return plan.is_told(
            row, self._processed.earlier.get(file, {}), is_there=file in self._files.found
        )

    def _seen(self, row: Row) -> Seen:
        if not is_going(row):
            return Seen()
        if row.cells["file"] not in self._files.found:
            return Seen(trash=self._earlier_trash(row))
        located, entry = self._files.found[row.cells["file"]]
        try:
            problem = self._files.keeper_problem(row, read=True) or self._why_stays(row, located)
        except StoreUnavailable:
            raise
        except (StoreError, OSError) as error:
            problem = str(error)
        return Seen(entry.size, problem)

    def _why_stays(self, row: Row, located: Located) -> str:
        """Why a file cannot be taken away, or ""."""
        digest = row.get("hash").lower()
        if not located.is_catalog:
            return "" if located.store.checksum(located.path) == digest else CHANGED
        taken = self._taken(located, digest)
        if taken is None or self._repository is None:
            return _UNKNOWN
        return obstacles(self._repository, self._files.locations.stores, [taken])[0]

    def _taken(self, located: Located, digest: str) -> Taken | None:
        """What a store's file is by the index; None where that does not know it."""
        found = (
            self._repository.documents([digest]).get(digest)
            if self._repository is not None
            else None
        )
        place = located.store.name, located.path
        rows = found[0]["copies"] if found else []
        row = next((r for r in rows if (r["store"], r["path"]) == place), None)
        return None if row is None else Taken(digest, row)

    def _earlier_trash(self, row: Row) -> str:
        """Where in the trash a file lies that a killed run took away; "" where none does."""
        digest = row.get("hash").lower()
        try:
            located = self._files.locations.find(row.cells["file"])
            store, path = (
                (located.store, located.path) if located.is_catalog else _plain(row, located)
            )
            for trashed in store.trashed():
                if trashed.path == path and store.trash_checksum(trashed.key) == digest:
                    return (
                        f"{store.name}:{trashed.key}"
                        if located.is_catalog
                        else f"{store.location}{TRASH}{trashed.key}"
                    )
        except (CatalogError, OSError):
            return ""
        return ""

    def foresee(self, action: LeftRow | Remove) -> Outcome:
        """What is told of a plan."""
        if isinstance(action, LeftRow):
            return outcome_of(action)
        return _outcome(action, "planned", f"it duplicates {action.row.cells['dupe_of']}")

    # --- apply ------------------------------------------------------------------------------------

    def apply(self, run: Session, plans: Iterator[Sequence[LeftRow | Remove]]) -> None:
        """Do each row, and say what became of it before the next one."""
        self._repository = run.repository
        run.repository.refresh()
        self._do(run, next(plans))
        self._processed.begin(
            row.cells["file"] for row in self._rows.rows if not self._is_told(row)
        )
        run.sink.progress.files(len(self._rows.rows))
        for part in plans:
            self._do(run, part)
            run.sink.progress.advance()

    def _do(self, run: Session, actions: Sequence[LeftRow | Remove]) -> None:
        for action in actions:
            if isinstance(action, LeftRow):
                leave(action, self._processed, run.report)
            else:
                self._take_away(run, action)

    def _take_away(self, run: Session, action: Remove) -> None:
        problem, trash = "", action.trash
        try:
            if not trash:
                problem = self._files.keeper_problem(action.row, read=True)
            if not trash and not problem:
                problem, trash = self._take(run, action)
        except StoreUnavailable:
            raise
        except (StoreError, OSError) as error:
            problem = str(error)
        if problem:
            leave(plan.stay(action.row, problem), self._processed, run.report)
            return
        self._processed.add(action.row, **plan.cells_of(action, trash))
        run.report.add(_outcome(action, "removed"))

    def _take(self, run: Session, action: Remove) -> tuple[str, str]:
        """Bring a file to the trash: why that could not be, or "", and where it lies there.

        Raises StoreError.
        """
        located, _entry = self._files.found[action.key]
        if not located.is_catalog:
            problem = self._why_stays(action.row, located)
            return problem, ("" if problem else self._take_from_folder(run, action, located))
        taken = self._taken(located, action.hash)
        if taken is None:
            return _UNKNOWN, ""
        (problem,) = take_away(run, self._files.locations.stores, [taken])
        return problem, f"{located.store.name}:{run.run}/{located.path}"

    def _take_from_folder(self, run: Session, action: Remove, located: Located) -> str:
        store, path = _plain(action.row, located)
        run.journal.started("trash", path=action.key, hash=action.hash)
        key = store.remove(path, run.run)
        run.journal.done("trash", path=action.key, trash=key)
        return f"{store.location}{TRASH}{key}"

    def conclude(self, report: Report) -> None:
        """Nothing."""


def _plain(row: Row, located: Located) -> tuple[LocalStore, str]:
    """The archive that a file is of, as a place with a trash, and the path of the file in it."""
    assert located.system_path is not None
    real = real_path(located.system_path)
    archive = Path(from_text(row.cells.get("archive", "") or "/nowhere"))
    root = archive if real.is_relative_to(archive) and real != archive else real.parent
    return LocalStore("archive", root), to_text(os.fspath(real.relative_to(root)))


def real_path(system: str) -> Path:
    """A path whose folder is the real one; the file itself may be a link, or not there."""
    path = Path(system)
    return Path(os.path.realpath(path.parent)) / path.name


def _outcome(action: Remove, outcome: str, reason: str = "") -> Outcome:
    return Outcome(
        action.name, action.key, outcome, hash=action.hash, reason=reason, stored=action.size
    )
