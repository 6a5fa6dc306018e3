"""The one reader of directories: TIFF 6.0, BigTIFF and EXIF, big and little endian.

Whoever wants such a directory has it read here: of a file, of a block in another file, of a
maker's note, of a clip, and to write a date into it. Every doubt is given to whoever wrote it:
nothing raises for broken data, and a bad entry is absent. No work grows with a number found there.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterator

from catalog.media.source import ByteSource, MemorySource
from catalog.media.texts import decode_text

Number = int | float
"""A value of a TIFF entry; a rational with denominator 0 is NaN."""

_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
    129: 1,
}
_CODES = {
    1: "B",
    3: "H",
    4: "I",
    6: "b",
    7: "B",
    8: "h",
    9: "i",
    11: "f",
    12: "d",
    13: "I",
    16: "Q",
    17: "q",
    18: "Q",
}
_MAX_ENTRIES = 2048
_NAN = float("nan")


class Ifd:
    """One directory: the wanted entries by tag.

    Text comes stripped, numbers as a list, wrong types as nothing. `next` is the offset of the
    directory that follows, 0 if none. `is_whole` is False where entries that were announced are not
    there, or what follows the last one is not.
    """

    __slots__ = ("_entries", "_order", "_source", "_start", "_table", "_width", "is_whole", "next")

    def __init__(
        self,
        source: ByteSource,
        start: int,
        count: int,
        order: str,
        wanted: Container[int],
        *,
        big: bool,
    ) -> None:
        width, shape, tail_size = (20, "HHQ8s", 8) if big else (12, "HHI4s", 4)
        data = source.read(start, min(count, _MAX_ENTRIES) * width + 8)
        there = min(count, _MAX_ENTRIES, len(data) // width)
        table, tail = data[: there * width], data[there * width : there * width + tail_size]
        entries: dict[int, tuple[int, int, bytes]] = {}
        for tag, kind, length, inline in struct.iter_unpack(order + shape, table):
            if tag in wanted and kind in _SIZES and length and tag not in entries:
                entries[tag] = (kind, length, inline)
        self._source, self._order, self._entries = source, order, entries
        self._start, self._table, self._width = start, table, width
        self.is_whole = there == count and len(tail) >= 4
        self.next = self._pointer(tail) if self.is_whole else 0

    def __contains__(self, tag: int) -> bool:
        return tag in self._entries

    def tags(self) -> tuple[int, ...]:
        """The wanted tags that are there and can be read."""
        return tuple(self._entries)

    def kind(self, tag: int) -> int:
        """The number of an entry's type (TIFF 6.0 section 2), 0 where there is no entry."""
        entry = self._entries.get(tag)
        return entry[0] if entry else 0

    def span(self, tag: int) -> tuple[int, int]:
        """Offset and bytes of a value, in the directory itself or outside; (0, 0) where none is."""
        entry = self._entries.get(tag)
        if entry is None:
            return 0, 0
        kind, count, inline = entry
        size = _SIZES[kind] * count
        if size > len(inline):
            return self._pointer(inline), size
        shape = f"{self._order}HH{'Q' if self._width == 20 else 'I'}"
        row = struct.pack(shape, tag, kind, count) + inline
        number = next(n for n, other in enumerate(self._rows()) if other == row)
        return self._start + (number + 1) * self._width - len(inline), size

    def rows(self) -> dict[int, bytes]:
        """All entries as they stand, wanted or not, readable or not; the first of each tag."""
        found: dict[int, bytes] = {}
        for row in self._rows():
            found.setdefault(self._pointer(row[:2]), row)
        return found

    def _rows(self) -> Iterator[bytes]:
        table, width = self._table, self._width
        return (table[at : at + width] for at in range(0, len(table), width))

    def raw(self, tag: int, cap: int = 4096) -> bytes:
        """The bytes of an entry's value, at most `cap`; fewer where the file is cut short."""
        entry = self._entries.get(tag)
        if entry is None:
            return b""
        kind, count, inline = entry
        size = _SIZES[kind] * count
        if size <= len(inline):
            return inline[:size]
        return self._source.read(self._pointer(inline), min(size, cap))

    def text(self, tag: int) -> str:
        """Text up to the first NUL; "" where the entry holds numbers."""
        entry = self._entries.get(tag)
        if entry is None or entry[0] not in (1, 2, 7, 129):
            return ""
        return decode_text(self.raw(tag).partition(b"\0")[0])

    def numbers(self, tag: int, limit: int = 16) -> list[Number]:
        """Up to `limit` numbers of an entry; none where it is text."""
        entry = self._entries.get(tag)
        if entry is None:
            return []
        kind = entry[0]
        if kind in (5, 10):
            return self._rationals(tag, "I" if kind == 5 else "i", limit)
        code = _CODES.get(kind)
        if code is None:
            return []
        size = _SIZES[kind]
        data = self.raw(tag, size * limit)
        count = min(len(data) // size, limit)
        return list(struct.unpack_from(f"{self._order}{count}{code}", data))

    def number(self, tag: int) -> Number | None:
        """The first number of an entry, finite, or None."""
        values = self.numbers(tag, 1)
        return values[0] if values and abs(values[0]) < float("inf") else None

    def integer(self, tag: int) -> int | None:
        """The first number as an integer, or None."""
        value = self.number(tag)
        return None if value is None else int(value)

    def _pointer(self, inline: bytes) -> int:
        return int.from_bytes(inline, "little" if self._order == "<" else "big")

    def _rationals(self, tag: int, code: str, limit: int) -> list[Number]:
        data = self.raw(tag, 8 * limit)
        pairs = struct.iter_unpack(f"{self._order}2{code}", data[: len(data) // 8 * 8])
        return [top / bottom if bottom else _NAN for top, bottom in pairs]


class Tiff:
    """A TIFF structure in a source.

    `order` is "<" or ">"; `first` is the offset of the first directory, 0 if none.
    """

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        head = source.read(0, 16)
        self.order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
        self.big = False
        self.first = 0
        if len(head) >= 8 and self.order:
            self.big = struct.unpack_from(f"{self.order}H", head, 2)[0] == 43 and len(head) == 16
            self.first = (
                struct.unpack_from(f"{self.order}Q", head, 8)[0]
                if self.big
                else struct.unpack_from(f"{self.order}I", head, 4)[0]
            )

    def ifd(self, offset: int, wanted: Container[int]) -> Ifd | None:
        """The directory at `offset` with its entries among `wanted`; None where there is none."""
        if offset < 2 or offset >= self.source.size:
            return None
        return read_ifd(self.source, offset, self.order, wanted, big=self.big)


def read_ifd(
    source: ByteSource, offset: int, order: str, wanted: Container[int], *, big: bool = False
) -> Ifd | None:
    """A directory whose values' offsets count from the start of `source`. `order`: "<" or ">"."""
    head = 8 if big else 2
    count = int.from_bytes(source.read(offset, head), "little" if order == "<" else "big")
    return Ifd(source, offset + head, count, order, wanted, big=big) if count else None


def tiff_in_memory(block: bytes) -> Tiff:
    """A TIFF structure held in memory."""
    return Tiff(MemorySource(block))
