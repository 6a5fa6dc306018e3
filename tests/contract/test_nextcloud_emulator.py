"""The Nextcloud emulator under plain HTTP, and under clients that know nothing of it: litmus and
rclone.

What it must answer was measured on a real Nextcloud 32, where its comments say so.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import io
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote
from xml.etree import ElementTree

import pytest
import requests
from emulators.nextcloud import NEXTCLOUD, OWNCLOUD, PLAIN, Dialect, Emulator
from PIL import Image

if TYPE_CHECKING:
    from emulators.plain_webdav import PlainWebdav

REPOSITORY = Path(__file__).parents[2]
LITMUS = shutil.which("litmus")
RCLONE = shutil.which("rclone")
MIB = 1024 * 1024
SPACES = {"d": "DAV:", "oc": "http://owncloud.org/ns", "nc": "http://nextcloud.org/ns"}
DECLARED = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in SPACES.items())
WRONG = "SHA1:" + "0" * 40


def clark(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{SPACES[prefix]}}}{local}"


@dataclass
class Answers:
    """A 207: for each address its properties that are there, as text or elements, and those that
    are not, by status.
    """

    found: dict[str, dict[str, ElementTree.Element]] = field(default_factory=dict)
    others: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, reply: requests.Response) -> Answers:
        assert reply.status_code == 207, reply.text
        made = cls()
        for response in ElementTree.fromstring(reply.content):
            href = response.findtext("{DAV:}href") or ""
            made.found[href], made.others[href] = {}, {}
            for stat in response.findall("{DAV:}propstat"):
                status = int((stat.findtext("{DAV:}status") or "").split()[1])
                for element in stat.find("{DAV:}prop") or []:
                    if status == 200:
                        made.found[href][element.tag] = element
                    else:
                        made.others[href][element.tag] = status
        return made

    def text(self, href: str, name: str) -> str:
        return self.found[href][clark(name)].text or ""

    def only(self, name: str) -> str:
        """The property of the only address."""
        (href,) = self.found
        return self.text(href, name)


class Client:
    """Plain requests below the files' root."""

    def __init__(self, emulator: Emulator, base: str | None = None) -> None:
        self.emulator = emulator
        self.base = base if base is not None else emulator.files_address
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = (emulator.user, emulator.password)

    def __call__(
        self, method: str, path: str, data: bytes | str = b"", **headers: str
    ) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if "Destination" in named and named["Destination"].startswith("/"):
            named["Destination"] = self.base + quote(named["Destination"])
        url = path if path.startswith("http") else self.base + quote(path)
        self.session.cookies.clear()
        body = data.encode() if isinstance(data, str) else data
        return self.session.request(
            method, url, data=body, headers=named, timeout=60, allow_redirects=False
        )

    def props(self, path: str, *names: str, depth: str = "0", **headers: str) -> Answers:
        asked = "".join(f"<{name}/>" for name in names)
        body = f"<d:propfind {DECLARED}><d:prop>{asked}</d:prop></d:propfind>"
        return Answers.of(self("PROPFIND", path, body, Depth=depth, **headers))

    def etag(self, path: str) -> str:
        return self.props(path, "d:getetag").only("d:getetag")

    def patch(self, path: str, inner: str) -> Answers:
        body = f"<d:propertyupdate {DECLARED}>{inner}</d:propertyupdate>"
        return Answers.of(self("PROPPATCH", path, body))

    def set(self, path: str, **values: str) -> dict[str, int]:
        """What became of properties that are set: statuses by name."""
        named = {name.replace("_", ":", 1): value for name, value in values.items()}
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in named.items())
        answers = self.patch(path, f"<d:set><d:prop>{inner}</d:prop></d:set>")
        (href,) = answers.found
        return {
            name: answers.others[href].get(clark(name), 200 * (clark(name) in answers.found[href]))
            for name in named
        }


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with Emulator(tmp_path / "account") as running:
        yield running


@pytest.fixture
def ask(emulator: Emulator) -> Iterator[Client]:
    client = Client(emulator)
    with client.session:
        yield client


@contextlib.contextmanager
def running(tmp_path: Path, dialect: Dialect = NEXTCLOUD, **options: Any) -> Iterator[Client]:
    with Emulator(tmp_path / dialect.name, dialect, **options) as emulator:
        client = Client(emulator)
        with client.session:
            yield client


# The server and who asks


def test_options_claim_no_locks(ask: Client) -> None:
    reply = ask("OPTIONS", "/")
    features = reply.headers["DAV"].split(", ")
    assert {"1", "3", "extended-mkcol", "nc-paginate", "nextcloud-checksum-update"} <= {*features}
    assert "2" not in features
    assert ask("LOCK", "/f").status_code == 501


def test_who_is_let_in(emulator: Emulator, ask: Client) -> None:
    ask.session.auth = None
    reply = ask("PROPFIND", "/")
    assert reply.status_code == 401
    assert reply.headers["WWW-Authenticate"].startswith('Basic realm="Nextcloud"')
    ask.session.auth = (emulator.user, "wrong")
    assert ask("PROPFIND", "/").status_code == 401
    ask.session.auth = (emulator.user, emulator.password)
    assert ask("PROPFIND", "/").status_code == 207
    emulator.expire()
    assert ask("PROPFIND", "/").status_code == 401
    emulator.renew()
    assert ask("PROPFIND", "/").status_code == 207


def test_a_cookie_lets_in_whatever_the_password_says_and_is_told(
    emulator: Emulator, ask: Client
) -> None:
    cookie = ask("PROPFIND", "/").headers["Set-Cookie"].partition(";")[0]
    assert emulator.kept_cookies == 0
    ask.session.auth = (emulator.user, "wrong")
    assert ask("PROPFIND", "/", Cookie=cookie).status_code == 207
    assert emulator.kept_cookies == 1
    emulator.expire()
    assert ask("PROPFIND", "/", Cookie=cookie).status_code == 401


def test_both_addresses_name_the_same_files(emulator: Emulator, ask: Client) -> None:
    assert ask("PUT", "/a", b"x").status_code == 201
    legacy = Client(emulator, emulator.legacy_address)
    with legacy.session:
        assert legacy("GET", "/a").content == b"x"
        (href,) = legacy.props("/a", "d:getetag").found
        assert href == "/remote.php/webdav/a"
        assert legacy("MOVE", "/a", Destination="/b").status_code == 201
        assert list(emulator.files()) == ["/b"]
        mixed = legacy("MOVE", "/b", Destination=f"{emulator.files_address}/c")
        assert mixed.status_code == 403


def test_a_user_may_be_an_address(tmp_path: Path) -> None:
    with running(tmp_path, user="ann@home.example") as ask:
        assert "ann%40home.example" in ask.base
        assert ask("PUT", "/a", b"x").status_code == 201
        plain = Client(ask.emulator, ask.base.replace("%40", "@"))
        with plain.session:
            assert list(plain.props("/a", "oc:size").found) == [
                "/remote.php/dav/files/ann%40home.example/a"
            ]
            assert plain("MOVE", "/a", Destination=f"{ask.base}/b").status_code == 201


