"""What phones put behind a picture: the film of a motion photo, Samsung's directory of such parts.

It is looked at whatever the metadata say: programs lose XMP, and leave what follows the picture.
"""

from __future__ import annotations

from catalog.domain.filetypes import recognise
from catalog.media.findings import Findings
from catalog.media.parts import FILM, parts_of_samsung
from catalog.media.source import ByteSource, MemorySource, PartSource

_TAIL = 4096
_EOI = b"\xff\xd9"
_MOST_TRIES = 16
_LARGEST_TYPE = 256
_MOST_BOXES = 10_000
_LEAST_BOX = 8
_BEHIND_TYPE = frozenset(
    (b"moov", b"mdat", b"free", b"skip", b"wide", b"uuid", b"moof", b"meta", b"sidx", b"mfra")
)


def read_trailer(source: ByteSource, findings: Findings) -> None:
    """Add the parts that stand behind a picture, read from its last bytes.

    Of a file that was fetched in part only where its maker is known to have some there. Only a JPEG
    in memory that does not end as one is searched.
    """
    is_samsung = str(findings.get("make", "")).lower().startswith("samsung")
    if isinstance(source, PartSource) and not is_samsung:
        return
    tail = source.read(max(0, source.size - _TAIL), _TAIL)
    end, start = tail.rfind(b"SEFT"), tail.rfind(b"SEFH")
    if 0 <= start < end:
        add_parts(parts_of_samsung(tail[start + 12 : end]), findings, "samsung")
    if FILM not in findings.parts and not tail.endswith(_EOI) and has_film(source):
        add_parts({FILM}, findings, "trailer")


def add_parts(parts: set[str], findings: Findings, source: str) -> None:
    """Add parts of a file; one with a film is a motion photo."""
    findings.parts |= parts
    if FILM in parts:
        findings.add("motion_photo", True, source)


def has_film(source: ByteSource) -> bool:
    """Whether a movie (ISO base media) begins somewhere within a JPEG in memory."""
    if not isinstance(source, MemorySource) or not source.data.startswith(b"\xff\xd8"):
        return False
    return find_film(source.data) is not None


def find_film(data: bytes) -> tuple[int, int] | None:
    """Where a movie (ISO base media) lies within a picture's file: from which byte to which, or
    None.
    """
    at = 4 if data[4:8] == b"ftyp" else 0  # that of a HEIF file itself
    for _ in range(_MOST_TRIES):
        at = data.find(b"ftyp", at + 4)
        if at < 0:
            return None
        if _begins_film(data[at - 4 : at + _LARGEST_TYPE + 4]):
            return at - 4, _end_of_film(data, at - 4)
    return None


def _end_of_film(data: bytes, at: int) -> int:
    """Where the boxes of a movie end that begins somewhere; phones put directories behind it."""
    for _ in range(_MOST_BOXES):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind not in _BEHIND_TYPE and kind != b"ftyp":
            return min(at, len(data))
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size < _LEAST_BOX or at + size >= len(data):  # 0: to the end
            return len(data)
        at += size
    return at


def _begins_film(head: bytes) -> bool:
    size = int.from_bytes(head[:4], "big")
    if not 16 <= size <= _LARGEST_TYPE or head[size + 4 : size + 8] not in _BEHIND_TYPE:
        return False
    filetype = recognise(head[:size], "")
    return filetype is not None and filetype.kind == "video"
