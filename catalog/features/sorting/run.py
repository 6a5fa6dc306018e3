"""Putting tagged files in order: one look, or a service."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NoReturn

from catalog.errors import CatalogError, NotFound
from catalog.features.sorting.apply import FileMover
from catalog.features.sorting.folders import Opened, check_settings, open_folders
from catalog.features.sorting.plan import Move, Pauses, Places, Sighting, plan_moves
from catalog.features.sorting.records import Records, find_in_catalog
from catalog.stores.protocol import FileTags, TaggedFile
from catalog.work.outcome import BAD, RunResult
from catalog.work.report import Report
from catalog.work.service_loop import ServiceLoop
from catalog.work.session import open_log, open_report, session
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace

COMMAND = "mover"


@dataclass(frozen=True, slots=True)
class MoverRequest:
    """Put what is tagged in order, in the folders that the settings name; `frequency`: seconds
    between two looks of a service.
    """

    frequency: float = 30.0
    dryrun: bool = False


def run_mover(workspace: Workspace, request: MoverRequest, sink: Sink) -> RunResult:
    """Look once. Raises UsageError, StoreUnavailable, StoreGuard, CatalogIndexError."""
    check_settings(workspace)
    with open_folders(workspace, sink, dry=request.dryrun) as opened:
        return _carry_out(workspace, sink, opened, _planned(opened), dry=request.dryrun)


def watch_mover(workspace: Workspace, request: MoverRequest, sink: Sink) -> NoReturn:
    """Look again and again until interrupted, which is raised; each look that finds something is a
    run of its own. What cannot be reached is tried again.
    """
    check_settings(workspace)
    pauses = Pauses()

    def look(opened: Opened) -> None:
        due = pauses.due(_planned(opened), time.monotonic())
        if due:
            _carry_out(workspace, sink, opened, due, failed=failed)

    def failed(move: Move) -> None:
        pauses.add(move.path, move.tag, time.monotonic())

    loop = ServiceLoop(sink, workspace.interrupted, request.frequency, (CatalogError,))
    loop.run(lambda: open_folders(workspace, sink, dry=False), look)


def _planned(opened: Opened) -> list[Move]:
    """What is to be done now."""
    store, places = opened.store, opened.places
    if opened.repository is not None:
        opened.repository.refresh(opened.repository.alias)
    if opened.tags is not None:
        found = _find_in_store(opened.tags, places)
    else:
        assert opened.repository is not None
        found = find_in_catalog(opened.repository, store.name, places.beginning)
    return plan_moves(found, places)


def _find_in_store(tags: FileTags, places: Places) -> list[Sighting]:
    """What has tags where files are taken from, and, as a run that was cut off may have left it,
    where they go.
    """
    found: list[TaggedFile] = []
    if not places.has_both:
        found += tags.below(places.unsorted, places.beginning)
    with suppress(NotFound):  # nothing was ever moved
        found += tags.below(places.images, places.beginning)
    return [Sighting(one.entry.path, one.tags) for one in found]


def _carry_out(
    workspace: Workspace,
    sink: Sink,
    opened: Opened,
    moves: Sequence[Move],
    *,
    dry: bool = False,
    failed: Callable[[Move], None] = lambda _move: None,
) -> RunResult:
    """Show it, if `dry`, or do it; `failed` is told what could not be done."""
    sink.progress.files(len(moves))
    with (
        _mover(workspace, sink, opened, dry=dry) as (mover, report),
        # a signal comes between two files: each is done in another thread than it interrupts
        ThreadPoolExecutor(1, thread_name_prefix="mover") as thread,
    ):
        for move in moves:
            if workspace.interrupted.is_set():
                raise KeyboardInterrupt
            thread.submit(_move, mover, report, move, failed).result()
    return report.result()


def _move(mover: FileMover, report: Report, move: Move, failed: Callable[[Move], None]) -> None:
    outcome = mover.carry_out(move)
    if outcome.outcome in BAD:
        failed(move)
    report.add(outcome)
    report.sink.progress.advance()


@contextmanager
def _mover(
    workspace: Workspace, sink: Sink, opened: Opened, *, dry: bool
) -> Iterator[tuple[FileMover, Report]]:
    """What moves files, with what it needs for it."""
    store, repository, tags = opened.store, opened.repository, opened.tags
    details = {"from": opened.places.unsorted, "into": opened.places.images}
    if dry:
        shown = None
        if repository is not None:
            shown = Records(repository, store, opened.places, tags is not None, None)
        with open_report(sink, COMMAND, dry=True) as report:
            yield FileMover(store, shown, tags, None), report
    elif repository is None:
        with open_log(workspace, sink, COMMAND, details=details) as (journal, report):
            yield FileMover(store, None, tags, journal), report
    else:
        with session(workspace, sink, COMMAND, details=details) as run:
            records = Records(repository, store, opened.places, tags is not None, run)
            yield FileMover(store, records, tags, run.journal), run.report
