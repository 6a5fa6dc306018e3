"""Reading the ends of the node's log files without reading them whole."""

from __future__ import annotations

import os
from pathlib import Path

from catalog.engine.config import CLUSTER
from catalog.engine.failures import meaningful_lines, quote_lines
from catalog.engine.process import console_file

_TAIL_BYTES = 512 * 1024


def log_file(home: Path) -> Path:
    """The node's log, one line a message."""
    return home / "logs" / f"{CLUSTER}.log"


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a text file, of its last 512 KB;
    empty when it is not there or may not be read.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return text.splitlines()[-lines:] if lines > 0 else []


def size(path: Path) -> int:
    """Bytes in a file; 0 when it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def since(path: Path, start: int) -> str:
    """What was written to a file after its first `start` bytes;
    all of it when the file was rotated meanwhile.
    """
    try:
        with path.open("rb") as file:
            file.seek(start if size(path) >= start else 0)
            return file.read(_TAIL_BYTES).decode(errors="replace")
    except OSError:
        return ""


def start_text(home: Path, log_start: int) -> str:
    """All that a start wrote: the node's log since `log_start`, then the console."""
    return since(log_file(home), log_start) + "\n" + since(console_file(home), 0)


def last_words(home: Path) -> str:
    """The last messages of node and start script that say something, on one line."""
    lines = tail(log_file(home), 200) + tail(console_file(home), 50)
    said = meaningful_lines("\n".join(lines)) or [line[:200] for line in tail(log_file(home), 3)]
    return quote_lines(said)
