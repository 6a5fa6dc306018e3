"""When a shot was taken: candidates from many sources, judged, and one chosen.

A capture time is the wall clock as the camera showed it, never shifted by the machine's own zone.
An offset, and with it an instant, is known only where the file says so or the place tells it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

EARLIEST_YEAR = 1826
"""The year of the oldest surviving photograph: nothing was captured before."""

MAX_OFFSET = 14 * 60
"""Minutes from UTC that a zone's clocks are set at most (Kiritimati)."""

ORDER: tuple[str, ...] = (
    "sidecar:DateTimeOriginal",
    "sidecar:DateCreated",
    "exif:DateTimeOriginal",
    "exif:DateTimeDigitized",
    "riff:DateTimeOriginal",
    "avchd:DateTimeOriginal",
    "maker:DateTimeOriginal",
    "quicktime:creationdate",
    "quicktime:DateTimeOriginal",
    "srt:DateTime",
    "quicktime:CreateDate",
    "matroska:DateUTC",
    "asf:CreationDate",
    "flv:CreationDate",
    "xmp:DateTimeOriginal",
    "xmp:DateCreated",
    "iptc:DateCreated",
    "xmp:CreateDate",
    "png:CreationTime",
    "takeout:photoTakenTime",
    "gps",
    "filename",
    "folder",
    "hachoir:CreationDate",
    "exif:DateTime",
    "mtime",
)
"""Sources of a capture time, best first."""
OF_SHOT = "shot:"
"""How the source of a capture time begins that another file of the shot states."""

_RANK = {source: rank for rank, source in enumerate(ORDER)}
_MEDIUM = frozenset(
    {
        "quicktime:CreateDate",
        "matroska:DateUTC",
        "asf:CreationDate",
        "flv:CreationDate",
        "xmp:CreateDate",
        "png:CreationTime",
        "filename",
    }
)
_LOW = frozenset({"folder", "hachoir:CreationDate", "exif:DateTime", "mtime"})
_CREDIBLE_MTIME = datetime(1990, 1, 1)
"""Earlier times of modification are those of lost clocks, older than digital photos."""
_RESETS = frozenset(datetime(year, 1, 1) for year in (1980, 1990, 1994, *range(1998, 2021)))
_DEFAULTS = frozenset({datetime(2002, 12, 8, 12)})
"""What firmware writes that never asks its clock."""
_CORRECTIONS = {
    "sidecar:DateTimeOriginal": "xmp:DateTimeOriginal",
    "sidecar:DateCreated": "xmp:DateCreated",
}
"""What an XMP sidecar states, and what it is called where the picture itself does."""
_OF_THE_CAMERA = frozenset({"exif:DateTimeOriginal", "exif:DateTimeDigitized"})
BUDDHIST_YEARS = 543
"""By so many years Thailand's calendar is ahead."""
_THAI_OFFSET = 7 * 60
_FIRST_DIGITAL_YEAR = 1990
_TO_A_DAY = timedelta(days=1)
_GPS_BEGAN = datetime(1980, 1, 6)
_TO_A_MINUTE = timedelta(minutes=1)

SECOND, DAY, MONTH, YEAR = "second", "day", "month", "year"
"""Precisions of a capture time: of what is not known, `wall` shows the first moment."""
PRECISIONS = (SECOND, DAY, MONTH, YEAR)
"""The finest first."""
COARSE = (MONTH, YEAR)
"""Those that a document has to state: the others follow from whether a time is known."""
_LENGTHS = {MONTH: 7, YEAR: 4}


@dataclass(frozen=True, slots=True)
class DateCandidate:
    """One statement of a capture time.

    `wall` is naive. `offset_minutes` is minutes east of UTC where stated. `is_utc`: the wall clock
    is UTC because the format demands it, and says nothing of the zone of the place. `utc_doubtful`:
    the format demands UTC, but devices of this make are known to write their local time.
    `precision` is one of PRECISIONS. `is_converted`: it was stated in another calendar, as others
    make likely.
    """

    source: str
    wall: datetime
    offset_minutes: int | None = None
    is_utc: bool = False
    utc_doubtful: bool = False
    precision: str = SECOND
    is_converted: bool = False

    @property
    def has_time(self) -> bool:
        """Whether the time of day is stated."""
        return self.precision == SECOND


