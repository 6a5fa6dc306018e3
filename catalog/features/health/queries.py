"""Questions that compare stores, and that prove the index sound."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from catalog.domain.copies import OK
from catalog.domain.fixity import is_content_hash
from catalog.index import queries
from catalog.index.repository import Repository


def assets_in(repository: Repository, store: str, year: str = "") -> int:
    """How many assets have a copy in a store; of one year, if it is given."""
    return repository.count(_held([store], [], year))


def paths_only_in(repository: Repository, store: str, other: str, year: str = "") -> Iterator[list[str]]:
    """The paths in a store of each asset that has no copy in the other one, asset by asset, sorted by their first path."""
    order = [{"paths": "asc"}, {"hash": "asc"}]
    for page in repository.scan_pages(_held([store], [other], year), sort=order, source=["copies"]):
        for hit in page:
            yield sorted(c["path"] for c in hit["_source"]["copies"] if c["store"] == store and c["state"] == OK)


def _held(stores: list[str], without: list[str], year: str) -> dict[str, Any]:
    """Assets with a copy in every one of some stores, and none in others. `stores` of a document counts good copies only."""
    conditions: list[dict[str, Any]] = [{"term": {"stores": name}} for name in stores]
    if year:
        conditions.append({"range": {"captured.wall": {"gte": f"{year}||/y", "lte": f"{year}||/y"}}})
    return {"bool": {"filter": conditions, "must_not": [{"term": {"stores": name}} for name in without]}}


@dataclass(slots=True)
class Soundness:
    """What was looked at, and each finding as (kind, hash, place, what is wrong)."""

    documents: int = 0
    copies: int = 0
    findings: list[tuple[str, str, str, str]] = field(default_factory=list)


def soundness(repository: Repository, folder: str = "") -> Soundness:
    """Whether every id is its document's content hash, and every path of a store is claimed by one document, once.

    `folder` of the stores: only copies below it, and their documents.
    """
    found = Soundness()
    seen: set[bytes] = set()
    for page in repository.scan_pages(_below(folder), source=["hash", "copies"]):
        for hit in page:
            found.documents += 1
            _check_id(hit, found)
            _check_rows(hit, folder, seen, found, repository)
    return found


def _below(folder: str) -> dict[str, Any] | None:
    if not folder:
        return None
    return {"nested": {"path": "copies", "query": {"prefix": {"copies.path": f"{folder}/"}}}}


def _check_id(hit: dict[str, Any], found: Soundness) -> None:
    stated = hit["_source"].get("hash", "")
    if stated != hit["_id"] or not is_content_hash(hit["_id"]):
        found.findings.append(("id", hit["_id"], "", f"its hash is stated as {stated or 'nothing'}"))


def _check_rows(hit: dict[str, Any], folder: str, seen: set[bytes], found: Soundness, repository: Repository) -> None:
    """Check the copies of one document; `seen` learns eight bytes for each, so that it stays small."""
    mine: set[tuple[str, str]] = set()
    for row in hit["_source"].get("copies", []):
        place = (row["store"], row["path"])
        if folder and not row["path"].startswith(f"{folder}/"):
            continue
        found.copies += 1
        if place in mine:
            found.findings.append(("row", hit["_id"], ":".join(place), "the document has two rows for it"))
            continue
        mine.add(place)
        key = hashlib.blake2b("\0".join(place).encode(), digest_size=8).digest()
        if row["state"] == OK and key in seen:
            others = [h for h in _claimants(repository, *place) if h != hit["_id"]]
            found.findings += [("path", hit["_id"], ":".join(place), f"{other} claims it as well") for other in others]
        elif row["state"] == OK:
            seen.add(key)


def _claimants(repository: Repository, store: str, path: str) -> list[str]:
    """The assets that have a good copy at a path: those that share eight bytes of a digest by chance are no finding."""
    documents = repository.documents(queries.by_path(repository, path, store))
    return sorted(
        name for name, (document, _seq, _term) in documents.items()
        if any((c["store"], c["path"], c["state"]) == (store, path, OK) for c in document["copies"])
    )  # fmt: skip
