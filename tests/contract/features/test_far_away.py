"""Stores far away, in the real runs: what is stated is believed, what is read is little,
what is copied is copied there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from far_store import FarStore
from running import MTIME, Lab, clip, hashes, jpeg, put

from catalog.config import load
from catalog.domain.fixity import content_hash
from catalog.features.ingest.dropbox import COMMAND
from catalog.features.ingest.ingestion import open_between
from catalog.features.ingest.run import UploadRequest, run_ingest
from catalog.features.reconcile.records import Scope
from catalog.features.reconcile.run import Sync, SyncRequest
from catalog.stores.local.root import LocalRoot
from catalog.work.driver import execute
from catalog.work.outcome import RunResult
from catalog.work.progress import NoProgress
from catalog.work.sink import SilentSink
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

PAD = bytes(600_000)
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF></x:xmpmeta>"""


def workspace_of(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The workspace that a command would have."""
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(lab.home / name.lower()))
    assert lab.node
    named = {
        "elasticsearch_url": lab.node.url,
        "elasticsearch_user": lab.node.user,
        "elasticsearch_password": lab.node.password,
    }
    return Workspace(load(index=lab.index, state_dir=lab.home / "state", **named), NoProgress())


@pytest.fixture
def workspace(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    lab.root.mkdir()
    return workspace_of(lab, monkeypatch)


def stores(lab: Lab) -> tuple[FarStore, FarStore]:
    """The folder to take from, and the catalog's store."""
    return FarStore("source", lab.source, managed=False), FarStore("dropbox", lab.root)


def uploading(
    lab: Lab, workspace: Workspace, source: FarStore, target: FarStore, **options: bool
) -> int:
    """How many files have an outcome that none should have."""
    book = StoreBook(workspace, workspace.repository)
    request = UploadRequest("far", recursive=True, **options)
    try:
        dry = request.dryrun
        with open_between(
            workspace, source, target, book, LocalRoot(target.root), dry=dry
        ) as ingest:
            return run_ingest(ingest, request, SilentSink(), COMMAND, None).problems
    finally:
        target.close()


def a_source(lab: Lab) -> None:
    """Large photos in two folders, a duplicate, a sidecar, a clip,
    and something that is no photo.
    """
    put(
        lab.source,
        {f"a/{n}.jpg": jpeg(n, f"2019:07:{n + 1:02d} 10:00:00") + PAD for n in range(12)},
    )
    put(
        lab.source,
        {
            "b/again.jpg": jpeg(3, "2019:07:04 10:00:00") + PAD,
            "b/s.jpg": jpeg("s") + PAD,
            "b/s.xmp": XMP,
        },
    )
    put(lab.source, {"b/notes.pdf": b"%PDF" + PAD})
    clip(lab.source / "b" / "clip.mp4")


def test_nothing_is_downloaded_and_nothing_is_uploaded(lab: Lab, workspace: Workspace) -> None:
    a_source(lab)
    before = hashes(lab.source)
    source, target = stores(lab)
    assert uploading(lab, workspace, source, target) == 0
    assert hashes(lab.source) == before
    lab.check_no_ghosts()
    documents = lab.documents()
    assert len(documents) == 14
    assert sorted(lab.stored().values()) == sorted(
        {h for p, h in before.items() if not p.endswith(".pdf")}
    )
    found = documents[content_hash(jpeg(5, "2019:07:06 10:00:00") + PAD)]
    assert found["captured"]["wall"].startswith("2019-07-06T10:00:00")
    assert found["camera"]["model"] == "iPhone 12"
    assert found["phash"]
    assert all(
        copy["revision"] and "inode" not in copy for d in documents.values() for copy in d["copies"]
    )
    assert documents[content_hash(jpeg("s") + PAD)]["rating"] == 4
    assert target.calls["adopt"] == 15
    assert (
        source.calls["open"]
        == source.calls["checksum"]
        == target.calls["open"]
        == target.calls["checksum"]
        == 0
    )
    assert sum(count for _path, _offset, count in source.log) < 14 * 200_000
    assert source.calls["stat"] <= 14
    assert target.calls["stat"] <= 4
    assert not [path for path, _offset, _count in source.log if path.endswith("pdf")]
    assert list((lab.home / "state" / "scratch").iterdir()) == []


def test_a_second_run_reads_nothing(lab: Lab, workspace: Workspace) -> None:
    a_source(lab)
    assert uploading(lab, workspace, *stores(lab)) == 0
    before = lab.outcome()
    source, target = stores(lab)
    assert uploading(lab, workspace, source, target) == 0
    assert lab.outcome() == before
    assert source.log == []
    assert source.calls["stat"] == target.calls["stat"] == target.calls["adopt"] == 0


def test_a_dry_run_writes_nothing(lab: Lab, workspace: Workspace) -> None:
    a_source(lab)
    source, target = stores(lab)
    assert uploading(lab, workspace, source, target, dryrun=True) == 0
    assert lab.stored() == {}
    assert target.calls["adopt"] == 0


def test_a_move_takes_the_sources_away_once_they_are_recorded(
    lab: Lab, workspace: Workspace
) -> None:
    a_source(lab)
    kept = content_hash(b"%PDF" + PAD)
    contents = set(hashes(lab.source).values()) - {kept}
    source, target = stores(lab)
    assert uploading(lab, workspace, source, target, move=True, yes=True) == 0
    assert set(hashes(lab.source).values()) == {kept}
    assert set(lab.stored().values()) == contents
    assert source.calls["open"] == source.calls["checksum"] == target.calls["checksum"] == 0
    lab.check_no_ghosts()


def test_a_source_that_changes_before_it_is_copied_fails_alone(
    lab: Lab, workspace: Workspace
) -> None:
    a_source(lab)
    source, target = stores(lab)

    def change(call: str, path: str) -> None:
        if call == "adopt" and path == "a/4.jpg":
            put(lab.source, {path: jpeg("other") + PAD}, MTIME + 5)

    target.before = change
    assert uploading(lab, workspace, source, target, move=True, yes=True) == 1
    assert hashes(lab.source).keys() == {"a/4.jpg", "b/notes.pdf"}
    lab.check_no_ghosts()
    assert uploading(lab, workspace, *stores(lab), move=True, yes=True) == 0
    assert content_hash(jpeg("other") + PAD) in lab.documents()


SLOWLY = """
import sys, time
from pathlib import Path
from catalog.config import load
from catalog.work.progress import NoProgress
from catalog.work.sink import SilentSink
from catalog.work.store_book import StoreBook
from catalog.features.ingest.ingestion import open_between
from catalog.stores.local.root import LocalRoot
from catalog.features.ingest.run import UploadRequest, run_ingest
from catalog.features.ingest.dropbox import COMMAND
from catalog.work.workspace import Workspace
from far_store import FarStore

source = FarStore("source", Path(sys.argv[1]), managed=False)
target = FarStore("dropbox", Path(sys.argv[2]))

def slowly(call, path):
    print(call, flush=True)
    time.sleep(0.02)

source.before = target.before = slowly
workspace = Workspace(load(), NoProgress())
book = StoreBook(workspace, workspace.repository)
request = UploadRequest("far", recursive=True, move=True, yes=True)
with open_between(
    workspace, source, target, book, LocalRoot(target.root), dry=False
) as ingest:
    run_ingest(ingest, request, SilentSink(), COMMAND, None)
"""


@pytest.mark.parametrize("calls", [8, 60, 78])
def test_a_move_that_is_killed_is_finished_by_the_next(
    lab: Lab, workspace: Workspace, calls: int
) -> None:
    a_source(lab)
    kept = content_hash(b"%PDF" + PAD)
    contents = set(hashes(lab.source).values()) - {kept}
    process = subprocess.Popen(
        [sys.executable, "-c", SLOWLY, lab.source, lab.root],
        env=lab.environment(PYTHONPATH=os.pathsep.join(sys.path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    for _call in range(calls):
        assert process.stdout.readline(), "it ended before it was killed"
    process.kill()
    process.wait()
    process.stdout.close()
    assert contents <= set(hashes(lab.source).values()) | set(lab.stored().values()), (
        "nothing is lost"
    )
    assert uploading(lab, workspace, *stores(lab), move=True, yes=True) == 0
    assert set(hashes(lab.source).values()) == {kept}
    assert set(lab.stored().values()) == contents
    assert list((lab.home / "state" / "scratch").iterdir()) == []
    lab.check_no_ghosts()


# --- sync -----------------------------------------------------------------------------------------


def syncing(workspace: Workspace, store: FarStore, **options: bool) -> tuple[int, RunResult]:
    """A reconciliation of a store far away: how many problems there were, and what it came to."""
    request = SyncRequest(store.name, yes=True, **options)
    StoreBook(workspace, workspace.repository).claim(store.name, LocalRoot(store.root))
    with workspace.readers() as pool:
        reading = workspace.reading(pool, store)
        work = Sync(workspace, workspace.repository, store, reading, Scope(), request, SilentSink())
        result = execute(workspace, work, SilentSink(), "sync", dry=False)
    return result.problems, result


def test_a_sync_knows_files_by_what_is_stated(lab: Lab, workspace: Workspace) -> None:
    put(
        lab.root,
        {f"{n}.jpg": jpeg(n) + PAD for n in range(6)}
        | {"s.jpg": jpeg("s") + PAD, "s.xmp": XMP, "x.pdf": PAD},
    )
    store = FarStore("dropbox", lab.root)
    status, report = syncing(workspace, store)
    assert (status, report.counts["new"], report.counts["unsupported"]) == (0, 7, 1)
    assert sum(count for _path, _offset, count in store.log) < 7 * 200_000
    assert store.calls["stat"] == 7, "each that was read in part, once"
    assert store.calls["checksum"] == store.calls["open"] == 0
    lab_documents = lab.documents()
    assert all(copy["revision"] for d in lab_documents.values() for copy in d["copies"])

    again = FarStore("dropbox", lab.root)
    status, report = syncing(workspace, again)
    assert (status, report.counts["unchanged"]) == (0, 7)
    assert again.log == []
    assert again.calls["stat"] == 0

    (lab.root / "0.jpg").rename(lab.root / "renamed.jpg")
    shutil.copy2(lab.root / "1.jpg", lab.root / "copy.jpg")
    put(lab.root, {"2.jpg": jpeg("changed") + PAD}, MTIME)
    third = FarStore("dropbox", lab.root)
    status, report = syncing(workspace, third)
    assert status == 0
    assert (report.counts["moved"], report.counts["copied"], report.counts["changed"]) == (1, 1, 1)
    assert {path for path, _offset, _count in third.log} == {"2.jpg"}
    paths = {
        copy["path"]: h
        for h, d in lab.documents().items()
        for copy in d["copies"]
        if copy["state"] == "ok"
    }
    assert {p: h for p, h in lab.stored().items() if p.endswith("jpg")} == paths


def test_a_file_that_changes_while_a_sync_reads_it_fails_alone(
    lab: Lab, workspace: Workspace
) -> None:
    put(lab.root, {f"{n}.jpg": jpeg(n) + PAD for n in range(3)})
    store = FarStore("dropbox", lab.root)

    def change(call: str, path: str) -> None:
        if call == "stat" and path == "1.jpg":
            put(lab.root, {path: jpeg("other") + PAD}, MTIME + 5)

    store.before = change
    status, report = syncing(workspace, store)
    assert (status, report.counts["new"], report.counts["failed"]) == (1, 2, 1)
    status, report = syncing(workspace, FarStore("dropbox", lab.root))
    assert (status, report.counts["new"]) == (0, 1)


def test_a_library_of_a_local_disk_reads_as_one_far_away(
    lab: Lab, workspace: Workspace, tmp_path: Path
) -> None:
    """The same files, synced here and there, are the same assets;
    what is known is not read again.
    """
    put(lab.root, {f"{n}.jpg": jpeg(n) + PAD for n in range(4)})
    far = FarStore("dropbox", lab.root)
    assert syncing(workspace, far)[0] == 0
    assert lab.catalog("store", "list").status in (0, 2)
    put(lab.source, {f"{n}.jpg": jpeg(n) + PAD for n in range(4)})
    source, target = stores(lab)
    assert uploading(lab, workspace, source, target) == 0
    assert source.log == []
    assert len(lab.documents()) == 4
