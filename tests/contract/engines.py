"""Elasticsearch, or what stands in for it, as the tests of both ask it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from elastic_transport import ApiError

from catalog.errors import CatalogIndexError
from catalog.index.client import Connection
from catalog.index.repository import Repository


@dataclass(frozen=True)
class Engine:
    """Something that answers as Elasticsearch; names of indexes that begin so are the test's."""

    connection: Connection
    name: str

    def ask(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        return self.connection.request(method, path, body, **params)

    def refused(self, method: str, path: str, body: Any = None, **params: Any) -> tuple[int, str]:
        """The status and the type of the error of a request that is refused."""
        with pytest.raises(CatalogIndexError) as caught:
            self.ask(method, path, body, **params)
        said = caught.value.__cause__
        assert isinstance(said, ApiError)
        return said.meta.status, said.body["error"]["type"]

    def catalog(self, documents: dict[str, dict[str, Any]] | None = None) -> Repository:
        """A catalog with some assets, which searches see."""
        repository = Repository(self.connection, self.name)
        repository.indexes.ensure()
        lines = [
            line
            for key, document in (documents or {}).items()
            for line in ({"create": {"_index": self.name, "_id": key}}, document)
        ]
        if lines:
            assert {r["status"] for r in repository.connection.bulk(lines)} == {201}
        repository.refresh()
        return repository
