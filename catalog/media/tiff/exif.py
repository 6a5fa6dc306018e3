"""EXIF (CIPA DC-008) of a TIFF block in memory: dates, camera, exposure, position,
Apple's Live Photo id.

A field the block does not state soundly is left out; nothing raises for broken data.
"""

from __future__ import annotations

import math

from catalog.domain.capture_time import DateCandidate, parse_date, parse_offset, with_subseconds
from catalog.media.findings import Findings
from catalog.media.tiff.gps import GPS_TAGS, read_gps
from catalog.media.tiff.ifd import Ifd, Tiff, tiff_in_memory
from catalog.media.tiff.maker_notes import read_maker_note

EXIF_POINTER, GPS_POINTER, MAKER_NOTE = 0x8769, 0x8825, 0x927C
FIELD_TAGS = frozenset(
    (
        0x10E,
        0x10F,
        0x110,
        0x112,
        0x131,
        0x132,
        0x4746,
        EXIF_POINTER,
        GPS_POINTER,
        0x829A,
        0x829D,
        0x8827,
        0x8832,
        0x9003,
        0x9004,
        0x9010,
        0x9011,
        0x9012,
        0x9209,
        0x920A,
        MAKER_NOTE,
        0x9291,
        0x9292,
        0xA002,
        0xA003,
        0xA405,
        0xA432,
        0xA434,
        0x9C9B,
        0x9C9E,
        0xC614,
        0xC630,
    )
)
"""Tags that state a field, in IFD0 or the Exif IFD: broken writers put them into either."""

_BOILERPLATE = frozenset(
    (
        "olympus digital camera",
        "sony dsc",
        "konica minolta digital camera",
        "minolta digital camera",
        "samsung digital camera",
        "samsung camera pictures",
        "casio computer co.,ltd.",
        "kodak digital still camera",
        "digital camera",
        "dcim",
        "dcf 1.0",
        "exif_jpeg_picture",
        "exif_jpeg_420",
        "exif jpeg",
        "jpeg",
        "image",
        "picture",
        "photo",
        "default",
        "untitled",
        "my beautiful picture",
        "ambarella",
        "dsc",
        "img",
        "pentax digital camera",
        "ricoh dsc",
        "sanyo digital camera",
        "digital still camera",
        "hpim",
        "dv",
        "yc",
        "edf",
        "cof",
        "mde",
        "hdrpl",
        "sdr",
        "oznor",
        "ptr",
        "binary",
        "[b]",
        "<digimax>",
        "created by imatch",
        "maginon",
        "charset=ascii",
        "digital image",
    )
)


def read_exif(block: bytes, findings: Findings, source_prefix: str = "exif") -> None:
    """Add what the TIFF block in memory states.

    `source_prefix` names the reader in `findings.sources`.
    """
    tiff = tiff_in_memory(block)
    main = tiff.ifd(tiff.first, FIELD_TAGS) if tiff.order else None
    if main is None:
        findings.notes.append(f"{source_prefix}: no readable directory")
        return
    read_directories(tiff, [main], findings, source_prefix)


def read_directories(tiff: Tiff, mains: list[Ifd], findings: Findings, name: str = "exif") -> None:
    """Add what the given directories, the first one's Exif and GPS directories and a maker note
    state.
    """
    exif = gps = None
    for main in mains:
        exif = exif or _follow(tiff, main, EXIF_POINTER, FIELD_TAGS)
    for holder in [*mains, exif]:
        gps = gps or (_follow(tiff, holder, GPS_POINTER, GPS_TAGS) if holder else None)
    for ifd in [*mains, exif]:
        if ifd is not None:
            read_fields(ifd, findings, name)
    for ifd in [exif, *mains]:
        if ifd is not None:
            read_dates(ifd, findings, exif)
    if gps is not None:
        read_gps(gps, findings)
    note_holder = (
        exif
        if exif is not None and MAKER_NOTE in exif
        else next((m for m in mains if MAKER_NOTE in m), None)
    )
    if note_holder is not None:
        read_maker_note(tiff, note_holder, findings)
    for ifd in [exif, *mains]:
        if ifd is not None:
            read_lens_lengths(ifd, findings, name)


def _follow(tiff: Tiff, ifd: Ifd, tag: int, wanted: frozenset[int]) -> Ifd | None:
    offset = ifd.integer(tag) if tag in ifd else None
    return tiff.ifd(offset, wanted) if offset else None


def read_dates(ifd: Ifd, findings: Findings, beside: Ifd | None = None) -> None:
    """Add the dates of one directory, with their fractions and offsets.

    `beside` is the directory that holds the offset of DateTime, by the standard the Exif one. That
    is the offset of the last change, which may have been made at another place: of the capture it
    says something only where both show the same second (see `domain.capture_time.choose`).
    """
    for tag, fraction, offset, source in (
        (0x9003, 0x9291, 0x9011, "exif:DateTimeOriginal"),
        (0x9004, 0x9292, 0x9012, "exif:DateTimeDigitized"),
        (0x132, 0, 0x9010, "exif:DateTime"),
    ):
        if tag in ifd:
            holder = beside if beside is not None and tag == 0x132 and offset in beside else ifd
            _add_date(
                findings,
                source,
                ifd.raw(tag, 64),
                ifd.text(fraction) if fraction in ifd else "",
                parse_offset(holder.text(offset)) if offset in holder else None,
            )


