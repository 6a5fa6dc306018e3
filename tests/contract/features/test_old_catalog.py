"""The import of an old catalog and the checks beside it, as a person meets them;
and the faults of the old tools, gone.
"""

from __future__ import annotations

import os
import shutil
import signal
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from running import (
    GHENT,
    Done,
    Lab,
    clear,
    clip,
    ended,
    files_in,
    hashes,
    jpeg,
    many,
    png,
    put,
    tree,
    wait_for,
)

from catalog.domain.fixity import content_hash
from catalog.errors import FixityMismatch
from catalog.stores.local.store import LocalStore
from catalog.work.workers import ReaderPool

TAKEN = "2015:07:12 18:30:15"
STAMP = "2015-07-12 18-30-15"
JULY = "2015/07_July"


def importing(
    lab: Lab, *arguments: object, years: tuple[str, ...] = ("2015",), **more: str
) -> Done:
    return lab.run(
        "import_old_catalog",
        lab.source,
        *years,
        "--nas_root",
        lab.root,
        "--json",
        *arguments,
        **more,
    )


def shot(seed: object, taken: str | None = TAKEN, **more: Any) -> bytes:
    return jpeg(seed, taken, **more)


def albums(lab: Lab) -> dict[str, list[str]]:
    """Albums by content hash, of those that are in any."""
    return {h: d["albums"] for h, d in lab.documents().items() if "albums" in d}


# --- months and albums ----------------------------------------------------------------------------


def test_months_are_named_by_the_layout_and_albums_keep_place_and_names(lab: Lab) -> None:
    put(
        lab.source,
        {
            "2015/07_Juli/IMG_0001.JPG": shot(1, position=GHENT),
            "2015/07_Juli/Whatsapp/IMG-20150713-WA0001.jpg": shot(2, None),
            "2015/07_Juli/Oma und Opa.jpg": shot(3, "2015:07:12 18:30:16"),
            "2015/07_Juli/Grillen/Steak.jpg": shot(4),
            "2015/Holiday/IMG_1234.jpg": shot(5),
            "2015/Holiday/Oma und Opa.JPG": shot(6),
            "2015/Holiday/Day 1/Strand.png": png(7),
            "2015/Holiday/RAW_0001.JPG": shot(8, "2015:07:14 10:00:00"),
            "2015/Holiday/RAW_0001.JPG.xmp": b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
            "2015/beside.jpg": shot(9, "2015:03:01 10:00:00"),
            "2015/notes.txt": b"not a photo",
            "2014/12_Dezember/other.jpg": shot(10, "2014:12:01 10:00:00"),
        },
    )
    clip(lab.source / "2015/07_Juli/filmchen/a.mov", "2015-07-12T16:30:15.000000Z")
    clip(lab.source / "2015/Holiday/Tanz.mov", "2015-07-12T17:30:15.000000Z")
    before = tree(lab.source)
    done = importing(lab, CATALOG_HOME_ZONE="Europe/Brussels")
    assert (done.status, done.summary["new"], done.summary["failed"]) == (0, 11, 0)
    assert done.err.startswith("2 videos are dated by your home zone Europe/Brussels")
    assert set(lab.stored()) == {
        f"{JULY}/{STAMP} Ghent.jpg",
        f"{JULY}/Whatsapp/2015-07-13 @ IMG-20150713-WA0001.jpg",
        f"{JULY}/2015-07-12 18-30-16.jpg",
        f"{JULY}/filmchen/{STAMP}.mov",
        f"2015/07_Juli/Grillen/Steak {STAMP}.jpg",
        f"2015/Holiday/{STAMP}.jpg",
        f"2015/Holiday/Oma und Opa {STAMP}.jpg",
        "2015/Holiday/Day 1/Strand.png",
        "2015/Holiday/2015-07-14 10-00-00.jpg",
        "2015/Holiday/2015-07-14 10-00-00.jpg.xmp",
        "2015/Holiday/Tanz 2015-07-12 19-30-15.mov",
        "2015/03_March/2015-03-01 10-00-00.jpg",
    }
    assert albums(lab)[content_hash(shot(4))] == ["Grillen"]
    assert albums(lab)[content_hash(png(7))] == ["Holiday/Day 1"]
    assert sorted(map(tuple, albums(lab).values())) == [
        ("Grillen",),
        *[("Holiday",)] * 4,
        ("Holiday/Day 1",),
    ]
    lab.check_no_ghosts()
    assert tree(lab.source) == before
    assert lab.catalog("search", "albums:Holiday", "--format", "count").out == "5\n"


