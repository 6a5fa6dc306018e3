"""Start, stop and watch the program's own Elasticsearch."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import engine
from catalog.features.health.engine import read_log, read_status, start_engine, stop_engine


@click.group("engine", short_help="Start, stop and watch the program's own Elasticsearch.")
def command() -> None:
    """The program's own Elasticsearch node: it starts by itself when a command needs it, and stays
    up.

    It is used where no other Elasticsearch is named by --host, --port, CATALOG_ELASTICSEARCH_URL or
    the configuration.

    \b
    Exit status: 0 done, 2 usage, 5 the node cannot be had, started or stopped (status: 5 while it
    does not run).
    """


@command.command("start")
@options.config
@options.quiet
def start(**shared: Any) -> int:
    """Start the node, downloading it first if need be. Does nothing if it runs."""
    console = Console.from_flags(shared)
    return engine.show_started(console, start_engine(console.workspace()))


@command.command("stop")
@options.config
def stop(**shared: Any) -> int:
    """Stop the node. The catalog stays on disk; the next command starts it again."""
    console = Console.from_flags(shared)
    return engine.show_stopped(console, stop_engine(console.workspace()))


@command.command("status")
@options.config
@options.json
def status(**shared: Any) -> int:
    """Show whether the node runs, where, and how much room it takes."""
    console = Console.from_flags(shared)
    return engine.show(console, read_status(console.workspace()))


@command.command("logs")
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="How many lines from the end.",
)
@options.config
def logs(lines: int, **shared: Any) -> int:
    """Print the end of the node's log."""
    console = Console.from_flags(shared)
    return engine.show_log(console, read_log(console.workspace(), lines))
