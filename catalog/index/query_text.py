"""The search syntax: Elasticsearch's query string with short field names,
dates as people write them, and `near:`.

`city:Ghent taken:[2019 TO 2020] -stores:dropbox camera:iphone kind:video near:51.05,3.72,5km`

What a person types is read whole and written anew for Elasticsearch, with its parentheses where we
mean them: NOT binds closest, then AND, then OR, then words side by side, which must all match.
(Left alone, Elasticsearch reads `a OR b c` as `c`, whatever a and b are.)
"""

from __future__ import annotations

import calendar
import difflib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

from catalog.domain.checksums import KEPT
from catalog.errors import QuerySyntaxError

FIELDS: dict[str, str] = {
    "taken": "captured.wall",
    "added": "added",
    "updated": "updated",
    "confidence": "captured.confidence",
    "source": "captured.source",
    "city": "place.city",
    "country": "place.country",
    "country_code": "place.country_code",
    "region": "place.region",
    "place": r"place.\*",
    "camera": r"camera.\*",
    "make": "camera.make",
    "model": "camera.model",
    "lens": "camera.lens",
    "kind": "kind",
    "type": "type",
    "mime": "mime",
    "ext": "extension",
    "extension": "extension",
    "size": "size",
    "width": "width",
    "height": "height",
    "orientation": "orientation",
    "duration": "duration",
    "codec": "video.codec",
    "iso": "exposure.iso",
    "f_number": "exposure.f_number",
    "focal_length": "exposure.focal_length",
    "tag": "tags",
    "tags": "tags",
    "album": "albums",
    "albums": "albums",
    "title": "title",
    "description": "description",
    "rating": "rating",
    "favorite": "favorite",
    "store": "stores",
    "stores": "stores",
    "copies": "copy_count",
    "path": "paths",
    "name": "paths.text",
    "original": "original.path.text",
    "hash": "hash",
    "image_hash": "image_hash",
    "blank": "quality.blank",
    "blurred": "quality.blurred",
    "sharpness": "quality.sharpness",
    "brightness": "quality.brightness",
    "contrast": "quality.contrast",
    "focus": "quality.focus",
    "dark": "quality.dark",
    "bright": "quality.bright",
    "detail": "quality.detail",
    "relief": "quality.relief",
    "rendition_of": "rendition_of",
    "live_id": "live_id",
    "motion": "motion_photo",
    "frames": "frames",
    "reader": "reader",
    "parts": "parts",
    "resized": "resized",
    "stack": "stack.id",
    "role": "stack.role",
    "note": "notes",
    "problem": "problem",
    "run": "run",
    "altitude": "altitude",
    "manual": "manual",
    "year": "captured.year",
    "month_day": "captured.month_day",
    "hour": "captured.hour",
    "weekday": "captured.weekday",
    "precision": "captured.precision",
    "shape": "shape",
    "megapixels": "megapixels",
    "private": "private",
    "owner": "owner",
    "device": "device",
    **{kind: f"checksums.{kind}" for kind in KEPT},
}
"""Short names and the fields of the document they mean; the document's own names work as well."""

DATES = frozenset({"captured.wall", "captured.instant", "added", "updated"})
NUMBERS = frozenset(
    {
        "size",
        "captured.offset_minutes",
        "captured.year",
        "captured.hour",
        "captured.weekday",
        "altitude",
        "exposure.time",
        "exposure.f_number",
        "exposure.iso",
        "exposure.focal_length",
        "exposure.focal_length_35mm",
        "exposure.flash",
        "width",
        "height",
        "megapixels",
        "orientation",
        "duration",
        "frames",
        "reader",
        "video.frame_rate",
        "video.rotation",
        "quality.sharpness",
        "quality.brightness",
        "quality.contrast",
        "quality.focus",
        "quality.dark",
        "quality.bright",
        "quality.detail",
        "quality.relief",
        "rating",
        "copy_count",
    }
)
BOOLEANS = frozenset(
    {
        "captured.has_time",
        "motion_photo",
        "resized",
        "quality.blank",
        "quality.blurred",
        "favorite",
        "place_removed",
    }
)
_COMPARABLE = DATES | NUMBERS | BOOLEANS
UNSEARCHABLE = {
    "location": "Use near:latitude,longitude,distance or has:location.",
    "phash": "Use `catalog similar`, or has:phash.",
    "phash_inner": "Use `catalog similar`, or has:phash.",
    "look": "Use `catalog similar`, or has:phash.",
    "frames_look": "Use `catalog similar`, or frames:>1.",
}
"""Fields that no word can be compared with, and what to write instead."""
PRESENCE = {
    "location": "location",
    "gps": "location",
    "date": "captured.wall",
    "place": "place.country",
    "phash": "phash",
    "camera": "camera.model",
    "live": "live_id",
    "stack": "stack.id",
    "sidecar": "sidecars.path",
    "person": "manual",
}
"""Names that `has:` knows beside those of FIELDS."""

