"""The values of a document that follow from its others: indexed beside them,
since nothing is computed at search time.

They have no other writer. Whoever changes a document takes them off, or lays them on again, by the
two functions here.
"""

from __future__ import annotations

import calendar
import re
from datetime import datetime

from catalog.domain.capture_time import COARSE, DAY, SECOND, CaptureTime, format_day
from catalog.domain.copies import timestamp
from catalog.domain.document import AssetDocument, Captured, without

OF_DOCUMENT = ("shape", "megapixels", "preview")
OF_CAPTURED = ("year", "month_day", "hour", "weekday", "precision")
"""Fields of `captured`; `weekday` is that of ISO 8601, from 1 for Monday to 7."""
PORTRAIT, LANDSCAPE, SQUARE = "portrait", "landscape", "square"
"""Shapes of a picture or film as it is shown, with its orientation applied."""

_WALL = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d))?", re.ASCII)


def with_derived(document: AssetDocument) -> AssetDocument:
    """The document with all that follows from its values, and with nothing that does not."""
    made = without_derived(document)
    if made.get("captured"):
        made["captured"] = {**made["captured"], **_of_captured(made["captured"])}
    return {
        **made,
        **_of_size(made.get("width"), made.get("height")),
        **({"preview": made["hash"]} if made.get("hash") else {}),
    }


def without_derived(document: AssetDocument) -> AssetDocument:
    """The document without what follows from its values."""
    made = without(document, *OF_DOCUMENT)
    if made.get("captured"):
        stated = made["captured"].get("precision") in COARSE
        made["captured"] = without(
            made["captured"], *(f for f in OF_CAPTURED if not (stated and f == "precision"))
        )
    return made


def _of_captured(captured: Captured) -> Captured:
    """Of a wall clock as the camera showed it; of one that is no date nothing follows."""
    match = _WALL.match(str(captured.get("wall", "")))
    if not match:
        return {}
    year, month, day = (int(part) for part in match.groups()[:3])
    if not (year and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]):
        return {}
    precision = precision_of(captured)
    if precision in COARSE:
        return {"year": year, "precision": precision}
    has_time = precision == SECOND and match[4] is not None
    return {
        "year": year,
        "month_day": f"{month:02d}-{day:02d}",
        **({"hour": int(match[4])} if has_time else {}),
        "weekday": calendar.weekday(year, month, day) + 1,
        "precision": SECOND if has_time else DAY,
    }


def write_captured(captured: CaptureTime) -> Captured:
    """A capture time as a document states it; what follows from it is left to `with_derived`."""
    made: Captured = {
        "wall": captured.wall.isoformat(timespec="milliseconds"),
        "source": captured.source,
        "confidence": captured.confidence,
        "has_time": captured.has_time,
    }
    if captured.precision in COARSE:
        made["precision"] = captured.precision
    if captured.zone is not None:
        made["zone"] = captured.zone
    if captured.instant is not None and captured.offset_minutes is not None:
        made |= {"instant": timestamp(captured.instant), "offset_minutes": captured.offset_minutes}
    return made


def read_captured(captured: Captured) -> CaptureTime:
    """A document's capture time."""
    return CaptureTime(
        datetime.fromisoformat(captured["wall"]),
        captured["source"],
        captured["confidence"],
        captured.get("offset_minutes"),
        captured.get("zone"),
        precision_of(captured),
    )


def known_wall(captured: Captured) -> str:
    """A document's wall clock as far as it is known: whole, or the day, the month, the year."""
    precision = precision_of(captured)
    if precision == SECOND:
        return captured["wall"]
    return format_day(datetime.fromisoformat(captured["wall"]), precision)


def precision_of(captured: Captured) -> str:
    """How precise a document's capture time is (see `capture_time.PRECISIONS`)."""
    if captured.get("has_time", True):
        return SECOND
    stated = captured.get("precision", DAY)
    return stated if stated in COARSE else DAY


def _of_size(width: int | None, height: int | None) -> AssetDocument:
    """Of a size in pixels as shown; millions of pixels to three places."""
    if not width or not height:
        return {}
    shape = SQUARE if width == height else LANDSCAPE if width > height else PORTRAIT
    return {"shape": shape, "megapixels": round(width * height / 1e6, 3)}
