"""The import of an old catalog of years, months and named folders, and a look at how it is laid out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from catalog.cli.console import Screen
from catalog.domain.filetypes import IGNORED_FOLDERS, IGNORED_NAMES
from catalog.domain.layout import MONTHS
from catalog.domain.names import printable, to_text
from catalog.errors import DONE, SOME_FAILED, CatalogError, UsageError
from catalog.features.ingest.actions import Action
from catalog.features.ingest.ingestion import Ingesting, ingesting
from catalog.features.ingest.pipeline import Note, Planner, dry_run, nothing, upload
from catalog.features.ingest.plan import IngestFacts
from catalog.features.ingest.second_copy import WORDS, second
from catalog.features.ingest.survey import IngestSurvey
from catalog.features.old_catalog.plan import Part, is_year, month_of, parts_of, plan_part
from catalog.stores.local import LocalStore
from catalog.work import guards
from catalog.work.report import Report
from catalog.work.store_book import DROPBOX
from catalog.work.workspace import Workspace

COMMAND = "import_old_catalog"


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What the command line asks for. No months: all of them, and what lies beside them."""

    basedir: str
    years: tuple[str, ...]
    months: tuple[int, ...] = ()
    dryrun: bool = False
    dropbox: bool = False
    limit: int = 0


def run_import(workspace: Workspace, request: ImportRequest, screen: Screen) -> int:
    """The exit status of an import."""
    years = _years(guards.check_folder(request.basedir), request.years)
    with (
        ingesting(workspace, request.basedir, dry=request.dryrun) as ingest,
        second(workspace, DROPBOX, wanted=request.dropbox, dry=request.dryrun) as further,
    ):
        parts = _parts(ingest, years, request.months)
        ingest.announce(_survey(ingest, part) for part in parts)
        note = further.note if further else nothing
        if request.dryrun:

            def tell(report: Report) -> None:
                _dry(ingest, parts, request.limit, report, note)
                if further:
                    further.foresee(report)

            return ingest.dry_report(screen, tell)
        with ingest.session(screen, COMMAND, WORDS if further else {}) as run:

            def bring(part: Part, limit: int) -> int:
                survey = _survey(ingest, part)
                return upload(survey, ingest.applier(run), _planner(ingest, survey, part), limit, note)

            def work() -> None:
                _each(parts, request.limit, bring)
                if further:
                    further.give(run, ingest.target)

            return run.work(work)


def _years(base: Path, wanted: Sequence[str]) -> list[str]:
    """The years to import, each once. Raises UsageError for one that is none, or has no folder."""
    there = sorted(n for n in _names(base) if is_year(n) and _is_folder(base / n))
    for year in wanted:
        if not is_year(year):
            raise UsageError(f"{year} is no year: it must be four digits, such as 2015.", hint="Name the years one by one.")
        if year not in there:
            raise UsageError(f"There is no folder {year} in {base}.",
                             hint=f"There are {', '.join(there)}." if there else "No folder there is a year's.")  # fmt: skip
    return sorted(set(wanted))


def _parts(ingest: Ingesting[LocalStore], years: Sequence[str], months: Sequence[int]) -> list[Part]:
    folders = (folder for year in years for folder in ingest.source.folders(year))
    parts = parts_of(folders, ingest.workspace.layout, months)
    if not parts:
        names = " or ".join(f"{month:02d}_{MONTHS[month - 1]}" for month in sorted(set(months)))
        raise UsageError(f"There is no folder {names} in {', '.join(years)}.", hint="Leave --month out to import all months.")
    return parts


def _survey(ingest: Ingesting[LocalStore], part: Part) -> IngestSurvey:
    layout = part.layout(ingest.workspace.layout)
    return ingest.survey(layout, part.folders, part.counts, recursive=False)


def _planner(ingest: Ingesting[LocalStore], survey: IngestSurvey, part: Part) -> Planner:
    def plan(facts: IngestFacts) -> list[Action]:
        return plan_part(facts, survey.occupancy, part, ingest.workspace.layout, ingest.store)

    return plan


def _dry(ingest: Ingesting[LocalStore], parts: Sequence[Part], limit: int, report: Report, note: Note) -> None:
    def tell(part: Part, left: int) -> int:
        survey = _survey(ingest, part)
        return dry_run(survey, _planner(ingest, survey, part), left, report, ingest.workspace.progress, note)

    _each(parts, limit, tell)


def _each(parts: Sequence[Part], limit: int, bring: Callable[[Part, int], int]) -> None:
    """One part after the other, each wholly done before the next is looked at; until `limit` files are stored, if it is not 0."""
    stored = 0
    for part in parts:
        stored += bring(part, limit - stored if limit else 0)
        if limit and stored >= limit:
            return


# --- structure -----------------------------------------------------------------------------------------------------------


def run_structure(basedir: str, screen: Screen) -> int:
    """Print what is odd about an old catalog's folders; 3 where something is."""
    base = guards.check_folder(basedir)
    years = 0
    counts = {"no_year": 0, "extra": 0, "missing": 0}
    for name in _names(base):
        if not _is_folder(base / name):
            continue
        years += is_year(name)
        for kind, path in _oddities(base, name):
            counts[kind] += 1
            _tell_oddity(screen, kind, path)
    if screen.json:
        screen.out(orjson.dumps({"event": "summary", "years": years, **counts}).decode())
    else:
        screen.out(f"{years:,} years; {counts['extra']:,} extra entries, {counts['missing']:,} months missing, "
                   f"{counts['no_year']:,} folders that are no year.")  # fmt: skip
    return SOME_FAILED if any(counts.values()) else DONE


_ODD = {"no_year": "not a year", "extra": "extra", "missing": "missing"}


def _tell_oddity(screen: Screen, kind: str, path: str) -> None:
    line = orjson.dumps({"finding": kind, "path": path}).decode() if screen.json else printable(f"{_ODD[kind]:<11} {path}")
    screen.out(line)


def _oddities(base: Path, name: str) -> Iterator[tuple[str, str]]:
    """What is odd about one folder of the old catalog, as kind and path."""
    if not is_year(name):
        yield "no_year", to_text(name)
        return
    names = _names(base / name)
    folders = {n for n in names if _is_folder(base / name / n)}
    for extra in (n for n in names if n not in folders):
        yield "extra", to_text(f"{name}/{extra}")
    there = {month_of(to_text(n)) for n in folders}
    for number, month in enumerate(MONTHS, 1):
        if number not in there:
            yield "missing", f"{name}/{number:02d}_{month}"


def _names(folder: Path) -> list[str]:
    """The names in a folder, sorted, without those that are hidden or that the system keeps for itself."""
    try:
        found = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise CatalogError(
            f"The folder {folder} cannot be listed ({error.strerror}).", hint="Check its owner and mode."
        ) from error
    return [n for n in found if not n.startswith(".") and n.lower() not in IGNORED_FOLDERS | IGNORED_NAMES]


def _is_folder(path: Path) -> bool:
    """Whether a path is a folder itself, not a link to one: links are not followed."""
    return path.is_dir() and not path.is_symlink()
