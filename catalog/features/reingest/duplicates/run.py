"""Duplicate photos of an archive: the report of what shows the same, and taking away what a person says may go."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catalog.cli.console import Screen
from catalog.domain.asset import Entry
from catalog.domain.decisions import NOT_DUPLICATE, WANTED
from catalog.domain.fixity import is_content_hash
from catalog.domain.names import from_text, to_text
from catalog.domain.spreadsheets import Row, Table
from catalog.errors import CatalogError, StoreError, StoreUnavailable, UsageError
from catalog.features.lookalikes.decisions import decided
from catalog.features.lookalikes.duplicates import comparing
from catalog.features.lookalikes.groups import DISTANCE, Apart, Group, find_groups
from catalog.features.lookalikes.pictures import picture_of
from catalog.features.lookalikes.sketches import Sketches
from catalog.features.reingest import archive as archives
from catalog.features.reingest.archive import Located, Locations, Subject, catalog_of
from catalog.features.reingest.evaluation import EvaluateRequest, modified_text, rules_of
from catalog.features.reingest.images.plan import DELETE, DUPLICATES, EXACT, KEEP, Rules, propose_duplicate, skipped_folder
from catalog.features.reingest.processing import changed_since
from catalog.features.reingest.tables import Processed, Validated, check_writable, read_table, validated, write_report
from catalog.features.removal.trash import Taken, take_away
from catalog.features.undo.outside import digest_of
from catalog.index.documents import asset_document
from catalog.stores.local import LocalStore
from catalog.work import guards
from catalog.work.report import Outcome
from catalog.work.session import Session, session
from catalog.work.workspace import Workspace

REPORT = "duplicate_image_report.csv"
BIG, SMALL = "dupe_big", "dupe_small"
"""What a file is in its group: the one to keep, or one of the others."""
OWN = ("file", "size", "phash", "dupe_type", "dupe_of")
FURTHER = ("kind", "distance", "turned", "action", "reason", "hash", "dupe_of_hash", "modified", "archive")
NEEDED = ("file", "dupe_of", "action")
ADDED = ("removed", "removed_kb", "removed_reason", "trash")
MISSING = "file_missing"
EVALUATED = {"outcomes": (BIG, SMALL), "always": (BIG, SMALL), "done": "evaluated"}
PROCESSED = {"outcomes": ("removed", "restored", "kept", "missing", "refused", "failed"), "always": ("removed",), "done": "freed"}
WITHIN_MS = 10_000

Cells = dict[str, str]


# --- evaluate -----------------------------------------------------------------------------------------------------------


def run_evaluate(workspace: Workspace, request: EvaluateRequest, screen: Screen, distance: int | None) -> int:
    """Write the report of an archive's duplicates, over all of its folders; the exit status."""
    request.scope.check()
    rules = rules_of(workspace, request.until)
    check_writable(request.report, replace=request.replace)
    report = screen.report(workspace.progress, **EVALUATED)
    with archives.opened(workspace, request.scope) as archive:
        archive.announce()
        place = archive.place
        apart = decided(archive.repository, [NOT_DUPLICATE, WANTED]) if archive.repository else frozenset()
        subjects = sorted(_looked_at(archive.subjects("image"), rules), key=lambda s: s.file)
    workspace.progress.close()
    order = workspace.settings.keeper_order
    rows = list(_rows(subjects, DISTANCE if distance is None else distance, order, apart))
    for row in rows:
        report.add(Outcome("evaluate", row["file"], row["dupe_type"], hash=row["hash"], reason=row["reason"]))
    write_report(request.report, (*OWN, *FURTHER), [{**row, "archive": place} for row in rows], replace=request.replace)
    report.finish(report=to_text(str(request.report)), looked_at=len(subjects))
    return report.exit_code()


def _looked_at(subjects: Iterable[Subject], rules: Rules) -> Iterator[Subject]:
    for subject in subjects:
        if not subject.problem and not skipped_folder(subject.folders, rules):
            yield subject


def _rows(subjects: Sequence[Subject], distance: int, order: Sequence[str], apart: Apart) -> Iterator[Cells]:
    """A keeper and its others, group by group; a content that lies at several places is one picture.

    What a person said to be no duplicates (`apart`) is none.
    """
    places: dict[str, list[Subject]] = defaultdict(list)
    for subject in subjects:
        places[subject.hash].append(subject)
    told: set[str] = set()
    for group in _groups(places, distance, order, apart):
        keeper = places[group.keeper.hash][0]
        yield _cells(keeper, keeper, BIG, group.kind, f"kept: {group.reason}")
        for member in group.members:
            name = member.picture.hash
            told.add(name)
            others = places[name] if name != keeper.hash else () if (name, name) in apart else places[name][1:]
            for subject in others:
                kind = EXACT if name == keeper.hash else group.kind
                how = {"distance": str(member.distance), "turned": member.turned}
                yield _cells(subject, keeper, SMALL, kind, "") | how
    for name, same in places.items():
        if len(same) > 1 and name not in told and (name, name) not in apart:
            yield _cells(same[0], same[0], BIG, EXACT, "kept: the first by its path")
            yield from (_cells(subject, same[0], SMALL, EXACT, "") for subject in same[1:])


