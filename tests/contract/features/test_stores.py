"""Several stores: fixity, mirrors, policies, and an index that is made anew from the disks."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from running import MTIME, Lab, ended, hashes, jpeg, many, put, wait_for

from catalog.domain.fixity import content_hash
from catalog.errors import CatalogError
from catalog.features.ingest import ingestion
from catalog.work.session import Session


@pytest.fixture
def two(lab: Lab) -> Lab:
    """A catalog on a NAS, and an empty archive disk that is a store of it."""
    put(lab.source, {f"{n}.jpg": jpeg(n, f"2019:0{n}:12 18:30:15") for n in range(1, 5)})
    put(lab.source, {"1.jpg.xmp": b"<one/>"})
    assert lab.upload().status == 0
    (lab.folder / "archive").mkdir()
    assert lab.catalog("store", "add", "archive", lab.folder / "archive").status == 0
    lab.variables["CATALOG_NAS_ROOT"] = str(lab.root)
    return lab


def mirror(lab: Lab, *arguments: object) -> dict[str, int]:
    done = lab.catalog("mirror", "nas", "archive", "--json", *arguments)
    assert done.status == 0, done.out + done.err
    return {k: done.summary[k] for k in ("copied", "moved", "failed", "planned") if done.summary[k]}


def archived(lab: Lab) -> dict[str, str]:
    return {
        p: h for p, h in hashes(lab.folder / "archive").items() if not p.startswith(".catalog/")
    }


def flip(path: Path, keep_time: bool = True) -> None:
    """Change one bit of a file, as a person could; its time stays where that is wanted."""
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    if keep_time:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def rot(lab: Lab, path: Path) -> None:
    """Change one bit of a file, as a dying disk would."""
    flip(path)
    lab.age(path)


def test_a_mirror_holds_the_same_and_follows_renames(two: Lab) -> None:
    assert mirror(two, "--dryrun") == {"planned": 5}
    assert mirror(two, "--limit", 2) == {"copied": 2}
    assert mirror(two) == {"copied": 3}
    assert archived(two) == two.stored()
    assert mirror(two) == {}
    assert {d["copy_count"] for d in two.documents().values()} == {2}
    (two.root / "2019").rename(two.root / "Our 2019")
    assert two.run("sync_catalog_with_disk").status == 0
    assert mirror(two) == {"moved": 5}
    assert archived(two) == two.stored()
    assert two.catalog("check").status == 0
    run = str(two.catalog("history", "--json").lines[-1]["run"])
    assert two.catalog("undo", run).status == 0
    assert sorted(p.split("/")[0] for p in archived(two)) == ["2019"] * 5


def test_a_rename_that_got_a_number_and_was_not_recorded_is_found_again(
    two: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mirror(two) == {"copied": 5}
    path = next(p for p in sorted(two.stored()) if p.endswith(".jpg"))
    (two.root / path).rename(two.root / "renamed.jpg")
    put(two.folder / "archive", {"renamed.jpg": jpeg("in the way")})
    assert two.run("sync_catalog_with_disk").status == 0

    def cut_off(*_arguments: object) -> None:
        raise CatalogError("cut off")

    monkeypatch.setattr(Session, "edit", cut_off)
    assert two.catalog("mirror", "nas", "archive").status == 1
    monkeypatch.undo()
    assert "renamed_1.jpg" in archived(two)
    assert mirror(two)["moved"] >= 1
    copies = (row for document in two.documents().values() for row in document["copies"])
    assert "renamed_1.jpg" in {row["path"] for row in copies if row["store"] == "archive"}
    assert mirror(two) == {}


def test_a_mirror_never_overwrites_and_comes_to_an_end(two: Lab) -> None:
    path = sorted(p for p in two.stored() if p.endswith("jpg"))[0]
    put(two.folder / "archive", {path: b"something else"})
    assert mirror(two) == {"copied": 5}
    assert (two.folder / "archive" / path).read_bytes() == b"something else"
    assert archived(two)[path.replace(".jpg", "_1.jpg")] == two.stored()[path]
    assert mirror(two) == {}


def test_names_that_changed_places_and_edits_reach_the_mirror(two: Lab) -> None:
    mirror(two)
    one, other, edited = (
        two.root / p for p in sorted(p for p in two.stored() if p.endswith("jpg"))[:3]
    )
    one.rename(two.root / "spare")
    other.rename(one)
    (two.root / "spare").rename(other)
    original = edited.read_bytes()
    edited.write_bytes(jpeg("edited"))
    next(two.root.rglob("*.xmp")).write_bytes(b"<one edited='yes'/>")
    assert two.run("sync_catalog_with_disk").status == 0
    assert mirror(two) == {"copied": 2, "moved": 3}
    assert two.stored().items() <= archived(two).items(), "what came last has the name"
    (kept,) = archived(two).keys() - two.stored().keys()
    assert kept == str(edited.relative_to(two.root)).replace(".jpg", "_1.jpg")
    assert archived(two)[kept] == content_hash(original)
    assert mirror(two) == {}
    assert (
        two.run("sync_catalog_with_disk", "--store", "archive", "--json").summary["unchanged"] == 5
    )


def test_a_mirror_keeps_an_arrangement_of_its_own_until_a_later_rename(two: Lab) -> None:
    mirror(two)
    archive = two.folder / "archive"
    (archive / "2019").rename(archive / "Wedding")
    assert two.run("sync_catalog_with_disk", "--store", "archive").status == 0
    assert mirror(two).get("moved", 0) <= 1 and sorted(
        {p.split("/")[0] for p in archived(two) if p.endswith("jpg")}
    ) == ["Wedding"]
    (two.root / "2019").rename(two.root / "Our 2019")
    assert two.run("sync_catalog_with_disk").status == 0
    assert sum(p.endswith("jpg") for p in archived(two)) == 4
    mirror(two)  # who renamed last wins
    assert sorted({p.split("/")[0] for p in archived(two) if p.endswith("jpg")}) == ["Our 2019"]
    assert mirror(two).get("moved", 0) == 0


def test_what_was_taken_from_a_mirror_is_sent_again(two: Lab) -> None:
    mirror(two)
    before = archived(two)
    next((two.folder / "archive").rglob("*.jpg")).unlink()
    assert two.catalog("verify", "archive", "--json").status == 3
    assert [
        e["reason_kind"] for e in two.documents("events").values() if e["action"] == "missing"
    ] == ["not_found"]
    assert two.catalog("check").status == 3
    assert mirror(two) == {"copied": 1} and archived(two) == before
    assert two.catalog("check").status == 0


def test_one_flipped_bit_is_found_and_the_good_copy_replaces_it(two: Lab) -> None:
    mirror(two)
    paths = sorted(p for p in two.stored() if p.endswith("jpg"))
    bad = two.root / paths[2]
    good = bad.read_bytes()
    rot(two, bad)
    found = two.catalog("verify", "nas", "--json")
    assert found.status == 3 and found.summary["damaged"] == 1 and found.summary["verified"] == 4
    assert f"archive:{paths[2]}" in next(
        x["reason"] for x in found.lines if x.get("outcome") == "damaged"
    )
    assert two.documents()[content_hash(good)]["copy_count"] == 1
    (event,) = (e for e in two.documents("events").values() if e["action"] == "damaged")
    assert (event["reason_kind"], event["reason"]) == (
        "fixity_mismatch",
        "its bytes changed though nobody wrote to it",
    )
    assert two.catalog("check", "-q").status == 3
    done = two.catalog("verify", "--repair", "--json")
    assert done.status == 0 and done.summary["repaired"] == 1, done.out
    assert bad.read_bytes() == good and two.documents()[content_hash(good)]["copy_count"] == 2
    trashed = two.catalog("trash", "list", "--json").lines
    assert trashed[0]["path"] == paths[2]
    assert two.catalog("verify", "--json").summary["verified"] == 10
    assert two.catalog("check").status == 0


def test_a_damaged_sidecar_is_repaired_as_well(two: Lab) -> None:
    mirror(two)
    rot(two, next(two.root.rglob("*.xmp")))
    assert two.catalog("verify", "--json").summary["damaged"] == 1
    assert two.catalog("verify", "--repair", "--json").summary["repaired"] == 1
    assert archived(two) == two.stored()


def test_without_a_good_copy_nothing_is_taken_away(two: Lab) -> None:
    bad = two.root / sorted(p for p in two.stored() if p.endswith("jpg"))[0]
    rot(two, bad)
    before = bad.read_bytes()
    done = two.catalog("verify", "--repair", "--json")
    assert done.status == 3 and done.summary["damaged"] == 1 and "no good copy" in done.out
    assert bad.read_bytes() == before


def test_a_repair_leaves_alone_what_somebody_wrote(two: Lab) -> None:
    mirror(two)
    path = two.root / sorted(p for p in two.stored() if p.endswith("jpg"))[0]
    path.rename(path.with_name("Anna.jpg"))
    path.write_bytes(jpeg("a new photo under the old name"))
    next(two.root.rglob("*.xmp")).write_bytes(b"<edited by another program/>")
    before = two.stored()
    done = two.catalog("verify", "nas", "--repair", "--json")
    assert done.status == 3 and done.summary["edited"] == 2 and two.stored() == before


@pytest.mark.parametrize("keep_time", [False, True], ids=["new time", "time put back"])
def test_one_changed_byte_is_an_edit_where_the_file_says_so(two: Lab, keep_time: bool) -> None:
    mirror(two)
    photo = two.root / sorted(p for p in two.stored() if p.endswith("jpg"))[0]
    sidecar = next(two.root.rglob("*.xmp"))
    for path in (photo, sidecar):
        flip(path, keep_time)
    before = two.stored()
    done = two.catalog("verify", "nas", "--repair", "--json")
    assert done.status == 3 and (done.summary["edited"], done.summary["repaired"]) == (2, 0)
    assert two.stored() == before
    assert two.catalog("verify", "nas", "--repair", "--repair-unclear", "--json").status == 3
    assert two.stored() == before


def test_a_verification_goes_on_where_it_stopped(lab: Lab) -> None:
    many(lab.source, 300)
    assert lab.upload().status == 0
    begun = "2100-01-01T00:00:00.000Z"  # a pass that was cut off when a third had been read
    store = lab.documents("stores")["nas"]
    lab.ask("PUT", f"{lab.index}-stores/_doc/nas", json=store | {"verifying_since": begun})
    for digest, document in list(lab.documents().items())[:100]:
        rows = [row | {"verified": "2100-01-01T00:00:01.000Z"} for row in document["copies"]]
        lab.ask("POST", f"{lab.index}/_update/{digest}", json={"doc": {"copies": rows}})
    done = lab.catalog("verify", "nas", "--json")
    assert done.status == 0 and done.summary["verified"] == 200
    store = lab.documents("stores")["nas"]
    assert "verifying_since" not in store
    assert lab.catalog("verify", "nas", "--older-than", "1h", "--json").summary["verified"] == 0
    some = lab.catalog("verify", "nas", "--sample", "10%", "--json").summary["verified"]
    assert 5 < some < 80
    assert lab.catalog("verify", "nas", "--time", "0.001s", "--json").summary["verified"] < 300
    assert lab.catalog("verify", "nas", "--json").summary["verified"] > 0


def test_words_that_do_not_fit_are_refused(two: Lab) -> None:
    for arguments, status in (
        (("verify", "nowhere"), 2),
        (("verify", "--sample", "200%"), 2),
        (("verify", "--older-than", "soon"), 2),
        (("mirror", "nas", "nas"), 2),
        (("mirror", "nas", "nowhere"), 2),
        (("copies", "--missing", "nowhere"), 2),
        (("store", "add", "Bad Name", two.source), 2),
        (("store", "add", "x", two.source / "none"), 2),
        (("store", "add", "x", two.root / "2019"), 4),
        (("store", "add", "x", two.folder), 4),
        (("store", "add", "archive", two.source), 4),
        (("store", "remove", "nowhere"), 2),
        (("store", "remove", "nas"), 4),
        (("watch", "nowhere"), 2),
        (("rebuild", two.source), 2),
    ):
        done = two.catalog(*arguments)
        assert done.status == status, (arguments, done)
        assert done.err.startswith(("Error: ", "Usage: ")) and done.err.count("\n") <= 4


def test_an_offline_archive_stays_known_and_comes_back_elsewhere(two: Lab) -> None:
    mirror(two)
    before = two.documents()
    shelf = two.folder / "shelf"
    (two.folder / "archive").rename(shelf)
    rows = {r["store"]: r["state"] for r in two.catalog("store", "list", "--json").lines}
    assert rows == {"archive": "offline", "nas": "there"}
    assert any(
        "archive" in f["text"] and f["state"] == "warning"
        for f in two.catalog("doctor", "--json").lines
    )
    assert two.run("sync_catalog_with_disk", "--store", "archive").status == 4
    assert two.catalog("mirror", "nas", "archive").status == 4
    assert two.catalog("verify", "--json").summary["verified"] == 5
    assert {h: d["copy_count"] for h, d in two.documents().items()} == {
        h: d["copy_count"] for h, d in before.items()
    }
    assert two.catalog("store", "add", "archive", shelf).status == 0
    assert (
        two.run("sync_catalog_with_disk", "--store", "archive", "--json").summary["unchanged"] == 4
    )
    (shelf / ".catalog" / "store.json").unlink()
    assert two.catalog("store", "add", "archive", shelf).status == 4
    assert two.catalog("store", "add", "archive", shelf, "--force").status == 0
    assert mirror(two) == {}


def test_a_disk_that_died_is_filled_again_from_the_archive(two: Lab) -> None:
    mirror(two)
    before = two.outcome()
    shutil.rmtree(two.root)
    assert two.run("sync_catalog_with_disk").status == 4
    two.root.mkdir()
    assert two.catalog("store", "add", "nas", two.root).status == 4
    assert two.catalog("store", "add", "nas", two.root, "--force").status == 0
    assert two.run("sync_catalog_with_disk", "--accept-losses", "--json").summary["gone"] == 4
    assert two.catalog("check").status == 3
    done = two.catalog("mirror", "archive", "nas", "--json")
    assert done.status == 0 and done.summary["copied"] == 5
    assert two.outcome() == before and two.catalog("check").status == 0


def test_a_copy_of_a_whole_disk_is_a_store_only_with_a_marker_of_its_own(two: Lab) -> None:
    copy = two.folder / "copy"
    shutil.copytree(two.root, copy)
    refused = two.catalog("store", "add", "second", copy)
    assert refused.status == 4 and "marker of store nas" in refused.err
    assert two.catalog("store", "add", "second", copy, "--force").status == 0
    assert two.run("sync_catalog_with_disk", "--store", "second", "--json").summary["copied"] == 4
    assert two.run("sync_catalog_with_disk", "--json").summary["unchanged"] == 4


def test_nothing_is_uploaded_or_moved_out_of_another_store(two: Lab) -> None:
    mirror(two)
    before = archived(two)
    for source in (two.folder / "archive", two.folder / "archive" / "2019"):
        assert two.upload("--move", source=source).status == 4
        assert two.run("delete_from_directory_if_in_catalog", "-r", source).status == 4
    assert archived(two) == before


def test_a_store_is_taken_out_with_its_records_only(two: Lab) -> None:
    mirror(two)
    assert two.catalog("store", "remove", "archive").status == 4
    assert two.catalog("store", "remove", "archive", "--forget-copies").status == 0
    assert {d["copy_count"] for d in two.documents().values()} == {1}
    assert len(archived(two)) == 5
    assert [r["store"] for r in two.catalog("store", "list", "--json").lines] == ["nas"]


def test_policies_say_what_falls_short(two: Lab) -> None:
    assert len(two.catalog("copies", "--missing", "archive", "--json").lines) == 4
    config = two.home / "config.json"
    config.write_text(
        '{"min_copies": 1, "copy_policies": [{"query": "taken:2019-01", "min_copies": 2, '
        '"stores": ["archive"]}]}'
    )
    done = two.catalog("check", "--json")
    assert done.status == 3 and done.summary["shortfalls"] == 1
    assert (
        "1 has fewer than 2 copies, or none in archive (taken:2019-01)" in two.catalog("status").out
    )
    mirror(two)
    assert two.catalog("check").status == 0
    assert two.catalog("copies", "--missing", "archive").out.startswith("Nothing found")
    assert len(two.catalog("copies", "--json").lines) == 4
    config.write_text('{"copy_policies": [{"copies": 2}]}')
    assert two.catalog("check").status == 2


def test_the_index_is_rebuilt_from_the_disks_alone(two: Lab) -> None:
    mirror(two)
    before = two.documents()
    for what in ("", "-events", "-stores", "-sources", "-decisions", "-handovers"):
        for index in two.ask("GET", f"{two.index}{what}/_alias"):
            two.ask("DELETE", index)
    done = two.catalog("rebuild", two.root, two.folder / "archive")
    assert done.status == 0, done.err
    after = two.documents()
    assert after.keys() == before.keys()
    for digest, document in after.items():
        for field in ("captured", "kind", "camera", "phash", "paths", "stores", "copy_count"):
            assert document.get(field) == before[digest].get(field), field
        places = sorted((s["store"], s["path"], s["hash"]) for s in document.get("sidecars", []))
        assert places == sorted(
            (s["store"], s["path"], s["hash"]) for s in before[digest].get("sidecars", [])
        )
    assert two.catalog("rebuild", "nas", "archive", "--json").status == 0


def test_a_watched_store_is_in_step_soon_after_a_change(two: Lab) -> None:
    process = two.start("catalog", "watch", "nas", "--settle", "1s", "--json")
    events = two.index
    try:
        wait_for(lambda: any(e.get("last_run") for e in two.documents("stores").values()), process)
        time.sleep(3)
        put(two.root, {"new folder/by hand.jpg": jpeg("by hand")}, mtime=MTIME)
        (two.root / "2019").rename(two.root / "Our 2019")

        def in_step() -> bool:
            paths = {p for d in two.documents().values() for p in d["paths"]}
            return "new folder/by hand.jpg" in paths and not any(
                p.startswith("2019/") for p in paths
            )

        wait_for(in_step, process)
    finally:
        process.send_signal(signal.SIGINT)
    assert ended(process).status == 130 and events


def test_an_export_whose_store_is_another_disk_is_not_mixed_in(two: Lab) -> None:
    export = two.home / "mine.ndjson"
    assert two.catalog("export", export).status == 0
    other = two.home / "theirs.ndjson"
    store = two.documents("stores")["nas"]
    other.write_text(export.read_text().replace(store["id"], "0" * 32))
    before = two.documents()
    for arguments in (("--dryrun",), ()):
        done = two.catalog("import", other, *arguments)
        assert done.status == 1 and "another one than the store nas" in done.err
    assert two.documents() == before
    assert two.catalog("import", export).status == 0


def test_an_upload_may_begin_while_another_takes_the_folder_for_the_catalog(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one marks the folder and records it, right after this one found no mark there."""
    put(lab.source, {"a.jpg": jpeg("a")})
    put(lab.folder / "other", {"b.jpg": jpeg("b")})
    real = ingestion.read_marker

    def overtaken(root: Path) -> str | None:
        found = real(root)
        monkeypatch.undo()
        assert lab.upload(source=lab.folder / "other").status == 0
        return found

    monkeypatch.setattr(ingestion, "read_marker", overtaken)
    done = lab.upload()
    assert (done.status, done.summary["new"]) == (0, 1)
    assert len(lab.documents()) == 2
