"""A synthetic library: documents as real ones are, of photos and films of 91 years, written
straight into an index. The same number and seed make the same library.

One day has 70,000 of the million, one in 200 has no date, one in 100 only a year or a month.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from catalog.domain.asset import Entry
from catalog.domain.copies import copy_row, flat, timestamp
from catalog.domain.derivation import with_derived
from catalog.domain.document import AssetDocument, Captured
from catalog.domain.fixity import content_hash
from catalog.index.client import Line
from catalog.index.repository import Repository

AT_ONCE = 2000
BUSY_DAY = datetime(2021, 8, 14)
BUSY_SHARE = 0.07
_FIRST = datetime(1935, 5, 1)
_DAYS = 33_151
_SHAPES = ((4032, 3024), (3024, 4032), (6000, 4000), (1920, 1080), (1080, 1920), (3000, 3000))
_CAMERAS = (
    ("Apple", "iPhone 12"),
    ("Canon", "EOS R6"),
    ("Sony", "ILCE-7M4"),
    ("Google", "Pixel 8"),
)
_TOWNS = (
    ("Ghent", "Belgium"),
    ("Berlin", "Germany"),
    ("Lisbon", "Portugal"),
    ("Delft", "Netherlands"),
)
_NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def fill(repository: Repository, count: int, seed: int = 1) -> None:
    """Write so many documents, and make them visible to searches."""
    with ThreadPoolExecutor(2) as threads:
        for _done in threads.map(
            lambda start: repository.bulk(
                list(_lines(repository.alias, range(start, min(start + AT_ONCE, count)), seed))
            ),
            range(0, count, AT_ONCE),
        ):
            pass
    repository.refresh()


def _lines(alias: str, numbers: range, seed: int) -> Iterator[Line]:
    for number in numbers:
        document = make_document(number, seed)
        yield {"create": {"_index": alias, "_id": document["hash"]}}
        yield document


def make_document(number: int, seed: int = 1) -> AssetDocument:
    """The document of the nth asset."""
    chance = random.Random(seed * 10_000_019 + number)
    name = content_hash(b"%d of %d" % (number, seed))
    is_film = chance.random() < 0.05
    width, height = chance.choice(_SHAPES)
    make, model = chance.choice(_CAMERAS)
    added = _NOW + timedelta(seconds=number)
    captured = _captured(chance)
    path = f"{captured.get('wall', 'undated')[:7].replace('-', '/')}/{name[:8]}.jpg"
    size = chance.randrange(200_000, 12_000_000)
    copies = flat(
        copy_row(store, Entry(path, size, 1_600_000_000_000_000_000 + number), added, added)
        for store in ("nas", "dropbox")
    )
    document: AssetDocument = {
        "copies": copies["copies"],
        "stores": copies["stores"],
        "copy_count": copies["copy_count"],
        "paths": copies["paths"],
        "hash": name,
        "size": size,
        "kind": "video" if is_film else "image",
        "type": "mp4" if is_film else "jpeg",
        "mime": "video/mp4" if is_film else "image/jpeg",
        "extension": "mp4" if is_film else "jpg",
        "camera": {"make": make, "model": model},
        "width": width,
        "height": height,
        "phash": f"{chance.getrandbits(64):016x}",
        "phash_inner": f"{chance.getrandbits(64):016x}",
        "look": base64.b64encode(chance.randbytes(600)).decode(),
        "quality": {
            "sharpness": chance.uniform(10, 900),
            "brightness": chance.uniform(20, 235),
            "contrast": chance.uniform(10, 80),
            "blank": False,
            "blurred": chance.random() < 0.1,
            "focus": chance.uniform(10, 2000),
            "dark": 0.1,
            "bright": 0.1,
            "detail": chance.random(),
            "relief": chance.uniform(2, 30),
        },
        "software": "15.1",
        "sources": {"make": "exif", "captured": "exif:DateTimeOriginal"},
        "original": {"name": path.rpartition("/")[2], "path": f"/card/{path}"},
        "added": timestamp(added),
        "updated": timestamp(added),
        "run": "20260102T030405Z-abcdef",
    }
    if captured:
        document["captured"] = captured
    if chance.random() < 0.6:
        city, country = chance.choice(_TOWNS)
        document["place"] = {"city": city, "country": country, "source": "table"}
    if chance.random() < 0.01:
        document["favorite"] = True
    if chance.random() < 0.1:
        document["stack"] = {"id": f"s{number // 3}", "role": "burst"}
    return with_derived(document)


def _captured(chance: random.Random) -> Captured:
    lot = chance.random()
    if lot < 0.005:
        return {}
    base = BUSY_DAY if lot > 1 - BUSY_SHARE else _FIRST + timedelta(days=chance.randrange(_DAYS))
    made: Captured = {
        "wall": (base + timedelta(seconds=chance.randrange(86_400))).isoformat(
            timespec="milliseconds"
        ),
        "source": "exif:DateTimeOriginal",
        "confidence": "high",
        "has_time": True,
    }
    if lot < 0.015:
        precision = "month" if lot < 0.01 else "year"
        first = base.replace(day=1) if precision == "month" else base.replace(month=1, day=1)
        made |= {
            "wall": first.isoformat(timespec="milliseconds"),
            "has_time": False,
            "precision": precision,
        }
    return made
