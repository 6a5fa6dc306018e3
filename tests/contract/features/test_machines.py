"""One catalog, several machines: what one of them recorded of its own disks misleads no other."""

from __future__ import annotations

import os
from typing import Any

from running import MTIME, Lab, jpeg, put

from catalog.domain.fixity import content_hash
from catalog.stores.machine import machine_id

ELSEWHERE = "0123456789abcdef"


def recorded_elsewhere(lab: Lab, **changes: Any) -> None:
    """Make the catalog's rows those of another machine; `changes` are values of theirs."""
    for digest, document in lab.documents().items():
        for row in document["copies"]:
            row |= {"host": ELSEWHERE, **changes}
        lab.ask("PUT", f"{lab.index}/_doc/{digest}?refresh=true", json=document)


def sync(lab: Lab, *arguments: str) -> dict[str, Any]:
    done = lab.run("sync_catalog_with_disk", "--nas_root", lab.root, "--json", *arguments)
    assert done.status == 0, done.err
    return {
        name: number for name, number in done.summary.items() if number and isinstance(number, int)
    }


def test_what_another_machine_recorded_is_unchanged_here_and_renames_are_read(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload().status == 0
    (document,) = lab.documents().values()
    (row,) = document["copies"]
    assert row["host"] == machine_id() and row["ctime_ns"] > MTIME * 10**9
    path = lab.root / row["path"]
    other = jpeg("b")
    other += bytes(max(0, row["size"] - len(other)))
    put(
        lab.root, {"other.jpg": other}
    )  # by the numbers of the other machine, this is the file it knows as a.jpg
    os.truncate(lab.root / "other.jpg", row["size"])
    here = (lab.root / "other.jpg").stat()
    changes = {"device": here.st_dev, "inode": here.st_ino}
    recorded_elsewhere(lab, **changes)
    assert "moved" not in sync(lab, "--dryrun") and sync(lab)["unchanged"] == 1
    (lab.root / "folder").mkdir()
    path.rename(lab.root / "folder" / path.name)
    recorded_elsewhere(lab, **changes)
    assert sync(lab)["moved"] == 1
    documents = lab.documents()
    assert documents.keys() == {
        document["hash"],
        content_hash((lab.root / "other.jpg").read_bytes()),
    }
    (moved,) = documents[document["hash"]]["copies"]
    status = (lab.root / "folder" / path.name).stat()
    assert moved["path"] == f"folder/{path.name}"
    assert (moved["host"], moved["inode"], moved["ctime_ns"]) == (
        machine_id(),
        status.st_ino,
        status.st_ctime_ns,
    )
    assert (lab.root / "folder" / path.name).rename(path) and sync(lab)["moved"] == 1


def test_a_store_is_looked_for_where_this_machine_saw_it(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload().status == 0
    record = lab.documents("stores")["nas"]
    (here,) = record["roots"]
    assert (here["host"], here["root"], record["root"]) == (
        machine_id(),
        str(lab.root),
        str(lab.root),
    )
    there = {
        "host": ELSEWHERE,
        "name": "tower",
        "root": "/nowhere/photos",
        "seen": "2099-01-01T00:00:00.000Z",
    }
    changed = {**record, "root": "/nowhere/photos", "roots": [there, here]}
    lab.ask("PUT", f"{lab.index}-stores/_doc/nas?refresh=true", json=changed)
    assert lab.catalog("verify", "nas", "--json").summary["verified"] == 1
    (path,) = lab.catalog("search", "--format", "paths").out.splitlines()
    assert os.path.exists(path) and path.startswith(str(lab.root))
    assert lab.catalog("store", "list", "--json").lines[0]["root"] == str(lab.root)
    assert lab.run("sync_catalog_with_disk").status == 0, "without --nas_root"
    record = lab.documents("stores")["nas"]
    assert {row["host"]: row["root"] for row in record["roots"]} == {
        ELSEWHERE: "/nowhere/photos",
        machine_id(): str(lab.root),
    }
    source = lab.folder / "nowhere"
    source.mkdir()
    changed["roots"][0]["root"] = str(source)
    lab.ask("PUT", f"{lab.index}-stores/_doc/nas?refresh=true", json=changed)
    refused = lab.run("delete_from_directory_if_in_catalog", source, "-r")
    assert refused.status == 4, "what is a store on any machine is no folder to clear"
