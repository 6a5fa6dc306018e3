"""Checksums by kind: which of them tell what, and whether two lists of them are of one content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

CONTENT = "dropbox"
"""The kind of the content hash, which Dropbox states and the catalog has of every asset."""
PROOFS = (CONTENT, "sha256", "sha1", "md5")
"""Kinds that two contents share by no accident, the strongest first."""
HINTS = ("crc32",)
"""Kinds that tell contents apart, and prove nothing where they are the same.

Any other kind says nothing of a content: an `etag` is a store's own word for a version of its own
file.
"""
KEPT = tuple(kind for kind in (*PROOFS, *HINTS) if kind != CONTENT)
"""Kinds that a document keeps beside the content hash: as they were computed,
or as a store states them.
"""
NONE: Mapping[str, str] = {}
"""No checksum at all; shared, never changed."""


def select_recorded(content_hash: str, further: Mapping[str, str] = NONE) -> Mapping[str, str]:
    """All checksums that the catalog has of a content.

    Its hash, and what a document's `checksums` hold.
    """
    return {**further, CONTENT: content_hash}


def select_kept(checksums: Mapping[str, str]) -> Mapping[str, str]:
    """Those of a store's checksums that a document keeps."""
    return {kind: checksums[kind] for kind in KEPT if checksums.get(kind)}


def strongest(checksums: Mapping[str, str]) -> str | None:
    """The strongest kind that proves a content; None where there is none."""
    return next((kind for kind in PROOFS if checksums.get(kind)), None)


def strongest_common(one: Mapping[str, str], other: Mapping[str, str]) -> str | None:
    """The strongest kind of both that proves a content; None where they have none in common."""
    for kind in PROOFS:
        if one.get(kind) and other.get(kind):
            return kind
    return None


def agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool | None:
    """Whether two files have one content; None where their checksums do not tell."""
    kind = strongest_common(one, other)
    if kind is not None:
        return one[kind] == other[kind]
    is_other = any(one[kind] != other[kind] for kind in HINTS if one.get(kind) and other.get(kind))
    return False if is_other else None


def can_prove(kinds: Iterable[str]) -> bool:
    """Whether a store that states these kinds states contents."""
    return any(kind in PROOFS for kind in kinds)


def beside_the_content_hash(kinds: Iterable[str]) -> tuple[str, ...]:
    """The kinds that a store's files are compared by where it does not state their content hash.

    None where it does.
    """
    stated = tuple(kinds)
    return () if CONTENT in stated else tuple(kind for kind in (*PROOFS, *HINTS) if kind in stated)
