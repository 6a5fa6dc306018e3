"""One file in one request, where nobody knows whether a request was done whose reply was lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dropbox import files

from catalog.errors import StoreError
from catalog.stores.dropbox.connection import Connection
from catalog.stores.dropbox.failures import answer_tags
from catalog.stores.patience import ATTEMPTS, Ambiguous


@dataclass(frozen=True, slots=True)
class Small:
    """The bytes of a file, where they go, and their content hash."""

    data: bytes
    commit: files.CommitInfo
    digest: str


def put_single(connection: Connection, item: Small, path: str) -> Any:
    """The metadata of a new file. Raises StoreError; `path` is what the store calls it."""
    commit = item.commit
    lost = False
    for attempt in range(ATTEMPTS):
        try:
            return connection.once(
                lambda sdk: sdk.files_upload(
                    item.data,
                    commit.path,
                    mode=commit.mode,
                    client_modified=commit.client_modified,
                    mute=True,
                    strict_conflict=True,
                    content_hash=item.digest,
                ),
                path,
                carries_bytes=True,
            )
        except Ambiguous as error:
            lost = True
            connection.give_time(error.cause, attempt, path)
        except StoreError as error:
            if (
                lost
                and "conflict" in answer_tags(error)
                and (there := sent_before(connection, commit, item.digest)) is not None
            ):
                return there
            raise
    raise AssertionError("unreachable")


def sent_before(connection: Connection, commit: files.CommitInfo, digest: str) -> Any:
    """What lies at a place if it is what was sent there, by a request whose reply was lost;
    else None.
    """
    try:
        there = connection.call(lambda sdk: sdk.files_get_metadata(commit.path))
    except StoreError:
        return None
    is_ours = isinstance(there, files.FileMetadata) and there.content_hash == digest
    return there if is_ours and there.client_modified == commit.client_modified else None
