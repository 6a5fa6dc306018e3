"""Folders for temporary files that outlive their program only until the next one looks."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from catalog.filesystem.beneath import LinkOnTheWay
from catalog.filesystem.tree import Tree
from catalog.stores.paths import IN_SCRATCH

_HOST = re.sub(r"\W", "", socket.gethostname()) or "host"
_OURS = re.compile(r"\w+-[0-9a-f]{32}")
"""The names that `claim_scratch` gives; nothing else is ever swept."""
_ABANDONED_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Scratch:
    """A folder for temporary files, locked while it is open. It lies at `inside` beneath `base`."""

    folder: Tree
    base: Tree
    inside: str

    @property
    def path(self) -> Path:
        """Where it lies, for programs that are given a path."""
        return self.folder.path


def claim_scratch(base: Tree, inside: str = IN_SCRATCH, *, mode: int = 0o777) -> Scratch:
    """A new folder at `inside` of a folder that is there, locked.

    Raises OSError; LinkOnTheWay where a part of `inside` is a symbolic link.

    What killed programs left there goes first. Another one may sweep the new folder, or remove its
    parent, in the moment before it is locked: then a new one is made.
    """
    while True:
        name = f"{_HOST}-{uuid.uuid4().hex}"
        try:
            base.make_folders(inside, mode)
            parent = base.below(inside)
            _sweep(parent)
            parent.make_folders(name, mode)
            folder = parent.below(name)
        except FileNotFoundError:
            if not base.is_there():
                raise
            continue
        try:
            fcntl.flock(folder.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # another run is sweeping it at this moment
            continue
        except OSError:  # no locks here: then it is only kept by its age
            pass
        if folder.is_there():
            return Scratch(folder, base, inside)


def release_scratch(scratch: Scratch) -> None:
    """Remove a folder that `claim_scratch` gave, and what it lies in once that is empty."""
    _drop(scratch)
    with contextlib.suppress(OSError):
        sweep_scratch(scratch.base, scratch.inside)


def _drop(scratch: Scratch) -> None:
    with contextlib.suppress(OSError):
        scratch.folder.clear()
        scratch.base.remove_folder(f"{scratch.inside}/{scratch.path.name}")
    scratch.folder.close()


@contextlib.contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A folder of this run's own in `parent` (made if need be), which holds nothing else.

    Removed at the end.

    Raises OSError.
    """
    parent.parent.mkdir(parents=True, exist_ok=True)
    scratch = claim_scratch(Tree(parent.parent), parent.name, mode=0o700)
    try:
        yield scratch.path
    finally:
        _drop(scratch)


def sweep_scratch(base: Tree, inside: str = IN_SCRATCH) -> None:
    """Remove what killed programs left at `inside` of a folder, and that too once it is empty.

    Raises LinkOnTheWay where a part of `inside` is a symbolic link.
    """
    try:
        _sweep(base.below(inside))
        base.remove_folder(inside)
    except LinkOnTheWay:
        raise
    except OSError:
        return


def _sweep(parent: Tree) -> None:
    """Remove the folders of ours that no living program holds.

    The locks of another machine cannot be seen on every network file system: its folders go when
    they are old.
    """
    with parent.scan() as rows:
        names = [row.name for row in rows if _OURS.fullmatch(row.name)]
    for name in names:
        with contextlib.suppress(OSError):
            folder = parent.below(name)
            age = time.time() - os.fstat(folder.descriptor).st_mtime
            if not name.startswith(f"{_HOST}-") and age < _ABANDONED_SECONDS:
                continue
            fcntl.flock(folder.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            folder.clear()
            parent.remove_folder(name)
