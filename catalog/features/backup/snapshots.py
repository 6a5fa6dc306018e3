"""Backups: snapshots of a catalog's indexes, on the program's own node or on a server,
and the way back.

A restored index gets a name of its own, and the aliases go over to all of them in one step; no old
index is deleted.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import orjson

from catalog.domain.copies import timestamp
from catalog.engine import staging
from catalog.errors import (
    AccessDenied,
    CatalogError,
    CatalogIndexError,
    DocumentConflict,
    IndexUnavailable,
    SchemaMismatch,
    TransferError,
    UsageError,
)
from catalog.index import schema
from catalog.index.client import Connection, Query
from catalog.index.migration import is_newer, is_upgradable, schema_text
from catalog.index.repository import Repository

MANIFEST = "backup.json"
CONTENT = "snapshot"
"""In the folder of a backup: what it is, written last, and the repository of its one snapshot."""
MARK = schema.MARK
_ONLY = "catalog"
"""The name of the snapshot in a repository that holds one alone."""
_REGISTERED = "image-catalog-transfer-"
_POLL = 0.25
_FAILED_LOOKS = 8
"""After so many looks at a shard that failed, it is not tried again by itself."""
_IDLE_LOOKS = 240
"""After so many looks at shards that nobody is restoring, none will."""
_SERVER = (
    "The folder must be below one that path.repo in the server's elasticsearch.yml names, and "
    "writable for the server; "
    "without such a folder use `catalog export`."
)
_RETRY = "Run the command again."


@dataclass(frozen=True, slots=True)
class Backup:
    """What is known of one backup.

    `holds` says by the name of each index in it what it holds; `counts` are documents.
    """

    name: str
    at: str
    catalog: str
    schema: int
    program: str
    counts: dict[str, int]
    holds: dict[str, str]
    mark: str = MARK
    revision: int = 0

    def check(self) -> None:
        """Raise SchemaMismatch where this version of the program cannot use it."""
        if is_newer(self.schema, self.revision):
            made = f"{self.program}, schema {schema_text(self.schema, self.revision)}"
            raise SchemaMismatch(
                f"The backup {self.name} was made by a newer version of this program ({made}).",
                hint="Install that version or a later one.",
            )
        if not is_upgradable(self.schema):
            raise SchemaMismatch(
                f"The backup {self.name} is too old for this version of the program (schema "
                f"{self.schema}).",
                hint="Restore it with an earlier version first.",
            )


class BackupFolder(Protocol):
    """A place where backups are."""

    def backups(self) -> list[Backup]:
        """Those that are whole, oldest first."""
        ...

    def save(self, catalog: Repository, now: datetime, program: str) -> Backup:
        """Make another."""
        ...

    def restore(self, catalog: Repository, backup: Backup) -> list[str]:
        """Put a backup in the place of the catalog: the indexes that were there before,
        and still are.
        """
        ...


def about(catalog: Repository, name: str, now: datetime, program: str) -> Backup:
    """What a backup made now will be."""
    catalog.refresh()
    found = catalog.indexes.checked()
    counts = {}
    for what in found:
        path = f"/{quote(schema.alias_of(catalog.alias, what))}/_count"
        counts[what] = int(catalog.connection.request("GET", path)["count"])
    holds = {behind.index: what for what, behind in found.items()}
    return Backup(
        name,
        timestamp(now),
        catalog.alias,
        schema.SCHEMA_VERSION,
        program,
        counts,
        holds,
        revision=schema.REVISION,
    )


def parse_backup(value: object) -> Backup | None:
    """A backup from what was written of it; None where that is something else."""
    names = {field.name for field in fields(Backup)}
    if (
        not isinstance(value, dict)
        or value.get("mark") != MARK
        or not names - {"revision"} <= value.keys()
    ):
        return None
    backup = Backup(**{name: value[name] for name in names & value.keys()})
    numbers = isinstance(backup.schema, int) and isinstance(backup.revision, int)
    fits = numbers and isinstance(backup.holds, dict) and isinstance(backup.counts, dict)
    return backup if fits and set(backup.holds.values()) <= schema.PROPERTIES.keys() else None


def name_of(now: datetime) -> str:
    """The name of a backup made at a moment in UTC; these sort by time,
    and are such as Elasticsearch takes.
    """
    return f"{now:%Y%m%dt%H%M%Sz}"


# --- the program's own node -----------------------------------------------------------------------


class LocalBackupFolder:
    """Backups of the program's own node, in a folder of the caller's: one folder each."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self._home = home
        if Path(os.path.realpath(folder)).is_relative_to(home):
            raise UsageError(
                f"{folder} lies in the folder of the node itself: what loses the one loses the "
                "other.",
                hint="Name a folder elsewhere, best on another disk.",
            )

    def backups(self) -> list[Backup]:
        """Those that are whole, oldest first."""
        if not self.folder.is_dir():
            return []
        try:
            found = [
                _read_manifest(path)
                for path in sorted(self.folder.iterdir())
                if not path.name.startswith(".")
            ]
        except OSError as error:
            raise TransferError(f"{self.folder} cannot be read: {error.strerror}.") from error
        return [backup for backup in found if backup]

    def save(self, catalog: Repository, now: datetime, program: str) -> Backup:
        """Make another: below the node's own folder first, then copied here;
        it gets its name when it is whole.
        """
        with staging.lock(self._home):
            _unregister_leftovers(catalog.connection)
            with _disk(self.folder), staging.stage(self._home) as place:
                self.folder.mkdir(parents=True, exist_ok=True)
                backup = about(catalog, self._free_name(now), now, program)
                with open_snapshots(catalog.connection, str(place)) as repository:
                    take(catalog.connection, repository, _ONLY, backup)
                self._put(place, backup)
        return backup

    def _free_name(self, now: datetime) -> str:
        usual = name_of(now)
        names = (usual, *(f"{usual}-{number}" for number in range(2, 1000)))
        return next(name for name in names if not (self.folder / name).exists())

    def _put(self, place: Path, backup: Backup) -> None:
        """Under the lock of the node, so that the one name for what is not whole is ours."""
        partial = (
            self.folder / f".partial-{hashlib.sha256(os.fsencode(self._home)).hexdigest()[:8]}"
        )
        if partial.exists():  # left by a program that was killed
            shutil.rmtree(partial)
        try:
            partial.mkdir()
            files = staging.copy_folder(place, partial / CONTENT)
            with (partial / MANIFEST).open("xb") as file:
                file.write(
                    orjson.dumps(asdict(backup) | {"files": files}, option=orjson.OPT_INDENT_2)
                )
                file.flush()
                os.fsync(file.fileno())
            partial.rename(self.folder / backup.name)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise

    def restore(self, catalog: Repository, backup: Backup) -> list[str]:
        """Put a backup in the place of the catalog."""
        kept = self.folder / backup.name
        with staging.lock(self._home):
            _unregister_leftovers(catalog.connection)
            with _disk(kept):
                digests = orjson.loads((kept / MANIFEST).read_bytes()).get("files")
            with staging.stage(self._home, kept / CONTENT, digests) as place:
                return _restore(catalog, str(place), _ONLY, backup)


