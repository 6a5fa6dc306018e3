"""Look at look-alikes and bad shots side by side, and decide."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.cli.groups import read_groups
from catalog.cli.views import review as view
from catalog.domain.decisions import BAD, KINDS
from catalog.errors import UsageError
from catalog.features.review.file import DEFAULT_NAME, WriteRequest, write_review
from catalog.features.review.groups import ReviewRequest


@click.command("review", short_help="Look at look-alikes and bad shots side by side, and decide.")
@click.argument("query", nargs=-1)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([k for k in KINDS if k != BAD]),
    help="Groups of this kind only. May be given several times.",
)
@click.option(
    "--bad", is_flag=True, help="Bad shots: with --kind beside its groups, without it nothing else."
)
@options.likeness
@click.option(
    "--groups",
    metavar="FILE",
    default="",
    help="Groups from `catalog duplicates --json`; - reads them from stdin.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The page to write. Default: catalog-review.html here.",
)
@click.option(
    "--serve",
    is_flag=True,
    help="Write no file, but serve the page to this machine alone; decisions are applied at once.",
)
@options.option(
    "serve_port",
    type=click.IntRange(1, 65535),
    help="The port to serve on. Default: any that is free.",
)
@options.option(
    "limit",
    "-l",
    type=click.IntRange(0),
    default=0,
    help="Show at most so many groups. 0, the default, means all.",
)
@options.connection
@options.output
def command(
    query: tuple[str, ...],
    groups: str,
    output: Path | None,
    serve: bool,
    serve_port: int | None,
    **given: Any,
) -> int:
    """Write one HTML page that shows the groups which QUERY finds, picture beside picture, to
    decide by looking.

    The page needs no network and holds everything it shows. Keys keep, drop, and tell apart;
    nothing is decided until you say so. Save the decisions from the page, and apply them with
    `catalog resolve`. With --serve the page is served to browsers on this machine, by a link that
    logs in once, and its decisions are applied as you confirm them: what is dropped goes to
    the trash of its store. Without --serve nothing is changed.

    \b
    Examples:
      catalog review 'taken:2019' --kind similar --output review.html
      catalog review --bad --serve
      catalog duplicates --json | catalog review --groups - --limit 100

    \b
    Exit status: 0 done, also where --serve was ended by Ctrl-C or SIGTERM; 2 usage, 3 some
    decisions could not be followed, 5 Elasticsearch cannot be reached, 130 interrupted before the
    page was written or served.
    """
    console = Console.from_flags(given)
    workspace, sink = console.workspace(), console.sink(summary_formats.REVIEW)
    if serve and output is not None:
        raise UsageError("--serve writes no file.", hint="Leave out --serve or --output.")
    if serve_port and not serve:
        raise UsageError("--serve_port is the port of --serve.", hint="Add --serve.")
    if groups and query:
        raise UsageError(
            "--groups says already what to review.", hint="Leave out --groups or the search."
        )
    wanted = {name: given[name] for name in ("kinds", "bad", "distance", "within", "limit")}
    wanted |= {"query": " ".join(query), "groups": read_groups(groups) if groups else None}
    if not serve:
        page = write_review(
            workspace, WriteRequest(**wanted, output=output or Path(DEFAULT_NAME)), sink
        )
        return view.show(console, page)
    from catalog.web.server import run_review

    request = ReviewRequest(**wanted)
    return console.serve(
        lambda: run_review(
            workspace, request, serve_port or 0, sink, partial(view.announce, console)
        )
    )
