"""The standard analyzer: words by the rules of Unicode (UAX #29), in lower case.

Words are read as Lucene reads them. Characters whose part in a word this does not know for certain
are refused once somebody asks about a text that holds one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from .refusals import NotEmulated

LONGEST_TOKEN = 255
GAP = 100
"""Positions between two values of one field."""

_MID_LETTER = "\u003a\u00b7\u0387\u2027\ufe13\ufe55\uff1a"
_MID_BOTH = "\u0027\u002e\u2018\u2019\u2024\ufe52\uff07\uff0e"
_MID_NUMBER = "\u002c\u003b\u037e\u2044\ufe10\ufe14\ufe50\ufe54\uff0c\uff1b"
_KATAKANA = "\u3031\u3032\u3033\u3034\u3035\u309b\u309c\u30a0\u30fc\uff70"
_SCRIPTS = ("LATIN", "FULLWIDTH LATIN", "GREEK", "CYRILLIC", "HANGUL")
"""Scripts whose letters make words as those of English do, as Unicode's names begin."""
_EMOJI = range(0x1F300, 0x1FB00)
_IDEOGRAPHS = (range(0x3400, 0x4DC0), range(0x4E00, 0xA000), range(0xF900, 0xFB00))

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
def _kind(char: str) -> str:  # noqa: C901 - the rules of Unicode are a list
    """What a character is to a word: a letter of `_WORD`, or "?" where that is not known."""
    code, category = ord(char), unicodedata.category(char)
    if char in _MID_LETTER:
        return "M"
    if char in _MID_BOTH:
        return "B"
    if char in _MID_NUMBER:
        return "U"
    if char in _KATAKANA:
        return "K"
    if code in _EMOJI:
        return "P" if category == "So" else "?"
    if any(code in part for part in _IDEOGRAPHS):
        return "I"
    name = unicodedata.name(char, "")
    if category[0] == "L":
        if name.startswith("HIRAGANA"):
            return "H"
        if name.startswith(("KATAKANA", "HALFWIDTH KATAKANA")):
            return "K"
        if name.startswith(_SCRIPTS) or char in "\u00aa\u00b5\u00ba\u2126\u212a\u212b":
            return "A"
        return "?"
    if category == "Nd":
        return "N" if code < 0x80 else "?"
    if category == "Pc":
        return "E" if char == "_" else "?"
    if category in ("Mn", "Me"):
        return "x" if name.startswith("COMBINING") and code < 0x370 else "?"
    if code < 0x2100 and category in ("Cc", "Zs", "Zl", "Zp", "Po", "Ps", "Pe", "Pi", "Pf", "Pd"):
        return "o" if code not in (0x202F, 0x203C, 0x2049) else "?"
    if code < 0x80 or (code < 0x100 and category in ("Sm", "Sc", "Sk", "No")):
        return "o" if char not in "\u00a9\u00ae" else "?"
    if 0x3000 <= code < 0x3020 and category[0] in "PZ":
        return "o"
    if category == "Cf" and char in "\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e\ufeff":
        return "x"
    return "?"


@lru_cache(maxsize=100_000)
def tokens(text: str) -> tuple[str, ...]:
    """The words of a text. Raises NotEmulated for what is not known to be one or not."""
    kinds = "".join(map(_kind, text))
    unknown = kinds.find("?")
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
