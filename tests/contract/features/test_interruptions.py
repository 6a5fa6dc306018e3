"""What a signal does to runs of several parts: a service that is stopped has not failed,
and nothing goes on behind one.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from running import Lab, ended, many, wait_for

from catalog.stores.marker import write_marker


def runs(lab: Lab) -> list[dict[str, object]]:
    """How each run ended, by its journal; None for one that never did."""
    journals = sorted((lab.home / "state" / "journal").glob("*.jsonl"))
    return [json.loads(path.read_text().splitlines()[-1]) for path in journals]


def in_the_middle(lab: Lab) -> bool:
    """Whether a sync has recorded something."""
    return any(
        path.read_bytes().count(b"\n") > 1
        for path in (lab.home / "state" / "journal").glob("*.jsonl")
    )


def marked(folder: Path, name: str) -> Path:
    """A folder of photos that is a store."""
    many(folder, 900, prefix=name)
    write_marker(folder, name)
    return folder


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_watch_that_is_stopped_in_the_middle_of_a_sync_ends(
    lab: Lab, number: int, status: int
) -> None:
    marked(lab.root, "nas")
    lab.variables["CATALOG_NAS_ROOT"] = str(lab.root)
    watch = lab.start("catalog", "watch", "nas", "--json", "--every", "5s", "--settle", "1s")
    wait_for(lambda: in_the_middle(lab), watch)
    watch.send_signal(number)
    done = ended(watch)
    assert done.status == status, done.err
    (run,) = runs(lab)
    assert run["action"] == "run" and run["status"] == 130, "the sync itself was cut off"
    assert done.summary["error"] == "interrupted"


def test_a_rebuild_that_is_interrupted_in_one_store_does_not_go_on_with_the_next(lab: Lab) -> None:
    one, other = marked(lab.folder / "one", "one"), marked(lab.folder / "other", "other")
    rebuild = lab.start("catalog", "rebuild", one, other, "--json")
    wait_for(lambda: in_the_middle(lab), rebuild)
    rebuild.send_signal(signal.SIGINT)
    done = ended(rebuild)
    assert done.status == 130, done.err
    assert len(runs(lab)) == 1
    assert {
        row["store"] for document in lab.documents().values() for row in document["copies"]
    } <= {"one"}


def test_a_store_that_fails_in_a_rebuild_is_not_hidden_by_the_next(lab: Lab) -> None:
    one, other = marked(lab.folder / "one", "one"), marked(lab.folder / "other", "other")
    assert lab.catalog("rebuild", one, "-q").status == 0
    for path in one.rglob("*.jpg"):
        path.unlink()
    done = lab.catalog("rebuild", one, other, "-q")
    assert done.status == 4, "too much is gone from the first"
    assert {
        row["store"] for document in lab.documents().values() for row in document["copies"]
    } == {"one", "other"}
    assert done.err.count("Error:") == 1
