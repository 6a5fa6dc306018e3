"""Names that are equal but for their case or Unicode form are one folder; sidecars that are called
otherwise are the same sidecar.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from emulators.dropbox import Emulator
from running import Lab, hashes, jpeg, put

from catalog.domain.names import comparison_key

NFC, NFD = (unicodedata.normalize(form, "07_Julé") for form in ("NFC", "NFD"))


def folders(root: Path) -> list[str]:
    """The folders below a store's root, as they are spelt."""
    found = (str(p.relative_to(root)) for p in root.rglob("*") if p.is_dir())
    return sorted(name for name in found if not name.startswith(".catalog"))


def stored(root: Path) -> dict[str, str]:
    return {p: h for p, h in hashes(root).items() if not p.startswith(".catalog/")}


@pytest.fixture
def july(lab: Lab) -> Lab:
    """A catalog with a month."""
    put(lab.source, {f"{n}.jpg": jpeg(n, f"2019:07:1{n} 18:30:15") for n in (1, 2)})
    assert lab.upload().status == 0
    lab.variables["CATALOG_NAS_ROOT"] = str(lab.root)
    return lab


@pytest.mark.parametrize("name", ["07_july", "07_JULY"])
def test_an_upload_goes_into_the_folder_that_is_there(july: Lab, name: str) -> None:
    (july.root / "2019" / "07_July").rename(july.root / "2019" / name)
    assert july.run("sync_catalog_with_disk").status == 0
    put(july.source, {"3.jpg": jpeg(3, "2019:07:13 18:30:15"), "3.jpg.xmp": b"<three/>"})
    put(july.source, {"same.jpg": jpeg("same", "2019:07:11 18:30:15")})
    planned = july.upload("--dryrun").lines[:-1]
    assert july.upload("--json").summary["new"] == 2
    assert folders(july.root) == ["2019", f"2019/{name}"]
    targets = {line["target"] for line in planned if line["outcome"] == "planned"}
    assert targets < stored(july.root).keys()
    assert f"2019/{name}/2019-07-11 18-30-15_1.jpg" in targets
    july.check_no_ghosts()


def test_a_folder_that_is_there_as_it_was_named_is_taken_first(july: Lab) -> None:
    (july.root / "2019" / "07_JULY").mkdir()
    put(july.source, {"3.jpg": jpeg(3, "2019:07:13 18:30:15")})
    assert july.upload("--json").summary["new"] == 1
    assert len(list((july.root / "2019" / "07_July").iterdir())) == 3


def test_what_comes_back_from_dropbox_goes_into_the_folder_of_the_nas(
    july: Lab, dropbox: Emulator
) -> None:
    (july.root / "2019" / "07_July").rename(july.root / "2019" / NFD)
    assert july.run("sync_catalog_with_disk").status == 0
    assert july.run("sync_nas_to_dropbox").status == 0
    where = next(p for p in dropbox.files() if p.endswith("2019-07-11 18-30-15.jpg"))
    folder = unicodedata.normalize("NFC", where.rpartition("/")[0])
    dropbox.plant(f"{folder}/new.jpg", jpeg("new", "2019:07:20 18:30:15"))
    dropbox.plant(f"{folder}/new.jpg.xmp", b"<new/>")
    assert july.run("sync_catalog_with_dropbox").status == 0
    planned = july.run("sync_dropbox_to_nas", "--dryrun", "--json").lines[:-1]
    done = july.run("sync_dropbox_to_nas", "--json")
    assert done.status == 0 and done.summary["copied"] == 2, done.out
    assert folders(july.root) == ["2019", f"2019/{NFD}"]
    assert {line["target"] or line["path"] for line in planned} == {
        f"2019/{NFD}/new.jpg",
        f"2019/{NFD}/new.jpg.xmp",
    }
    for command in ("sync_nas_to_dropbox", "sync_dropbox_to_nas", "sync_nas_to_dropbox"):
        again = july.run(command, "--json")
        assert again.status == 0 and again.summary["files"] == 0, again.out
        assert "each stays" not in again.err
    rows = [row for d in july.documents().values() for row in d["copies"]]
    recorded = {row["path"] for row in rows if row["store"] == "nas"}
    assert recorded == {path for path in stored(july.root) if path.endswith(".jpg")}


