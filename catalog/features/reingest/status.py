"""What was handed over, what still lies in staging folders and what left them, and how far reports
were processed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from catalog.domain.document import HandoverRow
from catalog.domain.names import from_text
from catalog.errors import UsageError
from catalog.features.reingest.locations import catalog_of
from catalog.features.reingest.reports import processed_path, read_table
from catalog.index.handovers import STAGED, Handovers
from catalog.stores.local.store import LocalStore
from catalog.work.staging_marker import identity_of
from catalog.work.workspace import Workspace

REPORTS = ("duplicate_image_report.csv", "icloud_image_report.csv", "icloud_video_report.csv")
"""The names that reports have unless others are given."""


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """What was handed over to which cloud (None: to any), and the folder in which reports are
    looked for."""

    target: str | None = None
    reports: Path = Path()


@dataclass(frozen=True, slots=True)
class StagingFolder:
    """A staging folder as the records know it: the files that wait in it, that have left it, and
    that are others now.

    `is_there`: the folder is, by its marker, so that what is not in it has left it; else all its
    files are said to wait.
    """

    path: str
    is_there: bool
    waiting: tuple[HandoverRow, ...]
    vanished: tuple[HandoverRow, ...]
    changed: tuple[HandoverRow, ...]


@dataclass(frozen=True, slots=True)
class ReportState:
    """What a report holds, by action, and how many of its rows were processed, well and badly."""

    path: Path
    rows: int
    actions: Mapping[str, int]
    is_processed: bool
    done: int
    failed: int


@dataclass(frozen=True, slots=True)
class Overview:
    """What is known of handovers, counted by target, state and kind; of staging folders; and of
    reports."""

    handovers: Mapping[tuple[str, str, str], int]
    folders: tuple[StagingFolder, ...]
    reports: tuple[ReportState, ...]


def find_handovers(workspace: Workspace, request: StatusRequest) -> Overview:
    """Look up what is known of handovers, and look into staging folders and reports.

    Nothing is changed.
    """
    repository = catalog_of(workspace)
    records = list(Handovers(repository).all(request.target)) if repository else []
    counts = Counter((r["target"], r["state"], r["kind"]) for r in records)
    reports = (_state(request.reports / name) for name in REPORTS)
    folders = _folders(r for r in records if r["state"] == STAGED)
    return Overview(counts, folders, tuple(state for state in reports if state is not None))


def _folders(records: Iterable[HandoverRow]) -> tuple[StagingFolder, ...]:
    """The staging folders of records, and what became of the files in each."""
    found: dict[tuple[str, str], list[HandoverRow]] = {}
    for record in records:
        found.setdefault((record["folder"], record.get("staging", "")), []).append(record)
    return tuple(
        _folder(path, identity, of_folder) for (path, identity), of_folder in found.items()
    )


def _folder(path: str, identity: str, records: Iterable[HandoverRow]) -> StagingFolder:
    folder = Path(from_text(path))
    is_there = identity_of(folder) == identity
    store = LocalStore("staging", folder, managed=False)
    waiting: list[HandoverRow] = []
    vanished: list[HandoverRow] = []
    changed: list[HandoverRow] = []
    for record in records:
        entry = store.stat(record["name"]) if is_there else None
        is_changed = entry is not None and entry.size != record["size"]
        (changed if is_changed else waiting if entry or not is_there else vanished).append(record)
    return StagingFolder(path, is_there, tuple(waiting), tuple(vanished), tuple(changed))


def _state(path: Path) -> ReportState | None:
    """What a report holds, and how far it was processed; None where there is none, or it is no
    report."""
    try:
        rows = read_table(path, ("file",)).rows
        done = processed_path(path)
        processed = read_table(done, ("file",)).rows if done.exists() else ()
    except UsageError:
        return None
    outcomes = [
        row.get("processed") or row.get("processing_status") or row.get("removed")
        for row in processed
    ]
    failed = sum(o.lower().startswith("error") or o == "file_missing" for o in outcomes)
    actions = Counter(row.get("action").lower() or row.get("dupe_type") for row in rows)
    ordered = dict(sorted(actions.items()))
    return ReportState(
        path, len(rows), ordered, done.exists(), sum(map(bool, outcomes)) - failed, failed
    )
