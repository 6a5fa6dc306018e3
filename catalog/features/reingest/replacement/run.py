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

from catalog.cli.console import Screen
from catalog.domain.asset import Copy, Entry
from catalog.domain.capture_time import file_time
from catalog.domain.copies import copy_row
from catalog.domain.edits import Edit, forgotten_without, with_copy, with_sidecars
from catalog.domain.names import from_text, to_text
from catalog.errors import ConversionFailed, MediaError, NotFound, StoreError, StoreFull, StoreUnavailable, UsageError
from catalog.features.reingest.archive import Locations, catalog_of
from catalog.features.reingest.images.plan import CONVERT
from catalog.features.reingest.processing import folders_of
from catalog.features.reingest.renditions import as_rendition, rendition_document, with_rendition, without_rendition
from catalog.features.reingest.replacement.folder import FolderPlace, let_go
from catalog.features.reingest.replacement.jobs import (
    ADDED,
    FAILSAFE,
    NEEDED,
    REPLACED,
    WORDS,
    Job,
    Jobs,
    backup_name,
    backup_of,
    found,
    is_meant,
)
from catalog.features.reingest.replacement.plan import BACK_UP, CHECK, PUT, RECORD, TAKE, VERIFY, Replacement, plan_replacement
from catalog.features.reingest.replacement.undo import Backups, run_undo
from catalog.features.reingest.staging import check_apart, checked_folder, is_staging
from catalog.features.reingest.tables import Processed, read_table, validated
from catalog.features.reingest.videos.converter import Converter, converter
from catalog.features.reingest.videos.plan import row_needs
from catalog.features.reingest.videos.reports import ALL
from catalog.features.reingest.videos.run import ADDED as PROCESSED_COLUMNS
from catalog.features.reingest.videos.run import SUCCESS
from catalog.features.removal.trash import Taken, restore_one, take_away
from catalog.features.undo.plan import RENDITION as MADE
from catalog.index.documents import asset_document
from catalog.stores.local import LocalStore
from catalog.stores.protocol import ManagedStore
from catalog.work import guards
from catalog.work.description import utc_now
from catalog.work.report import Outcome, Report
from catalog.work.session import Session, session
from catalog.work.workspace import Workspace

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
        if request.failsafe or not request.undo:
            check_apart(folder, folders_of(table), repository, FAILSAFE)
        processed = Processed(request.report, table.columns, ADDED, suffix=REPLACED)
        processed.load()
        jobs = Jobs(locations, processed.earlier, [row.cells.get("file", "") for row in table.rows])
        meant = [row for row in table.rows if is_meant(row)]
        wanted = validated(type(table)(table.columns, tuple(meant)), (CONVERT,), [jobs.check])
        found_jobs = [jobs.found[row.cells["file"]] for row in wanted.rows]
        if request.undo:
            backups = Backups(folder if request.failsafe else None, folder)
            return run_undo(workspace, screen, wanted, found_jobs, processed, backups, dryrun=request.dryrun)
        guards.check_removals(len(wanted.rows), workspace.settings.move_limit, yes=request.yes)
        if request.dryrun:
            report = screen.report(workspace.progress, dry=True, **WORDS)
            return _dry(report, folder, found_jobs, lambda: wanted.tell(report, "replace"))
        with (
            converter(workspace) as films,
            processed,
            session(workspace, screen, "reingest replace-archived-media", WORDS, report=to_text(str(request.report))) as run,
            _failsafe(folder) as failsafe,
        ):
            work = _Work(run, films, failsafe, processed, locations, request)

            def all_rows() -> None:
                wanted.tell(run.report, "replace")
                work.rows(found_jobs)

            return run.work(all_rows)


def _dry(report: Report, folder: Path, jobs: Sequence[Job], tell: Any) -> int:
    tell()
    failsafe = LocalStore(FAILSAFE, folder, managed=False)
    for job in jobs:
        backed_up = folder.is_dir() and backup_of(failsafe, job) is not None
        plan = plan_replacement(found(job, job.located.store, backed_up=backed_up))
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
        let_go(store)


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
        done = {j.file for j in jobs if self._status(j) == SUCCESS and self._is_there(j)}
        self.processed.begin()
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
            outcome = self._replace(job)
        except (StoreFull, StoreUnavailable) as error:
            self._failed(job, error)
            raise
        except (StoreError, MediaError, OSError) as error:
            self._failed(job, error)
            return
        self.run.journal.done("replace", path=job.file, hash=job.original, rendition=job.rendition)
        self.processed.add(job.row, **outcome)
        saved = max(0, int(outcome["source_file_size"]) - int(outcome["converted_file_size"]))
        told = Outcome("replace", job.file, "replaced", job.located.store.name, job.target, job.original, stored=saved)
        self.run.report.add(told)

    def _failed(self, job: Job, error: Exception) -> None:
        self.run.journal.failed("replace", path=job.file, reason=str(error))
        earlier = self.processed.earlier.get(job.file, {})  # where its backup lies must not be forgotten
        kept = {name: earlier.get(name, "") for name in ADDED}
        status = f"ERROR: {type(error).__name__}: {error}"
        self.processed.add(job.row, **{**kept, "replacement_status": status, "run": self.run.run})
        self.run.report.add(Outcome("replace", job.file, "failed", hash=job.original, reason=str(error)))

    def _place(self, job: Job) -> Place:
        if job.located.is_catalog:
            return _CatalogPlace(self.run, job.located.store, self.locations.stores)
        return FolderPlace(Path(from_text(job.located.store.place)))

    def _replace(self, job: Job) -> dict[str, str]:
        """Take the steps that are left; the cells of the outcome. Where one fails, all is as it was before."""
        place = self._place(job)
        with contextlib.ExitStack() as stack:
            if isinstance(place, FolderPlace):
                stack.callback(place.close)
            place.look(job)
            plan = plan_replacement(found(job, place.store, backed_up=backup_of(self.failsafe, job) is not None))
            if plan.problem:
                raise ConversionFailed(plan.problem)
            self._steps(job, place, plan)
            place.settle(job)
            there, kept = place.store.stat(job.target), backup_of(self.failsafe, job)
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
        if backup_of(self.failsafe, job) is not None:
            return
        entry = place.store.stat(job.path)
        assert entry is not None
        number = next(n for n in itertools.count() if self.failsafe.stat(backup_name(job, n)) is None)
        with place.store.open(job.path) as stream:
            self.failsafe.put(backup_name(job, number), stream, entry.size, entry.mtime_ns, job.original)
        self.failsafe.settle([backup_name(job, number)])

    def _check(self, job: Job, place: Place) -> None:
        """The converted file once more, beside its source: content, streams, durations, every packet, gain."""
        kept = backup_of(self.failsafe, job)
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
        kept = backup_of(self.failsafe, job)
        if kept is None or self.failsafe.checksum(kept.path, anew=True) != job.original:
            raise ConversionFailed("its backup is not what it should be")
        if place.store.checksum(job.target) != job.rendition:
            raise ConversionFailed("the file that was put in its place is not what it should be")


def _put(store: ManagedStore, job: Job) -> None:
    """The converted file at its place, verified; never over another."""
    status = job.staged.stat()
    with job.staged.open("rb") as stream:
        store.put(job.target, stream, status.st_size, status.st_mtime_ns, job.rendition)
    store.settle([job.target])


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
