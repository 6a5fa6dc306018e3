"""Readers that a person may add: asked where no date is found, ended with their owner."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import imageio_ffmpeg
import psutil
import pytest
from clip_makers import encode
from confining import has_landlock
from still_makers import camera_exif, exif_segment, jpeg, plain

from catalog.domain.asset import Facts
from catalog.domain.capture_time import choose
from catalog.domain.filetypes import BY_NAME
from catalog.media.extract import read_facts
from catalog.media.findings import Findings
from catalog.media.optional import OptionalReaders
from catalog.media.request import Request
from catalog.work.workers import Limits, ReaderPool

PROGRAM = """#!{python}
import json, os, sys
try:
    with open({log!r}, "a") as log:
        log.write(str(os.getpid()) + "\\n")
except PermissionError:
    pass  # it was started by a process that may not write
words = []
for line in iter(sys.stdin.readline, ""):
    words.append(line.rstrip("\\n"))
    if words[-1] != "-execute":
        continue
    name = os.path.basename(words[-2])
    if name == "dies.jpg":
        sys.exit(1)
    found = {{"DateTimeOriginal": "2011:02:03 04:05:06", "OffsetTimeOriginal": "+01:00"}}
    found["Make"] = name
    print(json.dumps([found]))
    print("{{ready}}", flush=True)
    words = []
"""


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An exiftool that dates every file is on the path;
    each that starts adds its id to this file.
    """
    log = tmp_path / "started"
    program = tmp_path / "bin" / "exiftool"
    program.parent.mkdir()
    program.write_text(PROGRAM.format(python=sys.executable, log=str(log)))
    program.chmod(0o755)
    log.touch()
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return log


REAL = shutil.which("exiftool")
needs_exiftool = pytest.mark.skipif(
    REAL is None and "CI" not in os.environ, reason="exiftool is not installed"
)


def asked(readers: OptionalReaders, path: str, kind: str = "jpeg") -> Findings:
    found = Findings()
    readers.ask(path, found, BY_NAME[kind])
    return found


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_one_exiftool_answers_for_every_file_and_ends_with_its_owner(started: Path):
    with OptionalReaders(["exiftool"]) as readers:
        found = [asked(readers, f"/x/{name}.jpg") for name in ("a", "b")]
        (pid,) = map(int, started.read_text().split())
        assert is_running(pid)
    assert not is_running(pid)
    assert [f.get("make") for f in found] == ["a.jpg", "b.jpg"]
    date = found[0].dates[0]
    assert (date.source, date.wall) == ("exif:DateTimeOriginal", datetime(2011, 2, 3, 4, 5, 6))
    assert date.offset_minutes == 60


def test_each_owner_has_readers_of_his_own(started: Path):
    with OptionalReaders(["exiftool"]) as one, OptionalReaders(["exiftool"]) as other:
        asked(one, "/x/a.jpg")
        other.close()
        assert asked(one, "/x/b.jpg").dates and asked(other, "/x/c.jpg").dates
    assert asked(OptionalReaders(), "/x/d.jpg") == Findings()
    assert len(set(started.read_text().split())) == 2


def test_one_that_dies_is_a_note_and_is_started_anew(started: Path):
    with OptionalReaders(["exiftool"]) as readers:
        (note,) = asked(readers, "/x/dies.jpg").notes
        assert note == "exiftool could not be asked: ExifTool ended unexpectedly"
        assert asked(readers, "/x/a.jpg").dates
    assert len(started.read_text().split()) == 2


def test_what_cannot_be_asked_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with OptionalReaders(["exiftool"]) as readers:
        for name, why in (
            ("a\nb.jpg", "a name with a line break cannot be passed on"),
            ("a.jpg", "exiftool is not installed"),
        ):
            assert asked(readers, f"/x/{name}").notes == [f"exiftool could not be asked: {why}"]


def test_only_a_file_without_a_date_of_capture_is_asked_about(started: Path, tmp_path: Path):
    dated, bare = tmp_path / "dated.jpg", tmp_path / "bare.jpg"
    dated.write_bytes(jpeg(exif_segment(camera_exif())))
    bare.write_bytes(jpeg())
    with OptionalReaders(["exiftool"]) as readers:
        assert read_facts(Request(str(dated)), readers).dates[0].wall.year == 2012
        assert started.read_text() == ""
        assert read_facts(Request(str(bare)), readers).dates[0].wall.year == 2011
    assert read_facts(Request(str(bare))).dates == ()


