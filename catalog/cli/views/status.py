"""What the catalog holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from catalog.cli.console import Console
from catalog.cli.views import shortfalls
from catalog.domain.amounts import size_text
from catalog.domain.names import printable
from catalog.errors import DONE
from catalog.features.inspection.status import CatalogStatus
from catalog.index.queries import StoreTotals, Totals
from catalog.stores import registry

_BAR = 40
"""Columns of the longest bar."""


def show(console: Console, status: CatalogStatus) -> int:
    """One JSON object, or lines for a person."""
    if console.json:
        console.out_json(
            {
                **dataclasses.asdict(status.totals),
                "known_stores": status.known_stores,
                "shortfalls": [shortfalls.row_of(row) for row in status.shortfalls],
            }
        )
        return DONE
    for line in _lines(status):
        console.out(line)
    return DONE


def _lines(status: CatalogStatus) -> Iterator[str]:
    totals = status.totals
    copies = _counted(totals.copies, "copy", "copies")
    yield f"{_counted(totals.assets, 'asset', 'assets')}, {size_text(totals.bytes)}; {copies}."
    for kind, part in totals.kinds.items():
        yield f"  {kind:<10}{part.assets:>12,}  {size_text(part.bytes):>10}"
    yield from _store_lines(status)
    yield from _year_lines(totals)
    if not totals.assets:
        yield "Nothing is in this catalog yet: upload_to_nas_from_disk brings photos and videos in."
        return
    for row in status.shortfalls:
        if row.assets:
            yield f"{shortfalls.describe_shortfall(row)} ({shortfalls.remedy(row)})."
    yield _having(totals.weak_dates, "a weak date or none", "confidence:low OR -has:date")
    yield _having(totals.with_position, "a position", "has:location")
    if totals.outdated:
        were = "was" if totals.outdated == 1 else "were"
        yield (
            f"{totals.outdated:,} {were} read by an older version of the program: "
            "`catalog reread --outdated --dryrun` shows what this one reads otherwise."
        )
    if totals.with_problem:
        yield _having(totals.with_problem, "a problem: it cannot be looked at", "problem:*")


def _having(number: int, what: str, query: str) -> str:
    return f"{number:,} {'has' if number == 1 else 'have'} {what} (catalog search '{query}')."


def _counted(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"


def _store_lines(status: CatalogStatus) -> Iterator[str]:
    roots = {s["name"]: registry.show_root(s) for s in status.known_stores}
    stores = status.totals.stores
    names = sorted({*roots, *stores})
    if names:
        yield "Stores:"
    wide = max(10, *(len(n) + 1 for n in names)) if names else 0
    for name in names:
        part = stores.get(name, StoreTotals())
        lost = f"  {part.not_ok:,} missing or damaged" if part.not_ok else ""
        figures = f"{part.copies:>12,}  {size_text(part.bytes):>10}"
        yield printable(f"  {name:<{wide}}{figures}  {roots.get(name, '')}{lost}".rstrip())


def _year_lines(totals: Totals) -> Iterator[str]:
    years = dict(totals.years)
    undated = totals.assets - sum(years.values())
    if undated:
        years["undated"] = undated
    if years:
        yield "Years:"
        most = max(years.values())
    for year, number in years.items():
        yield f"  {year:<10}{number:>12,}  {'#' * max(1, round(_BAR * number / most))}"
