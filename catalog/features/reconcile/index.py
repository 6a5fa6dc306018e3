"""What a reconciliation asks the index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from catalog.domain.asset import Asset, KnownAsset
from catalog.domain.checksums import NONE
from catalog.domain.document import AssetDocument, CopyRow, PersonFields, SidecarRow
from catalog.features.reconcile.records import Recorded
from catalog.index import documents, queries
from catalog.index.repository import Repository
from catalog.work.session import Ask, Session, at_once
from catalog.work.shot_records import ShotRecords

T = TypeVar("T")
BATCH = 256
"""Files that are read, or asked about, together."""


def batches(items: Iterable[T], weigh: Callable[[T], int] = lambda _item: 1) -> Iterator[list[T]]:
    """As many items at a time as are read, or asked about, together; `weigh` counts the files of
    each.
    """
    batch: list[T] = []
    weight = 0
    for item in items:
        batch.append(item)
        weight += weigh(item)
        if weight >= BATCH:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


class Index(Protocol):
    """What a reconciliation asks the index."""

    def recorded(self, store: str, kinds: Sequence[str] = ()) -> Iterator[Recorded]:
        """Every document that speaks of a store, with its checksums of some kinds."""
        ...

    def known_by(self, kind: str, values: list[str]) -> dict[str, str]:
        """See `contents.ByChecksum`."""
        ...

    def known(self, hashes: list[str]) -> dict[str, KnownAsset]:
        """Assets by content hash."""
        ...

    def troubled(self, hashes: list[str]) -> set[str]:
        """Those of some assets whose picture could not be looked at."""
        ...

    def document(
        self,
        asset: Asset,
        original: str,
        rows: Sequence[CopyRow],
        sidecars: Sequence[SidecarRow],
        stack: tuple[str, str] | None,
    ) -> AssetDocument:
        """The document of a new asset."""
        ...

    def said_once(self, content_hash: str) -> PersonFields:
        """What a person had said of an asset that was forgotten since; nothing where none was."""
        ...


def recorded_fields(kinds: Iterable[str]) -> list[str]:
    """The fields of documents that `recorded_in` needs, with checksums of some kinds."""
    return ["copies", "sidecars", "stack.id", *(f"checksums.{kind}" for kind in kinds)]


def recorded_in(content_hash: str, document: AssetDocument) -> Recorded:
    """The part of a document that a reconciliation needs."""
    stack = document.get("stack", {}).get("id", "")
    checksums = document.get("checksums", NONE)
    return Recorded(
        content_hash, document.get("copies", ()), document.get("sidecars", ()), stack, checksums
    )


class SyncIndex:
    """The index as a reconciliation asks it."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._run = ""
        self._ask: Ask = at_once
        self._forgotten: set[str] | None = None
        self.shots = ShotRecords(repository, lambda call: self._ask(call))

    def serve(self, run: Session) -> None:
        """From now on answer for a run: its id is in what is made,
        and its questions wait while Elasticsearch is away.
        """
        self._run = run.run
        self._ask = run.patiently

    def recorded(self, store: str, kinds: Sequence[str] = ()) -> Iterator[Recorded]:
        """Every document that speaks of a store, with its checksums of some kinds."""
        self._repository.refresh()
        for page in self._repository.scan_pages(
            queries.of_store(store), source=recorded_fields(kinds)
        ):
            for hit in page:
                yield recorded_in(hit["_id"], hit["_source"])

    def known_by(self, kind: str, values: list[str]) -> dict[str, str]:
        """The content hash of the asset that has each of some checksums of a kind."""
        found: dict[str, str] = self._ask(lambda: self._repository.known_by(kind, values))
        return found

    def known(self, hashes: list[str]) -> dict[str, KnownAsset]:
        """Assets by content hash."""
        found: dict[str, KnownAsset] = self._ask(lambda: self._repository.known(hashes))
        return found

    def troubled(self, hashes: list[str]) -> set[str]:
        """Those of some assets whose picture could not be looked at."""
        found: dict[str, AssetDocument] = self._ask(
            lambda: self._repository.parts_of(hashes, ["problem"])
        )
        return {name for name, document in found.items() if document.get("problem")}

    def document(
        self,
        asset: Asset,
        original: str,
        rows: Sequence[CopyRow],
        sidecars: Sequence[SidecarRow],
        stack: tuple[str, str] | None,
    ) -> AssetDocument:
        """The document of a new asset."""
        origin = documents.Origin(original, self._run, datetime.now(UTC))
        return documents.asset_document(asset, origin, copies=rows, sidecars=sidecars, stack=stack)

    def original(self, content_hash: str) -> str:
        """The absolute path that a known asset had before it came, or ""."""
        found: dict[str, AssetDocument] = self._ask(
            lambda: self._repository.parts_of([content_hash], ["original"])
        )
        return found.get(content_hash, {}).get("original", {}).get("path", "")

    def said_once(self, content_hash: str) -> PersonFields:
        """What a person had said of an asset that was forgotten since."""
        if self._forgotten is None:
            events = self._repository.history.of_action("forget", ["hash"])
            self._forgotten = {event["hash"] for event in events}
        if content_hash not in self._forgotten:
            return {}
        past = self._repository.history.forgotten_document(content_hash) or {}
        return past.get("person", {})
