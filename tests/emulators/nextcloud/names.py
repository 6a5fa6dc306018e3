"""Paths in addresses, and names that may not be written."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote, unquote, unquote_to_bytes

from .refusals import bad_request, invalid_path

Parts = tuple[str, ...]
_MAX_NAME = 250


def decode(path: str) -> Parts:
    """The names of a path as it stands in an address, without what only separates them.

    A name that is no UTF-8 is taken for ISO 8859-1: the byte FE is U+00FE (2b).
    """
    found = []
    for segment in path.split("/"):
        raw = unquote_to_bytes(segment)
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            name = raw.decode("latin-1")
        if name in {".", ".."} or "/" in name:
            raise bad_request(f"{segment} is no name")
        if name:
            found.append(name)
    return tuple(found)


def below(path: str, base: str) -> str | None:
    """What a path has after that of a base, both as they stand in addresses; None for another one.

    Names may be written in more than one way: `ann@home` and `ann%40home`.
    """
    segments, wanted = path.split("/")[1:], decode(base)
    begin = [unquote(segment) for segment in segments[: len(wanted)]]
    if tuple(begin) != wanted:
        return None
    return "".join(f"/{segment}" for segment in segments[len(wanted) :])


def encode(parts: Parts) -> str:
    """Names as a path of an address, with its first slash; empty for none (source: parentheses
    stay).
    """
    return "".join("/" + quote(name, safe="()") for name in parts)


def normal(parts: Parts) -> Parts:
    """Names as the file cache keeps them: NFC (source; 2c says that NFD is taken)."""
    return tuple(unicodedata.normalize("NFC", name) for name in parts)


def check_name(name: str) -> None:
    """Raises where no file of this name may be written.

    2b: a backslash; 2c: .htaccess, .part, .filepart. The others by source: control signs, more than
    250 bytes, nothing but spaces.
    """
    low = name.lower()
    if low == ".htaccess":
        raise invalid_path(f'"{name}" is a forbidden file or folder name.')
    if low.endswith((".part", ".filepart")):
        raise invalid_path(f'"{name}" is of a forbidden file type.')
    if "\\" in name or any(sign < " " for sign in name):
        raise invalid_path(f'"{name}" has a sign that is not allowed')
    if name.strip() in {"", ".", ".."}:
        raise invalid_path("Dot files are not allowed")
    if len(name.encode()) > _MAX_NAME:
        raise invalid_path("Filename is too long")
