"""The numbers of files that were read only because their ctime was another: noted where the content
is as it was, so that they are read once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from catalog.domain.asset import Entry
from catalog.domain.copies import numbers_of
from catalog.domain.edits import Edit, with_numbers
from catalog.work.progress import NoProgress, Progress

AT_ONCE = 500
"""Edits that travel to the index together."""


class NumberWriter:
    """Writes what was found, some hundred at a time,
    so that a run that is cut off keeps what it had.

    Nothing happened to the asset: the history does not tell of it. `edit` None, as in a dry run:
    nothing is written. `on_stirred` is called before the files of a stirred store are read.
    """

    def __init__(self, store: str, progress: Progress | None = None) -> None:
        self.edit: Callable[[Sequence[Edit]], object] | None = None
        self._store = store
        self._progress = progress or NoProgress()
        self._edits: list[Edit] = []
        self.on_stirred: Callable[[], None] = lambda: None

    def stir(self) -> None:
        """Most files of the store have another ctime, and are to be read."""
        if self.edit is not None:
            self.on_stirred()

    def begin(self, count: int) -> None:
        """So many files are to be read."""
        what = "1 file" if count == 1 else f"{count:,} files"
        self._progress.step(f"Reading {what} whose change time (ctime) is another")
        if self._progress.shows_files:
            self._progress.files(count)

    def end(self) -> None:
        """They were read."""
        self._progress.close()

    def note(self, owner: str, entry: Entry) -> None:
        """A file of an asset, its copy or a sidecar, was read and is as it was."""
        if self.edit is None:
            return
        change = with_numbers(self._store, entry.path, numbers_of(entry))
        self._edits.append(Edit(owner, "numbers", change, {"effect": "index"}, untold=True))
        if len(self._edits) >= AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what is left."""
        edits, self._edits = self._edits, []
        if edits and self.edit is not None:
            self.edit(edits)
