"""What a person says of photos and videos: `catalog tag` and `catalog set`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from catalog.domain.actions import Amend
from catalog.domain.assignments import (
    Assignment,
    Clocks,
    Saying,
    assign_fields,
    assign_tags,
    parse_assignments,
    with_surroundings,
)
from catalog.domain.derivation import read_captured
from catalog.domain.edits import Edit, with_saying
from catalog.domain.person import capture_time
from catalog.domain.time_shift import between
from catalog.errors import AssetNotFound, ConfirmationNeeded, UsageError
from catalog.features.annotations.plan import plan_saying
from catalog.features.inspection.lookup import find
from catalog.features.inspection.search import mark_errors
from catalog.index import queries
from catalog.index.repository import Repository
from catalog.work.description import utc_now
from catalog.work.driver import execute
from catalog.work.outcome import NAMES_STAY, Outcome, RunResult, amendment_outcome
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.shot_records import find_mates
from catalog.work.sink import Level, Sink
from catalog.work.workspace import Workspace

MOST_BY_QUERY = 1000
"""More assets than this are changed by a search only with a person's consent."""
AT_ONCE = 500
_IN_NAMES = ("taken", "position", "place")


@dataclass(frozen=True, slots=True)
class AnnotationRequest:
    """Of which assets something is said: those that `what` names, and those that match `query`.

    Names are as `lookup.find` takes them. A query of None matches none, an empty one every asset.
    `yes` agrees to more of them than MOST_BY_QUERY.
    """

    what: tuple[str, ...] = ()
    query: str | None = None
    dryrun: bool = False
    yes: bool = False


@dataclass(frozen=True, slots=True)
class TagRequest(AnnotationRequest):
    """Which tags these assets get, and which are taken from them."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetRequest(AnnotationRequest):
    """What is said: texts such as `rating=4`, `albums+=Paris` and `taken=`, which takes it back."""

    values: tuple[str, ...] = ()
    by: str = ""
    """`WHAT=TIME`: the times of all are shifted by as much as that one's is wrong."""


def run_tag(workspace: Workspace, request: TagRequest, sink: Sink) -> RunResult:
    """Add and remove tags."""
    words = Words("tag", assign_tags(request.add, request.remove))
    return _say(workspace, request, words, sink)


def run_set(workspace: Workspace, request: SetRequest, sink: Sink) -> RunResult:
    """Set values."""
    said = parse_assignments(request.values, utc_now()) if request.values or not request.by else ()
    if request.by:
        said = (*said, _shift_by(workspace, request.by, said))
    assignments = with_surroundings(said, workspace.gazetteer.place_of)
    gazetteer = workspace.gazetteer
    clocks = Clocks(gazetteer.zone_of, gazetteer.offset_at, utc_now())
    of_shot = tuple(one for one in assignments if one.key == "taken")
    words = Words(
        "set",
        assign_fields(assignments, clocks),
        assign_fields(of_shot, clocks) if of_shot else None,
        NAMES_STAY if any(one.key in _IN_NAMES for one in assignments) else "",
    )
    return _say(workspace, request, words, sink)


def _shift_by(workspace: Workspace, text: str, said: Sequence[Assignment]) -> Assignment:
    """The shift by which one asset gets a time. Raises UsageError, AssetNotFound."""
    what, _, time = text.rpartition("=")
    if not what:
        raise UsageError(
            f"--by {text} is no WHAT=TIME.", hint="Write it as --by HASH='2019-07-12 18:30:15'."
        )
    if any(one.key == "taken" for one in said):
        raise UsageError(
            "taken is given twice; nothing was changed.", hint="Give --by or taken, not both."
        )
    repository = workspace.existing_repository
    name = find(repository, what)
    found = repository.documents([name]).get(name)
    captured = found[0].get("captured") if found else None
    before = read_captured(captured) if captured else None
    if before is None or not before.has_time:
        raise UsageError(
            f"{what} has no time that could be compared; nothing was changed.",
            hint="Name one with a time: the others are shifted as it is.",
        )
    try:
        after = capture_time(time)
    except ValueError as error:
        raise UsageError(f"--by {text}: {error}; nothing was changed.") from error
    if not after.has_time:
        raise UsageError(
            f"--by {text} names no time of day; nothing was changed.",
            hint="Write it as --by HASH='2019-07-12 18:30:15'.",
        )
    return Assignment("taken", "+=", between(before.wall, after.wall))


def _say(workspace: Workspace, request: AnnotationRequest, words: Words, sink: Sink) -> RunResult:
    if not request.what and request.query is None:
        raise UsageError(
            "No photo or video is named.", hint="Give a hash, a path, or --query QUERY."
        )
    repository = workspace.existing_repository
    repository.refresh(repository.alias)
    wanted = _wanted(repository, request)
    work = Annotation(repository, wanted, words)
    details = {"assets": len(wanted)}
    return execute(workspace, work, sink, words.command, dry=request.dryrun, details=details)


