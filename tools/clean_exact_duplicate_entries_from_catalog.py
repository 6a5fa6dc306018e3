"""Prove that the catalog has no two entries for one file."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import soundness
from catalog.features.health.soundness import prove_entries


@click.command(
    "clean_exact_duplicate_entries_from_catalog",
    short_help="Prove that no two entries stand for one file.",
)
@click.option(
    "-d",
    "--dirname",
    default="",
    metavar="DIR",
    help="Only this folder of the stores, such as 2019/07_July.",
)
@click.option(
    "--dryrun",
    is_flag=True,
    help="Makes no difference, as nothing is ever changed; accepted for old scripts.",
)
@options.connection
@options.json
def command(dirname: str, dryrun: bool, **shared: Any) -> int:  # noqa: ARG001 - see the help of --dryrun
    """Check that the catalog has no two entries for one file. Changes nothing, whatever is found.

    An entry's id is the hash of its content, so that there is nothing to clean. This looks at every
    entry and proves it: each id is the hash that the entry states, no path of a store is claimed as
    a good copy by two entries, and no entry names a path twice.

    \b
    Example:
      clean_exact_duplicate_entries_from_catalog --dirname 2019/07_July

    \b
    Exit status: 0 all is proved, 1 failed, 2 usage, 3 something was found, 5 Elasticsearch cannot
    be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    return soundness.show(console, prove_entries(workspace, dirname))
