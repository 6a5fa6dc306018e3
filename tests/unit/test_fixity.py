"""Content hashes and checksums: of any pieces, in one reading, and none that nobody asked for."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from chance import times
from hypothesis import given, settings
from hypothesis import strategies as st
from running import jpeg

from catalog.domain.asset import Entry, Facts
from catalog.domain.checksums import CONTENT
from catalog.domain.edits import Edit
from catalog.domain.fixity import BLOCK_SIZE, ContentHasher, Digests, content_hash, digests_of
from catalog.media.extract import read_facts, read_hash
from catalog.media.request import Request
from catalog.stores.local.store import LocalStore
from catalog.work.checksums import AT_ONCE, ChecksumWriter
from catalog.work.description import Describer

KINDS = ("md5", "sha1", "sha256")
BLOCK = os.urandom(1024) * (BLOCK_SIZE // 1024)


def blocks(data: bytes) -> str:
    """The content hash as its definition has it."""
    parts = [data[at : at + BLOCK_SIZE] for at in range(0, len(data), BLOCK_SIZE)]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def stated(data: bytes, *kinds: str) -> dict[str, str]:
    return {
        kind: hashlib.new(kind, data, usedforsecurity=False).hexdigest() for kind in sorted(kinds)
    }


@pytest.mark.parametrize(
    "size",
    [0, 1, 5000, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1, 2 * BLOCK_SIZE, 2 * BLOCK_SIZE + 7],
)
def test_one_reading_gives_the_content_hash_and_what_else_is_wanted(size: int) -> None:
    data = (BLOCK * 3)[:size]
    free = {"sha256"} if size <= BLOCK_SIZE else set()
    assert content_hash(data) == blocks(data)
    assert digests_of(data) == Digests(blocks(data)), "nothing was asked for"
    assert digests_of(data, ["sha1"]) == Digests(blocks(data), stated(data, "sha1", *free))
    assert digests_of(data, ["md5"]) == Digests(blocks(data), stated(data, "md5", *free))
    assert digests_of(data, ["sha256"]) == Digests(blocks(data), stated(data, "sha256"))
    assert digests_of(data, KINDS) == Digests(blocks(data), stated(data, *KINDS))


@settings(max_examples=times(25))
@given(st.lists(st.integers(0, BLOCK_SIZE + 3), max_size=6), st.sets(st.sampled_from(KINDS)))
def test_pieces_of_any_length_give_the_same(lengths: list[int], kinds: set[str]) -> None:
    hasher = ContentHasher(kinds)
    data = (BLOCK * 7)[: sum(lengths)]
    at = 0
    for length in lengths:
        hasher.update(data[at : at + length])
        at += length
        assert hasher.digests() == digests_of(data[:at], kinds), "it may be asked on the way"


def test_what_is_read_and_what_a_store_reads_have_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = jpeg("one")
    (tmp_path / "a.jpg").write_bytes(data)
    request = Request(str(tmp_path / "a.jpg"), checksums=("sha1", "md5"))
    expected = Digests(content_hash(data), stated(data, "md5", "sha1", "sha256"))
    assert read_hash(request) == expected
    facts = read_facts(request)
    assert (facts.hash, facts.checksums) == (expected.content, expected.checksums)
    monkeypatch.setattr("catalog.media.extract.WHOLE_FILE_BYTES", 10)
    assert read_facts(request).checksums == expected.checksums, "a large file is hashed as a stream"
    assert (
        LocalStore("x", tmp_path, managed=False).digests("a.jpg", ("sha1", "md5"), anew=True)
        == expected
    )
    assert read_facts(Request(str(tmp_path / "a.jpg"))).checksums == {}


def test_checksums_that_are_learned_reach_those_assets_that_lack_them() -> None:
    documents: dict[str, dict[str, Any]] = {
        str(n): {"checksums": {"sha1": "old"}} if n % 2 else {} for n in range(AT_ONCE)
    }
    asked, edits = [], list[Edit]()
    writer = ChecksumWriter(
        lambda names, _fields: (
            asked.append(len(names)) or {n: documents[n] for n in names if n in documents}
        ),
        edits.extend,
    )
    for number in range(AT_ONCE + 5):
        writer.learn(Digests(str(number), {"sha1": "new"}))
    writer.learn(Digests("without"))
    assert asked == [AT_ONCE], "nothing is kept back for longer than needed"
    writer.flush()
    writer.flush()
    assert asked == [AT_ONCE, 5] and len(edits) == AT_ONCE // 2
    assert all(edit.untold and int(edit.hash) % 2 == 0 for edit in edits)
    assert edits[0].change({"hash": "0"}) == {"hash": "0", "checksums": {"sha1": "new"}}


class NoPlaces:
    """A gazetteer of nothing."""

    def place_of(self, _position: Any) -> None:
        return None

    def zone_of(self, _position: Any) -> None:
        return None

    def offset_at(self, _zone: str, _utc: datetime) -> None:
        return None


def test_what_a_store_states_of_a_content_is_kept_with_what_was_computed() -> None:
    facts = Facts("h", 1, "jpeg", "image", "image/jpeg", checksums={"sha1": "computed"})
    entry = Entry(
        "a.jpg",
        1,
        checksums={CONTENT: "h", "sha1": "stated", "md5": "m", "crc32": "c", "etag": "x"},
    )
    described = Describer(NoPlaces(), "UTC").describe(facts, entry, datetime(2026, 1, 1))
    assert described.facts.checksums == {"sha1": "computed", "md5": "m", "crc32": "c"}
    assert (
        Describer(NoPlaces(), "UTC").describe(facts, Entry("a.jpg", 1), datetime(2026, 1, 1)).facts
        is facts
    )
