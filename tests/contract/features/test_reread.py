"""`catalog reread`: facts once more from the bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from emulators.dropbox import Emulator
from emulators.nextcloud import DIALECTS
from running import MTIME, Lab, jpeg, put
from test_webdav import cloud_of

from catalog.domain.fixity import content_hash

PHOTO = jpeg(1)
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF></x:xmpmeta>"""
OF_OLD = ("camera", "rating", "reader")


@pytest.fixture
def old(lab: Lab) -> Lab:
    """A catalog whose one photo an older version read worse: it knows of no camera and rating."""
    put(lab.source, {"a.jpg": PHOTO, "a.jpg.xmp": XMP})
    assert lab.upload().status == 0
    assert lab.catalog("tag", "--query", "", "--add", "sea").status == 0
    document = whole(lab)
    older = {name: value for name, value in document.items() if name not in OF_OLD}
    lab.ask("PUT", f"{lab.index}/_doc/{content_hash(PHOTO)}?refresh=true", json=older)
    return lab


def whole(lab: Lab) -> dict[str, Any]:
    return lab.documents()[content_hash(PHOTO)]


def told(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in ("updated", "run")}


def test_what_an_older_version_read_worse_is_read_again_and_what_was_said_stays(old: Lab) -> None:
    before = old.documents()
    done = old.catalog("reread", "--json")
    assert (done.status, done.summary["changed"]) == (0, 1)
    after = whole(old)
    assert (after["camera"]["model"], after["rating"], after["tags"]) == ("iPhone 12", 4, ["sea"])
    assert after["copies"] == before[content_hash(PHOTO)]["copies"]
    assert after["original"] == before[content_hash(PHOTO)]["original"]
    again = old.catalog("reread", "--json")
    assert (again.status, again.summary["changed"], again.summary["unchanged"]) == (0, 0, 1)
    assert told(whole(old)) == told(after)
    assert old.catalog("undo", done.summary["run"]).status == 0
    assert "camera" not in whole(old) and "rating" not in whole(old)


def test_a_dry_run_lists_what_would_change_and_changes_nothing(old: Lab) -> None:
    before = old.documents()
    done = old.catalog("reread", "--dryrun")
    assert done.status == 0
    assert "rating: none -> 4" in done.out
    assert old.documents() == before


def test_the_status_counts_what_an_older_version_read_until_it_is_read_again(old: Lab) -> None:
    assert "1 was read by an older version" in old.catalog("status").out
    assert old.catalog("status", "--json").lines[0]["outdated"] == 1
    assert old.catalog("reread", "--outdated", "--json").summary["changed"] == 1
    assert "older version" not in old.catalog("status").out
    assert old.catalog("reread", "--outdated", "--json").summary["files"] == 0


def test_another_home_zone_is_taken_from_the_name_that_the_file_had_before(lab: Lab) -> None:
    """What the catalog made of a time must not come back as what a file is called."""
    put(lab.source, {"plain.jpg": jpeg(2, taken=None)}, MTIME)
    assert lab.upload().status == 0
    (before,) = lab.documents().values()
    assert before["captured"]["source"] == "mtime"
    done = lab.catalog("reread", "--json", CATALOG_HOME_ZONE="Asia/Tokyo")
    assert (done.status, done.summary["changed"]) == (0, 1)
    (after,) = lab.documents().values()
    assert after["captured"]["instant"] == before["captured"]["instant"]
    assert after["captured"]["source"] == "mtime"
    assert (after["captured"]["offset_minutes"], after["paths"]) == (540, before["paths"])


def test_what_cannot_be_read_is_told_and_left(old: Lab) -> None:
    before = old.documents()
    (old.root / next(p for p in old.stored() if p.endswith("jpg"))).write_bytes(jpeg(3))
    done = old.catalog("reread", "--json")
    assert (done.status, done.summary["failed"]) == (3, 1)
    assert old.documents() == before


LARGE = jpeg(5) + bytes(600_000)
"""Larger than what is fetched at first of a file far away."""


def forget_readings(lab: Lab) -> dict[str, dict[str, Any]]:
    """As if an older version had read all of it, worse; what is there then."""
    for digest, document in lab.documents().items():
        older = {name: value for name, value in document.items() if name not in OF_OLD}
        lab.ask("PUT", f"{lab.index}/_doc/{digest}?refresh=true", json=older)
    return lab.documents()


def check_read_again(lab: Lab, before: dict[str, dict[str, Any]]) -> None:
    done = lab.catalog("reread", "--json")
    assert (done.status, done.summary["changed"]) == (0, 2), done.err
    after = lab.documents()
    for digest, document in before.items():
        assert after[digest]["camera"]["model"] == "iPhone 12"
        for name in ("phash", "look", "quality", "width", "image_hash", "copies", "problem"):
            assert after[digest].get(name) == document.get(name), name
    again = lab.catalog("reread", "--json")
    assert (again.status, again.summary["changed"], again.summary["unchanged"]) == (0, 0, 2)
    assert lab.documents() == after
    assert lab.catalog("undo", done.summary["run"]).status == 0
    assert all("camera" not in document for document in lab.documents().values())


def test_what_lies_in_dropbox_alone_is_read_there(lab: Lab, dropbox: Emulator) -> None:
    put(lab.source, {"a.jpg": PHOTO, "large.jpg": LARGE, "a.jpg.xmp": XMP})
    assert lab.upload("--dropbox").status == 0
    before = forget_readings(lab)
    lab.root.rename(lab.folder / "unplugged")
    check_read_again(lab, before)


@pytest.mark.parametrize("dialect", ["nextcloud", "plain"])
def test_what_lies_on_a_webdav_server_alone_is_read_there(
    lab: Lab, tmp_path: Path, dialect: str
) -> None:
    with cloud_of(lab, tmp_path, DIALECTS[dialect]) as cloud:
        put(lab.source, {"a.jpg": PHOTO, "large.jpg": LARGE})
        assert lab.upload().status == 0
        assert lab.run("catalog", "store", "add", "cloud", "webdav:Photos").status == 0
        assert lab.run("catalog", "mirror", "nas", "cloud").status == 0
        assert lab.run("sync_catalog_with_disk", "--store", "cloud").status == 0
        before = forget_readings(lab)
        lab.root.rename(lab.folder / "unplugged")
        cloud.clear_calls()
        check_read_again(lab, before)


def test_what_lies_on_this_machine_as_well_is_read_here(lab: Lab, dropbox: Emulator) -> None:
    put(lab.source, {"a.jpg": PHOTO, "large.jpg": LARGE})
    assert lab.upload("--dropbox").status == 0
    forget_readings(lab)
    for record in [path for path in dropbox.files() if path.endswith(".jpg")]:
        dropbox.delete(record)
    assert lab.catalog("reread", "--json").summary["changed"] == 2


def test_it_is_told_in_which_stores_a_file_could_not_be_read(lab: Lab) -> None:
    put(lab.source, {"a.jpg": PHOTO})
    assert lab.upload().status == 0
    lab.root.rename(lab.folder / "unplugged")
    done = lab.catalog("reread", "--json")
    assert (done.status, done.summary["failed"]) == (3, 1)
    (reason,) = (line["reason"] for line in done.lines if line.get("reason"))
    assert "no copy of it can be read now; nas: " in reason and str(lab.root) in reason


def test_a_query_that_is_none_is_refused(old: Lab) -> None:
    assert old.catalog("reread", "taken:[2019").status == 2
