"""Facts of files that are far away: the same as those of files at hand,
from a small part of their bytes, and never wrong.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import clip_makers as clips
import numpy as np
import pillow_heif
import pytest
import still_makers as stills
from far_store import FarStore
from PIL import Image

from catalog.domain.asset import Entry, Facts
from catalog.domain.checksums import CONTENT
from catalog.domain.fixity import Digests
from catalog.domain.similarity import hamming
from catalog.errors import NotFound, StoreUnavailable, UnreadableMedia, UnsupportedType
from catalog.stores.scratch import scratch_folder
from catalog.work import byte_ranges, facts_reading
from catalog.work.facts_reading import LocalReading, RemoteReading, Wanted
from catalog.work.workers import ReaderPool, Result

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
BIG = 3_000_000
MANY = {"read_range", "thumbnails"}


@pytest.fixture(scope="module")
def pool() -> Iterator[ReaderPool]:
    with ReaderPool(2) as found:
        yield found


def noise(count: int, seed: int = 1) -> bytes:
    """Bytes that are nothing in particular."""
    return random.Random(seed).randbytes(count)


def photo(width: int = 1600, height: int = 1200, seed: int = 1) -> Image.Image:
    """A picture with large and small features, and grain that is hard to compress."""
    chance = np.random.default_rng(seed)
    layers = chance.normal(0, 12, (height, width, 3)).astype(np.float32)
    for cells, weight in ((4, 110), (9, 60), (40, 25)):
        small = Image.fromarray(chance.integers(0, 255, (cells, cells, 3), np.uint8))
        layers += (
            np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), np.float32)
            / 255
            * weight
        )
    return Image.fromarray(np.clip(layers + 20, 0, 255).astype(np.uint8))


def exif_bytes() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Canon", "EOS R6", 6
    exif.get_ifd(0x8769)[0x9003] = "2019:07:12 18:30:15"
    exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 3.0, 0.0), 3: "E", 4: (3.0, 43.0, 12.0)})
    return exif.tobytes()


def a_jpeg(path: Path) -> None:
    photo().save(path, quality=92, exif=exif_bytes())


def a_bare_jpeg(path: Path) -> None:
    photo(seed=2).save(path, quality=92)


def a_jpeg_with_a_long_head(path: Path) -> None:
    photo(seed=3).save(path, quality=92, exif=exif_bytes(), icc_profile=noise(400_000))


def a_samsung(path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "samsung"
    photo(seed=4).save(path, quality=92, exif=exif.tobytes())
    entry = b"\0\0\x30\x0a" + struct.pack("<II", 100, 50)
    with path.open("ab") as file:
        file.write(
            noise(200_000)
            + b"SEFH"
            + struct.pack("<II", 101, 1)
            + entry
            + struct.pack("<I", 24)
            + b"SEFT"
        )


def a_png(path: Path) -> None:
    photo(seed=5).save(path, exif=exif_bytes())


def a_png_with_its_exif_last(path: Path) -> None:
    photo(seed=6).save(path)
    data, exif = path.read_bytes(), exif_bytes()[6:]
    end = data.rindex(b"IEND") - 4
    path.write_bytes(
        data[:end] + struct.pack(">I", len(exif)) + b"eXIf" + exif + bytes(4) + data[end:]
    )


def a_webp(path: Path) -> None:
    photo(seed=7).save(path, quality=95, exif=exif_bytes())


def a_tiff(path: Path) -> None:
    """Its directory comes after the pixels."""
    photo(seed=8).save(path, exif=exif_bytes())


def a_dng(path: Path) -> None:
    """A directory at the very end, behind the sensor's data."""
    head = struct.pack("<2sHI", b"II", 42, 8 + BIG)
    entries = stills.directory(
        {
            0x100: (4, [4000]),
            0x101: (4, [3000]),
            0x102: (3, [16]),
            0x103: (3, [1]),
            0x106: (3, [32803]),
            0x10F: (2, "Leica"),
            0x110: (2, "M10"),
            0x111: (4, [8]),
            0x112: (3, [6]),
            0x117: (4, [BIG]),
            0x132: (2, "2020:02:03 04:05:06"),
            0xC612: (1, bytes((1, 4, 0, 0))),
        },
        8 + BIG,
        "<",
    )
    path.write_bytes(head + noise(BIG) + entries)


def a_heic(path: Path) -> None:
    pillow_heif.from_pillow(photo(seed=9)).save(path, quality=95, exif=exif_bytes())


