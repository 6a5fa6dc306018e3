"""Features as a person starts them, on an index that lies in memory; a real one with `--real`."""

from __future__ import annotations

from pathlib import Path

import pytest
from memory_index.fixtures import memory_node, memory_server, only_what_is_known  # noqa: F401

from catalog.engine import NodeAddress

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def es_node(request: pytest.FixtureRequest, memory_node: NodeAddress) -> NodeAddress:  # noqa: F811
    """Where the indexes of all labs of this folder lie."""
    if not request.config.option.real:
        return memory_node
    real: NodeAddress = request.getfixturevalue("elasticsearch")
    return real


@pytest.fixture(autouse=True)
def everything_is_known(only_what_is_known: None) -> None:  # noqa: F811 - a fixture
    """No test here passes by an answer that is worth nothing."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whether the tests of this folder need a real one."""
    for item in items if config.option.real else ():
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.node)
