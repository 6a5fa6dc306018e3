"""Logging in to Dropbox and out, and what the account looks like."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

from catalog.cli.console import Screen
from catalog.domain.amounts import size_text
from catalog.errors import DONE, CatalogError, ConfigError, UsageError
from catalog.stores.dropbox.connection import Connection
from catalog.stores.dropbox.credentials import forget_credentials, read_credentials, write_credentials
from catalog.stores.dropbox.login import Login, revoke
from catalog.stores.dropbox.root import DropboxKind
from catalog.work.workspace import Workspace

PATIENCE = 5.0
"""Seconds for which a person who asks is kept waiting for a Dropbox that does not answer."""


def run_login(workspace: Workspace, screen: Screen) -> int:
    """Show the page to allow the program, take its code from stdin, and keep what it is worth."""
    settings = workspace.settings
    if not settings.dropbox_app_key:
        raise ConfigError(
            "There is no dropbox_app_key: Dropbox does not know who asks.",
            hint="Make an app (scoped access) in Dropbox's App Console, and give its key: --app-key KEY.",
        )
    login = Login(settings.dropbox_app_key, settings.dropbox_ca_cert)
    screen.complain("Open this page, allow the program, and paste the code that it shows here:")
    screen.complain(login.address)
    code = sys.stdin.readline().strip()
    if not code:
        raise UsageError("No code was given; nothing was changed.", hint="Run the command again, and paste the code.")
    found = login.finish(code)
    write_credentials(workspace.dropbox_login, found)
    screen.out_line(f"Logged in; the login is kept in {workspace.dropbox_login}.")
    with contextlib.suppress(CatalogError):
        _tell_account(workspace, screen)
    return DONE


def run_logout(workspace: Workspace, screen: Screen) -> int:
    """Give the login back to Dropbox, and forget it here even where Dropbox cannot be told."""
    path = workspace.dropbox_login
    known = read_credentials(path)
    if known is None:
        screen.out("There was no login.")
        return DONE
    problem = ""
    connection = Connection(known, ca_cert=workspace.settings.dropbox_ca_cert, patience=0.0)
    try:
        revoke(connection)
    except CatalogError as error:
        problem = error.message
    finally:
        connection.close()
    forget_credentials(path)
    screen.out("Logged out.")
    if problem:
        screen.complain(f"Dropbox was not told ({problem}); the app's access can be ended on its security page.")
    return DONE


def run_status(workspace: Workspace, screen: Screen) -> int:
    """Print the account, the space, and the folder of the catalog."""
    _tell_account(workspace, screen)
    return DONE


def _tell_account(workspace: Workspace, screen: Screen) -> None:
    connection = workspace.dropbox
    connection.patience = min(connection.patience, PATIENCE)
    try:
        account = connection.account
        usage = connection.call(lambda sdk: sdk.users_get_space_usage())
        root = workspace.settings.dropbox_root
        row = {
            "account": account.name.display_name, "email": account.email, "account_id": account.account_id,
            "used": usage.used, "free": space_left(usage), "root": DropboxKind().parse(root) if root else "",
        }  # fmt: skip
    finally:
        connection.close()
    if screen.json:
        screen.out_json(row)
        return
    screen.out_line(f"account  {row['account']} ({row['email']})")
    screen.out_line(f"space    {size_text(row['used'])} used, {size_text(row['free'])} free")
    screen.out_line(f"catalog  {row['root'] or 'not configured (dropbox_root)'}")


def space_left(usage: Any) -> int:
    """Bytes that the account may still take, of its `SpaceUsage`."""
    allocation = usage.allocation
    if allocation.is_individual():
        return max(0, int(allocation.get_individual().allocated - usage.used))
    if allocation.is_team():
        team = allocation.get_team()
        return max(0, int(team.allocated - team.used))
    return 0
