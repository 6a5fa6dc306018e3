"""Find assets in the catalog."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import search as view
from catalog.features.inspection.search import SearchRequest, search


@click.command("search", short_help="Find photos and videos.")
@click.argument("query", nargs=-1)
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "jsonl", "paths", "count"]),
    default="table",
    show_default=True,
    help="What to print of each asset.",
)
@click.option(
    "--sort",
    default="-taken",
    show_default=True,
    help="Field to sort by; with - before it, downwards.",
)
@click.option(
    "-l",
    "--limit",
    type=click.IntRange(0),
    default=0,
    help="Print at most so many. 0, the default, means all.",
)
@click.option(
    "-0",
    "--null",
    is_flag=True,
    help="End each path with a NUL byte, not a line feed: for `xargs -0`.",
)
@options.connection
def command(
    query: tuple[str, ...], style: str, sort: str, limit: int, null: bool, **shared: Any
) -> int:
    """Find what matches QUERY; without one, everything. Changes nothing.

    QUERY is Elasticsearch's query string with short field names: words must all match, - excludes,
    "..." is a phrase,
    * a wildcard, AND OR NOT and parentheses combine: NOT binds closest, then AND, then OR, then
      words side by side.
    Dates may be years, months, days or ranges; sizes may have units. A month_day is 11-29, a
    weekday 1 (Monday) to 7, a shape portrait, landscape or square.

    \b
    Examples:
      catalog search 'city:Ghent taken:[2019 TO 2020] -stores:dropbox'
      catalog search 'camera:iphone kind:video near:51.05,3.72,5km'
      catalog search 'size:>100MB has:location' --format paths
      catalog search -- '-stores:dropbox'

    \b
    Fields: taken year month_day hour weekday precision added city region country place camera make
      model lens kind type ext size width height shape megapixels duration codec iso tags albums
      title rating favorite stores copies path name original hash sha1 sha256 md5 blank blurred
      sharpness focus dark bright detail confidence source live_id stack note problem run manual
      owner device reader; near:lat,lon,distance; has:location|date|place|camera|person|FIELD
      (person: what you set; manual:rating, what exactly).

    \b
    Exit status: 0 done (also when nothing is found), 2 the query is not understood, 5 Elasticsearch
    cannot be reached.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = SearchRequest(" ".join(query), sort=sort, limit=limit)
    return view.show(console, search(workspace, request), style=style, null=null)
