"""What a run does, written down before and after it does it: one JSON object a line,
only ever appended.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import orjson

from catalog.domain.events import BRINGING, RENAMING
from catalog.errors import DONE, SOME_FAILED, AlreadyExists, JournalError

_TAIL = 4096
"""More bytes than what a journal says of the end of a run."""


class Journal:
    """The journal of one run.

    `started` comes before an action touches anything, `done` or `failed` after it. It is locked
    while the run is under way, where the file system can.
    """

    def __init__(self, folder: Path, run: str) -> None:
        self.path = folder / f"{run}.jsonl"
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(
                self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise JournalError(
                f"The journal {self.path} cannot be written ({error.strerror}); nothing was "
                "changed.",
                hint="Name another folder with CATALOG_STATE_DIR.",
            ) from error
        with contextlib.suppress(OSError):
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def started(self, action: str, **details: object) -> None:
        """Say what is about to be done."""
        self._write("started", action, details)

    def done(self, action: str, **details: object) -> None:
        """Say that it was done, verified and recorded."""
        self._write("done", action, details)

    def failed(self, action: str, **details: object) -> None:
        """Say that it was not done; `reason` says why."""
        self._write("failed", action, details)

    @contextlib.contextmanager
    def coming(
        self, store: str, path: str, digest: str, source: str, *, renamed: bool = False
    ) -> Iterator[None]:
        """Meanwhile a file of a content comes to a free path of a store; `source` is where it was
        before, in the same store if it is `renamed`.
        """
        action = RENAMING if renamed else BRINGING
        self.started(action, store=store, path=path, hash=digest, source=source)
        try:
            yield
        except AlreadyExists:  # what lies there is not of this run's making
            self.failed(action, store=store, path=path, hash=digest, source=source)
            raise

    def close(self) -> None:
        """Bring the journal to the disk and close it."""
        os.fsync(self._descriptor)
        os.close(self._descriptor)

    def _write(self, state: str, action: str, details: Mapping[str, object]) -> None:
        line = (
            orjson.dumps(
                {"at": datetime.now(UTC).isoformat(), "state": state, "action": action, **details}
            )
            + b"\n"
        )
        with self._lock:
            try:
                os.write(self._descriptor, line)
            except OSError as error:
                raise JournalError(
                    f"The journal {self.path} cannot be written ({error.strerror}); the run stops."
                ) from error


def read_journal(
    path: Path, *, unless_ended: bool = False
) -> tuple[list[Mapping[str, object]], bool]:
    """The lines of a journal, of which the last may have been cut off, and whether it is still
    written; none where it is not there.

    `unless_ended`: none either where the run came to its end, whatever it met.
    """
    is_written = False
    try:
        with path.open("rb") as file:
            if unless_ended and _has_ended(file):
                return [], False
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                is_written = True
            except OSError:  # a file system without locks
                pass
            lines = file.read().splitlines()
    except (OSError, ValueError):
        return [], False
    return [row for line in lines if (row := _row(line))], is_written


def _has_ended(file: BinaryIO) -> bool:
    """Whether nothing ended a run before its time."""
    file.seek(max(file.seek(0, os.SEEK_END) - _TAIL, 0))
    last = _row(file.read().rstrip().rpartition(b"\n")[2])
    file.seek(0)
    is_end = (last.get("state"), last.get("action")) == ("done", "run")
    return is_end and last.get("status") in (DONE, SOME_FAILED)


def _row(line: bytes) -> Mapping[str, object]:
    with contextlib.suppress(orjson.JSONDecodeError):
        row = orjson.loads(line)
        if isinstance(row, dict):
            return row
    return {}