def a_heic_with_its_exif_last(path: Path) -> None:
    """The Exif item's bytes are moved to the end of the file, and its place with them."""
    a_heic(path)
    data = path.read_bytes()
    exif = data.index(b"Exif\0\0", data.index(b"mdat")) - 4
    block = data[exif : exif + 4 + len(exif_bytes())]
    place = struct.pack(">I", exif)
    at = data.index(place, data.index(b"iloc"), data.index(b"mdat"))
    path.write_bytes(
        data[:at]
        + struct.pack(">I", len(data) + 8)
        + data[at + 4 :]
        + struct.pack(">I4s", 8 + len(block), b"mdat")
        + block
    )


def a_psd(path: Path) -> None:
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 3000, 4000, 8, 3) + bytes(4)
    exif = exif_bytes()[6:]
    block = (
        b"8BIM"
        + struct.pack(">H", 1058)
        + b"\0\0"
        + struct.pack(">I", len(exif))
        + exif
        + bytes(len(exif) & 1)
    )
    path.write_bytes(head + struct.pack(">I", len(block)) + block + noise(BIG))


TAGS = {
    "com.apple.quicktime.make": "Apple",
    "com.apple.quicktime.model": "iPhone 12",
    "com.apple.quicktime.creationdate": "2019-07-12T18:30:15+0200",
    "com.apple.quicktime.location.ISO6709": "+51.0500+003.7200/",
}


def a_movie_with_its_head_first(path: Path) -> None:
    moov = (
        clips.mvhd(clips.seconds_1904(datetime(2019, 7, 12, 16, 30, 15))),
        clips.trak(b"vide"),
        clips.keys_meta(TAGS),
    )
    path.write_bytes(clips.movie(*moov, mdat=noise(BIG)))


def a_movie_with_its_head_last(path: Path) -> None:
    moov = (
        clips.mvhd(clips.seconds_1904(datetime(2019, 7, 12, 16, 30, 15))),
        clips.trak(b"vide"),
        clips.keys_meta(TAGS),
    )
    path.write_bytes(
        clips.box(b"ftyp", b"qt  ", bytes(4), b"qt  ")
        + clips.box(b"mdat", noise(BIG))
        + clips.box(b"moov", *moov)
    )


def real(codec: str, frames: int = 48, **options: Any) -> Callable[[Path], None]:
    """A clip that FFmpeg made, made large."""

    def make(path: Path) -> None:
        clips.encode(path, codec, (640, 480), frames, **options)

    return make


def padded(make: Callable[[Path], None], extra: bytes) -> Callable[[Path], None]:
    def made(path: Path) -> None:
        make(path)
        with path.open("ab") as file:
            file.write(extra)

    return made


def a_fragmented_movie(path: Path) -> None:
    options = {"movflags": "frag_keyframe+empty_moov"}
    clips.encode(
        path,
        "mpeg4",
        (640, 480),
        240,
        options=options,
        metadata={"creation_time": "2019-07-12T16:30:15Z"},
    )


def a_matroska_with_tags_last(path: Path) -> None:
    """Segment with a seek head to tags that come behind a large cluster."""
    info = clips.element(
        0x1549A966,
        clips.element(0x2AD7B1, struct.pack(">I", 1_000_000)),
        clips.element(0x4489, struct.pack(">d", 5000)),
    )
    video = clips.element(0xE0, clips.element(0xB0, b"\x02\x80"), clips.element(0xBA, b"\x01\xe0"))
    tracks = clips.element(
        0x1654AE6B,
        clips.element(0xAE, clips.element(0x83, b"\1"), clips.element(0x86, b"V_VP9"), video),
    )
    cluster = clips.element(0x1F43B675, noise(BIG))
    simple = clips.element(
        0x67C8, clips.element(0x45A3, b"LOCATION"), clips.element(0x4487, b"+51.0500+003.7200/")
    )
    tags = clips.element(0x1254C367, clips.element(0x7373, simple))

    def head(position: int) -> bytes:
        seek = (
            clips.element(0x53AB, (0x1254C367).to_bytes(4)),
            clips.element(0x53AC, position.to_bytes(8)),
        )
        return clips.element(0x114D9B74, clips.element(0x4DBB, *seek))

    before = head(0) + info + tracks + cluster
    segment = head(len(before)) + info + tracks + cluster + tags
    path.write_bytes(
        clips.element(0x1A45DFA3, clips.element(0x4282, b"matroska"))
        + clips.element(0x18538067, segment)
    )


