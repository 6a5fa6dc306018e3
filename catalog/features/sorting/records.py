"""What the catalog knows of the files that are put in order, and how it is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from catalog.domain import edits
from catalog.domain.asset import Entry
from catalog.domain.assignments import assign_tags
from catalog.domain.copies import (
    MISSING,
    RecordedFile,
    copy_row,
    read_recorded,
    sidecar_row,
)
from catalog.domain.document import AssetDocument, CopyRow, EventNote, SidecarRow
from catalog.domain.edits import Change, Edit
from catalog.domain.evidence import as_proved
from catalog.domain.layout import sidecar_names
from catalog.errors import DocumentConflict
from catalog.features.removal.trash import Taken, finish_taking, take_away
from catalog.features.sorting.plan import MOVE, Move, Places, Sighting
from catalog.index import queries
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work.session import Session


def find_in_catalog(repository: Repository, store: str, beginning: str) -> list[Sighting]:
    """The files of a store whose assets have tags in the catalog that begin so."""
    query = {"bool": {"filter": [queries.of_store(store), {"prefix": {"tags": beginning}}]}}
    return [
        Sighting(row["path"], tuple(document["tags"]), document["hash"])
        for page in repository.scan_pages(query)
        for document in (hit["_source"] for hit in page)
        for row in document["copies"]
        if row["store"] == store and row["state"] != MISSING
    ]


@dataclass(frozen=True, slots=True)
class Known:
    """A file that is recorded: its asset, and its row."""

    document: AssetDocument
    row: CopyRow

    @property
    def hash(self) -> str:
        """The content of the asset."""
        return self.document["hash"]

    @property
    def recorded(self) -> RecordedFile:
        """The row, to compare with a file."""
        return read_recorded(self.row, self.hash, self.document.get("checksums", {}))

    def renamed(self, before: Entry, after: Entry) -> Entry:
        """The file under its new name: its ctime is ours where it was the recorded one before, and
        else for a sync to look into.
        """
        recorded = self.recorded
        return after if before.ctime_ns == recorded.ctime_ns else as_proved(after, recorded)


@dataclass(slots=True)
class Records:
    """Those of one store. Without a `run` they are only read. `keeps_tags`: the store itself has
    the tags.
    """

    repository: Repository
    store: ManagedStore
    places: Places
    keeps_tags: bool
    run: Session | None

    def find(self, move: Move) -> Known | None:
        """What is recorded at the path of a file."""
        content_hash = move.hash
        if not content_hash:
            found = queries.at_paths(self.repository, self.store.name, [move.path])
            content_hash = found[move.path]["hash"] if found else ""
        return self._row_at(self.document(content_hash), move.path) if content_hash else None

    def document(self, content_hash: str) -> AssetDocument | None:
        """The record of an asset, or None."""
        found = self.repository.documents([content_hash]).get(content_hash)
        return found[0] if found else None

    def is_recorded(self, content_hash: str, path: str) -> bool:
        """Whether a content is recorded at a path."""
        return self._row_at(self.document(content_hash), path) is not None

    def equals(self, known: Known, folder: str) -> list[str]:
        """Where else in a folder the content is recorded."""
        rows = known.document["copies"]
        mine = (row["path"] for row in rows if row["store"] == self.store.name)
        return [p for p in mine if p.rpartition("/")[0] == folder and p != known.row["path"]]

    def _row_at(self, document: AssetDocument | None, path: str) -> Known | None:
        for row in (document or {}).get("copies", []):
            if document is not None and (row["store"], row["path"]) == (self.store.name, path):
                return Known(document, row)
        return None

    def rename(self, old: str, new: str, digest: str) -> Entry:
        """Rename a file of a content, so that an undo of a run that was killed knows of it."""
        assert self.run is not None
        with self.run.journal.coming(self.store.name, new, digest, old, renamed=True):
            return self.store.move(old, new)

    # --- telling ----------------------------------------------------------------------------------

    def moved(self, known: Known, entry: Entry, move: Move) -> None:
        """The copy lies elsewhere, its asset is of the category, and has not the tag any more."""
        now = datetime.now(UTC)
        path = known.row["path"]
        row = copy_row(self.store.name, entry, now, now)
        change = _one_after_the_other(
            edits.moved_copy(self.store.name, path, row), self._sorted(move)
        )
        self._tell_moved(known.hash, change, path, entry.path)

    def drop(self, known: Known, move: Move) -> str:
        """The copy goes into the trash, its content lies in the folder already; why not, or ""."""
        assert self.run is not None
        self._tell(known.hash, "sort", edits.with_album(move.category))
        stores, files = {self.store.name: self.store}, [Taken(known.hash, known.row)]
        reason = f"the same lies in {move.folder}"
        (problem,) = take_away(self.run, stores, files, reason=reason, reason_kind="exact")
        if not problem:
            self._tell(known.hash, "untag", self._sorted(move))
        return problem

    def finish(self, content_hash: str, entry: Entry | None, move: Move) -> None:
        """Record what a run that was cut off had moved (`entry`), or had begun to take away."""
        assert self.run is not None
        document = self.document(content_hash)
        if document is None:
            return
        if entry is not None and self._row_at(document, entry.path) is None:
            lost = next(filter(self._is_gone, document["copies"]), None)
            if lost is not None:
                known = Known(document, lost)
                self.moved(known, as_proved(entry, known.recorded), move)
        finish_taking(self.run, {self.store.name: self.store}, [content_hash])
        self._tell(content_hash, "untag", self._sorted(move))

    def _is_gone(self, row: CopyRow) -> bool:
        is_its = row["store"] == self.store.name and self.places.is_unsorted(row["path"])
        return is_its and self.store.stat(row["path"]) is None

    def _sorted(self, move: Move) -> Change:
        """An asset is of a category; its tag in the catalog goes once no copy waits any more."""
        into = edits.with_album(move.category)
        if self.keeps_tags:
            return into
        off = edits.with_saying(assign_tags((), (move.tag,)))

        def change(document: AssetDocument | None) -> AssetDocument | None:
            after = into(document)
            if after is None or move.tag not in after.get("tags", []):
                return after
            waits = any(
                row["store"] == self.store.name and self.places.is_unsorted(row["path"])
                for row in after["copies"]
                if row["state"] != MISSING
            )
            return after if waits else off(after)

        return change

    def _tell(self, content_hash: str, action: str, change: Change) -> None:
        self._apply(Edit(content_hash, action, change, {"effect": "index"}))

    def _tell_moved(self, content_hash: str, change: Change, old: str, new: str) -> None:
        name = self.store.name
        note: EventNote = {"store": name, "path": new, "source": old, "effect": "file"}
        self._apply(Edit(content_hash, MOVE, change, note))

    def _apply(self, edit: Edit) -> None:
        assert self.run is not None
        (answer,) = self.run.edit([edit])
        if answer not in ("done", "unchanged"):
            raise DocumentConflict(f"The record of {edit.hash} was not changed: {answer}")

    # --- sidecars ---------------------------------------------------------------------------------

    def bring_sidecars(self, known: Known, target: str) -> None:
        """Bring the sidecars of a file that is to lie at `target` there, each recorded at once."""
        for row in self._sidecars(known):
            folder, name = target.rpartition("/")[0], row["path"].rpartition("/")[2]
            owner = known.row["path"].rpartition("/")[2]
            for wanted in sidecar_names(name, owner, target.rpartition("/")[2]):
                path = f"{folder}/{wanted}"
                there = self.store.stat(path)
                if there is None:
                    there = self.rename(row["path"], path, row["hash"])
                elif self.store.stat(row["path"]) or self.store.checksum(path) != row["hash"]:
                    continue
                after = sidecar_row(self.store.name, there, row["hash"])
                change = edits.with_sidecars([(row["store"], row["path"])], [after])
                self._tell_moved(known.hash, change, row["path"], path)
                break

    def _sidecars(self, known: Known) -> Sequence[SidecarRow]:
        """Those beside a file with its name, that are no other file's as well and can be had."""
        path = known.row["path"]
        stem = f"{path.rpartition('.')[0] or path}."
        rows = [
            row
            for row in known.document.get("sidecars", [])
            if row["store"] == self.store.name and row["path"].startswith(stem)
        ]
        claimed = queries.claimants(self.repository, [(r["store"], r["path"]) for r in rows])
        return [r for r in rows if claimed[r["store"], r["path"]] <= {known.hash}]


def _one_after_the_other(first: Change, second: Change) -> Change:
    return lambda document: second(first(document))
