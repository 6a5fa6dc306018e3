"""Boxes by which camera makers state make, model,
date and position in QuickTime and MP4 user data.
"""

from __future__ import annotations

import struct

from catalog.domain.capture_time import parse_date
from catalog.media.bmff.boxes import Box, Walk
from catalog.media.bmff.tags import Movie
from catalog.media.clips.embedded_metadata import (
    merge_bare_ifd,
    merge_exif,
    merge_jpeg_exif,
    merge_xmp,
)
from catalog.media.findings import Findings

_SCAN = 0x20000
_TAGS: tuple[tuple[bytes, int, int, int], ...] = (
    (b"FUJIFILM DIGITAL CAMERA", 24, 0x18, 16),
    (b"EASTMAN KODAK COMPANY", 21, 0x16, 42),
    (b"KONICA MINOLTA DIGITAL CAMERA", 32, 0, 0),
    (b"MINOLTA DIGITAL CAMERA", 32, 0, 0),
    (b"NIKON DIGITAL CAMERA", 24, 0x18, 8),
    (b"OLYMPUS DIGITAL CAMERA", 24, 0x18, 24),
    (b"PENTAX DIGITAL CAMERA", 24, 0, 0),
    (b"SAMSUNG DIGITAL CAMERA", 24, 0x18, 16),
    (b"SANYO DIGITAL CAMERA", 24, 0x18, 8),
)
"""`TAGS` box by its first text: length of the make, offset and length of the model (0: none)."""
_KIND_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8}


def text_at(data: bytes, start: int, length: int) -> str:
    """The printable text in a fixed-size field, up to its first control character;
    "" where there is none.
    """
    raw = data[start : start + length]
    end = next((i for i, byte in enumerate(raw) if byte < 32), len(raw))
    return raw[:end].decode("ascii", "ignore").strip()


def read_maker_box(walk: Walk, box: Box, movie: Movie) -> bool:
    """One maker's box of user data; whether its kind is known here."""
    reader = _READERS.get(box.kind)
    if reader is None:
        return False
    reader(walk, box, movie)
    return True


def _read_tags(walk: Walk, box: Box, movie: Movie) -> None:
    movie.classic = True
    data = walk.payload(box, 4096)
    for start, make_length, model_at, model_length in _TAGS:
        if data.startswith(start):
            movie.findings.add("make", text_at(data, 0, make_length), "maker")
            movie.findings.add("model", text_at(data, model_at, model_length), "maker")
            return
    at = data.find(b"prms")
    if data[16:20] == b"OLYM" and at > 0:
        read_olympus_block(data[at + 4 :], movie.findings)


def read_olympus_block(data: bytes, findings: Findings) -> None:
    """The block that Olympus (`prms`, AVI junk) and Pentax (AVI junk) share: make at 0x12,
    model at 0x2c.
    """
    findings.add("make", text_at(data, 0x12, 24), "maker")
    findings.add("model", text_at(data, 0x2C, 24), "maker")


def _read_nikon(walk: Walk, box: Box, movie: Movie) -> None:
    movie.classic = True
    for child in walk.inside(box):
        if child.kind == b"NCTG":
            _add_nikon(_nikon_records(walk.payload(child)), movie.findings)


def _nikon_records(data: bytes) -> dict[int, tuple[int, bytes]]:
    """Kind and bytes by tag of Nikon's NCTG: tag (4 bytes), TIFF kind (2), count (2), value,
    big-endian.
    """
    records: dict[int, tuple[int, bytes]] = {}
    at = 0
    while at + 8 <= len(data) and len(records) < 512:
        tag, kind, count = struct.unpack_from(">IHH", data, at)
        size = _KIND_SIZES.get(kind, 0) * count
        if kind not in _KIND_SIZES or at + 8 + size > len(data):
            break
        records[tag] = (kind, data[at + 8 : at + 8 + size])
        at += 8 + size
    return records


def _add_nikon(records: dict[int, tuple[int, bytes]], findings: Findings) -> None:
    texts = {tag: text_at(raw, 0, len(raw)) for tag, (kind, raw) in records.items() if kind == 2}
    for tag, name in ((1, "make"), (2, "model"), (3, "software"), (0x110A434, "lens")):
        findings.add(name, texts.get(tag), "maker")
    parsed = parse_date(texts.get(0x12, "")) or parse_date(texts.get(0x11, ""))
    if parsed:
        findings.add_date(parsed.as_candidate("maker:DateTimeOriginal"))
    latitude = _degrees(records.get(0x1200002), texts.get(0x1200001, ""), "S")
    longitude = _degrees(records.get(0x1200004), texts.get(0x1200003, ""), "W")
    if latitude is not None and longitude is not None:
        findings.add_position(latitude, longitude, None, "maker:gps")


def _degrees(record: tuple[int, bytes] | None, reference: str, negative: str) -> float | None:
    if record is None or record[0] != 5 or len(record[1]) < 24 or not reference:
        return None
    parts = struct.unpack(">6I", record[1][:24])
    if parts[1] == 0:
        return None
    value: float = sum(
        n / d / unit for n, d, unit in zip(parts[::2], parts[1::2], (1, 60, 3600), strict=True) if d
    )
    return -value if reference.startswith(negative) else value


def _read_canon_thumbnail(walk: Walk, box: Box, movie: Movie) -> None:
    movie.classic = True
    for child in walk.inside(box):
        if child.kind == b"CNDA":
            merge_jpeg_exif(walk.payload(child, _SCAN), movie.findings)


def _read_canon_model(walk: Walk, box: Box, movie: Movie) -> None:
    movie.classic = True
    movie.findings.add("model", text_at(walk.payload(box, 128), 0, 128), "maker")
    movie.findings.add("make", "Canon", "maker")


