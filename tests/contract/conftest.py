"""Two engines for the same tests: the index that lies in memory, and a real Elasticsearch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from engines import Engine
from memory_index.fixtures import memory_node, memory_server, only_what_is_known  # noqa: F401

from catalog.engine import NodeAddress
from catalog.index.client import Address, Connection


@pytest.fixture
def memory_engine(
    memory_node: NodeAddress,  # noqa: F811 - a fixture
    only_what_is_known: None,  # noqa: F811 - a fixture
) -> Iterator[Engine]:
    """The index that lies in memory."""
    yield from _engine(memory_node, "test-contract")


@pytest.fixture
def node_engine(es_node: NodeAddress, index_name: str) -> Iterator[Engine]:
    """The real one."""
    yield from _engine(es_node, index_name)


@pytest.fixture(params=["memory", pytest.param("node", marks=pytest.mark.node)])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each of them."""
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


def _engine(node: NodeAddress, name: str) -> Iterator[Engine]:
    connection = Connection(Address((node.url,), node.user, node.password))
    yield Engine(connection, name)
    for index in connection.request("GET", f"/{name}*"):
        connection.request("DELETE", f"/{index}")
    connection.close()
