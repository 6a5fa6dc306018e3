"""Options that several commands share; every name has its dashed spelling too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def _option(name: str, *short: str, **attributes: Any) -> Callable[[Command], Command]:
    spellings = [f"--{name}"] + ([f"--{name.replace('_', '-')}"] if "_" in name else [])
    return click.option(*short, *spellings, name, **attributes)


def _all(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


config = _option(
    "config",
    type=click.Path(path_type=Path),
    help="Configuration file. Default: config.json here, then in your configuration folder.",
)
connection = _all(
    _option("host", metavar="HOST", help="The host where Elasticsearch runs. Default: the program's own node."),
    _option("port", type=click.IntRange(1, 65535), help="The port where Elasticsearch runs. Default: 9200 if a host is given."),
    _option("index", metavar="NAME", help="The catalog's name in Elasticsearch. Default: catalog."),
    config,
)
roots = _all(
    _option("nas_root", type=click.Path(path_type=Path), help="Use this as catalog root on the NAS."),
    _option("dropbox_root", metavar="PATH", help="Use this as catalog root on Dropbox."),
)
recursive = _option("recursive", "-r", is_flag=True, help="Go into subfolders too.")
dryrun = _option("dryrun", "-d", is_flag=True, help="Print what would be done and change nothing.")
limit = _option("limit", "-l", type=click.IntRange(0), default=0, help="Store at most so many files. 0, the default, means all.")
yes = _option("yes", "-y", is_flag=True, help="Agree beforehand to what would be asked or refused as too much.")
quiet = _option("quiet", "-q", is_flag=True, help="Say nothing but problems and the summary.")
verbose = _option("verbose", "-v", is_flag=True, help="Print a line for each file.")
json = _option("json", is_flag=True, help="Print one JSON object a line: each file, then the summary.")
output = _all(quiet, verbose, json)
