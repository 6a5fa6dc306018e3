"""Renames files in the other store as they were renamed here."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace

from catalog.domain.asset import Entry
from catalog.domain.copies import read_recorded
from catalog.domain.names import aside, original_of
from catalog.errors import AlreadyExists, StoreError
from catalog.features.mirror.plan import Follow
from catalog.features.mirror.preconditions import MirrorPreconditions, names_of
from catalog.features.mirror.transfer_recorder import Done
from catalog.work.file_renamer import FileRenamer
from catalog.work.journal import Journal

Attempt = Callable[[Follow, Callable[[Follow], Done]], Done]
"""Does something with an action unless the run is to end; gives what became of it."""


class Renamer:
    """Renames in the other store; `run` is what names for a moment are called after."""

    def __init__(self, sight: MirrorPreconditions, journal: Journal, run: str) -> None:
        self._sight = sight
        self._shown = sight.shown
        self._run = run
        self._files = FileRenamer(sight.target, sight.shown, journal)

    def rename(self, follows: Sequence[Follow], pool: Executor, attempt: Attempt) -> list[Done]:
        """All of them, as many at once as the store takes.

        Where a name is still held by what is to be renamed itself, as in a ring, the file gets a
        name of its own first. So does one whose name changes in case only, which a store that takes
        both for one refuses as a rename.
        """
        key = self._shown.key
        held = {key(f.old) for f in follows}

        def first_step(follow: Follow) -> Done:
            return attempt(follow, self._aside if key(follow.path) in held else self._move)

        return list(pool.map(self._ended, list(pool.map(first_step, follows))))

    def _ended(self, done: Done) -> Done:
        """A rename that has come to its end: at its name, or at the same with a number;
        else the file is back.
        """
        action = done.action
        if not isinstance(action, Follow):
            return done
        if isinstance(done.error, AlreadyExists):
            name = action.old
        elif done.entry is not None and original_of(done.entry.path):
            name = done.entry.path
        else:
            return done
        try:
            return self._placed(action, name)
        except StoreError as error:
            if name != action.old:
                with contextlib.suppress(StoreError):
                    self._files.move(name, action.old, action.hash)
            return Done(action, error=error)

    def _move(self, action: Follow) -> Done:
        """Rename a file that is as recorded;
        one that lies at its new place already came there before a kill.
        """
        there = self._sight.arrived(action)
        return Done(action, there or self._brought(action, action.old, action.path))

    def _aside(self, action: Follow) -> Done:
        """The same, to a name for a moment;
        a file that a killed run left under such a name has it already.
        """
        there = self._sight.arrived(action)
        if there is None and original_of(action.old):
            there = self._shown.sure(action.old)
        return Done(
            action, there or self._brought(action, action.old, aside(action.old, self._run))
        )

    def _brought(self, action: Follow, old: str, new: str) -> Entry:
        known = read_recorded(action.row, action.hash, action.checksums)
        return self._files.bring(known, old, new, action.old)

    def _placed(self, action: Follow, name: str) -> Done:
        """Where its name is taken by other content a file gets a number;
        that may be the name it had.
        """
        for path in names_of(action.path):
            if path == name:
                return Done(replace(action, placed=path), self._shown.sure(path))
            with contextlib.suppress(AlreadyExists):
                entry = self._brought(action, name, path)
                return Done(replace(action, placed=path), entry)
        raise self._sight.no_name(action)
