"""When a shot was taken: candidates from many sources, judged, and one chosen.

A capture time is the wall clock as the camera showed it, never shifted by the machine's own zone.
An offset, and with it an instant, is known only where the file says so or the place tells it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone

EARLIEST_YEAR = 1826
"""The year of the oldest surviving photograph: nothing was captured before."""

MAX_OFFSET = 14 * 60
"""Minutes from UTC that a zone's clocks are set at most (Kiritimati)."""

ORDER: tuple[str, ...] = (
    "exif:DateTimeOriginal",
    "exif:DateTimeDigitized",
    "riff:DateTimeOriginal",
    "avchd:DateTimeOriginal",
    "maker:DateTimeOriginal",
    "quicktime:creationdate",
    "quicktime:DateTimeOriginal",
    "quicktime:CreateDate",
    "matroska:DateUTC",
    "asf:CreationDate",
    "flv:CreationDate",
    "xmp:DateTimeOriginal",
    "xmp:DateCreated",
    "iptc:DateCreated",
    "xmp:CreateDate",
    "takeout:photoTakenTime",
    "gps",
    "filename",
    "folder",
    "exif:DateTime",
    "mtime",
)
"""Sources of a capture time, best first."""

_RANK = {source: rank for rank, source in enumerate(ORDER)}
_MEDIUM = frozenset(
    {
        "quicktime:CreateDate",
        "matroska:DateUTC",
        "asf:CreationDate",
        "flv:CreationDate",
        "xmp:CreateDate",
        "filename",
    }
)
_LOW = frozenset({"folder", "exif:DateTime", "mtime"})
_CREDIBLE_MTIME = datetime(1990, 1, 1)
"""Earlier times of modification are those of lost clocks, older than digital photos."""
_RESETS = frozenset(datetime(year, 1, 1) for year in (1980, 1990, 1994, *range(1998, 2021)))


@dataclass(frozen=True, slots=True)
class DateCandidate:
    """One statement of a capture time.

    `wall` is naive. `offset_minutes` is minutes east of UTC where stated. `is_utc`: the wall clock
    is UTC because the format demands it, and says nothing of the zone of the place. `utc_doubtful`:
    the format demands UTC, but devices of this make are known to write their local time. `precise`
    is False where the time of day is unknown.
    """

    source: str
    wall: datetime
    offset_minutes: int | None = None
    is_utc: bool = False
    utc_doubtful: bool = False
    precise: bool = True


@dataclass(frozen=True, slots=True)
class CaptureTime:
    """The chosen capture time.

    `confidence` is "high", "medium" or "low"; `has_time`: the time of day is known.
    """

    wall: datetime
    source: str
    confidence: str
    offset_minutes: int | None = None
    zone: str | None = None
    has_time: bool = True

    @property
    def instant(self) -> datetime | None:
        """The moment in UTC (aware), or None while the offset is unknown."""
        if self.offset_minutes is None:
            return None
        return self.wall.replace(
            tzinfo=timezone(timedelta(minutes=self.offset_minutes))
        ).astimezone(UTC)

    def isoformat(self) -> str:
        """ISO 8601 wall clock with fraction only where there is one,
        and the offset where it is known.
        """
        text = self.wall.isoformat(timespec="milliseconds" if self.wall.microsecond else "seconds")
        return text if self.offset_minutes is None else text + format_offset(self.offset_minutes)


def format_offset(minutes: int) -> str:
    """`+01:00` for 60 minutes east of UTC."""
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def parse_offset(text: str) -> int | None:
    """Minutes east of UTC from `+01:00`, `-0330`, `+1`, `Z`;
    None where it is none or impossible.
    """
    text = text.strip().strip("\0").replace("\u2212", "-")
    if text in ("Z", "z", "UTC"):
        return 0
    match = re.fullmatch(r"([+-])(\d{1,2}):?(\d{2})?(?::?\d{2})?", text)
    if not match:
        return None
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    if minutes > MAX_OFFSET or int(match[3] or 0) > 59:
        return None
    return -minutes if match[1] == "-" else minutes


_DATE_TIME = re.compile(
    r"\s*(\d{4})[:\-/. ] ?(\d{1,2})[:\-/. ] ?(\d{1,2})"
    r"(?:[T: ]+(\d{1,2})[:.\- ] ?(\d{1,2})(?:[:.\- ] ?(\d{1,2})(?:[.,](\d+))?)?)?"
    r"\s*(Z|z|UTC|[+-]\d{1,2}:?\d{0,2})?"
)
_COMPACT = re.compile(
    r"\s*(\d{4})(\d{2})(\d{2})(?:[T "
    r"]?(\d{2})(\d{2})(\d{2})?(?:[.,](\d+))?)?(?!\d)\s*(Z|[+-]\d{2}:?\d{2})?"
)


