"""The store contract on a real account.

Only where CATALOG_TEST_DROPBOX_TOKEN holds an access token for one.

Everything happens in a new folder, /catalog-test-..., which is deleted at the end.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_contract import StoreContract, paths, put

from catalog.stores.dropbox.connection import Connection
from catalog.stores.dropbox.credentials import Credentials
from catalog.stores.dropbox.store import DropboxStore

TOKEN = os.environ.get("CATALOG_TEST_DROPBOX_TOKEN", "")

pytestmark = pytest.mark.skipif(
    not TOKEN, reason="CATALOG_TEST_DROPBOX_TOKEN is not set: no real Dropbox account is touched"
)


class TestRealDropbox(StoreContract):
    kind = DropboxStore
    time_precision = 1_000_000_000

    @pytest.fixture
    def root(self) -> Iterator[str]:
        root = f"/catalog-test-{uuid.uuid4().hex}"
        connection = Connection(Credentials(TOKEN), patience=300.0)
        connection.call(lambda sdk: sdk.files_create_folder_v2(root))
        yield root
        connection.call(lambda sdk: sdk.files_delete_v2(root))
        connection.close()

    @pytest.fixture
    def store(self, root: str, tmp_path: Path) -> Iterator[DropboxStore]:
        store = DropboxStore(
            "dropbox", root, Connection(Credentials(TOKEN), patience=300.0), tmp_path
        )
        yield store
        store.close()

    @pytest.fixture
    def gone(self, tmp_path: Path) -> Iterator[DropboxStore]:
        connection = Connection(Credentials(TOKEN), patience=300.0)
        store = DropboxStore("dropbox", f"/catalog-test-{uuid.uuid4().hex}", connection, tmp_path)
        yield store
        store.close()

    def test_a_second_listing_tells_what_changed(self, store: DropboxStore):
        put(store, "a.jpg")
        assert paths(store) == ["a.jpg"]
        store.move("a.jpg", "b/c.jpg")
        assert paths(store) == ["b/c.jpg"]
