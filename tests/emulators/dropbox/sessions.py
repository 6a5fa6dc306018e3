"""Upload sessions: sequential and concurrent, their offsets,
and what makes them ready to become a file.

Source of the rules: the doc strings of upload_session/* and the unions UploadSession*Error of the
public API.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from typing import NamedTuple

from .content import BLOCK, Segment, Spool, read
from .errors import RouteError, union
from .state import State

MAX_REQUEST = 150 * 1024 * 1024
MAX_FILE = 2**41 - 2**22
LIFETIME = 7 * 24 * 3600


class Piece(NamedTuple):
    """Some bytes of a spooled body: `digests` are those of the content's blocks they touch,
    if they were computed.
    """

    spool: Spool
    base: int
    length: int
    digests: bytes | None


def whole(spool: Spool) -> Piece:
    """All of a body as one piece."""
    return Piece(spool, 0, spool.size, spool.digests)


class Sessions:
    """All upload sessions; each method runs in the caller's transaction and raises a plain lookup
    error.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._db = state.db

    def start(self, *, concurrent: bool, closed: bool) -> str:
        """A new session's id."""
        session = "pid_upload_session:" + self._state.secret(32)
        self._db.execute(
            "INSERT INTO sessions VALUES (?, ?, ?, 0, ?, 0)",
            (session, concurrent, closed, time.time()),
        )
        return session

    def find(self, session: str) -> sqlite3.Row:
        """The session; `not_found` when unknown, committed or older than seven days."""
        row: sqlite3.Row | None = self._db.execute(
            "SELECT * FROM sessions WHERE id = ?", (session,)
        ).fetchone()
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
            self._state.adopt(piece.spool)
            self._db.execute(
                "INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?)",
                (session, offset, piece.spool.name, piece.base, piece.length, piece.digests),
            )
        size = max(row["size"], offset + piece.length)
        self._db.execute(
            "UPDATE sessions SET size = ?, closed = ? WHERE id = ?", (size, close, session)
        )

    def check_finish(self, session: str, offset: int, more: int, *, must_be_closed: bool) -> None:
        """Whether the session may become a file with `more` bytes now;
        raises a UploadSessionFinishError.
        """
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
        return self._db.execute(
            "SELECT * FROM parts WHERE session = ? ORDER BY offset", (session,)
        ).fetchall()

    def content(self, session: str) -> tuple[list[Segment], str]:
        """The session's bytes as segments, and their content hash;
        only blocks that lie in several parts are read again.
        """
        segments: list[Segment] = []
        digests: dict[int, bytes] = {}
        place = 0
        parts = self._parts(session)
        size = max((part["offset"] + part["length"] for part in parts), default=0)
        for part in parts:
            end = part["offset"] + part["length"]
            if end <= place:
                continue
            segments.append(
                Segment(place, part["file"], part["base"] + place - part["offset"], end - place)
            )
            digests |= _known_digests(part, place, size)
            place = end
        hashed = hashlib.sha256()
        for block in range((size + BLOCK - 1) // BLOCK):
            hashed.update(digests.get(block) or self._read_digest(segments, block, size))
        return segments, hashed.hexdigest()

    def _read_digest(self, segments: list[Segment], block: int, size: int) -> bytes:
        digest = hashlib.sha256()
        for data in read(
            self._state.blobs, segments, block * BLOCK, min((block + 1) * BLOCK, size)
        ):
            digest.update(data)
        return digest.digest()

    def commit(self, session: str) -> None:
        """The session has become a file: it cannot be used again."""
        self._db.execute("UPDATE sessions SET committed = 1, closed = 1 WHERE id = ?", (session,))
        self._db.execute("DELETE FROM parts WHERE session = ?", (session,))


def _known_digests(part: sqlite3.Row, start: int, size: int) -> dict[int, bytes]:
    """The digests that were computed when a part came,
    of the blocks that lie wholly in it and not before `start`.
    """
    known = part["digests"] or b""
    first, end = part["offset"] // BLOCK, part["offset"] + part["length"]
    found = {
        first + number: known[number * 32 : number * 32 + 32] for number in range(len(known) // 32)
    }
    return {
        block: found[block]
        for block in found
        if block * BLOCK >= start and min((block + 1) * BLOCK, size) <= end
    }
