"""What goes between the processes that read files and the one that asks: JSON of known shapes.

A process that a hostile file has taken over can send what it likes. It is no code that runs here,
it is no longer than a bound, and it has the shape of what was asked for, or it is refused.
"""

from __future__ import annotations

import json
import math
import struct
import types
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import (
    Any,
    NamedTuple,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import orjson

HEADER = struct.Struct("<I")
LARGEST = 64 << 20
"""Bytes of a message that are taken; a preview has some hundred thousand."""
T = TypeVar("T")
Convert = Callable[[Any], Any]


class Answer(NamedTuple):
    """What became of a request: its kind, and the value, whose type follows from both.

    `kind` is `read`, `unsupported`, `unreadable` or `wanted`.
    """

    kind: str
    value: Any


def pack(message: object) -> bytes:
    """A message with its length before it."""
    try:
        data = orjson.dumps(message, default=_plain)
    except TypeError:  # text that is none (bytes of a name), or numbers beyond 64 bits
        data = json.dumps(message, default=_plain).encode()
    return HEADER.pack(len(data)) + data


def unpack(data: bytes | bytearray) -> Any:
    """The plain value of a message without its length. Raises ValueError."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        try:
            return json.loads(data)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def length_of(header: bytes | bytearray) -> int:
    """How long the message after a header is. Raises ValueError for one that is too long."""
    length = int(HEADER.unpack_from(header)[0])
    if length > LARGEST:
        raise ValueError(f"a message of {length:,} bytes")
    return length


def convert(kind: type[T], value: Any) -> T:
    """A plain value as one of a type: a dataclass, a TypedDict, or what such are made of.

    Raises ValueError where it has another shape.
    """
    return cast("T", _fitted(_form(cast("Any", kind)), value))


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value):
        return {about.name: getattr(value, about.name) for about in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    raise ValueError(f"{type(value).__name__} is no part of a message")


class _Form(NamedTuple):
    """Plain values of the types `fits` are taken as they are; others are converted, or refused."""

    fits: frozenset[type]
    convert: Convert


@cache
def _form(kind: Any) -> _Form:
    origin, parts = get_origin(kind), get_args(kind)
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if is_dataclass(kind) or is_typeddict(kind):
        return _Form(_NONE, _of_fields(kind))
    if origin in (Union, types.UnionType):
        inner = _form(next(part for part in parts if part is not type(None)))
        return _Form(inner.fits | {type(None)}, inner.convert)
    if origin is tuple and parts[-1] is not Ellipsis:
        return _Form(_NONE, _of_tuple(tuple(map(_form, parts))))
    if origin in (tuple, list):
        return _Form(_NONE, _of_items(origin, _form(parts[0])))
    assert issubclass(origin, Mapping), kind
    return _Form(_NONE, _of_mapping(_form(parts[1])))


def _of_fields(kind: Any) -> Convert:
    known = {name: _form(hint) for name, hint in get_type_hints(kind).items()}

    def converted(value: Any) -> Any:
        if type(value) is not dict:
            raise _misfit(kind, value)
        try:
            for name, part in value.items():
                fits, convert = known[name]
                if type(part) not in fits:
                    value[name] = convert(part)
            return kind(**value)
        except (KeyError, TypeError) as error:
            raise ValueError(f"no {kind.__name__}: {error}") from None

    return converted


def _of_tuple(parts: tuple[_Form, ...]) -> Convert:
    def converted(value: Any) -> Any:
        if type(value) is not list or len(value) != len(parts):
            raise _misfit(tuple, value)
        return tuple(_fitted(part, item) for part, item in zip(parts, value, strict=True))

    return converted


def _of_items(kind: Any, inner: _Form) -> Convert:
    def converted(value: Any) -> Any:
        if type(value) is not list:
            raise _misfit(kind, value)
        return kind(_fitted(inner, item) for item in value) if value else kind()

    return converted


def _of_mapping(inner: _Form) -> Convert:
    def converted(value: Any) -> Any:
        if type(value) is not dict:
            raise _misfit(dict, value)
        if not inner.fits.issuperset(map(type, value.values())):
            return {name: _fitted(inner, part) for name, part in value.items()}
        return value

    return converted


def _fitted(form: _Form, value: Any) -> Any:
    return value if type(value) in form.fits else form.convert(value)


def _refusing(kind: type) -> Convert:
    def converted(value: Any) -> Any:
        raise _misfit(kind, value)

    return converted


def _number(value: Any) -> float:
    if value is not None:
        raise _misfit(float, value)
    return math.nan  # which JSON cannot write


def _bytes(value: Any) -> bytes:
    if type(value) is not str:
        raise _misfit(bytes, value)
    return b64decode(value, validate=True)


def _datetime(value: Any) -> datetime:
    if type(value) is not str:
        raise _misfit(datetime, value)
    return datetime.fromisoformat(value)


def _misfit(kind: Any, value: Any) -> ValueError:
    return ValueError(f"{type(value).__name__} in place of {kind.__name__}")


_NONE: frozenset[type] = frozenset()
_SIMPLE: dict[Any, _Form] = {
    **{kind: _Form(frozenset({kind}), _refusing(kind)) for kind in (str, int, bool)},
    float: _Form(frozenset({float, int}), _number),
    bytes: _Form(_NONE, _bytes),
    datetime: _Form(_NONE, _datetime),
    object: _Form(_NONE, lambda value: value),
}
