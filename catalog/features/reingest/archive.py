"""What `reingest` looks at: a folder that need be no store, or what a search finds in a store of
the catalog.

What the index knows of an unchanged file is believed; all else is read. A file that cannot be read
costs its row alone.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from catalog.domain.asset import UNLISTED, Asset, Entry, Facts
from catalog.domain.candidates import sort_candidates
from catalog.domain.capture_time import CaptureTime
from catalog.domain.copies import is_as_recorded, read_recorded
from catalog.domain.derivation import read_captured
from catalog.domain.document import AssetDocument
from catalog.domain.filetypes import MEDIA_EXTENSIONS, TYPES, extension_of
from catalog.domain.names import to_text
from catalog.domain.stacks import Candidate, stem_key
from catalog.errors import MediaError, UnsupportedType, UsageError
from catalog.features.inspection.search import mark_errors
from catalog.features.reingest.locations import catalog_of, local_roots
from catalog.index import queries
from catalog.index.repository import Repository
from catalog.stores.local.store import LocalStore
from catalog.stores.protocol import ManagedStore
from catalog.work import guards
from catalog.work.description import utc_now
from catalog.work.facts_reading import Wanted
from catalog.work.progress import Progress
from catalog.work.staging_marker import is_staging
from catalog.work.store_book import NAS, StoreBook
from catalog.work.workers import Result
from catalog.work.workspace import Workspace

BATCH = 256
"""Files that the index is asked about together."""
STAGING_FOLDER = "a staging folder of reingest"
_KINDS = {e: frozenset(t.kind for t in TYPES if e in t.extensions) for e in MEDIA_EXTENSIONS}


@dataclass(frozen=True, slots=True)
class ArchiveScope:
    """What is looked at: `folder`, or what `query` finds in the store of that name (the NAS if
    none)."""

    folder: str | None = None
    query: str | None = None
    store: str | None = None

    def check(self) -> None:
        """Raise UsageError where it is unclear what to look at."""
        if (self.folder is None) == (self.query is None):
            raise UsageError(
                "Name either a folder or --query QUERY.", hint="See --help for examples."
            )
        if self.folder is not None and self.store is not None:
            raise UsageError(
                "--store is for --query; a folder says by itself where it is.",
                hint="Leave --store out.",
            )


@dataclass(frozen=True, slots=True)
class Subject:
    """One photo or video that was looked at.

    `file` is how a report names it: an absolute path, else STORE:PATH, in text form.

    `folders` are those it lies in, from the one that was named on. `asset` is there where it was
    read, `document` where the index knows its content at this place. `problem` says why nothing
    more is known; then there is neither. `has_company` where other files of its name lie beside it:
    sidecars, the movie of a Live Photo, a RAW.
    """

    file: str
    entry: Entry
    folders: tuple[str, ...]
    hash: str = ""
    kind: str = ""
    type: str = ""
    captured: CaptureTime | None = None
    asset: Asset | None = None
    document: AssetDocument | None = None
    problem: str = ""
    has_company: bool = False

    @property
    def facts(self) -> Facts | None:
        """What its bytes state, where it was read."""
        return self.asset.facts if self.asset else None

    @property
    def phash(self) -> str:
        """What it looks like, in 16 hex digits; "" where that is not known."""
        if self.asset is not None:
            return self.asset.facts.phash or ""
        return (self.document or {}).get("phash", "")


@dataclass(slots=True)
class Archive:
    """An opened place to look at, and what the index says of it; `repository` is None where there
    is no catalog."""

    workspace: Workspace
    scope: ArchiveScope
    store: ManagedStore
    repository: Repository | None
    progress: Progress
    prefix: str = ""
    is_store: bool = False
    _label: str = field(default="")
    _in_company: set[str] = field(default_factory=set)

    @property
    def location(self) -> str:
        """The folder that is looked at, or the place of the store."""
        return f"{self.store.location}/{self.prefix}" if self.prefix else self.store.location

    def file(self, path: str) -> str:
        """How a report names a path of the store."""
        return file_of(self.store, path)

    def subjects(self, kind: str) -> Iterator[Subject]:
        """Every photo ("image") or video ("video"), as soon as it is known; in no certain order."""
        with self.workspace.readers() as pool:
            reading = self.workspace.reading(pool, self.store)
            describer = self.workspace.describer(self.store.location)
            now = utc_now()
            for (candidate, document), result in reading.run(self._wanted(kind)):
                found = self._subject(candidate.entry, document, result, describer.describe, now)
                if found is not None and (found.problem or found.kind == kind):
                    yield replace(found, has_company=self._has_company(candidate, document))
                self.progress.advance()

    def announce(self) -> None:
        """Count the files where somebody looks."""
        if self.progress.shows_files:
            self.progress.files(
                sum(1 for _e in self._listed())
                if self.scope.query is None
                else self._count(self.scope.query)
            )

    def _count(self, query: str) -> int:
        assert self.repository is not None
        return queries.count(self.repository, query)

    def _wanted(
        self, kind: str
    ) -> Iterator[tuple[tuple[Candidate, AssetDocument | None], Wanted | None]]:
        """What to read, and with None what need not be."""
        for candidate, document in (
            self._queried() if self.scope.query is not None else self._known(self._candidates())
        ):
            entry = candidate.entry
            kinds = _KINDS.get(extension_of(entry.name))
            if kinds is not None and kind not in kinds:
                self.progress.advance()
                continue
            is_known = entry.problem or document is not None
            yield (candidate, document), None if is_known else Wanted(entry, candidate.sidecars)

    def _listed(self) -> Iterator[Entry]:
        return self.store.list(self.prefix)

    def _candidates(self) -> Iterator[Candidate]:
        for _folder, rows in itertools.groupby(self._listed(), key=lambda e: e.folder):
            entries = list(rows)
            stems = Counter(map(stem_key, entries))
            self._in_company.update(e.path for e in entries if stems[stem_key(e)] > 1)
            yield from sort_candidates(entries)[0]

    def _has_company(self, candidate: Candidate, document: AssetDocument | None) -> bool:
        known = document or {}
        is_of_shot = "stack" in known or "sidecars" in known
        return bool(candidate.sidecars) or candidate.entry.path in self._in_company or is_of_shot

    def _known(
        self, candidates: Iterable[Candidate]
    ) -> Iterator[tuple[Candidate, AssetDocument | None]]:
        """Each with its document, where the file is as that says."""
        stream = iter(candidates)
        while part := list(itertools.islice(stream, BATCH)):
            paths = [c.entry.path for c in part] if self.is_store else []
            found = (
                queries.at_paths(self.repository, self.store.name, paths)
                if self.repository and paths
                else {}
            )
            for candidate in part:
                document = found.get(candidate.entry.path)
                yield (
                    candidate,
                    document if _is_recorded(candidate.entry, document, self.store.name) else None,
                )

    def _queried(self) -> Iterator[tuple[Candidate, AssetDocument | None]]:
        """The good copy of each match, if the file is still there."""
        assert self.repository is not None and self.scope.query is not None
        for page in queries.search_pages(self.repository, self.scope.query):
            for hit in page:
                document = hit["_source"]
                row = next(
                    (
                        c
                        for c in document["copies"]
                        if c["store"] == self.store.name and c["state"] == "ok"
                    ),
                    None,
                )
                if row is None:
                    continue
                entry = self.store.stat(row["path"])
                if entry is None:
                    missing = Entry(
                        row["path"],
                        problem="it is not there: `catalog sync` would record that",
                    )
                    yield Candidate(missing), None
                else:
                    yield (
                        Candidate(entry),
                        document if _is_recorded(entry, document, self.store.name) else None,
                    )

    def _subject(
        self,
        entry: Entry,
        document: AssetDocument | None,
        result: Result | None,
        describe: Callable[[Facts, Entry, datetime], Asset],
        now: datetime,
    ) -> Subject | None:
        file, folders = self.file(entry.path), self._folders(entry)
        is_media = extension_of(entry.name) in MEDIA_EXTENSIONS
        if entry.problem:
            if not (is_media or entry.problem.startswith(UNLISTED)):
                return None
            return Subject(file, entry, folders, problem=entry.problem)
        if document is not None:
            return Subject(
                file,
                entry,
                folders,
                document["hash"],
                document.get("kind", ""),
                document.get("type", ""),
                capture_time_of(document),
                None,
                document,
            )
        if isinstance(result, UnsupportedType) and not is_media:
            return None
        if isinstance(result, MediaError):
            return Subject(file, entry, folders, problem=f"it cannot be read: {result}")
        assert isinstance(result, Facts)
        asset = describe(result, entry, now)
        facts = asset.facts
        return Subject(
            file,
            entry,
            folders,
            facts.hash,
            facts.kind,
            facts.type,
            asset.captured,
            asset,
        )

    def _folders(self, entry: Entry) -> tuple[str, ...]:
        relative = entry.folder[len(self.prefix) :].strip("/") if self.prefix else entry.folder
        return tuple(part for part in (self._label, *relative.split("/")) if part)


def file_of(store: ManagedStore, path: str) -> str:
    """How a report names a path of a store: the absolute path on this machine, else STORE:PATH; in
    text form."""
    return f"{store.location}/{path}" if store.folder is not None else f"{store.name}:{path}"


def capture_time_of(document: AssetDocument) -> CaptureTime | None:
    """When the catalog says that a shot was taken."""
    captured = document.get("captured")
    if not captured:
        return None
    return read_captured(captured)


def _is_recorded(entry: Entry, document: AssetDocument | None, store: str) -> bool:
    """Whether a file is still what the index says of it. One that is not as recorded is read."""
    if document is None:
        return False
    row = next(
        (
            c
            for c in document["copies"]
            if (c["store"], c["path"], c["state"]) == (store, entry.path, "ok")
        ),
        None,
    )
    return row is not None and is_as_recorded(
        entry, read_recorded(row, document["hash"], document.get("checksums", {}))
    )


@contextlib.contextmanager
def open_archive(
    workspace: Workspace, scope: ArchiveScope, progress: Progress
) -> Iterator[Archive]:
    """What a scope names.

    Raises UsageError where it is not there, QuerySyntaxError for a search that is not understood.
    """
    scope.check()
    if scope.query is not None:
        with _store_to_search(workspace, scope, scope.query, progress) as archive:
            yield archive
        return
    assert scope.folder is not None
    folder = guards.check_folder(scope.folder)
    repository = catalog_of(workspace)
    label = to_text(folder.name)
    for name, root in local_roots(StoreBook(workspace, repository)).items():
        if folder == root or folder.is_relative_to(root):
            prefix = to_text(os.fspath(folder.relative_to(root))) if folder != root else ""
            label = label if prefix else ""
            store = LocalStore(name, root)
            yield Archive(
                workspace, scope, store, repository, progress, prefix, is_store=True, _label=label
            )
            return
    store = LocalStore(
        "archive", folder, managed=False, avoid=lambda f: STAGING_FOLDER if is_staging(f) else ""
    )
    yield Archive(workspace, scope, store, repository, progress, _label=label)


@contextlib.contextmanager
def _store_to_search(
    workspace: Workspace, scope: ArchiveScope, query: str, progress: Progress
) -> Iterator[Archive]:
    with mark_errors(query):
        queries.build(query)
        repository = workspace.existing_repository
        repository.refresh()
        queries.count(repository, query)
    with StoreBook(workspace, repository).open(scope.store or NAS, dry=True) as store:
        yield Archive(workspace, scope, store, repository, progress, is_store=True)
