"""The trash of a managed folder: `.catalog/trash/BATCH/PATH`.

What lies there leaves it by command only.

A batch is what one run put there: the run's id, which begins with its time; where a path went there
before, `BATCH.1`.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from catalog.domain.names import from_text, to_text
from catalog.stores.atomic_rename import rename_without_overwriting


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
    """A trash folder. Raises OSError; the store translates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def take(self, source: str, path: str, batch: str) -> str:
        """Move a file (system path) into a batch, and say its key."""
        self.folder.mkdir(
            parents=True, exist_ok=True
        )  # a file in its place is an error; one in a batch is not
        for number in itertools.count():
            key = f"{batch}.{number}/{path}" if number else f"{batch}/{path}"
            target = self.system(key)
            try:
                os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
                rename_without_overwriting(source, target)
            except (
                FileExistsError,
                NotADirectoryError,
            ):  # a file or folder of this name went there before
                continue
            return key
        raise AssertionError("unreachable")

    def list(self) -> Iterator[Trashed]:
        """Everything in it, oldest batch first."""
        if not self.folder.is_dir():
            return
        for batch in sorted(os.listdir(self.folder)):  # noqa: PTH208
            base = os.path.join(self.folder, batch)  # noqa: PTH118
            for where, folders, names in os.walk(base):
                folders.sort()
                for name in sorted(names):
                    system = os.path.join(where, name)  # noqa: PTH118
                    status = os.lstat(system)
                    path = to_text(os.path.relpath(system, base))
                    named, _, number = batch.rpartition(".")
                    label = named if number.isdigit() and named else batch
                    yield Trashed(
                        f"{to_text(batch)}/{path}",
                        to_text(label),
                        path,
                        status.st_size,
                        status.st_mtime_ns,
                    )

    def discard(self, key: str) -> None:
        """Remove a file for good, and the folders that are empty then."""
        system = self.system(key)
        os.unlink(system)  # noqa: PTH108
        self.tidy(system)

    def tidy(self, system: str) -> None:
        """Remove the folders above a path that are empty, up to the trash itself."""
        folder = os.path.dirname(system)  # noqa: PTH120
        while folder.startswith(f"{os.fspath(self.folder)}{os.sep}"):
            with contextlib.suppress(OSError):
                os.rmdir(folder)  # noqa: PTH106
            folder = os.path.dirname(folder)  # noqa: PTH120
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def system(self, key: str) -> str:
        """The system path of a key."""
        return os.path.join(self.folder, from_text(key))  # noqa: PTH118
