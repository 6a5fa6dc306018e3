"""Sony's NonRealTimeMeta document: what an XAVC or XDCAM camera writes of a clip, into the clip
itself and beside it.

The date is that of the camera's clock, with its offset; the position is an item a value, named as
in EXIF's GPS directory, its degrees with colons or semicolons between.
"""

from __future__ import annotations

import re

from catalog.domain.capture_time import DateCandidate, parse_date
from catalog.domain.xml_parser import parse_xml
from catalog.media.findings import Findings

_ROOT = b"NonRealTimeMeta"
_SEXAGESIMAL = re.compile(r"(\d+(?:\.\d+)?)[:;](\d+(?:\.\d+)?)[:;](\d+(?:\.\d+)?)")
_MOST_ITEMS = 1000


def read_non_real_time_meta(document: bytes, findings: Findings) -> bool:
    """Add creation date, device, lens, position and the satellites' clock; whether the bytes hold
    such a document. What comes before and after it is passed over; a damaged one leaves a note.
    """
    if _ROOT not in document:
        return False
    items: dict[str, str] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        match name.rpartition(":")[2]:
            case "CreationDate":
                if parsed := parse_date(attributes.get("value", "")):
                    findings.add_date(parsed.as_candidate("quicktime:creationdate"))
            case "Device":
                findings.add("make", attributes.get("manufacturer"), "nrtm")
                findings.add("model", attributes.get("modelName"), "nrtm")
            case "Lens":
                findings.add("lens", attributes.get("modelName"), "nrtm")
            case "Item" if len(items) < _MOST_ITEMS:
                items.setdefault(attributes.get("name", ""), attributes.get("value", "").strip())

    try:
        parse_xml(document[max(document.find(b"<?xml"), 0) : document.rfind(b">") + 1], start)
    except ValueError as error:
        findings.notes.append(f"Sony XML: {error}")
        return True
    _add_satellites(items, findings)
    return True


def _add_satellites(items: dict[str, str], findings: Findings) -> None:
    """Position and clock, unless the receiver says (Status) that it measured none."""
    if items.get("Status", "A") != "A":
        return
    latitude, longitude = _degrees(items, "Latitude", "S"), _degrees(items, "Longitude", "W")
    if latitude is None or longitude is None:
        return
    findings.add_position(latitude, longitude, None, "nrtm")
    stamps = f"{items.get('DateStamp', '')} {items.get('TimeStamp', '')}"
    clock = parse_date(stamps.replace(";", ":"))
    if clock and clock.has_time:
        findings.add_date(DateCandidate("gps", clock.wall, is_utc=True))


def _degrees(items: dict[str, str], name: str, negative: str) -> float | None:
    match = _SEXAGESIMAL.fullmatch(items.get(name, ""))
    if not match or not items.get(f"{name}Ref"):
        return None
    value = float(match[1]) + float(match[2]) / 60 + float(match[3]) / 3600
    return -value if items[f"{name}Ref"] == negative else value
