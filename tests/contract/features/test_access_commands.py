"""Users and tokens at the shell, and what an export takes along of them."""

from __future__ import annotations

import json
import subprocess

import pytest
from running import PROGRAMS, Done, Lab, jpeg, put

PASSWORD = "a password of some length"


def typed(lab: Lab, password: str, *arguments: str) -> Done:
    """A subcommand of `catalog` with a password on its stdin."""
    done = subprocess.run(
        [PROGRAMS / "catalog", *arguments],
        env=lab.environment(),
        input=f"{password}\n",
        text=True,
        capture_output=True,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def known(lab: Lab) -> Lab:
    """A catalog with an owner and a viewer."""
    for name, role in (("olga", "owner"), ("anna", "viewer")):
        done = lab.catalog("user", "add", name, "--role", role, "--no-password")
        assert done.status == 0, done.err
    return lab


def test_users_are_added_listed_and_removed(known: Lab) -> None:
    done = typed(known, PASSWORD, "user", "passwd", "anna")
    assert (done.status, "another password" in done.out) == (0, True), done.err
    users = known.catalog("user", "list", "--json").lines
    told = {user["name"]: (user["role"], user["has_password"]) for user in users}
    assert told == {"olga": ("owner", False), "anna": ("viewer", True)}
    assert known.catalog("user", "remove", "anna").status == 0
    assert "anna" not in known.catalog("user", "list").out


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("user", "add", "ANNA", "--no-password"), 2, "There is a user ANNA already"),
        (("user", "add", "a/b", "--no-password"), 2, "is no name for a user"),
        (("user", "remove", "olga"), 4, "only owner"),
        (("user", "remove", "nobody"), 2, "There is no user nobody"),
        (("user", "link", "nobody"), 2, "There is no user nobody"),
        (("token", "add", "tv", "--user", "nobody"), 2, "There is no user nobody"),
        (("token", "add", "tv", "--user", "anna", "--scope", "decide"), 2, "cannot give a token"),
        (("token", "add", " ", "--user", "anna"), 2, "1 to 100 characters"),
        (("token", "revoke", "none"), 2, "There is no token none"),
    ],
)
def test_what_cannot_be_meant_is_said_and_changes_nothing(
    known: Lab, arguments: tuple[str, ...], status: int, told: str
) -> None:
    before = known.documents("access")
    done = known.catalog(*arguments)
    assert (done.status, told in done.err, done.err.count("\n")) == (status, True, 1), done.err
    assert known.documents("access") == before


@pytest.mark.parametrize("password", ["short", "x" * 1025])
def test_a_password_is_neither_short_nor_endless(known: Lab, password: str) -> None:
    done = typed(known, password, "user", "passwd", "anna")
    assert done.status == 2 and "10 to 1024 characters" in done.err
    assert password not in done.err + json.dumps(known.documents("access"))


def test_a_token_is_printed_once_and_ends_when_it_is_revoked(known: Lab) -> None:
    made = known.catalog("token", "add", "tv", "--user", "anna", "--days", "30", "--json")
    (told,) = made.lines
    assert told["label"] == "tv" and told["token"].startswith("catalog_")
    assert told["token"] not in json.dumps(known.documents("access"))
    (listed,) = known.catalog("token", "list", "--json").lines
    assert (listed["label"], listed["name"], listed["scopes"]) == ("tv", "anna", ["view"])
    assert listed["expires"] > listed["added"]
    assert known.catalog("token", "add", "tv", "--user", "anna").status == 2
    assert known.catalog("token", "revoke", "tv").status == 0
    assert known.catalog("token", "list", "--json").lines == []


def test_a_link_is_printed_for_the_address_that_is_named(known: Lab) -> None:
    done = known.catalog("user", "link", "anna", "--url", "https://photos.example/")
    assert done.out.startswith("https://photos.example/login#link=")


def test_an_export_takes_users_and_tokens_along_only_where_that_is_asked(known: Lab) -> None:
    put(known.source, {"a.jpg": jpeg("a")})
    assert known.upload().status == 0
    assert known.catalog("token", "add", "tv", "--user", "anna").status == 0
    assert known.catalog("user", "link", "anna").status == 0
    plain, whole = known.folder / "plain.ndjson", known.folder / "whole.ndjson"
    assert known.catalog("export", plain).status == 0
    assert known.catalog("export", whole, "--with-access").status == 0
    assert '"what":"access"' not in plain.read_text()
    kept = [json.loads(line) for line in whole.read_text().splitlines()]
    access = [line["document"]["kind"] for line in kept if line.get("what") == "access"]
    assert sorted(access) == ["token", "user", "user"], "no link, which ends by itself"
    left = known.catalog("import", whole, "--index", f"{known.index}-left")
    assert left.status == 0 and "3 users and tokens of the export were left out" in left.err
    taken = known.catalog("import", whole, "--with-access", "--index", f"{known.index}-taken")
    assert taken.status == 0, taken.err
    users = known.catalog("user", "list", "--json", "--index", f"{known.index}-taken").lines
    assert [user["name"] for user in users] == ["anna", "olga"]
    none = known.catalog("user", "list", "--json", "--index", f"{known.index}-left").lines
    assert none == []


@pytest.mark.parametrize(
    ("key", "document"),
    [
        ("user:eve", {"kind": "user", "name": "mallory", "role": "owner"}),
        ("user:eve", {"kind": "user", "name": "eve", "role": "king"}),
        ("session:0", {"kind": "session", "name": "eve"}),
        ("token:0", {"kind": "token", "name": "eve", "scopes": ["own"]}),
        ("user:eve", {"kind": "user", "name": "eve/", "role": "owner"}),
    ],
)
def test_a_foreign_export_lets_nobody_in_by_a_trick(
    known: Lab, key: str, document: dict[str, object]
) -> None:
    file = known.folder / "all.ndjson"
    assert known.catalog("export", file, "--with-access").status == 0
    head, *_documents, _end = file.read_text().splitlines()
    line = {"what": "access", "id": key, "document": document}
    end = {"what": "end", "counts": {"access": 1}}
    file.write_text("".join(f"{part}\n" for part in (head, json.dumps(line), json.dumps(end))))
    before = known.documents("access")
    done = known.catalog("import", file, "--with-access")
    assert done.status == 3, done.err
    assert known.documents("access") == before
