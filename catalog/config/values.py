"""Plain values, of JSON or of the environment, as the types that dataclasses of settings declare.

Done here, and not by a general library: to load one and make its models took 0.14 s of CPU at every
start, a third of a whole search.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, field, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from catalog.config.secret import Secret, parse_secret

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Check = Callable[[Any], object]
"""Raises ValueError for a value that a setting cannot have; what it returns does not matter."""
Step = str | int
T = TypeVar("T", bound="DataclassInstance")


class Misfit(ValueError):
    """A value does not fit its setting: where it stands (keys, numbers from 0), what would fit.

    `known` holds the names that there are, where the one given is none of them.
    """

    def __init__(self, path: tuple[Step, ...], message: str, known: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.path = path
        self.known = known


def setting(
    default: Any,
    description: str,
    *checks: Check,
    parse: Callable[[str], Any] | None = None,
    shown: bool = True,
    by_name: bool = False,
) -> Any:
    """The field of a setting.

    `parse` reads a text where a list is wanted; what is not `shown` stays out of the repr. With
    `by_name` a list of objects that have a name is written as an object of them by their names.
    """
    metadata = {"description": description, "checks": checks, "parse": parse, "by_name": by_name}
    return field(default=default, repr=shown, metadata=metadata)


def required_field(*checks: Check) -> Any:
    """The field of a part of a setting that has no default."""
    return field(metadata={"checks": checks})


def between(low: float, high: float) -> Check:
    """The check that a number is one of a range, both ends included."""

    def check(value: float) -> None:
        if not low <= value <= high:
            raise ValueError(f"it must be from {low} to {high}")

    return check


def at_least(low: float) -> Check:
    """The check that a number is not below another."""

    def check(value: float) -> None:
        if value < low:
            raise ValueError(f"it must be {low} or more")

    return check


def above(low: float) -> Check:
    """The check that a number is greater than another."""

    def check(value: float) -> None:
        if value <= low:
            raise ValueError(f"it must be more than {low}")

    return check


def spell(pattern: str, what: str) -> Check:
    """The check that a whole text is as a regular expression says; `what` says it in words."""

    def check(value: str) -> None:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"it must be {what}")

    return check


def make(cls: type[T], values: Mapping[str, object], path: tuple[Step, ...] = ()) -> T:
    """A dataclass of settings from plain values by name. Raises Misfit for the first that fails."""
    known = {f.name: f for f in fields(cls)}
    types = field_types(cls)
    given = {}
    for name, value in values.items():
        if name not in known:
            raise Misfit((*path, name), f"there is no {name}", tuple(known))
        given[name] = _checked(value, types[name], known[name], (*path, name))
    missing = next((n for n, f in known.items() if n not in given and f.default is MISSING), None)
    if missing:
        raise Misfit((*path, missing), "it is missing")
    try:
        return cls(**given)
    except Misfit:
        raise
    except ValueError as error:  # what a class demands of its parts together
        raise Misfit(path, str(error)) from None


@cache
def field_types(cls: type) -> dict[str, object]:
    """The types of a dataclass's fields by name."""
    return get_type_hints(cls)


@cache
def secret_names(cls: type) -> tuple[str, ...]:
    """The settings of a dataclass that are secrets, in their order."""
    return tuple(
        name for name, wanted in field_types(cls).items() if Secret in (wanted, *get_args(wanted))
    )


def is_compound(wanted: Any) -> bool:
    """Whether values of a type are lists or objects, which a text can only hold as JSON."""
    return get_origin(wanted) is tuple or is_dataclass(wanted)


def _checked(value: Any, wanted: Any, about: Field[Any], path: tuple[Step, ...]) -> Any:
    parse = about.metadata.get("parse")
    try:
        if about.metadata.get("by_name") and not isinstance(value, tuple):
            result: Any = _by_name(value, get_args(wanted)[0], path)
        else:
            result = _converted(
                parse(value) if parse and isinstance(value, str) else value, wanted, path
            )
        for check in about.metadata.get("checks", ()):
            check(result)
    except Misfit:
        raise
    except ValueError as error:
        raise Misfit(path, str(error)) from None
    return result


def _converted(value: Any, wanted: Any, path: tuple[Step, ...]) -> Any:
    if get_origin(wanted) in (Union, UnionType):
        (inner,) = (part for part in get_args(wanted) if part is not NoneType)
        return None if value is None else _converted(value, inner, path)
    if is_dataclass(wanted):
        return _object(value, wanted, path)  # type: ignore[arg-type]  # a class, as types of fields are
    if get_origin(wanted) is tuple:
        return _list(value, get_args(wanted)[0], path)
    if get_origin(wanted) is Literal:
        return _choice(value, get_args(wanted), path)
    result, what = _PLAIN[wanted]
    found = result(value)
    if found is None:
        raise Misfit(path, f"it must be {what}")
    return found


def _object(value: Any, wanted: type, path: tuple[Step, ...]) -> Any:
    if isinstance(value, wanted):
        return value
    if not isinstance(value, Mapping):
        raise Misfit(path, "it must be an object with names and values")
    return make(wanted, value, path)


def _list(value: Any, wanted: Any, path: tuple[Step, ...]) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise Misfit(path, "it must be a list")
    return tuple(_converted(each, wanted, (*path, number)) for number, each in enumerate(value))


def _by_name(value: Any, wanted: type, path: tuple[Step, ...]) -> tuple[Any, ...]:
    if not isinstance(value, Mapping):
        raise Misfit(path, "it must be an object of objects by their names")
    return tuple(
        _object(
            {"name": name, **each} if isinstance(each, Mapping) else each, wanted, (*path, name)
        )
        for name, each in value.items()
    )


def _choice(value: Any, choices: tuple[Any, ...], path: tuple[Step, ...]) -> Any:
    if value not in choices:
        raise Misfit(path, f"it must be one of {', '.join(map(str, choices))}")
    return value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _secret(value: Any) -> Secret | None:
    if isinstance(value, str):
        return parse_secret(value)
    return value if isinstance(value, Secret) else None


def _path(value: Any) -> Path | None:
    return Path(value) if isinstance(value, str | Path) else None


def _truth(value: Any) -> bool | None:
    words = {
        "true": True,
        "yes": True,
        "on": True,
        "1": True,
        "false": False,
        "no": False,
        "off": False,
        "0": False,
    }
    return value if isinstance(value, bool) else words.get(str(value).lower())


def _whole(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = _number(value)
    return int(number) if number is not None and number.is_integer() else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


_PLAIN: dict[Any, tuple[Callable[[Any], Any], str]] = {
    str: (_text, "a text"),
    Secret: (_secret, "a text"),
    Path: (_path, "a path"),
    bool: (_truth, "true or false"),
    int: (_whole, "a whole number"),
    float: (_number, "a number"),
}
"""How a value of each plain type is read (None: it is none), and what it must be, in words."""
