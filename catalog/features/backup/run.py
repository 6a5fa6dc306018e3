"""Backups of the catalog: made, listed, and brought back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from catalog.domain.names import printable
from catalog.errors import CatalogNotEmpty, UsageError
from catalog.features.backup.snapshots import (
    Backup,
    BackupFolder,
    LocalBackupFolder,
    ServerBackupFolder,
)
from catalog.index import schema
from catalog.index.repository import Repository
from catalog.version import __version__
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace


@dataclass(frozen=True, slots=True)
class RestoreBackupRequest:
    """Which backup of a folder is brought back: the one of that name, else the newest.

    `replace`: also in the place of a catalog that holds assets.
    """

    folder: str
    name: str | None = None
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Restored:
    """The backup that the catalog is now, and the indexes from before, which are kept."""

    backup: Backup
    replaced: tuple[str, ...]


def run_backup(workspace: Workspace, folder: str, sink: Sink) -> Backup:
    """Make a backup in a folder: of this machine for the program's own node, else of the server."""
    shelf = _shelf(workspace, folder)
    repository = workspace.existing_repository
    sink.progress.step("making the backup")
    return shelf.save(repository, datetime.now(UTC), __version__)


def list_backups(workspace: Workspace, folder: str) -> list[Backup]:
    """The backups in a folder that are whole, oldest first."""
    return _shelf(workspace, folder).backups()


def run_restore_backup(workspace: Workspace, request: RestoreBackupRequest, sink: Sink) -> Restored:
    """Put a backup in the place of the catalog; one that holds something only if that is wanted."""
    shelf = _shelf(workspace, request.folder)
    backup = _chosen(shelf.backups(), request)
    backup.check()
    repository = workspace.untouched_repository
    if not request.replace:
        _check_empty(repository)
    sink.progress.step(f"restoring {backup.name}")
    return Restored(backup, tuple(shelf.restore(repository, backup)))


def _shelf(workspace: Workspace, folder: str) -> BackupFolder:
    """Where backups are: in a folder of this machine for the own node, else of the server."""
    node = workspace.elasticsearch.own_node
    if node is not None:
        return LocalBackupFolder(Path(os.path.realpath(Path(folder).expanduser())), node.home)
    return ServerBackupFolder(workspace.untouched_repository.connection, folder)


def _chosen(backups: Sequence[Backup], request: RestoreBackupRequest) -> Backup:
    """The backup that was asked for. Raises UsageError where there is none."""
    folder, name = request.folder, request.name
    if not backups:
        raise UsageError(
            printable(f"There is no backup in {folder}."), hint="`catalog backup DIR` makes one."
        )
    if name is None:
        return max(backups, key=lambda backup: (backup.at, backup.name))
    found = next((backup for backup in backups if backup.name == name), None)
    if found is None:
        raise UsageError(
            printable(f"There is no backup {name} in {folder}."),
            hint="`catalog restore DIR --list` shows them.",
        )
    return found


def _check_empty(repository: Repository) -> None:
    """Raise CatalogNotEmpty where assets would be put aside."""
    if schema.ASSETS not in repository.indexes.found():
        return
    repository.refresh(repository.alias)
    number = repository.count({"match_all": {}})
    if number:
        raise CatalogNotEmpty(
            f"The catalog {repository.alias} holds {number:,} assets; nothing was changed.",
            hint="With --replace the backup takes its place, and its indexes are kept aside; "
            "--index restores beside it.",
        )
