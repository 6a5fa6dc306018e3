"""The loop of a service: it looks at folders again and again, and waits for them where they cannot
be reached.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from catalog.domain.names import printable
from catalog.errors import CatalogError, Interrupted
from catalog.work.sink import Sink

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds until folders that cannot be reached are tried again."""
_Folders = TypeVar("_Folders")


@dataclass(slots=True)
class ServiceLoop:
    """Looks every `frequency` seconds, until `interrupted`, which is raised as KeyboardInterrupt.

    What stops a look with one of the `errors` is told once, and tried again, less and less often;
    `lost` is called each time.
    """

    sink: Sink
    interrupted: threading.Event
    frequency: float
    errors: tuple[type[CatalogError], ...]
    lost: Callable[[], None] = lambda: None
    _told: str = ""

    def run(
        self,
        open_folders: Callable[[], AbstractContextManager[_Folders]],
        look: Callable[[_Folders], None],
    ) -> NoReturn:
        """Open the folders and look at them. Raises all other errors, and Interrupted."""
        pause = FIRST_PAUSE
        while True:
            try:
                with open_folders() as folders:
                    while True:
                        look(folders)
                        self._told, pause = "", FIRST_PAUSE
                        self.wait(self.frequency)
            except Interrupted:
                raise
            except self.errors as error:
                self.lost()
                self._tell(error)
            self.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def is_back(self) -> bool:
        """Whether the folders could not be reached before; asked once, it is forgotten."""
        was, self._told = bool(self._told), ""
        return was

    def wait(self, seconds: float) -> None:
        """Wait. Raises KeyboardInterrupt where the program is to end instead."""
        if self.interrupted.wait(seconds):
            raise KeyboardInterrupt

    def _tell(self, error: CatalogError) -> None:
        if self._told != str(error):
            self._told = str(error)
            self.sink.notice(
                f"Error: {printable(self._told)} It is tried again, at last every "
                f"{LONGEST_PAUSE / 60:g} minutes."
            )
