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
    assert times(lab) == BOTH
    assert lab.catalog("refile").status == 0
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


def set_time(lab: Lab, *words: str) -> Any:
    done = lab.catalog("set", *words, "--json")
    assert done.status == 0, done.err
    return done


@pytest.mark.parametrize("role", ["still", "live"])
def test_a_time_that_a_person_says_is_that_of_the_whole_shot(live: Lab, role: str) -> None:
    before = live.documents()
    one = by_role(live)[role]["hash"]
    shown = live.catalog("set", one, "taken=2018-01-02 03:04:05", "--dryrun", "--json")
    assert shown.summary["planned"] == 2
    assert live.documents() == before
    done = set_time(live, one, "taken=2018-01-02 03:04:05", "rating=4")
    assert done.summary["changed"] == 2
    assert {wall for wall, _source in times(live).values()} == {"2018-01-02T03:04:05"}
    rated = [role for role, d in by_role(live).items() if d.get("rating") == 4]
    assert rated == [role]  # the time alone is the shot's
    assert live.catalog("reread", "--json").summary["changed"] == 0
    assert live.catalog("refile").status == 0
    assert agree(live)
    assert live.catalog("undo", done.summary["run"]).status == 0
    assert times(live) == BOTH


def test_a_shift_moves_the_files_of_a_shot_alike_and_once(live: Lab) -> None:
    one = by_role(live)["live"]["hash"]
    shifts = (
        (one, "taken+=1h"),
        ("--query", "kind:image", "taken-=1h"),
        ("--query", "", "taken+=1d"),
    )
    for words, wall in zip(shifts, ("12T19", "12T18", "13T18"), strict=True):
        assert set_time(live, *words).summary["changed"] == 2
        walls = {wall for wall, _source in times(live).values()}
        assert walls == {f"2019-07-{wall}:30:15"}
    set_time(live, one, "taken=")
    assert times(live) == BOTH
    set_time(live, "--query", "kind:video", "--by", f"{one}=2019-07-12 17:30:15")
    assert {wall for wall, _source in times(live).values()} == {"2019-07-12T17:30:15"}


def test_a_title_is_of_the_file_that_was_named(live: Lab) -> None:
    assert set_time(live, by_role(live)["still"]["hash"], "title=Sea").summary["changed"] == 1
    assert "title" not in by_role(live)["live"]


# --- a member that comes later --------------------------------------------------------------------


def test_a_surer_member_that_comes_later_leads_the_others_of_its_shot(lab: Lab) -> None:
    """The movie of a Live Photo states its id and UTC; its still comes the day after."""
    clip(lab.source / "IMG_1.MOV", "2019-07-12T16:30:15.000000Z")
    assert lab.upload().status == 0
    alone = lab.documents()
    put(lab.source, {"IMG_1.JPG": STILL})
    done = lab.upload("--json")
    assert done.status == 0
    assert times(lab) == BOTH
    assert lab.catalog("reread", "--json").summary["changed"] == 0
    assert "refile" in lab.upload("--json").out + done.out + done.err
    assert lab.catalog("refile").status == 0
    assert agree(lab)
    assert lab.catalog("undo", done.summary["run"]).status in (0, 3)
    (movie,) = (d for h, d in lab.documents().items() if h in alone)
    assert movie["captured"] == next(iter(alone.values()))["captured"]


def test_it_does_so_where_a_sync_finds_the_surer_one_later(lab: Lab) -> None:
    (lab.root / "by hand").mkdir(parents=True)
    clip(lab.root / "by hand/IMG_1.MOV", "2019-07-12T16:30:15.000000Z")
    sync = ("sync_catalog_with_disk", "--nas_root", lab.root)
    assert lab.run(*sync).status == 0
    alone = lab.documents()
    put(lab.root, {"by hand/IMG_1.JPG": STILL})
    done = lab.run(*sync, "--json")
    assert done.status == 0
    assert times(lab) == BOTH
    assert lab.catalog("reread", "--json").summary["changed"] == 0
    lab.catalog("undo", done.summary["run"])  # what a sync found stays
    (movie,) = (d for h, d in lab.documents().items() if h in alone)
    assert movie["captured"] == next(iter(alone.values()))["captured"]


def test_what_a_person_said_of_a_known_member_stays_where_a_surer_one_comes(lab: Lab) -> None:
    clip(lab.source / "IMG_1.MOV", "2019-07-12T16:30:15.000000Z")
    assert lab.upload().status == 0
    set_time(lab, "--query", "", "taken=2018-01-02 03:04:05")
    put(lab.source, {"IMG_1.JPG": STILL})
    assert lab.upload().status == 0
    assert times(lab)["live"] == ("2018-01-02T03:04:05", "person")
    assert by_role(lab)["live"]["extracted"]["captured"]["source"] == OF_STILL


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
