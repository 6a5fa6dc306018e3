"""Photos: the report of what would be handed over, and the copies in the staging folder."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from catalog.cli.console import Screen
from catalog.domain.asset import Entry
from catalog.domain.filetypes import BY_NAME, HEAD_BYTES, recognise
from catalog.domain.fixity import content_hash
from catalog.domain.spreadsheets import Row
from catalog.errors import FixityMismatch, Interrupted, MediaError, StoreError, StoreFull, StoreUnavailable
from catalog.features.reingest.archive import Located, Locations, catalog_of
from catalog.features.reingest.evaluation import COLUMNS, EvaluateRequest, Found, evaluate
from catalog.features.reingest.handover import Given, hand_over, lies_staged, told_already
from catalog.features.reingest.images.plan import MOVE, SKIP, Decision, Rules, decide_image
from catalog.features.reingest.processing import (
    Dated,
    Sources,
    amend_hint,
    date_problem,
    dated,
    edited_since,
    folders_of,
    hashed,
    was_overruled,
)
from catalog.features.reingest.staging import Staging, check_apart, checked_folder, opened, stem
from catalog.features.reingest.tables import Processed, Validated, read_table, validated
from catalog.index.handovers import Handovers, Record
from catalog.media.findings import Findings
from catalog.media.source import MemorySource
from catalog.media.stated import agrees, stated_dates
from catalog.media.stills import read_still
from catalog.media.write.exif import WRITABLE, with_date
from catalog.work.report import Outcome
from catalog.work.session import Session, session
from catalog.work.workspace import Workspace

REPORT = "icloud_image_report.csv"
NEEDED = ("file", "datetime", "action")
OWN = ("file", "datetime", "action", "reason")
ADDED = ("processed", "processed_hash")
WORDS = {"outcomes": ("staged", "already", "skipped", "refused", "failed"), "always": ("staged",), "done": "staged"}
ERROR = "error: "
OWN_DATE = "exif:DateTimeOriginal"
"""The source of a date that stands in the picture where every cloud reads it."""
LARGEST_DATED = 1 << 30
"""Bytes of the largest picture into which a date is written: it is held in memory for that."""


@dataclass(frozen=True, slots=True)
class ProcessRequest:
    """What the command line asks for. `again`: what was handed over and is no longer staged is staged once more."""

    report: Path
    staging: str
    write_dates: bool = False
    dryrun: bool = False
    again: bool = False


def run_evaluate(workspace: Workspace, request: EvaluateRequest, screen: Screen) -> int:
    """Write the report of an archive's photos; the exit status."""

    def decide(found: Found, rules: Rules) -> tuple[Decision, Mapping[str, str]]:
        return decide_image(found.shot, rules), {}

    return evaluate(workspace, request, screen, "image", (*OWN, *COLUMNS), decide, whole=False)


def run_process(workspace: Workspace, request: ProcessRequest, screen: Screen) -> int:
    """Copy what a report says into the staging folder, and record that; the exit status."""
    table = read_table(request.report, NEEDED, (*OWN, *COLUMNS, *ADDED))
    folder = checked_folder(request.staging)
    repository = catalog_of(workspace)
    locations = Locations(workspace, repository)
    try:
        sources = Sources(locations)
        rows = validated(table, (SKIP, MOVE), (date_problem, sources.check))
        check_apart(folder, folders_of(table), repository)
        if request.dryrun:
            return _dry(workspace, rows, screen)
        with (
            Processed(request.report, table.columns, ADDED) as processed,
            session(workspace, screen, "reingest process-images", WORDS, report=str(request.report.absolute())) as run,
            opened(folder) as staging,
        ):
            work = _Work(run, staging, processed, sources.found, write_dates=request.write_dates, again=request.again)
            return run.work(lambda: work.all(rows))
    finally:
        locations.close()


def _dry(workspace: Workspace, rows: Validated, screen: Screen) -> int:
    report = screen.report(workspace.progress, **WORDS)
    report.dry = True
    rows.tell(report, "hand over")
    for row in rows.rows:
        if row.get("action").lower() == MOVE:
            name = stem(dated(row).wall, row.cells["file"].rpartition("/")[2])
            report.add(Outcome("hand over", row.cells["file"], "planned", target=name))
    report.finish()
    return report.exit_code()