@dataclass(frozen=True, slots=True)
class Words:
    """What a `command` says of assets, and `of_shot` of the other files of their shots, if
    anything; `notice` is told where that changed something.
    """

    command: str
    saying: Saying
    of_shot: Saying | None = None
    notice: str = ""


class Annotation:
    """One thing that is said of some assets."""

    def __init__(self, repository: Repository, wanted: Sequence[str], words: Words) -> None:
        self._repository = repository
        self._wanted = dict.fromkeys(wanted)
        self._words = words
        self._mates = dict[str, None]()
        self._ask: Callable[[Callable[[], Any]], Any] = lambda question: question()

    def plans(self) -> Iterator[Sequence[Amend]]:
        """Some hundred assets at a time, and then the other files of their shots."""
        for names in _chunks(list(self._wanted)):
            yield self._ask(partial(self._planned, names))
            if self._words.of_shot is not None:
                mates = self._ask(partial(find_mates, self._repository, names))
                fresh = [m for m in mates if m not in self._wanted and m not in self._mates]
                self._mates |= dict.fromkeys(fresh)
                for part in _chunks(fresh):
                    yield self._ask(partial(self._planned, part))

    def _planned(self, names: Sequence[str]) -> list[Amend]:
        found = self._repository.documents(names)
        documents = {name: document for name, (document, *_version) in found.items()}
        command = self._words.command
        return [plan_saying(command, name, documents.get(name), self._said(name)) for name in names]

    def _said(self, name: str) -> Saying:
        of_shot = self._words.of_shot
        return of_shot if of_shot is not None and name in self._mates else self._words.saying

    def foresee(self, action: Amend) -> Outcome:
        """What will become of an asset."""
        return amendment_outcome(
            action,
            "failed" if action.problem else "planned" if action.change else "unchanged",
            action.problem,
        )

    def apply(self, run: Session, plans: Iterator[Sequence[Amend]]) -> None:
        """Say it, some hundred assets at a time."""
        self._ask = run.patiently
        for plan in plans:
            hashes = [action.hash for action in plan]
            command = self._words.command
            run.journal.started(command, hashes=hashes)
            became = run.edit(
                [
                    Edit(name, command, with_saying(self._said(name)), {"effect": "index"})
                    for name in hashes
                ]
            )
            for action, answer in zip(plan, became, strict=True):
                outcome = {"done": "changed", "unchanged": "unchanged"}.get(answer, "failed")
                run.report.add(
                    amendment_outcome(action, outcome, answer if outcome == "failed" else "")
                )
            run.journal.done(command, hashes=hashes)

    def conclude(self, report: Report) -> None:
        """Tell what a change does not do by itself."""
        if not (report.counts["changed"] or report.counts["planned"]):
            return
        if self._mates:
            more = "1 file more" if len(self._mates) == 1 else f"{len(self._mates):,} files more"
            report.notice(f"{more} of the same shots: their files share one time.", Level.INFO)
        if self._words.notice:
            report.notice(self._words.notice, Level.INFO)


def _wanted(repository: Repository, request: AnnotationRequest) -> list[str]:
    """The hashes of the assets that are meant.

    Raises AssetNotFound where one of them is none: nothing is changed then.
    """
    named = [find(repository, what) for what in request.what]
    for chunk in _chunks(named):
        known = repository.known(chunk)
        lost = next((name for name in chunk if name not in known), None)
        if lost:
            raise AssetNotFound(
                f"Nothing in the catalog has the hash {lost}; nothing was changed.",
                hint="Look for it with `catalog search`.",
            )
    return list(dict.fromkeys([*named, *_matching(repository, request)]))


def _matching(repository: Repository, request: AnnotationRequest) -> list[str]:
    if request.query is None:
        return []
    with mark_errors(request.query):
        count = queries.count(repository, request.query)
        _check_number(count, request)
        return [
            hit["_id"]
            for page in queries.search_pages(repository, request.query, source=False)
            for hit in page
        ]


def _check_number(count: int, request: AnnotationRequest) -> None:
    if count > MOST_BY_QUERY and not (request.yes or request.dryrun):
        raise ConfirmationNeeded(
            f"{count:,} photos and videos match, more than {MOST_BY_QUERY:,}; nothing was changed.",
            hint="See what would change with --dryrun; add --yes if all are meant.",
        )


def _chunks(names: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), AT_ONCE):
        yield list(names[start : start + AT_ONCE])
