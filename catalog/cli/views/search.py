"""What a search found: as a table, as documents, as paths, or how many."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator

from catalog.cli.console import Console
from catalog.cli.terminal import ByteOutput
from catalog.domain.amounts import size_text
from catalog.domain.names import columns, printable
from catalog.errors import DONE
from catalog.features.inspection.facts import NOT_TO_READ
from catalog.features.inspection.search import FoundAsset, SearchResult

_WIDE = 120
"""Columns of a terminal from which on there is room for all."""


def show(console: Console, found: SearchResult, *, style: str, null: bool) -> int:
    """In the style `table`, `jsonl`, `paths` or `count`; `null` ends paths with a NUL byte."""
    if style == "count":
        console.out(str(found.count()))
    elif style == "jsonl":
        for asset in found:
            console.out_json({k: v for k, v in asset.document.items() if k not in NOT_TO_READ})
    elif style == "paths":
        print_paths(found.paths(), null=null)
    else:
        _print_table(found, console.out)
    return DONE


def print_paths(paths: Iterator[str], *, null: bool = False) -> None:
    """One path an asset, byte for byte as the system knows it, for other programs to open; on a
    terminal what could steer it is escaped.
    """
    out = ByteOutput()
    is_read = sys.stdout.isatty()
    for path in paths:
        name = printable(path).encode() if is_read else os.fsencode(path)
        out.write(name + (b"\0" if null else b"\n"))
    out.flush()


def _print_table(found: SearchResult, out: Callable[[str], None]) -> None:
    """Lines for a person: as wide as the terminal, whole where there is none."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    place, camera = (22, 22) if not width or width >= _WIDE else (18, 0)
    rows = 0
    for asset in found:
        if not rows:
            header = f"{'taken':<21}{'kind':<7}{'place':<{place}}{'camera':<22}"
            out(f"{header[: 28 + place + camera]}{'size':>10}  path")
        rows += 1
        cells = [
            _cell(asset.taken.replace("T", " ")[:19], 21),
            _cell(asset.kind, 7),
            _cell(asset.place, place),
            _cell(asset.camera, camera),
            f"{size_text(asset.size):>10}  ",
        ]
        line = "".join(cells)
        out(line + _ending(_path(asset), width - columns(line) if width else 0))
    out(_sum(found, rows))


def _path(asset: FoundAsset) -> str:
    copy = asset.copy
    return printable(f"{copy['store']}:{copy['path']}") if copy else "(no copy)"


def _sum(found: SearchResult, rows: int) -> str:
    """How many there are, and of how many where a limit left some out."""
    if not rows:
        return "Nothing found."
    total = found.count() if rows == found.request.limit else rows
    return f"{rows:,} of {total:,} found." if total > rows else f"{rows:,} found."


def _cell(text: str, width: int) -> str:
    """The beginning of a text, and blanks, two at least, up to a width in columns; 0 is no cell."""
    if not width:
        return ""
    text = printable(text)
    while columns(text) > width - 2:
        text = text[:-1]
    return text + " " * (width - columns(text))


def _ending(text: str, width: int) -> str:
    """The end of a path that is too long for a width in columns: the name is there. 0 is any."""
    if not width or columns(text) <= width:
        return text
    while columns(text) > max(width, 20) - 1:
        text = text[1:]
    return "\u2026" + text
