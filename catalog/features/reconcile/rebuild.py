"""The index from the stores alone."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.errors import CatalogError, Interrupted, UsageError
from catalog.features.reconcile.run import SyncRequest, run_sync
from catalog.stores.local.root import LocalRoot
from catalog.stores.marker import read_marker
from catalog.stores.root import Root
from catalog.work import guards
from catalog.work.outcome import RunResult
from catalog.work.sink import Sink
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace


@dataclass(frozen=True, slots=True)
class RebuildRequest:
    """Which stores are recorded anew, each named by its folder or,
    where the catalog still knows it, by its name.
    """

    stores: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """What each store's run came to."""

    runs: tuple[RunResult, ...]

    @property
    def problems(self) -> int:
        """Files with an outcome that none should have, in all stores."""
        return sum(run.problems for run in self.runs)


def run_rebuild(workspace: Workspace, request: RebuildRequest, sink: Sink) -> RebuildResult:
    """Record what lies in each store, one after the other.

    An index without an id takes over that of the catalog whose stores they were; one that has an id
    takes the stores over.

    What stops one does not keep the others from being recorded, and is raised at the end; an
    interruption ends it at once.
    """
    book = StoreBook(workspace, workspace.repository, sink.notice)
    roots = [_root(book, text) for text in request.stores]
    for name, root in roots:
        book.claim(name, root, take_over=True)
    runs: list[RunResult] = []
    stopped: CatalogError | None = None
    for name, _where in roots:
        try:
            runs.append(run_sync(workspace, SyncRequest(name, command="rebuild"), sink))
        except Interrupted:
            raise
        except CatalogError as error:
            stopped = stopped or error
    if stopped is not None:
        raise stopped
    return RebuildResult(tuple(runs))


def _root(book: StoreBook, text: str) -> tuple[str, Root]:
    """The name and folder of a store that is given by either."""
    if text in book.known or book.configured_root(text) is not None:
        return text, book.root(text)
    root = guards.check_folder(text)
    marker = read_marker(root)
    name = marker.store if marker is not None else ""
    if not name:
        raise UsageError(
            f"{root} has no marker of a store.", hint=f"Add it first: catalog store add NAME {root}"
        )
    return name, LocalRoot(root)
