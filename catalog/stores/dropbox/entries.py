"""Paths and metadata of Dropbox as the catalog sees them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from catalog.domain.asset import Entry
from catalog.domain.names import from_text, to_text
from catalog.errors import InvalidPath

EXPORT_ONLY = "it cannot be downloaded from Dropbox, only exported"
_EPOCH = datetime(1970, 1, 1)
LONGEST_NAME = 255


def root_of(text: str) -> str:
    """A folder of the account as Dropbox names it: "" for all of it, else with a leading and no trailing slash."""
    text = text.strip().removeprefix("dropbox:")
    parts = [part.strip() for part in text.replace("\\", "/").split("/") if part.strip() not in ("", ".")]
    if ".." in parts:
        raise InvalidPath(
            f"{text} is no folder in Dropbox.", path=text, hint="Name it from the account's own root, such as /photos."
        )
    return "".join(f"/{part}" for part in parts)


def remote(root: str, path: str, store: str) -> str:
    """The path that Dropbox knows a path of the store by. Raises InvalidPath for what leaves the root or cannot be held."""
    system = from_text(path)
    parts = system.split("/")
    if path.startswith("/") or ".." in parts or "\0" in path:
        raise InvalidPath(f"{path!r} is no path inside store {store}.", store=store, path=path)
    if "\\" in system or any("\ud800" <= c <= "\udfff" for c in system):
        raise InvalidPath(f"Dropbox cannot hold the name {path!r}.", store=store, path=path, hint="Rename the file.")
    if any(len(part.encode()) > LONGEST_NAME for part in parts):
        raise InvalidPath(f"A name in {path[:60]}... is longer than Dropbox can hold.", store=store, path=path)
    return f"{root}/{system}" if path else root


def local(root: str, path: str) -> str:
    """The path in the store of a path that Dropbox displays; the root itself is ""."""
    return to_text(path[len(root) :].lstrip("/"))


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970 of a naive UTC time."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def moment(mtime_ns: int) -> datetime:
    """The naive UTC time, in whole seconds, that Dropbox keeps of a file's time."""
    return datetime.fromtimestamp(mtime_ns // 1_000_000_000, UTC).replace(tzinfo=None)


def number_of(text: str, bits: int = 62) -> int:
    """A number that stands for an id of Dropbox where the catalog keeps device and inode."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> (64 - bits) | 1


def entry_of(path: str, metadata: Any, device: int) -> Entry:
    """The entry of a file's metadata (`FileMetadata` of the SDK) at a path of the store."""
    return Entry(
        path, metadata.size, nanoseconds(metadata.client_modified), nanoseconds(metadata.server_modified), device,
        number_of(metadata.id), "" if metadata.is_downloadable else EXPORT_ONLY,
        metadata.content_hash or "", metadata.rev,
    )  # fmt: skip
