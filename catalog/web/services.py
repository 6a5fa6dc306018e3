"""What the handlers of one server share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from catalog.features.access.gate import Gate
from catalog.features.renditions.maker import RenditionMaker
from catalog.features.review.review import Review
from catalog.features.timeline.column import Column
from catalog.features.timeline.keeper import TimelineKeeper
from catalog.index.repository import Repository
from catalog.web.figures import Figures
from catalog.web.rates import Rates
from catalog.web.static_files import StaticFiles
from catalog.work.workspace import Workspace

PATIENCE = 2.0
"""Seconds for which a request waits for the first column: small catalogs have it by then."""
STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True)
class Services:
    """One catalog, who may come in, what there is to see, and what is counted.

    `loopback`: only this machine can reach the server. `review` is what is being reviewed.
    """

    workspace: Workspace
    repository: Repository
    timeline: TimelineKeeper
    renditions: RenditionMaker
    loopback: bool
    review: Review | None = None
    rates: Rates = field(default_factory=Rates)
    figures: Figures = field(default_factory=Figures)
    static: StaticFiles = field(default_factory=lambda: StaticFiles(STATIC))

    def column(self) -> Column:
        """The timeline's column. Raises IndexUnavailable while the first is being built."""
        return self.timeline.column(PATIENCE)

    @cached_property
    def gate(self) -> Gate:
        """Who may come in."""
        return Gate(self.repository)


@contextmanager
def open_services(
    workspace: Workspace, *, loopback: bool, timeline: bool = True
) -> Iterator[Services]:
    """What a server needs, for as long as it runs: the timeline is kept, pictures are made."""
    repository = workspace.repository
    keeper = TimelineKeeper(workspace, workspace.timeline_dir)
    with RenditionMaker(workspace) as renditions:
        if timeline:
            keeper.start()
            renditions.fill()
        try:
            yield Services(workspace, repository, keeper, renditions, loopback)
        finally:
            keeper.stop()
