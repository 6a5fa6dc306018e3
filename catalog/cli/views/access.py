"""Users and tokens on a terminal, and where the web program is."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from catalog.cli.console import Console
from catalog.errors import DONE
from catalog.features.access.tokens import Token
from catalog.features.access.users import User

if TYPE_CHECKING:
    from catalog.web.server import Serving


def show_user(console: Console, user: User, became: str) -> int:
    """What became of a user."""
    told = f"{user.name}, {user.role}: {became}."
    if not user.has_password and became == "added":
        told += f" There is no password yet: catalog user passwd {user.name}"
    console.out(told)
    return DONE


def show_users(console: Console, users: Sequence[User]) -> int:
    """A line for each user."""
    for user in users:
        if console.json:
            console.out_json(dataclasses.asdict(user))
        else:
            password = "" if user.has_password else "  no password"
            console.out(f"{user.name:<20} {user.role:<8} since {user.added[:10]}{password}")
    if not users and not console.json:
        console.complain("There is no user yet. The first: catalog user add NAME --role owner")
    return DONE


def show_link(console: Console, url: str, secret: str) -> int:
    """Where a link leads that logs in once."""
    where = f"{url.rstrip('/')}/login#link={secret}"
    if console.json:
        console.out_json({"login": where})
    else:
        console.out(where)
    return DONE


def show_token(console: Console, label: str, token: str) -> int:
    """The token, once."""
    if console.json:
        console.out_json({"label": label, "token": token})
        return DONE
    console.out(token)
    console.complain("Keep it now: it is not shown again.")
    return DONE


def show_tokens(console: Console, tokens: Sequence[Token]) -> int:
    """A line for each token."""
    for token in tokens:
        if console.json:
            console.out_json(dataclasses.asdict(token))
        else:
            until = f" until {token.expires[:10]}" if token.expires else ""
            console.out(
                f"{token.label:<20} {token.name:<12} {','.join(token.scopes)} since "
                f"{token.added[:10]}{until}"
            )
    return DONE


def show_revoked(console: Console, token: Token) -> int:
    """That a token has ended."""
    console.out(f"The token {token.label} of {token.name} has ended.")
    return DONE


def announce_server(console: Console, serving: Serving) -> None:
    """The address, and the link that logs in once where there is one."""
    if console.json:
        console.out_json({"url": serving.url, "login": serving.login or None})
        return
    console.out(f"The catalog is at {serving.url} until you press Ctrl-C.")
    if serving.login:
        console.out(f"Log in once, within 15 minutes, by {serving.login}")
