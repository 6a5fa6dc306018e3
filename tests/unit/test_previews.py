"""Small pictures for people: what they look like, from which copy they are taken,
and how many are kept.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from far_store import FarStore
from PIL import Image, ImageCms, ImageDraw
from running import clip
from still_makers import tiff

from catalog.domain.asset import Facts
from catalog.domain.copies import copy_row
from catalog.domain.fixity import content_hash
from catalog.errors import MediaError, StoreUnavailable, UnreadableMedia, UnsupportedType
from catalog.features.renditions.pictures import LOOK_SIDE, Picture, PictureMaker
from catalog.features.renditions.shelf import Shelf
from catalog.features.renditions.store import RenditionStore
from catalog.features.renditions.stores import Stores
from catalog.media import previews as media
from catalog.media.extract import read_facts
from catalog.media.previews import read_preview
from catalog.media.request import Request
from catalog.stores.local.store import LocalStore
from catalog.work.workers import LARGEST_PREVIEW, Limits, Previews, ReaderPool

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
        assert opened.format == "WEBP"
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
def test_every_mode_becomes_a_webp(tmp_path: Path, mode: str):
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
        "cut.jpg": good[:800],
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
        self.scratch = folder / "state" / "scratch"
        self.stores = Stores(
            RenditionStore(folder / "small", 10_000_000),
            RenditionStore(folder / "large", 10_000_000),
        )

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

    def maker(self) -> PictureMaker:
        shelf = Shelf(None, {"near": self.near, "far": self.far})
        return PictureMaker(shelf, self.stores, self.scratch, workers=2)

    def pictures(self, *documents: dict[str, Any], side: int = 300) -> list[Picture]:
        with self.maker() as maker:
            return [f.result(60) for f in [maker.picture(d, side) for d in documents]]

    def get(self, *documents: dict[str, Any], side: int = 300) -> list[bytes | None]:
        return [picture.data or None for picture in self.pictures(*documents, side=side)]


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


def test_no_folder_is_kept_open_while_nobody_looks(place: Place):
    document = place.document(data_of(corners()), "near/a.jpg")
    with place.maker() as maker:
        assert maker.picture(document, 300).result(60).data
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
    assert place.stores.small.get(document["hash"], 300) is None, "the copy may come back"
    assert place.get({"hash": content_hash(b"x"), "copies": [], "look": "bm8gcGljdHVyZQ=="}) == [
        None
    ]


def test_a_store_far_away_that_fails_leaves_what_the_index_has(place: Place):
    document = {**place.document(data_of(corners()), "far/a.jpg"), **looking(corners())}

    def fail(call: str, _path: str) -> None:
        if call != "stat":
            raise StoreUnavailable("no network", store="far")

    place.far.before = fail
    assert [size(f or b"")[0] for f in place.get(document)] == [LOOK_SIDE]


def test_a_service_without_pictures_gives_the_file_for_a_moment(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    documents = [
        place.document(data_of(corners(900 + n, 600)), f"far/{n}.jpg", extension="jpg")
        for n in range(3)
    ]
    monkeypatch.setattr(FarStore, "thumbnails", lambda _self, _paths: {})
    assert [size(f or b"")[0] for f in place.get(*documents)] == [300] * 3
    monkeypatch.undo()
    large = place.get(documents[0], side=1600)
    assert size(large[0] or b"") == (900, 600), "its own picture would be too small"
    assert not list(place.scratch.rglob("*.jpg"))


def test_many_far_away_are_asked_for_together(place: Place):
    documents = [place.document(data_of(corners(90 + n, 60)), f"far/{n}.jpg") for n in range(60)]
    assert all(place.get(*documents))
    assert len(place.far.batches) <= 30
    assert sum(place.far.batches) == 60


def test_a_broken_file_says_why_and_is_not_tried_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    document = place.document(b"\xff\xd8\xff broken", "near/a.jpg")
    with place.maker() as maker:
        first = maker.picture(document, 300).result(60)
        assert first.broken and first.lasting and "decoded" in first.reason
        monkeypatch.setattr(ReaderPool, "run", lambda *_: pytest.fail("it was tried again"))
        assert maker.picture(document, 300).result(60) == first


def test_a_broken_copy_is_no_broken_asset_while_another_is_away(place: Place):
    document = place.document(b"\xff\xd8\xff broken", "near/a.jpg")
    away = {**document["copies"][0], "store": "away"}
    document["copies"].append(away)
    (found,) = place.pictures(document)
    assert found.broken and "decoded" in found.reason and not found.lasting


def test_a_picture_that_nobody_wants_any_more_is_not_made(place: Place):
    documents = [place.document(data_of(corners(90 + n, 60)), f"near/{n}.jpg") for n in range(40)]
    maker = place.maker()
    waiting = [maker.picture(document, 300) for document in documents]
    assert all(future.cancel() for future in waiting[:-1])
    with maker:
        assert waiting[-1].result(60).data
    made = [place.stores.small.get(document["hash"], 300) for document in documents]
    assert made[:-1] == [None] * 39


def test_what_is_urgent_is_made_first(place: Place, monkeypatch: pytest.MonkeyPatch):
    documents = [place.document(data_of(corners(90 + n, 60)), f"near/{n}.jpg") for n in range(30)]
    begun: list[str] = []
    real = Shelf.copies

    def copies(shelf: Shelf, document: Any, **options: Any) -> Any:
        begun.append(document["hash"])
        return real(shelf, document, **options)

    monkeypatch.setattr(Shelf, "copies", copies)
    maker = place.maker()
    last = [maker.picture(document, 300, False, last=True) for document in documents[:10]]
    ahead = [maker.picture(document, 300, False) for document in documents[10:20]]
    urgent = [maker.picture(document, 300) for document in documents[20:]]
    with maker:
        for future in (*urgent, *ahead, *last):
            assert future.result(60).data
    places = [begun.index(document["hash"]) for document in documents]
    others = 2  # threads that may have taken one, and not yet begun it
    assert min(places[10:20]) >= 10 - others
    assert min(places[:10]) >= 20 - others


def test_what_was_made_is_not_made_again(place: Place):
    document = place.document(data_of(corners()), "near/a.jpg")
    first = place.get(document)
    (place.near.root / "a.jpg").unlink()
    assert place.get(document) == first
    assert place.get(document, side=200) == [None]


def test_nobody_waits_for_a_maker_that_cannot_work(place: Place, monkeypatch: pytest.MonkeyPatch):
    def fail(_self: object, _requests: object) -> Iterator[tuple[object, Facts]]:
        raise MediaError("no process can be started")
        yield

    monkeypatch.setattr(ReaderPool, "run", fail)
    documents = [place.document(data_of(corners(90 + n, 60)), f"near/{n}.jpg") for n in range(5)]
    found = place.pictures(*documents)
    assert [(p.data, p.reason, p.lasting) for p in found] == [
        (b"", "no process can be started", False)
    ] * 5


def test_a_thumbnail_is_made_as_small_as_is_wanted():
    assert size(media.shrunk(data_of(corners()), 120)) == (120, 80)
    with pytest.raises(UnreadableMedia):
        media.shrunk(b"no picture", 120)


# --- in the decode that reading facts does anyway -------------------------------------------------


def stills() -> dict[str, bytes]:
    """One of each kind that is decoded in another way, by the name of its file."""
    large, swapped = corners(2600, 1950), swapped_profile()

    def saved(made: Image.Image, kind: str, **options: Any) -> bytes:
        stream = io.BytesIO()
        made.save(stream, kind, **options)
        return stream.getvalue()

    heic = io.BytesIO()
    pillow_heif.from_pillow(corners()).save(heic)
    deep = np.asarray(corners().convert("L")).astype(np.uint16) * 257
    frames = [corners(), corners().transpose(Image.Transpose.ROTATE_180)]
    whole = saved(large, "JPEG", quality=95)
    return {
        "small.jpg": saved(corners(200, 150), "JPEG"),
        "two scales.jpg": saved(corners(800, 600), "JPEG", quality=95),
        "one scale.jpg": whole,
        "progressive.jpg": saved(large, "JPEG", progressive=True),
        "grey.jpg": saved(large.convert("L"), "JPEG"),
        "cmyk.jpg": saved(corners().convert("CMYK"), "JPEG"),
        "as rgb.jpg": saved(corners(), "JPEG", keep_rgb=True, quality=95),
        "turned.jpg": saved(large, "JPEG", exif=exif(6)),
        "swapped.jpg": saved(large, "JPEG", icc_profile=swapped),
        "cut.jpg": whole[: len(whole) * 2 // 3],
        "wide.jpg": saved(corners(3000, 300), "JPEG"),
        "alpha.png": saved(corners().convert("RGBA"), "PNG"),
        "palette.png": saved(corners().convert("P"), "PNG"),
        "deep.png": saved(Image.fromarray(deep), "PNG"),
        "animated.gif": saved(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "animated.webp": saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]),
        "turned.tif": saved(corners(), "TIFF", exif=exif(6)),
        "pages.tif": saved(frames[0], "TIFF", save_all=True, append_images=frames[1:]),
        "turned.avif": saved(corners(), "AVIF", exif=exif(6)),
        "picture.heic": heic.getvalue(),
        "picture.jp2": saved(corners(), "JPEG2000"),
        "picture.bmp": saved(corners(), "BMP"),
    }


STILLS = stills()
GREYS = {"grey.jpg", "deep.png"}


@pytest.mark.parametrize("name", STILLS)
def test_facts_are_the_same_with_a_preview_and_it_shows_the_file(tmp_path: Path, name: str):
    path = tmp_path / name
    path.write_bytes(STILLS[name])
    alone = read_facts(Request(str(path)))
    facts = read_facts(Request(str(path), with_preview=320))
    assert alone == replace(facts, preview=b"") and not alone.preview
    assert facts.width and facts.height
    share = min(1.0, 320 / max(facts.width, facts.height))
    shown, wanted = size(facts.preview), (facts.width * share, facts.height * share)
    assert max(abs(mine - its) for mine, its in zip(shown, wanted, strict=True)) <= 1
    if name not in GREYS:
        turn = TURNED[6] if name.startswith("turned") else TURNED[1]
        turn = ["lime", "red", "blue", "yellow"] if name == "swapped.jpg" else turn
        known = slice(2) if name == "cut.jpg" else slice(4)
        assert seen(facts.preview)[known] == turn[known]
    assert facts.preview == read_preview(Request(str(path), preview=320)) or (
        "jpg" in name  # libjpeg turns colours into RGB itself where nothing is measured
    )


def test_no_large_picture_is_decoded_once_more_for_a_preview(tmp_path: Path):
    path = put(tmp_path / "a.jpg", corners(1600, 1200))
    facts = read_facts(Request(path, with_preview=320))
    assert facts.look and not facts.preview
    assert size(read_preview(Request(path, preview=320))) == (320, 240), "when somebody looks"


def test_no_preview_is_made_of_what_is_too_small_within_a_raw_file(tmp_path: Path):
    for side, is_made in ((160, False), (640, True)):
        inner = data_of(corners(side, side * 2 // 3))
        tags = {0x100: (4, [4032]), 0x101: (4, [3024]), 0x106: (3, [32803])}
        tags |= {0x10F: (2, b"NIKON CORPORATION\0"), 0x112: (3, [6]), 0x202: (4, [len(inner)])}
        start = len(tiff(tags | {0x201: (4, [0])}))
        path = tmp_path / f"{side}.nef"
        path.write_bytes(tiff(tags | {0x201: (4, [start])}, extra=inner))
        facts = read_facts(Request(str(path), with_preview=320))
        assert facts.look and bool(facts.preview) == is_made
    assert size(facts.preview) == (213, 320) and seen(facts.preview) == TURNED[6]


def test_what_a_reader_sends_as_a_picture_is_kept_only_if_it_can_be_one(tmp_path: Path):
    kept: list[tuple[str, int, bytes]] = []

    def keep(content_hash: str, side: int, data: bytes) -> None:
        kept.append((content_hash, side, data))

    path = put(tmp_path / "a.jpg", corners())
    with ReaderPool(1, Limits(), previews=Previews(320, keep)) as pool:
        asked = [
            Request(path),
            Request(path, only_hash=True),
            Request(path, preview=200),
            Request(path, look=False),
        ]
        found = [answer for _tag, answer in pool.run(enumerate(asked))]
        (facts,) = [f for f in found if isinstance(f, Facts) and f.look]
        assert not facts.preview
        assert [(name, side) for name, side, _data in kept] == [(facts.hash, 320)]
        assert size(kept[0][2]) == (320, 213)
        for data in (b"text", b"RIFF" + bytes(4) + b"WEBP" + bytes(LARGEST_PREVIEW)):
            pool._kept(replace(facts, preview=data))
    assert len(kept) == 1
