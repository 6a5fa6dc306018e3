"""A store of a kind that came by one folder and one registration, in the real runs.

It states only SHA-1, as some services do: what the catalog knows by it is never read.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from memory_store.disk import Disk
from memory_store.root import MemoryKind
from running import Lab, jpeg, put

from catalog.config import load
from catalog.domain.fixity import content_hash
from catalog.errors import StoreGuard
from catalog.features.ingest.run import UploadRequest, run_upload
from catalog.features.mirror.run import MirrorRequest, run_mirror
from catalog.features.reconcile.run import SyncRequest, run_sync
from catalog.stores import registry
from catalog.work.progress import NoProgress
from catalog.work.report import RunResult
from catalog.work.sink import SilentSink
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

pytestmark = pytest.mark.node
NONE_READ = {"open", "read_range", "checksum", "thumbnails"}


@pytest.fixture
def workspace(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(lab.home / name.lower()))
    assert lab.node
    return Workspace(
        load(
            index=lab.index,
            state_dir=lab.home / "state",
            nas_root=lab.root,
            elasticsearch_url=lab.node.url,
            elasticsearch_user=lab.node.user,
            elasticsearch_password=lab.node.password,
        ),
        NoProgress(),
    )


@pytest.fixture
def far(memory: MemoryKind) -> Disk:
    return memory.disk("far", checksums=("sha1", "etag"), identifies=False, time_precision=1.0)


def uploaded(lab: Lab, workspace: Workspace, photos: dict[str, bytes]) -> None:
    """The photos in the catalog on the NAS."""
    put(lab.source, photos)
    assert (
        run_upload(workspace, UploadRequest(str(lab.source), recursive=True), SilentSink()).problems
        == 0
    )


def with_sha1(lab: Lab, photos: dict[str, bytes]) -> None:
    """Their SHA-1 in the index, whatever the program keeps by itself."""
    sha1 = {"properties": {"checksums": {"properties": {"sha1": {"type": "keyword"}}}}}
    if (
        "checksums"
        not in lab.ask("GET", f"{lab.index}/_mapping").popitem()[1]["mappings"]["properties"]
    ):
        lab.ask("PUT", f"{lab.index}/_mapping", json=sha1)
    for data in photos.values():
        change = {"doc": {"checksums": {"sha1": hashlib.sha1(data).hexdigest()}}}
        assert "error" not in lab.ask(
            "POST", f"{lab.index}/_update/{content_hash(data)}?refresh=true", json=change
        )


def added(workspace: Workspace, name: str, text: str) -> None:
    """A store at a root that a person named."""
    StoreBook(workspace, workspace.repository).claim(
        name, registry.root_named(text, workspace.store_context)
    )


def synced(workspace: Workspace, **options: bool) -> RunResult:
    result = run_sync(workspace, SyncRequest("cloud", yes=True, **options), SilentSink())
    assert result.problems == 0
    return result


def photos(count: int, first: int = 0) -> dict[str, bytes]:
    return {
        f"{n}.jpg": jpeg(n, f"2019:07:{n + 1:02d} 10:00:00") for n in range(first, first + count)
    }


def test_a_store_of_another_kind_is_synced_and_mirrored_without_reading_what_is_known(
    lab: Lab, workspace: Workspace, far: Disk
) -> None:
    known = photos(6)
    uploaded(lab, workspace, known)
    with_sha1(lab, known)
    for name, data in known.items():
        far.hold(f"pictures/by hand/{name}", data)
    added(workspace, "cloud", "memory:far/pictures")
    assert synced(workspace, dryrun=True).counts["planned"] == 6
    assert synced(workspace).counts["copied"] == 6
    assert not NONE_READ & set(far.calls) and far.sent == 0
    documents = lab.documents()
    assert {
        c["path"] for d in documents.values() for c in d["copies"] if c["store"] == "cloud"
    } == {f"by hand/{name}" for name in known}
    assert synced(workspace).counts.get("unchanged") == 6

    further = photos(3, first=10)
    uploaded(lab, workspace, further)
    with_sha1(lab, further)
    result = run_mirror(workspace, MirrorRequest("nas", "cloud", "mirror", yes=True), SilentSink())
    assert (result.problems, result.counts["copied"]) == (0, 3)
    assert not NONE_READ & set(far.calls) and far.sent == 0
    stored = {
        content_hash(file.data) for file in far.below("pictures") if "/.catalog/" not in file.path
    }
    assert stored == {content_hash(data) for data in (known | further).values()}
    again = run_mirror(workspace, MirrorRequest("nas", "cloud", "mirror", yes=True), SilentSink())
    assert not {o: n for o, n in again.counts.items() if n and o != "unchanged"}
    assert not NONE_READ & set(far.calls)


def test_what_is_new_in_it_is_read_and_catalogued(
    lab: Lab, workspace: Workspace, far: Disk
) -> None:
    new = photos(2)
    lab.root.mkdir()
    for name, data in new.items():
        far.hold(f"pictures/{name}", data)
    added(workspace, "cloud", "memory:far/pictures")
    assert synced(workspace).counts["new"] == 2
    documents = lab.documents()
    assert documents.keys() == {content_hash(data) for data in new.values()}
    assert all(d["captured"]["wall"].startswith("2019-07-0") for d in documents.values())
    far.calls.clear()
    assert synced(workspace).counts.get("unchanged") == 2
    assert not NONE_READ & set(far.calls)


def test_a_store_that_is_not_there_stops_the_run(
    lab: Lab, workspace: Workspace, far: Disk, tmp_path: Path
) -> None:
    far.hold("pictures/a.jpg", jpeg("a"))
    added(workspace, "cloud", "memory:far/pictures")
    synced(workspace)
    far.mounted = False
    with pytest.raises(StoreGuard, match="memory:far/pictures of store cloud is not there"):
        synced(workspace)
    with StoreBook(workspace, workspace.repository).open_present() as stores:
        assert stores == {}
