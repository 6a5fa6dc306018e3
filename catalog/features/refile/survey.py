"""What the index says of the files whose names are looked at. Only reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from catalog.domain.copies import MISSING
from catalog.domain.document import AssetDocument, CopyRow, EventRow
from catalog.domain.names import comparison_key
from catalog.features.old_catalog.run import COMMAND as IMPORT
from catalog.features.refile.file_names import (
    BYWAY,
    FIELDS,
    Naming,
    Record,
    find_lead,
    read_record,
    tail_ahead,
    tail_beside,
)
from catalog.features.refile.plan import COMMAND, Held, Shot, ShotFile
from catalog.features.undo.survey import UPLOADS
from catalog.index import queries
from catalog.index.repository import Repository

AT_ONCE = 500
"""Assets that the index is asked about together."""
NAMERS = frozenset({*UPLOADS, IMPORT, COMMAND})
"""The commands that give names by the layout."""
_NAMING = frozenset({"add", "copy", "move"})
"""What they call that in the history."""
_TOLD = ("hash", "action", "command", "path", "before.captured", "before.place")


def scan_shots(repository: Repository, query: str, stores: Sequence[str]) -> Iterator[list[Record]]:
    """The assets of a query that have a copy in one of some stores, shot by shot; with those that
    the query did not find, but are of a shot that it found.
    """
    stacks: dict[str, dict[str, Record]] = defaultdict(dict)
    also = queries.of_stores(stores)
    for page in queries.search_pages(
        repository, query, also=also, source=FIELDS, sort="_shard_doc"
    ):
        for hit in page:
            record = read_record(hit["_id"], hit["_source"])
            if record.stack:
                stacks[record.stack][record.hash] = record
            else:
                yield [record]
    names = list(stacks)
    for start in range(0, len(names), AT_ONCE):
        part = names[start : start + AT_ONCE]
        for page in repository.scan_pages({"terms": {"stack.id": part}}, source=FIELDS):
            for hit in page:
                record = read_record(hit["_id"], hit["_source"])
                stacks[record.stack][record.hash] = record
        for name in part:
            yield list(stacks.pop(name).values())


@dataclass(slots=True)
class Past:
    """What the history tells of some assets: the commands that gave a path, by asset and path, and
    which times and places were known once.
    """

    namers: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    states: dict[str, list[AssetDocument]] = field(default_factory=lambda: defaultdict(list))

    def take(self, event: EventRow) -> None:
        """Learn from an event."""
        if event.get("command") in NAMERS and event["action"] in _NAMING:
            self.namers[event["hash"], event.get("path", "")].add(event["command"])
        if before := event.get("before"):
            self.states[event["hash"]].append(cast("AssetDocument", before))


def read_past(repository: Repository, hashes: Iterable[str]) -> Past:
    """The history of some assets, as far as it is about names."""
    past, wanted = Past(), sorted(set(hashes))
    for start in range(0, len(wanted), AT_ONCE):
        for event in repository.history.of_assets(wanted[start : start + AT_ONCE], _TOLD):
            past.take(event)
    return past


Judge = Callable[[Record, CopyRow, Record], bool]
"""Says something of a copy of an asset, by the asset that gives its shot its name."""


class NameSurvey:
    """The shots in one store: those that have the names that they should have, and the others.

    `numbered` are of the former those with a number in their names. `unchanged` counts their files,
    `kept` those that have a name which a person gave.
    """

    def __init__(self, store: str, naming: Naming) -> None:
        self.unchanged = 0
        self.kept = 0
        self.numbered: list[tuple[Shot, int]] = []
        self._store = store
        self._naming = naming
        self._others: list[list[Record]] = []

    def take(self, records: Sequence[Record]) -> None:
        """Look at one shot, by what is recorded."""
        lead = find_lead(records)
        if len(records) == 1 and self._is_plainly_right(lead):
            self.unchanged += 1
            return
        shots = list(self._shots(records, lead, self._is_in_album, self._is_right))
        if any(_is_misplaced(shot) for shot in shots):
            self._others.append(list(records))
        else:
            for shot in shots:
                self._leave(shot)

    def _is_plainly_right(self, record: Record) -> bool:
        """Whether an asset has one copy, no sidecar, and its very name: as most have it."""
        if record.sidecars or len(record.copies) != 1:
            return False
        (row,) = record.copies
        return row["state"] != MISSING and self._naming.number(row["path"], record, record) == 0

    def find_misnamed(self, repository: Repository) -> Iterator[Shot]:
        """The shots that should be called otherwise, and whose names the catalog gave."""
        past = read_past(repository, (r.hash for records in self._others for r in records))

        def is_ours(record: Record, row: CopyRow, lead: Record) -> bool:
            named = (record.hash, row["path"]) in past.namers
            return named or self._naming.was_given(row["path"], record, lead)

        def was_imported(record: Record, row: CopyRow, lead: Record) -> bool:
            is_imported = IMPORT in past.namers.get((record.hash, row["path"]), ())
            return is_imported and self._is_in_album(record, row, lead)

        for known in self._others:
            records = {r.hash: r.knowing(past.states.get(r.hash, ())) for r in known}
            lead = find_lead(list(records.values()))
            for shot in self._shots(records.values(), lead, was_imported, is_ours):
                if not _is_misplaced(shot):
                    self._leave(shot)
                elif all(is_ours(records[f.held.owner], f.row, lead) for f in shot.files):
                    yield replace(shot, recorded=self._recorded(records.values()))
                else:
                    self.kept += len(shot.held())

    def _recorded(self, records: Iterable[Record]) -> frozenset[str]:
        rows = (row for record in records for row in (*record.copies, *record.sidecars))
        return frozenset(row["path"] for row in rows if row["store"] == self._store)

    def _leave(self, shot: Shot) -> None:
        self.unchanged += len(shot.held())
        if number := shot.number():
            self.numbered.append((shot, number))

    # --- what its files should be called ----------------------------------------------------------

    def _shots(
        self, records: Iterable[Record], lead: Record, is_in_album: Judge, comes_first: Judge
    ) -> Iterator[Shot]:
        """The copies of a shot's assets: those of each album by themselves, and where an asset has
        several, one of each asset together.
        """
        found: dict[tuple[str, int], list[ShotFile]] = defaultdict(list)
        for record in sorted(records, key=lambda r: r.hash):
            counts: dict[str, int] = defaultdict(int)
            rows = self._rows(record)
            rows.sort(key=lambda row: not comes_first(record, row, lead))
            for row in rows:
                album = row["path"].rpartition("/")[0] if is_in_album(record, row, lead) else ""
                found[album, counts[album]].append(self._file(record, row, lead, album))
                counts[album] += 1
        for (album, count), files in found.items():
            stem = self._naming.names(lead, lead, album)[1]
            # who came first by its own name is numbered first, as by an upload
            yield Shot(f"{lead.original}/{lead.shot}/{count}/{album}", stem, tuple(files))

    def _rows(self, record: Record) -> list[CopyRow]:
        rows = (r for r in record.copies if r["store"] == self._store and r["state"] != MISSING)
        return sorted(rows, key=lambda row: row["path"])

    def _is_right(self, record: Record, row: CopyRow, lead: Record) -> bool:
        return self._naming.number(row["path"], record, lead) is not None

    def _is_in_album(self, record: Record, row: CopyRow, lead: Record) -> bool:
        """Whether a copy lies in the folder of an album, and not where it would lie without."""
        if not record.albums or self._is_right(record, row, lead):
            return False
        return self._naming.album(row["path"]) in record.albums

    def _file(self, record: Record, row: CopyRow, lead: Record, album: str) -> ShotFile:
        folder, stem = self._naming.names(record, lead, album)
        where, _, name = row["path"].rpartition("/")
        if comparison_key(where) == comparison_key(folder):
            folder = where
        held = Held(record.hash, record.hash, row, row["path"], checksums=record.checksums)
        if not record.sidecars:
            return ShotFile(held, folder)
        tails = self._tails(record, row["path"])
        if len(self._rows(record)) == 1:
            tails = {at: t or tail_ahead(at, folder, stem, name) for at, t in tails.items()}
        sidecars = tuple(
            (Held(record.hash, s["hash"], s, s["path"], is_sidecar=True), tails[s["path"]])
            for s in record.sidecars
            if s["store"] == self._store and tails[s["path"]]
        )
        return ShotFile(held, folder, sidecars)

    def _tails(self, record: Record, path: str) -> dict[str, str]:
        """The sidecars of an asset in the store by path, each with its tail beside a copy; "" for
        one that lies beside another copy, or none.
        """
        rows = [row["path"] for row in self._rows(record)]
        found = {}
        for at in (s["path"] for s in record.sidecars if s["store"] == self._store):
            beside = [other for other in rows if tail_beside(at, other)]
            is_its = bool(beside) and max(beside, key=len) == path
            found[at] = tail_beside(at, path) if is_its else ""
        return found


def _is_misplaced(shot: Shot) -> bool:
    number = shot.number()
    return number is None or number >= BYWAY