def test_a_server_may_lie_in_a_folder(tmp_path: Path) -> None:
    with running(tmp_path, mount="/cloud") as ask:
        assert "/cloud/remote.php/dav/files/ann" in ask.base
        ask("PUT", "/a", b"x")
        assert list(ask.props("/a", "d:getetag").found) == ["/cloud/remote.php/dav/files/ann/a"]
        assert ask("MOVE", "/a", Destination="/b").status_code == 201
        there = ask.base.replace("/cloud", "")
        assert ask("PROPFIND", there).status_code == 404
        refused = ask("MOVE", "/b", Destination=f"{there}/c")
        assert refused.status_code == 403


def spoken(emulator: Emulator, sent: str) -> str:
    """All that is answered to what is sent at once."""
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=60) as line:
        line.sendall(sent.encode())
        heard = b""
        while data := line.recv(65536):
            heard += data
    return heard.decode()


def test_requests_that_come_at_once_are_answered_one_after_another(emulator: Emulator) -> None:
    path = "/remote.php/dav/files/ann/a"
    head = f"Host: x\r\nAuthorization: {login(emulator)}\r\n"
    put = f"PUT {path} HTTP/1.1\r\n{head}Content-Length: 3\r\n\r\nabc"
    get = f"GET {path} HTTP/1.1\r\n{head}Connection: close\r\n\r\n"
    heard = spoken(emulator, put + get)
    assert re.findall(r"HTTP/1.1 (\d+)", heard) == ["201", "200"]
    assert heard.endswith("\r\n\r\nabc")


def test_a_body_that_was_not_waited_for_ends_the_connection(emulator: Emulator) -> None:
    path = "/remote.php/dav/files/ann/a"
    put = f"PUT {path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n"
    assert re.findall(r"HTTP/1.1 (\d+)", spoken(emulator, f"{put}\r\n")) == ["401"]
    asked = f"{put}Authorization: {login(emulator)}\r\nConnection: close\r\n\r\nabc"
    assert re.findall(r"HTTP/1.1 (\d+)", spoken(emulator, asked)) == ["100", "201"]
    assert emulator.content("/a") == b"abc"


def test_the_log_keeps_what_was_asked(emulator: Emulator, ask: Client) -> None:
    ask("PUT", "/Größe.jpg", b"x", If_None_Match="*")
    (call,) = emulator.calls
    assert (call.route, call.status, call.argument.path) == ("files/PUT", 201, "/Größe.jpg")
    assert call.argument.headers["if-none-match"] == "*"
    assert (emulator.count("files/*"), emulator.peak) == (1, 1)
    emulator.clear_calls()
    assert emulator.count("*") == 0


# Files


def test_folders_are_made_once_and_below_folders(ask: Client) -> None:
    assert ask("MKCOL", "/d").status_code == 201
    assert ask("MKCOL", "/d").status_code == 405
    assert ask("MKCOL", "/no/d").status_code == 409
    assert ask("MKCOL", "/e", b"<x/>", Content_Type="text/plain").status_code == 415


def test_what_a_put_answers(emulator: Emulator, ask: Client) -> None:
    reply = ask("PUT", "/a.jpg", b"abc", X_OC_Mtime="1500000000", X_OC_CTime="1400000000")
    assert reply.status_code == 201
    assert reply.headers["ETag"] == reply.headers["OC-ETag"] == ask.etag("/a.jpg")
    number = emulator.files()["/a.jpg"].id
    assert re.fullmatch(rf"0+{number}oc[a-z]+", reply.headers["OC-FileId"])
    assert (reply.headers["X-OC-MTime"], reply.headers["X-OC-CTime"]) == ("accepted", "accepted")
    told = ask.props("/a.jpg", "d:getlastmodified", "nc:creation_time", "nc:upload_time")
    assert parsedate_to_datetime(told.only("d:getlastmodified")).timestamp() == 1_500_000_000
    assert told.only("nc:creation_time") == "1400000000"
    assert abs(int(told.only("nc:upload_time")) - time.time()) < 3600
    again = ask("PUT", "/a.jpg", b"abcd")
    assert again.status_code == 204
    assert "X-OC-MTime" not in again.headers
    assert again.headers["OC-FileId"] == reply.headers["OC-FileId"]
    assert again.headers["ETag"] != reply.headers["ETag"]
    assert ask("PUT", "/no/a", b"").status_code == 409
    ask("MKCOL", "/d")
    assert ask("PUT", "/d", b"").status_code == 409


def test_conditions_of_a_put(emulator: Emulator, ask: Client) -> None:
    assert ask("PUT", "/a", b"1", If_None_Match="*").status_code == 201
    assert ask("PUT", "/a", b"2", If_None_Match="*").status_code == 412
    assert ask("PUT", "/a", b"3", If_Match='"other"').status_code == 412
    assert ask("PUT", "/new", b"3", If_Match='"other"').status_code == 412
    assert emulator.content("/a") == b"1"
    assert ask("PUT", "/a", b"4", If_Match=ask.etag("/a")).status_code == 204
    assert ask("DELETE", "/a", If_Match='"other"').status_code == 412


def test_a_time_before_1970_is_an_error_after_the_file_was_written(
    emulator: Emulator, ask: Client
) -> None:
    assert ask("PUT", "/old.jpg", b"x", X_OC_Mtime="-86400").status_code == 500
    assert emulator.content("/old.jpg") == b"x"
    assert emulator.files()["/old.jpg"].modified.year > 2000


def test_a_stated_checksum_is_kept_true_or_not(emulator: Emulator, ask: Client) -> None:
    assert ask("PUT", "/a", b"x", OC_Checksum=WRONG).status_code == 201
    (element,) = ask.props("/a", "oc:checksums").found["/remote.php/dav/files/ann/a"].values()
    assert element.findtext(clark("oc:checksum")) == WRONG
    assert ask("GET", "/a").headers["OC-Checksum"] == WRONG
    ask("PUT", "/a", b"y")
    assert emulator.files()["/a"].checksums == ""


def test_digests_that_the_server_computes(emulator: Emulator, ask: Client) -> None:
    reply = ask("PUT", "/a", b"data", X_Hash="all")
    for algorithm in ("md5", "sha1", "sha256"):
        digest = hashlib.new(algorithm, b"data").hexdigest()
        assert reply.headers[f"X-Hash-{algorithm}"] == digest
    assert "X-Hash-SHA1" not in ask("PUT", "/a", b"data", X_Hash="sha256").headers
    emulator.damage("/a")
    patched = ask("PATCH", "/a", X_Recalculate_Hash="sha256")
    digest = hashlib.sha256(emulator.content("/a")).hexdigest()
    assert digest != hashlib.sha256(b"data").hexdigest()
    assert (patched.status_code, patched.headers["OC-Checksum"]) == (204, f"SHA256:{digest}")
    assert emulator.files()["/a"].checksums == f"SHA256:{digest}"
    assert ask("PATCH", "/a", X_Recalculate_Hash="sha7").status_code == 501