def test_importing_again_stores_and_reads_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(
        lab.source,
        {
            f"{JULY}/a.jpg": shot(1),
            "2015/Fest/b.jpg": shot(1),
            "2015/Fest/c.jpg": shot(2),
            f"{JULY}/c.jpg": shot(2),
        },
    )
    first = importing(lab)
    assert (first.status, first.summary["new"]) == (0, 4)
    before, state = lab.outcome(), albums(lab)
    asked: list[str] = []
    real = ReaderPool.run

    def watched(self: Any, requests: Any) -> Any:
        def seen() -> Any:
            for item in requests:
                asked.extend([item[1].path] if item and item[1] else [])
                yield item

        return real(self, seen())

    monkeypatch.setattr(ReaderPool, "run", watched)
    again = importing(lab)
    assert (again.status, again.summary["new"], again.summary["duplicate"]) == (0, 0, 4)
    assert asked == []
    for path in lab.source.rglob("*.jpg"):
        path.touch()  # now every file is read again
    again = importing(lab)
    assert (again.status, again.summary["new"], again.summary["duplicate"]) == (0, 0, 4)
    assert (lab.outcome(), albums(lab)) == (before, state)


def test_a_duplicate_is_wanted_in_an_album_and_stored_once_there(lab: Lab) -> None:
    digest = content_hash(shot(1))
    put(
        lab.source,
        {
            f"{JULY}/IMG_0001.jpg": shot(1),
            f"{JULY}/IMG_0001 (copy).jpg": shot(1),
            "2015/Fest/Kuchen.jpg": shot(1),
            "2015/Fest/Torte.jpg": shot(1),
            "2015/Feier/Kuchen.jpg": shot(1),
            "2015/Feier/Torte.jpg": shot(2),
        },
    )
    done = importing(lab)
    assert (done.status, done.summary["new"], done.summary["duplicate"]) == (0, 4, 2)
    document = lab.documents()[digest]
    paths = [
        f"{JULY}/{STAMP}.jpg",
        f"2015/Feier/Kuchen {STAMP}.jpg",
        f"2015/Fest/Kuchen {STAMP}.jpg",
    ]
    assert sorted(c["path"] for c in document["copies"]) == sorted(paths) == document["paths"]
    assert (document["albums"], document["copy_count"], document["stores"]) == (
        ["Feier", "Fest"],
        3,
        ["nas"],
    )
    lab.check_no_ghosts()
    told = [
        (e["path"], e["before"], e["after"])
        for e in lab.documents("events").values()
        if e["action"] == "album"
    ]
    assert sorted(told) == [
        (f"2015/Feier/Kuchen {STAMP}.jpg", {"albums": None}, {"albums": ["Feier"]}),
        (f"2015/Fest/Kuchen {STAMP}.jpg", {"albums": ["Feier"]}, {"albums": ["Feier", "Fest"]}),
    ]


def test_what_was_uploaded_before_joins_its_album_and_is_a_duplicate_in_its_month(lab: Lab) -> None:
    other = lab.folder / "other"
    put(other, {"x.jpg": shot(1), "y.jpg": shot(2)})
    assert lab.upload(source=other).status == 0
    put(
        lab.source,
        {f"{JULY}/a.jpg": shot(1), "2015/Fest/b.jpg": shot(2), "2015/Fest/b.xmp": b"<x/>"},
    )
    done = importing(lab)
    assert (done.status, done.summary["new"], done.summary["duplicate"]) == (0, 1, 1)
    document = lab.documents()[content_hash(shot(2))]
    assert document["albums"] == ["Fest"] and [s["path"] for s in document["sidecars"]] == [
        f"2015/Fest/b {STAMP}.xmp"
    ]
    lab.check_no_ghosts()


