"""Upload sessions: sequential and concurrent, their offsets, and what makes them ready to become a file.

Source of the rules: the doc strings of upload_session/* and the unions UploadSession*Error of the public API.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from typing import NamedTuple

from .content import BLOCK, ContentHasher, Segment, Spool, read
from .errors import RouteError, union
from .state import State

MAX_REQUEST = 150 * 1024 * 1024
MAX_FILE = 2**41 - 2**22
LIFETIME = 7 * 24 * 3600


class Piece(NamedTuple):
    """Some bytes of a spooled body: `digests` are those of its blocks where it begins a block of the body."""

    spool: Spool
    base: int
    length: int
    digests: bytes | None


def whole(spool: Spool) -> Piece:
    """All of a body as one piece."""
    return Piece(spool, 0, spool.size, spool.digests)


class Sessions:
    """All upload sessions; each method runs in the caller's transaction and raises a plain lookup error."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._db = state.db

    def start(self, *, concurrent: bool, closed: bool) -> str:
        """A new session's id."""
        session = "pid_upload_session:" + self._state.secret(32)
        self._db.execute("INSERT INTO sessions VALUES (?, ?, ?, 0, ?, 0)", (session, concurrent, closed, time.time()))
        return session

    def find(self, session: str) -> sqlite3.Row:
        """The session; `not_found` when unknown, committed or older than seven days."""
        row: sqlite3.Row | None = self._db.execute("SELECT * FROM sessions WHERE id = ?", (session,)).fetchone()
        if row is None or time.time() - row["created"] > LIFETIME:
            raise RouteError(union("not_found"))
        return row

    def check_append(self, session: str, offset: int, length: int, *, close: bool) -> sqlite3.Row:
        """Whether these bytes may be appended; raises what UploadSessionLookupError says."""
        row = self.find(session)
        if row["closed"] or row["committed"]:
            raise RouteError(union("closed"))
        if row["concurrent"]:
            if offset % BLOCK:
                raise RouteError(union("concurrent_session_invalid_offset"))
            if length % BLOCK and not close:
                raise RouteError(union("concurrent_session_invalid_data_size"))
        elif offset != row["size"]:
            raise RouteError(union("incorrect_offset", correct_offset=row["size"]))
        if offset + length > MAX_FILE:
            raise RouteError(union("too_large"))
        return row

    def append(self, session: str, offset: int, piece: Piece, *, close: bool) -> None:
        """Bytes at an offset; in a concurrent session they may come in any order."""
        row = self.check_append(session, offset, piece.length, close=close)
        if piece.length:
            digests = piece.digests if offset % BLOCK == 0 else None
            self._state.adopt(piece.spool)
            self._db.execute(
                "INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?)",
                (session, offset, piece.spool.name, piece.base, piece.length, digests),
            )
        size = max(row["size"], offset + piece.length)
        self._db.execute("UPDATE sessions SET size = ?, closed = ? WHERE id = ?", (size, close, session))

    def check_finish(self, session: str, offset: int, more: int, *, must_be_closed: bool) -> None:
        """Whether the session may become a file with `more` bytes now; raises a UploadSessionFinishError."""
        try:
            row = self.find(session)
            if row["committed"]:
                raise RouteError(union("not_found"))
            if offset != row["size"]:
                raise RouteError(union("incorrect_offset", correct_offset=row["size"]))
            if must_be_closed and not row["closed"] and not row["concurrent"]:
                raise RouteError(union("not_closed"))
        except RouteError as error:
            raise RouteError({".tag": "lookup_failed", "lookup_failed": error.error}) from None
        if row["concurrent"] and not row["closed"]:
            raise RouteError(union("concurrent_session_not_closed"))
        if row["concurrent"] and more:
            raise RouteError(union("concurrent_session_data_not_allowed"))
        if row["concurrent"] and self._gap(session) != row["size"]:
            raise RouteError(union("concurrent_session_missing_data"))

    def _gap(self, session: str) -> int:
        """The first byte that nobody has sent."""
        place = 0
        for part in self._parts(session):
            if part["offset"] > place:
                break
            place = max(place, part["offset"] + part["length"])
        return place

    def _parts(self, session: str) -> list[sqlite3.Row]:
        return self._db.execute("SELECT * FROM parts WHERE session = ? ORDER BY offset", (session,)).fetchall()

    def content(self, session: str) -> tuple[list[Segment], str]:
        """The session's bytes as segments, and their content hash; blocks that lie in one part are not read again."""
        segments: list[Segment] = []
        digests: list[bytes] = []
        known = True
        place = 0
        parts = self._parts(session)
        for number, part in enumerate(parts):
            skip = place - part["offset"]
            length = part["length"] - skip
            if length <= 0:
                continue
            segments.append(Segment(place, part["file"], part["base"] + skip, length))
            place += length
            whole_blocks = part["length"] % BLOCK == 0 or number == len(parts) - 1
            known = known and skip == 0 and part["digests"] is not None and whole_blocks
            digests.append(part["digests"] or b"")
        if known:
            return segments, hashlib.sha256(b"".join(digests)).hexdigest()
        return segments, self._read_hash(segments, place)

    def _read_hash(self, segments: list[Segment], size: int) -> str:
        hasher = ContentHasher()
        for data in read(self._state.blobs, segments, 0, size):
            hasher.update(data)
        return hasher.hexdigest()

    def commit(self, session: str) -> None:
        """The session has become a file: it cannot be used again."""
        self._db.execute("UPDATE sessions SET committed = 1, closed = 1 WHERE id = ?", (session,))
        self._db.execute("DELETE FROM parts WHERE session = ?", (session,))
