"""File names: a reversible text form for any bytes, and names that every store accepts."""

from __future__ import annotations

import os
import re
import unicodedata

MAX_NAME_BYTES = 240
"""UTF-8 bytes in one file name: below the 255 of ext4, SMB and Dropbox,
with room for a suffix and a temporary mark.
"""

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)", re.IGNORECASE)
CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Characters that steer a terminal or turn the reading direction: both sets of control characters
(ECMA-48), ends of lines and paragraphs, bidirectional controls (UAX 9), halves of surrogates."""
_ESCAPE = re.compile(r"\\(?:\\|x([89a-f][0-9a-f]))")


def to_text(path: str) -> str:
    r"""A path from the system as text that can be printed, stored and turned back.

    Bytes that are not UTF-8 (surrogates, as `os.fsdecode` gives them) become `\xNN`; a backslash is
    doubled.
    """
    if path.isascii() and "\\" not in path:
        return path
    escaped = path.replace("\\", "\\\\")
    return re.sub("[\udc80-\udcff]", lambda m: f"\\x{ord(m[0]) - 0xDC00:02x}", escaped)


def from_text(text: str) -> str:
    """The system path of a text made by `to_text`; other backslashes, as a person may type them,
    stay.
    """
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda m: chr(0xDC00 + int(m[1], 16)) if m[1] else "\\", text)


def portable(name: str) -> str:
    """The name with what SMB, exFAT or Dropbox refuse replaced by "-": never empty,
    never a reserved word.
    """
    clean = _FORBIDDEN.sub("-", unicodedata.normalize("NFC", name))
    clean = re.sub(r"\s+", " ", clean).strip(" ").rstrip(". ")
    if _RESERVED.match(clean):
        clean = "_" + clean
    return clean or "_"


def shorten(stem: str, extension: str, limit: int = MAX_NAME_BYTES) -> str:
    """The stem cut, at a whole character,
    so that stem + "." + extension fits the limit in UTF-8 bytes.
    """
    room = limit - len(os.fsencode(extension)) - 1
    raw = stem.encode()
    return stem if len(raw) <= room else raw[:room].decode("utf-8", "ignore").rstrip(". ")


def comparison_key(name: str) -> str:
    """Names with one key are the same file on some store: Unicode form and case are folded."""
    return unicodedata.normalize("NFC", name).casefold()


def printable(text: str) -> str:
    """The text on one line, with escapes for what would move the cursor,
    colour the terminal or turn the reading direction.
    """
    if text.isprintable():
        return text
    return CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def columns(text: str) -> int:
    """How wide a text is where every character has the same width: wide ones take two columns,
    marks none.
    """
    if text.isascii():
        return len(text)
    return sum(_width(char) for char in text)


def _width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


_ASIDE = re.compile(r"\.\d{8}T\d+Z-[0-9a-f]+\.moving$")


def aside(path: str, run: str) -> str:
    """The name that a file has for a moment while files change places."""
    return f"{path}.{run}.moving"


def original_of(path: str) -> str:
    """The path of a file that a killed run left under such a name, or ""."""
    return _ASIDE.sub("", path) if _ASIDE.search(path) else ""
