"""`catalog reread`: facts once more from the bytes."""

from __future__ import annotations

from typing import Any

import pytest
from running import MTIME, Lab, jpeg, put

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


def test_a_query_that_is_none_is_refused(old: Lab) -> None:
    assert old.catalog("reread", "taken:[2019").status == 2
