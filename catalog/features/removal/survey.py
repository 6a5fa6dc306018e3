"""What is found out about a folder outside the catalog before anything of it is removed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from catalog.domain.asset import Entry
from catalog.domain.candidates import sort_candidates
from catalog.domain.checksums import NONE
from catalog.domain.copies import MISSING, CopyKey, is_link, read_recorded
from catalog.domain.document import AssetDocument, CopyRow, SidecarRow
from catalog.domain.fixity import Digests
from catalog.domain.stacks import Candidate, group_shots
from catalog.errors import MediaError, StoreError
from catalog.features.removal.plan import FAILED, Prune, SafetyFinding, plan_shot, plan_skips
from catalog.stores.protocol import Store
from catalog.work.contents import content_of
from catalog.work.facts_reading import Reading, Wanted
from catalog.work.proof import Prover, is_same_file

BATCH = 128
"""Files that are read before the catalog is asked about them."""
NOT_THERE = "its content is not in the catalog"
Documents = Callable[[list[str]], Mapping[str, AssetDocument]]
"""The documents of those content hashes that the catalog has."""


@dataclass(frozen=True, slots=True)
class PruneSurvey:
    """Looks at the files of `source`. Of the copies in `stores`, `needed` must answer."""

    source: Store
    reading: Reading
    documents: Documents
    stores: Mapping[str, Store]
    needed: int

    def plan(self, *, recursive: bool) -> Iterator[list[Prune]]:
        """Shot by shot, in the order of the listing; each is proved when its turn comes."""
        entries = self.source.list(recursive=recursive)
        for _folder, rows in itertools.groupby(entries, key=lambda entry: entry.folder):
            candidates, skipped = sort_candidates(rows)
            yield [*plan_skips(skipped)]
            part: list[tuple[Candidate, ...]] = []
            for shot in group_shots(candidates):
                part.append(shot)
                if sum(map(len, part)) >= BATCH:
                    yield from self._planned(part)
                    part = []
            yield from self._planned(part)

    def _planned(self, found: Sequence[tuple[Candidate, ...]]) -> Iterator[list[Prune]]:
        candidates = [candidate for shot in found for candidate in shot]
        digests: dict[str, str] = {}
        reasons = {c.entry.path: c.entry.problem for c in candidates if c.entry.problem}
        wanted = (
            (c.entry.path, Wanted(c.entry, only_hash=True))
            for c in candidates
            if not c.entry.problem
        )
        for path, result in self.reading.run(wanted):
            if isinstance(result, Digests):
                digests[path] = result.content
            elif isinstance(result, MediaError):
                reasons[path] = str(result)
        known = self.documents(sorted(set(digests.values())))
        for shot in found:
            contents = [digests.get(candidate.entry.path, "") for candidate in shot]
            documents = [known.get(digest) for digest in contents]
            proved = self._proved_sidecars(shot, [document for document in documents if document])
            facts = [
                self._examined(candidate, digest, document, proved)
                if document
                else SafetyFinding(candidate, digest, reasons.get(candidate.entry.path, NOT_THERE))
                for candidate, digest, document in zip(shot, contents, documents, strict=True)
            ]
            yield plan_shot(facts, proved)

    def _examined(
        self,
        candidate: Candidate,
        digest: str,
        document: AssetDocument,
        proved: Mapping[str, str],
    ) -> SafetyFinding:
        """Whether a file whose content the catalog has may go."""
        entry = candidate.entry
        if any(is_link(entry, read_recorded(row, digest)) for row in document["copies"]):
            return SafetyFinding(candidate, digest, "it is a copy of the catalog itself")
        prover = Prover(self.stores, partial(is_same_file, entry))
        try:
            checksums = document.get("checksums", NONE)
            proof = prover.prove(digest, document["copies"], self.needed, checksums)
            missing = self.needed - len(proof.good)
            vacant = self._vacant(document, entry, digest)[:missing] if missing > 0 else []
        except StoreError as error:
            return SafetyFinding(candidate, digest, str(error), FAILED)
        if len(vacant) < missing:
            return SafetyFinding(candidate, digest, proof.why_not(self.needed))
        unsafe = [sidecar.name for sidecar in candidate.sidecars if not proved[sidecar.path]]
        if unsafe:
            return SafetyFinding(
                candidate, digest, f"its sidecar {unsafe[0]} is not in the catalog"
            )
        counting = {*proof.good, *vacant}
        places = [(row["store"], row["path"]) for row in document["copies"]]
        return SafetyFinding(
            candidate,
            digest,
            vacant=tuple(vacant),
            safe=tuple(place for place in places if place in counting),
        )

    def _vacant(self, document: AssetDocument, entry: Entry, digest: str) -> list[CopyKey]:
        """The recorded places where no file lies: the source can be put there. Or where one lay not
        and does now: a run was killed that had put it there.
        """
        rows = [
            row
            for row in document["copies"]
            if row["size"] == entry.size and row["store"] in self.stores
        ]
        return [(r["store"], r["path"]) for r in rows if self._is_vacant(r, digest)]

    def _is_vacant(self, row: CopyRow, digest: str) -> bool:
        store = self.stores[row["store"]]
        there = store.stat(row["path"])
        return there is None or (row["state"] == MISSING and content_of(store, there) == digest)

    def _proved_sidecars(
        self, shot: Sequence[Candidate], documents: Sequence[AssetDocument]
    ) -> dict[str, str]:
        """The content hashes of the sidecars of a shot by path, "" for one that is not safe."""
        rows = [row for document in documents for row in document.get("sidecars", ())]
        sidecars = {sidecar.path: sidecar for candidate in shot for sidecar in candidate.sidecars}
        return {path: self._proved(sidecar, rows) for path, sidecar in sidecars.items()}

    def _proved(self, sidecar: Entry, rows: Sequence[SidecarRow]) -> str:
        try:
            digest = content_of(self.source, sidecar)
            same = [row for row in rows if row["hash"] == digest]
            proof = Prover(self.stores, partial(is_same_file, sidecar)).prove(
                digest, same, self.needed
            )
        except StoreError:
            return ""
        return digest if len(proof.good) >= self.needed else ""
