"""Listings and cursors.

A cursor first walks through a listing by key, then follows the changes by number. What changes
while a client pages comes again afterwards, since the changes are followed from the moment the
listing began. A cursor is opaque and signed: one that was tampered with is refused (400), one that
is too old is `reset` (409), after which a client lists anew.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

from . import paths
from .errors import RouteError, union
from .state import State
from .tree import Json, Tree, deleted_metadata, metadata

DEFAULT_LIMIT = 2000


class Garbage(Exception):
    """Not a cursor of this account."""


@dataclass(frozen=True)
class Cursor:
    """Where a client is: `after` is the last key of a listing, None once the listing is complete;
    `seq` the last change.
    """

    folder: str
    recursive: bool
    deleted: bool
    limit: int
    base: str
    seq: int
    after: str | None
    generation: int
    made: float
    media_info: bool = False
    downloadable: bool = False


class Page(NamedTuple):
    """Entries, and whether there are more at once."""

    entries: list[Json]
    cursor: Cursor
    more: bool


class Cursors:
    """Makes, checks and advances cursors."""

    def __init__(self, state: State, tree: Tree) -> None:
        self._state = state
        self._tree = tree
        self._secret = state.meta("cursor secret", state.secret()).encode()
        self.lifetime: float | None = None
        self.page_limit: int | None = None

    def encode(self, cursor: Cursor) -> str:
        """The opaque string."""
        data = json.dumps(asdict(cursor), separators=(",", ":")).encode()
        return "AAE" + base64.urlsafe_b64encode(self._sign(data) + data).decode().rstrip("=")

    def decode(self, text: str) -> Cursor:
        """The cursor of an opaque string; raises `Garbage`,
        or the RouteError `reset` where it has expired.
        """
        try:
            raw = base64.urlsafe_b64decode(text[3:] + "=" * (-len(text[3:]) % 4))
        except ValueError:
            raise Garbage from None
        if not text.startswith("AAE") or not hmac.compare_digest(raw[:12], self._sign(raw[12:])):
            raise Garbage
        cursor = Cursor(**json.loads(raw[12:]))
        aged = self.lifetime is not None and time.time() - cursor.made > self.lifetime
        if aged or cursor.generation != self._generation:
            raise RouteError(union("reset"))
        return cursor

    def _sign(self, data: bytes) -> bytes:
        return hmac.digest(self._secret, data, hashlib.sha256)[:12]

    @property
    def _generation(self) -> int:
        return int(self._state.meta("cursor generation", "0"))

    def expire_all(self) -> None:
        """Every cursor given out so far is reset."""
        self._state.set_meta("cursor generation", str(self._generation + 1))

    def start(self, folder: str, arg: Json, base: str) -> Cursor:
        """A cursor at the beginning of a listing."""
        return Cursor(
            folder=paths.key_of(folder),
            recursive=arg["recursive"],
            deleted=arg["include_deleted"],
            limit=min(arg["limit"] or DEFAULT_LIMIT, self.page_limit or DEFAULT_LIMIT),
            base=base,
            seq=self._state.seq,
            after="",
            generation=self._generation,
            made=time.time(),
            media_info=arg["include_media_info"],
            downloadable=not arg["include_non_downloadable_files"],
        )

    def latest(self, cursor: Cursor) -> Cursor:
        """The same cursor behind everything there is now."""
        return replace(cursor, after=None, seq=self._state.seq)

    def page(self, cursor: Cursor) -> Page:
        """The next entries; raises `path/not_found` once the folder is gone and that
        has been told.
        """
        cursor = replace(cursor, made=time.time())
        if cursor.after is not None:
            return self._listing(cursor)
        page = self._changes(cursor)
        if not page.entries:
            self._check_folder(cursor)
        return page

    def pending(self, cursor: Cursor) -> bool:
        """Whether a call to continue would tell something."""
        return (
            cursor.after is not None
            or not self._exists(cursor)
            or bool(self._changes(replace(cursor, limit=1)).entries)
        )

    def _exists(self, cursor: Cursor) -> bool:
        there = self._tree.find(cursor.folder)
        return not cursor.folder or (there is not None and bool(there["folder"]))

    def _check_folder(self, cursor: Cursor) -> None:
        if not self._exists(cursor):
            raise RouteError(union("path", "not_found"))

    def _listing(self, cursor: Cursor) -> Page:
        self._check_folder(cursor)
        where, values = self._scope(cursor)
        query = (
            f"SELECT {_COLUMNS}, 1 AS live FROM nodes WHERE {where} AND key > ? AND "
            f"{_shown(cursor)}"
        )
        values = [*values, cursor.after]
        if cursor.deleted:
            query += f" UNION ALL SELECT {_GRAVE}, 0 AS live FROM graves WHERE {where} AND key > ?"
            query += " AND key NOT IN (SELECT key FROM nodes)"
            values *= 2
        rows = self._state.db.execute(
            f"{query} ORDER BY key LIMIT ?", (*values, cursor.limit + 1)
        ).fetchall()
        entries = [self._entry(row, cursor) for row in rows[: cursor.limit]]
        if len(rows) > cursor.limit:
            return Page(entries, replace(cursor, after=rows[cursor.limit - 1]["key"]), more=True)
        done = replace(cursor, after=None)
        return Page(entries, done, more=self._state.seq > cursor.seq and self.pending(done))

    def _scope(self, cursor: Cursor) -> tuple[str, list[object]]:
        """Which entries a listing tells;
        a recursive one of a folder begins with the folder itself.
        """
        if not cursor.recursive:
            return "parent = ? AND key != ''", [cursor.folder]
        if not cursor.folder:
            return "key != ''", []
        if cursor.folder == paths.key_of(cursor.base):
            return "(key > ? AND key < ?)", [*paths.below(cursor.folder)]
        return "(key = ? OR (key > ? AND key < ?))", [cursor.folder, *paths.below(cursor.folder)]

    def _changes(self, cursor: Cursor) -> Page:
        where, values = self._scope(cursor)
        top = "(top OR key = ?)" if cursor.recursive else "(1 OR ?)"
        query = (
            f"SELECT {_COLUMNS}, 1 AS live FROM nodes WHERE seq > ? AND {where} AND "
            f"{_shown(cursor)}"
            f" UNION ALL SELECT {_GRAVE}, 0 AS live FROM graves WHERE seq > ? AND {where} AND "
            f"{top} ORDER BY seq LIMIT ?"
        )
        bounds = (cursor.seq, *values, cursor.seq, *values, cursor.folder, cursor.limit + 1)
        rows = self._state.db.execute(query, bounds).fetchall()
        more = len(rows) > cursor.limit
        rows = rows[: cursor.limit]
        seq = rows[-1]["seq"] if more else self._state.seq
        return Page([self._entry(row, cursor) for row in rows], replace(cursor, seq=seq), more)

    def _entry(self, row: object, cursor: Cursor) -> Json:
        return metadata(row, cursor.base) if row["live"] else deleted_metadata(row, cursor.base)  # type: ignore[index, arg-type]


def _shown(cursor: Cursor) -> str:
    """Whether files that can only be exported are told."""
    return "export IS NULL" if cursor.downloadable else "1"


_COLUMNS = "key, path, folder, id, rev, size, hash, client_modified, server_modified, export, seq"
_GRAVE = "key, path, folder, id, NULL, NULL, NULL, NULL, NULL, NULL, seq"
