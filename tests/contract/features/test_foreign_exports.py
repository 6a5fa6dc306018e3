"""An export that somebody else made is no order to this machine: nothing in it leads outside of
stores, and no undo of a run in it touches what only it speaks of.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from running import Done, Lab, hashes, jpeg, put

from catalog.domain.fixity import content_hash

RUN = "20260102T030405678Z-abcdef"
DIGEST = content_hash(jpeg("a"))


@pytest.fixture
def filled(lab: Lab) -> Lab:
    lab.variables["CATALOG_NAS_ROOT"] = str(lab.root)
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload().status == 0
    return lab


def event(**more: object) -> dict[str, object]:
    return {"at": "2026-01-02T03:04:05.678Z", "run": RUN, "hash": DIGEST, "store": "nas"} | more


def import_foreign(lab: Lab, what: str, key: str, document: Mapping[str, object]) -> Done:
    """Bring in an export of this catalog into which somebody wrote a line."""
    file = lab.folder / "foreign.ndjson"
    assert lab.catalog("export", file, "--force").status == 0
    rows: list[dict[str, Any]] = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    line = {"what": what, "id": key, "document": document}
    rows[-1]["counts"][what] = rows[-1]["counts"].get(what, 0) + 1
    file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in [*rows[:-1], line, rows[-1]]))
    return lab.catalog("import", file, "--json")


def undo(lab: Lab, *arguments: object) -> Done:
    return lab.catalog("undo", RUN, "--json", *arguments)


def lies_at(lab: Lab) -> str:
    return next(path for path in lab.stored())


def test_an_undo_plants_no_file_that_only_an_export_speaks_of(filled: Lab, tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    before = {"hash": DIGEST, "mtime_ns": 1, "device": device}
    wanted = {"action": "remove", "effect": "file", "path": lies_at(filled), "before": before}
    planted = event(**wanted, source=f"{tmp_path}/planted.jpg")
    assert import_foreign(filled, "events", "1", planted).status == 0
    for arguments in (("--dryrun",), ()):
        done = undo(filled, *arguments)
        assert done.status == 3 and "the journal of this machine does not know" in done.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [jpeg("a"), b"#!/bin/sh"], ids=["known", "other"])
def test_an_undo_removes_no_file_outside_a_staging_folder(
    filled: Lab, tmp_path: Path, content: bytes
) -> None:
    put(tmp_path, {"mine.jpg": content})
    handover = {
        "target": "icloud",
        "hash": DIGEST,
        "state": "staged",
        "source": f"{filled.root}/{lies_at(filled)}",
        "folder": str(tmp_path),
        "name": "mine.jpg",
        "staged": content_hash(content),
        "size": len(content),
    }
    staged = event(action="stage", effect="handover", after={"handover": handover})
    assert import_foreign(filled, "events", "1", staged).status == 0
    assert import_foreign(filled, "handovers", f"icloud:{DIGEST}", handover).status == 0
    undo(filled, "--yes")
    assert hashes(tmp_path) == {"mine.jpg": content_hash(content)}


@pytest.mark.parametrize(
    "more",
    [
        {"action": "remove", "path": "a.jpg", "source": "/tmp/a.jpg"},
        {"action": "remove", "path": "a.jpg", "source": "/tmp/a.jpg", "before": {}},
        {"action": "trash", "path": "a.jpg", "trash": f"{RUN}/a.jpg"},
        {"action": "copy", "path": "a.jpg"},
    ],
    ids=["before", "empty", "trash", "copy"],
)
def test_an_event_that_lacks_something_is_refused_in_words(
    filled: Lab, more: dict[str, object]
) -> None:
    assert import_foreign(filled, "events", "1", event(effect="file", **more)).status == 0
    before = filled.outcome()
    done = undo(filled, "--yes")
    assert done.status == 3 and "its event does not say" in done.out
    assert filled.outcome() == before


@pytest.mark.parametrize(
    ("what", "document", "words"),
    [
        ("events", event(action="copy", effect="file", path="../../x"), "no path inside a store"),
        ("events", event(action="copy", before=5), "before that is no object"),
        ("stores", {"name": "../x", "id": "1"}, "no name of a store"),
        ("handovers", {"target": "t", "hash": DIGEST, "name": "../x"}, "leads out of its folder"),
        ("sources", {"hash": [DIGEST]}, "hash that is no text"),
        ("decisions", {"kind": "bad", "hash": DIGEST}, "has no other"),
    ],
)
def test_a_document_that_is_none_is_named_and_left_out(
    filled: Lab, what: str, document: dict[str, object], words: str
) -> None:
    before = filled.documents(what)
    done = import_foreign(filled, what, "foreign", document)
    assert done.status == 3 and done.summary["failed"] == 1
    (line,) = [line for line in done.lines if line.get("outcome") == "failed"]
    assert words in line["reason"] and line["what"] == what and line["line"]
    assert filled.documents(what) == before
