"""Removing files outside the catalog whose content is proved to be in it: read now, and enough copies answer now."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from catalog.domain import edits
from catalog.domain.asset import Entry
from catalog.domain.candidates import sorted_out
from catalog.domain.checksums import NONE
from catalog.domain.copies import OK, copy_row
from catalog.domain.edits import Edit
from catalog.domain.filetypes import SIDECAR_EXTENSIONS, extension_of
from catalog.domain.stacks import Candidate, shots
from catalog.errors import MediaError, StoreError
from catalog.stores.protocol import Store
from catalog.work.carriage import carry
from catalog.work.contents import content_of
from catalog.work.journal import Journal
from catalog.work.proof import Prover, is_same_file
from catalog.work.reading import Reading, Wanted
from catalog.work.report import Outcome, Report

OUTCOMES = ("removed", "repaired", "kept", "ignored", "failed")
BATCH = 128
NOT_THERE = "its content is not in the catalog"


class Source(Store, Protocol):
    """A folder that files are removed from."""

    def discard(self, path: str, seen: Entry | None = None) -> None:
        """Remove a file for good; its content is proved elsewhere."""
        ...

    def remove_empty_folder(self, path: str) -> bool:
        """Remove a folder if nothing is in it."""
        ...


Documents = Callable[[list[str]], Mapping[str, Mapping[str, Any]]]


@dataclass(slots=True)
class Removable:
    """What is known of one file outside: its content, and the document that has it (None: it stays).

    `places` are vacant places of its catalog copies to fill first, `good` those that were proved.
    """

    candidate: Candidate
    hash: str
    document: Mapping[str, Any] | None
    reason: str = ""
    places: Sequence[tuple[str, str]] = ()
    good: Sequence[tuple[str, str]] = ()

    @property
    def entry(self) -> Entry:
        """The file."""
        return self.candidate.entry


@dataclass(slots=True)
class Pruner:
    """Surveys a folder and removes what is safe. `edit` and `tell` write to the index; None for a dry run."""

    source: Source
    base: str
    reading: Reading
    documents: Documents
    stores: Mapping[str, Store]
    needed: int
    report: Report
    journal: Journal | None = None
    edit: Callable[[Sequence[Edit]], list[str]] | None = None
    tell: Callable[[Sequence[dict[str, Any]]], None] | None = None
    limit: int = 0
    advance: Callable[[int], None] = lambda _count: None

    def run(self, *, recursive: bool) -> None:
        """All files, in the order of the listing; stops after `limit` removals."""
        emptied: set[str] = set()
        for shot in self._survey(recursive=recursive):
            if self._settle(shot):
                emptied.add(shot[0].entry.folder)
            self.advance(len(shot))
            if self.limit and self._removed() >= self.limit:
                break
        if self.journal is not None:
            self._tidy(emptied)

    def _removed(self) -> int:
        return sum(self.report.counts[o] for o in ("removed", "repaired", "planned"))

    # --- survey ----------------------------------------------------------------------------------------------------

    def _survey(self, *, recursive: bool) -> Iterator[list[Removable]]:
        """Shot by shot: files of one stem, and those that share a sidecar."""
        entries = self.source.list(recursive=recursive)
        for _folder, rows in itertools.groupby(entries, key=lambda e: e.folder):
            candidates, skipped = sorted_out(rows)
            for skip in skipped:
                if extension_of(skip.source.name) in SIDECAR_EXTENSIONS:
                    self._keep(skip.source, skip.reason)
                else:
                    self.report.add(Outcome("keep", skip.source.path, "ignored", reason=skip.reason))
            part: list[tuple[Candidate, ...]] = []
            for shot in shots(candidates):
                part.append(shot)
                if sum(map(len, part)) >= BATCH:
                    yield from self._looked_up(part)
                    part = []
            if part:
                yield from self._looked_up(part)

    def _looked_up(self, found: Sequence[tuple[Candidate, ...]]) -> Iterator[list[Removable]]:
        candidates = [c for shot in found for c in shot]
        digests: dict[str, str] = {}
        reasons: dict[str, str] = {c.entry.path: c.entry.problem for c in candidates if c.entry.problem}
        wanted = ((c.entry.path, Wanted(c.entry, only_hash=True)) for c in candidates if not c.entry.problem)
        for path, result in self.reading.run(wanted):
            if isinstance(result, str):
                digests[path] = result
            elif isinstance(result, MediaError):
                reasons[path] = str(result)
        known = self.documents(sorted(set(digests.values())))
        for shot in found:
            yield [self._removable(c, digests.get(c.entry.path, ""), known, reasons) for c in shot]

    @staticmethod
    def _removable(
        candidate: Candidate, digest: str, known: Mapping[str, Mapping[str, Any]], reasons: Mapping[str, str]
    ) -> Removable:
        return Removable(candidate, digest, known.get(digest), reasons.get(candidate.entry.path, NOT_THERE))

    # --- removal ---------------------------------------------------------------------------------------------------

    def _settle(self, shot: Sequence[Removable]) -> bool:
        """Remove what is safe of a shot; whether anything went. A sidecar goes with the last file that it speaks for."""
        rows = [row for found in shot if found.document for row in found.document.get("sidecars", ())]
        sidecars = {s.path: s for found in shot for s in found.candidate.sidecars}
        proved = {path: self._proved_sidecar(sidecar, rows) for path, sidecar in sidecars.items()}
        going = [found for found in shot if self._may_go(found, proved)]
        if self.limit:
            going = going[: max(0, self.limit - self._removed())]
        gone = {id(found) for found in going}
        staying = {s.path for found in shot if id(found) not in gone for s in found.candidate.sidecars}
        if self.journal is None:
            for found in going:
                where = (*found.places, *found.good)[0]
                self.report.add(Outcome("repair" if found.places else "remove", found.entry.path, "planned", *where, found.hash))
            return bool(going)
        removed = False
        for number, found in enumerate(going):
            later = {s.path for other in going[number + 1 :] for s in other.candidate.sidecars}
            free = [s for s in found.candidate.sidecars if s.path not in staying | later]
            try:
                removed = self._remove(found, [(s, proved[s.path]) for s in free]) or removed
            except StoreError as error:
                self._fail(found, str(error))
        return removed

    def _may_go(self, found: Removable, proved: Mapping[str, str]) -> bool:
        """Whether a file is proved to be safe; one that stays is told of."""
        entry, document = found.entry, found.document
        if document is None:
            self._keep(entry, found.reason, found.hash)
            return False
        try:
            reason = self._why_kept(found, document, proved)
        except StoreError as error:
            self._fail(found, str(error))
            return False
        if reason:
            self._keep(entry, reason, found.hash)
        return not reason

    def _why_kept(self, found: Removable, document: Mapping[str, Any], proved: Mapping[str, str]) -> str:
        entry = found.entry
        if any(entry.inode and (r.get("device"), r.get("inode")) == (entry.device, entry.inode) for r in document["copies"]):
            return "it is a copy of the catalog itself"
        proof = Prover(self.stores, partial(is_same_file, entry)).prove(
            found.hash, document["copies"], self.needed, document.get("checksums", NONE)
        )
        missing = self.needed - len(proof.good)
        found.places = self._vacant(document, entry)[:missing] if missing > 0 else []
        found.good = proof.good
        if len(found.places) < missing:
            return proof.why_not(self.needed)
        unsafe = [s.name for s in found.candidate.sidecars if not proved[s.path]]
        return f"its sidecar {unsafe[0]} is not in the catalog" if unsafe else ""

    def _vacant(self, document: Mapping[str, Any], entry: Entry) -> list[tuple[str, str]]:
        """The recorded places of reachable stores where no file lies: the source can be put there."""
        rows = [(r["store"], r["path"]) for r in document["copies"] if r["size"] == entry.size and r["store"] in self.stores]
        return [(store, path) for store, path in rows if self.stores[store].stat(path) is None]

    def _proved_sidecar(self, sidecar: Entry, rows: Sequence[Mapping[str, Any]]) -> str:
        """The content hash of a sidecar that has as many good copies as are needed, else ""."""
        try:
            digest = content_of(self.source, sidecar)
            same = [{"state": OK, **row} for row in rows if row["hash"] == digest]
            proof = Prover(self.stores, partial(is_same_file, sidecar)).prove(digest, same, self.needed)
        except StoreError:
            return ""
        return digest if len(proof.good) >= self.needed else ""

    def _remove(self, found: Removable, sidecars: Sequence[tuple[Entry, str]]) -> bool:
        """Remove a file, and before it the sidecars that nothing else needs: a run that is cut off finds them by it."""
        assert self.journal is not None and self.tell is not None
        entry = found.entry
        for store, path in found.places:
            problem = self._repair(found, store, path)
            if problem:
                self._fail(found, problem)
                return False
        going = [*sidecars, (entry, found.hash)]
        changed = [e.name for e, digest in going if not self._is_unchanged(e, digest)]
        if changed:
            self._keep(entry, f"{changed[0]} changed during the run", found.hash)
            return False
        store, path = (*found.places, *found.good)[0]
        event = {"action": "remove", "hash": found.hash, "store": store, "path": path, "effect": "file", "after": {}}
        told = [
            {"source": f"{self.base}/{e.path}", "before": {"hash": h, "mtime_ns": e.mtime_ns, "device": e.device}}
            for e, h in going
        ]
        self.tell([{**event, **each} for each in told])
        for each, _digest in going:
            self.journal.started("remove", source=each.path, hash=found.hash)
            self.source.discard(each.path, each)
            self.journal.done("remove", source=each.path, hash=found.hash)
        outcome = "repaired" if found.places else "removed"
        self.report.add(Outcome("remove", entry.path, outcome, store, path, found.hash, size=entry.size))
        return True

    def _is_unchanged(self, entry: Entry, digest: str) -> bool:
        """Whether a file is still the one that was read; where anything was done to it since, it is read again."""
        now = self.source.stat(entry.path)
        return now is not None and (now == entry or content_of(self.source, now) == digest)

    def _repair(self, found: Removable, store: str, path: str) -> str:
        """Put the source where its asset is recorded and no file lies; why it could not be, or ""."""
        assert self.journal is not None and self.edit is not None
        entry, target = found.entry, self.stores[store]
        self.journal.started("repair", store=store, path=path, hash=found.hash)
        there = carry(self.source, entry, target, path, found.hash)
        target.settle([path])
        now = datetime.now(UTC)
        event = {"store": store, "path": path, "source": f"{self.base}/{entry.path}", "effect": "file"}
        (outcome,) = self.edit([Edit(found.hash, "repair", edits.with_copy(copy_row(store, there, now, now)), event)])
        self.journal.done("repair", store=store, path=path, hash=found.hash)
        return "" if outcome in ("done", "unchanged") else outcome

    def _keep(self, entry: Entry, reason: str, digest: str = "") -> None:
        self.report.add(Outcome("keep", entry.path, "kept", hash=digest, reason=reason))

    def _fail(self, found: Removable, reason: str) -> None:
        entry = found.entry
        if self.journal is not None:
            self.journal.failed("remove", source=entry.path, hash=found.hash, reason=reason)
        self.report.add(Outcome("keep", entry.path, "failed", hash=found.hash, reason=f"kept: {reason}"))

    def _tidy(self, folders: Iterable[str]) -> None:
        """Remove the folders that became empty, and those above them that did so by it; never the folder itself."""
        for folder in sorted(folders, key=lambda f: -f.count("/")):
            while folder and self.source.remove_empty_folder(folder):
                folder = folder.rpartition("/")[0]
