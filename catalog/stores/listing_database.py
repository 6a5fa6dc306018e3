"""The file that keeps a listing between runs."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from filelock import FileLock

from catalog.errors import StoreError

_TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY, folder TEXT NOT NULL, sort TEXT NOT NULL, name TEXT NOT NULL,
    is_file INTEGER NOT NULL,
    size INTEGER, mtime INTEGER, ctime INTEGER, inode INTEGER, digest TEXT, revision TEXT,
    problem TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS in_order ON entries (folder, sort, name) WHERE is_file;
CREATE INDEX IF NOT EXISTS folders_in ON entries (folder, key) WHERE NOT is_file;
"""
_COLUMNS = "name, size, mtime, ctime, inode, problem, digest, revision"
_BELOW = "key >= :below AND key < :beyond"

Row: TypeAlias = tuple[Any, ...]
"""What is kept of a file or folder beside its key and folder: what it is sorted by, its name,
whether it is a file; of a file its size, mtime, ctime, inode, digest, revision and problem.
"""


class ListingDatabase:
    """An opened file of what lies in a folder, by keys: paths, in lower case if case means nothing.

    `identity` is whose listing it is; another's that the file holds is forgotten. Raises
    sqlite3.Error.
    """

    def __init__(self, file: Path, identity: str) -> None:
        self._identity = identity
        self._database = sqlite3.connect(file, timeout=60.0)
        try:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.executescript(_TABLES)
            if self.about("identity") != identity:
                self.begin()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def about(self, name: str) -> str:
        """What was kept with the entries under a name, or ""."""
        query = "SELECT value FROM about WHERE name = ?"
        row = self._database.execute(query, (name,)).fetchone()
        return row[0] if row else ""

    def begin(self) -> None:
        """Forget everything."""
        with self._database:
            self._database.execute("DELETE FROM entries")
            self._database.execute("DELETE FROM about")
            self._remember(identity=self._identity)

    def keep(self, changes: Iterable[tuple[str, Row | None]], **about: str) -> None:
        """Follow changes by key (None: nothing is there any more), and keep what is said with them,
        in one transaction.
        """
        with self._database:
            for key, row in changes:
                self._follow(key, row)
            self._remember(**about)

    def _follow(self, key: str, row: Row | None) -> None:
        """A file takes the place of a folder with all that lies in it; a folder keeps it."""
        is_folder = row is not None and not row[2]
        if not is_folder:
            below = _range_below(key)
            self._database.execute(f"DELETE FROM entries WHERE {_BELOW}", below)  # noqa: S608
        if row is None:
            self._database.execute("DELETE FROM entries WHERE key = ?", (key,))
            return
        values = (key, order_of(key.rpartition("/")[0]), *row)
        marks = ",".join("?" * len(values))
        self._database.execute(f"INSERT OR REPLACE INTO entries VALUES ({marks})", values)  # noqa: S608

    def _remember(self, **values: str) -> None:
        query = "INSERT OR REPLACE INTO about VALUES (?, ?)"
        self._database.executemany(query, list(values.items()))

    def is_folder(self, key: str) -> bool:
        """Whether something is, or lies in, a folder of that key."""
        query = "SELECT 1 FROM entries WHERE key = ? AND NOT is_file"
        if self._database.execute(query, (key,)).fetchone():
            return True
        query = f"SELECT 1 FROM entries WHERE {_BELOW} LIMIT 1"  # noqa: S608
        return self._database.execute(query, _range_below(key)).fetchone() is not None

    def folders_in(self, key: str) -> dict[str, str]:
        """The folders in a folder, by key, and what was kept as their revision."""
        query = "SELECT key, revision FROM entries WHERE NOT is_file AND folder = ? AND key <> ''"
        return dict(self._database.execute(query, (order_of(key),)))

    def keys_in(self, key: str) -> set[str]:
        """The keys of the files in a folder."""
        query = "SELECT key FROM entries WHERE is_file AND folder = ?"
        return {found for (found,) in self._database.execute(query, (order_of(key),))}

    def revision(self, key: str) -> str:
        """What was kept as the revision of a file or folder, or ""."""
        row = self._database.execute(
            "SELECT revision FROM entries WHERE key = ?", (key,)
        ).fetchone()
        return (row[0] or "") if row else ""

    def files(self, start: str, *, recursive: bool) -> Iterator[tuple[str, str, Row]]:
        """The files of a folder, or below it, in order: what their folder is sorted by, name, and
        size, mtime, ctime, inode, problem, digest, revision.
        """
        at = order_of(start)
        where, values = "folder = :at", {"at": at}
        if recursive:
            where = "(folder = :at OR (folder >= :below AND folder < :beyond))" if start else "1"
            values |= {"below": f"{at}\x01", "beyond": f"{at}\x02"}
        chosen = f"SELECT folder, {_COLUMNS} FROM entries WHERE is_file AND {where}"  # noqa: S608
        query = f"{chosen} ORDER BY folder, sort, name"
        for folder, name, *rest in self._database.execute(query, values):
            yield folder, name, tuple(rest)

    def names(self, folder: str) -> list[str]:
        """The names of a folder (what it is sorted by) and those above it, the topmost first,
        as each is written.
        """
        names: list[str] = []
        key = folder.replace("\x01", "/")
        query = "SELECT name FROM entries WHERE key = ? AND NOT is_file"
        while key:
            row = self._database.execute(query, (key,)).fetchone()
            names.append(row[0] if row else key.rpartition("/")[2])
            key = key.rpartition("/")[0]
        return names[::-1]


def order_of(folder: str) -> str:
    """A folder's key such that folders sort before their subfolders,
    and these before their neighbours.
    """
    return folder.replace("/", "\x01")


def _range_below(key: str) -> dict[str, str]:
    return {"below": f"{key}/", "beyond": f"{key}0"}  # "0" comes right after "/"


def open_database(file: Path, identity: str) -> ListingDatabase:
    """The kept listing, begun anew where it is another's or cannot be read.

    Raises sqlite3.OperationalError: a full disk is no damage; OSError.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        return ListingDatabase(file, identity)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        remove_database(file)
        return ListingDatabase(file, identity)


def remove_database(file: Path) -> None:
    """Remove the file, and what the database keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def update_database(file: Path, store: str, update: Callable[[], None]) -> None:
    """Bring the file up to date; from the beginning where it is damaged. Raises StoreError."""
    with kept_in(file, store):
        # it holds the names of all files
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(file.with_suffix(".lock")):  # pages of two programs must not mix
            try:
                update()
            except sqlite3.OperationalError:  # a full disk is no damage
                raise
            except sqlite3.DatabaseError:
                remove_database(file)
                update()


@contextlib.contextmanager
def kept_in(file: Path, store: str) -> Iterator[None]:
    """Our error where what is kept of a store's listing cannot be read or written."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(
            f"The listing of store {store} cannot be kept in {file.parent}: {error}.",
            store=store,
            hint="Is there space? Remove that folder, or set state_dir to another.",
        ) from error
