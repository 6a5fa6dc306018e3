"""To whom what is private belongs: said of an asset, or of an album or a folder as a rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ALBUM, FOLDER = "album", "folder"
"""What a rule may be about: an album by its name, or a folder by its path in any store and all that
lies beneath it."""


@dataclass(frozen=True, slots=True, order=True)
class PrivacyRule:
    """What is in an album, or below a folder, is private to a person."""

    kind: str
    name: str
    person: str

    def covers(self, albums: Sequence[str], paths: Sequence[str]) -> bool:
        """Whether an asset of these albums, with good copies at these paths, falls under it."""
        if self.kind == ALBUM:
            return self.name in albums
        return any(path.startswith(f"{self.name}/") for path in paths)


def persons_of(
    private: Iterable[str],
    albums: Sequence[str],
    paths: Sequence[str],
    rules: Iterable[PrivacyRule],
) -> tuple[str, ...]:
    """Those who see an asset, sorted; nobody in particular where everybody does.

    Where an asset itself and several rules name persons, each of them sees it.
    """
    ruled = (rule.person for rule in rules if rule.covers(albums, paths))
    return tuple(sorted({*private, *ruled}))
