"""Rot is what has size, time, ctime and inode as recorded; where these are not kept,
nothing tells rot from an edit.
"""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from catalog.domain.actions import Skip
from catalog.domain.asset import Entry
from catalog.domain.copies import RecordedFile, copy_row, numbers_of, read_recorded
from catalog.domain.edits import with_numbers
from catalog.domain.evidence import (
    KEPT,
    NO_CTIME,
    Evidence,
    as_proved,
    has_other_ctime,
    is_untouched,
)
from catalog.domain.roots import root_on, with_root
from catalog.domain.stacks import Candidate
from catalog.errors import UnsupportedType
from catalog.features.reconcile.held_changes import Holding
from catalog.features.reconcile.numbers import NumberWriter
from catalog.features.reconcile.records import Comparison, Owned, Records
from catalog.features.reconcile.survey import FEW, HELD, Looker, Options, Sight
from catalog.media.jpeg.image_data import find_hole
from catalog.media.sidecars import find_fault
from catalog.stores.local import file_system

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
T = 1_600_000_000_123_456_789
HERE = Entry("a.jpg", 100, T, T + 5, 7, 8, host="here")
NEITHER = Evidence(ctime=False, inode=False)


def known(**changes: Any) -> RecordedFile:
    return read_recorded(copy_row("nas", HERE, NOW, NOW), "h")._replace(**changes)


# --- what the numbers tell ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "recorded", "evidence", "told"),
    [
        ({}, {}, KEPT, True),
        ({"ctime_ns": T + 6}, {}, KEPT, False),
        ({"ctime_ns": T + 4}, {}, KEPT, False),
        ({"inode": 9}, {}, KEPT, False),
        ({"inode": 9}, {}, Evidence(ctime=True, inode=False), True),
        ({"device": 1}, {}, KEPT, True),
        ({"host": "there", "inode": 9}, {}, KEPT, True),
        ({}, {}, NEITHER, None),
        ({"ctime_ns": T + 6, "inode": 9}, {}, NEITHER, None),
        ({"inode": 9}, {}, NO_CTIME, False),
        ({}, {"ctime_ns": 0}, KEPT, None),
        ({"ctime_ns": 0}, {}, KEPT, None),
        ({"revision": "1"}, {"revision": "1"}, NEITHER, True),
        ({"revision": "2"}, {"revision": "1"}, KEPT, False),
    ],
)
def test_only_what_is_as_recorded_in_all_that_is_kept_was_left_alone(
    changes: dict[str, Any], recorded: dict[str, Any], evidence: Evidence, told: bool | None
) -> None:
    assert is_untouched(replace(HERE, **changes), known(**recorded), evidence) is told


def test_another_ctime_is_a_reason_to_read_where_it_is_kept_and_no_content_is_stated() -> None:
    newer = replace(HERE, ctime_ns=T + 6)
    assert has_other_ctime(newer, known(), KEPT) and not has_other_ctime(HERE, known(), KEPT)
    assert not has_other_ctime(newer, known(), NO_CTIME)
    assert not has_other_ctime(newer, known(ctime_ns=0), KEPT)
    assert not has_other_ctime(replace(newer, checksums={"sha1": "x"}), known(), KEPT)
    assert as_proved(newer, known()).ctime_ns == T + 5 and as_proved(HERE, known()) is HERE


def test_the_record_of_a_store_says_what_its_file_system_keeps_on_each_machine() -> None:
    record = with_root({"root": "/x"}, "a", "one", "/x", "2026", "ext4", KEPT.names)  # type: ignore[typeddict-item]
    record = with_root(record, "b", "two", "/y", "2027", "cifs", NEITHER.names)
    there = {host: root_on(record, host) for host in ("a", "b", "c")}
    assert there["c"] is None
    for host, kept, kind in (("a", KEPT, "ext4"), ("b", NEITHER, "cifs")):
        row = there[host]
        assert row is not None and row["file_system"] == kind
        assert Evidence.named(row["evidence"]) == kept


MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/root rw
30 22 0:40 / /mnt/nas rw - cifs //nas/photos rw
31 30 0:41 / /mnt/nas/disk rw shared:5 master:1 - ext4 /dev/sdb1 rw
32 22 0:42 / /mnt/a\\040stick rw - vfat /dev/sdc1 rw
33 22 0:43 / /srv rw - ext4 /dev/sdd1 rw
34 22 0:44 / /srv rw - fuse.mergerfs pool rw
35 22 0:45 / /new rw - shinyfs /dev/sde1 rw
"""


@pytest.mark.parametrize(
    ("folder", "kind", "keeps"),
    [
        ("/home/anna", "ext4", True),
        ("/mnt/nas", "cifs", False),
        ("/mnt/nas/photos", "cifs", False),
        ("/mnt/nas/disk/photos", "ext4", True),
        ("/mnt/nasty", "ext4", True),
        ("/mnt/a stick/x", "vfat", False),
        ("/srv/x", "fuse.mergerfs", False),
        ("/new", "shinyfs", False),
    ],
)
def test_a_file_system_is_believed_only_where_it_is_known_to_keep_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, kind: str, keeps: bool
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    monkeypatch.setattr(file_system, "MOUNTS", mounts)
    assert file_system.file_system_of(Path(folder)) == kind
    assert file_system.find_evidence(Path(folder)) == Evidence(keeps, keeps)
    mounts.unlink()
    assert file_system.find_evidence(Path(folder)) == NEITHER, "nobody says what lies there"


# --- what a look makes of them --------------------------------------------------------------------


class Listed:
    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries

    def list(self, prefix: str = "", *, recursive: bool = True) -> Any:
        return iter(self.entries)


def look(changed: int, same: int, **options: Any) -> Sight:
    """A look at so many files with another ctime, and so many as recorded."""
    files = [replace(HERE, path=f"{n:03}.jpg", inode=n + 1) for n in range(changed + same)]
    records = Records(total=len(files))
    for file in files:
        records.copies[file.path] = read_recorded(copy_row("nas", file, NOW, NOW), file.path)
    newer = [replace(f, ctime_ns=T + 9) for f in files[:changed]]
    return Looker(Listed([*newer, *files[changed:]]), records, Options(**options)).look()


def test_a_file_with_another_ctime_is_doubtful_and_neither_fresh_nor_gone() -> None:
    sight = look(2, 3)
    assert [d.candidate.entry.path for d in sight.doubtful] == ["000.jpg", "001.jpg"]
    assert not sight.compared.fresh and not sight.compared.gone and sight.unchanged == 3
    assert not look(2, 3, evidence=NO_CTIME).doubtful


def test_another_ctime_of_most_files_is_a_restored_disk() -> None:
    assert not look(FEW, 0).is_stirred and look(FEW + 1, 0).is_stirred
    assert look(40, 39).is_stirred and not look(40, 40).is_stirred


def test_a_sidecar_with_another_ctime_is_doubtful_as_well() -> None:
    records = Records(copies={"a.jpg": known()}, total=1)
    sidecar = replace(HERE, path="a.jpg.xmp", inode=9)
    row = read_recorded(copy_row("nas", sidecar, NOW, NOW), "x")
    records.sidecars["a.jpg.xmp"] = [Owned(row, "h")]
    for ctime, found in ((T + 5, []), (T + 6, ["a.jpg.xmp"])):
        listed = Listed([HERE, replace(sidecar, ctime_ns=ctime)])
        sight = Looker(listed, records, Options()).look()
        assert [e.path for e, _owners in sight.sidecars_doubtful] == found
        assert not sight.sidecars_changed and not sight.sidecars_gone


def test_numbers_are_noted_without_an_event_and_only_where_something_may_be_written() -> None:
    written: list[Any] = []
    writer = NumberWriter("nas")
    writer.note("h", HERE)
    writer.edit = written.extend
    writer.note("h", replace(HERE, ctime_ns=T + 6))
    writer.flush()
    (edit,) = written
    assert edit.untold and edit.hash == "h"
    row = copy_row("nas", HERE, NOW, NOW)
    after = edit.change({"hash": "h", "copies": [row], "sidecars": [{**row, "hash": "x"}]})
    assert after["copies"] == [{**row, "ctime_ns": T + 6}]
    assert with_numbers("nas", "a.jpg", numbers_of(HERE))(None) is None


# --- what is for a person -------------------------------------------------------------------------


def changed_files(count: int, total: int, **changes: Any) -> tuple[Sight, Records]:
    """So many files of some with other content, found by reading."""
    paths = [f"{n:03}.jpg" for n in range(total)]
    records = Records(copies={p: known(path=p, **changes) for p in paths}, total=total)
    fresh = [Candidate(replace(HERE, path=p, mtime_ns=T + 10**10)) for p in paths[:count]]
    return Sight(Comparison(fresh, {p: records.copies[p] for p in paths[:count]}, [])), records


@pytest.mark.parametrize(("count", "held"), [(10, 0), (11, 11)])
def test_more_changes_at_once_than_both_thresholds_are_held(count: int, held: int) -> None:
    sight, records = changed_files(count, 100)
    Holding(Options(change_files=5, change_percent=10)).hold_files(sight, records)
    assert [s.outcome for s in sight.problems] == [HELD] * held
    assert len(sight.compared.fresh) == count - held
    assert len(sight.compared.open_records()) == count - held, "what is held is not given up"
    assert not sight.is_blind
    few, records = changed_files(11, 100)
    Holding(Options(change_files=11, change_percent=10)).hold_files(few, records)
    assert not few.problems
    agreed, records = changed_files(11, 100)
    Holding(Options(change_files=5, accept_changes=True)).hold_files(agreed, records)
    assert not agreed.problems


def test_other_bytes_without_a_sign_are_held() -> None:
    for evidence, ctime, held in ((NO_CTIME, T + 5, 1), (KEPT, T + 5, 0), (KEPT, 0, 1)):
        sight, records = changed_files(1, 9, ctime_ns=ctime)
        sight.compared.fresh = [Candidate(replace(HERE, path="000.jpg", ctime_ns=T + 6))]
        Holding(Options(evidence=evidence)).hold_files(sight, records)
        assert len(sight.problems) == held, (evidence, ctime)


def test_on_a_restored_disk_another_ctime_is_no_sign() -> None:
    for stirred in (False, True):
        sight, records = changed_files(1, 9)
        sight.compared.fresh = [Candidate(replace(HERE, path="000.jpg", ctime_ns=T + 6))]
        sight.is_stirred = stirred
        holding = Holding(Options())
        holding.hold_files(sight, records)
        assert [s.outcome for s in sight.problems] == [HELD] * stirred
        assert [entry.path for _hash, entry in holding.unproved] == ["000.jpg"] * stirred


def test_what_was_a_photo_and_is_none_is_held_and_what_never_was_one_is_not() -> None:
    holding, text = Holding(Options()), UnsupportedType("a text")
    candidate = Candidate(HERE)
    assert holding.unread(candidate, text, is_recorded=True).outcome == HELD
    assert holding.unread(candidate, text, is_recorded=False).outcome == "unsupported"
    accepting = Holding(Options(accept_changes=True))
    assert accepting.unread(candidate, text, is_recorded=True).outcome == "unsupported"


def test_a_sidecar_that_is_broken_is_held() -> None:
    for fault, held in (("", 0), ("it is empty", 1)):
        sight = Sight(Comparison([], {}, []), sidecars_changed=[(HERE, [])])
        Holding(Options()).hold_sidecars(sight, Records(total=9), lambda _entry, f=fault: f)
        assert len(sight.problems) == held and len(sight.sidecars_changed) == 1 - held
        assert all(isinstance(s, Skip) and s.outcome == HELD for s in sight.problems)


def encoded(picture: Image.Image, **how: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", **how)
    return stream.getvalue()


@pytest.mark.parametrize("progressive", [False, True])
def test_sectors_of_zeros_in_a_picture_are_a_hole(progressive: bool) -> None:
    whole = encoded(Image.effect_noise((320, 240), 60), progressive=progressive)
    at, size = len(whole) // 2 // 512 * 512, len(whole)
    assert find_hole(whole[:at] + bytes(size - at)) == at
    assert find_hole(whole[:at] + bytes(1024) + whole[at + 1024 :]) == at
    for sound in (whole, whole + bytes(4096), whole[:-2], whole[: at + 7], b"", bytes(4096)):
        assert find_hole(sound) is None


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_flat_picture_has_no_hole(grey: int) -> None:
    flat = Image.new("L", (2003, 1501), grey)
    flat.paste(Image.effect_noise((37, 41), 90), (0, 0))
    assert find_hole(encoded(flat, optimize=True)) is None


XMP = b"<?xpacket begin='\xef\xbb\xbf'?><x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>"


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("a.xmp", XMP),
        ("a.jpg.xmp", "<a>\u00e9</a>".encode("utf-16")),
        ("a.aae", b"<?xml version='1.0'?><plist><dict/></plist>"),
        ("a.aae", b"bplist00abc"),
        ("a.json", b'{"title": "a"}'),
        ("a.thm", b"\xff\xd8\xff\xe0"),
        ("a.other", b"x"),
    ],
)
def test_a_sidecar_is_whole_or_broken(name: str, whole: bytes) -> None:
    assert find_fault(whole, name) == ""
    for broken in (b"", bytes(len(whole))):
        assert find_fault(broken, name)
    if name.endswith(("xmp", "json")):
        assert find_fault(whole[: len(whole) // 2], name) and find_fault(b"\x00" + whole, name)