def _groups(
    places: Mapping[str, Sequence[Subject]], distance: int, order: Sequence[str], apart: Apart
) -> list[Group]:  # fmt: skip
    """The groups of contents that show the same, proved on small pictures; a picture is in one group."""
    documents = {name: _document(same[0]) for name, same in places.items()}
    sketches = Sketches()
    for name, document in documents.items():
        sketches.add(name, document)
    numbers = sketches.candidates(distance, WITHIN_MS)
    pairs = [(sketches.hashes[one], sketches.hashes[other]) for one, other in numbers]
    pictures = {name: picture_of(name, documents[name]) for pair in pairs for name in pair}
    compare = comparing({name: documents[name].get("look") for name in pictures})
    found = find_groups(pictures, pairs, compare, order=order, distance=distance, within_ms=WITHIN_MS, apart=apart)
    return [group for group in found if group.kind in DUPLICATES and group.kind != EXACT]


def _document(subject: Subject) -> dict[str, Any]:
    """What the catalog knows of a file, or would know."""
    if subject.asset is None:
        return dict(subject.document or {})
    now = datetime.now(UTC)
    return asset_document(subject.asset, original=subject.file, copies=[], sidecars=[], stack=None, run="", now=now)


def _cells(subject: Subject, keeper: Subject, dupe_type: str, kind: str, reason: str) -> Cells:
    action, why = (
        (KEEP, reason) if dupe_type == BIG else propose_duplicate(kind, same_folder=subject.entry.folder == keeper.entry.folder)
    )
    return {
        "file": subject.file, "size": str(subject.entry.size), "phash": str(subject.value("phash") or ""),
        "dupe_type": dupe_type, "dupe_of": "" if dupe_type == BIG else keeper.file, "kind": kind, "distance": "0", "turned": "",
        "action": action, "reason": why, "hash": subject.hash, "dupe_of_hash": "" if dupe_type == BIG else keeper.hash,
        "modified": modified_text(subject.entry.mtime_ns),
    }  # fmt: skip


# --- process ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProcessRequest:
    """What the command line asks for. `undo`: what was taken away from folders that are no stores comes back."""

    report: Path
    dryrun: bool = False
    yes: bool = False
    undo: bool = False


def run_process(workspace: Workspace, request: ProcessRequest, screen: Screen) -> int:
    """Take away the rows with the action `delete`; the exit status."""
    table = read_table(request.report, NEEDED, (*OWN, *FURTHER, *ADDED))
    locations = Locations(workspace, catalog_of(workspace))
    try:
        files = _Files(locations, _going(table))
        rows = validated(table, (KEEP, DELETE), (files.check,))
        going = [row for row in rows.rows if _is_going(row)]
        if request.dryrun:
            return _dry_undo(workspace, request, table, screen) if request.undo else _dry(workspace, rows, screen)
        if not request.undo:
            guards.check_removals(len(going), workspace.settings.move_limit, yes=request.yes)
        command = "reingest process-duplicates"
        with (
            Processed(request.report, table.columns, ADDED) as processed,
            session(workspace, screen, command, PROCESSED, report=str(request.report.absolute())) as run,
        ):
            work = _Work(run, processed, files)
            return run.work((lambda: work.bring_back(table.rows)) if request.undo else (lambda: work.all(rows)))
    finally:
        locations.close()


def _is_going(row: Row) -> bool:
    return row.get("action").lower() == DELETE


def _going(table: Table) -> dict[str, int]:
    """The files that a report says to delete, with their lines."""
    return {row.cells.get("file", ""): row.line for row in table.rows if _is_going(row)}


def _dry(workspace: Workspace, rows: Validated, screen: Screen) -> int:
    report = screen.report(workspace.progress, **PROCESSED)
    report.dry = True
    rows.tell(report, "delete")
    for row in rows.rows:
        if _is_going(row):
            report.add(Outcome("delete", row.cells["file"], "planned", reason=f"it duplicates {row.cells['dupe_of']}"))
    report.finish()
    return report.exit_code()


