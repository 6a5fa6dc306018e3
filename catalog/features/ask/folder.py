"""Looking at a folder without an index: facts of every file, and counts of types."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from catalog.cli.console import Screen
from catalog.domain.amounts import size_text
from catalog.domain.asset import Asset, Entry, Facts
from catalog.domain.filetypes import HEAD_BYTES, IGNORED_NAMES, MEDIA_EXTENSIONS, extension_of, recognise
from catalog.domain.names import from_text
from catalog.domain.stacks import attach_sidecars
from catalog.errors import DONE, SOME_FAILED, MediaError, StoreError, UnsupportedType
from catalog.media.request import Request
from catalog.stores.local import LocalStore
from catalog.work.description import utc_now
from catalog.work.guards import check_folder
from catalog.work.workspace import Workspace

COLUMNS = (
    "path", "hash", "size", "kind", "type", "mime", "taken", "taken_source", "taken_confidence", "taken_zone", "lat", "lon",
    "altitude", "country", "region", "city", "camera_make", "camera_model", "lens", "width", "height", "orientation", "duration",
    "video_codec", "audio_codec", "frame_rate", "phash", "sharpness", "brightness", "contrast", "blank", "blurred", "live_id",
    "image_hash", "title", "rating", "tags", "notes", "error",
)  # fmt: skip
"""What `images_in_directory` tells of each file, in this order."""


def run_images(workspace: Workspace, directory: str, *, recursive: bool, style: str, screen: Screen) -> int:
    """Print one row a file, in listing order."""
    base = str(check_folder(directory))
    failed = False
    writer = {"json": _json_rows, "jsonl": _json_lines, "csv": _csv_rows}[style](screen.out)
    for row in _rows(workspace, base, recursive=recursive):
        failed = failed or row["hash"] is None
        writer.send(row)
    writer.close()
    return SOME_FAILED if failed else DONE


def _rows(workspace: Workspace, base: str, *, recursive: bool) -> Iterator[dict[str, Any]]:
    """Rows in listing order, as soon as all before them are known."""
    describer = workspace.describer(base)
    order: deque[Entry] = deque()
    ready: dict[str, dict[str, Any]] = {}

    def requests() -> Iterator[tuple[Entry, Request | None]]:
        for entry, sidecars in _candidates(base, recursive=recursive):
            order.append(entry)
            if entry.problem:
                ready[entry.path] = _problem_row(entry, entry.problem)
                yield entry, None
            else:
                yield entry, Request(_system(base, entry), tuple(_system(base, s) for s in sidecars), size=entry.size)

    with workspace.readers() as pool:
        for entry, result in pool.run(requests()):
            if isinstance(result, Facts):
                ready[entry.path] = asset_row(entry, describer.describe(result, entry, utc_now()))
            elif isinstance(result, UnsupportedType) and extension_of(entry.name) not in MEDIA_EXTENSIONS:
                order.remove(entry)
            elif isinstance(result, MediaError):
                ready[entry.path] = _problem_row(entry, str(result))
            while order and order[0].path in ready:
                yield ready.pop(order.popleft().path)


def _system(base: str, entry: Entry) -> str:
    return f"{base}/{from_text(entry.path)}"


def _candidates(base: str, *, recursive: bool) -> Iterator[tuple[Entry, tuple[Entry, ...]]]:
    """Every file that may be a photo or video, and its sidecars, a folder at a time."""
    folder: list[Entry] = []
    for entry in LocalStore("source", Path(base), managed=False).list(recursive=recursive):
        if folder and folder[0].folder != entry.folder:
            yield from _attached(folder)
            folder = []
        folder.append(entry)
    yield from _attached(folder)


def _attached(folder: list[Entry]) -> Iterator[tuple[Entry, tuple[Entry, ...]]]:
    wanted = [e for e in folder if not e.name.startswith(".") and e.name.lower() not in IGNORED_NAMES]
    for candidate in attach_sidecars(wanted)[0]:
        yield candidate.entry, candidate.sidecars


def asset_row(entry: Entry, asset: Asset) -> dict[str, Any]:
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
        **({f: getattr(place, f) for f in ("country", "region", "city")} if place else {}),
        **({f: getattr(quality, f) for f in ("sharpness", "brightness", "contrast", "blank", "blurred")} if quality else {}),
    }
    return {column: found.get(column, values.get(column)) for column in COLUMNS}


def _problem_row(entry: Entry, reason: str) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    return row | {"path": entry.path, "size": entry.size, "tags": [], "notes": [], "error": reason}


Writer = Any


def _started(generator: Callable[[Callable[[str], None]], Any]) -> Callable[[Callable[[str], None]], Writer]:
    def start(out: Callable[[str], None]) -> Writer:
        writer = generator(out)
        next(writer)
        return writer

    return start


@_started
def _json_lines(out: Callable[[str], None]) -> Any:
    while True:
        out(orjson.dumps((yield)).decode())


@_started
def _json_rows(out: Callable[[str], None]) -> Any:
    before = "["
    try:
        while True:
            row = yield
            if before:
                out(before)
                before = ""
                pending = orjson.dumps(row).decode()
                continue
            out(f"  {pending},")
            pending = orjson.dumps(row).decode()
    except GeneratorExit:
        out("[]" if before else f"  {pending}\n]")
        raise


@_started
def _csv_rows(out: Callable[[str], None]) -> Any:
    out(_csv_line(COLUMNS))
    while True:
        row = yield
        out(_csv_line("; ".join(map(str, v)) if isinstance(v, list) else v for v in row.values()))


def _csv_line(values: Any) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(["" if v is None else v for v in values])
    return buffer.getvalue()


def run_types(directory: str, *, recursive: bool, screen: Screen) -> int:
    """Print extension, recognised type, count and bytes, most files first."""
    base = str(check_folder(directory))
    counts: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    for entry in LocalStore("source", Path(base), managed=False).list(recursive=recursive):
        key = (extension_of(entry.name), _recognised(base, entry))
        counts[key] += 1
        sizes[key] += entry.size
    rows = [(*key, count, sizes[key]) for key, count in sorted(counts.items(), key=lambda i: (-i[1], i[0]))]
    if not screen.json:
        screen.out(f"{'extension':<12} {'type':<22} {'files':>9} {'bytes':>12}")
    for extension, found, count, size in rows:
        if screen.json:
            screen.out(orjson.dumps({"extension": extension, "type": found, "files": count, "bytes": size}).decode())
        else:
            screen.out(f"{extension or '(none)':<12} {found:<22} {count:>9,} {size_text(size):>12}")
    return DONE


def _recognised(base: str, entry: Entry) -> str:
    if entry.problem:
        return "not readable"
    if entry.size == 0:
        return "empty"
    try:
        with LocalStore("source", Path(base), managed=False).open(entry.path) as stream:
            found = recognise(stream.read(HEAD_BYTES), os.path.basename(entry.path))  # noqa: PTH119
    except (StoreError, OSError):
        return "not readable"
    return f"{found.kind} {found.name}" if found else "unknown"
