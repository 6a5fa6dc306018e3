"""What a store on a server does when something goes wrong: wait, go on, refuse one file, or stop;
and never half a file. And what each kind of server is asked, and how often.
"""

from __future__ import annotations

import http.server
import io
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from emulators.nextcloud import Emulator
from emulators.nextcloud.dialects import DIALECTS
from emulators.plain_webdav import PlainWebdav
from store_contract import MTIME, paths, put, read

from catalog.domain.fixity import content_hash
from catalog.errors import (
    AlreadyExists,
    CatalogError,
    ConfigError,
    FixityMismatch,
    Interrupted,
    InvalidPath,
    NotFound,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from catalog.stores.webdav import pieces, uploads
from catalog.stores.webdav.access import Access, FurtherLogin
from catalog.stores.webdav.addresses import caution_of, parse_address
from catalog.stores.webdav.connection import AT_ONCE, Login
from catalog.stores.webdav.store import WebdavStore

LARGE = os.urandom(2_000_000)


@pytest.fixture(params=["nextcloud", "plain"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def emulator(tmp_path: Path, dialect: str) -> Iterator[Emulator]:
    with Emulator(tmp_path / "server", DIALECTS[dialect]) as emulator:
        emulator.make_folder("/photos")
        emulator.least_chunk = 1
        yield emulator


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def store(emulator: Emulator, tmp_path: Path, slept: list[float]) -> Iterator[WebdavStore]:
    store = opened(emulator, tmp_path)
    store.connection.patience.sleep = slept.append
    yield store
    store.close()


def opened(emulator: Emulator, tmp_path: Path, *, seconds: float = 60.0) -> WebdavStore:
    access = Access(Login(emulator.user, emulator.password), seconds=seconds)
    address = parse_address(f"{emulator.files_address}/photos")
    return WebdavStore("cloud", address, access.connection(address, "cloud"), tmp_path / "state")


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "SINGLE", 1000)
    monkeypatch.setattr(pieces, "PIECE", 300_000)


on_nextcloud = pytest.mark.parametrize("dialect", ["nextcloud"])
on_plain = pytest.mark.parametrize("dialect", ["plain"])

# --- waiting --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_it_waits_as_long_as_the_server_says(
    store: WebdavStore, emulator: Emulator, slept: list[float], status: int
) -> None:
    emulator.faults = [
        {
            "route": "files/PUT",
            "nth": 1,
            "action": "status",
            "status": status,
            "headers": {"Retry-After": "1"},
        }
    ]
    put(store, "a.jpg")
    assert read(store, "a.jpg") == b"content"
    assert 0.9 < max(slept) <= 1.1


@pytest.mark.parametrize("action", ["cut_request", "cut_reply"])
@pytest.mark.parametrize("method", ["PUT", "MOVE", "MKCOL", "PROPFIND", "GET", "PATCH"])
def test_a_broken_line_is_taken_up_again_whatever_was_asked(
    store: WebdavStore, emulator: Emulator, method: str, action: str
) -> None:
    emulator.faults = [{"route": f"files/{method}", "nth": 1, "action": action, "bytes": 0}]
    put(store, "x/a.jpg")
    store.move("x/a.jpg", "y/b.jpg")
    assert paths(store) == ["y/b.jpg"]
    assert read(store, "y/b.jpg") == b"content"
    assert store.remove("y/b.jpg", "run") == "run/y/b.jpg"
    store.restore("run/y/b.jpg", "z.jpg")
    assert paths(store) == ["z.jpg"]


def test_one_fault_in_ten_changes_nothing(store: WebdavStore, emulator: Emulator) -> None:
    emulator.faults = [
        {"probability": 0.04, "seed": 1, "action": "cut_reply"},
        {"probability": 0.04, "seed": 2, "action": "status", "status": 502},
        {"probability": 0.02, "seed": 3, "action": "cut_request"},
    ]
    for number in range(30):
        put(store, f"{number % 3}/{number}.jpg", b"%d" % number)
    for number in range(0, 30, 2):
        store.move(f"{number % 3}/{number}.jpg", f"moved/{number}.jpg")
    emulator.faults = []
    assert len(paths(store)) == 30
    for number in range(30):
        place = f"{number % 3}/{number}.jpg" if number % 2 else f"moved/{number}.jpg"
        assert read(store, place) == b"%d" % number
    assert {p for p in emulator.files() if "/.catalog/" in p} == set()


def test_a_server_that_stays_away_ends_the_run_as_unavailable(
    emulator: Emulator, tmp_path: Path
) -> None:
    store = opened(emulator, tmp_path, seconds=0.5)
    paths(store)
    emulator.faults = [{"action": "status", "status": 503, "retry_after": 1}]
    with pytest.raises(StoreUnavailable) as caught:
        put(store, "a.jpg")
    assert caught.value.exit_code == 5 and "503" in str(caught.value)
    store.close()


def test_nothing_is_waited_for_once_the_run_is_interrupted(
    store: WebdavStore, emulator: Emulator
) -> None:
    paths(store)
    emulator.faults = [{"action": "status", "status": 503, "retry_after": 1}]
    store.connection.interrupted.set()
    with pytest.raises(Interrupted):
        put(store, "a.jpg")


# --- what is refused ------------------------------------------------------------------------------


def test_a_wrong_password_is_told_and_no_cookie_hides_it(
    store: WebdavStore, emulator: Emulator
) -> None:
    put(store, "a.jpg")
    emulator.password = "another"
    with pytest.raises(StoreUnavailable, match="does not accept the login") as caught:
        read(store, "a.jpg")
    assert "webdav_password" in str(caught.value)
    assert emulator.kept_cookies == 0


def test_a_full_server_is_told_and_nothing_is_left(store: WebdavStore, emulator: Emulator) -> None:
    put(store, "a.jpg")
    emulator.space = sum(record.size for record in emulator.files().values()) + 100
    with pytest.raises(StoreFull):
        put(store, "b.jpg", os.urandom(1000))
    emulator.space = None
    assert paths(store) == ["a.jpg"]


def test_a_locked_file_is_tried_for_a_while_and_then_told(
    store: WebdavStore, emulator: Emulator, slept: list[float]
) -> None:
    put(store, "a.jpg")
    emulator.lock("/photos/a.jpg")
    with pytest.raises(StoreError, match="locked"):
        store.move("a.jpg", "b.jpg")
    assert slept
    emulator.unlock("/photos/a.jpg")
    store.move("a.jpg", "b.jpg")


@on_nextcloud
@pytest.mark.parametrize("name", [".htaccess", "a.part", "b.filepart"])
def test_a_name_that_the_server_refuses_is_that_files_matter(store: WebdavStore, name: str) -> None:
    with pytest.raises(InvalidPath, match="name"):
        put(store, name)
    put(store, "a.jpg")


def test_bytes_that_arrive_damaged_never_stay(store: WebdavStore, emulator: Emulator) -> None:
    emulator.faults = [
        {"route": "files/PUT", "action": "corrupt", "direction": "request", "times": 1}
    ]
    with pytest.raises(FixityMismatch):
        put(store, "a.jpg")
    assert paths(store) == [] and [p for p in emulator.files() if ".catalog" in p] == []
    put(store, "a.jpg")


def test_of_two_who_write_one_name_one_wins_and_the_other_is_told(
    store: WebdavStore, emulator: Emulator
) -> None:
    put(store, "other.jpg")
    told: list[type] = []

    def write(data: bytes) -> None:
        try:
            put(store, "a.jpg", data)
        except AlreadyExists as error:
            told.append(type(error))

    threads = [threading.Thread(target=write, args=(b"%d" % n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [AlreadyExists] * 7
    assert paths(store) == ["a.jpg", "other.jpg"]


def test_a_file_that_changed_since_it_was_seen_is_not_discarded(
    store: WebdavStore, emulator: Emulator
) -> None:
    put(store, "a.jpg")
    seen = store.stat("a.jpg")
    emulator.plant("/photos/a.jpg", b"another")
    with pytest.raises(StoreError, match="changed in this moment"):
        store.discard("a.jpg", seen)
    assert read(store, "a.jpg") == b"another"
    store.discard("a.jpg")
    store.discard("a.jpg")
    assert paths(store) == []


def test_a_file_that_changes_while_it_is_read_is_told(
    store: WebdavStore, emulator: Emulator
) -> None:
    emulator.plant("/photos/a.jpg", LARGE)
    emulator.faults = [{"route": "files/GET", "nth": 1, "action": "cut_reply", "bytes": 700_000}]
    with store.open("a.jpg") as stream:
        assert stream.read(100)
        emulator.plant("/photos/a.jpg", LARGE[::-1])
        with pytest.raises(FixityMismatch, match="changed while it was read"):
            while stream.read(1 << 20):
                pass


def test_a_download_goes_on_where_the_line_broke(store: WebdavStore, emulator: Emulator) -> None:
    emulator.plant("/photos/a.jpg", LARGE)
    emulator.faults = [
        {"route": "files/GET", "every": 2, "times": 3, "action": "cut_reply", "bytes": 600_000},
        {"route": "files/GET", "nth": 1, "action": "cut_reply", "bytes": 100_000},
    ]
    assert read(store, "a.jpg") == LARGE
    assert store.read_range("a.jpg", 1000, 50) == LARGE[1000:1050]


# --- where the login goes -------------------------------------------------------------------------


@pytest.fixture
def stranger() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Another server, and the headers that it was sent."""
    seen: list[dict[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(dict(self.headers))
            self.send_response(200)
            self.end_headers()

        do_PROPFIND = do_PUT = do_OPTIONS = do_GET

        def log_message(self, *_args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()


@pytest.mark.parametrize("method", ["GET", "PUT", "PROPFIND"])
def test_a_login_never_follows_to_another_server(
    store: WebdavStore,
    emulator: Emulator,
    stranger: tuple[str, list[dict[str, str]]],
    method: str,
) -> None:
    put(store, "a.jpg")
    where = f"{stranger[0]}/photos/a.jpg"
    emulator.faults = [
        {
            "route": f"files/{method}",
            "action": "status",
            "status": 307,
            "headers": {"Location": where},
        }
    ]
    with pytest.raises(StoreUnavailable, match=stranger[0]):
        if method == "GET":
            read(store, "a.jpg")
        elif method == "PUT":
            put(store, "b.jpg")
        else:
            store.stat("a.jpg")
    assert stranger[1] == []


def test_a_server_may_send_on_within_itself(store: WebdavStore, emulator: Emulator) -> None:
    put(store, "a.jpg")
    put(store, "b.jpg", b"elsewhere")
    where = f"{emulator.files_address}/photos/b.jpg"
    emulator.faults = [
        {
            "route": "files/GET",
            "nth": 1,
            "action": "status",
            "status": 302,
            "headers": {"Location": where},
        }
    ]
    assert read(store, "a.jpg") == b"elsewhere"


def test_a_configured_login_goes_to_its_server_only() -> None:
    access = Access(Login("ann", "secret"), host_url="https://cloud.example")
    access.connection(parse_address("https://cloud.example/remote.php/webdav/x"), "cloud")
    for other in ("http://cloud.example/x", "https://cloud.example:444/x", "https://evil.example/"):
        with pytest.raises(ConfigError, match="not sent"):
            access.connection(parse_address(other), "cloud")
    assert "secret" not in repr(access)


def test_of_several_logins_each_goes_to_its_server_and_its_user() -> None:
    def known(name: str, url: str, user: str) -> FurtherLogin:
        return FurtherLogin(name, url, user, lambda: f"secret of {name}")

    files = "https://cloud.example/remote.php/dav/files"
    access = Access(
        Login("ann", "secret"),
        url=f"{files}/ann",
        further=[
            known("bob", f"{files}/bob", "bob"),
            known("nas", "https://nas.example:5006", "n"),
            known("inner", "https://nas.example:5006/dav/inner", "i"),
            known("root", "https://other.example/remote.php/webdav", "olga"),
        ],
    )

    def user(address: str) -> str:
        login = access.connection(parse_address(address), "cloud").login
        assert login is not None
        return login.username

    assert user(f"{files}/ann/Photos") == "ann"
    assert user("https://cloud.example/remote.php/webdav/Photos") == "ann"
    assert user(f"{files}/bob/Photos") == "bob"
    assert user("https://nas.example:5006/dav") == "n"
    assert user("https://nas.example:5006/dav/inner/x") == "i"
    assert user("https://nas.example:5006/dav/innermost") == "n"
    assert user("https://other.example/remote.php/dav/files/olga/x") == "olga"
    assert user("https://other.example/remote.php/webdav/x") == "olga"
    for other in ("http://nas.example:5006/dav", "https://nas.example/dav", "https://evil.example"):
        with pytest.raises(ConfigError, match="not sent"):
            user(other)
    assert "secret" not in repr(access)


@pytest.mark.parametrize(
    ("address", "is_told"),
    [
        ("http://cloud.example/x", True),
        ("http://192.168.1.2:8080/x", True),
        ("http://localhost.example/x", True),
        ("http://[2001:db8::1]/x", True),
        ("https://cloud.example/x", False),
        ("http://localhost:8080/x", False),
        ("http://127.0.0.3/x", False),
        ("http://[::1]/x", False),
    ],
)
def test_a_line_without_encryption_is_told_of_but_within_this_machine(
    address: str, is_told: bool
) -> None:
    caution = caution_of(parse_address(address))
    assert bool(caution) == is_told and (not is_told or "http" in caution)


def test_no_error_names_the_password(emulator: Emulator, tmp_path: Path) -> None:
    store = opened(emulator, tmp_path, seconds=0.1)
    emulator.stop()
    with pytest.raises(CatalogError) as caught:
        paths(store)
    error: BaseException | None = caught.value
    while error is not None:
        assert emulator.password not in f"{error!r}"
        error = error.__cause__
    emulator.start()


def test_a_file_may_be_read_from_the_server_that_it_is_sent_to(
    emulator: Emulator, tmp_path: Path
) -> None:
    """Also where one file alone may travel."""
    access = Access(Login(emulator.user, emulator.password), seconds=60, transfers=1)
    address = parse_address(f"{emulator.files_address}/photos")
    store = WebdavStore("cloud", address, access.connection(address, "cloud"), tmp_path / "state")
    digest = put(store, "a.jpg", LARGE)
    with store.open("a.jpg") as stream:
        store.put("b.jpg", stream, len(LARGE), MTIME, digest)
    assert read(store, "b.jpg") == LARGE
    access.close()


def test_no_more_files_travel_at_once_than_may_and_none_waits_for_an_answer(
    emulator: Emulator, tmp_path: Path
) -> None:
    """While the server works on what has arrived, others are sent."""
    access = Access(Login(emulator.user, emulator.password), seconds=60, transfers=2)
    address = parse_address(f"{emulator.files_address}/photos")
    connection = access.connection(address, "cloud")
    moving, counted, lock, pair = 0, [0], threading.Lock(), threading.Barrier(2, timeout=60)

    def pieces() -> Iterator[bytes]:
        nonlocal moving
        with lock:
            moving += 1
            counted.append(moving)
        pair.wait()
        for _piece in range(3):
            yield b"x" * 100_000
        with lock:
            moving -= 1

    def send(number: int) -> None:
        headers = {"Content-Length": "300000"}
        connection.ask("PUT", address.url(f"{number}.jpg"), headers=headers, body=pieces())

    emulator.latency = 0.5
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(send, range(12)))
    assert max(counted) == 2 < emulator.peak <= AT_ONCE
    access.close()


# --- large files ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_pieces")
def test_a_large_file_arrives_whole_and_proved(store: WebdavStore, emulator: Emulator) -> None:
    put(store, "x/film.mov", LARGE)
    assert emulator.files()["/photos/x/film.mov"].size == len(LARGE)
    assert read(store, "x/film.mov") == LARGE
    assert emulator.uploads == []
    with pytest.raises(AlreadyExists):
        put(store, "x/film.mov", LARGE)
    assert [p for p in emulator.files() if ".catalog" in p] == []


@on_nextcloud
@pytest.mark.usefixtures("small_pieces")
def test_an_upload_that_broke_off_goes_on_with_the_pieces_that_are_there(
    store: WebdavStore, emulator: Emulator
) -> None:
    class Breaks(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= 900_000:
                raise KeyboardInterrupt
            return super().read(size)

    digest = content_hash(LARGE)
    with pytest.raises(KeyboardInterrupt):
        store.put("film.mov", Breaks(LARGE), len(LARGE), MTIME, digest)
    assert len(emulator.uploads) == 1 and paths(store) == []
    emulator.clear_calls()
    put(store, "film.mov", LARGE)
    assert emulator.count("uploads/PUT") == 4
    assert read(store, "film.mov") == LARGE


@on_nextcloud
@pytest.mark.usefixtures("small_pieces")
def test_a_proxy_that_gives_up_early_is_no_reason_to_ask_twice(
    store: WebdavStore, emulator: Emulator
) -> None:
    emulator.faults = [
        {"route": "uploads/MOVE", "nth": 1, "action": "late", "status": 504, "after": 3}
    ]
    put(store, "film.mov", LARGE)
    assert emulator.count("uploads/MOVE") == 1
    assert read(store, "film.mov") == LARGE


@on_nextcloud
@pytest.mark.usefixtures("small_pieces")
def test_a_source_that_is_not_what_it_was_leaves_no_pieces(
    store: WebdavStore, emulator: Emulator
) -> None:
    with pytest.raises(FixityMismatch):
        store.put("a.mov", io.BytesIO(LARGE), len(LARGE), MTIME, content_hash(LARGE[1:]))
    assert emulator.uploads == [] and paths(store) == []


@on_plain
@pytest.mark.usefixtures("small_pieces")
def test_a_stream_that_cannot_be_read_anew_ends_with_a_broken_line(
    store: WebdavStore, emulator: Emulator
) -> None:
    class Once(io.BytesIO):
        def seekable(self) -> bool:
            return False

    emulator.faults = [{"route": "files/PUT", "nth": 1, "action": "cut_request", "bytes": 500_000}]
    digest = content_hash(LARGE)
    with pytest.raises(StoreUnavailable, match="broke"):
        store.put("a.mov", Once(LARGE), len(LARGE), MTIME, digest)
    assert paths(store) == []
    emulator.faults = [{"route": "files/PUT", "nth": 1, "action": "cut_request", "bytes": 500_000}]
    put(store, "a.mov", LARGE)
    assert read(store, "a.mov") == LARGE


# --- how often is asked ---------------------------------------------------------------------------


@on_nextcloud
def test_a_small_file_is_one_request(store: WebdavStore, emulator: Emulator) -> None:
    put(store, "x/a.jpg")
    emulator.clear_calls()
    entry = store.put("x/b.jpg", io.BytesIO(b"content"), 7, MTIME, content_hash(b"content"))
    assert [call.route for call in emulator.calls] == ["files/PUT"]
    assert entry == store.stat("x/b.jpg")


def test_a_file_of_1970_or_before_is_stored_without_its_time(store: WebdavStore) -> None:
    for name, mtime_ns in (("a.jpg", 0), ("b.jpg", -(10**18)), ("c.jpg", 86_400 * 10**9)):
        put(store, name, mtime_ns=mtime_ns)
    assert paths(store) == ["a.jpg", "b.jpg", "c.jpg"]


@on_nextcloud
def test_an_unchanged_tree_is_one_question(
    store: WebdavStore, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.plant_many((f"/photos/{n % 7}/{n % 3}/{n}.jpg", b"%d" % n) for n in range(100))
    listed = list(store.list())
    assert len(listed) == 100
    again = opened(emulator, tmp_path)
    emulator.clear_calls()
    assert list(again.list()) == listed
    assert [call.route for call in emulator.calls] == ["files/PROPFIND"]
    emulator.plant("/photos/3/1/new.jpg", b"new")
    emulator.delete("/photos/5/2")
    emulator.clear_calls()
    changed = {entry.path for entry in again.list()} ^ {entry.path for entry in listed}
    assert changed == {"3/1/new.jpg", *(e.path for e in listed if e.path.startswith("5/2/"))}
    # the root twice (first only its tag), 3, 3/1 and 5
    assert emulator.count("files/PROPFIND") == len(emulator.calls) == 5
    again.close()


@on_nextcloud
def test_a_listing_that_was_cut_off_goes_on_where_it_was(
    store: WebdavStore, emulator: Emulator
) -> None:
    emulator.plant_many((f"/photos/{n}/{n}.jpg", b"%d" % n) for n in range(40))
    emulator.faults = [{"route": "files/PROPFIND", "nth": 30, "action": "status", "status": 403}]
    with pytest.raises(StoreError):
        paths(store)
    emulator.faults = []
    emulator.clear_calls()
    assert len(paths(store)) == 40
    assert emulator.count("files/PROPFIND") < 30


def test_a_listing_is_never_a_silent_part(store: WebdavStore, emulator: Emulator) -> None:
    for number in range(5):
        put(store, f"{number}/a.jpg", b"%d" % number)
    emulator.faults = [
        {"route": "files/PROPFIND", "path": "/photos/3", "action": "status", "status": 403}
    ]
    with pytest.raises(StoreError):
        paths(store)


def test_a_server_is_asked_what_it_can_once(
    store: WebdavStore, emulator: Emulator, tmp_path: Path, dialect: str
) -> None:
    paths(store)
    assert emulator.count("ocs/GET") == (dialect == "nextcloud")
    again = opened(emulator, tmp_path)
    paths(again)
    assert emulator.count("ocs/GET") + emulator.count("files/OPTIONS") == 2 * (
        dialect == "nextcloud"
    )
    assert again.traits.product == dialect
    again.close()


# --- odd names ------------------------------------------------------------------------------------

ODD = ["a%3Fb;c#d é.jpg", "Zoë.jpg", "ends with dots...", "a&b;c.jpg", "100%25.jpg", "q?x=1.jpg"]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_survive_everything(store: WebdavStore, name: str) -> None:
    survive(store, name)


@pytest.mark.parametrize("name", ODD)
def test_a_server_that_cuts_odd_names_harms_no_file(name: str, tmp_path: Path) -> None:
    with PlainWebdav(tmp_path / "server") as server:
        (server.root / "photos").mkdir()
        access = Access(Login(server.user, server.password), seconds=2)
        address = parse_address(f"{server.address}/photos")
        store = WebdavStore("nas", address, access.connection(address, "nas"), tmp_path / "state")
        survive(store, name)
        assert [p.name for p in (server.root / "photos/.catalog/tmp").glob("*")] == []
        access.close()


def survive(store: WebdavStore, name: str) -> None:
    for cut in ("a", "a%3Fb", "a&b", "q", "100%", "a?b;c#d é.jpg"):
        put(store, f"x/{cut}", cut.encode())
    others = {path: read(store, path) for path in paths(store)}
    put(store, f"x/{name}")
    store.copy(f"x/{name}", f"y/{name}")
    store.move(f"y/{name}", f"z/{name}")
    key = store.remove(f"x/{name}", "run")
    assert key == f"run/x/{name}" and [t.key for t in store.trashed()] == [key]
    store.restore(key, f"w/{name}")
    found = {path: read(store, path) for path in paths(store)}
    assert found == others | {f"w/{name}": b"content", f"z/{name}": b"content"}


def test_a_missing_file_is_not_found_by_its_path(store: WebdavStore) -> None:
    with pytest.raises(NotFound, match=r"x/no\.jpg"):
        store.digests("x/no.jpg", ())


def test_what_killed_runs_left_goes_once_it_is_old(store: WebdavStore, emulator: Emulator) -> None:
    """Nothing but names that are made for that."""
    old, ours = "20200101", "host-" + "0" * 32
    for name, modified in ((ours, 1_577_836_800), (ours[:-1] + "1", None), (old, 1_577_836_800)):
        emulator.plant(f"/photos/.catalog/tmp/{name}", b"part", modified=modified)
    put(store, "a.mov", os.urandom(uploads.SINGLE + 1))
    kept = {path.rpartition("/")[2] for path in emulator.files() if "/tmp/" in path}
    assert kept == {ours[:-1] + "1", old}
