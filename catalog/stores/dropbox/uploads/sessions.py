"""Upload sessions that were begun and not finished:
which content they carry and how much of it Dropbox has.

A file each, locked while a run uses it, so that a killed run's upload goes on where it was and two
runs do not mix theirs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

LIFETIME = 6 * 24 * 3600
"""Seconds for which a session is taken up again; Dropbox keeps one for seven days."""


@dataclass(slots=True)
class Unfinished:
    """A session and the bytes it surely has.

    `keep` writes that down; with no `descriptor` nothing is kept.
    """

    descriptor: int | None
    session: str = ""
    offset: int = 0
    begun: float = 0.0

    def keep(self, session: str, offset: int) -> None:
        """Write down how far it is."""
        if session != self.session:
            self.begun = time.time()
        self.session, self.offset = session, offset
        if self.descriptor is not None:
            data = orjson.dumps({"session": session, "offset": offset, "begun": self.begun})
            os.pwrite(self.descriptor, data.ljust(256), 0)

    def forget(self) -> None:
        """It is finished, or no longer known to Dropbox."""
        self.session, self.offset = "", 0
        if self.descriptor is not None:
            os.ftruncate(self.descriptor, 0)


class UnfinishedUploads:
    """The records in a folder, by account and content hash."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.contextmanager
    def taken_up(self, content_hash: str) -> Iterator[Unfinished]:
        """The session of a content, if there is one;
        another run's that goes on at this moment is not taken.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / content_hash
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield Unfinished(None)
                return
            found = _read(descriptor)
            yield found
            if not found.session:
                path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)

    def sweep(self) -> None:
        """Remove the records of sessions that Dropbox no longer knows."""
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > LIFETIME:
                    path.unlink()


def _read(descriptor: int) -> Unfinished:
    try:
        known = orjson.loads(os.pread(descriptor, 1024, 0))
        found = Unfinished(
            descriptor, str(known["session"]), int(known["offset"]), float(known["begun"])
        )
    except (ValueError, KeyError, TypeError):
        return Unfinished(descriptor)
    return found if time.time() - found.begun < LIFETIME else Unfinished(descriptor)
