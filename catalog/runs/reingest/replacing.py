"""Converted videos put into the archive in the place of their originals: backed up first, checked, and taken back if need be.

At every moment the original lies at its place, in the failsafe folder, or in both. A run that was killed is done again:
what is left to do follows from what lies where.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from catalog.console import Screen
from catalog.domain.asset import Copy, Entry
from catalog.domain.capture_time import file_time
from catalog.domain.copies import copy_row
from catalog.domain.edits import Edit, forgotten_without, with_copy, with_sidecars
from catalog.domain.filetypes import extension_of
from catalog.domain.fixity import is_content_hash
from catalog.domain.layout import file_name
from catalog.domain.names import from_text, to_text
from catalog.domain.renditions import as_rendition, rendition_document, with_rendition, without_rendition
from catalog.domain.spreadsheets import Row
from catalog.errors import ConversionFailed, MediaError, NotFound, StoreError, StoreFull, StoreUnavailable, UsageError
from catalog.execution import guards
from catalog.execution.describing import utc_now
from catalog.execution.report import Outcome, Report
from catalog.index.documents import asset_document
from catalog.plans.reingest import CONVERT
from catalog.plans.reingest_videos import row_needs
from catalog.plans.replacement import (
    BACK_UP,
    CHECK,
    NOTHING,
    ORIGINAL,
    OTHER,
    PUT,
    RECORD,
    RENDITION,
    TAKE,
    VERIFY,
    Found,
    Replacement,
    plan_replacement,
)
from catalog.plans.undo import RENDITION as MADE
from catalog.runs.converting import Converter, converter
from catalog.runs.reingest.archive import Located, Locations, catalog_of
from catalog.runs.reingest.process_videos import ADDED as PROCESSED_COLUMNS
from catalog.runs.reingest.process_videos import SUCCESS
from catalog.runs.reingest.processing import folders_of
from catalog.runs.reingest.staging import check_apart, checked_folder, is_staging
from catalog.runs.reingest.tables import Processed, read_table, validated
from catalog.runs.reingest.video_reports import ALL
from catalog.runs.session import Session, session
from catalog.runs.trashing import Taken, restore_one, take_away
from catalog.stores.local import PRIVATE, LocalStore
from catalog.stores.protocol import ManagedStore
from catalog.wiring import Workspace

NEEDED = ("file", "action", "hash", "derived_file", "derived_hash", "processing_status", "overwrite")
ADDED = ("source_file_size", "converted_file_size", "failsafe_backup_path", "replaced_file", "replacement_status", "run")
REPLACED = "_replaced"
UNDONE = "UNDONE"
FAILSAFE = "failsafe"
WORDS = {"outcomes": ("replaced", "already", "undone", "refused", "failed"), "always": ("replaced",), "done": "saved"}
ASIDE = {ORIGINAL: "original", RENDITION: "converted"}
"""What is added to the name of a file that waits beside its place."""
INHERIT = "inherit"
"""The action of events by which sidecars go from an original to what was made of it."""


@dataclass(frozen=True, slots=True)
class ReplaceRequest:
    """What the command line asks for. `failsafe` is a folder, beside the report without; `larger`: no gain in size is needed."""

    report: Path
    failsafe: str | None = None
    larger: bool = False
    dryrun: bool = False
    yes: bool = False
    undo: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A row that is to be done. Paths are those of the store, in text form; `target` may be the same as `path`."""

    row: Row
    located: Located
    path: str
    target: str
    original: str
    rendition: str
    staged: Path

    @property
    def file(self) -> str:
        """How the report names it."""
        return self.row.cells["file"]

    @property
    def name(self) -> str:
        """The original's name."""
        return self.path.rpartition("/")[2]


class Place(Protocol):
    """Where originals give way to what was made of them: a store of the catalog, or any folder."""

    @property
    def store(self) -> ManagedStore:
        """Where the files lie."""
        ...

    def look(self, job: Job) -> None:
        """Bring back what a run that was killed had moved aside."""
        ...

    def take(self, job: Job) -> None:
        """Bring the original out of the way. Raises StoreError; then it lies where it was."""
        ...

    def give_back(self, job: Job) -> None:
        """Bring it back, and what took its place away. Raises StoreError."""
        ...

    def record(self, job: Job, there: Entry, films: Converter) -> None:
        """Tell the catalog what lies at the target now."""
        ...

    def settle(self, job: Job) -> None:
        """All is verified: what was moved aside may go, as its backup is there."""
        ...