def test_a_lost_album_copy_is_made_again_and_a_present_one_is_recorded(lab: Lab) -> None:
    put(lab.source, {f"{JULY}/a.jpg": shot(1), "2015/Fest/b.jpg": shot(1)})
    assert importing(lab).status == 0
    before = lab.outcome()
    (lab.root / f"2015/Fest/b {STAMP}.jpg").unlink()
    assert importing(lab).summary["new"] == 1
    assert lab.outcome() == before
    for name in lab.ask("GET", f"{lab.index}*"):
        lab.ask("DELETE", name)
    assert importing(lab).status == 4  # by its marker it is the store of another catalog
    (lab.root / ".catalog" / "store.json").unlink()
    done = importing(lab)
    assert (done.status, done.summary["new"], done.summary["bytes"]) == (0, 2, 0)
    assert lab.outcome() == before and albums(lab) == {content_hash(shot(1)): ["Fest"]}


def test_only_the_months_and_years_that_are_named(lab: Lab) -> None:
    put(
        lab.source,
        {
            f"{JULY}/a.jpg": shot(1),
            f"{JULY}/Fest/b.jpg": shot(2),
            "2015/08/c.jpg": shot(3),
            "2015/Reise/d.jpg": shot(4),
            "2016/07 July/e.jpg": shot(5),
        },
    )
    assert importing(lab, "--month", 7).summary["new"] == 2
    assert set(lab.documents()) == {content_hash(shot(n)) for n in (1, 2)}
    assert (
        importing(lab, "--month", "7", "--month", "8", years=("2015", "2016")).summary["new"] == 2
    )
    assert importing(lab, years=("2015", "2016", "2015")).summary["new"] == 1
    assert len(lab.documents()) == 5


def test_a_dry_run_tells_what_the_real_run_does_and_changes_nothing(lab: Lab) -> None:
    put(
        lab.source,
        {
            f"{JULY}/a.jpg": shot(1),
            "2015/Fest/b.jpg": shot(1),
            "2015/Fest/c.jpg": shot(1),
            "2015/Oma/d.jpg": shot(2),
        },
    )
    before = tree(lab.folder / "source")
    dry = importing(lab, "--dryrun")
    assert (dry.status, dry.summary["planned"], dry.summary["duplicate"]) == (0, 3, 1)
    assert (
        not lab.root.exists()
        and lab.ask("GET", f"{lab.index}*") == {}
        and tree(lab.source) == before
    )
    limited = importing(lab, "--dryrun", "--limit", 2)
    assert (
        limited.lines[:-1] == dry.lines[:3] and limited.summary["planned"] == 2
    )  # what is skipped does not count
    assert importing(lab, "--limit", 2).summary["new"] == 2
    assert importing(lab).summary["new"] == 1
    assert {line["target"] for line in dry.lines[:-1]} == set(lab.stored())
    lab.check_no_ghosts()


def test_killed_and_run_again_the_end_state_is_that_of_an_undisturbed_run(lab: Lab) -> None:
    many(lab.source / JULY, 60)
    many(lab.source / "2015/Fest", 60)
    put(lab.source, {f"2015/Oma/{n}.jpg": shot(n) for n in range(20)})
    assert importing(lab).status == 0
    wanted, state = lab.outcome(), albums(lab)
    assert len(wanted[0]) == 140 and len(wanted[1]) == 80
    killed = 0
    for count in (5, 75, 130):
        clear(lab)
        process = lab.start(
            "import_old_catalog", lab.source, "2015", "--nas_root", lab.root, "--json"
        )
        wait_for(lambda count=count: files_in(lab.root) >= count, process)  # type: ignore[misc]
        process.kill()
        killed += ended_by_kill(process)
        assert importing(lab).status == 0
        assert (lab.outcome(), albums(lab)) == (wanted, state)
        lab.check_no_ghosts()
    assert killed


def ended_by_kill(process: Any) -> bool:
    with process:
        process.communicate(timeout=60)
    return bool(process.returncode == -signal.SIGKILL)


# --- refusals -------------------------------------------------------------------------------------


