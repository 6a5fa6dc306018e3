"""Small pictures that were made before,
kept by content hash in a folder that does not grow beyond its limit.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from pathlib import Path

KEPT_SHARE = 0.9
"""What is left when the limit was passed: so much of it,
so that not each new picture makes room for itself.
"""
ABANDONED_SECONDS = 3600
"""Age of a half-written picture after which its writer is gone."""
_FORMAT = "1"
"""Changed when pictures are made in another way than before."""


class PreviewCache:
    """The pictures in `folder`, at most `limit` bytes of them;
    those that were not used for longest go first.

    Safe to use from several threads and programs. A folder that cannot be read or written is no
    error: then nothing is remembered.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._size: int | None = None
        self._lock = threading.Lock()

    def get(self, content_hash: str, side: int) -> bytes | None:
        """The JPEG of an asset with so many pixels on its long side, if it is there."""
        path = self._path(content_hash, side)
        try:
            data = path.read_bytes()
            os.utime(path)  # used now
        except OSError:
            return None
        return data

    def put(self, content_hash: str, side: int, data: bytes) -> None:
        """Keep a JPEG; it appears whole or not at all."""
        if len(data) > self._limit:
            return
        path = self._path(content_hash, side)
        aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                aside.write_bytes(data)
                aside.replace(path)
            finally:
                aside.unlink(missing_ok=True)
        except OSError:
            return
        self._make_room(len(data))

    def _path(self, content_hash: str, side: int) -> Path:
        return self._folder / content_hash[:2] / f"{content_hash}-{side}-{_FORMAT}.jpg"

    def _make_room(self, added: int) -> None:
        with self._lock:
            if self._size is not None and self._size + added <= self._limit:
                self._size += added
                return
            found = sorted(self._kept())
            self._size = sum(size for _used, _path, size in found)
            if self._size <= self._limit:
                return
            for _used, path, size in found:
                if self._size <= self._limit * KEPT_SHARE:
                    return
                with contextlib.suppress(OSError):
                    os.unlink(path)  # noqa: PTH108
                self._size -= size

    def _kept(self) -> list[tuple[float, str, int]]:
        """When each picture was last used, where it lies, and its bytes.

        What killed programs left half written goes.
        """
        found = []
        for folder, _folders, names in os.walk(self._folder):
            for name in names:
                path = os.path.join(folder, name)  # noqa: PTH118
                with contextlib.suppress(OSError):
                    status = os.stat(path)  # noqa: PTH116
                    if name.endswith(".jpg"):
                        found.append((status.st_mtime, path, status.st_size))
                    elif (
                        name.endswith(".part") and time.time() - status.st_mtime > ABANDONED_SECONDS
                    ):
                        os.unlink(path)  # noqa: PTH108
        return found
