"""A folder of this machine, under the contract of all stores and in what only a folder can do."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from store_contract import MTIME, StoreContract, paths, put, read

from catalog.domain.asset import Entry
from catalog.domain.fixity import content_hash
from catalog.errors import (
    AlreadyExists,
    InvalidPath,
    NotFound,
    PermissionDenied,
    ReadOnlyStore,
    StoreError,
    StoreFull,
    StoreGuard,
    StoreUnavailable,
)
from catalog.filesystem import atomic_rename
from catalog.filesystem.atomic_rename import rename_without_overwriting
from catalog.filesystem.tree import Tree
from catalog.stores import marker, scratch
from catalog.stores.local.store import LocalStore
from catalog.stores.machine import machine_id
from catalog.stores.marker import marker_path, read_marker, write_marker
from catalog.stores.paths import PRIVATE

IS_ROOT = os.geteuid() == 0


def strays(root: Path) -> list[str]:
    """Files in the private folder that are no marker and no trash."""
    found = []
    for folder, _folders, names in os.walk(root / PRIVATE):
        if "trash" not in folder:
            found += [os.path.join(folder, name) for name in names if name != "store.json"]
    return found


class TestLocalStore(StoreContract):
    kind = LocalStore

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[LocalStore]:
        (tmp_path / "root").mkdir()
        store = LocalStore("nas", tmp_path / "root")
        yield store
        store.close()

    @pytest.fixture
    def gone(self, tmp_path: Path) -> LocalStore:
        return LocalStore("nas", tmp_path / "unmounted")

    def leftovers(self, store: LocalStore) -> list[str]:  # type: ignore[override]
        return strays(store.root)

    # --- folders ----------------------------------------------------------------------------------

    def test_folders_are_those_that_hold_what_is_listed(self, store: LocalStore, tmp_path: Path):
        put(store, "2015/b/x.jpg", b"x")
        put(store, "2015/a/c/x.jpg", b"x")
        (store.root / "2015" / "empty").mkdir()
        (store.root / "2015" / "link").symlink_to(tmp_path)
        assert list(store.folders()) == ["", "2015", "2015/a", "2015/a/c", "2015/b", "2015/empty"]
        assert list(store.folders("2015/a")) == ["2015/a", "2015/a/c"]
        wary = LocalStore(
            "nas",
            store.root,
            managed=False,
            avoid=lambda folder: "ours" if folder.name == "a" else "",
        )
        assert list(wary.folders("2015")) == ["2015", "2015/b", "2015/empty"]

    def test_a_folder_that_cannot_be_listed_is_named_so_that_its_listing_tells(
        self, store: LocalStore, monkeypatch: pytest.MonkeyPatch
    ):
        put(store, "2015/a/x.jpg", b"x")
        real = Tree.scan

        def refusing(tree: Tree, path: str):
            if path.endswith("/a"):
                raise PermissionError(errno.EACCES, "Permission denied")
            return real(tree, path)

        monkeypatch.setattr(Tree, "scan", refusing)
        assert list(store.folders("2015")) == ["2015", "2015/a"]
        (entry,) = store.list("2015/a", recursive=False)
        assert entry.path == "2015/a" and "cannot be listed" in entry.problem

    # --- what is no file --------------------------------------------------------------------------

    def test_links_are_listed_with_their_problem_and_not_followed(
        self, store: LocalStore, tmp_path: Path
    ):
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / "x.jpg").write_bytes(b"x")
        (store.root / "file.jpg").symlink_to(tmp_path / "outside" / "x.jpg")
        (store.root / "folder").symlink_to(tmp_path / "outside")
        (store.root / "loop").symlink_to(store.root)
        (store.root / "dead.jpg").symlink_to("nowhere")
        entries = {e.path: e.problem for e in store.list()}
        assert set(entries) == {"dead.jpg", "file.jpg", "folder", "loop"}
        assert all("link" in problem for problem in entries.values())
        for path in entries:
            with pytest.raises(StoreError):
                store.open(path)
        with pytest.raises(NotFound):
            paths(store, "folder")

    def test_pipes_and_sockets_are_listed_with_their_problem_and_never_opened(
        self, store: LocalStore
    ):
        os.mkfifo(store.root / "pipe.jpg")
        with socket.socket(socket.AF_UNIX) as listener:
            directory = os.open(store.root, os.O_RDONLY)
            try:
                listener.bind(f"/proc/self/fd/{directory}/socket.jpg")
            finally:
                os.close(directory)
            problems = {e.path: e.problem for e in store.list()}
            assert "pipe" in problems["pipe.jpg"] and "socket" in problems["socket.jpg"]
            for path in problems:
                with pytest.raises(StoreError):
                    store.checksum(path)

    def test_a_folder_is_no_file(self, store: LocalStore):
        put(store, "x/a.jpg")
        before = len(os.listdir("/proc/self/fd"))
        assert store.stat("x") is None
        with pytest.raises(InvalidPath):
            store.open("x")
        with pytest.raises(StoreError):
            store.discard("x")
        assert len(os.listdir("/proc/self/fd")) == before
        assert paths(store) == ["x/a.jpg"]

    def test_a_file_in_the_place_of_a_folder_is_no_taken_name(self, store: LocalStore):
        put(store, "2019")
        for path in ("2019/a.jpg", "2019/07/a.jpg"):
            with pytest.raises(InvalidPath):
                put(store, path)
        put(store, "a.jpg")
        with pytest.raises(InvalidPath):
            store.move("a.jpg", "2019/a.jpg")
        assert paths(store) == ["2019", "a.jpg"]

    # --- the private folder -----------------------------------------------------------------------

    def test_the_private_folder_is_never_listed_nor_written_to_nor_taken_apart(
        self, store: LocalStore
    ):
        write_marker(store.root, "nas")
        put(store, "a.jpg")
        assert paths(store) == ["a.jpg"]
        marker = f"{PRIVATE}/store.json"
        for attempt in (
            lambda: put(store, f"{PRIVATE}/x"),
            lambda: store.move("a.jpg", f"{PRIVATE}/x"),
            lambda: store.remove(marker),
            lambda: store.move(marker, "b.jpg"),
            lambda: put(store, f"./{PRIVATE}/x"),
        ):
            with pytest.raises(InvalidPath):
                attempt()
        assert read_marker(store.root) is not None

    def test_a_removed_file_lies_in_the_trash_with_its_bytes(self, store: LocalStore):
        for data in (b"one", b"two"):
            put(store, "x/a.jpg", data)
            store.remove("x/a.jpg", "run")
        assert (store.root / PRIVATE / "trash" / "run" / "x" / "a.jpg").read_bytes() == b"one"
        assert (store.root / PRIVATE / "trash" / "run.1" / "x" / "a.jpg").read_bytes() == b"two"
        assert [(t.key, t.batch, t.path, t.size) for t in store.trashed()] == [
            ("run/x/a.jpg", "run", "x/a.jpg", 3),
            ("run.1/x/a.jpg", "run", "x/a.jpg", 3),
        ]
        assert store.trash_checksum("run.1/x/a.jpg") == content_hash(b"two")

    def test_what_comes_back_from_the_trash_overwrites_nothing(self, store: LocalStore):
        put(store, "x/a.jpg", b"one")
        key = store.remove("x/a.jpg", "run")
        assert key
        put(store, "x/a.jpg", b"two")
        with pytest.raises(AlreadyExists):
            store.restore(key, "x/a.jpg")
        store.restore(key, "y/b.jpg")
        assert (read(store, "y/b.jpg"), list(store.trashed())) == (b"one", [])
        assert not (store.root / PRIVATE / "trash").exists()

    def test_what_is_emptied_from_the_trash_is_gone_and_nothing_else(self, store: LocalStore):
        for name in ("a.jpg", "b.jpg"):
            put(store, name)
            store.remove(name, "run")
        store.empty("run/a.jpg")
        assert [t.path for t in store.trashed()] == ["b.jpg"]
        for key in ("../../a.jpg", "/etc/passwd", "run/../../../a.jpg"):
            with pytest.raises(InvalidPath):
                store.empty(key)

    def test_closing_removes_the_temporary_folder(self, store: LocalStore):
        put(store, "a.jpg")
        assert (store.root / PRIVATE / "tmp").exists()
        store.close()
        assert not (store.root / PRIVATE / "tmp").exists()

    def test_the_temporary_folder_of_a_killed_run_is_swept_and_a_living_ones_is_kept(
        self, store: LocalStore
    ):
        script = (
            "import sys, pathlib; from catalog.stores.local.store import LocalStore\n"
            "s = LocalStore('nas', pathlib.Path(sys.argv[1]))\n"
            "p = s._writer.scratch_folder().path / '1.part'; p.write_bytes(b'half')\n"
            "print(p, flush=True); sys.stdin.read()"
        )
        runs = [
            subprocess.Popen(
                [sys.executable, "-c", script, str(store.root)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        try:
            killed, living = (Path(run.stdout.readline().strip()) for run in runs if run.stdout)
            assert killed.exists() and living.exists()
            runs[0].send_signal(signal.SIGKILL)
            runs[0].wait()
            put(store, "a.jpg")
            assert not killed.parent.exists()
            assert living.read_bytes() == b"half"
        finally:
            for run in runs:
                run.kill()
                run.communicate()
        other = LocalStore("nas", store.root)
        put(other, "b.jpg")
        other.close()
        assert not living.exists()

    def test_what_a_killed_run_left_is_swept_without_writing_anything(self, store: LocalStore):
        killed = scratch.claim_scratch(Tree(store.root))
        (killed.path / "1.part").write_bytes(b"half")
        killed.folder.close()
        store.sweep()
        assert os.listdir(store.root / PRIVATE) == []
        store.sweep()  # nothing there is no problem

    def test_another_machines_temporary_folder_goes_when_it_is_old(self, store: LocalStore):
        theirs = store.root / PRIVATE / "tmp" / f"elsewhere-{uuid.uuid4().hex}"
        theirs.mkdir(parents=True)
        store.sweep()
        assert theirs.exists()
        os.utime(theirs, (0, 0))
        store.sweep()
        assert not theirs.exists()

    def test_a_temporary_folder_that_is_being_swept_is_not_taken(
        self, store: LocalStore, monkeypatch: pytest.MonkeyPatch
    ):
        real, refused = scratch.fcntl.flock, []

        def contended(descriptor: int, operation: int) -> None:
            if not refused:
                refused.append(descriptor)
                raise BlockingIOError
            real(descriptor, operation)

        monkeypatch.setattr(scratch.fcntl, "flock", contended)
        first = scratch.claim_scratch(Tree(store.root))
        assert first.path.is_dir()
        assert len(refused) == 1 and len(list(first.path.parent.iterdir())) == 1
        scratch.release_scratch(first)
        assert os.listdir(store.root / PRIVATE) == []

    def test_a_folder_to_be_avoided_is_an_entry_with_the_reason(self, store: LocalStore):
        put(store, "mine/a.jpg")
        put(store, "other/b.jpg")
        wary = LocalStore(
            "source",
            store.root,
            managed=False,
            avoid=lambda f: "not this one" if f.name == "mine" else "",
        )
        assert [
            (e.path, e.problem) for e in wary.list() if "mine" in e.path or "other" in e.path
        ] == [
            ("mine", "not this one"),
            ("other/b.jpg", ""),
        ]

    def test_a_temporary_folder_swept_before_it_was_locked_is_made_again(
        self, store: LocalStore, monkeypatch: pytest.MonkeyPatch
    ):
        real, victims = scratch.fcntl.flock, []

        def slow_flock(descriptor: int, operation: int) -> None:
            if not victims:  # another run sweeps in the moment before the lock
                (victim,) = (store.root / PRIVATE / "tmp").iterdir()
                victim.rmdir()
                victims.append(victim)
            real(descriptor, operation)

        monkeypatch.setattr(scratch.fcntl, "flock", slow_flock)
        put(store, "a.jpg")
        assert victims and paths(store) == ["a.jpg"]

    def test_the_parent_of_temporary_folders_may_vanish_while_one_is_made(
        self, store: LocalStore, monkeypatch: pytest.MonkeyPatch
    ):
        real, calls = scratch._sweep, []

        def sweep_and_vanish(parent: Tree) -> None:
            if not calls:
                parent.path.rmdir()
            calls.append(parent)
            real(parent)

        monkeypatch.setattr(scratch, "_sweep", sweep_and_vanish)
        put(store, "a.jpg")
        assert len(calls) == 2 and paths(store) == ["a.jpg"]

    def test_threads_share_one_temporary_folder(self, store: LocalStore):
        barrier = threading.Barrier(8)
        folders: set[Path] = set()

        def work(number: int) -> None:
            barrier.wait()
            folders.add(store._writer.scratch_folder().path)
            put(store, f"{number}.jpg")

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(folders) == 1 and len(paths(store)) == 8

    def test_of_many_who_put_one_name_at_once_one_wins(self, store: LocalStore):
        barrier, wins, losses = threading.Barrier(6), [], []

        def work(number: int) -> None:
            barrier.wait()
            try:
                put(store, "a.jpg", b"%d" % number)
                wins.append(b"%d" % number)
            except AlreadyExists:
                losses.append(number)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(wins) == 1 and len(losses) == 5
        assert read(store, "a.jpg") == wins[0] and strays(store.root) == []

    # --- file systems that are special ------------------------------------------------------------

    def test_a_system_that_copies_nothing_and_calls_it_the_end_is_not_believed(
        self, store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        (tmp_path / "source").write_bytes(b"content")
        monkeypatch.setattr(os, "copy_file_range", lambda *_a, **_k: 0)
        with open(tmp_path / "source", "rb", buffering=0) as stream:
            store.put("a.jpg", stream, 7, MTIME, content_hash(b"content"))  # type: ignore[arg-type]
        assert read(store, "a.jpg") == b"content"

    @pytest.mark.parametrize("number", [errno.EXDEV, errno.ENOSYS, errno.EINVAL])
    def test_a_system_that_cannot_copy_inside_the_kernel_copies_through_memory(
        self, store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
    ):
        def refused(*_args: object) -> int:
            raise OSError(number, os.strerror(number))

        (tmp_path / "source").write_bytes(b"content")
        monkeypatch.setattr(os, "copy_file_range", refused)
        with open(tmp_path / "source", "rb", buffering=0) as stream:
            store.put("a.jpg", stream, 7, MTIME, content_hash(b"content"))  # type: ignore[arg-type]
        assert read(store, "a.jpg") == b"content"

    def test_a_full_disk_is_said_and_leaves_nothing(self, tmp_path: Path):
        with tmpfs(tmp_path / "small", "size=1m") as root:
            store = LocalStore("nas", root)
            put(store, "fits.jpg", b"x" * 1000)
            with pytest.raises(StoreFull) as caught:
                put(store, "a.jpg", b"x" * 3_000_000)
            assert "Make room" in str(caught.value)
            assert paths(store) == ["fits.jpg"] and strays(root) == []
            store.close()

    def test_a_disk_that_fills_up_while_the_kernel_copies_is_full_as_well(self, tmp_path: Path):
        (tmp_path / "source").write_bytes(b"x" * 3_000_000)
        with tmpfs(tmp_path / "small", "size=1m") as root:
            store = LocalStore("nas", root)
            with open(tmp_path / "source", "rb", buffering=0) as stream, pytest.raises(StoreFull):
                store.put("a.jpg", stream, 3_000_000, MTIME, content_hash(b"x" * 3_000_000))  # type: ignore[arg-type]
            assert paths(store) == []
            store.close()

    def test_a_store_mounted_read_only_is_said(self, tmp_path: Path):
        with tmpfs(tmp_path / "ro", "ro") as root:
            with pytest.raises(ReadOnlyStore):
                put(LocalStore("nas", root), "a.jpg")
            with pytest.raises(StoreError):
                write_marker(root, "nas")

    def test_an_error_that_is_kept_keeps_no_folder_open(
        self, store: LocalStore, monkeypatch: pytest.MonkeyPatch
    ):
        with monkeypatch.context() as patched, pytest.raises(ReadOnlyStore) as caught:
            patched.setattr(os, "mkdir", refuse(errno.EROFS))
            put(store, "a.jpg")
        store.close()
        held = {os.path.realpath(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")}
        assert caught.value.__cause__ is not None
        assert not [path for path in held if path.startswith(os.path.realpath(store.root))]

    def test_file_times_beyond_the_calendar_do_no_harm(self, tmp_path: Path):
        with tmpfs(tmp_path / "odd", "size=1m") as root:
            store = LocalStore("nas", root)
            put(store, "a.jpg", mtime_ns=2**61 * 1000)
            entry = store.stat("a.jpg")
            assert entry is not None and entry.mtime_ns > 2**62
            store.close()

    @pytest.mark.skipif(IS_ROOT, reason="root may write anywhere")
    def test_a_folder_without_permission_is_said(self, store: LocalStore):
        put(store, "x/a.jpg")
        store.close()
        (store.root / "x").chmod(0o555)
        (store.root / "y").mkdir(mode=0o000)
        try:
            with pytest.raises(PermissionDenied):
                put(store, "x/b.jpg")
            with pytest.raises(PermissionDenied):
                store.remove("x/a.jpg")
            problems = {e.path: e.problem for e in store.list()}
            assert problems["x/a.jpg"] == "" and "cannot be listed" in problems["y"]
        finally:
            (store.root / "x").chmod(0o755)
            (store.root / "y").chmod(0o755)

    @pytest.mark.skipif(IS_ROOT, reason="root may write anywhere")
    def test_a_root_without_permission_is_said(self, tmp_path: Path):
        root = tmp_path / "closed"
        root.mkdir(mode=0o555)
        with pytest.raises(PermissionDenied):
            put(LocalStore("nas", root), "a.jpg")
        with pytest.raises(PermissionDenied):
            write_marker(root, "nas")
        root.chmod(0o000)
        with pytest.raises(StoreError):
            paths(LocalStore("nas", root))
        root.chmod(0o755)

    def test_a_folder_that_cannot_be_listed_is_an_entry_and_no_silence(
        self, store: LocalStore, monkeypatch: pytest.MonkeyPatch
    ):
        put(store, "x/a.jpg")
        put(store, "z.jpg")
        real = Tree.scan

        def failing(tree: Tree, folder: str):
            if folder == "x":
                raise OSError(errno.EIO, "Input/output error")
            return real(tree, folder)

        monkeypatch.setattr(Tree, "scan", failing)
        assert [(e.path, bool(e.problem)) for e in store.list()] == [("z.jpg", False), ("x", True)]

    def test_a_root_that_cannot_be_listed_is_an_error(
        self, store: LocalStore, monkeypatch: pytest.MonkeyPatch
    ):
        def failing(_tree: Tree, _folder: str):
            raise OSError(errno.ESTALE, "Stale file handle")

        monkeypatch.setattr(Tree, "scan", failing)
        with pytest.raises(StoreUnavailable):
            paths(store)


def test_a_folder_that_is_only_read_from_cannot_be_written_to(tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(b"a")
    store = LocalStore("source", tmp_path, managed=False)
    for attempt in (
        lambda: put(store, "b.jpg"),
        lambda: store.move("a.jpg", "b.jpg"),
        lambda: store.remove("a.jpg"),
        lambda: store.copy("a.jpg", "b.jpg"),
    ):
        with pytest.raises(ReadOnlyStore):
            attempt()
    assert os.listdir(tmp_path) == ["a.jpg"]
    store.discard("a.jpg")
    store.discard("a.jpg")
    assert os.listdir(tmp_path) == []


def test_an_entry_tells_what_its_file_is_recognised_by(tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(b"abc")
    status = (tmp_path / "a.jpg").stat()
    (entry,) = LocalStore("source", tmp_path, managed=False).list()
    times = status.st_mtime_ns, status.st_ctime_ns
    assert entry == Entry("a.jpg", 3, *times, status.st_dev, status.st_ino, host=machine_id())


@contextlib.contextmanager
def tmpfs(folder: Path, options: str) -> Iterator[Path]:
    """A small file system in memory; skips where it cannot be mounted."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("a file system of a test's own can be mounted by root only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