def _add_date(
    findings: Findings, source: str, data: bytes, fraction: str, zone: int | None
) -> None:
    parsed = parse_date(data.decode("latin-1"))
    if parsed is None:
        return
    wall, stated, precision = parsed
    if fraction:
        wall = with_subseconds(wall, fraction)
    findings.add_date(
        DateCandidate(source, wall, zone if stated is None else stated, precision=precision)
    )


def read_fields(ifd: Ifd, findings: Findings, name: str = "exif") -> None:
    """Add camera, lens by its name, exposure and texts of one directory."""
    for tag, key in ((0x10F, "make"), (0x110, "model"), (0x131, "software"), (0xA434, "lens")):
        if tag in ifd:
            findings.add(key, ifd.text(tag), name)
    for tag, key in (
        (0x829A, "exposure_time"),
        (0x829D, "f_number"),
        (0x920A, "focal_length"),
        (0xA405, "focal_length_35mm"),
    ):
        if tag in ifd:
            _add_measure(ifd, tag, key, findings, name)
    orientation = ifd.integer(0x112) if 0x112 in ifd else None
    if orientation is not None and 1 <= orientation <= 8:
        findings.add("orientation", orientation, name)
    for tag, key in ((0xA002, "stated_width"), (0xA003, "stated_height")):
        if tag in ifd:
            findings.add(key, ifd.integer(tag) or None, name)
    _add_iso(ifd, findings, name)
    if 0x9209 in ifd:
        findings.add("flash", ifd.integer(0x9209), name)
    _add_texts(ifd, findings, name)
    if 0xC614 in ifd and "model" not in findings.values:
        findings.add("model", ifd.text(0xC614), name)


def read_lens_lengths(ifd: Ifd, findings: Findings, name: str = "exif") -> None:
    """Add the lens by the lengths and apertures of one directory (LensSpecification of EXIF,
    LensInfo of DNG), where nothing gives its name.
    """
    for tag in (0xA432, 0xC630):
        if tag in ifd:
            findings.add("lens", lens_from_spec(ifd.numbers(tag, 4)), name)


def _add_measure(ifd: Ifd, tag: int, key: str, findings: Findings, name: str) -> None:
    value = ifd.number(tag)
    if value is not None and 0 < value < 1e6:
        findings.add(
            key, int(value) if key == "focal_length_35mm" else round(float(value), 9), name
        )


def _add_iso(ifd: Ifd, findings: Findings, name: str) -> None:
    for tag in (0x8827, 0x8832):
        value = ifd.integer(tag) if tag in ifd else None
        if value and 0 < value < 10_000_000 and not (tag == 0x8827 and value == 65535):
            findings.add("iso", value, name)


def _add_texts(ifd: Ifd, findings: Findings, name: str) -> None:
    if 0x10E in ifd:
        text = ifd.text(0x10E)
        if not is_boilerplate(text):
            findings.add("description", text, name)
    rating = ifd.integer(0x4746) if 0x4746 in ifd else None
    if rating is not None and 1 <= rating <= 5:
        findings.add("rating", rating, name)
    if 0x9C9B in ifd:
        findings.add("title", _utf16(ifd.raw(0x9C9B)), name)
    if 0x9C9E in ifd:
        findings.add_tags(_utf16(ifd.raw(0x9C9E)).split(";"))


def add_copied_date(findings: Findings, source: str, text: str) -> None:
    """Keep a date of XMP or IPTC.

    Where the camera's EXIF shows the same wall clock, the copy's offset is an editor's own zone:
    dropped.
    """
    parsed = parse_date(text)
    if parsed is None:
        return
    wall, offset, precision = parsed
    second = wall.replace(microsecond=0)
    if any(
        d.source in _OF_THE_CAMERA and d.wall.replace(microsecond=0) == second
        for d in findings.dates
    ):
        offset = None
    findings.add_date(DateCandidate(source, wall, offset, precision=precision))


_OF_THE_CAMERA = ("exif:DateTimeOriginal", "exif:DateTimeDigitized")


def is_boilerplate(text: str) -> bool:
    """Whether an image description is what a camera writes into every picture."""
    return text.strip().lower() in _BOILERPLATE or not any(c.isalnum() for c in text)


def lens_from_spec(numbers: list[int | float]) -> str | None:
    """A lens as `18-55mm f/3.5-5.6` from shortest and longest focal length (mm) and their apertures
    (EXIF A432).
    """
    if len(numbers) < 2 or not all(math.isfinite(n) and 0 < n < 10_000 for n in numbers[:2]):
        return None
    lens = f"{_span(numbers[0], numbers[1])}mm"
    apertures = [n for n in numbers[2:4] if math.isfinite(n) and 0 < n < 100]
    return f"{lens} f/{_span(apertures[0], apertures[-1])}" if apertures else lens


def _span(low: float, high: float) -> str:
    return f"{low:.4g}" if low == high else f"{low:.4g}-{high:.4g}"


def _utf16(data: bytes) -> str:
    return data[: len(data) // 2 * 2].decode("utf-16-le", "replace").partition("\0")[0]
