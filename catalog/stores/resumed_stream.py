"""Reading files of a service as streams that survive a broken line: they go on at the byte where it
broke.
"""

from __future__ import annotations

import contextlib
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from catalog.errors import FixityMismatch


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service sends of a file: its bytes, by which version of the file they are of ("": it
    does not say), and how to let go of the line.

    `before`: how many bytes come first that were not asked for.
    """

    pieces: Iterator[bytes]
    version: str
    close: Callable[[], None]
    before: int = 0


class ResumedStream(io.RawIOBase, ABC):
    """The bytes of a file from `offset`, `length` of them at most (None: all).

    `path` and `store` are for errors; `broken` are those of a line that broke. The subclass asks
    first when it is ready (`begin`), and what it enters in `held` is let go of at the end.
    """

    broken: tuple[type[Exception], ...] = (OSError,)

    def __init__(self, store: str, path: str, offset: int, length: int | None) -> None:
        super().__init__()
        self._store = store
        self._path = path
        self._position = offset
        self._end = None if length is None else offset + length
        self.held = contextlib.ExitStack()
        self._answer: Answer | None = None
        self._rest = memoryview(b"")
        self._version: str | None = None
        self._is_whole = False

    @abstractmethod
    def ask(self, position: int, end: int | None) -> Answer | None:
        """Ask for the bytes from a position up to an end; None where the file has no more."""

    @abstractmethod
    def give_time(self, error: Exception, attempt: int) -> None:
        """Wait after a line broke. Raises StoreUnavailable where that was tried for long enough."""

    def begin(self) -> None:
        """Send the first request."""
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, as far as bytes come; 0 at the end."""
        piece = self._next(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def read(self, size: int | None = -1) -> bytes | None:
        """What has come, so many bytes at most; all that is left where none are named. No room is
        made for what has not come yet, as `RawIOBase` does.
        """
        return super().read() if size is None or size < 0 else bytes(self._next(size))

    def _next(self, wanted: int) -> memoryview:
        """The next bytes, so many at most; none at the end."""
        attempt = 0
        while not self._rest and not self._is_whole:
            try:
                if self._answer is None:
                    self._open()
                else:
                    self._rest = memoryview(next(self._answer.pieces))
            except StopIteration:
                self._is_whole = True
            except self.broken as error:
                self._drop()
                self.give_time(error, attempt)
                attempt += 1
        if self._end is not None:  # a server may send all although it was asked for a part
            wanted = min(wanted, self._end - self._position)
        piece = self._rest[:wanted]
        self._rest = self._rest[len(piece) :]
        self._position += len(piece)
        return piece

    def _open(self) -> None:
        """Ask for the bytes from where we are; the file must still be the one that was begun."""
        is_done = self._end is not None and self._end <= self._position
        answer = None if is_done else self.ask(self._position, self._end)
        if answer is None:
            self._is_whole = True
            return
        if self._version is not None and answer.version != self._version:
            answer.close()
            raise FixityMismatch(
                f"{self._path} changed while it was read.",
                store=self._store,
                path=self._path,
                hint="Run the command again.",
            )
        self._version, self._answer = answer.version, answer
        before = answer.before
        while before and (piece := next(answer.pieces, b"")):
            self._rest = memoryview(piece)[before:]
            before -= min(before, len(piece))

    def _drop(self) -> None:
        self._rest = memoryview(b"")
        if self._answer is not None:
            self._answer.close()
            self._answer = None

    def close(self) -> None:
        """Let go of the line, whatever is still on it."""
        if not self.closed:
            self._drop()
            self.held.close()
        super().close()


def range_of(position: int, end: int | None) -> dict[str, str]:
    """The header that asks for a part (RFC 9110, section 14.2); none for the whole file."""
    if not position and end is None:
        return {}
    return {"Range": f"bytes={position}-{'' if end is None else end - 1}"}
