"""Every script by itself: which command it is, its help and its version."""

from __future__ import annotations

import configparser
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from catalog import __version__
from catalog.cli import interruption, program
from catalog.cli.program import COMMANDS

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
