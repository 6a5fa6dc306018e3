"""What names tell of when a shot was taken: those of files, and of the folders they lie in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from catalog.domain.capture_time import (
    BUDDHIST_YEARS,
    DAY,
    MONTH,
    SECOND,
    YEAR,
    DateCandidate,
    parse_offset,
)

_YEAR = r"(?P<y>(?:19[4-9]\d|20\d\d))"
_MONTH_OF_YEAR = r"(?P<m>0[1-9]|1[0-2])"
_DAY_OF_MONTH = r"(?P<d>0[1-9]|[12]\d|3[01])"
_D = rf"{_YEAR}(?P<s>[-_.]?){_MONTH_OF_YEAR}(?P=s){_DAY_OF_MONTH}"
_HMS = r"(?P<H>[01]\d|2[0-3])(?P<M>[0-5]\d)(?P<S>[0-5]\d)"
_MORNINGS = ("\u4e0a\u5348", "\u5348\u524d", "\uc624\uc804", "\u51cc\u6668", "\u00d6\u00d6")
_EVENINGS = ("\u4e0b\u5348", "\u5348\u5f8c", "\uc624\ud6c4", "\u665a\u4e0a", "\u00d6S")
"""Halves of the day that stand before the hour: Chinese, Japanese, Korean, Turkish."""
_BEFORE = rf"(?:(?P<part>{'|'.join(_MORNINGS + _EVENINGS)}) ?)?"
_BEHIND = (
    "(?:[ _\u00a0\u202f]?(?P<half>[AaPp]\\.?[ \u00a0\u202f]?[Mm]\\.?(?![A-Za-z])"
    "|[\u03c0\u03bc]\\.?\u03bc\\.?))?"
)
"""And those behind it: of Latin and Greek letters."""
_ZONE = (
    r"(?P<zone>Z(?![A-Za-z0-9])|[ _-]?(?:UTC|GMT)(?:[+-]\d\d(?::?[0-5]\d)?)?(?![A-Za-z0-9])"
    r"|\+\d\d:?(?:00|15|30|45)(?!\d))?"
)
_T = (
    rf"{_BEFORE}(?P<H>[01]\d|2[0-3]|(?<![0-9A-Za-z.-])\d(?=[.:]))(?P<t>[-_.:h ]?)(?P<M>[0-5]\d)"
    rf"(?:(?P=t)(?P<S>[0-5]\d)(?:[-_.]?(?P<f>\d{{3}})(?!\d))?)?{_BEHIND}{_ZONE}"
)
_AT = (
    "at|um|om|\u00e0|a|a las|a la\\(s\\)|a les|alle|alle ore|\u00e0s|as|kl\\.?|kello|klo|o"
    "|o godz\\.?|w dniu|v|ve|u|la|saat|pukul|pada|l\u00fac|\u0432|\u043e|\u043e\u0431|\u0641\u064a"
)
"""What stands between date and time in names that systems of several languages give."""
_NAME_WITH_TIME = re.compile(
    rf"(?<!\d){_D}(?:[ _.T-]|,?[ _-](?P<at>{_AT})[ _-]| \u05d1-|, | - )?{_T}(?!\d|[xX\u00d7]\d)",
    re.IGNORECASE,
)
_WITH_DASHES = r"(?P<H>[01]\d|2[0-3])-(?P<M>[0-5]\d)-(?P<S>[0-5]\d)"
_IN_WORDS = (
    rf"(?<!\d){_YEAR} ?[\u5e74\ub144] ?(?P<m>\d\d?) ?[\u6708\uc6d4] ?(?P<d>\d\d?) ?[\u65e5\uc77c]"
    rf"(?:[-_ ]*{_BEFORE}(?P<H>\d\d?) ?[\u6642\u65f6\u70b9\uc2dc.:] ?(?P<M>[0-5]?\d)"
    r" ?[\u5206\ubd84.:] ?(?P<S>[0-5]?\d))?"
)
"""Year, month, day, hour and so on, each with its sign in Chinese, Japanese or Korean."""
_IN_OTHER_ORDERS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # dashcams: 2023_0405_123456_001F, FILE230405-123456F
        rf"(?<!\d){_YEAR}_{_MONTH_OF_YEAR}{_DAY_OF_MONTH}_{_HMS}(?!\d)",
        rf"^(?:FILE|EVEN|EVT|PARK)(?P<y>\d\d){_MONTH_OF_YEAR}{_DAY_OF_MONTH}[-_]{_HMS}(?!\d)",
        # exports of Telegram, screen recordings of iOS 18, screenshots of a console
        rf"@{_DAY_OF_MONTH}-{_MONTH_OF_YEAR}-{_YEAR}_{_WITH_DASHES}",
        rf"^ScreenRecording_{_MONTH_OF_YEAR}-{_DAY_OF_MONTH}-{_YEAR}[ _]{_WITH_DASHES}",
        rf"^{_YEAR}{_MONTH_OF_YEAR}{_DAY_OF_MONTH}{_HMS}\d\d-#$",
        _IN_WORDS,
    )
)
_DAY_FIRST = re.compile(
    rf"(?<!\d)(?<!\d[-_.])(?P<first>\d\d)(?P<s>[-_.])(?P<second>\d\d)(?P=s){_YEAR}(?!\d)"
    rf"(?:(?:[ _.T-]|,?[ _-](?P<at>{_AT})[ _-]|, | - ){_T}(?!\d|[xX\u00d7]\d))?",
    re.IGNORECASE,
)
"""The year last: what is before it is day and month where only one order is possible, or by dots,
which no one writes between month and day.
"""
_BUDDHIST_YEAR = re.compile(
    r"(?<!\d)25\d\d(?=(?P<s>[-_.]?)\d\d(?P=s)\d\d)|(?<=\d\d[-_.])25\d\d(?!\d)"
)
_IN_UTC = re.compile(r"(?:^|[^A-Za-z0-9])(?:PXL_|(?:UTC|GMT)[ _-]?)$", re.IGNORECASE)
"""What stands before a time in UTC: Pixel's camera, Zoom's recordings."""
_NAME_OF_SHORT_YEAR = re.compile(
    rf"(?<![\dA-Za-z])(?P<y>\d\d){_MONTH_OF_YEAR}{_DAY_OF_MONTH}[_-]{_HMS}(?![\dA-Za-z])"
)
_NAME_WITH_DATE = re.compile(rf"(?<!\d){_D}(?!\d)")
_ANY_YEAR = r"(?P<y>18[3-9]\d|19\d\d|20\d\d)"
_MONTH = r"[-_.](?P<m>0[1-9]|1[0-2])"
_NAME_WITH_PART = re.compile(rf"{_ANY_YEAR}(?:{_MONTH}(?![-_.]?\d)|(?=[ _-]+[^\W\d_]{{3}}))")
"""A month, or a year before words; a year alone is as likely a counter."""
_FIRST_SHORT_YEAR = 90
"""Years of two digits are of 1990 to 2089: earlier no device named files by its clock."""
_EPOCH = re.compile(r"(?<!\d)(1[0-7]\d{8})(\d{3})?(?![0-9A-Za-z])(?!.*\d{6})")
_EARLIEST_EPOCH = 1_100_000_000
"""Names of fewer seconds since 1970 are Android's numbers of media,
which begin at 1000000000 and count on.
"""
_HASH = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
    r"|(?<![0-9a-z])(?=\d*[a-f])[0-9a-f]{24,}(?![0-9a-z])",
    re.IGNORECASE,
)
"""Of some thousand names that are hashes one holds the digits of a day."""
_EPOCH_PREFIX = re.compile(
    r"(?:fb_img|mmexport|img|vid|photo|image|video|pic|received|wx_camera|microMsg|rpreplay_final"
    r"|screencapture-.*)?[-_. ]?",
    re.IGNORECASE,
)
_MESSENGER = re.compile(
    r"(?:IMG|VID|AUD|PTT|STK|DOC)-(?:19|20)\d{6}-WA\d+|WhatsApp (?:Image|Video|Bild)|signal-\d{4}-"
    r"|(?:\w+ ){0,2}WhatsApp (?:\w+ )?\d{4}-\d\d-\d\d",
    re.IGNORECASE,
)


def is_messenger_name(name: str) -> bool:
    """Whether a file name has the form that WhatsApp or Signal gives."""
    return _MESSENGER.match(name) is not None


def from_file_name(name: str) -> DateCandidate | None:
    """A date in a file's name, such as `IMG_20190712_183015.jpg` or `Screenshot 2020-01-05 at
    18.30.15.png`.
    """
    stem = _HASH.sub("#", _plain(name.rpartition(".")[0] or name))
    return _from_stem(stem) or _of_buddhist_era(stem)


def _from_stem(stem: str) -> DateCandidate | None:
    for match in _NAME_WITH_TIME.finditer(stem):
        in_utc = _IN_UTC.search(stem[: match.start()]) is not None
        if _is_time(match) and (found := _named(match, utc=in_utc)):
            return found
    for pattern in (*_IN_OTHER_ORDERS, _DAY_FIRST, _NAME_WITH_DATE, _NAME_OF_SHORT_YEAR):
        make = _named_day_first if pattern is _DAY_FIRST else _named
        for match in pattern.finditer(stem):
            if found := make(match):
                return found
    if (match_partial := _NAME_WITH_PART.match(stem)) is not None:
        return _partial("filename", match_partial)
    return _from_epoch(stem)


def _of_buddhist_era(stem: str) -> DateCandidate | None:
    """A date of 2567 and the like, in that year: whether it is one is for other clocks to say."""
    western = _BUDDHIST_YEAR.sub(lambda m: str(int(m[0]) - BUDDHIST_YEARS), stem)
    found = _from_stem(western) if western != stem else None
    if found is None or found.precision not in (SECOND, DAY) or found.is_utc:
        return None
    try:
        return replace(found, wall=found.wall.replace(year=found.wall.year + BUDDHIST_YEARS))
    except ValueError:  # the 29th of February
        return None


def _is_time(match: re.Match[str]) -> bool:
    """Whether what stands behind a date is one: 20190712_0001 is as likely a counter, and
    2019-07-12 v 1.20 a version.
    """
    if match["S"]:
        return True
    is_word = match["at"] is None or match["at"].lower() not in ("v", "u")
    return bool(match["t"] or match["half"] or match["part"]) and is_word


def _plain(name: str) -> str:
    """A name as it is compared: composed (Macs decompose), with the digits of ASCII."""
    text = unicodedata.normalize("NFC", name)
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def _named(match: re.Match[str], *, utc: bool = False) -> DateCandidate | None:
    return _date_of(match.groupdict(), utc=utc)


def _date_of(g: Mapping[str, str | None], *, utc: bool = False) -> DateCandidate | None:
    """The date of named parts; None where there is no such day."""
    year = int(g["y"] or 0)
    if year < 100:
        year += 1900 if year >= _FIRST_SHORT_YEAR else 2000
    hour, minute, second = _hour(g), int(g.get("M") or 0), int(g.get("S") or 0)
    try:
        wall = datetime(year, int(g["m"] or 0), int(g["d"] or 0), hour, minute, second)
    except ValueError:
        return None
    if g.get("f"):
        wall = wall.replace(microsecond=int(g["f"] or 0) * 1000)
    zone = (g.get("zone") or "").strip(" _-").upper()
    utc = utc or zone in ("Z", "UTC", "GMT")
    offset = parse_offset(zone) if zone and not utc else None
    precision = SECOND if g.get("H") else DAY
    return DateCandidate("filename", wall, offset, is_utc=utc, precision=precision)


def _named_day_first(match: re.Match[str]) -> DateCandidate | None:
    """Of an order that is not told, the year alone."""
    first, second = int(match["first"]), int(match["second"])
    day, month = (first, second) if second <= 12 else (second, first)
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    if first <= 12 and second <= 12 and first != second and match["s"] != ".":
        return _partial("filename", match)
    parts = match.groupdict() | {"d": str(day), "m": str(month)}
    return _date_of(parts if _is_time(match) else parts | dict.fromkeys("HMSf"))


def _hour(g: Mapping[str, str | None]) -> int:
    """The hour of the day; one of twelve with its half, before it or behind."""
    hour = int(g.get("H") or 0)
    part, half = (g.get("part") or "").upper(), g.get("half") or ""
    if hour > 12 or not (part or half):
        return hour
    return hour % 12 + (12 if part in _EVENINGS or half[:1] in ("P", "p", "\u03bc") else 0)


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


_FOLDER_YEAR = re.compile(rf"(?:^|/)(?:[^\W\d_]+ [^\W\d_]+ )?{_ANY_YEAR}(?=/|$|[ _-]+[^\W\d_])")
"""Of a person, and as Google Takeout names it in each language (`Photos from 2013`)."""


def from_folders(folder: str) -> DateCandidate | None:
    """A day, month or year in the folders of a POSIX path without its file name (`2019/07/12`,
    `2019/07_July`, `Photos from 2013`).
    """
    days = list(_FOLDER_DAY.finditer(folder))
    while len(days) > 1 and "/" not in folder[days[-2].start("y") : days[-1].start("y")]:
        days.pop()  # `2019-07-12 - 2019-08-01 Trip` begins on the first
    if days:
        return _folder_day(days[-1])
    for pattern in (_FOLDER_MONTH, _FOLDER_YEAR_MONTH):
        months = [
            m
            for m in pattern.finditer(folder)
            if _is_month_name(m.groupdict().get("name"), int(m["m"]))
        ]
        if months:
            return _partial("folder", months[-1])
    years = list(_FOLDER_YEAR.finditer(folder))
    return _partial("folder", years[-1]) if years else None


def _partial(source: str, match: re.Match[str]) -> DateCandidate:
    month = match.groupdict().get("m")
    return DateCandidate(
        source,
        datetime(int(match["y"]), int(month or 1), 1),
        precision=MONTH if month else YEAR,
    )


def _is_month_name(name: str | None, month: int) -> bool:
    return (
        not name
        or len(name) < 3
        or _MONTHS[month - 1].startswith(name.lower())
        or name.lower() not in _MONTHS
    )


def _folder_day(match: re.Match[str]) -> DateCandidate | None:
    try:
        wall = datetime(int(match["y"]), int(match["m"]), int(match["d"]))
    except ValueError:
        return None
    return DateCandidate("folder", wall, precision=DAY)
