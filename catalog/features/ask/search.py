"""Questions to the catalog: search, show, status."""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from catalog.cli.console import Screen
from catalog.domain.amounts import size_text
from catalog.domain.fixity import is_content_hash
from catalog.domain.names import from_text, printable, to_text
from catalog.errors import DONE, AssetNotFound, QuerySyntaxError
from catalog.index import queries
from catalog.index.repository import Repository
from catalog.stores import registry
from catalog.stores.local import LocalStore
from catalog.work.workspace import Workspace

Document = Mapping[str, Any]


def run_search(workspace: Workspace, query: str, *, style: str, sort: str, limit: int, null: bool, screen: Screen) -> int:
    """Print what matches a query. A query that is not understood needs no Elasticsearch to be told so."""
    query = _without_raw_bytes(query)
    try:
        queries.build(query)
        queries.sort_order(sort)
        repository = workspace.existing_repository
        repository.refresh(repository.alias)
        if style == "count":
            screen.out(str(queries.count(repository, query)))
            return DONE
        found = queries.search(repository, query, sort=sort, limit=limit)
        if style == "jsonl":
            _print_jsonl(found, screen.out)
        elif style == "paths":
            print_paths(found, repository, null=null)
        else:
            _print_table(found, screen.out)
        return DONE
    except QuerySyntaxError as error:
        raise pointed(error, query) from error


def _without_raw_bytes(text: str) -> str:
    """The text with bytes of a name that are no UTF-8 as the catalog holds them: a backslash, here escaped, and `xNN`."""
    return re.sub("[\udc80-\udcff]", lambda m: f"\\\\x{ord(m[0]) - 0xDC00:02x}", text)


def pointed(error: QuerySyntaxError, query: str) -> QuerySyntaxError:
    """The error with the query and a mark under the spot, where one is known."""
    if error.position is None and error.__cause__ is None:
        return error
    shown = "".join(" " if c.isspace() else c for c in query)
    if error.position is None:  # what Elasticsearch found, but not where
        return QuerySyntaxError(f"{error.message.rstrip('.')}:\n  {printable(shown)}")
    mark = " " * _columns(printable(shown[: error.position])) + "^"
    return QuerySyntaxError("\n".join([f"{error.message}:", f"  {printable(shown)}", f"  {mark}", *filter(None, [error.hint])]))


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me", "Cf") else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text
    )


_NOT_TO_READ = ("look", "phash_inner")


def _print_jsonl(found: Iterator[Document], out: Callable[[str], None]) -> None:
    for document in found:
        out(orjson.dumps({name: value for name, value in document.items() if name not in _NOT_TO_READ}).decode())


def print_paths(found: Iterator[Document], repository: Repository, *, null: bool = False) -> None:
    """One path an asset, byte for byte as the system knows it, so that other programs can open it."""
    roots = _local_roots(repository)
    out = sys.stdout.buffer
    plain = sys.stdout.isatty() and not null
    for document in found:
        copy = _good_copy(document)
        if copy:
            root = roots.get(copy["store"])
            path = f"{from_text(root)}/{from_text(copy['path'])}" if root else f"{copy['store']}:{copy['path']}"
            out.write(printable(path).encode() if plain else os.fsencode(path))
            out.write(b"\0" if null else b"\n")
    out.flush()


def _good_copy(document: Document) -> Mapping[str, Any] | None:
    """The first copy that is known to be there."""
    return next((c for c in document.get("copies", []) if c["state"] == "ok"), None)


def _local_roots(repository: Repository) -> dict[str, str]:
    """The folder of each store on this machine, as text, by the store's name."""
    return {s["name"]: s["root"] for s in repository.stores() if s["kind"] == LocalStore.kind}


