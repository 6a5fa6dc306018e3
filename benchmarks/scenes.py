"""Pictures made by code for judging look-alikes: scenes that all differ, renderings of each,
and what is hard to tell apart.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

pillow_heif.register_heif_opener()

Picture = Image.Image
Make = Callable[[Picture, random.Random], tuple[Picture, str, int]]
"""From a scene to one of its renderings: picture, format, quality."""

UPRIGHT = (
    "resized",
    "recompressed",
    "cropped",
    "lighter or darker",
    "other format",
    "metadata lost",
    "metadata only",
)
TURNED = ("rotated", "mirrored")
ORIGINALS = ("camera", "faint", "burst")
"""As a camera stores them: in daylight, in fog or at night, and three of one moment."""
_FAINT, _BURST = 100_000, 200_000
"""From where on scenes of a kind are numbered."""


@dataclass(frozen=True, slots=True)
class Made:
    """One file: which scene it shows (None: one of its own), and how it was made."""

    path: Path
    scene: int | None
    how: str


def make_look_alikes(folder: Path, scenes: int, seed: int) -> list[Made]:
    """Scenes as a camera stores them, a rendering of each kind, copies with other metadata, scenes
    without contrast, bursts, visitors to the same places, pages, forms and skies.
    """
    made = []
    for number in range(scenes):
        picture = scene(seed * 1_000_000 + number)
        chance = random.Random(f"{seed} {number}")
        original = Made(folder / f"camera/IMG_{number:04d}.jpg", number, "camera")
        made.append(_save(original, picture, 90, _taken(2019, number)))
        made += _renderings(folder, original, picture, _taken(2019, number), chance)
        if number % 2:
            made.append(_retold(folder, original, chance))
    made += _faint(folder, scenes // 6, seed)
    made += _bursts(folder, scenes // 8, seed)
    made += _visitors(folder, scenes // 4, seed)
    made += _resembling(folder, scenes // 4, seed)
    return made


def _taken(year: int, number: int, second: int | None = None) -> str:
    """A time of its own for each scene, as EXIF writes it."""
    of_minute = number % 60 if second is None else second
    return (
        f"{year}:{number % 12 + 1:02d}:{number % 28 + 1:02d} "
        f"10:{number // 60 % 60:02d}:{of_minute:02d}"
    )


def _renderings(
    folder: Path,
    original: Made,
    picture: Picture,
    taken: str,
    chance: random.Random,
    hows: Iterable[str] = (),
) -> Iterator[Made]:
    """Some renderings of a picture, or one of each kind; some tell the time."""
    for how in hows or RENDERINGS:
        rendering, form, quality = RENDERINGS[how](picture, chance)
        keeps = how not in ("metadata lost", "other format") and chance.random() < 0.5
        path = folder / f"{how.replace(' ', '-')}/{original.scene:04d}.{SUFFIXES[form]}"
        made = Made(path, original.scene, how)
        yield _save(made, rendering, quality, taken if keeps else None, form)


def _retold(folder: Path, original: Made, chance: random.Random) -> Made:
    """The same picture to the last bit, with other metadata: more, or none at all."""
    data = original.path.read_bytes()
    after = data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]
    comment = chance.randbytes(chance.randrange(10, 20_000))
    told = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
    path = folder / f"metadata-only/{original.scene:04d}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(after if chance.random() < 0.3 else data[:2] + told + data[2:])
    return Made(path, original.scene, "metadata only")


def _faint(folder: Path, count: int, seed: int) -> Iterator[Made]:
    """Scenes with little contrast, as in fog and at night, and a rendering of each kind."""
    for number in range(count):
        chance = random.Random(f"faint {seed} {number}")
        clear = np.asarray(scene(seed * 1_000_000 + 700_000 + number), np.float32)
        level, share = chance.choice((18, 60, 128, 200, 235)), chance.uniform(0.06, 0.25)
        rng = np.random.default_rng(seed * 1_000_000 + number)
        noise = rng.normal(0, 1.5, (*clear.shape[:2], 1))
        picture = _image(level + (clear - clear.mean()) * share + noise)
        original = Made(folder / f"faint/DSC_{number:04d}.jpg", _FAINT + number, "faint")
        yield _save(original, picture, 90, _taken(2021, number))
        yield from _renderings(folder, original, picture, _taken(2021, number), chance)


def _bursts(folder: Path, count: int, seed: int) -> Iterator[Made]:
    """Three shots within three seconds each, the camera and somebody in the picture having moved,
    and turned and smaller copies of each.
    """
    for number in range(count):
        wide = scene(seed * 1_000_000 + 500_000 + number, 1000, 700)
        chance = random.Random(f"burst {seed} {number}")
        x, fill = chance.uniform(0.2, 0.6), tuple(chance.randbytes(3))
        for shot in range(3):
            picture = wide.crop((shot * 8, shot * 4, 900 + shot * 8, 600 + shot * 4))
            left = (x + 0.05 * shot) * 900
            ImageDraw.Draw(picture).ellipse([left, 250, left + 60, 430], fill=fill)
            taken, which = _taken(2020, number, 10 + shot), number * 3 + shot
            original = Made(folder / f"burst/IMG_{which:04d}.jpg", _BURST + which, "burst")
            yield _save(original, picture, 90, taken)
            hows = (chance.choice(TURNED), chance.choice(UPRIGHT[:-1]))
            yield from _renderings(folder, original, picture, taken, chance, hows)


def _visitors(folder: Path, count: int, seed: int) -> Iterator[Made]:
    """The places of some scenes, with somebody in them, as a messenger sends them: other pictures,
    without a time.
    """
    for number in range(count):
        picture, chance = (
            scene(seed * 1_000_000 + number),
            random.Random(f"visitor {seed} {number}"),
        )
        height = chance.uniform(0.2, 0.4) * picture.height
        visitor(
            ImageDraw.Draw(picture),
            chance.uniform(0.1, 0.8) * picture.width,
            picture.height * 0.95,
            height,
            chance,
        )
        smaller = picture.resize((picture.width * 2 // 3, picture.height * 2 // 3))
        yield _save(Made(folder / f"visitor/{number:04d}.jpg", None, "visitor"), smaller, 70)


def visitor(
    draw: ImageDraw.ImageDraw, x: float, ground: float, height: float, chance: random.Random
) -> None:
    """Somebody who stands at a place, so many pixels high."""
    width, top = height * 0.27, ground - height
    draw.ellipse([x + width * 0.2, top, x + width * 0.8, top + height * 0.2], fill=(225, 185, 160))
    draw.rectangle(
        [x, top + height * 0.2, x + width, top + height * 0.65],
        fill=tuple(chance.randrange(30, 240) for _ in range(3)),
    )
    draw.rectangle(
        [x + width * 0.15, top + height * 0.65, x + width * 0.85, ground], fill=(50, 50, 90)
    )


def _resembling(folder: Path, count: int, seed: int) -> Iterator[Made]:
    for number in range(count):
        for how, make in (("page", page), ("form", form), ("sky", sky)):
            picture = make(seed * 1_000_000 + number)
            yield _save(Made(folder / f"{how}/{number:04d}.jpg", None, how), picture, 85)


SUFFIXES = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "HEIF": "heic"}


def _save(
    made: Made, picture: Picture, quality: int, taken: str | None = None, form: str = "JPEG"
) -> Made:
    """Write a picture to its file, with the time when it was taken."""
    made.path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if taken:
        exif[0x010F], exif[0x0110] = "Acme", "Shot 1"
        exif.get_ifd(0x8769)[0x9003] = taken
    picture.save(made.path, form, quality=quality, **({"exif": exif.tobytes()} if taken else {}))
    return made


# --- scenes ---------------------------------------------------------------------------------------


def scene(seed: int, width: int = 900, height: int = 600) -> Picture:
    """A made-up photo: sky and ground with texture as nature has it (1/f),
    and some things in it.
    """
    rng, chance = np.random.default_rng(seed), random.Random(seed)
    if width == 900 and chance.random() < 0.3:
        width, height = height, width
    down = np.linspace(0, 1, height)[:, None]
    texture = _texture(rng, width, height, chance.uniform(0.8, 1.5))
    colours = rng.uniform(40, 215, (2, 3))
    horizon = chance.uniform(0.25, 0.75) + 0.08 * _texture(rng, width, height, 2.0)[height // 2]
    below = (down > horizon).astype(np.float32)[:, :, None]
    clouds = _texture(rng, width, height, 2.2)[:, :, None]
    sky_ = colours[0] * (0.5 - 0.4 * down)[:, :, None] + 90 + 12 * clouds
    picture = _image(sky_ * (1 - below) + (colours[1] * 0.6 + 28 * texture[:, :, None]) * below)
    _things(ImageDraw.Draw(picture), chance, width, height)
    softened = np.asarray(picture.filter(ImageFilter.GaussianBlur(1.2)), np.float32)
    return _image(softened + 6 * texture[:, :, None] + rng.normal(0, 5, (height, width, 1)))


def _things(draw: ImageDraw.ImageDraw, chance: random.Random, width: int, height: int) -> None:
    for _ in range(chance.randint(1, 9)):
        x, y, side = (
            chance.uniform(0, width),
            chance.uniform(height * 0.2, height),
            chance.uniform(0.03, 0.28) * width,
        )
        fill = tuple(chance.randrange(20, 235) for _ in range(3))
        shape = chance.choice(("ellipse", "rectangle", "triangle"))
        if shape == "ellipse":
            draw.ellipse([x - side / 2, y - side * 0.6, x + side / 2, y + side * 0.6], fill=fill)
        elif shape == "rectangle":
            draw.rectangle([x - side / 2, y - side, x + side / 2, y + side], fill=fill)
        else:
            draw.polygon(
                [
                    (x - side, y + side),
                    (x + chance.uniform(-side, side), y - side),
                    (x + side, y + side),
                ],
                fill=fill,
            )


def _texture(
    rng: np.random.Generator, width: int, height: int, exponent: float
) -> npt.NDArray[np.float32]:
    """Noise whose amplitude falls with the frequency to a power; mean 0, deviation 1."""
    side = 256
    across, down = np.fft.fftfreq(side)[None, :], np.fft.fftfreq(side)[:, None]
    frequency = np.sqrt(across**2 + down**2)
    frequency[0, 0] = 1
    values = np.real(
        np.fft.ifft2(np.fft.fft2(rng.standard_normal((side, side))) / frequency**exponent)
    )
    values = ((values - values.mean()) / values.std()).astype(np.float32)
    return np.asarray(Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC))


def _image(values: npt.NDArray[np.floating]) -> Picture:
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def page(seed: int) -> Picture:
    """A page of print: all have one heading and one layout, and other words."""
    chance, picture = random.Random(seed), Image.new("RGB", (827, 1169), (250, 249, 245))
    draw = ImageDraw.Draw(picture)
    draw.rectangle([67, 67, 330, 113], fill=(40, 40, 90))
    for line in range(50):
        y, x = 200 + line * 18 + line // 6 * 12, 80
        while x < (chance.randint(600, 740) if line % 6 < 5 else 300):
            length = chance.randint(14, 86)
            draw.rectangle([x, y, x + length, y + 9], fill=(60, 60, 60))
            x += length + 8
    return picture


def form(seed: int) -> Picture:
    """The same form, filled in otherwise."""
    chance, picture = random.Random(seed), Image.new("RGB", (827, 1169), (252, 252, 252))
    draw = ImageDraw.Draw(picture)
    for row in range(14):
        top = 133 + row * 67
        draw.rectangle([67, top, 760, top + 46], outline=(30, 30, 30), width=2)
        draw.rectangle([73, top + 7, 200, top + 17], fill=(90, 90, 90))
        x = 226
        for _ in range(chance.randint(3, 12)):
            length = chance.randint(7, 33)
            draw.rectangle([x, top + 23, x + length, top + 36], fill=(30, 30, 120))
            x += length + 7
    return picture


def sky(seed: int) -> Picture:
    """A cloudless sky: a gradient and grain."""
    rng = np.random.default_rng(seed)
    above, below = rng.uniform(90, 200, 3), rng.uniform(120, 240, 3)
    share = np.linspace(0, 1, 400)[:, None, None]
    return _image(above * (1 - share) + below * share + rng.normal(0, 3, (400, 600, 1)))


# --- renderings -----------------------------------------------------------------------------------


def _resized(picture: Picture, chance: random.Random) -> tuple[Picture, str, int]:
    scale = chance.uniform(0.2, 0.7)
    return (
        picture.resize(
            (int(picture.width * scale), int(picture.height * scale)), Image.Resampling.BILINEAR
        ),
        "JPEG",
        80,
    )


def _cropped(picture: Picture, chance: random.Random) -> tuple[Picture, str, int]:
    left, top, right, bottom = (chance.uniform(0, 0.05) for _ in range(4))
    width, height = picture.size
    return (
        picture.crop(
            (
                int(width * left),
                int(height * top),
                int(width * (1 - right)),
                int(height * (1 - bottom)),
            )
        ),
        "JPEG",
        85,
    )


def _toned(picture: Picture, chance: random.Random) -> tuple[Picture, str, int]:
    lighter = ImageEnhance.Brightness(picture).enhance(chance.choice([0.7, 0.8, 1.2, 1.35]))
    return ImageEnhance.Contrast(lighter).enhance(chance.uniform(0.85, 1.2)), "JPEG", 85


def _rotated(picture: Picture, chance: random.Random) -> tuple[Picture, str, int]:
    turns = [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270]
    return picture.transpose(chance.choice(turns)), "JPEG", 85


def _mirrored(picture: Picture, chance: random.Random) -> tuple[Picture, str, int]:
    turns = [
        Image.Transpose.FLIP_LEFT_RIGHT,
        Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.TRANSPOSE,
        Image.Transpose.TRANSVERSE,
    ]
    return picture.transpose(chance.choice(turns)), "JPEG", 85


RENDERINGS: dict[str, Make] = {
    "resized": _resized,
    "recompressed": lambda picture, chance: (picture, "JPEG", chance.randint(25, 55)),
    "cropped": _cropped,
    "lighter or darker": _toned,
    "other format": lambda picture, chance: (picture, chance.choice(["PNG", "WEBP", "HEIF"]), 80),
    "metadata lost": lambda picture, _chance: (picture, "JPEG", 84),
    "rotated": _rotated,
    "mirrored": _mirrored,
}
