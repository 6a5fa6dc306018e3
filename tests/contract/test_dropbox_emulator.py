"""The Dropbox emulator under the unmodified SDK, and under plain HTTP where the SDK would not ask.

What it must answer is the public API documentation's word, as the SDK carries it, and what was
measured of the protocol.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dropbox
import pillow_heif
import pytest
import requests
from dropbox import common, files
from dropbox.content_hash import content_hash as sdk_hash
from dropbox.exceptions import (
    ApiError,
    AuthError,
    BadInputError,
    HttpError,
    InternalServerError,
    PathRootError,
    RateLimitError,
)
from emulators.dropbox import BadPlan, Emulator, Fault, FaultPlan, Plant, content_hash
from emulators.dropbox.routes import ROUTES
from PIL import Image
from stone.backends.python_rsrc import stone_serializers

MIB = 1024 * 1024
BLOCK = 4 * MIB
API = "https://api.dropboxapi.com/2/"
CONTENT = "https://content.dropboxapi.com/2/"
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with Emulator(tmp_path / "account") as running:
        yield running


@contextlib.contextmanager
def client(emulator: Emulator, **options: Any) -> Iterator[dropbox.Dropbox]:
    options.setdefault("max_retries_on_error", 0)
    options.setdefault("max_retries_on_rate_limit", 0)
    if "oauth2_refresh_token" not in options:
        options.setdefault("oauth2_access_token", emulator.token)
    with emulator.session() as session:
        yield dropbox.Dropbox(session=session, **options)


@pytest.fixture
def dbx(emulator: Emulator) -> Iterator[dropbox.Dropbox]:
    with client(emulator) as made:
        yield made


@pytest.fixture
def post(emulator: Emulator) -> Iterator[Callable[..., requests.Response]]:
    """A POST of plain HTTP with the account's token: `post(url, headers..., data=...)`."""
    with emulator.session() as session:

        def post(url: str, data: bytes | str = b"", **headers: str) -> requests.Response:
            named = {"Authorization": f"Bearer {emulator.token}"} | {
                name.replace("_", "-"): value for name, value in headers.items()
            }
            return session.post(
                url, data=data, headers={name: value for name, value in named.items() if value}
            )

        yield post


def tags(error: ApiError | Any) -> list[str]:
    """The tags of an error union from the outside to the inside."""
    value, found = getattr(error, "error", error), []
    while hasattr(value, "_tag"):
        found.append(value._tag)
        value = value._value
        value = getattr(value, "reason", value)
    return found


@contextlib.contextmanager
def refused(*expected: str) -> Iterator[Any]:
    """The call inside must fail with an ApiError of these tags."""
    with pytest.raises(ApiError) as caught:
        yield caught
    assert tags(caught.value) == list(expected)


def listed(dbx: dropbox.Dropbox, path: str = "", **options: Any) -> list[Any]:
    page = dbx.files_list_folder(path, **options)
    entries = list(page.entries)
    while page.has_more:
        page = dbx.files_list_folder_continue(page.cursor)
        entries += page.entries
    return entries


def kinds(entries: list[Any]) -> list[tuple[str, str]]:
    return [
        (type(entry).__name__.removesuffix("Metadata").lower(), entry.path_display)
        for entry in entries
    ]


# The wire


def test_the_port_speaks_tls_directly_and_behind_connect(emulator: Emulator) -> None:
    with emulator.session() as session:
        session.proxies = {}
        there = session.post(
            f"{emulator.address}/2/check/user",
            json={"query": "hi"},
            headers={"Authorization": f"Bearer {emulator.token}"},
        )
        assert there.json() == {"result": "hi"}
    with client(emulator) as dbx:
        assert dbx.check_user("through").result == "through"


def test_a_tunnel_to_another_host_is_refused(emulator: Emulator) -> None:
    with emulator.session() as session, pytest.raises(requests.exceptions.ProxyError, match="403"):
        session.get("https://example.org/")
    assert emulator.refused_tunnels == ["example.org"]


def test_plain_http_is_refused(emulator: Emulator) -> None:
    with emulator.session() as session:
        session.proxies = {}
        assert session.get(f"http://127.0.0.1:{emulator.port}/2/check/user").status_code == 400


def test_an_unknown_authority_is_not_trusted(emulator: Emulator) -> None:
    with emulator.session() as session:
        session.verify = True
        with pytest.raises(requests.exceptions.SSLError):
            session.get("https://api.dropboxapi.com/")


def test_replies_have_the_types_and_the_request_id_clients_rely_on(
    post: Callable[..., requests.Response],
) -> None:
    good = post(API + "files/list_folder", '{"path": ""}', Content_Type="application/json")
    assert (good.status_code, good.headers["Content-Type"]) == (200, "application/json")
    bad = post(API + "files/list_folder", "{", Content_Type="application/json")
    assert (bad.status_code, bad.headers["Content-Type"]) == (400, "text/plain; charset=utf-8")
    missing = post(API + "files/get_metadata", '{"path": "/no"}', Content_Type="application/json")
    assert missing.status_code == 409
    assert missing.json()["error_summary"].startswith("path/not_found/")
    assert missing.json()["error"] == {".tag": "path", "path": {".tag": "not_found"}}
    assert len({reply.headers["X-Dropbox-Request-Id"] for reply in (good, bad, missing)}) == 3


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"path": ""', "could not decode input as JSON"),
        ("{}", "missing required field 'path'"),
        ('{"path": "", "colour": 1}', "unknown field 'colour'"),
        ('{"path": 7}', "path: '7' expected to be a string"),
        ('{"path": "no slash"}', "path: 'no slash' did not match pattern"),
        ('{"path": "", "limit": 2001}', "limit: 2001 is not within range"),
        ('{"path": "/"}', 'Specify the root folder as an empty string rather than as "/"'),
    ],
)
def test_bad_arguments_are_a_text(
    post: Callable[..., requests.Response], body: str, words: str
) -> None:
    reply = post(API + "files/list_folder", body, Content_Type="application/json")
    assert reply.status_code == 400
    assert reply.text.startswith(
        'Error in call to API function "files/list_folder": request body: '
    )
    assert words in reply.text


def test_calls_that_are_none(post: Callable[..., requests.Response], emulator: Emulator) -> None:
    unknown = post(API + "files/no_such", "{}", Content_Type="application/json")
    assert (unknown.status_code, unknown.text[:20]) == (400, "Unknown API function")
    host = post(CONTENT + "files/list_folder", '{"path": ""}', Content_Type="application/json")
    assert (host.status_code, "api.dropboxapi.com" in host.text) == (400, True)
    kind = post(API + "files/list_folder", '{"path": ""}', Content_Type="application/xml")
    assert (kind.status_code, 'Bad HTTP "Content-Type"' in kind.text) == (400, True)
    upload = post(
        CONTENT + "files/upload",
        b"x",
        Content_Type="application/json",
        Dropbox_API_Arg='{"path": "/x"}',
    )
    assert (upload.status_code, 'Bad HTTP "Content-Type"' in upload.text) == (400, True)
    argument = post(CONTENT + "files/upload", b"x", Content_Type="application/octet-stream")
    assert (argument.status_code, "Dropbox-API-Arg" in argument.text) == (400, True)
    assert post("https://api.dropboxapi.com/nothing").status_code == 404
    assert emulator.files() == {}


def test_arguments_and_the_token_may_stand_in_the_url(emulator: Emulator) -> None:
    emulator.plant("/ä b.txt", b"12345")
    argument = requests.utils.quote(json.dumps({"path": "/ä b.txt"}), safe="")
    with emulator.session() as session:
        url = f"{CONTENT}files/download?authorization=Bearer%20{emulator.token}&arg={argument}"
        assert session.get(url).content == b"12345"
        assert session.get(url, headers={"Range": "bytes=1-2"}).content == b"23"
        given = f"authorization=Bearer%20{emulator.token}&reject_cors_preflight=true&arg={argument}"
        url = f"{CONTENT}files/upload?{given}"
        text = session.post(
            url, data=b"n", headers={"Content-Type": "text/plain; charset=dropbox-cors-hack"}
        )
        assert text.status_code == 409


def test_bodies_may_be_chunked(emulator: Emulator) -> None:
    headers = {
        "Authorization": f"Bearer {emulator.token}",
        "Dropbox-API-Arg": '{"path": "/chunked"}',
        "Content-Type": "application/octet-stream",
    }
    with emulator.session() as session:
        assert (
            session.post(
                CONTENT + "files/upload", data=iter([b"one", b"two"]), headers=headers
            ).json()["size"]
            == 6
        )
    assert emulator.content("/chunked") == b"onetwo"


