"""Groups of commands that are imported only when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar

import click


class LazyGroup(click.Group):
    """Commands by name, in the order of `modules`: each is the `command` of its module.

    `short_helps` say what they do without importing them.
    """

    modules: ClassVar[Mapping[str, str]]
    short_helps: ClassVar[Mapping[str, str]]

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """In the order of the table."""
        return list(self.modules)

    def name_of(self, given: str) -> str:
        """What a command is called in the table, by any of its names."""
        return given

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """By any of its names."""
        module = self.modules.get(self.name_of(cmd_name))
        found: click.Command | None = import_module(module).command if module else None
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Every command with what it does."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._short_help(ctx, name)) for name in self.modules])

    def _short_help(self, ctx: click.Context, name: str) -> str:
        if name in self.short_helps:
            return self.short_helps[name]
        command = self.get_command(ctx, name)
        return command.get_short_help_str() if command else ""
