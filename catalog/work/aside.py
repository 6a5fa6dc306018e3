"""Files that are written beside those whose places they take, so that these are whole or as before.

What a program that was killed has left so goes when the next one writes there.
"""

from __future__ import annotations

import contextlib
import fcntl
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_LONGEST = 200
"""Characters of the file's own name in that of the one beside it."""


@contextlib.contextmanager
def open_aside(target: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file beside `target` and its path; it goes at the end, unless it was given another name
    before. Raises OSError.
    """
    prefix = f".{target.name[:_LONGEST]}."
    _sweep(target.absolute().parent, prefix)
    path = target.absolute().with_name(f"{prefix}{secrets.token_hex(4)}.part")
    try:
        with path.open("xb") as file:
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
