"""The plan that makes one store hold what another holds, under the same paths. Nothing is ever taken away.

A file that was renamed in both stores follows the one where that happened last; so the two may be mirrored in both
directions, in any order, and neither undoes what a person did in the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from catalog.domain.copies import OK, milliseconds

Row = Mapping[str, Any]
Key = Callable[[str], str]
_NUMBER = re.compile(r"_\d+$")
_ASIDE = re.compile(r"\.\d{8}T\d+Z-[0-9a-f]+\.moving$")


@dataclass(frozen=True, slots=True)
class Transfer:
    """Copy a file to the other store. `owner` is the asset, `hash` the content; they differ for a sidecar.

    `to` is its path there where that is another one. `replaces` is the content of an older sidecar that is recorded there.
    `like` is a path there that has the content already. `placed` is where it came to lie, `found` that it lay there before.
    """

    owner: str
    hash: str
    path: str
    size: int
    is_sidecar: bool = False
    replaces: str = ""
    placed: str = ""
    found: bool = False
    to: str = ""
    like: str = ""
    name: ClassVar[str] = "copy"

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.path

    @property
    def goal(self) -> str:
        """Where it should lie in the other store."""
        return self.to or self.path


@dataclass(frozen=True, slots=True)
class Follow:
    """Rename a file in the other store as it was renamed here: it is not sent again. `row` is its record there.

    `placed` is the name it got where the one it should have was taken.
    """

    owner: str
    hash: str
    row: Row
    path: str
    is_sidecar: bool = False
    placed: str = ""
    name: ClassVar[str] = "move"

    @property
    def old(self) -> str:
        """Where it lies in the other store."""
        return str(self.row["path"])

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.path

    @property
    def goal(self) -> str:
        """Where it should lie in the other store."""
        return self.path


Mirroring = Transfer | Follow


class Move(NamedTuple):
    """One rename of a file of an asset, as the history tells it; `at` is a moment as `domain.copies.timestamp` writes it."""

    store: str
    old: str
    new: str
    at: str


class Needs(NamedTuple):
    """What one asset needs; `apart` are paths here and there of a copy that each store has where a person put it.

    `behind` counts those where the first store is the one to follow, when the two are mirrored the other way.
    """

    actions: list[Mirroring]
    apart: list[tuple[str, str]]
    behind: int = 0


class Pair(NamedTuple):
    """The store that is mirrored, the other one, and what the other one compares paths by."""

    source: str
    target: str
    key: Key = str


def lacks(copies: Iterable[Row], sidecars: Iterable[Row], pair: Pair) -> tuple[str, bool]:
    """A path that the other store lacks, or "", and whether it has the content elsewhere: a first, quick look."""
    here, there = _places(copies, sidecars, pair.source), _places(copies, sidecars, pair.target)
    lacking = here - there
    return (min(lacking)[0], bool(there - here)) if lacking else ("", False)


def _places(copies: Iterable[Row], sidecars: Iterable[Row], store: str) -> set[tuple[str, str]]:
    found = {(r["path"], "") for r in copies if r["store"] == store and r["state"] == OK}
    return found | {(r["path"], r["hash"]) for r in sidecars if r["store"] == store}


def aside(path: str, run: str) -> str:
    """The name that a file has for a moment while files change places."""
    return f"{path}.{run}.moving"


def original_of(path: str) -> str:
    """The path of a file that a killed run left under such a name, or ""."""
    return _ASIDE.sub("", path) if _ASIDE.search(path) else ""


def mirror_asset(owner: str, copies: Sequence[Row], sidecars: Sequence[Row], pair: Pair, moves: Sequence[Move] = ()) -> Needs:
    """What one asset needs: renames that follow the first store's, and copies of what the other store lacks.

    A content that the other store has elsewhere, by an arrangement of its own, stays there and is not sent.
    """
    needs = _copies(owner, copies, pair, moves)
    rows = [r for r in sidecars if r["store"] in pair[:2]]
    if not any(r["store"] == pair.source for r in rows):
        return needs
    went = {a.old for a in needs.actions if isinstance(a, Follow)}
    there = {r["path"] for r in copies if r["store"] == pair.target and r["state"] == OK} - went
    places = sorted(there | {a.path for a in needs.actions})
    here = sorted(r["path"] for r in copies if r["store"] == pair.source)
    return Needs([*needs.actions, *_sidecars(owner, rows, pair, here, places)], needs.apart, needs.behind)


# --- copies ------------------------------------------------------------------------------------------------------------


def _copies(owner: str, copies: Sequence[Row], pair: Pair, moves: Sequence[Move]) -> Needs:
    good = [r for r in copies if r["state"] == OK]
    wanted = {r["path"]: r for r in good if r["store"] == pair.source}
    there = {r["path"]: r for r in good if r["store"] == pair.target}
    extra = sorted(there.keys() - wanted.keys())
    spare = [path for path in extra if _left_later(there[path], moves, pair)]
    own = [path for path in extra if path not in spare]
    lacking = _distinct(sorted(wanted.keys() - there.keys()), there.keys() & wanted.keys(), pair.key)
    lacking, apart = _without(lacking, own, pair.key)
    actions: list[Mirroring] = []
    for path in lacking:
        old = _best(spare, path, moves, pair.source)
        if old:
            spare.remove(old)
            actions.append(Follow(owner, owner, there[old], path))
        else:
            actions.append(Transfer(owner, owner, path, wanted[path]["size"], like=_staying(there, wanted)))
    other_way = Pair(pair.target, pair.source)
    behind = [(here, own) for here, own in apart if _left_later(wanted[here], moves, other_way)]
    return Needs(actions, [places for places in apart if places not in behind], len(behind))


def _staying(there: Iterable[str], wanted: Collection[str]) -> str:
    """A path of the other store that has the content, and keeps it, or ""."""
    return min((path for path in there if path in wanted), default="")


def _left_later(row: Row, moves: Sequence[Move], pair: Pair) -> bool:
    """Whether the first store's file was renamed away from a path after the other store's came to that path."""
    path = row["path"]
    if original_of(path):
        return True
    left = max((m.at for m in moves if (m.store, m.old) == (pair.source, path)), default="")
    came = max((m.at for m in moves if (m.store, m.new) == (pair.target, path)), default=row.get("added", ""))
    return milliseconds(left) > milliseconds(came)


def _distinct(paths: Sequence[str], taken: Iterable[str], key: Key) -> list[str]:
    """The paths without those that are one with another, or with one that is `taken`, in the other store."""
    seen = {key(path) for path in taken}
    found = []
    for path in paths:
        if key(path) not in seen:
            found.append(path)
        seen.add(key(path))
    return found


def _without(lacking: Sequence[str], own: Sequence[str], key: Key) -> tuple[list[str], list[tuple[str, str]]]:
    """What is still lacking where some copies have paths of their own; and which of those have names that were given."""
    left = list(lacking)
    given = []
    for path in own:
        like = next((p for p in left if key(p) == key(path) or is_numbered(path, p) or is_numbered(p, path)), "")
        if like:
            left.remove(like)
        else:
            given.append(path)
    kept = max(0, len(left) - len(given))
    return left[:kept], list(zip(left[kept:], given, strict=False))


def is_numbered(path: str, other: str) -> bool:
    """Whether a path is another one with a number, as a file gets it whose name is taken."""
    stem, dot, extension = path.rpartition(".")
    plain, other_dot, other_extension = other.rpartition(".")
    same = (dot, extension.lower()) == (other_dot, other_extension.lower())
    return same and stem != plain and bool(_NUMBER.search(stem)) and _NUMBER.sub("", stem) == plain


def _best(spare: Sequence[str], path: str, moves: Sequence[Move], source: str) -> str:
    """Which of the files that are to follow comes to a path: the one the history says was renamed to it, else the first."""
    told = {m.old for m in moves if (m.store, m.new) == (source, path)}
    return next((old for old in spare if old in told), spare[0] if spare else "")


# --- sidecars ----------------------------------------------------------------------------------------------------------


def _sidecars(owner: str, rows: Sequence[Row], pair: Pair, here: Collection[str], places: Collection[str]) -> Iterator[Mirroring]:
    """Sidecars lie beside their asset: `here` are the paths of its copies, `places` those that it has there, or gets."""
    at = {r["path"]: r for r in rows if r["store"] == pair.target}
    for content in sorted({r["hash"] for r in rows if r["store"] == pair.source}):
        mine = {_place(r["path"], here, places): r for r in rows if (r["store"], r["hash"]) == (pair.source, content)}
        there = {path: r for path, r in at.items() if r["hash"] == content}
        extra = sorted(there.keys() - mine.keys())
        own = [path for path in extra if _is_beside(path, places)]
        spare = [path for path in extra if path not in own]
        lacking = _distinct(sorted(mine.keys() - there.keys()), there.keys() & mine.keys(), pair.key)
        for path in lacking[: max(0, len(lacking) - len(own))]:
            row, older = mine[path], at.get(path)
            if older is not None and milliseconds(older["mtime"]) >= milliseconds(row["mtime"]):
                continue  # the other store's was written later: it is the one that goes, the other way
            if spare and older is None:
                yield Follow(owner, content, there[spare.pop(0)], path, is_sidecar=True)
            else:
                to = path if path != row["path"] else ""
                yield Transfer(owner, content, row["path"], row["size"], True, older["hash"] if older else "", to=to)


def _place(sidecar: str, here: Collection[str], places: Collection[str]) -> str:
    """Where a sidecar belongs in the other store: at its own path, or beside the asset that lies elsewhere there."""
    owner = next((path for path in here if _is_beside(sidecar, [path])), "")
    if not owner or not places or _is_beside(sidecar, places):
        return sidecar
    name = sidecar.rpartition("/")[2]
    folder, slash, other = next(iter(places)).rpartition("/")
    old, new = (_stem(path.rpartition("/")[2]) for path in (owner, other))
    return f"{folder}{slash}{new}{name[len(old) :]}"


def _is_beside(sidecar: str, places: Iterable[str]) -> bool:
    """Whether a sidecar lies beside one of some files, and is called like it, whatever number either has."""
    folder, _, name = sidecar.rpartition("/")
    for path in places:
        where, _, other = path.rpartition("/")
        if where == folder and name.startswith(_NUMBER.sub("", _stem(other))):
            return True
    return False


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name
