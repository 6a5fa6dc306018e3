"""A file that gave way to another one in a run that was killed before it had recorded that: the
next run tells of it, and an undo brings it back.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from running import Lab, jpeg, put
from test_undo_of_killed import cut_off

from catalog.domain.fixity import content_hash
from catalog.features.annotations.sidecars import _Writer
from catalog.features.health import verifier
from catalog.features.mirror import transfer_recorder
from catalog.stores.local.store import LocalStore

PHOTO = jpeg(1)
OLDER, NEWER = (b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>' + b" " * size for size in (1, 2))


@pytest.fixture
def two(lab: Lab) -> Lab:
    """A photo with a sidecar in two stores."""
    put(lab.source, {"1.jpg": PHOTO, "1.jpg.xmp": OLDER})
    assert lab.upload().status == 0
    (lab.folder / "shelf").mkdir()
    assert lab.catalog("store", "add", "shelf", lab.folder / "shelf").status == 0
    assert lab.catalog("mirror", "nas", "shelf").status == 0
    return lab


def rotten(lab: Lab, pattern: str) -> Path:
    """A file of the shelf with another byte, and all else as it was."""
    path = next((lab.folder / "shelf").rglob(pattern))
    data, status = bytearray(path.read_bytes()), path.stat()
    data[-1] ^= 1
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    lab.age(path)
    return path


def told(lab: Lab, action: str) -> list[dict[str, Any]]:
    return [e for e in lab.documents("events").values() if e["action"] == action]


def trashed(lab: Lab) -> dict[str, bytes]:
    """What lies in the trash of both stores, by its key."""
    folders = [root / ".catalog/trash" for root in (lab.root, lab.folder / "shelf")]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    }


# --- a repair -------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", ["*.jpg", "*.xmp"])
@pytest.mark.parametrize(
    ("where", "name"),
    [
        pytest.param(verifier, "copy_between", id="before the good one came"),
        pytest.param(LocalStore, "settle", id="before the record"),
    ],
)
def test_a_repair_that_was_killed_is_told_by_the_next_run(
    two: Lab, pattern: str, where: Any, name: str
) -> None:
    path = rotten(two, pattern)
    good, bad = next(two.root.rglob(pattern)).read_bytes(), path.read_bytes()
    run = cut_off(two, where, name, "catalog", "verify", "--repair")
    assert not told(two, "repair") and [*trashed(two).values()] == [bad]
    assert path.exists() == (name == "settle")
    assert two.catalog("verify", "--repair", "--json").summary["repaired"] == 1
    assert path.read_bytes() == good
    (event,) = told(two, "repair")
    (key,) = trashed(two)
    assert (event["store"], event["trash"]) == ("shelf", key) and key.startswith(f"{run}/")
    assert event["source"] == f"nas:{next(two.root.rglob(pattern)).relative_to(two.root)}"
    assert two.catalog("verify", "--repair", "--json").summary["verified"] == 4
    assert len(told(two, "repair")) == 1
    assert two.catalog("trash", "empty", "--yes").status == 0 and not trashed(two)
    two.check_no_ghosts()


def test_a_sidecar_that_a_person_removed_after_a_repair_stays_away(two: Lab) -> None:
    path = rotten(two, "*.xmp")
    assert two.catalog("verify", "--repair", "--json").summary["repaired"] == 1
    path.unlink()
    assert two.catalog("verify", "--repair", "--json").summary["missing"] == 1
    assert not path.exists()


def test_what_is_unclear_and_was_taken_away_to_be_repaired_is_repaired(
    two: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = rotten(two, "*.jpg")
    monkeypatch.setattr(verifier, "is_untouched", lambda *_: None)
    words = ("catalog", "verify", "--repair", "--repair-unclear")
    cut_off(two, verifier, "copy_between", *words)
    assert not path.exists()
    assert two.run(*words, "--json").summary["repaired"] == 1
    assert path.read_bytes() == PHOTO and len(told(two, "repair")) == 1


# --- sidecars of our own --------------------------------------------------------------------------


def rewritten(lab: Lab) -> tuple[Path, bytes]:
    """A sidecar of ours that is to be written anew, and what it holds."""
    (lab.root / "x").mkdir()
    put(lab.root, {"x/2.jpg": jpeg(2)})
    assert lab.run("sync_catalog_with_disk", "-q").status == 0
    digest = content_hash(jpeg(2))
    assert lab.catalog("tag", digest, "--add", "sea").status == 0
    assert lab.catalog("sidecars", "write").status == 0
    assert lab.catalog("tag", digest, "--add", "hills").status == 0
    path = lab.root / "x/2.jpg.xmp"
    return path, path.read_bytes()


KILLS = [pytest.param(False, id="before the newer one came"), pytest.param(True, id="after")]
"""Whether the newer sidecar was there when the run was killed."""


def killed(lab: Lab, where: Any, name: str, newer: Path, has_come: bool, *command: object) -> str:
    """Kill a run before it has recorded a sidecar, or (as it then is) before that came; the run."""
    run = cut_off(lab, where, name, "catalog", *command)
    if not has_come:
        newer.unlink()
    return run


@pytest.mark.parametrize("has_come", KILLS)
def test_a_sidecar_that_gave_way_is_told_by_the_next_run(lab: Lab, has_come: bool) -> None:
    put(lab.source, {"1.jpg": PHOTO})
    assert lab.upload().status == 0
    path, older = rewritten(lab)
    run = killed(lab, _Writer, "record", path, has_come, "sidecars", "write")
    assert lab.catalog("sidecars", "write").status == 0
    newer = path.read_bytes()
    event = max(told(lab, "sidecar"), key=lambda event: event["at"])
    assert event["trash"] == f"{run}/x/2.jpg.xmp" and b"hills" in newer
    assert lab.catalog("undo", event["run"]).status == 0
    assert path.read_bytes() == older
    lab.check_no_ghosts()


@pytest.mark.parametrize("has_come", KILLS)
def test_a_sidecar_that_gave_way_comes_back_by_an_undo(lab: Lab, has_come: bool) -> None:
    put(lab.source, {"1.jpg": PHOTO})
    assert lab.upload().status == 0
    path, older = rewritten(lab)
    run = killed(lab, _Writer, "record", path, has_come, "sidecars", "write")
    assert lab.catalog("undo", run, "--dryrun").status == 0
    assert lab.catalog("undo", run).status == 0
    assert path.read_bytes() == older
    lab.check_no_ghosts()
    assert lab.catalog("undo", run).status == 2, "nothing is left of it"
    assert lab.catalog("sidecars", "write").status == 0 and b"hills" in path.read_bytes()


def test_a_sidecar_that_could_not_be_replaced_is_there_still(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalog.errors import StoreFull

    put(lab.source, {"1.jpg": PHOTO})
    assert lab.upload().status == 0
    path, older = rewritten(lab)

    def full(*_: Any) -> None:
        raise StoreFull("No space is left.", store="nas", path="x")

    monkeypatch.setattr(LocalStore, "put", full)
    assert lab.catalog("sidecars", "write").status != 0
    assert path.read_bytes() == older
    lab.check_no_ghosts()


# --- a mirror -------------------------------------------------------------------------------------


def edited(lab: Lab) -> Path:
    """The sidecar of the shelf, which is older than that of the NAS."""
    next(lab.root.rglob("*.xmp")).write_bytes(NEWER)
    assert lab.run("sync_catalog_with_disk", "-q").status == 0
    return next((lab.folder / "shelf").rglob("*.xmp"))


def check(lab: Lab, path: Path, data: bytes) -> None:
    """The sidecar of the shelf is this one, as the index says, and the photo is there."""
    (document,) = lab.documents().values()
    (row,) = (row for row in document["sidecars"] if row["store"] == "shelf")
    assert path.read_bytes() == data and row["hash"] == content_hash(data)
    assert path == lab.folder / "shelf" / row["path"]
    assert all((lab.folder / "shelf" / r["path"]).exists() for r in document["copies"])


def test_the_undo_of_a_mirror_brings_the_older_sidecar_back(two: Lab) -> None:
    path = edited(two)
    assert two.catalog("mirror", "nas", "shelf").status == 0
    assert path.read_bytes() == NEWER
    (event,) = (e for e in told(two, "copy") if e.get("trash"))
    assert two.catalog("undo", event["run"]).status == 0
    check(two, path, OLDER)


@pytest.mark.parametrize("has_come", KILLS)
def test_the_undo_of_a_killed_mirror_brings_the_older_sidecar_back(
    two: Lab, has_come: bool
) -> None:
    path = edited(two)
    run = killed(two, transfer_recorder, "edit_of", path, has_come, "mirror", "nas", "shelf")
    assert two.catalog("undo", run).status == 0
    check(two, path, OLDER)


@pytest.mark.parametrize("has_come", KILLS)
def test_a_killed_mirror_that_is_repeated_knows_the_older_sidecar(two: Lab, has_come: bool) -> None:
    path = edited(two)
    run = killed(two, transfer_recorder, "edit_of", path, has_come, "mirror", "nas", "shelf")
    assert two.catalog("mirror", "nas", "shelf").status == 0
    (event,) = (e for e in told(two, "copy") if e.get("trash"))
    assert event["trash"].startswith(f"{run if has_come else event['run']}/")
    check(two, path, NEWER)
    assert two.catalog("undo", event["run"]).status == 0
    check(two, path, OLDER)