def _dry_undo(workspace: Workspace, request: ProcessRequest, table: Table, screen: Screen) -> int:
    """Tell what would come back."""
    report = screen.report(workspace.progress, dry=True, **PROCESSED)
    processed = Processed(request.report, table.columns, ADDED)
    processed.load()
    for row, earlier in _taken(table.rows, processed):
        trash = earlier.get("trash", "")
        problem = "" if trash.startswith("/") else _in_store(trash)
        report.add(Outcome("restore", row.cells["file"], "failed" if problem else "planned", reason=problem))
    report.finish()
    return report.exit_code()


def _taken(rows: Sequence[Row], processed: Processed) -> list[tuple[Row, dict[str, str]]]:
    """The rows that earlier runs took away, each with what they said of it."""
    found = [(row, processed.earlier.get(row.cells.get("file", ""), {})) for row in rows]
    return [(row, dict(earlier)) for row, earlier in found if earlier.get("removed") == "1"]


def _in_store(trash: str) -> str:
    return f"it lies in the trash of a store: catalog trash restore {trash.partition(':')[2]}"


@dataclass(slots=True)
class _Files:
    """The files of a report: what goes, and what each of them duplicates."""

    locations: Locations
    going: Mapping[str, int]
    found: dict[str, tuple[Located, Entry]] = field(default_factory=dict)

    def check(self, row: Row) -> str:
        """Why a row cannot be done, or "". That a file is missing is no reason: then there is nothing to do."""
        if not _is_going(row):
            return ""
        file, keeper = row.cells["file"], row.cells["dupe_of"]
        if not keeper:
            return "it names nothing in dupe_of that would be left"
        if keeper in self.going:
            return f"what it duplicates is deleted as well, by line {self.going[keeper]}"
        try:
            located, entry = self.locations.entry(file)
        except UsageError as error:
            return "" if error.message == archives.GONE else error.message
        self.found[file] = located, entry
        return changed_since(row, located, entry) or self.keeper_problem(row)

    def keeper_problem(self, row: Row, *, read: bool = False) -> str:
        """Why what a file duplicates does not stand for it, or "". With `read` its content is read at this moment."""
        keeper, digest = row.cells["dupe_of"], row.get("dupe_of_hash").lower()
        try:
            located, entry = self.locations.entry(keeper)
        except UsageError as error:
            return f"what it duplicates, {keeper}, does not stand for it: {error.message}"
        mine, _entry = self.found[row.cells["file"]]
        if _are_one(mine.system_path, located.system_path):
            return "what it duplicates is the very same file"
        if not is_content_hash(digest):
            return "its dupe_of_hash is none, so that what it duplicates cannot be proved; evaluate again"
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


