"""A folder, and everything beneath it, as one place.

The folder itself may be a link, or lie below links: a person named it so. What is beneath it is
reached from the opened folder, and no link is followed on the way; so that a folder that somebody
swaps for a link, at whatever moment, leads nowhere.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
import traceback
import weakref
from collections.abc import Iterator
from pathlib import Path

from catalog.filesystem.atomic_rename import rename_without_overwriting
from catalog.filesystem.beneath import (
    LISTED,
    PLACE,
    Descriptor,
    LinkOnTheWay,
    open_beneath,
)

MOST_OPEN = 64
"""Trees whose folders are kept open at most; of the others it is opened anew when it is used."""
_open: list[weakref.ref[Tree]] = []
_lock = threading.Lock()


class Tree:
    """A folder of this machine and what lies beneath it. Many threads may use one.

    Paths are relative to it, as the system names them; "" is the folder itself. Everything raises
    OSError, and LinkOnTheWay where a part of a path is a symbolic link.
    """

    def __init__(self, path: Path, folder: Descriptor | None = None) -> None:
        self.path = path
        self._folder = folder
        self._is_pinned = folder is not None

    # --- folders ----------------------------------------------------------------------------------

    @property
    def descriptor(self) -> Descriptor:
        """The opened folder; opened when first asked for."""
        folder = self._folder
        if folder is None and self._is_pinned:
            raise OSError(errno.EBADF, "closed", os.fspath(self.path))
        if folder is None:
            folder = self._folder = Descriptor(os.open(self.path, PLACE))
            _keep_open(self)
        return folder

    def is_there(self) -> bool:
        """Whether its path leads to a folder, and to that which was opened."""
        try:
            there, folder = self.path.stat(), self._folder
            if folder is None:
                return self.path.is_dir()
            return os.path.samestat(there, os.fstat(folder))
        except OSError:
            return False

    def close(self) -> None:
        """Let go of the folder. It is opened again when it is used again, if it was opened by its
        path.
        """
        self._folder = None

    def open_folder(self, path: str, flags: int = PLACE) -> Descriptor:
        """A folder, opened to act in it; with LISTED to list it."""
        return open_beneath(self.descriptor, path, flags)

    def make_folders(self, path: str, mode: int = 0o777) -> Descriptor:
        """A folder, opened; it and those above it are made if need be."""
        try:
            return self.open_folder(path)
        except FileNotFoundError:
            folder, way = self.descriptor, ""
        for part in filter(None, path.split("/")):
            way = f"{way}/{part}" if way else part
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, mode, dir_fd=folder)
            try:
                folder = open_beneath(folder, part, PLACE)
            except LinkOnTheWay as error:
                raise LinkOnTheWay(way if error.link else "") from None
        return folder

    def below(self, path: str) -> Tree:
        """A folder as a tree of its own, opened for good, so that it can be listed and locked."""
        return Tree(self.path / path, self.open_folder(path, LISTED))

    @contextlib.contextmanager
    def scan(self, path: str = "") -> Iterator[Iterator[os.DirEntry[str]]]:
        """The rows of a folder, to be looked at while it is open."""
        folder = self.open_folder(path, LISTED)
        with os.scandir(folder) as rows:
            yield rows

    def sync_folder(self, path: str) -> None:
        """Bring the names in a folder to the disk."""
        os.fsync(self.open_folder(path, LISTED))

    def remove_folder(self, path: str) -> None:
        """Remove a folder that is empty."""
        folder, name = self._spot(path)
        os.rmdir(name, dir_fd=folder)

    def clear(self) -> None:
        """Remove what lies in the folder, as far as that can be done."""
        with self.scan() as rows:
            found = [(row.name, row.is_dir(follow_symlinks=False)) for row in rows]
        for name, is_folder in found:
            if is_folder:
                shutil.rmtree(name, ignore_errors=True, dir_fd=self.descriptor)
            else:
                with contextlib.suppress(OSError):
                    self.remove_file(name)

    # --- files ------------------------------------------------------------------------------------

    def stat(self, path: str) -> os.stat_result:
        """What the system says of a file, or of a link."""
        folder, name = self._spot(path)
        return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def open(self, path: str) -> Descriptor:
        """A file, opened to be read; of a pipe nothing is waited for."""
        return open_beneath(self.descriptor, path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def read(self, path: str) -> bytes:
        """The bytes of a small file."""
        with open(self.open(path).release(), "rb") as file:
            return file.read()

    def create(self, path: str, mode: int = 0o666) -> Descriptor:
        """A new file, opened to be written. Raises FileExistsError where its name is taken."""
        folder, name = self._spot(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return Descriptor(os.open(name, flags, mode, dir_fd=folder))

    def write(self, path: str, data: bytes) -> None:
        """A new small file."""
        with open(self.create(path).release(), "wb") as file:
            file.write(data)

    def remove_file(self, path: str) -> None:
        """Remove a file."""
        folder, name = self._spot(path)
        os.unlink(name, dir_fd=folder)

    def place(self, path: str, target: Tree, name: str, *, over: bool = False) -> None:
        """Give a file its name in a tree of the same disk, in a folder that is there.

        Raises FileExistsError where the name is taken, unless it may go `over` what has it.
        """
        source_folder, source = self._spot(path)
        target_folder, goal = target._spot(name)
        if over:
            os.replace(source, goal, src_dir_fd=source_folder, dst_dir_fd=target_folder)
        else:
            rename_without_overwriting(source, goal, source_folder, target_folder)

    def _spot(self, path: str) -> tuple[Descriptor, str]:
        """The folder of a path, opened, and the name in it."""
        folder, _, name = path.rpartition("/")
        if name in ("", ".", ".."):
            raise OSError(errno.EINVAL, "no path of a file", path)
        return self.open_folder(folder) if folder else self.descriptor, name


def release_held(error: BaseException | None) -> None:
    """Close what the calls that an error went through had open. It is told and kept, and the disk
    may be taken out meanwhile.
    """
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def _keep_open(tree: Tree) -> None:
    """Note that a tree has opened its folder; the one that did so first lets go of it where there
    are too many.
    """
    with _lock:
        living = [other for reference in _open if (other := reference()) not in (None, tree)]
        kept = [*living, tree][-MOST_OPEN:]
        _open[:] = map(weakref.ref, kept)
    for oldest in living[: len(living) + 1 - len(kept)]:
        oldest.close()
