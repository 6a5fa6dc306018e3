"""Pictures that were made before, packed in one database that does not grow beyond its limit."""

from __future__ import annotations

import contextlib
import re
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import sqlite3

VERSION = 1
"""Of the pictures; raised when they are made in another way than before."""
_NAME = re.compile(r"pictures-(\d+)\.(\d+)\.sqlite(-wal|-shm)?")
"""A database: the version of its pictures, and how often it was begun anew."""
_OLD_FOLDER, _OLD = re.compile("[0-9a-f]{2}"), re.compile(r"[0-9a-f]{64}-\d+-1\.jpg(\.\w+\.part)?")
"""What earlier programs kept, one file a picture."""
_BATCH = 64
"""Pictures that make room at once."""
_HOUR = 3600
_DAY = 24
"""Hours after which a use is noted again: reading writes hardly ever."""
_WAIT_SECONDS = 5.0
_PAGE = 4096
_CACHE_KIB = 4096
_LEAST = 16 * _PAGE
"""Bytes that a database without pictures has, and some more."""
_LARGEST_LOG = 16 << 20
_SCHEMA = """
CREATE TABLE IF NOT EXISTS picture (
    id INTEGER PRIMARY KEY, hash BLOB NOT NULL, side INTEGER NOT NULL, used INTEGER NOT NULL,
    checksum INTEGER NOT NULL, UNIQUE (hash, side)
);
CREATE INDEX IF NOT EXISTS picture_used ON picture (used, id);
CREATE TABLE IF NOT EXISTS content (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
"""
T = TypeVar("T")