_LOWER_CASE = frozenset(
    {
        "kind",
        "type",
        "mime",
        "extension",
        "stores",
        "hash",
        "image_hash",
        "captured.confidence",
        "captured.precision",
    }
    | {"stack.role", "shape", "preview", *(f"checksums.{kind}" for kind in KEPT)}
)
_SIZES = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_LARGEST_SIZE, _LARGEST = 2**63 - 1, 2**31 - 1
_YES = {"true": "true", "yes": "true", "false": "false", "no": "false"}
_FARTHEST_KM = 20_038.0
"""Half of the earth's circumference: no two positions are farther apart."""
_DEEPEST = 50
"""Parentheses within each other: more than anybody writes,
fewer than Python or Elasticsearch can bear.
"""

_QUOTED = r'"(?:\\.|[^"\\])*"'
_BOUND = rf'({_QUOTED}|[^\s"\[\]{{}}]+)'
_NAME = re.compile(r"([^\W\d][\w.]*(?:\\?\*)?):")
_OPERATOR = re.compile(r'(AND|OR|&&|\|\|)(?=[\s()"\[\]{}]|$)')
_SIGN = re.compile(r'NOT(?=[\s()"\[\]{}]|$)|[-+!]')
_PHRASE = re.compile(_QUOTED, re.DOTALL)
_PHRASE_SUFFIX = re.compile(r"(?:~\d{1,4})?(?:\^\d{1,4}(?:\.\d{1,4})?)?")
_RANGE = re.compile(rf"([\[{{])\s*{_BOUND}\s+(?:TO|to)\s+{_BOUND}\s*([\]}}])", re.DOTALL)
_PATTERN = re.compile(r"/(?:\\.|[^/\\])+/(?=[\s()^]|$)", re.DOTALL)
_WORD = re.compile(r'(?:\\.|[^\s()\[\]{}"\\])+', re.DOTALL)
_WORD_SUFFIX = re.compile(r"(?<!\\)(?:~[0-2]?)?(?:(?<!\\)\^\d{1,4}(?:\.\d{1,4})?)?$")
_BOOST = re.compile(r"(?:\^\d{1,4}(?:\.\d{1,4})?)?")
_LETTER = re.compile(r"\\.|[:/!^~]", re.DOTALL)
_NEAR = re.compile(
    r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?)(km|m|mi)?)?(?=[\s)]|$)",
    re.IGNORECASE | re.ASCII,
)
_DATE = re.compile(
    r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T "
    r"](\d{1,2})(?::(\d{2})(?::(\d{2})(?:\.(\d{3}))?)?)?Z?)?)?)?",
    re.ASCII,
)
_NOW = re.compile(r"now(?:[+-]\d{1,6}[yMwdhms])?(?:/[yMwdhms])?")
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)([a-z]*)", re.IGNORECASE | re.ASCII)
_COMPARED = re.compile(r"(>=|<=|>|<)(.+)", re.DOTALL)

Piece: TypeAlias = tuple[str, int]
"""A part of the query for Elasticsearch, and the spot in the text typed that it stands for."""


