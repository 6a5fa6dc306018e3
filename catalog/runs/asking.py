"""Questions to the catalog: search, show, status."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from catalog.console import Screen
from catalog.domain.fixity import is_content_hash
from catalog.domain.names import from_text, to_text
from catalog.errors import DONE, AssetNotFound, QuerySyntaxError
from catalog.execution.report import size_text
from catalog.index import queries
from catalog.index.repository import Repository
from catalog.stores.local import LocalStore
from catalog.wiring import Workspace

Document = Mapping[str, Any]


def run_search(workspace: Workspace, query: str, *, style: str, sort: str, limit: int, screen: Screen) -> int:
    """Print what matches a query."""
    try:
        repository = workspace.repository
        repository.refresh(repository.alias)
        if style == "count":
            screen.out(str(queries.count(repository, query)))
            return DONE
        found = queries.search(repository, query, sort=sort, limit=limit)
        _FORMATS[style](found, repository, screen.out)
        return DONE
    except QuerySyntaxError as error:
        raise _pointed(error, query) from error


def _pointed(error: QuerySyntaxError, query: str) -> QuerySyntaxError:
    """The error with the query and a mark under the spot."""
    if error.position is None:
        return error
    mark = " " * _columns(query[: error.position]) + "^"
    return QuerySyntaxError(f"{error.message}:\n  {query}\n  {mark}", hint="\n" + error.hint if error.hint else "")


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _print_jsonl(found: Iterator[Document], _repository: Repository, out: Callable[[str], None]) -> None:
    for document in found:
        out(orjson.dumps(document).decode())


def _print_paths(found: Iterator[Document], repository: Repository, out: Callable[[str], None]) -> None:
    roots = _local_roots(repository)
    for document in found:
        for copy in document.get("copies", []):
            if copy["state"] == "ok":
                root = roots.get(copy["store"])
                out(f"{root}/{copy['path']}" if root else f"{copy['store']}:{copy['path']}")
                break


def _local_roots(repository: Repository) -> dict[str, str]:
    return {s["name"]: s["root"] for s in repository.stores() if s["kind"] == "local"}


def _print_table(found: Iterator[Document], _repository: Repository, out: Callable[[str], None]) -> None:
    width = shutil.get_terminal_size((160, 24)).columns
    rows = 0
    for document in found:
        if not rows:
            out(f"{'taken':<21}{'kind':<7}{'place':<22}{'camera':<22}{'size':>10}  path")
        rows += 1
        place = document.get("place", {})
        copy = next((c for c in document.get("copies", []) if c["state"] == "ok"), None)
        line = "".join([
            _cell(str(document.get("captured", {}).get("wall", "")).replace("T", " ")[:19], 21),
            _cell(document["kind"], 7),
            _cell(place.get("city") or place.get("region") or place.get("country") or "", 22),
            _cell(document.get("camera", {}).get("model", ""), 22),
            f"{size_text(document['size']):>10}  ",
            f"{copy['store']}:{copy['path']}" if copy else "(no copy)",
        ])  # fmt: skip
        out(line if width >= 100 else line[: max(width, 60)])
    out(f"{rows:,} found." if rows else "Nothing found.")


def _cell(text: str, width: int) -> str:
    while _columns(text) > width - 2:
        text = text[:-1]
    return text + " " * (width - _columns(text))


_FORMATS: dict[str, Callable[[Iterator[Document], Repository, Callable[[str], None]], None]] = {
    "table": _print_table,
    "jsonl": _print_jsonl,
    "paths": _print_paths,
}


def run_show(workspace: Workspace, what: str, screen: Screen) -> int:
    """Print all that is known of one asset."""
    repository = workspace.repository
    repository.refresh()
    digest = _find(repository, what)
    document = repository.get(digest)
    history = repository.history(digest)
    if screen.json:
        screen.out(orjson.dumps({**document, "history": history}).decode())
        return DONE
    for line in _description(document, history):
        screen.out(line)
    return DONE


def _find(repository: Repository, what: str) -> str:
    """The hash that a hash, the beginning of one, a path in a store, or a file on this machine means."""
    text = what.strip().lower()
    if is_content_hash(text):
        return text
    by_path = _find_path(repository, what)
    if by_path:
        return by_path
    if len(text) >= 4 and all(c in "0123456789abcdef" for c in text):
        found = queries.by_prefix(repository, text)
        if len(found) == 1:
            return found[0]
        if found:
            raise AssetNotFound(f"More than one asset's hash begins with {what}.", hint="Give more digits.")
    path = Path(what)
    if path.is_file():
        digest = LocalStore("file", path.absolute().parent, managed=False).checksum(to_text(path.name))
        if repository.known([digest]):
            return digest
        raise AssetNotFound(f"The content of {what} is not in the catalog.", hint="Upload it with upload_to_nas_from_disk.")
    raise AssetNotFound(f"Nothing in the catalog has the hash or path {what}.", hint="Look for it with `catalog search`.")


def _find_path(repository: Repository, what: str) -> str | None:
    real = os.path.realpath(what)
    candidates: list[tuple[str, str | None]] = [(what, None)]
    store, colon, rest = what.partition(":")
    if colon:
        candidates.append((rest, store))
    for name, root in _local_roots(repository).items():
        base = os.path.realpath(from_text(root))
        if real.startswith(base + os.sep):
            candidates.append((to_text(real[len(base) + 1 :]), name))
    for path, in_store in candidates:
        found = queries.by_path(repository, path, in_store)
        if found:
            return found[0]
    return None


def _description(document: Document, history: list[dict[str, Any]]) -> Iterator[str]:
    yield f"{document['kind']} {document['type']}  {document['hash']}"
    captured = document.get("captured")
    if captured:
        offset = f" (UTC{captured['offset_minutes'] / 60:+g} h)" if "offset_minutes" in captured else ""
        wall = captured["wall"].replace("T", " ")
        yield _row("taken", f"{wall}{offset}", f"{captured['source']}, confidence {captured['confidence']}")
    yield from _plain_lines(document, document.get("sources", {}))
    for copy in document.get("copies", []):
        yield _row("copy", f"{copy['store']}:{copy['path']}  {copy['state']}, verified {copy['verified']}")
    for sidecar in document.get("sidecars", []):
        yield _row("sidecar", f"{sidecar['store']}:{sidecar['path']}")
    for note in document.get("notes", []):
        yield _row("note", note)
    yield "history"
    for event in history:
        where = f"{event.get('store', '')}:{event.get('path', '')}"
        yield f"  {event['at']}  {event['action']:<10} {where}  from {event.get('source', '')}  run {event['run']}"


def _row(name: str, value: object, source: str | None = None) -> str:
    return f"  {name:<26}{value}" + (f"   from {source}" if source else "")


_READ_AS = {
    "camera.make": "make", "camera.model": "model", "camera.lens": "lens", "video.codec": "video_codec",
    "video.audio_codec": "audio_codec", "video.frame_rate": "frame_rate", "video.rotation": "rotation",
    "exposure.time": "exposure_time", "exposure.f_number": "f_number", "exposure.iso": "iso",
    "exposure.focal_length": "focal_length", "exposure.focal_length_35mm": "focal_length_35mm", "exposure.flash": "flash",
}  # fmt: skip
"""Fields of the document, and the names under which `sources` says who read them."""
_SHOWN_APART = frozenset({"hash", "kind", "type", "captured", "copies", "sidecars", "notes", "sources", "stores", "paths"})


def _plain_lines(document: Document, sources: Mapping[str, str], prefix: str = "") -> Iterator[str]:
    for key, value in document.items():
        name = f"{prefix}{key}"
        if name in _SHOWN_APART:
            continue
        if isinstance(value, dict) and key != "location":
            yield from _plain_lines(value, sources, f"{name}.")
        else:
            yield _row(name, _plain(name, value), sources.get(_READ_AS.get(name, name)))


def _plain(name: str, value: Any) -> str:
    if name == "location":
        return f"{value['lat']}, {value['lon']}"
    if name == "size":
        return size_text(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def run_status(workspace: Workspace, screen: Screen) -> int:
    """Print what the catalog holds."""
    repository = workspace.repository
    repository.refresh(repository.alias)
    found = queries.totals(repository, workspace.settings.min_copies)
    found["known_stores"] = repository.stores()
    if screen.json:
        screen.out(orjson.dumps(found).decode())
        return DONE
    for line in _status_lines(found):
        screen.out(line)
    return DONE


def _status_lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{found['assets']:,} assets, {size_text(found['bytes'])}; {found['copies']:,} copies."
    for kind, part in found["kinds"].items():
        yield f"  {kind:<10}{part['assets']:>12,}  {size_text(part['bytes']):>10}"
    yield "Stores:"
    roots = {s["name"]: s["root"] for s in found["known_stores"]}
    for name in sorted({*roots, *found["stores"]}):
        part = found["stores"].get(name, {"copies": 0, "bytes": 0, "not_ok": 0})
        lost = f"  {part['not_ok']:,} missing or damaged" if part["not_ok"] else ""
        yield f"  {name:<10}{part['copies']:>12,}  {size_text(part['bytes']):>10}  {roots.get(name, '')}{lost}"
    if found["years"]:
        yield "Years:"
        most = max(found["years"].values())
        for year, number in found["years"].items():
            yield f"  {year:<10}{number:>12,}  {'#' * max(1, round(40 * number / most))}"
    yield f"{found['lacking_copies']:,} have fewer than {found['min_copies']} copies."
    yield f"{found['weak_dates']:,} have a weak date (catalog search 'confidence:low')."
    yield f"{found['with_position']:,} have a position."
    if found["with_problem"]:
        yield f"{found['with_problem']:,} cannot be looked at (catalog search 'problem:*')."
