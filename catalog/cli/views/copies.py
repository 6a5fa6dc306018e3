"""Where the copies of assets are."""

from __future__ import annotations

from collections.abc import Iterable

from catalog.cli.console import Console
from catalog.domain.copies import OK
from catalog.domain.document import only
from catalog.errors import DONE
from catalog.features.health.copies import AssetCopies

_TOLD = ("store", "path", "state", "verified")


def show(console: Console, assets: Iterable[AssetCopies]) -> int:
    """A line for each asset."""
    count = 0
    for asset in assets:
        count += 1
        if console.json:
            rows = [only(row, _TOLD) for row in asset.copies]
            console.out_json({"hash": asset.hash, "copies": rows})
        else:
            console.out(_line(asset))
    if not console.json:
        console.out(f"{count:,} found." if count else "Nothing found.")
    return DONE


def _line(asset: AssetCopies) -> str:
    places = [
        f"{r['store']}:{r['path']}" + ("" if r["state"] == OK else f" ({r['state']})")
        for r in asset.copies
    ]
    return f"{asset.hash[:12]}  {'  '.join(places) or '(no copy)'}"