def test_a_client_that_waits_for_100_continue_gets_it_only_when_the_body_is_wanted(
    emulator: Emulator,
) -> None:
    context = ssl.create_default_context(cafile=str(emulator.ca_file))

    def first_line(token: str) -> bytes:
        with (
            socket.create_connection(("127.0.0.1", emulator.port)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as tls,
        ):
            head = (
                "POST /2/files/upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
                f"{token}\r\n"
            )
            head += (
                'Content-Type: application/octet-stream\r\nDropbox-API-Arg: {"path": '
                '"/c"}\r\nContent-Length: 3\r\n'
            )
            tls.sendall((head + "Expect: 100-continue\r\n\r\n").encode())
            with tls.makefile("rb") as answer:
                line = answer.readline()
                if b" 100 " in line:
                    answer.readline()
                    tls.sendall(b"abc")
                    line += answer.readline()
                return line

    assert first_line("wrong").split(b" ")[1] == b"401"
    assert [line.split(b" ")[1] for line in first_line(emulator.token).splitlines()] == [
        b"100",
        b"200",
    ]


# Tokens


def test_tokens_wrong_missing_and_expired(
    emulator: Emulator, dbx: dropbox.Dropbox, post: Callable[..., requests.Response]
) -> None:
    with client(emulator, oauth2_access_token="wrong") as other, pytest.raises(AuthError) as caught:
        other.users_get_current_account()
    assert caught.value.error.is_invalid_access_token()
    missing = post(
        API + "users/get_current_account", "null", Content_Type="application/json", Authorization=""
    )
    assert (missing.status_code, missing.headers["Content-Type"]) == (401, "application/json")
    emulator.expire_tokens()
    with pytest.raises(AuthError) as caught:
        dbx.users_get_current_account()
    assert caught.value.error.is_expired_access_token()


def test_a_token_without_the_scope_is_told_which(emulator: Emulator) -> None:
    grant = emulator.grant(["files.metadata.read"])
    with client(emulator, oauth2_access_token=grant.access_token) as dbx:
        assert listed(dbx) == []
        with pytest.raises(AuthError) as caught:
            dbx.files_upload(b"", "/x")
    assert caught.value.error.get_missing_scope().required_scope == "files.content.write"
    assert emulator.files() == {}


def test_an_expired_token_is_refreshed_and_the_call_repeated(emulator: Emulator) -> None:
    grant = emulator.grant()
    options = {
        "app_key": emulator.app_key,
        "app_secret": emulator.app_secret,
        "oauth2_refresh_token": grant.refresh_token,
    }
    options["oauth2_access_token_expiration"] = datetime(2999, 1, 1)
    with client(emulator, oauth2_access_token=grant.access_token, **options) as dbx:
        dbx.users_get_current_account()
        assert emulator.count("oauth2/token") == 0
        emulator.expire_tokens()
        dbx.users_get_current_account()
        assert emulator.count("oauth2/token") == 1
        emulator.revoke()
        with pytest.raises(AuthError):
            dbx.users_get_current_account()


def test_refreshing_needs_the_right_secret(emulator: Emulator) -> None:
    grant = emulator.grant()
    with (
        client(
            emulator,
            app_key=emulator.app_key,
            app_secret="wrong",
            oauth2_refresh_token=grant.refresh_token,
        ) as dbx,
        pytest.raises(BadInputError, match="invalid_client"),
    ):
        dbx.users_get_current_account()


def flow_of(emulator: Emulator, **options: Any) -> dropbox.DropboxOAuth2FlowNoRedirect:
    flow = dropbox.DropboxOAuth2FlowNoRedirect(
        emulator.app_key, token_access_type="offline", **options
    )
    flow.requests_session.close()
    flow.requests_session = emulator.session()
    return flow


def test_the_pkce_flow_without_a_secret(emulator: Emulator) -> None:
    flow = flow_of(emulator, use_pkce=True, scope=["files.metadata.read", "account_info.read"])
    code = emulator.authorize(flow.start())
    with flow.requests_session:
        given = flow.finish(code)
        assert (given.scope, bool(given.refresh_token)) == (
            "files.metadata.read account_info.read",
            True,
        )
        with pytest.raises(requests.HTTPError):
            flow.finish(code)
    with client(
        emulator, app_key=emulator.app_key, oauth2_refresh_token=given.refresh_token
    ) as dbx:
        assert dbx.users_get_current_account().account_id == given.account_id


def test_a_wrong_verifier_is_refused_and_the_code_stays_good(emulator: Emulator) -> None:
    flow = flow_of(emulator, use_pkce=True)
    code, right = emulator.authorize(flow.start()), flow.code_verifier
    with flow.requests_session:
        flow.code_verifier = "x" * 128
        with pytest.raises(requests.HTTPError):
            flow.finish(code)
        flow.code_verifier = right
        assert flow.finish(code).access_token


def test_the_flow_with_a_secret_and_the_page(emulator: Emulator) -> None:
    flow = flow_of(emulator, consumer_secret=emulator.app_secret)
    with flow.requests_session as session:
        shown = session.get(flow.start())
        code = shown.text.partition('value="')[2].partition('"')[0]
        assert flow.finish(code).refresh_token
        back = session.get(
            flow.start() + "&redirect_uri=http://localhost/back&state=s%7C1", allow_redirects=False
        )
        assert back.status_code == 302
        assert back.headers["Location"].startswith("http://localhost/back?code=")
        assert back.headers["Location"].endswith("&state=s%7C1")
        assert session.get(flow.start().replace(emulator.app_key, "other")).status_code == 400


def test_parameters_of_the_token_call_stand_where_clients_put_them(emulator: Emulator) -> None:
    asked = {
        "grant_type": "refresh_token",
        "refresh_token": emulator.grant().refresh_token,
        "client_id": emulator.app_key,
    }
    secret = asked | {"client_secret": emulator.app_secret}
    url = "https://api.dropboxapi.com/oauth2/token"
    with emulator.session() as session:
        for options in (
            {"data": secret},
            {"params": secret},
            {"json": secret},
            {"data": asked, "auth": (emulator.app_key, emulator.app_secret)},
        ):
            assert session.post(url, **options).json()["token_type"] == "bearer"
        assert session.post(url, data=asked).json()["error"] == "invalid_client"
        assert (
            session.post(url, data=secret | {"grant_type": "password"}).json()["error"]
            == "unsupported_grant_type"
        )
        page = "https://dropbox.com/oauth2/authorize"
        assert (
            session.get(
                page, params={"client_id": emulator.app_key, "response_type": "code"}
            ).status_code
            == 200
        )


def test_tokens_and_cursors_age(emulator: Emulator, dbx: dropbox.Dropbox) -> None:
    emulator.token_lifetime, emulator.cursor_lifetime = -1, -1
    options = {
        "app_key": emulator.app_key,
        "app_secret": emulator.app_secret,
        "oauth2_refresh_token": emulator.grant().refresh_token,
    }
    with client(emulator, **options) as aged, pytest.raises(AuthError):
        aged.check_user()
    with refused("reset"):
        dbx.files_list_folder_continue(dbx.files_list_folder("").cursor)


def test_revoking_a_token_ends_its_refresh_token_too(emulator: Emulator) -> None:
    grant = emulator.grant()
    with client(emulator, oauth2_access_token=grant.access_token) as dbx:
        dbx.auth_token_revoke()
        with pytest.raises(AuthError):
            dbx.check_user()
    with (
        client(
            emulator,
            app_key=emulator.app_key,
            app_secret=emulator.app_secret,
            oauth2_refresh_token=grant.refresh_token,
        ) as dbx,
        pytest.raises(AuthError),
    ):
        dbx.check_user()


# Files and names


def test_an_upload_is_told_as_it_was_sent(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    made = dbx.files_upload(
        b"hello", "/Trip/Day 1/a.jpg", client_modified=datetime(2020, 2, 3, 4, 5, 5, 999999)
    )
    assert (made.name, made.path_lower, made.path_display) == (
        "a.jpg",
        "/trip/day 1/a.jpg",
        "/Trip/Day 1/a.jpg",
    )
    assert made.client_modified == datetime(2020, 2, 3, 4, 5, 5)
    assert (made.size, made.content_hash, made.is_downloadable) == (5, sdk_hash(b"hello"), True)
    assert made.id.startswith("id:")
    assert len(made.rev) >= 9
    assert made == dbx.files_get_metadata("/trip/DAY 1/A.JPG") == dbx.files_get_metadata(made.id)
    assert kinds(listed(dbx, recursive=True)) == [
        ("folder", "/Trip"),
        ("folder", "/Trip/Day 1"),
        ("file", "/Trip/Day 1/a.jpg"),
    ]
    assert dbx.files_upload(b"", "/TRIP/day 1/empty").path_display == "/Trip/Day 1/empty"
    assert emulator.files()["/Trip/Day 1/empty"].content_hash == sdk_hash(b"")


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_content_hashes_are_the_sdks(size: int, dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    assert dbx.files_upload(data, "/f").content_hash == sdk_hash(data) == content_hash(data)
    assert emulator.content("/f") == data


def test_names_are_kept_as_given_and_found_in_any_case_and_form(dbx: dropbox.Dropbox) -> None:
    decomposed = unicodedata.normalize("NFD", "/Österreich/Straße 日本.jpg")
    made = dbx.files_upload(b"x", decomposed)
    assert made.path_display == unicodedata.normalize("NFC", decomposed)
    assert dbx.files_get_metadata("/ÖSTERREICH/straße 日本.JPG").id == made.id
    assert dbx.files_upload(b"y", "//Folded///Name").path_display == "/Folded/Name"


@pytest.mark.parametrize(
    "path", ["/a/", "/a\\b", "/a/../b", "/a/./b", "/" + "n" * 256, "/trailing ", "/del\x7f"]
)
def test_malformed_paths(path: str, dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    with refused("path", "malformed_path"):
        dbx.files_upload(b"x", path)
    with refused("path", "malformed_path"):
        dbx.files_get_metadata(path)
    assert emulator.files() == {}


@pytest.mark.parametrize(
    "name", [".DS_Store", "desktop.ini", "Thumbs.db", ".dropbox", ".dropbox.attr", "icon\r"]
)
def test_names_that_are_never_saved(name: str, dbx: dropbox.Dropbox) -> None:
    with refused("path", "disallowed_name"):
        dbx.files_upload(b"x", f"/a/{name}")
    assert listed(dbx, recursive=True) == []


def test_add_writes_nothing_over_the_same_content_and_refuses_another(dbx: dropbox.Dropbox) -> None:
    first = dbx.files_upload(b"one", "/f.txt")
    assert dbx.files_upload(b"one", "/F.TXT", client_modified=datetime(2001, 1, 1)) == first
    with refused("path", "conflict", "file"):
        dbx.files_upload(b"two", "/f.txt")
    with refused("path", "conflict", "file"):
        dbx.files_upload(b"one", "/f.txt", strict_conflict=True)
    assert dbx.files_upload(b"two", "/f.txt", autorename=True).name == "f (1).txt"
    assert dbx.files_upload(b"three", "/f.txt", autorename=True).name == "f (2).txt"


def test_overwrite_keeps_the_id_and_changes_the_rev(dbx: dropbox.Dropbox) -> None:
    first = dbx.files_upload(b"one", "/f.txt")
    second = dbx.files_upload(b"two", "/f.txt", mode=files.WriteMode.overwrite)
    assert (second.id, second.rev != first.rev, second.size) == (first.id, True, 3)


def test_update_wants_the_rev_it_knows(dbx: dropbox.Dropbox) -> None:
    first = dbx.files_upload(b"one", "/f.txt")
    second = dbx.files_upload(b"two", "/f.txt", mode=files.WriteMode.update(first.rev))
    with refused("path", "conflict", "file"):
        dbx.files_upload(b"three", "/f.txt", mode=files.WriteMode.update(first.rev))
    assert dbx.files_upload(b"two", "/f.txt", mode=files.WriteMode.update(first.rev)) == second
    renamed = dbx.files_upload(
        b"three", "/f.txt", mode=files.WriteMode.update(first.rev), autorename=True
    )
    assert renamed.name == "f (conflicted copy).txt"
    dbx.files_delete_v2("/f.txt")
    with refused("path", "conflict", "file"):
        dbx.files_upload(
            b"four", "/f.txt", mode=files.WriteMode.update(second.rev), strict_conflict=True
        )
    assert dbx.files_upload(b"four", "/f.txt", mode=files.WriteMode.update(second.rev)).size == 4


def test_folders_and_files_in_the_way(dbx: dropbox.Dropbox) -> None:
    dbx.files_create_folder_v2("/Folder")
    dbx.files_upload(b"x", "/file")
    with refused("path", "conflict", "folder"):
        dbx.files_upload(b"x", "/folder", mode=files.WriteMode.overwrite)
    with refused("path", "conflict", "file_ancestor"):
        dbx.files_upload(b"x", "/file/below/deep")
    with refused("path", "conflict", "folder"):
        dbx.files_create_folder_v2("/FOLDER")
    with refused("path", "conflict", "file"):
        dbx.files_create_folder_v2("/File")
    assert dbx.files_create_folder_v2("/folder", autorename=True).metadata.name == "folder (1)"


def test_a_wrong_hash_a_body_too_large_and_no_space(
    emulator: Emulator, dbx: dropbox.Dropbox
) -> None:
    with refused("content_hash_mismatch"):
        dbx.files_upload(b"x", "/f", content_hash="0" * 64)
    too_much = bytes(150 * MIB + 1)
    with refused("payload_too_large"):
        dbx.files_upload(too_much, "/f")
    emulator.space = 10
    dbx.files_upload(b"12345678", "/eight")
    with refused("path", "insufficient_space"):
        dbx.files_upload(b"abc", "/f")
    assert (
        dbx.users_get_space_usage().used,
        dbx.users_get_space_usage().allocation.get_individual().allocated,
    ) == (8, 10)
    assert list(emulator.files()) == ["/eight"]
    del too_much


def test_an_upload_of_150_mib_is_taken(emulator: Emulator, dbx: dropbox.Dropbox) -> None:
    dbx.files_upload(bytes(150 * MIB), "/just")
    assert emulator.files()["/just"].size == 150 * MIB
    assert sum(blob.stat().st_blocks for blob in (emulator.root / "blobs").iterdir()) * 512 < MIB


def test_what_an_upload_could_not_save_waits_in_a_session(dbx: dropbox.Dropbox) -> None:
    dbx.files_upload(b"one", "/f")
    with pytest.raises(ApiError) as caught:
        dbx.files_upload(b"two", "/f")
    session = caught.value.error.get_path().upload_session_id
    made = dbx.files_upload_session_finish(
        b"", files.UploadSessionCursor(session, 3), files.CommitInfo("/g")
    )
    assert made.content_hash == sdk_hash(b"two")


# Listings and cursors


def test_a_listing_in_pages(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    emulator.plant_many(
        Plant(f"/d/{number:03}", size=1, content_hash="0" * 64) for number in range(25)
    )
    page = dbx.files_list_folder("/d", limit=10)
    assert (len(page.entries), page.has_more) == (10, True)
    assert [entry.name for entry in listed(dbx, "/d", limit=10)] == [
        f"{number:03}" for number in range(25)
    ]
    emulator.page_limit = 7
    dbx_page = dbx.files_list_folder("/d")
    assert (len(dbx_page.entries), dbx_page.has_more) == (7, True)
    with refused("path", "not_folder"):
        dbx.files_list_folder("/d/001")
    with refused("path", "not_found"):
        dbx.files_list_folder("/none")


def test_folders_are_found_by_id_and_namespace(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    emulator.plant("/Folder/f", b"x")
    folder = dbx.files_get_metadata("/folder")
    namespace = dbx.users_get_current_account().root_info.root_namespace_id
    for path in ("/folder", folder.id, f"ns:{namespace}/folder"):
        assert [entry.name for entry in listed(dbx, path)] == ["f"]
    assert dbx.files_get_metadata(f"{folder.id}/f").name == "f"
    assert [entry.name for entry in listed(dbx, f"ns:{namespace}")] == ["Folder"]
    with refused("path", "not_found"):
        dbx.files_get_metadata("ns:99/folder")
    with refused("path", "not_found"):
        dbx.files_get_metadata("id:nothing")


def test_a_recursive_listing_of_a_folder_begins_with_the_folder(
    dbx: dropbox.Dropbox, emulator: Emulator
) -> None:
    emulator.plant("/A/b/c", b"x")
    emulator.plant("/A b", b"not in it")
    assert kinds(listed(dbx, "/a", recursive=True)) == [
        ("folder", "/A"),
        ("folder", "/A/b"),
        ("file", "/A/b/c"),
    ]


def test_what_continue_tells(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    emulator.plant("/a/b/c", b"1")
    emulator.plant("/x", b"1")
    cursor = dbx.files_list_folder("", recursive=True).cursor

    def news() -> list[tuple[str, str]]:
        nonlocal cursor
        page = dbx.files_list_folder_continue(cursor)
        cursor = page.cursor
        assert not page.has_more
        return kinds(page.entries)

    assert news() == []
    dbx.files_upload(b"2", "/x", mode=files.WriteMode.overwrite)
    dbx.files_upload(b"3", "/x", mode=files.WriteMode.overwrite)
    assert news() == [("file", "/x")]
    dbx.files_delete_v2("/a")
    assert news() == [("deleted", "/a")]
    dbx.files_upload(b"1", "/A/new")
    assert news() == [("folder", "/A"), ("file", "/A/new")]
    dbx.files_move_v2("/A", "/moved")
    assert news() == [("deleted", "/A"), ("folder", "/moved"), ("file", "/moved/new")]
    dbx.files_move_v2("/moved", "/MOVED")
    assert news() == []
    assert dbx.files_get_metadata("/moved/new").path_display == "/MOVED/new"
    dbx.files_upload(b"9", "/y")
    dbx.files_delete_v2("/y")
    assert news() == [("deleted", "/y")]


def test_a_folder_that_came_back_is_told_gone_first(
    dbx: dropbox.Dropbox, emulator: Emulator
) -> None:
    emulator.plant("/a/b/old", b"1")
    everything = dbx.files_list_folder("", recursive=True).cursor
    inner = dbx.files_list_folder("/a/b", recursive=True).cursor
    flat = dbx.files_list_folder("/a/b").cursor
    emulator.delete("/a")
    emulator.plant("/a/b/new", b"1")

    def told(cursor: str) -> list[tuple[str, str]]:
        return kinds(dbx.files_list_folder_continue(cursor).entries)

    assert told(everything) == [
        ("deleted", "/a"),
        ("folder", "/a"),
        ("folder", "/a/b"),
        ("file", "/a/b/new"),
    ]
    assert told(inner) == [("deleted", "/a/b"), ("folder", "/a/b"), ("file", "/a/b/new")]
    assert told(flat) == [("deleted", "/a/b/old"), ("file", "/a/b/new")]


def test_changes_while_paging_come_again(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    for name in "abcdef":
        emulator.plant(f"/{name}", b"1")
    page = dbx.files_list_folder("", limit=2)
    state = {entry.path_lower: entry for entry in page.entries}
    emulator.delete("/a")
    emulator.delete("/e")
    emulator.plant("/b", b"22")
    emulator.plant("/aa", b"new")
    while page.has_more:
        page = dbx.files_list_folder_continue(page.cursor)
        for entry in page.entries:
            if isinstance(entry, files.DeletedMetadata):
                state.pop(entry.path_lower, None)
            else:
                state[entry.path_lower] = entry
    assert {path: entry.size for path, entry in state.items()} == {
        "/aa": 3,
        "/b": 2,
        "/c": 1,
        "/d": 1,
        "/f": 1,
    }


def test_deltas_come_in_pages_too(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    cursor = dbx.files_list_folder("", recursive=True, limit=4).cursor
    emulator.plant_many(Plant(f"/n{number}", b"x") for number in range(10))
    sizes, names = [], []
    while True:
        page = dbx.files_list_folder_continue(cursor)
        sizes.append(len(page.entries))
        names += [entry.name for entry in page.entries]
        cursor = page.cursor
        if not page.has_more:
            break
    assert (sizes, names) == ([4, 4, 2], [f"n{number}" for number in range(10)])


def test_cursors_expire_and_garbage_is_refused(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    cursor = dbx.files_list_folder("").cursor
    for text in ("garbage", cursor[:-2] + "xx", "AAE" + "é"):
        with pytest.raises(BadInputError, match="cursor"):
            dbx.files_list_folder_continue(text)
    emulator.expire_cursors()
    with refused("reset"):
        dbx.files_list_folder_continue(cursor)
    with refused("reset"):
        dbx.files_list_folder_longpoll(cursor)
    assert dbx.files_list_folder_continue(dbx.files_list_folder("").cursor).entries == []


def test_the_latest_cursor_tells_only_what_comes_later(
    dbx: dropbox.Dropbox, emulator: Emulator
) -> None:
    emulator.plant("/before", b"x")
    cursor = dbx.files_list_folder_get_latest_cursor("", recursive=True).cursor
    emulator.plant("/after", b"x")
    assert kinds(dbx.files_list_folder_continue(cursor).entries) == [("file", "/after")]


def test_a_cursor_whose_folder_has_gone(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    emulator.plant("/f/x", b"x")
    deep, flat = (
        dbx.files_list_folder("/f", recursive=True).cursor,
        dbx.files_list_folder("/f").cursor,
    )
    emulator.delete("/f")
    page = dbx.files_list_folder_continue(deep)
    assert kinds(page.entries) == [("deleted", "/f")]
    with refused("path", "not_found"):
        dbx.files_list_folder_continue(page.cursor)
    page = dbx.files_list_folder_continue(flat)
    assert kinds(page.entries) == [("deleted", "/f/x")]
    with refused("path", "not_found"):
        dbx.files_list_folder_continue(page.cursor)


def test_deleted_entries_where_asked(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    emulator.plant("/d/gone", b"x")
    emulator.plant("/d/here", b"x")
    emulator.delete("/d/gone")
    assert kinds(listed(dbx, "/d", include_deleted=True)) == [
        ("deleted", "/d/gone"),
        ("file", "/d/here"),
    ]
    assert kinds(listed(dbx, "/d")) == [("file", "/d/here")]
    assert isinstance(
        dbx.files_get_metadata("/d/gone", include_deleted=True), files.DeletedMetadata
    )
    with refused("path", "not_found"):
        dbx.files_get_metadata("/d/gone")


def test_longpoll_waits_for_a_change(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    cursor = dbx.files_list_folder("").cursor
    emulator.longpoll = 0.05
    assert not dbx.files_list_folder_longpoll(cursor).changes
    emulator.longpoll = 20
    told: list[bool] = []
    with client(emulator) as other:
        waiting = threading.Thread(
            target=lambda: told.append(other.files_list_folder_longpoll(cursor, timeout=30).changes)
        )
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        emulator.plant("/new", b"x")
        waiting.join(15)
    assert told == [True]
    assert dbx.files_list_folder_longpoll(cursor).changes
    with pytest.raises(BadInputError):
        dbx.files_list_folder_longpoll(dbx.files_list_folder("", include_media_info=True).cursor)


def test_longpoll_needs_no_token(
    emulator: Emulator, post: Callable[..., requests.Response], dbx: dropbox.Dropbox
) -> None:
    cursor = dbx.files_list_folder("").cursor
    emulator.plant("/x", b"x")
    body = json.dumps({"cursor": cursor})
    url = "https://notify.dropboxapi.com/2/files/list_folder/longpoll"
    assert post(url, body, Content_Type="application/json", Authorization="").json() == {
        "changes": True
    }


def test_a_hundred_thousand_entries_in_pages(emulator: Emulator) -> None:
    hashed = "0" * 64
    count = emulator.plant_many(
        Plant(f"/big/{number:06}", size=1, content_hash=hashed, client_modified=0)
        for number in range(20_000)
    )
    with emulator.session() as session:
        headers = {"Authorization": f"Bearer {emulator.token}"}
        page = session.post(
            API + "files/list_folder", json={"path": "/big", "limit": 2000}, headers=headers
        ).json()
        seen = len(page["entries"])
        while page["has_more"]:
            page = session.post(
                API + "files/list_folder/continue", json={"cursor": page["cursor"]}, headers=headers
            ).json()
            seen += len(page["entries"])
    assert (seen, emulator.count("files/list_folder*")) == (count, 10)


# Upload sessions


def cursor_of(session: str, offset: int) -> files.UploadSessionCursor:
    return files.UploadSessionCursor(session, offset)


def test_a_sequential_session(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    session = dbx.files_upload_session_start(b"abc").session_id
    dbx.files_upload_session_append_v2(b"def", cursor_of(session, 3))
    made = dbx.files_upload_session_finish(b"ghi", cursor_of(session, 6), files.CommitInfo("/f"))
    assert (made.size, made.content_hash) == (9, sdk_hash(b"abcdefghi"))
    assert emulator.content("/f") == b"abcdefghi"


@pytest.mark.parametrize(
    "sizes",
    [
        (BLOCK, BLOCK, 5),
        (BLOCK + 1, 3 * BLOCK, 5),
        (2 * BLOCK, 3, BLOCK, 9),
        (1, 2, 3),
        (BLOCK, 0, BLOCK),
        (5, 2 * BLOCK - 5, 7),
    ],
)
def test_a_sessions_hash_is_that_of_the_whole(
    sizes: tuple[int, ...], dbx: dropbox.Dropbox, emulator: Emulator
) -> None:
    session, sent = dbx.files_upload_session_start(b"").session_id, b""
    for number, size in enumerate(sizes):
        part = bytes([number + 1]) * size
        dbx.files_upload_session_append_v2(part, cursor_of(session, len(sent)))
        sent += part
    made = dbx.files_upload_session_finish(
        b"", cursor_of(session, len(sent)), files.CommitInfo("/f")
    )
    assert made.content_hash == sdk_hash(sent)
    assert emulator.content("/f") == sent


def test_a_wrong_offset_is_told_the_right_one(dbx: dropbox.Dropbox) -> None:
    session = dbx.files_upload_session_start(b"abc").session_id
    for offset in (0, 2, 4):
        with pytest.raises(ApiError) as caught:
            dbx.files_upload_session_append_v2(b"x", cursor_of(session, offset))
        assert caught.value.error.get_incorrect_offset().correct_offset == 3
        with refused("lookup_failed", "incorrect_offset"):
            dbx.files_upload_session_finish(b"", cursor_of(session, offset), files.CommitInfo("/f"))
    dbx.files_upload_session_append_v2(b"x", cursor_of(session, 3))


def test_sessions_closed_unknown_and_too_old(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    closed = dbx.files_upload_session_start(b"abc", close=True).session_id
    with refused("closed"):
        dbx.files_upload_session_append_v2(b"x", cursor_of(closed, 3))
    with refused("not_found"):
        dbx.files_upload_session_append_v2(b"x", cursor_of("nonsense", 0))
    with refused("lookup_failed", "not_found"):
        dbx.files_upload_session_finish(b"", cursor_of("nonsense", 0), files.CommitInfo("/f"))
    emulator.expire_sessions()
    with refused("lookup_failed", "not_found"):
        dbx.files_upload_session_finish(b"", cursor_of(closed, 3), files.CommitInfo("/f"))


def test_a_session_is_finished_once(dbx: dropbox.Dropbox) -> None:
    session = dbx.files_upload_session_start(b"abc").session_id
    dbx.files_upload_session_finish(b"", cursor_of(session, 3), files.CommitInfo("/f"))
    with refused("lookup_failed", "not_found"):
        dbx.files_upload_session_finish(b"", cursor_of(session, 3), files.CommitInfo("/g"))
    with refused("closed"):
        dbx.files_upload_session_append_v2(b"x", cursor_of(session, 3))


def test_a_finish_that_cannot_save_keeps_its_data(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    dbx.files_upload(b"other", "/f")
    session = dbx.files_upload_session_start(b"abc").session_id
    with refused("path", "conflict", "file"):
        dbx.files_upload_session_finish(b"def", cursor_of(session, 3), files.CommitInfo("/f"))
    with pytest.raises(ApiError) as caught:
        dbx.files_upload_session_finish(b"def", cursor_of(session, 3), files.CommitInfo("/g"))
    assert caught.value.error.get_lookup_failed().get_incorrect_offset().correct_offset == 6
    dbx.files_upload_session_finish(b"", cursor_of(session, 6), files.CommitInfo("/g"))
    assert emulator.content("/g") == b"abcdef"


def test_wrong_hashes_leave_a_session_as_it_was(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    with refused("content_hash_mismatch"):
        dbx.files_upload_session_start(b"abc", content_hash="0" * 64)
    session = dbx.files_upload_session_start(b"abc").session_id
    with refused("content_hash_mismatch"):
        dbx.files_upload_session_append_v2(b"def", cursor_of(session, 3), content_hash="0" * 64)
    with refused("content_hash_mismatch"):
        dbx.files_upload_session_finish(
            b"def", cursor_of(session, 3), files.CommitInfo("/f"), content_hash="0" * 64
        )
    dbx.files_upload_session_finish(b"", cursor_of(session, 3), files.CommitInfo("/f"))
    assert emulator.content("/f") == b"abc"


def concurrent_session(dbx: dropbox.Dropbox) -> str:
    return str(
        dbx.files_upload_session_start(
            b"", session_type=files.UploadSessionType.concurrent
        ).session_id
    )


def test_a_concurrent_session_in_any_order(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    session = concurrent_session(dbx)
    parts = [b"a" * BLOCK, b"b" * (2 * BLOCK), b"tail"]
    dbx.files_upload_session_append_v2(parts[1], cursor_of(session, BLOCK))
    dbx.files_upload_session_append_v2(parts[0], cursor_of(session, 0))
    dbx.files_upload_session_append_v2(parts[0], cursor_of(session, 0))
    dbx.files_upload_session_append_v2(parts[2], cursor_of(session, 3 * BLOCK), close=True)
    made = dbx.files_upload_session_finish(
        b"", cursor_of(session, 3 * BLOCK + 4), files.CommitInfo("/f")
    )
    assert made.content_hash == sdk_hash(b"".join(parts))
    assert emulator.content("/f") == b"".join(parts)


def test_what_concurrent_sessions_refuse(dbx: dropbox.Dropbox) -> None:
    concurrent = files.UploadSessionType.concurrent
    with refused("concurrent_session_data_not_allowed"):
        dbx.files_upload_session_start(b"x", session_type=concurrent)
    with refused("concurrent_session_close_not_allowed"):
        dbx.files_upload_session_start(b"", close=True, session_type=concurrent)
    session = concurrent_session(dbx)
    with refused("concurrent_session_invalid_offset"):
        dbx.files_upload_session_append_v2(b"x", cursor_of(session, 5), close=True)
    with refused("concurrent_session_invalid_data_size"):
        dbx.files_upload_session_append_v2(b"x", cursor_of(session, 0))
    dbx.files_upload_session_append_v2(b"a" * BLOCK, cursor_of(session, BLOCK))
    with refused("concurrent_session_not_closed"):
        dbx.files_upload_session_finish(b"", cursor_of(session, 2 * BLOCK), files.CommitInfo("/f"))
    dbx.files_upload_session_append_v2(b"", cursor_of(session, 2 * BLOCK), close=True)
    with refused("concurrent_session_data_not_allowed"):
        dbx.files_upload_session_finish(b"x", cursor_of(session, 2 * BLOCK), files.CommitInfo("/f"))
    with refused("concurrent_session_missing_data"):
        dbx.files_upload_session_finish(b"", cursor_of(session, 2 * BLOCK), files.CommitInfo("/f"))
    with refused("closed"):
        dbx.files_upload_session_append_v2(b"a" * BLOCK, cursor_of(session, 0))


def test_batches_of_sessions(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    sessions = dbx.files_upload_session_start_batch(4).session_ids
    entry = files.UploadSessionAppendBatchArgEntry
    sent = dbx.files_upload_session_append_batch(
        b"aabbbc",
        [
            entry(cursor_of(sessions[0], 0), 2, True),
            entry(cursor_of(sessions[1], 0), 3, True),
            entry(cursor_of(sessions[2], 9), 1, True),
        ],
    )
    assert [tags(result) for result in sent.entries] == [
        ["success"],
        ["success"],
        ["failure", "incorrect_offset"],
    ]
    with refused("length_mismatch"):
        dbx.files_upload_session_append_batch(b"abc", [entry(cursor_of(sessions[3], 0), 2, True)])
    finish = [
        files.UploadSessionFinishArg(cursor_of(session, size), files.CommitInfo(f"/{number}"))
        for number, (session, size) in enumerate(zip(sessions, (2, 3, 0, 0), strict=True))
    ]
    done = dbx.files_upload_session_finish_batch_v2(finish)
    assert [tags(result)[-1] for result in done.entries] == [
        "success",
        "success",
        "not_closed",
        "not_closed",
    ]
    assert (emulator.content("/0"), emulator.content("/1"), len(emulator.files())) == (
        b"aa",
        b"bbb",
        2,
    )
    again = dbx.files_upload_session_finish_batch_v2(finish[:1])
    assert tags(again.entries[0]) == ["failure", "lookup_failed", "not_found"]


def test_a_batch_of_1001_is_refused(post: Callable[..., requests.Response]) -> None:
    one = {"cursor": {"session_id": "x", "offset": 0}, "commit": {"path": "/f"}}
    for route in ("finish_batch", "finish_batch_v2"):
        reply = post(
            API + f"files/upload_session/{route}",
            json.dumps({"entries": [one] * 1001}),
            Content_Type="application/json",
        )
        assert (reply.status_code, "1000" in reply.text) == (400, True)


def test_the_asynchronous_finish_is_polled(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    emulator.job_polls = 2
    session = dbx.files_upload_session_start(b"abc", close=True).session_id
    with pytest.warns(DeprecationWarning):
        launch = dbx.files_upload_session_finish_batch(
            [files.UploadSessionFinishArg(cursor_of(session, 3), files.CommitInfo("/f"))]
        )
    job = launch.get_async_job_id()
    told = [dbx.files_upload_session_finish_batch_check(job) for _ in range(3)]
    assert [status._tag for status in told] == ["in_progress", "in_progress", "complete"]
    assert told[2].get_complete().entries[0].get_success().path_display == "/f"
    with refused("invalid_async_job_id"):
        dbx.files_upload_session_finish_batch_check("nonsense")
    with refused("invalid_async_job_id"):
        dbx.files_delete_batch_check(job)


def test_zeros_take_no_room(dbx: dropbox.Dropbox, emulator: Emulator, tmp_path: Path) -> None:
    part = bytes(8 * MIB)
    session = dbx.files_upload_session_start(part).session_id
    dbx.files_upload_session_append_v2(part, cursor_of(session, len(part)))
    made = dbx.files_upload_session_finish(
        b"end", cursor_of(session, 2 * len(part)), files.CommitInfo("/zeros")
    )
    assert made.content_hash == sdk_hash(part + part + b"end")
    with (tmp_path / "big").open("wb") as file:
        file.truncate(2**31 + 5)
        file.seek(2**31 + 2)
        file.write(b"end")
    emulator.plant("/big", tmp_path / "big")
    told, reply = dbx.files_download("/big", extra_headers={"Range": "bytes=-5"})
    assert (told.size, reply.content) == (2**31 + 5, b"\0\0end")
    assert sum(blob.stat().st_blocks for blob in (emulator.root / "blobs").iterdir()) * 512 < MIB


def test_a_content_may_end_in_zeros(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    data = b"x" * 70_000 + bytes(200_000)
    assert dbx.files_upload(data, "/f").content_hash == sdk_hash(data)
    assert dbx.files_download("/f")[1].content == data
    session = dbx.files_upload_session_start(data).session_id
    dbx.files_upload_session_finish(data, cursor_of(session, len(data)), files.CommitInfo("/g"))
    assert emulator.content("/g") == data + data
    assert emulator.files()["/g"].content_hash == sdk_hash(data + data)


# Moving, copying, deleting


def test_moves_keep_ids_and_copies_do_not(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    emulator.plant("/a/f", b"x", client_modified=1_000_000_000)
    before = dbx.files_get_metadata("/a/f")
    dbx.files_move_v2("/a", "/new/parent/b")
    moved = dbx.files_get_metadata("/new/parent/b/f")
    assert (moved.id, moved.client_modified, moved.content_hash) == (
        before.id,
        before.client_modified,
        before.content_hash,
    )
    copied = dbx.files_copy_v2("/new/parent/b", "/c").metadata
    assert isinstance(copied, files.FolderMetadata)
    assert dbx.files_get_metadata("/c/f").id != before.id
    assert dbx.files_get_metadata("/c/f").content_hash == before.content_hash
    assert emulator.content("/c/f") == b"x"


def test_what_moves_refuse(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    emulator.plant("/a/f", b"x")
    emulator.plant("/b", b"x")
    with refused("from_lookup", "not_found"):
        dbx.files_move_v2("/none", "/c")
    with refused("to", "conflict", "file"):
        dbx.files_move_v2("/a/f", "/b")
    with refused("to", "conflict", "folder"):
        dbx.files_move_v2("/b", "/a")
    with refused("to", "conflict", "file_ancestor"):
        dbx.files_move_v2("/a", "/b/c")
    with refused("cant_move_folder_into_itself"):
        dbx.files_move_v2("/a", "/a/b/c")
    with refused("duplicated_or_nested_paths"):
        dbx.files_move_v2("/b", "/b")
    with refused("to", "malformed_path"):
        dbx.files_move_v2("/b", "/c/")
    with refused("to", "disallowed_name"):
        dbx.files_copy_v2("/b", "/.dropbox")
    assert dbx.files_move_v2("/a/f", "/b", autorename=True).metadata.name == "b (1)"
    assert sorted(emulator.files()) == ["/b", "/b (1)"]


def test_more_than_ten_thousand_files_are_too_many(
    dbx: dropbox.Dropbox, emulator: Emulator
) -> None:
    emulator.plant_many(
        Plant(f"/many/{number}", size=0, content_hash=sdk_hash(b"")) for number in range(10_000)
    )
    for call in (dbx.files_move_v2, dbx.files_copy_v2):
        with refused("too_many_files"):
            call("/many", "/other")
    with refused("too_many_files"):
        dbx.files_delete_v2("/many")
    emulator.delete("/many/1")
    dbx.files_move_v2("/many", "/other")
    assert len(emulator.files()) == 9_999


def test_deleting(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    emulator.plant("/a/f", b"x")
    rev = dbx.files_get_metadata("/a/f").rev
    with refused("path_lookup", "not_found"):
        dbx.files_delete_v2("/none")
    with refused("path_write", "conflict", "file"):
        dbx.files_delete_v2("/a/f", parent_rev="123456789")
    assert dbx.files_delete_v2("/A/F", parent_rev=rev).metadata.rev == rev
    assert isinstance(dbx.files_delete_v2("/a").metadata, files.FolderMetadata)
    assert listed(dbx, recursive=True) == []
    with pytest.raises(BadInputError, match="not permitted"):
        dbx.files_permanently_delete("/a")


def test_batches_tell_each_entry(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    for name in "abcd":
        emulator.plant(f"/{name}", name.encode())
    emulator.job_polls = 1
    move = [
        files.RelocationPath("/a", "/moved/a"),
        files.RelocationPath("/none", "/x"),
        files.RelocationPath("/b", "/B"),
    ]
    job = dbx.files_move_batch_v2(move).get_async_job_id()
    assert dbx.files_move_batch_check_v2(job).is_in_progress()
    results = dbx.files_move_batch_check_v2(job).get_complete().entries
    assert [tags(result)[-1] for result in results] == [
        "success",
        "not_found",
        "duplicated_or_nested_paths",
    ]
    emulator.job_polls, emulator.jobs_inline = 0, True
    copied = dbx.files_copy_batch_v2(
        [files.RelocationPath("/c", "/copy"), files.RelocationPath("/d", "/copy")]
    )
    assert [tags(result)[-1] for result in copied.get_complete().entries] == [
        "success",
        "duplicated_or_nested_paths",
    ]
    deleted = (
        dbx.files_delete_batch([files.DeleteArg("/c"), files.DeleteArg("/none")])
        .get_complete()
        .entries
    )
    assert [tags(result) for result in deleted] == [
        ["success"],
        ["failure", "path_lookup", "not_found"],
    ]
    made = dbx.files_create_folder_batch(["/new", "/d"]).get_complete().entries
    assert [tags(result) for result in made] == [
        ["success"],
        ["failure", "path", "conflict", "file"],
    ]
    job = dbx.files_create_folder_batch(["/forced"], force_async=True)
    assert sorted(emulator.files()) == ["/b", "/copy", "/d", "/moved/a"]
    assert emulator.folders() == ["/forced", "/moved", "/new"]


def test_the_old_batches_do_all_or_nothing(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    emulator.plant_many([("/a", b"a"), ("/b", b"b")])
    for wrong, tag in (("/none", "from_lookup"), ("/a", "duplicated_or_nested_paths")):
        with pytest.warns(DeprecationWarning):
            launch = dbx.files_move_batch(
                [files.RelocationPath("/a", "/moved/a"), files.RelocationPath(wrong, "/moved/b")]
            )
        with pytest.warns(DeprecationWarning):
            assert (
                tags(dbx.files_move_batch_check(launch.get_async_job_id()).get_failed())[0] == tag
            )
    assert (sorted(emulator.files()), emulator.folders()) == (["/a", "/b"], [])
    with pytest.warns(DeprecationWarning):
        launch = dbx.files_copy_batch(
            [files.RelocationPath("/a", "/c/a"), files.RelocationPath("/b", "/c/b")]
        )
    with pytest.warns(DeprecationWarning):
        assert (
            len(dbx.files_copy_batch_check(launch.get_async_job_id()).get_complete().entries) == 2
        )
    assert sorted(emulator.files()) == ["/a", "/b", "/c/a", "/c/b"]


# Every route


WHOLE: dict[str, Any] = {
    "path": "/f",
    "from_path": "/f",
    "to_path": "/g",
    "paths": ["/f"],
    "entries": [{"path": "/f"}],
    "resource": {".tag": "path", "path": "/f"},
    "cursor": "nonsense",
    "async_job_id": "nonsense",
    "session_id": "nonsense",
    "offset": 0,
    "num_sessions": 1,
    "rev": "123456789",
    "url": "https://example.org/",
    "query": "f",
    "features": ["file_locking", "paper_as_files"],
    "account_id": "dbid:" + "0" * 35,
    "import_format": "html",
}
SESSION = {"session_id": "nonsense", "offset": 0}
OTHERS: dict[str, Any] = {
    "upload_session/append_v2": {"cursor": SESSION},
    "upload_session/append_batch": {"entries": [{"cursor": SESSION, "length": 0}]},
    "upload_session/finish": {"cursor": SESSION, "commit": {"path": "/f"}},
    "upload_session/finish_batch": {"entries": [{"cursor": SESSION, "commit": {"path": "/f"}}]},
    "upload_session/finish_batch_v2": {"entries": [{"cursor": SESSION, "commit": {"path": "/f"}}]},
    "move_batch": {"entries": [{"from_path": "/f", "to_path": "/g"}]},
    "search_v2": {"query": "f"},
}
OTHERS |= dict.fromkeys(("move_batch_v2", "copy_batch", "copy_batch_v2"), OTHERS["move_batch"])


@pytest.mark.parametrize("name", sorted(ROUTES))
@pytest.mark.parametrize("team", [False, True])
def test_every_route_answers_in_its_own_words(name: str, team: bool, tmp_path: Path) -> None:
    spec = ROUTES[name].spec
    module = {
        "files": files,
        "users": dropbox.users,
        "check": dropbox.check,
        "auth": dropbox.auth,
        "sharing": dropbox.sharing,
    }
    namespace, _, short = name.partition("/")
    key = short.removesuffix("_v2") + (":2" if short.endswith("_v2") else "")
    types = module[namespace].ROUTES.get(key) or module[namespace].ROUTES[short]
    wanted = getattr(getattr(spec.argument, "definition", None), "_all_field_names_", set())
    argument = (
        OTHERS.get(short) or {field: WHOLE[field] for field in wanted if field in WHOLE} or None
    )
    with Emulator(tmp_path, team=team) as emulator, emulator.session() as session:
        emulator.plant("/f", b"x")
        headers = {"Authorization": f"Bearer {emulator.token}"}
        if spec.auth == "app":
            headers["Authorization"] = (
                "Basic "
                + base64.b64encode(f"{emulator.app_key}:{emulator.app_secret}".encode()).decode()
            )
        url = f"https://{spec.host}.dropboxapi.com/2/{name}"
        if spec.style == "rpc":
            reply = session.post(url, json=argument, headers=headers)
        else:
            kind = {"Content-Type": "application/octet-stream"} if spec.style == "upload" else {}
            reply = session.post(
                url, headers=headers | kind | {"Dropbox-API-Arg": json.dumps(argument)}
            )
        if reply.status_code == 200:
            told = reply.headers["Dropbox-API-Result"] if spec.style == "download" else reply.text
            stone_serializers.json_decode(types.result_type, told, strict=False)
        elif reply.status_code == 409:
            stone_serializers.json_compat_obj_decode(
                types.error_type, reply.json()["error"], strict=True
            )
        else:
            assert reply.status_code == 400
            assert any(word in reply.text for word in ('Invalid "cursor"', "not permitted"))
        assert emulator.calls[-1].status == reply.status_code


# Reading


def test_downloads_and_ranges(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    data = bytes(range(256)) * 5000
    emulator.plant("/f", data)
    told, reply = dbx.files_download("/f")
    assert (told.size, told.content_hash, reply.content) == (len(data), sdk_hash(data), data)
    etag = reply.headers["ETag"]
    part = dbx.files_download("/f", extra_headers={"Range": "bytes=1000-1999"})[1]
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (
        206,
        data[1000:2000],
        f"bytes 1000-1999/{len(data)}",
    )
    assert (
        dbx.files_download("/f", extra_headers={"Range": "bytes=1279990-"})[1].content == data[-10:]
    )
    with pytest.raises(HttpError, match="304"):
        dbx.files_download("/f", extra_headers={"If-None-Match": etag})
    with pytest.raises(HttpError, match="416"):
        dbx.files_download("/f", extra_headers={"Range": f"bytes={len(data)}-"})
    with refused("path", "not_found"):
        dbx.files_download("/none")
    emulator.plant("/d/x", b"")
    with refused("path", "not_file"):
        dbx.files_download("/d")


def test_documents_that_can_only_be_exported(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    emulator.plant("/d/a.txt", b"x")
    dbx.files_paper_create(
        b"__bold__ [here](http://example.org)", "/d/doc.paper", files.ImportFormat.markdown
    )
    with refused("invalid_file_extension"):
        dbx.files_paper_create(b"x", "/d/doc.txt", files.ImportFormat.markdown)
    dbx.files_copy_v2("/d", "/e")
    for entry in listed(dbx, "/e"):
        assert entry.is_downloadable == (entry.name == "a.txt")
    assert dbx.files_get_metadata("/e/doc.paper").export_info.export_as == "markdown"
    assert [entry.name for entry in listed(dbx, "/d", include_non_downloadable_files=False)] == [
        "a.txt"
    ]
    for call in (dbx.files_download, dbx.files_get_temporary_link):
        with refused("unsupported_file"):
            call("/d/doc.paper")
    assert "<b>bold</b>" in dbx.files_export("/d/doc.paper", "html")[1].text
    assert dbx.files_export("/d/doc.paper")[1].content == b"__bold__ [here](http://example.org)"
    with refused("non_exportable"):
        dbx.files_export("/d/a.txt")
    with refused("invalid_export_format"):
        dbx.files_export("/d/doc.paper", "pdf")


def test_revisions_restore_and_old_contents(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    first = dbx.files_upload(b"one", "/f")
    second = dbx.files_upload(b"two", "/f", mode=files.WriteMode.overwrite)
    assert [entry.rev for entry in dbx.files_list_revisions("/f").entries] == [
        second.rev,
        first.rev,
    ]
    assert dbx.files_list_revisions("/f", limit=1).has_more
    assert [
        entry.rev for entry in dbx.files_list_revisions("/f", before_rev=second.rev).entries
    ] == [first.rev]
    assert dbx.files_download(f"rev:{first.rev}")[1].content == b"one"
    dbx.files_delete_v2("/f")
    gone = dbx.files_list_revisions("/f")
    assert (gone.is_deleted, gone.server_deleted is not None, len(gone.entries)) == (True, True, 2)
    back = dbx.files_restore("/f", first.rev)
    assert (back.id, back.content_hash) == (first.id, sdk_hash(b"one"))
    with refused("invalid_revision"):
        dbx.files_restore("/f", "123456789")
    with refused("path_lookup", "not_found"):
        dbx.files_restore("/none", first.rev)
    dbx.files_move_v2("/f", "/g")
    assert len(dbx.files_list_revisions("/g", mode=files.ListRevisionsMode.id).entries) == 4


def test_temporary_links(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    emulator.plant("/a.jpg", b"0123456789")
    link = dbx.files_get_temporary_link("/a.jpg").link
    emulator.delete("/a.jpg")
    with emulator.session() as session:
        whole = session.get(link)
        assert (whole.content, whole.headers["Content-Type"]) == (b"0123456789", "image/jpeg")
        part = session.get(link, headers={"Range": "bytes=2-4"})
        assert (part.status_code, part.content) == (206, b"234")
        assert session.head(link).headers["Content-Length"] == "10"
        emulator.expire_links()
        assert session.get(link).status_code == 410
        assert session.get(link.replace("/get/", "/get/x")).status_code == 404


def test_a_folder_as_zip(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    import zipfile

    emulator.plant("/d/e/f", b"x")
    told, reply = dbx.files_download_zip("/d")
    assert told.metadata.name == "d"
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        assert archive.namelist() == ["d/", "d/e/", "d/e/f"]


def photo(format: str = "JPEG", size: tuple[int, int] = (800, 600), **options: Any) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, (200, 100, 50)).save(made, format, **options)
    return made.getvalue()


def test_thumbnails(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    pillow_heif.register_heif_opener()
    emulator.plant("/a.jpg", photo())
    emulator.plant("/a.heic", photo("HEIF"))
    emulator.plant("/broken.jpg", b"no image")
    emulator.plant("/a.txt", b"text")
    emulator.plant_many([Plant("/huge.jpg", size=21 * MIB, content_hash="0" * 64)])

    def size_of(data: bytes) -> tuple[int, int]:
        with Image.open(io.BytesIO(data)) as image:
            return image.size

    resource, sizes, modes = files.PathOrLink.path, files.ThumbnailSize, files.ThumbnailMode
    for path in ("/a.jpg", "/a.heic"):
        told, reply = dbx.files_get_thumbnail_v2(resource(path), size=sizes.w256h256)
        assert (told.file_metadata.path_lower, size_of(reply.content)) == (path, (256, 192))
    assert size_of(
        dbx.files_get_thumbnail_v2(resource("/a.jpg"), size=sizes.w256h256, mode=modes.bestfit)[
            1
        ].content
    ) == (
        256,
        256,
    )
    fitone = dbx.files_get_thumbnail_v2(
        resource("/a.jpg"), size=sizes.w256h256, mode=modes.fitone_bestfit
    )[1].content
    assert size_of(fitone) == (341, 256)
    for path, tag in (
        ("/a.txt", "unsupported_extension"),
        ("/broken.jpg", "unsupported_image"),
        ("/huge.jpg", "unsupported_image"),
    ):
        with refused(tag):
            dbx.files_get_thumbnail_v2(resource(path))
    args = [files.ThumbnailArg(path) for path in ("/a.jpg", "/none.jpg", "/a.txt")]
    batch = dbx.files_get_thumbnail_batch(args).entries
    assert [tags(result) for result in batch] == [
        ["success"],
        ["failure", "path", "not_found"],
        ["failure", "unsupported_extension"],
    ]
    assert size_of(base64.b64decode(batch[0].get_success().thumbnail)) == (64, 48)
    with refused("too_many_files"):
        dbx.files_get_thumbnail_batch([files.ThumbnailArg("/a.jpg")] * 26)


def test_media_info_is_told_by_get_metadata_only(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2019:08:07 06:05:04"
    exif.get_ifd(0x8825).update({1: "S", 2: (10.0, 30.0, 0.0), 3: "E", 4: (20.0, 15.0, 0.0)})
    emulator.plant("/a.jpg", photo(exif=exif))
    emulator.plant("/a.mp4", b"video")
    info = dbx.files_get_metadata("/a.jpg", include_media_info=True).media_info.get_metadata()
    assert (info.dimensions.width, info.dimensions.height, info.time_taken) == (
        800,
        600,
        datetime(2019, 8, 7, 6, 5, 4),
    )
    assert (info.location.latitude, info.location.longitude) == (-10.5, 20.25)
    assert dbx.files_get_metadata("/a.mp4", include_media_info=True).media_info.is_pending()
    assert not any(
        getattr(entry, "media_info", None) for entry in listed(dbx, include_media_info=True)
    )


def test_search(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    for path in ("/trip/Beach one.jpg", "/trip/beach.mov", "/other/beach.jpg"):
        emulator.plant(path, b"x")

    def found(query: str, **options: Any) -> list[str]:
        result = dbx.files_search_v2(query, files.SearchOptions(**options))
        names = [match.metadata.get_metadata().path_display for match in result.matches]
        while result.has_more:
            result = dbx.files_search_continue_v2(result.cursor)
            names += [match.metadata.get_metadata().path_display for match in result.matches]
        return names

    assert found("beach", max_results=1) == [
        "/other/beach.jpg",
        "/trip/Beach one.jpg",
        "/trip/beach.mov",
    ]
    assert found("one BEACH") == ["/trip/Beach one.jpg"]
    assert found("beach", path="/trip", file_extensions=["mov"]) == ["/trip/beach.mov"]
    assert found("beach", file_categories=[files.FileCategory.image]) == [
        "/other/beach.jpg",
        "/trip/Beach one.jpg",
    ]
    assert found("nothing") == []


def test_saving_a_url_is_a_job_that_fails(dbx: dropbox.Dropbox) -> None:
    job = dbx.files_save_url("/f", "https://example.org/x").get_async_job_id()
    assert dbx.files_save_url_check_job_status(job).get_failed().is_download_failed()
    with refused("invalid_url"):
        dbx.files_save_url("/f", "ftp://example.org/x")


def test_public_links(dbx: dropbox.Dropbox, emulator: Emulator) -> None:
    emulator.plant("/f", b"x")
    link = dbx.sharing_create_shared_link_with_settings("/f")
    with refused("shared_link_already_exists", "metadata"):
        dbx.sharing_create_shared_link_with_settings("/f")
    assert [one.url for one in dbx.sharing_list_shared_links("/f").links] == [link.url]
    dbx.sharing_revoke_shared_link(link.url)
    assert dbx.sharing_list_shared_links().links == []


# Accounts


def test_a_personal_account(dbx: dropbox.Dropbox) -> None:
    account = dbx.users_get_current_account()
    assert account.root_info.root_namespace_id == account.root_info.home_namespace_id
    assert dbx.users_get_account(account.account_id).email == account.email
    assert (
        dbx.with_path_root(common.PathRoot.root(account.root_info.root_namespace_id))
        .files_list_folder("")
        .entries
        == []
    )
    with pytest.raises(PathRootError) as caught:
        dbx.with_path_root(common.PathRoot.root("99")).files_list_folder("")
    assert (
        caught.value.error.get_invalid_root().root_namespace_id
        == account.root_info.root_namespace_id
    )
    with pytest.raises(PathRootError) as caught:
        dbx.with_path_root(common.PathRoot.namespace_id("99")).files_list_folder("")
    assert caught.value.error.is_no_permission()


def test_a_team_account_has_a_home_below_its_root(tmp_path: Path) -> None:
    with Emulator(tmp_path, team=True) as emulator, client(emulator) as dbx:
        info = dbx.users_get_current_account().root_info
        assert isinstance(info, common.TeamRootInfo)
        dbx.files_upload(b"x", "/f")
        root = dbx.with_path_root(common.PathRoot.namespace_id(info.root_namespace_id))
        assert [entry.path_display for entry in listed(root, recursive=True)] == [
            info.home_path,
            f"{info.home_path}/f",
        ]
        assert kinds(listed(dbx, recursive=True)) == [("file", "/f")]
        assert dbx.files_get_metadata(f"ns:{info.home_namespace_id}/f").path_display == "/f"
        home = dbx.with_path_root(common.PathRoot.home)
        assert kinds(listed(home)) == [("file", "/f")]
        with pytest.raises(ApiError):
            root.files_delete_v2(info.home_path)
        assert list(emulator.files()) == ["/f"]


# Faults


def test_statuses_on_demand(emulator: Emulator, dbx: dropbox.Dropbox) -> None:
    emulator.faults.add(route="files/upload", nth=2, action="status", status=503)
    dbx.files_upload(b"1", "/1")
    with pytest.raises(InternalServerError):
        dbx.files_upload(b"2", "/2")
    dbx.files_upload(b"3", "/3")
    assert sorted(emulator.files()) == ["/1", "/3"]
    assert [
        (fired.action, fired.route, fired.path, fired.seen) for fired in emulator.faults.fired
    ] == [("status", "files/upload", "/2", 2)]
    assert [call.status for call in emulator.calls] == [200, 503, 200]


def test_rate_limits_on_demand(emulator: Emulator, dbx: dropbox.Dropbox) -> None:
    emulator.faults = [
        {"nth": 1, "action": "status", "status": 429, "retry_after": 7},
        {"nth": 2, "action": "status", "status": 429, "retry_after": 8, "text": True},
        {"nth": 3, "action": "status", "status": 429, "reason": "too_many_write_operations"},
    ]
    with pytest.raises(RateLimitError) as caught:
        dbx.check_user()
    assert (caught.value.backoff, caught.value.error.reason.is_too_many_requests()) == (7, True)
    with pytest.raises(RateLimitError) as caught:
        dbx.check_user()
    assert (caught.value.backoff, caught.value.error) == (8, None)
    with pytest.raises(RateLimitError) as caught:
        dbx.check_user()
    assert caught.value.error.reason.is_too_many_write_operations()
    emulator.faults.add(action="status", status=401)
    with pytest.raises(AuthError) as expired:
        dbx.check_user()
    assert expired.value.error.is_expired_access_token()
    assert emulator.faults.count("status") == 3 + 2  # the SDK tries once more after a 401


def test_a_real_rate_limit(emulator: Emulator, dbx: dropbox.Dropbox) -> None:
    emulator.rate_limit = (3, 3600)
    for _ in range(3):
        dbx.check_user()
    with pytest.raises(RateLimitError) as caught:
        dbx.check_user()
    assert 0 < caught.value.backoff <= 3601
    emulator.rate_limit = None
    dbx.check_user()


def test_the_routes_own_errors_on_demand(emulator: Emulator, dbx: dropbox.Dropbox) -> None:
    error = {".tag": "path", "reason": {".tag": "insufficient_space"}, "upload_session_id": "x"}
    emulator.faults.add(route="files/upload", path="*.jpg", action="error", error=error)
    dbx.files_upload(b"x", "/a.txt")
    with refused("path", "insufficient_space"):
        dbx.files_upload(b"x", "/A.JPG")
    emulator.faults.clear()
    dbx.files_upload(b"x", "/A.JPG")
    assert len(emulator.files()) == 2


def test_a_request_that_is_cut_did_nothing(emulator: Emulator, dbx: dropbox.Dropbox) -> None:
    emulator.faults.add(route="files/upload", nth=1, action="cut_request", bytes=100_000)
    with pytest.raises(requests.ConnectionError):
        dbx.files_upload(b"x" * 5_000_000, "/f")
    assert emulator.files() == {}
    assert list((emulator.root / "blobs").iterdir()) == []
    assert [call.status for call in emulator.calls] == [0]
    dbx.files_upload(b"x", "/f")


@pytest.mark.parametrize("sent", [None, 0, 20])
def test_a_lost_reply_comes_after_the_work(
    sent: int | None, emulator: Emulator, dbx: dropbox.Dropbox
) -> None:
    session = dbx.files_upload_session_start(b"").session_id
    emulator.faults.add(
        Fault("cut_reply", route="files/upload_session/append_v2", nth=1, bytes=None)
    )
    emulator.faults.add(Fault("cut_reply", route="files/upload", nth=1, bytes=sent))
    with pytest.raises(requests.ConnectionError):
        dbx.files_upload_session_append_v2(b"abc", cursor_of(session, 0))
    with pytest.raises(ApiError) as caught:
        dbx.files_upload_session_append_v2(b"abc", cursor_of(session, 0))
    assert caught.value.error.get_incorrect_offset().correct_offset == 3
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        dbx.files_upload(b"x", "/f")
    assert list(emulator.files()) == ["/f"]
    assert emulator.faults.count("cut_reply") == 2


def test_a_download_that_is_cut(emulator: Emulator, dbx: dropbox.Dropbox) -> None:
    data = os.urandom(300_000)
    emulator.plant("/f", data)
    emulator.faults.add(route="files/download", nth=1, action="cut_reply", bytes=270_000)
    reply, got = dbx.files_download("/f")[1], b""
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        for chunk in reply.iter_content(1000):
            got += chunk
    assert got == data[: len(got)]
    rest = dbx.files_download("/f", extra_headers={"Range": f"bytes={len(got)}-"})[1].content
    assert got + rest == data


def test_flipped_bytes_are_noticed(emulator: Emulator, dbx: dropbox.Dropbox) -> None:
    data = os.urandom(600_000)
    emulator.faults.add(route="files/upload", nth=1, action="corrupt", direction="request")
    emulator.faults.add(route="files/download", nth=1, action="corrupt", at=500_000)
    with refused("content_hash_mismatch"):
        dbx.files_upload(data, "/f")
    dbx.files_upload(data, "/f")
    told, reply = dbx.files_download("/f")
    assert [place for place in range(len(data)) if reply.content[place] != data[place]] == [500_000]
    assert told.content_hash == sdk_hash(data) != sdk_hash(reply.content)
    assert dbx.files_download("/f")[1].content == data


def test_slow_lines_and_delays_go_through(emulator: Emulator, dbx: dropbox.Dropbox) -> None:
    data = os.urandom(100_000)
    emulator.faults.add(action="slow", rate=2_000_000)
    emulator.faults.add(action="delay", seconds=0.01)
    dbx.files_upload(data, "/f")
    assert dbx.files_download("/f")[1].content == data
    assert (emulator.faults.count("slow"), emulator.faults.count("delay")) == (2, 2)


def test_entries_of_a_batch_fail_on_demand(emulator: Emulator, dbx: dropbox.Dropbox) -> None:
    busy = {".tag": "too_many_write_operations"}
    emulator.faults.add(route="files/*batch*", action="entry_error", entries=[1], error=busy)
    emulator.jobs_inline = True
    for name in "abc":
        emulator.plant(f"/{name}", b"x")
    sessions = [dbx.files_upload_session_start(b"x", close=True).session_id for _ in range(3)]
    finish = [
        files.UploadSessionFinishArg(cursor_of(one, 1), files.CommitInfo(f"/n{number}"))
        for number, one in enumerate(sessions)
    ]
    results = [
        dbx.files_upload_session_finish_batch_v2(finish).entries,
        dbx.files_move_batch_v2([files.RelocationPath(f"/{name}", f"/m/{name}") for name in "abc"])
        .get_complete()
        .entries,
        dbx.files_delete_batch([files.DeleteArg(f"/{path}") for path in ("m/a", "b", "m/c")])
        .get_complete()
        .entries,
    ]
    for entries in results:
        assert [tags(entry) for entry in entries] == [
            ["success"],
            ["failure", "too_many_write_operations"],
            ["success"],
        ]
    assert sorted(emulator.files()) == ["/b", "/n0", "/n2"]
    again = dbx.files_upload_session_finish_batch_v2([finish[1]]).entries
    assert [tags(entry) for entry in again] == [["success"]]


def test_rules_count_and_choose() -> None:
    plan = FaultPlan([{"action": "delay", "seconds": 0, "every": 3, "times": 2}])
    hit = [bool(plan.effect("files/upload", None).faults) for _ in range(12)]
    assert [number for number, fired in enumerate(hit, 1) if fired] == [3, 6]
    chance = [
        FaultPlan([{"action": "delay", "seconds": 0, "probability": 0.5, "seed": seed}])
        for seed in (1, 1, 2)
    ]
    runs = [[bool(plan.effect("x", None).faults) for _ in range(50)] for plan in chance]
    assert runs[0] == runs[1] != runs[2]
    assert 10 < sum(runs[0]) < 40


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("{}", "must be a list of rules"),
        ('[{"route": "x"}]', "rule 1: no action"),
        ('[{"action": "explode"}]', "rule 1: unknown action 'explode'"),
        ('[{"action": "status"}]', "rule 1: action 'status' needs 'status'"),
        ('[{"action": "status", "status": "500"}]', "rule 1: field 'status' must be int"),
        ('[{"action": "delay", "seconds": 1, "colour": 2}]', "rule 1: unknown field 'colour'"),
        ('[{"action": "slow", "rate": 1, "direction": "up"}]', "rule 1: direction must be"),
    ],
)
def test_bad_plans_say_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(BadPlan) as caught:
        FaultPlan.load(tmp_path / "plan.json")
    assert words in str(caught.value)


def test_latency_is_waited_side_by_side(emulator: Emulator) -> None:
    emulator.latency = 0.5
    with client(emulator) as dbx:
        threads = [threading.Thread(target=dbx.check_user) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert emulator.count("check/user") == 8
    assert emulator.peak > 1


# Life


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    with Emulator(tmp_path) as emulator, client(emulator) as dbx:
        made = dbx.files_upload(b"abc", "/Kept")
        cursor = dbx.files_list_folder("").cursor
        session = dbx.files_upload_session_start(b"12").session_id
        emulator.job_polls = 1
        job = dbx.files_delete_batch([files.DeleteArg("/none")]).get_async_job_id()
        grant = emulator.grant()
    with Emulator(tmp_path) as emulator:
        options = {
            "app_key": emulator.app_key,
            "app_secret": emulator.app_secret,
            "oauth2_refresh_token": grant.refresh_token,
        }
        with client(emulator, **options) as dbx:
            assert dbx.files_get_metadata("/kept") == made
            assert dbx.files_list_folder_continue(cursor).entries == []
            dbx.files_upload_session_finish(b"3", cursor_of(session, 2), files.CommitInfo("/new"))
            assert kinds(dbx.files_list_folder_continue(cursor).entries) == [("file", "/new")]
            assert dbx.files_delete_batch_check(job).is_in_progress()
            assert dbx.files_delete_batch_check(job).is_complete()
            assert emulator.content("/new") == b"123"
            assert dbx.files_upload(b"4", "/later").rev > made.rev


def test_a_restart_forgets_bodies_that_belong_to_nothing(tmp_path: Path) -> None:
    with Emulator(tmp_path) as emulator:
        emulator.plant("/f", b"kept")
    (tmp_path / "blobs" / "half-a-body").write_bytes(b"x")
    with Emulator(tmp_path) as emulator:
        assert emulator.content("/f") == b"kept"
        assert len(list((tmp_path / "blobs").iterdir())) == 1


@contextlib.contextmanager
def program(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The emulator as a program: the process and its address."""
    command = [
        sys.executable,
        "-m",
        "tests.emulators.dropbox",
        "--root",
        str(folder),
        "--ca-file",
        str(folder / "ca.pem"),
        *options,
    ]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().removeprefix("ready ").strip()
        finally:
            process.kill()


def session_of(folder: Path, address: str) -> requests.Session:
    session = requests.Session()
    session.trust_env, session.verify = False, str(folder / "ca.pem")
    session.proxies = {"https": address.replace("https:", "http:")}
    return session


def test_a_killed_emulator_has_lost_nothing_it_acknowledged(tmp_path: Path) -> None:
    sent: dict[str, bytes] = {}
    with program(tmp_path) as (process, address), session_of(tmp_path, address) as session:
        dbx = dropbox.Dropbox("emulator-token", session=session, max_retries_on_error=0)
        killer = threading.Timer(0.7, lambda: os.kill(process.pid, signal.SIGKILL))
        killer.start()
        with pytest.raises(requests.ConnectionError):
            for number in range(100_000):
                data = b"%d" % number * 1000
                dbx.files_upload(data, f"/d{number % 7}/{number}")
                sent[f"/d{number % 7}/{number}"] = data
        killer.join()
    with Emulator(tmp_path) as emulator:
        kept = emulator.files()
        assert sent.keys() <= kept.keys()
        assert len(kept) - len(sent) <= 1
        assert all(emulator.content(path) == data for path, data in sent.items())
        assert len(list((tmp_path / "blobs").iterdir())) == len(kept)


def test_the_program_answers_and_ends_on_sigterm(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(
        '{"rules": [{"route": "check/user", "nth": 2, "action": "status", "status": 500}]}'
    )
    with program(tmp_path, "--token", "secret", "--faults", str(tmp_path / "plan.json")) as (
        process,
        address,
    ):
        assert address.startswith("https://127.0.0.1:")
        with session_of(tmp_path, address) as session:
            dbx = dropbox.Dropbox("secret", session=session, max_retries_on_error=0)
            assert dbx.check_user("x").result == "x"
            with pytest.raises(InternalServerError):
                dbx.check_user("x")
        process.terminate()
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_the_program_refuses_a_bad_plan_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("[{}]")
    with program(tmp_path, "--faults", str(tmp_path / "plan.json")) as (process, address):
        assert (address, process.wait(10)) == ("", 2)
        assert process.stderr is not None
        assert process.stderr.read() == f"bad fault plan: {tmp_path}/plan.json: rule 1: no action\n"


def test_a_pinned_clock_zone_is_utc(emulator: Emulator, dbx: dropbox.Dropbox) -> None:
    emulator.plant("/f", b"x", client_modified=datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert dbx.files_get_metadata("/f").client_modified == datetime(2020, 1, 2, 3, 4, 5)
    assert emulator.files()["/f"].client_modified == datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
