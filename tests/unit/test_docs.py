"""The documentation agrees with the program."""

from __future__ import annotations

import json
import re
from dataclasses import Field, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from catalog.cli.program import COMMANDS, umbrella
from catalog.config import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def settings_table() -> str:
    """The README's table of settings, as the settings themselves state it."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for field in fields(Settings):
        rows.append(
            f"| `{field.name}` | {default_shown(field)} | {field.metadata['description']} |"
        )
    return "\n".join(rows)


def default_shown(field: Field[Any]) -> str:
    if field.name == "layout":
        return "templates, see below"
    if is_dataclass(field.default):
        return " ".join(f"{name}={value}" for name, value in asdict(field.default).items())
    return "" if field.default is None or field.default == () else str(field.default)


def section(name: str) -> str:
    """What stands between the marks of a generated part."""
    found = re.search(rf"<!-- {name} -->\n+(.*?)\n*<!-- end -->", README, re.DOTALL)
    assert found, f"README.md has no part {name}"
    return found[1]


def commands() -> list[tuple[str, click.Command]]:
    """Every command with its name, subcommands included."""
    context = click.Context(umbrella)
    found = []
    for name in COMMANDS:
        command = umbrella.get_command(context, name)
        assert command is not None
        found.append((name, command))
        if isinstance(command, click.Group):
            found += [(f"{name} {sub}", part) for sub, part in command.commands.items()]
    return found


def test_the_table_of_settings_is_the_settings():
    assert section("settings") == settings_table()


@pytest.mark.parametrize(("name", "command"), commands(), ids=[n for n, _ in commands()])
def test_every_command_is_in_the_readme_and_every_option_has_help(
    name: str, command: click.Command
):
    assert name.split()[0] in README
    assert command.help and command.help.strip()
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"
            spelled = [o for o in parameter.opts if o.startswith("--")]
            for option in spelled:
                assert option.replace("_", "-") in spelled


@pytest.mark.parametrize("name", [n for n in COMMANDS if n != "engine"])
def test_the_help_of_a_command_has_an_example_and_the_exit_statuses(name: str):
    command = dict(commands())[name]
    assert command.help is not None
    assert "Example" in command.help
    assert "Exit status" in command.help


def test_every_exit_status_of_the_readme_is_one_of_an_error():
    from catalog import errors

    classes = [
        c
        for c in vars(errors).values()
        if isinstance(c, type) and issubclass(c, errors.CatalogError)
    ]
    codes = {c.exit_code for c in classes} | {errors.DONE, errors.SOME_FAILED, errors.INTERRUPTED}
    stated = {int(m) for m in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert stated == codes


def test_the_configuration_template_has_every_setting_and_nothing_else():
    template = json.loads((ROOT / "config-template.json").read_text())
    assert set(template) == {field.name for field in fields(Settings)}


def test_the_changelog_speaks_of_this_version():
    from catalog import __version__

    assert f"## {__version__}\n" in (ROOT / "CHANGELOG.md").read_text()


def test_every_field_of_an_asset_event_and_store_is_described():
    from catalog.index import schema
    from catalog.index.queries import _flattened

    text = (ROOT / "docs" / "document.md").read_text()
    words, last = set(), ""
    for word in re.findall(r"`([\w.]+)`", text):
        last = last if word.startswith(".") else word.rpartition(".")[0]
        words.add(f"{last}{word}" if word.startswith(".") else word)
    copies = {f"copies.{name}" for name in schema.ASSET_PROPERTIES["copies"]["properties"]}
    assets = {
        n for n in _flattened(schema.ASSET_PROPERTIES, "") if not n.endswith((".keyword", ".text"))
    }
    assert assets | copies | {"person", "extracted"} <= words
    for what in ("events", "stores"):
        assert set(schema.COMPANION_PROPERTIES[what]) <= words, what


def test_what_each_command_may_do_to_files_is_told_of_every_command():
    page = (ROOT / "docs/what-commands-do.md").read_text("utf-8")
    told = [
        name
        for row in re.findall(r"^\| (`[^|]*) \|", page, re.M)
        for name in re.findall(r"`([a-z_]+)`", row)
    ]
    assert sorted(told) == sorted(COMMANDS), "each command once, and no other"


def test_those_that_remove_for_good_are_all_told_as_such():
    page = (ROOT / "docs/what-commands-do.md").read_text("utf-8")
    rows = [row for row in page.splitlines() if row.startswith("|") and "for good" in row]
    assert len(rows) == 5 and all("**" in row for row in rows)
    for name in (
        "upload_to_nas_from_disk",
        "delete_from_directory_if_in_catalog",
        "trash",
        "scaler",
        "mover",
    ):
        assert any(f"`{name}`" in row for row in rows)
