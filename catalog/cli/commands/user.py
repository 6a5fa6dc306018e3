"""Who may look at the catalog on the web."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.passwords import ask_password
from catalog.cli.views import access
from catalog.domain.access import ROLES, VIEWER
from catalog.features.access.gate import make_link
from catalog.features.access.users import (
    add_user,
    list_users,
    open_records,
    remove_user,
    set_password,
)


@click.group("user", short_help="Say who may look at the catalog on the web.")
def command() -> None:
    """Say who may look at the catalog on the web, and what they may do there.

    A viewer looks; a curator decides and uploads as well; an owner does everything, and lets
    others in. Whoever can run this command on this machine can give an owner another password.

    \b
    Example:
      catalog user add anna --role curator
      catalog user passwd anna

    \b
    Exit status: 0 done, 2 usage, 4 the last owner stays, 5 Elasticsearch cannot be reached.
    """


@command.command("add")
@click.argument("name")
@click.option(
    "--role", type=click.Choice(list(ROLES)), default=VIEWER, show_default=True, help="The role."
)
@click.option(
    "--no-password", is_flag=True, help="Ask for none now; they cannot log in until they have one."
)
@options.connection
def add(name: str, role: str, no_password: bool, **shared: Any) -> int:
    """Let NAME in. The password is asked for, or is the first line of stdin."""
    console = Console.from_flags(shared)
    records = open_records(console.workspace())
    password = None if no_password else ask_password(name)
    return access.show_user(console, add_user(records, name, role, password), "added")


@command.command("list")
@options.connection
@options.json
def list_(**shared: Any) -> int:
    """Show every user, their role, and whether they have a password."""
    console = Console.from_flags(shared)
    return access.show_users(console, list_users(console.workspace().existing_repository))


@command.command("passwd")
@click.argument("name")
@options.connection
def passwd(name: str, **shared: Any) -> int:
    """Give NAME another password; their sessions end. It is asked for, or read from stdin."""
    console = Console.from_flags(shared)
    records = open_records(console.workspace())
    return access.show_user(
        console, set_password(records, name, ask_password(name)), "has another password"
    )


@command.command("link")
@click.argument("name")
@click.option(
    "--url",
    default="http://127.0.0.1:8484",
    show_default=True,
    help="Where the web program is found.",
)
@options.connection
@options.json
def link(name: str, url: str, **shared: Any) -> int:
    """Print a link that logs NAME in once, within a quarter of an hour."""
    console = Console.from_flags(shared)
    return access.show_link(console, url, make_link(open_records(console.workspace()), name))


@command.command("remove")
@click.argument("name")
@options.connection
def remove(name: str, **shared: Any) -> int:
    """Keep NAME out from now on: sessions and tokens end. What they did stays."""
    console = Console.from_flags(shared)
    records = open_records(console.workspace())
    return access.show_user(console, remove_user(records, name), "removed")
