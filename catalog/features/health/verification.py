"""Reading copies again: which are due, how far the last pass came."""

from __future__ import annotations

import contextlib
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from catalog.domain.amounts import age
from catalog.domain.asset import Entry
from catalog.domain.copies import MISSING, milliseconds, timestamp
from catalog.domain.document import AssetDocument
from catalog.domain.events import REPAIR
from catalog.errors import StoreGuard, UsageError
from catalog.features.health.verifier import Due, Verifier
from catalog.index import queries
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work.contents import states_contents
from catalog.work.outcome import RunResult
from catalog.work.replaced_files import UntoldReplacements
from catalog.work.session import Session, session
from catalog.work.sink import Level, Sink
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

OLDEST_PASS = timedelta(days=30)
"""A pass that was cut off longer ago is not gone on with."""
COMMAND = "verify"
BAD = ("failed", "damaged", "edited", "held", "missing")
"""Outcomes that no copy should have."""


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """Which copies are read: of one store, or of all that are there.

    `older_than` is an age such as 90d: only those that were not verified for so long. `time` is a
    duration such as 1h, after which nothing more is read. `sample` is a share such as 1%, taken at
    random. `repair`: corrupt copies give way to good ones; with `repair_unclear` also those of
    which nothing tells whether somebody wrote to them.
    """

    store: str | None = None
    older_than: str | None = None
    time: str | None = None
    sample: str | None = None
    repair: bool = False
    repair_unclear: bool = False


