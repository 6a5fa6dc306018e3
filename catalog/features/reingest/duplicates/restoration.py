"""How duplicates come back that were taken away from folders which are no stores."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from catalog.domain.names import from_text, to_text
from catalog.domain.spreadsheets import Row
from catalog.errors import CatalogError, NotFound
from catalog.features.reingest.duplicates.plan import RESTORE, Restore, Trashed, plan_return
from catalog.features.reingest.duplicates.removal import TRASH, real_path
from catalog.features.reingest.locations import Locations
from catalog.features.reingest.reports import Processed
from catalog.features.reingest.row_state import LeftRow
from catalog.features.reingest.rows import leave, outcome_of
from catalog.features.undo.source_files import digest_of
from catalog.stores.local.store import LocalStore
from catalog.work.folder_names import FolderNames
from catalog.work.outcome import Outcome
from catalog.work.report import Report
from catalog.work.session import Session

_BACK = {"removed": "0", "removed_kb": "0", "removed_reason": "restored", "trash": ""}
"""What the progress of a report says of a file that came back."""


class Return:
    """The work of one undo: what earlier runs took away, by the progress of the report, comes back
    to where it was, in the folder that is there under an equal name."""

    def __init__(self, locations: Locations, rows: Sequence[Row], processed: Processed) -> None:
        self._locations = locations
        self._rows = rows
        self._processed = processed

    def plans(self) -> Iterator[Sequence[LeftRow | Restore]]:
        """The rows that earlier runs took away, one by one."""
        for row in self._rows:
            earlier = self._processed.earlier.get(row.cells.get("file", ""), {})
            if earlier.get("removed") == "1":
                yield [plan_return(self._trashed(row, earlier.get("trash", "")))]

    def _trashed(self, row: Row, trash: str) -> Trashed:
        """What lies in the trash, and where the file was."""
        if not trash.startswith("/"):
            return Trashed(row, trash)
        try:
            real = self._real_path(row)
            store, key = _in_trash(trash)
            path = FolderNames(store).spell(to_text(os.fspath(real.relative_to(store.root))))
            content = _content_in_trash(store, key)
            place = store.root / from_text(path)
            lying = digest_of(place) if os.path.lexists(place) else None
        except (CatalogError, OSError, ValueError) as error:
            return Trashed(row, trash, problem=str(error))
        return Trashed(row, trash, path, content, lying)

    def _real_path(self, row: Row) -> Path:
        return real_path(self._locations.find(row.cells["file"]).system_path or "/")

    def foresee(self, action: LeftRow | Restore) -> Outcome:
        """What is told of a plan."""
        return outcome_of(action) if isinstance(action, LeftRow) else _outcome(action, "planned")

    def apply(self, run: Session, plans: Iterator[Sequence[LeftRow | Restore]]) -> None:
        """Bring each back, and say so."""
        self._processed.begin()
        for part in plans:
            for action in part:
                if isinstance(action, LeftRow):
                    leave(action, self._processed, run.report)
                else:
                    self._restore(run, action)

    def _restore(self, run: Session, action: Restore) -> None:
        store, key = _in_trash(action.trash)
        try:
            if not action.is_back:
                store.restore(key, action.path)
        except (CatalogError, OSError) as error:
            leave(LeftRow(RESTORE, action.row, "failed", str(error)), self._processed, run.report)
            return
        self._processed.add(action.row, **_BACK)
        run.report.add(_outcome(action, "restored"))

    def conclude(self, report: Report) -> None:
        """Nothing."""


def _in_trash(trash: str) -> tuple[LocalStore, str]:
    """The folder whose trash a path is in, and the key of the file there."""
    place, _, key = trash.partition(TRASH)
    return LocalStore("archive", Path(from_text(place))), key


def _content_in_trash(store: LocalStore, key: str) -> str | None:
    with contextlib.suppress(NotFound):
        return store.trash_checksum(key)
    return None


def _outcome(action: Restore, outcome: str) -> Outcome:
    return Outcome(action.name, action.key, outcome)
