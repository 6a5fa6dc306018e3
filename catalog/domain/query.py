"""The search syntax: Elasticsearch's query string with short field names, dates as people write them, and `near:`.

`city:Ghent taken:[2019 TO 2020] -stores:dropbox camera:iphone kind:video near:51.05,3.72,5km`
"""

from __future__ import annotations

import calendar
import difflib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from catalog.errors import QuerySyntaxError

FIELDS: dict[str, str] = {
    "taken": "captured.wall", "added": "added", "updated": "updated", "confidence": "captured.confidence",
    "source": "captured.source", "city": "place.city", "country": "place.country", "country_code": "place.country_code",
    "region": "place.region", "place": r"place.\*", "camera": r"camera.\*", "make": "camera.make", "model": "camera.model",
    "lens": "camera.lens", "kind": "kind", "type": "type", "mime": "mime", "ext": "extension", "extension": "extension",
    "size": "size", "width": "width", "height": "height", "orientation": "orientation", "duration": "duration",
    "codec": "video.codec", "iso": "exposure.iso", "f_number": "exposure.f_number", "focal_length": "exposure.focal_length",
    "tag": "tags", "tags": "tags", "album": "albums", "albums": "albums", "title": "title", "description": "description",
    "rating": "rating", "favorite": "favorite", "store": "stores", "stores": "stores", "copies": "copy_count",
    "path": "paths", "name": "paths.text", "original": "original.path.text", "hash": "hash", "image_hash": "image_hash",
    "blank": "quality.blank", "blurred": "quality.blurred", "sharpness": "quality.sharpness",
    "brightness": "quality.brightness", "contrast": "quality.contrast", "live_id": "live_id", "motion": "motion_photo",
    "stack": "stack.id", "role": "stack.role", "note": "notes", "problem": "problem", "run": "run", "altitude": "altitude",
}  # fmt: skip
"""Short names and the fields of the document they mean; the document's own names work as well."""

DATES = frozenset({"captured.wall", "captured.instant", "added", "updated"})
PRESENCE = {"location": "location", "gps": "location", "date": "captured.wall", "place": "place.country", "phash": "phash",
            "camera": "camera.model", "live": "live_id", "stack": "stack.id", "sidecar": "sidecars.path"}  # fmt: skip
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_.]*):")
_SIZES = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_NEAR = re.compile(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?)(km|m|mi)?)?(?=[\s)]|$)")
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2})(?::(\d{2})(?::(\d{2}))?)?)?)?)?$")
_OPENING, _CLOSING = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class Near:
    """A circle: degrees and kilometres. `negated`: outside of it."""

    lat: float
    lon: float
    km: float
    negated: bool = False


@dataclass(slots=True)
class ParsedQuery:
    """A query string for Elasticsearch, the circles beside it, and where its parts came from in the text typed."""

    text: str
    near: list[Near] = field(default_factory=list)
    spots: list[tuple[int, int]] = field(default_factory=list)

    def position(self, column: int) -> int:
        """The spot in the text typed for a column of the rewritten one (both 0-based)."""
        best = max((s for s in self.spots if s[0] <= column), default=(0, 0))
        return best[1] + column - best[0]


def parse_query(text: str, known: frozenset[str]) -> ParsedQuery:
    """Rewrite what a person typed. `known` are the document's own field names.

    Raises QuerySyntaxError with the spot where it goes wrong.
    """
    _check_balance(text)
    query = ParsedQuery("")
    at = 0
    while at < len(text):
        if text[at] == '"':
            end = _end_of_quote(text, at)
            _append(query, text[at:end], at)
            at = end
        elif text[at] == "\\":
            _append(query, text[at : at + 2], at)
            at += 2
        elif (match := _NAME.match(text, at)) and _starts_term(text, at):
            at = _take_field(text, match, query, known)
        else:
            _append(query, text[at], at)
            at += 1
    query.text = query.text.strip()
    return query


def _append(query: ParsedQuery, piece: str, spot: int) -> None:
    query.spots.append((len(query.text), spot))
    query.text += piece


def _starts_term(text: str, at: int) -> bool:
    return at == 0 or text[at - 1] in " \t\n(-+!"


def _end_of_quote(text: str, at: int) -> int:
    end = at + 1
    while end < len(text) and text[end] != '"':
        end += 2 if text[end] == "\\" else 1
    return end + 1


def _check_balance(text: str) -> None:
    stack: list[tuple[str, int]] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 2
            continue
        if char == '"':
            end = _end_of_quote(text, at)
            if end > len(text):
                raise QuerySyntaxError("This quotation mark is never closed", position=at)
            at = end
            continue
        if char in _OPENING:
            stack.append((char, at))
        elif char in _CLOSING:
            if not stack or not _closes(stack[-1][0], char):
                raise QuerySyntaxError(f"This {char} closes nothing", position=at)
            stack.pop()
        at += 1
    if stack:
        raise QuerySyntaxError(f"This {stack[-1][0]} is never closed", position=stack[-1][1])


def _closes(opening: str, closing: str) -> bool:
    return (opening == "(") == (closing == ")")  # ranges may mix [ and }


def _take_field(text: str, match: re.Match[str], query: ParsedQuery, known: frozenset[str]) -> int:
    """Rewrite one `name:value`; returns where to go on."""
    name, start, at = match[1], match.start(), match.end()
    if at >= len(text) or text[at].isspace():
        raise QuerySyntaxError(f"A value is missing after {name}:", position=at)
    if name == "near":
        return _take_near(text, start, at, query)
    if name == "has":
        end = _end_of_value(text, at)
        wanted = text[at:end]
        if wanted not in PRESENCE:
            raise QuerySyntaxError(f"has: knows {', '.join(PRESENCE)}", position=at)
        _append(query, f"_exists_:{PRESENCE[wanted]}", start)
        return end
    target = FIELDS.get(name) or (name if name in known or name == "_exists_" else None)
    if target is None:
        raise QuerySyntaxError(f"There is no field {name}", position=start, hint=_suggestion(name, known))
    return _take_value(text, target, start, at, query)


