"""The index is lost and comes back: exports, imports, backups, with a real Elasticsearch."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from filled_catalog import a_document, behind, fill, send
from running import PROGRAMS, Done, Lab, ended

from catalog.domain.copies import flat
from catalog.domain.person import lay_over
from catalog.engine import LocalNode
from catalog.features.backup.stream import ORDER
from catalog.index import migration, schema

pytestmark = pytest.mark.node
OpenFolder = Callable[[], AbstractContextManager[Path]]
EVERYTHING = ("", "events", "stores", "sources", "decisions", "handovers")
V = schema.SCHEMA_VERSION
MANY = 1500
FEW = 40

KILLED = """
import os, signal, sys
from catalog.features.backup import packed_files
from catalog.cli.program import main
real, left = packed_files.Output.write, [int(sys.argv.pop(1))]
def write(self, data):
    real(self, data)
    left[0] -= 1
    if not left[0]: os.kill(os.getpid(), signal.SIGKILL)
packed_files.Output.write = write
sys.argv[0] = "catalog"
main()
"""
"""`catalog`, killed after so many writes of an export."""


def everything(lab: Lab) -> dict[str, dict[str, dict[str, Any]]]:
    """Every document of all six indexes."""
    return {what: lab.documents(what) for what in EVERYTHING}


def beside(lab: Lab, name: str = "other") -> Lab:
    """Another catalog on the same node, in the same folder."""
    return Lab(lab.folder, lab.node, f"{lab.index}-{name}", dict(lab.variables))


def filled(lab: Lab, count: int) -> dict[str, dict[str, dict[str, Any]]]:
    """A catalog with something in every index: all of its documents."""
    assert lab.catalog("import", "-", "-q").status == 2  # nothing to read, nothing made
    assert behind(lab) == {}
    made = lab.folder / "empty.ndjson"
    write(made, header(), end({}))
    assert lab.catalog("import", made).status == 0
    documents = fill(lab, count) if count else {}
    if documents:
        send(
            lab,
            (
                (f"{lab.index}-sources", f"1-{n}", {"hash": key, "path": f"/card/{n}"})
                for n, key in enumerate(documents)
            ),
        )
    send(
        lab,
        [
            (
                f"{lab.index}-stores",
                "nas",
                {"name": "nas", "id": "a1", "kind": "local", "root": "/mnt/nas"},
            ),
            (f"{lab.index}-decisions", "d1", {"kind": "not-duplicate", "hash": "a", "other": "b"}),
        ],
    )
    return everything(lab)


def header(**more: Any) -> dict[str, Any]:
    return {
        "format": "image-catalog export",
        "version": 1,
        "schema": V,
        "counts": {},
        "program": "9.9",
        **more,
    }


def end(counts: dict[str, int]) -> dict[str, Any]:
    return {"what": "end", "counts": counts}


def asset(document: dict[str, Any]) -> dict[str, Any]:
    return {"what": "assets", "id": document["hash"], "document": document}


def write(path: Path, *lines: Any) -> Path:
    path.write_text(
        "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines)
    )
    return path


def export_of(path: Path, *documents: dict[str, Any]) -> Path:
    return write(path, header(), *map(asset, documents), end({"assets": len(documents)}))


def one_line(done: Done, status: int) -> str:
    """The one line of an error."""
    assert (done.status, done.out) == (status, ""), done
    (line,) = done.err.splitlines()
    return line


# --- there and back -------------------------------------------------------------------------------


def test_an_export_imported_elsewhere_is_the_same_catalog(lab: Lab) -> None:
    before = filled(lab, MANY)
    file = lab.folder / "all.ndjson.gz"
    done = lab.catalog("export", file, "--json")
    assert done.status == 0 and done.summary["documents"] == 3 * MANY + 2
    assert {what: done.summary[what] for what in ORDER} == {
        "assets": MANY,
        "events": MANY,
        "sources": MANY,
        "stores": 1,
        "decisions": 1,
        "handovers": 0,
    }
    other = beside(lab)
    done = other.catalog("import", file, "--json")
    assert done.status == 0 and done.summary["new"] == done.summary["documents"] == 3 * MANY + 2
    assert everything(other) == before
    again = other.catalog("import", file, "--json")
    assert (
        again.status == 0 and again.summary["unchanged"] == 3 * MANY + 2 and len(again.lines) == 1
    )
    assert everything(other) == before and everything(lab) == before
    assert done.summary["run"] != again.summary["run"]


def test_stdin_and_stdout_and_every_packing(lab: Lab) -> None:
    before = filled(lab, FEW)
    done = lab.catalog("export", "-")
    lines = done.lines
    assert (
        lines[0]["format"] == "image-catalog export"
        and lines[0]["catalog"] == lab.index
        and lines[0]["schema"] == V
    )
    assert lines[-1] == end(lines[0]["counts"]) and len(lines) == 3 * FEW + 4
    assert "Exported 40 assets" in done.err
    for ending in ("ndjson", "xz"):
        file = lab.folder / f"all.{ending}"
        assert lab.catalog("export", file).status == 0
        other = beside(lab, ending)
        with file.open("rb") as stdin:
            command = [PROGRAMS / "catalog", "import", "-"]
            subprocess.run(
                command, stdin=stdin, env=other.environment(), check=True, capture_output=True
            )
        assert everything(other) == before


def test_an_export_is_not_written_over_a_file_and_leaves_none_that_is_not_whole(lab: Lab) -> None:
    file = lab.folder / "all.ndjson"
    assert "no catalog" in one_line(lab.catalog("export", file, "-q"), 2)
    filled(lab, FEW)
    file.write_text("precious")
    assert "there already" in one_line(lab.catalog("export", file), 2)
    assert file.read_text() == "precious"
    killed = [sys.executable, "-c", KILLED, "3", "export", str(file), "--force"]
    assert (
        subprocess.run(killed, env=lab.environment(), check=False, capture_output=True).returncode
        == -signal.SIGKILL
    )
    assert file.read_text() == "precious"
    assert lab.catalog("export", file, "--force").status == 0
    assert file.read_text().endswith("}\n") and not list(lab.folder.glob(".*"))


def test_a_killed_import_is_run_again_and_ends_as_if_it_had_not_been(lab: Lab) -> None:
    before = filled(lab, MANY)
    file = lab.folder / "all.ndjson"
    assert lab.catalog("export", file).status == 0
    lines = file.read_bytes().splitlines(keepends=True)
    other = beside(lab)
    process = subprocess.Popen(
        [PROGRAMS / "catalog", "import", "-"],
        stdin=subprocess.PIPE,
        env=other.environment(),
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdin
        process.stdin.writelines(lines[: MANY * 2 + 700])
        process.stdin.flush()
        while not any(len(other.documents(what)) for what in ("events", "sources")):
            assert process.poll() is None
        process.kill()
    assert sum(map(len, everything(other).values())) < len(lines) - 2
    done = other.catalog("import", file, "--json")
    assert done.status == 0 and done.summary["unchanged"] > 0
    assert everything(other) == before


def test_an_export_of_an_older_schema_is_brought_up_to_date(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = filled(lab, FEW)
    file = lab.folder / "all.ndjson"
    assert lab.catalog("export", file).status == 0
    other = beside(lab)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", V + 1)
    widened = schema.ASSET_PROPERTIES | {"moved_from": schema.INTEGER}
    monkeypatch.setattr(schema, "PROPERTIES", schema.PROPERTIES | {"assets": widened})
    upgrades = migration.UPGRADES | {V: {"assets": lambda document: document | {"moved_from": V}}}
    monkeypatch.setattr(migration, "UPGRADES", upgrades)
    assert other.catalog("import", file).status == 0
    assert other.documents() == {
        key: document | {"moved_from": V} for key, document in before[""].items()
    }
    done = lab.catalog("import", file, "--dryrun")
    assert done.status == 0 and "0 new, 122 unchanged" in done.out
    assert set(behind(lab)) == {
        f"{schema.alias_of(lab.index, w)}-v{V}" for w in schema.PROPERTIES
    } | set(behind(other))


# --- merging --------------------------------------------------------------------------------------


def a_pair() -> tuple[dict[str, Any], dict[str, Any]]:
    """One asset as two catalogs know it."""
    mine = lay_over(a_document(1), {"rating": 5})
    theirs = a_document(1) | {"updated": "2027-01-01T00:00:00.000Z", "width": 1}
    copy = theirs["copies"][0]
    later = copy | {"verified": "2027-01-01T00:00:00.000Z", "state": "missing"}
    theirs |= flat([later, copy | {"path": "more.jpg", "name": "more.jpg"}])
    theirs["sidecars"] = [
        theirs["sidecars"][0] | {"size": 9},
        theirs["sidecars"][0] | {"path": "more.xmp"},
    ]
    return mine, lay_over(theirs, {"rating": 1, "title": "Said elsewhere"})


def test_an_asset_that_both_have_is_merged_and_the_history_tells(lab: Lab) -> None:
    filled(lab, 0)
    mine, theirs = a_pair()
    send(lab, [(lab.index, mine["hash"], mine)])
    file = write(
        lab.folder / "theirs.ndjson",
        header(),
        {
            "what": "stores",
            "id": "nas",
            "document": {"name": "nas", "id": "a1", "kind": "local", "root": "/elsewhere"},
        },
        {
            "what": "stores",
            "id": "usb",
            "document": {"name": "usb", "id": "b2", "kind": "local", "root": "/usb"},
        },
        asset(theirs),
        asset(a_document(2)),
        end({"assets": 2, "stores": 2}),
    )
    state = everything(lab)
    dry = lab.catalog("import", file, "--dryrun", "--json")
    assert {k: dry.summary[k] for k in ("new", "merged", "unchanged")} == {
        "new": 2,
        "merged": 1,
        "unchanged": 1,
    }
    assert everything(lab) == state
    done = lab.catalog("import", file, "--json")
    assert done.status == 0 and done.lines[:-1] == dry.lines[:-1], "what was shown is what was done"
    assert {k: done.summary[k] for k in ("new", "merged", "unchanged")} == {
        "new": 2,
        "merged": 1,
        "unchanged": 1,
    }
    (told,) = done.lines[:-1]
    assert (told["outcome"], told["hash"], told["line"]) == ("merged", mine["hash"], 4)
    after = lab.documents()[mine["hash"]]
    states = {(c["store"], c["path"]): c["state"] for c in after["copies"]}
    first = mine["copies"][0]["path"]
    assert states == {
        ("nas", first): "missing",
        ("dropbox", "1.jpg"): "ok",
        ("nas", "more.jpg"): "ok",
    }
    assert (after["paths"], after["copy_count"], after["stores"]) == (
        ["1.jpg", "more.jpg"],
        2,
        ["dropbox", "nas"],
    )
    assert [(s["path"], s["size"]) for s in after["sidecars"]] == [
        ("2019/07_July/1.xmp", 5),
        ("more.xmp", 5),
    ]
    assert (after["rating"], after["title"], after["width"]) == (5, "Said elsewhere", mine["width"])
    assert after["updated"] > mine["updated"]
    assert lab.documents("stores")["nas"]["root"] == "/mnt/nas" and "usb" in lab.documents("stores")
    (event,) = lab.documents("events").values()
    assert (event["action"], event["hash"], event["run"]) == (
        "import",
        mine["hash"],
        done.summary["run"],
    )
    assert event["before"]["title"] == mine["title"] and event["after"]["title"] == "Said elsewhere"
    state = everything(lab)
    again = lab.catalog("import", file, "--json")
    assert again.summary["unchanged"] == again.summary["documents"] == 4
    assert everything(lab) == state


def test_two_imports_at_once_keep_the_copies_of_both(lab: Lab) -> None:
    filled(lab, FEW)
    files = []
    for store in ("usb1", "usb2"):
        documents = [
            d | flat([d["copies"][0] | {"store": store}]) for d in map(a_document, range(FEW))
        ]
        files.append(export_of(lab.folder / f"{store}.ndjson", *documents))
    imports = [lab.start("catalog", "import", file, "--json") for file in files]
    done = list(map(ended, imports))
    assert [(d.status, d.summary["merged"]) for d in done] == [(0, FEW)] * 2
    assert {tuple(d["stores"]) for d in lab.documents().values()} == {
        ("dropbox", "nas", "usb1", "usb2")
    }
    assert len(lab.documents("events")) == 3 * FEW


# --- what does not fit ----------------------------------------------------------------------------


def test_a_damaged_file_is_told_in_one_line_and_does_no_harm(lab: Lab) -> None:
    documents = [a_document(n) for n in range(3)]
    whole = export_of(lab.folder / "whole.ndjson", *documents)
    lines = whole.read_text().splitlines(keepends=True)
    packed = gzip.compress(whole.read_bytes())
    file = lab.folder / "file"

    def refusal(data: bytes | str, status: int) -> str:
        file.write_bytes(data.encode() if isinstance(data, str) else data)
        return one_line(lab.catalog("import", file, "-q"), status)

    assert "No such file" in one_line(lab.catalog("import", lab.folder / "none", "-q"), 2)
    assert "no export" in refusal("hello\n", 2)
    assert "newer version" in refusal(json.dumps(header(schema=V + 1)) + "\n", 1)
    assert behind(lab) == {}, "nothing was made for a file that cannot be imported"
    assert "cut short" in refusal("".join(lines[:-1]), 1)
    assert "Line 3 of" in refusal("".join([*lines[:2], lines[2][:50] + "\n", *lines[3:]]), 1)
    assert "cut short" in refusal(packed[:-20], 1)
    assert lab.catalog("import", whole).status == 0
    assert lab.documents() == {d["hash"]: d for d in documents}


def test_a_document_that_does_not_fit_is_told_and_the_others_come_in(lab: Lab) -> None:
    good, bad, odd = (
        a_document(1),
        a_document(2) | {"unheard_of": 1},
        a_document(3) | {"copies": [{}]},
    )
    file = export_of(lab.folder / "all.ndjson", bad, good, odd)
    done = lab.catalog("import", file)
    assert done.status == 3 and "1 new, 2 failed" in done.out
    assert (
        "Line 2 was not imported" in done.err
        and "unheard_of" in done.err
        and "Line 4 was not imported" in done.err
    )
    assert lab.documents() == {good["hash"]: good}
    told = lab.catalog("import", file, "--json").lines[:-1]
    assert [(t["line"], t["outcome"]) for t in told] == [(2, "failed"), (4, "failed")]


def test_a_reader_of_an_export_that_goes_away_is_told_that_it_is_not_whole(lab: Lab) -> None:
    filled(lab, MANY)
    script = f"'{PROGRAMS / 'catalog'}' export -q - | head -1"
    command = ["bash", "-o", "pipefail", "-c", script]
    done = subprocess.run(
        command, env=lab.environment(), check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (
        1,
        "Error: Whoever read the export has stopped; it is not whole.\n",
    )
    assert json.loads(done.stdout)["format"] == "image-catalog export"


def test_the_journal_of_an_import_says_what_became_of_the_documents(lab: Lab) -> None:
    file = export_of(lab.folder / "all.ndjson", a_document(1), a_document(2) | {"unheard_of": 1})
    run = lab.catalog("import", file, "--json").summary["run"]
    journal = lab.home / "state" / "journal" / f"{run}.jsonl"
    first, last = map(json.loads, journal.read_text().splitlines())
    assert (first["state"], first["command"], first["source"]) == ("started", "import", str(file))
    figures = {name: last[name] for name in ("new", "merged", "unchanged", "failed", "status")}
    assert figures == {"new": 1, "merged": 0, "unchanged": 0, "failed": 1, "status": 3}


def test_a_dry_run_makes_no_index(lab: Lab) -> None:
    file = export_of(lab.folder / "all.ndjson", *map(a_document, range(3)))
    done = lab.catalog("import", file, "--dryrun")
    assert done.status == 0 and "nothing was changed: 3 documents: 3 new" in done.out
    assert behind(lab) == {}


# --- backups on a server that was named -----------------------------------------------------------


def registered(lab: Lab, place: str) -> list[str]:
    """Repositories that the server knows there; others on it are other tests'."""
    known = lab.ask("GET", "_snapshot")
    return [name for name, about in known.items() if place in about["settings"]["location"]]


