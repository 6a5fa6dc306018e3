"""An upload from disk into the catalog's NAS root."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from catalog.console import Screen
from catalog.domain.asset import KnownAsset
from catalog.domain.names import to_text
from catalog.errors import CatalogError, ConfigError, NoCatalog, NotYetAvailable, SourceInsideCatalog, StoreGuard
from catalog.execution import guards
from catalog.execution.apply import Applier
from catalog.execution.describing import utc_now
from catalog.execution.ingest import IngestOptions, dry_run, upload
from catalog.execution.journal import Journal
from catalog.execution.recorder import Recorder, patiently
from catalog.execution.report import Report
from catalog.execution.survey import IngestSurvey, Lookup
from catalog.execution.workers import ReaderPool
from catalog.index.recording import Recording
from catalog.index.repository import Repository
from catalog.runs.session import guarded
from catalog.runs.storing import claim_root
from catalog.stores.local import LocalStore
from catalog.stores.marker import read_marker
from catalog.wiring import Workspace, new_run

T = TypeVar("T")
STORE = "nas"
COMMAND = "upload_to_nas_from_disk"
OWN_FOLDER = "a folder of the catalog itself, seen by another mount"


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What the command line asks for."""

    directory: str
    recursive: bool = False
    move: bool = False
    dryrun: bool = False
    dropbox: bool = False
    limit: int = 0
    yes: bool = False


def run_upload(workspace: Workspace, request: UploadRequest, screen: Screen) -> int:
    """The exit status of an upload."""
    if request.dropbox:
        raise NotYetAvailable("--dropbox is not available: this version has no Dropbox store; nothing was changed.",
                              hint="Leave it out; the second copy can be made later.")  # fmt: skip
    source = guards.check_folder(request.directory)
    root = _root(workspace)
    guards.check_apart(source, root)
    lookup = _lookup(workspace, dry=request.dryrun)
    marker = read_marker(root)
    guards.check_marker(STORE, root, marker, lookup.store_record(STORE))
    files = LocalStore("source", source, managed=False, avoid=lambda folder: OWN_FOLDER if _is_marked(folder, marker) else "")
    if any(_is_marked(folder, marker) for folder in (source, *source.parents)):
        raise SourceInsideCatalog(f"The folder {source} lies inside the catalog, by another mount; nothing was changed.",
                                  hint="Name a folder outside it.")  # fmt: skip
    report = screen.report(workspace.progress)
    with workspace.readers() as pool, _target(root) as target:
        survey = _survey(workspace, request, files, target, pool, lookup)
        total = _announce(workspace, request, survey)
        if request.dryrun:
            report.dry = True
            dry_run(survey, workspace.layout, STORE, _options(request), report, workspace.progress)
            workspace.progress.close()
            report.finish()
            return report.exit_code()
        if request.move:
            guards.check_removals(total, workspace.settings.move_limit, yes=request.yes)
        return _upload(workspace, request, survey, files, target, report)


def _root(workspace: Workspace) -> Path:
    root = workspace.settings.nas_root
    if root is None:
        raise ConfigError("There is no nas_root: the folder of the catalog is not known.",
                          hint="Give --nas_root FOLDER, or set nas_root in config.json.")  # fmt: skip
    root = root.expanduser()
    if root.exists() and not root.is_dir():
        raise ConfigError(f"nas_root {root} is a file, not a folder.", hint="Check --nas_root.")
    if not root.exists() and not root.absolute().parent.is_dir():
        raise ConfigError(
            f"nas_root {root} is not there, nor the folder it would lie in.", hint="Is it mounted? Check --nas_root."
        )
    return root.absolute()


@contextlib.contextmanager
def _target(root: Path) -> Iterator[LocalStore]:
    store = LocalStore(STORE, root)
    try:
        yield store
    finally:
        store.close()


def _options(request: UploadRequest) -> IngestOptions:
    return IngestOptions(move=request.move, limit=request.limit)


class _Lookup(Lookup, Protocol):
    """What a run asks the index before it writes."""

    def store_record(self, name: str) -> dict[str, Any] | None:
        """What is known of a store."""
        ...


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

    def store_record(self, _name: str) -> dict[str, Any] | None:
        """No store."""
        return None


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

    def store_record(self, name: str) -> dict[str, Any] | None:
        """What is known of a store."""
        return self._repository.store_record(name)

    def _patiently(self, call: Callable[[], T]) -> T:
        return patiently(call, self._workspace.settings.retry_seconds, self._workspace.reconnect)


def _lookup(workspace: Workspace, *, dry: bool) -> _Lookup:
    """The index's answers; a dry run makes no index to get them."""
    if not dry:
        return _PatientLookup(workspace.repository, workspace)
    try:
        return _PatientLookup(workspace.existing_repository, workspace)
    except NoCatalog:
        return _NothingKnown()


def _is_marked(folder: Path, marker: str | None) -> bool:
    """Whether a folder is the root of the very catalog that is uploaded to, as a second mount of a share shows it."""
    with contextlib.suppress(StoreGuard):
        return marker is not None and read_marker(folder) == marker
    return False


def _survey(
    workspace: Workspace, request: UploadRequest, source: LocalStore, target: LocalStore, pool: ReaderPool, lookup: _Lookup
) -> IngestSurvey:
    base = str(source.root)
    return IngestSurvey(
        source, target, base, lookup, pool,
        workspace.describer(base), workspace.layout, recursive=request.recursive, now=utc_now,
    )  # fmt: skip


def _announce(workspace: Workspace, request: UploadRequest, survey: IngestSurvey) -> int:
    """Tell the progress how many files there are; they are only counted where somebody looks or --move needs it."""
    if not (request.move or workspace.progress.shows_files):
        return 0
    total = survey.count()
    workspace.progress.files(total)
    return total


def _upload(
    workspace: Workspace, request: UploadRequest, survey: IngestSurvey, source: LocalStore, target: LocalStore, report: Report
) -> int:
    run = new_run()
    base = to_text(str(source.root))
    journal = Journal(workspace.journal_dir, run)
    claim_root(workspace.repository, STORE, target.root)
    target.sweep()
    journal.started("run", command=COMMAND, source=base, root=to_text(str(target.root)))
    settings = workspace.settings
    recording = Recording(workspace.repository, base=base, command=COMMAND)
    recorder = Recorder(workspace.repository, target.settle, patience=settings.retry_seconds, recover=workspace.reconnect)
    applier = Applier(source, target, recording, recorder, journal, report, run, workspace.progress.advance)
    status = guarded(lambda: upload(survey, applier, workspace.layout, STORE, _options(request)), report)
    workspace.progress.close()
    with contextlib.suppress(CatalogError):
        workspace.repository.refresh()
    report.finish(journal=to_text(str(journal.path)))
    journal.done("run", **{o: report.counts[o] for o in report.counts}, status=status)
    journal.close()
    return status
