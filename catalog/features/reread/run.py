"""`catalog reread`: facts once more from the bytes, for documents that an older version made."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby, islice

from catalog.domain.asset import Entry, Facts
from catalog.domain.checksums import CONTENT
from catalog.domain.document import AssetDocument, CopyRow, EventNote
from catalog.domain.edits import Edit, described_anew, with_captured
from catalog.domain.stacks import attach_sidecars
from catalog.errors import MediaError, StoreError
from catalog.features.inspection.search import mark_errors
from catalog.features.renditions.stores import open_readers
from catalog.features.reread.plan import (
    COMMAND,
    INCOMPLETE,
    NOT_THERE,
    OTHER_BYTES,
    Describe,
    plan_description,
    plan_following,
)
from catalog.index import queries
from catalog.index.client import Sort
from catalog.index.documents import Origin, asset_document
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work.description import Describer, utc_now
from catalog.work.driver import execute
from catalog.work.facts_reading import Wanted
from catalog.work.live_copies import find_copy
from catalog.work.outcome import NAMES_STAY, Outcome, RunResult, amendment_outcome
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.shot_records import ShotRecords
from catalog.work.sink import Level, Sink
from catalog.work.store_book import StoreBook
from catalog.work.workers import ReaderPool, Result
from catalog.work.workspace import Workspace

AT_ONCE = 200
_PHOTOS_FIRST: Sort = [{"kind": "asc"}, {"hash": "asc"}]
_ELSEWHERE = re.compile(r"/|[a-z_]+:/")
"""How the path of a file begins that was brought in from a folder, or from one far away; a file
that was found in a store has its path there.
"""


@dataclass(frozen=True, slots=True)
class RereadRequest:
    """Which assets are read again: those that match a query; `outdated`: of them those that an
    older version read.
    """

    query: str = ""
    outdated: bool = False
    dryrun: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """An asset, and the copy that is read: `entry` of a store, and the sidecars beside it."""

    document: AssetDocument
    store: str
    entry: Entry
    sidecars: tuple[Entry, ...]

    @property
    def original(self) -> str:
        """Where it was added from, as text."""
        return self.document.get("original", {}).get("path", "") or self.entry.path

    @property
    def origin(self) -> Origin:
        """Where it came from, for its document."""
        return Origin(self.original, self.document.get("run", ""), datetime.now(UTC))

    @property
    def folders(self) -> list[str]:
        """Those of the store in which it was found; where it was put says nothing of it."""
        if _ELSEWHERE.match(self.original):
            return []
        paths = {self.original, *self.document.get("paths", ())}
        return sorted({path.rpartition("/")[0] for path in paths})


def run_reread(workspace: Workspace, request: RereadRequest, sink: Sink) -> RunResult:
    """Read again what is there, and record what it states now."""
    repository = workspace.existing_repository
    repository.refresh(repository.alias)
    with mark_errors(request.query):
        queries.count(repository, request.query)
    book = StoreBook(workspace, repository)
    with book.open_present() as stores, open_readers(workspace, dry=request.dryrun) as pool:
        work = Rereading(workspace, repository, stores, pool, request, book.absent)
        return execute(workspace, work, sink, COMMAND, dry=request.dryrun)


class Rereading:
    """Some assets that are read again: from stores on this machine, else from those far away, of
    whose files only the bytes that are needed are fetched. `absent` says why a store is not there.
    """

    def __init__(
        self,
        workspace: Workspace,
        repository: Repository,
        stores: Mapping[str, ManagedStore],
        pool: ReaderPool,
        request: RereadRequest,
        absent: Mapping[str, str],
    ) -> None:
        self._workspace = workspace
        self._repository = repository
        self._stores = stores
        self._near = {name: store for name, store in stores.items() if store.folder is not None}
        self._far = {name: store for name, store in stores.items() if store.folder is None}
        self._absent = absent
        self._pool = pool
        self._request = request
        self._describer: Describer = workspace.describer("", repository)
        self._now = utc_now()
        self._shots = ShotRecords(repository)

    def plans(self) -> Iterator[Sequence[Describe]]:
        """Some hundred assets at a time, read as they are planned; photos first, since they may
        tell the offset of films.
        """
        also = queries.OUTDATED if self._request.outdated else None
        pages = queries.search_pages(
            self._repository, self._request.query, also=also, sort=_PHOTOS_FIRST
        )
        hits = (hit["_source"] for page in pages for hit in page)
        for _kind, documents in groupby(hits, key=lambda document: document["kind"]):
            self._repository.refresh()
            while part := list(islice(documents, AT_ONCE)):
                yield sorted(self._planned(part), key=lambda action: action.hash)

    def _planned(self, documents: Sequence[AssetDocument]) -> Iterator[Describe]:
        wanted: dict[str, list[Found]] = {}
        for document in documents:
            found = self._find(document)
            if found is None:
                yield _unread(document["hash"], "", "", self._why_unread(document))
            else:
                wanted.setdefault(found.store, []).append(found)
        read: list[tuple[Found, Facts]] = []
        for store, files in wanted.items():
            reading = self._workspace.reading(self._pool, self._stores[store])
            for found, result in reading.run((f, Wanted(f.entry, f.sidecars)) for f in files):
                problem = _problem_of(result, found.document["hash"])
                if isinstance(result, Facts) and not problem:
                    read.append((found, result))
                else:
                    hash_ = found.document["hash"]
                    yield _unread(hash_, found.store, found.entry.path, problem)
        yield from self._described(read)

    def _described(self, read: Sequence[tuple[Found, Facts]]) -> Iterator[Describe]:
        """What was read, with the time of its shot, and what of these shots follows."""
        assets = self._describer.describe_again(
            [(facts, found.entry, found.original, found.folders) for found, facts in read],
            self._now,
        )
        made, following = self._shots.settle(
            {
                asset.hash: asset_document(asset, found.origin)
                for (found, _facts), asset in zip(read, assets, strict=True)
            }
        )
        for found, facts in read:
            where, document = (found.store, found.entry.path), made[facts.hash]
            yield plan_description(*where, found.document, document, in_part=facts.in_part)
        for document, captured in following:
            yield plan_following(document, captured)

    def _find(self, document: AssetDocument) -> Found | None:
        """The first copy that is as recorded, and whose sidecars can be looked at; one on this
        machine if there is any.
        """
        for stores in (self._near, self._far):
            if (found := find_copy(stores, document)) is not None:
                store, row, entry = found
                known = {CONTENT: document["hash"], **entry.checksums}  # it is as recorded
                with contextlib.suppress(StoreError):
                    beside = self._beside(document, row, entry)
                    return Found(document, store.name, replace(entry, checksums=known), beside)
        return None

    def _why_unread(self, document: AssetDocument) -> str:
        """By store, why no copy could be read."""
        names = dict.fromkeys(row["store"] for row in document.get("copies", ()))
        reasons = [
            f"{name}: {self._absent.get(name, 'it is not there as recorded')}" for name in names
        ]
        return "; ".join([NOT_THERE, *reasons])

    def _beside(self, document: AssetDocument, row: CopyRow, entry: Entry) -> tuple[Entry, ...]:
        """The recorded sidecars that speak for a copy, and lie there."""
        store, folder = self._stores[row["store"]], entry.folder
        there = [
            found
            for sidecar in document.get("sidecars", [])
            if sidecar["store"] == row["store"]
            and sidecar["path"].rpartition("/")[0] == folder
            and (found := store.stat(sidecar["path"])) is not None
        ]
        candidates, _others = attach_sidecars([entry, *there])
        return candidates[0].sidecars if candidates else ()

    def foresee(self, action: Describe) -> Outcome:
        """What will become of an asset."""
        became = "failed" if action.problem else "planned" if action.change else "unchanged"
        return amendment_outcome(action, became, action.problem)

    def apply(self, run: Session, plans: Iterator[Sequence[Describe]]) -> None:
        """Record it, some hundred assets at a time."""
        for plan in plans:
            wanted = [action for action in plan if not action.problem]
            answers = run.edit([_edit(action) for action in wanted])
            for action, answer in zip(wanted, answers, strict=True):
                is_done = answer in ("done", "unchanged")
                became = "failed" if not is_done else "changed" if action.change else "unchanged"
                run.report.add(amendment_outcome(action, became, "" if is_done else answer))
            for action in plan:
                if action.problem:
                    run.report.add(amendment_outcome(action, "failed", action.problem))

    def conclude(self, report: Report) -> None:
        """Tell what a change does not do by itself."""
        if report.counts["changed"] or report.counts["planned"]:
            report.notice(NAMES_STAY, Level.INFO)


def _problem_of(result: Result | None, content_hash: str) -> str:
    """Why what was read says nothing of an asset; "" where it does."""
    if isinstance(result, Facts) and result.hash == content_hash:
        return INCOMPLETE if result.incomplete else ""
    return str(result) if isinstance(result, MediaError) else OTHER_BYTES


def _edit(action: Describe) -> Edit:
    """What only another version has read without a difference is no event."""
    about: EventNote = {"store": action.store, "path": action.path, "effect": "index"}
    if action.captured is not None:
        change = with_captured(action.captured)
    else:
        assert action.facts is not None
        change = described_anew(action.facts, in_part=action.in_part)
    return Edit(action.hash, "describe", change, about, untold=not action.change)


def _unread(content_hash: str, store: str, path: str, problem: str) -> Describe:
    return Describe(COMMAND, content_hash, store, path or content_hash, problem=problem)
