"""What `catalog backup` and `catalog restore` do."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import orjson

from catalog import __version__
from catalog.cli.console import Screen
from catalog.domain.names import printable, to_text
from catalog.errors import DONE, CatalogNotEmpty, UsageError
from catalog.features.transfer.snapshots import Backup, FolderShelf, ServerShelf, Shelf
from catalog.index import schema
from catalog.index.repository import Repository
from catalog.work.workspace import Workspace


def run_backup(workspace: Workspace, folder: str, screen: Screen) -> int:
    """Make a backup of the catalog."""
    shelf = _shelf(workspace, folder)
    repository = workspace.existing_repository
    workspace.progress.step("making the backup")
    backup = shelf.save(repository, datetime.now(UTC), __version__)
    workspace.progress.close()
    _tell(screen, folder, backup, f"Backed up {_content(backup)} to {folder}, as {backup.name}.")
    return DONE


def run_list(workspace: Workspace, folder: str, screen: Screen) -> int:
    """Print what backups there are."""
    backups = _shelf(workspace, folder).backups()
    workspace.progress.close()
    for backup in backups:
        if screen.json:
            screen.out(orjson.dumps(asdict(backup)).decode())
        else:
            screen.out(printable(f"{backup.name}  {backup.at}  {backup.catalog}: {_content(backup)}"))
    if not backups and not screen.json:
        screen.out(printable(f"There is no backup in {folder}."))
    return DONE


def run_restore(workspace: Workspace, folder: str, *, name: str | None, replace: bool, screen: Screen) -> int:
    """Put a backup in the place of the catalog; one that holds something only if that is wanted."""
    shelf = _shelf(workspace, folder)
    backup = _chosen(shelf.backups(), folder, name)
    backup.check()
    repository = workspace.untouched_repository
    _check_empty(repository, replace=replace)
    workspace.progress.step(f"restoring {backup.name}")
    left = shelf.restore(repository, backup)
    workspace.progress.close()
    kept = f" The indexes that were there before are kept: {', '.join(left)}." if left else ""
    _tell(screen, folder, backup, f"Restored {_content(backup)} from the backup {backup.name}.{kept}", left)
    return DONE


def _shelf(workspace: Workspace, folder: str) -> Shelf:
    """Where backups are: in a folder here for the program's own node, else in one of the server's."""
    node = workspace.own_node
    if node is not None:
        return FolderShelf(Path(os.path.realpath(Path(folder).expanduser())), node.home)
    return ServerShelf(workspace.untouched_repository.connection, folder)


def _chosen(backups: list[Backup], folder: str, name: str | None) -> Backup:
    """The one of that name, else the newest."""
    if not backups:
        raise UsageError(printable(f"There is no backup in {folder}."), hint="`catalog backup DIR` makes one.")
    if name is None:
        return max(backups, key=lambda backup: (backup.at, backup.name))
    found = next((backup for backup in backups if backup.name == name), None)
    if found is None:
        raise UsageError(printable(f"There is no backup {name} in {folder}."), hint="`catalog restore DIR --list` shows them.")
    return found


def _check_empty(repository: Repository, *, replace: bool) -> None:
    """Raise CatalogNotEmpty where assets would be put aside without --replace."""
    if replace or schema.ASSETS not in repository.found():
        return
    repository.refresh(repository.alias)
    number = repository.count({"match_all": {}})
    if number:
        raise CatalogNotEmpty(
            f"The catalog {repository.alias} holds {number:,} assets; nothing was changed.",
            hint="With --replace the backup takes its place, and its indexes are kept aside; --index restores beside it.",
        )


def _content(backup: Backup) -> str:
    return f"{backup.counts.get(schema.ASSETS, 0):,} assets and {backup.counts.get('events', 0):,} events"


def _tell(screen: Screen, folder: str, backup: Backup, text: str, left: list[str] | None = None) -> None:
    if screen.json:
        more = {} if left is None else {"replaced": left}
        screen.out(orjson.dumps({"event": "summary", "folder": to_text(folder), **asdict(backup), **more}).decode())
    else:
        screen.out(printable(text))
