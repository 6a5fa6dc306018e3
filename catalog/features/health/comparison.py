"""Two stores compared by content, as the index knows them: what either of them has alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from catalog.domain.copies import OK
from catalog.domain.names import portable, printable
from catalog.errors import CatalogError, UsageError
from catalog.features.old_catalog.plan import is_year
from catalog.filesystem.aside import open_aside
from catalog.index.client import Query
from catalog.index.repository import Repository
from catalog.work import guards
from catalog.work.store_book import DROPBOX, NAS, StoreBook
from catalog.work.workspace import Workspace

STORES = (NAS, DROPBOX)
"""The stores that are compared where none are named."""


@dataclass(frozen=True, slots=True)
class CompareRequest:
    """Which two stores, the folder for the lists, and the year of capture ("" for all)."""

    year: str = ""
    stores: tuple[str, ...] = STORES
    output: Path = Path()


@dataclass(frozen=True, slots=True)
class Difference:
    """What one store has that the other one lacks, of the `held` assets that it has.

    `paths` may be more than `assets`, which may have several copies; `file` is the list of them.
    """

    store: str
    held: int
    assets: int
    paths: int
    file: str


def compare_stores(workspace: Workspace, request: CompareRequest) -> tuple[Difference, Difference]:
    """List what either of two stores has alone, in a file for each; its paths, one a line."""
    year = request.year
    if year and not is_year(year):
        raise UsageError(f"{year} is no year: it must be four digits, such as 2015.")
    folder = guards.check_folder(str(request.output))
    repository = workspace.existing_repository
    first, second = _two_stores(StoreBook(workspace, repository), request.stores)
    repository.refresh(repository.alias)
    return (
        _list_difference(repository, first, second, year, folder),
        _list_difference(repository, second, first, year, folder),
    )


def _two_stores(book: StoreBook, wanted: Sequence[str]) -> tuple[str, str]:
    if len(set(wanted)) != 2 or len(wanted) != 2:
        raise UsageError(
            "Two stores are compared.", hint="Name two different ones: --store A --store B."
        )
    for name in wanted:
        book.check_known(name)
    return wanted[0], wanted[1]


def _list_difference(
    repository: Repository, store: str, other: str, year: str, folder: Path
) -> Difference:
    """Write the list for one store; an earlier one is replaced once the new one is whole."""
    held = repository.count(_held(store, "", year))
    target = folder / f"{portable(store)}_only.txt"
    try:
        with open_aside(target) as (aside, file):
            assets, paths = _write_list(file, _paths_only_in(repository, store, other, year))
            aside.replace(target)
    except OSError as error:
        raise CatalogError(
            f"The list {target} cannot be written ({error.strerror}).",
            hint="Name another folder with --output.",
        ) from error
    return Difference(store, held, assets, paths, str(target))


def _write_list(file: BinaryIO, found: Iterable[list[str]]) -> tuple[int, int]:
    """Write paths, one a line; how many assets and paths there were."""
    assets = paths = 0
    for names in found:
        assets += 1
        paths += len(names)
        lines = "".join(f"{printable(name)}\n" for name in names)
        file.write(lines.encode(errors="backslashreplace"))
    file.flush()
    return assets, paths


def _paths_only_in(
    repository: Repository, store: str, other: str, year: str
) -> Iterator[list[str]]:
    """The paths in a store of each asset that the other one lacks, by their first path."""
    order = [{"paths": "asc"}, {"hash": "asc"}]
    query = _held(store, other, year)
    for page in repository.scan_pages(query, sort=order, source=["copies"]):
        for hit in page:
            rows = hit["_source"]["copies"]
            yield sorted(r["path"] for r in rows if r["store"] == store and r["state"] == OK)


def _held(store: str, other: str, year: str) -> Query:
    """The assets with a good copy in a store and none in another one ("" for none), of a year."""
    conditions: list[Query] = [{"term": {"stores": store}}]
    if year:
        moment = f"{year}||/y"
        conditions.append({"range": {"captured.wall": {"gte": moment, "lte": moment}}})
    without = [{"term": {"stores": other}}] if other else []
    return {"bool": {"filter": conditions, "must_not": without}}
