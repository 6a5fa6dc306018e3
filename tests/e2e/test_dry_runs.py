"""Every command that has a dry run: it shows exactly what the run then does, and changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import orjson
import pytest
from emulators.dropbox import Emulator
from running import MTIME, PROGRAMS, Done, Lab, hashes, jpeg, png, put

from catalog.cli.program import COMMANDS, umbrella
from catalog.domain.fixity import content_hash

pytestmark = pytest.mark.node

Arguments = Sequence[object]
Scenario = Callable[[Lab, Emulator], Arguments]
SCENARIOS: dict[str, Scenario] = {}
"""By command: prepares a catalog in which it has many kinds of things to do, and gives its arguments."""


def with_dry_run() -> Iterator[str]:
    """Every command that has --dryrun, by its name; subcommands behind that of their group."""
    context = click.Context(umbrella)
    for name in COMMANDS:
        command = umbrella.get_command(context, name)
        assert command is not None
        parts = {"": command} if not isinstance(command, click.Group) else subcommands(command)
        for part, found in parts.items():
            if any(parameter.name == "dryrun" for parameter in found.params):
                yield f"{name} {part}".strip()


def subcommands(group: click.Group) -> dict[str, click.Command]:
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def scenario(*names: str) -> Callable[[Scenario], Scenario]:
    def register(prepare: Scenario) -> Scenario:
        SCENARIOS.update(dict.fromkeys(names, prepare))
        return prepare

    return register


# --- what there is to do ---------------------------------------------------------------------------------------------

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'


def photos(*numbers: int) -> dict[str, bytes]:
    return {f"{n}.jpg": jpeg(n, f"2019:07:{n + 1:02d} 18:30:15") for n in numbers}


def mixed(folder: Path) -> None:
    """New photos, one of them twice, sidecars, a second name of one moment, what is no photo, and what is passed over."""
    put(folder, {**photos(1, 2, 3), "again/1.jpg": photos(1)["1.jpg"], "1.jpg.xmp": XMP, "sub/2.xmp": XMP + b"2"})
    put(folder, {"sub/2.jpg": jpeg("other", "2019:07:03 18:30:15"), "a.png": png("a"), "b.pdf": b"%PDF", ".hidden.jpg": b"h"})


def stocked(lab: Lab, *numbers: int) -> None:
    """A catalog on the NAS that has some photos."""
    put(lab.source, photos(*numbers))
    put(lab.source, {"1.jpg.xmp": XMP})
    assert lab.upload().status == 0
    lab.variables["CATALOG_NAS_ROOT"] = str(lab.root)


@scenario("upload_to_nas_from_disk")
def _upload(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1, 4)
    mixed(lab.source)
    return (lab.source, "-r", "--dropbox")


@scenario("upload_to_dropbox_from_dropbox")
def _upload_dropbox(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1)
    mixed(lab.folder / "camera")
    for path in sorted(p for p in (lab.folder / "camera").rglob("*") if p.is_file()):
        dropbox.plant(f"/Camera Uploads/{path.relative_to(lab.folder / 'camera')}", path.read_bytes(), client_modified=int(MTIME))
    return ("/Camera Uploads", "-r", "--nas")


def changed(lab: Lab) -> None:
    """A store in which files were renamed, copied, edited, removed and added behind the catalog's back."""
    stocked(lab, *range(1, 9))
    one, two, three, four, five = sorted(lab.root.rglob("2019*.jpg"))[:5]
    one.rename(one.with_name("renamed.jpg"))
    put(lab.root, {"copy.jpg": two.read_bytes(), "new.jpg": jpeg("new"), "new.jpg.xmp": XMP, "x.pdf": b"%PDF"})
    put(lab.root, {str(three.relative_to(lab.root)): jpeg("edited")})
    four.unlink()
    five.with_name(f"{five.name}.xmp").write_bytes(XMP + b"5")


@scenario("sync_catalog_with_disk")
def _sync(lab: Lab, dropbox: Emulator) -> Arguments:
    changed(lab)
    return ()


