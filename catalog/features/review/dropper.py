"""Bringing one asset, or one of its copies, to the trash because a person decided so:
whether it may go, and doing it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from filelock import FileLock, Timeout

from catalog.domain import edits
from catalog.domain.copies import MISSING, OK
from catalog.domain.decisions import BAD, DROP, EXACT, KEEP, SAME_IMAGE, SIMILAR, Decision
from catalog.domain.document import AssetDocument, CopyRow, EventNote
from catalog.domain.edits import Edit
from catalog.features.lookalikes.inheritance import with_inheritance
from catalog.features.lookalikes.keepers import list_lacking
from catalog.features.lookalikes.ranking import Picture, picture_of
from catalog.features.removal.trash import Taken, finish_taking, obstacles, take_away
from catalog.index import queries
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work.proof import Prover
from catalog.work.session import Session
from catalog.work.workspace import Workspace

DROPPED_BEFORE = "it was dropped before"
PATIENCE = 60.0
"""Seconds to wait for another run of this machine that is removing something."""
LACKING = "; --yes drops it all the same"
NO_KEEPER = (
    "kept: no keeper is named, so that none of its group would stay; --yes drops it all the same"
)


@dataclass(slots=True)
class Dropper:
    """Follows decisions to drop. `sure`: a person has agreed that of some groups nothing stays.

    It knows what is gone, or foreseen to be: assets by hash, copies by hash and `store:path`.
    """

    workspace: Workspace
    repository: Repository
    stores: Mapping[str, ManagedStore]
    sure: bool = False
    _proved: dict[str, str] = field(default_factory=dict)
    _gone: set[str] = field(default_factory=set)
    _gone_copies: set[tuple[str, str]] = field(default_factory=set)

    def drop(self, run: Session, decision: Decision, decisions: Sequence[Decision]) -> str:
        """Bring it to the trash; why it could not be, or "".

        No other run of this machine removes anything meanwhile.
        """
        try:
            self.workspace.state_dir.mkdir(parents=True, exist_ok=True)
            with FileLock(self.workspace.state_dir / "removing.lock", timeout=PATIENCE):
                problem = self._why_not(decision, decisions)
                if problem == DROPPED_BEFORE:  # by a run that may have been killed
                    finish_taking(run, self.stores, [decision.hash])
                return problem or self._drop(run, decision)
        except Timeout:
            return "kept: another run is removing files; run the command again"

    def foresee(self, decision: Decision, decisions: Sequence[Decision]) -> str:
        """Why it will stay, or "": then what comes after is judged as if it were gone."""
        problem = self._why_not(decision, decisions)
        if not problem:
            document = self._documents([decision.hash])[decision.hash]
            self._note(decision, [] if decision.kind == EXACT else self._movies(document))
        return problem

    def _note(self, decision: Decision, movies: Sequence[AssetDocument]) -> None:
        """It is gone, with the movies that go with it."""
        if decision.kind == EXACT:
            self._gone_copies.add((decision.hash, decision.path))
        else:
            self._gone |= {decision.hash, *(movie["hash"] for movie in movies)}

    def _documents(self, hashes: Sequence[str]) -> dict[str, AssetDocument]:
        """The documents of assets, without what is gone."""
        found = {
            name: document
            for name, (document, *_version) in self.repository.documents(hashes).items()
        }
        return {
            name: self._left(document) for name, document in found.items() if name not in self._gone
        }

    def _left(self, document: AssetDocument) -> AssetDocument:
        gone = {place for name, place in self._gone_copies if name == document["hash"]}
        if not gone:
            return document
        rows = [row for row in document["copies"] if f"{row['store']}:{row['path']}" not in gone]
        return {**document, "copies": rows}

    # --- whether ----------------------------------------------------------------------------------

    def _why_not(self, decision: Decision, decisions: Sequence[Decision]) -> str:
        """Why something cannot be dropped now, or "": enough copies must stay, and are read now."""
        found = self._documents([decision.hash, *([decision.keeper] if decision.keeper else [])])
        if decision.hash not in found:
            was_there = (
                decision.hash in self._gone
                or self.repository.history.forgotten_document(decision.hash) is not None
            )
            return DROPPED_BEFORE if was_there else "it is not in the catalog"
        document = found[decision.hash]
        if decision.kind == EXACT:
            return self._why_not_copy(decision, document, decisions) or self._obstacle(
                decision, [document]
            )
        if lonely := self._left_alone(document, decisions):
            return f"kept: {lonely} is of the same shot, and would be left alone"
        if decision.kind != BAD:
            if not decision.keeper:
                return "" if self.sure else NO_KEEPER
            if decision.keeper not in found:
                return "kept: the one to keep is not in the catalog any more"
            if any(
                d.decision == DROP and d.hash == decision.keeper and d.kind != EXACT
                for d in decisions
            ):
                return "kept: the one to keep is to be dropped, too"
            if not self.sure and (lost := self._lost(document, found, decision, decisions)):
                return f"kept: the one to keep lacks {', '.join(lost)} of it{LACKING}"
            if unsafe := self._why_unsafe(
                decision.keeper, found[decision.keeper].get("copies", []), "the one to keep"
            ):
                return unsafe
        return self._obstacle(decision, [document, *self._movies(document)])

    def _lost(
        self,
        document: AssetDocument,
        found: Mapping[str, AssetDocument],
        decision: Decision,
        decisions: Sequence[Decision],
    ) -> list[str]:
        """What nothing has that is kept of its group, neither the keeper nor another."""
        mine = self._picture(document)
        lost = list_lacking(self._picture(found[decision.keeper]), mine)
        if lost:
            kept = [d.hash for d in decisions if d.group == decision.group and d.decision == KEEP]
            others = map(self._picture, self._documents(kept).values())
            return lost if all(list_lacking(other, mine) for other in others) else []
        return []

    def _picture(self, document: AssetDocument) -> Picture:
        return picture_of(document["hash"], document, list(self._companions(document)))

    def _why_not_copy(
        self, decision: Decision, document: AssetDocument, decisions: Sequence[Decision]
    ) -> str:
        going = {
            d.path
            for d in decisions
            if d.decision == DROP and d.kind == EXACT and d.hash == decision.hash
        }
        if (decision.hash, decision.path) in self._gone_copies:
            return DROPPED_BEFORE
        if not _files(decision, document):
            told = (
                f"{e.get('store')}:{e.get('path')}"
                for e in self.repository.history.of_asset(decision.hash)
                if e["action"] == "trash"
            )
            return DROPPED_BEFORE if decision.path in set(told) else "no such copy is recorded"
        rest = [row for row in document["copies"] if f"{row['store']}:{row['path']}" not in going]
        return self._why_unsafe(decision.hash, rest, "it")

    def _why_unsafe(self, content_hash: str, rows: Sequence[CopyRow], what: str) -> str:
        """Why a content is not safe enough for something else to go, or "":
        its copies are read now, once a run.
        """
        places = " ".join(sorted(f"{r['store']}:{r['path']}" for r in rows))
        key = f"{content_hash} {places}"
        if key not in self._proved:
            needed = self.workspace.settings.removal_copies
            proof = Prover(self.stores).prove(content_hash, rows, needed)
            self._proved[key] = proof.why_not(needed)
        reason = self._proved[key]
        return f"kept: of {what}, {reason} (setting removal_copies)" if reason else ""

    def _obstacle(self, decision: Decision, documents: Sequence[AssetDocument]) -> str:
        """Why a copy that is to go cannot, or "": then none goes."""
        files = [
            file
            for document in documents
            for file in _files(decision, document)
            if not file.is_sidecar
        ]
        return next((f"kept: {p}" for p in obstacles(self.repository, self.stores, files) if p), "")

    def _left_alone(self, document: AssetDocument, decisions: Sequence[Decision]) -> str:
        """A file of the same shot that is not to be dropped as well, or "".

        The movie of a Live Photo goes with its still.
        """
        going = {d.hash for d in decisions if d.decision == DROP and d.kind != EXACT}
        role = document.get("stack", {}).get("role")
        for other in self._companions(document):
            is_movie = other["stack"]["role"] == "live" and role != "live"
            if other["hash"] not in going and not is_movie:
                return str(next(iter(other.get("paths", [])), other["hash"]))
        return ""

    def _companions(self, document: AssetDocument) -> Iterator[AssetDocument]:
        others = queries.companions(self.repository, document)
        return (other for other in others if other["hash"] not in self._gone)

    def _movies(self, document: AssetDocument) -> list[AssetDocument]:
        """The moving parts of a still, which go with it."""
        if document.get("stack", {}).get("role") == "live":
            return []
        return [other for other in self._companions(document) if other["stack"]["role"] == "live"]

    # --- doing ------------------------------------------------------------------------------------

    def _drop(self, run: Session, decision: Decision) -> str:
        document = self._documents([decision.hash])[decision.hash]
        if decision.kind not in (EXACT, BAD) and decision.keeper:
            change = with_inheritance(document, same_shot=decision.kind in (SAME_IMAGE, SIMILAR))
            note: EventNote = {
                "effect": "index",
                "reason": f"from its duplicate {decision.hash}",
                "reason_kind": decision.kind,
            }
            (answer,) = run.edit([Edit(decision.keeper, "inherit", change, note)])
            if answer not in ("done", "unchanged"):
                return answer
        movies = [] if decision.kind == EXACT else self._movies(document)
        problem = next(
            (p for each in (*movies, document) if (p := self._take(run, decision, each))), ""
        )
        if not problem:
            self._note(decision, movies)
        return problem

    def _take(self, run: Session, decision: Decision, document: AssetDocument) -> str:
        """Bring the files of one asset to the trash, and forget it;
        of an exact duplicate only the copy.
        """
        files = _files(decision, document)
        reason = f"{decision.kind}, by decision" + (
            f"; kept is {decision.keeper}" if decision.keeper else ""
        )
        problems = take_away(run, self.stores, files, reason=reason, reason_kind=decision.kind)
        failed = [p for file, p in zip(files, problems, strict=True) if p and not file.is_sidecar]
        if failed or decision.kind == EXACT:
            return failed[0] if failed else ""
        finish_taking(run, self.stores, [document["hash"]])
        note: EventNote = {"effect": "index", "reason": reason, "reason_kind": decision.kind}
        (answer,) = run.edit([Edit(document["hash"], "forget", edits.forgotten(), note)])
        return "" if answer in ("done", "unchanged") else answer


def _files(decision: Decision, document: AssetDocument) -> list[Taken]:
    """The files that go: of an exact duplicate one copy with the sidecars of its name,
    else all copies and sidecars.
    """
    copies = [row for row in document.get("copies", []) if row["state"] != MISSING]
    sidecars = document.get("sidecars", [])
    if decision.kind == EXACT:
        copies = [
            row
            for row in copies
            if f"{row['store']}:{row['path']}" == decision.path and row["state"] == OK
        ]
        stems = {
            _stem(f"{row['store']}:{row['path']}")
            for row in document.get("copies", [])
            if row not in copies
        }
        own = {_stem(f"{row['store']}:{row['path']}") for row in copies} - stems
        sidecars = [
            row
            for row in sidecars
            if any(f"{row['store']}:{row['path']}".startswith(f"{stem}.") for stem in own)
        ]
    name = document["hash"]
    return [
        *(Taken(name, row) for row in copies),
        *(Taken(name, row) for row in sidecars),
    ]


def _stem(place: str) -> str:
    folder, slash, name = place.rpartition("/")
    return f"{folder}{slash}{name.rpartition('.')[0] or name}"
