"""What every run has that brings the files of a folder into the catalog: guards,
questions to the index, and a writer.

`open_between` makes an `Ingestion` for any two stores, `open_ingestion` for a folder of this
machine and the catalog's root.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from catalog.domain.asset import KnownAsset
from catalog.domain.layout import Layout
from catalog.errors import ConfigError, SourceInsideCatalog
from catalog.features.ingest.apply import Applier
from catalog.features.ingest.placer import Placer
from catalog.features.ingest.records import IndexRecordWriter
from catalog.features.ingest.sources import SourceRemoval
from catalog.features.ingest.survey import IngestSurvey, Lookup, Source
from catalog.features.ingest.target import TargetSurvey
from catalog.features.ingest.under_way import IngestRun
from catalog.features.renditions.stores import open_readers
from catalog.index.repository import Repository
from catalog.stores import registry
from catalog.stores.local.root import LocalRoot
from catalog.stores.local.store import LocalStore
from catalog.stores.marker import Marker, read_marker
from catalog.stores.protocol import ManagedStore
from catalog.stores.root import Root
from catalog.work import guards
from catalog.work.contents import states_contents
from catalog.work.facts_reading import Reading
from catalog.work.outcome import Outcome
from catalog.work.progress import Progress
from catalog.work.recorder import Recorder
from catalog.work.session import Session
from catalog.work.sink import Sink
from catalog.work.store_book import NAS, StoreBook, is_marked, why_left_out
from catalog.work.workspace import Workspace

T = TypeVar("T")
SourceT = TypeVar("SourceT", bound=ManagedStore)
LEAST_THREADS = 2
"""One copy is read while the other is written."""


@dataclass(frozen=True, slots=True)
class Ingestion(Generic[SourceT]):
    """A store to read and one to fill, proved to be fit for each other,
    and what answers for the index.

    `reading` reads the source; `root` is where the target lies.
    """

    workspace: Workspace
    source: SourceT
    target: ManagedStore
    lookup: Lookup
    reading: Reading
    book: StoreBook
    root: Root

    @property
    def store(self) -> str:
        """The name of the store that is filled."""
        return self.target.name

    def survey(
        self,
        layout: Layout | None = None,
        folders: Sequence[str] = ("",),
        counts: Callable[[str], bool] = lambda _path: True,
        *,
        recursive: bool,
    ) -> IngestSurvey:
        """The survey of some folders of the source; see `IngestSurvey`."""
        source = Source(
            self.source,
            self.reading,
            self.workspace.describer(self.source.location, self.book.repository),
            folders,
            recursive,
        )
        target = TargetSurvey(
            self.target,
            layout or self.workspace.layout,
            counts,
            lambda: self.store not in self.book.known and not self.root.is_there(),
        )
        return IngestSurvey(source, target, self.lookup)

    @property
    def details(self) -> dict[str, str]:
        """What the journal says of a run."""
        return {"source": self.source.location, "root": self.target.location}

    def announce(
        self, surveys: Iterable[IngestSurvey], progress: Progress, *, needed: bool = False
    ) -> int:
        """Tell the progress how many files there are; they are only counted where somebody looks,
        or it is needed.
        """
        if not (needed or progress.shows_files):
            return 0
        total = sum(survey.count() for survey in surveys)
        progress.files(total)
        return total

    def begin(self) -> None:
        """A run writes: the target is the catalog's from now on,
        and what killed runs left in it goes.
        """
        self.book.claim(self.target.name, self.root)
        self.target.sweep()

    def applier(self, run: Session, *, hold_sources: bool = False) -> Applier:
        """What copies and records for a run; it serves until it is finished.

        `hold_sources`: none goes before `release`.
        """
        settings, workspace = self.workspace.settings, self.workspace
        recorder = Recorder(
            run.repository,
            self.target.settle,
            patience=settings.retry_seconds,
            recover=workspace.elasticsearch.reconnect,
        )
        threads = max(LEAST_THREADS, self.target.capabilities.together)

        def tell(outcome: Outcome) -> None:
            run.report.add(outcome)
            run.sink.progress.advance(1)

        several = threads if states_contents(self.source) else 0
        removal = SourceRemoval(self.source, self.target, run.journal, tell, several, hold_sources)
        placer = Placer(self.source, self.target, run.journal, self.source.location)
        records = IndexRecordWriter(run.repository, base=self.source.location, command=run.command)
        return Applier(IngestRun(run, placer, records, recorder, removal, tell), threads)


@contextlib.contextmanager
def open_ingestion(
    workspace: Workspace, directory: str, sink: Sink, *, dry: bool, move: bool = False
) -> Iterator[Ingestion[LocalStore]]:
    """Everything that a run needs which reads a folder.

    Raises what refuses it; a dry run makes no index.

    With `move` files are taken away from it, so that no store at all may lie there.
    """
    source = guards.check_folder(directory)
    root = nas_root(workspace)
    guards.check_apart(LocalRoot(source), LocalRoot(root))
    book = book_of(workspace, sink, dry=dry)
    book.known  # noqa: B018 - before the marker: another run writes that first, then this
    marker = read_marker(root)
    book.check_marker(NAS, LocalRoot(root), marker)
    files = book.open_outside(directory) if move else read_from(source, marker, book)
    with (
        contextlib.closing(LocalStore(NAS, root)) as target,
        open_between(workspace, files, target, book, LocalRoot(root), dry=dry) as made,
    ):
        yield made


@contextlib.contextmanager
def open_between(
    workspace: Workspace,
    source: SourceT,
    target: ManagedStore,
    book: StoreBook,
    root: Root,
    *,
    dry: bool,
) -> Iterator[Ingestion[SourceT]]:
    """What a run needs that reads one store and fills another.

    That they are fit for each other is the caller's to prove. `root` is where the target lies.
    """
    lookup = lookup_of(workspace, book.repository)
    with open_readers(workspace, dry=dry) as pool:
        reading = workspace.reading(pool, source)
        yield Ingestion(workspace, source, target, lookup, reading, book, root)


def read_from(source: Path, marker: Marker | None, book: StoreBook) -> LocalStore:
    """A folder that is only read; stores of the catalog that are there now must not lie in it or
    around it.
    """
    markers = {record["id"] for record in book.records} | ({marker.id} if marker else set())
    for record in book.records:
        for there in map(LocalRoot, registry.folders_recorded(record)):
            if is_marked(there, {record["id"]}):  # else another disk is mounted there
                guards.check_apart(LocalRoot(source), there)
    if any(is_marked(root, markers) for root in LocalRoot(source).upwards()):
        raise SourceInsideCatalog(
            f"The folder {source} lies inside the catalog, by another mount; nothing was changed.",
            hint="Name a folder outside it.",
        )
    return LocalStore(
        "source",
        source,
        managed=False,
        avoid=lambda folder: why_left_out(folder, markers),
    )


def nas_root(workspace: Workspace) -> Path:
    """The folder of the catalog on the NAS, or where it can be made. Raises ConfigError."""
    root = workspace.settings.nas_root
    if root is None:
        raise ConfigError(
            "There is no nas_root: the folder of the catalog is not known.",
            hint="Give --nas_root FOLDER, or set nas_root in config.json.",
        )
    root = root.expanduser()
    if root.exists() and not root.is_dir():
        raise ConfigError(f"nas_root {root} is a file, not a folder.", hint="Check --nas_root.")
    if not root.exists() and not root.absolute().parent.is_dir():
        raise ConfigError(
            f"nas_root {root} is not there, nor the folder it would lie in.",
            hint="Is it mounted? Check --nas_root.",
        )
    return root.absolute()


class _NothingKnown:
    """Answers for a catalog that is not there yet."""

    def known(self, _hashes: list[str]) -> dict[str, KnownAsset]:
        """No asset."""
        return {}

    def known_sources(self, _fingerprints: list[str]) -> dict[str, str]:
        """No source."""
        return {}

    def known_sizes(self, _sizes: list[int]) -> set[int]:
        """No size."""
        return set()


class _PatientLookup:
    """The index's answers, waited for while Elasticsearch is away."""

    def __init__(self, repository: Repository, workspace: Workspace) -> None:
        self._repository = repository
        self._workspace = workspace

    def known(self, hashes: list[str]) -> dict[str, KnownAsset]:
        """Assets by content hash."""
        return self._patiently(lambda: self._repository.known(hashes))

    def known_sources(self, fingerprints: list[str]) -> dict[str, str]:
        """Content hashes of unchanged source files."""
        return self._patiently(lambda: self._repository.known_sources(fingerprints))

    def known_sizes(self, sizes: list[int]) -> set[int]:
        """File sizes that some asset has."""
        return self._patiently(lambda: self._repository.known_sizes(sizes))

    def _patiently(self, call: Callable[[], T]) -> T:
        return self._workspace.elasticsearch.patiently(call)


def book_of(workspace: Workspace, sink: Sink, *, dry: bool) -> StoreBook:
    """The stores of the catalog; a dry run makes no index, and knows none where there is none."""
    repository = workspace.repository_if_there if dry else workspace.repository
    return StoreBook(workspace, repository, sink.notice)


def lookup_of(workspace: Workspace, repository: Repository | None) -> Lookup:
    """The index's answers; where there is no catalog nothing is known."""
    return _NothingKnown() if repository is None else _PatientLookup(repository, workspace)