# --- placing --------------------------------------------------------------------------------------


def refuse(number: int):
    def refused(*_args: object, **_kwargs: object) -> None:
        raise OSError(number, os.strerror(number))

    return refused


@pytest.fixture(params=["rename", "link", "reserve"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the three ways to place a file, the better ones made impossible."""
    if request.param != "rename":
        monkeypatch.setattr(atomic_rename, "_rename_noreplace", lambda *_a: False)
    if request.param == "reserve":
        monkeypatch.setattr(os, "link", refuse(errno.EPERM))
    return request.param


def test_a_file_is_placed_under_a_free_name(way: str, tmp_path: Path):
    (tmp_path / "a").write_bytes(b"new")
    rename_without_overwriting(str(tmp_path / "a"), str(tmp_path / "b"))
    assert os.listdir(tmp_path) == ["b"]
    assert (tmp_path / "b").read_bytes() == b"new"


@pytest.mark.parametrize("taken", ["file", "folder", "link"])
def test_a_taken_name_is_never_given_again(way: str, tmp_path: Path, taken: str):
    (tmp_path / "a").write_bytes(b"new")
    if taken == "file":
        (tmp_path / "b").write_bytes(b"old")
    elif taken == "folder":
        (tmp_path / "b").mkdir()
    else:
        (tmp_path / "b").symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        rename_without_overwriting(str(tmp_path / "a"), str(tmp_path / "b"))
    assert (tmp_path / "a").read_bytes() == b"new"
    assert taken != "file" or (tmp_path / "b").read_bytes() == b"old"
    assert taken != "link" or (tmp_path / "b").is_symlink()


def test_a_source_that_is_not_there_leaves_no_reserved_name(way: str, tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        rename_without_overwriting(str(tmp_path / "a"), str(tmp_path / "b"))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "number", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM, errno.EMLINK]
)
def test_a_system_without_links_reserves_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    monkeypatch.setattr(atomic_rename, "_rename_noreplace", lambda *_a: False)
    monkeypatch.setattr(os, "link", refuse(number))
    (tmp_path / "a").write_bytes(b"new")
    rename_without_overwriting(str(tmp_path / "a"), str(tmp_path / "b"))
    assert (tmp_path / "b").read_bytes() == b"new"


def test_an_interrupted_replacement_gives_the_reserved_name_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(*_args: object, **_kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic_rename, "_rename_noreplace", lambda *_a: False)
    monkeypatch.setattr(os, "link", refuse(errno.EPERM))
    monkeypatch.setattr(os, "replace", interrupted)
    (tmp_path / "a").write_bytes(b"new")
    with pytest.raises(KeyboardInterrupt):
        rename_without_overwriting(str(tmp_path / "a"), str(tmp_path / "b"))
    assert os.listdir(tmp_path) == ["a"]


def test_a_system_that_cannot_rename_so_is_asked_only_politely(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(atomic_rename.ctypes, "CDLL", lambda *_a, **_k: object())
    (tmp_path / "a").write_bytes(b"new")
    rename_without_overwriting(str(tmp_path / "a"), str(tmp_path / "b"))
    assert (tmp_path / "b").read_bytes() == b"new"


# --- marker ---------------------------------------------------------------------------------------


def test_a_marker_that_was_written_is_read_again(tmp_path: Path):
    assert read_marker(tmp_path) is None
    marked = write_marker(tmp_path, "nas", catalog="this")
    assert read_marker(tmp_path) == marked == (marked.id, "this", "nas")
    assert len(marked.id) == 32
    assert os.listdir(tmp_path / PRIVATE) == ["store.json"]


def test_a_second_mark_keeps_the_first(tmp_path: Path):
    first = write_marker(tmp_path, "nas")
    assert write_marker(tmp_path, "other", catalog="another") == first


def test_a_marker_that_is_written_anew_is_never_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first, seen = write_marker(tmp_path, "nas"), list[object]()
    real = Tree.place

    def watched(*arguments: Any, **options: Any) -> None:
        seen.append(read_marker(tmp_path))
        real(*arguments, **options)

    monkeypatch.setattr(Tree, "place", watched)
    after = write_marker(tmp_path, "nas", first.id, "this")
    assert seen == [first] and after == read_marker(tmp_path) == first._replace(catalog="this")
    assert os.listdir(tmp_path / PRIVATE) == ["store.json"]


def test_a_root_that_is_not_there_yet_is_made_and_marked(tmp_path: Path):
    assert write_marker(tmp_path / "new" / "root", "nas") == read_marker(tmp_path / "new" / "root")


def test_a_marker_is_written_aside_where_later_runs_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Killed(BaseException):
        pass

    def kill(*_arguments: object, **_options: object) -> None:
        raise Killed

    monkeypatch.setattr(Tree, "place", kill)
    monkeypatch.setattr(marker, "release_scratch", lambda scratch: scratch.folder.close())
    with pytest.raises(Killed):
        write_marker(tmp_path, "nas")
    assert len(list((tmp_path / PRIVATE).rglob("store.json*"))) == 1
    LocalStore("nas", tmp_path).sweep()
    assert os.listdir(tmp_path / PRIVATE) == []


def test_many_who_mark_one_root_at_once_agree_on_its_id(tmp_path: Path):
    barrier, found = threading.Barrier(8), []

    def work() -> None:
        barrier.wait()
        found.append(write_marker(tmp_path, "nas"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1
    assert os.listdir(tmp_path / PRIVATE) == ["store.json"]


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b'"x"', b"{}", b"\xff\xfe", b'{"store": "nas"}', b'{"id": null}'],
)
def test_a_damaged_marker_is_no_missing_one(tmp_path: Path, data: bytes):
    marker_path(tmp_path).parent.mkdir()
    marker_path(tmp_path).write_bytes(data)
    with pytest.raises(StoreGuard) as caught:
        read_marker(tmp_path)
    assert str(marker_path(tmp_path)) in str(caught.value)
    with pytest.raises(StoreGuard):
        write_marker(tmp_path, "nas")
    assert marker_path(tmp_path).read_bytes() == data


def test_a_marker_that_cannot_be_read_is_no_missing_one(tmp_path: Path):
    marker_path(tmp_path).mkdir(parents=True)
    with pytest.raises(StoreGuard):
        read_marker(tmp_path)


def test_a_root_below_a_file_cannot_be_marked(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(StoreError):
        write_marker(tmp_path / "file" / "root", "nas")


def test_the_bytes_of_a_stream_that_is_no_file_are_taken_as_well(tmp_path: Path):
    store = LocalStore("nas", tmp_path)
    store.put("a.jpg", io.BytesIO(b"abc"), 3, MTIME, content_hash(b"abc"))
    store.close()
    assert os.listdir(tmp_path / PRIVATE) == [] and paths(store) == ["a.jpg"]
