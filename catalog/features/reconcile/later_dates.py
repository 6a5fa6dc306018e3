"""Capture times that are known better once all of a sync is recorded: those of films that were read
before the photos beside them, and of known files whose shot got a surer one.
"""

from __future__ import annotations

from collections.abc import Sequence

from catalog.domain.actions import Skip
from catalog.domain.asset import Asset, Entry
from catalog.domain.derivation import write_captured
from catalog.domain.edits import Edit, with_captured
from catalog.features.reconcile.plan import Load, Reconciliation
from catalog.work.description import Describer, is_open
from catalog.work.session import Session
from catalog.work.shot_records import lead_shots


class LaterDates:
    """Collects what a sync loads, and dates it once more at the end."""

    def __init__(self, describer: Describer) -> None:
        self._describer = describer
        self._joined: set[str] = set()
        self._films: list[tuple[Asset, Entry]] = []

    def note(self, plan: Sequence[Reconciliation | Skip]) -> None:
        """Remember those of some actions that may be dated otherwise later."""
        for action in plan:
            if isinstance(action, Load) and action.mates:
                self._joined.add(action.hash)
            elif isinstance(action, Load) and not action.stack and is_open(action.asset):
                self._films.append((action.asset, action.entry))

    def record(self, run: Session) -> None:
        """Record what is known of them now."""
        lead_shots(run, self._joined)
        if not self._films:
            return
        run.patiently(run.repository.refresh)
        made: list[Edit] = []
        for asset, entry in self._films:
            settled = self._describer.settle(asset, entry, (entry.folder,))
            if settled is not asset and settled.captured is not None:
                notes = list(dict.fromkeys([*settled.notes, *settled.facts.notes]))
                change = with_captured(write_captured(settled.captured), notes)
                made.append(Edit(asset.hash, "describe", change, {"effect": "index"}))
        run.edit(made)
