"""Catalogs of every earlier schema are taken over by the first command: nothing is lost,
and all can be taken back.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from chance import dice, times
from kept_catalogs import COMPANIONS, KEPT, Kept, alias, bring_back
from running import Done, Lab, ended

from catalog.domain.derivation import OF_CAPTURED, OF_DOCUMENT, with_derived
from catalog.index import schema

pytestmark = pytest.mark.node
ADDED = {3: {*OF_DOCUMENT, *(f"captured.{name}" for name in OF_CAPTURED)}}
"""What an asset may hold that it did not hold before, by the version that it is brought on from."""
KILLED = """
import os, random, signal, sys
from catalog.index.client import Connection
chance, real, seen = random.Random(sys.argv[1]), Connection.request, [0]
after, last = chance.random() < 0.5, int(sys.argv[2])
def request(self, method, path, *words, **more):
    seen[0] += 1
    if not after and seen[0] == last:
        os.kill(os.getpid(), signal.SIGKILL)
    reply = real(self, method, path, *words, **more)
    if after and seen[0] == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return reply
Connection.request = request
from catalog.cli.program import main
sys.argv = ["catalog", "status", "--json"]
main()
"""
"""The first command, which is killed before or after its so-manieth request."""


@dataclass
class Home(Lab):
    """A lab whose commands find all their settings in the configuration that the earlier version
    used.
    """

    def environment(self, **more: str) -> dict[str, str]:
        ours = super().environment(**more)
        return {
            name: value
            for name, value in ours.items()
            if not name.startswith("CATALOG_") or name in more
        }


@pytest.fixture
def home(lab: Lab) -> Home:
    return Home(lab.folder, lab.node, lab.index)


@pytest.fixture(params=KEPT)
def kept(request: pytest.FixtureRequest, home: Home) -> Kept:
    return bring_back(request.param, home)


def came_since(kept: Kept) -> set[str]:
    """The fields that an asset may have gained on its way to the present schema."""
    return set().union(*(fields for version, fields in ADDED.items() if version >= kept.version))


def everything(lab: Lab) -> dict[str, dict[str, dict[str, Any]]]:
    """All documents by what their index holds."""
    return {what: lab.documents("" if what == "assets" else what) for what in schema.PROPERTIES}


def first_command(lab: Lab) -> Done:
    done = lab.catalog("status", "--json")
    assert done.status == 0, done.err
    return done


def indexes(lab: Lab) -> dict[str, list[str]]:
    return {
        name: sorted(about["aliases"])
        for name, about in lab.ask("GET", f"{lab.index}*/_alias").items()
    }


def added(before: Any, after: Any, name: str = "") -> set[str]:
    """The fields that came, by full name. Whatever was there must be there as it was."""
    if not isinstance(before, Mapping):
        assert after == before, name
        return set()
    assert before.keys() <= after.keys(), f"{name} lost {before.keys() - after.keys()}"
    dotted = f"{name}." if name else ""
    found = {f"{dotted}{key}" for key in after.keys() - before.keys()}
    return found.union(
        *(added(value, after[key], f"{dotted}{key}") for key, value in before.items())
    )


def check_taken_over(lab: Lab, kept: Kept) -> None:
    """Every document is in the new indexes, with what follows from it;
    the old indexes are as they were.
    """
    now = everything(lab)
    for what in schema.PROPERTIES:
        before = kept.documents.get(what, {})
        assert now[what].keys() == before.keys(), what
        for key, document in before.items():
            allowed = came_since(kept) if what == schema.ASSETS else set()
            assert added(document, now[what][key]) <= allowed, (what, key)
            if what == schema.ASSETS:
                assert with_derived(now[what][key]) == now[what][key]
    new = {
        f"{alias(lab, what)}-v{schema.SCHEMA_VERSION}": [alias(lab, what)]
        for what in schema.PROPERTIES
    }
    assert indexes(lab) == new | {
        f"{alias(lab, what)}-v{kept.version}": [] for what in kept.indexes
    }
    for what in kept.indexes:
        reply = lab.ask(
            "POST", f"{alias(lab, what)}-v{kept.version}/_search", json={"size": 10_000}
        )
        assert {hit["_id"]: hit["_source"] for hit in reply["hits"]["hits"]} == kept.documents.get(
            what, {}
        )


def test_the_first_command_takes_everything_over(home: Home, kept: Kept) -> None:
    status = json.loads(first_command(home).out)
    assert status["assets"] == kept.about["export"]["counts"]["assets"]
    check_taken_over(home, kept)
    assets = home.documents()
    for digest, document in assets.items():
        if "phash" in document:
            body = {
                "knn": {
                    "field": "phash",
                    "query_vector": document["phash"],
                    "k": 1,
                    "num_candidates": 10,
                },
                "size": 1,
            }
            (hit,) = home.ask("POST", f"{home.index}/_search", json=body)["hits"]["hits"]
            assert hit["_score"] == pytest.approx(1.0), digest
    portraits = {h for h, d in assets.items() if d.get("height", 0) > d.get("width", 0)}
    found = home.catalog("search", "shape:portrait", "--format", "jsonl").lines
    assert {line["hash"] for line in found} == portraits and portraits
    day = sorted({d["captured"]["wall"][5:10] for d in assets.values() if "captured" in d})[0]
    expected = {h for h, d in assets.items() if d.get("captured", {}).get("wall", "")[5:10] == day}
    assert {
        line["hash"]
        for line in home.catalog("search", f"month_day:{day}", "--format", "jsonl").lines
    } == expected


@pytest.mark.parametrize("store", ["nas", "archive"])
def test_nothing_is_planned_that_the_earlier_version_had_not_planned(
    home: Home, kept: Kept, store: str
) -> None:
    done = home.run("sync_catalog_with_disk", "--store", store, "--dryrun", "--json")
    assert done.status in (0, 3), done.err
    planned = [
        {name: line[name] for name in ("action", "path", "outcome", "hash")}
        for line in done.lines[:-1]
    ]
    assert planned == kept.about["plans"][store]
    check_taken_over(home, kept)


def test_stores_that_the_earlier_version_marked_are_taken_over_once(home: Home, kept: Kept) -> None:
    file = home.root / ".catalog" / "store.json"
    before = json.loads(file.read_bytes())
    assert "catalog" not in before
    for told in (1, 0):
        done = home.run("sync_catalog_with_disk", "--yes")
        assert done.status in (0, 3) and done.err.count("names this one now") == told, done.err
    own = home.documents("stores")["nas"]["catalog"]
    assert json.loads(file.read_bytes()) == {**before, "catalog": own}
    other = home.run("sync_catalog_with_disk", "--index", f"{home.index}-fresh", "--yes")
    assert other.status == 4 and "catalog rebuild" in other.err


def test_runs_of_the_earlier_version_are_taken_back(home: Home, kept: Kept) -> None:
    stores = {"nas", "archive"}
    for run in reversed(kept.about["undo"]):
        done = home.catalog("undo", run["run"], "--yes", "--json")
        assert done.summary["undone"] >= 1, (run["command"], done.out, done.err)
        before, now = run["before"], home.documents()[run["hash"]]
        rows = [row for row in before["copies"] if row["store"] in stores]
        back = [row for row in now["copies"] if row["store"] in stores]
        places = ("store", "path", "size", "state")
        assert {tuple(r[p] for p in places) for r in back} == {
            tuple(r[p] for p in places) for r in rows
        }
        for name in before.keys() - {
            "updated",
            "run",
            "copies",
            "sidecars",
            "stores",
            "copy_count",
            "paths",
        }:
            assert added(before[name], now[name], name) <= came_since(kept), (run["command"], name)
        assert with_derived(now) == now
        if any(row["store"] == "nas" for row in rows):
            assert all((home.root / row["path"]).is_file() for row in rows if row["store"] == "nas")


@pytest.mark.chance
@pytest.mark.parametrize("seed", range(times(3)))
def test_killed_wherever_it_may_be_it_is_taken_over_by_the_next(
    home: Home, kept: Kept, seed: int
) -> None:
    """Each of some programs gets a little further than the one before,
    and is killed with no chance to tidy up.
    """
    rolled = dice(f"{kept.version} {seed}")
    at = kills = 0
    while True:
        at += rolled.randint(1, 9)
        words = [sys.executable, "-c", KILLED, f"{seed} {at}", str(at)]
        environment = home.environment()
        process = subprocess.Popen(
            words,
            cwd=home.home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        done = ended(process)
        if done.status != -signal.SIGKILL:
            break
        kills += 1
        for what, before in kept.documents.items():
            assert home.documents("" if what == "assets" else what).keys() == before.keys(), (
                "half of it is in use"
            )
    assert done.status == 0, done.err
    assert kills > 4, "hardly anything was interrupted"
    check_taken_over(home, kept)


def test_an_export_of_the_earlier_version_is_imported(home: Home, kept: Kept) -> None:
    lines = [kept.about["export"]]
    for what in (*COMPANIONS, "assets"):
        documents = kept.documents.get(what, {})
        lines += [
            {"what": what, "id": key, "document": document} for key, document in documents.items()
        ]
    lines.append({"what": "end", "counts": kept.about["export"]["counts"]})
    file = home.folder / "export.ndjson"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    into = f"{home.index}-imported"
    done = home.catalog("import", file, "--index", into, "--json")
    assert done.status == 0, done.err
    imported = Home(home.folder, home.node, into)
    assert imported.documents() == {
        key: with_derived(d) for key, d in kept.documents["assets"].items()
    }
    for what in COMPANIONS:
        assert imported.documents(what) == kept.documents.get(what, {}), what
    again = home.catalog("import", file, "--index", into, "--json")
    assert (again.summary["new"], again.summary["merged"]) == (0, 0)
