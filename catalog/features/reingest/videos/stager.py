"""How videos are handed over: what becomes of each row, and the copied or converted file in the
staging folder."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from catalog.domain.asset import Entry
from catalog.domain.capture_time import CaptureTime
from catalog.domain.filetypes import HEAD_BYTES, matches_extension, recognise
from catalog.domain.names import from_text
from catalog.domain.spreadsheets import Row
from catalog.errors import (
    AlreadyExists,
    ConversionFailed,
    Interrupted,
    MediaError,
    StoreError,
    StoreFull,
)
from catalog.features.reingest.handover import StagedFile, hand_over
from catalog.features.reingest.handover_work import Processing
from catalog.features.reingest.locations import Located
from catalog.features.reingest.plan import CONVERT, MOVE
from catalog.features.reingest.row_state import Dated, LeftRow, RowState, is_skipped, stem
from catalog.features.reingest.rows import CHANGED, hash_file, leave
from catalog.features.reingest.staging import Staging, names_of
from catalog.features.reingest.videos import plan
from catalog.features.reingest.videos.converter import Converter, Made, Wish
from catalog.features.reingest.videos.dates import Home, film_date
from catalog.features.reingest.videos.plan import SUCCESS, StageVideo, row_needs
from catalog.features.reingest.videos.reports import with_document
from catalog.index.handovers import Handovers, staged_path
from catalog.index.repository import Repository
from catalog.stores.scratch import Scratch
from catalog.work.outcome import Outcome
from catalog.work.session import Session
from catalog.work.staging_marker import identity_of

MADE = "made.mov"
"""What a converted file is called until it has its name."""


@dataclass
class VideoStager:
    """How videos are handed over: `converter` converts, `home` gives the offset at home.

    `larger`: converted files may be larger than their sources. `again`: what is no longer staged is
    staged once more.
    """

    processing: Processing
    converter: Converter
    home: Home
    larger: bool
    again: bool
    _taken: set[str] = field(default_factory=set)

    def digest(self, row: Row) -> str:
        """As evaluated: a video is not read to know what was handed over."""
        return row.get("hash").lower()

    def is_told(self, row: Row) -> bool:
        """Whether what an earlier run said of a row is still true."""
        return not is_skipped(row) and plan.is_told(self._standing(row))

    def _standing(self, row: Row) -> RowState:
        known, digest = self.processing.known, self.digest(row)
        earlier, before = self.processing.processed.earlier.get(row.cells["file"], {}), None
        with contextlib.suppress(ValueError):
            before = film_date(Row(row.line, earlier, order=row.order), self.home)
        record, is_staged = known.records.get(digest), known.lies_staged(digest)
        return RowState(
            row, film_date(row, self.home), before, earlier, record, is_staged, self.again
        )

    # --- plan -------------------------------------------------------------------------------------

    def plan(self, row: Row) -> LeftRow | StageVideo:
        """What is to be done with a row, or why nothing is."""
        if is_skipped(row):
            return plan.skip(row)
        standing = self._standing(row)
        if standing.record is not None and plan.is_handed_over(standing):
            return plan.leave(standing, plan.amendment(standing), staged_path(standing.record))
        try:
            return self._staged(row, standing.when)
        except Interrupted:
            raise
        except (StoreError, MediaError, OSError) as error:
            return plan.fail(row, str(error), type(error).__name__)

    def _staged(self, row: Row, when: Dated) -> StageVideo:
        located, entry = self.processing.files[row.cells["file"]]
        digest, name = hash_file(row, located), stem(when.wall, entry.name)
        if row.get("action").lower() == MOVE:
            original = _named_by_content(located, entry)
            target = self.processing.names.first(name, original, entry.size, digest)
            return StageVideo(row, digest, name, target, entry.size, False, original)
        if located.system_path is None:
            raise ConversionFailed("it lies far away: copy it to a folder of this machine")
        action = StageVideo(row, digest, name, "", entry.size, True, MADE)
        return self._named(action, self.processing.repository)

    def _named(self, action: StageVideo, repository: Repository | None) -> StageVideo:
        """A conversion with the first free name, or that of the file which a run that was killed
        had made of this very video.

        Such a file is nobody's by the records, has a name that fits, and passes every check.
        """
        names, wish, others = self.processing.names, None, self._taken
        for name in names_of(action.stem, MADE):
            if names.is_free(name):
                return replace(action, target=name)
            if wish is None:
                others = self._taken | self._claimed(repository)
                wish = self._wish(action, repository)
            if name in others:
                continue
            with contextlib.suppress(MediaError):
                made = self.converter.check_made(wish, self.processing.folder / from_text(name))
                return replace(action, target=name, made=(made.facts.hash, made.facts.size))
        raise AssertionError("there are more numbers than files")

    def _claimed(self, repository: Repository | None) -> set[str]:
        """The names in the staging folder that records speak of."""
        identity = identity_of(self.processing.folder)
        records = Handovers(repository).all() if repository is not None else ()
        return {record["name"] for record in records if record.get("staging") == identity}

    def foresee(self, action: StageVideo) -> Outcome:
        """What is told of a video that is only shown."""
        self._taken.add(action.target)
        self.processing.names.foresee(action.target, "" if action.is_converted else action.hash)
        stored = 0 if action.is_converted else action.size
        reason = CONVERT if action.is_converted else MOVE
        return _outcome(action, "planned", action.target, stored, reason)

    # --- apply ------------------------------------------------------------------------------------

    def stage(self, run: Session, staging: Staging, action: StageVideo) -> None:
        """Stage a video, record that, and tell it in the report's progress."""
        run.journal.started("stage", source=action.key)
        try:
            name, staged, size = self._put(run, staging, action)
            self._taken.add(name)
            hand_over(
                run,
                staging,
                self.processing.known.target,
                StagedFile(action.hash, "video", action.key, name, staged, size),
            )
        except Interrupted:
            raise
        except (MediaError, StoreError, OSError) as error:
            run.journal.failed("stage", source=action.key, reason=str(error))
            leave(
                plan.fail(action.row, str(error), type(error).__name__),
                self.processing.processed,
                run.report,
            )
            if isinstance(error, StoreFull):
                raise
            return
        run.journal.done("stage", source=action.key, path=name)
        derived = {
            "derived_file": f"{staging.text}/{name}",
            "derived_hash": staged,
            "derived_size": str(size),
        }
        self.processing.processed.add(action.row, processing_status=SUCCESS, **derived)
        run.report.add(
            _outcome(action, "converted" if action.is_converted else "copied", name, size)
        )

    def _put(self, run: Session, staging: Staging, action: StageVideo) -> tuple[str, str, int]:
        """Bring a file into the staging folder; its name there, content hash, and size."""
        located, entry = self.processing.files[action.key]
        if not action.is_converted:
            with located.store.open(located.path) as stream:
                there = staging.put(
                    action.stem, action.original, stream, entry.size, entry.mtime_ns, action.hash
                )
            return there.path, action.hash, there.size
        if action.made is not None and staging.holds(action.target, action.made[1], action.made[0]):
            return action.target, *action.made
        wish = self._wish(action, run.repository)
        with staging.store.scratch() as scratch:
            made = self.converter.convert(wish, scratch.path / MADE)
            name = _placed(staging, action.stem, made, scratch)
        return name, made.facts.hash, made.facts.size

    def _wish(self, action: StageVideo, repository: Repository | None) -> Wish:
        """What is to be made of a video. Raises ConversionFailed where its content changed."""
        located, _entry = self.processing.files[action.key]
        source, root = Path(located.system_path or ""), os.fspath(located.store.folder or "")
        facts = self.converter.facts(source, root)
        if facts.hash != action.hash:
            raise ConversionFailed(CHANGED)
        when = film_date(action.row, self.home)
        captured = CaptureTime(when.wall, "person", "high", when.offset) if when.wall else None
        needs = row_needs(self.converter.streams(source, root=root), action.row.cells)
        found = (
            repository.documents([facts.hash]).get(facts.hash) if repository is not None else None
        )
        said = with_document(facts, found[0]) if found else facts
        return Wish(source, root, said, captured, needs, self.larger)


def _named_by_content(located: Located, entry: Entry) -> str:
    """A name for a video whose extension fits what it is."""
    with located.store.open(located.path) as stream:
        filetype = recognise(stream.read(HEAD_BYTES), entry.name)
    is_right = filetype is None or matches_extension(filetype, entry.name)
    return entry.name if filetype is None or is_right else f"x.{filetype.extensions[0]}"


def _placed(staging: Staging, name: str, made: Made, scratch: Scratch) -> str:
    """Give a converted file the first free name; the same content under one of these names is the
    file itself."""
    for target in names_of(name, MADE):
        if staging.holds(target, made.facts.size, made.facts.hash):
            return target
        try:
            staging.store.place(scratch, made.path.name, target)
        except AlreadyExists:
            continue
        staging.store.settle([target])
        return target
    raise AssertionError("there are more numbers than files")


def _outcome(
    action: StageVideo, outcome: str, target: str, stored: int, reason: str = ""
) -> Outcome:
    return Outcome(
        action.name,
        action.key,
        outcome,
        "staging",
        target,
        action.hash,
        reason,
        action.size,
        stored,
    )
