"""Deciding by looking: `catalog review` writes the page with the groups, or serves it."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from catalog.cli.console import Screen
from catalog.domain.amounts import size_text
from catalog.domain.decisions import BAD, DROP, KEEP, NOT_DUPLICATE, Answer, Decision
from catalog.domain.fixity import is_content_hash
from catalog.domain.names import printable
from catalog.errors import DONE, UsageError
from catalog.features.lookalikes.bad import found_bad
from catalog.features.lookalikes.duplicates import WITHIN, DuplicatesRequest, found_groups
from catalog.features.review.page import MARK, Group, Page, page_group
from catalog.features.review.previews import SIDE, Previewer, previewer
from catalog.features.review.resolve import Deciding
from catalog.features.review.server import Apply, Review, serving
from catalog.index.repository import Repository
from catalog.work.report import Outcome, Report
from catalog.work.workspace import Workspace

LARGE = 1600
"""Pixels on the long side of an enlarged picture, where the page is served."""
AHEAD = 64
"""Pictures that are made ahead of the one that is written."""
AT_ONCE = 200
"""Groups whose documents are asked for together."""
PATIENCE = 60.0
"""Seconds that a browser waits for a picture."""
DEFAULT_NAME = "catalog-review.html"
SERVED_WORDS = {"outcomes": ("kept", "dropped", "not duplicates", "failed"), "always": ("kept", "dropped"), "done": "decided"}
_BECAME = {KEEP: "kept", DROP: "dropped", NOT_DUPLICATE: "not duplicates"}
_FROM_DOCUMENT = ("hash", "copies", "look", "width", "height")
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """What to review and how. `groups` is a file of groups, or `-`, instead of a search; a `limit` of 0 means all."""

    query: str = ""
    kinds: tuple[str, ...] = ()
    bad: bool = False
    distance: int | None = None
    within: str = WITHIN
    groups: str = ""
    output: Path | None = None
    serve: bool = False
    serve_port: int = 0
    limit: int = 0


Find: TypeAlias = Callable[[Workspace, ReviewRequest], Iterable[Group]]
"""The groups of the catalog that a request asks for."""


def groups_of_catalog(workspace: Workspace, request: ReviewRequest) -> Iterator[Group]:
    """The look-alikes and the bad shots that a request asks for."""
    if request.kinds or not request.bad:
        wanted = DuplicatesRequest(request.query, request.kinds, request.distance, request.within)
        yield from (group.event() for group in found_groups(workspace, wanted))
    if request.bad:
        for shot in found_bad(workspace, workspace.existing_repository, request.query, ()):
            member = {"hash": shot.hash, "paths": shot.paths, "distance": 0, "turned": ""}
            yield {"kind": BAD, "keeper": "", "reason": shot.reason, "members": [member]}


def run_review(
    workspace: Workspace, request: ReviewRequest, screen: Screen, find: Find = groups_of_catalog, apply: Apply | None = None
) -> int:  # fmt: skip
    """Write the page, or serve it until a person is done; the exit status. What is decided there is applied at once."""
    _check(request)
    output = request.output or Path(DEFAULT_NAME)
    if not request.serve:
        _check_output(output)
    repository = workspace.existing_repository
    repository.refresh(repository.alias)
    groups, documents = _described(repository, _wanted(workspace, request, find))
    if not groups:
        screen.complain("No groups to review.")
        return DONE
    with previewer(workspace) as previews:
        if request.serve:
            decide = Deciding(workspace)
            pictures = _Pictures(previews, documents)
            return _serve(workspace, request, screen, Page(groups, "served"), pictures, apply or decide, decide.close)
        return _write(workspace, output, screen, Page(groups), _Pictures(previews, documents))


def _check(request: ReviewRequest) -> None:
    if request.serve and request.output is not None:
        raise UsageError("--serve writes no file.", hint="Leave out --serve or --output.")
    if request.serve_port and not request.serve:
        raise UsageError("--serve_port is the port of --serve.", hint="Add --serve.")
    if request.groups and request.query:
        raise UsageError("--groups says already what to review.", hint="Leave out --groups or the search.")


def _wanted(workspace: Workspace, request: ReviewRequest, find: Find) -> Iterator[Group]:
    found = groups_from(request.groups) if request.groups else find(workspace, request)
    kinds = {*request.kinds, *(["bad"] if request.bad else [])}
    chosen = (group for group in found if not kinds or group.get("kind") in kinds)
    return itertools.islice(chosen, request.limit or None)


def groups_from(name: str) -> Iterator[Group]:
    """The groups that a file holds, one JSON object a line, as `catalog duplicates --json` prints them; `-` is stdin."""
    shown = "stdin" if name == "-" else name
    try:
        with contextlib.nullcontext(sys.stdin.buffer) if name == "-" else open(name, "rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                group = orjson.loads(line)
                if not isinstance(group, dict):
                    raise UsageError(f"Line {number} of {shown} is no group.", hint="Make it with `catalog duplicates --json`.")
                if "event" not in group:
                    yield {**group, "line": f"line {number} of {shown}"}
    except orjson.JSONDecodeError:
        raise UsageError(f"Line {number} of {shown} is no JSON.", hint="Make it with `catalog duplicates --json`.") from None
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.", hint="Check the file's name.") from None


def _described(repository: Repository, found: Iterator[Group]) -> tuple[list[dict[str, Any]], dict[str, Document]]:
    """The groups as the page holds them, each once, and of each member's document what its picture needs."""
    groups: dict[str, dict[str, Any]] = {}
    kept: dict[str, Document] = {}
    while some := list(itertools.islice(found, AT_ONCE)):
        members = [m for g in some for m in g.get("members") or () if isinstance(m, dict)]
        hashes = list(dict.fromkeys(h for m in members if is_content_hash(h := str(m.get("hash")))))
        documents = {name: document for name, (document, *_version) in repository.documents(hashes).items()}
        kept |= {name: {k: d[k] for k in _FROM_DOCUMENT if k in d} for name, d in documents.items()}
        for group in some:
            try:
                shown = page_group(group, documents)
            except ValueError as error:
                raise UsageError(f"The group in {group.get('line', 'the catalog')} cannot be shown: {error}.",
                                 hint="Make it with `catalog duplicates --json`.") from None  # fmt: skip
            groups.setdefault(shown["id"], shown)
    return list(groups.values()), kept


