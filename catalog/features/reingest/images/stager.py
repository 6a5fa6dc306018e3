"""How photos are handed over: what becomes of each row, and the verified copy in the staging
folder."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

from catalog.domain.asset import Entry
from catalog.domain.fixity import content_hash
from catalog.domain.spreadsheets import Row
from catalog.errors import (
    FixityMismatch,
    Interrupted,
    MediaError,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from catalog.features.reingest.dates import parse_row_date
from catalog.features.reingest.handover import StagedFile, hand_over
from catalog.features.reingest.handover_work import Processing
from catalog.features.reingest.images import plan
from catalog.features.reingest.images.date_writer import DateWriter
from catalog.features.reingest.images.plan import StagePhoto, states_date
from catalog.features.reingest.row_state import (
    HAND_OVER,
    Dated,
    LeftRow,
    RowState,
    is_skipped,
    stem,
)
from catalog.features.reingest.rows import CHANGED, hash_file, leave
from catalog.features.reingest.staging import Staging
from catalog.work.outcome import Outcome
from catalog.work.session import Session


class PhotoStager:
    """How photos are handed over.

    `again`: what was handed over and is no longer staged is staged once more. `write_dates`: the
    date of a row is written into its copy, where the picture does not state it.
    """

    def __init__(self, processing: Processing, *, write_dates: bool, again: bool) -> None:
        self._processing = processing
        self._again = again
        self._pictures = DateWriter(write_dates)
        self._digests: dict[str, str] = {}

    def digest(self, row: Row) -> str:
        """As evaluated, else read now."""
        file = row.cells["file"]
        if not is_skipped(row) and file not in self._digests:
            with contextlib.suppress(StoreError):
                self._digests[file] = hash_file(row, self._processing.files[file][0])
        return self._digests.get(file, "")

    def is_told(self, row: Row) -> bool:
        """Whether what an earlier run said of a row is still true."""
        return not is_skipped(row) and plan.is_told(self._standing(row))

    def _standing(self, row: Row) -> RowState:
        known, digest = self._processing.known, self.digest(row)
        earlier, before = self._processing.processed.earlier.get(row.cells["file"], {}), None
        with contextlib.suppress(ValueError):
            before = parse_row_date(Row(row.line, earlier, order=row.order))
        is_staged = known.lies_staged(digest)
        return RowState(
            row,
            parse_row_date(row),
            before,
            earlier,
            known.records.get(digest),
            is_staged,
            self._again,
        )

    # --- plan -------------------------------------------------------------------------------------

    def plan(self, row: Row) -> LeftRow | StagePhoto:
        """What is to be done with a row, or why nothing is."""
        if is_skipped(row):
            return plan.skip(row)
        standing = self._standing(row)
        if plan.is_handed_over(standing):
            return plan.leave(standing, plan.amendment(standing) or self._missing_date(standing))
        try:
            return self._staged(row, standing.when)
        except (StoreFull, StoreUnavailable, Interrupted):
            raise
        except (StoreError, MediaError, OSError) as error:
            return plan.fail(row, self._reason(row, error))

    def _missing_date(self, standing: RowState) -> str:
        """Why the copy that was handed over lacks the date of its row, or ""."""
        if not plan.may_lack_date(standing, write_dates=self._pictures.write_dates):
            return ""
        row = standing.row
        try:
            lacks = self._pictures.lacks_date(
                *self._processing.files[row.cells["file"]], self.digest(row), standing.when
            )
        except (StoreError, MediaError, OSError) as error:
            return str(error)
        return plan.lacks_date(standing) if lacks else ""

    def _staged(self, row: Row, when: Dated) -> StagePhoto:
        located, entry = self._processing.files[row.cells["file"]]
        digest = self.digest(row) or hash_file(row, located)
        is_looked_into = when.wall is not None and (
            self._pictures.write_dates or not states_date(row, when)
        )
        staged, size = digest, entry.size
        if is_looked_into:
            data = self._pictures.dated(located, entry, digest, when)
            staged, size = content_hash(data), len(data)
        name = stem(when.wall, entry.name)
        target = self._processing.names.first(name, entry.name, size, staged)
        return StagePhoto(
            row,
            digest,
            name,
            target,
            size,
            staged,
            self._mtime(row, entry.mtime_ns, when),
            is_looked_into,
        )

    def _mtime(self, row: Row, mtime_ns: int, when: Dated) -> int:
        """The time of the copy: the row's date, unless that is the time of the source, or a date
        within it."""
        if (
            when.wall is None
            or states_date(row, when)
            or (row.get("source") == "mtime" and not when.edited)
        ):
            return mtime_ns
        offset = when.offset if when.offset is not None else self._offset_at_home(when.wall)
        utc = (when.wall - timedelta(minutes=offset)).replace(tzinfo=UTC)
        return int((utc - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000_000

    def _offset_at_home(self, wall: datetime) -> int:
        """Minutes east of UTC that clocks at home showed; the zone is asked by UTC, which a first
        guess gives."""
        zone, gazetteer = (
            self._processing.workspace.home_zone,
            self._processing.workspace.gazetteer,
        )
        guess = gazetteer.offset_at(zone, wall) or 0
        return gazetteer.offset_at(zone, wall - timedelta(minutes=guess)) or 0

    def foresee(self, action: StagePhoto) -> Outcome:
        """What is told of a photo that is only shown."""
        self._processing.names.foresee(action.target, action.staged)
        self._processing.known.foresee(_given(action, action.target, action.size))
        return _outcome(action, "planned", action.target, action.size)

    # --- apply ------------------------------------------------------------------------------------

    def stage(self, run: Session, staging: Staging, action: StagePhoto) -> None:
        """Stage a photo, record that, and tell it in the report's progress."""
        run.journal.started(HAND_OVER, path=action.key, line=action.row.line)
        try:
            there = self._put(staging, action)
            given = _given(action, there.path, there.size)
            self._processing.known.records[action.hash] = hand_over(
                run, staging, self._processing.known.target, given
            )
        except (StoreFull, StoreUnavailable, Interrupted):
            raise
        except (StoreError, MediaError, OSError) as error:
            reason = self._reason(action.row, error)
            run.journal.failed(HAND_OVER, path=action.key, reason=reason)
            leave(plan.fail(action.row, reason), self._processing.processed, run.report)
            return
        self._processing.processed.add(
            action.row, processed=there.path, processed_hash=action.staged
        )
        run.journal.done(HAND_OVER, path=action.key, target=there.path, hash=action.hash)
        run.report.add(_outcome(action, "staged", there.path, there.size))

    def _put(self, staging: Staging, action: StagePhoto) -> Entry:
        located, entry = self._processing.files[action.key]
        if action.is_looked_into:
            data = self._pictures.dated(located, entry, action.hash, parse_row_date(action.row))
            return staging.put_bytes(action.stem, entry.name, data, action.mtime_ns)
        with located.store.open(located.path) as stream:
            return staging.put(
                action.stem, entry.name, stream, action.size, action.mtime_ns, action.hash
            )

    def _reason(self, row: Row, error: Exception) -> str:
        """Why a photo cannot be staged: where its content is another than it was, that is why."""
        located, _entry = self._processing.files[row.cells["file"]]
        if isinstance(error, FixityMismatch):
            with contextlib.suppress(StoreError):
                return (
                    str(error)
                    if located.store.checksum(located.path) == self.digest(row)
                    else CHANGED
                )
            return CHANGED
        return str(error)


def _given(action: StagePhoto, name: str, size: int) -> StagedFile:
    return StagedFile(action.hash, "image", action.key, name, action.staged, size)


def _outcome(action: StagePhoto, outcome: str, target: str, size: int) -> Outcome:
    return Outcome(
        action.name, action.key, outcome, target=target, hash=action.hash, size=size, stored=size
    )