def test_two_pools_in_one_process_ask_each_its_own_readers(started: Path, tmp_path: Path):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg())
    with ReaderPool(1, Limits(optional_readers=("exiftool",))) as asking, ReaderPool(1) as plain:
        ((_tag, dated),) = asking.run([("a", Request(str(path)))])
        ((_tag, bare),) = plain.run([("a", Request(str(path)))])
    assert isinstance(dated, Facts) and isinstance(bare, Facts)
    assert (len(dated.dates), len(bare.dates)) == (1, 0)
    assert len(started.read_text().split()) == (0 if has_landlock() else 1)


@needs_exiftool
def test_a_real_exiftool_answers_for_files_with_and_without_a_date(tmp_path: Path):
    (tmp_path / "dated.jpg").write_bytes(jpeg(exif_segment(camera_exif())))
    (tmp_path / "plain.jpg").write_bytes(jpeg())
    with OptionalReaders(["exiftool"]) as readers:
        found = {name: asked(readers, str(tmp_path / name)) for name in ("plain.jpg", "dated.jpg")}
    assert found["plain.jpg"].dates == []
    assert found["plain.jpg"].notes == []
    assert [d.source for d in found["dated.jpg"].dates if d.has_time]


@needs_exiftool
def test_a_real_exiftool_ends_with_the_process_that_asked_it_however_that_ends(tmp_path: Path):
    (tmp_path / "plain.jpg").write_bytes(jpeg())
    asking = """
import sys
from catalog.domain.filetypes import BY_NAME
from catalog.media.findings import Findings
from catalog.media.optional import OptionalReaders
readers = OptionalReaders(["exiftool"])
readers.ask(sys.argv[1], Findings(), BY_NAME["jpeg"])
print(readers._exiftool.pid, flush=True)
sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", asking, str(tmp_path / "plain.jpg")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        exiftool = psutil.Process(int(process.stdout.readline()))
        assert exiftool.is_running()
        process.kill()
    assert exiftool.wait(20) is None or not exiftool.is_running()


@needs_exiftool
def test_a_real_exiftool_reads_the_file_that_is_open_beneath_its_root(tmp_path: Path):
    text = b"DateTimeOriginal\0002011:02:03 04:05:06"
    chunk = struct.pack(">I4s", len(text), b"tEXt") + text
    chunk += struct.pack(">I", zlib.crc32(chunk[4:]))
    picture = plain("PNG")
    (tmp_path / "a.png").write_bytes(picture[:33] + chunk + picture[33:])
    with ReaderPool(1, Limits(optional_readers=("exiftool",))) as pool:
        ((_tag, found),) = pool.run([("a", Request(str(tmp_path / "a.png"), root=str(tmp_path)))])
    assert isinstance(found, Facts)
    assert [d.wall for d in found.dates] == [datetime(2011, 2, 3, 4, 5, 6)]


# --- hachoir --------------------------------------------------------------------------------------

HACHOIR = """
import datetime, os, time
def createParser(path):
    with open({log!r}, "a") as log:
        log.write(str(os.getpid()) + "\\n")
    {does}
class Found:
    PARSER_TAGS = {{"id": {kind!r}}}
    def getValues(self, name):
        return {dates}
def extractMetadata(parser):
    return parser
"""


@pytest.fixture
def hachoir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Puts a package in the place of hachoir; each process that loads it adds its id to a file."""
    log, folder = tmp_path / "asked", tmp_path / "packages" / "hachoir"
    log.touch()
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(folder.parent))

    def put(does: str = "return Found()", dates: str = "[]", kind: str = "ogg") -> Path:
        text = HACHOIR.format(log=str(log), does=does, dates=dates, kind=kind)
        for name in ("parser", "metadata"):
            (folder / f"{name}.py").write_text(text)
        return log

    return put