def test_a_server_keeps_backups_in_its_own_folder(lab: Lab) -> None:
    before = filled(lab, FEW)
    place = f"{lab.index}-backups"  # below the server's path.repo
    first = lab.catalog("backup", place, "--json")
    assert first.status == 0 and first.summary["counts"]["assets"] == FEW
    lab.ask("DELETE", f"{lab.index}/_doc/{next(iter(before['']))}")
    second = lab.catalog("backup", place, "--json")
    listed = lab.catalog("restore", place, "--list", "--json").lines
    assert [b["name"] for b in listed] == [first.summary["name"], second.summary["name"]]
    refused = one_line(lab.catalog("restore", place, "-q"), 4)
    assert "holds 39 assets" in refused and "--replace" in refused
    other = beside(lab)
    assert other.catalog("restore", place).status == 0
    assert len(other.documents()) == FEW - 1
    indexes = set(behind(lab))
    done = lab.catalog("restore", place, "--replace", "--name", first.summary["name"], "--json")
    assert done.status == 0 and set(done.summary["replaced"]) <= indexes
    assert everything(lab) == before
    assert indexes <= set(behind(lab)), "no old index is deleted"
    assert registered(lab, place) == []
    assert "no backup in" in one_line(lab.catalog("restore", f"{place}-none", "-q"), 2)
    assert "path.repo" in one_line(lab.catalog("backup", f"/nowhere/{place}", "-q"), 1)
    assert registered(lab, place) == []


