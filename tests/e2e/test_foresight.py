"""A dry run shows exactly what the run then does."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from running import GHENT, Done, Lab, clip, jpeg, put, tree

from catalog.domain.fixity import content_hash
from catalog.errors import PermissionDenied
from catalog.stores.local.store import LocalStore

pytestmark = pytest.mark.node

PRUNE = "delete_from_directory_if_in_catalog"
FIELDS = ("action", "store", "path", "target", "hash")
LEFT = frozenset(
    {"failed", "kept", "ignored", "unknown", "refused", "unchanged", "skipped", "apart"}
)
"""Outcomes of what nothing is done with: both kinds of run tell them, and with the same reason."""
Run = Callable[..., Done]


@pytest.fixture
def run(lab: Lab) -> Run:
    """Run a command, as JSON."""
    lab.variables["CATALOG_WORKERS"] = "1"
    return lambda command, *arguments: lab.run(command, *arguments, "--json")


@pytest.fixture
def upload(lab: Lab, run: Run) -> Run:
    """Upload the source, or another folder."""

    def start(*arguments: object, source: Path | None = None) -> Done:
        done = lab.upload(*arguments, source=source)
        assert done.status == 0, done.out
        return done

    return start


def told(done: Done) -> list[tuple[str, ...]]:
    """What is told of each file, without what it is called before it is done, and after it."""
    found = []
    for line in done.lines[:-1]:
        is_left = line["outcome"] in LEFT
        what = (line["outcome"], line["reason"]) if is_left else ("done", "")
        found.append((*(line[name] for name in FIELDS), *what))
    return sorted(found)


def foretold(lab: Lab, run: Run, command: str, *arguments: object) -> Done:
    """The run of a command, whose dry run before it changed nothing and told the same."""

    def everything() -> Any:
        journals = sorted(p.name for p in (lab.home / "state" / "journal").iterdir())
        what = [lab.documents(part) for part in ("", "events", "decisions", "stores")]
        return what, tree(lab.root), tree(lab.source), journals

    before = everything()
    planned = run(command, *arguments, "--dryrun")
    assert everything() == before
    done = run(command, *arguments)
    assert told(planned) == told(done)
    assert planned.status == done.status
    assert "run" not in planned.summary and planned.summary["files"] == done.summary["files"]
    return done


def outcomes(done: Done) -> dict[str, str]:
    """What became of each path."""
    return {line["path"]: line["outcome"] for line in done.lines[:-1]}


def path_of(lab: Lab, data: bytes) -> str:
    """Where a content lies in the catalog."""
    (path,) = (path for path, digest in lab.stored().items() if digest == content_hash(data))
    return path


# --- undo ---------------------------------------------------------------------------------------


def test_sources_that_come_back_are_in_the_plan_of_an_undo(lab: Lab, run: Run, upload: Run) -> None:
    put(
        lab.source,
        {"a.jpg": jpeg("a"), "b/b.jpg": jpeg("b"), "b/b.jpg.xmp": b"<b/>", "same.jpg": jpeg("a")},
    )
    moved = upload("--move").summary["run"]
    put(lab.source, {"same.jpg": jpeg("another one")})
    done = foretold(lab, run, "undo", moved, "--nas_root", lab.root)
    by_action = sorted((line["action"], line["outcome"]) for line in done.lines[:-1])
    assert (
        by_action
        == [("undo add", "undone")] * 2
        + [("undo remove", "failed")]
        + [("undo remove", "undone")] * 3
    )
    assert (lab.source / "a.jpg").read_bytes() == jpeg("a") and lab.stored() == {}


def test_what_an_undo_keeps_is_said_before(lab: Lab, run: Run, upload: Run) -> None:
    """The last copy of a lost source, an edited file, and one whose source lies where it was."""
    put(lab.source, {name: jpeg(name) for name in ("lost.jpg", "edited.jpg", "fine.jpg")})
    uploaded = upload().summary["run"]
    (lab.source / "lost.jpg").unlink()
    edited = lab.root / path_of(lab, jpeg("edited.jpg"))
    edited.write_bytes(b"edited by hand")
    lost, fine = (path_of(lab, jpeg(name)) for name in ("lost.jpg", "fine.jpg"))
    done = foretold(lab, run, "undo", uploaded, "--nas_root", lab.root)
    assert outcomes(done) == {
        lost: "failed",
        edited.relative_to(lab.root).as_posix(): "failed",
        fine: "undone",
    }
    assert edited.read_bytes() == b"edited by hand"


def test_a_moved_source_that_cannot_come_back_keeps_its_copy(
    lab: Lab, run: Run, upload: Run
) -> None:
    put(lab.source, {"a.jpg": jpeg("a")})
    moved = upload("--move").summary["run"]
    journal = lab.home / "state" / "journal" / f"{moved}.jsonl"
    device = lab.source.stat().st_dev
    journal.write_text(journal.read_text().replace(f'"device":{device}', f'"device":{device + 1}'))
    before = lab.stored()
    done = foretold(lab, run, "undo", moved, "--nas_root", lab.root)
    assert set(outcomes(done).values()) == {"failed"} and lab.stored() == before


def test_files_that_were_removed_come_back_unless_others_lie_there(
    lab: Lab, run: Run, upload: Run
) -> None:
    put(lab.source, {"a.jpg": jpeg("a"), "b.jpg": jpeg("b")})
    upload()
    removed = run(PRUNE, lab.source, "--nas_root", lab.root).summary["run"]
    put(lab.source, {"a.jpg": jpeg("another one")})
    done = foretold(lab, run, "undo", removed, "--nas_root", lab.root)
    base = os.path.realpath(lab.source)
    assert outcomes(done) == {f"{base}/a.jpg": "failed", f"{base}/b.jpg": "undone"}


# --- taking away and bringing back --------------------------------------------------------------


def test_a_file_that_changed_keeps_its_asset(lab: Lab, run: Run, upload: Run) -> None:
    put(lab.source, {"a.jpg": jpeg("a"), "b.jpg": jpeg("b")})
    upload()
    (lab.root / path_of(lab, jpeg("a"))).write_bytes(b"changed")
    hashes = [content_hash(jpeg(name)) for name in "ab"]
    done = foretold(lab, run, "forget", *hashes, "0" * 64, "--with-files")
    assert outcomes(done) == {hashes[0]: "failed", hashes[1]: "forgotten", "0" * 64: "unknown"}
    assert set(lab.documents()) == {hashes[0]}


def test_what_cannot_come_back_from_the_trash_is_said_before(
    lab: Lab, run: Run, upload: Run
) -> None:
    """Two of one place, of which the first comes back, unknown; and one whose place is taken."""
    put(lab.source, {"a.jpg": jpeg("a"), "b.jpg": jpeg("b")})
    upload()
    paths = [path_of(lab, jpeg(name)) for name in "ab"]
    runs = []
    for name, path in zip("ab", paths, strict=True):
        runs.append(run("forget", path, "--with-files").summary["run"])
        put(lab.root, {path: jpeg(f"in the way of {name}")})
    trash = lab.root / ".catalog" / "trash"
    (lab.root / paths[0]).unlink()
    put(trash / "20200101T000000Z", {paths[0]: jpeg("stranger")})
    done = foretold(lab, run, "trash", "restore", paths[0], paths[1])
    reasons = {line["path"]: (line["outcome"], line["reason"]) for line in done.lines[:-1]}
    assert reasons[f"20200101T000000Z/{paths[0]}"][0] == "restored"
    assert "does not know it" in reasons[f"20200101T000000Z/{paths[0]}"][1]
    for batch, path in zip(runs, paths, strict=True):
        assert reasons[f"{batch}/{path}"] == ("failed", f"{path} is already in store nas.")


def test_a_missing_catalog_file_is_made_of_one_of_two_equal_ones(
    lab: Lab, run: Run, upload: Run
) -> None:
    put(
        lab.source,
        {"a.jpg": jpeg("a"), "b.jpg": jpeg("b"), "b.jpg.xmp": b"<b/>", "c.jpg": jpeg("c")},
    )
    upload()
    put(
        lab.source,
        {
            "again/a.jpg": jpeg("a"),
            "new.jpg": jpeg("new"),
            "notes.txt": b"notes",
            "b.jpg.xmp": b"<new/>",
        },
    )
    missing = lab.root / path_of(lab, jpeg("a"))
    missing.unlink()
    done = foretold(lab, run, PRUNE, lab.source, "-r", "--nas_root", lab.root)
    assert outcomes(done) == {
        "a.jpg": "repaired",
        "again/a.jpg": "removed",
        "b.jpg": "kept",
        "c.jpg": "removed",
        "new.jpg": "kept",
        "notes.txt": "kept",
    }
    assert missing.read_bytes() == jpeg("a")


def test_a_limit_removes_the_first_that_are_planned(lab: Lab, run: Run, upload: Run) -> None:
    put(lab.source, {f"{n}.jpg": jpeg(n) for n in range(4)} | {"new.jpg": jpeg("new")})
    upload("--limit", 4)
    done = foretold(lab, run, PRUNE, lab.source, "--nas_root", lab.root, "--limit", 2)
    assert sum(outcome == "removed" for outcome in outcomes(done).values()) == 2


def test_a_sidecar_stays_with_the_file_that_could_not_go(
    lab: Lab, run: Run, upload: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(lab.source, {"p.jpg": jpeg("p"), "p.png": jpeg("q"), "p.xmp": b"<p/>"})
    upload()
    discard = LocalStore.discard

    def refused(self: LocalStore, path: str, *seen: Any) -> None:
        if path == "p.jpg":
            raise PermissionDenied("no")
        discard(self, path, *seen)

    monkeypatch.setattr(LocalStore, "discard", refused)
    done = run(PRUNE, lab.source, "--nas_root", lab.root)
    assert (done.status, outcomes(done)["p.jpg"], outcomes(done)["p.png"]) == (
        3,
        "failed",
        "removed",
    )
    assert sorted(path.name for path in lab.source.iterdir()) == ["p.jpg", "p.xmp"]


# --- what a person says -------------------------------------------------------------------------


def test_what_a_person_says_is_foretold(lab: Lab, run: Run, upload: Run) -> None:
    put(lab.source, {"a.jpg": jpeg("a", position=GHENT), "b.jpg": jpeg("b"), "c.jpg": jpeg("c")})
    upload()
    a, b = (content_hash(jpeg(*made)) for made in (("a", "2019:07:12 18:30:15", GHENT), ("b",)))
    foretold(lab, run, "tag", "--query", "", "--add", "sea")
    done = foretold(
        lab, run, "tag", a, b, "--query", "city:Ghent", "--add", "sea", "--remove", "hills"
    )
    assert set(outcomes(done).values()) == {"unchanged"}
    foretold(lab, run, "set", a, "rating=5", "albums+=Best")
    (lab.root / f"{path_of(lab, jpeg('b'))}.xmp").write_bytes(b"<other/>")
    (lab.root / path_of(lab, jpeg("c"))).unlink()
    foretold(lab, run, "sidecars", "write", "--limit", 1)
    done = foretold(lab, run, "sidecars", "write")
    assert sorted(outcomes(done).values()) == ["skipped", "skipped", "unchanged"]
    foretold(lab, run, "tag", a, "--remove", "sea")
    done = foretold(lab, run, "sidecars", "write", "--store", "nas")
    assert done.summary["written"] == 1


# --- look-alikes --------------------------------------------------------------------------------


def decide(lab: Lab, rows: Sequence[tuple[str, ...]]) -> Path:
    """A table of decisions: group, kind, decision, hash, path, keeper."""
    file = lab.home / "decisions.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([("group", "kind", "decision", "hash", "path", "keeper"), *rows])
    return file


def test_decisions_that_speak_of_each_other_are_foretold(lab: Lab, run: Run, upload: Run) -> None:
    """One that is dropped twice, a copy of its keeper, a movie that went with its still."""
    lab.variables["CATALOG_REMOVAL_COPIES"] = "1"
    files = {
        f"{name}.jpg": jpeg(name, f"2019:07:12 1{n}:30:15")
        for n, name in enumerate(("keeper", "one", "two", "still"))
    }
    put(lab.source, files)
    clip(lab.source / "still.mov", "2019-07-12T11:30:15.000000Z")
    upload()
    hashes = {name: content_hash(data) for name, data in files.items()}
    movie = content_hash((lab.source / "still.mov").read_bytes())
    keeper, one, two, still = hashes.values()
    assert lab.documents()[movie]["stack"]["role"] == "live"
    path = path_of(lab, files["keeper.jpg"])
    shutil.copy(lab.root / path, lab.root / "second.jpg")
    shutil.copy(lab.root / path, lab.root / "third.jpg")
    assert run("sync_catalog_with_disk", "--nas_root", lab.root, "--yes").status == 0
    copies = [f"nas:{name}" for name in ("second.jpg", "third.jpg")]
    lab.variables["CATALOG_REMOVAL_COPIES"] = "2"
    rows = [
        ("1" * 12, "exact", "drop", keeper, copies[0], keeper),
        ("2" * 12, "similar", "drop", one, "", keeper),
        ("3" * 12, "similar", "drop", one, "", keeper),
        ("4" * 12, "similar", "not-duplicate", two, "", keeper),
        ("5" * 12, "similar", "burn", two, "", keeper),
        ("6" * 12, "bad", "drop", still, "", ""),
        ("7" * 12, "bad", "drop", movie, "", ""),
        ("8" * 12, "bad", "drop", "0" * 64, "", ""),
    ]
    done = foretold(lab, run, "resolve", decide(lab, rows))
    told = [(line["hash"][:6], line["outcome"]) for line in done.lines[:-1]]
    assert told == [
        ("", "refused"),
        (keeper[:6], "dropped"),
        (one[:6], "dropped"),
        (one[:6], "unchanged"),
        (two[:6], "apart"),
        (still[:6], "dropped"),
        (movie[:6], "unchanged"),
        ("000000", "failed"),
    ]


def test_a_keeper_whose_copies_are_to_go_has_none_to_spare(lab: Lab, run: Run, upload: Run) -> None:
    put(
        lab.source,
        {"keeper.jpg": jpeg("keeper"), "one.jpg": jpeg("one"), "rotten.jpg": jpeg("keeper")},
    )
    upload()
    keeper, one = (content_hash(jpeg(name)) for name in ("keeper", "one"))
    path = path_of(lab, jpeg("keeper"))
    for name in ("second.jpg", "third.jpg"):
        shutil.copy(lab.root / path, lab.root / name)
    assert run("sync_catalog_with_disk", "--nas_root", lab.root, "--yes").status == 0
    lab.variables["CATALOG_REMOVAL_COPIES"] = "2"
    (lab.root / path).write_bytes(b"rotten")
    rows = [
        ("1" * 12, "similar", "drop", one, "", keeper),
        ("2" * 12, "exact", "drop", keeper, "nas:third.jpg", keeper),
    ]
    done = foretold(lab, run, "resolve", decide(lab, rows))
    assert [line["outcome"] for line in done.lines[:-1]] == ["dropped", "failed"]


def test_what_is_measured_is_foretold(lab: Lab, run: Run, upload: Run) -> None:
    put(lab.source, {"a.jpg": jpeg("a"), "b.jpg": jpeg("b")})
    upload()
    lines = []
    for digest, document in lab.documents().items():
        older = {k: v for k, v in document.items() if k not in ("look", "phash_inner")} | {
            "quality": {}
        }
        lines += [json.dumps({"index": {"_index": lab.index, "_id": digest}}), json.dumps(older)]
    headers = {"content-type": "application/x-ndjson"}
    lab.ask("POST", "_bulk?refresh=true", data="\n".join(lines) + "\n", headers=headers)
    (lab.root / path_of(lab, jpeg("a"))).unlink()
    done = foretold(lab, run, "measure")
    assert outcomes(done) == {
        content_hash(jpeg("a")): "failed",
        content_hash(jpeg("b")): "measured",
    }
