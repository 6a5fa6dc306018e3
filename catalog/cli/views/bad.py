"""The bad shots of a catalog, the worst first."""

from __future__ import annotations

from collections import Counter

from catalog.cli.console import Console
from catalog.cli.views.search import print_paths
from catalog.domain.amounts import size_text
from catalog.errors import DONE
from catalog.features.lookalikes.bad_shots import BadShot, BadShots
from catalog.features.lookalikes.faults import NAMES


def show(console: Console, found: BadShots, *, paths: bool) -> int:
    """A line for each with what is wrong with it, and how many there are; or their paths alone."""
    if paths:
        print_paths(found.paths())
        return DONE
    for shot in found.shots:
        if console.json:
            console.out_json(_row(shot))
        else:
            where = next(iter(shot.paths), shot.hash)
            console.out(f"{shot.reason:<44} {size_text(shot.document['size']):>9}  {where}")
    _sum_up(console, found)
    return DONE


def _sum_up(console: Console, found: BadShots) -> None:
    if console.json:
        counts = Counter(fault.name for shot in found.shots for fault in shot.faults)
        summary = {
            "event": "summary",
            "found": len(found.shots),
            **{name: counts[name] for name in NAMES},
        }
        console.out_json({**summary, "unmeasured": found.unmeasured})
        return
    console.out(f"{len(found.shots):,} found." if found.shots else "Nothing found.")
    if found.unmeasured:
        what = "pictures were catalogued by an earlier version, without scores"
        console.complain(f"{found.unmeasured:,} {what}: run `catalog measure`.")


def _row(shot: BadShot) -> dict[str, object]:
    return {
        "hash": shot.hash,
        "faults": [fault.name for fault in shot.faults],
        "reason": shot.reason,
        "quality": shot.document.get("quality", {}),
        "paths": shot.paths,
    }
