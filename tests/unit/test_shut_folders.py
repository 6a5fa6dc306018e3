"""Folders that this user may not look into: said so, and taken for nothing else."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from asset_makers import SUMMER, member, taken
from running import jpeg, put

from catalog.config import load
from catalog.domain.actions import Skip
from catalog.domain.asset import Entry
from catalog.domain.layout import Layout
from catalog.domain.stacks import group_stacks
from catalog.errors import ConfigError, PermissionDenied, StoreUnavailable
from catalog.features.ingest.actions import CopyToStore
from catalog.features.ingest.plan import IngestFacts, plan_ingest
from catalog.features.ingest.target import TargetSurvey
from catalog.stores.local.store import LocalStore
from catalog.stores.machine import machine_id
from catalog.stores.marker import write_marker
from catalog.stores.protocol import Capabilities, Store
from catalog.work import guards
from catalog.work.elasticsearch import Elasticsearch
from catalog.work.progress import NoProgress
from catalog.work.store_book import OWN_FOLDER, StoreBook
from catalog.work.workspace import Workspace

NOBODY = 65534


@contextmanager
def as_anybody() -> Iterator[None]:
    """Without the rights of root, whom nothing is forbidden.

    What Python loads when it is first used may lie where only root comes.
    """
    codecs.lookup("ascii")
    machine_id()
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.fixture
def source(open_folder) -> Iterator[Path]:
    """A folder with photos, one below a folder that can be shut."""
    with open_folder() as folder:
        put(folder, {"a.jpg": jpeg("a"), "shut/b.jpg": jpeg("b"), "store/c.jpg": jpeg("c")})
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)
        yield folder
        (folder / "shut").chmod(0o755)


@pytest.fixture
def workspace(source: Path) -> Workspace:
    return Workspace(load(None, nas_root=source.parent / "nas"), NoProgress())


def listed(workspace: Workspace, source: Path) -> dict[str, str]:
    """The problem of each entry of a source, as a removal from it lists it."""
    store = StoreBook(workspace, None).open_outside(str(source))
    return {entry.path: entry.problem for entry in store.list()}


@pytest.mark.parametrize("mode", [0o000, 0o400, 0o100])
def test_a_folder_that_cannot_be_looked_into_is_told_as_such(
    workspace: Workspace, source: Path, mode: int
):
    write_marker(source / "store", "other")
    (source / "shut").chmod(mode)
    with as_anybody():
        found = listed(workspace, source)
    problem = found.pop("shut")
    assert problem.lower() == "the folder cannot be listed: permission denied"
    assert found == {"a.jpg": "", "store": OWN_FOLDER}


def test_a_source_that_cannot_be_looked_into_is_no_part_of_the_catalog(source: Path):
    (source / "shut").chmod(0)
    with as_anybody():
        for folder in ("shut", "shut/below"):
            with pytest.raises(PermissionDenied, match="No permission to look into"):
                guards.check_folder(str(source / folder))


def test_a_folder_whose_marker_alone_cannot_be_read_may_be_a_store(
    workspace: Workspace, source: Path
):
    write_marker(source / "store", "other")
    (source / "store/.catalog").chmod(0)
    with as_anybody():
        assert listed(workspace, source)["store"] == OWN_FOLDER
    (source / "store/.catalog").chmod(0o755)


@pytest.mark.parametrize("mode", [0o000, 0o300])
def test_a_target_folder_that_cannot_be_listed_is_not_taken_for_an_empty_one(
    open_folder, mode: int
):
    with open_folder() as root:
        put(root, {"2019/07_July/2019-07-12 18-30-15.jpg": jpeg("other"), "2019/b.txt": b""})
        shut = root / "2019/07_July"
        for path in (root, *root.rglob("*")):
            path.chmod(0o755)
        shut.chmod(mode)
        survey = TargetSurvey(LocalStore("nas", root), Layout())
        stack = (member("a.jpg", "a"), member("a.cr2", "b", "cr2"))
        later = member("b.jpg", "c", captured=taken(SUMMER + timedelta(days=40)))
        with as_anybody():
            survey.look_at([stack, (later,)], {})
        facts = IngestFacts([*group_stacks(stack), (later,)], (), (), {}, {})
        plan = plan_ingest(facts, survey.occupancy, Layout(), "nas", move=True)
        shut.chmod(0o755)
    refused = [action for action in plan if isinstance(action, Skip)]
    assert {action.key for action in refused} == {"a.jpg", "a.cr2"}
    assert all(action.outcome == "failed" for action in refused)
    assert all("cannot be listed: Permission denied" in action.reason for action in refused)
    assert [a.target for a in plan if isinstance(a, CopyToStore)] == [
        "2019/08_August/2019-08-21 18-30-15.jpg"
    ]


def test_a_target_that_cannot_be_reached_ends_the_run():
    class Gone:
        name = "nas"
        capabilities = Capabilities()

        def list(self, _prefix: str, *, recursive: bool) -> Iterator[Entry]:
            raise StoreUnavailable(f"gone, {recursive}")

    survey = TargetSurvey(cast("Store", Gone()), Layout())
    with pytest.raises(StoreUnavailable):
        survey.look_at([(member("a.jpg", "a"),)], {})


def test_a_configuration_that_cannot_be_looked_for_is_told(
    source: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(source / "shut"))
    monkeypatch.chdir(source)
    (source / "shut").chmod(0)
    with as_anybody():
        with pytest.raises(ConfigError, match="No permission to look for the configuration"):
            load(None)
        with pytest.raises(ConfigError, match="No permission to look for the configuration"):
            load(source / "shut/config.json")


@pytest.mark.parametrize("shut", [("home",), ("home", "state"), ("state",), ()])
def test_folders_that_cannot_be_written_to_are_told_once_before_anything_is_fetched(
    open_folder, monkeypatch: pytest.MonkeyPatch, shut: tuple[str, ...]
):
    monkeypatch.delenv("CATALOG_STATE_DIR", raising=False)
    with open_folder() as folder:
        for name in ("home", "state"):
            (folder / name).mkdir()
            (folder / name).chmod(0o555 if name in shut else 0o777)
        settings = load(None, node_home=folder / "home/node", state_dir=folder / "state/catalog")
        node = Elasticsearch(settings, NoProgress()).local_node()
        fetched: list[object] = []
        monkeypatch.setattr("catalog.engine.local.Start.run", fetched.append)
        with as_anybody():
            if not shut:
                node.check_places()
                return
            with pytest.raises(ConfigError) as caught:
                node.ensure_running()
        places = {"home": "CATALOG_NODE_HOME", "state": "CATALOG_STATE_DIR"}
        for name, variable in places.items():
            assert (f"{folder / name}/" in caught.value.message) == (name in shut)
            assert (variable in caught.value.hint) == (name in shut)
        assert caught.value.exit_code == 2 and fetched == []
        assert os.listdir(folder / "home") == os.listdir(folder / "state") == []
