"""The timeline beside its index: built, followed, asked by queries, and never trusted blindly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filled_catalog import a_copy, a_document, fill, send
from running import Lab, jpeg, put

from catalog.config import load
from catalog.errors import QuerySyntaxError
from catalog.features.timeline import keeper as keepers
from catalog.features.timeline.column import Column, open_column
from catalog.features.timeline.keeper import TimelineKeeper
from catalog.features.timeline.view import View, ViewRequest, open_view
from catalog.work.progress import NoProgress
from catalog.work.workspace import Workspace


@pytest.fixture
def workspace(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """That of the lab's catalog, made as the commands make it."""
    for name in list(os.environ):
        if name.startswith("CATALOG_"):
            monkeypatch.delenv(name)
    for name, value in lab.environment().items():
        monkeypatch.setenv(name, value)
    return Workspace(load(), NoProgress())


@pytest.fixture
def keeper(workspace: Workspace, tmp_path: Path) -> TimelineKeeper:
    """One that looks only when it is told to."""
    return TimelineKeeper(workspace, tmp_path)


def again(workspace: Workspace, tmp_path: Path) -> TimelineKeeper:
    """That of another program."""
    return TimelineKeeper(workspace, tmp_path)


def hashes_of(column: Column) -> set[str]:
    return {bytes(each).hex() for each in column.hashes}


def found(column: Column, workspace: Workspace, query: str, person: str | None = None) -> set[str]:
    view = open_view(column, workspace, ViewRequest(query=query), person)
    return shown(view)


def shown(view: View) -> set[str]:
    return {view.hash_at(at) for at in range(view.count)}


def count_builds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    built: list[int] = []
    plain = TimelineKeeper._built

    def counted(self: TimelineKeeper, *arguments: Any) -> Column:
        built.append(1)
        return plain(self, *arguments)

    monkeypatch.setattr(TimelineKeeper, "_built", counted)
    return built


def test_a_catalog_that_is_not_there_yet_has_an_empty_timeline(
    keeper: TimelineKeeper, workspace: Workspace
) -> None:
    column = keeper.bring_up_to_date()
    assert (column.count, open_view(column, workspace, ViewRequest(), None).count) == (0, 0)


def test_every_asset_of_the_catalog_is_in_it(
    lab: Lab, workspace: Workspace, keeper: TimelineKeeper
) -> None:
    assert workspace.repository
    documents = fill(lab, 30)
    column = keeper.bring_up_to_date()
    assert hashes_of(column) == documents.keys()
    walls = sorted((d["captured"]["wall"] for d in documents.values()), reverse=True)
    ordered = [documents[bytes(each).hex()]["captured"]["wall"] for each in column.hashes]
    assert ordered == walls
    assert column.names("folders") == ["", "2019/07_July"]
    assert (keeper.state.done, keeper.state.of, keeper.state.building) == (30, 30, False)


