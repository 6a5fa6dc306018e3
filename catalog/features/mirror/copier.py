"""Copies files to the other store."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from catalog.domain.asset import Entry
from catalog.domain.checksums import agree, select_recorded
from catalog.errors import AlreadyExists, StoreError
from catalog.features.mirror.plan import Transfer
from catalog.features.mirror.preconditions import FOUND, TAKEN, MirrorPreconditions, names_of
from catalog.features.mirror.transfer_recorder import Done
from catalog.work.journal import Journal
from catalog.work.replaced_files import give_way
from catalog.work.throttle import Throttle


class Copier:
    """Copies to the other store by the shortest way; `run` is whose trash gets what gives way."""

    def __init__(
        self, sight: MirrorPreconditions, journal: Journal, run: str, throttle: Throttle
    ) -> None:
        self._sight = sight
        self._journal = journal
        self._source = sight.source
        self._target = sight.target
        self._shown = sight.shown
        self._run = run
        self._throttle = throttle

    def copy(self, action: Transfer) -> Done:
        """Copy a file; where its name is taken by other content it gets a number,
        and an older sidecar gives way.
        """
        entry = self._sight.sent(action)
        if (other := self._sight.called_otherwise(action)) is not None:
            self._throttle.unused(action.size)
            return Done(replace(action, placed=other.path, found=True), other)
        for path in names_of(action.goal):
            done = self._copy_to(path, self._shown.at(path), action, entry)
            if done is not None:
                return done
        raise self._sight.no_name(action)

    def _copy_to(
        self, path: str, there: Entry | None, action: Transfer, entry: Entry
    ) -> Done | None:
        """A copy under this very name, or what lies there if it is the content;
        None where the name is taken.
        """
        if there is None:
            try:
                source = f"{self._source.name}:{action.path}"
                with self._journal.coming(self._target.name, path, action.hash, source):
                    made = self._put(path, action, entry)
            except AlreadyExists:
                there = self._shown.live(path)
                return self._copy_to(path, there, action, entry) if there is not None else None
            self._shown.add(made)
            return Done(replace(action, placed=made.path), made)
        what = self._sight.lies(there, action, entry)
        if what == TAKEN:
            return None
        if what == FOUND:
            self._throttle.unused(action.size)
            return Done(replace(action, placed=there.path, found=True), there)
        return self._in_place_of(there, action, entry)

    def _in_place_of(self, older: Entry, action: Transfer, entry: Entry) -> Done | None:
        """A copy where an older sidecar lies, which comes back where it cannot be made."""
        about = (self._target, older.path, action.replaces, self._run, self._journal)
        self._shown.drop(older.path)
        try:
            with give_way(*about) as trash:
                done = self._copy_to(older.path, None, action, entry)
        except StoreError:
            with contextlib.suppress(StoreError):
                if (there := self._target.stat(older.path)) is not None:
                    self._shown.add(there)
            raise
        return done and done._replace(trash=trash)

    def _put(self, path: str, action: Transfer, entry: Entry) -> Entry:
        adopted = self._target.adopt(self._source, action.path, path, action.hash)
        if adopted is not None:
            self._throttle.unused(action.size)
            return adopted
        is_far = self._source.folder is None or self._target.folder is None
        if action.like and (made := self._copied(path, action)) is not None:
            return made
        with (
            self._source.open(action.path) as stream,
            self._throttle.paced(stream, always=is_far) as paced,
        ):
            return self._target.put(path, paced, entry.size, entry.mtime_ns, action.hash)

    def _copied(self, path: str, action: Transfer) -> Entry | None:
        """A second copy that the store makes of what it has; None where it cannot,
        or its file is not what it should be.
        """
        seen, content = self._shown.at(action.like), select_recorded(action.hash, action.checksums)
        if (
            not self._target.capabilities.server_side_copy
            or seen is None
            or not agree(seen.checksums, content)
        ):
            return None
        made = self._target.copy(action.like, path)
        if agree(made.checksums, content):
            self._throttle.unused(action.size)
            return made
        self._target.remove(made.path, self._run)
        return None
