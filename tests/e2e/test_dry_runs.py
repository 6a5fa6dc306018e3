"""Every command that has a dry run: it shows exactly what the run then does,
and changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import click
import orjson
import pytest
from emulators.dropbox import Emulator
from running import Done, Lab, hashes
from scenarios import SCENARIOS, start, stocked

from catalog.cli.program import COMMANDS, umbrella

pytestmark = pytest.mark.node


def with_dry_run() -> Iterator[str]:
    """Every command that has --dryrun, by its name; subcommands behind that of their group."""
    context = click.Context(umbrella)
    for name in COMMANDS:
        command = umbrella.get_command(context, name)
        assert command is not None
        parts = {"": command} if not isinstance(command, click.Group) else subcommands(command)
        for part, found in parts.items():
            if any(parameter.name == "dryrun" for parameter in found.params):
                yield f"{name} {part}".strip()


def subcommands(group: click.Group) -> dict[str, click.Command]:
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


@pytest.fixture
def lab(lab: Lab) -> Lab:
    """The lab, which reads one file at a time."""
    lab.variables |= {"CATALOG_WORKERS": "1", "CATALOG_NAS_ROOT": str(lab.root)}
    return lab


# --- the test -------------------------------------------------------------------------------------


def lines(done: Done) -> list[dict[str, Any]]:
    """What was told of each file."""
    found = [orjson.loads(line) for line in done.out.splitlines()]
    return [line for line in found if line.get("event") != "summary"]


def told(rows: list[dict[str, Any]]) -> Counter[tuple[str, ...]]:
    names = ("action", "store", "path", "target", "hash", "what", "line")
    return Counter(tuple(str(row.get(name, "")) for name in names) for row in rows)


def state(lab: Lab) -> tuple[object, ...]:
    """All that a run could change."""
    folders = [
        hashes(folder)
        for folder in sorted(lab.folder.iterdir())
        if folder.is_dir() and folder.name not in ("home", "account")
    ]
    journals = sorted(path.name for path in (lab.home / "state" / "journal").glob("*"))
    return (
        folders,
        journals,
        [
            lab.documents(what)
            for what in ("", "events", "sources", "stores", "decisions", "handovers", "access")
        ],
    )


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_a_dry_run_shows_what_the_run_then_does(name: str, lab: Lab, dropbox: Emulator) -> None:
    arguments = SCENARIOS[name](lab, dropbox)
    program, *part = name.split()
    before = state(lab), dropbox.files()
    dry = lab.run(*start(program, part), *arguments, "--dryrun", "--json")
    assert (state(lab), dropbox.files()) == before, "a dry run changes nothing"
    run = lab.run(*start(program, part), *arguments, "--json")
    assert run.status in (0, 3) and dry.status == run.status, run.err
    shown, done = lines(dry), lines(run)
    assert {"planned", "merged"} & {row["outcome"] for row in shown}, "there is something to do"
    assert told(shown) == told(done)
    kept = [row for row in shown if row["outcome"] != "planned"]
    assert {(where(r), r["outcome"]) for r in kept} <= {(where(r), r["outcome"]) for r in done}


def where(row: dict[str, Any]) -> object:
    """The file, or the line of an export, that an outcome is about."""
    return row.get("path", row.get("line"))


CHANGES_NOTHING = "clean_exact_duplicate_entries_from_catalog"
"""It takes --dryrun for the sake of old scripts, and never changes anything."""
ONE_FILE = "config from-vault"
"""It writes a file, and has its test where there is a Vault (test_config_command.py)."""


def test_what_never_changes_anything_says_the_same_with_and_without_a_dry_run(lab: Lab) -> None:
    stocked(lab, 1, 2)
    before = state(lab)
    dry, run = (lab.run(CHANGES_NOTHING, "--json", *more) for more in (("--dryrun",), ()))
    assert (dry.status, dry.lines) == (run.status, run.lines) and dry.lines
    assert state(lab) == before


def test_every_command_that_has_a_dry_run_is_tested() -> None:
    assert {*SCENARIOS, CHANGES_NOTHING, ONE_FILE} == set(with_dry_run())