class _Work:
    """One processing: row after row, each verified, recorded, and then told in the processed report."""

    def __init__(
        self, run: Session, staging: Staging, processed: Processed, sources: Mapping[str, tuple[Located, Entry]], *,
        write_dates: bool, again: bool = False,
    ) -> None:  # fmt: skip
        self._run = run
        self._staging = staging
        self._processed = processed
        self._sources = sources
        self._write_dates = write_dates
        self._again = again
        self._digests: dict[str, str] = {}
        self._known: dict[str, Record] = {}
        self._target = run.workspace.settings.reingest_target

    def all(self, rows: Validated) -> None:
        """Do the rows that can be done."""
        rows.tell(self._run.report, "hand over")
        moving = [row for row in rows.rows if row.get("action").lower() == MOVE]
        for row in moving:
            self._digest(row)
        handovers = Handovers(self._run.repository)
        digests = sorted(set(self._digests.values()))
        self._known = self._run.patiently(lambda: handovers.known(self._target, digests))
        self._processed.begin(row.cells["file"] for row in rows.rows if not self._stays(row))
        self._run.workspace.progress.files(len(rows.rows))
        for row in rows.rows:
            self._one(row)
            self._run.workspace.progress.advance()

    def _digest(self, row: Row) -> None:
        """Remember the content hash of a row's file: as evaluated, else read now."""
        with contextlib.suppress(StoreError):
            self._digests[row.cells["file"]] = hashed(row, self._sources[row.cells["file"]][0])

    def _record(self, row: Row) -> Record | None:
        """What is recorded of the content of a row's file."""
        return self._known.get(self._digests.get(row.cells["file"], ""))

    def _stays(self, row: Row) -> bool:
        """Whether what an earlier run said of a row is still true."""
        earlier, record = self._processed.earlier.get(row.cells["file"], {}), self._record(row)
        if (
            record is None
            or self._is_wanted_again(record)
            or not earlier.get("processed")
            or earlier["processed"] != record["name"]
        ):
            return False
        return not was_overruled(row) or earlier.get("reason", "").strip() == row.get("reason")

    def _is_wanted_again(self, record: Record) -> bool:
        return self._again and not lies_staged(record)

    def _one(self, row: Row) -> None:
        file, report, record = row.cells["file"], self._run.report, self._record(row)
        if row.get("action").lower() == SKIP:
            self._processed.add(row, processed="", processed_hash="")
            report.add(Outcome("hand over", file, "skipped"))
            return
        if record is not None and not self._is_wanted_again(record) and (self._stays(row) or not was_overruled(row)):
            if problem := self._edited_since(row, record):
                if not self._stays(row):
                    self._processed.add(row, processed=f"{ERROR}{problem}", processed_hash="")
                report.add(Outcome("hand over", file, "failed", reason=f"line {row.line}: {problem}"))
                return
            if not self._stays(row):
                self._processed.add(row, processed=record["name"], processed_hash=record["staged"])
            report.add(
                Outcome("hand over", file, "already", target=record["name"], hash=record["hash"], reason=told_already(record))
            )
            return
        self._run.journal.started("hand over", path=file, line=row.line)
        try:
            digest, entry, staged = self._stage(row)
            given = Given(digest, "image", file, entry.name, staged, entry.size)
            self._known[digest] = hand_over(self._run, self._staging, self._target, given)
        except (StoreFull, StoreUnavailable, Interrupted):
            raise
        except (StoreError, MediaError, OSError) as error:
            self._fail(row, error)
            return
        self._processed.add(row, processed=entry.name, processed_hash=staged)
        self._run.journal.done("hand over", path=file, target=entry.name, hash=digest)
        report.add(Outcome("hand over", file, "staged", target=entry.name, hash=digest, size=entry.size, stored=entry.size))

    def _edited_since(self, row: Row, record: Record) -> str:
        """Why what was handed over is not what a row asks for now, or ""."""
        when, earlier = dated(row), self._processed.earlier.get(row.cells["file"], {})
        before = None
        if self._stays(row):
            with contextlib.suppress(ValueError):
                before = dated(Row(row.line, earlier, order=row.order))
        if problem := edited_since(row, when, record, before):
            return problem
        bare = record["staged"] == record["hash"] and self._write_dates and when.wall is not None
        if not bare or _states_it(row, when):
            return ""
        located, entry = self._sources[row.cells["file"]]
        try:
            data = _read(located, entry, record["hash"])
            without = _with_date(data, entry, when) is not data
        except (StoreError, MediaError, OSError) as error:
            return str(error)
        return amend_hint(record, "its date is not in the copy") if without else ""

    def _fail(self, row: Row, error: Exception) -> None:
        reason = str(error)
        if isinstance(error, FixityMismatch) and self._is_changed(row):
            reason = "its content changed since it was evaluated; evaluate again"
        self._processed.add(row, processed=f"{ERROR}{reason}", processed_hash="")
        self._run.journal.failed("hand over", path=row.cells["file"], reason=reason)
        self._run.report.add(Outcome("hand over", row.cells["file"], "failed", reason=f"line {row.line}: {reason}"))

    def _is_changed(self, row: Row) -> bool:
        located, _entry = self._sources[row.cells["file"]]
        with contextlib.suppress(StoreError):
            return located.store.checksum(located.path) != self._digests.get(row.cells["file"])
        return True

    def _stage(self, row: Row) -> tuple[str, Entry, str]:
        """A row's file in the staging folder, verified: its content hash, the entry there, and the hash of that."""
        located, entry = self._sources[row.cells["file"]]
        when = dated(row)
        digest = self._digests.get(row.cells["file"]) or hashed(row, located)
        wanted, mtime_ns = stem(when.wall, entry.name), self._mtime(row, entry, when)
        if when.wall is not None and (self._write_dates or not _states_it(row, when)):
            data = _read(located, entry, digest)
            fresh = _with_date(data, entry, when) if self._write_dates else _agreeing(data, entry, when)
            there = self._staging.put_bytes(wanted, entry.name, fresh, mtime_ns)
            return digest, there, digest if fresh is data else content_hash(fresh)
        with located.store.open(located.path) as stream:
            staged = self._staging.put(wanted, entry.name, stream, entry.size, mtime_ns, digest)
        return digest, staged, digest

    def _mtime(self, row: Row, entry: Entry, when: Dated) -> int:
        """The time of the copy: the row's date, unless that is the time of the source, or a date within it."""
        if when.wall is None or _states_it(row, when) or (row.get("source") == "mtime" and not when.edited):
            return entry.mtime_ns
        offset = when.offset if when.offset is not None else self._offset_at_home(when.wall)
        utc = (when.wall - timedelta(minutes=offset)).replace(tzinfo=UTC)
        return int((utc - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000_000

    def _offset_at_home(self, wall: datetime) -> int:
        """Minutes east of UTC that clocks at home showed; the zone is asked by UTC, which a first guess gives."""
        zone, gazetteer = self._run.workspace.settings.home_zone, self._run.workspace.gazetteer
        guess = gazetteer.offset_at(zone, wall) or 0
        return gazetteer.offset_at(zone, wall - timedelta(minutes=guess)) or 0


def _states_it(row: Row, when: Dated) -> bool:
    """Whether the picture states the date of its row in the place that every cloud reads, as the evaluation found."""
    return row.get("source") == OWN_DATE and not when.edited


def _read(located: Located, entry: Entry, digest: str) -> bytes:
    if entry.size > LARGEST_DATED:
        raise MediaError(f"the date within a file is only looked at up to {LARGEST_DATED >> 20} MiB")
    with located.store.open(located.path) as stream:
        data = stream.read()
    if content_hash(data) != digest:
        raise FixityMismatch("its content is another", path=located.path)
    return data


def _type(data: bytes, entry: Entry) -> str:
    found = recognise(data[:HEAD_BYTES], entry.name)
    return found.name if found else ""


def _with_date(data: bytes, entry: Entry, when: Dated) -> bytes:
    """The bytes of a picture with the date of its row; the very same where it states that already."""
    assert when.wall is not None
    name = _type(data, entry)
    if name in WRITABLE and _states(data, name, when.wall):
        return data
    return with_date(data, name or "unknown", when.wall, when.offset)


def _agreeing(data: bytes, entry: Entry, when: Dated) -> bytes:
    """The bytes of a picture. Raises MediaError where it states another date than its row: that is the one a cloud believes."""
    assert when.wall is not None
    found = next(iter(stated_dates(MemorySource(data), _type(data, entry))), None)
    if found is not None and not agrees(found, when.wall, when.offset):
        told = f"{found.wall:%Y-%m-%d %H:%M:%S} ({found.source})"
        raise MediaError(f"its picture states {told}, its row {when.wall:%Y-%m-%d %H:%M:%S}: add --write-dates")
    return data


def _states(data: bytes, type_name: str, wall: datetime) -> bool:
    """Whether a picture's EXIF says that it was taken at this second."""
    findings = Findings()
    read_still(MemorySource(data), BY_NAME[type_name], findings)
    found = next((d.wall for d in findings.dates if d.source == "exif:DateTimeOriginal"), None)
    return found is not None and found.replace(microsecond=0) == wall.replace(microsecond=0)