@dataclass(frozen=True, slots=True)
class Near:
    """A circle: degrees and kilometres. `negated`: outside of it."""

    lat: float
    lon: float
    km: float
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query string for Elasticsearch, the circles beside it,
    and where its parts came from in the text typed.

    `spots` are pairs, by rising column: a column of `text`, and the spot in the text typed that it
    stands for.
    """

    text: str
    near: list[Near] = field(default_factory=list)
    spots: list[tuple[int, int]] = field(default_factory=list)
    length: int = 0

    def position(self, column: int) -> int:
        """The spot in the text typed, or its end, for a column that Elasticsearch names (0-based,
        in UTF-16 units).
        """
        column = len(
            self.text.encode("utf-16-le", "surrogatepass")[: 2 * column].decode(
                "utf-16-le", "ignore"
            )
        )
        if column >= len(self.text):
            return self.length
        start, spot = max((s for s in self.spots if s[0] <= column), default=(0, 0))
        after = min((s for c, s in self.spots if c > start and s > spot), default=self.length)
        return min(spot + column - start, after)


def parse_query(text: str, known: frozenset[str]) -> ParsedQuery:
    """Rewrite what a person typed. `known` are the document's own field names.

    Raises QuerySyntaxError with the spot where it goes wrong.
    """
    reader = _Reader(text, known)
    pieces = reader.everything()
    written, spots = "", []
    for piece, spot in pieces:
        spots.append((len(written), spot))
        written += piece
    return ParsedQuery(written, reader.near, spots, len(text))


# --- the grammar ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Clause:
    """One condition: `joined` is what stands before it ("" is nothing), `at` is its spot,
    `circle` says that it is a near:.
    """

    pieces: list[Piece]
    joined: str
    at: int
    negated: bool
    circle: bool


class _Reader:
    """Reads the text from left to right; `at` is the spot it has come to."""

    def __init__(self, text: str, known: frozenset[str]) -> None:
        self.text = text
        self.known = known
        self.at = 0
        self.near: list[Near] = []

    def everything(self) -> list[Piece]:
        """The pieces of the whole query."""
        clauses = self._clauses(None, 0)
        if self.at < len(self.text):
            raise QuerySyntaxError(f"This {self.text[self.at]} closes nothing", position=self.at)
        return _combined(clauses)

    def _clauses(self, target: str | None, depth: int) -> list[_Clause]:
        """Every clause up to the end or a closing parenthesis.

        `target` is the field that words without a name mean.
        """
        clauses: list[_Clause] = []
        operator = None
        while not self._is_end():
            found = _OPERATOR.match(self.text, self.at)
            if not found:
                joined = {"&&": "AND", "||": "OR"}.get(operator[1], operator[1]) if operator else ""
                clauses.append(self._clause(target, depth, joined))
                operator = None
                continue
            if operator:
                raise QuerySyntaxError(
                    f"{found[1]} cannot follow {operator[1]}", position=found.start()
                )
            if not clauses:
                raise QuerySyntaxError(
                    f"Nothing stands before this {found[1]}", position=found.start()
                )
            operator = found
            self.at = found.end()
        if operator:
            raise QuerySyntaxError(f"Nothing follows this {operator[1]}", position=operator.start())
        return clauses

    def _is_end(self) -> bool:
        """Go over blanks; whether the text or a group ends there."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.at >= len(self.text) or self.text[self.at] in ")]}"

    def _clause(self, target: str | None, depth: int, joined: str) -> _Clause:
        start = self.at
        sign = self._sign()
        circles = len(self.near)
        pieces = self._term(target, depth, negated=sign not in ("", "+"))
        is_circle = len(self.near) > circles
        if sign and not is_circle:
            pieces.insert(0, ("+" if sign == "+" else "-", start))
        return _Clause(pieces, joined, start, sign not in ("", "+"), is_circle)

    def _sign(self) -> str:
        """Go over what stands before a term; "" where nothing does."""
        found = _SIGN.match(self.text, self.at)
        if not found:
            return ""
        start, sign = found.span()[0], found[0]
        self.at = found.end()
        stands_alone = self.at >= len(self.text) or self.text[self.at].isspace()
        if sign != "NOT" and stands_alone:
            hint = f"Write it right before a word, or \\{sign} for the sign itself."
            raise QuerySyntaxError(f"This {sign} stands alone", position=start, hint=hint)
        if self._is_end():
            raise QuerySyntaxError(f"Nothing follows this {sign}", position=start)
        second = _SIGN.match(self.text, self.at) or _OPERATOR.match(self.text, self.at)
        if second:
            raise QuerySyntaxError(f"{second[0]} cannot follow {sign}", position=self.at)
        return sign

    def _term(self, target: str | None, depth: int, *, negated: bool) -> list[Piece]:
        if self.text[self.at] == "(":
            return self._group(target, depth)
        if self.text.startswith("*:*", self.at):
            self.at += 3
            return [("*:*", self.at - 3)]
        found = _NAME.match(self.text, self.at)
        if not found:
            return self._value(target)
        name, start = found[1], self.at
        self.at = found.end()
        if self.at >= len(self.text) or self.text[self.at].isspace() or self.text[self.at] in ")]}":
            raise QuerySyntaxError(f"A value is missing after {name}:", position=self.at)
        if name == "near":
            self._circle(start, depth, negated=negated)
            return []
        if name in ("has", "_exists_"):
            return self._presence(start)
        own = self._field(name, start)
        if self.text[self.at] == "(":
            return self._group(own, depth)
        return self._value(own, start)

    def _group(self, target: str | None, depth: int) -> list[Piece]:
        opened = self.at
        if depth >= _DEEPEST:
            raise QuerySyntaxError(
                "There are too many parentheses within each other", position=opened
            )
        self.at += 1
        clauses = self._clauses(target, depth + 1)
        if self.at >= len(self.text):
            raise QuerySyntaxError("This ( is never closed", position=opened)
        if self.text[self.at] != ")":
            raise QuerySyntaxError(f"This {self.text[self.at]} closes nothing", position=self.at)
        if not clauses:
            raise QuerySyntaxError("There is nothing between these parentheses", position=opened)
        closed = self.at
        self.at += 1
        return [("(", opened), *_combined(clauses), (")" + self._taken(_BOOST), closed)]

    def _taken(self, pattern: re.Pattern[str]) -> str:
        """What matches here; goes over it."""
        found = pattern.match(self.text, self.at)
        if not found:
            return ""
        self.at = found.end()
        return found[0]

    # --- names ------------------------------------------------------------------------------------

    def _field(self, name: str, start: int) -> str:
        """The document's field for a name that was typed."""
        if name in UNSEARCHABLE:
            raise QuerySyntaxError(
                f"Nothing can be compared with {name}", position=start, hint=UNSEARCHABLE[name]
            )
        if name in FIELDS:
            return FIELDS[name]
        prefix = name.rstrip("\\*")
        if prefix != name and any(k.startswith(prefix) for k in self.known):
            return f"{prefix}\\*"
        if name not in self.known:
            raise QuerySyntaxError(
                f"There is no field {name}", position=start, hint=self._suggestion(name)
            )
        return name

    def _suggestion(self, name: str) -> str:
        close = difflib.get_close_matches(name.lower(), [*FIELDS, *self.known, "near", "has"], 1)
        return (
            f"Did you mean {close[0]}?"
            if close
            else f"Known are: {', '.join(sorted(FIELDS))}, near, has."
        )

    def _presence(self, start: int) -> list[Piece]:
        at = self.at
        name = self._taken(_WORD)
        wanted = (
            PRESENCE.get(name.lower())
            or FIELDS.get(name.lower())
            or (name if name in self.known else None)
        )
        if not wanted:
            raise QuerySyntaxError(f"has: knows {', '.join(PRESENCE)} and every field", position=at)
        return [(f"_exists_:{wanted}", start)]

    def _circle(self, start: int, depth: int, *, negated: bool) -> None:
        found = _NEAR.match(self.text, self.at)
        if not found:
            raise QuerySyntaxError(
                "near: wants latitude,longitude,distance such as near:51.05,3.72,5km",
                position=self.at,
            )
        lat, lon = float(found[1]), float(found[2])
        if abs(lat) > 90 or abs(lon) > 180:
            raise QuerySyntaxError(
                f"{found[1]},{found[2]} is no position on earth", position=self.at
            )
        km = float(found[3] or 1) * {"m": 0.001, "mi": 1.609344}.get(
            (found[4] or "km").lower(), 1.0
        )
        if not km:
            raise QuerySyntaxError("near: wants a distance above 0", position=found.start(3))
        if depth:
            raise QuerySyntaxError("near: cannot stand in parentheses", position=start)
        self.near.append(Near(lat, lon, min(km, _FARTHEST_KM), negated))
        self.at = found.end()

    # --- values -----------------------------------------------------------------------------------

    def _value(self, target: str | None, start: int | None = None) -> list[Piece]:
        """A phrase, range, pattern or word, as the field wants it.

        `start` is the spot of the field's name, if it has one.
        """
        at = self.at
        char = self.text[at]
        if char == '"':
            name, value = self._phrase(target)
        elif char in "[{":
            name, value = self._range(target)
        elif (
            char == "/"
            and target not in _COMPARABLE | {"paths"}
            and (pattern := self._taken(_PATTERN))
        ):
            name, value = target, pattern + self._taken(_BOOST)
        else:
            name, value = self._word(target)
        pieces = [(f"{name}:", at if start is None else start)] if name else []
        return [*pieces, (value, at)]

    def _phrase(self, target: str | None) -> tuple[str | None, str]:
        at = self.at
        phrase = self._taken(_PHRASE)
        if not phrase:
            raise QuerySyntaxError("This quotation mark is never closed", position=at)
        if target is not None and target in _COMPARABLE:
            return target, _compared(target, phrase[1:-1], at + 1) + self._taken(_BOOST)
        return target, _cased(target, phrase) + self._taken(_PHRASE_SUFFIX)

    def _range(self, target: str | None) -> tuple[str | None, str]:
        at = self.at
        found = _RANGE.match(self.text, at)
        if not found or "TO" in found.group(2, 3):
            is_open = not re.search(r"[\]}]", self.text[at:])
            what = "is never closed" if is_open else "begins no range such as [1 TO 5]"
            raise QuerySyntaxError(f"This {self.text[at]} {what}", position=at)
        if target is None:
            raise QuerySyntaxError(
                "A range needs a field before it, such as taken:[2019 TO 2020]", position=at
            )
        low, high = (
            _bound(target, found[group], found.start(group), upper=upper)
            for group, upper in ((2, found[1] == "{"), (3, found[4] == "]"))
        )
        self.at = found.end()
        return target, f"{found[1]}{low} TO {high}{found[4]}" + self._taken(_BOOST)

    def _word(self, target: str | None) -> tuple[str | None, str]:
        at = self.at
        word = self._taken(_WORD)
        if not word:
            char = self.text[at]
            what = (
                "Nothing follows this backslash"
                if char == "\\"
                else f"There is no word before this {char}"
            )
            raise QuerySyntaxError(what, position=at)
        if word[0] in ":^~":
            hint = f"Write \\{word[0]} for the sign itself."
            raise QuerySyntaxError(
                f"There is no word before this {word[0]}", position=at, hint=hint
            )
        if target is not None and target in _COMPARABLE:
            value, caret, boost = word.partition("^")
            is_boosted = bool(caret) and bool(_BOOST.fullmatch(caret + boost))
            return target, _compared(
                target, value, at
            ) + caret + boost if is_boosted else _compared(target, word, at)
        if target and word[0] in "-+!":
            raise QuerySyntaxError(f"A {word[0]} goes before the field's name", position=at)
        if target == "paths" and not re.search(r"(?<!\\)[*?]", word):
            target = "paths.text"
        if target == "extension":
            word = word.removeprefix(".") or word
        return target, _escaped(_cased(target, word))