def test_years_and_folders_that_are_not_there(lab: Lab) -> None:
    put(lab.source, {f"{JULY}/a.jpg": shot(1), "2016/x.jpg": shot(2), "misc/y.jpg": shot(3)})
    for years, told in (
        (("15",), "four digits"),
        (("2015", "2017"), "2015, 2016"),
        (("misc",), "four digits"),
    ):
        done = importing(lab, years=years)
        assert (done.status, done.out) == (2, "") and told in done.err, done.err
    assert importing(lab, "--month", 13).status == 2
    nothing = importing(lab, "--month", 3)
    assert nothing.status == 2 and "03_March" in nothing.err
    assert (
        lab.run("import_old_catalog", lab.source / "none", "2015", "--nas_root", lab.root).status
        == 2
    )
    assert lab.run("import_old_catalog", lab.source, "--nas_root", lab.root).status == 2
    assert not lab.root.exists()


def test_dropbox_and_a_source_in_or_around_the_catalog_are_refused(lab: Lab) -> None:
    put(lab.source, {f"{JULY}/a.jpg": shot(1)})
    refused = importing(lab, "--dropbox")
    assert refused.status == 2 and "dropbox_root" in refused.err and not lab.root.exists()
    for root in (lab.source / "nas", lab.source, lab.folder):
        done = lab.run("import_old_catalog", lab.source, "2015", "--nas_root", root)
        assert (done.status, done.out) == (4, "") and "nothing was changed" in done.err
    assert importing(lab).status == 0
    shutil.rmtree(lab.root)
    assert importing(lab).status == 4  # the folder is not the store that the catalog knows


def test_a_link_in_the_place_of_a_year_is_not_followed(lab: Lab) -> None:
    put(lab.folder / "elsewhere", {"07_July/a.jpg": shot(1)})
    (lab.source / "2015").symlink_to(lab.folder / "elsewhere")
    done = importing(lab)
    assert done.status == 2 and "2015" in done.err


# --- the faults of the old tools ------------------------------------------------------------------


def test_the_machines_zone_does_not_move_a_photo_to_another_year(lab: Lab) -> None:
    put(
        lab.source,
        {
            "2020/01_January/IMG_1.jpg": shot(1, "2020:01:01 00:30:00"),
            "2020/Silvester/Feuerwerk.jpg": shot(2, "2020:01:01 00:30:00"),
        },
    )
    assert importing(lab, years=("2020",), TZ="Europe/Zurich").status == 0
    assert set(lab.stored()) == {
        "2020/01_January/2020-01-01 00-30-00.jpg",
        "2020/Silvester/Feuerwerk 2020-01-01 00-30-00.jpg",
    }
    assert {d["captured"]["wall"] for d in lab.documents().values()} == {"2020-01-01T00:30:00.000"}


def test_a_collision_never_eats_a_camera_counter(lab: Lab) -> None:
    put(
        lab.source,
        {
            "2015/Fest/IMG_0007.png": png(1),
            "2015/Fest/img_0007.PNG": png(2),
            f"{JULY}/IMG_0007.png": png(3),
            f"{JULY}/Whatsapp/IMG_0007.png": png(4),
        },
        mtime=1436725815,
    )
    assert importing(lab).status == 0
    names = [Path(p).name for p in lab.stored()]
    assert len(lab.stored()) == 4 and all("0007" in n for n in names), names
    assert sum(n.endswith("_0007_1.png") for n in names) == 2
    lab.check_no_ghosts()


