"""The Dropbox account: the dialogue of a login, and what the account looks like."""

from __future__ import annotations

import dataclasses
import sys

from catalog.cli.console import Console
from catalog.domain.amounts import size_text
from catalog.errors import DONE
from catalog.features.stores.account import (
    Account,
    LoggedOut,
    begin_login,
    finish_login,
)
from catalog.work.workspace import Workspace


def log_in(console: Console, workspace: Workspace) -> int:
    """Show the page to allow the program, and take its code from stdin."""
    login = begin_login(workspace)
    console.complain("Open this page, allow the program, and paste the code that it shows here:")
    console.complain(login.address)
    done = finish_login(workspace, login, sys.stdin.readline().strip())
    console.out(f"Logged in; the login is kept in {done.path}.")
    return DONE if done.account is None else show(console, done.account)


def show_logged_out(console: Console, done: LoggedOut) -> int:
    """That it has ended."""
    if not done.was_logged_in:
        console.out("There was no login.")
        return DONE
    console.out("Logged out.")
    if done.problem:
        console.complain(
            f"Dropbox was not told ({done.problem}); the app's access can be ended on its "
            "security page."
        )
    return DONE


def show(console: Console, account: Account) -> int:
    """The account, the space, and the folder of the catalog."""
    if console.json:
        console.out_json(dataclasses.asdict(account))
        return DONE
    used, free = size_text(account.used), size_text(account.free)
    console.out(f"account  {account.account} ({account.email})")
    console.out(f"space    {used} used, {free} free")
    console.out(f"catalog  {account.root or 'not configured (dropbox_root)'}")
    return DONE