def ogv(path: Path, *options: str) -> Path:
    """A film in Theora and Ogg, which the packaged ffmpeg makes."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi"]
    command += ["-i", "testsrc=size=64x48:rate=5:duration=1", "-c:v", "libtheora", *options]
    subprocess.run([*command, str(path)], check=True)
    return path


def rm(path: Path, made: str) -> Path:
    """A film of RealVideo; that it states when it was made is written by hand."""
    name, value = b"Creation Date", made.encode()
    named = struct.pack(">HB", 0, len(name)) + name + struct.pack(">IH", 2, len(value)) + value
    info = struct.pack(">HHHH", 0, 0, 0, 1) + struct.pack(">I", len(named) + 4) + named
    info = struct.pack(">I", len(info) + 4) + info
    kind = b"logical-fileinfo"
    stream = struct.pack(">H7I", 1, *[0] * 7) + b"\0" + bytes([len(kind)]) + kind
    stream += struct.pack(">I", len(info)) + info
    data = encode(path, "rv10", (176, 144), container_format="rm").read_bytes()
    stream = b"MDPR" + struct.pack(">IH", len(stream) + 10, 0) + stream
    path.write_bytes(data.replace(b"DATA", stream + b"DATA", 1))
    return path


@pytest.mark.parametrize("name", ["a.ogv", "a.rm"])
def test_a_real_hachoir_dates_a_film_that_no_reader_here_knows_and_is_little_trusted(
    tmp_path: Path, name: str
):
    if name == "a.ogv":
        ogv(tmp_path / name, "-metadata", "date=2011-05-06 07:08:09")
    else:
        rm(tmp_path / name, "5/06/2011 07:08:09")
    request = Request(str(tmp_path / name), root=str(tmp_path))
    with ReaderPool(1, Limits(optional_readers=("hachoir",))) as pool, ReaderPool(1) as plain_pool:
        ((_tag, found),) = pool.run([("a", request)])
        ((_tag, without),) = plain_pool.run([("a", request)])
    assert isinstance(found, Facts) and isinstance(without, Facts)
    assert (found.kind, found.type, found.notes) == ("video", name[2:], ())
    assert without.dates == () and found.width in (64, 176)
    taken, _ = choose(found.dates, datetime(2026, 1, 1))
    assert taken is not None
    assert (taken.wall, taken.source) == (datetime(2011, 5, 6, 7, 8, 9), "hachoir:CreationDate")
    assert taken.confidence == "low"


def test_hachoir_is_asked_last_and_only_of_what_no_reader_here_knows(
    hachoir: Callable[..., Path], started: Path
):
    log = hachoir(dates="[datetime.datetime(2011, 5, 6, 7, 8, 9)]")
    with OptionalReaders(["hachoir"]) as readers:
        for kind in ("jpeg", "mp4", "mkv", "avi", "wmv", "png"):
            assert asked(readers, __file__, kind) == Findings()
        assert log.read_text() == ""
        assert asked(readers, __file__, "rm") == Findings()  # taken for something else
        assert asked(readers, __file__, "ogv").dates
    asked_before = log.read_text()
    with OptionalReaders(["hachoir", "exiftool"]) as readers:
        assert asked(readers, "/x/a.ogv", "ogv").dates[0].source == "exif:DateTimeOriginal"
    assert log.read_text() == asked_before


@pytest.mark.parametrize(
    ("dates", "found"),
    [
        ("[datetime.datetime(1904, 1, 1, 5), datetime.datetime(1970, 1, 1, 3)]", None),
        ("[datetime.datetime(1970, 5, 1, 1, 2, 3)]", None),
        ("[datetime.date(2011, 1, 1), datetime.date(2012, 5, 1)]", None),
        ("[datetime.date(2011, 5, 6)]", datetime(2011, 5, 6)),
        ("[datetime.datetime(2020, 3, 4, 7, 6, 7)]", None),
        ("[datetime.datetime(2020, 3, 4, 7, 6, 8)]", datetime(2020, 3, 4, 7, 6, 8)),
        ("[datetime.datetime(2063, 4, 5)]", None),
    ],
)
def test_what_hachoir_makes_up_is_no_date(
    hachoir: Callable[..., Path], tmp_path: Path, dates: str, found: datetime | None
):
    path = tmp_path / "a.ogv"
    path.touch()
    mtime = datetime(2020, 3, 4, 5, 6, 7, tzinfo=UTC).timestamp()
    os.utime(path, (mtime, mtime))
    hachoir(dates=dates)
    with OptionalReaders(["hachoir"]) as readers:
        taken, _ = choose(asked(readers, str(path), "ogv").dates, datetime(2026, 1, 1))
    assert (taken.wall if taken else None) == found


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ("time.sleep(1000)", "it took longer than 3 s"),
        ("raise RuntimeError('no such luck')", "RuntimeError: no such luck"),
        ("os._exit(9)", "it ended without a word"),
    ],
)
def test_a_hachoir_that_hangs_or_fails_is_ended_and_noted(
    hachoir: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, does: str, why: str
):
    monkeypatch.setattr("catalog.media.optional._HACHOIR_SECONDS", 3.0)
    log = hachoir(does)
    with OptionalReaders(["hachoir"]) as readers:
        assert asked(readers, __file__, "ogv").notes == [f"hachoir could not be asked: {why}"]
    (pid,) = map(int, log.read_text().split())
    assert not is_running(pid)


def test_a_hachoir_that_is_not_installed_is_a_note(hachoir: Callable[..., Path], tmp_path: Path):
    hachoir()
    (tmp_path / "packages/hachoir/__init__.py").write_text("import no_such_package")
    with OptionalReaders(["hachoir"]) as readers:
        (note,) = asked(readers, __file__, "ogv").notes
    assert note.startswith("hachoir could not be asked: ModuleNotFoundError: No module named")
