"""Checks of the catalog that change nothing: stores compared with each other, and the index with its own rules."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from catalog.cli.console import Screen
from catalog.domain.names import portable, printable
from catalog.errors import DONE, SOME_FAILED, CatalogError, UsageError
from catalog.features.health import queries as checks
from catalog.features.old_catalog.plan import is_year
from catalog.index.repository import Repository
from catalog.work import guards
from catalog.work.store_book import NAS, known_stores
from catalog.work.workspace import Workspace

STORES = (NAS, "dropbox")
"""The stores that are compared where none are named."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What one store has that another one lacks. `paths` may be more than `assets`, which may have several copies."""

    store: str
    held: int
    assets: int
    paths: int
    file: str

    def line(self) -> str:
        """For a person."""
        return printable(
            f"{self.store}: {self.held:,} assets, {self.assets:,} of them nowhere else: {self.paths:,} paths in {self.file}"
        )


def run_copies(workspace: Workspace, year: str, stores: Sequence[str], output: Path, screen: Screen) -> int:
    """Write what either of two stores has alone; 3 where there is something."""
    if year and not is_year(year):
        raise UsageError(f"{year} is no year: it must be four digits, such as 2015.")
    folder = guards.check_folder(str(output))
    repository = workspace.existing_repository
    first, second = _two_stores(repository, stores or STORES)
    repository.refresh(repository.alias)
    found = [_write_difference(repository, store, other, year, folder) for store, other in ((first, second), (second, first))]
    if screen.json:
        rows = [{"store": d.store, "assets": d.held, "only": d.assets, "paths": d.paths, "file": d.file} for d in found]
        for row in [*rows, {"event": "summary", "year": year or None, "only": sum(d.assets for d in found)}]:
            screen.out(orjson.dumps(row).decode())
    else:
        for difference in found:
            screen.out(difference.line())
    return SOME_FAILED if any(d.assets for d in found) else DONE


def _two_stores(repository: Repository, wanted: Sequence[str]) -> tuple[str, str]:
    if len(set(wanted)) != 2 or len(wanted) != 2:
        raise UsageError("Two stores are compared.", hint="Name two different ones: --store A --store B.")
    there = sorted(known_stores(repository))
    for name in wanted:
        if name not in there:
            raise UsageError(
                f"There is no store {name}.", hint=f"There are: {', '.join(there)}." if there else "There are none yet."
            )
    return wanted[0], wanted[1]


def _write_difference(repository: Repository, store: str, other: str, year: str, folder: Path) -> Difference:
    """Write the list for one store; a list of an earlier run is replaced once the new one is whole."""
    held = checks.assets_in(repository, store, year)
    target = folder / f"{portable(store)}_only.txt"
    aside = folder / f".{target.name}.{secrets.token_hex(4)}"
    try:
        try:
            assets, paths = _write_list(aside, checks.paths_only_in(repository, store, other, year))
            os.replace(aside, target)  # noqa: PTH105
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise CatalogError(f"The list {target} cannot be written ({error.strerror}).",
                           hint="Name another folder with --output.") from error  # fmt: skip
    return Difference(store, held, assets, paths, str(target))


def _write_list(path: Path, found: Iterable[list[str]]) -> tuple[int, int]:
    """Write paths, one a line; how many assets and paths there were."""
    assets = paths = 0
    with path.open("x", encoding="utf-8", errors="backslashreplace", newline="\n") as out:
        for names in found:
            assets += 1
            paths += len(names)
            out.writelines(f"{printable(name)}\n" for name in names)
    return assets, paths


_KINDS = {"id": "the id is not the content hash", "row": "twice in one document", "path": "claimed by two documents"}


def run_duplicate_entries(workspace: Workspace, dirname: str, screen: Screen) -> int:
    """Prove that no two entries of the catalog stand for one file; 3 where some do."""
    if dirname.startswith("/"):
        raise UsageError(
            f"{dirname} is no folder of the catalog.", hint="Name it relative to the store's root, such as 2019/07_July."
        )
    repository = workspace.existing_repository
    repository.refresh(repository.alias)
    found = checks.soundness(repository, dirname.strip("/"))
    for kind, content_hash, place, what in found.findings:
        row = {"finding": kind, "hash": content_hash, "place": place, "reason": what}
        text = printable(f"{_KINDS[kind]}: {content_hash} {place}: {what}".replace(" : ", ": "))
        screen.out(orjson.dumps(row).decode() if screen.json else text)
    _tell_proof(found, screen)
    return SOME_FAILED if found.findings else DONE


def _tell_proof(found: checks.Soundness, screen: Screen) -> None:
    if screen.json:
        summary = {"event": "summary", "documents": found.documents, "copies": found.copies, "findings": len(found.findings)}
        screen.out(orjson.dumps(summary).decode())
        return
    screen.out(f"{found.documents:,} documents with {found.copies:,} copies were checked; nothing was changed.")
    if not found.findings:
        screen.out("Every id is its content hash; no path of a store is claimed by two documents, or twice by one.")
