"""What a Dropbox folder holds, kept between runs together with the cursor:
a later run asks only for what changed.

The file that keeps it is a copy of what Dropbox says and nothing more: it can be removed at any
time, and is made anew where Dropbox no longer knows the cursor. Each page is kept with its cursor
in one transaction, so that a first listing that was cut off goes on where it was.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from dropbox import files
from dropbox.exceptions import BadInputError
from filelock import FileLock

from catalog.domain.asset import Entry
from catalog.domain.checksums import CONTENT, NONE
from catalog.domain.names import comparison_key, to_text
from catalog.errors import NotFound, StoreError, StoreUnavailable
from catalog.stores.dropbox.connection import Connection
from catalog.stores.dropbox.entries import EXPORT_ONLY, nanoseconds, number_of
from catalog.stores.dropbox.failures import answered

PAGE = 2000
_VERSION = "1"
_TABLES = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY, folder TEXT NOT NULL, sort TEXT NOT NULL, name TEXT NOT NULL,
    is_file INTEGER NOT NULL,
    size INTEGER, mtime INTEGER, ctime INTEGER, inode INTEGER, digest TEXT, revision TEXT,
    problem TEXT) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS in_order ON entries (folder, sort, name) WHERE is_file;
"""
_COLUMNS = "name, size, mtime, ctime, inode, problem, digest, revision"
_BELOW = "key >= :below AND key < :beyond"