def parse_date(text: str) -> tuple[datetime, int | None, bool] | None:
    """Wall clock, offset in minutes and whether a time of day is stated,
    from EXIF or ISO 8601 text.

    None where the text holds no possible date (zeros, month 13, blanks).
    """
    text = text.replace("\0", " ")
    match = _DATE_TIME.match(text) or _COMPACT.match(text)
    if not match:
        return None
    year, month, day, hour, minute, second = (int(g) if g else 0 for g in match.groups()[:6])
    fraction = (match[7] or "")[:6].ljust(6, "0")
    if hour > 24:
        return None
    try:  # hour 24 is what phones wrote whose format counted hours from 1 to 24
        wall = datetime(
            year, month, day, hour % 24, minute, 59 if second == 60 else second, int(fraction)
        )
    except ValueError:
        return None
    return wall, parse_offset(match[8]) if match[8] else None, match[4] is not None


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
    from_container = candidate.is_utc or candidate.source.startswith(
        ("quicktime", "matroska", "asf", "gps")
    )
    if from_container and (wall.year in (1904, 1970) or wall.date() == datetime(1980, 1, 6).date()):
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
    return candidate.precise and candidate.wall.replace(microsecond=0, second=0) in _RESETS


def choose(
    candidates: Iterable[DateCandidate], now: datetime
) -> tuple[CaptureTime | None, tuple[str, ...]]:
    """The best capture time and notes on what was rejected or doubted. `now` is naive UTC.

    Candidates are ordered by ORDER; equal sources keep the order given. An offset that the winner
    lacks is taken from another candidate only where both show the same wall clock to the second.
    """
    notes: list[str] = []
    usable: list[DateCandidate] = []
    ordered = sorted(candidates, key=lambda c: _RANK[c.source])
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
        if reason:
            notes.append(f"{candidate.source} {candidate.wall.isoformat()}: {reason}")
        else:
            usable.append(candidate)
    best = next((c for c in usable if not is_doubtful(c)), None)
    doubtful = next((c for c in usable if is_doubtful(c)), None)
    if doubtful and (
        best is None or _RANK[best.source] > max(_RANK["gps"], _RANK[doubtful.source])
    ):
        best = doubtful
    if doubtful:
        notes.append(f"{doubtful.source} {doubtful.wall.isoformat()}: looks like a reset clock")
    if best is None:
        return None, tuple(notes)
    return _capture_time(best, usable, best is doubtful), tuple(notes)


def _capture_time(best: DateCandidate, usable: list[DateCandidate], doubtful: bool) -> CaptureTime:
    offset = _possible_offset(best)
    if offset is None and not best.is_utc:
        same = (
            c
            for c in usable
            if not c.is_utc and c.wall.replace(microsecond=0) == best.wall.replace(microsecond=0)
        )
        offset = next((found for c in same if (found := _possible_offset(c)) is not None), None)
    if doubtful or best.source in _LOW or best.utc_doubtful:
        confidence = "low"
    else:
        confidence = "medium" if best.source in _MEDIUM or not best.precise else "high"
    if best.is_utc and not best.utc_doubtful and offset is None:
        offset = 0
    return CaptureTime(
        best.wall,
        best.source,
        confidence,
        offset,
        "UTC" if best.is_utc and offset == 0 else None,
        best.precise,
    )


def _possible_offset(candidate: DateCandidate) -> int | None:
    """The offset stated, if some zone on earth has ever had such a one."""
    minutes = candidate.offset_minutes
    return minutes if minutes is not None and abs(minutes) <= MAX_OFFSET else None


def in_zone(captured: CaptureTime, zone: str, offset_minutes: int) -> CaptureTime:
    """A UTC capture time as the wall clock of a zone whose offset at that instant is given."""
    shift = offset_minutes - (captured.offset_minutes or 0)
    return replace(
        captured,
        wall=captured.wall + timedelta(minutes=shift),
        offset_minutes=offset_minutes,
        zone=zone,
    )


# --- names ----------------------------------------------------------------------------------------

_YEAR = r"(?P<y>(?:19[4-9]\d|20\d\d))"
_D = rf"{_YEAR}(?P<s>[-_.]?)(?P<m>0[1-9]|1[0-2])(?P=s)(?P<d>0[1-9]|[12]\d|3[01])"
_T = (
    r"(?P<H>[01]\d|2[0-3]|(?<=[ _])\d(?=[.:]))(?P<t>[-_.:h ]?)(?P<M>[0-5]\d)"
    r"(?:(?P=t)(?P<S>[0-5]\d)(?:[-_.]?(?P<f>\d{3})(?!\d))?)?"
    r"(?:[ _\u202f]?(?P<half>[AaPp])[Mm](?![A-Za-z]))?"
    r"(?P<zone>Z(?![A-Za-z0-9])|\+\d\d:?(?:00|15|30|45)(?!\d))?"
)
_NAME_WITH_TIME = re.compile(rf"(?<!\d){_D}(?:[ _.T-]|[ _-]at[ _-]| - )?{_T}(?!\d|[xX\u00d7]\d)")
_NAME_WITH_DATE = re.compile(rf"(?<!\d){_D}(?!\d)")
_EPOCH = re.compile(r"(?<!\d)(1[0-7]\d{8})(\d{3})?(?![0-9A-Za-z])(?!.*\d{6})")
_EARLIEST_EPOCH = 1_100_000_000
"""Names of fewer seconds since 1970 are Android's numbers of media,
which begin at 1000000000 and count on.
"""
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_EPOCH_PREFIX = re.compile(
    r"(?:fb_img|mmexport|img|vid|photo|image|video|pic|received|wx_camera|microMsg)?[-_. ]?",
    re.IGNORECASE,
)
_MESSENGER = re.compile(
    r"(?:IMG|VID|AUD|PTT|STK|DOC)-(?:19|20)\d{6}-WA\d+|WhatsApp (?:Image|Video|Bild)|signal-\d{4}-",
    re.IGNORECASE,
)