def test_reading_whole_in_part_and_only_if_changed(ask: Client) -> None:
    ask("PUT", "/a.jpg", b"0123456789")
    whole = ask("GET", "/a.jpg")
    assert (whole.content, whole.headers["Content-Type"]) == (b"0123456789", "image/jpeg")
    assert whole.headers["ETag"] == ask.etag("/a.jpg")
    part = ask("GET", "/a.jpg", Range="bytes=3-5")
    assert (part.status_code, part.content) == (206, b"345")
    assert part.headers["Content-Range"] == "bytes 3-5/10"
    assert ask("GET", "/a.jpg", Range="bytes=10-").status_code == 416
    assert ask("GET", "/a.jpg", If_None_Match=whole.headers["ETag"]).status_code == 304
    head = ask("HEAD", "/a.jpg")
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, "10", b"")
    assert ask("GET", "/none").status_code == 404


def test_large_files_stream_through_the_disk(
    tmp_path: Path, emulator: Emulator, ask: Client
) -> None:
    data = random.Random(1).randbytes(3 * MIB + 7)
    assert ask("PUT", "/big.mov", data).status_code == 201
    blobs = tmp_path / "account" / "blobs"
    assert [path.stat().st_size for path in blobs.iterdir()] == [len(data)]
    assert ask("GET", "/big.mov").content == data
    assert ask("GET", "/big.mov", Range=f"bytes={MIB}-").content == data[MIB:]
    assert ask("DELETE", "/big.mov", X_NC_Skip_Trashbin="true").status_code == 204
    assert list(blobs.iterdir()) == []


# Names


ODD = [
    "a%3Fb;c#d é.jpg",
    "a?b.jpg",
    "a&b=c+d.jpg",
    "100% (1) [x] {y} 'q' \"z\".jpg",
    "trailing dot.",
    "trailing space ",
    "CON",
    "a:b",
    "<&>.jpg",
    "日本 😀.jpg",
]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_come_back_as_they_went(name: str, emulator: Emulator, ask: Client) -> None:
    assert ask("PUT", f"/{name}", b"x").status_code == 201
    assert list(emulator.files()) == [f"/{name}"]
    listed = ask.props("/", "d:displayname", depth="1")
    assert [unquote(href) for href in listed.found][1:] == [f"/remote.php/dav/files/ann/{name}"]
    assert ask("MOVE", f"/{name}", Destination=f"/to {name}").status_code == 201
    assert list(emulator.files()) == [f"/to {name}"]


@pytest.mark.parametrize(
    "name",
    [".htaccess", ".HTaccess", "a.part", "a.filepart", "a\\b", "a\tb", " ", "é" * 126],
)
def test_names_that_are_refused(name: str, emulator: Emulator, ask: Client) -> None:
    assert ask("PUT", f"/{name}", b"x").status_code == 400
    assert ask("MKCOL", f"/{name}").status_code == 400
    ask("PUT", "/a", b"x")
    assert ask("MOVE", "/a", Destination=f"/{name}").status_code == 400
    assert ask("COPY", "/a", Destination=f"/{name}").status_code == 400
    assert list(emulator.files()) == ["/a"]


def test_a_name_is_kept_in_its_composed_form(emulator: Emulator, ask: Client) -> None:
    apart = unicodedata.normalize("NFD", "/Café.jpg")
    assert ask("PUT", apart, b"x").status_code == 201
    assert list(emulator.files()) == ["/Café.jpg"]
    assert ask("PUT", apart, b"y").status_code == 204
    assert ask("GET", apart).content == b"y"
    assert ask("MOVE", apart, Destination=f"/d{apart[1:]}").status_code == 201
    assert list(emulator.files()) == ["/dCafé.jpg"]


def login(emulator: Emulator) -> str:
    token = base64.b64encode(f"{emulator.user}:{emulator.password}".encode()).decode()
    return f"Basic {token}"


def test_a_byte_that_is_no_utf8_is_latin(emulator: Emulator) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port)
    address = "/remote.php/dav/files/ann/a%FEb"
    connection.request("PUT", address, b"x", {"Authorization": login(emulator)})
    assert connection.getresponse().status == 201
    connection.close()
    assert list(emulator.files()) == ["/a\u00feb"]


# Properties


def test_what_a_file_states_and_what_it_lacks(emulator: Emulator, ask: Client) -> None:
    emulator.plant("/d/a.jpg", b"abc", modified=1_500_000_000)
    emulator.tag("/d/a.jpg", "ai:sea")
    names = ["d:getetag", "d:getlastmodified", "d:getcontentlength", "d:getcontenttype"]
    names += ["d:resourcetype", "oc:fileid", "oc:id", "oc:permissions", "oc:size", "oc:favorite"]
    names += ["oc:tags", "nc:has-preview", "nc:creation_time", "nc:upload_time", "nc:system-tags"]
    told = ask.props("/d/a.jpg", *names, "oc:checksums", "nc:nothing", "d:quota-used-bytes")
    (href,) = told.found
    assert {*told.found[href]} == {clark(name) for name in names}
    assert told.others[href] == {
        clark(name): 404 for name in ("oc:checksums", "nc:nothing", "d:quota-used-bytes")
    }
    assert told.only("oc:permissions") == "RGDNVW"
    assert (told.only("oc:size"), told.only("d:getcontenttype")) == ("3", "image/jpeg")
    assert told.only("d:getlastmodified") == "Fri, 14 Jul 2017 02:40:00 GMT"
    (tag,) = told.found[href][clark("nc:system-tags")]
    assert (tag.text, tag.get(clark("oc:id"))) == ("ai:sea", "1")
    quiet = ask.props("/d/a.jpg", "nc:nothing", "oc:size", Prefer="return=minimal")
    assert quiet.others[href] == {}


def test_a_folder_is_listed_to_a_depth(emulator: Emulator, ask: Client) -> None:
    emulator.plant_many([("/a/b/c", b"12"), ("/a/d", b"3")])
    root = "/remote.php/dav/files/ann/"

    def listed(depth: str) -> list[str]:
        return [href.removeprefix(root) for href in ask.props("/a", "oc:size", depth=depth).found]

    assert listed("0") == ["a/"]
    assert listed("1") == ["a/", "a/b/", "a/d"]
    assert listed("infinity") == ["a/", "a/b/", "a/b/c", "a/d"]
    told = ask.props("/a", "oc:size", "d:quota-used-bytes", "d:quota-available-bytes")
    assert (told.only("oc:size"), told.only("d:quota-available-bytes")) == ("3", "-3")
    usual = Answers.of(ask("PROPFIND", "/a", Depth="1")).found
    assert clark("d:getetag") in usual[f"{root}a/d"]
    assert clark("oc:fileid") not in usual[f"{root}a/d"]
    assert ask("PROPFIND", "/a", Depth="2").status_code == 400
    assert ask("PROPFIND", "/a", "<x").status_code == 400
    assert ask("PROPFIND", "/none").status_code == 404


