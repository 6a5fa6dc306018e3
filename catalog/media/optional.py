"""Readers that a person may add: a running ExifTool, the exiv2 package, hachoir.

All are GPL and stay outside the program.

They are asked only for files in which no date of capture was found, and only if the settings name
them; hachoir last, and only of containers of films that no reader here knows: it made up dates of
others, and did not return from one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import orjson

from catalog.domain.capture_time import (
    MAX_OFFSET,
    DateCandidate,
    file_time,
    parse_date,
    parse_offset,
)
from catalog.domain.filetypes import FileType
from catalog.media import parent_watch
from catalog.media.findings import Findings

_DATES = {
    "exiftool": {
        "DateTimeOriginal": "exif:DateTimeOriginal",
        "CreateDate": "exif:DateTimeDigitized",
        "DateCreated": "xmp:DateCreated",
    },
    "exiv2": {
        "Exif.Photo.DateTimeOriginal": "exif:DateTimeOriginal",
        "Exif.Photo.DateTimeDigitized": "exif:DateTimeDigitized",
        "Exif.Image.DateTimeOriginal": "exif:DateTimeOriginal",
        "Xmp.photoshop.DateCreated": "xmp:DateCreated",
    },
    "hachoir": {"creation_date": "hachoir:CreationDate"},
}
"""What each reader calls a date, and what it is called here."""
_HACHOIR_KINDS = {"flv": "flv", "ogv": "ogg", "rm": "real_media"}
"""Types that hachoir is asked of, and what it calls their container."""
_HACHOIR_SECONDS = 5.0
_END = b"{ready}"


class OptionalReaders:
    """The readers by these names, `exiftool`, `exiv2` or `hachoir`, asked in this order; hachoir
    last.

    Close it, or use it as a context manager. One ExifTool serves until then: starting it costs more
    than a hundred files. One thread at a time may ask.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._names = sorted(names, key="hachoir".__eq__)
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

    def ask(self, path: str, findings: Findings, filetype: FileType) -> None:
        """Fill what is missing until a date of capture is found; who cannot be asked is a note."""
        for name in self._names:
            if any(c.source != "exif:DateTime" for c in findings.dates):
                return
            try:
                values = self._ask(name, path, filetype)
            except (OSError, ValueError, ImportError, RuntimeError) as error:
                findings.notes.append(f"{name} could not be asked: {error}")
                continue
            _merge(values, findings, name)

    def _ask(self, name: str, path: str, filetype: FileType) -> dict[str, str]:
        if name == "exiftool":
            return self._ask_exiftool(path)
        if name == "exiv2":
            return _ask_exiv2(path)
        kind = _HACHOIR_KINDS.get(filetype.name)
        return _ask_hachoir(path, kind) if kind else {}

    def _ask_exiftool(self, path: str) -> dict[str, str]:
        if "\n" in path:
            raise ValueError("a name with a line break cannot be passed on")
        if self._exiftool is None:
            self._exiftool = _start_exiftool()
        tags = [f"-{tag}" for tag in (*_DATES["exiftool"], "OffsetTimeOriginal", "Make", "Model")]
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
    # it waits for more where its input ends, so that it is tied to us otherwise
    command, pipe = [*_tie(), program, "-stay_open", "True", "-@", "-"], subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)


def _tie() -> list[str]:
    """Before a program: it ends with us, and may do what we may, which is to read."""
    return [sys.executable, "-I", "-S", parent_watch.__file__, str(os.getpid()), "/"]


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
    for tag, source in _DATES[reader].items():
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


def _ask_hachoir(path: str, kind: str) -> dict[str, str]:
    """The first date that hachoir gives in a process of its own; none that is the file's own time.

    Raises OSError where it ended badly or not in time.
    """
    program = Path(__file__).with_name("hachoir_process.py")
    command = [*_tie(), sys.executable, "-P", os.fspath(program), path, kind]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_HACHOIR_SECONDS, check=True, text=True
        )
    except subprocess.TimeoutExpired:
        raise OSError(f"it took longer than {_HACHOIR_SECONDS:g} s") from None
    except subprocess.CalledProcessError as error:
        words = error.stderr.strip().splitlines() or ["it ended without a word"]
        raise OSError(words[-1]) from None
    text = next((t for t in orjson.loads(done.stdout) if not _is_time_of(path, t)), "")
    return {"creation_date": text}


def _is_time_of(path: str, text: str) -> bool:
    """Whether a date is a time of the file in any zone."""
    parsed, status = parse_date(text), os.stat(path)  # noqa: PTH116 - the name of an open file
    times = [file_time(ns) for ns in (status.st_mtime_ns, status.st_ctime_ns)]
    return parsed is not None and any(
        abs(apart) <= MAX_OFFSET * 60 and apart % 900 == 0
        for time in times
        for apart in [(parsed.wall - time.replace(microsecond=0)).total_seconds()]
    )
