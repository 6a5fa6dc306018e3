"""A folder of a Dropbox account, under the contract of all stores and in what only Dropbox does."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dropbox_accounts as accounts
import pytest
from emulators.dropbox import Emulator
from store_contract import MTIME, StoreContract, paths, put

from catalog.domain.fixity import BLOCK_SIZE, ContentHasher
from catalog.stores.dropbox.store import DropboxStore
from catalog.stores.dropbox.uploads.pieces import PIECE
from catalog.stores.dropbox.uploads.uploader import SINGLE

LIMIT = 150 * 1024 * 1024
"""Bytes that Dropbox takes in one request."""


def sparse(path: Path, size: int) -> str:
    """A file of so many bytes, nearly all of them zero, and its content hash."""
    with path.open("wb") as file:
        file.truncate(size)
        file.seek(size // 2)
        file.write(b"middle")
        file.seek(size - 3)
        file.write(b"end")
    hasher, block = ContentHasher(), b""
    with path.open("rb") as file:
        while block := file.read(BLOCK_SIZE):
            hasher.update(block)
    return hasher.hexdigest()


@pytest.fixture
def emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with accounts.account(tmp_path / "account", monkeypatch) as emulator:
        emulator.make_folder("/photos")
        yield emulator


class TestDropboxStore(StoreContract):
    kind = DropboxStore
    time_precision = 1_000_000_000

    @pytest.fixture
    def store(self, emulator: Emulator, tmp_path: Path) -> Iterator[DropboxStore]:
        store = accounts.store(emulator, tmp_path / "state")
        yield store
        store.close()

    @pytest.fixture
    def gone(self, emulator: Emulator, tmp_path: Path) -> Iterator[DropboxStore]:
        store = accounts.store(emulator, tmp_path / "state", "/no/such/folder")
        yield store
        store.close()

    # --- sizes ------------------------------------------------------------------------------------

    @pytest.mark.parametrize("size", [SINGLE - 1, SINGLE, SINGLE + 1, LIMIT - 1, LIMIT, LIMIT + 1])
    def test_files_around_the_limits_of_a_request_arrive_whole(
        self, store: DropboxStore, tmp_path: Path, size: int
    ):
        digest = sparse(tmp_path / "big", size)
        with (tmp_path / "big").open("rb") as stream:
            entry = store.put("big.mov", stream, size, MTIME, digest)
        assert (entry.size, entry.content_hash) == (size, digest)
        assert store.read_range("big.mov", size - 3, 10) == (tmp_path / "big").read_bytes()[-3:]

    def test_a_file_of_more_than_two_gigabytes(
        self, store: DropboxStore, emulator: Emulator, tmp_path: Path
    ):
        size = 2**31 + 12345
        digest = sparse(tmp_path / "big", size)
        with (tmp_path / "big").open("rb") as stream:
            store.put("big.mov", stream, size, MTIME, digest)
        record = emulator.files()["/photos/big.mov"]
        assert (record.size, record.content_hash) == (size, digest)
        assert (
            emulator.count("files/upload_session/append_v2") == size // PIECE
        )  # in pieces, of which the first one starts it

    def test_small_files_of_many_threads_travel_together(
        self, store: DropboxStore, emulator: Emulator
    ):
        with ThreadPoolExecutor(store.capabilities.together) as pool:
            list(pool.map(lambda n: put(store, f"{n % 5}/{n}.jpg", b"%d" % n), range(200)))
        assert len(paths(store)) == 200
        assert (
            emulator.count("files/upload") + emulator.count("files/upload_session/*") < 100
        )  # and not 200

    def test_whole_seconds_of_the_files_time_are_kept(
        self, store: DropboxStore, emulator: Emulator
    ):
        put(store, "a.jpg")
        assert emulator.files()["/photos/a.jpg"].client_modified.timestamp() == MTIME // 10**9
