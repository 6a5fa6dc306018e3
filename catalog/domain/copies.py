"""The rows of a document that say where an asset's bytes lie,
and how a file is known again without reading it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

from catalog.domain.asset import Entry
from catalog.domain.capture_time import file_time
from catalog.domain.checksums import NONE, agree, select_recorded
from catalog.domain.document import Copies, CopyRow, InodeFields, SidecarRow, without

OK, MISSING, DAMAGED = "ok", "missing", "damaged"
"""States of a copy: as recorded, not found by the last look, or found with other bytes."""


class RecordedFile(NamedTuple):
    """What the index says of one file of a store, a copy or a sidecar. Times are in ms since 1970.

    `checksums` are those that it knows of the content besides its hash, as far as they were asked
    for. `host` is the machine on which `device` and `inode` count: "" where the store numbers its
    files itself, and in records of an older version, which did not keep it. `ctime_ns` is what it
    was when the content was last proved, 0 where that is not known; `revision` the version that the
    store stated then.
    """

    path: str
    hash: str
    size: int
    mtime_ms: int
    device: int
    inode: int
    state: str
    verified_ms: int
    checksums: Mapping[str, str] = NONE
    host: str = ""
    ctime_ns: int = 0
    revision: str = ""

    @property
    def recorded(self) -> Mapping[str, str]:
        """All checksums that are known of the content."""
        return select_recorded(self.hash, self.checksums)


def timestamp(moment: datetime) -> str:
    """An aware moment as ISO 8601 UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(text: str | None) -> int:
    """Milliseconds since 1970 of a moment that `timestamp` wrote; 0 for none."""
    if not text:
        return 0
    moment = datetime.fromisoformat(text).replace(tzinfo=None)
    apart = moment - datetime(1970, 1, 1)
    return (apart.days * 86_400 + apart.seconds) * 1000 + apart.microseconds // 1000


def mtime_text(entry: Entry) -> str:
    """When a file was last changed, as a row holds it."""
    return timestamp(file_time(entry.mtime_ns).replace(tzinfo=UTC))


def copy_row(store: str, entry: Entry, added: datetime, verified: datetime) -> CopyRow:
    """The row of a copy whose content is proved."""
    row: CopyRow = {
        "store": store,
        "path": entry.path,
        "name": entry.name,
        "size": entry.size,
        "mtime": mtime_text(entry),
        "added": timestamp(added),
        "verified": timestamp(verified),
        "state": OK,
        "revision": entry.revision,
        **numbers_of(entry),
    }
    return row if entry.revision else without(row, "revision")


def sidecar_row(store: str, entry: Entry, digest: str) -> SidecarRow:
    """The row of a sidecar whose content hash is `digest`."""
    return {
        "store": store,
        "path": entry.path,
        "hash": digest,
        "size": entry.size,
        "mtime": mtime_text(entry),
        **numbers_of(entry),
    }


def numbers_of(entry: Entry) -> InodeFields:
    """The part of a row by which a file is known again under another name, and by which it is told
    that nobody wrote to it; nothing where that is not known.
    """
    if not entry.inode:
        return {}
    numbers: InodeFields = {"device": entry.device, "inode": entry.inode}
    if entry.host:
        numbers["host"] = entry.host
        if entry.ctime_ns:
            numbers["ctime_ns"] = entry.ctime_ns
    return numbers


def read_recorded(
    row: CopyRow | SidecarRow, content_hash: str, checksums: Mapping[str, str] = NONE
) -> RecordedFile:
    """A row as a value to compare with a listing.

    A row without a time (of an older version) fits no file.
    """
    return RecordedFile(
        row["path"],
        content_hash,
        row["size"],
        milliseconds(row.get("mtime")) if row.get("mtime") else -1,
        int(row.get("device", 0)),
        int(row.get("inode", 0)),
        str(row.get("state", OK)),
        milliseconds(str(row.get("verified", ""))),
        checksums,
        row.get("host", ""),
        row.get("ctime_ns", 0),
        str(row.get("revision", "")),
    )


def is_as_recorded(entry: Entry, known: RecordedFile) -> bool:
    """Whether a file has the recorded content, where what its store states tells;
    else whether it has the size and time.

    Then it need not be read.

    A store that keeps whole seconds only, or every second one (FAT), may have rounded the time
    either way; where the recorded time has no fraction there was nothing to round, and the file is
    looked at.
    """
    if entry.size != known.size:
        return False
    if entry.checksums and (same := agree(entry.checksums, known.recorded)) is not None:
        return same
    ms = entry.mtime_ns // 1_000_000
    apart = abs(ms - known.mtime_ms)
    if apart == 0:
        return True
    if known.mtime_ms < 0 or known.mtime_ms % 1000 == 0 or entry.mtime_ns % 1_000_000_000:
        return False
    return apart < 1000 or (apart < 2000 and entry.mtime_ns % 2_000_000_000 == 0)


CopyKey: TypeAlias = tuple[str, str]
"""Store and path: what tells one copy of an asset from another."""
Identity: TypeAlias = tuple[str, int, int, int, int]
"""By what a file is known again under another name: host, device, inode, size, time in ms."""


def identity(entry: Entry) -> Identity | None:
    """That of a file; None without inodes."""
    return (
        (entry.host, entry.device, entry.inode, entry.size, entry.mtime_ns // 1_000_000)
        if entry.inode
        else None
    )


def recorded_identity(known: RecordedFile) -> Identity | None:
    """That of a recorded file.

    One of another machine, or of nobody knows which, is never that of a file here.
    """
    return (
        (known.host, known.device, known.inode, known.size, known.mtime_ms) if known.inode else None
    )


def is_renumbered(entry: Entry, known: RecordedFile) -> bool:
    """Whether a recorded file has another inode now, on the same device: it was replaced,
    or the device numbers anew.

    Numbers of another machine say nothing. A record that does not tell its machine counts: it only
    leads to reading.
    """
    return (
        _is_comparable(entry, known) and entry.device == known.device and entry.inode != known.inode
    )


def is_link(entry: Entry, known: RecordedFile) -> bool:
    """Whether a file, whatever its name, may be the very one that is recorded,
    and no copy of it.
    """
    return _is_comparable(entry, known) and (entry.device, entry.inode) == (
        known.device,
        known.inode,
    )


def is_same_inode(entry: Entry, known: RecordedFile) -> bool:
    """Whether nothing speaks against a file being the very one that was recorded."""
    return not _is_comparable(entry, known) or (entry.device, entry.inode) == (
        known.device,
        known.inode,
    )


def _is_comparable(entry: Entry, known: RecordedFile) -> bool:
    return bool(known.inode) and known.host in ("", entry.host)


def flat(rows: Iterable[CopyRow]) -> Copies:
    """`copies`, and the fields that follow from those that are there: `stores`,
    `copy_count` and `paths`.

    Links to one file are one copy. Where a row does not tell on which machine its inode counts, it
    is taken for a link to any other of that number: there may be fewer copies than there are paths,
    but never more.
    """
    copies = list(rows)
    present = [c for c in copies if c["state"] == OK]
    hosts: dict[tuple[object, object], set[str]] = defaultdict(set)
    for row in present:
        file = (row["device"], row["inode"]) if row.get("inode") else (row["store"], row["path"])
        hosts[file].add(row.get("host", ""))
    return {
        "copies": copies,
        "stores": sorted({c["store"] for c in present}),
        "copy_count": sum(max(1, len(seen - {""})) for seen in hosts.values()),
        "paths": sorted({c["path"] for c in present}),
    }
