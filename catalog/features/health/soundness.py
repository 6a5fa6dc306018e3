"""Proof that no two entries of the catalog stand for one file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from catalog.domain.copies import OK
from catalog.domain.document import AssetDocument
from catalog.domain.fixity import is_content_hash
from catalog.errors import UsageError
from catalog.index import queries
from catalog.index.client import Hit, Query
from catalog.index.repository import Repository
from catalog.work.workspace import Workspace


@dataclass(frozen=True, slots=True)
class EntryFault:
    """What is wrong with one entry. `place` is `store:path`, or "" where it is not about a copy.

    Kinds: `id` (it is not the content hash), `row` (one entry names a place twice), `path` (two
    entries claim a place).
    """

    kind: str
    hash: str
    store_path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Soundness:
    """How many documents and copies were looked at, and what was found."""

    documents: int
    copies: int
    faults: tuple[EntryFault, ...]


def prove_entries(workspace: Workspace, folder: str = "") -> Soundness:
    """Whether every id is its document's content hash, and every path claimed by one, once.

    `folder` of the stores: only copies below it, and their documents.
    """
    if folder.startswith("/"):
        raise UsageError(
            f"{folder} is no folder of the catalog.",
            hint="Name it relative to the store's root, such as 2019/07_July.",
        )
    repository = workspace.existing_repository
    repository.refresh(repository.alias)
    return _Proof(repository, folder.strip("/")).run()


class _Proof:
    """One look at all entries; of each copy it remembers eight bytes, so that it stays small."""

    def __init__(self, repository: Repository, folder: str) -> None:
        self._repository = repository
        self._folder = folder
        self._seen: set[bytes] = set()
        self._copies = 0

    def run(self) -> Soundness:
        """Look at all of them."""
        documents = 0
        faults: list[EntryFault] = []
        pages = self._repository.scan_pages(self._below(), source=["hash", "copies"])
        for hit in (hit for page in pages for hit in page):
            documents += 1
            faults += self._of_id(hit)
            faults += self._of_rows(hit)
        return Soundness(documents, self._copies, tuple(faults))

    def _below(self) -> Query | None:
        if not self._folder:
            return None
        below = {"prefix": {"copies.path": f"{self._folder}/"}}
        return {"nested": {"path": "copies", "query": below}}

    def _of_id(self, hit: Hit[AssetDocument]) -> Iterator[EntryFault]:
        stated = hit["_source"].get("hash", "")
        if stated != hit["_id"] or not is_content_hash(hit["_id"]):
            yield EntryFault("id", hit["_id"], "", f"its hash is stated as {stated or 'nothing'}")

    def _of_rows(self, hit: Hit[AssetDocument]) -> Iterator[EntryFault]:
        """What is wrong with the copies of one document."""
        mine: set[tuple[str, str]] = set()
        for row in hit["_source"].get("copies", []):
            store, path = row["store"], row["path"]
            if self._folder and not path.startswith(f"{self._folder}/"):
                continue
            self._copies += 1
            if (store, path) in mine:
                reason = "the document has two rows for it"
                yield EntryFault("row", hit["_id"], f"{store}:{path}", reason)
                continue
            mine.add((store, path))
            if row["state"] == OK:
                yield from self._of_claim(hit["_id"], store, path)

    def _of_claim(self, content_hash: str, store: str, path: str) -> Iterator[EntryFault]:
        """The other documents that claim a path, where one did before."""
        key = hashlib.blake2b(f"{store}\0{path}".encode(), digest_size=8).digest()
        if key not in self._seen:
            self._seen.add(key)
            return
        for other in _claimants(self._repository, store, path):
            if other != content_hash:
                yield EntryFault(
                    "path", content_hash, f"{store}:{path}", f"{other} claims it as well"
                )


def _claimants(repository: Repository, store: str, path: str) -> list[str]:
    """The assets that have a good copy at a path; eight bytes may be the same by chance."""
    documents = repository.documents(queries.by_path(repository, path, store))
    place = (store, path, OK)
    return sorted(
        name
        for name, (document, _seq, _term) in documents.items()
        if any((c["store"], c["path"], c["state"]) == place for c in document["copies"])
    )
