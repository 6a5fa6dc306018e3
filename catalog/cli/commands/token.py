"""Tokens, by which programs come in."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import access
from catalog.domain.access import TOKEN_SCOPES, VIEW
from catalog.features.access.tokens import add_token, list_tokens, revoke_token
from catalog.features.access.users import open_records


@click.group("token", short_help="Let programs, phones and frames in, each by a token of its own.")
def command() -> None:
    """Let programs, phones and frames in, each by a token of its own.

    A token is shown once, when it is made; what is kept of it is its SHA-256. It can do no more
    than the user whose it is, and ends when that user is removed. Send it as `Authorization: Bearer
    TOKEN`.

    \b
    Example:
      catalog token add kitchen --user anna --scope frame
      catalog token revoke kitchen

    \b
    Exit status: 0 done, 2 usage, 5 Elasticsearch cannot be reached.
    """


@command.command("add")
@click.argument("label")
@click.option("--user", required=True, metavar="NAME", help="Whose it is.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(list(TOKEN_SCOPES)),
    multiple=True,
    default=(VIEW,),
    show_default=True,
    help="What it may do. May be given several times.",
)
@click.option(
    "--days", type=click.FloatRange(0, min_open=True), help="It ends by itself after so many days."
)
@options.connection
@options.json
def add(label: str, user: str, scopes: tuple[str, ...], days: float | None, **shared: Any) -> int:
    """Make a token that is called LABEL, and print it."""
    console = Console.from_flags(shared)
    records = open_records(console.workspace())
    return access.show_token(console, label, add_token(records, label, user, scopes, days))


@command.command("list")
@options.connection
@options.json
def list_(**shared: Any) -> int:
    """Show every token, whose it is, and what it may do."""
    console = Console.from_flags(shared)
    return access.show_tokens(console, list_tokens(console.workspace().existing_repository))


@command.command("revoke")
@click.argument("label")
@options.connection
def revoke(label: str, **shared: Any) -> int:
    """End the token LABEL; a server that runs lets it in for some seconds more at most."""
    console = Console.from_flags(shared)
    records = open_records(console.workspace())
    return access.show_revoked(console, revoke_token(records, label))