@dataclass(frozen=True, slots=True)
class CaptureTime:
    """The chosen capture time.

    `confidence` is "high", "medium" or "low"; `precision` one of PRECISIONS.
    """

    wall: datetime
    source: str
    confidence: str
    offset_minutes: int | None = None
    zone: str | None = None
    precision: str = SECOND

    @property
    def has_time(self) -> bool:
        """Whether the time of day is known."""
        return self.precision == SECOND

    @property
    def statement(self) -> str:
        """Its source, in whichever file of the shot that lies."""
        return self.source.removeprefix(OF_SHOT)

    @property
    def instant(self) -> datetime | None:
        """The moment in UTC (aware), or None while the offset is unknown."""
        if self.offset_minutes is None:
            return None
        return self.wall.replace(
            tzinfo=timezone(timedelta(minutes=self.offset_minutes))
        ).astimezone(UTC)

    def isoformat(self) -> str:
        """ISO 8601 wall clock as far as it is known, with fraction only where there is one,
        and the offset where it is known.
        """
        if not self.has_time:
            return format_day(self.wall, self.precision)
        text = self.wall.isoformat(timespec="milliseconds" if self.wall.microsecond else "seconds")
        return text if self.offset_minutes is None else text + format_offset(self.offset_minutes)


def format_day(wall: datetime, precision: str) -> str:
    """`2019-07-12`, or as much of it as is known: `2019-07`, `2019`."""
    return wall.date().isoformat()[: _LENGTHS.get(precision)]


