"""The bytes of open files: hashed, and brought from one to another."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence
from typing import BinaryIO

from catalog.domain.fixity import BLOCK_SIZE, ContentHasher, Digests

_READ_BYTES = 256 * 1024
"""Bytes read at once: small enough to stay in the processor's cache while they are hashed."""


def digests(descriptor: int, kinds: Sequence[str] = ()) -> Digests:
    """The content hash of what is left of an open file, and checksums of these kinds.

    Raises OSError.
    """
    hasher = ContentHasher(kinds)
    buffer = memoryview(bytearray(_READ_BYTES))
    while count := os.readv(descriptor, [buffer]):
        hasher.update(buffer[:count])
    return hasher.digests()


def forget_pages(descriptor: int) -> None:
    """Drop a file from the system's memory. Not every system can."""
    with contextlib.suppress(OSError):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def transfer(stream: BinaryIO, target: int) -> None:
    """All bytes of the stream into an open file: inside the kernel where both are files,
    else through memory.
    """
    try:
        source = stream.fileno()
        while os.copy_file_range(source, target, 1 << 30):
            pass
    except (OSError, AttributeError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
    while block := stream.read(
        BLOCK_SIZE
    ):  # also after success: some file systems copy nothing and call it the end
        view = memoryview(block)
        while view:
            view = view[os.write(target, view) :]
