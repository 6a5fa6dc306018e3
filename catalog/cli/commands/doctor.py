"""Check that everything the program needs is there."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import doctor
from catalog.features.health.doctor import examine


@click.command(
    "doctor",
    short_help="Check configuration, engine, stores and programs, and say how to mend them.",
)
@options.roots
@options.connection
@options.json
def command(**shared: Any) -> int:
    """Check the configuration, its secrets, Elasticsearch, the stores and their free space, and
    optional programs.

    Says what is wrong and how to mend it. Changes nothing, and starts nothing.

    \b
    Example:
      catalog doctor --nas_root /mnt/nas/photos

    \b
    Exit status: 0 all is well (warnings included), 1 something must be mended, 2 usage or
    configuration.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    return doctor.show(console, examine(workspace))