def _print_table(found: Iterator[Document], out: Callable[[str], None]) -> None:
    """Lines for a person: as wide as the terminal, whole where there is none."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    place, camera = (22, 22) if not width or width >= 120 else (18, 0)
    rows = 0
    for document in found:
        if not rows:
            header = f"{'taken':<21}{'kind':<7}{'place':<{place}}{'camera':<22}"[: 28 + place + camera]
            out(f"{header}{'size':>10}  path")
        rows += 1
        where = document.get("place", {})
        copy = _good_copy(document)
        line = "".join([
            _cell(document.get("captured", {}).get("wall", "").replace("T", " ")[:19], 21),
            _cell(document["kind"], 7),
            _cell(where.get("name") or where.get("city") or where.get("region") or where.get("country") or "", place),
            _cell(document.get("camera", {}).get("model", ""), camera),
            f"{size_text(document['size']):>10}  ",
        ])  # fmt: skip
        path = printable(f"{copy['store']}:{copy['path']}") if copy else "(no copy)"
        out(line + _ending(path, width - _columns(line) if width else 0))
    out(f"{rows:,} found." if rows else "Nothing found.")


def _cell(text: str, width: int) -> str:
    """The beginning of a text, and blanks up to a width in columns. At least two are blank; a width of 0 is no cell."""
    if not width:
        return ""
    text = printable(text)
    while _columns(text) > width - 2:
        text = text[:-1]
    return text + " " * (width - _columns(text))


def _ending(text: str, width: int) -> str:
    """The end of a path that is too long for a width in columns: there stands the file's name. A width of 0 is any."""
    if not width or _columns(text) <= width:
        return text
    while _columns(text) > max(width, 20) - 1:
        text = text[1:]
    return "\u2026" + text


def run_show(workspace: Workspace, what: str, screen: Screen) -> int:
    """Print all that is known of one asset."""
    repository = workspace.existing_repository
    repository.refresh()
    digest = find(repository, what)
    document = repository.get(digest)
    history = repository.history(digest)
    if screen.json:
        screen.out(orjson.dumps({**document, "history": history}).decode())
        return DONE
    for line in _description(document, history):
        screen.out(line)
    return DONE


def find(repository: Repository, what: str) -> str:
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
    return _find_file(repository, what)


def _find_file(repository: Repository, what: str) -> str:
    """The hash of a file on this machine, or of one that was, when it was uploaded from there."""
    from catalog.stores.local import LocalStore

    path = Path(os.path.realpath(what))
    if path.is_file():
        digest = LocalStore("file", path.parent, managed=False).checksum(to_text(path.name))
        if repository.known([digest]):
            return digest
        raise AssetNotFound(f"The content of {printable(what)} is not in the catalog.",
                            hint="Upload it with upload_to_nas_from_disk.")  # fmt: skip
    query = {"terms": {"original.path": [to_text(str(path)), to_text(from_text(str(path)))]}}
    uploaded = [hit["_id"] for page in repository.scan_pages(query, source=False, limit=1) for hit in page]
    if uploaded:
        return str(uploaded[0])
    if path.is_dir():
        raise AssetNotFound(f"{printable(what)} is a folder.", hint="Look into it with `catalog search 'path:FOLDER/*'`.")
    raise AssetNotFound(f"Nothing in the catalog has the hash or path {printable(what)}.",
                        hint="Look for it with `catalog search`.")  # fmt: skip


def _find_path(repository: Repository, what: str) -> str | None:
    """The asset that has, or had, a copy at a path: of any store, of a store named before it, or of a store's folder."""
    store, colon, rest = what.partition(":")
    typed: list[tuple[str, str | None]] = [(what, None), (rest, store)] if colon else [(what, None)]
    # As the catalog prints it, or as the system knows it: these differ where a name holds a backslash or is no UTF-8.
    candidates = [
        (form, name) for path, name in typed for form in (path, to_text(path)) if not re.search("[\ud800-\udfff]", form)
    ]
    path = Path(what).absolute()
    real = os.fspath(Path(os.path.realpath(path.parent)) / path.name)  # a link itself is no copy in the store
    for known, root in _local_roots(repository).items():
        base = os.path.realpath(from_text(root))
        if real.startswith(base.rstrip(os.sep) + os.sep):
            candidates.append((to_text(os.path.relpath(real, base)), known))
    for text, in_store in dict.fromkeys(candidates):
        for form in dict.fromkeys((text, unicodedata.normalize("NFC", text))):
            found = queries.by_path(repository, form, in_store)
            if found:
                return next((h for h in found if _is_there(repository.get(h), form)), found[0])
    return None


