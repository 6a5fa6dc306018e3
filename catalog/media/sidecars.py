"""Sidecar files: XMP, Google Takeout JSON, camera thumbnails (THM), Sony's document of a clip
(XML), a drone's subtitles (SRT); Apple edits (AAE) and other subtitles are kept but not read.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from catalog.domain.capture_time import DateCandidate
from catalog.domain.filetypes import BY_NAME, extension_of
from catalog.domain.xml_parser import parse_xml
from catalog.media.findings import Findings

MAX_BYTES = 8 * 1024 * 1024


def read_sidecar(data: bytes, name: str, findings: Findings) -> None:
    """Add what a sidecar states to what its asset states itself;
    a sidecar that cannot be read leaves a note.
    """
    extension = extension_of(name)
    try:
        if extension == "xmp":
            from catalog.media.xmp import read_xmp

            read_xmp(data, findings, sidecar=True)
        elif extension == "json":
            _read_takeout(orjson.loads(data), findings)
        elif extension == "thm":
            _read_thumbnail(data, findings)
        elif extension == "xml":
            from catalog.media.non_real_time_meta import read_non_real_time_meta

            read_non_real_time_meta(data, findings)
        elif extension == "srt":
            from catalog.media.dji_captions import read_dji_captions

            read_dji_captions(data, findings, "srt:DateTime")
    except Exception as error:  # whatever is wrong with a sidecar, its photo is kept
        findings.notes.append(f"sidecar {name} not understood: {error}")


def find_fault(data: bytes, name: str) -> str:
    """What is wrong with the bytes of a sidecar, as a crash or a failing disk leaves them; "" where
    nothing is, or its format is not known here.
    """
    extension = extension_of(name)
    try:
        if not data.strip(b"\0"):
            return "it is empty, or holds nothing but zeros"
        if extension in ("xmp", "xml") or (extension == "aae" and data.lstrip().startswith(b"<")):
            parse_xml(data, _passed)
        elif extension == "json":
            orjson.loads(data)
        elif extension == "thm" and not data.startswith(b"\xff\xd8"):
            return "it is no JPEG any more"
    except ValueError as error:
        return f"it cannot be read any more ({error})"
    return ""


def _passed(_name: str, _attributes: dict[str, str]) -> None:
    """An element: it is only looked whether there is one."""


def _read_takeout(document: Any, findings: Findings) -> None:
    """Google Takeout's description of one item (`photoTakenTime`, `geoData`, `description`,
    `favorited`).
    """
    taken = document.get("photoTakenTime", {}).get("timestamp")
    if taken is not None:
        wall = datetime.fromtimestamp(int(taken), UTC).replace(tzinfo=None)
        findings.add_date(DateCandidate("takeout:photoTakenTime", wall, is_utc=True))
    for block in ("geoData", "geoDataExif"):
        geo = document.get(block) or {}
        if geo.get("latitude") or geo.get("longitude"):
            findings.add_position(
                geo.get("latitude"), geo.get("longitude"), geo.get("altitude") or None, "takeout"
            )
    findings.add("description", document.get("description"), "takeout")
    if document.get("favorited"):
        findings.add("favorite", True, "takeout")


def _read_thumbnail(data: bytes, findings: Findings) -> None:
    """The EXIF of a THM file, which describes the video beside it;
    its size is the thumbnail's own and of no use.
    """
    from catalog.media.source import MemorySource
    from catalog.media.stills import read_still

    own = Findings()
    read_still(MemorySource(data), BY_NAME["jpeg"], own)
    for candidate in own.dates:
        findings.add_date(candidate)
    for field in ("make", "model", "lens"):
        findings.add(field, own.get(field), f"thm {own.sources.get(field, '')}".strip())
    if own.position:
        findings.add_position(own.position.lat, own.position.lon, own.position.altitude, "thm")
