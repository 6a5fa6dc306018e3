"""What may go wrong in the middle of an upload, and what must be true afterwards: nothing lost,
nothing half, nothing twice.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from running import (
    Lab,
    OpenFolder,
    clip,
    ended,
    files_in,
    hashes,
    journal_lines,
    jpeg,
    many,
    put,
    wait_for,
)

from catalog.domain.fixity import content_hash
from catalog.engine import LocalNode
from catalog.features.ingest.file_copier import FileCopier
from catalog.features.ingest.placer import Placer
from catalog.features.ingest.records import IndexRecordWriter

pytestmark = pytest.mark.node
PHOTOS = 200


def a_library(folder: Path) -> None:
    """Photos in four folders, two of a second, duplicates, a Live Photo, sidecars,
    and files that are no photos.
    """
    many(folder, PHOTOS, pad=20_000)
    put(
        folder,
        {
            "pair/a.jpg": jpeg("a"),
            "pair/b.jpg": jpeg("b"),
            "pair/again.jpg": jpeg("a"),
            "pair/LIVE.JPG": jpeg("live", "2018:01:02 03:04:05"),
            "side/c.jpg": jpeg("c", "2017:01:02 03:04:05"),
            "side/c.jpg.xmp": b"<x/>",
            "side/c.aae": b"edits",
            "side/d.jpg": jpeg("d"),
        },
    )
    clip(folder / "pair" / "LIVE.MOV")


@pytest.fixture(scope="module")
def library(open_folder: OpenFolder) -> Iterator[Path]:
    with open_folder() as folder:
        a_library(folder / "library")
        yield folder / "library"


def test_two_uploads_of_one_source_at_once(lab: Lab, library: Path) -> None:
    both = [lab.uploading(source=library) for _ in range(2)]
    done = [ended(process) for process in both]
    assert [d.status for d in done] == [0, 0], [d.err for d in done]
    contents = {h for p, h in hashes(library).items() if not p.endswith((".xmp", ".aae"))}
    assert set(lab.documents()) == contents
    assert sum(d.summary["new"] for d in done) == len(contents)
    assert all(len(d["copies"]) == 1 for d in lab.documents().values())
    lab.check_no_ghosts()


def test_two_overlapping_sources_at_once(lab: Lab) -> None:
    """The same contents under other names and times, most of them without a date of their own."""
    other = lab.folder / "other"
    files = {
        f"one {n}.jpg": jpeg(n, taken=None if n % 3 else "2015:05:05 05:05:05") for n in range(150)
    }
    put(lab.source, files)
    put(
        other,
        {f"deep/TWO_{n}.JPG": data for n, data in enumerate(reversed(files.values()))},
        mtime=1_500_000_000,
    )
    done = [ended(process) for process in (lab.uploading(), lab.uploading(source=other))]
    assert [d.status for d in done] == [0, 0], [d.err for d in done]
    assert sum(d.summary["new"] for d in done) == 150
    assert sorted(lab.stored().values()) == sorted(content_hash(data) for data in files.values())
    lab.check_no_ghosts()
    for source in (lab.source, other):
        assert lab.upload("--move", source=source).summary["duplicate"] == 150
        assert hashes(source) == {}
    lab.check_no_ghosts()


# --- the target -----------------------------------------------------------------------------------


@pytest.fixture
def small_disk(lab: Lab) -> Iterator[Callable[[str], None]]:
    """The catalog's folder as a file system of its own; call with mount options to change it."""
    lab.root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "none", str(lab.root)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk, and not everywhere")
    yield lambda options: subprocess.run(
        ["mount", "-o", f"remount,{options}", str(lab.root)], check=True
    )  # type: ignore[func-returns-value]
    gc.collect()  # a process would have ended, and let go of the disk
    subprocess.run(["umount", str(lab.root)], check=True)


def test_a_full_disk(lab: Lab, small_disk: Callable[[str], None]) -> None:
    many(lab.source, 60, pad=30_000)
    put(lab.source, {"first.jpg": jpeg(1)})
    wanted = set(hashes(lab.source).values())
    for arguments in ((), ("--move",)):
        done = lab.upload(*arguments)
        assert done.status == 1
        assert "Error: Store nas is full" in done.err and "Make room" in done.err
        assert "is full" in done.summary["error"]
        assert set(lab.stored().values()) < wanted
        assert lab.documents().keys() | set(hashes(lab.source).values()) == wanted
        lab.check_no_ghosts()
    small_disk("size=30m")
    assert lab.upload().status == 0
    assert lab.documents().keys() == set(lab.stored().values()) == wanted
    lab.check_no_ghosts()


def test_a_read_only_target(lab: Lab, small_disk: Callable[[str], None]) -> None:
    put(lab.source, {"a.jpg": jpeg(1)})
    small_disk("ro")
    for root in (lab.root, lab.root / "below"):
        done = lab.run("upload_to_nas_from_disk", lab.source, "--nas_root", root, "--move")
        assert done.status == 1 and done.out == "" and len(done.err.splitlines()) == 1
        assert done.err.startswith("Error: ") and str(root) in done.err
    small_disk("rw")
    assert lab.upload().status == 0
    small_disk("ro")
    put(lab.source, {"b.jpg": jpeg(2)})
    done = lab.upload("--move")
    assert done.status == 1 and hashes(lab.source)["b.jpg"] == content_hash(jpeg(2))
    assert lab.upload("--dryrun").summary["planned"] == 1


def test_a_target_that_may_not_be_written_to(lab: Lab) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    put(lab.source, {"a.jpg": jpeg(1)})
    lab.root.mkdir(mode=0o555)
    done = lab.upload()
    assert done.status == 1 and "Error: " in done.err and len(done.err.splitlines()) == 1


