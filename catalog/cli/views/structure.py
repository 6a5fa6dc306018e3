"""What is odd about an old catalog's folders."""

from __future__ import annotations

from collections import Counter

from catalog.cli.console import Console
from catalog.errors import DONE, SOME_FAILED
from catalog.features.old_catalog.run import Structure

_ODD = {"no_year": "not a year", "extra": "extra", "missing": "missing"}


def show(console: Console, found: Structure) -> int:
    """A line for each oddity and a summary; 3 where there is one."""
    for kind, path in found.oddities:
        if console.json:
            console.out_json({"finding": kind, "path": path})
        else:
            console.out(f"{_ODD[kind]:<11} {path}")
    counts = Counter(kind for kind, _path in found.oddities)
    if console.json:
        console.out_json(
            {"event": "summary", "years": found.years, **{kind: counts[kind] for kind in _ODD}}
        )
    else:
        console.out(
            f"{found.years:,} years; {counts['extra']:,} extra entries, {counts['missing']:,} "
            "months missing, "
            f"{counts['no_year']:,} folders that are no year."
        )
    return SOME_FAILED if found.oddities else DONE
