"""Where an undo puts files back: into the folder that is there under an equal name."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from running import Lab, jpeg, put

NFC, NFD = (unicodedata.normalize(form, "Été") for form in ("NFC", "NFD"))
OTHERS = [pytest.param(NFC, NFD, id="form"), pytest.param("Best", "BEST", id="case")]


def last_run(lab: Lab) -> str:
    return max(event["run"] for event in lab.documents("events").values())


@pytest.mark.parametrize(("name", "other"), OTHERS)
def test_a_file_comes_back_from_the_trash_into_the_folder_of_an_equal_name(
    lab: Lab, name: str, other: str
) -> None:
    put(lab.source, {"2.jpg": jpeg(2)})
    assert lab.upload().status == 0
    before = {*lab.stored()}
    put(lab.root, {f"{name}/1.jpg": jpeg(1), f"{name}/1.jpg.xmp": b"<x/>"})
    assert lab.run("sync_catalog_with_disk", "--nas_root", lab.root).status == 0
    assert lab.catalog("forget", f"{name}/1.jpg", "--with-files").status == 0
    run = last_run(lab)
    (lab.root / name).rename(lab.root / other)
    assert lab.catalog("undo", run, "--dryrun").status == 0
    assert lab.catalog("undo", run).status == 0
    assert {*lab.stored()} == {f"{other}/1.jpg", f"{other}/1.jpg.xmp", *before}
    assert not (lab.root / name).exists()
    lab.check_no_ghosts()
    assert lab.catalog("undo", last_run(lab), "--yes").status == 0
    assert {*lab.stored()} == before


@pytest.mark.parametrize(("name", "other"), OTHERS)
def test_a_source_comes_back_into_the_folder_of_an_equal_name(
    lab: Lab, name: str, other: str
) -> None:
    put(lab.source, {f"{name}/1.jpg": jpeg(1), "2.pdf": b"stays"})
    assert lab.upload("--move").status == 0
    (lab.source / name).rename(lab.source / other)
    run = last_run(lab)
    assert lab.catalog("undo", run).status == 0
    assert (lab.source / other / "1.jpg").read_bytes() == jpeg(1)
    assert not (lab.source / name).exists()
    told = [e["source"] for e in lab.documents("events").values() if e["action"] == "putback"]
    assert [Path(source).parent.name for source in told] == [other]
    again = lab.catalog("undo", run, "--json")
    assert again.status == 0 and again.summary["undone"] == 0
