"""What a Dropbox store does when something goes wrong: wait, go on, refuse one file, or stop;
and never half a file.
"""

from __future__ import annotations

import contextlib
import io
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dropbox_accounts as accounts
import pytest
from emulators.dropbox import Emulator
from store_contract import MTIME, paths, put, read

from catalog.domain.fixity import BLOCK_SIZE, content_hash
from catalog.errors import (
    AlreadyExists,
    CatalogError,
    FixityMismatch,
    InvalidPath,
    NotFound,
    PermissionDenied,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from catalog.stores.dropbox.connection import Connection
from catalog.stores.dropbox.credentials import (
    Credentials,
    forget_credentials,
    read_credentials,
    write_credentials,
)
from catalog.stores.dropbox.login import Login, revoke
from catalog.stores.dropbox.store import DropboxStore
from catalog.stores.dropbox.uploads import pieces, uploader
from catalog.stores.local.store import LocalStore


@pytest.fixture
def emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with accounts.account(tmp_path / "account", monkeypatch) as emulator:
        emulator.make_folder("/photos")
        yield emulator


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def store(emulator: Emulator, tmp_path: Path, slept: list[float]) -> Iterator[DropboxStore]:
    store = accounts.store(emulator, tmp_path / "state", sleep=slept.append)
    yield store
    store.close()


def upload_error(**reason: Any) -> dict[str, Any]:
    return {".tag": "path", "reason": reason, "upload_session_id": "x"}


def write_error(tag: str) -> dict[str, Any]:
    return upload_error(**{".tag": tag})


# --- waiting --------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [False, True], ids=["json", "text"])
def test_after_429_it_waits_as_long_as_dropbox_says(
    store: DropboxStore, emulator: Emulator, slept: list[float], text: bool
):
    emulator.faults = [
        {
            "route": "files/upload",
            "nth": 1,
            "action": "status",
            "status": 429,
            "retry_after": 2,
            "text": text,
        }
    ]
    put(store, "a.jpg")
    assert emulator.count("files/upload") == 2
    assert max(slept) > 1.9


def test_429_without_end_ends_the_run_as_unavailable(emulator: Emulator, tmp_path: Path):
    store = accounts.store(emulator, tmp_path / "state", patience=1.5)
    paths(store)
    emulator.faults = [
        {"route": "files/upload", "action": "status", "status": 429, "retry_after": 1}
    ]
    with pytest.raises(StoreUnavailable) as caught:
        put(store, "a.jpg")
    assert caught.value.exit_code == 5
    assert "429" in str(caught.value)
    store.close()


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_breakdown_of_the_server_is_waited_for(
    store: DropboxStore, emulator: Emulator, status: int
):
    emulator.faults = [
        {"route": "files/*", "every": 2, "times": 4, "action": "status", "status": status}
    ]
    put(store, "a.jpg")
    assert paths(store) == ["a.jpg"]
    assert read(store, "a.jpg") == b"content"


def test_too_many_write_operations_are_tried_again(store: DropboxStore, emulator: Emulator):
    emulator.faults = [
        {
            "route": "files/upload",
            "nth": 1,
            "action": "error",
            "error": write_error("too_many_write_operations"),
        },
        {
            "route": "files/move_v2",
            "nth": 1,
            "action": "error",
            "error": {".tag": "from_write", "from_write": {".tag": "too_many_write_operations"}},
        },
        {
            "route": "files/delete_v2",
            "nth": 1,
            "action": "error",
            "error": {".tag": "too_many_write_operations"},
        },
    ]
    put(store, "a.jpg")
    store.move("a.jpg", "b.jpg")
    store.discard("b.jpg")
    assert paths(store) == []
    assert emulator.faults.fired


def test_entries_of_a_batch_that_were_too_much_are_sent_again(
    store: DropboxStore, emulator: Emulator
):
    again = {".tag": "too_many_write_operations"}
    emulator.faults = [
        {
            "route": "files/upload_session/finish_batch_v2",
            "nth": 1,
            "action": "entry_error",
            "step": 2,
            "error": again,
        },
        {
            "route": "files/move_batch_v2",
            "nth": 1,
            "action": "entry_error",
            "step": 3,
            "error": again,
        },
        {
            "route": "files/delete_batch",
            "nth": 1,
            "action": "entry_error",
            "step": 4,
            "error": again,
        },
    ]
    many = [f"{n}.jpg" for n in range(20)]
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda name: put(store, name, name.encode()), many))
        list(pool.map(lambda name: store.move(name, f"x/{name}"), many))
        assert sorted(paths(store)) == sorted(f"x/{name}" for name in many)
        list(pool.map(lambda name: store.discard(f"x/{name}"), many))
    assert paths(store) == []
    assert len(emulator.faults.fired) == 3


