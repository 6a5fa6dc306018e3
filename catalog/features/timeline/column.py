"""The column file: every asset of a catalog in the order of its wall clock, as parallel arrays that
are mapped into memory.

A header of 64 bytes (mark, version, count, where the description lies, a digest of all behind it),
the arrays of `rows.SECTIONS` and `by_hash`, each at a multiple of 64 bytes, the tables of names,
and the description: JSON that says of which index it is, and how far that was read. A file is
written beside its place and renamed; one that is not whole, of another version or of another index
is no column.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, TypedDict

import numpy as np
import numpy.typing as npt
import orjson

from catalog.domain.privacy import PrivacyRule
from catalog.domain.timeline import MINUTE, NO_DATE, UNDATED
from catalog.features.timeline.rows import (
    OWNERS_BETWEEN,
    SECTIONS,
    TABLES,
    Order,
    RowBuffer,
    Sections,
    newest_first,
    prefixes,
    sorted_order,
)
from catalog.filesystem.aside import PRIVATE, open_aside

VERSION = 1
"""Of the file; one of another version is made anew."""
MARK = b"CATLINE\0"
ID = 8
"""Bytes of an asset's id on the wire: the first of its content hash."""
_HEADER = struct.Struct("<8sIIQQ16s16x")
_ALIGNED = 64
_CHUNK = 65_536
_BY_HASH = "by_hash"
_TYPES = {**SECTIONS, _BY_HASH: "<u4"}


class _Said(TypedDict):
    """A `Standing` as it is written."""

    alias: str
    index: str
    reached: list[int]
    as_of: str
    rules: list[dict[str, str]]


class _About(TypedDict):
    """The description of a file: `aliases` are ids in hex and the positions that they stand for,
    `tables` where each lies: offset and length in bytes.
    """

    etag: str
    standing: _Said
    aliases: dict[str, int]
    tables: dict[str, tuple[int, int]]


class NoColumn(ValueError):
    """A file that is no column, or not a whole one."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Of which index a column is, and how far it has read it.

    `index` is the id of the concrete index behind the alias, `reached` how far each of its shards
    was read (`requests.IndexProgress`), `as_of` when that was looked at (ISO 8601 UTC), `rules`
    what was private.
    """

    alias: str
    index: str
    reached: tuple[int, ...]
    as_of: str
    rules: tuple[PrivacyRule, ...] = ()

    def said(self) -> _Said:
        """As it is written."""
        rules = [asdict(rule) for rule in self.rules]
        return {
            "alias": self.alias,
            "index": self.index,
            "reached": list(self.reached),
            "as_of": self.as_of,
            "rules": rules,
        }


