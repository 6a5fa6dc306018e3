"""Recording what was handed over: a staged and verified copy, the target's tag on the asset, and
what is known of both later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from catalog.domain.assignments import assign_tags
from catalog.domain.copies import timestamp
from catalog.domain.document import AssetDocument, HandoverRow, only
from catalog.domain.edits import Change, Edit, with_saying
from catalog.domain.fixity import is_content_hash
from catalog.domain.names import from_text
from catalog.features.reingest.staging import Staging
from catalog.index.handovers import STAGED, Handovers, staged_path
from catalog.index.repository import Repository
from catalog.work.session import Ask, Session


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file that lies in the staging folder, verified.

    `hash` is the content of the archived file, `staged` of its copy.
    """

    hash: str
    kind: str
    source: str
    name: str
    staged: str
    size: int


@dataclass(slots=True)
class KnownHandovers:
    """The handovers of the contents of a report's rows to one target, by content hash: as they are,
    or are foreseen."""

    target: str
    records: dict[str, HandoverRow] = field(default_factory=dict)
    _foreseen: set[str] = field(default_factory=set)

    def look(self, repository: Repository | None, hashes: Iterable[str], ask: Ask) -> None:
        """Ask the index, if there is a catalog."""
        wanted = sorted({name for name in hashes if is_content_hash(name)})
        if repository is not None and wanted:
            self.records |= ask(lambda: Handovers(repository).known(self.target, wanted))

    def lies_staged(self, content_hash: str) -> bool:
        """Whether the staged copy lies in its folder: an uploader may have taken it, or a person
        deleted it."""
        record = self.records.get(content_hash)
        is_there = content_hash in self._foreseen
        return is_there or (record is not None and Path(from_text(staged_path(record))).is_file())

    def foresee(self, given: StagedFile) -> None:
        """What would be recorded of a file that is only shown."""
        self.records[given.hash] = _record(self.target, given) | {"run": "RUN"}
        self._foreseen.add(given.hash)


def _record(target: str, given: StagedFile) -> HandoverRow:
    return {
        "target": target,
        "hash": given.hash,
        "kind": given.kind,
        "state": STAGED,
        "source": given.source,
        "name": given.name,
        "staged": given.staged,
        "size": given.size,
        "at": timestamp(datetime.now(UTC)),
    }


def hand_over(run: Session, staging: Staging, target: str, given: StagedFile) -> HandoverRow:
    """Record a staged file, and tag its asset, if the catalog has it.

    Repeated for the same file it changes nothing.
    """
    where: HandoverRow = {"folder": staging.text, "staging": staging.identity, "run": run.run}
    fresh: HandoverRow = {**_record(target, given), **where}

    def change(before: HandoverRow | None) -> HandoverRow:
        same = ("staging", "name", "staged")
        if before is not None and only(before, same) == only(fresh, same):
            return before
        return fresh

    handovers = Handovers(run.repository)
    record = run.patiently(
        lambda: handovers.change(
            target, given.hash, change, "handover", run=run.run, command=run.command
        )
    )
    run.edit(
        [
            Edit(
                given.hash,
                "tag",
                with_target_tag(target),
                {"effect": "index", "path": given.source},
            )
        ]
    )
    assert record is not None
    return record


def with_target_tag(target: str) -> Change:
    """The change of an asset that it has the target's tag;
    what the catalog does not have stays so.
    """
    tag = with_saying(assign_tags([target], []))

    def change(document: AssetDocument | None) -> AssetDocument | None:
        return None if document is None else tag(document)

    return change
