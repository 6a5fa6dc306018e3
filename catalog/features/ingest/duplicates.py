"""Records the files of an upload whose content is in the catalog, or in the run, already."""

from __future__ import annotations

from dataclasses import dataclass, field

from catalog.domain.document import SidecarRow
from catalog.errors import StoreError
from catalog.features.ingest.actions import SkipDuplicate
from catalog.features.ingest.sources import Safe
from catalog.features.ingest.under_way import IngestRun
from catalog.index.client import Line
from catalog.work.outcome import Outcome
from catalog.work.recorder import Record


@dataclass(slots=True)
class Repeated:
    """A duplicate with the sidecars that were copied for it,
    and which of the files are of this run's making.
    """

    action: SkipDuplicate
    sidecars: list[SidecarRow] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    problem: str = ""


class KnownContents:
    """Records the duplicates of one run."""

    def __init__(self, run: IngestRun) -> None:
        self._run = run
        self._records = run.records
        self._id = run.session.run

    def record(self, action: SkipDuplicate) -> str:
        """Record a duplicate behind its first copy, which is safe before:
        records are sent in the order they are added. Where that copy lies.
        """
        has_failed = self._run.under_way.has_failed(action.hash)
        repeated = Repeated(action)
        if not has_failed and (action.shot or not action.remembered):
            self._place_sidecars(repeated)
        is_told = action.remembered or has_failed
        lines = [] if is_told else self._records.duplicate_lines(action, self._id)
        paths = [s["path"] for s in repeated.sidecars]
        self._run.recorder.add(Record(lines, lambda _replies: self._recorded(repeated), paths))
        return action.existing

    def _place_sidecars(self, repeated: Repeated) -> None:
        action = repeated.action
        try:
            for entry in action.sidecars:
                row = self._run.placer.place_sidecar(
                    entry, action.source.name, action.existing, repeated.written
                )
                repeated.sidecars.append(row)
        except StoreError as error:
            repeated.problem = f"a duplicate, but its sidecar cannot be stored: {error}"

    def _recorded(self, repeated: Repeated) -> list[Line]:
        """The index has answered: the source may go. What may be remembered of it."""
        action = repeated.action
        if self._run.under_way.has_failed(action.hash):
            repeated.problem = "its first copy failed"
            self._run.placer.discard(repeated.written)
        else:
            self._amend(repeated)
        self._settle(repeated)
        if repeated.problem or action.remembered:
            return []
        path, fingerprint = action.source.path, action.fingerprint
        return self._records.source_lines(action.hash, path, fingerprint, self._id)

    def _amend(self, repeated: Repeated) -> None:
        action = repeated.action
        if repeated.sidecars:
            self._records.amend(action.hash, repeated.sidecars, None)
        if action.album and not action.remembered:
            self._records.join_album(action.hash, action.album, self._id)

    def _settle(self, repeated: Repeated) -> None:
        """Tell what became of a duplicate, and let its source go."""
        action, source = repeated.action, repeated.action.source
        told = Outcome(
            "duplicate",
            source.path,
            "failed" if repeated.problem else "duplicate",
            action.store,
            action.existing,
            action.hash,
            repeated.problem,
            source.size if action.shot or not action.remembered else 0,
        )
        if action.shot and not repeated.problem:
            rows = zip(action.sidecars, repeated.sidecars, strict=True)
            sidecars = [(entry, row["path"]) for entry, row in rows]
            safe = Safe(source, action.hash, action.existing, told, sidecars, prove=True)
            self._run.removal.settle(action.shot, safe)
        else:
            self._run.tell(told)
