"""Recording what was handed over: a staged and verified copy, the target's tag on the asset, and what is known of both later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catalog.domain.assignments import tagging
from catalog.domain.copies import timestamp
from catalog.domain.edits import Change, Document, Edit, with_saying
from catalog.domain.names import from_text
from catalog.features.reingest.staging import Staging
from catalog.index.handovers import STAGED, Handovers, Record, staged_path
from catalog.work.session import Session

HANDED_OVER = "handed over to"
"""How the reason of a row begins that is skipped because the cloud has it."""


@dataclass(frozen=True, slots=True)
class Given:
    """A file that lies in the staging folder, verified. `hash` is the content of the archived file, `staged` of its copy."""

    hash: str
    kind: str
    source: str
    name: str
    staged: str
    size: int


def told(record: Mapping[str, Any]) -> str:
    """A handover in words: `handed over to icloud on 2026-01-02 as 20190712_183015-IMG_0001.jpg`."""
    return f"{HANDED_OVER} {record['target']} on {str(record['at'])[:10]} as {record['name']}"


def lies_staged(record: Record) -> bool:
    """Whether the staged copy still lies in its folder: an uploader may have taken it, or a person deleted it."""
    return Path(from_text(staged_path(record))).is_file()


def told_already(record: Record) -> str:
    """A handover in words, and what to do where its copy is gone."""
    return told(record) if lies_staged(record) else f"{told(record)}, and no longer staged: --again stages it once more"


def hand_over(run: Session, staging: Staging, target: str, given: Given) -> Record:
    """Record a staged file, and tag its asset, if the catalog has it. Repeated for the same file it changes nothing."""
    fresh = {
        "target": target, "hash": given.hash, "kind": given.kind, "state": STAGED, "source": given.source,
        "folder": staging.text, "name": given.name, "staged": given.staged, "staging": staging.identity, "size": given.size,
        "at": timestamp(datetime.now(UTC)), "run": run.run,
    }  # fmt: skip

    def change(before: Record | None) -> Record:
        same = ("staging", "name", "staged")
        return before if before is not None and all(before.get(n) == fresh[n] for n in same) else fresh

    handovers = Handovers(run.repository)
    record = run.patiently(lambda: handovers.change(target, given.hash, change, "handover", run=run.run, command=run.command))
    run.edit([Edit(given.hash, "tag", tagged(target), {"effect": "index", "path": given.source})])
    assert record is not None
    return record


def tagged(target: str) -> Change:
    """The change of an asset that it has the target's tag; what the catalog does not have stays so."""
    tag = with_saying(tagging([target], []))

    def change(document: Document | None) -> Document | None:
        return None if document is None else tag(document)

    return change