def test_ten_thousand_files_are_one_answer(emulator: Emulator, ask: Client) -> None:
    emulator.plant_many([(f"/d/{number}.jpg", b"") for number in range(10_000)])
    listed = ask.props("/d", "d:getetag", "d:getcontentlength", "oc:fileid", depth="1")
    assert len(listed.found) == 10_001
    assert emulator.count("files/PROPFIND") == 1


def test_a_listing_comes_in_pages_where_a_client_asks(emulator: Emulator, ask: Client) -> None:
    emulator.plant_many([(f"/{number}", b"") for number in range(5)])
    first = ask("PROPFIND", "/", Depth="1", X_NC_Paginate="true", X_NC_Paginate_Count="4")
    assert len(Answers.of(first).found) == 4
    assert first.headers["X-NC-Paginate"] == "true"
    assert first.headers["X-NC-Paginate-Total"] == "6"
    token = first.headers["X-NC-Paginate-Token"]
    rest = {"X_NC_Paginate_Token": token, "X_NC_Paginate_Offset": "4"}
    second = Answers.of(ask("PROPFIND", "/", Depth="1", X_NC_Paginate_Count="4", **rest))
    assert len(second.found) == 2
    whole = ask("PROPFIND", "/", Depth="1", X_NC_Paginate="true")
    assert len(Answers.of(whole).found) == 6
    assert "X-NC-Paginate" not in whole.headers


def test_every_change_shows_in_the_etags_up_to_the_root(emulator: Emulator, ask: Client) -> None:
    emulator.plant_many([("/a/b/c", b"1"), ("/other/x", b"1")])

    def etags() -> dict[str, str]:
        return {path: ask.etag(path) for path in ("/", "/a", "/a/b", "/other")}

    changes = [
        ("PUT", "/a/b/c", {}),
        ("MKCOL", "/a/b/d", {}),
        ("MOVE", "/a/b/c", {"Destination": "/a/b/e"}),
        ("DELETE", "/a/b/e", {}),
    ]
    before = etags()
    for method, path, headers in changes:
        assert ask(method, path, **headers).ok
        after = etags()
        assert {path for path in before if after[path] != before[path]} == {"/", "/a", "/a/b"}
        before = after
    ask("PROPFIND", "/")
    assert etags() == before


def test_properties_that_can_be_set(emulator: Emulator, ask: Client) -> None:
    ask("PUT", "/a", b"x", OC_Checksum=WRONG)
    before = [ask.etag("/"), ask.etag("/a")]
    assert ask.set("/a", d_lastmodified="1500000000") == {"d:lastmodified": 200}
    assert emulator.files()["/a"].modified == datetime.fromtimestamp(1_500_000_000, UTC)
    assert emulator.files()["/a"].checksums == ""
    assert not {ask.etag("/"), ask.etag("/a")} & {*before}
    assert ask.set("/a", d_getlastmodified="1400000000") == {"d:getlastmodified": 403}
    both = ask.set("/a", oc_favorite="1", oc_fileid="9")
    assert both == {"oc:favorite": 424, "oc:fileid": 403}
    assert not emulator.files()["/a"].is_favourite
    assert ask.set("/a", oc_favorite="1") == {"oc:favorite": 200}
    assert emulator.files()["/a"].is_favourite
    assert ask.set("/a", oc_favorite="0") == {"oc:favorite": 200}
    assert not emulator.files()["/a"].is_favourite
    assert ask.set("/a", d_note="any") == {"d:note": 200}
    assert ask.props("/a", "d:note").only("d:note") == "any"
    ask.patch("/a", "<d:remove><d:prop><d:note/></d:prop></d:remove>")
    assert list(ask.props("/a", "d:note").others.values()) == [{clark("d:note"): 404}]


def test_a_photo_states_when_it_was_taken(emulator: Emulator, ask: Client) -> None:
    picture, exif = Image.new("RGB", (40, 20)), Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    data = io.BytesIO()
    picture.save(data, "JPEG", exif=exif)
    emulator.plant("/a.jpg", data.getvalue())
    emulator.plant("/b.txt", b"text")
    name = "nc:metadata-photos-original_date_time"
    assert ask.props("/a.jpg", name).only(name) == "1577934245"
    assert list(ask.props("/b.txt", name, "nc:has-preview").others.values()) == [{clark(name): 404}]


# Moving, copying, deleting


def test_a_move_keeps_number_and_etag(emulator: Emulator, ask: Client) -> None:
    emulator.plant_many([("/d/a", b"x"), ("/b", b"y"), ("/e/f", b"z")])
    kept = emulator.files()["/d/a"]
    assert ask("MOVE", "/d/a", Destination="/e/a").status_code == 201
    assert emulator.files()["/e/a"] == kept
    assert ask("MOVE", "/e/a", Destination="/b", Overwrite="F").status_code == 412
    assert ask("MOVE", "/e/a", Destination="/b").status_code == 204
    assert emulator.files()["/b"] == kept
    assert [item.original for item in emulator.trash().values()] == ["/b"]
    folder = emulator.folders()["/e"]
    assert ask("MOVE", "/e", Destination="/d/e").status_code == 201
    assert emulator.folders()["/d/e"].id == folder.id
    assert {*emulator.files()} == {"/b", "/d/e/f"}


def test_moves_that_are_refused(emulator: Emulator, ask: Client) -> None:
    emulator.plant_many([("/d/e/a", b"x"), ("/b", b"y")])
    assert ask("MOVE", "/none", Destination="/x").status_code == 404
    assert ask("MOVE", "/b", Destination="/no/x").status_code == 409
    assert ask("MOVE", "/b", Destination="/b").status_code == 403
    assert ask("MOVE", "/d", Destination="/d/e/x").status_code == 409
    assert ask("MOVE", "/d/e/a", Destination="/d").status_code == 403
    assert ask("MOVE", "/b").status_code == 400
    assert ask("MOVE", "/b", Destination="/x", Overwrite="no").status_code == 400
    assert {*emulator.files()} == {"/d/e/a", "/b"}


def test_a_copy_is_another_file(emulator: Emulator, ask: Client) -> None:
    emulator.plant("/d/a", b"x", modified=1_500_000_000)
    assert ask("COPY", "/d", Destination="/e").status_code == 201
    one, other = (emulator.files()[path] for path in ("/d/a", "/e/a"))
    assert replace(other, id=one.id) == one
    assert other.id != one.id
    ask("PATCH", "/d/a", X_Recalculate_Hash="sha1")
    ask("COPY", "/d/a", Destination="/e/b")
    assert emulator.files()["/d/a"].checksums.startswith("SHA1:")
    assert emulator.files()["/e/b"].checksums == ""
    emulator.delete("/e/b")
    assert ask("COPY", "/d/a", Destination="/e/a", Overwrite="F").status_code == 412
    assert ask("COPY", "/d", Destination="/f", Depth="0").status_code == 201
    assert {*emulator.files()} == {"/d/a", "/e/a"}


