"""The second copy in the same command: what a run brings into one store is given to another as well."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.features.ingest.actions import Action, CopyToStore, SkipDuplicate
from catalog.features.ingest.ingestion import lookup_of, nas_root
from catalog.features.mirror.run import bring
from catalog.stores.protocol import ManagedStore
from catalog.work import store_book as storing
from catalog.work.report import OUTCOMES, Outcome, Report
from catalog.work.session import Session
from catalog.work.workspace import Workspace

Lacking = Callable[[list[str]], Mapping[str, str]]
"""Which of some contents lack something, and what."""
WORDS: dict[str, Any] = {
    "outcomes": (*OUTCOMES[:2], "copied", "moved", "found", *OUTCOMES[2:]),
    "always": ("new", "duplicate", "copied"),
}


@dataclass(slots=True)
class Second:
    """The store `name` that is to have them; `store` is None in a dry run. Contents are kept with where they lie."""

    name: str
    store: ManagedStore | None
    contents: dict[bytes, str] = field(default_factory=dict)

    def note(self, actions: Sequence[Action]) -> None:
        """Actions of the run: what they bring, and what they find there already, shall have its second copy."""
        for action in actions:
            if isinstance(action, CopyToStore):
                self.contents[bytes.fromhex(action.asset.hash)] = action.target
            elif isinstance(action, SkipDuplicate):
                self.contents.setdefault(bytes.fromhex(action.hash), "")

    def foresee(self, report: Report) -> None:
        """Tell a dry run's report of what would be new in the other store."""
        for digest, path in self.contents.items():
            if path:
                report.add(Outcome("copy", path, "planned", self.name, path, digest.hex()))

    def give(self, run: Session, source: ManagedStore, release: Callable[[Lacking], None] = lambda _lacking: None) -> None:
        """Bring them there from the store that has them now; `release` is then told which contents still lack the copy."""
        assert self.store is not None
        run.repository.refresh()
        try:
            bring(run, source, self.store, (digest.hex() for digest in self.contents))
        except BaseException:
            release(lambda hashes: dict.fromkeys(hashes, f"kept in the source until its copy in {self.name} is made"))
            raise
        release(lambda hashes: self._lacking(run, hashes))

    def _lacking(self, run: Session, hashes: list[str]) -> dict[str, str]:
        """Why contents may not leave their source: the other store has no good copy of them by the index."""
        found = run.patiently(lambda: run.repository.documents(hashes))
        there = {h for h, known in found.items() if self.name in known[0].get("stores", ())}
        return {h: f"kept in the source until its copy in {self.name} is made" for h in hashes if h not in there}


@contextlib.contextmanager
def second(workspace: Workspace, name: str, *, wanted: bool, dry: bool) -> Iterator[Second | None]:
    """The other store, if it is wanted; what refuses it is raised before anything is done."""
    if not wanted:
        yield None
    elif dry:
        storing.place_of(workspace, name, lookup_of(workspace, dry=True).store_record(name))  # what it lacks is said now
        yield Second(name, None)
    else:
        if name == storing.NAS and name not in storing.known_stores(workspace.repository):
            nas_root(workspace)  # a share that is not mounted is never made
            storing.note_run(workspace, workspace.repository, name)
        with storing.opened(workspace, workspace.repository, name) as store:
            store.sweep()
            yield Second(name, store)
