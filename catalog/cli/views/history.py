"""What happened: events, and runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from catalog.cli.console import Console
from catalog.errors import DONE
from catalog.features.inspection.events import Event
from catalog.features.inspection.history import RunSummary


def show_events(console: Console, events: Iterable[Event]) -> int:
    """A line for each event."""
    for event in events:
        if console.json:
            console.out_json(event.document)
        else:
            console.out(_line(event))
    return DONE


def _line(event: Event) -> str:
    where = f"{event.store}:{event.path}" if event.store else event.path
    source = f"  from {event.source}" if event.source else ""
    trash = f"  in the trash as {event.trash}" if event.trash else ""
    by = f"  by {event.by}" if event.by else ""
    undoes = f"  takes back {event.undoes}" if event.undoes else ""
    what = f"{event.at}  {event.action:<10} {event.hash[:12]}"
    return f"{what}  {where}{source}{trash}{undoes}{by}  run {event.run}"


def show_runs(console: Console, runs: Iterable[RunSummary]) -> int:
    """A line for each run."""
    is_empty = True
    for run in runs:
        is_empty = False
        if console.json:
            console.out_json(dataclasses.asdict(run))
        else:
            counts = ", ".join(f"{n:,} {action}" for action, n in run.actions.items())
            console.out(f"{run.run}  {run.began}  {run.command}: {counts}")
    if is_empty and not console.json:
        console.out("Nothing has happened yet.")
    return DONE
