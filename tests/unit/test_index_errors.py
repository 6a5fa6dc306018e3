"""The errors of Elasticsearch are told apart by status and type, whatever their messages say."""

from typing import Any

import pytest

from catalog.errors import CatalogIndexError, IndexUnavailable
from catalog.index import schema
from catalog.index.migration import Indexes

NAME = "photos"


class Refusing:
    """A connection to an Elasticsearch without indexes, in which another program makes that of the
    events first: `taken` is what is told of it, and `late` what is told where it is waited for.
    """

    def __init__(self, taken: CatalogIndexError, late: CatalogIndexError | None) -> None:
        self._taken = taken
        self._late = late
        self._there: dict[str, Any] = {}

    def request(self, method: str, path: str, body: Any = None, **_params: Any) -> Any:
        """The reply to one request."""
        if path.startswith("/_cluster/health"):
            if self._late is not None:
                raise self._late
            return {}
        if method == "GET":
            names = set(path.removeprefix("/").split(","))
            return {k: made for k, made in self._there.items() if names & made["aliases"].keys()}
        self._there[path.removeprefix("/")] = body
        if "events" in path:
            raise self._taken
        return {}


def ensured(taken: CatalogIndexError, late: CatalogIndexError | None = None) -> dict[str, int]:
    """The versions of the indexes once they were made sure of."""
    indexes = Indexes(Refusing(taken, late), NAME)
    indexes.ensure()
    return {what: index.version for what, index in indexes.found().items()}


@pytest.mark.parametrize(
    "kind", ["resource_already_exists_exception", "invalid_index_name_exception"]
)
def test_an_index_that_another_program_made_is_known_by_the_type_of_the_error(kind: str):
    taken = CatalogIndexError("no", status=400, kind=kind)
    assert ensured(taken) == dict.fromkeys(schema.PROPERTIES, schema.SCHEMA_VERSION)


def test_an_index_that_cannot_be_made_is_told_though_its_error_speaks_of_one_that_exists():
    refused = CatalogIndexError("resource_already_exists_exception", status=400, kind="other")
    with pytest.raises(CatalogIndexError) as caught:
        ensured(refused)
    assert caught.value is refused


def test_shards_that_are_not_there_are_known_by_the_status_of_the_answer():
    taken = CatalogIndexError("no", status=400, kind="resource_already_exists_exception")
    late = CatalogIndexError("no", status=408)
    with pytest.raises(IndexUnavailable, match="not all shards are there"):
        ensured(taken, late)
    other = CatalogIndexError("408 timeout", status=500)
    with pytest.raises(CatalogIndexError) as caught:
        ensured(taken, other)
    assert caught.value is other