def test_two_disks_that_tell_case_apart_keep_to_one_folder(july: Lab) -> None:
    archive = july.folder / "archive"
    archive.mkdir()
    assert july.catalog("store", "add", "archive", archive).status == 0
    assert july.catalog("mirror", "nas", "archive").status == 0
    (archive / "2019" / "07_July").rename(archive / "2019" / "07_JULY")
    put(july.root, {"2019/07_July/new.jpg": jpeg("new"), "2019/07_July/new.xmp": b"<new/>"})
    for store in ("nas", "archive"):
        assert july.run("sync_catalog_with_disk", "--store", store).status == 0
    done = july.catalog("mirror", "nas", "archive", "--json")
    assert done.status == 0 and done.summary["copied"] == 2
    assert folders(archive) == ["2019", "2019/07_JULY"]
    assert july.catalog("mirror", "archive", "nas", "--json").status == 0
    assert {p.rpartition("/")[0] for p in stored(july.root)} == {"2019/07_JULY"}
    assert stored(archive) == stored(july.root)
    for pair in (("nas", "archive"), ("archive", "nas")):
        again = july.catalog("mirror", *pair, "--json")
        assert again.summary["files"] == 0 and "each stays" not in again.err, again.out


@pytest.mark.parametrize("there", ["photo.xmp", "photo.jpg.xmp"])
def test_a_sidecar_that_lies_there_under_the_other_naming_is_not_stored_twice(
    lab: Lab, there: str
) -> None:
    came = {"photo.xmp": "photo.jpg.xmp", "photo.jpg.xmp": "photo.xmp"}[there]
    photo, text = jpeg("photo", "2019:07:11 18:30:15"), b"<text/>"
    lies = "2019/07_July/2019-07-11 18-30-15"
    put(lab.root, {f"{lies}.jpg": photo, there.replace("photo", lies): text})
    before = stored(lab.root)
    put(lab.source, {"photo.jpg": photo, came: text})
    for _again in range(2):
        assert lab.upload("--json").status == 0
        assert stored(lab.root) == before
    lab.check_no_ghosts()
    put(lab.source, {came: b"<another/>"}, mtime=1_700_000_000)
    assert lab.upload("--json").status == 0
    assert stored(lab.root).items() > before.items(), "another text is another sidecar"


@pytest.mark.parametrize("there", ["photo.xmp", "photo.jpg.xmp"])
def test_a_mirror_does_not_send_a_sidecar_that_lies_there_under_the_other_naming(
    lab: Lab, there: str
) -> None:
    came = {"photo.xmp": "photo.jpg.xmp", "photo.jpg.xmp": "photo.xmp"}[there]
    lab.variables["CATALOG_NAS_ROOT"] = str(lab.root)
    archive = lab.folder / "archive"
    put(lab.root, {"photo.jpg": jpeg("photo")})
    put(archive, {"photo.jpg": jpeg("photo")})
    assert lab.catalog("store", "add", "nas", lab.root).status == 0
    assert lab.catalog("store", "add", "archive", archive).status == 0
    for store in ("nas", "archive"):
        assert lab.run("sync_catalog_with_disk", "--store", store).status == 0
    put(lab.root, {came: b"<text/>"})
    assert lab.run("sync_catalog_with_disk").status == 0
    put(archive, {there: b"<text/>"})  # nobody has recorded it yet
    before = stored(archive)
    planned = lab.catalog("mirror", "nas", "archive", "--dryrun", "--json")
    assert [line["target"] for line in planned.lines[:-1]] == [there]
    done = lab.catalog("mirror", "nas", "archive", "--json")
    assert done.status == 0 and (done.summary["found"], done.summary["copied"]) == (1, 0)
    assert stored(archive) == before
    for pair in (("nas", "archive"), ("archive", "nas")):
        assert lab.catalog("mirror", *pair, "--json").summary["files"] == 0
    assert {comparison_key(p) for p in stored(lab.root)} == {"photo.jpg", came}


def test_what_comes_back_from_the_trash_goes_into_the_folder_that_is_there(july: Lab) -> None:
    path = min(stored(july.root))
    put(july.root, {f"{path}.xmp": b"<one/>"})
    assert july.run("sync_catalog_with_disk").status == 0
    digest = july.documents().keys() & {stored(july.root)[path]}
    assert july.catalog("forget", *digest, "--with-files", "--yes").status == 0
    (july.root / "2019" / "07_July").rename(july.root / "2019" / "07_JULY")
    assert july.run("sync_catalog_with_disk").status == 0
    listed = july.catalog("trash", "list", "--json").lines[:-1]
    keys = [line["key"] for line in listed]
    planned = july.catalog("trash", "restore", *keys, "--dryrun", "--json").lines[:-1]
    done = july.catalog("trash", "restore", *keys, "--json")
    assert done.status == 0 and done.summary["restored"] == 2, done.out
    back = path.replace("07_July", "07_JULY")
    assert {back, f"{back}.xmp"} < stored(july.root).keys()
    assert {line["target"] for line in planned} == {back, f"{back}.xmp"}
    assert folders(july.root) == ["2019", "2019/07_JULY"]
    (document,) = (july.documents()[key] for key in digest)
    assert [row["path"] for row in document["copies"]] == [back]
    assert [row["path"] for row in document["sidecars"]] == [f"{back}.xmp"]
