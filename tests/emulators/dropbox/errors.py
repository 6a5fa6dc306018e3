"""What a call may end with instead of a result, and the JSON shapes of the unions they carry.

A union value is `{".tag": TAG}`; a union inside it stands under the tag's name, the fields of a
struct beside the tag: `{".tag": "path", "path": {".tag": "not_found"}}`, `{".tag":
"incorrect_offset", "correct_offset": 7}`.
"""

from __future__ import annotations

from typing import Any

Union = dict[str, Any]


def union(*tags: str, **fields: Any) -> Union:
    """`union("path", "conflict", "file")`: nested unions; fields belong to the innermost."""
    value: Union = {".tag": tags[-1], **fields}
    for tag in reversed(tags[:-1]):
        value = {".tag": tag, tag: value}
    return value


def summary(error: Union) -> str:
    """The `error_summary` of an error: its tags from the outside to the inside,
    then dots clients must not compare.
    """
    tags: list[str] = []
    inner: Any = error
    while isinstance(inner, dict) and ".tag" in inner:
        tags.append(inner[".tag"])
        inner = inner.get(inner[".tag"], inner.get("reason"))
    return "/".join(tags) + "/..."


class RouteError(Exception):
    """409: the route's own error union. `keep` = what was done so far stays done."""

    def __init__(self, error: Union, *, keep: bool = False) -> None:
        super().__init__(summary(error))
        self.error = error
        self.keep = keep


class BadInput(Exception):
    """400: a plain text about an argument, a header or a call that does not exist."""


class AuthFailure(Exception):
    """401: the union AuthError."""

    def __init__(self, error: Union) -> None:
        super().__init__(summary(error))
        self.error = error


class PathRootFailure(Exception):
    """422: the union PathRootError."""

    def __init__(self, error: Union) -> None:
        super().__init__(summary(error))
        self.error = error