def _read_manifest(folder: Path) -> Backup | None:
    try:
        return parse_backup(orjson.loads((folder / MANIFEST).read_bytes()) | {"name": folder.name})
    except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError, TypeError):
        return None


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        raise TransferError(
            f"The backup cannot be read or written: {where}: {error.strerror or error}.",
            hint="Name another folder.",
        ) from error


def _unregister_leftovers(connection: Connection) -> None:
    """Of a program that was killed; the lock tells that none is at work now."""
    for name in connection.request("GET", "/_snapshot"):
        if name.startswith(_REGISTERED):
            with contextlib.suppress(CatalogIndexError):
                connection.request(
                    "DELETE", f"/_snapshot/{name}/{_ONLY}"
                )  # it may still be under way
            _unregister(connection, name)


def _unregister(connection: Connection, name: str) -> None:
    """Forget a repository, once the restore has ended that a killed program left to
    Elasticsearch.
    """
    for _look in range(_IDLE_LOOKS):
        try:
            connection.request("DELETE", f"/_snapshot/{name}")
        except DocumentConflict:  # it is in use
            time.sleep(_POLL)
        else:
            return
    raise TransferError("A restore that was cut off is still under way.", hint=_RETRY)


# --- a server -------------------------------------------------------------------------------------


class ServerBackupFolder:
    """Backups in a folder that the Elasticsearch server itself writes:
    a location below its `path.repo`.
    """

    def __init__(self, connection: Connection, location: str) -> None:
        self._connection = connection
        self._location = location

    def backups(self) -> list[Backup]:
        """Those that are whole, oldest first."""
        with open_snapshots(self._connection, self._location, readonly=True) as repository:
            found = self._connection.request("GET", f"/_snapshot/{repository}/_all")["snapshots"]
        whole = [s for s in found if s["state"] == "SUCCESS"]
        known = [parse_backup({**(s.get("metadata") or {}), "name": s["snapshot"]}) for s in whole]
        return sorted((backup for backup in known if backup), key=lambda backup: backup.at)

    def save(self, catalog: Repository, now: datetime, program: str) -> Backup:
        """Make another; what did not change since the one before is not stored again."""
        backup = about(catalog, f"{name_of(now)}-{secrets.token_hex(2)}", now, program)
        with open_snapshots(self._connection, self._location) as repository:
            take(self._connection, repository, backup.name, backup)
        return backup

    def restore(self, catalog: Repository, backup: Backup) -> list[str]:
        """Put a backup in the place of the catalog."""
        return _restore(catalog, self._location, backup.name, backup)


