"""Files that are written beside those whose places they take, so that these are whole or as before.

What a program that was killed has left so goes when the next one writes there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

READABLE, PRIVATE = 0o666, 0o600
"""Modes of a new file: as the umask allows, or for nobody but its owner."""
_LONGEST = 200
"""Characters of the file's own name in that of the one beside it."""


def replace_file(
    target: Path, data: bytes, *, mode: int = READABLE, owner: int | None = None
) -> None:
    """Write a file that is whole and on the disk, or as it was before. `mode` is less the umask;
    `owner` is the user and group id that it is given to. Raises OSError.
    """
    with open_aside(target, mode) as (aside, file):
        file.write(data)
        if owner is not None:
            os.fchown(file.fileno(), owner, owner)
        file.flush()
        os.fsync(file.fileno())
        aside.replace(target)


@contextlib.contextmanager
def open_aside(target: Path, mode: int = READABLE) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file beside `target` and its path; it goes at the end, unless it was given another name
    before. It has its mode, less the umask, from the beginning. Raises OSError.
    """
    prefix = f".{target.name[:_LONGEST]}."
    _sweep(target.absolute().parent, prefix)
    path = target.absolute().with_name(f"{prefix}{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield path, file
    finally:
        path.unlink(missing_ok=True)


def _sweep(folder: Path, prefix: str) -> None:
    """Remove the files beside another that no living program writes."""
    name = re.compile(rf"{re.escape(prefix)}[0-9a-f]{{8}}\.part")
    for path in folder.iterdir():
        if name.fullmatch(path.name):
            with contextlib.suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