def _suggestion(name: str, known: frozenset[str]) -> str:
    close = difflib.get_close_matches(name, [*FIELDS, *known, "near", "has"], 1)
    return f"Did you mean {close[0]}?" if close else f"Known are: {', '.join(sorted(FIELDS))}, near, has."


def _take_value(text: str, target: str, start: int, at: int, query: ParsedQuery) -> int:
    end = _end_of_value(text, at)
    value = text[at:end]
    if target in DATES:
        value = _date_value(value, at)
    elif target == "size":
        value = re.sub(r"(\d+(?:\.\d+)?)([kmgt]b)\b", lambda m: str(int(float(m[1]) * _SIZES[m[2].lower()])), value, flags=re.I)
    elif target == "paths":
        if "*" not in value and "?" not in value and not value.startswith('"'):
            target = "paths.text"
        value = value if value.startswith('"') else value.replace("/", "\\/")
    elif target in ("kind", "type", "extension", "stores", "hash"):
        value = value.lower()
    _append(query, f"{target}:{value}", start)
    return end


def _end_of_value(text: str, at: int) -> int:
    """Past one value: a quoted phrase, a range, a group, or a word."""
    if text[at] == '"':
        return _end_of_quote(text, at)
    if text[at] in _OPENING:
        depth = 0
        for end in range(at, len(text)):
            depth += (text[end] in _OPENING) - (text[end] in _CLOSING)
            if not depth:
                return end + 1
    end = at
    while end < len(text) and not text[end].isspace() and text[end] != ")":
        if text[end] == '"':
            return _end_of_quote(text, end)
        end += 2 if text[end] == "\\" else 1
    return min(end, len(text))


def _take_near(text: str, start: int, at: int, query: ParsedQuery) -> int:
    match = _NEAR.match(text, at)
    if not match:
        raise QuerySyntaxError("near: wants latitude,longitude,distance such as near:51.05,3.72,5km", position=at)
    lat, lon = float(match[1]), float(match[2])
    if abs(lat) > 90 or abs(lon) > 180:
        raise QuerySyntaxError(f"{match[1]},{match[2]} is no position on earth", position=at)
    if any(c in text[:start] + text[match.end() :] for c in "()") or re.search(r"\bOR\b|\|\|", text):
        raise QuerySyntaxError("near: goes with all other words; it cannot stand beside OR or in parentheses", position=start)
    km = float(match[3] or 1) * {"m": 0.001, "mi": 1.609344}.get(match[4] or "km", 1.0)
    negated = bool(re.search(r"(?:-|!|\bNOT\s+)$", query.text))
    query.text = re.sub(r"(?:-|!|\bNOT\s+)$", "", query.text)
    query.near.append(Near(lat, lon, km, negated))
    _append(query, "*:*", start)
    return match.end()


# --- dates ---------------------------------------------------------------------------------------------------------


def _date_value(value: str, at: int) -> str:
    """A range of whole milliseconds for what a person wrote: 2019, 2019-07, >=2019-07-12, [2018 TO 2019]."""
    inner = re.fullmatch(r"([\[{])\s*(\S+)\s+TO\s+(\S+?)\s*([\]}])", value)
    if inner:
        low = "*" if inner[2] == "*" else _bound(inner[2], at + 1, upper=inner[1] == "{")
        high = "*" if inner[3] == "*" else _bound(inner[3], at + value.rindex(inner[3]), upper=inner[4] == "]")
        return f"{inner[1]}{low} TO {high}{inner[4]}"
    if value in ("*",):
        return value
    compared = re.fullmatch(r"(>=|<=|>|<)(.+)", value)
    if compared:
        operator, moment = compared[1], compared[2]
        bound = _bound(moment, at + len(operator), upper=operator in (">", "<="))
        return (
            f"[{bound} TO *]"
            if operator == ">="
            else f"{{{bound} TO *]"
            if operator == ">"
            else f"[* TO {bound}{']' if operator == '<=' else '}'}"
        )
    plain = value.strip('"')
    return f"[{_bound(plain, at, upper=False)} TO {_bound(plain, at, upper=True)}]"


def _bound(text: str, at: int, *, upper: bool) -> str:
    """The first or last millisecond of a year, month, day, hour, minute or second."""
    match = _DATE.match(text.strip('"'))
    if not match:
        raise QuerySyntaxError(f"{text} is no date such as 2019, 2019-07, 2019-07-12 or 2019-07-12T18:30", position=at)
    parts = [int(g) for g in match.groups() if g is not None]
    try:
        low = datetime(*(parts + [1, 1][len(parts) - 1 :] if len(parts) < 3 else parts))  # type: ignore[arg-type]
    except ValueError:
        raise QuerySyntaxError(f"There is no date {text}", position=at) from None
    moment = low if not upper else _end_of(low, len(parts))
    return moment.isoformat(timespec="milliseconds")


def _end_of(low: datetime, precision: int) -> datetime:
    if precision == 1:
        length = timedelta(days=366 if calendar.isleap(low.year) else 365)
    elif precision == 2:
        length = timedelta(days=calendar.monthrange(low.year, low.month)[1])
    else:
        length = {3: timedelta(days=1), 4: timedelta(hours=1), 5: timedelta(minutes=1)}.get(precision, timedelta(seconds=1))
    return low + length - timedelta(milliseconds=1)
