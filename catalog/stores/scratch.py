"""Folders for temporary files that outlive their program only until the next one looks."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from catalog.stores.paths import PRIVATE

IN_A_STORE = Path(PRIVATE) / "tmp"
_HOST = re.sub(r"\W", "", socket.gethostname()) or "host"
_ABANDONED_SECONDS = 7 * 24 * 3600


def claim_scratch(base: Path, inside: Path = IN_A_STORE, *, mode: int = 0o777) -> tuple[Path, int]:
    """A new folder at `inside` of a folder that is there, and the open descriptor that locks it.

    Raises OSError.

    What killed programs left there goes first. Another one may sweep the new folder, or remove its
    parent, in the moment before it is locked: then a new one is made.
    """
    parent = base / inside
    while True:
        scratch = parent / f"{_HOST}-{uuid.uuid4().hex}"
        try:
            for folder in (*reversed(inside.parents[:-1]), inside):
                (base / folder).mkdir(mode=mode, exist_ok=True)
            _sweep(parent)
            scratch.mkdir(mode=mode)
            descriptor = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (FileNotFoundError, FileExistsError):
            if not base.is_dir() or any(
                (base / folder).is_file() for folder in (inside, *inside.parents)
            ):
                raise
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # another run is sweeping it at this moment
            os.close(descriptor)
            continue
        except OSError:  # no locks here: then it is only kept by its age
            pass
        if scratch.is_dir():
            return scratch, descriptor
        os.close(descriptor)


def release_scratch(scratch: Path, lock: int) -> None:
    """Remove a folder that `claim_scratch` gave, and what it lies in once that is empty."""
    _drop(scratch, lock)
    sweep_scratch(scratch.parent)


def _drop(scratch: Path, lock: int) -> None:
    shutil.rmtree(scratch, ignore_errors=True)
    os.close(lock)


@contextlib.contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A folder of this run's own in `parent` (made if need be), which holds nothing else.

    Removed at the end.

    Raises OSError.
    """
    parent.parent.mkdir(parents=True, exist_ok=True)
    scratch, lock = claim_scratch(parent.parent, Path(parent.name), mode=0o700)
    try:
        yield scratch
    finally:
        _drop(scratch, lock)


def sweep_scratch(parent: Path) -> None:
    """Remove what killed programs left in a folder, and the folder too once it is empty."""
    with contextlib.suppress(OSError):
        _sweep(parent)
        parent.rmdir()


def _sweep(parent: Path) -> None:
    """Remove the folders that no living program holds.

    The locks of another machine cannot be seen on every network file system: its folders go when
    they are old.
    """
    for folder in parent.iterdir():
        with contextlib.suppress(OSError):
            if (
                not folder.name.startswith(f"{_HOST}-")
                and time.time() - folder.stat().st_mtime < _ABANDONED_SECONDS
            ):
                continue
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)