def share(text: str) -> float:
    """A percentage as a fraction. Raises UsageError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", text)
    if not match or not 0 < float(match[1]) <= 100:
        raise UsageError(f"{text} is no share of the copies.", hint="Write it as 1% or 0.5%.")
    return float(match[1]) / 100


def run_verify(workspace: Workspace, request: VerifyRequest, sink: Sink) -> RunResult:
    """Read copies again, those first that were verified longest ago, and record what they are."""
    limit = age(request.older_than) if request.older_than else None
    seconds = max(age(request.time).total_seconds(), 1e-9) if request.time else 0.0
    fraction = share(request.sample) if request.sample else 1.0
    repository = workspace.existing_repository
    book = StoreBook(workspace, repository)
    with contextlib.ExitStack() as stack:
        stores = stack.enter_context(book.open_present(writes=request.repair))
        names = _names(book, stores, request.store)
        if request.store is None:
            book.tell_absent(stores, sink)
        run = stack.enter_context(
            session(workspace, sink, COMMAND, bad=BAD, details={"stores": names})
        )
        until = time.monotonic() + seconds if seconds else 0.0
        verifier = Verifier(
            stores,
            run.edit,
            run.journal,
            run.report,
            run.run,
            _is_claimed(repository),
            _listed(stores, names),
            {name: book.evidence(name) for name in names},
            [name for name in names if book.is_stirred(name)],
            _untold(workspace, repository) if request.repair else None,
            repair=request.repair,
            repair_unclear=request.repair_unclear,
            until=until,
            kinds=workspace.settings.checksums,
            advance=sink.progress.advance,
        )
        before = timestamp(datetime.now(UTC) - limit) if limit else ""
        _verify(run, book, verifier, names, before, fraction)
        for name, count in sorted(verifier.computed.items()):
            what = "1 file" if count == 1 else f"{count:,} files"
            run.report.notice(f"Of {what} in {name} its server computed the checksum.", Level.INFO)
    return run.result


def _untold(workspace: Workspace, repository: Repository) -> UntoldReplacements:
    return UntoldReplacements(workspace.journal_dir, repository, REPAIR)


def _listed(
    stores: Mapping[str, ManagedStore], names: Sequence[str]
) -> dict[str, dict[str, Entry]]:
    """The listings of the stores that state what their files hold: no file is asked about alone."""
    stating = [name for name in names if states_contents(stores[name])]
    return {name: {e.path: e for e in stores[name].list()} for name in stating}


def _is_claimed(repository: Repository) -> Callable[[Due], bool]:
    """Whether a file is recorded with another asset as well:
    then nobody knows what it should be.
    """

    def is_claimed(due: Due) -> bool:
        repository.refresh(repository.alias)
        return (
            not due.is_sidecar
            and len(queries.by_path(repository, due.store_path[1], due.store_path[0])) > 1
        )

    return is_claimed


def _names(book: StoreBook, stores: Mapping[str, ManagedStore], wanted: str | None) -> list[str]:
    if wanted is None:
        if not stores:
            raise StoreGuard(
                "No store is there to be read.", hint="`catalog store list` says where they were."
            )
        return sorted(stores)
    book.check_known(wanted)
    if wanted not in stores:
        raise StoreGuard(
            f"Store {wanted} is not there; nothing was read.",
            hint="Is it mounted? See `catalog store list`.",
        )
    return [wanted]


def _verify(
    run: Session,
    book: StoreBook,
    verifier: Verifier,
    names: Sequence[str],
    before: str,
    fraction: float,
) -> None:
    """Each store in turn. A pass over all of a store that was cut off goes on where it stopped."""
    began = milliseconds(timestamp(datetime.now(UTC)))
    for name in names:
        is_pass = not before and fraction == 1.0
        since = before or (_begun(book, name) if is_pass else "")
        if is_pass and milliseconds(since) < began:
            run.report.notice(f"Going on with the pass over {name} that began at {since}.")
        due = _due(run.repository, name, since, fraction)
        verifier.verify(each for each in due if each.is_due or verifier.is_begun(each))
        if not verifier.finished:
            run.report.notice("The time is up; the next run goes on from here.")
            return
        if is_pass:
            book.remember(name, verifying_since=None)


def _begun(book: StoreBook, name: str) -> str:
    """When the pass under way began; a new one begins now."""
    known = book.known.get(name)
    since = known.get("verifying_since") if known is not None else None
    if not since or datetime.now(UTC) - datetime.fromisoformat(since) > OLDEST_PASS:
        since = timestamp(datetime.now(UTC))
        book.remember(name, verifying_since=since)
    return since


def _due(repository: Repository, store: str, since: str, fraction: float) -> Iterator[Due]:
    """The files of a store that were not verified since a moment ("" is ever), longest ago first.

    Below a fraction of 1.0 a random share of them, at least one.
    """
    repository.refresh(repository.alias)
    by_age = {
        "order": "asc",
        "nested": {"path": "copies", "filter": {"term": {"copies.store": store}}},
    }
    pages = repository.scan_pages(
        queries.of_store(store),
        sort=[{"copies.verified": by_age}, {"hash": "asc"}],
        source=["copies", "sidecars", "checksums"],
    )
    limit = milliseconds(since)
    count = 0
    for hit in (hit for page in pages for hit in page):
        if fraction < 1.0 and count and random.random() >= fraction:  # noqa: S311 - one at least
            continue
        count += 1
        yield from _due_of(hit["_id"], hit["_source"], store, limit)


def _due_of(content_hash: str, document: AssetDocument, store: str, limit: int) -> Iterator[Due]:
    copies, sidecars = document.get("copies", []), document.get("sidecars", [])
    mine = [r for r in copies if r["store"] == store and r["state"] != MISSING]
    fresh = [
        r for r in mine if not limit or milliseconds(r["verified"]) < limit or r["state"] != "ok"
    ]
    checksums = document.get("checksums", {})
    yield from (Due(content_hash, content_hash, row, copies, checksums=checksums) for row in fresh)
    for row in (s for s in sidecars if s["store"] == store):
        same = [s for s in sidecars if s["hash"] == row["hash"]]
        is_due = bool(fresh or not mine)
        yield Due(content_hash, row["hash"], row, same, is_sidecar=True, is_due=is_due)
