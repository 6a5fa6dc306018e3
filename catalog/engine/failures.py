"""Turns what the system or a dying Elasticsearch says into one clear `NodeError`."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catalog.errors import NodeError

SPACE_HINT = "Free some space, or choose another folder with CATALOG_NODE_HOME."
PLACE_HINT = "Make it writable for you, or choose another folder with CATALOG_NODE_HOME."
LOGS_HINT = "`catalog engine logs` shows more."

_NOISE = re.compile(
    r"^\s*(at |\.\.\. \d+ more|Suppressed:|WARNING:|Likely root cause|For complete error "
    r"details|warning: |(output|error):\s*$|$)"
    r"|RuntimeException: starting java failed|^ERROR: Elasticsearch (did not exit normally|died "
    r"while starting)"
    r"|\]\[(INFO|DEBUG|WARN) *\]|fatal exception while booting|fatal error in thread"
)
_LOG_PREFIX = re.compile(r"^\[\d{4}-[^\]]*\]\[(\w+) *\]\[[^\]]*\] (\[[^\]]*\])?\s*")

_MEMORY = (
    "Cannot allocate memory",
    "OutOfMemoryError",
    "insufficient memory",
    "Could not reserve enough space",
)


@contextmanager
def system_errors(doing: str, path: Path) -> Iterator[None]:
    """Raise every `OSError` of the block as a NodeError: "cannot <doing> <path>: reason"."""
    try:
        yield
    except OSError as error:
        raise from_os_error(doing, path, error) from error


def from_os_error(doing: str, path: Path, error: OSError) -> NodeError:
    """One line for an error of the operating system; `doing` is a verb phrase such as "write"."""
    where = Path(error.filename) if isinstance(error.filename, str) else path
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NodeError(f"The disk is full: cannot {doing} {where}.", hint=SPACE_HINT)
    reason = error.strerror or str(error)
    return NodeError(f"Cannot {doing} {where}: {reason}.", hint=PLACE_HINT)


def meaningful_lines(text: str, count: int = 6) -> list[str]:
    """The last `count` lines of a log that say something: no stack frames, no routine messages,
    no repetition.
    """
    kept: list[str] = []
    for line in text.splitlines():
        if _NOISE.search(line):
            continue
        short = _LOG_PREFIX.sub("", line).strip()[:300]
        if short and short not in kept:
            kept.append(short)
    return kept[-count:]


def quote_lines(lines: list[str]) -> str:
    """Log lines as the end of a message; one that says so when there are none."""
    return " | ".join(lines) if lines else "it left no message"


def port_taken_in(text: str) -> bool:
    """Whether a log says that another program has the port."""
    return (
        "BindHttpException" in text
        or "BindTransportException" in text
        or "Address already in use" in text
    )


def from_log(text: str, *, home: Path, port: int, heap_mb: int, code: int | None) -> NodeError:
    """Why a node died while starting, from what it wrote (console and log);
    `code` is its exit status, if known.
    """
    said = "\n".join(
        meaningful_lines(text, 50)
    )  # without the routine messages, which name JVM options and paths
    last = quote_lines(meaningful_lines(text))
    if port_taken_in(said):
        return NodeError(
            f"Port {port} on 127.0.0.1 is taken by another program.",
            hint="Stop it, or choose another port.",
        )
    if "cannot downgrade a node" in said or "IndexFormatTooNewException" in said:
        return newer_data(home, last)
    if "Lock held by" in said:
        return NodeError(
            f"Another Elasticsearch uses the data folder {home / 'data'}.",
            hint="Stop that process, or choose another folder.",
        )
    if "AccessDeniedException" in said:
        return NodeError(
            f"Elasticsearch may not read or write its own files in {home}: {last}", hint=PLACE_HINT
        )
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return NodeError(
            f"The disk is full: Elasticsearch cannot write below {home}.", hint=SPACE_HINT
        )
    if any(words in said for words in _MEMORY) or code in (-9, 137):
        return NodeError(
            f"Elasticsearch got too little memory with engine_heap_mb = {heap_mb}: {last}",
            hint="Close other programs, or change the setting engine_heap_mb (192 to 512 serve).",
        )
    how = f" (exit status {code})" if code else ""
    return NodeError(f"Elasticsearch in {home} died while starting{how}: {last}", hint=LOGS_HINT)


def newer_data(home: Path, detail: str) -> NodeError:
    """The data folder was written by a later Elasticsearch; `detail` says how that is known."""
    return NodeError(
        f"The data folder {home / 'data'} was made by a newer version of this program: {detail}. "
        "Nothing was changed.",
        hint="Update the program (pip install --upgrade image-catalog), or choose another folder "
        "with CATALOG_NODE_HOME.",
    )
