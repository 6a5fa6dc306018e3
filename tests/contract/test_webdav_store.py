"""Folders of WebDAV servers, under the contract of all stores and in what only they do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from emulators.nextcloud import Emulator
from emulators.plain_webdav import PlainWebdav
from store_contract import StoreContract

from catalog.errors import NotFound
from catalog.stores.protocol import Store
from catalog.stores.webdav.access import Access
from catalog.stores.webdav.addresses import parse_address
from catalog.stores.webdav.answers import FILE_PROPERTIES
from catalog.stores.webdav.connection import Login
from catalog.stores.webdav.store import WebdavStore


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainWebdav]:
    with PlainWebdav(tmp_path_factory.mktemp("plain")) as server:
        yield server


@pytest.fixture(scope="module")
def nextcloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("nextcloud")) as emulator:
        yield emulator


def opened(access: Access, url: str, state: Path, *, is_new: bool = False) -> WebdavStore:
    address = parse_address(url)
    connection = access.connection(address, "cloud")
    return WebdavStore("cloud", address, connection, state, is_new=is_new)


class ServerContract(StoreContract):
    """What both kinds of servers must do; `base` is the address of their files."""

    @pytest.fixture
    def base(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def access(self, login: Login) -> Iterator[Access]:
        access = Access(login, seconds=3)
        yield access
        access.close()

    @pytest.fixture
    def store(self, base: str, access: Access, tmp_path: Path) -> WebdavStore:
        store = opened(access, f"{base}/{tmp_path.name}/photos", tmp_path / "state", is_new=True)
        store._folder.make_folders("")
        return opened(access, f"{base}/{tmp_path.name}/photos", tmp_path / "state")

    @pytest.fixture
    def gone(self, base: str, access: Access, tmp_path: Path) -> WebdavStore:
        return opened(access, f"{base}/no/such/folder", tmp_path / "state")

    def leftovers(self, store: Store) -> list[str]:
        assert isinstance(store, WebdavStore)
        url = store.address.url(".catalog/tmp")
        try:
            return [r.href for r in store.connection.list(url, "1", FILE_PROPERTIES)[1:]]
        except NotFound:
            return []


class TestPlain(ServerContract):
    kind = WebdavStore
    time_precision = 10**20

    @pytest.fixture
    def login(self, plain: PlainWebdav) -> Login:
        return Login(plain.user, plain.password)

    @pytest.fixture
    def base(self, plain: PlainWebdav) -> str:
        return plain.address


class TestNextcloud(ServerContract):
    kind = WebdavStore
    time_precision = 1_000_000_000

    @pytest.fixture
    def login(self, nextcloud: Emulator) -> Login:
        return Login(nextcloud.user, nextcloud.password)

    @pytest.fixture
    def base(self, nextcloud: Emulator) -> str:
        return nextcloud.files_address


class TestNextcloudByItsOtherAddress(TestNextcloud):
    @pytest.fixture
    def base(self, nextcloud: Emulator) -> str:
        return nextcloud.legacy_address