class Listing:
    """The entries below `root` (as Dropbox names it, "" is all).

    `file` keeps them; `identity` is whose they are.

    Folders named in `hidden` (at the top) are not shown.
    """

    def __init__(
        self,
        connection: Connection,
        root: str,
        file: Path,
        identity: str,
        *,
        hidden: Sequence[str] = (),
    ) -> None:
        self._connection = connection
        self._root = root
        self._file = file
        self._identity = f"{_VERSION} {identity} {root.lower()}"
        self._device = number_of(identity, 31)
        self._hidden = {name.lower() for name in hidden}
        self._lock = threading.Lock()
        self._alone = FileLock(file.with_suffix(".lock"))  # pages of two programs must not mix

    @property
    def device(self) -> int:
        """The number that stands for the account where entries have a device."""
        return self._device

    # --- bringing it up to date -------------------------------------------------------------------

    def refresh(self) -> None:
        """Ask Dropbox for everything, or for what changed since.

        Raises StoreUnavailable where the folder is not there.
        """
        with self._kept():
            self._file.parent.mkdir(
                parents=True, exist_ok=True, mode=0o700
            )  # it holds the names of all files
            with self._lock, self._alone:
                try:
                    self._brought_up_to_date()
                except sqlite3.OperationalError:  # a full disk is no damage
                    raise
                except sqlite3.DatabaseError:
                    self._remove()
                    self._brought_up_to_date()

    def _brought_up_to_date(self) -> None:
        with closing(self._opened()) as database:
            try:
                if self._follow(database):
                    return
            except StoreError as error:
                is_strange = isinstance(
                    error.__cause__, BadInputError
                )  # a cursor that another app was given
                if "reset" not in answered(error) and not is_strange:
                    raise self._failure(error) from error
            self._begin(
                database
            )  # the cursor is too old, or the folder itself was taken away: from the beginning
            try:
                self._follow(database)
            except StoreError as error:
                raise self._failure(error) from error

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        """Our error where what is kept of the listing cannot be read or written."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            store = self._connection.store
            raise StoreError(
                f"The listing of store {store} cannot be kept in {self._file.parent}: {error}.",
                store=store,
                hint="Is there space? Remove that folder, or set state_dir to another.",
            ) from error

    def wait(self, seconds: int) -> bool:
        """Wait until something changes, for so many seconds (30 to 480) at most; whether it did."""
        with closing(self._opened()) as database:
            cursor = self._about(database, "cursor")
        if not cursor:
            return True
        try:
            answer = self._connection.call(
                lambda sdk: sdk.files_list_folder_longpoll(cursor, timeout=seconds)
            )
        except StoreError as error:
            if "reset" in answered(error):  # the next look begins anew
                return True
            raise
        if answer.backoff:
            self._connection.pause(float(answer.backoff))
        return bool(answer.changes)

    def _follow(self, database: sqlite3.Connection) -> bool:
        """Page by page from the kept cursor, or from the beginning;
        False where the folder itself was taken away.
        """
        cursor = self._about(database, "cursor")
        while True:
            page = self._page(cursor)
            cursor = page.cursor
            if any(
                isinstance(m, files.DeletedMetadata) and self._key(m) == "" for m in page.entries
            ):
                return False
            with database:
                for metadata in page.entries:
                    self._apply(database, metadata)
                self._remember(
                    database, cursor=cursor, **({} if page.has_more else {"complete": "yes"})
                )
            if not page.has_more:
                return True

    def _page(self, cursor: str) -> Any:
        def ask(sdk: Any) -> Any:
            if cursor:
                return sdk.files_list_folder_continue(cursor)
            return sdk.files_list_folder(
                self._root, recursive=True, limit=PAGE, include_non_downloadable_files=False
            )

        return self._connection.call(ask)

    def _apply(self, database: sqlite3.Connection, metadata: Any) -> None:
        """One entry of a page.

        A file takes the place of a folder with all that lies in it; a folder keeps it.
        """
        key = self._key(metadata)
        if not key:  # the folder itself, or one that is not mounted here
            return
        if not isinstance(metadata, files.FolderMetadata):
            below = {"below": f"{key}/", "beyond": f"{key}0"}  # "0" comes right after "/"
            database.execute(f"DELETE FROM entries WHERE {_BELOW}", below)  # noqa: S608
        if isinstance(metadata, files.DeletedMetadata):
            database.execute("DELETE FROM entries WHERE key = ?", (key,))
            return
        database.execute(
            "INSERT OR REPLACE INTO entries VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            self._row(key, metadata),
        )

    def _key(self, metadata: Any) -> str | None:
        """What an entry is kept by: "" is the folder itself, None what is not mounted here."""
        if metadata.path_lower is None:
            return None
        return str(metadata.path_lower[len(self._root.lower()) :].lstrip("/"))

    def _row(self, key: str, metadata: Any) -> tuple[Any, ...]:
        folder = _order(key.rpartition("/")[0])
        common = (key, folder, comparison_key(metadata.name), metadata.name)
        if isinstance(metadata, files.FolderMetadata):
            return (*common, 0, None, None, None, None, None, None, None)
        problem = "" if metadata.is_downloadable else EXPORT_ONLY
        return (
            *common,
            1,
            metadata.size,
            nanoseconds(metadata.client_modified),
            nanoseconds(metadata.server_modified),
            number_of(metadata.id),
            metadata.content_hash or "",
            metadata.rev,
            problem,
        )

    # --- telling ----------------------------------------------------------------------------------

    def entries(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """The files below a folder, a folder at a time, sorted, as the last `refresh` found them.

        Raises NotFound.
        """
        with self._kept(), closing(self._opened()) as database:
            if self._about(database, "complete") != "yes":
                raise StoreUnavailable(
                    f"The listing of store {self._connection.store} is not whole.",
                    store=self._connection.store,
                )
            start = prefix.lower()
            if start and not self._is_folder(database, start):
                raise NotFound(
                    f"There is no folder {prefix} in store {self._connection.store}.",
                    store=self._connection.store,
                    path=prefix,
                )
            where, values = "folder = :at", {"at": _order(start)}
            if recursive:
                where = (
                    "(folder = :at OR (folder >= :below AND folder < :beyond))" if start else "1"
                )
                values |= {"below": f"{_order(start)}\x01", "beyond": f"{_order(start)}\x02"}
            chosen = f"SELECT folder, {_COLUMNS} FROM entries WHERE is_file AND {where}"  # noqa: S608
            query = f"{chosen} ORDER BY folder, sort, name"
            shown: tuple[str, str] = ("", "")
            for folder, name, *values_ in database.execute(query, values):
                if folder.partition("\x01")[0] in self._hidden:
                    continue
                if shown[0] != folder:
                    shown = (folder, self._displayed(database, folder))
                yield self._entry(f"{shown[1]}{to_text(name)}", values_)

    def _entry(self, path: str, values: Sequence[Any]) -> Entry:
        size, mtime, ctime, inode, problem, digest, revision = values
        return Entry(
            path,
            size,
            mtime,
            ctime,
            self._device,
            inode,
            problem,
            {CONTENT: digest} if digest else NONE,
            revision,
        )

    def _is_folder(self, database: sqlite3.Connection, key: str) -> bool:
        if database.execute(
            "SELECT 1 FROM entries WHERE key = ? AND NOT is_file", (key,)
        ).fetchone():
            return True
        below = {"below": f"{key}/", "beyond": f"{key}0"}
        query = f"SELECT 1 FROM entries WHERE {_BELOW} LIMIT 1"  # noqa: S608
        return database.execute(query, below).fetchone() is not None

    def _displayed(self, database: sqlite3.Connection, folder: str) -> str:
        """The path of a folder, with a slash at its end,
        as each folder above it writes its own name.
        """
        if not folder:
            return ""
        names: list[str] = []
        key = folder.replace("\x01", "/")
        while key:
            row = database.execute(
                "SELECT name FROM entries WHERE key = ? AND NOT is_file", (key,)
            ).fetchone()
            names.append(row[0] if row else key.rpartition("/")[2])
            key = key.rpartition("/")[0]
        return "".join(f"{to_text(name)}/" for name in reversed(names))

    # --- the file ---------------------------------------------------------------------------------

    def _opened(self) -> sqlite3.Connection:
        """The kept listing, begun anew where it is another account's, another folder's,
        or cannot be read.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._checked()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            self._remove()
            return self._checked()

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)

    def _checked(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._file, timeout=60.0)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.executescript(_TABLES)
            if self._about(database, "identity") != self._identity:
                self._begin(database)
        except BaseException:
            database.close()
            raise
        return database

    def _begin(self, database: sqlite3.Connection) -> None:
        with database:
            database.execute("DELETE FROM entries")
            database.execute("DELETE FROM about")
            self._remember(database, identity=self._identity)

    @staticmethod
    def _about(database: sqlite3.Connection, name: str) -> str:
        row = database.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return row[0] if row else ""

    @staticmethod
    def _remember(database: sqlite3.Connection, **values: str) -> None:
        database.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", list(values.items()))

    def _failure(self, error: StoreError) -> StoreError:
        store = self._connection.store
        if isinstance(error, NotFound):
            return StoreUnavailable(
                f"The folder {self._root or '/'} of store {store} is not in Dropbox.",
                store=store,
                hint="Was it renamed? See dropbox_root.",
            )
        return error


def _order(folder: str) -> str:
    """A folder's key such that folders sort before their subfolders,
    and these before their neighbours.
    """
    return folder.replace("/", "\x01")
