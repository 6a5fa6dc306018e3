"""Where the copies of assets are, by the index, and which assets lack what they should have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalog.domain.document import CopyRow
from catalog.errors import ConfigError
from catalog.index import queries
from catalog.index.client import Sort
from catalog.index.queries import Shortfall
from catalog.work.store_book import DROPBOX, StoreBook
from catalog.work.workspace import Workspace


@dataclass(frozen=True, slots=True)
class CopiesRequest:
    """Which assets of a query: those that lack a good copy in one of the stores of `missing`.

    Or those that fewer stores hold than `fewer_than`; all of them where nothing is demanded.
    `limit` is how many are given at most; 0 means all.
    """

    query: str = ""
    missing: tuple[str, ...] = ()
    fewer_than: int = 0
    limit: int = 0


@dataclass(frozen=True, slots=True)
class AssetCopies:
    """One asset, and the rows of its copies."""

    hash: str
    copies: Sequence[CopyRow]


def list_copies(workspace: Workspace, request: CopiesRequest) -> Iterator[AssetCopies]:
    """The assets that were asked for, by path."""
    repository = workspace.existing_repository
    book = StoreBook(workspace, repository)
    for name in request.missing:
        if name != DROPBOX:
            book.check_known(name)
    repository.refresh(repository.alias)
    query = queries.build(request.query)
    lacking = queries.require_lacking(repository, query, request.fewer_than, request.missing)
    order: Sort = [{"paths": {"order": "asc", "missing": "_last"}}, {"hash": "asc"}]
    for page in repository.scan_pages(lacking, sort=order, limit=request.limit):
        for hit in page:
            document = hit["_source"]
            yield AssetCopies(document["hash"], document.get("copies", []))


def find_shortfalls(workspace: Workspace) -> list[Shortfall]:
    """How many assets lack what the settings demand, and how many have bad copies."""
    repository = workspace.existing_repository
    repository.refresh(repository.alias)
    known = {*StoreBook(workspace, repository).known, DROPBOX}
    named = {name for policy in workspace.policies for name in policy.stores}
    for name in sorted(named - known):
        raise ConfigError(
            f"copy_policies names a store {name} that there is not.",
            hint=f"There are: {', '.join(sorted(known))}.",
        )
    return queries.shortfalls(repository, workspace.policies)