# --- snapshots ------------------------------------------------------------------------------------


@contextlib.contextmanager
def open_snapshots(
    connection: Connection, location: str, *, readonly: bool = False
) -> Iterator[str]:
    """A snapshot repository for a folder of the server's, under a name of its own,
    as long as it is needed.
    """
    name = f"{_REGISTERED}{secrets.token_hex(6)}"
    body = {"type": "fs", "settings": {"location": location, "readonly": readonly}}
    try:
        with _plainly(
            f"Elasticsearch at {connection.address.url} cannot keep backups in {location}", _SERVER
        ):
            connection.request("PUT", f"/_snapshot/{name}", body)
        yield name
    finally:
        with contextlib.suppress(CatalogIndexError):  # not there, or Elasticsearch has gone
            connection.request("DELETE", f"/_snapshot/{name}")


@contextlib.contextmanager
def _plainly(what: str, hint: str) -> Iterator[None]:
    """Say what could not be done where Elasticsearch refuses it."""
    try:
        yield
    except (IndexUnavailable, AccessDenied):
        raise
    except CatalogIndexError as error:
        raise TransferError(
            f"{what}: {error.message.partition(': ')[2].rstrip(').') or error.message}.", hint=hint
        ) from error


def take(connection: Connection, repository: str, name: str, backup: Backup) -> None:
    """Make one snapshot, and wait until it is whole; else nothing of it stays."""
    body = {
        "indices": ",".join(backup.holds),
        "include_global_state": False,
        "feature_states": ["none"],
        "metadata": {key: value for key, value in asdict(backup).items() if key != "name"},
    }
    path = f"/_snapshot/{repository}/{quote(name)}"
    try:
        with _plainly("Elasticsearch refused the backup", _RETRY):
            connection.request("PUT", path, body)
            _await_snapshot(connection, path)
    except BaseException:
        with contextlib.suppress(CatalogIndexError):
            connection.request("DELETE", f"/_snapshot/{repository}/{quote(name)}")
        raise


