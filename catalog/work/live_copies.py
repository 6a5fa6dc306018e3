"""Copies of an asset that answer now, and are as recorded."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from catalog.domain.asset import Entry
from catalog.domain.copies import OK, is_as_recorded, read_recorded
from catalog.domain.document import AssetDocument, CopyRow
from catalog.errors import StoreError
from catalog.stores.protocol import ManagedStore


def find_entry(store: ManagedStore, row: CopyRow, content_hash: str) -> Entry | None:
    """The file of a recorded copy; None where it is not there, cannot be looked at, or is not as
    recorded.
    """
    with contextlib.suppress(StoreError, OSError):
        entry = store.stat(row["path"])
        if (
            entry is not None
            and not entry.problem
            and is_as_recorded(entry, read_recorded(row, content_hash))
        ):
            return entry
    return None


def find_copy(
    stores: Mapping[str, ManagedStore], document: AssetDocument
) -> tuple[ManagedStore, CopyRow, Entry] | None:
    """The first good copy of an asset in some stores that is as recorded, or None."""
    for row in document.get("copies", []):
        store = stores.get(row["store"])
        if store is not None and row["state"] == OK:
            entry = find_entry(store, row, document["hash"])
            if entry is not None:
                return store, row, entry
    return None
