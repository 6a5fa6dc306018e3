"""Features as a person starts them, on an index that lies in memory."""

from __future__ import annotations

import pytest
from memory_index.fixtures import memory_node as es_node  # noqa: F401 - for all labs of this folder
from memory_index.fixtures import memory_server, only_what_is_known  # noqa: F401 - fixtures


@pytest.fixture(autouse=True)
def everything_is_known(only_what_is_known: None) -> None:  # noqa: F811 - a fixture
    """No test here passes by an answer that is worth nothing."""