class _Pictures:
    """The pictures of a review, by content hash."""

    def __init__(self, previews: Previewer, documents: Mapping[str, Document]) -> None:
        self._previews = previews
        self._documents = documents

    def one(self, content_hash: str, large: bool) -> bytes | None:
        """One that a person waits for."""
        document = self._documents.get(content_hash)
        if document is None:
            return None
        with contextlib.suppress(TimeoutError):
            return self._previews.get(document, LARGE if large else SIDE, urgent=True).result(PATIENCE)
        return None

    def all(self, hashes: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Each in turn, while the next ones are being made."""
        waiting: deque[tuple[str, Future[bytes | None] | None]] = deque()
        for name in hashes:
            document = self._documents.get(name)
            waiting.append((name, None if document is None else self._previews.get(document)))
            if len(waiting) > AHEAD:
                yield self._next(waiting)
        while waiting:
            yield self._next(waiting)

    def _next(self, waiting: deque[tuple[str, Future[bytes | None] | None]]) -> tuple[str, bytes | None]:
        name, future = waiting.popleft()
        return name, None if future is None else future.result()


# --- as a file ------------------------------------------------------------------------------------------------------------


def _check_output(output: Path) -> None:
    """Raise UsageError where a file would be lost: only a page like this one is written anew."""
    if not output.parent.is_dir():
        raise UsageError(f"The folder {output.parent} is not there.", hint="Name another --output.")
    if output.is_symlink() or output.exists():
        try:
            with output.open("rb") as file:
                ours = MARK in file.read(4096)
        except OSError:
            ours = False
        if not ours:
            raise UsageError(f"{output} is there already, and is no review page.", hint="Name another --output.")


def _write(workspace: Workspace, output: Path, screen: Screen, page: Page, pictures: _Pictures) -> int:
    missing = 0
    workspace.progress.files(len(page.hashes))

    def made() -> Iterator[tuple[str, bytes]]:
        nonlocal missing
        for name, jpeg in pictures.all(page.hashes):
            workspace.progress.advance()
            if jpeg is None:
                missing += 1
            else:
                yield name, jpeg

    aside = output.with_name(f".{output.name}.{secrets.token_hex(4)}.part")
    try:
        with aside.open("xb") as file:
            for part in page.parts(made()):
                file.write(part)
            size = file.tell()
        aside.replace(output)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}.", hint="Name another --output.") from None
    finally:
        aside.unlink(missing_ok=True)
        workspace.progress.close()
    if screen.json:
        screen.out_json({"event": "summary", "output": str(output), "groups": len(page.groups), "pictures": len(page.hashes),
                         "missing": missing, "bytes": size})  # fmt: skip
        return DONE
    without = f" {missing:,} have no picture: their stores are not there now, or they cannot be decoded." if missing else ""
    what = f"{len(page.groups):,} groups, {len(page.hashes):,} pictures, {size_text(size)}"
    screen.out(printable(f"{output}: {what}.{without}"))
    screen.out("Open it in a browser, decide, save the decisions, and apply them: catalog resolve DECISIONS.csv")
    return DONE


# --- served ---------------------------------------------------------------------------------------------------------------


def _serve(
    workspace: Workspace, request: ReviewRequest, screen: Screen, page: Page, pictures: _Pictures, apply: Apply,
    close: Callable[[], dict[str, str]],
) -> int:  # fmt: skip
    report = screen.report(workspace.progress, **SERVED_WORDS)
    files = {m["hash"]: m["paths"] for g in page.groups for m in g["members"]}

    def applied(decisions: Sequence[Decision]) -> Sequence[Answer]:
        answers = apply(decisions)
        _tell(report, answers, files)
        return answers

    review = Review(page, pictures.one, applied)
    with serving(review, request.serve_port) as address:
        if screen.json:
            screen.out_json({"event": "serving", "url": address, "groups": len(page.groups)})
        else:
            screen.out(address)
            screen.complain(f"{len(page.groups):,} groups to review. Open that address in a browser; Ctrl-C ends it.")
        _make_ahead(review, pictures)
        with contextlib.suppress(KeyboardInterrupt):  # the usual way to end
            review.ended.wait()
        review.end()
    if review.fault is not None:
        raise review.fault
    workspace.progress.close()
    report.finish(**close())
    return report.exit_code()


def _make_ahead(review: Review, pictures: _Pictures) -> None:
    """Make the pictures in the order of the page, so that most are there before they are asked for."""

    def work() -> None:
        for _made in pictures.all(review.page.hashes):
            if review.ended.is_set():
                return

    threading.Thread(target=work, name="previews", daemon=True).start()


def _tell(report: Report, answers: Iterable[Answer], files: Mapping[str, Sequence[str]]) -> None:
    for answer in answers:
        decision = answer.decision
        outcome = "failed" if answer.outcome == "failed" else _BECAME[decision.decision]
        store, _colon, path = (decision.path or next(iter(files.get(decision.hash, ())), "")).partition(":")
        report.add(Outcome(decision.decision, path or decision.hash, outcome, store, hash=decision.hash, reason=answer.reason))