def test_a_backup_of_an_older_schema_takes_the_place_of_a_newer_catalog(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = filled(lab, FEW)
    place = f"{lab.index}-backups"
    assert lab.catalog("backup", place).status == 0
    monkeypatch.setattr(schema, "SCHEMA_VERSION", V + 1)
    monkeypatch.setattr(migration, "UPGRADES", migration.UPGRADES | {V: {}})
    assert lab.catalog("status").status == 0  # brings the catalog to the newer schema
    assert lab.catalog("restore", place, "--replace").status == 0
    assert everything(lab) == before
    assert [name for name, aliases in behind(lab).items() if aliases == [lab.index]] != [
        f"{lab.index}-v{V + 1}"
    ]


# --- the program's own node -----------------------------------------------------------------------


def seen(lab: Lab, node: LocalNode) -> dict[str, dict[str, dict[str, Any]]]:
    """Every document, asked of the node itself."""
    return everything(Lab(lab.folder, node.ensure_running(), lab.index))


def full(lab: Lab, node: LocalNode) -> dict[str, dict[str, dict[str, Any]]]:
    """A catalog on the node with something in every index: all of its documents."""
    return filled(Lab(lab.folder, node.ensure_running(), lab.index), FEW)


def check_clean(lab: Lab, node: LocalNode) -> None:
    """Nothing of a transfer is left: no folder, no repository, no half index."""
    assert list((node.home / "snapshots").iterdir()) == []
    asking = Lab(lab.folder, node.ensure_running(), lab.index)
    assert asking.ask("GET", "_snapshot") == {}
    assert asking.ask("GET", "_cluster/health")["status"] == "green"


def test_a_node_that_lost_everything_gets_its_catalog_back(own: Lab, spare_node: LocalNode) -> None:
    lab, node = own, spare_node
    shelf = lab.folder / "backups"
    before = full(lab, node)
    done = lab.catalog("backup", shelf, "--json")
    assert done.status == 0, done.err
    (backup,) = shelf.iterdir()
    assert backup.name == done.summary["name"]
    assert {path.stat().st_uid for path in [shelf, *shelf.rglob("*")]} == {os.geteuid()}
    check_clean(lab, node)
    assert "the folder of the node itself" in one_line(
        lab.catalog("backup", node.home / "b", "-q"), 2
    )
    refused = one_line(lab.catalog("restore", shelf, "-q"), 4)
    assert "holds 40 assets" in refused
    node.stop()
    shutil.rmtree(node.home / "data")
    done = lab.catalog("restore", shelf)
    assert done.status == 0 and "40 assets" in done.out
    assert seen(lab, node) == before
    check_clean(lab, node)
    assert lab.catalog("status").status == 0


def test_a_damaged_backup_is_refused_and_the_catalog_stays(own: Lab, spare_node: LocalNode) -> None:
    lab, node = own, spare_node
    before = full(lab, node)
    shelf = lab.folder / "damaged"
    assert lab.catalog("backup", shelf).status == 0
    largest = max((p for p in shelf.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    largest.write_bytes(bytes(largest.stat().st_size))
    state = seen(lab, node)
    assert "damaged" in one_line(lab.catalog("restore", shelf, "--replace", "-q"), 1)
    assert seen(lab, node) == state == before
    check_clean(lab, node)


def killed_in(lab: Lab, module: str, function: str, *arguments: object) -> None:
    """A command that is killed where it calls a function."""
    script = (
        "import importlib, os, signal, sys; from catalog.cli.program import main\n"
        "module, function = importlib.import_module(sys.argv.pop(1)), sys.argv.pop(1)\n"
        "setattr(module, function, lambda *_: os.kill(os.getpid(), signal.SIGKILL)); sys.argv[0] "
        "= 'catalog'; main()\n"
    )
    command = [sys.executable, "-c", script, module, function, *map(str, arguments)]
    done = subprocess.run(command, env=lab.environment(), check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_what_killed_backups_and_restores_left_is_cleared_by_the_next(
    own: Lab, spare_node: LocalNode
) -> None:
    lab, node = own, spare_node
    before = full(lab, node)
    shelf = lab.folder / "killed"
    place = node.home / "snapshots"
    for module, function in (
        ("catalog.features.backup.snapshots", "_await_snapshot"),
        ("catalog.engine.staging", "copy_folder"),
    ):
        killed_in(lab, module, function, "backup", shelf)
        assert list(place.iterdir()), "something was left"
        assert "no backup" in lab.catalog("restore", shelf, "--list").out
    assert lab.catalog("backup", shelf).status == 0
    assert len(list(shelf.iterdir())) == 1
    check_clean(lab, node)
    killed_in(
        lab, "catalog.features.backup.snapshots", "_await_shards", "restore", shelf, "--replace"
    )
    assert list(place.iterdir()) and seen(lab, node) == before
    assert lab.catalog("restore", shelf, "--replace").status == 0
    assert seen(lab, node) == before
    check_clean(lab, node)
