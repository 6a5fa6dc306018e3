"""The files of one shot carry one capture time: what their records say and how they are named
agree, however they came and were read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from running import Lab, clip, jpeg, put
from test_moves import raw

from catalog.domain.dated_names import from_file_name

STILL = jpeg("live", "2019:07:12 18:30:15")
OF_STILL = "shot:exif:DateTimeOriginal"
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:DateTimeOriginal="%s"/></rdf:RDF></x:xmpmeta>"""


@pytest.fixture
def live(lab: Lab) -> Lab:
    """A still that tells its local time, and its movie, which knows UTC only."""
    put(lab.source, {"IMG_1.JPG": STILL})
    clip(lab.source / "IMG_1.MOV", "2019-07-12T16:30:15.000000Z")
    assert lab.upload().status == 0
    return lab


def by_role(lab: Lab) -> dict[str, dict[str, Any]]:
    return {d.get("stack", {}).get("role", ""): d for d in lab.documents().values()}


def times(lab: Lab) -> dict[str, tuple[str, str]]:
    """Wall clock and its source, by role."""
    captured = {role: d["captured"] for role, d in by_role(lab).items()}
    return {role: (c["wall"][:19], c["source"]) for role, c in captured.items()}


def agree(lab: Lab) -> bool:
    """Whether every record says what the name of its file does."""
    return all(
        (told := from_file_name(Path(d["copies"][0]["path"]).name)) is not None
        and told.wall.isoformat() == d["captured"]["wall"][:19]
        for d in lab.documents().values()
    )


BOTH = {
    "still": ("2019-07-12T18:30:15", "exif:DateTimeOriginal"),
    "live": ("2019-07-12T18:30:15", OF_STILL),
}


def test_the_movie_of_a_live_photo_carries_the_time_of_its_still(live: Lab) -> None:
    assert times(live) == BOTH
    assert agree(live)
    assert by_role(live)["live"]["captured"]["confidence"] == "high"
    before = live.documents()
    done = live.catalog("reread", "--json", CATALOG_HOME_ZONE="Asia/Tokyo")
    assert (done.status, done.summary["changed"], done.summary["unchanged"]) == (0, 0, 2)
    assert {h: d["captured"] for h, d in live.documents().items()} == {
        h: d["captured"] for h, d in before.items()
    }


def test_it_does_so_where_a_sync_finds_both(lab: Lab) -> None:
    put(lab.root, {"by hand/IMG_1.JPG": STILL})
    clip(lab.root / "by hand/IMG_1.MOV", "2019-07-12T16:30:15.000000Z")
    assert lab.run("sync_catalog_with_disk", "--nas_root", lab.root).status == 0
    assert times(lab) == BOTH


def test_it_does_so_where_an_old_catalog_is_imported(lab: Lab) -> None:
    put(lab.source, {"2019/By the sea/IMG_1.JPG": STILL})
    clip(lab.source / "2019/By the sea/IMG_1.MOV", "2019-07-12T16:30:15.000000Z")
    done = lab.run("import_old_catalog", lab.source, "2019", "--nas_root", lab.root, "--json")
    assert (done.status, done.summary["new"]) == (0, 2)
    assert times(lab) == BOTH
    assert agree(lab)


def test_an_index_that_is_made_from_the_disk_alone_says_what_the_names_do(live: Lab) -> None:
    anew = Lab(live.folder, live.node, f"{live.index}-again")
    assert anew.catalog("rebuild", live.root).status == 0
    assert {wall for wall, _source in times(anew).values()} == {"2019-07-12T18:30:15"}
    assert agree(anew)


def test_what_an_earlier_version_recorded_is_put_right_from_either_side(live: Lab) -> None:
    for query in ("kind:video", "kind:image"):
        movie = by_role(live)["live"]
        older = {
            "wall": "2019-07-12T16:30:15.000",
            "source": "quicktime:CreateDate",
            "confidence": "medium",
            "has_time": True,
        }
        url = f"{live.index}/_doc/{movie['hash']}?refresh=true"
        live.ask("PUT", url, json={**movie, "captured": older})
        done = live.catalog("reread", query, "--json")
        assert (done.status, done.summary["changed"]) == (0, 1)
        assert times(live) == BOTH
    assert live.catalog("undo", done.summary["run"]).status == 0
    assert times(live)["live"] == ("2019-07-12T16:30:15", "quicktime:CreateDate")


def test_the_whole_shot_follows_a_sidecar_that_corrects_one_of_it(live: Lab) -> None:
    still = live.root / by_role(live)["still"]["copies"][0]["path"]
    Path(f"{still}.xmp").write_bytes(XMP % b"2019-07-12T10:00:00")
    assert live.run("sync_catalog_with_disk", "--nas_root", live.root).status == 0
    assert times(live) == {
        "still": ("2019-07-12T10:00:00", "sidecar:DateTimeOriginal"),
        "live": ("2019-07-12T10:00:00", "shot:sidecar:DateTimeOriginal"),
    }


def test_a_still_is_not_named_by_a_movie_that_came_before_it(lab: Lab) -> None:
    clip(lab.source / "IMG_1.MOV", "2019-07-12T16:30:15.000000Z")
    assert lab.upload().status == 0
    put(lab.source, {"IMG_1.JPG": STILL})
    assert lab.upload().status == 0
    assert times(lab)["still"] == BOTH["still"]
    assert agree(lab)


def test_a_raw_beside_a_jpeg_that_a_sidecar_corrects_is_of_its_shot_and_follows(lab: Lab) -> None:
    put(lab.source, {"a.jpg": STILL, "a.dng": raw(1, "2019:07:12 18:30:15")})
    put(lab.source, {"a.jpg.xmp": XMP % b"1975-08-01T12:00:00"})
    assert lab.upload().status == 0
    assert times(lab) == {
        "jpeg": ("1975-08-01T12:00:00", "sidecar:DateTimeOriginal"),
        "raw": ("1975-08-01T12:00:00", "shot:sidecar:DateTimeOriginal"),
    }
    assert agree(lab)


def test_a_time_that_the_catalog_made_does_not_come_back_as_what_a_file_is_called(
    lab: Lab,
) -> None:
    put(lab.source, {"plain.jpg": jpeg(2, taken=None)})
    assert lab.upload().status == 0
    (before,) = lab.documents().values()
    path = lab.root / before["copies"][0]["path"]
    rated = (XMP % b"").replace(b'exif:DateTimeOriginal=""', b'exif:Dummy=""')
    Path(f"{path}.xmp").write_bytes(rated)
    assert lab.run("sync_catalog_with_disk", "--nas_root", lab.root).status == 0
    (after,) = lab.documents().values()
    assert len(after["sidecars"]) == 1
    assert after["captured"] == before["captured"]
    assert after["captured"]["source"] == "mtime"
