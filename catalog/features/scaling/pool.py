"""Processes that scale pictures, for many threads at once."""

from __future__ import annotations

import os
import queue
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from catalog.domain.asset import Facts
from catalog.errors import MediaError, UnreadableMedia
from catalog.media.request import Request, Scaled
from catalog.work.workers import Limits, Nursery, ReaderPool

MODEL = "waifu2x"
LONGER, MORE = 6, 4
"""How many times the seconds and the memory that reading a file may need, scaling one may."""
_MODEL_SECONDS, _MODEL_MEMORY = 3600.0, 4 << 30
"""What a model may need for one picture."""


class ScalingPool:
    """So many processes, each of which does one request after the other; they may write in one
    folder alone. `limits` are those of reading a file.
    """

    def __init__(self, count: int, limits: Limits, folder: Path, method: str) -> None:
        is_model = method == MODEL
        self._limits = Limits(
            max(limits.seconds * LONGER, _MODEL_SECONDS if is_model else 0),
            max(limits.memory * MORE, _MODEL_MEMORY if is_model else 0),
            writable=os.fspath(folder),
        )
        self._nursery = Nursery(self._limits)
        self._idle: queue.LifoQueue[ReaderPool] = queue.LifoQueue()
        self._stack = ExitStack()
        self._count = count

    def __enter__(self) -> ScalingPool:
        self._stack.callback(self._nursery.close)
        for _ in range(self._count):
            pool = ReaderPool(1, self._limits, self._nursery)
            self._idle.put(self._stack.enter_context(pool))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def scale(self, request: Request) -> Scaled:
        """Do what `request.scaling` asks for. Raises MediaError."""
        made = self._answer(request)
        assert isinstance(made, Scaled)
        return made

    def read(self, path: Path) -> Facts:
        """The facts of a file, its look included. Raises MediaError."""
        found = self._answer(Request(os.fspath(path), size=path.stat().st_size))
        assert isinstance(found, Facts)
        return found

    def _answer(self, request: Request) -> object:
        """What comes of a request, which is put once more where it cannot be read: the process may
        have been ended by somebody. Raises MediaError.
        """
        answer = self._ask(request)
        if isinstance(answer, UnreadableMedia):
            answer = self._ask(request)
        if isinstance(answer, MediaError):
            raise answer
        return answer

    def _ask(self, request: Request) -> object:
        pool = self._idle.get()
        try:
            return next(iter(pool.run([(None, request)])))[1]
        finally:
            self._idle.put(pool)
