"""Make one store hold what another holds."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.mirror.run import MirrorRequest, run_mirror


@click.command("mirror", short_help="Copy what one store has and another lacks.")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@options.mirroring
def command(source: str, target: str, **given: Any) -> int:
    """Copy every asset of store FROM that store TO lacks, under the same path, each copy verified
    before it is recorded.

    What was renamed in FROM is renamed in TO, not sent again, unless it was renamed in TO later.
    Nothing is ever removed or overwritten in TO. The plan comes from the index, checked against
    what both stores list now: what is gone from TO is sent again. Files that the catalog does not
    know, or whose content changed, are left to
    `catalog sync`.

    \b
    Example:
      catalog mirror nas archive --dryrun

    \b
    Exit status: 0 done, 1 failed, 2 usage, 3 some files failed, 4 a store is not there or too much
    of it is gone, 5 a store or Elasticsearch cannot be reached, 130 interrupted.
    """
    return mirror(source, target, "mirror", given)


def mirror(source: str, target: str, command: str, given: options.Given) -> int:
    """The exit status of a command that mirrors a store; `given` are its options."""
    console = Console.from_flags(given)
    how = {name: given[name] for name in ("dryrun", "limit", "yes")}
    request = MirrorRequest(source, target, command, **how)
    return console.carry_out(run_mirror, console.workspace(), request, summary_formats.MIRROR)
