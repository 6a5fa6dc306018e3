"""Films whose clock is in UTC, and photos of the same phone around them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import films
import pytest
from running import Lab, jpeg, put

TOKYO = (35.68, 139.69)
PHOTO = jpeg(1, "2019:07:13 01:20:00", TOKYO)
"""Taken ten minutes before the film, at a place that tells its zone."""
HOME = "2 videos are dated by your home zone"


@pytest.fixture(autouse=True)
def at_home(lab: Lab) -> None:
    lab.variables["CATALOG_HOME_ZONE"] = "Europe/Brussels"


def film(path: Path, model: str = "iPhone 12", seed: int = 0) -> Path:
    about = {"creation_time": films.TAKEN, "com.apple.quicktime.model": model}
    return films.make(path, films.Film(metadata=about, seed=seed), mtime=1_600_000_000)


def captured(lab: Lab, name: str) -> dict[str, Any]:
    (found,) = (d for d in lab.documents().values() if d["original"]["name"] == name)
    return {**found["captured"], "notes": " ".join(found.get("notes", []))}


def test_a_film_is_dated_by_the_photos_of_its_phone_in_one_upload(lab: Lab) -> None:
    film(lab.source / "a.mov")
    film(lab.source / "other.mov", "iPhone 6", 1)
    film(lab.source / "elsewhere" / "b.mov", seed=2)
    put(lab.source, {"z.jpg": PHOTO})
    done = lab.upload()
    assert done.status == 0
    assert HOME in done.err + done.out
    found = captured(lab, "a.mov")
    assert (found["wall"], found["offset_minutes"]) == ("2019-07-13T01:30:15.000", 540)
    assert (found["confidence"], "zone" in found) == ("medium", False)
    assert "z.jpg of the same device" in found["notes"]
    for name in ("other.mov", "b.mov"):
        assert captured(lab, name)["zone"] == "Europe/Brussels"
    paths = [p for d in lab.documents().values() for p in d["paths"]]
    assert any("2019-07-13 01-30-15" in path for path in paths)
    before = lab.documents()
    again = lab.catalog("reread", "--json")
    assert (again.status, again.summary["changed"]) == (0, 0)
    assert lab.documents() == before


def test_a_film_that_comes_alone_is_dated_by_the_photos_that_came_before(lab: Lab) -> None:
    put(lab.source, {"z.jpg": PHOTO})
    assert lab.upload().status == 0
    film(lab.source / "a.mov")
    assert lab.upload("--dryrun").status == 0
    assert lab.upload().status == 0
    assert captured(lab, "a.mov")["offset_minutes"] == 540


def test_a_reread_dates_films_by_photos_that_came_after(lab: Lab) -> None:
    film(lab.source / "a.mov")
    assert lab.upload().status == 0
    assert captured(lab, "a.mov")["offset_minutes"] == 120
    put(lab.source, {"z.jpg": PHOTO})
    assert lab.upload().status == 0
    done = lab.catalog("reread", "--json")
    assert (done.status, done.summary["changed"]) == (0, 1)
    assert captured(lab, "a.mov")["offset_minutes"] == 540
    assert lab.catalog("reread", "--json").summary["changed"] == 0
    assert lab.catalog("undo", done.summary["run"]).status == 0
    assert captured(lab, "a.mov")["zone"] == "Europe/Brussels"


def test_a_sync_dates_a_film_by_the_photos_that_lie_beside_it(lab: Lab) -> None:
    """The photo came from another folder, and lies there now."""
    put(lab.source, {"z.jpg": PHOTO})
    assert lab.upload().status == 0
    (stored,) = (path for path in lab.stored() if path.endswith(".jpg"))
    folder = Path(stored).parent
    film(lab.root / folder / "filmchen" / "a.mov")
    film(lab.root / "1999" / "b.mov", seed=1)
    assert lab.run("sync_catalog_with_disk", "--nas_root", lab.root, "--yes").status == 0
    assert captured(lab, "a.mov")["offset_minutes"] == 540
    assert captured(lab, "b.mov")["zone"] == "Europe/Brussels"
    assert lab.catalog("reread", "--json").summary["changed"] == 0


def test_a_sync_of_a_whole_library_looks_from_the_folder_of_videos_to_the_photos(lab: Lab) -> None:
    film(lab.root / "2019" / "filmchen" / "a.mov")
    put(lab.root, {"2019/z.jpg": PHOTO})
    assert lab.run("sync_catalog_with_disk", "--nas_root", lab.root, "--yes").status == 0
    assert captured(lab, "a.mov")["offset_minutes"] == 540
    assert lab.catalog("reread", "--json").summary["changed"] == 0


def test_what_a_person_said_of_a_film_is_no_witness_for_it(lab: Lab) -> None:
    film(lab.source / "a.mov")
    assert lab.upload().status == 0
    said = "taken=2019-07-12T11:30:15-05:00"
    assert lab.catalog("set", "--query", "", said).status == 0
    assert lab.catalog("reread", "--json").status == 0
    (document,) = lab.documents().values()
    assert document["extracted"]["captured"]["zone"] == "Europe/Brussels"


def test_a_folder_is_looked_at_in_the_same_way(lab: Lab) -> None:
    film(lab.source / "a" / "a.mov")
    film(lab.source / "b" / "b.mov", seed=1)
    put(lab.source, {"a/z.jpg": PHOTO, "c/z.jpg": jpeg(2)})
    done = lab.run("images_in_directory", lab.source, "-r", "--format", "jsonl")
    assert done.status == 0
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [Path(row["path"]).name for row in rows] == ["a.mov", "z.jpg", "b.mov", "z.jpg"]
    assert [row["taken"][:16] for row in rows][::2] == ["2019-07-13T01:30", "2019-07-12T18:30"]


def test_a_film_that_states_its_make_alone_is_dated_by_the_one_model_of_it(lab: Lab) -> None:
    put(lab.source, {"z.jpg": PHOTO})
    assert lab.upload().status == 0
    about = {"creation_time": films.TAKEN, "com.apple.quicktime.make": "apple"}
    films.make(lab.source / "a.mov", films.Film(metadata=about), mtime=1_600_000_000)
    assert lab.upload().status == 0
    found = captured(lab, "a.mov")
    assert found["offset_minutes"] == 540 and "of the same make" in found["notes"]
    assert lab.catalog("reread", "--json").summary["changed"] == 0


# --- photos in later batches ----------------------------------------------------------------------


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few files at a time, as if the folder had some thousand."""
    monkeypatch.setattr("catalog.features.ingest.batch.BATCH", 2)
    monkeypatch.setattr("catalog.features.reconcile.index.BATCH", 2)
    monkeypatch.setattr("catalog.features.reread.run.AT_ONCE", 2)