# --- the commands ----------------------------------------------------------------------------------------------------------


def run_replace(workspace: Workspace, request: ReplaceRequest, screen: Screen) -> int:
    """Put converted files in the place of their originals, or with `undo` take that back in a folder; the exit status."""
    table = read_table(request.report, NEEDED, (*ALL, *PROCESSED_COLUMNS, *ADDED))
    folder = checked_folder(request.failsafe or str(request.report.absolute().parent / FAILSAFE), FAILSAFE)
    if is_staging(folder):
        raise UsageError(f"The failsafe folder {folder} is a staging folder.", hint="Name another with --failsafe.")
    repository = catalog_of(workspace)
    locations = Locations(workspace, repository)
    with contextlib.closing(locations):
        check_apart(folder, folders_of(table), repository, FAILSAFE)
        jobs = _Jobs(locations)
        meant = [row for row in table.rows if _is_meant(row)]
        wanted = validated(type(table)(table.columns, tuple(meant)), (CONVERT,), [jobs.check])
        guards.check_removals(len(wanted.rows), workspace.settings.move_limit, yes=request.yes)
        if request.dryrun:
            report = screen.report(workspace.progress, dry=True, **WORDS)
            return _dry(
                report, folder, [jobs.found[r.cells["file"]] for r in wanted.rows], lambda: wanted.tell(report, "replace")
            )
        with (
            converter(workspace) as films,
            Processed(request.report, table.columns, ADDED, suffix=REPLACED) as processed,
            session(workspace, screen, "reingest replace-archived-media", WORDS, report=to_text(str(request.report))) as run,
            _failsafe(folder) as failsafe,
        ):
            work = _Work(run, films, failsafe, processed, locations, request)

            def all_rows() -> None:
                wanted.tell(run.report, "replace")
                work.rows([jobs.found[row.cells["file"]] for row in wanted.rows])

            return run.work(all_rows)


def _is_meant(row: Row) -> bool:
    """Whether a person wants it and an earlier command made it: the other rows are of no concern here."""
    done = row.get("processing_status") == SUCCESS and row.get("action").lower() == CONVERT
    return row.get("overwrite") in ("1", "1.0") and done


def _dry(report: Report, folder: Path, jobs: Sequence[Job], tell: Any) -> int:
    tell()
    failsafe = LocalStore(FAILSAFE, folder, managed=False)
    for job in jobs:
        plan = plan_replacement(_found(job, job.located.store, _backup(failsafe, job) if folder.is_dir() else None))
        outcome = "failed" if plan.problem else "planned"
        report.add(Outcome("replace", job.file, outcome, job.located.store.name, job.target, job.original, plan.problem))
    report.finish()
    return report.exit_code()


@contextlib.contextmanager
def _failsafe(folder: Path) -> Any:
    """The failsafe folder as a store, made if need be; nothing of ours but the backups stays in it."""
    folder.mkdir(exist_ok=True)
    store = LocalStore(FAILSAFE, folder)
    store.sweep()
    try:
        yield store
    finally:
        _close(store)


def _close(store: LocalStore) -> None:
    """Let go of a folder; what a run that was killed had left in it goes, too."""
    store.close()
    store.sweep()
    with contextlib.suppress(OSError):
        (store.root / PRIVATE).rmdir()


class _Jobs:
    """The rows that can be done, by file."""

    def __init__(self, locations: Locations) -> None:
        self._locations = locations
        self.found: dict[str, Job] = {}

    def check(self, row: Row) -> str:
        """Why a row cannot be done, or ""."""
        file, derived = row.cells["file"], row.get("derived_file")
        if not (is_content_hash(row.get("hash").lower()) and is_content_hash(row.get("derived_hash").lower())):
            return "its hash or derived_hash is none; process it again"
        if not derived.startswith("/"):
            return "its derived_file is no absolute path"
        try:
            located = self._locations.find(file)
        except UsageError as error:
            return error.message
        if located.system_path is None:
            return "it lies far away: only files of this machine can be replaced"
        stem = located.path[: -len(extension_of(located.path)) - 1] if extension_of(located.path) else located.path
        target = located.path if extension_of(located.path) == "mov" else f"{stem}.mov"
        rival = next(
            (j.file for j in self.found.values() if (j.located.store.place, j.target) == (located.store.place, target)), ""
        )
        if rival:
            return f"its converted file would lie where that of {rival} does"
        self.found[file] = Job(
            row, located, located.path, target, row.get("hash").lower(), row.get("derived_hash").lower(), Path(from_text(derived))
        )
        return ""


