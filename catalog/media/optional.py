"""Readers that a person may add: a running ExifTool, or the exiv2 package.

Both are GPL and stay outside the program.

They are asked only for files in which no date of capture was found, and only if the settings name
them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module

import orjson

from catalog.domain.capture_time import DateCandidate, parse_date, parse_offset
from catalog.media import parent_watch
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


class OptionalReaders:
    """The readers by these names, `exiftool` or `exiv2`, asked in this order.

    Close it, or use it as a context manager. One ExifTool serves until then: starting it costs more
    than a hundred files. One thread at a time may ask.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._names = tuple(names)
        self._exiftool: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> OptionalReaders:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the ExifTool, if one runs."""
        if self._exiftool is not None:
            self._exiftool.kill()
            with self._exiftool:
                self._exiftool = None

    def ask(self, path: str, findings: Findings) -> None:
        """Fill what is missing until a date of capture is found; who cannot be asked is a note."""
        for name in self._names:
            if any(c.source != "exif:DateTime" for c in findings.dates):
                return
            try:
                values = self._ask_exiftool(path) if name == "exiftool" else _ask_exiv2(path)
            except (OSError, ValueError, ImportError, RuntimeError) as error:
                findings.notes.append(f"{name} could not be asked: {error}")
                continue
            _merge(values, findings, name)

    def _ask_exiftool(self, path: str) -> dict[str, str]:
        if "\n" in path:
            raise ValueError("a name with a line break cannot be passed on")
        if self._exiftool is None:
            self._exiftool = _start_exiftool()
        tags = [f"-{tag}" for tag in (*_EXIFTOOL_DATES, "OffsetTimeOriginal", "Make", "Model")]
        request = "\n".join(["-j", *tags, path, "-execute", ""])  # -q would withhold the end
        try:
            answer = _exchange(self._exiftool, request.encode("utf-8", "surrogateescape"))
        except OSError as error:
            self.close()
            raise RuntimeError("ExifTool ended unexpectedly") from error
        found = orjson.loads(answer or b"[{}]")
        return dict(found[0])


def _start_exiftool() -> subprocess.Popen[bytes]:
    program = shutil.which("exiftool")
    if program is None:
        raise OSError("exiftool is not installed")
    # it waits for more where its input ends, so that it is tied to us otherwise; "/": it may write
    # where we may, which is nowhere
    tie = [sys.executable, "-I", "-S", parent_watch.__file__, str(os.getpid()), "/"]
    command, pipe = [*tie, program, "-stay_open", "True", "-@", "-"], subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)


def _exchange(process: subprocess.Popen[bytes], request: bytes) -> bytes:
    """What an ExifTool answers. Raises OSError where it ended."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(request)
    process.stdin.flush()
    lines: list[bytes] = []
    while not (line := process.stdout.readline()).startswith(_END):
        if not line:
            raise BrokenPipeError
        lines.append(line)
    return b"".join(lines)


def _merge(values: dict[str, str], findings: Findings, reader: str) -> None:
    for tag, source in (_EXIFTOOL_DATES if reader == "exiftool" else _EXIV2_DATES).items():
        parsed = parse_date(str(values.get(tag, "")))
        if parsed:
            wall, offset, precision = parsed
            stated = parse_offset(str(values.get("OffsetTimeOriginal", "")))
            findings.add_date(
                DateCandidate(
                    source, wall, offset if offset is not None else stated, precision=precision
                )
            )
    findings.add("make", values.get("Make") or values.get("Exif.Image.Make"), reader)
    findings.add("model", values.get("Model") or values.get("Exif.Image.Model"), reader)


def _ask_exiv2(path: str) -> dict[str, str]:
    exiv2 = import_module("exiv2")  # whose types are none, and differ with whether it is installed
    image = exiv2.ImageFactory.open(path)
    image.readMetadata()
    values = {datum.key(): datum.toString() for datum in image.exifData()}
    return values | {datum.key(): datum.toString() for datum in image.xmpData()}
