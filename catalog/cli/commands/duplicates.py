"""Find duplicates and look-alikes over the whole catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import duplicates as view
from catalog.domain.decisions import DUPLICATES
from catalog.features.lookalikes.duplicates import DuplicatesRequest, find_duplicates, write_groups

kinds = options.option(
    "kind",
    type=click.Choice(DUPLICATES),
    multiple=True,
    help="Only groups of this kind; may be repeated. Default: all but alike.",
)


@click.command(
    "duplicates", short_help="Group what is there twice, or shows the same; propose which to keep."
)
@click.argument("query", nargs=-1)
@kinds
@options.likeness
@click.option(
    "--csv",
    type=click.Path(path_type=Path),
    help="Write the groups to this file, for `catalog resolve`.",
)
@options.connection
@options.quiet
@options.json
def command(
    query: tuple[str, ...],
    kind: tuple[str, ...],
    distance: int | None,
    within: str,
    csv: Path | None,
    **shared: Any,
) -> int:
    """Group assets of the whole catalog, or of those that match QUERY, that are duplicates. Changes
    nothing.

    \b
    Kinds:
      exact       the same bytes at several places of one store
      same-image  the same image data, with other metadata
      similar     the same picture in other size, quality, format or tone, turned, mirrored, or
                  cropped a little: candidates by perceptual hash, each checked on pixels against
                  the one to keep
      burst       frames of one moment by one camera
      alike       near by hash, and nothing of the above

    Flat pictures (sky, a black frame) are compared by bytes and image data only, and the files of
    one shot (RAW and JPEG, a Live Photo) are no duplicates. In each group the first is to be kept
    by the setting keeper_order. To decide, look: `catalog review`; or fill in the column `decision`
    of the CSV (keep, drop, not-duplicate) for `catalog resolve`.

    \b
    Examples:
      catalog duplicates
      catalog duplicates --kind exact --kind similar --csv duplicates.csv 'taken:2019'

    \b
    Exit status: 0 done (also when there are none), 2 usage, 5 Elasticsearch cannot be reached.
    """
    console = Console.from_flags(shared)
    request = DuplicatesRequest(" ".join(query), kind, distance, within)
    workspace = console.workspace()
    found = find_duplicates(workspace, request, console.progress())
    if csv is not None:
        write_groups(csv, found.groups)
    return view.show(console, found)
