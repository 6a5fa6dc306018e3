"""Names and paths: case-insensitive, case-preserving, NFC.

A path is kept as `/Folder/Name` (display); its key is the same in lower case. The root is the empty
string.
"""

from __future__ import annotations

import re
import unicodedata

MAX_COMPONENT = 255
DISALLOWED = frozenset(
    {"desktop.ini", "thumbs.db", ".ds_store", "icon\r", ".dropbox", ".dropbox.attr"}
)


class Malformed(Exception):
    """The path breaks a rule of the path format."""


class DisallowedName(Exception):
    """The service does not save files of this name."""


def normal(path: str) -> str:
    """A checked path for display: doubled slashes folded, NFC; raises `Malformed`."""
    if path in {"", "/"}:
        return ""
    if not path.startswith("/"):
        raise Malformed
    path = re.sub("/+", "/", unicodedata.normalize("NFC", path))
    if path == "/":
        return ""
    for part in path[1:].split("/"):
        if not part or part in {".", ".."} or len(part) > MAX_COMPONENT or part != part.rstrip(" "):
            raise Malformed
        if any(sign in part for sign in "\\\0\x7f") or any(
            "\ud800" <= sign <= "\udfff" for sign in part
        ):
            raise Malformed
    return path


def check_names(path: str) -> None:
    """Raises `DisallowedName` where a part of a path that shall be written is one of the names
    never saved.
    """
    if any(part in DISALLOWED for part in path.lower().split("/")):
        raise DisallowedName


def key_of(path: str) -> str:
    """What makes two paths the same."""
    return path.lower()


def parent_of(path: str) -> str:
    """The folder a path lies in; the root's own parent is the root."""
    return path.rpartition("/")[0]


def name_of(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]


def numbered(path: str, number: int) -> str:
    """`/a/photo.jpg` -> `/a/photo (1).jpg`: the automatic renaming of `add` and `overwrite`,
    of copies and moves.
    """
    return _with_suffix(path, f"({number})")


def conflicted(path: str, number: int) -> str:
    """`/a/photo.jpg` -> `/a/photo (conflicted copy).jpg`: the automatic renaming of `update`."""
    return _with_suffix(path, "(conflicted copy)" if number == 1 else f"(conflicted copy {number})")


def _with_suffix(path: str, suffix: str) -> str:
    folder, _, name = path.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    return f"{folder}/{stem} {suffix}{dot}{extension}"


def below(key: str) -> tuple[str, str]:
    """The half-open range of keys below a folder's key (`0` is the sign after `/`)."""
    return f"{key}/", f"{key}0"
