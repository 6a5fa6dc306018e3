"""Paths and metadata of Dropbox as the catalog sees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from catalog.domain.asset import Entry
from catalog.domain.checksums import CONTENT, NONE
from catalog.domain.names import from_text, to_text
from catalog.errors import InvalidPath, UsageError
from catalog.stores.identity import number_of

KIND = "dropbox"
"""What the catalog calls stores in Dropbox."""
PREFIX = f"{KIND}:"
"""How a person begins the name of a folder in Dropbox."""
EXPORT_ONLY = "it cannot be downloaded from Dropbox, only exported"
_EPOCH = datetime(1970, 1, 1)
LONGEST_NAME = 255


def folder_named(text: str) -> str:
    """A folder of the account as a person named it: "" for all of it,
    else a slash before each part.

    Raises UsageError.
    """
    text = text.strip().removeprefix(PREFIX)
    parts = [
        part.strip() for part in text.replace("\\", "/").split("/") if part.strip() not in ("", ".")
    ]
    if ".." in parts:
        hint = "Name it from the account's own root, such as /photos."
        raise UsageError(f"{text} is no folder in Dropbox.", hint=hint)
    return "".join(f"/{part}" for part in parts)


def check_held(path: str, store: str) -> str:
    """The path of a store as Dropbox spells it. Raises InvalidPath for what it cannot hold."""
    system = from_text(path)
    if "\\" in system or any("\ud800" <= c <= "\udfff" for c in system):
        raise InvalidPath(
            f"Dropbox cannot hold the name {path!r}.",
            store=store,
            path=path,
            hint="Rename the file.",
        )
    return system


def local(root: str, path: str) -> str:
    """The path in the store of a path that Dropbox displays; the root itself is ""."""
    return to_text(path[len(root) :].lstrip("/"))


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970 of a naive UTC time."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def moment(mtime_ns: int) -> datetime:
    """The naive UTC time, in whole seconds, that Dropbox keeps of a file's time."""
    return datetime.fromtimestamp(mtime_ns // 1_000_000_000, UTC).replace(tzinfo=None)


def entry_of(path: str, metadata: Any, device: int) -> Entry:
    """The entry of a file's metadata (`FileMetadata` of the SDK) at a path of the store."""
    return Entry(
        path,
        metadata.size,
        nanoseconds(metadata.client_modified),
        nanoseconds(metadata.server_modified),
        device,
        number_of(metadata.id),
        "" if metadata.is_downloadable else EXPORT_ONLY,
        {CONTENT: metadata.content_hash} if metadata.content_hash else NONE,
        metadata.rev,
    )