def test_a_copy_that_fails_leaves_no_document(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    put(
        lab.source,
        {f"{JULY}/a.jpg": shot(1), "2015/Fest/b.jpg": shot(1), "2015/Fest/c.jpg": shot(2)},
    )
    real = LocalStore.put

    def failing(self: Any, path: str, *rest: Any) -> Any:
        if "Fest" in path:
            raise FixityMismatch(f"{path} was not written as it is.", store="nas", path=path)
        return real(self, path, *rest)

    monkeypatch.setattr(LocalStore, "put", failing)
    done = importing(lab)
    assert (done.status, done.summary["failed"]) == (3, 2)
    assert set(lab.documents()) == {content_hash(shot(1))} and albums(lab) == {}
    lab.check_no_ghosts()
    monkeypatch.undo()
    assert importing(lab).summary["new"] == 2
    assert albums(lab) == {content_hash(shot(n)): ["Fest"] for n in (1, 2)}


def test_nothing_stops_at_ten(lab: Lab) -> None:
    put(
        lab.source,
        {f"{JULY}/{n}.jpg": shot(n) for n in range(13)}
        | {f"2015/Fest/{n}.jpg": shot(n) for n in range(13, 25)},
    )
    assert importing(lab).summary["new"] == 25
    assert importing(lab).summary["duplicate"] == 25
    add_store(lab, "dropbox")
    done = lab.run("check_copies")
    assert done.status == 3
    assert (lab.home / "nas_only.txt").read_text().splitlines() == sorted(lab.stored())
    assert (lab.home / "dropbox_only.txt").read_text() == ""


def test_half_digits_are_no_name_of_a_person_and_umlauts_are(lab: Lab) -> None:
    names = ["IMG_1234", "DSC_12", "Müller Hochzeit", unicodedata.normalize("NFD", "Ännchen")]
    put(
        lab.source,
        {
            f"2015/Fest/{name}.jpg": shot(name, f"2015:07:12 18:30:{n:02d}")
            for n, name in enumerate(names)
        },
    )
    assert importing(lab).status == 0
    assert {Path(p).stem for p in lab.stored()} == {
        "2015-07-12 18-30-00",
        "2015-07-12 18-30-01",
        "Müller Hochzeit 2015-07-12 18-30-02",
        "Ännchen 2015-07-12 18-30-03",
    }


def test_a_folder_in_either_unicode_form_is_one_album(lab: Lab) -> None:
    forms = [unicodedata.normalize(form, "Müller Hochzeit") for form in ("NFC", "NFD")]
    put(lab.source, {f"2015/{folder}/Torte.jpg": shot(1) for folder in forms})
    put(lab.source, {f"2015/{forms[1]}/Tanz.jpg": shot(2)})
    done = importing(lab)
    assert (done.status, done.summary["new"], done.summary["duplicate"]) == (0, 2, 1)
    assert set(lab.stored()) == {
        f"2015/{forms[0]}/Torte {STAMP}.jpg",
        f"2015/{forms[0]}/Tanz {STAMP}.jpg",
    }
    assert set(map(tuple, albums(lab).values())) == {(forms[0],)}
    shutil.rmtree(lab.source / "2015" / forms[0])
    assert importing(lab).summary["new"] == 0
    lab.check_no_ghosts()


# --- names that are no text, folders that cannot be read ------------------------------------------


def test_names_that_are_no_text_are_imported(lab: Lab) -> None:
    put(lab.source, {f"{JULY}/a.jpg": shot(1)})
    album = os.fsencode(lab.source) + b"/2015/M\xfcller \\ Fest"
    os.mkdir(album)
    Path(os.fsdecode(album + b"/Gr\xfc\xdfe.jpg")).write_bytes(shot(2))
    done = importing(lab)
    assert (done.status, done.summary["new"]) == (0, 2)
    assert albums(lab)[content_hash(shot(2))] == ["M\\xfcller \\\\ Fest"]
    lab.check_no_ghosts()


def test_hidden_folders_and_those_of_the_system_are_ignored(lab: Lab) -> None:
    put(
        lab.source,
        {f"{JULY}/a.jpg": shot(1), "2015/@eaDir/b.jpg": shot(2), "2015/.thumbs/c.jpg": shot(3)},
    )
    done = importing(lab)
    assert (done.status, done.summary["new"], done.summary["ignored"]) == (0, 1, 2)
    assert len(lab.stored()) == 1


# --- the structure --------------------------------------------------------------------------------


MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def test_what_is_odd_about_an_old_catalog(lab: Lab) -> None:
    for number, month in enumerate(MONTHS, 1):
        (lab.source / f"2015/{number:02d}_{month}").mkdir(parents=True)
        if number != 7:
            (lab.source / f"2016/{number:02d}").mkdir(parents=True)
    (lab.source / "2015/Holiday").mkdir()
    put(lab.source, {"2015/.DS_Store": b"x", "loose.jpg": b"x", ".hidden/x.jpg": b"x"})
    clean = lab.folder / "clean"
    shutil.copytree(lab.source / "2015", clean / "2015")
    done = lab.run("check_old_catalog_structure", clean)
    assert (done.status, done.err) == (0, "") and "1 years; 0 extra entries" in done.out
    put(lab.source, {"2015/IMG_1.jpg": b"x", "misc/a.jpg": b"x"})
    before = tree(lab.source)
    done = lab.run(
        "check_old_catalog_structure",
        lab.source,
        "--json",
        CATALOG_ELASTICSEARCH_URL="http://localhost:1",
    )
    assert done.status == 3
    assert done.lines == [
        {"finding": "extra", "path": "2015/IMG_1.jpg"},
        {"finding": "missing", "path": "2016/07_July"},
        {"finding": "no_year", "path": "misc"},
        {"event": "summary", "years": 2, "no_year": 1, "extra": 1, "missing": 1},
    ]
    told = lab.run("check_old_catalog_structure", lab.source)
    assert told.status == 3 and "missing     2016/07_July" in told.out
    assert tree(lab.source) == before
    assert lab.run("check_old_catalog_structure", lab.source / "none").status == 2


# --- copies and entries ---------------------------------------------------------------------------


def add_store(lab: Lab, name: str) -> None:
    """Make a store known, as far as the index goes."""
    record = {"name": name, "id": name, "kind": "local", "root": f"/{name}"}
    lab.ask("PUT", f"{lab.index}-stores/_doc/{name}?refresh=true", json=record)


def change(lab: Lab, content: bytes, *copies: dict[str, Any], **fields: Any) -> None:
    """Give a document these copies, as another run would have left them."""
    digest = content_hash(content)
    document = lab.documents()[digest]
    good = [c for c in copies if c["state"] == "ok"]
    document |= {
        "copies": list(copies),
        "stores": sorted({c["store"] for c in good}),
        "paths": sorted(c["path"] for c in good),
    }
    lab.ask("PUT", f"{lab.index}/_doc/{digest}?refresh=true", json=document | fields)


def row(store: str, path: str, state: str = "ok") -> dict[str, Any]:
    return {"store": store, "path": path, "name": Path(path).name, "size": 1, "state": state}


def test_stores_are_compared_by_content(lab: Lab) -> None:
    put(lab.source, {f"{JULY}/{n}.jpg": shot(n, f"201{n}:07:12 18:30:15") for n in range(5)})
    assert importing(lab).status == 0
    unknown = lab.run("check_copies")
    assert (
        unknown.status == 2 and "There is no store dropbox" in unknown.err and "nas" in unknown.err
    )
    add_store(lab, "dropbox")
    change(
        lab, shot(0, "2010:07:12 18:30:15"), row("nas", "a.jpg"), row("dropbox", "other name.jpg")
    )
    change(
        lab,
        shot(1, "2011:07:12 18:30:15"),
        row("nas", "b.jpg"),
        row("nas", "Fest/b.jpg"),
        row("dropbox", "b.jpg", "missing"),
    )
    change(
        lab,
        shot(2, "2012:07:12 18:30:15"),
        row("nas", "c.jpg", "damaged"),
        row("dropbox", "Müller/c.jpg"),
    )
    change(lab, shot(3, "2013:07:12 18:30:15"), row("nas", "d.jpg"), row("dropbox", "d.jpg"))
    change(lab, shot(4, "2014:07:12 18:30:15"), row("nas", "e.jpg"), row("dropbox", "e.jpg"))
    out = lab.folder / "out"
    out.mkdir()
    (out / "nas_only.txt").write_text("of an earlier run\n")
    done = lab.run("check_copies", "--output", out, "--json")
    assert done.status == 3
    assert (out / "nas_only.txt").read_text() == "Fest/b.jpg\nb.jpg\n"
    assert (out / "dropbox_only.txt").read_text() == "Müller/c.jpg\n"
    assert sorted(os.listdir(out)) == ["dropbox_only.txt", "nas_only.txt"]
    first, second, summary = done.lines
    assert (first["store"], first["assets"], first["only"], first["paths"]) == ("nas", 4, 1, 2)
    assert (second["store"], second["assets"], second["only"], second["paths"]) == (
        "dropbox",
        4,
        1,
        1,
    )
    assert (summary["event"], summary["only"]) == ("summary", 2)
    equal = lab.run("check_copies", "2013", "--output", out)
    assert equal.status == 0 and (out / "nas_only.txt").read_text() == ""
    swapped = lab.run(
        "check_copies", "2012", "--store", "dropbox", "--store", "nas", "--output", out
    )
    assert swapped.status == 3 and swapped.out.startswith("dropbox: 1 assets, 1 of them")
    assert (out / "dropbox_only.txt").read_text() == "Müller/c.jpg\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("15",), "four digits"),
        (("--store", "nas"), "Two stores"),
        (("--store", "nas", "--store", "nas"), "Two stores"),
        (("--store", "nas", "--store", "tape"), "There are: nas."),
        (("--output", "/nowhere/at/all"), "no folder"),
    ],
)
def test_what_cannot_be_compared(lab: Lab, arguments: tuple[str, ...], told: str) -> None:
    put(lab.source, {f"{JULY}/a.jpg": shot(1)})
    assert importing(lab).status == 0
    done = lab.run("check_copies", *arguments)
    assert (done.status, done.out) == (2, "") and told in done.err


