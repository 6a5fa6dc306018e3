"""How fast a catalog is exported and imported, and how much memory that takes.

    python benchmarks/transfer.py --documents 20000

Documents of about 2 kB made by code, in the program's own node; each command is a process of its
own, its start included.
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import tempfile
from pathlib import Path

import click
import orjson
from run import BIN, Row, _command, _print

from catalog.config import load
from catalog.domain.copies import flat
from catalog.domain.document import AssetDocument, CopyRow
from catalog.work.progress import NoProgress
from catalog.work.workspace import Workspace

INDEX = f"bench-transfer-{os.getpid()}"
WHEN = "2020-01-02T03:04:05.678Z"


def _document(number: int) -> AssetDocument:
    """An asset of which everything usual is known, with two copies."""
    chance = random.Random(number)
    digest = hashlib.sha256(b"%d" % number).hexdigest()
    place = f"20{number % 25:02d}/07_July/IMG_{number:06d}.jpg"
    copy: CopyRow = {
        "store": "nas",
        "path": place,
        "name": place.rpartition("/")[2],
        "size": number,
        "mtime": WHEN,
        "added": WHEN,
        "verified": WHEN,
        "state": "ok",
        "device": 66_306,
        "inode": number,
    }
    document: AssetDocument = {
        "hash": digest,
        "image_hash": hashlib.sha256(digest.encode()).hexdigest(),
        "size": number,
        "kind": "image",
        "type": "jpeg",
        "mime": "image/jpeg",
        "extension": "jpg",
        "width": 4032,
        "height": 3024,
        "orientation": 6,
        "captured": {
            "wall": WHEN[:-1],
            "instant": WHEN,
            "offset_minutes": 120,
            "zone": "Europe/Brussels",
            "source": "exif:DateTimeOriginal",
            "confidence": "high",
            "has_time": True,
        },
        "location": {"lat": chance.uniform(-60, 60), "lon": chance.uniform(-180, 180)},
        "altitude": 12.5,
        "place": {
            "country": "Belgium",
            "country_code": "BE",
            "region": "Flanders",
            "city": "Ghent",
            "source": "table",
        },
        "camera": {
            "make": "Apple",
            "model": f"iPhone {number % 12}",
            "lens": "back camera 4.2mm f/1.6",
        },
        "exposure": {
            "time": 0.008,
            "f_number": 1.6,
            "iso": 32,
            "focal_length": 4.2,
            "focal_length_35mm": 26,
            "flash": 16,
        },
        "phash": f"{chance.getrandbits(64):016x}",
        "tags": ["snow", f"tag {number % 40}"],
        "software": "15.1",
        "quality": {
            "sharpness": chance.uniform(0, 900),
            "brightness": 127.5,
            "contrast": 33.25,
            "blank": False,
            "blurred": False,
        },
        "original": {
            "name": f"IMG_{number:06d}.JPG",
            "path": f"/media/card/DCIM/IMG_{number:06d}.JPG",
        },
        "sources": dict.fromkeys(
            ("make", "model", "lens", "location", "orientation", "iso"), "exif"
        ),
        "added": WHEN,
        "updated": WHEN,
        "run": "20200102T030405Z-abcdef",
    }
    return {**document, **flat([copy, {**copy, "store": "usb"}])}


def _fill(documents: int) -> int:
    """Put them into the catalog; the size of one, in bytes."""
    repository = Workspace(load(index=INDEX), NoProgress()).repository
    for start in range(0, documents, 1000):
        made = [_document(number) for number in range(start, min(start + 1000, documents))]
        repository.bulk(
            line for d in made for line in ({"create": {"_index": INDEX, "_id": d["hash"]}}, d)
        )
    return len(orjson.dumps(_document(1)))


@click.command()
@click.option("--documents", default=20_000, show_default=True, help="Documents in the catalog.")
def main(documents: int) -> None:
    """Measure export, import into an empty catalog, and the same import again."""
    with tempfile.TemporaryDirectory(prefix="catalog-bench-") as temporary:
        work = Path(temporary)
        work.chmod(0o755)
        os.environ.setdefault("CATALOG_STATE_DIR", str(work / "state"))
        own = os.environ.setdefault("CATALOG_NODE_HOME", str(work / "node")) == str(work / "node")
        catalog = str(BIN / "catalog")
        try:
            size = _fill(documents)
            rows: list[Row] = []
            for name, arguments in (
                ("export", ("export", work / "all.ndjson", "--index", INDEX)),
                ("export, gzip", ("export", work / "all.ndjson.gz", "--index", INDEX)),
                (
                    "import, empty catalog",
                    ("import", work / "all.ndjson", "--index", f"{INDEX}-copy"),
                ),
                (
                    "import again, unchanged",
                    ("import", work / "all.ndjson", "--index", f"{INDEX}-copy"),
                ),
            ):
                rows.append(
                    _command(
                        name, documents, [catalog, *map(str, arguments), "-q"], dict(os.environ)
                    )
                )
        finally:
            if own:
                subprocess.run([catalog, "engine", "stop"], check=False, stdout=subprocess.DEVNULL)
    click.echo(f"{documents:,} documents of {size:,} bytes; rates are documents a second.\n")
    _print(rows)


if __name__ == "__main__":
    main()
