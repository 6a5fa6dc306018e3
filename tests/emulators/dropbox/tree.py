"""Files and folders: looking up, writing, moving, deleting, and the revisions that remain.

Every change gives the rows it touches a new number (`seq`), which is what the cursors follow. A
deleted entry leaves a grave; deleting a folder leaves one grave that cursors report (`top`) and one
for each entry below, which only listings with `include_deleted` and cursors further down see. A
grave goes when its path lives again, except that of a folder which became a folder again: the old
children must still be reported as gone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from . import paths
from .errors import RouteError, Union, union
from .state import State

MAX_ENTRIES = 10_000
EXPORTS = ("html", "markdown")
Node = sqlite3.Row
Json = dict[str, Any]


class Written(NamedTuple):
    """The content a file shall have; with `export` it cannot be downloaded, only exported,
    by default to that format.
    """

    content: int | None
    size: int
    hash: str
    client_modified: int
    export: str | None = None


class Commit(NamedTuple):
    """How a file shall be written (CommitInfo): `mode` is add, overwrite or update,
    with the rev to update.
    """

    path: str
    mode: str
    rev: str | None
    autorename: bool
    strict: bool


def written(row: Node) -> Written:
    """The content of a file or a revision."""
    return Written(row["content"], row["size"], row["hash"], row["client_modified"], row["export"])


def stamp(seconds: int) -> str:
    """`2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Tree:
    """The account's files and folders; every method that changes something runs in the caller's
    transaction.
    """

    def __init__(self, state: State, home: str) -> None:
        self._state = state
        self._db = state.db
        self.home = home
        self.quota: int | None = None
        if home and not self.find(home):
            with state.transaction():
                self._insert_folder(home)

    # Looking

    def find(self, path: str) -> Node | None:
        """The live entry at a path, whatever the case of its letters."""
        return self._by("key", paths.key_of(path))

    def by_id(self, entry: str) -> Node | None:
        """The live entry of an id."""
        return self._by("id", entry)

    def _by(self, column: str, value: str) -> Node | None:
        found: Node | None = self._db.execute(
            f"SELECT * FROM nodes WHERE {column} = ?", (value,)
        ).fetchone()
        return found

    def revision(self, rev: str) -> Node | None:
        """A revision, live or not."""
        found: Node | None = self._db.execute(
            "SELECT * FROM revisions WHERE rev = ?", (rev,)
        ).fetchone()
        return found

    def grave(self, path: str) -> Node | None:
        """What is left of a deleted entry."""
        found: Node | None = self._db.execute(
            "SELECT * FROM graves WHERE key = ?", (paths.key_of(path),)
        ).fetchone()
        return found

    def subtree(self, key: str) -> list[Node]:
        """The entries below a folder, parents first."""
        return self._db.execute(
            "SELECT * FROM nodes WHERE key > ? AND key < ? ORDER BY key", paths.below(key)
        ).fetchall()

    def count_below(self, key: str) -> int:
        """How many entries a folder holds."""
        return int(
            self._db.execute(
                "SELECT count(*) FROM nodes WHERE key > ? AND key < ?", paths.below(key)
            ).fetchone()[0]
        )

    def used(self) -> int:
        """The bytes of all live files."""
        return int(self._db.execute("SELECT coalesce(sum(size), 0) FROM nodes").fetchone()[0])

    # Writing

    def put(self, commit: Commit, new: Written) -> Node:
        """Write a file as the commit says (the rules of WriteMode);
        raises a RouteError with a WriteError.
        """
        path = self._target(commit.path)
        there = self.find(path)
        if there is None and commit.mode == "update" and commit.strict:
            path = self._renamed(path, commit, "file")
        elif there is not None:
            if not there["folder"] and there["hash"] == new.hash and not commit.strict:
                return there
            if there["folder"]:
                path = self._renamed(path, commit, "folder")
            elif commit.mode == "add" or (commit.mode == "update" and there["rev"] != commit.rev):
                path = self._renamed(path, commit, "file")
        self._check_space(new.size)
        there = self.find(path)
        if there is not None:
            return self._overwrite(there, new)
        return self._insert_file(self._with_parents(path), new)

    def _renamed(self, path: str, commit: Commit, conflict: str) -> str:
        if not commit.autorename:
            raise RouteError(union("conflict", conflict))
        return self.free_name(path, conflicted=commit.mode == "update")

    def free_name(self, path: str, *, conflicted: bool = False) -> str:
        """The automatic renaming: the first name of its kind that nothing has yet."""
        rename = paths.conflicted if conflicted else paths.numbered
        number = 1
        while self.find(rename(path, number)):
            number += 1
        return rename(path, number)

    def _check_space(self, more: int) -> None:
        if self.quota is not None and self.used() + more > self.quota:
            raise RouteError(union("insufficient_space"))

    def _target(self, path: str) -> str:
        if path in {"", self.home}:
            raise RouteError(union("malformed_path"))
        try:
            paths.check_names(path)
        except paths.DisallowedName:
            raise RouteError(union("disallowed_name")) from None
        return path

    def _with_parents(self, path: str) -> str:
        """Create the missing folders above a path;
        returns it spelled below the folders that exist.
        """
        parent = paths.parent_of(path)
        if parent:
            found = self.find(parent)
            if found is None:
                spelled = self._with_parents(parent)
                self._insert_folder(spelled)
                parent = spelled
            elif not found["folder"]:
                raise RouteError(union("conflict", "file_ancestor"))
            else:
                parent = found["path"]
        return f"{parent}/{paths.name_of(path)}"

    def make_folder(self, path: str, *, autorename: bool) -> Node:
        """A new folder; raises a RouteError with a WriteError where something is in the way."""
        path = self._target(path)
        there = self.find(path)
        if there is not None:
            if not autorename:
                raise RouteError(union("conflict", "folder" if there["folder"] else "file"))
            path = self.free_name(path)
        return self._insert_folder(self._with_parents(path))

    def _insert_folder(self, path: str, entry: str | None = None) -> Node:
        return self._insert(path, entry or self._new_id(), None, None)

    def _insert_file(
        self, path: str, new: Written, entry: str | None = None, server_modified: int | None = None
    ) -> Node:
        return self._insert(path, entry or self._new_id(), new, server_modified)

    def _insert(
        self, path: str, entry: str, new: Written | None, server_modified: int | None
    ) -> Node:
        key = paths.key_of(path)
        self._db.execute(
            "DELETE FROM graves WHERE key = ? AND NOT (folder AND ?)", (key, new is None)
        )
        rev = None
        if new is not None:
            server_modified = self._state.now() if server_modified is None else server_modified
            rev = self._new_revision(key, path, entry, new, server_modified)
        file = (
            (new.size, new.hash, new.client_modified, server_modified, new.content, new.export)
            if new
            else (None,) * 6
        )
        row = (
            key,
            paths.parent_of(key),
            path,
            new is None,
            entry,
            rev,
            *file,
            self._state.next_seq(),
        )
        self._db.execute("INSERT INTO nodes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        found = self._by("key", key)
        assert found is not None
        return found

    def _overwrite(self, there: Node, new: Written) -> Node:
        now = self._state.now()
        rev = self._new_revision(there["key"], there["path"], there["id"], new, now)
        self._db.execute(
            "UPDATE nodes SET rev = ?, size = ?, hash = ?, client_modified = ?, server_modified = "
            "?, content = ?,"
            " export = ?, seq = ? WHERE key = ?",
            (
                rev,
                new.size,
                new.hash,
                new.client_modified,
                now,
                new.content,
                new.export,
                self._state.next_seq(),
                there["key"],
            ),
        )
        found = self._by("key", there["key"])
        assert found is not None
        return found

    def _new_id(self) -> str:
        return "id:" + self._state.secret(16)

    def _new_revision(
        self, key: str, path: str, entry: str, new: Written, server_modified: int
    ) -> str:
        number = self._db.execute("SELECT coalesce(max(number), 0) + 1 FROM revisions").fetchone()[
            0
        ]
        rev = f"0{number:014x}{0x2A2B5C10:08x}"
        self._db.execute(
            "INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                rev,
                key,
                path,
                entry,
                new.size,
                new.hash,
                new.client_modified,
                server_modified,
                new.content,
                new.export,
            ),
        )
        return rev

    # Deleting

    def delete(self, there: Node) -> None:
        """Delete a file, or a folder with all it holds."""
        now = self._state.now()
        rows = [there, *(self.subtree(there["key"]) if there["folder"] else [])]
        self._db.executemany(
            "INSERT OR REPLACE INTO graves VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    row["key"],
                    row["parent"],
                    row["path"],
                    row["folder"],
                    row["id"],
                    row is there,
                    now,
                    self._state.next_seq(),
                )
                for row in rows
            ),
        )
        self._remove(there)

    def _remove(self, there: Node) -> None:
        self._db.execute("DELETE FROM nodes WHERE key = ?", (there["key"],))
        self._db.execute("DELETE FROM nodes WHERE key > ? AND key < ?", paths.below(there["key"]))

    # Moving and copying

    def relocate(self, source: Node, to_path: str, *, copy: bool, autorename: bool) -> Node:
        """Move or copy an entry with all below it; raises a RouteError with a RelocationError."""
        key, to_key = source["key"], paths.key_of(to_path)
        if not copy and to_key == key:
            if paths.name_of(to_path) == paths.name_of(source["path"]):
                raise RouteError(union("duplicated_or_nested_paths"))
            return self._recase(source, paths.name_of(to_path))
        if source["folder"] and to_key.startswith(key + "/"):
            raise RouteError(
                union("duplicated_or_nested_paths" if copy else "cant_move_folder_into_itself")
            )
        if key == paths.key_of(self.home):
            raise RouteError(union("from_write", "team_folder"))
        rows = self.subtree(key) if source["folder"] else []
        if len(rows) >= MAX_ENTRIES:
            raise RouteError(union("too_many_files"))
        if (
            copy
            and self.quota is not None
            and self.used() + sum(row["size"] or 0 for row in (source, *rows)) > self.quota
        ):
            raise RouteError(union("insufficient_quota"))
        try:
            target = self._target(to_path)
            there = self.find(target)
            if there is not None:
                if not autorename:
                    raise RouteError(union("conflict", "folder" if there["folder"] else "file"))
                target = self.free_name(target)
            target = self._with_parents(target)
        except RouteError as error:
            raise RouteError({".tag": "to", "to": error.error}) from None
        if not copy:
            self.delete(source)
        return self._plant_again(source, rows, target, copy=copy)

    def _plant_again(self, source: Node, rows: Iterable[Node], target: str, *, copy: bool) -> Node:
        cut = len(source["path"])
        for row in (source, *rows):
            new = None if row["folder"] else written(row)
            path = target + row["path"][cut:]
            entry = self._new_id() if copy else row["id"]
            self._insert(path, entry, new, None if copy else row["server_modified"])
        found = self.find(target)
        assert found is not None
        return found

    def _recase(self, source: Node, name: str) -> Node:
        """Change only the case of a name: nothing cursors would report."""
        old = source["path"]
        new = f"{paths.parent_of(old)}/{name}"
        self._db.execute("UPDATE nodes SET path = ? WHERE key = ?", (new, source["key"]))
        low, high = paths.below(source["key"])
        self._db.execute(
            "UPDATE nodes SET path = ? || substr(path, ?) WHERE key > ? AND key < ?",
            (new, len(old) + 1, low, high),
        )
        found = self._by("key", source["key"])
        assert found is not None
        return found

    # Revisions

    def revisions(
        self, *, key: str | None = None, entry: str | None = None, before: int | None = None
    ) -> list[Node]:
        """The revisions at a path or of an id, newest first."""
        column, value = ("key", key) if key is not None else ("id", entry)
        return self._db.execute(
            f"SELECT * FROM revisions WHERE {column} = ? AND number < ? ORDER BY number DESC",
            (value, before or 1 << 62),
        ).fetchall()

    def restore(self, path: str, revision: Node) -> Node:
        """A revision becomes the newest content of a path."""
        path = self._target(path)
        new = written(revision)
        there = self.find(path)
        if there is not None:
            if there["folder"]:
                raise RouteError(union("conflict", "folder"))
            return self._overwrite(there, new)
        entry = revision["id"] if self.by_id(revision["id"]) is None else None
        return self._insert_file(self._with_parents(path), new, entry)

    # Planting: what a test puts into the account without a call

    def plant(self, path: str, new: Written) -> Node:
        """Write a file, whatever was there."""
        there = self.find(path)
        if there is not None and not there["folder"]:
            return self._overwrite(there, new)
        return self._insert_file(self._with_parents(path), new)


def metadata(node: Node, base: str, *, tagged: bool = True) -> Json:
    """FileMetadata or FolderMetadata of a live row or a revision; paths are told below `base`,
    elsewhere left out.
    """
    result: Json = {}
    folder = "folder" in node.keys() and node["folder"]  # noqa: SIM118 - a Row's own iterator gives values
    if tagged:
        result[".tag"] = "folder" if folder else "file"
    result |= _place(node, base)
    result["id"] = node["id"]
    if folder:
        return result
    if row_export := node["export"]:
        result["export_info"] = {"export_as": row_export, "export_options": list(EXPORTS)}
    return result | {
        "client_modified": stamp(node["client_modified"]),
        "server_modified": stamp(node["server_modified"]),
        "rev": node["rev"],
        "size": node["size"],
        "is_downloadable": not node["export"],
        "content_hash": node["hash"],
    }


def deleted_metadata(grave: Node, base: str) -> Json:
    """DeletedMetadata: no id."""
    return {".tag": "deleted"} | _place(grave, base)


def _place(row: Node, base: str) -> Json:
    result: Json = {"name": paths.name_of(row["path"])}
    if not base or row["key"].startswith(paths.key_of(base) + "/"):
        result["path_lower"] = row["key"][len(base) :]
        result["path_display"] = row["path"][len(base) :]
    return result


def as_write_error(error: Union) -> Union:
    """A WriteError as the `path` of another union."""
    return {".tag": "path", "path": error}