def test_what_is_deleted_lies_in_the_trash_and_comes_back(emulator: Emulator, ask: Client) -> None:
    trash = emulator.address + "/remote.php/dav/trashbin/ann"
    emulator.plant_many([("/d/a.jpg", b"first")])
    number = emulator.files()["/d/a.jpg"].id
    assert ask("DELETE", "/d/a.jpg").status_code == 204
    emulator.plant("/d/a.jpg", b"second")
    assert ask("DELETE", "/d/a.jpg").status_code == 204
    names = ["nc:trashbin-filename", "nc:trashbin-original-location", "nc:trashbin-deletion-time"]
    told = ask.props(f"{trash}/trash", *names, "oc:fileid", "oc:size", depth="1")
    room, first, second = told.found
    assert told.found[room] == {}
    assert re.fullmatch(r"/remote.php/dav/trashbin/ann/trash/a\.jpg\.d\d+", first)
    assert [told.text(first, name) for name in names[:2]] == ["a.jpg", "d/a.jpg"]
    assert first.endswith(f".d{told.text(first, names[2])}")
    assert told.text(first, "oc:fileid") == str(number)
    there = emulator.address + first
    assert ask("GET", there).content == b"first"
    assert ask("MOVE", there, Destination=f"{trash}/restore/a.jpg").status_code == 201
    assert emulator.files()["/d/a.jpg"].id == number
    other = emulator.address + second
    assert ask("MOVE", other, Destination=f"{trash}/restore/a.jpg").status_code == 201
    assert emulator.content("/d/a (restored).jpg") == b"second"
    ask("DELETE", "/d")
    (folder,) = emulator.trash()
    inner = list(ask.props(f"{trash}/trash/{folder}", "oc:size", depth="1").found)[1:]
    assert [href.rpartition("/")[2] for href in inner] == ["a.jpg", "a%20(restored).jpg"]
    assert ask("DELETE", f"{trash}/trash/{folder}").status_code == 204
    assert ask("DELETE", f"{trash}/trash/{folder}").status_code == 404
    emulator.plant("/x", b"")
    ask("DELETE", "/x")
    assert ask("DELETE", f"{trash}/trash").status_code == 204
    assert emulator.trash() == {}
    assert ask("DELETE", "/").status_code == 403


# Chunked upload


@dataclass
class Chunks:
    """A chunked upload of a client."""

    ask: Client
    target: str
    name: str = "an-upload"

    @property
    def address(self) -> str:
        return f"{self.ask.emulator.address}/remote.php/dav/uploads/ann/{self.name}"

    def begin(self) -> int:
        return self.ask("MKCOL", self.address, Destination=self.target).status_code

    def put(self, name: str, data: bytes) -> int:
        address = f"{self.address}/{name}"
        return self.ask("PUT", address, data, Destination=self.target).status_code

    def finish(self, **headers: str) -> requests.Response:
        return self.ask("MOVE", f"{self.address}/.file", Destination=self.target, **headers)


def test_a_file_in_chunks(emulator: Emulator, ask: Client) -> None:
    upload, data = Chunks(ask, "/big.mov"), random.Random(2).randbytes(10 * MIB + 3)
    assert upload.begin() == 201
    assert upload.begin() == 405
    assert upload.put("00002", data[5 * MIB : 10 * MIB]) == 201
    assert upload.put("00001", b"other") == 201
    assert upload.put("00001", data[: 5 * MIB]) == 204
    assert upload.put("10", data[10 * MIB :]) == 201
    listed = ask.props(upload.address, "d:getcontentlength", depth="1")
    sizes = {
        href.rpartition("/")[2]: int(listed.text(href, "d:getcontentlength"))
        for href in list(listed.found)[1:]
    }
    assert sizes == {"00001": 5 * MIB, "00002": 5 * MIB, "10": 3, ".file": len(data)}
    assert ask("GET", f"{upload.address}/00001").status_code == 405
    wrong = upload.finish(OC_Total_Length=str(len(data) + 1))
    assert wrong.status_code == 400
    done = upload.finish(OC_Total_Length=str(len(data)), X_OC_Mtime="1500000000", OC_Checksum=WRONG)
    assert (done.status_code, done.headers["X-OC-MTime"]) == (201, "accepted")
    assert emulator.content("/big.mov") == data
    record = emulator.files()["/big.mov"]
    assert (record.modified.timestamp(), record.checksums) == (1_500_000_000, WRONG)
    assert emulator.uploads == []
    assert upload.finish().status_code == 404


def test_chunks_onto_a_file_leave_it_the_same_file(emulator: Emulator, ask: Client) -> None:
    number = emulator.plant("/a", b"old").id
    upload = Chunks(ask, "/a")
    upload.begin()
    upload.put("1", b"new")
    assert upload.finish(Overwrite="F").status_code == 412
    assert upload.finish().status_code == 204
    assert (emulator.content("/a"), emulator.files()["/a"].id) == (b"new", number)


def test_chunks_that_are_refused(emulator: Emulator, ask: Client) -> None:
    upload = Chunks(ask, "/a")
    assert ask("MKCOL", upload.address).status_code == 400
    assert upload.put("1", b"x") == 404
    upload.begin()
    assert ask("PUT", f"{upload.address}/1", b"x").status_code == 400
    for name in ("0", "10001", "one", "1.5"):
        assert upload.put(name, b"x") == 400
    upload.put("1", b"small")
    upload.put("2", b"last")
    assert upload.finish().status_code == 400
    emulator.least_chunk = 5
    assert upload.finish().status_code == 201
    upload.begin()
    upload.put("1", b"x")
    emulator.expire_uploads()
    assert upload.finish().status_code == 404
    upload.begin()
    assert ask("DELETE", upload.address).status_code == 204
    assert emulator.uploads == []


# Tags, questions, capabilities, previews


