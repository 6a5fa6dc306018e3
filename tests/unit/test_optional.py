"""Readers that a person may add: asked where no date is found, ended with their owner."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import psutil
import pytest
from confining import has_landlock
from still_makers import camera_exif, exif_segment, jpeg

from catalog.domain.asset import Facts
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


def asked(readers: OptionalReaders, path: str) -> Findings:
    found = Findings()
    readers.ask(path, found)
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
from catalog.media.findings import Findings
from catalog.media.optional import OptionalReaders
readers = OptionalReaders(["exiftool"])
readers.ask(sys.argv[1], Findings())
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