# --- lost lines -----------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["cut_request", "cut_reply"])
@pytest.mark.parametrize(
    "route",
    ["files/upload", "files/get_metadata", "files/list_folder*", "files/copy_v2", "files/move_v2"],
)
def test_a_line_that_breaks_once_does_no_harm(
    store: DropboxStore, emulator: Emulator, route: str, action: str
):
    emulator.faults = [{"route": route, "nth": 1, "action": action}]
    put(store, "a.jpg")
    assert store.copy("a.jpg", "b.jpg").content_hash == content_hash(b"content")
    store.move("b.jpg", "c.jpg")
    assert store.stat("c.jpg") is not None
    assert paths(store) == ["a.jpg", "c.jpg"]
    assert emulator.faults.fired


@pytest.mark.parametrize("action", ["cut_request", "cut_reply"])
@pytest.mark.parametrize(
    "route",
    ["start_batch", "append_batch", "finish_batch_v2", "*"],
    ids=["start", "append", "finish", "each third"],
)
def test_a_pack_of_small_files_survives_a_broken_line(
    store: DropboxStore, emulator: Emulator, route: str, action: str
):
    rule = {"every": 3} if route == "*" else {"nth": 1}
    emulator.faults = [{"route": f"files/upload_session/{route}", "action": action, **rule}]
    with ThreadPoolExecutor(30) as pool:
        list(pool.map(lambda n: put(store, f"{n}.jpg", b"%d" % n), range(30)))
    assert {path: record.content_hash for path, record in emulator.files().items()} == {
        f"/photos/{n}.jpg": content_hash(b"%d" % n) for n in range(30)
    }
    assert emulator.faults.fired


def test_what_was_there_before_a_lost_reply_is_not_taken_for_ours(
    store: DropboxStore, emulator: Emulator
):
    emulator.plant("/photos/a.jpg", b"content", client_modified=1)
    emulator.faults = [{"route": "files/upload", "nth": 1, "action": "cut_reply"}]
    with pytest.raises(AlreadyExists):
        put(store, "a.jpg")