def _escaped(word: str) -> str:
    """A word with a backslash before what would not be part of it for Elasticsearch."""
    suffix = _WORD_SUFFIX.search(word)
    body, rest = (word[: suffix.start()], suffix[0]) if suffix and suffix.start() else (word, "")
    if body in ("AND", "OR", "NOT", "&&", "||"):
        return f"\\{body}{rest}"
    return _LETTER.sub(lambda m: m[0] if len(m[0]) == 2 else f"\\{m[0]}", body) + rest


def _cased(target: str | None, value: str) -> str:
    """The value in the case in which the field holds it."""
    if target in _LOWER_CASE:
        return value.lower()
    return value.upper() if target == "place.country_code" else value


# --- how clauses go together ----------------------------------------------------------------------


def _combined(clauses: list[_Clause]) -> list[Piece]:
    """The pieces of clauses side by side, with parentheses that say which belong together."""
    runs = []
    for run in _split(clauses, ""):
        chains = _split(run, "OR")
        if len(chains) > 1:
            for clause in run:
                if clause.circle:
                    raise QuerySyntaxError(
                        "near: goes with all other words; it cannot stand beside OR",
                        position=clause.at,
                    )
        else:
            chains = [[c for c in run if not c.circle]]
        parts = [_joined([c.pieces for c in chain], "AND") for chain in chains if chain]
        if len(parts) > 1:
            # A negation beside OR would exclude from all of them; alone in parentheses it is a
            # condition of its own.
            parts = [
                _wrapped(p) if len(c) > 1 or c[0].negated else p
                for p, c in zip(parts, chains, strict=True)
            ]
        if parts:
            runs.append((_joined(parts, "OR"), len(parts) > 1))
    return _joined(
        [_wrapped(run) if several and len(runs) > 1 else run for run, several in runs], ""
    )


