"""The Dropbox account: logging in and out, its owner and its space."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.errors import CatalogError, ConfigError, UsageError
from catalog.stores.dropbox.connection import Connection
from catalog.stores.dropbox.credentials import (
    forget_credentials,
    read_credentials,
    write_credentials,
)
from catalog.stores.dropbox.login import Login, revoke
from catalog.stores.dropbox.root import DropboxKind
from catalog.work.workspace import Workspace

PATIENCE = 5.0
"""Seconds for which a person who asks is kept waiting for a Dropbox that does not answer."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whose account it is, and bytes used and left. `root` is the catalog's folder, or ""."""

    account: str
    email: str
    account_id: str
    used: int
    free: int
    root: str


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Where the login is kept; the account, where it could be asked for."""

    path: Path
    account: Account | None


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """Whether there was a login, and why Dropbox could not be told that it has ended, or ""."""

    was_logged_in: bool
    problem: str = ""


def begin_login(workspace: Workspace) -> Login:
    """A login whose page a person has to open, to allow the program. Raises ConfigError."""
    settings = workspace.settings
    if not settings.dropbox_app_key:
        raise ConfigError(
            "There is no dropbox_app_key: Dropbox does not know who asks.",
            hint="Make an app (scoped access) in Dropbox's App Console, and give its key: "
            "--app-key KEY.",
        )
    return Login(settings.dropbox_app_key, settings.dropbox_ca_cert)


def finish_login(workspace: Workspace, login: Login, code: str) -> LoggedIn:
    """Keep what the code of a login's page is worth. Raises UsageError where there is none."""
    if not code:
        raise UsageError(
            "No code was given; nothing was changed.",
            hint="Run the command again, and paste the code.",
        )
    write_credentials(workspace.dropbox_login, login.finish(code))
    account = None
    with contextlib.suppress(CatalogError):
        account = read_account(workspace)
    return LoggedIn(workspace.dropbox_login, account)


def log_out(workspace: Workspace) -> LoggedOut:
    """Give the login back to Dropbox, and forget it here even where Dropbox cannot be told."""
    path = workspace.dropbox_login
    known = read_credentials(path)
    if known is None:
        return LoggedOut(False)
    problem = ""
    connection = Connection(known, ca_cert=workspace.settings.dropbox_ca_cert, patience=0.0)
    try:
        revoke(connection)
    except CatalogError as error:
        problem = error.message
    finally:
        connection.close()
    forget_credentials(path)
    return LoggedOut(True, problem)


def read_account(workspace: Workspace) -> Account:
    """The account, its space, and the folder of the catalog."""
    connection = workspace.dropbox
    connection.patience = min(connection.patience, PATIENCE)
    try:
        account = connection.account
        usage = connection.call(lambda sdk: sdk.users_get_space_usage())
        root = workspace.settings.dropbox_root
        return Account(
            account.name.display_name,
            account.email,
            account.account_id,
            usage.used,
            space_left(usage),
            DropboxKind().parse(root) if root else "",
        )
    finally:
        connection.close()


def space_left(usage: Any) -> int:
    """Bytes that the account may still take, of its `SpaceUsage`."""
    allocation = usage.allocation
    if allocation.is_individual():
        return max(0, int(allocation.get_individual().allocated - usage.used))
    if allocation.is_team():
        team = allocation.get_team()
        return max(0, int(team.allocated - team.used))
    return 0
