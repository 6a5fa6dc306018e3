"""Removing files outside the catalog whose content is proved to be in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from catalog.domain import edits
from catalog.domain.asset import Entry
from catalog.domain.copies import MISSING, CopyKey, copy_row
from catalog.domain.document import EventNote, EventRow, EventSide
from catalog.domain.edits import Edit
from catalog.errors import StoreError
from catalog.features.removal.plan import FAILED, Keep, Prune, Remove
from catalog.stores.protocol import Store
from catalog.work.contents import content_of
from catalog.work.outcome import Outcome
from catalog.work.session import Session
from catalog.work.transfer import copy_between

OUTCOMES = {"remove": "removed", "repair": "repaired"}


class PrunedFolder(Store, Protocol):
    """A folder that files are removed from."""

    def discard(self, path: str, seen: Entry | None = None) -> None:
        """Remove a file for good; its content is proved elsewhere."""
        ...

    def remove_empty_folder(self, path: str) -> bool:
        """Remove a folder if nothing is in it."""
        ...


@dataclass(frozen=True, slots=True)
class Pruner:
    """Removes what is planned to go. `base` is where the source lies, in text form.

    `stores` hold the copies of the catalog.
    """

    source: PrunedFolder
    base: str
    stores: Mapping[str, Store]
    run: Session

    def apply(self, plans: Iterator[Sequence[Prune]]) -> None:
        """Shot by shot; then the folders that became empty."""
        emptied: set[str] = set()
        for plan in plans:
            if self._remove_all(plan):
                emptied.add(plan[0].entry.folder)
            self.run.sink.progress.advance(len(plan))
        self._tidy(emptied)

    def _remove_all(self, plan: Sequence[Prune]) -> bool:
        """Whether anything went. A sidecar of a file that could not go stays with it."""
        staying: set[str] = set()
        has_gone = False
        for action in plan:
            if isinstance(action, Keep):
                self._keep(action)
                continue
            try:
                is_gone = self._remove(action, staying)
            except StoreError as error:
                self._keep(Keep(action.entry, str(error), action.hash, FAILED))
                is_gone = False
            staying |= set() if is_gone else set(action.beside)
            has_gone |= is_gone
        return has_gone

    def _remove(self, action: Remove, staying: set[str]) -> bool:
        """Remove a file, and before it the sidecars that nothing else needs.

        A run that is cut off in between finds them by it.
        """
        entry = action.entry
        for place in action.vacant:
            problem = self._repair(action, place)
            if problem:
                self._keep(Keep(entry, problem, action.hash, FAILED))
                return False
        sidecars = [
            (sidecar, digest) for sidecar, digest in action.sidecars if sidecar.path not in staying
        ]
        going: list[tuple[Entry, str]] = []
        for each, digest in (*sidecars, (entry, action.hash)):
            now = self._read_anew(each, digest)
            if now is None:
                self._keep(Keep(entry, f"{each.name} changed during the run", action.hash))
                return False
            going.append((now, digest))
        self._discard(action, going, _where(action, action.vacant))
        self.run.report.add(tell_gone(action, action.vacant))
        return True

    def _discard(self, action: Remove, going: Sequence[tuple[Entry, str]], safe: CopyKey) -> None:
        store, path = safe
        event: EventRow = {
            "action": "remove",
            "hash": action.hash,
            "store": store,
            "path": path,
            "effect": "file",
            "after": {},
        }
        self.run.tell(
            [
                {**event, "source": f"{self.base}/{e.path}", "before": _as_it_was(e, h)}
                for e, h in going
            ]
        )
        for each, _digest in going:
            self.run.journal.started("remove", source=each.path, hash=action.hash)
            self.source.discard(each.path, each)
            self.run.journal.done("remove", source=each.path, hash=action.hash)

    def _read_anew(self, entry: Entry, digest: str) -> Entry | None:
        """What a file is now that is still the one that was read, else None; if it was touched, it
        is read again.
        """
        now = self.source.stat(entry.path)
        is_same = now is not None and (now == entry or content_of(self.source, now) == digest)
        return now if is_same else None

    def _filled(self, action: Remove, place: CopyKey) -> Entry:
        """What lies at a vacant place that is filled, where no other run has done that. It is
        recorded as missing before: a run that goes on finds it by that.
        """
        store, path = place
        target = self.stores[store]
        there = target.stat(path)
        if there is not None and content_of(target, there) == action.hash:
            return there
        if there is None:
            lost: EventNote = {"store": store, "path": path, "effect": "index"}
            self.run.edit([Edit(action.hash, MISSING, edits.marked(store, path, MISSING), lost)])
        return copy_between(self.source, action.entry, target, path, action.hash)

    def _repair(self, action: Remove, place: CopyKey) -> str:
        """Put the source where its asset is recorded and no file lies; why it could not be,
        or "".
        """
        (store, path), entry = place, action.entry
        self.run.journal.started("repair", store=store, path=path, hash=action.hash)
        there = self._filled(action, place)
        self.stores[store].settle([path])
        now = datetime.now(UTC)
        event: EventNote = {
            "store": store,
            "path": path,
            "source": f"{self.base}/{entry.path}",
            "effect": "file",
        }
        change = edits.with_copy(copy_row(store, there, now, now))
        (outcome,) = self.run.edit([Edit(action.hash, "repair", change, event)])
        self.run.journal.done("repair", store=store, path=path, hash=action.hash)
        return "" if outcome in ("done", "unchanged") else outcome

    def _keep(self, action: Keep) -> None:
        if action.outcome == FAILED:
            self.run.journal.failed(
                "remove", source=action.entry.path, hash=action.hash, reason=action.reason
            )
        self.run.report.add(tell_kept(action))

    def _tidy(self, folders: Iterable[str]) -> None:
        """Remove the folders that became empty, and those above them; never the source itself."""
        for folder in sorted(folders, key=lambda f: -f.count("/")):
            while folder and self.source.remove_empty_folder(folder):
                folder = folder.rpartition("/")[0]


def tell_kept(action: Keep) -> Outcome:
    """What is told of a file that stays."""
    reason = f"kept: {action.reason}" if action.outcome == FAILED else action.reason
    return Outcome("keep", action.entry.path, action.outcome, hash=action.hash, reason=reason)


def tell_gone(action: Remove, filled: Sequence[CopyKey], became: str = "") -> Outcome:
    """What is told of a file that goes, or will (`planned`).

    `filled` are the places of the catalog that it is put into.
    """
    name, entry = "repair" if filled else "remove", action.entry
    store, path = _where(action, filled)
    return Outcome(
        name, entry.path, became or OUTCOMES[name], store, path, action.hash, size=entry.size
    )


def _where(action: Remove, filled: Sequence[CopyKey]) -> CopyKey:
    """A copy that makes a file superfluous: the one that is made of it, if any is."""
    return (*filled, *action.safe)[0]


def _as_it_was(entry: Entry, digest: str) -> EventSide:
    """What is needed to put a removed file back where it lay."""
    side: EventSide = {"hash": digest, "mtime_ns": entry.mtime_ns, "device": entry.device}
    return {**side, "host": entry.host} if entry.host else side
