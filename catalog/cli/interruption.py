"""Signals that ask the program to end."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass, field

from catalog.errors import INTERRUPTED

SECOND_THOUGHT = 1.0
"""Seconds after which being interrupted again is meant; before,
one key may have been told to us twice.
"""


@dataclass(slots=True)
class Interruption:
    """Being asked to end, by a person or the system.

    `asked` is set from then on; `number` is the signal that came first.
    """

    asked: threading.Event = field(default_factory=threading.Event)
    number: int = 0
    _since: float = 0.0

    def listen(self) -> None:
        """Take over the signals that end a program;
        SIGINT only where whoever started us does not want it ignored.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        signal.signal(signal.SIGTERM, self._end)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._end)

    def _end(self, number: int, _frame: object) -> None:
        """End in good order; asked again after a moment, at once:
        a run may be killed at any time.
        """
        if not self.asked.is_set():
            self._since = time.monotonic()
            self.number = number
            self.asked.set()
            raise KeyboardInterrupt
        if time.monotonic() - self._since > SECOND_THOUGHT:
            os._exit(INTERRUPTED)
