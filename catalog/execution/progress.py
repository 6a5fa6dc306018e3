"""How far a run is. The null object shows nothing; the bar is for terminals."""

from __future__ import annotations

import sys
from typing import Any, Protocol


class Progress(Protocol):
    """What long work tells about itself. `shows_files`: whether it is worth counting the files beforehand."""

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

    def write(self, line: str) -> None:
        """Print a line without tearing the bar apart."""
        ...

    def close(self) -> None:
        """Leave the terminal clean."""
        ...


class NoProgress:
    """Shows nothing, prints lines."""

    shows_files = False

    def step(self, text: str) -> None:
        """Nothing."""

    def bytes(self, done: int, total: int) -> None:
        """Nothing."""

    def files(self, total: int) -> None:
        """Nothing."""

    def advance(self, count: int = 1) -> None:
        """Nothing."""

    def write(self, line: str) -> None:
        """Print to stderr."""
        sys.stderr.write(line + "\n")

    def close(self) -> None:
        """Nothing."""


class StepLines(NoProgress):
    """Says what is begun, without bars: for a log, where a first start would seem to hang otherwise."""

    def step(self, text: str) -> None:
        """Print to stderr."""
        sys.stderr.write(text + "\n")


class Bar(StepLines):
    """Bars on a terminal: downloads by bytes, runs by files with rate and time left."""

    shows_files = True

    def __init__(self) -> None:
        self._bar: Any = None
        self._shown = 0

    def bytes(self, done: int, total: int) -> None:
        """Show a download."""
        if self._bar is None:
            self._bar = self._new(total=total, unit="B", unit_scale=True, desc="download")
            self._shown = 0
        self._bar.update(done - self._shown)
        self._shown = done
        if done >= total:
            self.close()

    def files(self, total: int) -> None:
        """Show a run."""
        self.close()
        self._bar = self._new(total=total, unit=" files", smoothing=0.1)

    def advance(self, count: int = 1) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(count)

    def write(self, line: str) -> None:
        """Print above the bar."""
        from tqdm import tqdm

        tqdm.write(line, file=sys.stderr)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _new(self, **options: Any) -> Any:
        from tqdm import tqdm

        return tqdm(file=sys.stderr, dynamic_ncols=True, leave=False, **options)
