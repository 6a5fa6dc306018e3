"""Removing from a folder what is proved to be in the catalog."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.cli.console import Screen
from catalog.features.removal.pruner import OUTCOMES, Documents, Pruner
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work import guards
from catalog.work import store_book as storing
from catalog.work.session import session
from catalog.work.workspace import Workspace

COMMAND = "delete_from_directory_if_in_catalog"
WORDS = {"outcomes": OUTCOMES, "always": ("removed", "kept"), "shown": ("kept",), "done": "removed"}


@dataclass(frozen=True, slots=True)
class PruneRequest:
    """What the command line asks for."""

    directory: str
    recursive: bool = False
    dryrun: bool = False
    limit: int = 0
    yes: bool = False
    dropbox: bool = False


def run_prune(workspace: Workspace, request: PruneRequest, screen: Screen) -> int:
    """The exit status of a removal."""
    repository = workspace.existing_repository
    stores = storing.reachable(workspace, repository)
    source: ManagedStore
    if request.dropbox:
        source = storing.dropbox_source(workspace, request.directory, storing.roots_of(workspace, repository.stores()))
    else:
        source = storing.source_outside(request.directory, workspace, repository.stores())
    base = source.place
    count = sum(1 for _entry in source.list(recursive=request.recursive))
    workspace.progress.files(count)
    try:
        if request.dryrun:
            return _dry(workspace, request, screen, repository, source, stores)
        guards.check_removals(count, workspace.settings.move_limit, yes=request.yes)
        with session(workspace, screen, COMMAND, WORDS, source=base) as run, workspace.readers() as pool:
            reading = workspace.reading(pool, source)
            pruner = Pruner(
                source, base, reading, _documents(repository), stores, workspace.settings.source_copies, run.report, run.journal,
                run.edit, run.tell, request.limit, workspace.progress.advance,
            )  # fmt: skip
            return run.work(lambda: pruner.run(recursive=request.recursive))
    finally:
        for store in stores.values():
            store.close()


def _dry(
    workspace: Workspace, request: PruneRequest, screen: Screen, repository: Repository, source: ManagedStore,
    stores: dict[str, ManagedStore],
) -> int:  # fmt: skip
    report = screen.report(workspace.progress, **WORDS)
    report.dry = True
    with workspace.readers() as pool:
        base = source.place
        needed = workspace.settings.source_copies
        reading = workspace.reading(pool, source)
        pruner = Pruner(source, base, reading, _documents(repository), stores, needed, report, limit=request.limit)
        pruner.run(recursive=request.recursive)
    workspace.progress.close()
    report.finish()
    return report.exit_code()


def _documents(repository: Repository) -> Documents:
    return lambda hashes: {name: found[0] for name, found in repository.documents(hashes).items()}
