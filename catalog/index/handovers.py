"""What was handed over to a cloud: one record a target and content,
told in the history so that it can be taken back.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from catalog.domain.document import EventNote, EventRow, HandoverRow
from catalog.errors import CatalogIndexError, DocumentConflict
from catalog.index import schema
from catalog.index.client import Line, Query, Sort
from catalog.index.editor import ATTEMPTS, PAUSE, event_lines
from catalog.index.repository import Repository

Change = Callable[[HandoverRow | None], HandoverRow | None]
"""From the record as it is (None where there is none) to what it shall be (None: it is taken away).

Raises ValueError.
"""

STAGED, CONFIRMED = "staged", "confirmed"
"""States of a handover: the copy lies in the staging folder,
or a person knows it is in the cloud.
"""
EFFECT = "handover"
"""The effect of events that changed a handover, and the field of their sides that holds it."""


class Handovers:
    """The handovers of one catalog."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._index = schema.companion(repository.alias, "handovers")

    def known(self, target: str, hashes: Sequence[str]) -> dict[str, HandoverRow]:
        """The records of contents that were handed over to a target, by content hash;
        up to date without a refresh.
        """
        keys = {_key(target, name): name for name in hashes}
        found: dict[str, HandoverRow] = {}
        names = list(keys)
        for start in range(0, len(names), 500):
            reply = self._repository.sources_of("handovers", names[start : start + 500], whole=True)
            found |= {keys[key]: record for key, record in reply.items()}
        return found

    def of_staged(self, target: str, hashes: Sequence[str]) -> dict[str, HandoverRow]:
        """The records of those contents that are themselves what a target was given,
        by content hash; as of the last refresh.
        """
        found: dict[str, HandoverRow] = {}
        for start in range(0, len(hashes), 500):
            staged = {"terms": {"staged": list(hashes[start : start + 500])}}
            query = {"bool": {"filter": [{"term": {"target": target}}, staged]}}
            sort: Sort = [{"at": "asc"}, {"hash": "asc"}]
            found |= {record["staged"]: record for record in self._scan(query, sort)}
        return found

    def all(self, target: str | None = None) -> Iterator[HandoverRow]:
        """Every record, or every one of a target, by folder and time; as of the last refresh."""
        query = {"term": {"target": target}} if target else None
        sort: Sort = [
            {"folder": {"order": "asc", "missing": "_first"}},
            {"at": "asc"},
            {"hash": "asc"},
        ]
        return self._scan(query, sort)

    def change(
        self,
        target: str,
        content_hash: str,
        change: Change,
        action: str,
        *,
        run: str,
        command: str,
        note: EventNote | None = None,
    ) -> HandoverRow | None:
        """Change one record, repeated while others do; the record after it.

        ValueError of the change is passed on. `note` is what its event says besides.

        The event comes first: one that was left without its change is undone as if that were done.
        """
        key = _key(target, content_hash)
        for attempt in range(1, ATTEMPTS + 1):
            before, version = self._versioned(key)
            after = change(before)
            if after == before:
                return after
            event: EventRow = {**_event(before, after, action), **(note or {})}
            told = event_lines(self._repository.alias, event, run=run, command=command)
            *_event_reply, reply = self._repository.bulk([*told, *self._lines(key, version, after)])
            if reply["status"] == 409:
                time.sleep(random.uniform(0, PAUSE * min(attempt, 10)))  # noqa: S311 - so that several programs take turns
                continue
            if reply["status"] >= 300 and reply["status"] != 404:
                raise CatalogIndexError(
                    f"The index refused the handover {key}: "
                    f"{reply['error'].get('reason', reply['error'])}."
                )
            return after
        raise DocumentConflict(f"The handover {key} changes faster than it can be amended.")

    def _scan(self, query: Query | None, sort: Sort) -> Iterator[HandoverRow]:
        for page in self._repository.scan_pages(query, index=self._index, sort=sort):
            for hit in page:
                yield hit["_source"]

    def _lines(self, key: str, version: Mapping[str, int], after: HandoverRow | None) -> list[Line]:
        where = {"_index": self._index, "_id": key, **version}
        if after is None:
            return [{"delete": where}]
        return [{"index" if version else "create": {**where, "require_alias": True}}, after]

    def _versioned(self, key: str) -> tuple[HandoverRow | None, dict[str, int]]:
        found = self._repository.versioned_sources("handovers", [key])
        if key not in found:
            return None, {}
        record, seq_no, primary_term = found[key]
        return record, {"if_seq_no": seq_no, "if_primary_term": primary_term}


def _event(before: HandoverRow | None, after: HandoverRow | None, action: str) -> EventRow:
    about = after or before or {}
    return {
        "action": action,
        "hash": about["hash"],
        "path": staged_path(about),
        "source": about.get("source", ""),
        "effect": EFFECT,
        "before": {"handover": before} if before else {},
        "after": {"handover": after} if after else {},
    }


def _key(target: str, content_hash: str) -> str:
    return f"{target}:{content_hash}"


def staged_path(record: HandoverRow) -> str:
    """Where the staged copy lies, or lay: a system path in text form."""
    return f"{record.get('folder', '')}/{record.get('name', '')}"
