"""The trash of a managed folder: `.catalog/trash/BATCH/PATH`.

What lies there leaves it by command only.

A batch is what one run put there: the run's id, which begins with its time; where a path went there
before, `BATCH.1`.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from catalog.domain.names import from_text, to_text
from catalog.filesystem.tree import Tree

_Row: TypeAlias = tuple[str, int, int]
"""A file's name, size in bytes and mtime in ns."""
_Found: TypeAlias = tuple[list[str], list[_Row]]
"""The folders in a folder, and its files; named here, because in the class `list` is a method."""


@dataclass(frozen=True, slots=True)
class Trashed:
    """A file in the trash.

    `key` names it there, `path` is where it lay; paths are relative, in text form.
    """

    key: str
    batch: str
    path: str
    size: int
    mtime_ns: int


class Trash:
    """The trash at `folder` of a root. Raises OSError; the store translates."""

    def __init__(self, root: Tree, folder: str) -> None:
        self._root = root
        self._folder = folder

    def take(self, source: str, path: str, batch: str) -> str:
        """Move a file (its system path in the root) into a batch, and say its key."""
        # a file in its place is an error; one in a batch is not
        self._root.make_folders(self._folder)
        for number in itertools.count():
            key = f"{batch}.{number}/{path}" if number else f"{batch}/{path}"
            target = self.system(key)
            try:
                self._root.make_folders(target.rpartition("/")[0])
                self._root.place(source, self._root, target)
            except (
                FileExistsError,
                NotADirectoryError,
            ):  # a file or folder of this name went there before
                continue
            return key
        raise AssertionError("unreachable")

    def list(self) -> Iterator[Trashed]:
        """Everything in it, oldest batch first."""
        for batch in self._look_into(self._folder)[0]:
            named, _, number = batch.rpartition(".")
            label = named if number.isdigit() and named else batch
            pending = [""]
            while pending:
                folder = pending.pop()
                below, files = self._look_into(f"{self._folder}/{batch}/{folder}".rstrip("/"))
                for name, size, mtime_ns in files:
                    path = to_text(f"{folder}{name}")
                    key = f"{to_text(batch)}/{path}"
                    yield Trashed(key, to_text(label), path, size, mtime_ns)
                pending.extend(f"{folder}{name}/" for name in reversed(below))

    def _look_into(self, folder: str) -> _Found:
        """What lies in a folder, sorted; links are no folders.

        Nothing where it is not there (any more).
        """
        found: _Found = ([], [])
        folders, files = found
        with (
            contextlib.suppress(FileNotFoundError, NotADirectoryError),
            self._root.scan(folder) as rows,
        ):
            for row in rows:
                if row.is_dir(follow_symlinks=False):
                    folders.append(row.name)
                else:
                    status = row.stat(follow_symlinks=False)
                    files.append((row.name, status.st_size, status.st_mtime_ns))
        folders.sort()
        files.sort()
        return found

    def discard(self, key: str) -> None:
        """Remove a file for good, and the folders that are empty then."""
        self._root.remove_file(self.system(key))
        self.tidy(key)

    def tidy(self, key: str) -> None:
        """Remove the folders above a key that are empty, up to the trash itself."""
        folder = self.system(key).rpartition("/")[0]
        with contextlib.suppress(OSError):
            while f"{folder}/".startswith(f"{self._folder}/"):
                self._root.remove_folder(folder)
                folder = folder.rpartition("/")[0]

    def system(self, key: str) -> str:
        """The system path of a key in the root."""
        return f"{self._folder}/{from_text(key)}"