def mirrored(lab: Lab) -> None:
    """A NAS and a Dropbox that hold the same, and then what was done in either since."""
    changed(lab)
    assert lab.run("sync_catalog_with_disk", "-q").status == 0
    assert lab.run("sync_nas_to_dropbox", "-q").status == 0
    put(lab.source, photos(11, 12))
    put(lab.source, {"11.jpg.xmp": XMP + b"11"})
    assert lab.upload().status == 0
    first, *_rest, moved = sorted(lab.root.rglob("2019*.jpg"))
    moved.rename(moved.with_name("moved.jpg"))
    put(lab.root, {"further/copy.jpg": first.read_bytes()})
    assert lab.run("sync_catalog_with_disk", "-q").status == 0


@scenario("sync_nas_to_dropbox")
def _there(lab: Lab, dropbox: Emulator) -> Arguments:
    mirrored(lab)
    gone = next(path for path in sorted(dropbox.files()) if path.endswith(".jpg"))
    dropbox.delete(gone)
    return ()


@scenario("sync_dropbox_to_nas")
def _back(lab: Lab, dropbox: Emulator) -> Arguments:
    mirrored(lab)
    dropbox.plant("/photos/phone.jpg", jpeg("phone"), client_modified=int(MTIME))
    dropbox.plant("/photos/phone.xmp", XMP + b"phone", client_modified=int(MTIME))
    assert lab.run("sync_catalog_with_dropbox", "-q").status == 0
    lost = sorted(lab.root.rglob("2019*.jpg"))[1]
    lost.unlink()
    return ()


@scenario("sync_catalog_with_dropbox")
def _far(lab: Lab, dropbox: Emulator) -> Arguments:
    mirrored(lab)
    gone, edited, *_rest = (path for path in sorted(dropbox.files()) if path.endswith(".jpg"))
    copied = next(p for p in lab.root.rglob("*.jpg"))
    dropbox.plant("/photos/again.jpg", copied.read_bytes(), client_modified=int(MTIME))
    dropbox.plant("/photos/phone.jpg", jpeg("phone"), client_modified=int(MTIME))
    dropbox.plant("/photos/phone.xmp", XMP + b"phone", client_modified=int(MTIME))
    dropbox.plant(edited, jpeg("edited"), client_modified=int(MTIME))
    dropbox.delete(gone)
    return ()


@scenario("import")
def _import(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1, 2, 3)
    file = lab.folder / "all.ndjson"
    assert lab.catalog("export", file).status == 0
    rows = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    one, two, *_rest = (row["document"] for row in rows if row.get("what") == "assets")
    one["copies"].append(one["copies"][0] | {"path": "elsewhere.jpg"})
    two["copies"] = [{}]
    fresh = {"what": "assets", "id": "0" * 64, "document": one | {"hash": "0" * 64}}
    rows[-1]["counts"]["assets"] += 1
    file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in [*rows[:-1], fresh, rows[-1]]))
    return (file,)


# --- what is taken away, brought back, said and decided ---------------------------------------------------------------


def path_of(lab: Lab, data: bytes) -> str:
    """Where a content lies on the NAS."""
    return next(path for path, digest in lab.stored().items() if digest == content_hash(data))


@scenario("forget", "delete_ids")
def _forget(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1, 2, 3)
    changed_file = lab.root / path_of(lab, photos(2)["2.jpg"])
    changed_file.write_bytes(b"changed")
    return (*map(content_hash, photos(1, 2).values()), "0" * 64, "--with-files")


@scenario("trash restore")
def _restore(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1, 2)
    paths = [path_of(lab, data) for data in photos(1, 2).values()]
    assert lab.catalog("forget", *paths, "--with-files").status == 0
    put(lab.root, {paths[1]: b"in the way"})
    return tuple(paths)


@scenario("delete_from_directory_if_in_catalog")
def _prune(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1, 2, 3)
    (lab.root / path_of(lab, photos(2)["2.jpg"])).unlink()
    put(lab.source, {"again/2.jpg": photos(2)["2.jpg"], "3.jpg.xmp": XMP + b"new", "a.png": png("a"), "b.pdf": b"%PDF"})
    return (lab.source, "-r")


@scenario("tag")
def _tag(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1, 2)
    assert lab.catalog("tag", content_hash(photos(1)["1.jpg"]), "--add", "sea").status == 0
    return ("--query", "", "--add", "sea")


