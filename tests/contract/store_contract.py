"""What every store must do, as a mixin:
a store's own test class gives the fixtures `store` and `gone`, and `leftovers`.

class TestLocalStore(StoreContract):
    kind = LocalStore

    @pytest.fixture
    def store(self, tmp_path): ...   # empty, writable
"""

from __future__ import annotations

import hashlib
import io
import os
import unicodedata
import zlib
from typing import Any, BinaryIO, ClassVar

import pytest

from catalog.domain.fixity import BLOCK_SIZE, content_hash
from catalog.domain.names import to_text
from catalog.errors import (
    AlreadyExists,
    FixityMismatch,
    InvalidPath,
    NotFound,
    StoreError,
    StoreUnavailable,
)
from catalog.stores.protocol import ManagedStore, Store

MTIME = 1_562_956_215_123_456_789
"""2019-07-12 18:30:15.123456789 UTC."""

ODD_NAMES = [
    "a b.jpg",
    " leading.jpg",
    "quote'\"`.jpg",
    "new\nline.jpg",
    "tab\t.jpg",
    "emoji 🎉👩\u200d👧.jpg",
    "-rf.jpg",
    "~.jpg",
    "$HOME.jpg",
    "%2e%2e.jpg",
    "a;b|c&d.jpg",
    "{x}[y](z).jpg",
    "#1?.jpg",
    "é" * 120 + ".jpg",
    "x" * 251 + ".jpg",
    "ends with dot.",
    "...",
    ".hidden",
    "2019:07:12.jpg",
    "*.jpg",
    "\u202egpj.exe.jpg",
    "con.jpg",
]


def put(store: Store, path: str, data: bytes = b"content", mtime_ns: int = MTIME) -> str:
    """Put bytes with the right digest, which is returned."""
    digest = content_hash(data)
    store.put(path, io.BytesIO(data), len(data), mtime_ns, digest)
    return digest


def read(store: Store, path: str, offset: int = 0) -> bytes:
    with store.open(path, offset) as stream:
        return stream.read()


def paths(store: Store, prefix: str = "", **options: Any) -> list[str]:
    return [e.path for e in store.list(prefix, **options)]