def an_avi(path: Path) -> None:
    """The date comes behind the media."""
    movi = clips.chunk_list(b"movi", noise(BIG))
    date = clips.chunk_list(b"INFO", clips.chunk(b"ICRD", b"2009-01-05 12:34:56\0"))
    data = clips.avi(movi, date)
    path.write_bytes(data)


MADE: dict[str, Callable[[Path], None]] = {
    "jpeg.jpg": a_jpeg,
    "bare.jpg": a_bare_jpeg,
    "long.jpg": a_jpeg_with_a_long_head,
    "samsung.jpg": a_samsung,
    "wrong extension.png": lambda path: photo().save(path, "JPEG", quality=92, exif=exif_bytes()),
    "png.png": a_png,
    "late.png": a_png_with_its_exif_last,
    "webp.webp": a_webp,
    "tiff.tif": a_tiff,
    "dng.dng": a_dng,
    "heic.heic": a_heic,
    "late.heic": a_heic_with_its_exif_last,
    "psd.psd": a_psd,
    "first.mov": a_movie_with_its_head_first,
    "last.mov": a_movie_with_its_head_last,
    "first.mp4": real(
        "mpeg4",
        options={"movflags": "faststart"},
        metadata={"creation_time": "2019-07-12T16:30:15Z"},
    ),
    "last.mp4": real("mpeg4", metadata={"creation_time": "2019-07-12T16:30:15Z"}),
    "fragments.mp4": a_fragmented_movie,
    "real.mkv": real("mpeg4", metadata={"creation_time": "2019-07-12T16:30:15Z"}),
    "late.mkv": a_matroska_with_tags_last,
    "avi.avi": an_avi,
    "real.avi": real("mjpeg"),
    "real.mpg": real("mpeg2video", 96),
    "real.wmv": real("wmv2"),
    "real.flv": real("flv1"),
    "real.ts": real("mpeg2video", 96, container_format="mpegts"),
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("far")
    for name, make in MADE.items():
        make(folder / name)
    return folder


def facts_at_hand(pool: ReaderPool, folder: Path, entries: list[Entry]) -> dict[str, Result | None]:
    return dict(LocalReading(pool, str(folder)).run((e.path, Wanted(e)) for e in entries))


def facts_from_afar(
    pool: ReaderPool, store: FarStore, scratch: Path, entries: list[Entry]
) -> dict[str, Result | None]:
    found = dict(RemoteReading(pool, store, scratch).run((e.path, Wanted(e)) for e in entries))
    assert list(scratch.iterdir()) == []
    return found


def check_same(name: str, near: Result | None, far: Result | None) -> None:
    """The same but for what only whole files have; the look may differ a little."""
    if not isinstance(near, Facts):
        assert type(far) is type(near), (name, far)
        return
    assert isinstance(far, Facts), (name, far)
    if far.phash and near.phash:
        assert hamming(far.phash, near.phash) <= 6, name
    quality = replace(
        far,
        phash=near.phash,
        phash_inner=near.phash_inner,
        look=near.look,
        quality=near.quality,
        problem=near.problem,
        image_hash=near.image_hash,
        in_part=near.in_part,
    )
    assert quality == near, name


@pytest.mark.parametrize(
    ("first", "piece"), [(facts_reading.FIRST, byte_ranges.PIECE), (4096, 700)]
)
def test_facts_from_some_bytes_are_those_of_the_whole_file(
    pool: ReaderPool,
    library: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: int,
    piece: int,
) -> None:
    monkeypatch.setattr(facts_reading, "FIRST", first)
    monkeypatch.setattr(byte_ranges, "PIECE", piece)
    monkeypatch.setattr(facts_reading, "MOST_ROUNDS", 1000)
    store = FarStore("far", library)
    entries = list(store.list())
    near, far = (
        facts_at_hand(pool, library, entries),
        facts_from_afar(pool, store, tmp_path, entries),
    )
    assert far.keys() == near.keys() == MADE.keys()
    for name in MADE:
        check_same(name, near[name], far[name])
    assert store.calls["open"] == store.calls["checksum"] == 0


def test_only_a_small_part_of_a_large_file_is_fetched(
    pool: ReaderPool, library: Path, tmp_path: Path
) -> None:
    store = FarStore("far", library)
    entries = {e.path: e for e in store.list()}
    facts_from_afar(pool, store, tmp_path, list(entries.values()))
    for name in (
        "jpeg.jpg",
        "samsung.jpg",
        "late.png",
        "tiff.tif",
        "dng.dng",
        "last.mov",
        "first.mov",
        "late.mkv",
        "avi.avi",
    ):
        assert entries[name].size > 500_000, name
        assert store.fetched(name) <= 400_000, (name, store.fetched(name), entries[name].size)


def test_thumbnails_are_asked_for_together(pool: ReaderPool, tmp_path: Path) -> None:
    folder = tmp_path / "far"
    folder.mkdir()
    a_jpeg(folder / "0.jpg")
    for number in range(1, 60):
        shutil.copy(folder / "0.jpg", folder / f"{number}.jpg")
    store = FarStore("far", folder)
    found = facts_from_afar(pool, store, tmp_path / "scratch", list(store.list()))
    assert all(isinstance(f, Facts) and f.phash for f in found.values())
    assert sum(store.batches) == 60
    assert max(store.batches) == 25
    assert len(store.batches) <= 5


def test_a_content_hash_that_is_stated_costs_no_request(
    pool: ReaderPool, library: Path, tmp_path: Path
) -> None:
    store = FarStore("far", library)
    entries = [
        *store.list(),
        Entry("notes.pdf", 10, checksums={CONTENT: "d"}),
        Entry("empty.jpg", 0, checksums={CONTENT: "e"}),
        Entry("none", 5, checksums={CONTENT: "f"}),
    ]
    store.calls.clear()
    wanted = ((e.path, Wanted(e, only_hash=True)) for e in entries)
    found = dict(RemoteReading(pool, store, tmp_path).run(wanted))
    assert isinstance(found.pop("notes.pdf"), UnsupportedType)
    assert isinstance(found.pop("empty.jpg"), UnreadableMedia)
    assert found == {e.path: Digests(e.content_hash) for e in entries if e.path in found}
    assert not store.calls


def test_a_store_that_states_no_content_is_asked_for_it(pool: ReaderPool, tmp_path: Path) -> None:
    store = three(tmp_path / "far")
    entries = list(store.list())
    silent = [replace(e, checksums={}, revision="") for e in entries]
    found = facts_from_afar(pool, store, tmp_path / "scratch", silent)
    assert [f.hash for e in entries if isinstance(f := found[e.path], Facts)] == [
        e.content_hash for e in entries
    ]
    wanted = ((e.path, Wanted(e, only_hash=True)) for e in silent)
    hashes = dict(RemoteReading(pool, store, tmp_path / "scratch").run(wanted))
    assert hashes == {e.path: Digests(e.content_hash) for e in entries}


def test_what_its_name_calls_no_photo_is_not_fetched(pool: ReaderPool, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "notes.docx").write_bytes(noise(5000))
    (tmp_path / "far" / "no extension").write_bytes(noise(5000))
    photo().save(tmp_path / "far" / "photo", "JPEG", exif=exif_bytes())
    store = FarStore("far", tmp_path / "far")
    found = facts_from_afar(pool, store, tmp_path / "scratch", list(store.list()))
    assert isinstance(found["notes.docx"], UnsupportedType)
    assert isinstance(found["no extension"], UnsupportedType)
    assert isinstance(found["photo"], Facts)
    assert store.fetched("notes.docx") == 0


def test_sidecars_are_fetched_whole(pool: ReaderPool, tmp_path: Path) -> None:
    folder = tmp_path / "far"
    folder.mkdir()
    a_bare_jpeg(folder / "a.jpg")
    (folder / "a.jpg.xmp").write_bytes(
        stills.xmp("<xmp:CreateDate>2018-03-04T05:06:07</xmp:CreateDate>", 'xmp:Rating="4"')
    )
    store = FarStore("far", folder)
    photo_, sidecar = store.list()
    wanted = [("a", Wanted(photo_, (sidecar,)))]
    near, far = (
        dict(LocalReading(pool, str(folder)).run(wanted)),
        dict(RemoteReading(pool, store, tmp_path / "s").run(wanted)),
    )
    assert isinstance(near["a"], Facts)
    assert near["a"].values["rating"] == 4
    check_same("a", near["a"], far["a"])


def test_without_a_thumbnail_there_is_no_look(
    pool: ReaderPool, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_one = FarStore._thumbnail
    monkeypatch.setattr(
        FarStore,
        "_thumbnail",
        staticmethod(lambda path: b"" if path.endswith("dng") else real_one(path)),
    )
    store = FarStore("far", library)
    entries = [e for e in store.list() if e.path in ("jpeg.jpg", "dng.dng")]
    facts = facts_from_afar(pool, store, tmp_path, entries)
    found = facts["jpeg.jpg"], facts["dng.dng"]
    assert isinstance(found[0], Facts)
    assert isinstance(found[1], Facts)
    assert found[0].phash
    assert not found[0].problem
    assert found[1].phash is None
    assert found[1].problem == "its store has no preview of it"


def test_where_too_much_is_wanted_facts_are_missing_and_none_is_wrong(
    pool: ReaderPool, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts_reading, "MOST_ROUNDS", 0)
    monkeypatch.setattr(facts_reading, "FIRST", 5000)
    store = FarStore("far", library)
    entries = list(store.list())
    near, far = (
        facts_at_hand(pool, library, entries),
        facts_from_afar(pool, store, tmp_path, entries),
    )
    short = 0
    for name in MADE:
        whole, part = near[name], far[name]
        assert isinstance(whole, Facts)
        assert isinstance(part, Facts), (name, part)
        is_short = any("only a part" in note for note in part.notes)
        short += is_short
        for field in ("hash", "size", "kind", "width", "height", "duration", "position"):
            assert getattr(part, field) in (getattr(whole, field), None), (name, field)
        assert set(part.dates) <= set(whole.dates), name
        assert is_short or part.type == whole.type, name
        assert {k: v for k, v in whole.values.items() if k in part.values} == part.values, name
    assert short >= 10


def test_a_fragmented_movie_that_goes_on_too_long_has_no_duration(
    pool: ReaderPool, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts_reading, "MOST_ROUNDS", 2)
    monkeypatch.setattr(byte_ranges, "PIECE", 1000)
    monkeypatch.setattr(facts_reading, "FIRST", 20_000)
    store = FarStore("far", library)
    (entry,) = [e for e in store.list() if e.path == "fragments.mp4"]
    far = facts_from_afar(pool, store, tmp_path, [entry])["fragments.mp4"]
    assert isinstance(far, Facts)
    assert (far.width, far.height, far.duration) == (640, 480, None)
    assert far.dates


# --- what may go wrong ----------------------------------------------------------------------------


def three(folder: Path) -> FarStore:
    """Three photos far away."""
    folder.mkdir()
    for number, name in enumerate(("a.jpg", "b.jpg", "c.jpg")):
        photo(seed=20 + number).save(folder / name, quality=92, exif=exif_bytes())
    return FarStore("far", folder)


@pytest.mark.parametrize("size", [10_000, 2_000_000])
def test_a_file_that_changed_fails_alone(pool: ReaderPool, tmp_path: Path, size: int) -> None:
    store = three(tmp_path / "far")
    if size < facts_reading.FIRST:
        stored = stills.jpeg(stills.exif_segment(stills.camera_exif()))
        (tmp_path / "far" / "b.jpg").write_bytes(stored)
    entries = list(store.list())
    data = bytearray((tmp_path / "far" / "b.jpg").read_bytes())
    data[-1] ^= 1
    (tmp_path / "far" / "b.jpg").write_bytes(data)
    found = facts_from_afar(pool, store, tmp_path / "scratch", entries)
    assert isinstance(found["b.jpg"], UnreadableMedia)
    assert isinstance(found["a.jpg"], Facts)
    assert isinstance(found["c.jpg"], Facts)


def test_a_file_that_became_shorter_or_went_fails_alone(pool: ReaderPool, tmp_path: Path) -> None:
    store = three(tmp_path / "far")
    entries = list(store.list())
    os.truncate(tmp_path / "far" / "a.jpg", 1000)
    (tmp_path / "far" / "b.jpg").unlink()
    found = facts_from_afar(pool, store, tmp_path / "scratch", entries)
    assert isinstance(found["a.jpg"], UnreadableMedia)
    assert isinstance(found["b.jpg"], UnreadableMedia)
    assert isinstance(found["c.jpg"], Facts)


def test_an_error_of_the_store_is_one_file_s(pool: ReaderPool, tmp_path: Path) -> None:
    store = three(tmp_path / "far")

    def fail(call: str, path: str) -> None:
        if call == "thumbnails" or path == "b.jpg":
            raise NotFound("no such thing")

    entries = list(store.list())
    store.before = fail
    found = facts_from_afar(pool, store, tmp_path / "scratch", entries)
    assert str(found["b.jpg"]) == "no such thing"
    assert isinstance(found["a.jpg"], Facts)
    assert isinstance(found["c.jpg"], Facts)


@pytest.mark.parametrize("where", ["read_range", "thumbnails", "stat"])
def test_a_store_that_went_away_ends_the_reading(tmp_path: Path, where: str) -> None:
    store = three(tmp_path / "far")
    entries = list(store.list())

    def fail(call: str, _path: str) -> None:
        if call == where:
            raise StoreUnavailable("it is gone")

    store.before = fail
    with ReaderPool(1) as own, pytest.raises(StoreUnavailable):
        facts_from_afar(own, store, tmp_path / "scratch", entries)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_files_are_taken_lazily_and_none_waits_for_a_result(
    pool: ReaderPool, tmp_path: Path
) -> None:
    store = three(tmp_path / "far")
    entries = list(store.list())
    given: list[str] = []
    taken: list[str] = []

    def wanted() -> Iterator[tuple[str, Wanted | None] | None]:
        yield "nothing", None
        for entry in entries:
            taken.append(entry.path)
            yield entry.path, Wanted(entry)
            while entry.path not in given:
                yield None

    for tag, result in RemoteReading(pool, store, tmp_path / "scratch").run(wanted()):
        assert (result is None) == (tag == "nothing")
        given.append(tag)
        if tag != "nothing":
            assert taken[-1] == tag
    assert given == ["nothing", *(e.path for e in entries)]


def test_an_abandoned_reading_leaves_nothing(tmp_path: Path) -> None:
    store = three(tmp_path / "far")
    with ReaderPool(1) as own:
        results = RemoteReading(own, store, tmp_path / "scratch").run(
            (e.path, Wanted(e)) for e in store.list()
        )
        next(results)
        results.close()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_killed_program_leaves_what_the_next_one_removes(tmp_path: Path) -> None:
    script = (
        "import sys, time, pathlib\n"
        "from catalog.stores.scratch import scratch_folder\n"
        "with scratch_folder(pathlib.Path(sys.argv[1])) as folder:\n"
        "    (folder / '1').mkdir(); (folder / '1' / 'a.jpg').write_bytes(b'x'); print('up', "
        "flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    with scratch_folder(tmp_path) as own:
        assert len(list(tmp_path.iterdir())) == 2, "what is in use stays"
        assert own.is_dir()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with scratch_folder(tmp_path) as own:
        assert list(tmp_path.iterdir()) == [own]
    assert list(tmp_path.iterdir()) == []


# --- pieces ---------------------------------------------------------------------------------------


def test_pieces_are_rounded_up_joined_and_grow() -> None:
    size = 10_000_000
    assert byte_ranges.to_fetch([(0, 131072)], [(200_000, 10)], size) == [(200_000, 265_536)]
    assert byte_ranges.to_fetch([(0, 131072)], [(131_000, 1000)], size) == [(131_072, 262_144)]
    assert byte_ranges.to_fetch([(0, 131072)], [(size - 4096, 4096)], size) == [
        (size - 65_536, size)
    ]
    assert byte_ranges.to_fetch([(0, 131072)], [(300_000, 10), (310_000, 100_000)], size) == [
        (300_000, 410_000)
    ]
    assert byte_ranges.to_fetch([(0, 100)], [(10, 20)], 100) == []
    assert list(byte_ranges.requests([(0, byte_ranges.LARGEST + 5)])) == [
        (0, byte_ranges.LARGEST),
        (byte_ranges.LARGEST, 5),
    ]


# --- samples --------------------------------------------------------------------------------------


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no sample media at {SAMPLES}")
@pytest.mark.parametrize(
    ("first", "piece"), [(facts_reading.FIRST, byte_ranges.PIECE), (4096, 500)]
)
def test_every_sample_has_the_same_facts_from_afar(
    pool: ReaderPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int, piece: int
) -> None:
    monkeypatch.setattr(facts_reading, "FIRST", first)
    monkeypatch.setattr(byte_ranges, "PIECE", piece)
    monkeypatch.setattr(facts_reading, "MOST_ROUNDS", 2000)
    store = FarStore("far", SAMPLES, managed=False)
    entries = [e for e in store.list() if not e.path.endswith((".json", ".md"))]
    near, far = (
        facts_at_hand(pool, SAMPLES, entries),
        facts_from_afar(pool, store, tmp_path, entries),
    )
    assert len(far) == len(near) >= 40
    for name, result in near.items():
        check_same(name, result, far[name])
