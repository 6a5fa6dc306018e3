"""Puts files of a source into the store that is filled: under a name that is free,
or where this very content lies already.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable
from dataclasses import replace

from catalog.domain.asset import Entry
from catalog.domain.copies import sidecar_row
from catalog.domain.document import SidecarRow
from catalog.domain.filetypes import extension_of
from catalog.domain.layout import file_name, other_sidecar_name, sidecar_names
from catalog.errors import AlreadyExists, StoreError
from catalog.features.ingest.actions import CopyToStore
from catalog.features.ingest.sources import SourceStore
from catalog.work.contents import content_of, states_contents
from catalog.work.journal import Journal
from catalog.work.transfer import copy_between

MAX_SUFFIX = 10_000


class Placer:
    """Puts files of `source`, which lies at `base`, into `target`."""

    def __init__(
        self, source: SourceStore, target: SourceStore, journal: Journal, base: str
    ) -> None:
        self.source = source
        self.target = target
        self._journal = journal
        self._base = base

    def place(self, action: CopyToStore) -> tuple[CopyToStore, Entry]:
        """The action with the target it got, and what lies there: where other content has the name,
        the next free number.
        """
        folder, _, name = action.target.rpartition("/")
        stem = name[: -len(extension_of(name)) - 1] if extension_of(name) else name
        for number in itertools.count():
            target = action.target if number == 0 else f"{folder}/{file_name(stem, name, number)}"
            placed = replace(action, target=target, present=False)
            # else the plan has it from a listing
            looked = number > 0 or action.present or not states_contents(self.target)
            if looked and (there := self._held(target, action)) is not None:
                return replace(placed, present=True), there
            try:
                return placed, self._copied(action.source, target, action.asset.hash)
            except AlreadyExists:
                # another program was faster, with the same content
                if (there := self._held(target, action)) is not None:
                    return replace(placed, present=True), there
                if number >= MAX_SUFFIX:
                    raise
        raise AssertionError("unreachable")

    def _copied(self, entry: Entry, target: str, digest: str) -> Entry:
        source = f"{self._base}/{entry.path}"
        with self._journal.coming(self.target.name, target, digest, source):
            return copy_between(self.source, entry, self.target, target, digest)

    def _held(self, target: str, action: CopyToStore) -> Entry | None:
        """What lies at the target, if it is the very content: as the store states it,
        else by reading it.
        """
        entry = self.target.stat(target)
        if (
            entry is None
            or entry.size != action.source.size
            or content_of(self.target, entry) != action.asset.hash
        ):
            return None
        return entry

    def place_sidecar(
        self, entry: Entry, owner: str, beside: str, written: list[str], wanted: str = ""
    ) -> SidecarRow:
        """Copy a sidecar of the source file `owner` to where its photo lies; its row.

        `written` learns the path of a new file. `wanted` is the name that is tried first.
        """
        digest = content_of(self.source, entry)
        names = sidecar_names(entry.name, owner, beside)
        for path in itertools.chain([wanted] if wanted else (), names):
            there = self.target.stat(path) or self._called_otherwise(path, beside, entry, digest)
            if there is None:
                with contextlib.suppress(AlreadyExists):
                    there = self._copied(entry, path, digest)
                    written.append(path)
                    break
                there = self.target.stat(path)
            if there is not None and content_of(self.target, there) == digest:
                break
        assert there is not None  # there are always further names
        return sidecar_row(self.target.name, there, digest)

    def _called_otherwise(self, path: str, beside: str, entry: Entry, digest: str) -> Entry | None:
        """The sidecar that lies there under the other naming, if it has the content."""
        other = other_sidecar_name(path, beside)
        there = self.target.stat(other) if other else None
        if there is None or there.size != entry.size or content_of(self.target, there) != digest:
            return None
        return there

    def discard(self, paths: Iterable[str]) -> None:
        """Take away files of this run's own making that nothing claims."""
        for path in paths:
            self._journal.started("discard", store=self.target.name, target=path)
            self.target.discard(path)
            self._journal.done("discard", store=self.target.name, target=path)

    def is_proved(self, path: str, content_hash: str) -> bool:
        """Whether a file of the store was read now, and has this content."""
        with contextlib.suppress(StoreError):
            return self.target.checksum(path) == content_hash
        return False