def many(folder: Path) -> None:
    """A film first, then photos that say nothing of its clock, then one that does."""
    film(folder / "a" / "a.mov")
    for number in range(6):
        put(folder, {f"a/b{number}.jpg": jpeg(number + 10, "2019:07:12 10:00:00")})
    put(folder, {"a/z.jpg": PHOTO, "b/other.jpg": jpeg(2, "2019:07:12 10:00:00")})


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("options", [(), ("--move",), ("--dryrun",)])
def test_a_film_waits_for_the_photos_of_its_folder_before_it_is_named(
    lab: Lab, options: tuple[str, ...]
) -> None:
    many(lab.source)
    done = lab.upload("--json", *options)
    assert done.status == 0
    (line,) = (line for line in done.lines if line.get("path", "").endswith("a.mov"))
    assert Path(line["target"]).name == "2019-07-13 01-30-15.mov"
    assert done.summary["new" if options != ("--dryrun",) else "planned"] == 9
    if options == ("--dryrun",):
        return
    assert captured(lab, "a.mov")["offset_minutes"] == 540
    left = [path for path in lab.source.rglob("*") if path.is_file()]
    assert bool(left) == (options != ("--move",))
    assert lab.catalog("reread", "--json").summary["changed"] == 0
    assert lab.upload("--json").summary["new"] == 0


@pytest.mark.usefixtures("small_batches")
def test_a_film_whose_shot_has_a_file_that_cannot_be_read_stays_with_it(lab: Lab) -> None:
    many(lab.source)
    put(lab.source, {"a/a.jpg": b""})
    done = lab.upload("--json", "--move")
    assert done.status == 3
    assert sorted(p.name for p in lab.source.rglob("*") if p.is_file()) == ["a.jpg", "a.mov"]
    assert captured(lab, "a.mov")["offset_minutes"] == 540


@pytest.mark.usefixtures("small_batches")
def test_a_sync_dates_a_film_by_photos_that_it_reads_later(lab: Lab) -> None:
    many(lab.root)
    sync = ("sync_catalog_with_disk", "--nas_root", lab.root, "--yes")
    assert lab.run(*sync).status == 0
    assert captured(lab, "a.mov")["offset_minutes"] == 540
    assert lab.catalog("reread", "--json").summary["changed"] == 0
    assert lab.run(*sync, "--json").summary["unchanged"] == 9


@pytest.mark.usefixtures("small_batches")
def test_a_reread_dates_films_by_what_it_read_of_photos_in_the_same_run(lab: Lab) -> None:
    many(lab.source)
    assert lab.upload().status == 0
    before = {h: d["captured"] for h, d in lab.documents().items()}
    for digest, document in lab.documents().items():  # of no photo was the offset known then
        unknown = ("offset_minutes", "instant", "zone")
        clock = {k: v for k, v in document["captured"].items() if k not in unknown}
        older = {**document, "captured": clock, "reader": 1}
        lab.ask("PUT", f"{lab.index}/_doc/{digest}?refresh=true", json=older)
    assert lab.catalog("reread").status == 0
    assert {h: d["captured"] for h, d in lab.documents().items()} == before
    assert lab.catalog("reread", "--json").summary["changed"] == 0
