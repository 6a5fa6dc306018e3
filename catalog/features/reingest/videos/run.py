"""Bringing videos into the staging folder as a report says: copied where they are fit, converted where they are not."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from catalog.cli.console import Screen
from catalog.domain.asset import Entry, Facts
from catalog.domain.capture_time import CaptureTime, parse_date
from catalog.domain.filetypes import HEAD_BYTES, matches_extension, recognise
from catalog.domain.layout import file_name
from catalog.domain.names import from_text, to_text
from catalog.domain.spreadsheets import Row, read_proof_date
from catalog.errors import AlreadyExists, ConversionFailed, MediaError, StoreError, StoreFull
from catalog.features.reingest import staging as stagings
from catalog.features.reingest.archive import Located, Locations, catalog_of
from catalog.features.reingest.handover import Given, hand_over, lies_staged, told_already
from catalog.features.reingest.images.plan import CONVERT, MOVE, SKIP
from catalog.features.reingest.processing import (
    Dated,
    Sources,
    amend_hint,
    dated,
    done_before,
    edited_since,
    folders_of,
    hashed,
    is_as_proposed,
    offset_of,
    was_overruled,
)
from catalog.features.reingest.staging import Staging
from catalog.features.reingest.tables import Processed, Validated, read_table, validated
from catalog.features.reingest.videos.converter import Converter, Made, Wish, converter
from catalog.features.reingest.videos.plan import is_copied_along, is_one, row_needs, utc_text
from catalog.features.reingest.videos.reports import ALL, NEEDED, described
from catalog.index.handovers import Handovers, Record, staged_path
from catalog.stores.placing import place_without_overwriting
from catalog.stores.scratch import claim_scratch, release_scratch
from catalog.work.report import Outcome, Report
from catalog.work.session import Session, session
from catalog.work.workspace import Workspace

SUCCESS = "SUCCESS"
ENCODED = ("video_codec_needed", "audio_codec_needed")
"""Columns by which a person has more encoded than must be."""
UTC_FORM = "write it as 2019-07-12T16:30:15Z"
ADDED = ("derived_file", "processing_status", "derived_hash", "derived_size", "overwrite")
"""Columns of the processed report. `overwrite` is for a person: 1 where the archive shall have the converted file."""
WORDS = {"outcomes": ("copied", "converted", "already", "skipped", "refused", "failed"), "always": ("copied", "converted"),
         "done": "staged"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ProcessRequest:
    """What the command line asks for. `larger`: converted files may be larger than their sources.

    `again`: what was handed over and is no longer staged is staged once more.
    """

    report: Path
    staging: str
    larger: bool = False
    dryrun: bool = False
    again: bool = False


def run_process(workspace: Workspace, request: ProcessRequest, screen: Screen) -> int:
    """Do what each row of the report says; the exit status. The archive is only read."""
    table = read_table(request.report, NEEDED, (*ALL, *ADDED))
    folder = stagings.checked_folder(request.staging)
    repository = catalog_of(workspace)
    locations = Locations(workspace, repository)
    with contextlib.closing(locations):
        sources = Sources(locations)
        home = partial(_home_offset, workspace)
        good = validated(table, (SKIP, MOVE, CONVERT), [sources.check, partial(row_problem, home=home)])
        stagings.check_apart(folder, folders_of(table), repository)
        if request.dryrun:
            return _dry(screen.report(workspace.progress, dry=True, **WORDS), good, home)
        with (
            converter(workspace) as films,
            Processed(request.report, table.columns, ADDED) as processed,
            stagings.opened(folder) as staging,
            session(workspace, screen, "reingest process-videos", WORDS, report=to_text(str(request.report))) as run,
        ):
            work = _Work(run, films, staging, processed, sources, request.larger, home, again=request.again)

            def all_rows() -> None:
                good.tell(run.report, "hand over")
                work.rows(good.rows)

            return run.work(all_rows)


def _dry(report: Report, good: Validated, home: Any) -> int:
    good.tell(report, "hand over")
    for row in good.rows:
        action = row.get("action").lower()
        if action != SKIP:
            name = stagings.stem(film_date(row, home).wall, row.cells["file"].rpartition("/")[2])
            report.add(Outcome("hand over", row.cells["file"], "planned", target=name, reason=action))
    report.finish()
    return report.exit_code()


def film_date(row: Row, home: Any) -> Dated:
    """The date of a row: as proposed, or as a person changed it in `datetime` (wall clock) or `creation_time` (UTC).

    `home` gives the offset at home (minutes) at a moment of UTC. Raises ValueError with the reason.
    """
    found, text = dated(row), row.get("creation_time")
    proposed = read_proof_date(row.get("taken"))
    offset = offset_of(row)
    if not text or text == utc_text(proposed, offset):
        return found
    if proposed and is_as_proposed(row, "creation_time", _utc(proposed, offset), UTC_FORM):
        return found
    parsed = parse_date(text)
    if parsed is None:
        raise ValueError(f"its creation_time {text} cannot be understood: {UTC_FORM}")
    if found.edited and row.get("datetime"):
        raise ValueError(
            "its datetime or offset and its creation_time were both changed: empty the creation_time, or change it alone"
        )
    wall, stated, _has_time = parsed
    if stated is None:
        return Dated(wall, None, edited=True)
    if stated == 0:
        stated = offset if offset is not None else home(wall)
        wall += timedelta(minutes=stated)
    return Dated(wall, stated, edited=proposed is not None)


def _utc(wall: datetime, offset: int | None) -> datetime:
    return wall - timedelta(minutes=offset or 0)


def _home_offset(workspace: Workspace, utc: datetime) -> int:
    return workspace.gazetteer.offset_at(workspace.settings.home_zone, utc) or 0


def row_problem(row: Row, home: Any) -> str:
    """Why what a row says cannot be done, or ""."""
    action = row.get("action").lower()
    if action == SKIP:
        return ""
    try:
        found = film_date(row, home)
    except ValueError as error:
        return str(error)
    if action == MOVE and found.edited:
        return "its date was changed, and can be written into a converted copy only: set its action to convert"
    if action == MOVE and found.wall is not None and not is_copied_along(row.get("source")):
        told = row.get("source") or "of the report"
        return f"its date ({told}) is not in the file, and can be written into a converted copy only: set its action to convert"
    for column in ENCODED:
        if row.get(column) not in ("", "0", "1", "0.0", "1.0"):
            return f"its {column} is {row.get(column)}, and not 0 or 1"
    return ""


@dataclass(frozen=True)
class _Work:
    """The rows of one run. `films` converts, `home` gives the offset at home."""

    run: Session
    films: Converter
    staging: Staging
    processed: Processed
    sources: Sources
    larger: bool
    home: Any
    again: bool = False

    @property
    def target(self) -> str:
        """The cloud."""
        return self.run.workspace.settings.reingest_target

    def rows(self, rows: Sequence[Row]) -> None:
        """Do each row, and say what became of it before the next one."""
        known = done_before(rows, Handovers(self.run.repository), self.target)
        done = {r.cells["file"] for r in rows if self._is_done(r, known)}
        self.processed.begin(r.cells["file"] for r in rows if r.cells["file"] not in done)
        self.run.workspace.progress.files(len(rows))
        for row in rows:
            if row.cells["file"] in done:
                problem = self._edited_since(row, known[row.get("hash").lower()])
                word, reason = ("failed", problem) if problem else ("already", self._why_gone(row, known))
                self.run.report.add(Outcome("hand over", row.cells["file"], word, reason=reason, size=0))
            else:
                self._row(row, known)
            self.run.workspace.progress.advance()

    def _is_done(self, row: Row, known: Mapping[str, Any]) -> bool:
        """Whether an earlier run has handed the content of a row over: so it says, and so does the index."""
        earlier = self.processed.earlier.get(row.cells["file"], {})
        same = earlier.get("action", "") == row.cells.get("action", "")
        digest = earlier.get("hash", "").lower()
        if digest in known and self._is_wanted_again(known[digest]):
            return False
        return same and earlier.get("processing_status") == SUCCESS and digest in known

    def _is_wanted_again(self, record: Record) -> bool:
        return self.again and not lies_staged(record)

    def _why_gone(self, row: Row, known: Mapping[str, Any]) -> str:
        record = known[self.processed.earlier[row.cells["file"]]["hash"].lower()]
        return "" if lies_staged(record) else told_already(record)

    def _edited_since(self, row: Row, record: Record) -> str:
        """Why what was handed over is not what a row asks for now, or ""."""
        if row.get("action").lower() == SKIP:
            return ""
        earlier = Row(row.line, self.processed.earlier.get(row.cells["file"], {}), order=row.order)
        was_copied, own = record["staged"] == record["hash"], record.get("source") == row.cells["file"]
        if own and was_copied != (row.get("action").lower() == MOVE):
            return amend_hint(record, "its action was changed since")
        if earlier.get("processing_status") != SUCCESS:
            return edited_since(row, film_date(row, self.home), record, None)
        if any(is_one(row.get(column)) != is_one(earlier.get(column)) for column in ENCODED):
            return amend_hint(record, "what is to be encoded was changed since")
        before = None
        with contextlib.suppress(ValueError):
            before = film_date(earlier, self.home)
        return edited_since(row, film_date(row, self.home), record, before)

    def _row(self, row: Row, known: Mapping[str, Any]) -> None:
        file, action = row.cells["file"], row.get("action").lower()
        if action == SKIP:
            self._tell(row, "skipped", row.get("reason"), f"SKIPPED: {row.get('reason') or 'a person said so'}")
            return
        record = known.get(row.get("hash").lower())
        if record and not was_overruled(row) and not self._is_wanted_again(record):
            if problem := self._edited_since(row, record):
                self._tell(row, "failed", problem, f"ERROR: {problem}")
            else:
                self._handed_over(row, record)
            return
        self.run.journal.started("stage", source=file)
        try:
            name, staged, size = self._staged(row, action)
        except StoreFull as error:
            self._failed(row, error)
            raise
        except (MediaError, StoreError, OSError) as error:
            self._failed(row, error)
            return
        self.run.journal.done("stage", source=file, path=name)
        outcome = {"derived_file": f"{self.staging.text}/{name}", "derived_hash": staged, "derived_size": str(size)}
        self.processed.add(row, processing_status=SUCCESS, **outcome)
        word = "copied" if action == MOVE else "converted"
        told = Outcome("hand over", file, word, "staging", name, row.get("hash"), size=int(row.get("size") or 0), stored=size)
        self.run.report.add(told)

    def _handed_over(self, row: Row, record: Record) -> None:
        """The cloud has it, by another report, or by a run that was killed before it could say so in this one."""
        outcome = {"derived_hash": record["staged"], "derived_size": str(record["size"])}
        self.processed.add(row, processing_status=SUCCESS, derived_file=staged_path(record), **outcome)
        self.run.report.add(Outcome("hand over", row.cells["file"], "already", hash=record["hash"], reason=told_already(record)))

    def _failed(self, row: Row, error: Exception) -> None:
        self.run.journal.failed("stage", source=row.cells["file"], reason=str(error))
        self._tell(row, "failed", str(error), f"ERROR: {type(error).__name__}: {error}")

    def _tell(self, row: Row, outcome: str, reason: str, status: str) -> None:
        self.processed.add(row, processing_status=status)
        self.run.report.add(Outcome("hand over", row.cells["file"], outcome, hash=row.get("hash"), reason=reason))

    def _staged(self, row: Row, action: str) -> tuple[str, str, int]:
        """Bring the file of a row into the staging folder and record that; its name there, content hash, and size."""
        located, entry = self.sources.found[row.cells["file"]]
        digest = hashed(row, located)
        date = film_date(row, self.home)
        wanted = stagings.stem(date.wall, to_text(Path(from_text(entry.name)).name))
        if action == MOVE:
            there = self._copied(located, entry, wanted, digest)
            name, staged, size = there.path, digest, there.size
        else:
            name, staged, size = self._converted(row, located, wanted, date, digest)
        hand_over(self.run, self.staging, self.target, Given(digest, "video", row.cells["file"], name, staged, size))
        return name, staged, size

    def _copied(self, located: Located, entry: Entry, wanted: str, digest: str) -> Entry:
        with located.store.open(located.path) as stream:
            filetype = recognise(stream.read(HEAD_BYTES), entry.name)
            original = (
                entry.name if filetype is None or matches_extension(filetype, entry.name) else f"x.{filetype.extensions[0]}"
            )
            stream.seek(0)
            return self.staging.put(wanted, original, stream, entry.size, entry.mtime_ns, digest)

    def _converted(self, row: Row, located: Located, wanted: str, date: Dated, digest: str) -> tuple[str, str, int]:
        if located.system_path is None:
            raise ConversionFailed("it lies far away: copy it to a folder of this machine")
        source = Path(located.system_path)
        facts = self.films.facts(source)
        if facts.hash != digest:
            raise ConversionFailed("its content changed since it was evaluated; evaluate again")
        captured = CaptureTime(date.wall, "person", "high", date.offset) if date.wall else None
        needs = row_needs(self.films.streams(source), row.cells)
        wish = Wish(source, self._described(facts), captured, needs, self.larger)
        left = self._left_behind(wish, wanted)
        if left is not None:
            return left.path.name, left.facts.hash, left.facts.size
        with _scratch(self.staging.folder) as scratch:
            made = self.films.convert(wish, scratch / "made.mov")
            return self._placed(made, wanted), made.facts.hash, made.facts.size

    def _described(self, facts: Facts) -> Facts:
        found = self.run.repository.documents([facts.hash]).get(facts.hash)
        return described(facts, found[0]) if found else facts

    def _left_behind(self, wish: Wish, wanted: str) -> Made | None:
        """What a run that was killed had made of this very file, before it could say so: the name fits, and every check does."""
        claimed = {r["name"] for r in Handovers(self.run.repository).all() if r.get("staging") == self.staging.identity}
        for number in itertools.count():
            name = file_name(wanted, "made.mov", number)
            if self.staging.store.stat(name) is None:
                return None
            if name not in claimed:
                with contextlib.suppress(MediaError):
                    return self.films.check_made(wish, self.staging.folder / from_text(name))
        return None

    def _placed(self, made: Made, wanted: str) -> str:
        """Give a converted file the first free name; the same content under one of these names is the file itself."""
        for number in itertools.count():
            name = file_name(wanted, "made.mov", number)
            if self.staging.holds(name, made.facts.hash):
                return name
            try:
                place_without_overwriting(os.fspath(made.path), os.fspath(self.staging.folder / from_text(name)))
            except FileExistsError:
                continue
            self.staging.store.settle([name])
            return name
        raise AlreadyExists("there are more numbers than files")


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder of this run's own in the private part of the staging folder; what killed runs left there goes first."""
    scratch, lock = claim_scratch(folder)
    try:
        yield scratch
    finally:
        release_scratch(scratch, lock)
