"""Folders of WebDAV servers, under the contract of all stores and in what only they do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from emulators.nextcloud import Emulator
from emulators.plain_webdav import PlainWebdav
from store_contract import StoreContract, paths, put, read

from catalog.errors import NotFound
from catalog.stores.protocol import Store
from catalog.stores.webdav import uploads
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

    def test_it_keeps_no_tags(self, store: WebdavStore) -> None:
        assert store.tags() is None


class TestNextcloud(ServerContract):
    kind = WebdavStore
    time_precision = 1_000_000_000

    @pytest.fixture
    def login(self, nextcloud: Emulator) -> Login:
        return Login(nextcloud.user, nextcloud.password)

    @pytest.fixture
    def base(self, nextcloud: Emulator) -> str:
        return nextcloud.files_address

    def test_tags_are_found_below_a_folder_and_taken_off_the_very_file(
        self, store: WebdavStore, nextcloud: Emulator, tmp_path: Path
    ) -> None:
        root = f"/{tmp_path.name}/photos"
        for path in ("a/1 é.jpg", "a/b/2%3F.jpg", "ab/3.jpg", ".catalog/4.jpg"):
            nextcloud.plant(f"{root}/{path}", path.encode())
            nextcloud.tag(f"{root}/{path}", "ai:cats", "other")
        nextcloud.tag(f"{root}/a/1 é.jpg", "ai:a/b", "ai:")
        nextcloud.tag(f"{root}/a/b", "ai:cats")
        tags = store.tags()
        assert tags is not None
        found = tags.below("a", "ai:")
        assert [(one.entry.path, one.tags) for one in found] == [
            ("a/1 é.jpg", ("ai:", "ai:a/b", "ai:cats")),
            ("a/b/2%3F.jpg", ("ai:cats",)),
        ]
        assert found[0].entry == store.stat("a/1 é.jpg")
        assert [one.entry.path for one in tags.below("", "ai:cats")][-1] == "ab/3.jpg"
        assert tags.below("a", "no such") == []
        with pytest.raises(NotFound):
            tags.below("nowhere", "ai:")
        store.move("a/b/2%3F.jpg", "2.jpg")
        nextcloud.plant(f"{root}/a/b/2%3F.jpg", b"another")
        nextcloud.tag(f"{root}/a/b/2%3F.jpg", "ai:cats")
        for _twice in range(2):
            tags.take_off(found[1].entry, "ai:cats")
        tags.take_off(found[1].entry, "no such tag")
        assert nextcloud.files()[f"{root}/2.jpg"].tags == ("other",)
        assert nextcloud.files()[f"{root}/a/b/2%3F.jpg"].tags == ("ai:cats",)


def test_the_other_address_of_a_nextcloud_leads_to_the_same_files(
    nextcloud: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "SINGLE", 10)
    monkeypatch.setattr(nextcloud, "least_chunk", 1)
    access = Access(Login(nextcloud.user, nextcloud.password), seconds=3)
    folder = tmp_path.name
    nextcloud.make_folder(f"/{folder}")
    one = opened(access, f"{nextcloud.legacy_address}/{folder}", tmp_path / "one")
    other = opened(access, f"{nextcloud.files_address}/{folder}", tmp_path / "other")
    put(one, "x/a.jpg", b"small")
    put(one, "x/film.mov", b"in pieces, " * 100)
    one.move("x/a.jpg", "y/b.jpg")
    key = one.remove("x/film.mov", "run")
    assert key == "run/x/film.mov" and [t.key for t in other.trashed()] == [key]
    other.restore(key, "z.mov")
    assert paths(one) == paths(other) == ["z.mov", "y/b.jpg"]
    assert read(one, "z.mov") == b"in pieces, " * 100
    access.close()
