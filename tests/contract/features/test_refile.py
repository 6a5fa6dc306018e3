"""`catalog refile`: names and folders again, from what is known now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from running import GHENT, Lab, clip, hashes, jpeg, put
from test_moves import raw

from catalog.domain.fixity import content_hash

JULY = "2019/07_July"


@pytest.fixture
def lab(lab: Lab) -> Lab:
    """The lab, which knows where its store lies."""
    lab.variables["CATALOG_NAS_ROOT"] = str(lab.root)
    return lab


def tree(lab: Lab) -> tuple[dict[str, str], set[str]]:
    """All files of the store by content, and its folders."""
    folders = {str(p.relative_to(lab.root)) for p in lab.root.rglob("*") if p.is_dir()}
    return lab.stored(), {name for name in folders if not name.startswith(".catalog")}


def told(lab: Lab) -> dict[str, Any]:
    """All documents, without what says when something was done."""
    untold = ("updated", "run")
    return {
        digest: {name: value for name, value in document.items() if name not in untold}
        for digest, document in lab.documents().items()
    }


def moves(done: Any) -> dict[str, str]:
    """What a run renamed."""
    return {r["path"]: r["target"] for r in done.lines if r.get("outcome") in ("moved", "planned")}


def uploaded(lab: Lab) -> None:
    """Photos of one second, a live photo, a RAW with its JPEG and sidecars, and one of a place."""
    put(
        lab.source,
        {
            "a.jpg": jpeg("a"),
            "b.jpg": jpeg("b"),
            "c.jpg": jpeg("c", "2019:07:12 18:30:16"),
            "q.jpg": jpeg(1, "2019:07:13 18:30:15"),
            "q.dng": raw(1, "2019:07:13 18:30:15"),
            "q.xmp": b"<x/>",
            "g.jpg": jpeg("g", "2018:01:02 03:04:05", position=GHENT),
            "live.jpg": jpeg("live", "2019:07:31 23:30:00"),
        },
    )
    clip(lab.source / "live.mov", "2019-07-31T23:30:00.000000Z")
    assert lab.upload().status == 0


def test_what_is_called_right_is_not_touched(lab: Lab) -> None:
    uploaded(lab)
    before, events = told(lab), lab.documents("events")
    done = lab.catalog("refile", "--json")
    assert (done.status, done.summary["moved"], done.summary["unchanged"]) == (0, 0, 9)
    assert told(lab) == before and lab.documents("events") == events


def test_shifted_refiled_and_both_undone_all_is_as_it_was(lab: Lab) -> None:
    uploaded(lab)
    files, index = tree(lab), told(lab)
    assert lab.catalog("set", "--query", "taken:2019", "taken+=1h", "-q").status == 0
    shifted = told(lab)
    dry = lab.catalog("refile", "--dryrun", "--json")
    assert tree(lab) == files
    done = lab.catalog("refile", "--json")
    assert (done.status, done.summary["moved"]) == (0, 8), done.out
    assert moves(done) == moves(dry)
    lab.check_no_ghosts()
    assert sorted(tree(lab)[0]) == [
        "2018/01_January/2018-01-02 03-04-05 Ghent.jpg",
        f"{JULY}/2019-07-12 19-30-15.jpg",
        f"{JULY}/2019-07-12 19-30-15_1.jpg",
        f"{JULY}/2019-07-12 19-30-16.jpg",
        f"{JULY}/2019-07-13 19-30-15.dng",
        f"{JULY}/2019-07-13 19-30-15.jpg",
        f"{JULY}/2019-07-13 19-30-15.xmp",
        "2019/08_August/2019-08-01 00-30-00.jpg",
        "2019/08_August/filmchen/2019-08-01 00-30-00.mov",
    ]
    assert "2019/07_July/filmchen" not in tree(lab)[1], "an empty folder goes"
    again = lab.catalog("refile", "--json")
    assert (again.status, again.summary["moved"], again.summary["unchanged"]) == (0, 0, 9)
    assert lab.catalog("undo", done.summary["run"], "-q").status == 0
    assert tree(lab) == files and told(lab) == shifted
    runs = [line for line in lab.catalog("history", "--json").lines if line["command"] == "set"]
    assert lab.catalog("undo", runs[0]["run"], "-q").status == 0
    assert tree(lab) == files and told(lab) == index


def test_scn(lab: Lab) -> None:
    from scenarios import SCENARIOS
    SCENARIOS["refile"](lab, None)
    print(*sorted(lab.stored()), sep="\n")
    done = lab.catalog("refile", "--dryrun")
    print(done.out, done.err)
    done = lab.catalog("refile", "--json")
    print(done.out, done.err)
    print(*sorted(lab.stored()), sep="\n")
    assert 0
