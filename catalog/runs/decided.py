"""What a person decided for good, by content: kept in an index of its own, so that it is never asked again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from catalog.domain.copies import timestamp
from catalog.domain.duplicates import Apart, pair
from catalog.index import schema
from catalog.index.repository import Repository


def decided(repository: Repository, kinds: Sequence[str]) -> Apart:
    """The pairs of hashes that something of some kinds was decided about; a hash twice where it was about one asset."""
    index = schema.companion(repository.alias, "decisions")
    pages = repository.scan_pages({"terms": {"kind": list(kinds)}}, index=index, source=["hash", "other"])
    return frozenset(pair(hit["_source"]["hash"], hit["_source"]["other"]) for page in pages for hit in page)


def key_of(kind: str, one: str, other: str) -> str:
    """The id of a decision: deciding the same again is one."""
    return hashlib.sha256(f"{kind} {one} {other}".encode()).hexdigest()[:40]


def remember(repository: Repository, said: Sequence[tuple[str, str, str]], run: str) -> None:
    """Record decisions: kind, hash, other hash."""
    index, now = schema.companion(repository.alias, "decisions"), timestamp(datetime.now(UTC))
    lines: list[Any] = []
    for kind, one, other in said:
        lines.append({"index": {"_index": index, "_id": key_of(kind, one, other), "require_alias": True}})
        lines.append({"kind": kind, "hash": one, "other": other, "at": now, "run": run})
    if lines:
        repository.bulk(lines)


def unremember(repository: Repository, key: str) -> None:
    """Take a decision back."""
    repository.bulk([{"delete": {"_index": schema.companion(repository.alias, "decisions"), "_id": key}}])