def test_what_is_uploaded_said_and_forgotten_is_followed_without_building_anew(
    lab: Lab, workspace: Workspace, keeper: TimelineKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(lab.source, {"a.jpg": jpeg("a"), "b.jpg": jpeg("b")})
    assert lab.upload().status == 0
    first = keeper.bring_up_to_date()
    assert first.count == 2
    assert keeper.bring_up_to_date() is first
    built = count_builds(monkeypatch)
    put(lab.source, {"c.jpg": jpeg("c")})
    assert lab.upload().status == 0
    second = keeper.bring_up_to_date()
    assert hashes_of(second) == lab.documents().keys() and second.count == 3
    name = bytes(second.hashes[0]).hex()
    assert lab.catalog("set", name, "taken=1960-02-03").status == 0
    third = keeper.bring_up_to_date()
    assert third.position_of(bytes.fromhex(name)) == 2
    (lab.root / next(iter(lab.documents()[name]["paths"]))).unlink()
    assert lab.run("sync_catalog_with_disk", lab.root, "-r", "--forget-missing").status == 0
    fourth = keeper.bring_up_to_date()
    assert hashes_of(fourth) == lab.documents().keys() and fourth.count == 2
    assert built == []
    assert len({column.etag for column in (first, second, third)}) == 3


def test_what_was_written_without_an_event_is_followed_as_well(
    lab: Lab, workspace: Workspace, keeper: TimelineKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workspace.repository
    fill(lab, 3)
    keeper.bring_up_to_date()
    built = count_builds(monkeypatch)
    document = a_document(77)
    send(lab, [(lab.index, document["hash"], document)])
    assert document["hash"] in hashes_of(keeper.bring_up_to_date())
    assert built == []


def test_what_is_gone_without_a_trace_is_found_by_the_count(
    lab: Lab, workspace: Workspace, keeper: TimelineKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workspace.repository
    names = list(fill(lab, 4))
    keeper.bring_up_to_date()
    keeper._next_build = 0.0
    lab.ask("DELETE", f"{lab.index}/_doc/{names[0]}?refresh=true")
    assert hashes_of(keeper.bring_up_to_date()) == set(names[1:])


def test_another_program_goes_on_where_one_stopped(
    lab: Lab,
    workspace: Workspace,
    keeper: TimelineKeeper,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert workspace.repository
    fill(lab, 5)
    etag = keeper.bring_up_to_date().etag
    built = count_builds(monkeypatch)
    assert again(workspace, tmp_path).bring_up_to_date().etag == etag
    document = a_document(99)
    send(lab, [(lab.index, document["hash"], document)])
    assert again(workspace, tmp_path).bring_up_to_date().count == 6
    assert built == []


def test_far_behind_it_is_built_anew(
    lab: Lab, workspace: Workspace, keeper: TimelineKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workspace.repository
    fill(lab, 1)
    keeper.bring_up_to_date()
    built = count_builds(monkeypatch)
    monkeypatch.setattr(keepers, "FAR", 3)
    keeper._next_build = 0.0
    documents = [a_document(number) for number in range(10, 15)]
    send(lab, ((lab.index, document["hash"], document) for document in documents))
    assert (keeper.bring_up_to_date().count, built) == (6, [1])


@pytest.mark.parametrize("damage", ["cut", "changed", "another catalog"])
def test_a_file_that_is_damaged_or_of_another_catalog_is_not_trusted(
    lab: Lab,
    workspace: Workspace,
    keeper: TimelineKeeper,
    tmp_path: Path,
    damage: str,
) -> None:
    assert workspace.repository
    names = fill(lab, 5).keys()
    keeper.bring_up_to_date()
    data = keeper.path.read_bytes()
    if damage == "cut":
        keeper.path.write_bytes(data[:-100])
    elif damage == "changed":
        keeper.path.write_bytes(data[:200] + bytes([data[200] ^ 1]) + data[201:])
    else:
        for index in lab.ask("GET", f"{lab.index}*"):
            lab.ask("DELETE", index)
        workspace.close()
        assert workspace.repository
        names = fill(lab, 2).keys()
    assert hashes_of(again(workspace, tmp_path).bring_up_to_date()) == names


def test_catalogs_have_files_of_their_own(
    workspace: Workspace, keeper: TimelineKeeper, tmp_path: Path
) -> None:
    other = Workspace(replace(workspace.settings, index="other"), NoProgress())
    assert TimelineKeeper(other, tmp_path).path != keeper.path


def test_a_query_is_positions_and_follows_what_is_said(
    lab: Lab, workspace: Workspace, keeper: TimelineKeeper
) -> None:
    put(lab.source, {"a.jpg": jpeg("a"), "b.jpg": jpeg("b")})
    assert lab.upload().status == 0
    column = keeper.bring_up_to_date()
    name, other = sorted(lab.documents())
    assert found(column, workspace, "") == found(column, workspace, "kind:image") == {name, other}
    assert found(column, workspace, "title:sea") == set()
    assert lab.catalog("set", name, "title=sea").status == 0
    later = keeper.bring_up_to_date()
    assert later.etag == column.etag  # nothing of what a timeline shows
    assert found(later, workspace, "title:sea") == {name}
    with pytest.raises(QuerySyntaxError, match=r"\^"):
        found(later, workspace, "title:(sea")


def test_views_that_are_asked_for_again_are_not_made_again(
    lab: Lab, workspace: Workspace, keeper: TimelineKeeper
) -> None:
    assert workspace.repository
    fill(lab, 3)
    column = keeper.bring_up_to_date()
    request = ViewRequest(query="kind:image")
    view = open_view(column, workspace, request, None)
    assert open_view(column, workspace, request, None) is view
    assert open_view(column, workspace, request, "anna") is not view


def test_what_is_private_is_seen_by_no_other(
    lab: Lab, workspace: Workspace, keeper: TimelineKeeper
) -> None:
    put(lab.source, {f"{name}.jpg": jpeg(name) for name in "abcd"})
    assert lab.upload().status == 0
    names = sorted(lab.documents())
    assert lab.catalog("set", names[0], "private=anna").status == 0
    assert lab.catalog("set", names[1], "private=anna,bert").status == 0
    column = keeper.bring_up_to_date()
    assert found(column, workspace, "") == set(names[2:])
    assert found(column, workspace, "", "anna") == set(names)
    assert found(column, workspace, "", "bert") == set(names[1:])
    assert found(column, workspace, "kind:image", "carl") == set(names[2:])
    assert found(column, workspace, "has:private", "carl") == set()
    run = lab.catalog("set", names[2], "private=bert", "--json").summary["run"]
    assert found(keeper.bring_up_to_date(), workspace, "") == {names[3]}
    assert lab.catalog("undo", run).status == 0
    assert found(keeper.bring_up_to_date(), workspace, "") == set(names[2:])


def test_a_build_that_is_killed_leaves_nothing_that_counts(
    lab: Lab, workspace: Workspace, keeper: TimelineKeeper, tmp_path: Path
) -> None:
    assert workspace.repository
    names = fill(lab, 5).keys()
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from catalog.config import load\n"
        "from catalog.features.timeline import column, keeper\n"
        "from catalog.work.progress import NoProgress\n"
        "from catalog.work.workspace import Workspace\n"
        "def stuck(*arguments):\n"
        "    print('writing', flush=True)\n"
        "    time.sleep(600)\n"
        "column._by_hash = stuck\n"
        "keeper.TimelineKeeper(Workspace(load(), NoProgress()), Path(sys.argv[1]))"
        ".bring_up_to_date()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path], env=lab.environment(), stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"writing\n"
        process.send_signal(signal.SIGKILL)
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
    assert hashes_of(keeper.bring_up_to_date()) == names
    assert list(tmp_path.iterdir()) == [keeper.path]
    assert open_column(keeper.path).count == 5


def test_a_thread_keeps_it_and_ends(
    lab: Lab, workspace: Workspace, keeper: TimelineKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keepers, "PAUSE", 0.01)
    monkeypatch.setattr(keepers, "SHARE", 0)
    assert workspace.repository
    fill(lab, 2)
    keeper.start()
    try:
        assert keeper.column().count == 2
        document = {**a_document(50), "copies": [a_copy("x.jpg")]}
        send(lab, [(lab.index, document["hash"], document)])
        while keeper.column().count != 3:
            time.sleep(0.005)
    finally:
        keeper.stop()


def test_while_the_index_is_away_there_is_the_last_column_or_an_error(
    lab: Lab, workspace: Workspace, keeper: TimelineKeeper
) -> None:
    assert workspace.repository
    fill(lab, 2)
    before = keeper.bring_up_to_date()
    keeper._failed(QuerySyntaxError("it does not answer"))
    assert keeper.column() is before and keeper.state.problem
    assert keeper.bring_up_to_date() is before and not keeper.state.problem


def test_an_album_and_a_folder_are_private_by_rules_also_for_what_comes_later(
    lab: Lab, workspace: Workspace, keeper: TimelineKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(lab.source, {f"{name}.jpg": jpeg(name) for name in "abc"})
    assert lab.upload().status == 0
    names = sorted(lab.documents())
    assert lab.catalog("set", names[0], "albums=Diary").status == 0
    keeper.bring_up_to_date()
    built = count_builds(monkeypatch)
    ruled = lab.catalog("set", "--album", "Diary", "private=anna", "--json")
    assert (ruled.status, ruled.summary["changed"]) == (0, 1)
    column = keeper.bring_up_to_date()
    assert found(column, workspace, "") == set(names[1:])
    assert found(column, workspace, "album:Diary", "anna") == {names[0]}
    assert lab.catalog("set", names[1], "albums=Diary").status == 0
    assert found(keeper.bring_up_to_date(), workspace, "") == {names[2]}
    assert (
        lab.catalog("set", "--album", "Diary", "private+=anna", "--json").summary["unchanged"] == 1
    )
    ended = lab.catalog("set", "--album", "Diary", "private=", "--json").summary["run"]
    assert found(keeper.bring_up_to_date(), workspace, "") == set(names)
    assert lab.catalog("undo", ended).status == 0
    assert found(keeper.bring_up_to_date(), workspace, "") == {names[2]}
    assert lab.catalog("undo", ruled.summary["run"]).status == 0
    assert found(keeper.bring_up_to_date(), workspace, "") == set(names)
    assert lab.catalog("set", "--folder", "/2019/07_July/", "private=bert").status == 0
    assert found(keeper.bring_up_to_date(), workspace, "") == set()
    assert found(keeper.bring_up_to_date(), workspace, "", "bert") == set(names)
    (lab.root / lab.documents()[names[0]]["paths"][0]).unlink()
    assert lab.run("sync_catalog_with_disk", lab.root, "-r", "--forget-missing").status == 0
    assert found(keeper.bring_up_to_date(), workspace, "", "bert") == set(names[1:])
    assert built == []


def test_a_dry_run_makes_no_rule_and_only_private_can_be_said_of_an_album(
    lab: Lab, workspace: Workspace, keeper: TimelineKeeper
) -> None:
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload().status == 0
    assert lab.catalog("set", "--album", "Diary", "private=anna", "--dryrun").status == 0
    assert lab.catalog("set", "--album", "Diary", "rating=3").status == 2
    assert lab.catalog("set", "--album", "Diary", "--query", "x", "private=anna").status == 2
    assert lab.documents("decisions") == {}


def test_what_is_private_goes_along_with_an_export(
    lab: Lab, workspace: Workspace, tmp_path: Path
) -> None:
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload().status == 0
    (name,) = lab.documents()
    assert lab.catalog("set", name, "private=anna").status == 0
    assert lab.catalog("set", "--album", "Diary", "private=anna").status == 0
    asked = ("search", "--format", "jsonl")
    assert [line["hash"] for line in lab.catalog(*asked, "private:anna").lines] == [name]
    assert lab.catalog(*asked, "private:bert").lines == []
    assert lab.catalog("export", tmp_path / "all.zip").status == 0
    other = replace(lab, index=f"{lab.index}-other")
    assert other.catalog("import", tmp_path / "all.zip").status == 0
    assert other.documents()[name]["private"] == ["anna"]
    (rule,) = [d for d in other.documents("decisions").values() if d["other"]]
    assert (rule["kind"], rule["hash"], rule["other"]) == ("private-album", "Diary", "anna")
