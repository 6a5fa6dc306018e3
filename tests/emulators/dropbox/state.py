"""The account's state on disk: one SQLite file and a folder of contents,
changed in transactions only.

All access happens in the emulator's own thread. A killed process loses nothing that was committed:
the write-ahead log is in the kernel's hands by then (only a power cut could hurt it, which no test
needs).
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .content import BLOCK, Segment, Spool, read

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nodes(
    key TEXT PRIMARY KEY, parent TEXT NOT NULL, path TEXT NOT NULL, folder INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    rev TEXT, size INTEGER, hash TEXT, client_modified INTEGER, server_modified INTEGER,
    content INTEGER,
    export TEXT, seq INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS nodes_parent ON nodes(parent, key);
CREATE INDEX IF NOT EXISTS nodes_seq ON nodes(seq);
CREATE TABLE IF NOT EXISTS graves(
    key TEXT PRIMARY KEY, parent TEXT NOT NULL, path TEXT NOT NULL, folder INTEGER NOT NULL,
    id TEXT NOT NULL,
    top INTEGER NOT NULL, deleted INTEGER NOT NULL, seq INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS graves_parent ON graves(parent, key);
CREATE INDEX IF NOT EXISTS graves_seq ON graves(seq);
CREATE TABLE IF NOT EXISTS revisions(
    number INTEGER PRIMARY KEY, rev TEXT NOT NULL UNIQUE, key TEXT NOT NULL, path TEXT NOT NULL,
    id TEXT NOT NULL,
    size INTEGER NOT NULL, hash TEXT NOT NULL, client_modified INTEGER NOT NULL,
    server_modified INTEGER NOT NULL,
    content INTEGER, export TEXT);
CREATE INDEX IF NOT EXISTS revisions_key ON revisions(key);
CREATE INDEX IF NOT EXISTS revisions_id ON revisions(id);
CREATE TABLE IF NOT EXISTS segments(
    content INTEGER NOT NULL, offset INTEGER NOT NULL, file TEXT, base INTEGER NOT NULL,
    length INTEGER NOT NULL,
    PRIMARY KEY (content, offset)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions(
    id TEXT PRIMARY KEY, concurrent INTEGER NOT NULL, closed INTEGER NOT NULL,
    committed INTEGER NOT NULL,
    created REAL NOT NULL, size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS parts(
    session TEXT NOT NULL, offset INTEGER NOT NULL, file TEXT NOT NULL, base INTEGER NOT NULL,
    length INTEGER NOT NULL,
    digests BLOB, PRIMARY KEY (session, offset)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS jobs(id TEXT PRIMARY KEY, route TEXT NOT NULL, result TEXT NOT NULL,
    polls INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tokens(
    token TEXT PRIMARY KEY, app TEXT NOT NULL, scopes TEXT NOT NULL, expires REAL, refresh TEXT);
CREATE TABLE IF NOT EXISTS refresh_tokens(token TEXT PRIMARY KEY, app TEXT NOT NULL,
    scopes TEXT NOT NULL, pkce INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS codes(
    code TEXT PRIMARY KEY, app TEXT NOT NULL, redirect TEXT, challenge TEXT, method TEXT,
    scopes TEXT NOT NULL,
    access TEXT NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS links(token TEXT PRIMARY KEY, rev TEXT NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS shared_links(url TEXT PRIMARY KEY, id TEXT NOT NULL, expires TEXT);
"""


class State:
    """The database, the contents and the clock."""

    def __init__(self, root: Path) -> None:
        self.blobs = root / "blobs"
        self.blobs.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(root / "state.sqlite", isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=OFF")
        self.db.executescript(_SCHEMA)
        self.on_change: list[Callable[[], None]] = []
        self._spools: list[Spool] = []
        self._seq = int(self.meta("seq", "0"))
        self._stored_seq = self._seq
        self._forget_orphans()

    def close(self) -> None:
        """Give the files back."""
        self.db.close()

    @staticmethod
    def now() -> int:
        """The service's clock, whole seconds."""
        return int(time.time())

    def meta(self, name: str, default: str) -> str:
        """A named value; kept from the first time it is asked for."""
        row = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        if row:
            return str(row[0])
        self.set_meta(name, default)
        return default

    def set_meta(self, name: str, value: str) -> None:
        """Keep a named value."""
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    @property
    def seq(self) -> int:
        """The number of the newest change."""
        return self._seq

    def next_seq(self) -> int:
        """The number of a new change."""
        self._seq += 1
        return self._seq

    def next_number(self, name: str) -> int:
        """Count a named counter up."""
        number = int(self.meta(name, "0")) + 1
        self.set_meta(name, str(number))
        return number

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing of it; bodies adopted in it become part of the state,
        waiting longpolls hear of changes.
        """
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
            if self._seq != self._stored_seq:
                self.set_meta("seq", str(self._seq))
        except BaseException:
            self.db.execute("ROLLBACK")
            self._seq = self._stored_seq
            self._spools.clear()
            raise
        self.db.execute("COMMIT")
        for spool in self._spools:
            spool.kept = True
        self._spools.clear()
        if self._seq != self._stored_seq:
            self._stored_seq = self._seq
            for told in list(self.on_change):
                told()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part of a transaction that is taken back alone when it fails (an entry of a batch)."""
        before = self._seq
        self.db.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK TO attempt")
            self.db.execute("RELEASE attempt")
            self._seq = before
            raise
        self.db.execute("RELEASE attempt")

    def spool(self, offset: int = 0) -> Spool:
        """Room for a body that begins at this offset of its content."""
        return Spool(self.blobs, offset % BLOCK)

    def adopt(self, spool: Spool) -> None:
        """The running transaction refers to this body: keep its file when it commits."""
        self._spools.append(spool)

    def add_content(self, segments: Iterable[Segment]) -> int:
        """A new content out of segments."""
        number = self.next_number("content")
        self.db.executemany(
            "INSERT INTO segments VALUES (?, ?, ?, ?, ?)",
            ((number, *segment) for segment in segments),
        )
        return number

    def segments(self, content: int | None) -> list[Segment]:
        """A content's segments in order;
        none for contents that are only known by size and hash (they read as zeros).
        """
        found = self.db.execute(
            "SELECT offset, file, base, length FROM segments WHERE content = ? ORDER BY offset",
            (content,),
        )
        return [Segment(*row) for row in found]

    def read(self, content: int | None, start: int, stop: int) -> Iterator[bytes]:
        """The bytes [start, stop) of a content, in chunks."""
        return read(self.blobs, self.segments(content), start, stop)

    def _forget_orphans(self) -> None:
        """Remove the files of bodies whose request never came to its end."""
        known = {
            row[0]
            for row in self.db.execute("SELECT file FROM segments UNION SELECT file FROM parts")
        }
        for path in self.blobs.iterdir():
            if path.name not in known:
                path.unlink()

    @staticmethod
    def secret(size: int = 24) -> str:
        """An unguessable name."""
        return secrets.token_urlsafe(size)
