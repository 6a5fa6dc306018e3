"""The capture times of shots, as their files are read again one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from catalog.domain.derivation import with_derived
from catalog.domain.document import AssetDocument, Captured
from catalog.domain.edits import Edit, with_captured
from catalog.domain.person import without_person
from catalog.domain.shot_times import agree_recorded
from catalog.index.repository import Repository
from catalog.work.session import Ask, Session, at_once

_AT_ONCE = 500


class Following(NamedTuple):
    """An asset that was not read, and the capture time that another file of its shot leads now."""

    document: AssetDocument
    captured: Captured


def find_mates(repository: Repository, hashes: Sequence[str]) -> list[str]:
    """The other files of the shots of some assets, sorted; as of the last refresh."""
    known = repository.parts_of(sorted(hashes), ["stack"])
    members = _members_of(repository, known.values())
    return sorted(set(members) - set(hashes))


def _members_of(repository: Repository, documents: Iterable[AssetDocument]) -> list[str]:
    stacks = sorted({d["stack"]["id"] for d in documents if "stack" in d})
    if not stacks:
        return []
    pages = repository.scan_pages({"terms": {"stack.id": stacks}}, source=False)
    return sorted(hit["_id"] for page in pages for hit in page)


class ShotRecords:
    """Tells what the files of shots carry once some of them were read again in a run: what these
    state themselves is remembered, since their documents may not say so yet.
    """

    def __init__(self, repository: Repository, ask: Ask = at_once) -> None:
        self._repository = repository
        self._ask = ask
        self._read: dict[str, Captured | None] = {}

    def settle(
        self, read: Mapping[str, AssetDocument]
    ) -> tuple[dict[str, AssetDocument], list[Following]]:
        """Documents of what was read, as the bytes alone make them, with the time of their shot;
        and the others of these shots that are recorded with another one.
        """
        made, following = dict(read), list[Following]()
        for shot in self._shots(read):
            self._read |= {
                digest: read[digest].get("captured") for digest in shot if digest in read
            }
            for digest, captured in agree_recorded(self._read, shot.values()).items():
                if digest in read:
                    made[digest] = with_derived({**made[digest], "captured": captured})
                elif _is_other(shot[digest], captured):
                    following.append(Following(shot[digest], captured))
        return made, following

    def find_following(self, hashes: Iterable[str]) -> list[Following]:
        """The files of the shots of some assets that are recorded with another time than the
        surest of their shot leads.
        """
        return [
            Following(shot[digest], captured)
            for shot in self._shots(hashes)
            for digest, captured in agree_recorded(self._read, shot.values()).items()
            if _is_other(shot[digest], captured)
        ]

    def _shots(self, hashes: Iterable[str]) -> list[dict[str, AssetDocument]]:
        """The documents of the shots of some assets, each by hash."""
        known = self._ask(lambda: self._repository.parts_of(sorted(hashes), ["stack"]))
        members = self._ask(lambda: _members_of(self._repository, known.values()))
        documents = self._ask(lambda: self._repository.documents(members))
        shots: dict[str, dict[str, AssetDocument]] = defaultdict(dict)
        for digest, (document, _seq_no, _primary_term) in documents.items():
            if "stack" in document:
                shots[document["stack"]["id"]][digest] = document
        return [shots[stack] for stack in sorted(shots)]


def lead_shots(run: Session, hashes: Iterable[str]) -> int:
    """Give the files of the shots of some assets, which came to others that were known, the time
    that the surest of them leads; how many got another one.
    """
    wanted, shots, changed = sorted(set(hashes)), ShotRecords(run.repository, run.patiently), 0
    if wanted:
        run.patiently(run.repository.refresh)
    for start in range(0, len(wanted), _AT_ONCE):
        following = shots.find_following(wanted[start : start + _AT_ONCE])
        answers = run.edit(
            [
                Edit(document["hash"], "describe", with_captured(captured), {"effect": "index"})
                for document, captured in following
            ]
        )
        changed += answers.count("done")
    return changed


def _is_other(document: AssetDocument, captured: Captured) -> bool:
    """Whether an asset is recorded with another capture time, whatever a person said."""
    base = without_person(document)
    return with_derived({**base, "captured": captured}) != base
