"""Replacements in folders taken back: what is to be done follows from what lies where, and from no word of a report."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from catalog.cli.console import Screen
from catalog.domain.asset import Entry
from catalog.domain.names import from_text, to_text
from catalog.errors import ConversionFailed, MediaError, StoreError, StoreFull, StoreUnavailable
from catalog.features.reingest.replacement.folder import FolderPlace, let_go
from catalog.features.reingest.replacement.jobs import ADDED, FAILSAFE, UNDONE, WORDS, Job, backup_of, content_at, found
from catalog.features.reingest.replacement.plan import NOTHING, ORIGINAL, Undoing, plan_undo
from catalog.features.reingest.tables import Processed, Validated
from catalog.features.reingest.videos.run import SUCCESS
from catalog.stores.local import LocalStore
from catalog.work.report import Outcome, Report
from catalog.work.session import Session, session
from catalog.work.workspace import Workspace

UNDO = "undo"


def run_undo(
    workspace: Workspace, screen: Screen, wanted: Validated, jobs: Sequence[Job], processed: Processed, backups: Backups,
    *, dryrun: bool,
) -> int:  # fmt: skip
    """Bring the originals of jobs back, or say what would be; the exit status."""
    if dryrun:
        report = screen.report(workspace.progress, dry=True, **WORDS)
        wanted.tell(report, UNDO)
        for job in jobs:
            _plan(job, backups, processed.earlier.get(job.file, {}), report)
        report.finish()
        return report.exit_code()
    with (
        processed,
        session(workspace, screen, "reingest replace-archived-media", WORDS, report=to_text(str(processed.report))) as run,
        contextlib.closing(backups),
    ):
        work = _Work(run, processed, backups)

        def all_rows() -> None:
            wanted.tell(run.report, UNDO)
            work.rows(jobs)

        return run.work(all_rows)


@dataclass(slots=True)
class Backups:
    """The failsafe folders: the one that a person names (`named`), else those that the report tells of, else `default`.

    None of them is made here.
    """

    named: Path | None
    default: Path
    _stores: dict[Path, LocalStore] = field(default_factory=dict)

    def folder(self, earlier: Mapping[str, str]) -> Path:
        """Where the backup of a row should lie."""
        told = earlier.get("failsafe_backup_path", "")
        return self.named or (Path(from_text(told)).parent if told.startswith("/") else self.default)

    def find(self, job: Job, earlier: Mapping[str, str]) -> tuple[LocalStore, Entry] | None:
        """The backup of an original, its content proved, and the store it is in; None where there is none."""
        folder = self.folder(earlier)
        if not folder.is_dir():
            return None
        store = self._stores.setdefault(folder, LocalStore(FAILSAFE, folder))
        name = earlier.get("failsafe_backup_path", "").rpartition("/")[2]
        there = store.stat(name) if name else None
        if there is None or there.problem or store.checksum(name) != job.original:
            there = backup_of(store, job)
        return None if there is None else (store, there)

    def close(self) -> None:
        """Leave nothing of a run in the folders."""
        for store in self._stores.values():
            let_go(store)


@contextlib.contextmanager
def _opened(job: Job) -> Iterator[FolderPlace]:
    """The folder of a job."""
    with contextlib.closing(FolderPlace(Path(from_text(job.located.store.place)))) as place:
        yield place


def _undoing(job: Job, place: FolderPlace, kept: object, folder: Path) -> Undoing:
    plan = plan_undo(found(job, place.store, backed_up=kept is not None), waiting=place.waits(job))
    if plan.problem and kept is None and content_at(place.store, job.path, job) == NOTHING:
        return Undoing(problem=f"its backup is not in {folder}: is it mounted? --failsafe names another folder")
    return plan


def _check_no_store(job: Job, earlier: Mapping[str, str]) -> None:
    if job.located.is_catalog:
        run = earlier.get("run") or "RUN"
        raise ConversionFailed("it lies in a store of the catalog", hint=f"`catalog undo {run}` brings it back.")


def _plan(job: Job, backups: Backups, earlier: Mapping[str, str], report: Report) -> None:
    """Tell what would be done with a row."""
    try:
        _check_no_store(job, earlier)
        place = FolderPlace(Path(from_text(job.located.store.place)))
        plan = _undoing(job, place, backups.find(job, earlier), backups.folder(earlier))
    except (StoreError, MediaError, OSError) as error:
        plan = Undoing(problem=str(error))
    outcome = "failed" if plan.problem else "planned" if plan.is_needed else "already"
    report.add(Outcome(UNDO, job.file, outcome, job.located.store.name, job.path, job.original, plan.problem))


@dataclass(frozen=True)
class _Work:
    """One run over the rows. A row that fails is told, and changes nothing of what the report says of it."""

    run: Session
    processed: Processed
    backups: Backups

    def rows(self, jobs: Sequence[Job]) -> None:
        """Take back each."""
        self.processed.begin()
        self.run.workspace.progress.files(len(jobs))
        for job in jobs:
            self._one(job, self.processed.earlier.get(job.file, {}))
            self.run.workspace.progress.advance()

    def _one(self, job: Job, earlier: Mapping[str, str]) -> None:
        self.run.journal.started(UNDO, path=job.file, hash=job.original, rendition=job.rendition)
        try:
            is_undone = self._take_back(job, earlier)
        except (StoreError, MediaError, OSError) as error:
            self.run.journal.failed(UNDO, path=job.file, reason=str(error))
            self.run.report.add(Outcome(UNDO, job.file, "failed", hash=job.original, reason=str(error)))
            if isinstance(error, StoreFull | StoreUnavailable):
                raise
            return
        self.run.journal.done(UNDO, path=job.file, hash=job.original, rendition=job.rendition)
        if is_undone or earlier.get("replacement_status") == SUCCESS:
            kept = {name: earlier.get(name, "") for name in ADDED}
            self.processed.add(job.row, **{**kept, "replacement_status": UNDONE, "run": self.run.run})
        outcome = "undone" if is_undone else "already"
        self.run.report.add(Outcome(UNDO, job.file, outcome, job.located.store.name, job.path, job.original))

    def _take_back(self, job: Job, earlier: Mapping[str, str]) -> bool:
        """The converted file goes to the failsafe folder, the original comes back; whether there was anything to do."""
        _check_no_store(job, earlier)
        with _opened(job) as place:
            kept = self.backups.find(job, earlier)
            plan = _undoing(job, place, kept, self.backups.folder(earlier))
            if plan.problem:
                raise ConversionFailed(plan.problem)
            if not plan.is_needed or kept is None:
                return False
            place.swap_back(job, *kept)
            if content_at(place.store, job.path, job) != ORIGINAL:
                raise ConversionFailed("the original that was put back is not what it should be")
        return True
