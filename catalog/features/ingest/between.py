"""An upload from any folder into any store: of one service it copies, and no bytes travel."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from catalog.features.ingest.ingestion import book_of, nas_root, open_between, read_from
from catalog.features.ingest.run import UploadRequest, run_ingest
from catalog.features.ingest.second_copy import second_copies
from catalog.stores import registry
from catalog.stores.local.root import LocalRoot
from catalog.stores.protocol import ManagedStore
from catalog.stores.root import Root
from catalog.work import guards
from catalog.work.outcome import RunResult
from catalog.work.sink import Sink
from catalog.work.store_book import NAS, StoreBook
from catalog.work.workspace import Workspace

COMMAND = "upload"


@dataclass(frozen=True, slots=True)
class StoreUpload(UploadRequest):
    """Which folder, with the prefix of its kind, goes to which `store`; `further` is the store that
    gets a second copy as well, or "".
    """

    store: str = NAS
    further: str = ""
    command: str = COMMAND


def run_upload_between(workspace: Workspace, request: StoreUpload, sink: Sink) -> RunResult:
    """Bring the photos and videos of a folder into a store of the catalog."""
    book, name = book_of(workspace, sink, dry=request.dryrun), request.store
    root = _proved_root(workspace, book, request)
    further, dry = request.further, request.dryrun
    with (
        contextlib.closing(_source(book, root, request)) as source,
        contextlib.closing(root.store(name, is_new=name not in book.known)) as target,
        open_between(workspace, source, target, book, root, dry=dry) as ingest,
        second_copies(workspace, further, sink, wanted=bool(further), dry=dry) as second,
    ):
        return run_ingest(ingest, request, sink, request.command, second)


def _proved_root(workspace: Workspace, book: StoreBook, request: StoreUpload) -> Root:
    """Where the store lies: it is the one that the catalog knows, or can become one."""
    name = request.store
    root = book.root(name)
    if name in book.known:
        book.prove(name, root)
        return root
    if root.folder is not None:
        nas_root(workspace)  # that it can be made there
    book.check_catalog(name, root, root.marker())
    if not request.dryrun:
        book.check_apart(name, root)
    return root


def _source(book: StoreBook, root: Root, request: StoreUpload) -> ManagedStore:
    """The folder, which is no part of the catalog. Raises SourceInsideCatalog where it is one."""
    directory = request.directory
    if registry.kind_named_by(directory).prefix:
        return book.open_outside_afar(directory)
    folder = guards.check_folder(directory)
    guards.check_apart(LocalRoot(folder), root)
    if request.move:
        return book.open_outside(directory)
    return read_from(folder, root.marker() if root.folder is not None else None, book)