def _is_there(document: Document, path: str) -> bool:
    return any(c["path"] == path and c["state"] == "ok" for c in document["copies"])


def _description(document: Document, history: list[dict[str, Any]]) -> Iterator[str]:
    from catalog.domain.assignments import told

    yield f"{document['kind']} {document['type']}  {document['hash']}"
    captured = document.get("captured")
    if captured:
        wall = captured["wall"].replace("T", " ").removesuffix(".000")
        offset = f" (UTC{_offset_text(captured['offset_minutes'])})" if "offset_minutes" in captured else ""
        origin = f"from {captured['source']}, confidence {captured['confidence']}"
        yield _row("taken", f"{wall}{offset}", _taken_by_person(document) or origin)
        yield from _plain_lines({k: captured[k] for k in ("instant", "zone") if k in captured}, {}, "taken.")
    yield from _plain_lines(document, document.get("sources", {}), extracted=document.get("extracted", {}))
    yield from _taken_away(document)
    for copy in document.get("copies", []):
        yield _row("copy", f"{copy['store']}:{copy['path']}  {copy['state']}, verified {copy['verified']}")
    for sidecar in document.get("sidecars", []):
        yield _row("sidecar", f"{sidecar['store']}:{sidecar['path']}")
    for note in document.get("notes", []):
        yield _row("note", note)
    if history:
        yield "history"
    for event in history:
        source = f"  from {event['source']}" if event.get("source") else ""
        where = f"{event.get('store', '')}:{event.get('path', '')}" if event.get("path") else ""
        where = where or told(event.get("before", {}), event.get("after", {}))
        yield printable(f"  {event['at']}  {event['action']:<10} {where}{source}  run {event['run']}")


def _offset_text(minutes: int) -> str:
    """`+05:30` for 330 minutes east."""
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _row(name: str, value: object, origin: str = "") -> str:
    return printable(f"  {name:<26}{value}" + (f"   {origin}" if origin else ""))


def _by_person(stated: str | None) -> str:
    return f"set by you; the file says {stated or 'nothing'}"


def _taken_by_person(document: Document) -> str:
    from catalog.domain.assignments import taken_shown

    if "captured" not in document.get("extracted", {}):
        return ""
    covered = document["extracted"]["captured"]
    return _by_person(f"{taken_shown(covered)} ({covered['source']})" if covered else None)


def _taken_away(document: Document) -> Iterator[str]:
    """Values that the file states, and that a person made to be none."""
    for name, stated in _leaves(document.get("extracted", {}), ""):
        if stated is not None and _leaf(document, name) is None and not name.startswith("captured."):
            yield _row(name, "none", _by_person(_plain(name, stated)))


