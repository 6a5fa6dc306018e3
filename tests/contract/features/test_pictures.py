"""Small pictures are made while files are read, and are there when somebody looks."""

from __future__ import annotations

import io
import json
from pathlib import Path

from PIL import Image
from running import Lab, clip, jpeg, png, put

from catalog.features.renditions.store import RenditionStore

GRID = 320


def pictures(lab: Lab) -> RenditionStore:
    """The small pictures of a laboratory's machine."""
    (folder,) = lab.home.glob("cache/*/previews/small")
    return RenditionStore(folder, 1_000_000_000)


def kept(lab: Lab) -> dict[str, tuple[int, int]]:
    """The size of each asset's small picture, by its path in the source; assets without one are
    left out.
    """
    store, found = pictures(lab), {}
    for name, document in lab.documents().items():
        data = store.get(name, GRID)
        if data is not None:
            with Image.open(io.BytesIO(data)) as shown:
                assert shown.format == "WEBP"
                found[Path(document["original"]["path"]).name] = shown.size
    store.close()
    return found


def test_an_upload_makes_a_small_picture_of_all_that_it_reads(lab: Lab):
    clip(lab.source / "c.mp4")
    whole = jpeg("cut", size=600)
    put(
        lab.source,
        {
            "a.jpg": jpeg("a", size=600),
            "again/a.jpg": jpeg("a", size=600),
            "b.png": png("b"),
            "broken.jpg": whole[:400],
        },
    )
    assert lab.upload("--recursive").status in (0, 3)
    assert kept(lab) == {"a.jpg": (320, 320), "b.png": (24, 24), "c.mp4": (64, 48)}


def test_nothing_is_made_where_nobody_wants_it_or_nothing_is_to_be_written(lab: Lab):
    put(lab.source, {"a.jpg": jpeg("a", size=600)})
    assert lab.upload("--dryrun").status == 0
    assert lab.upload(CATALOG_PREVIEWS="off").status == 0
    assert not list(lab.home.glob("cache/*/previews"))
    assert lab.catalog("reread").status == 0
    assert kept(lab) == {"a.jpg": (320, 320)}


def test_a_sync_makes_pictures_of_what_it_finds(lab: Lab):
    put(lab.source, {"a.jpg": jpeg("a", size=600)})
    assert lab.upload().status == 0
    put(lab.root, {"new.jpg": jpeg("new", size=500)})
    assert lab.run("sync_catalog_with_disk", "--nas_root", lab.root).status == 0
    assert kept(lab) == {"a.jpg": (320, 320), "new.jpg": (320, 320)}


def test_pictures_that_cannot_be_kept_stop_no_upload(lab: Lab):
    put(lab.source, {"a.jpg": jpeg("a", size=600)})
    (lab.home / "file").touch()
    assert lab.upload(CATALOG_PREVIEW_DIR=str(lab.home / "file")).status == 0
    assert len(lab.documents()) == 1


def test_doctor_tells_what_pictures_take(lab: Lab):
    def told(**settings: str) -> tuple[str, str]:
        lines = lab.catalog("doctor", "--json", **settings).out.splitlines()
        rows = [json.loads(line) for line in lines]
        (row,) = [row for row in rows if row.get("check") == "previews"]
        return row["state"], row["text"]

    state, text = told()
    assert state == "ok" and "small 0 B of 20.0 GB" in text
    assert not list(lab.home.glob("cache/*/previews")), "it changes nothing"
    put(lab.source, {"a.jpg": jpeg("a", size=600)})
    assert lab.upload().status == 0
    assert "small 0 B" not in told()[1]
    assert "none are made" in told(CATALOG_PREVIEWS="off")[1]
    (lab.home / "file").touch()
    assert told(CATALOG_PREVIEW_DIR=str(lab.home / "file"))[0] == "warning"