def _await_snapshot(connection: Connection, path: str) -> None:
    while True:
        (found,) = connection.request("GET", path)["snapshots"]
        if found["state"] == "SUCCESS":
            return
        if found["state"] not in ("IN_PROGRESS", "STARTED"):
            reason = next(
                (f.get("reason") for f in found.get("failures", [])),
                found.get("reason") or found["state"],
            )
            raise TransferError(f"The backup failed: {reason}.", hint=_RETRY)
        time.sleep(_POLL)


def _restore(catalog: Repository, location: str, snapshot: str, backup: Backup) -> list[str]:
    """Restore every index under a new name, and give the aliases to them.

    No index is deleted, not even a half restored one.
    """
    backup.check()
    before = catalog.indexes.found()
    mark = f"r{backup.at[:10].replace('-', '')}-{secrets.token_hex(3)}"
    names = {
        what: schema.restored_name(schema.alias_of(catalog.alias, what), backup.schema, mark)
        for what in backup.holds.values()
    }
    with open_snapshots(catalog.connection, location, readonly=True) as repository:
        try:
            with _plainly(
                f"The backup {backup.name} cannot be restored",
                "Try another one: `catalog restore DIR --list`.",
            ):
                for index, what in backup.holds.items():
                    _ask_restore(
                        catalog.connection,
                        f"/_snapshot/{repository}/{quote(snapshot)}/_restore",
                        index,
                        names[what],
                    )
            _await_shards(catalog.connection, list(names.values()), backup.name)
        except KeyboardInterrupt:
            # an index whose backup is taken away while it is read would stay broken: it takes but a
            # moment to be whole
            with contextlib.suppress(CatalogError):
                _await_shards(catalog.connection, list(names.values()), backup.name)
            raise
    # from here on nothing is taken back: whether an answer that was lost meant yes, nobody knows
    _flip(catalog, {what: behind.index for what, behind in before.items()}, names)
    catalog.indexes.ensure()  # brings an older schema up to date, and makes what the backup lacks
    return [before[what].index for what in names if what in before]


def _ask_restore(connection: Connection, path: str, index: str, name: str) -> None:
    body = {
        "indices": index,
        "include_aliases": False,
        "include_global_state": False,
        "feature_states": ["none"],
        "rename_pattern": ".+",
        "rename_replacement": name,
    }
    connection.request("POST", path, body)


def _await_shards(connection: Connection, names: list[str], backup: str) -> None:
    """Until every index is there.

    A shard that stays away after it failed, or that finds no place, will not come.
    """
    path = f"/_cat/shards/{','.join(map(quote, names))}"
    left = (
        f"Delete what is left of it ({', '.join(names)}), then try another one: `catalog "
        "restore DIR --list`."
    )
    failed = waiting = 0
    while True:
        rows = connection.request(
            "GET", path, format="json", h="index,prirep,state,unassigned.reason"
        )
        primary = [row for row in rows if row["prirep"] == "p"]
        if len(primary) >= len(names) and all(row["state"] == "STARTED" for row in primary):
            return
        failed = (
            failed + 1
            if any(row["unassigned.reason"] == "ALLOCATION_FAILED" for row in primary)
            else 0
        )
        if failed > _FAILED_LOOKS:
            raise TransferError(
                f"The backup {backup} is damaged: Elasticsearch cannot read all of it.", hint=left
            )
        waiting = 0 if any(row["state"] == "INITIALIZING" for row in primary) else waiting + 1
        if waiting > _IDLE_LOOKS:
            raise TransferError(
                f"Elasticsearch finds no place for the backup {backup}.",
                hint="Its disk may be nearly full: free some space, then run the command again.",
            )
        time.sleep(_POLL)


def _flip(catalog: Repository, before: dict[str, str], after: dict[str, str]) -> None:
    """All aliases at once, or none."""
    actions: list[Query] = []
    for what, index in after.items():
        alias = schema.alias_of(catalog.alias, what)
        if what in before:
            actions.append({"remove": {"index": before[what], "alias": alias, "must_exist": True}})
        actions.append({"add": {"index": index, "alias": alias}})
    catalog.connection.request("POST", "/_aliases", {"actions": actions})
