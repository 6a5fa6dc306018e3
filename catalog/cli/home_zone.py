"""Where a person is at home: asked for once, before the first videos are dated by it."""

from __future__ import annotations

import click

from catalog.cli.console import Console
from catalog.config import load, save
from catalog.errors import ConfigError
from catalog.work.workspace import Workspace


def settle_home_zone(console: Console, *, dryrun: bool, yes: bool) -> Workspace:
    """The workspace, with the home zone that a person gives where none is set; it is kept in the
    configuration. Where nobody is there to ask, with `yes`, and in a dry run it is the machine's.
    """
    workspace = console.workspace()
    if workspace.settings.home_zone is not None or dryrun or yes or not console.can_ask:
        return workspace
    question = "Many videos state their time in UTC alone. Your time zone at home"
    while True:
        try:
            zone = click.prompt(question, default=workspace.home_zone, err=True).strip()
        except click.Abort:
            raise KeyboardInterrupt from None
        try:
            load(console.config, home_zone=zone)
        except ConfigError as error:
            console.complain(f"Error: {error}")
            continue
        try:
            path = save({"home_zone": zone}, console.config, origin="what you gave")
        except ConfigError as error:
            console.complain(f"{error} The home zone is {zone} for this run alone.")
        else:
            console.complain(f"Kept in {path}.")
        return console.workspace(home_zone=zone)
