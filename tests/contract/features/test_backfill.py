"""All that is made of assets to be looked at, as a program that shows them asks for it."""

from __future__ import annotations

import io
import shutil
import time
from pathlib import Path

import pytest
from PIL import Image
from running import Lab, clip, jpeg, put

from catalog.config import load
from catalog.features.renditions.maker import SIDES, RenditionMaker
from catalog.work.progress import NoProgress
from catalog.work.workspace import Workspace


@pytest.fixture
def workspace(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The settings of the laboratory's machine."""
    for name, value in lab.environment().items():
        monkeypatch.setenv(name, value)
    return Workspace(load(), NoProgress())


def test_a_catalog_without_pictures_gets_them_in_the_background(lab: Lab, workspace: Workspace):
    put(lab.source, {f"{n}.jpg": jpeg(n, size=500) for n in range(5)} | {"cut.jpg": jpeg(9)[:300]})
    assert lab.upload(CATALOG_PREVIEWS="off").status in (0, 3)
    documents = lab.documents()
    with RenditionMaker(workspace) as maker:
        assert [maker.kept(name, SIDES[0]) for name in documents] == [None] * len(documents)
        filling = maker.fill()
        assert filling is not None
        end = time.monotonic() + 100
        while filling.state.made < 5 and time.monotonic() < end:
            time.sleep(0.05)
        found = [maker.kept(name, SIDES[0]) for name in documents]
        assert sum(data is not None for data in found) == 5
    with RenditionMaker(workspace) as maker:
        shutil.rmtree(lab.root)
        name, document = next((n, d) for n, d in documents.items() if d.get("width") == 500)
        small = maker.picture(document, SIDES[0]).result(60)
        assert small.data in found and small.lasting
        large = maker.picture(document, SIDES[2]).result(60)
        assert not large.lasting and large.reason, "the tiny picture of the index, for now"
        assert maker.kept(name, SIDES[2]) is None


def test_one_maker_gives_pictures_films_and_originals(lab: Lab, workspace: Workspace):
    clip(lab.source / "c.mp4")
    put(lab.source, {"a.jpg": jpeg("a", size=2000)})
    assert lab.upload().status == 0
    found = {document["kind"]: document for document in lab.documents().values()}
    with RenditionMaker(workspace) as maker:
        for side in SIDES:
            picture = maker.picture(found["image"], side).result(60)
            with Image.open(io.BytesIO(picture.data)) as shown:
                assert (shown.format, max(shown.size)) == ("WEBP", side)
        original = maker.original(found["image"])
        assert original is not None
        assert b"".join(original.open_range()) == (lab.source / "a.jpg").read_bytes()
        end = time.monotonic() + 100
        film = maker.film(found["video"])
        while film.path is None and not film.reason and time.monotonic() < end:
            time.sleep(0.05)
            film = maker.film(found["video"])
        assert film.path is not None and film.path.is_file(), film.reason
    (previews,) = lab.home.glob("cache/*/previews")
    assert {path.name for path in Path(previews).iterdir()} == {"small", "large", "films"}