def _content(store: ManagedStore, path: str, job: Job) -> str:
    """What lies at a path."""
    entry = store.stat(path)
    if entry is None:
        return NOTHING
    digest = "" if entry.problem else store.checksum(path)
    return {job.original: ORIGINAL, job.rendition: RENDITION}.get(digest, OTHER)


def _found(job: Job, store: ManagedStore, backup: Entry | None) -> Found:
    same = job.path == job.target
    place = _content(store, job.path, job)
    target = place if same else _content(store, job.target, job)
    if same:
        place, target = (NOTHING, RENDITION) if place == RENDITION else (place, NOTHING)
    staged = job.staged.is_file()
    return Found(place, OTHER if target == ORIGINAL else target, same, backup is not None, staged)


def _backup(failsafe: LocalStore, job: Job) -> Entry | None:
    """The original in the failsafe folder, under the first name that fits."""
    for number in itertools.count():
        there = failsafe.stat(_backup_name(job, number))
        if there is None:
            return None
        if not there.problem and failsafe.checksum(there.path) == job.original:
            return there
    return None


def _backup_name(job: Job, number: int) -> str:
    return file_name(job.name[: -len(extension_of(job.name)) - 1] if extension_of(job.name) else job.name, job.name, number)


# --- the work ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Work:
    """One run over the rows."""

    run: Session
    films: Converter
    failsafe: LocalStore
    processed: Processed
    locations: Locations
    request: ReplaceRequest

    def rows(self, jobs: Sequence[Job]) -> None:
        """Do each row, and say what became of it before the next one."""
        over = UNDONE if self.request.undo else SUCCESS
        done = {j.file for j in jobs if self._status(j) == over and (self.request.undo or self._is_there(j))}
        self.processed.begin(j.file for j in jobs if j.file not in done and not self.request.undo)
        self.run.workspace.progress.files(len(jobs))
        for job in jobs:
            if job.file in done:
                self.run.report.add(Outcome("replace", job.file, "already"))
            else:
                self._one(job)
            self.run.workspace.progress.advance()

    def _is_there(self, job: Job) -> bool:
        """Whether what an earlier run put there still is, by its size: the replacement may have been undone."""
        there = job.located.store.stat(job.target)
        size = self.processed.earlier.get(job.file, {}).get("converted_file_size", "")
        return there is not None and str(there.size) == size

    def _status(self, job: Job) -> str:
        return self.processed.earlier.get(job.file, {}).get("replacement_status", "")

    def _one(self, job: Job) -> None:
        self.run.journal.started("replace", path=job.file, hash=job.original, rendition=job.rendition)
        try:
            outcome = self._take_back(job) if self.request.undo else self._replace(job)
        except (StoreFull, StoreUnavailable) as error:
            self._failed(job, error)
            raise
        except (StoreError, MediaError, OSError) as error:
            self._failed(job, error)
            return
        self.run.journal.done("replace", path=job.file, hash=job.original, rendition=job.rendition)
        self.processed.add(job.row, **outcome)
        word = "undone" if self.request.undo else "replaced"
        saved = 0 if self.request.undo else max(0, int(outcome["source_file_size"]) - int(outcome["converted_file_size"]))
        told = Outcome("replace", job.file, word, job.located.store.name, job.target, job.original, stored=saved)
        self.run.report.add(told)

    def _failed(self, job: Job, error: Exception) -> None:
        self.run.journal.failed("replace", path=job.file, reason=str(error))
        self.processed.add(job.row, replacement_status=f"ERROR: {type(error).__name__}: {error}", run=self.run.run)
        self.run.report.add(Outcome("replace", job.file, "failed", hash=job.original, reason=str(error)))

    def _place(self, job: Job) -> Place:
        if job.located.is_catalog:
            return _CatalogPlace(self.run, job.located.store, self.locations.stores)
        return _FolderPlace(self.run, Path(from_text(job.located.store.place)))

    def _replace(self, job: Job) -> dict[str, str]:
        """Take the steps that are left; the cells of the outcome. Where one fails, all is as it was before."""
        place = self._place(job)
        with _opened(place):
            place.look(job)
            plan = plan_replacement(_found(job, place.store, _backup(self.failsafe, job)))
            if plan.problem:
                raise ConversionFailed(plan.problem)
            self._steps(job, place, plan)
            place.settle(job)
            there, kept = place.store.stat(job.target), _backup(self.failsafe, job)
        assert there is not None and kept is not None
        return {
            "source_file_size": str(kept.size), "converted_file_size": str(there.size),
            "failsafe_backup_path": f"{self.failsafe.place}/{kept.path}",
            "replaced_file": f"{place.store.place}/{job.target}",
            "replacement_status": SUCCESS, "run": self.run.run,
        }  # fmt: skip

    def _steps(self, job: Job, place: Place, plan: Replacement) -> None:
        taken = False
        try:
            for step in plan.steps:
                if step == TAKE:
                    place.take(job)
                    taken = True
                else:
                    self._step(job, place, step)
        except (StoreError, MediaError, OSError):
            if taken:
                place.give_back(job)
            raise

    def _step(self, job: Job, place: Place, step: str) -> None:
        if step == BACK_UP:
            self._back_up(job, place)
        elif step == CHECK:
            self._check(job, place)
        elif step == PUT:
            _put(place.store, job)
        elif step == RECORD:
            there = place.store.stat(job.target)
            if there is None:
                raise NotFound(f"{job.target} vanished.", path=job.target)
            place.record(job, there, self.films)
        elif step == VERIFY:
            self._verify(job, place)

    def _back_up(self, job: Job, place: Place) -> None:
        """A verified copy in the failsafe folder, under a free name."""
        if _backup(self.failsafe, job) is not None:
            return
        entry = place.store.stat(job.path)
        assert entry is not None
        number = next(n for n in itertools.count() if self.failsafe.stat(_backup_name(job, n)) is None)
        with place.store.open(job.path) as stream:
            self.failsafe.put(_backup_name(job, number), stream, entry.size, entry.mtime_ns, job.original)
        self.failsafe.settle([_backup_name(job, number)])

    def _check(self, job: Job, place: Place) -> None:
        """The converted file once more, beside its source: content, streams, durations, every packet, gain."""
        kept = _backup(self.failsafe, job)
        assert kept is not None
        source = self.failsafe.root / from_text(kept.path)
        made = job.staged
        if not made.is_file():
            made = Path(from_text(place.store.place)) / from_text(job.target)
        facts = self.films.facts(made)
        if facts.hash != job.rendition:
            raise ConversionFailed("its converted file is not the one that was made: process it again")
        if facts.size >= kept.size and not self.request.larger:
            raise ConversionFailed("nothing would be gained in size", hint="--larger replaces it all the same.")
        clip = self.films.streams(source)
        self.films.check_again(source, made, row_needs(clip, job.row.cells))

    def _verify(self, job: Job, place: Place) -> None:
        kept = _backup(self.failsafe, job)
        if kept is None or self.failsafe.checksum(kept.path, anew=True) != job.original:
            raise ConversionFailed("its backup is not what it should be")
        if place.store.checksum(job.target) != job.rendition:
            raise ConversionFailed("the file that was put in its place is not what it should be")

    def _take_back(self, job: Job) -> dict[str, str]:
        """A replacement in a folder reversed: the converted file goes to the failsafe folder, the original comes back."""
        earlier = self.processed.earlier.get(job.file, {})
        if job.located.is_catalog:
            run = earlier.get("run") or "RUN"
            raise ConversionFailed("it lies in a store of the catalog", hint=f"`catalog undo {run}` brings it back.")
        if earlier.get("replacement_status") != SUCCESS:
            raise ConversionFailed("it was not replaced, as far as this report says")
        place = _FolderPlace(self.run, Path(from_text(job.located.store.place)))
        with _opened(place):
            kept = _backup(self.failsafe, job)
            if kept is None:
                raise ConversionFailed("its backup is not in the failsafe folder")
            place.swap_back(job, self.failsafe, kept)
        return {**{name: earlier.get(name, "") for name in ADDED}, "replacement_status": UNDONE, "run": self.run.run}


