"""Where the sidecars of an asset belong in each of two stores, by the names of its files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from catalog.domain.document import SidecarRow
from catalog.domain.filetypes import CLIP_DOCUMENT
from catalog.features.mirror.partners import without_number


class MirroredSidecars(NamedTuple):
    """The copies of an asset in one store, and what their sidecars may still be called after:
    former paths of each.
    """

    places: Sequence[str]
    former: Mapping[str, Sequence[str]]

    def home(self, sidecar: str) -> str:
        """Where a sidecar belongs: where it lies,
        unless what it lay beside was renamed since and left it behind.
        """
        former = [(place, old) for place in self.places for old in self.former[place]]
        for is_called in (is_called_after, is_beside):
            if any(is_called(sidecar, [place]) for place in self.places):
                return sidecar
            for place, old in former:
                if is_called(sidecar, [old]):
                    return _renamed(sidecar, old, place)
        return sidecar


def at_home(
    rows: Sequence[SidecarRow], beside: MirroredSidecars, both: Collection[str]
) -> tuple[dict[str, SidecarRow], list[tuple[str, SidecarRow]]]:
    """Sidecars by the path that each has once those that were left behind have followed; and these,
    with that path.

    Where another one lies there already both stay, and so does what lies at one path in both
    stores.
    """
    at = {r["path"]: r for r in rows}
    left_behind = []
    for row in rows:
        home = beside.home(row["path"])
        if home not in at and row["path"] not in both:
            left_behind.append((home, row))
            at[home] = at.pop(row["path"])
    return at, left_behind


def find_path_beside(sidecar: str, here: Collection[str], places: Collection[str]) -> str:
    """Where a sidecar belongs in the other store: at its own path,
    or beside the asset that lies elsewhere there.
    """
    exact = next((path for path in here if is_called_after(sidecar, [path])), "")
    owner = exact or next((path for path in here if is_beside(sidecar, [path])), "")
    if not owner or not places or (is_called_after if exact else is_beside)(sidecar, places):
        return sidecar
    alike = (path for path in places if is_beside(sidecar, [path]))
    return _renamed(sidecar, owner, next(alike, next(iter(places))))


def _renamed(sidecar: str, owner: str, other: str) -> str:
    """What a sidecar that is called after one file is called beside another one."""
    name = sidecar.rpartition("/")[2]
    folder, slash, new = other.rpartition("/")
    old = _stem(owner.rpartition("/")[2])
    called = old if name.startswith(old) else without_number(old)
    return f"{folder}{slash}{_stem(new)}{name[len(called) :]}"


def is_called_after(sidecar: str, places: Iterable[str]) -> bool:
    """Whether a sidecar lies beside one of some files, and has its very name."""
    folder, _, name = sidecar.rpartition("/")
    for path in places:
        where, _, other = path.rpartition("/")
        rest = name.removeprefix(_stem(other))
        if where == folder and rest != name and (rest[:1] == "." or CLIP_DOCUMENT.match(rest)):
            return True
    return False


def is_beside(sidecar: str, places: Iterable[str]) -> bool:
    """Whether a sidecar lies beside one of some files, and is called like it,
    whatever number either has.
    """
    folder, _, name = sidecar.rpartition("/")
    for path in places:
        where, _, other = path.rpartition("/")
        if where == folder and name.startswith(without_number(_stem(other))):
            return True
    return False


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name
