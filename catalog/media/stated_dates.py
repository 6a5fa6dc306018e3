"""The date that a picture states itself: what a cloud finds in it,
whatever the name and time of the file say.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from catalog.domain.capture_time import DateCandidate
from catalog.domain.filetypes import BY_NAME
from catalog.media.findings import Findings
from catalog.media.source import ByteSource
from catalog.media.stills import read_still

TAKEN = (
    "exif:DateTimeOriginal",
    "exif:DateTimeDigitized",
    "xmp:DateTimeOriginal",
    "xmp:DateCreated",
    "iptc:DateCreated",
    "xmp:CreateDate",
)
"""Sources of a date of capture within a picture, the most believed first."""
_ORDER = (*TAKEN, "maker:DateTimeOriginal", "exif:DateTime")


def stated_dates(source: ByteSource, type_name: str) -> list[DateCandidate]:
    """The dates of capture that a picture of a type states, the most believed first.

    A file without any: an empty list.
    """
    findings = Findings()
    if type_name in BY_NAME:
        read_still(source, BY_NAME[type_name], findings)
    return sorted(
        (d for d in findings.dates if d.source in _ORDER), key=lambda d: _ORDER.index(d.source)
    )


def agrees(found: DateCandidate, wall: datetime, offset: int | None) -> bool:
    """Whether a statement is of this second: as wall clock,
    or as the same moment (`offset` in minutes east of UTC).

    One without seconds, or without a time of day, need not be more exact than it is.
    """
    walls = [found.wall]
    if offset is not None and found.offset_minutes is not None:
        walls.append(found.wall + timedelta(minutes=offset - found.offset_minutes))
    wanted = wall.replace(microsecond=0)
    return any(
        w.replace(microsecond=0) in (wanted, wanted.replace(second=0))
        or (not found.has_time and w.date() == wanted.date())
        for w in walls
    )
