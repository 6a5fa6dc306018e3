"""How far a run is, as it tells it. The null object shows nothing."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What long work tells about itself.

    `shows_files`: whether it is worth counting the files beforehand.
    """

    shows_files: bool

    def step(self, text: str) -> None:
        """Begin something that takes a while."""
        ...

    def bytes(self, done: int, total: int) -> None:
        """So much of a download is there."""
        ...

    def files(self, total: int) -> None:
        """So many files are to be looked at."""
        ...

    def advance(self, count: int = 1) -> None:
        """So many more files have their outcome."""
        ...

    def film(self, text: str, done: float, total: float) -> None:
        """So many seconds of a film have been worked on; `text` says which,
        and what is done with it.
        """
        ...

    def close(self) -> None:
        """Leave the terminal clean."""
        ...


class NoProgress:
    """Shows nothing."""

    shows_files = False

    def step(self, text: str) -> None:
        """Nothing."""

    def bytes(self, done: int, total: int) -> None:
        """Nothing."""

    def files(self, total: int) -> None:
        """Nothing."""

    def advance(self, count: int = 1) -> None:
        """Nothing."""

    def film(self, text: str, done: float, total: float) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""
