"""Whatever is done to a store by hand, with mishaps in between:
after a sync the index says what the disk holds.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from chance import times
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from running import MTIME, Lab, clear, hashes, jpeg, put

from catalog.config import load
from catalog.domain.fixity import content_hash
from catalog.errors import StoreGuard
from catalog.features.reconcile import index, run
from catalog.features.reconcile.run import SyncRequest, run_sync
from catalog.work.progress import NoProgress
from catalog.work.session import Session
from catalog.work.sink import SilentSink
from catalog.work.workers import Limits, ReaderPool
from catalog.work.workspace import Workspace

pytestmark = pytest.mark.node

PHOTOS = [jpeg(f"history {n}", f"20{n:02d}:07:12 18:30:15") for n in range(1, 9)]
FOLDERS = ("", "2019", "2019/07_July", "Our Holidays", "Our Holidays/Tag 1")
NAMES = ("a.jpg", "b.jpg", "c.jpg", "Ä.jpg")

places = st.tuples(st.sampled_from(FOLDERS), st.sampled_from(NAMES)).map(
    lambda p: f"{p[0]}/{p[1]}".lstrip("/")
)
photos = st.integers(0, len(PHOTOS) - 1)
picks = st.integers(0, 30)
deeds = st.lists(
    st.one_of(
        st.tuples(st.just("add"), places, photos),
        st.tuples(st.just("edit"), picks, photos),
        st.tuples(st.just("rename"), picks, places),
        st.tuples(
            st.just("rename folder"), st.sampled_from(FOLDERS[1:]), st.sampled_from(FOLDERS[1:])
        ),
        st.tuples(st.just("copy"), picks, places),
        st.tuples(st.just("copy with its time"), picks, places),
        st.tuples(st.just("link"), picks, places),
        st.tuples(st.just("swap"), picks, picks),
        st.tuples(st.just("touch"), picks, st.integers(1, 100)),
        st.tuples(st.just("delete"), picks, st.none()),
        st.tuples(st.just("unmount"), st.none(), st.none()),
        st.tuples(st.just("kill"), st.integers(0, 3), st.none()),
        st.tuples(st.just("sync"), st.none(), st.none()),
    ),
    min_size=3,
    max_size=14,
)


class Killed(BaseException):
    """The program ends at this moment."""


class Disk:
    """A store's folder as a person handles it.

    Each write gets a time of its own, as on a real disk.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = MTIME

    def files(self) -> list[Path]:
        return sorted(p for p in self.root.rglob("*.jpg") if ".catalog" not in p.parts)

    def pick(self, number: int) -> Path | None:
        files = self.files()
        return files[number % len(files)] if files else None

    def stamp(self, path: Path) -> None:
        self.now += 1
        os.utime(path, (self.now, self.now))

    def write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.stamp(path)

    def do(self, deed: str, first: Any, second: Any) -> None:
        if deed == "add":
            path = self.root / first
            if not path.exists():
                self.write(path, PHOTOS[second])
        elif deed == "rename folder":
            source, target = self.root / first, self.root / second
            if source.is_dir() and not target.exists() and not target.is_relative_to(source):
                target.parent.mkdir(parents=True, exist_ok=True)
                source.rename(target)
        elif (picked := self.pick(first)) is not None:
            self.do_with(deed, picked, second)

    def do_with(self, deed: str, path: Path, second: Any) -> None:
        if deed == "edit":
            path.unlink()  # as programs save: another file under the old name
            self.write(path, PHOTOS[second])
        elif deed == "touch":
            self.stamp(path)
        elif deed == "delete":
            path.unlink()
        elif deed == "swap":
            other = self.pick(second)
            assert other is not None
            spare = self.root / "spare"
            path.rename(spare)
            if other != path:
                other.rename(path)
            spare.rename(other)
        else:
            self.bring(deed, path, self.root / second)

    def bring(self, deed: str, path: Path, target: Path) -> None:
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if deed == "rename":
            path.rename(target)
        elif deed == "link":
            os.link(path, target)
        else:
            shutil.copy2(path, target)
            if deed == "copy":
                self.stamp(target)


@pytest.fixture(scope="module")
def pool() -> Iterator[ReaderPool]:
    with ReaderPool(2, Limits()) as found:
        yield found


