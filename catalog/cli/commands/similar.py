"""Find what looks like a picture."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import similar as view
from catalog.features.lookalikes.similar import DISTANCE, SimilarRequest, find_similar


@click.command("similar", short_help="Find what looks like a photo or video.")
@click.argument("what", metavar="PATH|HASH")
@options.option(
    "distance",
    type=click.IntRange(0, 32),
    default=DISTANCE,
    show_default=True,
    help="Bits of 64 by which hashes may differ.",
)
@options.connection
@options.json
def command(what: str, distance: int, **shared: Any) -> int:
    """Find what in the catalog looks like one photo or video, also turned, mirrored, resized, or
    cropped a little.

    WHAT is a hash or its beginning, a path in a store (`nas:2019/...`), or any file on this
    machine, in the catalog or not. What is near by its hash is compared on small pictures, and
    called the same picture only if they agree; the rest is the same moment (taken within 10 s) or
    merely alike. Changes nothing.

    \b
    Example:
      catalog similar ~/Downloads/IMG-20190712-WA0003.jpg

    \b
    Exit status: 0 done (also when nothing is found), 1 not found, 2 not a picture that can be
    compared, 5 Elasticsearch cannot be reached.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    return view.show(console, find_similar(workspace, SimilarRequest(what, distance)), what)