def _read_pentax(walk: Walk, box: Box, movie: Movie) -> None:
    movie.classic = True
    data = walk.payload(box, 512)
    movie.findings.add("make", text_at(data, 0, 24), "maker")
    movie.findings.add("model", text_at(data, 0x1A, 24), "maker")
    if data[0xC7:0xCB] == b"GPS_":
        latitude = _pentax_degrees(data, 0xCF, "S")
        longitude = _pentax_degrees(data, 0xE9, "W")
        if latitude is not None and longitude is not None:
            movie.findings.add_position(latitude, longitude, None, "maker:gps")


def _pentax_degrees(data: bytes, at: int, negative: str) -> float | None:
    reference = text_at(data, at, 2)
    raw = data[at + 2 : at + 26]
    if len(raw) < 24 or reference not in ("N", "S", "E", "W"):
        return None
    return _degrees((5, struct.pack(">6I", *struct.unpack("<6I", raw))), reference, negative)


def _read_panasonic(walk: Walk, box: Box, movie: Movie) -> None:
    """Panasonic's and Leica's block: names at fixed places,
    and in newer ones an EXIF segment further on.
    """
    movie.classic = True
    data = walk.payload(box, _SCAN)
    if data.startswith((b"LEICA", b"Panasonic")):
        movie.findings.add("make", text_at(data, 0, 22), "maker")
        movie.findings.add("model", text_at(data, 0x16, 30), "maker")
    else:
        for at in (0x04, 0x0C):
            if len(data) > at + 6 and all(32 < byte < 127 for byte in data[at : at + 6]):
                movie.findings.add("model", text_at(data, at, 16), "maker")
                break
    merge_jpeg_exif(data, movie.findings)


def _read_casio(walk: Walk, box: Box, movie: Movie) -> None:
    movie.classic = True
    merge_bare_ifd(walk.payload(box, _SCAN), 10, ">", (0, 10, 4), movie.findings)


def _read_fujifilm(walk: Walk, box: Box, movie: Movie) -> None:
    movie.classic = True
    merge_bare_ifd(walk.payload(box, _SCAN), 16, "<", (16, 0), movie.findings)


def _read_tiff(walk: Walk, box: Box, movie: Movie) -> None:
    merge_exif(walk.payload(box, _SCAN), movie.findings)


def _read_3gpp_maker(walk: Walk, box: Box, movie: Movie) -> None:
    """`manu` and `modl` as Samsung and Canon write them:
    sometimes four zeros and two more bytes come first.
    """
    data = walk.payload(box, 256)
    text = text_at(data, 6 if data[:4] == b"\0\0\0\0" else 0, 200)
    movie.findings.add("make" if box.kind == b"manu" else "model", text, "3gpp")


def _read_samsung(walk: Walk, box: Box, movie: Movie) -> None:
    movie.phone = True
    for child in walk.inside(box, 4):
        if child.kind == b"mdln":
            movie.findings.add("model", text_at(walk.payload(child, 64), 0, 64), "maker")


def _read_samsung_camera(walk: Walk, box: Box, movie: Movie) -> None:
    data = walk.payload(box, 64)
    if data.upper().startswith(b"SAMSUNG"):
        movie.findings.add("make", text_at(data, 0, 32), "maker")
        movie.findings.add("model", text_at(data, 0x20, 32), "maker")


def _read_gopro(walk: Walk, box: Box, movie: Movie) -> None:
    movie.classic = True
    movie.findings.add("make", "GoPro", "maker")
    if box.kind != b"GPMF":
        return
    data = walk.payload(box, _SCAN)
    at = data.find(b"MINFc\x01")
    if at >= 0:
        length = int.from_bytes(data[at + 6 : at + 8], "big")
        movie.findings.add("model", text_at(data, at + 8, min(length, 64)), "maker")


def _read_dji(_walk: Walk, _box: Box, movie: Movie) -> None:
    """Speeds and turns of a drone, and numbers of its own: they say whose it is."""
    movie.findings.add("make", "DJI", "maker")


def _read_minolta(walk: Walk, box: Box, movie: Movie) -> None:
    movie.classic = True
    movie.findings.add("make", text_at(walk.payload(box, 64), 0, 20), "maker")


def _read_plain_model(walk: Walk, box: Box, movie: Movie) -> None:
    movie.findings.add("model", text_at(walk.payload(box, 128), 0, 128), "maker")


def _read_xmp(walk: Walk, box: Box, movie: Movie) -> None:
    merge_xmp(walk.payload(box), movie.findings)


_READERS = {
    b"TAGS": _read_tags,
    b"NCDT": _read_nikon,
    b"CNTH": _read_canon_thumbnail,
    b"CNMN": _read_canon_model,
    b"PENT": _read_pentax,
    b"PANA": _read_panasonic,
    b"LEIC": _read_panasonic,
    b"QVMI": _read_casio,
    b"MVTG": _read_fujifilm,
    b"RMKN": _read_tiff,
    b"CMT1": _read_tiff,
    b"CMT2": _read_tiff,
    b"manu": _read_3gpp_maker,
    b"modl": _read_3gpp_maker,
    b"smta": _read_samsung,
    b"@sec": _read_samsung_camera,
    b"FIRM": _read_gopro,
    b"CAME": _read_gopro,
    b"GPMF": _read_gopro,
    **dict.fromkeys((b"\xa9xsp", b"\xa9fpt", b"\xa9gpt", b"\xa9dji"), _read_dji),
    b"MMA0": _read_minolta,
    b"MMA1": _read_minolta,
    b"cmnm": _read_plain_model,
    b"XMP_": _read_xmp,
}
