"""One catalog in two indexes, a real one and the one in memory: each question has one answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from memory_index import MemoryIndex
from PIL import Image, ImageFilter
from running import GHENT, Lab, clip, jpeg, png, put

from catalog.domain.fixity import content_hash
from catalog.engine import NodeAddress

pytestmark = pytest.mark.node
AMSTERDAM = (52.37, 4.9)
PHOTOS = {
    "a.jpg": jpeg("ghent", "2019:07:12 18:30:15", GHENT),
    "a.jpg.xmp": b"<x/>",
    "b.jpg": jpeg("amsterdam", "2020:01:02 03:04:05", AMSTERDAM),
    "burst/1.jpg": jpeg("one", "2018:05:06 07:08:09"),
    "burst/2.jpg": jpeg("two", "2018:05:06 07:08:10"),
    "undated.png": png("undated"),
    "écran (2).png": png("screen"),
}
HASH = content_hash(PHOTOS["a.jpg"])
PASSING = {"seconds", "files_per_second", "run", "journal", "bytes_per_second"}
"""What is another each time."""


@pytest.fixture
def both(lab: Lab) -> Iterator[tuple[Lab, Lab]]:
    """The same catalog twice, of the same files: what a person did to it, and its history."""
    with MemoryIndex() as memory:
        node = NodeAddress(memory.url, memory.user, memory.password)
        twin = Lab(lab.folder, node, lab.index, lab.variables)
        fill(lab)
        export = lab.folder / "export.ndjson"
        assert lab.catalog("export", export).status == 0
        assert twin.catalog("import", export).status == 0
        for what in ("", "stores", "sources", "decisions", "handovers", "access"):
            assert twin.documents(what) == lab.documents(what), what
        yield lab, twin
        assert memory.cluster.not_emulated == []


def fill(lab: Lab) -> None:
    """A little of everything."""
    put(lab.source, PHOTOS)
    clip(lab.source / "v.mp4", "2017-02-03T04:05:06.000000Z")
    scene = Image.fromarray(np.random.default_rng(1).integers(0, 255, (60, 90, 3), np.uint8))
    scene.resize((900, 600)).save(lab.source / "sharp.jpg", quality=95)
    scene.resize((600, 400)).save(lab.source / "smaller.jpg", quality=80)
    scene.resize((900, 600)).filter(ImageFilter.GaussianBlur(40)).save(lab.source / "soft.jpg")
    Image.new("RGB", (400, 300)).save(lab.source / "black.jpg")
    assert lab.upload().status == 0
    mirror = lab.folder / "mirror"
    mirror.mkdir()
    assert lab.catalog("store", "add", "second", mirror).status == 0
    assert lab.catalog("mirror", "nas", "second").status == 0
    assert lab.catalog("tag", HASH, "--add", "white horse").status == 0
    assert (
        lab.catalog(
            "set", "--query", "taken:2020", "rating=4", "albums+=Holiday", "title=On the water"
        ).status
        == 0
    )
    lost, moved = (lab.root / found for found in sorted(lab.stored())[:2])
    lost.unlink()
    moved.rename(moved.with_name("by hand.jpg"))
    assert lab.run("sync_catalog_with_disk", "-r", "--nas_root", lab.root).status == 0
    forgotten = content_hash(PHOTOS["burst/2.jpg"])
    assert lab.catalog("forget", forgotten, "--with-files", "--yes").status == 0


SEARCHES = [
    "ghent",
    "-kind:video has:location",
    "taken:[2018 TO 2019] OR kind:video",
    "near:51.05,3.72,300km",
    '"white horse"',
    "path:2018/* -tag:horse",
    "écran",
    "wat*",
    "rating:>3 camera:iphone",
    "album:holiday -blank:yes",
    "store:second copies:2",
    "size:>1kB size:<1MB",
    "updated:>now-1d",
]
ORDERS = ["taken", "-taken", "size", "-path", "city", "-sharpness", "rating", "-copies", "added"]
QUESTIONS: list[tuple[str, ...]] = [
    *(("search", "--format", "jsonl", "--sort", "hash", "--", text) for text in SEARCHES),
    *(("search", "--format", "count", "--", text) for text in SEARCHES),
    *(("search", "--format", "jsonl", "--sort", order) for order in ORDERS),
    ("search", "--limit", "3"),
    ("status", "--json"),
    ("show", HASH, "--json"),
    ("show", HASH[:9], "--json"),
    ("show", "2019/07_July/2019-07-12 18-30-15 Ghent.jpg"),
    ("history", "--json"),
    ("history", HASH, "--json"),
    ("history", "2019/07_July/2019-07-12 18-30-15 Ghent.jpg"),
    ("history", "none"),
    ("duplicates", "--json"),
    ("duplicates", "--kind", "burst", "--kind", "alike", "--within", "1h"),
    ("similar", HASH, "--distance", "30", "--json"),
    ("bad", "--json"),
    ("bad", "--blurred", "kind:image", "--json"),
    ("copies",),
    ("copies", "--fewer-than", "2", "--json"),
    ("copies", "--missing", "second", "kind:image"),
    ("check", "--json"),
    ("store", "list", "--json"),
    ("trash", "list", "--json"),
    ("check_copies", "--store", "nas", "--store", "second", "--json"),
    ("check_copies", "2019", "--store", "nas", "--store", "second"),
    ("clean_exact_duplicate_entries_from_catalog", "--json"),
    ("clean_exact_duplicate_entries_from_catalog", "-d", "2019/07_July", "--json"),
    ("sync_catalog_with_disk", "-r", "--dryrun", "--json"),
    ("mirror", "nas", "second", "--dryrun", "--json"),
    ("measure", "--dryrun", "--json"),
    ("measure", "--again", "--dryrun", "--json"),
    ("sidecars", "write", "--dryrun", "--json"),
    ("forget", HASH, "--dryrun", "--json"),
    ("verify", "second", "--json"),
    ("delete_from_directory_if_in_catalog", "-r", "{source}", "--dryrun", "--json"),
    ("upload_to_nas_from_disk", "-r", "{source}", "--dryrun", "--json"),
]


def answer(lab: Lab, question: tuple[str, ...]) -> tuple[int, list[Any], str]:
    """Exit status, lines without what is another each time, and errors."""
    program, *words = (word.format(source=lab.source) for word in question)
    done = lab.catalog(program, *words, CATALOG_NAS_ROOT=str(lab.root), COLUMNS="150")
    if not done.out.startswith("{"):
        return done.status, done.out.splitlines(), done.err
    lines = [{k: v for k, v in line.items() if k not in PASSING} for line in done.lines]
    return done.status, lines, done.err


def test_every_question_has_the_same_answer(both: tuple[Lab, Lab]) -> None:
    lab, twin = both
    real = {question: answer(lab, question) for question in QUESTIONS}
    assert {question: answer(twin, question) for question in QUESTIONS} == real
    refused = {question: told for question, told in real.items() if told[0] not in (0, 1, 3)}
    assert refused == {}
    silent = [question for question, (_status, lines, err) in real.items() if not lines and not err]
    assert silent == []
