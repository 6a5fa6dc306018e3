"""The second copy in the same command: what a run brings into one store is given to another as
well.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple

from catalog.domain import edits
from catalog.domain.asset import Entry
from catalog.domain.copies import copy_row, sidecar_row
from catalog.domain.document import AssetDocument
from catalog.domain.edits import Change
from catalog.domain.names import comparison_key
from catalog.features.ingest.actions import Action, CopyToStore, SkipDuplicate
from catalog.features.ingest.ingestion import book_of, nas_root
from catalog.features.mirror.partners import Pair
from catalog.features.mirror.plan import Mirroring
from catalog.features.mirror.run import mirror_assets
from catalog.features.mirror.survey import NeedsSurvey
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work.session import Session
from catalog.work.sink import Sink
from catalog.work.store_book import NAS
from catalog.work.workspace import Workspace

Lacking = Callable[[list[str]], Mapping[str, str]]
"""Which of some contents lack something, and what."""
Release = Callable[[Lacking], None]
"""Told once the second copies are made which contents still lack theirs."""


class Brought(NamedTuple):
    """What a run brings, or finds ("" for `path`): where it lies in the first store,
    and its sidecars with where they go.
    """

    store: str
    path: str
    size: int = 0
    sidecars: tuple[tuple[Entry, str], ...] = ()


@dataclass(slots=True)
class SecondCopies:
    """The store `name` that is to have them; `store` is None in a dry run,
    and `repository` where there is no catalog yet.
    """

    name: str
    store: ManagedStore | None
    repository: Repository | None
    contents: dict[bytes, tuple[Brought, ...]] = field(default_factory=dict)

    def note(self, actions: Sequence[Action]) -> None:
        """Actions of the run: what they bring, and what they find there already,
        shall have its second copy.
        """
        for action in actions:
            key = bytes.fromhex(action.hash)
            if isinstance(action, CopyToStore):
                brought = Brought(action.store, action.target, action.source.size, action.sidecars)
                self.contents[key] = (*self.contents.get(key, ()), brought)
            elif isinstance(action, SkipDuplicate):
                self.contents.setdefault(key, (Brought(action.store, ""),))

    def plans(self, digest: Callable[[Entry], str]) -> Iterator[list[Mirroring]]:
        """What the other store needs of them, an asset at a time,
        as the index will say once they are there.

        `digest` gives the content hash of a sidecar in the source.
        """
        for store in sorted({several[0].store for several in self.contents.values()}):
            needs = NeedsSurvey(self.repository, Pair(store, self.name, comparison_key))
            hashes = [
                key.hex() for key, several in self.contents.items() if several[0].store == store
            ]
            for key in hashes:
                brings = (each for each in self.contents[bytes.fromhex(key)] if each.path)
                needs.changes[key] += [_brings(brought, digest) for brought in brings]
            for found in needs.of(hashes):
                if found.actions:
                    yield found.actions

    def give(self, run: Session, source: ManagedStore, release: Release) -> None:
        """Bring them there from the store that has them now;
        `release` is then told which contents still lack the copy.
        """
        assert self.store is not None
        run.repository.refresh()
        try:
            mirror_assets(run, source, self.store, (digest.hex() for digest in self.contents))
        except BaseException:
            release(
                lambda hashes: dict.fromkeys(
                    hashes, f"kept in the source until its copy in {self.name} is made"
                )
            )
            raise
        release(lambda hashes: self._lacking(run, hashes))

    def _lacking(self, run: Session, hashes: list[str]) -> dict[str, str]:
        """Why contents may not leave their source:
        the other store has no good copy of them by the index.
        """
        found = run.patiently(lambda: run.repository.documents(hashes))
        there = {h for h, known in found.items() if self.name in known[0].get("stores", ())}
        return {
            h: f"kept in the source until its copy in {self.name} is made"
            for h in hashes
            if h not in there
        }


def _brings(brought: Brought, digest: Callable[[Entry], str]) -> Change:
    """The change of a document once what is brought lies in its store."""
    now = datetime.now(UTC)
    copy = copy_row(brought.store, Entry(brought.path, brought.size), now, now)
    rows = [
        sidecar_row(brought.store, replace(entry, path=goal), digest(entry))
        for entry, goal in brought.sidecars
    ]

    def change(document: AssetDocument | None) -> AssetDocument | None:
        return edits.with_sidecars((), rows)(
            edits.with_copy(copy)({"copies": [], **(document or {})})
        )

    return change


@contextlib.contextmanager
def second_copies(
    workspace: Workspace, name: str, sink: Sink, *, wanted: bool, dry: bool
) -> Iterator[SecondCopies | None]:
    """The other store, if it is wanted; what refuses it is raised before anything is done."""
    if not wanted:
        yield None
    elif dry:
        book = book_of(workspace, sink, dry=True)
        root = book.root(name)  # what it lacks is said now
        book.check_catalog(name, root, root.marker())
        yield SecondCopies(name, None, book.repository)
    else:
        book = book_of(workspace, sink, dry=False)
        if name == NAS and name not in book.known:
            nas_root(workspace)  # a share that is not mounted is never made
            book.claim(name)
        with book.open(name) as store:
            store.sweep()
            yield SecondCopies(name, store, book.repository)
