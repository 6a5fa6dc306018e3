"""How many bytes of files are in memory at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Budget:
    """Bytes that may be in memory; who wants more than there are waits."""

    free: int
    changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def holding(self, count: int) -> Iterator[None]:
        """Hold so many of them."""
        with self.changed:
            self.changed.wait_for(lambda: self.free >= count)
            self.free -= count
        try:
            yield
        finally:
            with self.changed:
                self.free += count
                self.changed.notify_all()