def test_checks_of_a_catalog_that_is_not_there_make_none(lab: Lab) -> None:
    for command in ("check_copies", "clean_exact_duplicate_entries_from_catalog"):
        done = lab.run(command)
        assert done.status == 2 and "There is no catalog" in done.err
    assert lab.ask("GET", f"{lab.index}*") == {}


def test_entries_are_proved_to_be_no_duplicates(lab: Lab) -> None:
    put(
        lab.source,
        {f"{JULY}/{n}.jpg": shot(n) for n in range(12)}
        | {f"2015/Fest/{n}.jpg": shot(n) for n in range(12)},
    )
    assert importing(lab).status == 0
    before = lab.documents()
    done = lab.run("clean_exact_duplicate_entries_from_catalog", "--dryrun")
    assert (
        (done.status, done.err) == (0, "")
        and "12 documents with 24 copies" in done.out
        and "nothing was changed" in done.out
    )
    some = lab.run("clean_exact_duplicate_entries_from_catalog", "-d", "2015/Fest/", "--json")
    assert some.lines == [{"event": "summary", "documents": 12, "copies": 12, "findings": 0}]
    none = lab.run("clean_exact_duplicate_entries_from_catalog", "--dirname", "2015/Fes")
    assert none.status == 0 and "0 documents" in none.out
    assert lab.run("clean_exact_duplicate_entries_from_catalog", "-d", "/mnt/x").status == 2
    assert lab.documents() == before


