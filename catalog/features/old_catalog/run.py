"""The import of an old catalog of years, months and named folders,
and a look at how it is laid out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from catalog.domain.filetypes import IGNORED_FOLDERS, IGNORED_NAMES
from catalog.domain.layout import MONTHS
from catalog.domain.names import to_text
from catalog.errors import CatalogError, UsageError
from catalog.features.ingest.actions import Action
from catalog.features.ingest.ingestion import Ingestion, open_ingestion
from catalog.features.ingest.pipeline import Planner, Upload
from catalog.features.ingest.plan import IngestFacts
from catalog.features.ingest.second_copy import second_copies
from catalog.features.ingest.survey import IngestSurvey
from catalog.features.old_catalog.plan import YearPart, is_year, month_of, parts_of, plan_part
from catalog.filesystem.tree import Tree
from catalog.stores.local.store import LocalStore
from catalog.work import guards
from catalog.work.driver import execute
from catalog.work.outcome import RunResult
from catalog.work.sink import Sink
from catalog.work.store_book import DROPBOX
from catalog.work.workspace import Workspace

COMMAND = "import_old_catalog"


@dataclass(frozen=True, slots=True)
class OldCatalogRequest:
    """Which years of which catalog. No months: all of them, and what lies beside them."""

    basedir: str
    years: tuple[str, ...]
    months: tuple[int, ...] = ()
    dryrun: bool = False
    dropbox: bool = False
    limit: int = 0


def run_import_old(workspace: Workspace, request: OldCatalogRequest, sink: Sink) -> RunResult:
    """Bring the years of an old catalog in, folder by folder;
    each is wholly done before the next is looked at.
    """
    years = _years(guards.check_folder(request.basedir), request.years)
    with (
        open_ingestion(workspace, request.basedir, sink, dry=request.dryrun) as ingest,
        second_copies(
            workspace, DROPBOX, sink, wanted=request.dropbox, dry=request.dryrun
        ) as further,
    ):
        parts = _parts(ingest, years, request.months)
        ingest.announce((_survey(ingest, part) for part in parts), sink.progress)
        work = Upload(
            ingest, [partial(_planned, ingest, part) for part in parts], request.limit, further
        )
        return execute(
            workspace,
            work,
            sink,
            COMMAND,
            dry=request.dryrun,
            details=ingest.details,
            begin=ingest.begin,
        )


def _years(base: Path, wanted: Sequence[str]) -> list[str]:
    """The years to import, each once. Raises UsageError for one that is none, or has no folder."""
    there = sorted(n for n in _names(base) if is_year(n) and _is_folder(base / n))
    for year in wanted:
        if not is_year(year):
            raise UsageError(
                f"{year} is no year: it must be four digits, such as 2015.",
                hint="Name the years one by one.",
            )
        if year not in there:
            raise UsageError(
                f"There is no folder {year} in {base}.",
                hint=f"There are {', '.join(there)}." if there else "No folder there is a year's.",
            )
    return sorted(set(wanted))


def _parts(
    ingest: Ingestion[LocalStore], years: Sequence[str], months: Sequence[int]
) -> list[YearPart]:
    folders = (folder for year in years for folder in ingest.source.folders(year))
    parts = parts_of(folders, ingest.workspace.layout, months)
    if not parts:
        names = " or ".join(f"{month:02d}_{MONTHS[month - 1]}" for month in sorted(set(months)))
        raise UsageError(
            f"There is no folder {names} in {', '.join(years)}.",
            hint="Leave --month out to import all months.",
        )
    return parts


def _survey(ingest: Ingestion[LocalStore], part: YearPart) -> IngestSurvey:
    layout = part.layout(ingest.workspace.layout)
    return ingest.survey(layout, part.folders, part.counts, recursive=False)


def _planned(ingest: Ingestion[LocalStore], part: YearPart) -> tuple[IngestSurvey, Planner]:
    """The survey of one part, and how it is planned."""
    survey = _survey(ingest, part)

    def plan(facts: IngestFacts) -> list[Action]:
        return plan_part(facts, survey.occupancy, part, ingest.workspace.layout, ingest.store)

    return survey, plan


# --- structure ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Structure:
    """What is odd about an old catalog's folders, as (kind, path); and how many years it has.

    Kinds: `no_year` (a folder that is none), `extra` (an entry beside the months), `missing` (a
    month that is not there).
    """

    years: int
    oddities: tuple[tuple[str, str], ...]


def check_structure(basedir: str) -> Structure:
    """Look at how an old catalog is laid out."""
    base = guards.check_folder(basedir)
    folders = [name for name in _names(base) if _is_folder(base / name)]
    oddities = tuple(odd for name in folders for odd in _oddities(base, name))
    return Structure(sum(is_year(name) for name in folders), oddities)


def _oddities(base: Path, name: str) -> Iterator[tuple[str, str]]:
    """What is odd about one folder of the old catalog, as kind and path."""
    if not is_year(name):
        yield "no_year", to_text(name)
        return
    names = _names(base, name)
    folders = {n for n in names if _is_folder(base / name / n)}
    for extra in (n for n in names if n not in folders):
        yield "extra", to_text(f"{name}/{extra}")
    there = {month_of(to_text(n)) for n in folders}
    for number, month in enumerate(MONTHS, 1):
        if number not in there:
            yield "missing", f"{name}/{number:02d}_{month}"


def _names(base: Path, name: str = "") -> list[str]:
    """The names in a folder of the old catalog, sorted, without those that are hidden or that the
    system keeps for itself.
    """
    folder = base / name
    try:
        with Tree(base).scan(name) as rows:
            found = sorted(row.name for row in rows)
    except OSError as error:
        raise CatalogError(
            f"The folder {folder} cannot be listed ({error.strerror}).",
            hint="Check its owner and mode.",
        ) from error
    return [
        n
        for n in found
        if not n.startswith(".") and n.lower() not in IGNORED_FOLDERS | IGNORED_NAMES
    ]


def _is_folder(path: Path) -> bool:
    """Whether a path is a folder itself, not a link to one: links are not followed."""
    return path.is_dir() and not path.is_symlink()
