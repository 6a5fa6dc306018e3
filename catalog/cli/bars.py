"""How far a run is, on a terminal as bars, in a log as lines;
and lines that do not tear the bars apart.

All on stderr.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from catalog.cli.terminal import complain
from catalog.domain.names import printable
from catalog.work.progress import NoProgress

LINE_SECONDS = 10.0
"""How often a log is told how far long work is."""


def time_text(seconds: float) -> str:
    """`2:05`, or `1:02:05`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Lines(NoProgress):
    """Shows nothing, prints lines."""

    def write(self, line: str) -> None:
        """Print to stderr."""
        complain(line)


class StepLines(Lines):
    """Says what is begun, without bars: for a log,
    where a first start would seem to hang otherwise.
    """

    def __init__(self) -> None:
        self._film = ""
        self._began = self._said = 0.0

    def step(self, text: str) -> None:
        """Print to stderr."""
        complain(text)

    def film(self, text: str, done: float, total: float) -> None:
        """A line every so often, with the time left."""
        now = time.monotonic()
        if text != self._film:
            self._film, self._began, self._said = text, now, now
        if now - self._said >= LINE_SECONDS and 0 < done < total:
            self._said = now
            left = (now - self._began) * (total - done) / done
            self.write(f"{text}: {done / total:.0%}, {time_text(left)} left")


class Bar(StepLines):
    """Bars on a terminal: downloads by bytes, runs by files with rate and time left."""

    shows_files = True

    def __init__(self) -> None:
        super().__init__()
        self._bar: Any = None
        self._film_bar: Any = None
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

    def film(self, text: str, done: float, total: float) -> None:
        """Show a film, with the time left."""
        if text != self._film or self._film_bar is None:
            self._close_film()
            form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left"
            self._film, self._film_bar = (
                text,
                self._new(total=total, desc=printable(text), bar_format=form),
            )
        self._film_bar.update(max(0.0, min(done, total) - self._film_bar.n))
        if done >= total:
            self._close_film()

    def write(self, line: str) -> None:
        """Print above the bar."""
        from tqdm import tqdm

        tqdm.write(printable(line), file=sys.stderr)

    def close(self) -> None:
        """Remove the bars."""
        self._close_film()
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _close_film(self) -> None:
        if self._film_bar is not None:
            self._film_bar.close()
            self._film_bar = None
            self._film = ""

    def _new(self, **options: Any) -> Any:
        from tqdm import tqdm

        return tqdm(file=sys.stderr, dynamic_ncols=True, leave=False, **options)