# --- signals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_interrupted(lab: Lab, library: Path, number: signal.Signals) -> None:
    # a suite that runs in the background ignores ^C, and so would what it starts
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = lab.uploading(source=library)
    signal.signal(signal.SIGINT, before)
    wait_for(lambda: files_in(lab.root) >= 20, process)
    process.send_signal(number)
    done = ended(process)
    assert done.status == 130
    assert done.summary["error"] == "interrupted" and "Run the command again" in done.err
    assert 20 <= done.summary["new"] < PHOTOS
    assert len(lab.documents()) == done.summary["new"] == files_in(lab.root)
    lab.check_no_ghosts()
    again = lab.upload(source=library)
    assert again.status == 0
    assert set(lab.stored().values()) == set(hashes(library).values())
    lab.check_no_ghosts()


# --- the source -----------------------------------------------------------------------------------


def test_a_source_that_changes_after_it_was_read(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    put(lab.source, {"a.jpg": jpeg(1), "b.jpg": jpeg(2), "c.jpg": jpeg(3)})
    place = Placer.place

    def meddling(self: Any, action: Any) -> Any:
        if action.source.path == "a.jpg":
            (lab.source / "a.jpg").write_bytes(jpeg(9))
        if action.source.path == "b.jpg":
            (lab.source / "b.jpg").unlink()
        return place(self, action)

    monkeypatch.setattr(Placer, "place", meddling)
    done = lab.upload("--move")
    assert (done.status, done.summary["new"], done.summary["failed"]) == (3, 1, 2)
    assert "not what was read before" in done.out
    assert set(lab.stored().values()) == {content_hash(jpeg(3))}
    assert hashes(lab.source) == {"a.jpg": content_hash(jpeg(9))}
    lab.check_no_ghosts()
    monkeypatch.undo()
    assert lab.upload("--move").status == 0
    assert set(lab.stored().values()) == {content_hash(jpeg(3)), content_hash(jpeg(9))}


def test_a_source_that_changes_before_it_would_be_removed_stays(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(lab.source, {"a.jpg": jpeg(1), "b.jpg": jpeg(2), "b.jpg.xmp": b"<x/>"})
    recorded = FileCopier._recorded

    def meddling(self: Any, stored: Any, *rest: Any) -> Any:
        name = {"a.jpg": "a.jpg", "b.jpg": "b.jpg.xmp"}[stored.action.source.path]
        (lab.source / name).write_bytes(b"something new")
        return recorded(self, stored, *rest)

    monkeypatch.setattr(FileCopier, "_recorded", meddling)
    done = lab.upload("--move")
    assert done.status == 3
    assert "kept in the source: it changed during the run" in done.out
    assert "its sidecar b.jpg.xmp changed during the run" in done.out
    new = content_hash(b"something new")
    assert hashes(lab.source) == {"a.jpg": new, "b.jpg": content_hash(jpeg(2)), "b.jpg.xmp": new}
    assert set(lab.documents()) == {content_hash(jpeg(1)), content_hash(jpeg(2))}


def test_what_the_index_refuses_stays_in_the_source(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(lab.source, {"a.jpg": jpeg(1), "copy.jpg": jpeg(1), "b.jpg": jpeg(2)})
    create = IndexRecordWriter.create_lines

    def unfit(self: Any, action: Any, *rest: Any) -> list[Any]:
        lines = create(self, action, *rest)
        if action.asset.hash == content_hash(jpeg(1)):
            lines[1]["no such field"] = 1
        return lines

    monkeypatch.setattr(IndexRecordWriter, "create_lines", unfit)
    done = lab.upload("--move")
    assert done.status == 3 and "the index refused the record" in done.out
    assert set(hashes(lab.source)) == {"a.jpg", "copy.jpg"}
    assert set(lab.documents()) == {content_hash(jpeg(2))}
    monkeypatch.undo()
    assert lab.upload("--move").status == 0
    assert hashes(lab.source) == {}
    lab.check_no_ghosts()


# --- Elasticsearch --------------------------------------------------------------------------------


def kill(node: LocalNode) -> None:
    pid = node.status().pid
    assert pid
    os.kill(pid, signal.SIGKILL)


def test_elasticsearch_gone_for_good(lab: Lab, spare_node: LocalNode) -> None:
    lab.node = spare_node.ensure_running()
    many(lab.source, 600)
    process = lab.uploading("--move", "--yes", CATALOG_RETRY_SECONDS="3")
    wait_for(lambda: journal_lines(lab) > 300, process)
    kill(spare_node)
    done = ended(process)
    assert done.status == 5
    assert "does not answer" in done.summary["error"] and done.err.count("Error: ") == 1
    left, stored = set(hashes(lab.source).values()), set(lab.stored().values())
    assert len(left | stored) == 600 and left
    refused = lab.upload(CATALOG_RETRY_SECONDS="0")
    assert refused.status == 5 and len(refused.err.splitlines()) == 1
    lab.node = spare_node.ensure_running()
    assert set(lab.documents()) >= left ^ (left | stored), "removed, and not recorded"
    assert lab.upload("--move", "--yes").status == 0
    assert hashes(lab.source) == {} and len(lab.documents()) == 600
    lab.check_no_ghosts()


def test_the_programs_own_node_killed_in_the_middle_is_started_again(
    own: Lab, spare_node: LocalNode
) -> None:
    many(own.source, 400)
    process = own.uploading()
    wait_for(lambda: journal_lines(own) > 300, process)
    kill(spare_node)
    done = ended(process)
    assert (done.status, done.summary["new"], done.summary["failed"]) == (0, 400, 0)
    own.node = spare_node.ensure_running()
    assert len(own.documents()) == 400
    own.check_no_ghosts()
