"""A feature is one folder and one registration: nothing else of the program knows it."""

from __future__ import annotations

import pytest
from running import Lab, jpeg, put

from catalog.cli.program import COMMANDS

pytestmark = pytest.mark.node


def test_a_feature_is_one_folder_and_one_line(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "titles", "toy_feature.command")
    put(lab.source, {f"{n}.jpg": jpeg(n) for n in range(3)})
    assert lab.upload().status == 0

    def run(*arguments: object) -> tuple[int, list[dict[str, object]], str]:
        done = lab.run("titles", "Summer", *arguments, "--json")
        return done.status, done.lines, done.err

    status, planned, _told = run("--dryrun", "--limit", "2")
    assert status == 0 and [row["outcome"] for row in planned[:-1]] == ["planned"] * 2
    assert {d.get("title") for d in lab.documents().values()} == {None}
    status, done, told = run("--limit", "2")
    assert status == 0 and [row["hash"] for row in done[:-1]] == [
        row["hash"] for row in planned[:-1]
    ]
    assert done[-1]["titled"] == 2 and "2 are called Summer now." in told
    assert sorted(str(d.get("title")) for d in lab.documents().values()) == [
        "None",
        "Summer",
        "Summer",
    ]
    assert {e["command"] for e in lab.documents("events").values()} >= {"titles"}
    assert lab.catalog("undo", str(done[-1]["run"])).status == 0
    assert {d.get("title") for d in lab.documents().values()} == {None}
