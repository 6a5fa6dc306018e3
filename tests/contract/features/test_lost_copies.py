"""A copy that was lost and is stored again, under another name: it takes the place of the record of
the lost one.
"""

from __future__ import annotations

from typing import Any

import pytest
from running import Lab, jpeg, put

from catalog.domain.fixity import content_hash

PHOTO = jpeg(1)
CORRECTED = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:DateTimeOriginal="2015-05-05T05:05:05"/></rdf:RDF>
</x:xmpmeta>"""


@pytest.fixture
def kept(lab: Lab) -> Lab:
    put(lab.source, {"a.jpg": PHOTO, "b.jpg": jpeg(2)})
    assert lab.upload().status == 0
    return lab


def copies(lab: Lab) -> list[tuple[str, str, str]]:
    rows = lab.documents()[content_hash(PHOTO)]["copies"]
    return [(row["store"], row["path"], row["state"]) for row in rows]


def told(lab: Lab, action: str) -> list[dict[str, Any]]:
    return [e for e in lab.documents("events").values() if e["action"] == action]


def lose(lab: Lab, *, noticed: bool) -> str:
    """Its file is deleted behind the catalog's back."""
    ((_store, path, _state),) = copies(lab)
    (lab.root / path).unlink()
    if noticed:
        done = lab.run("sync_catalog_with_disk", "--nas_root", lab.root, "--accept-losses")
        assert done.status == 0
        assert copies(lab) == [("nas", path, "missing")]
    return path


@pytest.mark.parametrize("noticed", [True, False])
def test_an_upload_under_a_corrected_date_leaves_no_record_of_the_lost_copy(
    kept: Lab, noticed: bool
) -> None:
    old = lose(kept, noticed=noticed)
    put(kept.source, {"a.jpg.xmp": CORRECTED})
    done = kept.upload()
    assert (done.status, done.summary["new"]) == (0, 1)
    ((store, path, state),) = copies(kept)
    assert (store, state) == ("nas", "ok") and path.startswith("2015/05_May/2015-05-05 05-05-05")
    (event,) = told(kept, "supersede")
    assert (event["path"], event["before"]["copies"][0]["state"]) == (old, "missing")
    kept.check_no_ghosts()
    assert kept.catalog("undo", done.summary["run"]).status == 0
    assert copies(kept) == [("nas", old, "missing")]


def test_a_sync_that_finds_it_again_leaves_none_either(kept: Lab) -> None:
    lose(kept, noticed=True)
    put(kept.root, {"found/again.jpg": PHOTO, "found/twice.jpg": PHOTO})
    assert kept.run("sync_catalog_with_disk", "--nas_root", kept.root).status == 0
    assert sorted(copies(kept)) == [
        ("nas", "found/again.jpg", "ok"),
        ("nas", "found/twice.jpg", "ok"),
    ]
    kept.check_no_ghosts()