@scenario("set")
def _set(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1, 2)
    return ("--query", "", "taken=2018-01-02", "albums+=Best")


@scenario("sidecars write")
def _sidecars(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1, 2, 3, 4, 5)
    assert lab.catalog("tag", "--query", "", "--add", "sea").status == 0
    assert lab.catalog("sidecars", "write", "--limit", 1).status == 0
    (lab.root / path_of(lab, photos(3)["3.jpg"])).unlink()
    return ()


@scenario("undo")
def _undo(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1)
    put(lab.source, photos(2, 3, 4))
    put(lab.source, {"2.jpg.xmp": XMP + b"2"})
    done = lab.upload("--move")
    assert done.status == 0
    put(lab.source, {"3.jpg": b"another one"})
    (lab.root / path_of(lab, photos(4)["4.jpg"])).write_bytes(b"edited")
    return (done.summary["run"],)


@scenario("measure")
def _measure(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1, 2)
    (lab.root / path_of(lab, photos(2)["2.jpg"])).unlink()
    return ("--again",)


@scenario("resolve")
def _resolve(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1, 2, 3)
    lab.variables["CATALOG_REMOVAL_COPIES"] = "1"
    one, two, three = map(content_hash, photos(1, 2, 3).values())
    rows = [
        ("group", "kind", "decision", "hash", "path", "keeper"),
        ("1" * 12, "similar", "drop", two, "", one),
        ("2" * 12, "similar", "drop", two, "", one),
        ("3" * 12, "similar", "not-duplicate", three, "", one),
        ("4" * 12, "similar", "burn", three, "", one),
        ("5" * 12, "similar", "drop", "0" * 64, "", one),
    ]
    decisions = lab.home / "decisions.csv"
    decisions.write_text("\n".join(map(";".join, rows)))
    return (decisions,)


# --- the test --------------------------------------------------------------------------------------------------------


def lines(done: Done) -> list[dict[str, Any]]:
    """What was told of each file."""
    found = [orjson.loads(line) for line in done.out.splitlines()]
    return [line for line in found if line.get("event") != "summary"]


def told(rows: list[dict[str, Any]]) -> Counter[tuple[str, ...]]:
    names = ("action", "store", "path", "target", "hash", "what", "line")
    return Counter(tuple(str(row.get(name, "")) for name in names) for row in rows)


def state(lab: Lab) -> tuple[object, ...]:
    """All that a run could change."""
    folders = [
        hashes(folder) for folder in sorted(lab.folder.iterdir()) if folder.is_dir() and folder.name not in ("home", "account")
    ]
    return folders, [lab.documents(what) for what in ("", "events", "sources", "stores", "decisions", "handovers")]


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_a_dry_run_shows_what_the_run_then_does(name: str, lab: Lab, dropbox: Emulator) -> None:
    arguments = SCENARIOS[name](lab, dropbox)
    program, *part = name.split()
    before = state(lab), dropbox.files()
    dry = lab.run(*start(program, part), *arguments, "--dryrun", "--json")
    assert (state(lab), dropbox.files()) == before, "a dry run changes nothing"
    run = lab.run(*start(program, part), *arguments, "--json")
    assert run.status in (0, 3), run.err
    shown, done = lines(dry), lines(run)
    assert {"planned", "merged"} & {row["outcome"] for row in shown}, "there is something to do"
    assert told(shown) == told(done)
    kept = [row for row in shown if row["outcome"] != "planned"]
    assert {(where(r), r["outcome"]) for r in kept} <= {(where(r), r["outcome"]) for r in done}


def where(row: dict[str, Any]) -> object:
    """The file, or the line of an export, that an outcome is about."""
    return row.get("path", row.get("line"))


def start(program: str, part: list[str]) -> list[str]:
    """How a command is started: by its own name, where it has a program of its own."""
    return [program, *part] if (PROGRAMS / program).exists() else ["catalog", program, *part]


CHANGES_NOTHING = {"clean_exact_duplicate_entries_from_catalog"}
"""It takes --dryrun for the sake of old scripts, and never changes anything."""


def test_every_command_that_has_a_dry_run_is_tested() -> None:
    assert set(SCENARIOS) | CHANGES_NOTHING == set(with_dry_run())
