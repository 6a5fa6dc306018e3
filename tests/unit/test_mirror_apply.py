"""What a mirror does with two stores in memory, without an index.

What travels, and what is refused before it does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from memory_store.root import MemoryKind
from memory_store.store import MemoryStore

from catalog.domain.copies import copy_row
from catalog.domain.fixity import content_hash
from catalog.features.mirror.apply import Mirrorer
from catalog.features.mirror.plan import Follow, Mirroring, Needs, Transfer
from catalog.features.mirror.run import Mirror
from catalog.features.mirror.survey import PairSurvey
from catalog.work.journal import Journal
from catalog.work.listing import Listing
from catalog.work.outcome import Outcome
from catalog.work.report import Report
from catalog.work.sink import Silence


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path, "run")) as journal:
        yield journal


def store(memory: MemoryKind, name: str, **traits: Any) -> MemoryStore:
    disk = memory.disk(name, **traits)
    disk.folders.add("photos")
    return MemoryStore(name, "photos", disk)


def mirrored(
    source: MemoryStore,
    target: MemoryStore,
    journal: Journal,
    *transfers: Transfer,
    follows: Sequence[Follow] = (),
) -> list[Outcome]:
    """What became of each."""
    told: list[Outcome] = []
    report = Report(Silence(on_outcome=told.append), "mirror")
    shown, given = Listing(target, remembered=True), Listing(source)
    for listing in (shown, given):
        assert list(listing.list()) is not None
    for disk in (source.disk, target.disk):
        disk.calls.clear()
        disk.sent = disk.taken = 0
    mirrorer = Mirrorer(
        source, target, lambda edits: ["done"] * len(edits), journal, report, "run", shown, given
    )
    mirrorer.apply(follows, iter(transfers))
    return told


def test_a_file_that_the_other_store_cannot_hold_is_refused_before_it_is_sent(
    memory: MemoryKind, journal: Journal
) -> None:
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


def foreseen(source: MemoryStore, target: MemoryStore, *actions: Mirroring) -> list[Outcome]:
    """What a dry run tells of them, once it has looked at both stores."""
    survey = PairSurvey(cast("Any", None), source, target)
    for listing in (survey.shown, survey.given):
        assert list(listing.list()) is not None
    work = Mirror(cast("Any", None), cast("Any", None), (source, target), survey, Silence())
    return [work.foresee(action) for action in actions]


def test_a_dry_run_says_so_as_well(memory: MemoryKind) -> None:
    source, target = store(memory, "nas"), store(memory, "far", largest_file=1000)
    sent = []
    for size in (1000, 1001):
        digest = source.disk.hold(f"photos/{size}.mov", b"x" * size)
        sent.append(Transfer(digest, digest, f"{size}.mov", size))
    told = [outcome.outcome for outcome in foreseen(source, target, *sent)]
    assert told == ["planned", "failed"]


def test_a_dry_run_foretells_the_names_that_copies_get(
    memory: MemoryKind, journal: Journal
) -> None:
    """One whose name is taken, and the next of its numbers; one that is found;
    a sidecar that gives way; and one that is gone.
    """
    source, target = store(memory, "nas"), store(memory, "far")
    there = {
        "a.jpg": b"a",
        "taken.jpg": b"other",
        "taken_1.jpg": b"another",
        "found.jpg": b"found",
        "b.xmp": b"older",
    }
    for path, data in there.items():
        target.disk.hold(f"photos/{path}", data)
    sent = []
    for path in ("taken.jpg", "found.jpg", "b.xmp", "gone.jpg"):
        data = path.partition(".")[0].encode()
        digest = source.disk.hold(f"photos/{path}", data)
        older = content_hash(b"older") if path == "b.xmp" else ""
        sent.append(
            Transfer(digest, digest, path, len(data), is_sidecar=bool(older), replaces=older)
        )
    source.disk.drop("photos/gone.jpg")
    told = [
        [(o.path, o.target, o.hash) for o in sorted(some, key=lambda o: o.path)]
        for some in (
            foreseen(source, target, *sent),
            mirrored(source, target, journal, *sent),
        )
    ]
    assert told[0] == told[1]
    assert [target for _path, target, _hash in told[0]] == ["", "", "", "taken_2.jpg"]


# --- a store that states another checksum than the content hash -----------------------------------


def knowing(*actions: Mirroring, sha1_of: bytes) -> list[Any]:
    """The actions with what the catalog knows of their content."""
    return Needs(list(actions), []).knowing({"sha1": hashlib.sha1(sha1_of).hexdigest()}).actions


def unread(store: MemoryStore) -> bool:
    """Whether nothing was read of it."""
    return store.disk.sent == 0 and not {"open", "read_range", "checksum"} & set(store.disk.calls)


@pytest.fixture
def far(memory: MemoryKind) -> MemoryStore:
    return store(memory, "far", checksums=("sha1", "etag"), identifies=False)


def test_a_mirror_to_it_reads_no_byte_back(
    memory: MemoryKind, far: MemoryStore, journal: Journal
) -> None:
    source = store(memory, "nas")
    sent: list[Transfer] = []
    for number in range(20):
        data = b"photo %d" % number
        digest = source.disk.hold(f"photos/{number}.jpg", data)
        if number < 10:  # lies there already, by another way
            far.disk.hold(f"photos/{number}.jpg", data, mtime_ns=7)
        sent += knowing(Transfer(digest, digest, f"{number}.jpg", len(data)), sha1_of=data)
    told = mirrored(source, far, journal, *sent)
    assert sorted(t.outcome for t in told) == ["copied"] * 10 + ["found"] * 10
    assert unread(far) and source.disk.calls["open"] == 10
    assert {e.path: far.checksum(e.path) for e in far.list()} == {t.path: t.hash for t in sent}


def test_other_content_of_that_name_stays_and_is_not_read(
    memory: MemoryKind, far: MemoryStore, journal: Journal
) -> None:
    source = store(memory, "nas")
    digest = source.disk.hold("photos/a.jpg", b"photo")
    far.disk.hold("photos/a.jpg", b"other")
    (told,) = mirrored(
        source, far, journal, *knowing(Transfer(digest, digest, "a.jpg", 5), sha1_of=b"photo")
    )
    assert (told.outcome, told.target) == ("copied", "a_1.jpg")
    assert unread(far)
    assert {e.path: far.checksum(e.path) for e in far.list()} == {
        "a.jpg": content_hash(b"other"),
        "a_1.jpg": digest,
    }


def test_a_further_copy_is_made_there(
    memory: MemoryKind, far: MemoryStore, journal: Journal
) -> None:
    source = store(memory, "nas")
    digest = source.disk.hold("photos/a.jpg", b"photo")
    source.disk.hold("photos/b.jpg", b"photo")
    sent = knowing(
        *(Transfer(digest, digest, path, 5) for path in ("a.jpg", "b.jpg")), sha1_of=b"photo"
    )
    assert [t.outcome for t in mirrored(source, far, journal, *sent)] == ["copied", "copied"]
    assert (far.disk.calls["put"], far.disk.calls["copy"], far.disk.taken) == (1, 1, 5)
    assert unread(far)


def test_a_rename_is_followed_by_what_is_stated(
    memory: MemoryKind, far: MemoryStore, journal: Journal
) -> None:
    source = store(memory, "nas")
    digest = far.disk.hold("photos/old.jpg", b"photo", mtime_ns=7)
    entry = far.stat("old.jpg")
    assert entry is not None
    now = datetime.now(UTC)
    row = copy_row("far", entry, now, now) | {"mtime": "2001-01-01T00:00:00.000Z"}
    (told,) = mirrored(
        source,
        far,
        journal,
        follows=knowing(Follow(digest, digest, row, "new.jpg"), sha1_of=b"photo"),
    )
    assert (told.outcome, told.target) == ("moved", "new.jpg")
    assert unread(far)


def test_only_an_asset_without_that_checksum_is_read(
    memory: MemoryKind, far: MemoryStore, journal: Journal
) -> None:
    source = store(memory, "nas")
    digest = source.disk.hold("photos/a.jpg", b"photo")
    far.disk.hold("photos/a.jpg", b"photo")
    (told,) = mirrored(source, far, journal, Transfer(digest, digest, "a.jpg", 5))
    assert told.outcome == "found" and far.disk.sent == 5