def _put(store: ManagedStore, job: Job) -> None:
    """The converted file at its place, verified; never over another."""
    status = job.staged.stat()
    with job.staged.open("rb") as stream:
        store.put(job.target, stream, status.st_size, status.st_mtime_ns, job.rendition)
    store.settle([job.target])


@contextlib.contextmanager
def _opened(place: Place) -> Any:
    """A place whose temporary files are gone afterwards."""
    try:
        yield place
    finally:
        if isinstance(place, _FolderPlace):
            _close(place.store)


# --- a folder ----------------------------------------------------------------------------------------------------------------


class _FolderPlace:
    """A folder that is no store. The original is moved aside in it, and removed once all is verified."""

    def __init__(self, run: Session, folder: Path) -> None:
        self._run = run
        self.store = LocalStore("archive", folder)

    def _aside(self, job: Job, what: str = ORIGINAL) -> str:
        """Where a file waits while another takes its place: the original, or with RENDITION what was made of it."""
        folder, _, name = job.path.rpartition("/")
        aside = f".{name}.{ASIDE[what]}"
        return f"{folder}/{aside}" if folder else aside

    def look(self, job: Job) -> None:
        """See `Place`."""
        for what, path in ((ORIGINAL, job.path), (RENDITION, job.target)):
            if self.store.stat(job.path) is None and self.store.stat(job.target) is None:
                aside = self._aside(job, what)
                if self.store.stat(aside) is not None:
                    self.store.move(aside, path)

    def take(self, job: Job) -> None:
        """See `Place`."""
        if self.store.checksum(job.path) != job.original:
            raise ConversionFailed("its content changed meanwhile")
        self.store.move(job.path, self._aside(job))

    def give_back(self, job: Job) -> None:
        """See `Place`. What took its place is still in the staging folder."""
        there = self.store.stat(job.target)
        if there is not None and self.store.checksum(job.target) == job.rendition and job.staged.is_file():
            self.store.discard(job.target, there)
        self.store.move(self._aside(job), job.path)

    def record(self, job: Job, there: Entry, films: Converter) -> None:
        """Nothing: no catalog knows this folder."""

    def settle(self, job: Job) -> None:
        """See `Place`."""
        self._drop(job, self._aside(job), ORIGINAL)
        self._drop(job, self._aside(job, RENDITION), RENDITION)

    def _drop(self, job: Job, path: str, what: str) -> None:
        """Remove a file that lies elsewhere as well, if it still is what it should be."""
        there = self.store.stat(path)
        if there is not None and _content(self.store, path, job) == what:
            self.store.discard(path, there)

    def swap_back(self, job: Job, failsafe: LocalStore, kept: Entry) -> None:
        """The reverse of a replacement, or what a run that was killed has left of it.

        Nothing of the converted file goes before it lies in the failsafe folder and the original at its place. Raises
        StoreError; then the converted file is where it was.
        """
        same = job.path == job.target
        place, target = _content(self.store, job.path, job), _content(self.store, job.target, job)
        if place == OTHER or (place == NOTHING and target == OTHER):
            raise ConversionFailed("the converted file has changed, or another file lies there")
        aside = self._aside(job, RENDITION) if same else job.target
        if same and place == RENDITION:
            self._keep(job, job.path, failsafe)
            self._drop(job, aside, RENDITION)
            self.store.move(job.path, aside)
        self._keep(job, aside, failsafe)
        if place != ORIGINAL:
            try:
                with failsafe.open(kept.path) as stream:
                    self.store.put(job.path, stream, kept.size, kept.mtime_ns, job.original)
                self.store.settle([job.path])
            except (StoreError, OSError):
                if same:
                    self.store.move(aside, job.path)
                raise
        self._drop(job, aside, RENDITION)
        self.settle(job)

    def _keep(self, job: Job, path: str, failsafe: LocalStore) -> None:
        """The converted file that lies at a path, in the failsafe folder as well."""
        there = self.store.stat(path)
        if there is None or _content(self.store, path, job) != RENDITION:
            return
        name = next(n for n in _rendition_names(job) if failsafe.stat(n) is None or failsafe.checksum(n) == job.rendition)
        if failsafe.stat(name) is None:
            with self.store.open(path) as stream:
                failsafe.put(name, stream, there.size, there.mtime_ns, job.rendition)
            failsafe.settle([name])


