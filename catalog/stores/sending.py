"""The bytes of a stream, which must be those that are expected."""

from __future__ import annotations

from typing import BinaryIO

from catalog.domain.fixity import content_hash
from catalog.errors import FixityMismatch, StoreError


def read_all(stream: BinaryIO, size: int, digest: str, store: str, path: str) -> bytes:
    """All bytes of a stream, which must be those that are expected."""
    data = read_up_to(stream, size)
    if len(data) != size or stream.read(1) or content_hash(data) != digest:
        raise source_changed(path, store)
    return data


def read_up_to(stream: BinaryIO, count: int) -> bytes:
    """So many bytes, or all there are; a raw stream may give them piece by piece.

    Raises StoreError.
    """
    pieces = []
    try:
        while count and (piece := stream.read(count)):
            pieces.append(piece)
            count -= len(piece)
    except OSError as error:
        raise StoreError(f"The source cannot be read: {error.strerror or error}.") from error
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def source_changed(path: str, store: str) -> FixityMismatch:
    """The error of a source that is not what it was."""
    return FixityMismatch(
        f"The copy of {path} would not be what was read before.",
        store=store,
        path=path,
        hint="The source changed meanwhile, or a disk is failing.",
    )
