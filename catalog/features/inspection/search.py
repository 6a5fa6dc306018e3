"""The search: what a query finds, streamed, and how many there are."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.domain.derivation import known_wall
from catalog.domain.names import columns, from_text, printable
from catalog.errors import QuerySyntaxError
from catalog.features.inspection.lookup import folders_here
from catalog.index import queries

if TYPE_CHECKING:
    from catalog.domain.document import AssetDocument, CopyRow
    from catalog.index.repository import Repository
    from catalog.work.workspace import Workspace


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What is looked for, in the words of `catalog search`; nothing is everything.

    `sort` is a field, with - before it downwards. `limit` is how many assets are given at most; 0
    means all.
    """

    query: str = ""
    sort: str = "-taken"
    limit: int = 0


@dataclass(frozen=True, slots=True)
class FoundAsset:
    """One asset that a search found. `document` is all that the catalog holds of it."""

    document: AssetDocument

    @property
    def hash(self) -> str:
        """The content hash."""
        return self.document["hash"]

    @property
    def kind(self) -> str:
        """`image` or `video`."""
        return self.document["kind"]

    @property
    def size(self) -> int:
        """Bytes."""
        return self.document["size"]

    @property
    def taken(self) -> str:
        """The wall clock of the capture in ISO 8601 as far as it is known: the day, the month or
        the year alone; "" where it is not.
        """
        captured = self.document.get("captured")
        return known_wall(captured) if captured else ""

    @property
    def place(self) -> str:
        """Where it was taken: a place's own name, else the town, region or country, or ""."""
        where = self.document.get("place", {})
        return str(
            next(filter(None, (where.get(n) for n in ("name", "city", "region", "country"))), "")
        )

    @property
    def camera(self) -> str:
        """The camera's model, or ""."""
        return self.document.get("camera", {}).get("model", "")

    @property
    def copy(self) -> CopyRow | None:
        """The row of the first copy that is known to be there, if one is."""
        return next((row for row in self.document.get("copies", []) if row["state"] == "ok"), None)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a query finds. Each iteration asks anew, page by page.

    Raises QuerySyntaxError, with a mark under the spot where that is known.
    """

    repository: Repository
    request: SearchRequest

    def __iter__(self) -> Iterator[FoundAsset]:
        """The assets, in the order that was asked for."""
        wanted = self.request
        with mark_errors(wanted.query):
            for document in queries.search(
                self.repository, wanted.query, sort=wanted.sort, limit=wanted.limit
            ):
                yield FoundAsset(document)

    def count(self) -> int:
        """How many match, whatever the limit."""
        with mark_errors(self.request.query):
            return queries.count(self.repository, self.request.query)

    def paths(self) -> Iterator[str]:
        """Where each asset that has a good copy lies; see `paths_of`."""
        return paths_of((asset.copy for asset in self), self.repository)


def search(workspace: Workspace, request: SearchRequest) -> SearchResult:
    """What matches a query. One that is not understood needs no Elasticsearch to be told so."""
    request = SearchRequest(_without_raw_bytes(request.query), request.sort, request.limit)
    with mark_errors(request.query):
        queries.build(request.query)
        queries.sort_order(request.sort)
    repository = workspace.existing_repository
    repository.refresh(repository.alias)
    return SearchResult(repository, request)


def paths_of(copies: Iterator[CopyRow | None], repository: Repository) -> Iterator[str]:
    """The path of each copy as the system knows it, or `store:path` where it is not here.

    What has no copy (None) is left out.
    """
    folders = folders_here(repository)
    for copy in copies:
        if copy is None:
            continue
        folder = folders.get(copy["store"])
        if folder is None:
            yield f"{copy['store']}:{copy['path']}"
        else:
            yield f"{from_text(folder)}/{from_text(copy['path'])}"


def _without_raw_bytes(text: str) -> str:
    """The text with bytes that are no UTF-8 as the catalog holds them: a backslash and `xNN`.

    The backslash is escaped, as one in a query means something else.
    """
    return re.sub("[\udc80-\udcff]", lambda m: f"\\\\x{ord(m[0]) - 0xDC00:02x}", text)


@contextlib.contextmanager
def mark_errors(query: str) -> Iterator[None]:
    """Raise a QuerySyntaxError with the query and a mark under the spot, where one is known."""
    try:
        yield
    except QuerySyntaxError as error:
        raise _marked(error, query) from error


def _marked(error: QuerySyntaxError, query: str) -> QuerySyntaxError:
    if error.position is None and error.__cause__ is None:
        return error
    shown = "".join(" " if c.isspace() else c for c in query)
    if error.position is None:  # what Elasticsearch found, but not where
        return QuerySyntaxError(f"{error.message.rstrip('.')}:\n  {printable(shown)}")
    mark = " " * columns(printable(shown[: error.position])) + "^"
    lines = [f"{error.message}:", f"  {printable(shown)}", f"  {mark}", *filter(None, [error.hint])]
    return QuerySyntaxError("\n".join(lines))
