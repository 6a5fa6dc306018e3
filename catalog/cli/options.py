"""Options that several commands share; every name has its dashed spelling too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
Given: TypeAlias = Mapping[str, Any]
"""The values of a command's options by name, as click gives them."""


def option(name: str, *short: str, **attributes: Any) -> Callable[[Command], Command]:
    """An option with both spellings of its name."""
    spellings = [f"--{name}"] + ([f"--{name.replace('_', '-')}"] if "_" in name else [])
    return click.option(*short, *spellings, name, **attributes)


def _all(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


config = option(
    "config",
    type=click.Path(path_type=Path),
    help="Configuration file. Default: config.json here, then in your configuration folder.",
)
connection = _all(
    option(
        "host",
        metavar="HOST",
        help="The host where Elasticsearch runs. Default: the program's own node.",
    ),
    option(
        "port",
        type=click.IntRange(1, 65535),
        help="The port where Elasticsearch runs. Default: 9200 if a host is given.",
    ),
    option("index", metavar="NAME", help="The catalog's name in Elasticsearch. Default: catalog."),
    config,
)
roots = _all(
    option(
        "nas_root", type=click.Path(path_type=Path), help="Use this as catalog root on the NAS."
    ),
    option("dropbox_root", metavar="PATH", help="Use this as catalog root on Dropbox."),
)
recursive = option("recursive", "-r", is_flag=True, help="Go into subfolders too.")
dryrun = option("dryrun", "-d", is_flag=True, help="Print what would be done and change nothing.")
limit = option(
    "limit",
    "-l",
    type=click.IntRange(0),
    default=0,
    help="Store at most so many files. 0, the default, means all.",
)
limit_actions = option(
    "limit",
    "-l",
    type=click.IntRange(0),
    default=0,
    help="Do at most so many actions. 0, the default, means all.",
)
store = option(
    "store",
    metavar="NAME",
    default="nas",
    show_default=True,
    help="The store to look at; see `catalog store list`.",
)
yes = option(
    "yes",
    "-y",
    is_flag=True,
    help="Agree beforehand to what would be asked or refused as too much.",
)
with_files = option(
    "with_files", is_flag=True, help="Bring the files to the trash of their stores, too."
)
agree_to_losses = option(
    "yes",
    "-y",
    is_flag=True,
    help="Go on though many recorded files are gone from a store (exit 4 otherwise).",
)
likeness = _all(
    option(
        "distance",
        type=click.IntRange(0, 16),
        help="Bits of 64 by which hashes of candidates may differ. Default: 10, or 8 among more "
        "than 100,000 pictures.",
    ),
    option(
        "within",
        metavar="TIME",
        default="10s",
        show_default=True,
        help="Longest time between two shots of a burst.",
    ),
)
sending = _all(
    option("transfers", type=click.IntRange(1, 64), help="Send so many files at once. Default: 4."),
    option(
        "bwlimit",
        metavar="RATE",
        help="Send at most so much a second: 5M, off, or by time '08:00,512K 23:00,off'.",
    ),
    option(
        "max_transfer", metavar="SIZE", help="Begin no further file after so much, such as 10G."
    ),
    option(
        "max_duration",
        metavar="TIME",
        help="Begin no further file after so long, such as 6h or 1h30m.",
    ),
)
quiet = option("quiet", "-q", is_flag=True, help="Say nothing but problems and the summary.")
rehash = option(
    "rehash",
    is_flag=True,
    help="Read every file, also those whose size and time are as recorded.",
)


def frequency(about: str) -> Callable[[Command], Command]:
    """How often a service looks, in words of its own."""
    return option(
        "frequency",
        type=click.FloatRange(min=0, min_open=True),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        help=about,
    )


verbose = option("verbose", "-v", is_flag=True, help="Print a line for each file.")
json = option(
    "json", is_flag=True, help="Print one JSON object a line: each file, then the summary."
)
output = _all(quiet, verbose, json)
uploading = _all(
    click.argument("directory", type=click.Path(path_type=str)),
    recursive,
    option(
        "move",
        "-m",
        is_flag=True,
        help="Remove each source file once its copy is confirmed and indexed.",
    ),
    quiet,
    dryrun,
    limit,
    roots,
    connection,
    yes,
    json,
    verbose,
)
mirroring = _all(dryrun, limit_actions, agree_to_losses, sending, roots, connection, output)
syncing = _all(
    option(
        "forget_missing",
        is_flag=True,
        help="Forget assets whose only recorded copy is gone, instead of marking them.",
    ),
    option(
        "accept_losses",
        is_flag=True,
        help="Go on though many recorded files are missing (exit 4 otherwise).",
    ),
    option(
        "accept_changes",
        is_flag=True,
        help="Take up changed files that are held: many at once, no longer readable, or without a "
        "sign that somebody wrote to them.",
    ),
    roots,
    connection,
    json,
    verbose,
)
target = option(
    "target", metavar="NAME", help="The cloud, and the tag of what it was given. Default: icloud."
)
again = option(
    "again",
    is_flag=True,
    help="Stage once more what was handed over and is not in the staging folder any more.",
)
skip = option(
    "skip",
    multiple=True,
    metavar="TEXT",
    help="Leave out folders with this in their name, in any case. May be "
    "given several times, and then replaces the configured list.",
)
archive_folder = _all(
    click.argument("folder", required=False),
    click.option(
        "--query",
        metavar="QUERY",
        help="What this search finds in a store, as `catalog search` finds it.",
    ),
    option(
        "store",
        metavar="NAME",
        help="The store that --query looks into; see `catalog store list`. Default: nas.",
    ),
    skip,
)
archive = _all(
    archive_folder,
    option(
        "until",
        metavar="DATE",
        help="Offer only what was taken before this date, such as 2019-01-01.",
    ),
    target,
)
staging = option(
    "staging",
    required=True,
    metavar="FOLDER",
    help="The folder for the copies; made if it is not there.",
)
replace_report = option("yes", "-y", is_flag=True, help="Replace a report that is there already.")
