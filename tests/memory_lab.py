"""A lab whose index lies in memory: commands and features run as they are, without Elasticsearch.

A test module that takes its labs from here says so once:

    from memory_lab import memory_lab as lab  # noqa: F401 - the fixture `lab` of this module
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from memory_index import MemoryIndex
from running import Lab

from catalog.engine import NodeAddress


@pytest.fixture(scope="session")
def memory_server() -> Iterator[MemoryIndex]:
    """One stand-in for Elasticsearch for all tests of the session."""
    with MemoryIndex() as server:
        yield server


@pytest.fixture
def memory_node(memory_server: MemoryIndex) -> Iterator[NodeAddress]:
    """Where the stand-in answers; nothing may have been asked of it that it does not know."""
    memory_server.cluster.not_emulated.clear()
    yield NodeAddress(memory_server.url, memory_server.user, memory_server.password)
    assert memory_server.cluster.not_emulated == []


@pytest.fixture
def memory_lab(memory_node: NodeAddress) -> Iterator[Lab]:
    """Folders, environment and index of the test's own, and the commands to use them."""
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="catalog-test-")))
    folder.chmod(0o755)
    try:
        yield Lab(folder, memory_node, f"test-{uuid.uuid4().hex}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