@pytest.mark.parametrize("action", ["cut_request", "cut_reply"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_large_file_goes_on_at_the_offset_that_dropbox_states(
    store: DropboxStore, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, action: str, nth: int
):
    shrink(monkeypatch)
    data = os.urandom(3 * BLOCK_SIZE + 5)
    emulator.faults = [
        {"route": "files/upload_session/*", "nth": nth, "action": action, "bytes": 100_000}
    ]
    digest = put(store, "big.mov", data)
    assert emulator.files()["/photos/big.mov"].content_hash == digest
    assert emulator.faults.fired


def test_a_killed_upload_is_taken_up_where_it_was(
    store: DropboxStore, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shrink(monkeypatch)
    data = os.urandom(4 * BLOCK_SIZE + 5)
    with pytest.raises(KeyboardInterrupt):
        store.put("big.mov", Killed(data, 3 * BLOCK_SIZE), len(data), MTIME, content_hash(data))
    assert paths(store) == []
    emulator.clear_calls()
    later = accounts.store(emulator, tmp_path / "state")
    put(later, "elsewhere.mov", data)  # the session is the content's, whatever its name
    assert emulator.count("files/upload_session/start") == 0
    sent = [c for c in emulator.calls if c.route == "files/upload_session/append_v2"]
    assert [c.argument["cursor"]["offset"] // BLOCK_SIZE for c in sent] == [
        3,
        3,
        4,
    ]  # the question, and what was left
    assert list((tmp_path / "state").rglob("uploads/*")) == []
    later.close()


def test_a_session_that_dropbox_forgot_begins_anew(
    store: DropboxStore, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
):
    shrink(monkeypatch)
    data = os.urandom(3 * BLOCK_SIZE)
    with pytest.raises(KeyboardInterrupt):
        store.put("big.mov", Killed(data, 2 * BLOCK_SIZE), len(data), MTIME, content_hash(data))
    emulator.expire_sessions()
    put(store, "big.mov", data)
    assert read(store, "big.mov") == data


def test_a_download_goes_on_where_the_line_broke(store: DropboxStore, emulator: Emulator):
    data = os.urandom(900_000)
    emulator.plant("/photos/a.mov", data)
    emulator.faults = [
        {"route": "files/download", "times": 3, "action": "cut_reply", "bytes": 300_000}
    ]
    assert read(store, "a.mov") == data
    assert read(store, "a.mov", 100) == data[100:]
    assert len(emulator.faults.fired) >= 3


def test_a_file_that_changes_while_it_is_downloaded_is_not_mixed(
    store: DropboxStore, emulator: Emulator
):
    emulator.plant("/photos/a.mov", os.urandom(900_000))
    emulator.faults = [
        {"route": "files/download", "nth": 1, "action": "cut_reply", "bytes": 300_000}
    ]
    with store.open("a.mov") as stream:
        stream.read(1000)
        emulator.plant("/photos/a.mov", os.urandom(900_000))
        with pytest.raises(FixityMismatch):
            while stream.read(100_000):
                pass


def test_bytes_that_the_line_changed_never_reach_a_disk(
    store: DropboxStore, emulator: Emulator, tmp_path: Path
):
    data = os.urandom(50_000)
    digest = emulator.plant("/photos/a.jpg", data).content_hash
    emulator.faults = [{"route": "files/download", "nth": 1, "action": "corrupt"}]
    (tmp_path / "nas").mkdir()
    nas = LocalStore("nas", tmp_path / "nas")
    with store.open("a.jpg") as stream, pytest.raises(FixityMismatch):
        nas.put("a.jpg", stream, len(data), MTIME, digest)
    assert list(nas.list()) == []
    nas.close()


def test_bytes_that_the_line_changed_are_refused_by_dropbox(
    store: DropboxStore, emulator: Emulator
):
    emulator.faults = [
        {"route": "files/upload", "nth": 1, "action": "corrupt", "direction": "request"}
    ]
    with pytest.raises(FixityMismatch):
        put(store, "a.jpg", os.urandom(1000))
    assert paths(store) == []


def test_without_a_network_it_says_so(emulator: Emulator, tmp_path: Path):
    store = accounts.store(emulator, tmp_path / "state", patience=0.2)
    emulator.stop()
    with pytest.raises(StoreUnavailable, match="cannot be reached") as caught:
        paths(store)
    assert caught.value.exit_code == 5
    store.close()
    emulator.start()


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (write_error("insufficient_space"), StoreFull),
        (write_error("malformed_path"), InvalidPath),
        (write_error("disallowed_name"), InvalidPath),
        (write_error("no_write_permission"), PermissionDenied),
        (write_error("team_folder"), PermissionDenied),
        (upload_error(**{".tag": "conflict", "conflict": {".tag": "file"}}), AlreadyExists),
        (upload_error(**{".tag": "conflict", "conflict": {".tag": "folder"}}), AlreadyExists),
        (upload_error(**{".tag": "conflict", "conflict": {".tag": "file_ancestor"}}), InvalidPath),
        ({".tag": "content_hash_mismatch"}, FixityMismatch),
        ({".tag": "payload_too_large"}, StoreError),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_refusal_of_an_upload_has_its_error(
    store: DropboxStore, emulator: Emulator, error: dict[str, Any], expected: type[CatalogError]
):
    emulator.faults = [{"route": "files/upload", "action": "error", "error": error}]
    with pytest.raises(expected) as caught:
        put(store, "x/a.jpg")
    assert "x/a.jpg" in str(caught.value)
    assert emulator.count("files/upload") == 1


def test_no_space_is_met_by_every_file_and_stops(store: DropboxStore, emulator: Emulator):
    emulator.space = 10
    with pytest.raises(StoreFull):
        put(store, "a.jpg", b"x" * 100)


@pytest.mark.parametrize("tag", ["restricted_content", "not_found", "not_file"])
def test_a_file_that_is_not_handed_out_is_one_files_error(
    store: DropboxStore, emulator: Emulator, tag: str
):
    emulator.plant("/photos/a.jpg", b"x")
    emulator.faults = [
        {
            "route": "files/download",
            "action": "error",
            "error": {".tag": "path", "path": {".tag": tag}},
        }
    ]
    with pytest.raises(StoreError) as caught:
        store.open("a.jpg")
    assert not isinstance(caught.value, StoreUnavailable)
    assert "a.jpg" in str(caught.value)


# --- the listing ----------------------------------------------------------------------------------


def test_a_second_listing_asks_only_for_what_changed(
    store: DropboxStore, emulator: Emulator, tmp_path: Path
):
    emulator.plant("/photos/Sub/a.jpg", b"a")
    emulator.plant("/photos/b.jpg", b"b")
    emulator.plant("/photos/gone/c.jpg", b"c")
    assert paths(store) == ["b.jpg", "gone/c.jpg", "Sub/a.jpg"]
    emulator.clear_calls()
    emulator.move("/photos/b.jpg", "/photos/Sub/b2.jpg")
    emulator.delete("/photos/gone")
    later = accounts.store(emulator, tmp_path / "state")
    assert paths(later) == ["Sub/a.jpg", "Sub/b2.jpg"]
    assert emulator.count("files/list_folder") == 0
    assert emulator.count("files/list_folder/continue") == 1
    later.close()


def test_a_cursor_that_dropbox_forgot_lists_everything_anew(
    store: DropboxStore, emulator: Emulator
):
    emulator.plant("/photos/a.jpg", b"a")
    assert paths(store) == ["a.jpg"]
    emulator.expire_cursors()
    emulator.delete("/photos/a.jpg")
    emulator.plant("/photos/b.jpg", b"b")
    assert paths(store) == ["b.jpg"]


def test_a_cursor_of_another_app_is_not_used(
    store: DropboxStore, emulator: Emulator, tmp_path: Path
):
    emulator.plant("/photos/a.jpg", b"a")
    assert paths(store) == ["a.jpg"]
    (file,) = (tmp_path / "state").rglob("listing-*.sqlite")
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE about SET value = 'not ours' WHERE name = 'cursor'")
    assert paths(store) == ["a.jpg"]


def test_a_first_listing_that_was_cut_off_goes_on_and_is_never_taken_for_whole(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("catalog.stores.dropbox.kept_listing.PAGE", 10)
    for number in range(35):
        emulator.plant(f"/photos/{number:02d}.jpg", b"%d" % number)
    store = accounts.store(emulator, tmp_path / "state", patience=0.1)
    emulator.faults = [
        {
            "route": "files/list_folder/continue",
            "nth": 2,
            "times": 20,
            "action": "status",
            "status": 500,
        }
    ]
    emulator.faults = [
        {
            "route": "files/list_folder/continue",
            "path": None,
            "every": 2,
            "action": "status",
            "status": 500,
        }
    ]
    with pytest.raises(StoreUnavailable):
        paths(store)
    emulator.faults = []
    emulator.clear_calls()
    assert len(paths(store)) == 35
    assert emulator.count("files/list_folder") == 0
    store.close()


def test_a_folder_that_is_gone_is_unavailable_also_for_a_kept_cursor(
    store: DropboxStore, emulator: Emulator
):
    emulator.plant("/photos/a.jpg", b"a")
    assert paths(store) == ["a.jpg"]
    emulator.delete("/photos")
    with pytest.raises(StoreUnavailable):
        paths(store)


def test_a_damaged_copy_of_the_listing_is_made_anew(
    store: DropboxStore, emulator: Emulator, tmp_path: Path
):
    emulator.plant("/photos/a.jpg", b"a")
    assert paths(store) == ["a.jpg"]
    for file in (tmp_path / "state").rglob("listing-*"):
        file.write_bytes(b"no database" * 1000)
    assert paths(store) == ["a.jpg"]


def test_dropbox_says_when_something_changes(store: DropboxStore, emulator: Emulator):
    assert paths(store) == []
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(store.wait, 30)
        emulator.plant("/photos/a.jpg", b"a")
        assert waiting.result(20) is True


# --- who we are -----------------------------------------------------------------------------------


def test_an_expired_token_is_renewed_in_the_middle(emulator: Emulator, tmp_path: Path):
    login = Login(emulator.app_key, emulator.ca_file)
    store = accounts.store(
        emulator, tmp_path / "state", credentials=login.finish(emulator.authorize(login.address))
    )
    put(store, "a.jpg")
    emulator.expire_tokens()
    put(store, "b.jpg")
    assert paths(store) == ["a.jpg", "b.jpg"]
    store.close()


@pytest.mark.parametrize("how", ["expire_tokens", "revoke"])
def test_a_token_that_serves_no_more_stops_the_run_and_says_what_to_do(
    store: DropboxStore, emulator: Emulator, how: str
):
    put(store, "a.jpg")
    getattr(emulator, how)()
    with pytest.raises(StoreUnavailable, match="catalog dropbox login") as caught:
        put(store, "b.jpg")
    assert caught.value.exit_code == 5


def test_a_permission_that_lacks_is_named(emulator: Emulator, tmp_path: Path):
    grant = emulator.grant(["account_info.read", "files.metadata.read"])
    store = accounts.store(
        emulator, tmp_path / "state", credentials=Credentials(grant.access_token)
    )
    with pytest.raises(StoreUnavailable, match=r"files\.content\.write"):
        put(store, "a.jpg")
    store.close()


def test_a_login_is_kept_for_its_owner_alone_and_given_back(emulator: Emulator, tmp_path: Path):
    login = Login(emulator.app_key, emulator.ca_file)
    kept = tmp_path / "config" / "login.json"
    write_credentials(kept, login.finish(emulator.authorize(login.address)))
    assert kept.stat().st_mode & 0o777 == 0o600
    found = read_credentials(kept)
    assert found is not None and found.can_refresh
    assert found.refresh_token not in repr(found)
    connection = accounts.connection(emulator, credentials=found)
    assert connection.account.account_id == found.account
    revoke(connection)
    with pytest.raises(StoreUnavailable, match="login"):
        connection.call(lambda sdk: sdk.users_get_space_usage())
    connection.close()
    assert forget_credentials(kept) and read_credentials(kept) is None


def test_a_login_that_others_can_read_is_refused(tmp_path: Path):
    kept = tmp_path / "login.json"
    write_credentials(kept, Credentials(refresh_token="r", app_key="k", account="a"))
    kept.chmod(0o644)
    with pytest.raises(CatalogError, match="chmod 600"):
        read_credentials(kept)


def test_a_wrong_code_is_refused(emulator: Emulator):
    login = Login(emulator.app_key, emulator.ca_file)
    with pytest.raises(CatalogError, match="does not accept this code"):
        login.finish("nonsense")


def test_the_named_certificate_is_not_overridden_by_the_environment(
    store: DropboxStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    import certifi

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    monkeypatch.setenv("CURL_CA_BUNDLE", certifi.where())
    put(store, "a.jpg")
    assert paths(store) == ["a.jpg"]


def test_a_stranger_in_the_line_is_not_trusted(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    connection = Connection(Credentials(emulator.token), patience=5.0)
    with pytest.raises(StoreUnavailable, match="dropbox_ca_cert"):
        connection.call(lambda sdk: sdk.users_get_space_usage())
    connection.close()


def test_a_team_space_is_another_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with accounts.account(tmp_path / "team", monkeypatch, team=True) as emulator:
        home, team = (
            accounts.store(emulator, tmp_path / "state", "", space=space)
            for space in ("home", "team")
        )
        put(team, "shared/a.jpg")
        assert paths(home) == []
        assert "shared/a.jpg" in paths(team)
        wrong = accounts.store(emulator, tmp_path / "state", "", space="99")
        with pytest.raises(StoreUnavailable, match="dropbox_space"):
            paths(wrong)
        for each in (home, team, wrong):
            each.close()


# --- one account, two folders ---------------------------------------------------------------------


def test_a_file_of_another_folder_is_adopted_without_a_byte(
    store: DropboxStore, emulator: Emulator, tmp_path: Path
):
    digest = emulator.plant("/Camera Uploads/a.jpg", b"x" * 1000).content_hash
    camera = accounts.store(
        emulator, tmp_path / "state", "/Camera Uploads", "source", managed=False
    )
    entry = store.adopt(camera, "a.jpg", "2020/a.jpg", digest)
    assert entry is not None and (entry.path, entry.content_hash) == ("2020/a.jpg", digest)
    assert emulator.count("files/download") + emulator.count("files/upload*") == 0
    with pytest.raises(AlreadyExists):
        store.adopt(camera, "a.jpg", "2020/a.jpg", digest)
    with pytest.raises(NotFound):
        store.adopt(camera, "no.jpg", "2020/b.jpg", digest)
    (tmp_path / "disk").mkdir()
    assert store.adopt(LocalStore("nas", tmp_path / "disk"), "a.jpg", "c.jpg", digest) is None
    camera.close()


def test_the_case_of_a_name_can_be_changed(store: DropboxStore):
    put(store, "a.jpg")
    assert store.move("a.jpg", "A.jpg").path == "A.jpg"


def shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file of some blocks be a large one."""
    monkeypatch.setattr(uploader, "SINGLE", BLOCK_SIZE)
    monkeypatch.setattr(pieces, "PIECE", BLOCK_SIZE)


class Killed(io.BytesIO):
    """A stream whose reader is killed after so many bytes."""

    def __init__(self, data: bytes, after: int) -> None:
        super().__init__(data)
        self.after = after

    def read(self, count: int | None = -1) -> bytes:
        if self.tell() >= self.after:
            raise KeyboardInterrupt
        return super().read(count)


# --- others in the same account -------------------------------------------------------------------


def test_two_programs_that_list_at_once_both_see_all(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("catalog.stores.dropbox.kept_listing.PAGE", 5)
    for number in range(40):
        emulator.plant(f"/photos/{number:02d}.jpg", b"%d" % number)
    one, other = (accounts.store(emulator, tmp_path / "state") for _ in range(2))
    assert len(paths(one)) == 40
    emulator.expire_cursors()
    emulator.faults = [
        {"route": "files/list_folder/continue", "every": 3, "action": "delay", "seconds": 0.1}
    ]
    with ThreadPoolExecutor(2) as pool:
        seen = list(pool.map(paths, (one, other, one, other)))
    assert [len(found) for found in seen] == [40] * 4
    for store in (one, other):
        store.close()


def test_what_took_a_files_place_meanwhile_is_not_deleted(store: DropboxStore, emulator: Emulator):
    emulator.plant("/photos/a.jpg", b"seen")
    emulator.plant("/photos/b.jpg", b"seen")
    seen = {e.path: e for e in store.list()}
    emulator.plant("/photos/a.jpg", b"another")
    emulator.delete("/photos/b.jpg")
    emulator.plant("/photos/b.jpg/inside.jpg", b"in a folder of that name")
    with pytest.raises(StoreError, match="kept"):
        store.discard("a.jpg", seen["a.jpg"])
    with pytest.raises(StoreError):
        store.discard("b.jpg", seen["b.jpg"])
    store.discard("b.jpg")
    store.discard("gone.jpg", seen["a.jpg"])
    assert emulator.content("/photos/a.jpg") == b"another"
    assert emulator.content("/photos/b.jpg/inside.jpg") == b"in a folder of that name"


@pytest.mark.parametrize("where", ["head", "middle"])
def test_damage_to_the_kept_listing_heals(
    store: DropboxStore, emulator: Emulator, tmp_path: Path, where: str
):
    for number in range(400):
        emulator.plant(f"/photos/{number:03d}.jpg", b"%d" % number)
    assert len(paths(store)) == 400
    (file,) = (tmp_path / "state").rglob("listing-*.sqlite")
    for beside in file.parent.glob(f"{file.name}-*"):
        beside.unlink()
    size = file.stat().st_size
    with file.open("r+b") as database:
        database.seek(0 if where == "head" else 8192)
        database.write(os.urandom(4096 if where == "head" else size - 16384))
    with contextlib.suppress(StoreError):
        paths(store)  # damage that shows only while it is read is told, and healed by the next look
    emulator.plant("/photos/new.jpg", b"new")
    with contextlib.suppress(StoreError):
        paths(store)
    assert len(paths(store)) == 401


def test_a_state_folder_that_cannot_be_used_is_told(emulator: Emulator, tmp_path: Path):
    (tmp_path / "state").write_text("no folder")
    store = accounts.store(emulator, tmp_path / "state")
    with pytest.raises(StoreError, match="state_dir"):
        paths(store)
    store.close()


@pytest.mark.parametrize(
    "route",
    [
        "files/upload_session/append_batch",
        "files/upload_session/finish_batch_v2",
        "files/move_batch_v2",
        "files/delete_batch",
    ],
)
def test_an_entry_that_fails_without_a_reason_fails_alone(
    store: DropboxStore, emulator: Emulator, route: str
):
    emulator.faults = [
        {"route": route, "action": "entry_error", "entries": [1], "error": {".tag": "other"}}
    ]
    many = [f"{n}.jpg" for n in range(6)]

    def outcome(work: Any) -> str:
        try:
            work()
        except StoreError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(lambda name: outcome(lambda: put(store, name, name.encode())), many))
        if "upload" not in route:
            told = list(pool.map(lambda name: outcome(lambda: store.move(name, f"x/{name}")), many))
        if "delete" in route:
            told = list(pool.map(lambda name: outcome(lambda: store.discard(f"x/{name}")), many))
    assert sum(1 for text in told if text) <= 1, told
    assert emulator.faults.fired


def test_a_setting_that_no_request_can_hold_is_not_tried_for_long(
    emulator: Emulator, tmp_path: Path
):
    store = accounts.store(
        emulator, tmp_path / "state", credentials=Credentials("secret\nline"), patience=900.0
    )
    with pytest.raises(StoreUnavailable) as caught:
        paths(store)
    assert "secret" not in str(caught.value)
    store.close()
