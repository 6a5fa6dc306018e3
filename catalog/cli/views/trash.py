"""What lies in the trash of the stores."""

from __future__ import annotations

from catalog.cli.console import Console
from catalog.domain.amounts import size_text
from catalog.errors import DONE
from catalog.features.removal.trash import TrashList
from catalog.work.store_book import describe_absence


def show(console: Console, found: TrashList) -> int:
    """A line for each file, with the name to restore it by, and how many there are."""
    for name in found.absent:
        console.complain(describe_absence(name))
    count = size = 0
    for name, trashed in found.files:
        count += 1
        size += trashed.size
        if console.json:
            row = {"store": name, "key": trashed.key, "run": trashed.batch, "path": trashed.path}
            console.out_json({**row, "bytes": trashed.size})
        else:
            console.out(f"{size_text(trashed.size):>10}  {name}:{trashed.key}")
    if console.json:
        console.out_json({"event": "summary", "files": count, "bytes": size})
    else:
        console.out(
            f"{count:,} files, {size_text(size)}, in the trash." if count else "The trash is empty."
        )
    return DONE
