"""What must be true of a document that comes from elsewhere, before it may join a catalog: its
shape, and that no path in it leads out of where it belongs. The index checks the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

from catalog.domain.access import ROLES, TOKEN_SCOPES, is_user_name
from catalog.domain.copies import milliseconds
from catalog.domain.document import (
    AccessRow,
    AssetDocument,
    CopyRow,
    DecisionRow,
    EventRow,
    EventSide,
    FileRow,
    HandoverRow,
    SourceRow,
    StoreRecord,
)
from catalog.domain.shapes import find_problem
from catalog.index import schema
from catalog.stores.paths import PRIVATE

LONGEST_ID = 512
"""Bytes of the longest id that Elasticsearch takes."""
_NO_NAMES = frozenset({"", ".", ".."})
_TYPES: dict[str, type] = {
    schema.ASSETS: AssetDocument,
    "events": EventRow,
    "stores": StoreRecord,
    "sources": SourceRow,
    "decisions": DecisionRow,
    "handovers": HandoverRow,
    schema.ACCESS: AccessRow,
}


def problem_of(what: str, key: str, document: Mapping[str, object]) -> str:
    """Why a document cannot be one of an index; "" where it can."""
    if len(key.encode("utf-8", "surrogatepass")) > LONGEST_ID:
        return "its id is too long"
    problem = find_problem(document, _TYPES[what])
    return f"it {problem}" if problem else _CHECKS.get(what, _nothing)(key, document)


def _nothing(_key: str, _document: Mapping[str, object]) -> str:
    return ""


def _asset_problem(key: str, row: Mapping[str, object]) -> str:
    document = cast("AssetDocument", row)
    if document.get("hash") != key:
        return "its hash is not its id"
    if not _are_moments(document.get("copies") or []):
        return "a copy's time of verification is none"
    return _path_problem(_paths_of(document))


def _event_problem(_key: str, row: Mapping[str, object]) -> str:
    event = cast("EventRow", row)
    sides = [event.get("before") or EventSide(), event.get("after") or EventSide()]
    paths = [path for side in sides for path in _paths_of_side(side)]
    if event.get("effect") == "file":
        paths += [path for path in (event.get("path"), event.get("trash")) if path]
        if event["action"] == "move":
            paths.append(event.get("source") or "")
    handed = (side.get("handover") for side in sides)
    return _path_problem(paths) or next(
        (found for record in handed if record and (found := _staged_problem(record))), ""
    )


def _store_problem(_key: str, row: Mapping[str, object]) -> str:
    name = cast("StoreRecord", row)["name"]
    return f"{name!r} is no name of a store" if not name or set(name) & set("/\0") else ""


def _access_problem(key: str, row: Mapping[str, object]) -> str:
    record = cast("AccessRow", row)
    kind, _colon, name = key.partition(":")
    if kind != record.get("kind") or kind not in ("user", "token"):
        return "it is neither a user nor a token"
    if not is_user_name(record.get("name", "")):
        return "its name is none"
    if kind == "user" and (name != record["name"].casefold() or record.get("role") not in ROLES):
        return "its role or its id is none"
    return "" if set(record.get("scopes", ())) <= set(TOKEN_SCOPES) else "it may do too much"


def _handover_problem(_key: str, row: Mapping[str, object]) -> str:
    return _staged_problem(cast("HandoverRow", row))


_CHECKS: dict[str, Callable[[str, Mapping[str, object]], str]] = {
    schema.ASSETS: _asset_problem,
    "events": _event_problem,
    "stores": _store_problem,
    "handovers": _handover_problem,
    schema.ACCESS: _access_problem,
}


def _staged_problem(record: HandoverRow) -> str:
    """Why a staged copy cannot lie where a record says, or ""."""
    folder, name = record.get("folder") or "", record.get("name") or ""
    if (folder and not folder.startswith("/")) or "\0" in folder:
        return f"its folder {folder!r} is no absolute path"
    if "/" in name or "\0" in name or name in (".", ".."):
        return f"its name {name!r} leads out of its folder"
    return ""


def _paths_of(document: AssetDocument) -> Iterator[str]:
    return _paths_of_rows(document.get("copies") or [], document.get("sidecars") or [])


def _paths_of_side(side: EventSide) -> Iterator[str]:
    yield from _paths_of_rows(side.get("copies") or [], side.get("sidecars") or [])
    yield from _paths_of(side.get("document") or AssetDocument())


def _paths_of_rows(*rows: Iterable[FileRow]) -> Iterator[str]:
    return (row["path"] for some in rows for row in some)


def _path_problem(paths: Iterable[str]) -> str:
    """That a path leads out of its store, or into what that keeps for itself; or ""."""
    return next((f"{path!r} is no path inside a store" for path in paths if _leaves(path)), "")


def _leaves(path: str) -> bool:
    parts = path.split("/")
    return not _NO_NAMES.isdisjoint(parts) or parts[0].lower() == PRIVATE or "\0" in path


def _are_moments(rows: Iterable[CopyRow]) -> bool:
    try:
        return all(milliseconds(row.get("verified")) >= 0 for row in rows)
    except (ValueError, TypeError):
        return False
