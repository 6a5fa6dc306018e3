"""The catalog as an object: what the commands do, for programs.

Silent, and usable from several threads at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from catalog.config import load
from catalog.work.progress import NoProgress
from catalog.work.sink import SilentSink
from catalog.work.workspace import Workspace

if TYPE_CHECKING:
    from catalog.features.backup.export import ExportResult
    from catalog.features.backup.imports import ImportResult
    from catalog.features.inspection.events import Event
    from catalog.features.inspection.history import RunSummary
    from catalog.features.inspection.lookup import AssetRecord
    from catalog.features.inspection.search import SearchResult
    from catalog.features.inspection.status import CatalogStatus
    from catalog.features.lookalikes.bad_shots import BadShots
    from catalog.features.lookalikes.duplicates import Duplicates
    from catalog.features.lookalikes.similar import LookAlikes
    from catalog.features.removal.trash import TrashList
    from catalog.features.stores.listing import StoreState
    from catalog.index.queries import Shortfall
    from catalog.work.outcome import Outcome, RunResult

Names = str | Iterable[str]
"""One name, or several."""


class SyncOptions(TypedDict, total=False):
    """How a store is looked at; each is False if it is left out."""

    recursive: bool
    rehash: bool
    forget_missing: bool
    accept_losses: bool
    accept_changes: bool


class UploadOptions(TypedDict, total=False):
    """How a folder is uploaded; each is False if it is left out."""

    recursive: bool
    move: bool
    yes: bool


def open_catalog(
    config: str | Path | None = None,
    *,
    on_outcome: Callable[[Outcome], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
    **settings: Any,
) -> Catalog:
    """The catalog that a configuration file and settings name;
    settings given here win over the environment and the file.

    `on_outcome` is called with what becomes of each file of a run, `on_notice` with what else there
    is to say of it; both in any thread. Nothing is asked of Elasticsearch yet. Raises ConfigError.
    """
    workspace = Workspace(
        load(Path(config) if config is not None else None, **settings), NoProgress()
    )
    return Catalog(workspace, SilentSink(on_outcome=on_outcome, on_notice=on_notice))


class CatalogQuestions:
    """What an open catalog can be asked; none of it changes anything.

    Every method may raise a CatalogError.
    """

    def __init__(self, workspace: Workspace, sink: SilentSink) -> None:
        self._workspace = workspace
        self._sink = sink

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection. What runs in other threads must have ended."""
        self._workspace.close()

    def search(self, query: str = "", *, sort: str = "-taken", limit: int = 0) -> SearchResult:
        """What matches a query, in the words of `catalog search`; iterate over it,
        or ask it to `count()`.
        """
        from catalog.features.inspection.search import SearchRequest, search

        return search(self._workspace, SearchRequest(query, sort, limit))

    def show(self, what: str) -> AssetRecord:
        """All that is known of one asset: by its hash or the beginning of it, a path in a store,
        or a file here.
        """
        from catalog.features.inspection.lookup import read_record

        return read_record(self._workspace, what)

    def status(self) -> CatalogStatus:
        """What the catalog holds, in figures."""
        from catalog.features.inspection.status import summarize

        return summarize(self._workspace)

    def history(
        self, what: str | None = None, *, run: str | None = None, limit: int = 0
    ) -> Iterator[Event]:
        """What happened to an asset, at a path, or in a run, oldest first."""
        from catalog.features.inspection.history import HistoryRequest, find_events

        return find_events(self._workspace, HistoryRequest(what, run, limit))

    def runs(self, limit: int = 0) -> list[RunSummary]:
        """The runs there were, the newest last; the last so many of them, if a limit is given."""
        from catalog.features.inspection.history import list_runs

        return list_runs(self._workspace, limit)

    def stores(self) -> list[StoreState]:
        """The stores of the catalog, and whether each is there now."""
        from catalog.features.stores.listing import list_stores

        return list_stores(self._workspace)

    def shortfalls(self) -> list[Shortfall]:
        """Which demands on copies are not met, and how many assets each is about."""
        from catalog.features.health.copies import find_shortfalls

        return find_shortfalls(self._workspace)

    def trash(self, store: str | None = None) -> TrashList:
        """What lies in the trash of the stores that are there."""
        from catalog.features.removal.trash import list_trash

        return list_trash(self._workspace, store)

    def similar(self, what: str, *, distance: int | None = None) -> LookAlikes:
        """What looks like a picture: one of the catalog, or any file here."""
        from catalog.features.lookalikes.similar import SimilarRequest, find_similar

        request = SimilarRequest(what) if distance is None else SimilarRequest(what, distance)
        return find_similar(self._workspace, request)

    def duplicates(
        self,
        query: str = "",
        *,
        kinds: Names = (),
        distance: int | None = None,
        within: str = "10s",
    ) -> Duplicates:
        """Groups of look-alikes with a keeper proposed, the surest kinds first."""
        from catalog.features.lookalikes.duplicates import DuplicatesRequest, find_duplicates

        return find_duplicates(
            self._workspace, DuplicatesRequest(query, _names(kinds), distance, within)
        )

    def bad(self, query: str = "", *, faults: Names = ()) -> BadShots:
        """Bad shots by their scores."""
        from catalog.features.lookalikes.bad_shots import BadRequest, find_bad

        return find_bad(self._workspace, BadRequest(query, _names(faults)))


