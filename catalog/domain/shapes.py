"""Whether a row that comes from elsewhere has the shape of its type (`domain.document`).

A field that the type does not know is left to the index, which refuses it. None counts as a field
that is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

from catalog.domain.document import (
    AssetDocument,
    CopyRow,
    DecisionRow,
    EventRow,
    EventSide,
    HandoverRow,
    SidecarRow,
    SourceRow,
    StoreRecord,
)

Check = Callable[[object], str]
"""From a value to what is wrong with it, behind the name of its field; "" where nothing is."""
_SIMPLE: dict[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), " is no text"),
    int: ((int,), " is no whole number"),
    float: ((float, int), " is no number"),
    bool: ((bool,), " is neither true nor false"),
}
_INODE = {"device", "inode"}
"""Fields that are a number on a disk, and may be a text elsewhere."""
_NEEDED: dict[Any, tuple[str, ...]] = {
    CopyRow: ("store", "path", "state"),
    SidecarRow: ("store", "path", "hash"),
    EventRow: ("action", "hash"),
    StoreRecord: ("name", "id"),
    SourceRow: ("hash",),
    DecisionRow: ("kind", "hash", "other"),
    HandoverRow: ("target", "hash"),
}
"""What a row needs: without the other fields of its type an earlier version may have written it."""


def find_problem(row: object, kind: type) -> str:
    """What is wrong with a row of a TypedDict, in words that go on after "it": "" where nothing."""
    return _check_of(kind)(row).strip()


@cache
def _check_of(kind: Any) -> Check:
    """The check of a type: of a TypedDict, a list, a dict, a union, or a simple one."""
    if is_typeddict(kind):
        return _check_of_row(kind)
    origin = get_origin(kind)
    if origin is list:
        return _check_of_list(_check_of(get_args(kind)[0]))
    if origin is dict:
        return _check_of_dict(_check_of(get_args(kind)[1]))
    if origin in (Union, UnionType):
        return _check_of_union([part for part in get_args(kind) if part is not NoneType])
    types, words = _SIMPLE[kind]
    return lambda value: "" if type(value) in types else words


def _check_of_union(kinds: list[Any]) -> Check:
    checks = [_check_of(kind) for kind in kinds]
    return lambda value: "" if any(not check(value) for check in checks) else checks[0](value)


def _check_of_list(check: Check) -> Check:
    def list_problem(value: object) -> str:
        if type(value) is not list:
            return " is no list"
        return next((f" has an element that{found}" for found in map(check, value) if found), "")

    return list_problem


def _check_of_dict(check: Check) -> Check:
    def dict_problem(value: object) -> str:
        if type(value) is not dict:
            return " is no object"
        return next((f"{found}: {name}" for name, v in value.items() if (found := check(v))), "")

    return dict_problem


def _check_of_row(kind: Any) -> Check:
    hints = get_type_hints(kind)
    if kind is EventSide:  # besides its own, any field of a document
        hints = get_type_hints(AssetDocument) | hints
    checks = {name: _check_of(hint) for name, hint in hints.items()}
    if kind is not AssetDocument:  # whose field `device` is another
        checks |= dict.fromkeys(_INODE & checks.keys(), _check_of(int | str))
    simple = {name: _SIMPLE[hint][0] for name, hint in hints.items() if hint in _SIMPLE}
    return _row_check(checks, simple, _NEEDED.get(kind, ()))


def _row_check(
    checks: Mapping[str, Check], simple: Mapping[str, tuple[type, ...]], needed: tuple[str, ...]
) -> Check:
    """`simple` are the types of fields that hold no others: the many that are quickly told."""
    types_of, check_of = simple.get, checks.get

    def row_problem(value: object) -> str:
        if type(value) is not dict:
            return " is no object"
        for name in needed:
            if value.get(name) is None:
                return f" has no {name}"
        doubtful = [name for name, part in value.items() if type(part) not in types_of(name, ())]
        for name in doubtful:
            check, part = check_of(name), value[name]
            if check is not None and part is not None and (found := check(part)):
                return f" has a field {name} that{found}"
        return ""

    return row_problem