def _split(clauses: list[_Clause], joint: str) -> list[list[_Clause]]:
    """The clauses in pieces, cut where the joint stands."""
    parts: list[list[_Clause]] = []
    for clause in clauses:
        if not parts or clause.joined == joint:
            parts.append([])
        parts[-1].append(clause)
    return parts


def _joined(parts: list[list[Piece]], word: str) -> list[Piece]:
    pieces: list[Piece] = []
    for part in parts:
        if pieces:
            pieces.append((f" {word} " if word else " ", part[0][1]))
        pieces += part
    return pieces


def _wrapped(pieces: list[Piece]) -> list[Piece]:
    return [("(", pieces[0][1]), *pieces, (")", pieces[-1][1])]


# --- dates, numbers, yes and no -------------------------------------------------------------------


def _compared(target: str, value: str, at: int) -> str:
    """What Elasticsearch compares a typed field with: `*`, one value, or one with `>`, `>=`, `<`,
    `<=` before it.
    """
    if value == "*":
        return value
    if target in BOOLEANS:
        if value.lower() not in _YES:
            raise QuerySyntaxError(f"{value} is neither true nor false", position=at)
        return _YES[value.lower()]
    compared = _COMPARED.fullmatch(value)
    operator, bare = (compared[1], compared[2]) if compared else ("", value)
    at += len(operator)
    if not operator:
        low, high = (_bound(target, bare, at, upper=upper) for upper in (False, True))
        return f"[{low} TO {high}]"
    bound = _bound(target, bare, at, upper=operator in (">", "<="))
    return {
        ">=": f"[{bound} TO *]",
        ">": f"{{{bound} TO *]",
        "<=": f"[* TO {bound}]",
        "<": f"[* TO {bound}}}",
    }[operator]