def format_offset(minutes: int) -> str:
    """`+01:00` for 60 minutes east of UTC."""
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def parse_offset(text: str) -> int | None:
    """Minutes east of UTC from `+01:00`, `-0330`, `+1`, `GMT+2`, `Z`;
    None where it is none or impossible.
    """
    text = text.strip().strip("\0").replace("\u2212", "-")
    if text in ("Z", "z", "UTC", "GMT"):
        return 0
    match = re.fullmatch(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?(?::?\d{2})?", text)
    if not match:
        return None
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    if minutes > MAX_OFFSET or int(match[3] or 0) > 59:
        return None
    return -minutes if match[1] == "-" else minutes


_ZONE = r"(?P<zone>Z|z|(?:UTC|GMT)(?:[+-]\d{1,2}:?\d{0,2})?|[+-]\d{1,2}:?\d{0,2})?"
_CLOCK = (
    r"(?P<H>\d{1,2})(?P<c>[:.\- ]) ?(?P<M>\d{1,2})"
    # a minus after a colon is that of an offset
    r"(?:(?:[:. ]|(?P=c)(?!\d{1,2}:)) ?(?P<S>\d{1,2})(?:[.,](?P<f>\d+))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\b\.?)?"
)
_DATE_TIME = re.compile(
    rf"\s*(?P<y>\d{{4}})[:\-/. ] ?(?P<m>\d{{1,2}})[:\-/. ] ?(?P<d>\d{{1,2}})"
    rf"(?:[T: ]+{_CLOCK})?\s*{_ZONE}"
)
_COMPACT = re.compile(
    r"\s*(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})"
    r"(?:[T ]?(?P<H>\d{2})(?P<c>:?)(?P<M>\d{2})(?:(?P=c)(?P<S>\d{2}))?(?:[.,](?P<f>\d+))?)?(?!\d)"
    rf"\s*{_ZONE}"
)
_PARTIAL = re.compile(r"\s*(\d{4})(?:[:\-/.]? ?(\d{2}))?(?:[:\-/.]? ?(?:00)?)?[\s:.\-/T0Z]*")
"""A year or a month: the rest is left out, blank, or zeros (EXIF 2.32 on unknown dates, XMP's and
IPTC's dates of less precision).
"""


class ParsedDate(NamedTuple):
    """A date that a text states: the wall clock (naive), minutes east of UTC or None,
    one of PRECISIONS.
    """

    wall: datetime
    offset: int | None
    precision: str

    @property
    def has_time(self) -> bool:
        """Whether a time of day is stated."""
        return self.precision == SECOND

    def as_candidate(self, source: str) -> DateCandidate:
        """As the statement of a source."""
        return DateCandidate(source, self.wall, self.offset, precision=self.precision)


def parse_date(text: str) -> ParsedDate | None:
    """The date of an EXIF or ISO 8601 text, or of one that programs wrote for such.

    None where the text holds no possible date (zeros, month 13, blanks).
    """
    text = text.replace("\0", " ")
    match = _DATE_TIME.match(text) or _COMPACT.match(text)
    if not match:
        return _parse_partial(text)
    g = match.groupdict()
    if not int(g["d"]) or not int(g["m"]):
        return _parse_partial(text)
    hour, second = int(g["H"] or 0), int(g["S"] or 0)
    if g.get("half") and 1 <= hour <= 12:
        hour = hour % 12 + (12 if g["half"] in "Pp" else 0)
    if hour > 24:
        return None
    fraction = (g["f"] or "")[:6].ljust(6, "0")
    try:  # hour 24 is what phones wrote whose format counted hours from 1 to 24
        wall = datetime(
            int(g["y"]),
            int(g["m"]),
            int(g["d"]),
            hour % 24,
            int(g["M"] or 0),
            59 if second == 60 else second,
            int(fraction),
        )
    except ValueError:
        return None
    offset = parse_offset(g["zone"]) if g["zone"] else None
    return ParsedDate(wall, offset, DAY if g["H"] is None else SECOND)


def _parse_partial(text: str) -> ParsedDate | None:
    match = _PARTIAL.fullmatch(text)
    if not match or not int(match[1]):
        return None
    month = int(match[2] or 0)
    if month > 12:
        return None
    return ParsedDate(datetime(int(match[1]), month or 1, 1), None, MONTH if month else YEAR)


def with_subseconds(wall: datetime, digits: str) -> datetime:
    """The wall clock with the fraction that EXIF SubSecTime states as decimal digits ("07" is 70
    ms).
    """
    clean = digits.strip().strip("\0").strip()
    if not clean.isdigit():
        return wall
    return wall.replace(microsecond=int(clean[:6].ljust(6, "0")))


def file_time(mtime_ns: int) -> datetime:
    """A file's time in nanoseconds since 1970 as naive UTC;
    beyond the calendar (some file systems go there) its nearest end.
    """
    try:
        return datetime(1970, 1, 1) + timedelta(microseconds=mtime_ns // 1000)
    except OverflowError:
        return datetime(9999, 12, 31) if mtime_ns > 0 else datetime(1, 1, 1)


def reject_reason(candidate: DateCandidate, now: datetime) -> str | None:
    """Why a candidate is no date at all, or None.

    `now` is naive UTC; a day of grace covers every zone.
    """
    wall = candidate.wall
    if wall.year < EARLIEST_YEAR:
        return "before photography"
    if wall > now + timedelta(days=1, hours=1):
        return "in the future"
    if candidate.source == "gps" and wall < _GPS_BEGAN:
        return "before there were GPS clocks"
    if candidate.source == "takeout:photoTakenTime":  # a person may have set it, to any day
        return "an unset clock" if abs(wall - datetime(1970, 1, 1)) < timedelta(days=2) else None
    from_container = candidate.is_utc or candidate.source.startswith(
        ("quicktime", "matroska", "asf", "gps", "hachoir")
    )
    if from_container and (wall.year in (1904, 1970) or wall.date() == _GPS_BEGAN.date()):
        return "an unset clock"
    if wall in (
        datetime(1904, 1, 1),
        datetime(1970, 1, 1),
        datetime(1970, 1, 1, 1),
        datetime(1899, 12, 30),
    ):
        return "an unset clock"
    return None


def is_doubtful(candidate: DateCandidate) -> bool:
    """Whether the date looks like a camera's clock after a battery change:
    midnight of a New Year.
    """
    return candidate.has_time and candidate.wall.replace(microsecond=0, second=0) in _RESETS


def is_default(candidate: DateCandidate, others: Iterable[DateCandidate]) -> bool:
    """Whether the date is what firmware writes without asking its clock: one that is known, or
    noon or midnight to the second while EXIF DateTime and the file's name agree on another day.
    """
    if candidate.source not in _OF_THE_CAMERA or not candidate.has_time:
        return False
    wall = candidate.wall
    if wall in _DEFAULTS:
        return True
    if (wall.hour % 12, wall.minute, wall.second) != (0, 0, 0):
        return False
    by_source = {other.source: other for other in others}
    name, written = by_source.get("filename"), by_source.get("exif:DateTime")
    return (
        name is not None
        and written is not None
        and name.has_time
        and abs(name.wall - written.wall) <= _TO_A_MINUTE
        and abs(name.wall - wall) > timedelta(days=1)
    )


def choose(
    candidates: Iterable[DateCandidate], now: datetime
) -> tuple[CaptureTime | None, tuple[str, ...]]:
    """The best capture time and notes on what was rejected or doubted. `now` is naive UTC.

    Candidates are ordered by ORDER; equal sources keep the order given. An offset that the winner
    lacks is taken from another candidate only where both show the same wall clock to the second,
    else from the satellites' clock. A day, a month or a year gives way to a finer statement of the
    same day, month or year.
    """
    notes: list[str] = []
    usable: list[DateCandidate] = []
    ordered = sorted(_of_one_calendar(candidates, now), key=lambda c: _RANK[c.source])
    modified = next(
        (
            c.wall
            for c in ordered
            if c.source == "mtime" and c.wall >= _CREDIBLE_MTIME and not is_doubtful(c)
        ),
        None,
    )
    for candidate in ordered:
        reason = reject_reason(candidate, now)
        if (
            candidate.source == "folder"
            and modified
            and candidate.wall > modified + timedelta(days=1)
        ):
            reason = reason or "the file is older"
        if candidate.is_converted:
            year = candidate.wall.year
            notes.append(
                f"{candidate.source}: {year + BUDDHIST_YEARS} is {year} of the Buddhist era"
            )
        if reason:
            notes.append(f"{candidate.source} {candidate.wall.isoformat()}: {reason}")
        else:
            usable.append(candidate)
    usable = sorted((_unless_repeated(c, usable) for c in usable), key=lambda c: _RANK[c.source])
    best, doubted, why = _most_credible(usable)
    if doubted is not None:
        notes.append(f"{doubted.source} {doubted.wall.isoformat()}: {why}")
    if best is None:
        return None, tuple(notes)
    satellites = next((c for c in usable if c.source == "gps"), None)
    if best.utc_doubtful and satellites is not None:  # they know what the camera's clock is
        if offset_between(best.wall, satellites.wall) is None:
            best = satellites
        else:
            best = replace(best, utc_doubtful=False, is_utc=False)
    return _capture_time(_finest(best, usable), usable, best is doubted), tuple(notes)


def _of_one_calendar(candidates: Iterable[DateCandidate], now: datetime) -> list[DateCandidate]:
    """The candidates, those of the Buddhist era in the other one, where the zone is Thailand's or
    another clock shows that day.
    """
    rows = list(candidates)
    western = [_of_buddhist_era(row, now) for row in rows]
    return [
        _as_likely(row, new, [*rows, *(w for w in western if w)]) if new is not None else row
        for row, new in zip(rows, western, strict=True)
    ]


def _as_likely(
    stated: DateCandidate, converted: DateCandidate, others: Iterable[DateCandidate]
) -> DateCandidate:
    agrees = converted.offset_minutes == _THAI_OFFSET or any(
        other.source != converted.source
        and other.precision in (SECOND, DAY)
        and abs(other.wall - converted.wall) <= _TO_A_DAY
        for other in others
    )
    return converted if agrees else stated


def _of_buddhist_era(candidate: DateCandidate, now: datetime) -> DateCandidate | None:
    """What a date that is still to come is in years of our era; None where that is no past one."""
    year = candidate.wall.year - BUDDHIST_YEARS
    if candidate.is_utc or not _FIRST_DIGITAL_YEAR <= year <= now.year:
        return None
    try:
        return replace(candidate, wall=candidate.wall.replace(year=year), is_converted=True)
    except ValueError:  # the calendars' leap years differ by a century's
        return None


def _unless_repeated(candidate: DateCandidate, others: list[DateCandidate]) -> DateCandidate:
    """A date of an XMP sidecar corrects the picture's, for a program wrote it later; but where it
    repeats what the camera wrote, to the minute or in another zone, it is a copy as any other.
    """
    if candidate.source not in _CORRECTIONS:
        return candidate
    wall, precision = candidate.wall, candidate.precision
    first, last = _RANK["exif:DateTimeOriginal"], _RANK["xmp:DateTimeOriginal"]
    of_the_camera = [c for c in others if first <= _RANK[c.source] < last]
    as_any = replace(candidate, source=_CORRECTIONS[candidate.source])
    if not of_the_camera:
        return as_any
    for other in of_the_camera:
        in_utc = other.is_utc or candidate.offset_minutes == 0
        local, utc = (wall, other.wall) if other.is_utc else (other.wall, wall)
        if (
            (candidate.has_time and abs(wall - other.wall) < _TO_A_MINUTE)
            or (
                not candidate.has_time
                and format_day(wall, precision) == format_day(other.wall, precision)
            )
            or (in_utc and candidate.has_time and offset_between(local, utc) is not None)
        ):
            return as_any
    return candidate


def _most_credible(
    usable: list[DateCandidate],
) -> tuple[DateCandidate | None, DateCandidate | None, str]:
    """The best of the candidates, best first; one that is doubted, which may be the best all the
    same; and why it is.
    """
    never = next((c for c in usable if is_default(c, usable)), None)
    reset = next((c for c in usable if is_doubtful(c)), None)
    sound = [c for c in usable if not is_doubtful(c) and not is_default(c, usable)]
    if never is not None:
        stated = (c for c in sound if c.source not in ("folder", "mtime"))
        return next(stated, never), never, "looks like a default of the firmware"
    best = next(iter(sound), None)
    if reset and (best is None or _RANK[best.source] > max(_RANK["gps"], _RANK[reset.source])):
        best = reset
    return best, reset, "looks like a reset clock"


def _finest(best: DateCandidate, usable: list[DateCandidate]) -> DateCandidate:
    """The best candidate, or one that states the same day, month or year more precisely.

    The file's own time only where a person wrote a month or a year into names.
    """
    is_named = best.source in ("filename", "folder") and best.precision in COARSE
    fallback = ("mtime",) if is_named else ()
    for candidate in usable:
        if (
            PRECISIONS.index(candidate.precision) < PRECISIONS.index(best.precision)
            and (candidate.source in fallback or not candidate.is_utc)
            and not is_doubtful(candidate)
            and format_day(candidate.wall, best.precision) == format_day(best.wall, best.precision)
        ):
            return candidate
    return best


def _capture_time(best: DateCandidate, usable: list[DateCandidate], doubtful: bool) -> CaptureTime:
    offset = _possible_offset(best)
    if offset is None and not best.is_utc:
        same = (
            c
            for c in usable
            if c.has_time
            and not c.is_utc
            and c.wall.replace(microsecond=0) == best.wall.replace(microsecond=0)
        )
        offset = next((found for c in same if (found := _possible_offset(c)) is not None), None)
        satellites = next((c.wall for c in usable if c.source == "gps"), None)
        if offset is None and satellites is not None:
            # the same time may be the local one, copied: then the place has to tell
            offset = offset_between(best.wall, satellites) or None
        if offset is None and best.source in ("quicktime:DateTimeOriginal", "srt:DateTime"):
            offset = _offset_to_clock_in_utc(best, usable)
    if doubtful or best.source in _LOW or best.utc_doubtful or best.precision in COARSE:
        confidence = "low"
    else:
        is_medium = best.source in _MEDIUM or best.is_converted or not best.has_time
        confidence = "medium" if is_medium else "high"
    if best.is_utc and not best.utc_doubtful and offset is None:
        offset = 0
    return CaptureTime(
        best.wall,
        best.source,
        confidence,
        offset if best.has_time else None,
        "UTC" if best.is_utc and offset == 0 else None,
        best.precision,
    )


def _offset_to_clock_in_utc(best: DateCandidate, usable: list[DateCandidate]) -> int | None:
    """From the other clock of a movie, where that differs by a zone: by the same it tells none."""
    clocks = (c.wall for c in usable if c.source == "quicktime:CreateDate" and c.is_utc)
    return next((found for c in clocks if (found := offset_between(best.wall, c))), None)


_SLACK = timedelta(minutes=2)
"""How far two clocks of one device may differ that show the same moment."""
_OFFSETS = frozenset(
    {
        *range(-12 * 60, MAX_OFFSET + 1, 60),
        *(-570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630, 765),
    }
)
"""Minutes east of UTC by which clocks are set somewhere."""


def offset_between(local: datetime, utc: datetime, slack: timedelta = timedelta(0)) -> int | None:
    """Minutes east of UTC of a local clock, from a clock in UTC of the same moment; both naive.

    The local one may have been read earlier by `slack`, as the begin of a film is before its end.
    None where no zone on earth explains the difference.
    """
    difference = local - utc
    nearest = min(_OFFSETS, key=lambda m: abs(difference + slack / 2 - timedelta(minutes=m)))
    off = difference - timedelta(minutes=nearest)
    return nearest if -slack - _SLACK <= off <= _SLACK else None


def _possible_offset(candidate: DateCandidate) -> int | None:
    """The offset stated, if some zone on earth has ever had such a one."""
    minutes = candidate.offset_minutes
    return minutes if minutes is not None and abs(minutes) <= MAX_OFFSET else None


OffsetAt = Callable[[str, datetime], int | None]
"""Minutes east of UTC of an IANA zone at a moment (naive UTC); None for a zone that is none."""


def offset_of_wall(zone: str, wall: datetime, offset_at: OffsetAt) -> int | None:
    """Minutes east of UTC of a zone when its clocks showed a time; asked twice, since `offset_at`
    wants UTC.
    """
    first = offset_at(zone, wall)
    return None if first is None else offset_at(zone, wall - timedelta(minutes=first))


def in_zone(captured: CaptureTime, zone: str | None, offset_minutes: int) -> CaptureTime:
    """A UTC capture time as the wall clock of a zone whose offset at that instant is given."""
    shift = offset_minutes - (captured.offset_minutes or 0)
    return replace(
        captured,
        wall=captured.wall + timedelta(minutes=shift),
        offset_minutes=offset_minutes,
        zone=zone,
    )