def _leaves(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and key != "location":
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _leaf(values: Mapping[str, Any], name: str) -> Any:
    first, _, rest = name.partition(".")
    value = values.get(first)
    return _leaf(value, rest) if rest and isinstance(value, Mapping) else None if rest else value


def _origin(name: str, value: Any, sources: Mapping[str, str], extracted: Mapping[str, Any]) -> str:
    """Who gave a value: a reader of the file, or a person, and then what the file says."""
    stated = _leaf(extracted, name)
    if name.partition(".")[0] in extracted and not name.endswith(".source"):
        if stated != value:
            return _by_person(None if stated is None else _plain(name, stated))
        if "." not in name:
            return "set by you; the file says the same"
    source = sources.get(_READ_AS.get(name, name))
    return f"from {source}" if source else ""


_READ_AS = {
    "camera.make": "make", "camera.model": "model", "camera.lens": "lens", "video.codec": "video_codec",
    "video.audio_codec": "audio_codec", "video.frame_rate": "frame_rate", "video.rotation": "rotation",
    "exposure.time": "exposure_time", "exposure.f_number": "f_number", "exposure.iso": "iso",
    "exposure.focal_length": "focal_length", "exposure.focal_length_35mm": "focal_length_35mm", "exposure.flash": "flash",
}  # fmt: skip
"""Fields of the document, and the names under which `sources` says who read them."""
_SHOWN_APART = frozenset({"hash", "kind", "type", "captured", "copies", "sidecars", "notes", "sources", "stores", "paths",
                          "person", "extracted", "manual", "look", "phash_inner"})  # fmt: skip


def _plain_lines(
    document: Document, sources: Mapping[str, str], prefix: str = "", *, extracted: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[str]:
    for key, value in document.items():
        name = f"{prefix}{key}"
        if name in _SHOWN_APART:
            continue
        if isinstance(value, dict) and key != "location":
            yield from _plain_lines(value, sources, f"{name}.", extracted=extracted)
        else:
            yield _row(name, _plain(name, value), _origin(name, value, sources, extracted))


def _plain(name: str, value: Any) -> str:
    if name == "location":
        return f"{value['lat']}, {value['lon']}"
    if name == "size":
        return size_text(value) + (f" ({value:,} bytes)" if value >= 1000 else "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def run_status(workspace: Workspace, screen: Screen) -> int:
    """Print what the catalog holds."""
    repository = workspace.existing_repository
    repository.refresh(repository.alias)
    found = queries.totals(repository, workspace.settings.min_copies)
    found["known_stores"] = repository.stores()
    found["shortfalls"] = queries.shortfalls(repository, workspace.policies)
    if screen.json:
        screen.out(orjson.dumps(found).decode())
        return DONE
    for line in _status_lines(found):
        screen.out(line)
    return DONE


def _status_lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{_counted(found['assets'], 'asset')}, {size_text(found['bytes'])}; {_counted(found['copies'], 'copy')}."
    for kind, part in found["kinds"].items():
        yield f"  {kind:<10}{part['assets']:>12,}  {size_text(part['bytes']):>10}"
    yield from _store_lines(found)
    yield from _year_lines(found)
    if not found["assets"]:
        yield "Nothing is in this catalog yet: upload_to_nas_from_disk brings photos and videos in."
        return
    for row in found["shortfalls"]:
        if row["assets"]:
            yield f"{queries.told(row)} ({row['see']})."
    for key, text, query in (
        ("weak_dates", "a weak date or none", "confidence:low OR -has:date"),
        ("with_position", "a position", "has:location"),
        ("with_problem", "a problem: it cannot be looked at", "problem:*"),
    ):
        number = found[key]
        if number or key != "with_problem":
            yield f"{number:,} {'has' if number == 1 else 'have'} {text} (catalog search '{query}')."


def _counted(number: int, what: str) -> str:
    plural = {"asset": "assets", "copy": "copies"}[what]
    return f"{number:,} {what if number == 1 else plural}"


def _store_lines(found: Mapping[str, Any]) -> Iterator[str]:
    roots = {s["name"]: registry.shown(s) for s in found["known_stores"]}
    names = sorted({*roots, *found["stores"]})
    if names:
        yield "Stores:"
    wide = max(10, *(len(n) + 1 for n in names)) if names else 0
    for name in names:
        part = found["stores"].get(name, {"copies": 0, "bytes": 0, "not_ok": 0})
        lost = f"  {part['not_ok']:,} missing or damaged" if part["not_ok"] else ""
        yield printable(
            f"  {name:<{wide}}{part['copies']:>12,}  {size_text(part['bytes']):>10}  {roots.get(name, '')}{lost}".rstrip()
        )


def _year_lines(found: Mapping[str, Any]) -> Iterator[str]:
    years = dict(found["years"])
    undated = found["assets"] - sum(years.values())
    if undated:
        years["undated"] = undated
    if years:
        yield "Years:"
        most = max(years.values())
    for year, number in years.items():
        yield f"  {year:<10}{number:>12,}  {'#' * max(1, round(40 * number / most))}"
