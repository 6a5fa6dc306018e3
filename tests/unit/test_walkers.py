"""The walkers over boxes and segments and the reader of directories: every file ends them."""

from __future__ import annotations

import struct

import pytest
import still_makers as make
from hypothesis import given
from hypothesis import strategies as st
from still_makers import box

from catalog.domain.filetypes import BY_NAME
from catalog.media.bmff.boxes import MAX_BOXES, Walk
from catalog.media.findings import Findings
from catalog.media.jpeg.image_data import image_data_hash
from catalog.media.jpeg.segments import APP0, APP1, APP2, MAX_MENDED, MAX_STEPS, SOS, Segments
from catalog.media.source import ByteSource, MemorySource
from catalog.media.stills import read_still
from catalog.media.tiff.ifd import Tiff, read_ifd, tiff_in_memory


class FarFile:
    """A file of any size, zeros but for a few places; it counts what was read."""

    def __init__(self, size: int, places: dict[int, bytes]) -> None:
        self.size = size
        self.reads = 0
        self.bytes = 0
        self._places = places

    def read(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        self.reads += 1
        self.bytes += length
        window = bytearray(length)
        for start, data in self._places.items():
            first, last = max(start, offset), min(start + len(data), offset + length)
            if first < last:
                window[first - offset : last - offset] = data[first - start : last - start]
        return bytes(window)


def far(data: bytes) -> FarFile:
    return FarFile(len(data), {0: data})


# --- boxes ---------------------------------------------------------------------------------------


def kinds(data: bytes) -> list[bytes]:
    return [b.kind for b in Walk(MemorySource(data)).top()]


def test_boxes_are_found_side_by_side_and_one_in_another() -> None:
    inner = box(b"mdia", box(b"minf", box(b"stbl", b"table")))
    walk = Walk(MemorySource(box(b"ftyp", b"qt  ") + box(b"trak", box(b"tkhd", b"head") + inner)))
    first, track = walk.top()
    assert (first.kind, walk.payload(first), first.size) == (b"ftyp", b"qt  ", 4)
    found = walk.child(track, b"mdia", b"minf", b"stbl")
    assert found is not None
    assert walk.payload(found) == b"table" and walk.payload(found, 2) == b"ta"
    assert walk.child(track, b"mdia", b"none", b"stbl") is None


def test_a_box_is_cut_to_the_one_that_holds_it() -> None:
    moov = box(b"moov", struct.pack(">I4s", 1 << 30, b"trak") + b"within")
    walk = Walk(MemorySource(moov + box(b"mdat", b"outside")))
    (track,) = walk.inside(next(walk.top()))
    assert walk.payload(track) == b"within"


@pytest.mark.parametrize("size", [2, 7])
def test_a_size_smaller_than_its_own_field_ends_the_walk(size: int) -> None:
    assert kinds(box(b"free", b"") + struct.pack(">I4s", size, b"loop") + bytes(40)) == [b"free"]


@pytest.mark.parametrize("size", [0, 15])
def test_a_long_size_smaller_than_its_own_field_ends_the_walk(size: int) -> None:
    loop = struct.pack(">I4sQ", 1, b"loop", size)
    assert kinds(box(b"free", b"") + loop + bytes(40)) == [b"free"]


def test_a_size_of_zero_reaches_to_the_end_of_the_file_but_ends_a_list() -> None:
    ending = struct.pack(">I4s", 0, b"mdat") + bytes(30)
    walk = Walk(MemorySource(box(b"free", b"") + ending))
    assert [(b.kind, b.size) for b in walk.top()] == [(b"free", 0), (b"mdat", 30)]
    walk = Walk(MemorySource(box(b"udta", box(b"free", b"") + ending)))
    assert [b.kind for b in walk.inside(next(walk.top()))] == [b"free"]


def test_the_boxes_of_all_levels_are_counted_together() -> None:
    walk = Walk(MemorySource(box(b"moov", box(b"free", b"") * 1000)))
    moov = next(walk.top())
    seen = 1 + sum(len(list(walk.inside(moov))) for _ in range(MAX_BOXES // 1000 + 5))
    assert (seen, walk.left) == (MAX_BOXES, 0)
    assert list(walk.top()) == []


def test_a_hostile_picture_costs_no_more_reads_than_boxes_are_allowed() -> None:
    junk = box(b"free", b"") * (MAX_BOXES // 2 + 5000)
    meta = box(b"meta", bytes(4) + junk)
    source = far(box(b"ftyp", b"heic\0\0\0\0heic") + meta + box(b"moov", junk))
    read_still(source, BY_NAME["heic"], Findings())
    assert MAX_BOXES < source.reads < MAX_BOXES + 100


def test_of_a_far_file_only_the_heads_of_boxes_are_read() -> None:
    media = 5 << 40
    mdat, moov = struct.pack(">I4sQ", 1, b"mdat", media), struct.pack(">I4s", 8, b"moov")
    source = FarFile(media + 8, {0: mdat, media: moov})
    assert [b.kind for b in Walk(source).top()] == [b"mdat", b"moov"]
    assert source.bytes <= 32


@given(st.binary(max_size=200), st.integers(0, 200))
def test_no_bytes_send_the_walk_out_of_the_file(noise: bytes, cut: int) -> None:
    data = (box(b"moov", noise) + noise)[: cut or None]
    walk = Walk(MemorySource(data))
    ends = [0]
    for found in walk.top():
        assert ends[-1] < found.end <= len(data)
        assert all(inner.end <= found.end for inner in walk.inside(found))
        ends.append(found.end)


# --- directories ---------------------------------------------------------------------------------

TAGS = frozenset((0x10E, 0x10F, 0x112))


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_value_is_where_its_place_says_within_the_directory_and_without(order: str) -> None:
    block = make.tiff({0x10E: (2, "a long text"), 0x10F: (2, "abc"), 0x112: (3, [6])}, order)
    tiff = tiff_in_memory(block)
    ifd = tiff.ifd(tiff.first, TAGS)
    assert ifd is not None and ifd.is_whole
    turn = struct.pack(f"{order}H", 6)
    for tag, value in ((0x10E, b"a long text\0"), (0x10F, b"abc\0"), (0x112, turn)):
        start, size = ifd.span(tag)
        assert block[start : start + size] == ifd.raw(tag) == value
    assert ifd.span(0x110) == (0, 0)
    assert (ifd.kind(0x10F), ifd.kind(0x112), ifd.kind(0x110)) == (2, 3, 0)


def test_a_value_within_a_directory_of_bigtiff_is_where_its_place_says() -> None:
    row = struct.pack("<HHQ", 0x10F, 2, 4) + b"abc\0" + bytes(4)
    block = b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 1) + row + struct.pack("<Q", 77)
    tiff = tiff_in_memory(block)
    ifd = tiff.ifd(tiff.first, TAGS)
    assert ifd is not None
    start, size = ifd.span(0x10F)
    assert (block[start : start + size], ifd.text(0x10F), ifd.next) == (b"abc\0", "abc", 77)
    assert ifd.rows() == {0x10F: row}


def test_rows_are_kept_as_they_stand_also_those_that_nobody_can_read() -> None:
    written = ((0x10F, 2, 4, b"one\0"), (0x9999, 200, 7, b"????"), (0x10F, 2, 4, b"two\0"))
    rows = [struct.pack("<HHI4s", *row) for row in written]
    block = b"II*\0\x08\0\0\0\x03\0" + b"".join(rows) + bytes(4)
    ifd = tiff_in_memory(block).ifd(8, TAGS)
    assert ifd is not None
    assert ifd.rows() == {0x10F: rows[0], 0x9999: rows[1]}
    assert (ifd.text(0x10F), ifd.tags()) == ("one", (0x10F,))


def test_a_directory_cut_short_gives_what_is_there_and_says_that_it_is_not_whole() -> None:
    block = make.tiff({0x10F: (2, "abc"), 0x112: (3, [6])})
    for end in range(8, len(block)):
        ifd = Tiff(MemorySource(block[:end])).ifd(8, TAGS)
        tags = ifd.tags() if ifd else ()
        assert tags == tuple(tag for tag, last in ((0x10F, 22), (0x112, 34)) if end >= last)
        assert ifd is None or (not ifd.is_whole and ifd.next == 0)


def test_a_count_of_entries_that_are_not_there_costs_no_more_than_what_is_there() -> None:
    for order in "<>":
        row = struct.pack(f"{order}HHI4s", 0x10F, 2, 4, b"abc\0")
        source = FarFile(1 << 40, {100: b"\xff\xff" + row})
        ifd = read_ifd(source, 100, order, TAGS)
        assert ifd is not None and ifd.text(0x10F) == "abc" and not ifd.is_whole
        assert source.bytes <= 4096 * len(row)


def test_a_value_of_four_billion_numbers_is_read_as_far_as_it_is_wanted() -> None:
    source = FarFile(1 << 40, {0: b"\1\0" + struct.pack("<HHII", 0x10E, 5, 0xFFFFFFFF, 4096)})
    ifd = read_ifd(source, 0, "<", TAGS)
    assert ifd is not None
    assert len(ifd.numbers(0x10E, 16)) == 16 and len(ifd.raw(0x10E, 64)) == 64
    assert source.bytes < 512


# --- segments ------------------------------------------------------------------------------------

TABLE = make.segment(0xDB, bytes(65))
SCAN = make.segment(SOS, bytes(10)) + b"coded" + b"\xff\xd9"


def markers(data: bytes | ByteSource, *, mend: bool = False) -> list[int]:
    source = MemorySource(data) if isinstance(data, bytes) else data
    return [marker for marker, _start, _end in Segments(source, mend=mend)]


@pytest.mark.parametrize("mend", [False, True])
@pytest.mark.parametrize(
    "bare", [b"", b"\xff" * 7, b"\xff\x01", b"\xff\xd0\xff\xd7", b"\xff\xff\x01\xff"]
)
def test_segments_are_given_past_all_markers_without_a_length(bare: bytes, mend: bool) -> None:
    jfif, exif = make.segment(APP0, b"JFIF\0"), make.segment(APP1, b"payload")
    data = b"\xff\xd8" + jfif + bare + exif + bare + SCAN
    segments = Segments(MemorySource(data), mend=mend)
    found = list(segments)
    assert [marker for marker, _start, _end in found] == [APP0, APP1, SOS]
    assert segments.payload(found[1]) == b"payload"
    assert data[found[1][1] : found[1][2]] == exif
    assert not segments.is_broken


@pytest.mark.parametrize(
    "junk",
    [b"junk", b"\0" * 300, b"\xff\xe1\0\0", b"\xff\xe1\0\1", b"\xff\x42\0\4ab"],
)
def test_damage_ends_a_walk_that_does_not_mend(junk: bytes) -> None:
    data = b"\xff\xd8" + TABLE + junk + make.segment(APP1, b"behind") + SCAN
    strict, mending = Segments(MemorySource(data)), Segments(MemorySource(data), mend=True)
    assert [marker for marker, _start, _end in strict] == [0xDB]
    assert [marker for marker, _start, _end in mending] == [0xDB, APP1, SOS]
    assert strict.is_broken and mending.is_broken
    assert image_data_hash(data) is None


def test_a_segment_that_runs_past_the_end_is_given_as_far_as_it_goes() -> None:
    data = b"\xff\xd8" + TABLE + struct.pack(">BBH", 0xFF, APP1, 60_000) + b"the rest"
    segments = Segments(MemorySource(data))
    *_, last = segments
    assert segments.payload(last) == b"the rest"
    assert last[2] > len(data) and segments.is_broken


def test_a_file_that_ends_between_two_segments_is_short_but_not_broken() -> None:
    segments = Segments(MemorySource(b"\xff\xd8" + TABLE))
    assert [marker for marker, _start, _end in segments] == [0xDB]
    assert not segments.is_broken


def test_the_number_of_segments_and_of_damages_is_limited() -> None:
    tiny = make.segment(APP2, b"")
    assert markers(b"\xff\xd8" + tiny * (MAX_STEPS * 2) + SCAN) == [APP2] * MAX_STEPS
    damaged = b"\xff\xd8" + (b"junk" + tiny + tiny) * (MAX_MENDED * 2) + SCAN
    assert markers(damaged, mend=True) == [APP2] * MAX_MENDED * 2


def test_of_a_far_file_little_more_is_read_than_the_heads_of_segments() -> None:
    large = make.segment(APP2, bytes(60_000)) * 50
    source = far(b"\xff\xd8" + large + TABLE + SCAN + bytes(10_000_000))
    assert markers(source, mend=True) == [APP2] * 50 + [0xDB, SOS]
    assert source.bytes < 65_536 + 51 * 8192
    assert source.bytes < source.size / 20


@given(st.binary(max_size=300), st.integers(0, 300), st.booleans())
def test_no_bytes_make_the_walk_stand_still(noise: bytes, cut: int, mend: bool) -> None:
    data = (b"\xff\xd8" + TABLE + noise + make.segment(APP1, noise) + SCAN)[: cut or None]
    last = 0
    for _marker, start, end in Segments(MemorySource(data), mend=mend):
        assert last <= start < end
        last = end


def test_a_picture_states_the_same_in_memory_and_read_in_pieces() -> None:
    large = make.segment(APP2, bytes(60_000))
    rated = make.xmp_segment(make.xmp("", 'xmp:Rating="4"'))
    data = make.jpeg(large, make.exif_segment(make.camera_exif()), large, rated)
    whole, pieces = Findings(), Findings()
    read_still(MemorySource(data), BY_NAME["jpeg"], whole)
    read_still(far(data), BY_NAME["jpeg"], pieces)
    assert whole == pieces
    assert (whole.get("model"), whole.get("rating"), whole.get("width")) == ("Shot 1", 4, 64)
