"""The login to Dropbox."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import account
from catalog.features.stores.account import log_out, read_account


@click.group("dropbox", short_help="Log in to Dropbox and out, and show the account.")
def command() -> None:
    """Log in to Dropbox and out, and show the account.

    The login (OAuth 2 with PKCE) is kept in a file that only you can read, and renews itself.
    Nothing in Dropbox is changed by these commands.

    \b
    Example:
      catalog dropbox login --app-key abcdefghijklmno
      catalog dropbox status

    \b
    Exit status: 0 done, 1 failed, 2 usage or configuration, 5 Dropbox cannot be reached or refuses
    the login, 130 interrupted.
    """


@command.command("login")
@options.option(
    "app_key",
    metavar="KEY",
    help="Key of your Dropbox app. Default: dropbox_app_key of the configuration.",
)
@options.config
def login(app_key: str | None, **shared: Any) -> int:
    """Show a page of Dropbox, and take the code that it gives."""
    console = Console.from_flags(shared)
    return account.log_in(console, console.workspace(dropbox_app_key=app_key))


@command.command("logout")
@options.config
def logout(**shared: Any) -> int:
    """Give the login back to Dropbox and forget it."""
    console = Console.from_flags(shared)
    return account.show_logged_out(console, log_out(console.workspace()))


@command.command("status")
@options.roots
@options.config
@options.json
def status(**shared: Any) -> int:
    """Show the account, its space and the folder of the catalog."""
    console = Console.from_flags(shared)
    workspace = console.workspace()
    return account.show(console, read_account(workspace))
