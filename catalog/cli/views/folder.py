"""What lies in a folder: facts of each photo and video, or how many files of each type."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from catalog.cli.console import Console
from catalog.cli.terminal import json_text
from catalog.domain.amounts import size_text
from catalog.domain.asset import Asset, Entry
from catalog.errors import DONE, SOME_FAILED
from catalog.features.inspection.folder import FileDescription, TypeCount

COLUMNS = (
    *("path", "hash", "size", "kind", "type", "mime"),
    *("taken", "taken_source", "taken_confidence", "taken_zone", "lat", "lon", "altitude"),
    *("country", "region", "city", "camera_make", "camera_model", "lens"),
    *("width", "height", "orientation", "duration", "video_codec", "audio_codec", "frame_rate"),
    *("phash", "sharpness", "brightness", "contrast", "blank", "blurred", "live_id", "image_hash"),
    *("title", "rating", "tags", "notes", "error"),
)
"""What is told of each file, in this order."""
Row: TypeAlias = dict[str, object]


def show_files(console: Console, files: Iterable[FileDescription], style: str) -> int:
    """As `json` (an array), `jsonl` (an object a line) or `csv`; 3 where one cannot be read."""
    unreadable = 0

    def rows() -> Iterator[Row]:
        nonlocal unreadable
        for file in files:
            unreadable += file.asset is None
            yield _row(file)

    {"json": _print_array, "jsonl": _print_lines, "csv": _print_csv}[style](
        rows(), console.out_data
    )
    return SOME_FAILED if unreadable else DONE


def _row(file: FileDescription) -> Row:
    if file.asset is not None:
        return asset_row(file.entry, file.asset)
    row: Row = dict.fromkeys(COLUMNS)
    found = {"path": file.entry.path, "size": file.entry.size}
    return row | found | {"tags": [], "notes": [], "error": file.problem}


def asset_row(entry: Entry, asset: Asset) -> Row:
    """All COLUMNS of one file; None where a value is not known."""
    facts, captured, place = asset.facts, asset.captured, asset.place
    values, quality, position = facts.values, facts.quality, facts.position
    found = {
        "path": entry.path,
        "hash": facts.hash,
        "size": facts.size,
        "kind": facts.kind,
        "type": facts.type,
        "mime": facts.mime,
        "taken": captured.isoformat() if captured else None,
        "taken_source": captured.source if captured else None,
        "taken_confidence": captured.confidence if captured else None,
        "taken_zone": captured.zone if captured else None,
        "lat": position.lat if position else None,
        "lon": position.lon if position else None,
        "altitude": position.altitude if position else None,
        "camera_make": values.get("make"),
        "camera_model": values.get("model"),
        "width": facts.width,
        "height": facts.height,
        "duration": facts.duration,
        "phash": facts.phash,
        "image_hash": facts.image_hash,
        "tags": list(facts.tags),
        "notes": list(dict.fromkeys([*asset.notes, *facts.notes])),
        "error": facts.problem or None,
        **_parts(place, ("country", "region", "city")),
        **_parts(quality, ("sharpness", "brightness", "contrast", "blank", "blurred")),
    }
    return {column: found.get(column, values.get(column)) for column in COLUMNS}


def _parts(whole: object | None, names: Iterable[str]) -> Row:
    return {} if whole is None else {name: getattr(whole, name) for name in names}


def _print_lines(rows: Iterable[Row], out: Callable[[str], None]) -> None:
    for row in rows:
        out(json_text(row))


def _print_array(rows: Iterable[Row], out: Callable[[str], None]) -> None:
    """Also where the rows end before their time, an array that is whole."""
    pending = ""
    try:
        for row in rows:
            out(f"{pending}," if pending else "[")
            pending = f"  {json_text(row)}"
    finally:
        out(f"{pending}\n]" if pending else "[]")


def _print_csv(rows: Iterable[Row], out: Callable[[str], None]) -> None:
    out(_csv_line(COLUMNS))
    for row in rows:
        out(_csv_line("; ".join(map(str, v)) if isinstance(v, list) else v for v in row.values()))


def _csv_line(values: Iterable[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(["" if v is None else v for v in values])
    return buffer.getvalue()


def show_types(console: Console, counts: Iterable[TypeCount]) -> int:
    """A line for each extension and recognised type."""
    if not console.json:
        console.out(f"{'extension':<12} {'type':<22} {'files':>9} {'bytes':>12}")
    for row in counts:
        if console.json:
            console.out_json(dataclasses.asdict(row))
        else:
            figures = f"{row.files:>9,} {size_text(row.bytes):>12}"
            console.out(f"{row.extension or '(none)':<12} {row.type:<22} {figures}")
    return DONE
