"""What an upload writes: assets, the sources they came from, and the events of their history."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from catalog.domain.copies import DAMAGED, MISSING, timestamp
from catalog.domain.document import (
    AssetDocument,
    CopyRow,
    EventRow,
    EventSide,
    SidecarRow,
    SourceRow,
    only,
)
from catalog.domain.edits import difference, marked, superseded, with_album, with_copy
from catalog.domain.stacks import stack_row
from catalog.errors import CatalogIndexError, DocumentConflict
from catalog.features.ingest.actions import CopyToStore, SkipDuplicate
from catalog.index import schema
from catalog.index.client import Line
from catalog.index.documents import Origin, asset_document
from catalog.index.editor import event_lines
from catalog.index.repository import Repository

_OF_COPIES = ("copies", "stores", "copy_count", "paths")
ATTEMPTS = 20
PAUSE = 0.02
"""Seconds by which the longest pause between two attempts grows."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an asset's other copies in a store: one is proved and enough; these are gone,
    those damaged.
    """

    proved: bool
    missing: frozenset[str] = frozenset()
    damaged: frozenset[str] = frozenset()


class IndexRecordWriter:
    """Bulk lines and conditional changes for one catalog.

    `base` is the absolute source folder, `command` who writes.
    """

    def __init__(self, repository: Repository, *, base: str, command: str) -> None:
        self._repository = repository
        self._alias = repository.alias
        self._base = base
        self._command = command

    def create_lines(
        self, action: CopyToStore, copy: CopyRow, sidecars: Sequence[SidecarRow], run: str
    ) -> list[Line]:
        """The asset (if it is new; refused where it exists), and the event.

        Sending them twice is harmless.
        """
        now = datetime.now(UTC)
        original = f"{self._base}/{action.source.path}"
        lines: list[Line] = []
        document: AssetDocument | None = None
        if action.is_new:
            document = asset_document(
                action.asset,
                Origin(original, run, now),
                copies=[copy],
                sidecars=sidecars,
                stack=action.stack,
                albums=[action.album] if action.album else [],
            )
            lines += [{"create": _target(self._alias, action.asset.hash)}, document]
        event: EventRow = {
            "action": "add" if action.is_new else "copy",
            "hash": action.asset.hash,
            "store": copy["store"],
            "path": copy["path"],
            "source": original,
            "effect": "index" if action.present else "file",
            "before": {},
            "after": _come(document, copy, sidecars),
            "at": timestamp(now),
        }
        return lines + self._event_lines(event, run)

    def duplicate_lines(self, action: SkipDuplicate, run: str) -> list[Line]:
        """The event of a duplicate."""
        event: EventRow = {
            "action": "duplicate",
            "hash": action.hash,
            "store": action.store,
            "path": action.existing,
            "source": f"{self._base}/{action.source.path}",
        }
        return self._event_lines(event, run)

    def source_lines(self, content_hash: str, path: str, fingerprint: str, run: str) -> list[Line]:
        """The source file, so that it is not read again while it is unchanged;
        only once all about it is recorded.
        """
        index = schema.companion(self._alias, "sources")
        known: SourceRow = {
            "hash": content_hash,
            "path": f"{self._base}/{path}",
            "run": run,
            "at": timestamp(datetime.now(UTC)),
        }
        return [{"index": _target(index, fingerprint)}, known]

    def retraction_lines(self, lines: list[Line]) -> list[Line]:
        """Deletions of the event among lines that `create_lines` gave."""
        targets = [
            next(iter(line.values())) for line in lines if line.keys() <= {"create", "index"}
        ]
        return [{"delete": target} for target in targets if target["_index"] != self._alias]

    def add_copy(
        self,
        content_hash: str,
        copy: CopyRow,
        judge: Callable[[list[str]], Verdict],
        run: str,
        sidecars: Sequence[SidecarRow] = (),
        album: str = "",
    ) -> str:
        """Add a copy to an existing asset, and what came with it: sidecars, an album.

        `judge` is asked about the paths of its other copies in the same store. Returns `added`;
        `ours` or `present` where the document has this very copy already, from this run or another;
        `refused` where another one is proved. Repeated while others change the document.
        """
        for attempt in range(1, ATTEMPTS + 1):
            document, seq_no, primary_term = self._repository.get_versioned(content_hash)
            others = [c for c in document.get("copies", []) if c["store"] == copy["store"]]
            there = any(c["path"] == copy["path"] and c["state"] == "ok" for c in others)
            changes = _with_sidecars(document, sidecars)
            joined = _with_album(document, album)
            told = self._album_lines(content_hash, copy["path"], document, joined, run)
            if not there:
                verdict = judge([c["path"] for c in others if c["path"] != copy["path"]])
                if verdict.proved:
                    return "refused"
                known = _judged(document, copy["store"], verdict)
                told += self._superseded_lines(content_hash, superseded(known, copy), run)
                changes = {**changes, **only(with_copy(copy)(known) or known, _OF_COPIES)}
            if not (changes or joined) or self._replace(
                content_hash, document | changes | joined, seq_no, primary_term, told
            ):
                whose = "ours" if document.get("run") == run else "present"
                return whose if there else "added"
            _pause(attempt)
        raise _changes_too_fast(content_hash)

    def amend(
        self, content_hash: str, sidecars: Sequence[SidecarRow], stack: tuple[str, str] | None
    ) -> list[str]:
        """Add sidecars, and the stack it belongs to, to an asset;
        the paths of its copies and sidecars.
        """
        for attempt in range(1, ATTEMPTS + 1):
            document, seq_no, primary_term = self._repository.get_versioned(content_hash)
            changes = _with_sidecars(document, sidecars)
            if stack and document.get("stack") != stack_row(*stack):
                changes["stack"] = stack_row(*stack)
            document |= changes
            if not changes or self._replace(content_hash, document, seq_no, primary_term):
                return [row["path"] for row in (*document["copies"], *document.get("sidecars", []))]
            _pause(attempt)
        raise _changes_too_fast(content_hash)

    def join_album(self, content_hash: str, album: str, run: str) -> None:
        """Make an asset part of an album, if it is not."""
        for attempt in range(1, ATTEMPTS + 1):
            document, seq_no, primary_term = self._repository.get_versioned(content_hash)
            joined = _with_album(document, album)
            told = self._album_lines(content_hash, album, document, joined, run)
            if not joined or self._replace(
                content_hash, document | joined, seq_no, primary_term, told
            ):
                return
            _pause(attempt)
        raise _changes_too_fast(content_hash)

    def _album_lines(
        self, content_hash: str, path: str, before: AssetDocument, joined: AssetDocument, run: str
    ) -> list[Line]:
        """The event of a known asset that became part of an album: one of its own, so that it can
        be taken back; none where it did not.
        """
        changed = difference(before, {**before, **joined})
        if changed is None:
            return []
        event: EventRow = {
            "action": "album",
            "hash": content_hash,
            "path": path,
            "effect": "index",
            "before": changed[0],
            "after": changed[1],
        }
        return self._event_lines(event, run)

    def _superseded_lines(self, content_hash: str, rows: list[CopyRow], run: str) -> list[Line]:
        """The event of missing copies that the new one makes up for, so that it can be taken
        back.
        """
        if not rows:
            return []
        event: EventRow = {
            "action": "supersede",
            "hash": content_hash,
            "store": rows[0]["store"],
            "path": rows[0]["path"],
            "effect": "index",
            "before": {"copies": rows},
            "after": {},
        }
        return self._event_lines(event, run)

    def _replace(
        self,
        content_hash: str,
        document: AssetDocument,
        seq_no: int,
        primary_term: int,
        told: Sequence[Line] = (),
    ) -> bool:
        """Write a changed document, and in the same request what tells of it; False where another
        program changed it since it was read.
        """
        document["updated"] = timestamp(datetime.now(UTC))
        version = {"if_seq_no": seq_no, "if_primary_term": primary_term}
        where = {**_target(self._alias, content_hash), **version}
        reply, *_rest = self._repository.bulk([{"index": where}, document, *told])
        if reply["status"] == 409:
            if told:
                self._repository.bulk(self.retraction_lines(list(told)))
            return False
        if reply["status"] >= 300:
            raise CatalogIndexError(
                f"The index refused the document {content_hash}: "
                f"{reply['error'].get('reason', reply['error'])}."
            )
        return True

    def _event_lines(self, event: EventRow, run: str) -> list[Line]:
        return event_lines(self._alias, event, run=run, command=self._command)


def _come(
    document: AssetDocument | None, copy: CopyRow, sidecars: Sequence[SidecarRow]
) -> EventSide:
    """What an upload adds, as `domain.edits.difference` tells it."""
    if document is not None:
        return {"document": only(document, ("copies", "sidecars"))}
    return {"copies": [copy], "sidecars": list(sidecars)} if sidecars else {"copies": [copy]}


def _pause(attempt: int) -> None:
    """A random moment, so that several programs take turns."""
    time.sleep(random.uniform(0, PAUSE * min(attempt, 10)))  # noqa: S311


def _changes_too_fast(content_hash: str) -> DocumentConflict:
    return DocumentConflict(f"The document {content_hash} changes faster than it can be amended.")


def _target(alias: str, key: str) -> Line:
    """Where a bulk line writes.

    If the alias has gone, nothing is written, instead of a new index being made up.
    """
    return {"_index": alias, "_id": key, "require_alias": True}


def _with_sidecars(document: AssetDocument, sidecars: Sequence[SidecarRow]) -> AssetDocument:
    """The field of a document that names its sidecars, with those it lacks;
    nothing where it has all of them.
    """
    known = document.get("sidecars", [])
    fresh = [s for s in sidecars if s not in known]
    places = {(s["store"], s["path"]) for s in fresh}
    return (
        {"sidecars": [*(s for s in known if (s["store"], s["path"]) not in places), *fresh]}
        if fresh
        else {}
    )


def _with_album(document: AssetDocument, album: str) -> AssetDocument:
    """The fields of a document that change when it becomes part of an album; nothing where it is,
    or there is none.
    """
    after = with_album(album)(document) if album else None
    after = after or {}
    return only(after, [name for name, value in after.items() if document.get(name) != value])


def _judged(document: AssetDocument, store: str, verdict: Verdict) -> AssetDocument:
    """The document with the copies of a store that are gone or damaged marked so."""
    for state, paths in ((MISSING, verdict.missing), (DAMAGED, verdict.damaged)):
        for path in sorted(paths):
            document = marked(store, path, state)(document) or document
    return document
