"""The plan that makes one store hold what another holds, under the same paths. Nothing is ever taken away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from catalog.domain.copies import OK

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Transfer:
    """Copy a file to the other store. `owner` is the asset, `hash` the content; they differ for a sidecar."""

    owner: str
    hash: str
    path: str
    size: int
    is_sidecar: bool = False
    name: ClassVar[str] = "copy"

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.path


@dataclass(frozen=True, slots=True)
class Follow:
    """Rename a file in the other store as it was renamed here: it is not sent again."""

    owner: str
    hash: str
    old: str
    path: str
    is_sidecar: bool = False
    name: ClassVar[str] = "move"

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.path


Mirroring = Transfer | Follow


def mirror_asset(owner: str, copies: Sequence[Row], sidecars: Sequence[Row], source: str, target: str) -> list[Mirroring]:
    """What one asset needs: renames first, and copies for what no file of the other store can be renamed to."""
    return [
        *_mirrored(owner, [(r, owner) for r in copies if r["state"] == OK], source, target, is_sidecar=False),
        *_mirrored(owner, [(r, r["hash"]) for r in sidecars], source, target, is_sidecar=True),
    ]


def _mirrored(owner: str, rows: Sequence[tuple[Row, str]], source: str, target: str, *, is_sidecar: bool) -> Iterator[Mirroring]:
    contents = sorted({digest for row, digest in rows if row["store"] == source})
    for content in contents:
        wanted = {r["path"]: r for r, digest in rows if r["store"] == source and digest == content}
        there = {r["path"] for r, digest in rows if r["store"] == target and digest == content}
        spare = sorted(there - wanted.keys())
        for path in sorted(wanted.keys() - there):
            if spare:
                yield Follow(owner, content, spare.pop(0), path, is_sidecar)
            else:
                yield Transfer(owner, content, path, wanted[path]["size"], is_sidecar)
