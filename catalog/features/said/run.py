"""What a person says of photos and videos: `catalog tag` and `catalog set`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from catalog.cli.console import Screen
from catalog.domain.assignments import (
    Saying,
    check_name,
    parse_assignments,
    setting,
    split_words,
    tagging,
    told,
    with_surroundings,
)
from catalog.domain.edits import Edit, difference, with_saying
from catalog.domain.names import printable
from catalog.errors import AssetNotFound, ConfirmationNeeded, QuerySyntaxError, UsageError
from catalog.features.ask.search import find, pointed
from catalog.index import queries
from catalog.index.repository import Repository
from catalog.work.description import utc_now
from catalog.work.report import Outcome, Report
from catalog.work.session import session
from catalog.work.workspace import Workspace

MOST_BY_QUERY = 1000
"""More assets than this are changed by a search only with a person's consent."""
AT_ONCE = 500
WORDS = {"outcomes": ("changed", "unchanged", "failed"), "always": ("changed", "unchanged"), "done": "changed"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SayRequest:
    """Of which assets, and how. `query` None means none; an empty one means every asset."""

    what: tuple[str, ...]
    query: str | None = None
    dryrun: bool = False
    yes: bool = False


def run_tag(workspace: Workspace, request: SayRequest, add: Sequence[str], remove: Sequence[str], screen: Screen) -> int:
    """Add and remove tags."""
    return _say(workspace, request, "tag", tagging(add, remove), screen)


def run_set(workspace: Workspace, request: SayRequest, screen: Screen) -> int:
    """Set values; the words of the request that are KEY=VALUE say which."""
    what, texts = split_words(request.what)
    for word in what:
        if not os.path.lexists(word):
            check_name(word)
    assignments = with_surroundings(parse_assignments(texts, utc_now()), workspace.gazetteer.place_of)
    return _say(workspace, replace(request, what=tuple(what)), "set", setting(assignments), screen)


def _say(workspace: Workspace, request: SayRequest, command: str, saying: Saying, screen: Screen) -> int:
    if not request.what and request.query is None:
        raise UsageError("No photo or video is named.", hint="Give a hash, a path, or --query QUERY.")
    repository = workspace.existing_repository
    repository.refresh(repository.alias)
    wanted = _wanted(repository, request)
    if request.dryrun:
        report = screen.report(workspace.progress, dry=True, **WORDS)
        for outcome in _foreseen(repository, command, wanted, saying):
            report.add(outcome)
        workspace.progress.close()
        report.finish()
        return report.exit_code()
    with session(workspace, screen, command, WORDS, assets=len(wanted)) as run:

        def work() -> None:
            for chunk in _chunks(wanted):
                run.journal.started(command, hashes=chunk)
                foreseen = run.patiently(lambda c=chunk: list(_foreseen(repository, command, c, saying)))  # type: ignore[misc]
                became = run.edit([Edit(name, command, with_saying(saying), {"effect": "index"}) for name in chunk])
                _report(run.report, foreseen, became)
                run.journal.done(command, hashes=chunk)

        return run.work(work)


def _wanted(repository: Repository, request: SayRequest) -> list[str]:
    """The hashes of the assets that are meant. Raises AssetNotFound where one of them is none: nothing is changed then."""
    named = [find(repository, what) for what in request.what]
    for chunk in _chunks(named):
        known = repository.known(chunk)
        lost = next((name for name in chunk if name not in known), None)
        if lost:
            raise AssetNotFound(f"Nothing in the catalog has the hash {lost}; nothing was changed.",
                                hint="Look for it with `catalog search`.")  # fmt: skip
    return list(dict.fromkeys([*named, *_matching(repository, request)]))


def _matching(repository: Repository, request: SayRequest) -> list[str]:
    if request.query is None:
        return []
    try:
        count = queries.count(repository, request.query)
        _check_number(count, request)
        return [hit["_id"] for page in queries.matching(repository, request.query, source=False) for hit in page]
    except QuerySyntaxError as error:
        raise pointed(error, request.query) from error


def _check_number(count: int, request: SayRequest) -> None:
    if count > MOST_BY_QUERY and not (request.yes or request.dryrun):
        raise ConfirmationNeeded(f"{count:,} photos and videos match, more than {MOST_BY_QUERY:,}; nothing was changed.",
                                 hint="See what would change with --dryrun; add --yes if all are meant.")  # fmt: skip


def _foreseen(repository: Repository, command: str, wanted: Sequence[str], saying: Saying) -> Iterator[Outcome]:
    """What will become of each asset, as far as can be seen now; changes nothing."""
    for chunk in _chunks(wanted):
        documents = repository.documents(chunk)
        for name in chunk:
            document = documents[name][0] if name in documents else None
            yield _outcome(command, name, document, saying)


def _outcome(command: str, name: str, document: dict[str, Any] | None, saying: Saying) -> Outcome:
    try:
        changed = difference(document, with_saying(saying)(document))
    except ValueError as error:
        return Outcome(command, name, "failed", hash=name, reason=str(error))
    store, path = _where(document or {}, name)
    if not changed:
        return Outcome(command, path, "unchanged", store, hash=name)
    reason = told(*changed) or "as the file says; now by you"
    return Outcome(command, path, "planned", store, hash=name, reason=reason)


def _where(document: Mapping[str, Any], name: str) -> tuple[str, str]:
    """Store and path of the first copy that is there; else the name that it once had."""
    copy = next((c for c in document.get("copies", []) if c["state"] == "ok"), None)
    if copy:
        return copy["store"], copy["path"]
    return "", printable(document.get("original", {}).get("name", name))


def _report(report: Report, foreseen: Sequence[Outcome], became: Sequence[str]) -> None:
    for outcome, result in zip(foreseen, became, strict=True):
        if result == "done":
            report.add(replace(outcome, outcome="changed"))
        elif result == "unchanged":
            report.add(replace(outcome, outcome="unchanged", reason=""))
        else:
            report.add(replace(outcome, outcome="failed", reason=result))


def _chunks(names: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), AT_ONCE):
        yield list(names[start : start + AT_ONCE])
