"""What a person decided for good, by content: kept in an index of its own,
so that it is never asked again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from catalog.domain.copies import timestamp
from catalog.domain.document import DecisionRow
from catalog.errors import CatalogIndexError
from catalog.features.lookalikes.groups import Apart, pair
from catalog.index import schema
from catalog.index.client import Line
from catalog.index.repository import Repository


def find_decided(repository: Repository, kinds: Sequence[str]) -> Apart:
    """The pairs of hashes that something of some kinds was decided about;
    a hash twice where it was about one asset.
    """
    index = schema.companion(repository.alias, "decisions")
    pages = repository.scan_pages(
        {"terms": {"kind": list(kinds)}}, index=index, source=["hash", "other"]
    )
    return frozenset(
        pair(hit["_source"]["hash"], hit["_source"]["other"]) for page in pages for hit in page
    )


def key_of(kind: str, one: str, other: str) -> str:
    """The id of a decision: deciding the same again is one."""
    return hashlib.sha256(f"{kind} {one} {other}".encode()).hexdigest()[:40]


def remember(
    repository: Repository, said: Sequence[tuple[str, str, str]], run: str
) -> list[tuple[str, str, str]]:
    """Record decisions (kind, hash, other hash); those that were not known,
    or were recorded by this very run.
    """
    index, now = schema.companion(repository.alias, "decisions"), timestamp(datetime.now(UTC))
    lines: list[Line] = []
    for kind, one, other in said:
        lines.append(
            {"create": {"_index": index, "_id": key_of(kind, one, other), "require_alias": True}}
        )
        row: DecisionRow = {"kind": kind, "hash": one, "other": other, "at": now, "run": run}
        lines.append(row)
    replies = repository.bulk(lines) if lines else []
    known = repository.sources_of("decisions", [key_of(*each) for each in said], whole=True)
    for each, reply in zip(said, replies, strict=True):
        if reply["status"] >= 300 and key_of(*each) not in known:
            raise CatalogIndexError(
                f"A decision cannot be recorded: {reply['error'].get('reason', reply['error'])}."
            )
    return [each for each in said if known.get(key_of(*each), {}).get("run") == run]


def unremember(repository: Repository, key: str, run: str) -> None:
    """Take back a decision of a run; one that was made before it stays."""
    if repository.sources_of("decisions", [key], whole=True).get(key, {}).get("run") == run:
        repository.bulk(
            [{"delete": {"_index": schema.companion(repository.alias, "decisions"), "_id": key}}]
        )