def is_messenger_name(name: str) -> bool:
    """Whether a file name has the form that WhatsApp or Signal gives."""
    return _MESSENGER.match(name) is not None


def from_file_name(name: str) -> DateCandidate | None:
    """A date in a file's name, such as `IMG_20190712_183015.jpg` or `Screenshot 2020-01-05 at
    18.30.15.png`.
    """
    stem = _UUID.sub("", name.rpartition(".")[0] or name)
    for match in _NAME_WITH_TIME.finditer(stem):
        if not (
            match["S"] or match["t"] or match["half"]
        ):  # 20190712_0001 is as likely a counter as a time
            continue
        found = _named("filename", match, precise=True, utc=stem.upper().startswith("PXL_"))
        if found:
            return found
    for match in _NAME_WITH_DATE.finditer(stem):
        found = _named("filename", match, precise=False)
        if found:
            return found
    return _from_epoch(stem)


def _named(
    source: str, match: re.Match[str], *, precise: bool, utc: bool = False
) -> DateCandidate | None:
    g = match.groupdict()
    hour = int(g.get("H") or 0)
    if g.get("half") and hour <= 12:
        hour = hour % 12 + (12 if g["half"] in "Pp" else 0)
    try:
        wall = datetime(
            int(g["y"]), int(g["m"]), int(g["d"]), hour, int(g.get("M") or 0), int(g.get("S") or 0)
        )
    except ValueError:
        return None
    if g.get("f"):
        wall = wall.replace(microsecond=int(g["f"]) * 1000)
    offset = parse_offset(g["zone"]) if g.get("zone") else None
    utc = utc or g.get("zone") == "Z"
    return DateCandidate(source, wall, None if utc else offset, is_utc=utc, precise=precise)


def _from_epoch(stem: str) -> DateCandidate | None:
    match = _EPOCH.search(stem)
    if not match or not _EPOCH_PREFIX.fullmatch(stem[: match.start()]):
        return None
    if not match[2] and int(match[1]) < _EARLIEST_EPOCH:
        return None
    wall = datetime(1970, 1, 1) + timedelta(seconds=int(match[1]), milliseconds=int(match[2] or 0))
    return DateCandidate("filename", wall, is_utc=True)


_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_FOLDER_DAY = re.compile(
    r"(?:^|[/ _])(?P<y>19[4-9]\d|20\d\d)([/_.-])"
    r"(?P<m>0[1-9]|1[0-2])\2(?P<d>0[1-9]|[12]\d|3[01])(?!\d)"
)
_FOLDER_MONTH = re.compile(
    r"(?:^|/)(?P<y>19[4-9]\d|20\d\d)/(?P<m>0[1-9]|1[0-2])(?:[ _-]*(?P<name>[A-Za-z]+))?(?=/|$)"
)
_FOLDER_YEAR_MONTH = re.compile(
    r"(?:^|/)(?P<y>19[4-9]\d|20\d\d)[-_](?P<m>0[1-9]|1[0-2])(?=/|$|[ _-]\D)"
)


def from_folders(folder: str) -> DateCandidate | None:
    """A day or month in the folders of a POSIX path without its file name (`2019/07/12`,
    `2019/07_July`).
    """
    days = list(_FOLDER_DAY.finditer(folder))
    while len(days) > 1 and "/" not in folder[days[-2].start("y") : days[-1].start("y")]:
        days.pop()  # `2019-07-12 - 2019-08-01 Trip` begins on the first
    if days:
        return _folder_date(days[-1], int(days[-1]["d"]))
    for pattern in (_FOLDER_MONTH, _FOLDER_YEAR_MONTH):
        months = [
            m
            for m in pattern.finditer(folder)
            if _is_month_name(m.groupdict().get("name"), int(m["m"]))
        ]
        if months:
            return _folder_date(months[-1], 1)
    return None


def _is_month_name(name: str | None, month: int) -> bool:
    return (
        not name
        or len(name) < 3
        or _MONTHS[month - 1].startswith(name.lower())
        or name.lower() not in _MONTHS
    )


def _folder_date(match: re.Match[str], day: int) -> DateCandidate | None:
    try:
        return DateCandidate(
            "folder", datetime(int(match["y"]), int(match["m"]), day), precise=False
        )
    except ValueError:
        return None
