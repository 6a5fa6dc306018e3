"""What the two stores of a mirroring show of files that are to travel,
and where each would come to lie; only reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from catalog.domain.asset import Entry
from catalog.domain.checksums import select_recorded
from catalog.domain.copies import is_as_recorded, read_recorded
from catalog.domain.filetypes import extension_of
from catalog.domain.layout import file_name
from catalog.errors import AlreadyExists, FixityMismatch, NotFound, StoreError
from catalog.features.mirror.plan import Follow, Mirroring, Transfer
from catalog.stores.paths import check_size
from catalog.stores.protocol import ManagedStore
from catalog.work.contents import has_content
from catalog.work.live_listing import LiveListing
from catalog.work.proof import is_same_file

MAX_SUFFIX = 1000
FOUND, OLDER, TAKEN = "found", "older", "taken"
"""What may lie at a name: the very content, which came there by another way; an older sidecar,
which gives way; another file.
"""


@dataclass(slots=True)
class MirrorPreconditions:
    """`source` is mirrored to `target`; `given` and `shown` are what they showed in this run."""

    source: ManagedStore
    target: ManagedStore
    given: LiveListing
    shown: LiveListing

    def sent(self, action: Transfer) -> Entry:
        """The file that is to be copied.

        Raises StoreError where it is not as recorded, or the other store cannot take it.
        """
        check_size(action.path, action.size, self.target)
        entry = self.given.sure(action.path)
        if entry is None:
            raise NotFound(
                f"{action.path} is gone from store {self.source.name}.",
                hint="Sync the catalog with that store.",
            )
        if entry.size != action.size:
            raise StoreError(
                f"{action.path} in store {self.source.name} is not what the catalog recorded.",
                hint="Sync the catalog with that store.",
            )
        return entry

    def arrived(self, action: Follow) -> Entry | None:
        """Raises unless a file is as recorded; the file at its new place, or the same with a
        number, where it came there before a kill.
        """
        entry = self.shown.sure(action.old)
        if entry is None:
            for path in names_of(action.path):
                there = self.shown.at(path)
                if there is None:
                    break
                if self.holds(there, action):
                    return there
            raise NotFound(
                f"{action.old} is gone from store {self.target.name}.",
                hint="Sync the catalog with that store.",
            )
        if not is_as_recorded(entry, read_recorded(action.row, action.hash, action.checksums)):
            raise self.changed(action)
        return None

    def lies(self, there: Entry, action: Transfer, entry: Entry) -> str:
        """What lies where a copy of `entry` should come to lie: FOUND, OLDER or TAKEN.

        Raises StoreError for that very file, FixityMismatch where an older sidecar would give way
        to one that is not what the catalog recorded.
        """
        if there.problem:  # a link, or something else that is no file
            return TAKEN
        if is_same_file(there, entry):
            place, other = self.target.name, self.source.name
            raise StoreError(f"{there.path} in store {place} is the same file as in store {other}.")
        if self.holds(there, action):
            return FOUND
        is_older = (
            action.is_sidecar
            and action.replaces
            and has_content(self.target, there, select_recorded(action.replaces))
        )
        if not is_older:
            return TAKEN
        if not has_content(self.source, entry, select_recorded(action.hash)):
            raise FixityMismatch(
                f"{action.path} in store {self.source.name} has other bytes than recorded.",
                store=self.source.name,
                path=action.path,
            )
        return OLDER

    def called_otherwise(self, action: Transfer) -> Entry | None:
        """The sidecar that lies there under the other naming, if it has the content."""
        other = "" if action.replaces else action.other
        there = self.shown.at(other) if other else None
        found = there is not None and not there.problem and self.holds(there, action)
        return there if found else None

    def holds(self, there: Entry, action: Mirroring) -> bool:
        """Whether a file of the other store has the content of an action: as it states,
        else by reading it.
        """
        return has_content(self.target, there, select_recorded(action.hash, action.checksums))

    def changed(self, action: Follow) -> StoreError:
        """What is told of a file that is not as recorded."""
        return StoreError(
            f"{action.old} was changed in store {self.target.name}.",
            hint="Sync the catalog with that store.",
        )

    def no_name(self, action: Mirroring) -> StoreError:
        """What is told where no name is free."""
        taken = action.path
        return AlreadyExists(
            f"{taken} is taken in store {self.target.name}.", store=self.target.name, path=taken
        )


@dataclass(slots=True)
class Foresight:
    """Where renames and copies will come to lie, asked in their order:
    all renames before all copies.

    Names are compared as the other store does.
    """

    sight: MirrorPreconditions
    _free: set[str] = field(default_factory=set)
    _taken: set[str] = field(default_factory=set)

    def expect(self, follows: Iterable[Follow]) -> None:
        """These are to be renamed: the names that they have become free."""
        self._free |= {self.sight.shown.key(follow.old) for follow in follows}

    def renamed(self, action: Follow) -> Follow:
        """With the name that the file gets. Raises StoreError where it cannot be renamed."""
        there = self.sight.arrived(action)
        for path in names_of(action.path) if there is None else [there.path]:
            if self._is_left(path) and (there or path == action.old or self._lying(path) is None):
                return replace(action, placed=self._take(path))
        raise self.sight.no_name(action)

    def copied(self, action: Transfer) -> Transfer:
        """With the name under which the file will lie, or was found.

        Raises StoreError where it cannot be copied.
        """
        entry = self.sight.sent(action)
        if (other := self.sight.called_otherwise(action)) is not None:
            return replace(action, placed=other.path, found=True)
        for path in filter(self._is_left, names_of(action.goal)):
            there = self._lying(path)
            what = "" if there is None else self.sight.lies(there, action, entry)
            if what != TAKEN:
                return replace(action, placed=self._take(path), found=what == FOUND)
        raise self.sight.no_name(action)

    def _lying(self, path: str) -> Entry | None:
        shown = self.sight.shown
        return None if shown.key(path) in self._free else shown.at(path)

    def _is_left(self, path: str) -> bool:
        return self.sight.shown.key(path) not in self._taken

    def _take(self, path: str) -> str:
        self._taken.add(self.sight.shown.key(path))
        return path


def names_of(path: str) -> Iterator[str]:
    """A path, and the same with numbers."""
    yield path
    folder, _, name = path.rpartition("/")
    extension = extension_of(name)
    stem = name[: -len(extension) - 1] if extension else name
    for number in range(1, MAX_SUFFIX):
        yield f"{folder}/{file_name(stem, name, number)}".lstrip("/")
