"""What lies in a folder of this machine, a folder at a time."""

from __future__ import annotations

import os
import stat as stat_module
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from catalog.domain.asset import LINK, UNEXAMINED, UNLISTED, Entry
from catalog.domain.names import comparison_key, to_text
from catalog.stores.local.folder import StoreFolder
from catalog.stores.machine import machine_id
from catalog.stores.paths import PRIVATE

_PROBLEMS = {
    stat_module.S_IFLNK: f"{LINK} (links are not followed)",
    stat_module.S_IFIFO: "a pipe, not a file",
    stat_module.S_IFSOCK: "a socket, not a file",
    stat_module.S_IFCHR: "a device, not a file",
    stat_module.S_IFBLK: "a device, not a file",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """The entries of a store's folder.

    `avoid` says of a folder why it is not listed, or "".
    """

    folder: StoreFolder
    avoid: Callable[[Path], str]

    def entries(self, start: str, prefix: str, *, recursive: bool) -> Iterator[Entry]:
        """Every entry below a folder (its system path in the root and its text path), sorted;
        links are entries with a problem, not followed.
        """
        pending = [(start, prefix)]
        while pending:
            files, folders = self._scan(*pending.pop())
            yield from files
            if recursive:
                pending.extend(reversed(folders))

    def folders(self, start: str, prefix: str) -> Iterator[str]:
        """A folder and every one below it, those that cannot be listed included."""
        pending = [(start, prefix)]
        while pending:
            folder, relative = pending.pop()
            yield relative
            pending.extend(reversed(self._scan(folder, relative)[1]))

    def _scan(self, folder: str, relative: str) -> tuple[list[Entry], list[tuple[str, str]]]:
        """The entries of one folder and its subfolders as (system path, text path), both sorted."""
        files: list[Entry] = []
        folders: list[tuple[str, str]] = []
        tree = self.folder.tree
        try:
            with tree.scan(folder) as rows:
                for row in rows:
                    path = f"{relative}/{to_text(row.name)}" if relative else to_text(row.name)
                    if row.is_dir(follow_symlinks=False):
                        system = f"{folder}/{row.name}" if folder else row.name
                        if reason := self.avoid(tree.path / system):
                            files.append(Entry(path, problem=reason))
                        elif row.name != PRIVATE:
                            folders.append((system, path))
                    else:
                        files.append(_examined(row, path))
        except OSError as error:
            if not relative:
                raise self.folder.failure(error, ".") from error
            files = [Entry(relative, problem=f"{UNLISTED}: {error.strerror}")]
            folders = []
        files.sort(key=lambda e: (comparison_key(e.name), e.name))
        folders.sort(key=lambda f: (comparison_key(f[1]), f[1]))
        return files, folders


def _examined(row: os.DirEntry[str], path: str) -> Entry:
    try:
        status = row.stat(follow_symlinks=False)
    except OSError as error:
        return Entry(path, problem=f"{UNEXAMINED}: {error.strerror}")
    return entry_of(path, status)


def entry_of(path: str, status: os.stat_result) -> Entry:
    """The entry of what the system says of a file."""
    problem = (
        ""
        if stat_module.S_ISREG(status.st_mode)
        else _PROBLEMS.get(stat_module.S_IFMT(status.st_mode), "not a file")
    )
    size, changed, inode = status.st_size, status.st_ctime_ns, status.st_ino
    return Entry(
        path, size, status.st_mtime_ns, changed, status.st_dev, inode, problem, host=machine_id()
    )
