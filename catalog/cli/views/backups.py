"""Backups of the catalog."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from catalog.cli.console import Console
from catalog.domain.names import to_text
from catalog.errors import DONE
from catalog.features.backup.run import Restored
from catalog.features.backup.snapshots import Backup
from catalog.index import schema


def show_made(console: Console, folder: str, backup: Backup) -> int:
    """What is in the backup, and its name."""
    if console.json:
        console.out_json(_summary(folder, backup))
    else:
        console.out(f"Backed up {_content(backup)} to {folder}, as {backup.name}.")
    return DONE


def show_restored(console: Console, folder: str, restored: Restored) -> int:
    """What the catalog is now, and what was there before."""
    backup, left = restored.backup, restored.replaced
    if console.json:
        console.out_json(_summary(folder, backup) | {"replaced": left})
        return DONE
    kept = f" The indexes that were there before are kept: {', '.join(left)}." if left else ""
    console.out(f"Restored {_content(backup)} from the backup {backup.name}.{kept}")
    return DONE


def show(console: Console, folder: str, backups: Sequence[Backup]) -> int:
    """A line for each backup in a folder."""
    for backup in backups:
        if console.json:
            console.out_json(dataclasses.asdict(backup))
        else:
            console.out(f"{backup.name}  {backup.at}  {backup.catalog}: {_content(backup)}")
    if not backups and not console.json:
        console.out(f"There is no backup in {folder}.")
    return DONE


def _summary(folder: str, backup: Backup) -> dict[str, object]:
    return {"event": "summary", "folder": to_text(folder), **dataclasses.asdict(backup)}


def _content(backup: Backup) -> str:
    assets, events = backup.counts.get(schema.ASSETS, 0), backup.counts.get("events", 0)
    return f"{assets:,} assets and {events:,} events"