class _Work:
    """One processing: each file goes to a trash only while what it duplicates is proved to be there."""

    def __init__(self, run: Session, processed: Processed, files: _Files) -> None:
        self._run = run
        self._processed = processed
        self._files = files

    def all(self, rows: Validated) -> None:
        """Do the rows that can be done."""
        rows.tell(self._run.report, "delete")
        self._run.repository.refresh()
        self._processed.begin(row.cells["file"] for row in rows.rows if not self._is_done(row))
        self._run.workspace.progress.files(len(rows.rows))
        for row in rows.rows:
            if not self._is_done(row):
                self._one(row)
            self._run.workspace.progress.advance()

    def _is_done(self, row: Row) -> bool:
        """Whether an earlier run took it away, and nothing came in its place."""
        before = self._processed.earlier.get(row.cells["file"], {}).get("removed")
        return before == "1" and row.cells["file"] not in self._files.found

    def _one(self, row: Row) -> None:
        file, report = row.cells["file"], self._run.report
        if not _is_going(row):
            self._processed.add(row, removed="0", removed_kb="0", removed_reason="", trash="")
            report.add(Outcome("delete", file, "kept"))
            return
        if file not in self._files.found:
            if trash := self._earlier_trash(row):
                self._processed.add(row, removed="1", removed_kb=_kilobytes(row.get("size")), trash=trash)
                report.add(Outcome("delete", file, "removed", hash=row.get("hash")))
                return
            self._processed.add(row, removed=MISSING, removed_kb="0", removed_reason="the file is not there", trash="")
            report.add(Outcome("delete", file, "missing", reason=f"line {row.line}: the file is not there"))
            return
        located, entry = self._files.found[file]
        try:
            problem = self._files.keeper_problem(row, read=True)
            trash = "" if problem else self._take(row, located)
        except StoreUnavailable:
            raise
        except (StoreError, OSError, _Stays) as error:
            problem, trash = str(error), ""
        if problem:
            self._processed.add(row, removed="0", removed_kb="0", removed_reason=problem, trash="")
            report.add(Outcome("delete", file, "failed", reason=f"line {row.line}: {problem}"))
            return
        self._processed.add(row, removed="1", removed_kb=_kilobytes(str(entry.size)), removed_reason="", trash=trash)
        report.add(Outcome("delete", file, "removed", hash=row.get("hash"), stored=entry.size))

    def _take(self, row: Row, located: Located) -> str:
        """Bring a file to the trash; where it lies there. Raises _Stays with the reason, or StoreError."""
        digest = row.get("hash").lower()
        if located.is_catalog:
            return self._take_from_store(located, digest)
        if located.store.checksum(located.path) != digest:
            raise _Stays("its content changed since it was evaluated; evaluate again")
        store, path = self._plain(row, located)
        self._run.journal.started("trash", path=row.cells["file"], hash=digest)
        key = store.remove(path, self._run.run)
        self._run.journal.done("trash", path=row.cells["file"], trash=key)
        return f"{store.place}/.catalog/trash/{key}"

    def _take_from_store(self, located: Located, digest: str) -> str:
        found = self._run.repository.documents([digest]).get(digest)
        place = located.store.name, located.path
        rows = found[0]["copies"] if found else []
        row = next((r for r in rows if (r["store"], r["path"]) == place), None)
        if row is None:
            raise _Stays("it lies in a store that does not know it: run sync_catalog_with_disk first")
        (problem,) = take_away(self._run, self._files.locations.stores, [Taken(digest, row)])
        if problem:
            raise _Stays(problem)
        return f"{located.store.name}:{self._run.run}/{located.path}"

    def _earlier_trash(self, row: Row) -> str:
        """Where in the trash a file lies that a killed run took away; "" where none does."""
        digest = row.get("hash").lower()
        try:
            located = self._files.locations.find(row.cells["file"])
            store, path = (located.store, located.path) if located.is_catalog else self._plain(row, located)
            for trashed in store.trashed():
                if trashed.path == path and store.trash_checksum(trashed.key) == digest:
                    return f"{store.name}:{trashed.key}" if located.is_catalog else f"{store.place}/.catalog/trash/{trashed.key}"
        except (CatalogError, OSError):
            return ""
        return ""

    def _plain(self, row: Row, located: Located) -> tuple[LocalStore, str]:
        """The archive as a place with a trash, and the path of a file in it."""
        system = located.system_path
        assert system is not None
        real = Path(os.path.realpath(os.path.dirname(system))) / os.path.basename(system)  # noqa: PTH119, PTH120
        archive = Path(from_text(row.cells.get("archive", "") or "/nowhere"))
        root = archive if real.is_relative_to(archive) and real != archive else real.parent
        return LocalStore("archive", root), to_text(os.fspath(real.relative_to(root)))

    # --- and back --------------------------------------------------------------------------------------------------

    def bring_back(self, rows: Sequence[Row]) -> None:
        """What earlier runs took away from folders that are no stores, back to where it was."""
        taken = _taken(rows, self._processed)
        self._processed.begin()
        for row, earlier in taken:
            problem = self._restore(row, earlier)
            outcome = "failed" if problem else "restored"
            if not problem:
                self._processed.add(row, removed="0", removed_kb="0", removed_reason="restored", trash="")
            self._run.report.add(Outcome("restore", row.cells["file"], outcome, reason=problem))

    def _restore(self, row: Row, earlier: Mapping[str, str]) -> str:
        """Bring one file back; why not, or ""."""
        trash = earlier.get("trash", "")
        if not trash.startswith("/"):
            return _in_store(trash)
        place, _, key = trash.partition("/.catalog/trash/")
        root = Path(from_text(place))
        try:
            located = self._files.locations.find(row.cells["file"])
            system = Path(located.system_path or "/")
            real = Path(os.path.realpath(system.parent)) / system.name
            store = LocalStore("archive", root)
            if not store.trash.folder.joinpath(from_text(key)).is_file():
                return "" if digest_of(real) == row.get("hash").lower() else "it is no longer in the trash"
            if store.trash_checksum(key) != row.get("hash").lower():
                return "what lies in the trash has another content"
            store.restore(key, to_text(os.fspath(real.relative_to(root))))
        except (CatalogError, OSError, ValueError) as error:
            return str(error)
        return ""


def _kilobytes(size: str) -> str:
    return f"{int(size) / 1024:.1f}" if size.isdecimal() else "0"


class _Stays(Exception):
    """A file stays where it is, for a reason."""
