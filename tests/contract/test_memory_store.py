"""Stores in memory, each as another kind of service is, under the contract of all stores."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from memory_store.root import MemoryKind
from memory_store.store import MemoryStore
from store_contract import StoreContract


class TestMemoryStore(StoreContract):
    kind = MemoryStore
    traits: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def store(self, memory: MemoryKind) -> MemoryStore:
        disk = memory.disk("pictures", **self.traits)
        disk.folders.add("photos")
        return MemoryStore("memory", "photos", disk)

    @pytest.fixture
    def gone(self, memory: MemoryKind) -> MemoryStore:
        return MemoryStore("memory", "no/such/folder", memory.disk("pictures", **self.traits))

    def leftovers(self, store: MemoryStore) -> list[str]:  # type: ignore[override]
        return [str(token) for token in store.disk.unfinished]


class TestLikeDropbox(TestMemoryStore):
    time_precision = 1_000_000_000
    traits: ClassVar[dict[str, Any]] = {"case_sensitive": False, "time_precision": 1.0}


class TestThatStatesAllButTheContentHash(TestMemoryStore):
    traits: ClassVar[dict[str, Any]] = {
        "checksums": ("sha1", "sha256", "md5", "crc32", "etag"),
        "identifies": False,
    }


class TestThatStatesNothing(TestMemoryStore):
    traits: ClassVar[dict[str, Any]] = {
        "checksums": (),
        "server_side_copy": False,
        "trash": False,
        "identifies": False,
    }