def test_entries_that_are_duplicates_are_found(lab: Lab) -> None:
    put(lab.source, {f"{JULY}/{n}.jpg": shot(n) for n in range(4)})
    assert importing(lab).status == 0
    add_store(lab, "dropbox")
    one, two = content_hash(shot(1)), content_hash(shot(2))
    change(lab, shot(0), row("nas", "x.jpg", "missing"), row("dropbox", "x.jpg"))
    change(lab, shot(1), row("nas", "x.jpg"), row("nas", "y.jpg"), row("nas", "y.jpg"))
    change(lab, shot(2), row("nas", "x.jpg"))
    change(lab, shot(3), row("nas", "z.jpg"), hash=one)
    before = lab.documents()
    done = lab.run("clean_exact_duplicate_entries_from_catalog", "--json")
    assert done.status == 3
    found = sorted((line["finding"], line["place"]) for line in done.lines[:-1])
    assert found == [("id", ""), ("path", "nas:x.jpg"), ("row", "nas:y.jpg")]
    (claim,) = [line for line in done.lines if line.get("finding") == "path"]
    assert {claim["hash"], claim["reason"].split()[0]} == {one, two}
    told = lab.run("clean_exact_duplicate_entries_from_catalog")
    assert (
        told.status == 3
        and "twice in one document" in told.out
        and "no path of a store" not in told.out
    )
    assert lab.documents() == before


def test_the_source_is_as_it_was_after_every_way_to_end(lab: Lab) -> None:
    many(lab.source / JULY, 40)
    before = tree(lab.source), hashes(lab.source)
    process = lab.start("import_old_catalog", lab.source, "2015", "--nas_root", lab.root, "--json")
    wait_for(lambda: files_in(lab.root) >= 1, process)
    process.send_signal(signal.SIGINT)
    assert ended(process).status in (0, 130)
    assert importing(lab).status == 0
    assert (tree(lab.source), hashes(lab.source)) == before
    lab.check_no_ghosts()
