"""The plan that makes one store hold what another holds, under the same paths. Nothing is ever taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from catalog.domain.copies import OK

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Transfer:
    """Copy a file to the other store. `owner` is the asset, `hash` the content; they differ for a sidecar.

    `replaces` is the content of an older sidecar that is recorded there; `placed` is where it came to lie, and `found`
    that it lay there before.
    """

    owner: str
    hash: str
    path: str
    size: int
    is_sidecar: bool = False
    replaces: str = ""
    placed: str = ""
    found: bool = False
    name: ClassVar[str] = "copy"

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.path


@dataclass(frozen=True, slots=True)
class Follow:
    """Rename a file in the other store as it was renamed here: it is not sent again. `row` is its record there."""

    owner: str
    hash: str
    row: Row
    path: str
    is_sidecar: bool = False
    name: ClassVar[str] = "move"

    @property
    def old(self) -> str:
        """Where it lies in the other store."""
        return str(self.row["path"])

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.path


Mirroring = Transfer | Follow
Was = Callable[[str, str], bool]
"""Whether a content (hash, or that of its asset) lay at a path of the first store once."""


def mirror_asset(
    owner: str, copies: Sequence[Row], sidecars: Sequence[Row], source: str, target: str, was: Was
) -> list[Mirroring]:
    """What one asset needs: renames that follow the first store's, and copies of what the other store lacks.

    A content that the other store has elsewhere, by an arrangement of its own, stays there and is not sent.
    """
    return [
        *_mirrored(owner, [(r, owner) for r in copies if r["state"] == OK], source, target, was, is_sidecar=False),
        *_mirrored(owner, [(r, r["hash"]) for r in sidecars], source, target, was, is_sidecar=True),
    ]


def _mirrored(
    owner: str, rows: Sequence[tuple[Row, str]], source: str, target: str, was: Was, *, is_sidecar: bool
) -> Iterator[Mirroring]:
    for content in sorted({digest for row, digest in rows if row["store"] == source}):
        wanted = {r["path"]: r for r, digest in rows if r["store"] == source and digest == content}
        there = {r["path"]: r for r, digest in rows if r["store"] == target and digest == content}
        own = [path for path in sorted(there.keys() - wanted.keys()) if not is_sidecar and not was(owner, path)]
        spare = [path for path in sorted(there.keys() - wanted.keys()) if path not in own]
        lacking = sorted(wanted.keys() - there.keys())
        for path in lacking[: max(0, len(lacking) - len(own))]:
            if spare:
                yield Follow(owner, content, there[spare.pop(0)], path, is_sidecar)
            else:
                older = next((d for r, d in rows if r["store"] == target and r["path"] == path), "") if is_sidecar else ""
                yield Transfer(owner, content, path, wanted[path]["size"], is_sidecar, older)
