"""Assets and searches made by chance: the same ones for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from catalog.index.query_text import BOOLEANS, DATES, FIELDS, NUMBERS, PRESENCE

WORDS = (
    *("Snow", "snow", "in", "Ghent", "ghent", "rome", "roma", "room", "img", "iPhone", "Straße"),
    *("7", "12", "2019", "3.5", "1,000", "10:30", "4.2mm", "f/1.6", "x1y2", "C++", "&", "_", "a_"),
    *("IMG_7", "IMG-7", "07_July", "__a", "a.b", "a:b", "Ghent.jpg", "don't", "'quoted'", "co-op"),
    *("é", "Éa", "e\u0301", "İ", "\uff21\uff22", "Ωμέγα", "Москва", "\U0001f642"),
    *("北京", "ひら", "カタカナ", "한국"),
)
_TEXTS = ("title", "description", "albums", "notes", "problem", "software")
_KEYWORDS = ("kind", "type", "extension", "run", "live_id", "stores", "manual", "image_hash")
_SIGNS = frozenset(r'+-!():^[]"{}~*?\/&|<>= ')
_TYPED_FIELDS = DATES | NUMBERS | BOOLEANS
_NAMES = sorted(name for name, target in FIELDS.items() if target not in _TYPED_FIELDS)


def an_asset(chance: Random, key: str) -> dict[str, Any]:
    """A document whose fields hold anything, or nothing."""

    def some(make: Callable[[], Any], likely: float = 0.4) -> Any:
        return make() if chance.random() < likely else None

    def word() -> str:
        return chance.choice(WORDS)

    def words() -> str:
        return " ".join(word() for _ in range(chance.randint(1, 4)))

    def moment() -> str:
        at = datetime(2018, 1, 1) + timedelta(seconds=chance.randrange(3 * 365 * 86_400))
        return at.isoformat(timespec="milliseconds")

    def path() -> str:
        return "/".join(word() for _ in range(chance.randint(1, 3)))

    def copy() -> dict[str, Any]:
        stores, states = ("nas", "far"), ("ok", "missing")
        return {"store": chance.choice(stores), "path": path(), "state": chance.choice(states)}

    copies = [copy() for _ in range(chance.randint(0, 3))]
    return {
        "hash": key,
        **{name: some(words) for name in _TEXTS},
        **{name: some(word) for name in _KEYWORDS},
        "tags": some(lambda: [words() for _ in range(chance.randint(1, 3))]),
        "captured": {
            "wall": some(moment, 0.7),
            "year": some(lambda: chance.randint(2018, 2020)),
            "hour": some(lambda: chance.randint(0, 23)),
            "month_day": some(lambda: f"{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"),
            "confidence": some(lambda: chance.choice(("high", "low"))),
        },
        "added": some(moment),
        "size": some(lambda: chance.randint(0, 3000), 0.8),
        "width": some(lambda: chance.randint(0, 20)),
        "rating": some(lambda: chance.randint(-1, 5)),
        "altitude": some(lambda: chance.choice((0, -5.5, 4.2, 12, 100.25))),
        "favorite": some(lambda: chance.random() < 0.5),
        "place": {"country": some(word), "city": some(words), "country_code": some(lambda: "BE")},
        "camera": {"make": some(word), "model": some(words)},
        "exposure": {"focal_length": some(lambda: chance.choice((4.2, 26, 50.5)))},
        "location": some(lambda: {"lat": chance.uniform(50, 52), "lon": chance.uniform(3, 5)}),
        "copies": copies,
        "paths": [row["path"] for row in copies],
        "copy_count": len(copies),
        "original": {"name": some(word), "path": some(path)},
        "sidecars": [{"store": "nas", "path": path()}] if chance.random() < 0.2 else [],
        "sources": some(lambda: {"make": chance.choice(("exif", "xmp"))}),
    }


def a_search(chance: Random, depth: int = 2) -> str:
    """What a person may type, with parentheses in each other up to so many."""
    text = ""
    for number in range(chance.randint(1, 3)):
        joint = chance.choice((" ", " ", " OR ", " AND ")) if number else ""
        sign = chance.choice(("", "", "", "", "-", "NOT ", "+"))
        text += f"{joint}{sign}{_condition(chance, depth)}"
    return text


def _condition(chance: Random, depth: int) -> str:
    if depth and chance.random() < 0.3:
        name = _one(chance, "title", "tag", "camera", "kind")
        named = f"{name}:" if chance.random() < 0.3 else ""
        return f"{named}({a_search(chance, depth - 1)})"
    return chance.choice((_word, _word, _phrase, _named, _named, _pattern, _range, _typed))(chance)


def _one(chance: Random, *values: str) -> str:
    return chance.choice(values)


def _word(chance: Random) -> str:
    """A word whose signs mean nothing."""
    return "".join(f"\\{c}" if c in _SIGNS else c for c in chance.choice(WORDS))


def _phrase(chance: Random) -> str:
    words = " ".join(chance.choice(WORDS) for _ in range(chance.randint(1, 3)))
    return f'"{words}"{_one(chance, "", "", "~1", "~3")}'


def _named(chance: Random) -> str:
    return f"{chance.choice(_NAMES)}:{_word(chance) if chance.random() < 0.7 else _phrase(chance)}"


def _begun(chance: Random) -> str:
    return _one(chance, "a", "snow", "Ghent", "img", "rome", "roma", "s", "é", "北京", "zz")


def _pattern(chance: Random) -> str:
    name = _one(chance, "", "title:", "path:", "name:", "city:", "camera:", "kind:", "tag:")
    text = _begun(chance)
    fuzzy = _one(chance, "~", "~1", "~2")
    return name + _one(
        chance, f"{text}*", f"*{text}", f"{text[0]}?*", f"{text}{fuzzy}", f"/{text[0]}.*/"
    )


def _range(chance: Random) -> str:
    name = _one(chance, "title", "city", "place", "kind", "path")
    low, high = _begun(chance), _begun(chance)
    return f"{name}:" + _one(chance, f"[{low} TO {high}]", f"{{{low} TO *}}", f">={low}")


def _typed(chance: Random) -> str:
    days = ("2018", "2019-02", "2019-07-12", "2020-02-29T12", "2019-12-31T23:59:59", "now-3000d/y")
    sign, day, other = _one(chance, "", ">", "<", ">=", "<="), *chance.sample(days[:-1], 2)
    return _one(
        chance,
        f"has:{chance.choice(sorted(PRESENCE))}",
        f"has:{chance.choice(sorted(FIELDS))}",
        f"taken:{sign}{day}",
        f"added:[{day} TO {other}]",
        f"added:{sign or '>'}{days[-1]}",
        f"size:{sign}{chance.randint(0, 3000)}",
        f"width:{sign}{chance.randint(0, 20)}",
        f"altitude:{_one(chance, '-5.5', '4.2', '>4.2', '<=4.2', '[-6 TO 12}')}",
        f"rating:{_one(chance, '-1', '>2.5', '<0', '[1 TO 3]', '>=-0.5')}",
        f"favorite:{_one(chance, 'yes', 'no', '*')}",
        f"year:{sign}{chance.randint(2017, 2021)}",
        f"month_day:{chance.randint(1, 12):02}-*",
        f"copies:{sign}{chance.randint(0, 3)}",
        f"focal_length:{sign}{_one(chance, '4.2', '26')}",
        f"near:{chance.uniform(50, 52):.3f},{chance.uniform(3, 5):.3f},{chance.randint(1, 90)}km",
    )