def test_tags_are_made_given_and_asked_for(emulator: Emulator, ask: Client) -> None:
    tags = emulator.address + "/remote.php/dav/systemtags"
    body = json.dumps({"name": "ai:sea", "userVisible": True, "userAssignable": True})
    made = ask("POST", f"{tags}/", body, Content_Type="application/json")
    assert made.status_code == 201
    assert made.headers["Content-Location"] == "/remote.php/dav/systemtags/1"
    assert ask("POST", f"{tags}/", body, Content_Type="application/json").status_code == 409
    listed = ask.props(f"{tags}/", "oc:id", "oc:display-name", depth="1")
    assert listed.text("/remote.php/dav/systemtags/1", "oc:display-name") == "ai:sea"
    number = emulator.plant("/d/a", b"x").id
    emulator.plant("/d/b", b"x")
    relation = f"{tags}-relations/files/{number}"
    assert ask("PUT", f"{relation}/1").status_code == 201
    assert ask("PUT", f"{relation}/1").status_code == 409
    assert ask("PUT", f"{relation}/7").status_code == 404
    assert emulator.files()["/d/a"].tags == ("ai:sea",)
    assert len(ask.props(relation, "oc:display-name", depth="1").found) == 2
    report = (
        f"<oc:filter-files {DECLARED}><d:prop><oc:fileid/></d:prop>"
        "<oc:filter-rules><oc:systemtag>{}</oc:systemtag></oc:filter-rules></oc:filter-files>"
    )
    found = Answers.of(ask("REPORT", "/", report.format(1)))
    assert list(found.found) == ["/remote.php/dav/files/ann/d/a"]
    assert ask("REPORT", "/", report.format(7)).status_code == 412
    assert ask("DELETE", f"{relation}/1").status_code == 204
    assert ask("DELETE", f"{relation}/1").status_code == 404
    assert Answers.of(ask("REPORT", "/", report.format(1))).found == {}
    emulator.tag("/d/b", "ai:sea")
    assert ask("DELETE", f"{tags}/1").status_code == 204
    assert emulator.files()["/d/b"].tags == ()


def test_files_are_searched_for(emulator: Emulator, ask: Client) -> None:
    emulator.plant_many([("/d/a.jpg", b"123"), ("/d/B.JPG", b"12345"), ("/e/c.jpg", b"1")])
    condition = (
        "<d:and><d:like><d:prop><d:displayname/></d:prop><d:literal>%.jpg</d:literal></d:like>"
        "<d:gt><d:prop><oc:size/></d:prop><d:literal>2</d:literal></d:gt></d:and>"
    )
    body = (
        f"<d:searchrequest {DECLARED}><d:basicsearch><d:select><d:prop><oc:fileid/></d:prop>"
        "</d:select><d:from><d:scope><d:href>/files/ann/</d:href><d:depth>infinity</d:depth>"
        f"</d:scope></d:from><d:where>{condition}</d:where><d:orderby><d:order><d:prop>"
        "<oc:size/></d:prop><d:descending/></d:order></d:orderby></d:basicsearch></d:searchrequest>"
    )
    address = f"{emulator.address}/remote.php/dav/"
    found = list(Answers.of(ask("SEARCH", address, body)).found)
    assert [href.rpartition("/")[2] for href in found] == ["B.JPG", "a.jpg"]
    long_id = ask("HEAD", "/e/c.jpg").headers["OC-FileId"]
    by_id = f"<d:eq><d:prop><oc:fileid/></d:prop><d:literal>{long_id}</d:literal></d:eq>"
    found = list(Answers.of(ask("SEARCH", address, body.replace(condition, by_id))).found)
    assert [href.rpartition("/")[2] for href in found] == ["c.jpg"]


def test_what_the_server_can(emulator: Emulator, ask: Client) -> None:
    address = f"{emulator.address}/ocs/v1.php/cloud/capabilities?format=json"
    assert ask("GET", address).status_code == 412
    told = ask("GET", address, OCS_APIRequest="true").json()["ocs"]
    assert (told["meta"]["statuscode"], told["data"]["version"]["major"]) == (100, 32)
    able = told["data"]["capabilities"]
    assert able["files"]["chunked_upload"] == {"max_size": 104857600, "max_parallel_count": 5}
    assert (able["dav"]["chunking"], able["dav"]["bulkupload"]) == ("1.0", "1.0")
    xml = ask("GET", address.partition("?")[0], OCS_APIRequest="true")
    root = ElementTree.fromstring(xml.content)
    assert root.findtext("data/capabilities/dav/chunking") == "1.0"
    ask.session.auth = None
    assert ask("GET", f"{emulator.address}/status.php").json()["installed"] is True
    assert ask("GET", address, OCS_APIRequest="true").status_code == 401


def test_previews(emulator: Emulator, ask: Client) -> None:
    data = io.BytesIO()
    Image.new("RGB", (400, 200), (200, 10, 10)).save(data, "JPEG")
    number = emulator.plant("/a.jpg", data.getvalue()).id
    broken = emulator.plant("/b.jpg", b"no picture").id
    address = f"{emulator.address}/index.php/core/preview"
    made = ask("GET", f"{address}?fileId={number}&x=100&y=100&a=1")
    assert Image.open(io.BytesIO(made.content)).size == (100, 50)
    assert ask("GET", f"{address}?fileId={broken}&x=9&y=9").status_code == 404
    assert ask("GET", f"{address}?fileId=12345&x=9&y=9").status_code == 404
    assert ask("GET", f"{address}?fileId={number}&x=no").status_code == 400


# Room and locks


def test_a_full_account_takes_nothing_more(emulator: Emulator, ask: Client) -> None:
    emulator.plant("/a", b"12345")
    emulator.space = 8
    assert ask("PUT", "/b", b"1234").status_code == 507
    assert ask("COPY", "/a", Destination="/c").status_code == 507
    assert ask.props("/", "d:quota-available-bytes").only("d:quota-available-bytes") == "3"
    upload = Chunks(ask, "/d")
    upload.begin()
    assert upload.put("1", b"1234") == 507
    assert upload.put("1", b"123") == 201
    emulator.plant("/e", b"1")
    assert upload.finish().status_code == 507
    emulator.space = None
    assert upload.finish().status_code == 201


def test_what_others_hold_is_left_alone(emulator: Emulator, ask: Client) -> None:
    emulator.plant("/d/a", b"x")
    emulator.lock("/d/a")
    assert ask("PUT", "/d/a", b"y").status_code == 423
    assert ask("DELETE", "/d").status_code == 423
    assert ask("MOVE", "/d/a", Destination="/b").status_code == 423
    assert ask("GET", "/d/a").content == b"x"
    emulator.unlock("/d/a")
    assert ask("PUT", "/d/a", b"y").status_code == 204


def test_a_body_without_a_length(emulator: Emulator, ask: Client) -> None:
    def put(name: str) -> int:
        address = f"{ask.base}/{name}"
        return ask.session.put(address, data=iter([b"ab", b"c"]), timeout=60).status_code

    assert put("a") == 411
    assert emulator.files() == {}
    emulator.chunked_coding = "empties"
    assert put("a") == 201
    assert emulator.content("/a") == b""
    emulator.chunked_coding = "taken"
    assert put("a") == 204
    assert emulator.content("/a") == b"abc"


# Faults


