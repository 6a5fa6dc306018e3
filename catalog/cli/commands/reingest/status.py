"""Show what was handed over to clouds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import handovers
from catalog.features.reingest.status import StatusRequest, find_handovers


@click.command(
    "status", short_help="Show what was handed over, what waits in staging, and the reports."
)
@options.option(
    "target", metavar="NAME", help="Only what was handed over to this cloud. Default: to any."
)
@options.option(
    "reports",
    type=click.Path(path_type=Path),
    default=".",
    help="The folder of the reports. Default: here.",
)
@options.connection
@options.json
def command(target: str | None, reports: Path, **shared: Any) -> int:
    """Show what was handed over to which cloud, what of it still lies in a staging folder and what
    has left it, and reports.

    Nothing is changed. A file counts as having left its folder only where the folder is there, by
    its marker: an unmounted disk is no empty folder.

    \b
    Example:
      reingest status
      reingest status --target icloud --json

    \b
    Exit status: 0 done, 1 failed, 2 usage, 5 Elasticsearch cannot be reached.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    return handovers.show(console, find_handovers(workspace, StatusRequest(target, reports)))
