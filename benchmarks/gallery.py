"""How fast the pages come to their pictures, and what it costs.

    python benchmarks/gallery.py --column --assets 1000000

`--column` measures the timeline: synthetic documents are written straight into an index of the
program's own node (or of the one that the environment names); the column file is built from it,
brought up to date by one new asset, and laid out. A library that was written before is used again
(`--keep`).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np
from library import fill, make_document

from catalog.config import load
from catalog.features.timeline.keeper import TimelineKeeper
from catalog.features.timeline.view import ViewRequest, open_view
from catalog.work.progress import NoProgress
from catalog.work.workspace import Workspace

RUNS = 5
"""How often what can be repeated is measured; the worst is told."""
VIEWS = {
    "by taken": ViewRequest(),
    "by size": ViewRequest(sort="size", group="none"),
    "by chance": ViewRequest(sort="random", group="none", seed=7),
    "by folder": ViewRequest(group="folder"),
    "a query of 1 in 100": ViewRequest(query="favorite:yes"),
    "a query of 1 in 20": ViewRequest(query="kind:video"),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One line of the table."""

    what: str
    value: str


def column_figures(workspace: Workspace, folder: Path, assets: int) -> list[Measured]:
    """Build, follow and lay out the timeline of a catalog that has so many assets."""
    keeper = TimelineKeeper(workspace, folder)
    built = _timed(keeper.bring_up_to_date)
    column = keeper.column()
    assert column.count >= assets
    lines = [
        Measured("assets", f"{column.count:,}"),
        Measured("column file built", f"{built:.1f} s"),
        Measured("its size", f"{keeper.path.stat().st_size / 1e6:.0f} MB"),
        Measured("opened and checked", _worst(TimelineKeeper(workspace, folder)._opened)),
        Measured("looked at, nothing new", _worst(keeper.bring_up_to_date)),
    ]
    added = [_timed(partial(_add, workspace, keeper, n)) for n in range(RUNS)]
    lines.append(Measured("one new asset is in it after", f"{max(added):.2f} s"))
    column = keeper.column()
    for name, request in VIEWS.items():
        column.kept.clear()
        taken = _timed(partial(open_view, column, workspace, request, None))
        view = open_view(column, workspace, request, None)
        layout, window = _worst(view.layout), _worst(partial(view.window, 5000, 6000))
        lines.append(
            Measured(
                f"view {name} ({view.count:,})",
                f"{taken * 1000:.0f} ms; layout {layout}, window of 1,000 {window}",
            )
        )
    view = open_view(column, workspace, ViewRequest(), None)
    lines.append(Measured("layout, bytes an asset", f"{len(view.layout()) / view.count:.0f}"))
    lines.append(Measured("window, bytes an asset", f"{len(view.window(0, 1000)) / 1000:.0f}"))
    return [
        *lines,
        Measured("memory of its own (RssAnon), at the end", f"{_anonymous_mb():.0f} MB"),
    ]


def _add(workspace: Workspace, keeper: TimelineKeeper, number: int) -> None:
    document = make_document(10**9 + time.time_ns() % 10**8 + number)
    workspace.repository.bulk(
        [{"create": {"_index": workspace.repository.alias, "_id": document["hash"]}}, document]
    )
    name = bytes.fromhex(document["hash"])
    assert keeper.bring_up_to_date().position_of(name) is not None


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _worst(work: Callable[[], object]) -> str:
    return f"{max(_timed(work) for _ in range(RUNS)) * 1000:.1f} ms"


def _anonymous_mb() -> float:
    """Memory of this process that no file lies behind."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (kb,) = [line.split()[1] for line in lines if line.startswith("RssAnon")]
    return int(kb) / 1024


@click.command()
@click.option("--column", is_flag=True, help="Measure the timeline.")
@click.option("--assets", default=1_000_000, show_default=True)
@click.option("--index", default=f"bench-gallery-{os.getpid()}", help="Where the library lies.")
@click.option("--keep", is_flag=True, help="Leave the library, and use one that is there.")
def main(column: bool, assets: int, index: str, keep: bool) -> None:
    """Measure the pages."""
    workspace = Workspace(load(index=index), NoProgress())
    repository = workspace.repository
    try:
        if repository.count({"match_all": {}}) < assets:
            print(f"written in {_timed(lambda: fill(repository, assets)):.0f} s", file=sys.stderr)
        print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, numpy {np.__version__}")
        if column:
            with tempfile.TemporaryDirectory() as folder:
                for line in column_figures(workspace, Path(folder), assets):
                    print(f"| {line.what} | {line.value} |")
    finally:
        if not keep:
            for name in repository.connection.request("GET", f"/{index}*"):
                repository.connection.request("DELETE", f"/{name}")
        workspace.close()


if __name__ == "__main__":
    main()
