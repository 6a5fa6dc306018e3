"""A new password, from a person who types it twice, or from a program by stdin."""

from __future__ import annotations

import sys

import click

from catalog.errors import UsageError


def ask_password(name: str) -> str:
    """The password that is typed unseen; where nobody sits at a terminal, the first line of stdin.

    Raises UsageError where there is none.
    """
    if sys.stdin.isatty():
        given: str = click.prompt(
            f"Password for {name}", hide_input=True, confirmation_prompt=True, err=True
        )
        return given
    line = sys.stdin.readline()
    if not line:
        raise UsageError(
            "No password was given; nothing was changed.",
            hint="Type it at a terminal, or give it as the first line of stdin.",
        )
    return line.removesuffix("\n").removesuffix("\r")