@pytest.fixture
def workspace(lab: Lab, pool: ReaderPool, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The program's own parts, with readers that stay up from one run to the next."""
    for name in [n for n in os.environ if n.startswith("CATALOG_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(lab.home)

    @contextmanager
    def readers(_self: Workspace, _previews: object = None) -> Iterator[ReaderPool]:
        yield pool

    monkeypatch.setattr(Workspace, "readers", readers)
    monkeypatch.setattr(index, "BATCH", 2)
    monkeypatch.setattr(run, "BATCH", 2)
    assert lab.node
    named = {
        "elasticsearch_url": lab.node.url,
        "elasticsearch_user": lab.node.user,
        "elasticsearch_password": lab.node.password,
    }
    return Workspace(
        load(nas_root=lab.root, index=lab.index, state_dir=lab.home / "state", **named),
        NoProgress(),
    )


def sync(workspace: Workspace) -> int:
    return run_sync(workspace, SyncRequest(), SilentSink()).problems


def sync_killed(workspace: Workspace, after: int, patch: pytest.MonkeyPatch) -> None:
    """A sync that is killed after so many batches were written."""
    real: Callable[..., list[str]] = Session.edit
    left = [after]

    def edit(self: Session, wanted: Any) -> list[str]:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return real(self, wanted)

    with patch.context() as patched:
        patched.setattr(Session, "edit", edit)
        with suppress(Killed):
            sync(workspace)


def check(lab: Lab, workspace: Workspace, recorded: set[str]) -> None:
    """The index is the disk, the next plan is empty,
    and nothing that was ever recorded is forgotten.
    """
    assert sync(workspace) == 0
    claimed: dict[str, str] = {}
    documents = lab.documents()
    for digest, document in documents.items():
        assert document["copies"] or digest not in recorded or document["copy_count"] == 0
        for row in document["copies"]:
            if row["state"] == "ok":
                assert row["path"] not in claimed
                claimed[row["path"]] = digest
    assert claimed == {p: h for p, h in hashes(lab.root).items() if not p.startswith(".catalog/")}
    recorded |= set(documents)
    assert recorded <= set(documents), "an asset was forgotten that nobody let go"
    events = len(lab.documents("events"))
    before = {h: d["copies"] for h, d in documents.items()}
    assert sync(workspace) == 0
    assert {h: d["copies"] for h, d in lab.documents().items()} == before and len(
        lab.documents("events")
    ) == events


@settings(max_examples=times(15), suppress_health_check=list(HealthCheck))
@given(deeds)
@example(
    [
        ("add", "a.jpg", 0),
        ("add", "b.jpg", 0),
        ("sync", None, None),
        ("rename", 0, "c.jpg"),
        ("rename", 0, "a.jpg"),
    ]
)
@example(
    [
        ("add", "a.jpg", 0),
        ("add", "b.jpg", 1),
        ("sync", None, None),
        ("swap", 0, 1),
        ("edit", 0, 1),
        ("delete", 1, None),
    ]
)
@example(
    [
        ("add", "a.jpg", 0),
        ("sync", None, None),
        ("link", 0, "b.jpg"),
        ("delete", 0, None),
        ("kill", 0, None),
    ]
)
def test_index_and_disk_agree_after_any_history(
    lab: Lab,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    history: list[tuple[str, Any, Any]],
) -> None:
    clear(lab)
    lab.root.mkdir()
    disk = Disk(lab.root)
    recorded: set[str] = set()
    put(lab.root, {"first.jpg": PHOTOS[0]})
    sync(workspace)
    for deed, first, second in history:
        if deed == "sync":
            check(lab, workspace, recorded)
        elif deed == "kill":
            sync_killed(workspace, first, monkeypatch)
        elif deed == "unmount":
            before = lab.documents()
            away = lab.folder / "away"
            lab.root.rename(away)
            with pytest.raises(StoreGuard):
                sync(workspace)
            lab.root.mkdir()
            with pytest.raises(StoreGuard):
                sync(workspace)
            lab.root.rmdir()
            away.rename(lab.root)
            assert lab.documents() == before
        else:
            disk.do(deed, first, second)
    check(lab, workspace, recorded)
    assert content_hash(PHOTOS[0]) in lab.documents()
