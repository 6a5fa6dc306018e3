"""The standard analyzer: words by the rules of Unicode (UAX #29), in lower case.

Words are read as Lucene reads them. Characters whose part in a word this does not know for certain
are refused once somebody asks about a text that holds one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache

from .refusals import NotEmulated

LONGEST_TOKEN = 255
GAP = 100
"""Positions between two values of one field."""

_MID_LETTER = "\u003a\u00b7\u0387\u2027\ufe13\ufe55\uff1a"
_MID_BOTH = "\u0027\u002e\u2018\u2019\u2024\ufe52\uff07\uff0e"
_MID_NUMBER = "\u002c\u003b\u037e\u2044\ufe10\ufe14\ufe50\ufe54\uff0c\uff1b"
_KATAKANA = "\u3031\u3032\u3033\u3034\u3035\u309b\u309c\u30a0\u30fc\uff70"
_MARKS = "\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e\ufeff"
"""Characters that nobody sees, and that belong to the one before them."""
_STRANGE = "\u00a6\u00a9\u00ae\u202f\u203c\u2049"
"""Signs that are pictures or connect words, whatever kind of character they are."""
_SCRIPTS = ("LATIN", "FULLWIDTH LATIN", "GREEK", "CYRILLIC", "HANGUL")
"""Scripts whose letters make words as those of English do, as Unicode's names begin."""
_LETTERS = (range(0x2C80), range(0xAC00, 0xD7A4), range(0xFF21, 0xFF5B))
_IDEOGRAPHS = (
    *(range(0x3400, 0x4DB6), range(0x4E00, 0x9FF0)),
    *(range(0xF900, 0xFA6E), range(0xFA70, 0xFADA)),
)
_PICTURES = (
    *(range(0x1F300, 0x1F53E), range(0x1F546, 0x1F650), range(0x1F680, 0x1F700)),
    *(range(0x1F910, 0x1F93B), range(0x1F947, 0x1FA00)),
)
_OTHERS = (
    *(range(0x02C0), range(0x0370, 0x0500), range(0x2010, 0x2060)),
    *(range(0x3000, 0x3004), range(0x3008, 0x3020)),
)
"""Where what is neither letter nor digit is no part of a word, but for what is named above."""

# A letter, N digit, K Katakana, H Hiragana, I ideograph, E connector, M/B/U what may stand between
# letters, both or digits, x what belongs to the character before it, P picture, o anything else
_WORD = re.compile(
    r"(?:Ex*)*"
    r"(?:Kx*(?:(?:Ex*)*Kx*)*"
    r"|(?:Nx*(?:(?:(?:Ex*)*|[UB]x*)Nx*)*|Ax*(?:(?:(?:Ex*)*|[MB]x*)Ax*)*)+)"
    r"(?:(?:Ex*)+(?:Kx*(?:(?:Ex*)*Kx*)*"
    r"|(?:Nx*(?:(?:(?:Ex*)*|[UB]x*)Nx*)*|Ax*(?:(?:(?:Ex*)*|[MB]x*)Ax*)*)+))*"
    r"(?:Ex*)*"
    r"|Ix*|Hx*|P"
)


@cache
def _kind(char: str) -> str:
    """What a character is to a word: a letter of `_WORD`, or "?" where that is not known."""
    for kind, chars in _BY_KIND.items():
        if char in chars:
            return kind
    code, category = ord(char), unicodedata.category(char)
    if _is_in(code, _IDEOGRAPHS):
        return "I"
    if _is_in(code, _PICTURES) and category == "So":
        return "P"
    if category[0] == "L":
        return _kind_of_letter(char)
    if category in ("Mn", "Me") and 0x300 <= code < 0x370:
        return "x"
    if category == "Nd" and code < 0x80:
        return "N"
    is_other = category[0] in "CZPSN" and category != "Pc"
    return "o" if is_other and _is_in(code, _OTHERS) else "?"


_BY_KIND = {
    "?": _STRANGE,
    "M": _MID_LETTER,
    "B": _MID_BOTH,
    "U": _MID_NUMBER,
    "K": _KATAKANA,
    "x": _MARKS,
    "E": "_",
}


def _kind_of_letter(char: str) -> str:
    name = unicodedata.name(char)
    if name.startswith("HIRAGANA"):
        return "H"
    if name.startswith("KATAKANA"):
        return "K"
    is_known = name.startswith(_SCRIPTS) and _is_in(ord(char), _LETTERS)
    return "A" if is_known or char in "\u00aa\u00b5\u00ba" else "?"


def _is_in(code: int, parts: Sequence[range]) -> bool:
    return any(code in part for part in parts)


@lru_cache(maxsize=100_000)
def tokens(text: str) -> tuple[str, ...]:
    """The words of a text. Raises NotEmulated for what is not known to be one or not."""
    kinds = "".join(map(_kind, text))
    unknown = kinds.find("?")
    if "Px" in kinds:
        raise NotEmulated("words with a picture that has a mark")
    if unknown >= 0:
        raise NotEmulated(f"words with U+{ord(text[unknown]):04X}")
    found: list[str] = []
    for match in _WORD.finditer(kinds):
        word = lower(text[match.start() : match.end()])
        found += (word[n : n + LONGEST_TOKEN] for n in range(0, len(word), LONGEST_TOKEN))
    return tuple(found)


@lru_cache(maxsize=100_000)
def positions(values: tuple[str, ...]) -> dict[str, list[int]]:
    """Where each word of the values of a field stands."""
    found: dict[str, list[int]] = {}
    at = -GAP - 1
    for value in values:
        at += GAP
        for word in tokens(value):
            at += 1
            found.setdefault(word, []).append(at)
    return found


def lower(text: str) -> str:
    """A text in lower case, each character by itself."""
    return "".join(_lowered(char) for char in text)


@lru_cache(maxsize=10_000)
def _lowered(char: str) -> str:
    found = char.lower()
    return found if len(found) == 1 else found[0]
