"""What a timeline asks the index."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from catalog.domain.privacy import PrivacyRule
from catalog.domain.timeline import FIELDS, MOMENTS, Row, read_row
from catalog.index import queries, schema
from catalog.index.client import Query
from catalog.index.repository import Repository
from catalog.index.requests import count_at, point_in_time, scan_fields

_HASH = re.compile("[0-9a-f]{64}")
EVERYTHING: Query = {"match_all": {}}
MANY = 100_000
"""From so many hits on, two pages are asked for at a time."""
_MOMENTS: list[Query] = [{"field": name, "format": "epoch_millis"} for name in MOMENTS]
_FIELDS: list[str | Query] = [*FIELDS, *_MOMENTS]


def scan_rows(
    repository: Repository, pit: str, query: Query, rules: Sequence[PrivacyRule], *, slices: int = 1
) -> Iterator[list[Row]]:
    """The rows of all assets that match at a point in time, in pages."""
    for page in scan_fields(repository.connection, pit, query, _FIELDS, slices=slices):
        yield [read_row(fields, rules) for fields in page]


def find_hashes(repository: Repository, text: str) -> npt.NDArray[np.uint8]:
    """The content hashes, (n, 32), of all that a query finds, as of the last refresh.

    Raises QuerySyntaxError.
    """
    query = queries.build(text)
    connection = repository.connection
    with queries.pointing_at(text), point_in_time(connection, repository.alias) as pit:
        slices = 2 if count_at(connection, pit, query) >= MANY else 1
        pages = scan_fields(connection, pit, query, ["hash"], slices=slices)
        found = b"".join(bytes.fromhex("".join(f["hash"][0] for f in page)) for page in pages)
    return np.frombuffer(found, np.uint8).reshape(-1, 32)


def find_gone(repository: Repository, since: str) -> set[bytes]:
    """The assets that something happened to since a moment (ISO 8601 UTC), and that are no more, by
    their content hashes.
    """
    index = schema.companion(repository.alias, "events")
    repository.refresh(index)
    pages = repository.scan_pages({"range": {"at": {"gte": since}}}, index=index, source=["hash"])
    told = {hit["_source"].get("hash", "") for page in pages for hit in page}
    names = set(filter(_HASH.fullmatch, told))  # an event may be about an album
    there: set[str] = set()
    ordered = sorted(names)
    for start in range(0, len(ordered), 1000):
        some = ordered[start : start + 1000]
        there |= repository.sources_of(schema.ASSETS, some, whole=False).keys()
    return {bytes.fromhex(name) for name in names - there}