def test_statuses_on_demand(emulator: Emulator, ask: Client) -> None:
    emulator.faults = [
        {"route": "files/PUT", "nth": 1, "action": "status", "status": 429, "retry_after": 7},
        {"route": "files/PUT", "nth": 2, "action": "status", "status": 503},
        {"route": "files/PUT", "nth": 3, "action": "status", "status": 401},
        {
            "route": "files/PUT",
            "nth": 4,
            "action": "status",
            "status": 302,
            "headers": {"Location": "http://127.0.0.1:9/elsewhere"},
        },
    ]
    replies = [ask("PUT", "/a", b"x") for _ in range(5)]
    assert [reply.status_code for reply in replies] == [429, 503, 401, 302, 201]
    assert replies[0].headers["Retry-After"] == "7"
    assert replies[2].headers["WWW-Authenticate"].startswith("Basic")
    assert replies[3].headers["Location"] == "http://127.0.0.1:9/elsewhere"
    assert [one.path for one in emulator.faults.fired] == ["/a"] * 4


def test_the_last_move_goes_on_behind_a_504(emulator: Emulator, ask: Client) -> None:
    upload = Chunks(ask, "/a")
    upload.begin()
    upload.put("1", b"content")
    emulator.faults.add(route="uploads/MOVE", action="late", after=2, nth=1)
    assert upload.finish().status_code == 504
    assert upload.finish().status_code == 423
    assert ask("PROPFIND", "/a").status_code == 404
    assert ask("PROPFIND", "/a").status_code == 207
    assert emulator.content("/a") == b"content"
    assert upload.finish().status_code == 404


def test_work_behind_a_504_may_never_be_done(emulator: Emulator, ask: Client) -> None:
    emulator.faults.add(route="files/PUT", action="late", after=-1, nth=1)
    emulator.faults.add(route="files/PUT", action="late", nth=2)
    assert ask("PUT", "/a", b"1").status_code == 504
    assert ask("PROPFIND", "/a").status_code == 404
    assert ask("PUT", "/a", b"2").status_code == 504
    assert ask("PROPFIND", "/a").status_code == 207
    assert emulator.content("/a") == b"2"


def test_connections_that_break(emulator: Emulator, ask: Client) -> None:
    data = random.Random(3).randbytes(MIB)
    emulator.faults = [
        {"route": "files/PUT", "nth": 1, "action": "cut_request", "bytes": 1000},
        {"route": "files/PUT", "nth": 2, "action": "cut_reply"},
        {"route": "files/GET", "nth": 1, "action": "cut_reply", "bytes": 300_000},
        {"route": "files/GET", "nth": 2, "action": "corrupt"},
    ]
    with pytest.raises(requests.ConnectionError):
        ask("PUT", "/a", data)
    assert emulator.files() == {}
    with pytest.raises(requests.ConnectionError):
        ask("PUT", "/a", data)
    assert emulator.content("/a") == data  # the answer was lost after the write took place
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        ask("GET", "/a")
    wrong = ask("GET", "/a").content
    assert sum(one != other for one, other in zip(wrong, data, strict=True)) == 1
    assert ask("GET", "/a").content == data


def test_a_line_that_stalls(emulator: Emulator, ask: Client) -> None:
    data = random.Random(4).randbytes(MIB)
    emulator.plant("/a", data)
    emulator.faults = [
        {"route": "files/GET", "nth": 1, "action": "stall", "seconds": 0.05, "bytes": 1000},
        {"route": "files/GET", "nth": 2, "action": "stall", "seconds": 3600, "bytes": 1000},
        {"route": "files/PUT", "nth": 1, "action": "stall", "seconds": 3600},
        {
            "route": "files/PUT",
            "nth": 2,
            "action": "stall",
            "seconds": 3600,
            "direction": "request",
        },
    ]
    assert ask("GET", "/a").content == data
    auth, timeout = ask.session.auth, 0.3
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{ask.base}/a", auth=auth, timeout=timeout)
    with pytest.raises(requests.Timeout):
        requests.put(f"{ask.base}/b", data, auth=auth, timeout=timeout)
    assert emulator.content("/b") == data
    with pytest.raises(requests.Timeout):
        requests.put(f"{ask.base}/c", data, auth=auth, timeout=timeout)
    assert {*emulator.files()} == {"/a", "/b"}


def test_latency_is_waited_side_by_side(emulator: Emulator, ask: Client) -> None:
    emulator.latency = 0.3

    def one() -> None:
        requests.get(ask.base, auth=ask.session.auth, timeout=60)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (emulator.count("files/GET"), emulator.peak > 1) == (4, True)


def test_a_server_that_was_away_has_kept_all(emulator: Emulator, ask: Client) -> None:
    ask("PUT", "/a", b"x")
    emulator.stop()
    with pytest.raises(requests.ConnectionError):
        ask("GET", "/a")
    emulator.start()
    assert ask("GET", "/a").content == b"x"


# Other servers


def test_owncloud_holds_a_checksum_against_what_came(tmp_path: Path) -> None:
    with running(tmp_path, OWNCLOUD) as ask:
        assert ask("PUT", "/a", b"x", OC_Checksum=WRONG).status_code == 400
        right = "SHA1:" + hashlib.sha1(b"x").hexdigest()
        reply = ask("PUT", "/a", b"x", OC_Checksum=right, X_Hash="sha1", X_OC_Mtime="1500000000")
        assert (reply.status_code, reply.headers["X-OC-MTime"]) == (201, "accepted")
        assert "X-Hash-SHA1" not in reply.headers
        assert ask("PATCH", "/a", X_Recalculate_Hash="sha1").status_code == 501
        told = ask.props("/a", "oc:fileid", "nc:has-preview")
        assert list(told.others.values()) == [{clark("nc:has-preview"): 404}]
        trash = ask.emulator.address + "/remote.php/dav/trashbin/ann/trash"
        assert ask("PROPFIND", trash).status_code == 404


def test_a_plain_server_keeps_neither_time_nor_checksum(tmp_path: Path) -> None:
    with running(tmp_path, PLAIN) as ask:
        reply = ask("PUT", "/a", b"x", OC_Checksum=WRONG, X_OC_Mtime="1500000000", X_Hash="all")
        assert reply.status_code == 201
        assert not [name for name in reply.headers if name.lower().startswith(("oc-", "x-"))]
        assert ask.emulator.files()["/a"].modified.year > 2020
        told = ask.props("/a", "d:getetag", "oc:fileid", "oc:checksums")
        assert list(told.others.values()) == [{clark("oc:fileid"): 404, clark("oc:checksums"): 404}]
        assert ask("PROPFIND", "/", Depth="infinity").status_code == 403
        assert ask("PROPFIND", "/").status_code == 403
        assert ask("REPORT", "/", "<x/>").status_code == 501
        assert ask("MOVE", "/a", Destination="/b", Overwrite="F").status_code == 201
        assert ask("PUT", "/b", b"y", If_None_Match="*").status_code == 412
        assert ask("DELETE", "/b").status_code == 204
        assert ask.emulator.trash() == {}
        apart = unicodedata.normalize("NFD", "/Café.part")
        assert ask("PUT", apart, b"x").status_code == 201
        assert list(ask.emulator.files()) == [apart]


