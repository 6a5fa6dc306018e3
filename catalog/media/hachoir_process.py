"""Asks the hachoir package (GPL) when a film was made: a program of its own, which ends.

Run as a file: `python hachoir_process.py PATH KIND`; KIND is what hachoir calls the container. It
prints a JSON list of dates, as ISO 8601. The package is loaded here and nowhere else.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from importlib import import_module

_MOST = 8


def main() -> None:
    """Print what hachoir finds. Nothing where it takes the file for something else.

    The first day of a month is none: it makes such of a year or a month alone.
    """
    path, kind = sys.argv[1:]
    parser = import_module("hachoir.parser").createParser(path)
    found = None
    if parser is not None and parser.PARSER_TAGS["id"] == kind:
        found = import_module("hachoir.metadata").extractMetadata(parser)
    dates = found.getValues("creation_date") if found else []
    told = [d.isoformat() for d in dates[:_MOST] if isinstance(d, datetime) or d.day > 1]
    print(json.dumps(told))  # noqa: T201 - the answer of a process of its own


if __name__ == "__main__":
    main()
