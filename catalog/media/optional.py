"""Readers that a person may add: a running ExifTool, or the exiv2 package. Both are GPL and stay outside the program.

They are asked only for files in which no date of capture was found, and only if the settings name them.
"""

from __future__ import annotations

import atexit
import shutil
import subprocess
from functools import cache
from importlib import import_module

import orjson

from catalog.domain.capture_time import DateCandidate, parse_date, parse_offset
from catalog.media.findings import Findings

_EXIFTOOL_DATES = {
    "DateTimeOriginal": "exif:DateTimeOriginal",
    "CreateDate": "exif:DateTimeDigitized",
    "DateCreated": "xmp:DateCreated",
}
_EXIV2_DATES = {
    "Exif.Photo.DateTimeOriginal": "exif:DateTimeOriginal",
    "Exif.Photo.DateTimeDigitized": "exif:DateTimeDigitized",
    "Exif.Image.DateTimeOriginal": "exif:DateTimeOriginal",
    "Xmp.photoshop.DateCreated": "xmp:DateCreated",
}
_END = b"{ready}"


def ask(readers: tuple[str, ...], path: str, findings: Findings) -> None:
    """Fill what is missing from the optional readers, in the order named, until a date is found."""
    for reader in readers:
        if any(c.source != "exif:DateTime" for c in findings.dates):
            return
        try:
            values = _ask_exiftool(path) if reader == "exiftool" else _ask_exiv2(path)
        except (OSError, ValueError, ImportError, RuntimeError) as error:
            findings.notes.append(f"{reader} could not be asked: {error}")
            continue
        _merge(values, findings, reader)


def _merge(values: dict[str, str], findings: Findings, reader: str) -> None:
    for tag, source in (_EXIFTOOL_DATES if reader == "exiftool" else _EXIV2_DATES).items():
        parsed = parse_date(str(values.get(tag, "")))
        if parsed:
            wall, offset, precise = parsed
            stated = parse_offset(str(values.get("OffsetTimeOriginal", "")))
            findings.add_date(DateCandidate(source, wall, offset if offset is not None else stated, precise=precise))
    findings.add("make", values.get("Make") or values.get("Exif.Image.Make"), reader)
    findings.add("model", values.get("Model") or values.get("Exif.Image.Model"), reader)


def _ask_exiftool(path: str) -> dict[str, str]:
    process = _exiftool()
    assert process.stdin is not None and process.stdout is not None
    if "\n" in path:
        raise ValueError("a name with a line break cannot be passed on")
    tags = [f"-{tag}" for tag in (*_EXIFTOOL_DATES, "OffsetTimeOriginal", "Make", "Model")]
    request = "\n".join(["-j", "-q", *tags, path, "-execute", ""])
    process.stdin.write(request.encode("utf-8", "surrogateescape"))
    process.stdin.flush()
    lines: list[bytes] = []
    while not (line := process.stdout.readline()).startswith(_END):
        if not line:
            _exiftool.cache_clear()
            raise RuntimeError("ExifTool ended unexpectedly")
        lines.append(line)
    found = orjson.loads(b"".join(lines) or b"[{}]")
    return dict(found[0])


@cache
def _exiftool() -> subprocess.Popen[bytes]:
    """One ExifTool for the life of this process: starting it costs more than a hundred files."""
    program = shutil.which("exiftool")
    if program is None:
        raise OSError("exiftool is not installed")
    command = [program, "-stay_open", "True", "-@", "-"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    atexit.register(process.kill)
    return process


def _ask_exiv2(path: str) -> dict[str, str]:
    exiv2 = import_module("exiv2")  # whose types are none, and differ with whether it is installed
    image = exiv2.ImageFactory.open(path)
    image.readMetadata()
    values = {datum.key(): datum.toString() for datum in image.exifData()}
    return values | {datum.key(): datum.toString() for datum in image.xmpData()}
