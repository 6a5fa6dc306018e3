"""Every script by itself: which command it is, its help and its version."""

from __future__ import annotations

import configparser
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from catalog import __version__
from catalog.cli import interruption, program, short_helps
from catalog.cli.commands import reingest, store
from catalog.cli.lazy import LazyGroup
from catalog.cli.program import COMMANDS
from catalog.features.stores.registration import AddRequest, StoreAdded
from catalog.work.workspace import Workspace

ROOT = Path(__file__).parents[2]


def scripts() -> list[str]:
    """The names under which the program is installed."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options.entry_points"]["console_scripts"].split("\n")
    return [line.partition("=")[0].strip() for line in lines if line.strip()]


@pytest.fixture(autouse=True)
def signals_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption.signal, "signal", lambda *_: None)


def told(
    name: str, *arguments: str, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
) -> str:
    """What the script of a name prints; it ends with 0 and complains of nothing."""
    patch.setattr(sys, "argv", [f"/usr/bin/{name}", *arguments])
    with pytest.raises(SystemExit) as ended:
        program.main()
    done = capsys.readouterr()
    assert (ended.value.code, done.err) == (0, "")
    return done.out


@pytest.mark.parametrize("name", ["catalog", *COMMANDS])
def test_every_script_has_help_and_a_version(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    short = told(name, "-h", capsys=capsys, patch=monkeypatch)
    assert short.startswith(f"Usage: {name} ") and "-h, --help" in short and "--version" in short
    assert told(name, "--help", capsys=capsys, patch=monkeypatch) == short
    version = told(name, "--version", capsys=capsys, patch=monkeypatch)
    assert version == f"{name}, version {__version__}\n"


@pytest.mark.parametrize(
    ("group", "told"),
    [(program.umbrella, short_helps.CATALOG), (reingest.command, short_helps.REINGEST)],
    ids=["catalog", "reingest"],
)
def test_what_a_help_says_of_each_command_is_what_the_command_says(
    group: LazyGroup, told: dict[str, str]
):
    context = click.Context(group)
    commands = {name: group.get_command(context, name) for name in group.list_commands(context)}
    assert told == {name: command.short_help for name, command in commands.items() if command}


@pytest.mark.parametrize("words", [[], ["reingest"]], ids=["catalog", "reingest"])
def test_a_help_imports_no_command_but_its_own(words: list[str]):
    script = (
        "import sys; from catalog.cli.program import run, umbrella; "
        f"run(umbrella, [*{words}, '--help']); "
        "print([m for m in sys.modules if m.startswith(('catalog.cli.commands.', 'catalog.f'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == str([f"catalog.cli.commands.{word}" for word in words])


def test_where_a_store_is_to_be_reaches_it_as_it_was_typed(monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []

    def add(_workspace: Workspace, request: AddRequest) -> StoreAdded:
        asked.append(request.folder)
        return StoreAdded("away", "webdav", request.folder)

    monkeypatch.setattr(store, "add_store", add)
    folder = "webdav:https://example.org//photos/"
    assert program.run(program.umbrella, ["store", "add", "away", folder]) == 0
    assert asked == [folder]


def parts() -> list[tuple[str, str]]:
    """Every subcommand, with the command that it is part of."""
    groups = {name: import_module(module).command for name, module in COMMANDS.items()}
    return [
        (name, sub)
        for name, command in groups.items()
        if isinstance(command, click.Group)
        for sub in command.list_commands(click.Context(command))
    ]


@pytest.mark.parametrize(("name", "sub"), parts(), ids=lambda part: part)
def test_every_subcommand_of_a_script_has_help(
    name: str, sub: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    short = told(name, sub, "-h", capsys=capsys, patch=monkeypatch)
    assert short.startswith(f"Usage: {name} {sub} ") and "-h, --help" in short
    assert told(name, sub, "--help", capsys=capsys, patch=monkeypatch) == short


def test_every_installed_script_is_a_command():
    assert set(scripts()) <= {"catalog", *COMMANDS}
    assert {"catalog", "upload_to_nas_from_disk", "reingest"} <= set(scripts())


def test_a_command_that_stood_alone_is_the_same_below_the_umbrella():
    command = import_module(COMMANDS["search"]).command
    before = [parameter.name for parameter in command.params]
    alone = program.standalone(command, "search")
    assert [parameter.name for parameter in command.params] == before
    assert [parameter.name for parameter in alone.params] == [*before, "version"]
