"""Whether the files of the unpacked Elasticsearch are those of the archive whose hash is pinned.

What was hashed once is not hashed again while its size, times and inode stay as they are: a start
then costs a look at some two hundred files. That is no protection against somebody who may write as
this user, who could as well change the program; it is one against damage, a half update, and others
who got at the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson

from catalog.engine.failures import system_errors
from catalog.errors import NodeError
from catalog.filesystem.aside import replace_file

SEEN = "seen.json"
Seen = dict[str, list[object]]
"""By path: size, time of change, time of status change (ns), inode, and SHA-256."""


def check_files(folder: Path, expected: str) -> None:
    """Raise NodeError where the files below a folder are not those that `expected` stands for.

    `expected` is the SHA-256 of their SHA-256 and paths, as `tree_digest` makes it.
    """
    record = folder.parent / f"{folder.name}.{SEEN}"
    before = _read(record)
    with system_errors("read", folder):
        now = _look(folder, before)
    if tree_digest({path: str(row[-1]) for path, row in now.items()}) != expected:
        record.unlink(missing_ok=True)
        raise NodeError(
            f"The files of Elasticsearch in {folder} are not those of its checked archive"
            f"{_differing(before, now)}; it was not started.",
            hint="Who may write there? Remove that folder: the next command unpacks Elasticsearch "
            "anew. The catalog's data lie elsewhere.",
        )
    if now != before:
        with contextlib.suppress(OSError):
            replace_file(record, orjson.dumps(now))


def tree_digest(digests: Mapping[str, str]) -> str:
    """One digest of files by path and SHA-256, as `sha256sum` lists them, sorted by path."""
    rows = (f"{digest}  {path}\n" for path, digest in sorted(digests.items()))
    return hashlib.sha256("".join(rows).encode("utf-8", "surrogateescape")).hexdigest()


def _look(folder: Path, before: Seen) -> Seen:
    now: Seen = {}
    for path in _files(folder):
        relative, status = os.path.relpath(path, folder), os.lstat(path)
        row: list[object] = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        known = before.get(relative, [])
        now[relative] = known if known[:-1] == row else [*row, _digest(path, status.st_mode)]
    return now


def _files(folder: Path) -> Iterator[str]:
    """All that is no folder."""
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(f"{parent}/{name}")]  # noqa: PTH114
        for name in (*files, *links):
            yield f"{parent}/{name}"


def _digest(path: str, mode: int) -> str:
    if not stat.S_ISREG(mode):
        return "not a file"
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _differing(before: Seen, now: Seen) -> str:
    """Which files are not as they were when all was well, if that is known."""
    changed = sorted(
        path
        for path in before.keys() | now.keys()
        if before.get(path, [""])[-1] != now.get(path, [""])[-1]
    )
    if not before or not changed:
        return ""
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f" ({changed[0]}{more})"


def _read(record: Path) -> Seen:
    try:
        found = orjson.loads(record.read_bytes())
    except (OSError, ValueError):
        return {}
    rows = found.items() if isinstance(found, dict) else ()
    return {path: row for path, row in rows if isinstance(row, list) and len(row) == 5}
