"""Say what a photo or video is: its time, place, title, rating, albums."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.domain.assignments import check_name, split_words
from catalog.errors import UsageError
from catalog.features.annotations.privacy import PrivacyRequest, run_privacy
from catalog.features.annotations.run import SetRequest, run_set


@click.command(
    "set",
    short_help="Correct the time or place of photos and videos; title, rating, favorite, albums.",
)
@click.argument("words", nargs=-1, metavar="[WHAT]... KEY=VALUE...")
@click.option(
    "--query", metavar="QUERY", help="All that match this search, as `catalog search` finds them."
)
@click.option(
    "--by",
    default="",
    metavar="WHAT=TIME",
    help="Shift the times of all by as much as that of WHAT is wrong: TIME is its right one.",
)
@click.option(
    "--album", "albums", multiple=True, metavar="NAME", help="With private=: all that is in it."
)
@click.option(
    "--folder",
    "folders",
    multiple=True,
    metavar="PATH",
    help="With private=: all that lies below it, in whichever store.",
)
@options.dryrun
@options.yes
@options.connection
@options.output
def command(
    words: tuple[str, ...],
    query: str | None,
    by: str,
    albums: tuple[str, ...],
    folders: tuple[str, ...],
    dryrun: bool,
    yes: bool,
    **shared: Any,
) -> int:
    """Set values of the assets that WHAT names. They win over what the files state, which stays
    known beneath them.

    WHAT is a hash or its beginning, a path in a store (`nas:2019/...`), or any file on this
    machine; one whose name looks like KEY=VALUE is written ./KEY=VALUE. Only the index is changed:
    no file is edited, renamed or moved, and reading a file again changes nothing of it. `catalog
    refile` gives files the names that go with a corrected time or place. A time is that of the
    shot: its other files (RAW, JPEG, Live movie) get it as well, or are shifted alike. More than
    1,000 assets found by --query want --yes. If a value is none, or one WHAT is not in the catalog,
    nothing is changed.

    \b
    Keys:
      taken=2019-07-12, taken='2019-07-12 18:30:15', taken=2019-07-12T18:30:15+02:00
      taken=1975, taken=1975-08: the year or the month alone
      taken+=1h, taken-=3min, taken+='-1y 2d': the clock was wrong by so much (y mo w d h min s)
      taken=zone:Europe/Brussels: the clock was set to that zone
      position=51.05,3.72   place='Grandma'   title=TEXT   description=TEXT
      rating=0 to 5, or -1 for rejected   favorite=yes|no
      albums=A,B   albums+=A   albums-=A
      private=A,B   private+=A   private-=A: of the users of the pages only these see it
      KEY= (empty) takes back what you said: the value of the file shows again.

    With --album or --folder a rule is made: what is there now, and whatever comes there, is private
    to these users, besides what is said of each photo. `private=` ends it.

    \b
    Examples:
      catalog set ~/Pictures/IMG_0001.jpg rating=5 albums+=Best
      catalog set --query 'path:*scan*' taken=1975-08 place='Lake Garda' --dryrun
      catalog set --query 'camera:X100' --by nas:2019/07_July/a.jpg='2019-07-12 18:30:15'
      catalog set --album Diary private=anna

    \b
    Exit status: 0 done, 1 not in the catalog, 2 usage, 3 some failed, 4 too many without --yes, 5
    Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    what, values = _split(words)
    if albums or folders:
        if what or query is not None or by:
            raise UsageError(
                "--album and --folder stand alone; nothing was changed.",
                hint="Say what is to be said of single photos in another run.",
            )
        rules = PrivacyRequest(albums, folders, values, dryrun)
        return console.carry_out(run_privacy, workspace, rules, summary_formats.SAY)
    request = SetRequest(what, query, dryrun=dryrun, yes=yes, values=values, by=by)
    return console.carry_out(run_set, workspace, request, summary_formats.SAY)


def _split(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What names assets, and what says something of them. Raises UsageError for neither."""
    what, values = split_words(words)
    for word in what:
        if not os.path.lexists(word):
            check_name(word)
    return tuple(what), tuple(values)
