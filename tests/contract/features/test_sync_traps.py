"""Traps that a reconciliation must not fall into: each once made the index lie,
or an asset lose something.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from running import MTIME, Done, Lab, jpeg, png, put

from catalog.domain.fixity import content_hash

A, B = (jpeg(n, "2019:07:12 18:30:15") for n in "ab")
SIZE = max(len(A), len(B))
A, B = A.ljust(SIZE, b"\0"), B.ljust(SIZE, b"\0")
"""Two photos of one size, as uncompressed files of one camera are."""


def sync(lab: Lab, *arguments: object) -> Done:
    return lab.run("sync_catalog_with_disk", "--nas_root", lab.root, "--json", *arguments)


def claimed(lab: Lab) -> dict[str, str]:
    """The content that the index says lies at each path."""
    rows = [
        (row["path"], h)
        for h, d in lab.documents().items()
        for row in d["copies"]
        if row["state"] == "ok"
    ]
    assert len(dict(rows)) == len(rows)
    return dict(rows)


@pytest.fixture
def filled(lab: Lab) -> Lab:
    lab.root.mkdir()
    put(lab.root, {"a.jpg": A, "b.jpg": B})
    assert sync(lab).summary["new"] == 2
    return lab


def test_a_file_of_one_size_and_time_that_took_anothers_place_is_seen(filled: Lab) -> None:
    (filled.root / "a.jpg").unlink()
    (filled.root / "b.jpg").rename(filled.root / "a.jpg")
    assert sync(filled, "--forget-missing").status == 0
    assert claimed(filled) == {"a.jpg": content_hash(B)}


def test_an_inode_that_is_used_again_is_no_proof(filled: Lab) -> None:
    (filled.root / "a.jpg").unlink()
    others = [B[:-4] + bytes([n]) * 4 for n in range(6)]
    put(filled.root, {f"new/{n}.jpg": data for n, data in enumerate(others)})
    assert sync(filled).status == 0
    found = claimed(filled)
    assert {p: h for p, h in found.items() if p != "b.jpg"} == {
        f"new/{n}.jpg": content_hash(d) for n, d in enumerate(others)
    }


def test_a_link_left_at_the_old_place_is_no_copy(filled: Lab) -> None:
    (filled.root / "moved").mkdir()
    (filled.root / "a.jpg").rename(filled.root / "moved" / "a.jpg")
    (filled.root / "a.jpg").symlink_to("moved/a.jpg")
    assert sync(filled).summary["moved"] == 1
    assert claimed(filled) == {"moved/a.jpg": content_hash(A), "b.jpg": content_hash(B)}
    assert sync(filled).status == 0


def test_a_hard_link_in_the_folder_looked_at_is_a_copy(filled: Lab) -> None:
    (filled.root / "album").mkdir()
    os.link(filled.root / "a.jpg", filled.root / "album" / "x.jpg")
    assert sync(filled, "album").summary["copied"] == 1
    assert sorted(claimed(filled)) == ["a.jpg", "album/x.jpg", "b.jpg"]


def test_a_sidecar_that_speaks_for_two_files_dates_both(lab: Lab) -> None:
    lab.root.mkdir()
    put(lab.root, {"IMG_3.png": png(1), "IMG_3-edited.png": png(2)})
    assert sync(lab).summary["new"] == 2
    for year, stamp in ((2010, 1276300800), (2011, 1307836800)):
        put(
            lab.root,
            {"IMG_3.png.json": json.dumps({"photoTakenTime": {"timestamp": str(stamp)}}).encode()},
            mtime=MTIME + year,
        )
        assert sync(lab).status == 0
        assert {d["captured"]["wall"][:4] for d in lab.documents().values()} == {str(year)}
    assert sync(lab, "--dryrun").summary["planned"] == 0


def test_an_asset_with_a_damaged_copy_is_not_forgotten(filled: Lab) -> None:
    shutil.copy(filled.root / "a.jpg", filled.root / "second.jpg")
    sync(filled)
    digest = content_hash(A)
    rows = [
        r | {"state": "damaged"} if r["path"] == "second.jpg" else r
        for r in filled.documents()[digest]["copies"]
    ]
    filled.ask("POST", f"{filled.index}/_update/{digest}", json={"doc": {"copies": rows}})
    (filled.root / "a.jpg").unlink()
    assert sync(filled, "--forget-missing").status == 0
    assert [r["path"] for r in filled.documents()[digest]["copies"]] == ["second.jpg"]


def test_nothing_is_forgotten_while_something_cannot_be_read(filled: Lab, tmp_path: Path) -> None:
    (filled.root / "a.jpg").unlink()
    (filled.root / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    done = sync(filled, "--forget-missing")
    assert (done.summary["failed"], done.summary["forgotten"]) in ((1, 0), (0, 1))
    assert (content_hash(A) in filled.documents()) is (done.summary["failed"] == 1)


def test_what_a_person_said_comes_back_with_a_forgotten_photo(filled: Lab) -> None:
    away = filled.folder / "away.jpg"
    assert filled.catalog("tag", content_hash(A), "--add", "anna").status == 0
    (filled.root / "a.jpg").rename(away)
    assert sync(filled, "--forget-missing").summary["forgotten"] == 1
    shutil.copy(away, filled.root / "back.jpg")
    assert sync(filled).summary["new"] == 1
    assert filled.documents()[content_hash(A)]["tags"] == ["anna"]


def test_many_files_with_other_inodes_are_believed_where_none_can_be_mistaken(lab: Lab) -> None:
    lab.root.mkdir()
    for n in range(30):
        put(lab.root, {f"{n}.jpg": jpeg(n) + b"." * n}, mtime=MTIME + n)
    assert sync(lab).summary["new"] == 30
    copy = lab.folder / "restored"
    shutil.copytree(lab.root, copy)
    shutil.rmtree(lab.root)
    copy.rename(lab.root)
    assert sync(lab).summary["unchanged"] == 30