def _bound(target: str, text: str, at: int, *, upper: bool) -> str:
    """One end of a range; `upper`: the last moment of a year, month, day, hour, minute or second,
    not the first.
    """
    if text == "*":
        return text
    if target in DATES:
        return _moment(text.strip('"'), at, upper=upper)
    if target in NUMBERS:
        return _number(target, text.strip('"'), at)
    if target in BOOLEANS:
        return _compared(target, text.strip('"'), at)
    return _cased(target, text)


def _number(target: str, text: str, at: int) -> str:
    found = _NUMBER.fullmatch(text)
    unit = found[2].lower() if found else ""
    if not found or unit not in (_SIZES if target == "size" else ("",)):
        example = "2000, 2MB or 1.5GB" if target == "size" else "5, >5 or [1 TO 5]"
        raise QuerySyntaxError(f"{text} is no number such as {example}", position=at)
    number = Decimal(found[1]) * _SIZES[unit]
    if abs(number) > (_LARGEST_SIZE if target == "size" else _LARGEST):
        raise QuerySyntaxError(f"{text} is too large", position=at)
    return str(int(number)) if target == "size" else found[1]


def _moment(text: str, at: int, *, upper: bool) -> str:
    """The first or last millisecond of what a date names.

    Elasticsearch knows what `now-7d` and `now/d` are.
    """
    if _NOW.fullmatch(text):
        return text
    match = _DATE.fullmatch(text)
    if not match:
        raise QuerySyntaxError(
            f"{text} is no date such as 2019, 2019-07, 2019-07-12 or 2019-07-12T18:30", position=at
        )
    parts = [int(g) for g in match.groups() if g is not None]
    parts[6:] = [1000 * milliseconds for milliseconds in parts[6:]]
    try:
        low = datetime(*(parts + [1, 1][len(parts) - 1 :] if len(parts) < 3 else parts))  # type: ignore[arg-type]
    except ValueError:
        raise QuerySyntaxError(f"There is no date {text}", position=at) from None
    return (_end_of(low, len(parts)) if upper else low).isoformat(timespec="milliseconds")


def _end_of(low: datetime, precision: int) -> datetime:
    if precision == 1:
        length = timedelta(days=366 if calendar.isleap(low.year) else 365)
    elif precision == 2:
        length = timedelta(days=calendar.monthrange(low.year, low.month)[1])
    else:
        length = timedelta(
            **{("days", "hours", "minutes", "seconds", "milliseconds")[precision - 3]: 1}
        )
    return low + (length - timedelta(milliseconds=1))
