"""Makes a kept catalog: the program of some commit does what its users do,
and what it leaves is written down.

    git worktree add /tmp/before COMMIT
    python tests/keep_catalog.py /tmp/before tests/catalogs/schema3.jsonl

Done once, with the last commit before a schema changes, so that every later version proves that it
can take it over. The ids of runs, the times and the numbers of files are those of that day; all
else is the same whenever it is made.
"""

from __future__ import annotations

import configparser
import csv
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulators.dropbox import Emulator
from kept_catalogs import write_down
from PIL import Image
from running import GHENT, Done, Lab, clip, ended, jpeg, put

from catalog.domain.fixity import content_hash
from catalog.engine import LocalNode

WORDS = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    b'xmp:Rating="3"/></rdf:RDF></x:xmpmeta>'
)
LONG_AGO = 0.0


@dataclass
class OldLab(Lab):
    """A lab whose commands are those of a checkout of an earlier commit,
    configured by a file alone.
    """

    checkout: Path = Path()

    def environment(self, **more: str) -> dict[str, str]:
        """Nothing of the settings: they stand in config.json."""
        ours = super().environment(**more)
        kept = {
            name: value
            for name, value in ours.items()
            if not name.startswith("CATALOG_") or name in more
        }
        return {**kept, **self.variables, "PYTHONPATH": str(self.checkout)}

    def start(self, program: str, *arguments: object, **more: str) -> subprocess.Popen[str]:
        """Start a command of that commit."""
        setup = configparser.ConfigParser()
        setup.read(self.checkout / "setup.cfg")
        scripts = dict(
            line.split(" = ")
            for line in setup["options.entry_points"]["console_scripts"].strip().splitlines()
        )
        module, function = scripts[program].split(":")
        code = (
            f"import sys; from {module} import {function}; sys.argv[0] = {program!r}; "
            f"sys.exit({function}())"
        )
        words = [sys.executable, "-c", code, *map(str, arguments)]
        environment = self.environment(**more)
        return subprocess.Popen(
            words,
            cwd=self.home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def do(lab: Lab, program: str, *arguments: object, status: int = 0, **more: str) -> Done:
    """Run a command to its end, which must be the one that is expected."""
    done = ended(lab.start(program, *arguments, **more), 300)
    assert done.status == status, (program, arguments, done)
    return done


def picture(seed: str, width: int, height: int, orientation: int = 1, **exif_texts: str) -> bytes:
    """A small JPEG; `exif_texts` are texts of the EXIF part by the hex digits of their tag."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif.get_ifd(0x8769).update({int(tag[1:], 16): text for tag, text in exif_texts.items()})
    made = Image.frombytes("RGB", (4, 4), random.Random(seed).randbytes(48)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    buffer = io.BytesIO()
    made.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def png(seed: str) -> bytes:
    buffer = io.BytesIO()
    Image.frombytes("RGB", (3, 3), random.Random(seed).randbytes(27)).resize((40, 30)).save(
        buffer, "PNG"
    )
    return buffer.getvalue()


def fill(lab: Lab) -> None:
    """Files with dates of every kind, shots of two files, and words beside them."""
    put(
        lab.source,
        {
            "IMG_0001.jpg": jpeg("full", position=GHENT),
            "IMG_0001.jpg.xmp": WORDS,
            "offset.jpg": picture("offset", 48, 32, x9003="2018:12:31 23:30:00", x9011="+05:30"),
            "turned.jpg": picture("turned", 48, 32, 6, x9003="2020:02:29 00:00:01"),
            "2018-03-04 party.jpg": picture("party", 30, 40),
            "IMG-20170102-WA0003.jpg": picture("messenger", 32, 32),
            "2016/05/18/walk.png": png("walk"),
            "2015/06 June/month.png": png("month"),
            "plain.png": png("plain"),
            "one.jpg": picture("one", 96, 64, x9003="2014:08:09 10:11:12"),
            "small/one.jpg": picture("one", 48, 32, x9003="2014:08:09 10:11:12"),
            "IMG_7.jpg": picture("still", 40, 30, x9003="2019:07:12 18:30:15"),
        },
    )
    put(lab.source, {"never.png": png("undated"), "nor this.png": png("undated, too")}, LONG_AGO)
    clip(lab.source / "IMG_7.mov", "2019-07-12T16:30:15.000000Z")
    clip(lab.source / "film.mp4", "2013-05-06T07:08:09.000000Z", frames=9)


def decide(lab: Lab, *rows: tuple[str, str, str, str]) -> Path:
    """A table of decisions: (decision, kind, hash, hash of the keeper)."""
    file = lab.home / "decisions.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["group", "decision", "kind", "hash", "keeper", "path"])
        writer.writerows(["0" * 12, *row, ""] for row in rows)
    return file


def path_of(lab: Lab, digest: str, store: str = "nas") -> Path:
    """Where a content lies in a store."""
    rows = lab.documents()[digest]["copies"]
    root = lab.root if store == "nas" else lab.folder / store
    return root / next(row["path"] for row in rows if row["store"] == store)


def use(lab: Lab) -> dict[str, Any]:
    """All that a catalog is used for.

    What the runs to be taken back later had found is returned.
    """
    archive = lab.folder / "archive"
    hashes = {
        name: content_hash((lab.source / name).read_bytes())
        for name in ("one.jpg", "small/one.jpg", "plain.png")
    }
    hashes |= {
        name: content_hash((lab.source / name).read_bytes())
        for name in ("offset.jpg", "turned.jpg", "never.png", "film.mp4")
    }
    do(lab, "upload_to_nas_from_disk", lab.source, "-r")
    put(lab.folder / "card", {"card.jpg": picture("card", 20, 20, x9003="2012:01:02 03:04:05")})
    do(lab, "upload_to_nas_from_disk", lab.folder / "card", "-m")
    archive.mkdir()
    do(lab, "catalog", "store", "add", "archive", archive)
    do(lab, "catalog", "mirror", "nas", "archive")
    do(lab, "sync_nas_to_dropbox")
    do(
        lab,
        "catalog",
        "tag",
        path_of(lab, hashes["offset.jpg"]),
        "--add",
        "night",
        "--add",
        "Ghent",
    )
    do(
        lab,
        "catalog",
        "set",
        path_of(lab, hashes["plain.png"]),
        "taken=1975-08-01",
        "title=Scan",
        "albums+=Family",
        "rating=4",
    )
    do(
        lab,
        "catalog",
        "set",
        path_of(lab, hashes["never.png"]),
        "taken=1999-12-31 23:59",
        "position=51.05,3.72",
        "favorite=yes",
    )
    do(lab, "catalog", "sidecars", "write")
    two = (hashes["small/one.jpg"], hashes["one.jpg"])
    do(
        lab,
        "catalog",
        "resolve",
        decide(lab, ("not-duplicate", "similar", hashes["film.mp4"], hashes["one.jpg"])),
    )
    do(lab, "catalog", "forget", hashes["turned.jpg"], "--yes")
    do(lab, "sync_catalog_with_disk")
    _hand_over(lab)
    put(lab.source, {"lost.png": png("lost")})
    do(lab, "upload_to_nas_from_disk", lab.source, "-r")
    path_of(lab, content_hash(png("lost"))).unlink()
    _rename_and_spoil(lab, hashes)
    do(lab, "sync_catalog_with_disk", "--yes")
    do(lab, "catalog", "verify", "archive", status=3)
    undo = [
        _run(
            lab,
            "set",
            hashes["offset.jpg"],
            "set",
            path_of(lab, hashes["offset.jpg"]),
            "taken=2001-02-03",
            "description=Wrong.",
        ),
        _run(
            lab,
            "resolve",
            two[0],
            "resolve",
            decide(lab, ("drop", "similar", *two), ("keep", "similar", two[1], two[1])),
        ),
    ]
    return {"undo": undo, "plans": {store: _planned(lab, store) for store in ("nas", "archive")}}


def _planned(lab: Lab, store: str) -> list[dict[str, Any]]:
    """What a sync of a store would do: nothing, in the one that was in order."""
    lines = do(lab, "sync_catalog_with_disk", "--store", store, "--dryrun", "--json").lines
    return [
        {name: line[name] for name in ("action", "path", "outcome", "hash")} for line in lines[:-1]
    ]


def _hand_over(lab: Lab) -> None:
    report = lab.home / "icloud_image_report.csv"
    do(lab, "reingest", "evaluate-images", "--query", "taken:2018", "--store", "nas", "--yes")
    do(lab, "reingest", "process-images", report, "--staging", lab.folder / "staging")
    staged = sorted(p for p in (lab.folder / "staging").iterdir() if p.is_file())
    staged[0].unlink()
    do(lab, "reingest", "confirm", "--emptied", lab.folder / "staging")


def _rename_and_spoil(lab: Lab, hashes: dict[str, str]) -> None:
    film = path_of(lab, hashes["film.mp4"])
    film.rename(film.with_name("renamed.mp4"))
    bad = path_of(lab, hashes["one.jpg"], "archive")
    status, data = bad.stat(), bytearray(bad.read_bytes())
    data[-5] ^= 1
    bad.write_bytes(bytes(data))
    os.utime(bad, ns=(status.st_mtime_ns, status.st_mtime_ns))


def _run(lab: Lab, command: str, digest: str, *words: object) -> dict[str, Any]:
    """A run that is to be taken back by a later version: what it changed as it was before,
    and its id.
    """
    before = lab.documents()[digest]
    run = do(lab, "catalog", *words, "--json", CATALOG_REMOVAL_COPIES="1").summary["run"]
    return {"command": command, "run": run, "hash": digest, "before": before}


@contextmanager
def opened(checkout: Path) -> Iterator[OldLab]:
    """A place of its own, with a node and a Dropbox account,
    and the configuration that a person would write there.
    """
    with tempfile.TemporaryDirectory(prefix="catalog-kept-") as name:
        folder = Path(os.path.realpath(name))
        folder.chmod(0o755)
        node = LocalNode(folder / "node", heap_mb=256)
        try:
            address = node.ensure_running()
            with Emulator(folder / "account") as emulator:
                lab = OldLab(folder, address, f"kept-{uuid.uuid4().hex}", checkout=checkout)
                lab.variables = {"HTTPS_PROXY": emulator.proxy, "NO_PROXY": "", "no_proxy": ""}
                lab.variables["CATALOG_DBOX_FULL_TOKEN"] = emulator.token
                lab.variables["CATALOG_DROPBOX_CA_CERT"] = str(emulator.ca_file)
                settings = json.loads((checkout / "config-template.json").read_text())
                settings |= {
                    "nas_root": str(lab.root),
                    "dropbox_root": "/photos",
                    "index": lab.index,
                }
                settings |= {"elasticsearch_url": address.url, "elasticsearch_user": address.user}
                settings |= {
                    "elasticsearch_password": address.password,
                    "state_dir": str(lab.home / "state"),
                }
                settings |= {"home_zone": "Europe/Brussels"}
                (lab.home / "config.json").write_text(json.dumps(settings, indent=2))
                yield lab
        finally:
            node.stop()


def main() -> None:
    """Make the catalog of a checkout, and write it down."""
    checkout, target = (Path(word).resolve() for word in sys.argv[1:3])
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, text=True, check=True
    ).stdout.strip()
    with opened(checkout) as lab:
        fill(lab)
        about = use(lab)
        export = lab.folder / "export.ndjson"
        do(lab, "catalog", "export", export)
        header = json.loads(export.read_text().splitlines()[0])
        about |= {"commit": commit, "schema": header["schema"], "export": header}
        write_down(lab, about, target)


if __name__ == "__main__":
    main()
