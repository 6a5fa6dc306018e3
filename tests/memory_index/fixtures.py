"""The stand-in as tests use it: one for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from catalog.engine import NodeAddress

from .server import MemoryIndex


@pytest.fixture(scope="session")
def memory_server() -> Iterator[MemoryIndex]:
    """It itself."""
    with MemoryIndex() as server:
        yield server


@pytest.fixture(scope="session")
def memory_node(memory_server: MemoryIndex) -> NodeAddress:
    """Where it answers."""
    return NodeAddress(memory_server.url, memory_server.user, memory_server.password)


@pytest.fixture
def only_what_is_known(memory_server: MemoryIndex) -> Iterator[None]:
    """Nothing is asked of it that it does not know: an answer to that is worth nothing."""
    memory_server.cluster.not_emulated.clear()
    yield
    assert memory_server.cluster.not_emulated == []