def _rendition_names(job: Job) -> Any:
    name = job.target.rpartition("/")[2]
    return (file_name(f"{name.removesuffix('.mov')}-converted", name, n) for n in itertools.count())


# --- a store of the catalog --------------------------------------------------------------------------------------------------


class _CatalogPlace:
    """A store of the catalog: the original goes to its trash, and the catalog links it with what was made of it."""

    def __init__(self, run: Session, store: ManagedStore, stores: Mapping[str, ManagedStore]) -> None:
        self._run = run
        self.store = store
        self._stores = stores

    def look(self, job: Job) -> None:
        """Nothing is moved aside here."""

    def _document(self, content_hash: str) -> dict[str, Any]:
        found = self._run.repository.documents([content_hash]).get(content_hash)
        return found[0] if found else {}

    def take(self, job: Job) -> None:
        """See `Place`."""
        rows = self._document(job.original).get("copies", [])
        row = next((r for r in rows if (r["store"], r["path"]) == (self.store.name, job.path)), None) or self._recorded(job)
        (problem,) = take_away(self._run, self._stores, [Taken(job.original, row)])
        if problem:
            raise StoreError(problem, store=self.store.name, path=job.path)

    def _recorded(self, job: Job) -> Mapping[str, Any]:
        """The row of an original that the catalog does not know to be here: a run was killed that had begun to take it away."""
        entry = self.store.stat(job.path)
        if entry is None or self.store.checksum(job.path) != job.original or not self._document(job.original):
            raise ConversionFailed("the catalog does not know it: sync_catalog_with_disk records it")
        now = datetime.now(UTC)
        row = copy_row(self.store.name, entry, now, now)
        self._edit([Edit(job.original, "keep", with_copy(row), {"store": self.store.name, "path": job.path, "effect": "index"})])
        return row

    def give_back(self, job: Job) -> None:
        """See `Place`."""
        store, target = self.store, job.target
        if store.stat(target) is not None and store.checksum(target) == job.rendition:
            event = {"store": store.name, "path": target, "effect": "index"}
            self._run.edit([
                Edit(job.rendition, "keep", forgotten_without(store.name, target), event),
                Edit(job.original, "keep", without_rendition(job.rendition), event),
            ])  # fmt: skip
            store.remove(target, self._run.run)
        key = next((t.key for t in store.trashed() if (t.batch, t.path) == (self._run.run, job.path)), None)
        if key is None:
            raise NotFound(
                f"{job.path} is not in the trash of store {store.name} any more; its backup is in the failsafe folder."
            )
        problem, _known = restore_one(self._run, store, key, job.path, job.original)
        if problem:
            raise StoreError(problem, store=store.name, path=job.path)

    def record(self, job: Job, there: Entry, films: Converter) -> None:
        """See `Place`: the new asset with what was known of the old one, each pointing to the other."""
        old = self._document(job.original)
        if not old:
            raise ConversionFailed("the catalog has forgotten it")
        path = Path(from_text(self.store.place)) / from_text(job.target)
        asset = self._run.workspace.describer(self.store.place).describe(films.facts(path), there, utc_now())
        now = datetime.now(UTC)
        copy = Copy(
            self.store.name, there.path, there.size, file_time(there.mtime_ns).replace(tzinfo=UTC), now, now,
            device=there.device, inode=there.inode, revision=there.revision,
        )  # fmt: skip
        made = asset_document(asset, original=to_text(str(job.staged)), copies=[copy], sidecars=[], stack=None,
                              run=self._run.run, now=now)  # fmt: skip
        where = {"store": self.store.name, "path": job.target}
        self._edit([
            Edit(job.rendition, MADE, as_rendition(rendition_document(made, old)),
                 {**where, "effect": "file", "source": to_text(str(job.staged))}),
            Edit(job.original, MADE, with_rendition(job.rendition), {**where, "effect": "index", "path": job.path}),
        ])  # fmt: skip
        self._inherit(job, old)

    def _inherit(self, job: Job, old: Mapping[str, Any]) -> None:
        """The sidecars that lie beside the original now lie beside what was made of it."""
        folder = job.path.rpartition("/")[0]
        rows = [
            r for r in old.get("sidecars", []) if r["store"] == self.store.name and r["path"].rpartition("/")[0] == folder
        ]  # fmt: skip
        if rows:
            about = {"store": self.store.name, "path": job.target, "effect": "index"}
            places = [(r["store"], r["path"]) for r in rows]
            self._edit([
                Edit(job.rendition, INHERIT, with_sidecars((), rows), about),
                Edit(job.original, INHERIT, with_sidecars(places, ()), about),
            ])  # fmt: skip

    def _edit(self, edits: Sequence[Edit]) -> None:
        problem = next((answer for answer in self._run.edit(edits) if answer not in ("done", "unchanged")), "")
        if problem:
            raise StoreError(f"the catalog did not take it: {problem}", store=self.store.name)

    def settle(self, job: Job) -> None:
        """The original stays in the trash, until that is emptied."""
