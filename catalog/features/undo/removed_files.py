"""What a run removed outside the stores, by its journal on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class Removed:
    """A file that a run removed, or was about to.

    `hash` is that of its asset, `device` the disk it lay on, and `target` the path in the catalog
    of what has its content; `size` in bytes and `mtime_ns` (since 1970) are those it had. What the
    journal does not say is None, or "".
    """

    hash: str
    device: int | str | None = None
    size: int | None = None
    mtime_ns: int | None = None
    target: str = ""


@dataclass(frozen=True, slots=True)
class RemovedFiles:
    """The files that a run of `command` removed, by their sources as the history names them."""

    command: str
    files: dict[str, Removed]


def read_removed(folder: Path, run: str) -> RemovedFiles:
    """What the journal of a run says; nothing where this machine has none."""
    base, command, found = "", "", dict[str, Removed]()
    for row in journal_rows(folder, run):
        action, is_begun = row.get("action"), row.get("state") == "started"
        if is_begun and action == "run":
            base, command = str(row.get("source", "")), str(row.get("command", ""))
        elif is_begun and action == "remove" and "source" in row:
            device = row.get("device")
            found[f"{base}/{row['source']}"] = Removed(
                str(row.get("hash", "")),
                device if isinstance(device, int | str) else None,
                _number(row, "size"),
                _number(row, "mtime_ns"),
                str(row.get("target", "")),
            )
    return RemovedFiles(command, found)


def _number(row: Mapping[str, object], name: str) -> int | None:
    value = row.get(name)
    return value if isinstance(value, int) else None


def journal_rows(folder: Path, run: str) -> Iterator[Mapping[str, object]]:
    """The lines of a run's journal, none where it is not there; the last may have been cut off."""
    try:
        lines = (folder / f"{run}.jsonl").read_bytes().splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        with contextlib.suppress(orjson.JSONDecodeError):
            row = orjson.loads(line)
            if isinstance(row, dict):
                yield row
