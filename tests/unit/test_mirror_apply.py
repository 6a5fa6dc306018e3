"""What a mirror does with two stores in memory, without an index: what travels, and what is refused before it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from memory_store.root import MemoryKind
from memory_store.store import MemoryStore

from catalog.features.mirror.apply import Mirrorer
from catalog.features.mirror.plan import Transfer
from catalog.features.mirror.run import Mirror
from catalog.features.mirror.survey import PairSurvey
from catalog.work.journal import Journal
from catalog.work.listing import Listing
from catalog.work.report import Outcome, Report
from catalog.work.sink import Silence


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path, "run")) as journal:
        yield journal


def store(memory: MemoryKind, name: str, **traits: Any) -> MemoryStore:
    disk = memory.disk(name, **traits)
    disk.folders.add("photos")
    return MemoryStore(name, "photos", disk)


def mirrored(source: MemoryStore, target: MemoryStore, journal: Journal, *transfers: Transfer) -> list[Outcome]:
    """What became of each."""
    told: list[Outcome] = []
    report = Report(Silence(on_outcome=told.append), "mirror")
    shown, given = Listing(target, remembered=True), Listing(source)
    for listing in (shown, given):
        assert list(listing.list()) is not None
    for disk in (source.disk, target.disk):
        disk.calls.clear()
        disk.sent = disk.taken = 0
    mirrorer = Mirrorer(source, target, lambda edits: ["done"] * len(edits), journal, report, "run", shown, given)
    mirrorer.apply([], iter(transfers))
    return told


def test_a_file_that_the_other_store_cannot_hold_is_refused_before_it_is_sent(memory: MemoryKind, journal: Journal) -> None:
    source, target = store(memory, "nas"), store(memory, "far", largest_file=1000)
    sent = []
    for path, size in (("big.mov", 1001), ("a.jpg", 1000)):
        digest = source.disk.hold(f"photos/{path}", b"x" * size)
        sent.append(Transfer(digest, digest, path, size))
    big, small = sorted(mirrored(source, target, journal, *sent), key=lambda told: told.size)
    assert (big.path, big.outcome) == ("big.mov", "failed")
    assert "1.0 kB" in big.reason and "larger" in big.reason and "store far" in big.reason
    assert (small.path, small.outcome) == ("a.jpg", "copied")
    assert source.disk.calls["open"] == 1 and source.disk.sent == 1000


def test_a_dry_run_says_so_as_well(memory: MemoryKind) -> None:
    source, target = store(memory, "nas"), store(memory, "far", largest_file=1000)
    work = Mirror(
        cast("Any", None), cast("Any", None), (source, target), PairSurvey(cast("Any", None), source, target), Silence()
    )
    told = [work.foresee(Transfer("h", "h", "a.mov", size)).outcome for size in (1000, 1001)]
    assert told == ["planned", "failed"]
