"""A store of the catalog, where originals give way to converted files: each goes to its trash, and
both stay linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from catalog.domain.asset import Entry
from catalog.domain.copies import copy_row
from catalog.domain.document import AssetDocument, CopyRow, EventNote
from catalog.domain.edits import Edit, forgotten_without, with_copy, with_sidecars
from catalog.domain.names import from_text, to_text
from catalog.errors import ConversionFailed, NotFound, StoreError
from catalog.features.reingest.renditions import (
    as_rendition,
    rendition_document,
    with_rendition,
    without_rendition,
)
from catalog.features.reingest.replacement.jobs import Job
from catalog.features.reingest.videos.converter import Converter
from catalog.features.removal.trash import Taken, restore_one, take_away
from catalog.features.undo.plan import RENDITION as MADE
from catalog.index.documents import Origin, asset_document
from catalog.stores.protocol import ManagedStore
from catalog.work.description import utc_now
from catalog.work.session import Session

INHERIT = "inherit"
"""The action of events by which sidecars go from an original to what was made of it."""


class StoreReplacer:
    """A store of the catalog: the original goes to its trash, and the catalog links it with what
    was made of it."""

    def __init__(
        self, run: Session, store: ManagedStore, stores: Mapping[str, ManagedStore]
    ) -> None:
        self._run = run
        self.store = store
        self._stores = stores

    def close(self) -> None:
        """Nothing: its owner lets go of the store."""

    def bring_back(self, job: Job) -> None:
        """Nothing is moved aside here."""

    def _document(self, content_hash: str) -> AssetDocument:
        found = self._run.repository.documents([content_hash]).get(content_hash)
        return found[0] if found else {}

    def take(self, job: Job) -> None:
        """See `Place`."""
        rows = self._document(job.original).get("copies", [])
        row = next(
            (r for r in rows if (r["store"], r["path"]) == (self.store.name, job.path)), None
        ) or self._recorded(job)
        (problem,) = take_away(self._run, self._stores, [Taken(job.original, row)])
        if problem:
            raise StoreError(problem, store=self.store.name, path=job.path)

    def _recorded(self, job: Job) -> CopyRow:
        """The row of an original that the catalog does not know to be here: a run was killed that
        had begun to take it away."""
        entry = self.store.stat(job.path)
        if (
            entry is None
            or self.store.checksum(job.path) != job.original
            or not self._document(job.original)
        ):
            raise ConversionFailed("the catalog does not know it: `catalog sync` records it")
        now = datetime.now(UTC)
        row = copy_row(self.store.name, entry, now, now)
        event: EventNote = {"store": self.store.name, "path": job.path, "effect": "index"}
        self._edit([Edit(job.original, "keep", with_copy(row), event)])
        return row

    def give_back(self, job: Job) -> None:
        """See `Place`."""
        store, target = self.store, job.target
        if store.stat(target) is not None and store.checksum(target) == job.rendition:
            event: EventNote = {"store": store.name, "path": target, "effect": "index"}
            edits = [
                Edit(job.rendition, "keep", forgotten_without(store.name, target), event),
                Edit(job.original, "keep", without_rendition(job.rendition), event),
            ]
            self._run.edit(edits)
            store.remove(target, self._run.run)
        key = next(
            (t.key for t in store.trashed() if (t.batch, t.path) == (self._run.run, job.path)), None
        )
        if key is None:
            raise NotFound(
                f"{job.path} is not in the trash of store {store.name} any more; its backup is in "
                "the failsafe folder."
            )
        problem, _known = restore_one(self._run, store, key, job.path, job.original)
        if problem:
            raise StoreError(problem, store=store.name, path=job.path)

    def record(self, job: Job, there: Entry, films: Converter) -> None:
        """See `Place`: the new asset with what was known of the old one, each pointing to the
        other."""
        old = self._document(job.original)
        if not old:
            raise ConversionFailed("the catalog has forgotten it")
        source = to_text(str(job.staged))
        where: EventNote = {"store": self.store.name, "path": job.target}
        made = rendition_document(self._made(job, there, films, source), old)
        edits = [
            Edit(
                job.rendition,
                MADE,
                as_rendition(made),
                {**where, "effect": "file", "source": source},
            ),
            Edit(
                job.original,
                MADE,
                with_rendition(job.rendition),
                {**where, "effect": "index", "path": job.path},
            ),
        ]
        self._edit(edits)
        self._inherit(job, old)

    def _made(self, job: Job, there: Entry, films: Converter, source: str) -> AssetDocument:
        """The document of a converted file, as its bytes state it."""
        path = Path(from_text(self.store.location)) / from_text(job.target)
        asset = self._run.workspace.describer(self.store.location).describe(
            films.facts(path), there, utc_now()
        )
        now = datetime.now(UTC)
        row = copy_row(self.store.name, there, now, now)
        return asset_document(asset, Origin(source, self._run.run, now), copies=[row])

    def _inherit(self, job: Job, old: AssetDocument) -> None:
        """The sidecars that lie beside the original now lie beside what was made of it."""
        folder, name = job.path.rpartition("/")[0], self.store.name
        beside = [
            r
            for r in old.get("sidecars", [])
            if (r["store"], r["path"].rpartition("/")[0]) == (name, folder)
        ]
        if beside:
            about: EventNote = {"store": name, "path": job.target, "effect": "index"}
            places = [(r["store"], r["path"]) for r in beside]
            edits = [
                Edit(job.rendition, INHERIT, with_sidecars((), beside), about),
                Edit(job.original, INHERIT, with_sidecars(places, ()), about),
            ]
            self._edit(edits)

    def _edit(self, edits: Sequence[Edit]) -> None:
        problem = next(
            (answer for answer in self._run.edit(edits) if answer not in ("done", "unchanged")), ""
        )
        if problem:
            raise StoreError(f"the catalog did not take it: {problem}", store=self.store.name)

    def settle(self, job: Job) -> None:
        """The original stays in the trash, until that is emptied."""