class Catalog(CatalogQuestions):
    """An open catalog; see `open_catalog`.

    What changes something returns a RunResult and takes `dryrun`, which only says what it would do.
    Every method may raise a CatalogError. What a person would be asked is answered so that nothing
    is lost.
    """

    # --- bringing in, and keeping in step ---------------------------------------------------------

    def upload(
        self,
        directory: str | Path,
        *,
        recursive: bool = False,
        move: bool = False,
        dropbox: bool = False,
        limit: int = 0,
        yes: bool = False,
        dryrun: bool = False,
    ) -> RunResult:
        """Bring the photos and videos of a folder into the catalog on the NAS;
        see `upload_to_nas_from_disk --help`.
        """
        from catalog.features.ingest.run import UploadRequest, run_upload

        request = UploadRequest(
            str(directory),
            recursive=recursive,
            move=move,
            dropbox=dropbox,
            limit=limit,
            yes=yes,
            dryrun=dryrun,
        )
        return run_upload(self._workspace, request, self._sink)

    def upload_into(
        self,
        store: str,
        directory: str | Path,
        *,
        also: str = "",
        limit: int = 0,
        dryrun: bool = False,
        **how: Unpack[UploadOptions],
    ) -> RunResult:
        """Bring the photos and videos of a folder, also of a service (webdav:Phone), into any
        store, and into a second one; see `catalog upload --help`.
        """
        from catalog.features.ingest.between import StoreUpload, run_upload_between

        request = StoreUpload(
            str(directory), store=store, further=also, limit=limit, dryrun=dryrun, **how
        )
        return run_upload_between(self._workspace, request, self._sink)

    def sync(
        self,
        store: str = "nas",
        *,
        folders: Names = (),
        limit: int = 0,
        dryrun: bool = False,
        **how: Unpack[SyncOptions],
    ) -> RunResult:
        """Make the index say what lies in a store; see `sync_catalog_with_disk --help`."""
        from catalog.features.reconcile.run import SyncRequest, run_sync

        request = SyncRequest(store, _names(folders), limit=limit, dryrun=dryrun, **how)
        return run_sync(self._workspace, request, self._sink)

    def mirror(
        self, source: str, target: str, *, limit: int = 0, yes: bool = False, dryrun: bool = False
    ) -> RunResult:
        """Make one store hold what another holds; see `catalog mirror --help`."""
        from catalog.features.mirror.run import MirrorRequest, run_mirror

        request = MirrorRequest(source, target, "mirror", limit=limit, yes=yes, dryrun=dryrun)
        return run_mirror(self._workspace, request, self._sink)

    def verify(
        self,
        store: str | None = None,
        *,
        older_than: str | None = None,
        time: str | None = None,
        sample: str | None = None,
        repair: bool = False,
        repair_unclear: bool = False,
    ) -> RunResult:
        """Read copies again and prove them; see `catalog verify --help`."""
        from catalog.features.health.verification import VerifyRequest, run_verify

        request = VerifyRequest(store, older_than, time, sample, repair, repair_unclear)
        return run_verify(self._workspace, request, self._sink)

    def export(self, file: str | Path, *, force: bool = False) -> ExportResult:
        """Write every document to a file, packed as its ending says;
        `force` replaces one that is there.
        """
        from catalog.features.backup.export import ExportRequest, run_export

        return run_export(self._workspace, ExportRequest(str(file), force), self._sink)

    def import_(self, file: str | Path, *, dryrun: bool = False) -> ImportResult:
        """Bring in what an export holds."""
        from catalog.features.backup.imports import ImportRequest, run_import

        return run_import(self._workspace, ImportRequest(str(file), dryrun), self._sink)

    # --- what a person says -----------------------------------------------------------------------

    def tag(
        self,
        what: Names = (),
        *,
        query: str | None = None,
        add: Names = (),
        remove: Names = (),
        yes: bool = False,
        dryrun: bool = False,
    ) -> RunResult:
        """Add tags to assets, and remove some. They are named one by one, or by a query."""
        from catalog.features.annotations.run import TagRequest, run_tag

        request = TagRequest(
            _names(what), query, add=_names(add), remove=_names(remove), yes=yes, dryrun=dryrun
        )
        return run_tag(self._workspace, request, self._sink)

    def move_tagged(self, *, dryrun: bool = False) -> RunResult:
        """Move files with tags of categories into folders of these; see `mover --help`."""
        from catalog.features.sorting.run import MoverRequest, run_mover

        return run_mover(self._workspace, MoverRequest(dryrun=dryrun), self._sink)

    def scale(
        self, *, method: str = "linear", factor: float = 2.0, dryrun: bool = False
    ) -> RunResult:
        """Make the pictures larger that lie in the raw folder, one look; see `scaler --help`."""
        from catalog.features.scaling.run import ScalerRequest, run_scaler

        request = ScalerRequest(once=True, dryrun=dryrun, method=method, factor=factor)
        return run_scaler(self._workspace, request, self._sink)

    def set(
        self,
        what: Names = (),
        *,
        query: str | None = None,
        values: Names = (),
        by: str = "",
        yes: bool = False,
        dryrun: bool = False,
    ) -> RunResult:
        """Say something of assets, by texts such as `rating=4` or `taken=2019-07-12`;
        see `catalog set --help`.
        """
        from catalog.features.annotations.run import SetRequest, run_set

        request = SetRequest(
            _names(what), query, values=_names(values), by=by, yes=yes, dryrun=dryrun
        )
        return run_set(self._workspace, request, self._sink)

    def measure(self, query: str = "", *, again: bool = False, dryrun: bool = False) -> RunResult:
        """Look again at pictures that an earlier version catalogued without scores."""
        from catalog.features.lookalikes.measure import MeasureRequest, run_measure

        return run_measure(self._workspace, MeasureRequest(query, again, dryrun=dryrun), self._sink)

    def reread(self, query: str = "", *, outdated: bool = False, dryrun: bool = False) -> RunResult:
        """Read once more what files state; see `catalog reread --help`."""
        from catalog.features.reread.run import RereadRequest, run_reread

        return run_reread(self._workspace, RereadRequest(query, outdated, dryrun), self._sink)

    def refile(
        self,
        query: str = "",
        *,
        stores: Names = (),
        limit: int = 0,
        yes: bool = False,
        dryrun: bool = False,
    ) -> RunResult:
        """Give files the names that an upload would give them now; see `catalog refile --help`."""
        from catalog.features.refile.run import RefileRequest, run_refile

        request = RefileRequest(query, _names(stores), dryrun=dryrun, limit=limit, yes=yes)
        return run_refile(self._workspace, request, self._sink)

    # --- taking away, and back --------------------------------------------------------------------

    def resolve(self, csv: str | Path, *, yes: bool = False, dryrun: bool = False) -> RunResult:
        """Follow a table of decisions about look-alikes; see `catalog resolve --help`."""
        from catalog.features.review.resolve import ResolveRequest, run_resolve

        return run_resolve(
            self._workspace, ResolveRequest(Path(csv), yes=yes, dryrun=dryrun), self._sink
        )

    def forget(
        self, what: Names, *, with_files: bool = False, yes: bool = False, dryrun: bool = False
    ) -> RunResult:
        """Take assets out of the catalog, and with `with_files` bring their files to the trash."""
        from catalog.features.removal.forget import ForgetRequest, run_forget

        request = ForgetRequest(names=_names(what), with_files=with_files, yes=yes, dryrun=dryrun)
        return run_forget(self._workspace, request, self._sink)

    def prune(
        self,
        directory: str | Path,
        *,
        recursive: bool = False,
        dropbox: bool = False,
        limit: int = 0,
        yes: bool = False,
        dryrun: bool = False,
    ) -> RunResult:
        """Remove from a folder what is proved to be in the catalog;
        see `delete_from_directory_if_in_catalog --help`.
        """
        from catalog.features.removal.prune import PruneRequest, run_prune

        request = PruneRequest(str(directory), recursive, dryrun, limit, yes, dropbox)
        return run_prune(self._workspace, request, self._sink)

    def restore_from_trash(
        self, what: Names, *, store: str | None = None, dryrun: bool = False
    ) -> RunResult:
        """Bring files back from the trash: by their names there, runs, or paths."""
        from catalog.features.removal.restore import RestoreFilesRequest, run_restore_files

        return run_restore_files(
            self._workspace, RestoreFilesRequest(_names(what), store, dryrun=dryrun), self._sink
        )

    def empty_trash(
        self,
        *,
        store: str | None = None,
        run: str | None = None,
        older_than: str | None = None,
        last_copies: bool = False,
        yes: bool = False,
    ) -> RunResult:
        """Remove what lies in the trash for good. Raises ConfirmationNeeded without `yes`."""
        from catalog.features.removal.empty import EmptyRequest, run_empty

        return run_empty(
            self._workspace, EmptyRequest(store, run, older_than, last_copies, yes), self._sink
        )

    def undo(self, run: str, *, yes: bool = False, dryrun: bool = False) -> RunResult:
        """Take back what a run did."""
        from catalog.features.undo.run import UndoRequest, run_undo

        return run_undo(self._workspace, UndoRequest(run, yes=yes, dryrun=dryrun), self._sink)


def _names(given: Names) -> tuple[str, ...]:
    """Several names, where one was given as well: a text is one, not its letters."""
    return (given,) if isinstance(given, str) else tuple(given)
