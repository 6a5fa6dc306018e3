"""What either of two stores has alone."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.cli.console import Console
from catalog.errors import DONE, SOME_FAILED
from catalog.features.health.comparison import Difference


def show(console: Console, found: Sequence[Difference], year: str) -> int:
    """A line for each store; 3 where one has something alone."""
    only = sum(difference.assets for difference in found)
    for difference in found:
        if console.json:
            console.out_json(_row(difference))
        else:
            console.out(_line(difference))
    if console.json:
        console.out_json({"event": "summary", "year": year or None, "only": only})
    return SOME_FAILED if only else DONE


def _row(difference: Difference) -> dict[str, object]:
    held = {"store": difference.store, "assets": difference.held, "only": difference.assets}
    return held | {"paths": difference.paths, "file": difference.file}


def _line(difference: Difference) -> str:
    return (
        f"{difference.store}: {difference.held:,} assets, {difference.assets:,} of them nowhere "
        f"else: {difference.paths:,} paths in {difference.file}"
    )