class Broken(io.RawIOBase):
    """A stream that gives some bytes and then fails."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.given = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.given:
            raise self.error
        self.given = True
        buffer[:3] = b"abc"
        return 3


class StoreContract:
    """The tests.

    `leftovers` says what a failed put left behind outside the listing; `time_precision` is in ns.
    """

    time_precision: ClassVar[int] = 1
    kind: ClassVar[type[ManagedStore]]

    def leftovers(self, store: Store) -> list[str]:
        """Stray files of the store; a store that cannot see them keeps the default."""
        return []

    # --- put and get ------------------------------------------------------------------------------

    @pytest.mark.parametrize("size", [0, 1, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1])
    def test_what_is_put_comes_back_the_same(self, store: Store, size: int):
        data = os.urandom(size)
        digest = put(store, "a/b/c.jpg", data)
        assert read(store, "a/b/c.jpg") == data
        assert store.checksum("a/b/c.jpg") == digest == content_hash(data)
        entry = store.stat("a/b/c.jpg")
        assert entry is not None
        assert (entry.path, entry.size, entry.problem) == ("a/b/c.jpg", size, "")

    def test_the_time_of_the_file_is_kept_as_finely_as_the_store_can(self, store: Store):
        put(store, "a.jpg")
        entry = store.stat("a.jpg")
        assert entry is not None
        assert abs(entry.mtime_ns - MTIME) < self.time_precision

    @pytest.mark.parametrize("offset", [0, 1, 6, 7, 100])
    def test_reading_may_start_anywhere(self, store: Store, offset: int):
        put(store, "a.jpg", b"content")
        assert read(store, "a.jpg", offset) == b"content"[offset:]

    @pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
    def test_odd_names_are_kept_or_refused_but_never_changed(self, store: Store, name: str):
        path = to_text(f"folder/{name}")
        try:
            digest = put(store, path)
        except InvalidPath:
            assert paths(store) == []
            return
        assert paths(store) == [path]
        assert store.checksum(path) == digest

    def test_a_name_that_is_no_utf8_is_kept_or_refused(self, store: Store):
        path = to_text(os.fsdecode(b"caf\xe9/\xff\xfe.jpg"))
        try:
            put(store, path)
        except InvalidPath:
            return
        assert paths(store) == [path]
        assert paths(store, path.rpartition("/")[0]) == [path]
        assert read(store, path) == b"content"

    def test_names_too_long_for_the_store_are_refused_and_leave_nothing(self, store: Store):
        with pytest.raises(StoreError):
            put(store, "x" * 5000 + ".jpg")
        assert paths(store) == [] and self.leftovers(store) == []

    def test_two_unicode_forms_of_a_name_are_one_file_or_two_but_never_overwritten(
        self, store: Store
    ):
        composed, decomposed = (unicodedata.normalize(form, "Zoë.jpg") for form in ("NFC", "NFD"))
        put(store, composed, b"first")
        try:
            put(store, decomposed, b"second")
        except AlreadyExists:
            assert len(paths(store)) == 1
        else:
            assert read(store, decomposed) == b"second"
        assert read(store, composed) == b"first"

    def test_two_cases_of_a_name_are_two_files_where_the_store_says_so(self, store: Store):
        put(store, "a.jpg", b"first")
        if store.capabilities.case_sensitive:
            put(store, "A.JPG", b"second")
            assert sorted(paths(store)) == ["A.JPG", "a.jpg"]
        else:
            with pytest.raises(AlreadyExists):
                put(store, "A.JPG", b"second")
        assert read(store, "a.jpg") == b"first"

    def test_what_is_stated_of_a_file_is_so(self, store: Store):
        data = os.urandom(BLOCK_SIZE + 1)
        put(store, "a.jpg", data)
        expected = {
            "dropbox": content_hash(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "sha1": hashlib.sha1(data).hexdigest(),
            "md5": hashlib.md5(data).hexdigest(),
            "crc32": f"{zlib.crc32(data):08x}",
        }
        for entry in (store.stat("a.jpg"), *store.list()):
            assert entry is not None and set(entry.checksums) == set(store.capabilities.checksums)
            assert {
                k: v for k, v in entry.checksums.items() if k in expected
            }.items() <= expected.items()

    # --- what goes wrong --------------------------------------------------------------------------

    def test_nothing_is_ever_overwritten(self, store: Store):
        put(store, "a.jpg", b"first")
        for data in (b"second", b"first", b""):
            with pytest.raises(AlreadyExists):
                put(store, "a.jpg", data)
        assert read(store, "a.jpg") == b"first"
        assert self.leftovers(store) == []

    @pytest.mark.parametrize(
        "error",
        [OSError(5, "Input/output error"), RuntimeError("boom"), KeyboardInterrupt()],
        ids=repr,
    )
    def test_a_put_that_is_interrupted_leaves_nothing_behind(
        self, store: Store, error: BaseException
    ):
        with pytest.raises((StoreError, RuntimeError, KeyboardInterrupt)):
            store.put("new/a.jpg", Broken(error), 10, MTIME, "0" * 64)  # type: ignore[arg-type]
        assert paths(store) == [] and self.leftovers(store) == []
        assert store.stat("new/a.jpg") is None

    @pytest.mark.parametrize(
        ("data", "size"), [(b"other!!", 7), (b"content and more", 7), (b"cont", 7), (b"", 7)]
    )
    def test_bytes_that_are_not_the_ones_expected_never_appear(
        self, store: Store, data: bytes, size: int
    ):
        with pytest.raises(FixityMismatch):
            store.put("a.jpg", io.BytesIO(data), size, MTIME, content_hash(b"content"))
        assert paths(store) == [] and self.leftovers(store) == []

    def test_after_a_failure_the_store_goes_on(self, store: Store):
        with pytest.raises(FixityMismatch):
            store.put("a.jpg", io.BytesIO(b"x"), 1, MTIME, "0" * 64)
        put(store, "a.jpg")
        assert paths(store) == ["a.jpg"]

    def test_a_file_that_is_not_there_is_none_or_not_found(self, store: Store):
        assert store.stat("no.jpg") is None
        assert store.stat("no/such/folder.jpg") is None
        with pytest.raises(NotFound):
            store.open("no.jpg")
        with pytest.raises(NotFound):
            store.checksum("no/such.jpg")
        with pytest.raises(NotFound):
            store.copy("no.jpg", "b.jpg")
        with pytest.raises(NotFound):
            store.move("no.jpg", "b.jpg")
        assert paths(store) == []

    @pytest.mark.parametrize(
        "path", ["/etc/passwd", "../a.jpg", "a/../../b.jpg", "a/..", "nul\0.jpg"]
    )
    def test_paths_that_leave_the_root_are_refused(self, store: Store, path: str):
        for attempt in (
            lambda: put(store, path),
            lambda: store.stat(path),
            lambda: store.open(path),
            lambda: store.remove(path),
            lambda: list(store.list(path)),
        ):
            with pytest.raises(InvalidPath):
                attempt()

    @pytest.mark.parametrize("path", ["", "a//b.jpg", "a/", "./a.jpg"])
    def test_paths_that_name_no_file_are_refused(self, store: Store, path: str):
        with pytest.raises(InvalidPath):
            put(store, path)
        assert paths(store) == []

    def test_errors_say_which_store_and_which_path(self, store: Store):
        with pytest.raises(NotFound) as caught:
            store.checksum("x/no.jpg")
        assert (caught.value.store, caught.value.path) == (store.name, "x/no.jpg")
        assert "x/no.jpg" in str(caught.value)

    # --- listing ----------------------------------------------------------------------------------

    def test_an_empty_store_lists_nothing(self, store: Store):
        assert paths(store) == []

    def test_a_listing_is_whole_sorted_and_keeps_folders_together(self, store: Store):
        for path in ("b.jpg", "a.jpg", "x/2.jpg", "x/1.jpg", "x/y/3.jpg", "w/9.jpg"):
            put(store, path)
        assert paths(store) == ["a.jpg", "b.jpg", "w/9.jpg", "x/1.jpg", "x/2.jpg", "x/y/3.jpg"]
        assert paths(store, recursive=False) == ["a.jpg", "b.jpg"]
        assert paths(store, "x") == ["x/1.jpg", "x/2.jpg", "x/y/3.jpg"]
        assert paths(store, "x", recursive=False) == ["x/1.jpg", "x/2.jpg"]
        assert paths(store, "x/y") == ["x/y/3.jpg"]

    def test_a_prefix_is_a_folder_not_the_beginning_of_a_name(self, store: Store):
        put(store, "2019/a.jpg")
        put(store, "2019b/b.jpg")
        assert paths(store, "2019") == ["2019/a.jpg"]
        with pytest.raises(NotFound):
            paths(store, "201")

    def test_a_prefix_that_is_not_there_is_an_error_and_no_empty_listing(self, store: Store):
        with pytest.raises(NotFound):
            paths(store, "no/such")

    def test_a_listing_says_what_stat_says(self, store: Store):
        put(store, "x/a.jpg", b"12345")
        (entry,) = store.list()
        assert entry == store.stat("x/a.jpg")

    def test_its_mark_is_another_after_any_change_and_only_then(self, store: ManagedStore):
        if not store.mark():
            assert not store.mark(listed=True)
            pytest.skip("it has none")
        seen = set()
        for change in (
            lambda: put(store, "a/b/c.jpg"),
            lambda: put(store, "d.jpg", b"other"),
            lambda: store.move("a/b/c.jpg", "a/b/e.jpg"),
            lambda: store.discard("d.jpg"),
        ):
            change()
            assert paths(store)
            assert store.mark() == store.mark(listed=True)
            seen.add(store.mark())
        assert len(seen) == 4

    def test_a_root_that_is_missing_is_unavailable_and_never_empty(self, gone: Store):
        for attempt in (
            lambda: paths(gone),
            lambda: gone.stat("a.jpg"),
            lambda: gone.open("a.jpg"),
            lambda: gone.checksum("a.jpg"),
            lambda: gone.remove("a.jpg"),
            lambda: put(gone, "a.jpg"),
            lambda: gone.move("a.jpg", "b.jpg"),
        ):
            with pytest.raises(StoreUnavailable):
                attempt()

    # --- moving, copying, removing ----------------------------------------------------------------

    def test_a_copy_is_the_same_file_again(self, store: Store):
        digest = put(store, "a.jpg")
        store.copy("a.jpg", "x/b.jpg")
        assert store.checksum("a.jpg") == store.checksum("x/b.jpg") == digest
        one, other = store.stat("a.jpg"), store.stat("x/b.jpg")
        assert one is not None and other is not None
        assert one.mtime_ns == other.mtime_ns

    def test_a_move_takes_the_file_away_from_where_it_was(self, store: Store):
        digest = put(store, "a.jpg")
        store.move("a.jpg", "x/b.jpg")
        assert paths(store) == ["x/b.jpg"]
        assert store.checksum("x/b.jpg") == digest

    def test_moving_and_copying_refuse_a_taken_name(self, store: Store):
        put(store, "a.jpg", b"first")
        put(store, "b.jpg", b"second")
        for act in (store.move, store.copy):
            with pytest.raises(AlreadyExists):
                act("a.jpg", "b.jpg")
        assert (read(store, "a.jpg"), read(store, "b.jpg")) == (b"first", b"second")

    def test_removing_says_whether_there_was_something(self, store: Store):
        put(store, "x/a.jpg")
        assert store.remove("x/a.jpg") is not None
        assert store.remove("x/a.jpg") is None
        assert store.stat("x/a.jpg") is None
        assert paths(store) == []

    def test_a_name_is_free_again_after_a_removal_any_number_of_times(self, store: Store):
        for data in (b"one", b"two", b"three"):
            put(store, "a.jpg", data)
            assert store.remove("a.jpg") is not None
        put(store, "a.jpg", b"four")
        assert read(store, "a.jpg") == b"four"

    def test_a_file_and_then_a_folder_of_one_name_can_be_removed(self, store: Store):
        put(store, "a", b"file")
        assert store.remove("a") is not None
        put(store, "a/b/c.jpg", b"deep")
        assert store.remove("a/b/c.jpg") is not None
        assert paths(store) == []

    def test_settling_and_closing_are_harmless(self, store: Store):
        put(store, "x/a.jpg")
        store.settle(["x/a.jpg", "no/such.jpg"])
        store.close()
        store.close()
        put(store, "x/b.jpg")
        assert paths(store) == ["x/a.jpg", "x/b.jpg"]

    def test_its_class_is_the_one_under_contract(self, store: Store):
        assert isinstance(store, self.kind)

    def test_a_stream_may_come_from_another_store(self, store: Store):
        put(store, "a.jpg", b"x" * 100_000)
        stream: BinaryIO
        with store.open("a.jpg") as stream:
            store.put("b.jpg", stream, 100_000, MTIME, content_hash(b"x" * 100_000))
        assert store.checksum("b.jpg") == store.checksum("a.jpg")
