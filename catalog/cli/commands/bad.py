"""Find bad shots."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import bad as view
from catalog.features.lookalikes.bad_shots import BadRequest, find_bad
from catalog.features.lookalikes.faults import NAMES


@click.command("bad", short_help="Find blank, blurred, dark, overexposed and accidental shots.")
@click.argument("query", nargs=-1)
@click.option(
    "--blank",
    is_flag=True,
    help="Nothing to be seen: no contrast, or hardly a part with anything in it.",
)
@click.option("--blurred", is_flag=True, help="Even the sharpest parts are not sharp.")
@click.option("--dark", is_flag=True, help="Nearly black.")
@click.option(
    "--overexposed", is_flag=True, help="Much of it is pure white; scans of pages are, too."
)
@click.option(
    "--accidental",
    is_flag=True,
    help="Blurred and dark, or blurred with little in it; videos of a moment.",
)
@click.option(
    "--paths", is_flag=True, help="Print paths alone, as `catalog search --format paths` does."
)
@options.connection
@options.json
def command(query: tuple[str, ...], paths: bool, **shared: Any) -> int:
    """List the bad shots of the catalog, or of those that match QUERY, the worst first, by scores
    that were measured at ingest.

    Without a flag, those of every kind. The setting bad_shots says from where on a shot is bad;
    `catalog search` knows the scores as blank, blurred, focus, sharpness, brightness, contrast,
    dark, bright and detail. Changes nothing; to decide by looking: `catalog review --bad`.

    \b
    Example:
      catalog bad --blurred --dark 'taken:2019 -favorite:true'

    \b
    Exit status: 0 done (also when there are none), 2 the query is not understood, 5 Elasticsearch
    cannot be reached.
    """
    console = Console.from_flags(shared)
    wanted = tuple(name for name in NAMES if shared.get(name))
    found = find_bad(console.workspace(), BadRequest(" ".join(query), wanted))
    return view.show(console, found, paths=paths)
