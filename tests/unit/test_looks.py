"""Whether two small pictures are one picture; what is flat; which shots are bad."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from catalog.config import BadShotsSetting
from catalog.domain.looks import likeness
from catalog.domain.similarity import hamming
from catalog.domain.turns import TURNS, turn_picture
from catalog.features.lookalikes.faults import NAMES, faults
from catalog.features.lookalikes.sketches import is_flat
from catalog.media.pixels import decode_look, measure


def photo(seed: int = 1, size: tuple[int, int] = (600, 400), move: float = 0.0) -> Image.Image:
    """Sky and ground with some things in it; one of them can be moved (share of the width)."""
    chance, rng = random.Random(seed), np.random.default_rng(seed)
    small = rng.integers(60, 200, (9, 13, 3), dtype=np.uint8)
    picture = Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    draw.rectangle([0, size[1] * 0.6, size[0], size[1]], fill=(70, 90, 50))
    for number in range(5):
        x, y = (
            chance.uniform(0, 0.8) * size[0] + (move * size[0] if number == 4 else 0),
            chance.uniform(0.2, 0.7) * size[1],
        )
        draw.ellipse(
            [x, y, x + size[0] * 0.12, y + size[1] * 0.25], fill=tuple(chance.randbytes(3))
        )
    grain = Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    return Image.blend(picture, grain, 0.08)


def recoded(picture: Image.Image, quality: int = 60, form: str = "JPEG") -> Image.Image:
    stream = io.BytesIO()
    picture.save(stream, form, quality=quality)
    return Image.open(stream)


RENDERINGS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "the same": lambda p: p,
    "small": lambda p: recoded(p.resize((150, 100))),
    "much compressed": lambda p: recoded(p, 25),
    "another format": lambda p: recoded(p, 70, "WEBP"),
    "cropped at one corner": lambda p: p.crop((15, 10, 600, 400)),
    "cropped all around": lambda p: p.crop((24, 16, 576, 384)),
    "darker": lambda p: ImageEnhance.Brightness(p).enhance(0.7),
    "more contrast": lambda p: ImageEnhance.Contrast(p).enhance(1.2),
    "softened": lambda p: p.filter(ImageFilter.GaussianBlur(2)),
}


@pytest.mark.parametrize("how", RENDERINGS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_rendering_is_the_same_picture(how: str, seed: int) -> None:
    original, rendering = measure(photo(seed)), measure(RENDERINGS[how](photo(seed)).convert("RGB"))
    found = likeness(decode_look(original.look), decode_look(rendering.look))
    assert found.is_same, found
    pairs = (
        (original.phash, rendering.phash),
        (original.phash_inner, rendering.phash),
        (original.phash, rendering.phash_inner),
    )
    assert min(hamming(a, b) for a, b in pairs) <= 8


def test_a_lighter_rendering_is_the_same_picture_where_colours_are_saturated() -> None:
    original = photo(4)
    lighter = ImageEnhance.Brightness(original).enhance(1.6)
    looks = [decode_look(measure(picture).look) for picture in (original, lighter)]
    found = likeness(looks[0], looks[1])
    assert found.difference > 18 and found.is_same, found


@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_picture_is_the_same_once_it_is_turned(turn: str) -> None:
    original = photo(4)
    pixels = np.ascontiguousarray(turn_picture(np.asarray(original), turn))
    looks = (
        decode_look(measure(original).look),
        decode_look(measure(Image.fromarray(pixels)).look),
    )
    assert likeness(turn_picture(looks[0], turn), looks[1]).is_same
    if turn:
        assert not likeness(*looks).is_same


def with_child(picture: Image.Image, x: int = 60) -> Image.Image:
    """The same picture with somebody small in it."""
    picture = picture.copy()
    draw = ImageDraw.Draw(picture)
    draw.ellipse([x + 5, 290, x + 20, 306], fill=(225, 185, 160))
    draw.rectangle([x, 306, x + 25, 350], fill=(220, 60, 60))
    draw.rectangle([x + 4, 350, x + 21, 380], fill=(40, 40, 80))
    return picture


def page(seed: int) -> Image.Image:
    """A page of print: one layout, other words."""
    chance, picture = random.Random(seed), Image.new("RGB", (827, 1169), (250, 249, 245))
    draw = ImageDraw.Draw(picture)
    draw.rectangle([67, 67, 330, 113], fill=(40, 40, 90))
    for line in range(50):
        x = 80
        while x < chance.randint(500, 740):
            length = chance.randint(14, 86)
            draw.rectangle([x, 200 + line * 18, x + length, 209 + line * 18], fill=(60, 60, 60))
            x += length + 8
    return picture


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (photo(1), photo(2)),
        (page(1), page(2)),
        (photo(5), photo(5, move=0.15)),  # somebody moved
        (photo(6), with_child(photo(6))),
        (with_child(photo(6)), recoded(with_child(photo(6), 90).resize((300, 200)))),
        (photo(1), Image.new("RGB", (600, 400), (120, 120, 120))),
        (photo(1), Image.fromarray(255 - np.asarray(photo(1)))),
    ],
    ids=[
        "other photos",
        "other pages",
        "another moment",
        "a child came",
        "a child moved",
        "a grey card",
        "a negative",
    ],
)
def test_what_shows_something_else_is_not_the_same(one: Image.Image, other: Image.Image) -> None:
    assert not likeness(decode_look(measure(one).look), decode_look(measure(other).look)).is_same


def test_a_page_is_the_same_as_its_small_scan() -> None:
    assert likeness(
        decode_look(measure(page(1)).look),
        decode_look(measure(recoded(page(1).resize((400, 566)))).look),
    ).is_same


def test_orientation_is_applied_to_all_that_is_measured() -> None:
    upright = photo(6)
    for orientation, turn in {
        3: Image.Transpose.ROTATE_180,
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
    }.items():
        stored = measure(upright.transpose(turn), orientation)
        shown = measure(upright)
        assert hamming(stored.phash, shown.phash) <= 2
        assert hamming(stored.phash_inner, shown.phash_inner) <= 2
        assert likeness(decode_look(stored.look), decode_look(shown.look)).is_same


# --- bad shots ------------------------------------------------------------------------------------


def gradient() -> Image.Image:
    return Image.linear_gradient("L").resize((600, 400)).point(lambda v: 120 + v // 4)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (photo(1), set()),
        (page(1), set()),
        (Image.new("L", (600, 400), 120), {"blank"}),
        (gradient(), {"blank"}),
        (photo(1).filter(ImageFilter.GaussianBlur(12)), {"blurred"}),
        (ImageEnhance.Brightness(photo(1)).enhance(0.05), {"dark", "blank"}),
        (ImageEnhance.Brightness(photo(1)).enhance(4.0), {"overexposed"}),
        (
            ImageEnhance.Brightness(photo(1).filter(ImageFilter.GaussianBlur(12))).enhance(0.45),
            {"blurred", "accidental"},
        ),
    ],
    ids=["a photo", "a page", "a card", "a sky", "blurred", "dark", "overexposed", "a pocket"],
)
def test_bad_shots_are_told_by_their_scores(picture: Image.Image, expected: set[str]) -> None:
    document = {"kind": "image", "quality": asdict(measure(picture).quality)}
    assert {
        fault.name for fault in faults(BadShotsSetting()) if fault.applies(document)
    } == expected


def test_thresholds_are_those_of_the_settings() -> None:
    document = {"kind": "image", "quality": asdict(measure(photo(1)).quality)}
    strict = BadShotsSetting(
        blurred_focus=1e6, dark_brightness=255, overexposed_share=0.0001, blank_contrast=200
    )
    named = [fault for fault in faults(strict, ["blurred", "dark"]) if fault.applies(document)]
    assert [fault.name for fault in named] == ["blurred", "dark"]
    assert named[0].reason(document).startswith("blurred (focus ")


def test_a_film_of_a_moment_is_an_accident() -> None:
    (fault,) = faults(BadShotsSetting(), ["accidental"])
    assert fault.applies({"kind": "video", "duration": 0.4})
    assert fault.reason({"kind": "video", "duration": 0.4}) == "accidental (seconds 0.4)"
    assert not fault.applies({"kind": "video", "duration": 4.0})
    assert not fault.applies({"kind": "image"})


def test_documents_without_scores_are_not_bad() -> None:
    for document in ({"kind": "image"}, {"kind": "image", "quality": {"sharpness": 1.0}}):
        assert not any(fault.applies(document) for fault in faults(BadShotsSetting(), NAMES))


def test_flat_pictures_have_no_look_to_compare() -> None:
    assert is_flat(asdict(measure(gradient()).quality))
    assert is_flat(asdict(measure(Image.new("L", (100, 100), 0)).quality))
    assert not is_flat(asdict(measure(photo(1)).quality))
    assert not is_flat({})  # measured by a version that did not keep it: the pixels decide