class RenditionStore:
    """The pictures in `folder`, at most `limit_bytes` of disk for them; those that were not used
    for longest go first.

    Safe to use from several threads and programs. A folder that cannot be read or written is no
    error: then nothing is remembered. A database that is damaged is begun anew.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._number = 0

    def get(self, content_hash: str, side: int) -> bytes | None:
        """The WebP of an asset with so many pixels on its long side, if it is there."""
        return self._attempt(lambda db: _read(db, bytes.fromhex(content_hash), side), None)

    def put(self, content_hash: str, side: int, data: bytes) -> None:
        """Keep a WebP."""

        if len(data) + _LEAST > self._limit:
            return

        def write(db: sqlite3.Connection) -> None:
            with db:
                db.execute("BEGIN IMMEDIATE")
                if _make_room(db, self._limit - len(data) - _PAGE):
                    _write(db, bytes.fromhex(content_hash), side, data)

        self._attempt(write, None)

    def lacking(self, hashes: list[str], side: int) -> list[str]:
        """Those of some content hashes that have no picture of that size."""

        def look(db: sqlite3.Connection) -> list[str]:
            asked = "SELECT 1 FROM picture WHERE hash = ? AND side = ?"
            return [h for h in hashes if not db.execute(asked, (bytes.fromhex(h), side)).fetchone()]

        return self._attempt(look, hashes)

    @property
    def size(self) -> int:
        """Bytes of disk that pictures take now."""
        return self._attempt(_used, 0)

    @property
    def is_full(self) -> bool:
        """Whether a further picture would take the place of another."""
        return self.size > self._limit - _BATCH * 4 * _PAGE

    def close(self) -> None:
        """Let go of the database; it is opened again when it is asked for."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _attempt(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """What comes of some work with the database, begun anew once if it is damaged."""
        import sqlite3

        with self._lock:
            for _attempt in range(2):
                try:
                    if self._database is None:
                        self._database = self._opened()
                    return work(self._database)
                except sqlite3.Error as error:
                    self._close()
                    if not _is_damaged(error):
                        break
                    self._number += 1
                except OSError:
                    break
        return otherwise

    def _opened(self) -> sqlite3.Connection:
        """The newest database, if need be a new one. Raises OSError, sqlite3.Error."""
        import sqlite3

        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        numbers = [number for version, number in self._others() if version == VERSION]
        self._number = max([*numbers, self._number])
        path = self._folder / f"pictures-{VERSION}.{self._number}.sqlite"
        db = sqlite3.connect(
            path, timeout=_WAIT_SECONDS, check_same_thread=False, isolation_level=None
        )
        try:
            db.execute(f"PRAGMA page_size = {_PAGE}")
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")  # whole after a power failure
            db.execute(f"PRAGMA journal_size_limit = {_LARGEST_LOG}")
            db.execute(f"PRAGMA wal_autocheckpoint = {_LARGEST_LOG // _PAGE}")
            db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            db.executescript(_SCHEMA)
            self._clear()
            self._shrink(db)
        except BaseException:
            db.close()
            raise
        return db

    def _shrink(self, db: sqlite3.Connection) -> None:
        """Give back what is beyond a limit that was lowered."""
        if _pages(db) * _PAGE > self._limit:
            with db:
                db.execute("BEGIN IMMEDIATE")
                _make_room(db, self._limit)
            beyond = _pages(db) - self._limit // _PAGE
            db.executescript(f"PRAGMA incremental_vacuum({max(1, beyond)})")  # step by step

    def _others(self) -> list[tuple[int, int]]:
        found = map(_NAME.fullmatch, (path.name for path in self._folder.iterdir()))
        return [(int(name[1]), int(name[2])) for name in found if name]

    def _clear(self) -> None:
        """Remove databases of earlier versions, and damaged ones."""
        for path in self._folder.iterdir():
            name = _NAME.fullmatch(path.name)
            if name and (int(name[1]), int(name[2])) < (VERSION, self._number):
                path.unlink(missing_ok=True)


def clear_old_cache(folder: Path) -> None:
    """Remove what earlier programs kept in a folder, one file a picture, and nothing else."""
    with contextlib.suppress(OSError):
        for inner in folder.iterdir():
            if _OLD_FOLDER.fullmatch(inner.name):
                for path in inner.iterdir():
                    if _OLD.fullmatch(path.name):
                        path.unlink()
                with contextlib.suppress(OSError):
                    inner.rmdir()


def _is_damaged(error: sqlite3.Error) -> bool:
    import sqlite3

    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _pages(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA page_count").fetchone()[0])


def _used(db: sqlite3.Connection) -> int:
    free = int(db.execute("PRAGMA freelist_count").fetchone()[0])
    return (_pages(db) - free) * _PAGE


def _now() -> int:
    return int(time.time()) // _HOUR


def _read(db: sqlite3.Connection, key: bytes, side: int) -> bytes | None:
    row = db.execute(
        "SELECT id, used, checksum, data FROM picture JOIN content USING (id)"
        " WHERE hash = ? AND side = ?",
        (key, side),
    ).fetchone()
    if row is None:
        return None
    number, used, checksum, data = row
    if zlib.crc32(data) != checksum:
        with db:
            db.execute("BEGIN IMMEDIATE")
            _remove(db, [(number,)])
        return None
    if abs(_now() - used) >= _DAY:
        db.execute("UPDATE picture SET used = ? WHERE id = ?", (_now(), number))
    return bytes(data)


def _write(db: sqlite3.Connection, key: bytes, side: int, data: bytes) -> None:
    (number,) = db.execute(
        "INSERT INTO picture (hash, side, used, checksum) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (hash, side) DO UPDATE SET used = excluded.used, checksum = excluded.checksum"
        " RETURNING id",
        (key, side, _now(), zlib.crc32(data)),
    ).fetchone()
    db.execute("INSERT OR REPLACE INTO content (id, data) VALUES (?, ?)", (number, data))


def _make_room(db: sqlite3.Connection, wanted: int) -> bool:
    """Remove what was not used for longest until no more than so many bytes are in use; whether
    that was possible.
    """
    while _used(db) > wanted:
        oldest = db.execute("SELECT id FROM picture ORDER BY used, id LIMIT ?", (_BATCH,))
        numbers = oldest.fetchall()
        if not numbers:
            return False
        _remove(db, numbers)
    return True


def _remove(db: sqlite3.Connection, numbers: list[tuple[int]]) -> None:
    db.executemany("DELETE FROM content WHERE id = ?", numbers)
    db.executemany("DELETE FROM picture WHERE id = ?", numbers)