class Column:
    """An immutable column. Arrays have one entry an asset, the newest first, the undated last; see
    `rows.SECTIONS` for their types, and `domain.timeline` for what is packed into them.
    """

    hashes: npt.NDArray[np.uint8]
    walls: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    added: npt.NDArray[np.int32]
    owners: npt.NDArray[np.uint32]
    places: npt.NDArray[np.uint32]
    folders: npt.NDArray[np.uint32]
    cameras: npt.NDArray[np.uint32]
    colours: npt.NDArray[np.uint16]
    qualities: npt.NDArray[np.uint16]
    precisions: npt.NDArray[np.uint8]
    flags: npt.NDArray[np.uint8]
    aspects: npt.NDArray[np.uint8]
    by_hash: npt.NDArray[np.uint32]
    """Positions, in the order of the content hashes."""

    def __init__(self, data: mmap.mmap | bytes, count: int, about: _About) -> None:
        self._data = data
        self._about = about
        self.count = count
        self.etag = about["etag"]
        """Changes whenever anything in the arrays or tables does."""
        said = about["standing"]
        rules = tuple(PrivacyRule(**rule) for rule in said["rules"])
        self.standing = Standing(
            said["alias"], said["index"], tuple(said["reached"]), said["as_of"], rules
        )
        self._aliases: dict[bytes, int] = {
            bytes.fromhex(alias): at for alias, at in about["aliases"].items()
        }
        for name, offset in _offsets(count).items():
            kind = np.dtype(_TYPES[name])
            array = np.frombuffer(data, kind, count, offset) if count else np.empty(0, kind)
            setattr(self, name, array)
        self.kept: OrderedDict[Hashable, Any] = OrderedDict()
        """The views of it that were asked for last (see `view.open_view`)."""
        self.lock = threading.Lock()
        """Held while `kept` is looked at."""

    @cached_property
    def minutes(self) -> npt.NDArray[np.int32]:
        """Wall clocks in minutes since 1970; NO_DATE for the undated."""
        return minutes_of(self.walls)

    def names(self, table: str) -> list[str]:
        """The names of a table by their numbers; the first is "", for none."""
        offset, length = self._about["tables"][table]
        found: list[str] = orjson.loads(self._data[offset : offset + length])
        return found

    @cached_property
    def persons(self) -> tuple[frozenset[str], ...]:
        """Those who see what an entry of `owners` stands for; none of the first: everybody does."""
        return tuple(
            frozenset(entry.split(OWNERS_BETWEEN)) if entry else frozenset()
            for entry in self.names("owners")
        )

    def position_of(self, hash_prefix: bytes) -> int | None:
        """Where an asset stands, by its content hash, or its id as `ids` gives it; None for what is
        not there, and for the beginning of a hash that two assets share.
        """
        if hash_prefix in self._aliases:
            return self._aliases[hash_prefix]
        length = len(hash_prefix)

        def beginning(at: int) -> bytes:
            return bytes(self.hashes[self.by_hash[at]])[:length]

        at = bisect_left(range(self.count), hash_prefix, key=beginning)
        if at == self.count or beginning(at) != hash_prefix:
            return None
        if at + 1 < self.count and beginning(at + 1) == hash_prefix:
            return None
        return int(self.by_hash[at])

    def is_shown(self, position: int, person: str | None) -> bool:
        """Whether a person sees an asset: it is private to nobody, or to them."""
        return self.shown_to(person)[int(self.owners[position])]

    def shown_to(self, person: str | None) -> list[bool]:
        """Of each entry of `owners`, whether a person sees what it stands for."""
        return [not who or person in who for who in self.persons]

    def positions_of(self, hashes: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Where many assets stand, by their whole hashes (n, 32), sorted; those that are not there
        are left out.
        """
        ordered = prefixes(self.hashes)[self.by_hash]
        at = np.minimum(np.searchsorted(ordered, prefixes(hashes)), max(self.count - 1, 0))
        if not self.count or not len(at):
            return np.empty(0, np.int64)
        found = self.by_hash[at].astype(np.int64)
        right = (self.hashes[found] == hashes).all(axis=1)
        others = (self.position_of(name.tobytes()) for name in hashes[~right])
        more = [position for position in others if position is not None]
        return np.unique(np.concatenate([found[right], np.array(more, np.int64)]))

    def ids(self, positions: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.uint8]:
        """Eight bytes for each of some positions, (n, 8): the first of the content hash; of two
        hashes that begin alike, both have others, so that neither is ever taken for the other.
        """
        found = self.hashes[positions, :ID].copy()
        for alias, at in self._aliases.items():
            found[positions == at] = np.frombuffer(alias, np.uint8)
        return found

    def advanced(self, standing: Standing) -> Column:
        """The same column, known to be so up to a later change of the index: what was found in it
        by queries is to be asked for anew.
        """
        return Column(self._data, self.count, {**self._about, "standing": standing.said()})


def minutes_of(walls: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Milliseconds as minutes that fit into 32 bits (years until 6053)."""
    packed = np.clip(walls // MINUTE, NO_DATE + 1, 2**31 - 1).astype(np.int32)
    packed[walls == UNDATED] = NO_DATE
    return packed


# --- files ----------------------------------------------------------------------------------------


def _offsets(count: int) -> dict[str, int]:
    """Where each array of so many rows begins."""
    offsets, at = {}, _HEADER.size
    for name, kind in _TYPES.items():
        offsets[name] = at = at + -at % _ALIGNED
        at += count * np.dtype(kind).itemsize
    return offsets


def open_column(path: Path, *, check: bool = True) -> Column:
    """A column that was written, checked and mapped. Raises NoColumn, OSError."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < _HEADER.size:
            raise NoColumn("it is too short")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    mark, version, count, at, length, digest = _HEADER.unpack(data[: _HEADER.size])
    if (mark, version) != (MARK, VERSION):
        raise NoColumn("it is of another version")
    if at + length != size or (check and digest != _digest(data)):
        raise NoColumn("it is not whole")
    return Column(data, count, orjson.loads(data[at : at + length]))


def _digest(data: mmap.mmap) -> bytes:
    made = hashlib.blake2b(digest_size=16)
    with memoryview(data) as view:
        for start in range(_HEADER.size, len(view), 1 << 20):
            made.update(view[start : start + (1 << 20)])
    return made.digest()


def write_column(
    path: Path, order: Order, before: Column | None, more: RowBuffer, standing: Standing
) -> Column:
    """Write a column in the place of another, and open it.

    `order` are numbers of rows: those of `before` first, then those of `more`. Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open_aside(path, PRIVATE) as (aside, file):
        _write(file, order, before, more, standing)
        file.flush()
        column = open_column(aside, check=False)
        aside.replace(path)  # not synced: of one that a crash cut short the digest tells
    return column


def empty_column(alias: str) -> Column:
    """The column of a catalog that is not there yet."""
    standing = Standing(alias, "", (), "")
    offset = _HEADER.size
    tables = dict.fromkeys(TABLES, (offset, 4))
    about: _About = {
        "etag": "empty",
        "standing": standing.said(),
        "aliases": {},
        "tables": tables,
    }
    return Column(b"\0" * offset + b'[""]', 0, about)


class _Writer:
    """Writes aligned blocks, and sums them up."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.blake2b(digest_size=16)
        self.at = _HEADER.size

    def align(self) -> None:
        self.write(b"\0" * (-self.at % _ALIGNED))

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self.digest.update(data)
        self.at += len(data)


def _write(
    file: BinaryIO, order: Order, before: Column | None, more: RowBuffer, standing: Standing
) -> None:
    file.write(b"\0" * _HEADER.size)
    writer, added = _Writer(file), more.sections()
    heads = np.empty(len(order), np.uint64)
    for name in SECTIONS:
        writer.align()
        old = getattr(before, name) if before is not None else added[name][:0]
        for start in range(0, len(order), _CHUNK):
            block = _picked(old, added[name], order[start : start + _CHUNK])
            if name == "hashes":
                heads[start : start + _CHUNK] = prefixes(block)
            writer.write(block.tobytes())
    hashes = _Hashes(before, added, order)
    by_hash, aliases = _by_hash(heads, hashes)
    writer.align()
    writer.write(by_hash.astype("<u4").tobytes())
    tables = {}
    for table, names in more.tables.items():
        data = orjson.dumps(names)
        tables[table] = (writer.at, len(data))
        writer.write(data)
    writer.write(orjson.dumps(aliases))
    about: _About = {
        "etag": writer.digest.hexdigest(),
        "standing": standing.said(),
        "aliases": aliases,
        "tables": tables,
    }
    at, described = writer.at, orjson.dumps(about)
    writer.write(described)
    file.seek(0)
    file.write(_HEADER.pack(MARK, VERSION, len(order), at, len(described), writer.digest.digest()))


def _picked(
    old: npt.NDArray[np.generic], new: npt.NDArray[np.generic], order: Order
) -> npt.NDArray[np.generic]:
    """The rows of some numbers, of which those from len(old) on are new."""
    if not len(new):
        return old[order]
    if not len(old):
        return new[order]
    is_new = order >= len(old)
    picked = old[np.where(is_new, 0, order)]
    picked[is_new] = new[order[is_new] - len(old)]
    return picked


@dataclass(frozen=True, slots=True)
class _Hashes:
    """The content hash of each position of a column in the making."""

    before: Column | None
    added: Sections
    order: Order

    def __getitem__(self, position: int) -> bytes:
        number = int(self.order[position])
        known = self.before.count if self.before is not None else 0
        if self.before is not None and number < known:
            return bytes(self.before.hashes[number])
        return bytes(self.added["hashes"][number - known])


def _by_hash(
    heads: npt.NDArray[np.uint64], hashes: _Hashes
) -> tuple[npt.NDArray[np.int64], dict[str, int]]:
    """Positions in the order of their hashes, and other ids for those that begin alike."""
    order = np.argsort(heads, kind="stable")
    ordered = heads[order]
    same = np.flatnonzero(ordered[1:] == ordered[:-1])
    if not len(same):
        return order, {}
    alike = np.unique(np.concatenate([same, same + 1]))
    order[alike] = sorted(order[alike].tolist(), key=lambda position: hashes[position])
    aliases: dict[str, int] = {}
    for position in order[alike].tolist():
        alias = _free_id(hashes[position], ordered, aliases)
        aliases[alias.hex()] = position
    return order, aliases


def _free_id(name: bytes, taken: npt.NDArray[np.uint64], others: Mapping[str, int]) -> bytes:
    """An id that no hash begins with, made of a whole hash."""
    number = 0
    while True:
        made = hashlib.sha256(name + bytes([number])).digest()[:ID]
        at = np.searchsorted(taken, np.uint64(int.from_bytes(made, "big")))
        is_free = at == len(taken) or int(taken[at]) != int.from_bytes(made, "big")
        if is_free and made.hex() not in others:
            return made
        number += 1


# --- changes --------------------------------------------------------------------------------------


def merged_order(column: Column, gone: Sequence[int], more: RowBuffer) -> Order:
    """The order of a column without the rows at some positions, and with others."""
    sections = more.sections()
    removed = np.array(sorted(gone), np.int64)
    kept = np.delete(np.arange(column.count, dtype=np.int64), removed)
    fresh = sorted_order(sections)

    def key_of(at: int) -> tuple[int, int, bytes]:
        wall = int(column.walls[at])
        key = -wall if wall != UNDATED else np.iinfo(np.int64).max
        return key, int(column.precisions[at]), column.hashes[at].tobytes()

    keys = newest_first(sections["walls"])
    places = [
        bisect_left(
            range(column.count),
            (int(keys[n]), int(sections["precisions"][n]), sections["hashes"][n].tobytes()),
            key=key_of,
        )
        for n in fresh.tolist()
    ]
    into = np.array(places, np.int64) - np.searchsorted(removed, places)
    return np.insert(kept, into, column.count + fresh)
