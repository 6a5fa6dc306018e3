"""Removing files outside the catalog whose content is proved to be in it: read now, and enough copies answer now."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from catalog.domain import edits
from catalog.domain.asset import Entry
from catalog.domain.copies import copy_row
from catalog.domain.edits import Edit
from catalog.domain.filetypes import SIDECAR_EXTENSIONS, extension_of
from catalog.domain.names import from_text
from catalog.domain.stacks import Candidate
from catalog.errors import MediaError, StoreError
from catalog.execution.journal import Journal
from catalog.execution.proof import Prover
from catalog.execution.report import Outcome, Report
from catalog.execution.survey import sorted_out
from catalog.execution.workers import ReaderPool
from catalog.media.request import Request
from catalog.stores.protocol import Store

OUTCOMES = ("removed", "repaired", "kept", "ignored", "failed")
BATCH = 128
NOT_THERE = "its content is not in the catalog"


class Source(Store, Protocol):
    """A folder that files are removed from."""

    def discard(self, path: str) -> None:
        """Remove a file for good; its content is proved elsewhere."""
        ...

    def remove_empty_folder(self, path: str) -> bool:
        """Remove a folder if nothing is in it."""
        ...


Documents = Callable[[list[str]], Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Removable:
    """What is known of one file outside: its content, and the document that has it (None: it stays)."""

    candidate: Candidate
    hash: str
    document: Mapping[str, Any] | None
    reason: str = ""


@dataclass(slots=True)
class Pruner:
    """Surveys a folder and removes what is safe. `edit` and `tell` write to the index; None for a dry run."""

    source: Source
    base: str
    pool: ReaderPool
    documents: Documents
    stores: Mapping[str, Store]
    needed: int
    report: Report
    journal: Journal | None = None
    edit: Callable[[Sequence[Edit]], list[str]] | None = None
    tell: Callable[[Sequence[dict[str, Any]]], None] | None = None
    batch: str = ""
    limit: int = 0
    advance: Callable[[int], None] = lambda _count: None

    def run(self, *, recursive: bool) -> None:
        """All files, in the order of the listing; stops after `limit` removals."""
        emptied: set[str] = set()
        for found in self._survey(recursive=recursive):
            removed = self._settle(found)
            self.advance(1)
            if removed:
                emptied.add(found.candidate.entry.folder)
                if self.limit and self._removed() >= self.limit:
                    break
        if self.journal is not None:
            self._tidy(emptied)

    def _removed(self) -> int:
        return sum(self.report.counts[o] for o in ("removed", "repaired", "planned"))

    # --- survey ----------------------------------------------------------------------------------------------------

    def _survey(self, *, recursive: bool) -> Iterator[Removable]:
        entries = self.source.list(recursive=recursive)
        for _folder, rows in itertools.groupby(entries, key=lambda e: e.folder):
            candidates, skipped = sorted_out(rows)
            for skip in skipped:
                if extension_of(skip.source.name) in SIDECAR_EXTENSIONS:
                    self._keep(skip.source, skip.reason)
                else:
                    self.report.add(Outcome("keep", skip.source.path, "ignored", reason=skip.reason))
            for start in range(0, len(candidates), BATCH):
                yield from self._looked_up(candidates[start : start + BATCH])

    def _looked_up(self, candidates: Sequence[Candidate]) -> Iterator[Removable]:
        digests: dict[str, str] = {}
        reasons: dict[str, str] = {c.entry.path: c.entry.problem for c in candidates if c.entry.problem}
        requests = (
            (c.entry.path, Request(f"{self.base}/{from_text(c.entry.path)}", only_hash=True, size=c.entry.size))
            for c in candidates
            if not c.entry.problem
        )
        for path, result in self.pool.run(requests):
            if isinstance(result, str):
                digests[path] = result
            elif isinstance(result, MediaError):
                reasons[path] = str(result)
        known = self.documents(sorted(set(digests.values())))
        for candidate in candidates:
            path = candidate.entry.path
            digest = digests.get(path, "")
            yield Removable(candidate, digest, known.get(digest), reasons.get(path, NOT_THERE))

    # --- removal ---------------------------------------------------------------------------------------------------

    def _settle(self, found: Removable) -> bool:
        """Whether the file went, or would."""
        entry = found.candidate.entry
        if found.document is None:
            self._keep(entry, found.reason, found.hash)
            return False
        try:
            proof = Prover(self.stores, lambda e: (e.device, e.inode) == (entry.device, entry.inode)).prove(
                found.hash, found.document["copies"], self.needed
            )
            missing = self.needed - len(proof.good)
            places = self._vacant(found.document, entry)[:missing] if missing > 0 else []
            reason = "" if len(places) >= missing else proof.why_not(self.needed)
            sidecars = self._proved_sidecars(found)
            reason = reason or next(
                (f"its sidecar {p} is not in the catalog" for p, digest in sidecars.items() if not digest), ""
            )
            if reason:
                self._keep(entry, reason, found.hash)
                return False
            if self.journal is None:
                where = places[0] if places else proof.good[0]
                self.report.add(Outcome("repair" if places else "remove", entry.path, "planned", *where, found.hash))
                return True
            return self._remove(found, sidecars, (*places, *proof.good), places)
        except StoreError as error:
            self._fail(found, str(error))
            return False

    def _vacant(self, document: Mapping[str, Any], entry: Entry) -> list[tuple[str, str]]:
        """The recorded places of reachable stores where no file lies: the source can be put there."""
        rows = [(r["store"], r["path"]) for r in document["copies"] if r["size"] == entry.size and r["store"] in self.stores]
        return [(store, path) for store, path in rows if self.stores[store].stat(path) is None]

    def _proved_sidecars(self, found: Removable) -> dict[str, str]:
        """The content hash of each sidecar by path; "" for one without a good copy: a photo does not leave without it."""
        assert found.document is not None
        recorded = found.document.get("sidecars", ())
        proved: dict[str, str] = {}
        for sidecar in found.candidate.sidecars:
            digest = self.source.checksum(sidecar.path)
            is_safe = any(self._answers(row, sidecar) for row in recorded if row["hash"] == digest)
            proved[sidecar.path] = digest if is_safe else ""
        return proved

    def _answers(self, row: Mapping[str, Any], sidecar: Entry) -> bool:
        store = self.stores.get(row["store"])
        there = store.stat(row["path"]) if store is not None else None
        if store is None or there is None or (there.device, there.inode) == (sidecar.device, sidecar.inode):
            return False
        return bool(store.checksum(row["path"]) == row["hash"])

    def _remove(
        self, found: Removable, sidecars: Mapping[str, str], copies: Sequence[tuple[str, str]], vacant: Sequence[tuple[str, str]]
    ) -> bool:
        assert self.journal is not None and self.tell is not None
        entry = found.candidate.entry
        for store, path in vacant:
            problem = self._repair(found, store, path)
            if problem:
                self._fail(found, problem)
                return False
        now = self.source.stat(entry.path)
        if now is None or replace(now, ctime_ns=0) != replace(entry, ctime_ns=0):
            self._keep(entry, "it changed during the run", found.hash)
            return False
        store, path = copies[0]
        gone = [(s, sidecars[s.path]) for s in found.candidate.sidecars if self.source.stat(s.path) is not None]
        gone.append((entry, found.hash))  # the last, so that a run that is cut off finds the sidecars by it
        event = {"action": "remove", "hash": found.hash, "store": store, "path": path, "effect": "file", "after": {}}
        told = [{"source": f"{self.base}/{e.path}", "before": {"hash": h, "mtime_ns": e.mtime_ns}} for e, h in gone]
        self.tell([{**event, **each} for each in told])
        for each, _digest in gone:
            self.journal.started("remove", source=each.path, hash=found.hash)
            self.source.discard(each.path)
            self.journal.done("remove", source=each.path, hash=found.hash)
        outcome = "repaired" if vacant else "removed"
        self.report.add(Outcome("remove", entry.path, outcome, store, path, found.hash, size=entry.size))
        return True

    def _repair(self, found: Removable, store: str, path: str) -> str:
        """Put the source where its asset is recorded and no file lies; why it could not be, or ""."""
        assert self.journal is not None and self.edit is not None
        entry, target = found.candidate.entry, self.stores[store]
        self.journal.started("repair", store=store, path=path, hash=found.hash)
        with self.source.open(entry.path) as stream:
            target.put(path, stream, entry.size, entry.mtime_ns, found.hash)
        target.settle([path])
        there = target.stat(path)
        if there is None:
            return "the repaired copy vanished"
        now = datetime.now(UTC)
        event = {"store": store, "path": path, "source": f"{self.base}/{entry.path}", "effect": "file"}
        (outcome,) = self.edit([Edit(found.hash, "repair", edits.with_copy(copy_row(store, there, now, now)), event)])
        self.journal.done("repair", store=store, path=path, hash=found.hash)
        return "" if outcome in ("done", "unchanged") else outcome

    def _keep(self, entry: Entry, reason: str, digest: str = "") -> None:
        self.report.add(Outcome("keep", entry.path, "kept", hash=digest, reason=reason))

    def _fail(self, found: Removable, reason: str) -> None:
        entry = found.candidate.entry
        if self.journal is not None:
            self.journal.failed("remove", source=entry.path, hash=found.hash, reason=reason)
        self.report.add(Outcome("keep", entry.path, "failed", hash=found.hash, reason=f"kept: {reason}"))

    def _tidy(self, folders: Iterable[str]) -> None:
        """Remove the folders that became empty, and those above them that did so by it; never the folder itself."""
        for folder in sorted(folders, key=lambda f: -f.count("/")):
            while folder and self.source.remove_empty_folder(folder):
                folder = folder.rpartition("/")[0]
