"""Giving a title to photos that have none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from catalog.domain.document import AssetDocument
from catalog.domain.edits import Edit
from catalog.index.repository import Repository
from catalog.work.driver import execute, limit_plans
from catalog.work.outcome import Outcome, RunResult
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace


@dataclass(frozen=True, slots=True)
class TitleRequest:
    """What the untitled are called. `limit`: how many at most, 0 means all."""

    title: str
    dryrun: bool = False
    limit: int = 0


@dataclass(frozen=True, slots=True)
class GiveTitle:
    """One asset gets the title."""

    hash: str
    title: str
    name: ClassVar[str] = "title"
    counts: ClassVar[bool] = True

    @property
    def key(self) -> str:
        return self.hash

    def describe(self) -> str:
        return f"call {self.hash} {self.title}"


def run_titles(workspace: Workspace, request: TitleRequest, sink: Sink) -> RunResult:
    work = Titles(workspace.existing_repository, request)
    return execute(workspace, work, sink, "titles", dry=request.dryrun)


class Titles:
    def __init__(self, repository: Repository, request: TitleRequest) -> None:
        self._repository, self._request = repository, request

    def plans(self) -> Iterator[Sequence[GiveTitle]]:
        self._repository.refresh()
        untitled = {"bool": {"must_not": {"exists": {"field": "title"}}}}
        hits = sorted(
            hit["_id"]
            for page in self._repository.scan_pages(untitled, source=False)
            for hit in page
        )
        yield from limit_plans(
            ([GiveTitle(key, self._request.title)] for key in hits), self._request.limit
        )

    def foresee(self, action: GiveTitle) -> Outcome:
        return Outcome(action.name, action.key, "planned", hash=action.hash)

    def apply(self, run: Session, plans: Iterator[Sequence[GiveTitle]]) -> None:
        for plan in plans:
            for action in plan:
                (became,) = run.edit(
                    [Edit(action.hash, action.name, titled(action.title), {"effect": "index"})]
                )
                run.report.add(
                    Outcome(
                        action.name,
                        action.key,
                        "titled" if became == "done" else "failed",
                        hash=action.hash,
                    )
                )

    def conclude(self, report: Report) -> None:
        report.notice(f"{report.counts['titled']} are called {self._request.title} now.")


def titled(title: str):  # type: ignore[no-untyped-def]
    def change(document: AssetDocument | None) -> AssetDocument | None:
        return document and {**document, "title": title}

    return change
