"""`catalog tag`, `catalog set` and `catalog sidecars write`:
nothing that a person said is ever lost.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from running import GHENT, Lab, clear, hashes, jpeg, put, tree

from catalog.domain.edits import reversed_change
from catalog.domain.fixity import content_hash
from catalog.domain.person import without_person
from catalog.engine import NodeAddress
from catalog.features.annotations import run as person
from catalog.features.annotations import sidecars
from catalog.media.write.xmp import is_own

A, B = jpeg("a", position=GHENT), jpeg("b")
A_HASH, B_HASH = content_hash(A), content_hash(B)
A_PATH = "2019/07_July/2019-07-12 18-30-15 Ghent.jpg"
B_PATH = "2019/07_July/2019-07-12 18-30-15.jpg"
SAID = (
    "taken=2018-01-02 03:04:05+02:00",
    "position=52.37,4.9",
    "place=Grandma",
    "title=Äpfel & <Birnen>",
    "description=one",
    "rating=-1",
    "favorite=no",
    "albums=Best, Summer",
)
FACTS = (
    "person",
    "extracted",
    "manual",
    "captured",
    "location",
    "place",
    "tags",
    "albums",
    "title",
    "description",
    "rating",
    "favorite",
)


@pytest.fixture(scope="module")
def home(
    es_node: NodeAddress,
    open_folder: Callable[[], AbstractContextManager[Path]],
    ask: Callable[..., Any],
) -> Iterator[Lab]:
    """One catalog for the whole module; `stocked` brings it back to its beginning."""
    name = f"test-{uuid.uuid4().hex}"
    with open_folder() as folder:
        lab = Lab(folder, es_node, name, {"CATALOG_WORKERS": "1"})
        put(lab.source, {"a.jpg": A, "b.jpg": B})
        yield lab
        for index in ask(es_node, "GET", f"{name}*").json():
            assert index.startswith(name)
            ask(es_node, "DELETE", index).raise_for_status()


@pytest.fixture
def stocked(home: Lab) -> Lab:
    """A catalog of two photos."""
    if home.root.exists():
        clear(home)
    assert home.upload().status == 0
    assert set(home.stored()) == {A_PATH, B_PATH}
    return home


@pytest.fixture
def go(stocked: Lab) -> Callable[..., Any]:
    """Run a subcommand: its exit status, stdout and stderr."""

    def run(*arguments: object, lab: Lab = stocked) -> tuple[int, str, str]:
        done = lab.catalog(*arguments)
        return done.status, done.out, done.err

    return run


def facts(document: dict[str, Any]) -> dict[str, Any]:
    """What is in force, and who says so."""
    return {name: document[name] for name in FACTS if name in document}


def last(out: str) -> dict[str, Any]:
    return json.loads(out.splitlines()[-1])


# --- tag and set ----------------------------------------------------------------------------------


def test_values_are_set_found_shown_and_taken_back(stocked: Lab, go: Callable[..., Any]) -> None:
    before = stocked.documents()
    files = tree(stocked.root)
    status, out, err = go("set", A_PATH, *SAID, "--json")
    assert (status, last(out)["changed"]) == (0, 1) and "`catalog refile`" in err
    assert go("tag", A_HASH[:12], "--add", "sea", "--add", "x, y", "-v")[1].startswith(
        "changed     2019/07_July/"
    )
    document = stocked.documents()[A_HASH]
    assert (
        document["captured"]["instant"] == "2018-01-02T01:04:05.000Z"
        and document["captured"]["offset_minutes"] == 120
    )
    assert document["location"] == {"lat": 52.37, "lon": 4.9}
    assert (document["place"]["name"], document["place"]["city"]) == ("Grandma", "Amsterdam")
    assert document["albums"] == ["Best", "Summer"] and document["tags"] == ["sea", "x, y"]
    assert (document["rating"], document["favorite"], document["title"]) == (
        -1,
        False,
        "Äpfel & <Birnen>",
    )
    assert without_person(document) | {"updated": ""} == before[A_HASH] | {"updated": ""}
    assert stocked.documents()[B_HASH] == before[B_HASH] and tree(stocked.root) == files
    for query, count in {
        "manual:rating": 1,
        "has:manual": 1,
        "has:person": 1,
        "-has:person": 1,
        "manual:tags_*": 1,
        "city:Amsterdam": 1,
        "city:Ghent": 0,
        "taken:2018-01-02": 1,
        "rating:-1": 1,
        "album:Best": 1,
        'tag:"x, y"': 1,
        "favorite:no": 1,
    }.items():
        assert go("search", "--format", "count", "--", query)[1].strip() == str(count), query
    shown = " ".join(go("show", stocked.root / A_PATH)[1].split())
    assert (
        "2018-01-02 03:04:05 (UTC+02:00) set by you; the file says 2019-07-12 18:30:15 "
        "(exif:DateTimeOriginal)" in shown
    )
    assert "place.city Amsterdam set by you; the file says Ghent" in shown
    assert "location 52.37, 4.9 set by you; the file says 51.05, 3.72" in shown
    assert "rating -1 set by you; the file says nothing" in shown
    assert "camera.make Apple from exif" in shown and "extracted" not in shown
    assert "tag tags: none -> sea, x, y run" in shown
    assert go("set", A_PATH, *(f"{text.partition('=')[0]}=" for text in SAID))[0] == 0
    assert go("tag", A_PATH, "--remove", "sea", "--remove", "x, y")[0] == 0
    assert stocked.documents()[A_HASH] | {"updated": ""} == before[A_HASH] | {"updated": ""}
    assert last(go("set", A_PATH, "rating=", "--json")[1])["unchanged"] == 1


def test_every_event_holds_what_takes_it_back(stocked: Lab, go: Callable[..., Any]) -> None:
    states = [stocked.documents()[A_HASH]]
    for command in (
        ("set", A_PATH, *SAID),
        ("tag", A_PATH, "--add", "sea"),
        ("set", A_PATH, "rating=3", "place=", "albums-=Best"),
    ):
        assert go(*command)[0] == 0
        states.append(stocked.documents()[A_HASH])
    events = sorted(
        (e for e in stocked.documents("events").values() if e["action"] in ("set", "tag")),
        key=lambda e: e["at"],
    )
    assert [e["effect"] for e in events] == ["index"] * 3 and {e["hash"] for e in events} == {
        A_HASH
    }
    now: dict[str, Any] | None = states[-1]
    for event, before in zip(events[::-1], states[-2::-1], strict=True):
        now = reversed_change(event["before"], event["after"])(now)
        assert now is not None and now | {"updated": ""} == before | {"updated": ""}


def test_what_cannot_be_done_is_refused_before_anything_is_changed(
    stocked: Lab, go: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, told = stocked.documents(), stocked.documents("events")
    monkeypatch.setattr(person, "MOST_BY_QUERY", 1)
    for expected, words, why in (
        (2, ("set", A_PATH, "rating=7"), "rating=7"),
        (2, ("set", A_PATH, "rating=4", "taken=2999-01-01"), "in the future"),
        (2, ("set", A_PATH, "position=91,0"), "out of range"),
        (2, ("set", A_PATH, "colour=red"), "no key colour"),
        (2, ("set", A_PATH, "tags=a"), "catalog tag"),
        (2, ("set", A_PATH), "nothing to set"),
        (2, ("set", "rating=1"), "No photo"),
        (2, ("tag", A_PATH), "no tag"),
        (2, ("tag", "--add", "x"), "No photo"),
        (2, ("tag", "--query", "citty:Ghent", "--add", "x"), "city"),
        (1, ("set", A_PATH, "no such.jpg", "rating=1"), "no such.jpg"),
        (1, ("tag", A_PATH, "0" * 64, "--add", "x"), "0" * 64),
        (4, ("set", "--query", "", "rating=1"), "--yes"),
    ):
        status, out, err = go(*words)
        assert (status, out) == (expected, ""), words
        assert err.startswith("Error: ") and why in err and "Traceback" not in err
    assert stocked.documents() == before and stocked.documents("events") == told
    assert go("set", "--query", "", "rating=1", "--yes", "-q")[0] == 0
    assert {d["rating"] for d in stocked.documents().values()} == {1}


def test_a_dry_run_says_what_would_change(stocked: Lab, go: Callable[..., Any]) -> None:
    before = stocked.documents(), stocked.documents("events"), tree(stocked.home / "state")
    status, out, err = go("set", A_HASH, "--query", "city:Ghent", "rating=5", "--dryrun")
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == f"planned set       {A_PATH}: rating: none -> 5"
    assert "1 files would be changed; nothing was changed" in out, "named twice is one asset"
    status, out, _err = go(
        "tag", "--query", "city:Ghent OR kind:image", "--add", "x", "--dryrun", "--json"
    )
    assert (status, last(out)["planned"]) == (0, 2)
    assert (
        stocked.documents(),
        stocked.documents("events"),
        tree(stocked.home / "state"),
    ) == before


def test_uploading_the_same_files_again_changes_nothing_of_it(
    stocked: Lab, go: Callable[..., Any]
) -> None:
    assert go("set", A_PATH, *SAID)[0] == 0
    assert go("tag", "--query", "", "--add", "sea")[0] == 0
    before = stocked.documents()
    other = stocked.folder / "other"
    put(other, {"again.jpg": A, "b.jpg": B, "b.jpg.xmp": b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"})
    for source in (stocked.source, other):
        assert go("upload_to_nas_from_disk", source, "-r", "--nas_root", stocked.root)[0] == 0
    after = stocked.documents()
    assert after[A_HASH] == before[A_HASH]
    assert facts(after[B_HASH]) == facts(before[B_HASH]) and len(after[B_HASH]["sidecars"]) == 1
    shutil.rmtree(other)


# --- sidecars -------------------------------------------------------------------------------------


def test_disks_alone_rebuild_what_a_person_said(stocked: Lab, go: Callable[..., Any]) -> None:
    """The whole circle, with a new index and a new root;
    and no byte of the sidecars changes on the way.
    """
    assert go("set", A_PATH, *SAID)[0] == 0
    assert go("tag", A_PATH, B_PATH, "--add", "sea", "--add", "x, y")[0] == 0
    assert go("sidecars", "write")[0] == 0
    stocked.check_no_ghosts()
    before, stored = stocked.documents(), stocked.stored()
    assert set(stored) == {A_PATH, B_PATH, f"{A_PATH}.xmp", f"{B_PATH}.xmp"}
    copied = stocked.folder / "rescued"
    shutil.copytree(stocked.root, copied, ignore=shutil.ignore_patterns(".catalog"))
    anew = dataclasses.replace(stocked, index=f"{stocked.index}-anew")
    anew.root = stocked.folder / "anew"
    assert go("upload_to_nas_from_disk", copied, "-r", "--nas_root", anew.root, lab=anew)[0] == 0
    after = anew.documents()
    assert after.keys() == before.keys()
    assert after[A_HASH]["person"] and {h: facts(d) for h, d in after.items()} == {
        h: facts(d) for h, d in before.items()
    }
    assert anew.stored() == stored
    anew.check_no_ghosts()
    status, out, _err = go("sidecars", "write", "--json", lab=anew)
    assert (status, last(out)["unchanged"], last(out)["written"]) == (0, 2, 0)
    shutil.rmtree(anew.root)
    shutil.rmtree(copied)


def test_sidecars_are_written_once_and_replaced_through_the_trash(
    stocked: Lab, go: Callable[..., Any]
) -> None:
    assert go("sidecars", "write")[1].startswith("0 files")
    assert go("set", A_PATH, "rating=4")[0] == 0
    before = tree(stocked.root), stocked.documents()
    status, out, _err = go("sidecars", "write", "--dryrun")
    assert status == 0 and out.splitlines()[0] == f"planned sidecar   {A_PATH} -> nas:{A_PATH}.xmp"
    assert (tree(stocked.root), stocked.documents()) == before
    done = last(go("sidecars", "write", "--json")[1])
    stocked.check_no_ghosts()
    first = stocked.root / f"{A_PATH}.xmp"
    assert (done["written"], done["bytes"]) == (1, first.stat().st_size)
    assert is_own(first.read_bytes())
    once = tree(stocked.root), stocked.documents(), stocked.documents("events")
    again = last(go("sidecars", "write", "--json")[1])
    assert (again["unchanged"], again["bytes"]) == (1, 0)
    assert (tree(stocked.root), stocked.documents(), stocked.documents("events")) == once
    old = content_hash(first.read_bytes())
    assert go("set", A_PATH, "rating=5")[0] == 0
    assert last(go("sidecars", "write", "rating:5", "--store", "nas", "--json")[1])["written"] == 1
    assert b"<xmp:Rating>5<" in first.read_bytes()
    (event,) = [
        e for e in stocked.documents("events").values() if e["action"] == "sidecar" and "trash" in e
    ]
    assert hashes(stocked.root / ".catalog" / "trash") == {event["trash"]: old}
    assert (event["effect"], event["path"], event["before"]["sidecars"][0]["hash"]) == (
        "file",
        f"{A_PATH}.xmp",
        old,
    )
    assert go("set", A_PATH, "rating=")[0] == 0
    assert last(go("sidecars", "write", "--json")[1])["withdrawn"] == 1
    assert (
        set(stocked.stored()) == {A_PATH, B_PATH} and "sidecars" not in stocked.documents()[A_HASH]
    )
    assert len(hashes(stocked.root / ".catalog" / "trash")) == 2


def test_a_sidecar_of_another_program_is_never_touched(
    stocked: Lab, go: Callable[..., Any]
) -> None:
    put(
        stocked.root,
        {f"{A_PATH}.xmp": b"<x:xmpmeta xmlns:x='adobe:ns:meta/' x:xmptk='XMP Core 6.0'/>"},
    )
    os.symlink("elsewhere", stocked.root / f"{B_PATH}.xmp")
    assert go("tag", "--query", "", "--add", "sea")[0] == 0
    before = tree(stocked.root)
    status, out, _err = go("sidecars", "write", "--json")
    lines = {json.loads(line)["path"]: json.loads(line) for line in out.splitlines()[:-1] if line}
    assert (status, last(out)["skipped"], last(out)["written"]) == (0, 2, 0)
    assert "another program" in lines[A_PATH]["reason"] and lines[B_PATH]["reason"]
    assert "another program" in go("sidecars", "write")[1]
    assert tree(stocked.root) == before


def test_one_that_came_with_a_photo_is_not_withdrawn(stocked: Lab, go: Callable[..., Any]) -> None:
    """It may say what this catalog never read: here the photo was known before its sidecar came."""
    assert go("set", A_PATH, "rating=4")[0] == 0
    assert go("sidecars", "write")[0] == 0
    data = (stocked.root / f"{A_PATH}.xmp").read_bytes()
    clear(stocked)
    assert go("upload_to_nas_from_disk", stocked.source, "-r", "--nas_root", stocked.root)[0] == 0
    other = stocked.folder / "late"
    put(other, {"a.jpg": A, "a.jpg.xmp": data})
    assert go("upload_to_nas_from_disk", other, "-r", "--nas_root", stocked.root)[0] == 0
    assert last(go("sidecars", "write", "--json")[1])["files"] == 0
    assert (stocked.root / f"{A_PATH}.xmp").read_bytes() == data
    shutil.rmtree(other)


def test_killed_before_the_record_it_is_recorded_by_the_next_run(
    stocked: Lab, go: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert go("tag", "--query", "", "--add", "sea")[0] == 0
    with monkeypatch.context() as patched:
        patched.setattr(sidecars._Writer, "record", lambda _self: None)
        assert go("sidecars", "write")[0] == 0
    assert len(stocked.stored()) == 4 and not any(
        "sidecars" in d for d in stocked.documents().values()
    )
    written = tree(stocked.root / "2019")
    assert last(go("sidecars", "write", "--limit", 1, "--json")[1])["recorded"] == 1
    assert last(go("sidecars", "write", "--json")[1])["recorded"] == 1
    assert tree(stocked.root / "2019") == written
    stocked.check_no_ghosts()


def test_a_store_or_a_photo_that_is_not_there_gets_no_sidecar(
    stocked: Lab, go: Callable[..., Any]
) -> None:
    assert go("tag", "--query", "", "--add", "sea")[0] == 0
    (stocked.root / B_PATH).unlink()
    status, out, _err = go("sidecars", "write", "--json")
    assert (status, last(out)["written"], last(out)["skipped"]) == (0, 1, 1)
    assert not (stocked.root / f"{B_PATH}.xmp").exists()
    away = stocked.root.rename(stocked.folder / "away")
    for words, expected in (
        (("write",), 4),
        (("write", "--store", "nas"), 4),
        (("write", "--store", "usb"), 2),
    ):
        status, out, err = go("sidecars", *words)
        assert (status, out) == (expected, "") and err.startswith("Error: ")
    assert go("sidecars", "write", "citty:x")[0] == 2
    assert not stocked.root.exists()
    away.rename(stocked.root)


def test_a_selection_is_shifted_by_one_known_pair(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg(1), "b.jpg": jpeg(2, "2019:07:12 19:00:00")})
    assert lab.upload().status == 0
    by = f"{content_hash(jpeg(1))}=2019-07-12 20:31:15"
    before = {name: document["captured"] for name, document in lab.documents().items()}
    done = lab.catalog("set", "--query", "", "--by", by, "--json")
    assert (done.status, done.summary["changed"]) == (0, 2)
    walls = sorted(document["captured"]["wall"] for document in lab.documents().values())
    assert walls == ["2019-07-12T20:31:15.000", "2019-07-12T21:01:00.000"]
    assert lab.catalog("undo", done.summary["run"]).status == 0
    assert {name: d["captured"] for name, d in lab.documents().items()} == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--by", "2019-07-12"), "no WHAT=TIME"),
        (("--by", "{hash}=yesterday"), "no date like"),
        (("--by", "{hash}=2019-07-12"), "no time of day"),
        (("--by", "{hash}=2019-07-12 20:00", "taken+=1h"), "given twice"),
        (("--by", "{other}=2019-07-12 20:00"), "no time that could be compared"),
    ],
)
def test_a_pair_that_tells_no_shift_is_refused_on_one_line(
    lab: Lab, arguments: tuple[str, ...], reason: str
) -> None:
    put(lab.source, {"a.jpg": jpeg(1), "2019-07-12 b.jpg": jpeg(2, taken=None)})
    assert lab.upload().status == 0
    names = {"hash": content_hash(jpeg(1)), "other": content_hash(jpeg(2, taken=None))}
    done = lab.catalog("set", "--query", "", *(a.format(**names) for a in arguments))
    assert done.status == 2
    assert reason in done.err and done.err.count("\n") <= 2