# Judges


def missing(program: str | None, name: str) -> pytest.MarkDecorator:
    """Why a test cannot run; in CI, where the program must be, nothing excuses it."""
    reason = "" if program or os.environ.get("CI") else f"{name} is not installed"
    return pytest.mark.skipif(bool(reason), reason=reason)


def judge(folder: Path, address: str, user: str, password: str) -> dict[str, tuple[int, int]]:
    """What litmus says: of each suite how many of its tests were run, and passed."""
    assert LITMUS, "litmus is not installed"
    folder.mkdir(exist_ok=True)
    command = [LITMUS, "--keep-going", f"{address}/", user, password]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=100, check=False
    )
    found = re.findall(r"summary for `(\w+)': of (\d+) tests run: (\d+) passed", done.stdout)
    verdict = {suite: (int(run), int(passed)) for suite, run, passed in found}
    assert verdict, done.stdout + done.stderr
    return verdict


@missing(LITMUS, "litmus")
@pytest.mark.parametrize("dialect", [NEXTCLOUD, OWNCLOUD, PLAIN], ids=lambda one: one.name)
def test_litmus_finds_what_it_finds_on_a_real_nextcloud(tmp_path: Path, dialect: Dialect) -> None:
    with Emulator(tmp_path / "account", dialect) as emulator:
        verdict = judge(
            tmp_path / "litmus", emulator.files_address, emulator.user, emulator.password
        )
    assert verdict == {
        "basic": (16, 16),
        "copymove": (13, 13),
        "props": (30, 30),
        "locks": (3, 3),  # the server is not of class 2
        "http": (4, 4),  # 3 behind PHP's own server
    }


@missing(LITMUS, "litmus")
def test_litmus_finds_nothing_wrong_with_wsgidav(tmp_path: Path, plain_webdav: PlainWebdav) -> None:
    server = plain_webdav
    verdict = judge(tmp_path / "litmus", server.address, server.user, server.password)
    assert verdict == {
        "basic": (16, 16),
        "copymove": (13, 13),
        "props": (30, 30),
        "locks": (41, 41),
        "http": (4, 4),
    }


@dataclass(frozen=True)
class Rclone:
    """rclone with the emulator as the remote `emu:`; `folder` holds what it copies."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str, fails: bool = False) -> str:
        assert RCLONE, "rclone is not installed"
        command = [RCLONE, "--retries", "1", *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=100, check=False
        )
        assert bool(done.returncode) == fails, done.stderr
        return done.stderr if fails else done.stdout

    def names(self, path: str = "") -> list[str]:
        return sorted(self.run("lsf", "--recursive", "--files-only", f"emu:{path}").splitlines())


@contextlib.contextmanager
def program(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The emulator as a program: the process and its address."""
    command = [sys.executable, "-m", "tests.emulators.nextcloud", "--root", str(folder), *options]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().removeprefix("ready ").strip()
        finally:
            process.terminate()


@pytest.fixture
def rclone(tmp_path: Path) -> Iterator[Rclone]:
    with program(tmp_path / "account", "--password", "for-rclone") as (process, address):
        assert RCLONE, "rclone is not installed"
        told = [RCLONE, "obscure", "for-rclone"]
        hidden = subprocess.run(told, capture_output=True, text=True, check=True).stdout.strip()
        (tmp_path / "rclone.conf").write_text(
            f"[emu]\ntype = webdav\nurl = {address}/remote.php/dav/files/ann/\n"
            f"vendor = nextcloud\nuser = ann\npass = {hidden}\n"
        )
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        own = {
            "HOME": str(tmp_path),
            "RCLONE_CONFIG": str(tmp_path / "rclone.conf"),
            "RCLONE_CACHE_DIR": str(tmp_path / "cache"),
        }
        yield Rclone(tmp_path, kept | own)
        process.terminate()
        assert process.wait(20) == 0


@missing(RCLONE, "rclone")
def test_rclone_copies_checks_moves_and_deletes(rclone: Rclone) -> None:
    folder, randbytes = rclone.folder / "photos", random.Random(7).randbytes
    names = ["2020/a.jpg", "2020/empty.txt", "2021/Überfahrt, Café 日本 😀.jpg"]
    names += ["2021/deep/er/film.mov", "2021/a%3Fb;c#d é.jpg", "2021/a & (b) [c] 'd' ?.png"]
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(randbytes(0 if name.endswith(".txt") else 100_000 * number + 10))
        os.utime(path, (1_500_000_000, 1_500_000_000))
    rclone.run("copy", str(folder), "emu:Photos")
    assert rclone.names("Photos") == sorted(names)
    rclone.run("check", str(folder), "emu:Photos")
    rclone.run("check", "--download", str(folder), "emu:Photos")
    sums = dict(
        reversed(line.split(maxsplit=1))  # type: ignore[arg-type]
        for line in rclone.run("hashsum", "sha1", "emu:Photos").splitlines()
    )
    assert sums == {name: hashlib.sha1((folder / name).read_bytes()).hexdigest() for name in names}
    rclone.run("copy", "emu:Photos", str(rclone.folder / "back"))
    for name in names:
        back = rclone.folder / "back" / name
        assert back.read_bytes() == (folder / name).read_bytes()
        assert back.stat().st_mtime == 1_500_000_000
    rclone.run("moveto", "emu:Photos/2020/a.jpg", "emu:Photos/2020/%3F;b.jpg")
    rclone.run("copyto", "emu:Photos/2020/%3F;b.jpg", "emu:Photos/c.jpg")
    rclone.run("deletefile", "emu:Photos/2020/empty.txt")
    rclone.run("purge", "emu:Photos/2021")
    assert rclone.names("Photos") == ["2020/%3F;b.jpg", "c.jpg"]
    used = json.loads(rclone.run("about", "--json", "emu:"))["used"]
    assert used == 2 * (folder / "2020/a.jpg").stat().st_size


# As a program


def test_the_program_answers_and_ends_on_sigterm(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('[{"route": "files/GET", "nth": 2, "action": "status", "status": 500}]')
    options = ["--dialect", "plain", "--mount", "/dav", "--user", "bob", "--password", "secret"]
    with program(tmp_path / "root", *options, "--faults", str(plan)) as (process, address):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/dav", address)
        answers = [requests.get(address, auth=("bob", "secret"), timeout=60) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 500, 200]
        process.terminate()
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_the_program_refuses_a_bad_plan_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("[{}]")
    options = ["--faults", str(tmp_path / "plan.json")]
    with program(tmp_path / "root", *options) as (process, address):
        assert (address, process.wait(20)) == ("", 2)
        assert process.stderr is not None
        assert process.stderr.read() == f"bad fault plan: {tmp_path}/plan.json: rule 1: no action\n"
