"""Where a store on disk lies, as each machine sees it: a share has another path,
or a disk another mount, on each.
"""

from __future__ import annotations

from collections.abc import Sequence

from catalog.domain.document import StoreRecord, StoreRoot, without

MOST = 32
"""Machines that are remembered; that which was not seen for longest goes first.

A container may be a new one each time.
"""


def store_record(
    known: StoreRecord | None, name: str, marker: str, kind: str, root: str, now: str
) -> StoreRecord:
    """The record of a store that was looked at `now` (ISO 8601), and is new where it is not known;
    `marker` is the id that its marker holds.
    """
    record: StoreRecord = {
        "name": name,
        "id": marker,
        "kind": kind,
        "root": root,
        "added": now,
        "last_run": now,
    }
    return record if known is None else {**known, **without(record, "added")}


def with_root(
    record: StoreRecord,
    host: str,
    name: str,
    root: str,
    seen: str,
    file_system: str = "",
    evidence: Sequence[str] | None = None,
) -> StoreRecord:
    """The record of a store that was seen at a path of the machine `host`, which is called `name`,
    at a moment (ISO 8601); `file_system` and `evidence` are those of `StoreRoot`.
    """
    here: StoreRoot = {"host": host, "name": name, "root": root, "seen": seen}
    if evidence is not None:
        here |= {"file_system": file_system, "evidence": list(evidence)}
    others = [row for row in record.get("roots", []) if row["host"] != host]
    latest = sorted(others, key=lambda row: str(row["seen"]), reverse=True)[: MOST - 1]
    return {**record, "root": root, "roots": [here, *latest]}


def root_on(record: StoreRecord, host: str) -> StoreRoot | None:
    """Where a store was seen on a machine; None where it never was."""
    return next((row for row in record.get("roots", []) if row["host"] == host), None)


def seen_from(record: StoreRecord, host: str) -> StoreRecord:
    """The record with the root that it has on a machine, if it was ever seen there;
    else with that where it was seen last.
    """
    row = root_on(record, host)
    here = row["root"] if row is not None else record.get("root")
    return {**record, "root": here} if here is not None else record


def roots_of(record: StoreRecord) -> list[str]:
    """Every path where a store was seen, on whatever machine."""
    return list(dict.fromkeys([record["root"], *(row["root"] for row in record.get("roots", []))]))
