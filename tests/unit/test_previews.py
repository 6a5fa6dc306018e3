"""Small pictures for people: what they look like, from which copy they are taken,
and how many are kept.
"""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from far_store import FarStore
from PIL import Image, ImageCms, ImageDraw
from running import clip

from catalog.domain.asset import Facts
from catalog.domain.copies import copy_row
from catalog.domain.fixity import content_hash
from catalog.errors import MediaError, StoreUnavailable, UnreadableMedia, UnsupportedType
from catalog.features.review.preview_cache import ABANDONED_SECONDS, PreviewCache
from catalog.features.review.previews import LOOK_SIDE, Previewer
from catalog.media import previews as media
from catalog.media.extract import read_facts
from catalog.media.previews import read_preview
from catalog.media.request import Request
from catalog.stores.local.store import LocalStore
from catalog.work.workers import Limits, ReaderPool

NOW = datetime(2024, 5, 6, tzinfo=UTC)
COLOURS = {(0.1, 0.1): "red", (0.9, 0.1): "lime", (0.1, 0.9): "blue", (0.9, 0.9): "yellow"}
RGB = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0)}


def corners(width: int = 900, height: int = 600) -> Image.Image:
    """A picture with another colour in each corner."""
    made = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(made)
    for (x, y), colour in COLOURS.items():
        left, top = (0 if x < 0.5 else width * 2 // 3), (0 if y < 0.5 else height * 2 // 3)
        draw.rectangle([left, top, left + width // 3, top + height // 3], fill=colour)
    return made


def seen(jpeg: bytes) -> list[str]:
    """The colours in the corners, row by row."""
    with Image.open(io.BytesIO(jpeg)) as opened:
        shown = opened.convert("RGB")
    points = [(int(shown.width * x), int(shown.height * y)) for x, y in COLOURS]
    pixels = [np.array(shown.getpixel(p), int) for p in points]
    return [min(RGB, key=lambda name: int(np.abs(pixel - RGB[name]).sum())) for pixel in pixels]


def size(jpeg: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(jpeg)) as opened:
        assert opened.format == "JPEG"
        return opened.size


def put(path: Path, made: Image.Image, **options: Any) -> str:
    made.save(path, **options)
    return str(path)


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found


TURNED = {
    1: ["red", "lime", "blue", "yellow"],
    2: ["lime", "red", "yellow", "blue"],
    3: ["yellow", "blue", "lime", "red"],
    4: ["blue", "yellow", "red", "lime"],
    5: ["red", "blue", "lime", "yellow"],
    6: ["blue", "red", "yellow", "lime"],
    7: ["yellow", "lime", "blue", "red"],
    8: ["lime", "yellow", "red", "blue"],
}
"""The corners as shown, by the orientation that EXIF states."""


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpg", "png", "tif", "webp", "avif"])
def test_a_preview_is_upright_small_and_in_colour(tmp_path: Path, kind: str, orientation: int):
    path = put(tmp_path / f"a.{kind}", corners(), exif=exif(orientation))
    found = read_preview(Request(path, preview=300))
    assert size(found) == ((300, 200) if orientation < 5 else (200, 300))
    assert seen(found) == TURNED[orientation]


def test_heic_is_shown_as_its_own_rotation_says(tmp_path: Path):
    heif = pillow_heif.from_pillow(corners())
    heif.save(tmp_path / "a.heic", exif=exif(6).tobytes())
    shown = read_preview(Request(str(tmp_path / "a.heic"), preview=300))
    facts = read_facts(Request(str(tmp_path / "a.heic")))
    assert (size(shown)[0] > size(shown)[1]) == ((facts.width or 0) > (facts.height or 0))


def test_small_pictures_are_not_enlarged(tmp_path: Path):
    assert size(read_preview(Request(put(tmp_path / "a.png", corners(90, 60)), preview=512))) == (
        90,
        60,
    )


def swapped_profile() -> bytes:
    """A colour profile in which red is what others call green, and the other way round."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = data.index(b"rXYZ"), data.index(b"gXYZ")
    data[red : red + 4], data[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(data).replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif"])
def test_colours_are_those_that_the_profile_means(tmp_path: Path, kind: str):
    path = put(tmp_path / f"a.{kind}", corners(), icc_profile=swapped_profile())
    assert seen(read_preview(Request(path, preview=300))) == ["lime", "red", "blue", "yellow"]


@pytest.mark.parametrize(
    "profile", [b"no profile", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()]
)
def test_a_profile_that_does_not_fit_costs_nothing(tmp_path: Path, profile: bytes):
    path = put(tmp_path / "a.jpg", corners(), icc_profile=profile)
    assert seen(read_preview(Request(path, preview=300))) == TURNED[1]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_becomes_a_jpeg(tmp_path: Path, mode: str):
    made = (
        corners().convert("L").convert("F")
        if mode in ("F", "I", "I;16")
        else corners().convert("RGBA")
    )
    made = (
        Image.fromarray((np.asarray(made) * 257).astype(np.uint16))
        if mode == "I;16"
        else made.convert("RGB").convert("CMYK")
        if mode == "CMYK"
        else made.convert(mode)
    )
    kind = {"CMYK": "jpg", "F": "tif", "I": "tif", "PA": "tif"}.get(mode, "png")
    found = read_preview(
        Request(
            put(tmp_path / f"a.{kind}", made.convert("P") if mode == "PA" else made), preview=300
        )
    )
    assert size(found) == (300, 200)


def test_what_is_transparent_is_grey(tmp_path: Path):
    found = read_preview(
        Request(put(tmp_path / "a.png", Image.new("RGBA", (60, 40), (255, 0, 0, 0))), preview=300)
    )
    with Image.open(io.BytesIO(found)) as shown:
        assert all(abs(value - 128) < 4 for value in shown.getpixel((30, 20)))  # type: ignore[union-attr]


def test_a_video_is_shown_by_a_frame(tmp_path: Path):
    clip(tmp_path / "a.mp4")
    assert size(read_preview(Request(str(tmp_path / "a.mp4"), preview=300))) == (64, 48)


def test_hostile_files_are_refused_with_a_reason(tmp_path: Path):
    good = Path(put(tmp_path / "good.jpg", corners())).read_bytes()
    for name, data in {
        "text.jpg": b"no picture",
        "cut.jpg": good[: len(good) // 2],
        "empty.jpg": b"",
        "head.jpg": good[:40],
        "zero.png": bytes(5000),
        "clip.mp4": b"\0\0\0\x18ftypmp42" + bytes(64),
    }.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises((UnreadableMedia, UnsupportedType)):
            read_preview(Request(str(tmp_path / name), preview=300))
    with pytest.raises(UnreadableMedia, match="not the one that is recorded"):
        read_preview(Request(str(tmp_path / "good.jpg"), preview=300, size=len(good) - 1))
    (tmp_path / "link.jpg").symlink_to(tmp_path / "good.jpg")
    with pytest.raises(UnreadableMedia):
        read_preview(Request(str(tmp_path / "link.jpg"), preview=300))


def test_a_bomb_ends_in_a_reason_and_the_others_are_made(tmp_path: Path):
    Image.new("1", (40_000, 40_000)).save(tmp_path / "bomb.png")
    put(tmp_path / "good.jpg", corners())
    with ReaderPool(1, Limits(20, 300 * 1024 * 1024)) as pool:
        requests = [
            (name, Request(str(tmp_path / name), preview=300)) for name in ("bomb.png", "good.jpg")
        ]
        found: dict[str, object] = dict(pool.run(requests))
    assert isinstance(found["bomb.png"], MediaError)
    assert isinstance(found["good.jpg"], bytes)


# --- which copy -----------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.near.close()
    made.far.close()


class Place:
    """A disk, a store far away, and a cache."""

    def __init__(self, folder: Path) -> None:
        for name in ("near", "far"):
            (folder / name).mkdir()
        self.near = LocalStore("near", folder / "near")
        self.far = FarStore("far", folder / "far")
        self.cache = PreviewCache(folder / "cache", 10_000_000)

    def document(self, data: bytes, *where: str, **values: Any) -> dict[str, Any]:
        """An asset with copies at `store/path`, as the index holds it."""
        rows = []
        for name in where:
            store, _slash, path = name.partition("/")
            owner = self.near if store == "near" else self.far
            (owner.root / path).write_bytes(data)
            entry = LocalStore.stat(owner, path)
            assert entry is not None
            rows.append(copy_row(store, entry, NOW, NOW))
        return {"hash": content_hash(data), "copies": rows, **values}

    def get(self, *documents: dict[str, Any], side: int = 300) -> list[bytes | None]:
        with (
            ReaderPool(2, Limits()) as pool,
            Previewer({"near": self.near, "far": self.far}, pool, self.cache) as previewer,
        ):
            return [f.result(60) for f in [previewer.get(d, side) for d in documents]]


def data_of(made: Image.Image, kind: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    made.save(stream, kind)
    return stream.getvalue()


def looking(made: Image.Image) -> dict[str, Any]:
    """What a document says of a look."""
    from catalog.media.pixels import measure

    return {"look": measure(made).look, "width": made.width, "height": made.height}


def test_the_first_copy_that_can_be_had_is_shown(place: Place):
    data = data_of(corners())
    near = place.document(data, "near/a.jpg")
    far = place.document(data_of(corners(600, 400)), "far/b.jpg")
    both = place.document(data_of(corners(450, 300)), "far/c.jpg", "near/c.jpg")
    found = place.get(near, far, both)
    assert [size(f or b"") for f in found] == [(300, 200)] * 3
    assert place.far.calls["thumbnails"] == 1, "one question for the one that is far away only"
    assert place.far.calls["read_range"] == 0


def test_a_copy_that_is_another_file_now_is_not_shown(place: Place):
    red, blue = (
        data_of(Image.new("RGB", (90, 60), "red"), "BMP"),
        data_of(Image.new("RGB", (90, 60), "blue"), "BMP"),
    )
    document = place.document(red, "near/a.bmp", "near/b.bmp", "far/c.bmp")
    for path in (place.near.root / "a.bmp", place.far.root / "c.bmp"):
        path.write_bytes(blue)
        os.utime(path, (1, 1))
    (place.near.root / "b.bmp").unlink()
    assert place.get(document) == [None]
    assert place.far.calls["thumbnails"] == 0


def test_no_folder_is_kept_open_while_nobody_looks(place: Place, monkeypatch: pytest.MonkeyPatch):
    document, rested = place.document(data_of(corners()), "near/a.jpg"), threading.Event()
    real = LocalStore.close

    def close(store: LocalStore) -> None:
        real(store)
        rested.set()

    with (
        ReaderPool(1, Limits()) as pool,
        Previewer({"near": place.near}, pool, place.cache) as previewer,
    ):
        assert previewer.get(document, 300).result(60)
        rested.clear()
        monkeypatch.setattr(LocalStore, "close", close)
        previewer.get(document, 200).result(60)
        assert rested.wait(60)
        held = {os.path.realpath(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")}
        assert os.path.realpath(place.near.root) not in held


def test_a_broken_copy_gives_way_to_the_next_one(place: Place):
    document = place.document(b"\xff\xd8\xff broken", "near/a.jpg")
    second = place.document(data_of(corners()), "far/b.jpg")
    document["copies"] += [dict(second["copies"][0], size=second["copies"][0]["size"])]
    document["hash"] = second["hash"]
    assert [size(f or b"") for f in place.get(document)] == [(300, 200)]


def test_without_a_copy_the_tiny_picture_is_shown_in_its_shape_and_never_kept(place: Place):
    document = {**place.document(b"gone", "near/a.jpg"), **looking(corners(900, 300))}
    (place.near.root / "a.jpg").unlink()
    (found,) = place.get(document)
    assert size(found or b"") == (LOOK_SIDE, round(LOOK_SIDE / 3))
    assert place.cache.get(document["hash"], 300) is None, "the copy may come back"
    assert place.get({"hash": content_hash(b"x"), "copies": [], "look": "bm8gcGljdHVyZQ=="}) == [
        None
    ]


def test_a_store_far_away_that_fails_leaves_what_the_index_has(place: Place):
    document = {**place.document(data_of(corners()), "far/a.jpg"), **looking(corners())}

    def fail(call: str, _path: str) -> None:
        if call == "thumbnails":
            raise StoreUnavailable("no network", store="far")

    place.far.before = fail
    assert [size(f or b"")[0] for f in place.get(document)] == [LOOK_SIDE]


def test_many_far_away_are_asked_for_together(place: Place):
    documents = [place.document(data_of(corners(90 + n, 60)), f"far/{n}.jpg") for n in range(60)]
    assert all(place.get(*documents))
    assert len(place.far.batches) <= 30
    assert sum(place.far.batches) == 60


def test_what_was_made_is_not_made_again(place: Place):
    document = place.document(data_of(corners()), "near/a.jpg")
    first = place.get(document)
    (place.near.root / "a.jpg").unlink()
    assert place.get(document) == first
    assert place.get(document, side=200) == [None]


def test_nobody_waits_for_a_previewer_that_cannot_work(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    def fail(_self: object, _requests: object) -> Iterator[tuple[object, Facts]]:
        raise MediaError("no process can be started")
        yield

    monkeypatch.setattr(ReaderPool, "run", fail)
    documents = [place.document(data_of(corners(90 + n, 60)), f"near/{n}.jpg") for n in range(5)]
    assert place.get(*documents) == [None] * 5


# --- how many are kept ----------------------------------------------------------------------------


def test_the_cache_stays_below_its_limit_and_keeps_what_was_used_last(tmp_path: Path):
    cache = PreviewCache(tmp_path, 10_000)
    names = [content_hash(bytes([n])) for n in range(12)]
    for number, name in enumerate(names[:10]):
        cache.put(name, 300, bytes(1000))
        os.utime(next(tmp_path.rglob(f"{name}*")), (number, number))
    assert cache.get(names[0], 300) == bytes(1000)  # used just now
    cache.put(names[10], 300, bytes(1000))
    kept = [n for n in names if cache.get(n, 300) is not None]
    assert names[0] in kept
    assert names[10] in kept
    assert names[1] not in kept
    assert sum(p.stat().st_size for p in tmp_path.rglob("*.jpg")) <= 9000


def test_what_is_half_written_is_never_shown_and_goes(tmp_path: Path):
    cache = PreviewCache(tmp_path, 10_000)
    name = content_hash(b"a")
    (tmp_path / name[:2]).mkdir()
    half = tmp_path / name[:2] / f"{name}-300-1.jpg.1234.part"
    half.write_bytes(b"half")
    assert cache.get(name, 300) is None
    old = time.time() - ABANDONED_SECONDS - 60
    os.utime(half, (old, old))
    cache.put(content_hash(b"b"), 300, b"whole")
    assert not half.exists()


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path):
    (tmp_path / "file").touch()
    cache = PreviewCache(tmp_path / "file", 10_000)
    cache.put(content_hash(b"a"), 300, b"data")
    assert cache.get(content_hash(b"a"), 300) is None
    nothing = PreviewCache(tmp_path / "none", 0)
    nothing.put(content_hash(b"a"), 300, b"data")
    assert not (tmp_path / "none").exists()


def test_a_thumbnail_is_made_as_small_as_is_wanted():
    assert size(media.shrunk(data_of(corners()), 120)) == (120, 80)
    with pytest.raises(UnreadableMedia):
        media.shrunk(b"no picture", 120)
