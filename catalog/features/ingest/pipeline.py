"""Bringing files in, from beginning to end: the plan of each batch of a survey,
shown or applied while the next is read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from catalog.domain.actions import Skip
from catalog.errors import CatalogError
from catalog.features.ingest.actions import Action, CopyToStore, SkipDuplicate
from catalog.features.ingest.apply import Applier
from catalog.features.ingest.ingestion import Ingestion
from catalog.features.ingest.plan import IngestFacts
from catalog.features.ingest.second_copy import Lacking, SecondCopies
from catalog.features.ingest.survey import IngestSurvey
from catalog.features.mirror.plan import Mirroring
from catalog.features.mirror.run import foresee_transfer
from catalog.work.contents import content_of
from catalog.work.driver import limit_plans
from catalog.work.outcome import NAMES_STAY, Outcome
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.shot_records import lead_shots
from catalog.work.sink import Level

Planner = Callable[[IngestFacts], list[Action]]
"""From the facts of a batch to its plan."""
Part = Callable[[], tuple[IngestSurvey, Planner]]
"""A part of the source, surveyed and planned by itself,
once all of the parts before it are done.
"""
UploadAction = Action | Mirroring


class Upload:
    """The parts of one source, planned and applied;
    with `further` what they bring gets its second copy in another store.
    """

    def __init__(
        self,
        ingest: Ingestion[Any],
        parts: Iterable[Part],
        limit: int = 0,
        further: SecondCopies | None = None,
    ) -> None:
        self._ingest = ingest
        self._parts = parts
        self._limit = limit
        self._further = further
        self._foreseen: dict[str, str] = {}
        self._by_home_zone = 0
        self._joined: set[str] = set()
        self._led = 0
        self._pending: Callable[[], Mapping[str, str]] = lambda: self._foreseen

    def plans(self) -> Iterator[Sequence[UploadAction]]:
        """The plan of each batch, and an empty one where a part ends;
        then the second copies of what they bring and find.
        """
        for plan in limit_plans(self._batches(), self._limit):
            if self._further is not None:
                self._further.note(plan)
            self._by_home_zone += sum(map(_is_video_by_home_zone, plan))
            self._joined |= {a.hash for a in plan if isinstance(a, CopyToStore) and a.mates}
            yield plan
        if self._further is not None:
            source = self._ingest.source
            yield from self._further.plans(lambda entry: content_of(source, entry))

    def _batches(self) -> Iterator[Sequence[Action]]:
        for part in self._parts:
            survey, planner = part()
            yield from map(planner, survey.batches(lambda: self._pending()))
            yield ()

    def foresee(self, action: UploadAction) -> Outcome:
        """As if each batch were done before the next."""
        if isinstance(action, CopyToStore):
            self._foreseen[action.hash] = action.target
            return Outcome(
                action.name, action.key, "planned", action.store, action.target, action.hash
            )
        if isinstance(action, SkipDuplicate):
            return Outcome(
                action.name, action.key, "duplicate", action.store, action.existing, action.hash
            )
        if isinstance(action, Skip):
            return Outcome(action.name, action.key, action.outcome, reason=action.reason)
        assert self._further is not None
        return foresee_transfer(action, self._further.name)

    def apply(self, run: Session, plans: Iterator[Sequence[UploadAction]]) -> None:
        """Apply the plan of one batch while the next one is surveyed; then make the second copies.

        Raises what stops the run, after ending it tidily.
        """
        appliers = [self._applier(run)]
        try:
            for plan in plans:
                batch = [
                    action
                    for action in plan
                    if isinstance(action, CopyToStore | SkipDuplicate | Skip)
                ]
                if batch:
                    appliers[-1].apply(batch)
                elif plan:
                    break  # what follows is planned anew below, from what became of the rest
                else:
                    appliers[-1].finish()
                    appliers.append(self._applier(run))
            appliers[-1].finish()
        except BaseException:
            with contextlib.suppress(CatalogError):
                appliers[-1].finish(at_once=True)
            raise
        self._led = lead_shots(run, self._joined)
        if self._further is not None:

            def release(lacking: Lacking) -> None:
                for applier in appliers:
                    applier.release(lacking)

            self._further.give(run, self._ingest.target, release)

    def _applier(self, run: Session) -> Applier:
        applier = self._ingest.applier(run, hold_sources=self._further is not None)
        self._pending = applier.in_flight
        return applier

    def conclude(self, report: Report) -> None:
        """Tell of the videos whose local time is a guess, and of what was dated anew."""
        if self._led:
            have = "1 file that was known has" if self._led == 1 else f"{self._led:,} files have"
            report.notice(
                f"{have} the time of a surer file of the same shot now. {NAMES_STAY}", Level.INFO
            )
        if self._by_home_zone:
            are = "1 video is" if self._by_home_zone == 1 else f"{self._by_home_zone:,} videos are"
            report.notice(
                f"{are} dated by your home zone {self._ingest.workspace.home_zone}: they state "
                "their time in UTC alone.",
                Level.INFO,
            )


def _is_video_by_home_zone(action: Action) -> bool:
    """Whether a video comes in whose local time is a guess; the file's own time is none anyway."""
    if not isinstance(action, CopyToStore):
        return False
    asset = action.asset
    return (
        asset.by_home_zone
        and asset.facts.kind == "video"
        and asset.captured is not None
        and asset.captured.statement != "mtime"
    )
