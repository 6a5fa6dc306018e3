"""A library of photos and clips made by code alone, for benchmarks and tests: same arguments,
same bytes.

Pictures are crops of a dozen made-up scenes, lit by a field of their own and grained like a
sensor's, so that each looks different, compresses like a photo (about 0.3 bytes a pixel) and yet
takes a fraction of a second to make.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Literal

import av
import click
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Profile = Literal["mixed", "photos", "tiny"]

VERSION = 1
"""Raised when the same arguments would make other files than before."""

MIX = {
    "exact": 0.10,
    "near": 0.05,
    "burst": 0.01,
    "messenger": 0.03,
    "png": 0.03,
    "broken": 0.02,
    "video": 0.02,
}
"""Share of each kind of file in the profiles `mixed` and `tiny`; the rest are plain photos."""

PER_FOLDER = 200

DERIVED = {"exact", "near"}
"""Kinds that are made from the file of another item, and so after it."""

SIZES = {
    (1280, 960): 6,
    (1600, 1200): 7,
    (2048, 1536): 10,
    (2592, 1944): 15,
    (3008, 2000): 16,
    (3072, 2304): 16,
    (3264, 2448): 15,
    (3872, 2592): 9,
    (4000, 3000): 6,
}
"""Width and height of photos, and how often each occurs: 1.2 to 12 megapixels,
about 6 on average.
"""

TINY_SIZES = {(64, 48): 4, (128, 96): 3, (160, 120): 2, (320, 240): 1}

CAMERAS = [
    ("Canon", "Canon EOS 80D", "IMG_{:04d}.JPG"),
    ("NIKON CORPORATION", "NIKON D750", "DSC_{:04d}.JPG"),
    ("SONY", "ILCE-7M3", "DSC{:05d}.JPG"),
    ("Apple", "iPhone 12", "IMG_{:04d}.jpg"),
    ("Google", "Pixel 6", "PXL_{:04d}.jpg"),
    ("Panasonic", "DMC-TZ101", "P{:07d}.JPG"),
    ("FUJIFILM", "X-T30", "DSCF{:04d}.JPG"),
]

TOWNS = [
    (51.05, 3.72),
    (48.86, 2.35),
    (47.37, 8.54),
    (40.71, -74.0),
    (41.9, 12.49),
    (-33.87, 151.21),
    (35.68, 139.76),
    (59.33, 18.07),
    (-22.95, -43.2),
    (64.15, -21.94),
]
"""Degrees around which positions are scattered."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file to make.

    `source` is the item that it copies or resembles, itself where there is none.
    """

    index: int
    kind: str
    path: str
    source: int
    source_path: str


@dataclass(frozen=True, slots=True)
class Job:
    """What every worker needs to know."""

    folder: str
    seed: int
    tiny: bool


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was made: `kinds` counts files by kind,
    `pixels` and `jpeg_bytes` are those of the plain photos.
    """

    folder: str
    files: int
    seed: int
    profile: str
    version: int
    complete: bool
    bytes: int = 0
    pixels: int = 0
    jpeg_bytes: int = 0
    kinds: dict[str, int] | None = None


def make_corpus(
    folder: Path, files: int, seed: int, profile: Profile = "mixed", *, workers: int | None = None
) -> Corpus:
    """Make a corpus of `files` files, or reuse the one that the same arguments made before.

    What is in it is written beside the folder, to `<folder>.corpus.json`. A folder with other
    content is refused (ValueError), unless that file says that it is a corpus: then it is made
    anew.
    """
    note = folder.with_name(f"{folder.name}.corpus.json")
    wanted = Corpus(folder.name, files, seed, profile, VERSION, complete=False)
    made = _made_before(note, folder, wanted)
    if made:
        return made
    if folder.exists() and any(folder.iterdir()):
        if not note.exists():
            raise ValueError(f"{folder} is not empty, and no corpus")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(asdict(wanted)), encoding="utf-8")
    items = plan(files, seed, profile)
    for sub in {str(PurePosixPath(item.path).parent) for item in items}:
        (folder / sub).mkdir(parents=True, exist_ok=True)
    pixels, jpeg_bytes = _make_all(
        Job(str(folder), seed, profile == "tiny"), items, workers or os.cpu_count() or 1
    )
    done = Corpus(
        folder.name,
        files,
        seed,
        profile,
        VERSION,
        complete=True,
        bytes=_size_of(folder)[1],
        pixels=pixels,
        jpeg_bytes=jpeg_bytes,
        kinds=dict(sorted(Counter(item.kind for item in items).items())),
    )
    note.write_text(json.dumps(asdict(done), indent=2) + "\n", encoding="utf-8")
    return done


def _made_before(note: Path, folder: Path, wanted: Corpus) -> Corpus | None:
    try:
        made = Corpus(**json.loads(note.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    keys = ("folder", "files", "seed", "profile", "version")
    same = made.complete and all(getattr(made, key) == getattr(wanted, key) for key in keys)
    return made if same and _size_of(folder) == (made.files, made.bytes) else None


def _size_of(folder: Path) -> tuple[int, int]:
    sizes = [
        Path(where, name).stat().st_size for where, _, names in os.walk(folder) for name in names
    ]
    return len(sizes), sum(sizes)


def plan(files: int, seed: int, profile: Profile) -> list[Item]:
    """Every file of a corpus, in order; the same for the same arguments."""
    chance = random.Random(f"plan {seed} {files} {profile}")
    kinds = [
        kind
        for kind, share in MIX.items()
        if profile != "photos"
        for _ in range(int(files * share))
    ]
    kinds += ["photo"] * (files - len(kinds))
    chance.shuffle(kinds)
    photos = [index for index, kind in enumerate(kinds) if kind == "photo"]
    paths: dict[int, str] = {index: _path(index, "photo", seed) for index in photos}
    items = []
    for index, kind in enumerate(kinds):
        source = chance.choice(photos) if kind in DERIVED or kind == "burst" else index
        path = _path(index, kind, seed)
        items.append(Item(index, kind, path, source, paths.get(source, path)))
    return items


def _path(index: int, kind: str, seed: int) -> str:
    chance = _chance(seed, index, "path")
    folder = f"{index // PER_FOLDER:04d}"
    taken = _taken(seed, index)
    if kind == "messenger":
        return f"{folder}/IMG-{taken:%Y%m%d}-WA{index % 10000:04d}.jpg"
    if kind == "png":
        return f"{folder}/Screenshot {taken:%Y-%m-%d %H.%M.%S} {index % 10000:04d}.png"
    if kind == "video":
        ending = chance.choice(["mp4", "mov"])
        return f"{folder}/VID_{taken:%Y%m%d_%H%M%S}_{index % 10000:04d}.{ending}"
    name = _camera(seed, index)[2].format(index % 10000)
    prefix = {"exact": "backup/", "near": "small/"}.get(kind, "")
    return f"{prefix}{folder}/{name}"


def _chance(seed: int, index: int, use: str) -> random.Random:
    return random.Random(f"{seed} {index} {use}")


def _taken(seed: int, index: int) -> datetime:
    return datetime(2005, 1, 1) + timedelta(
        seconds=_chance(seed, index, "taken").randrange(19 * 365 * 86400)
    )


def _camera(seed: int, index: int) -> tuple[str, str, str]:
    return _chance(seed, index, "camera").choice(CAMERAS)


# --- making files


def _make_all(job: Job, items: Sequence[Item], workers: int) -> tuple[int, int]:
    """Make every file, copies after their sources; pixels and bytes of the plain photos."""
    pixels = jpeg_bytes = 0
    _scenes(job.tiny)  # before the fork, so that the workers share them
    try:
        with multiprocessing.Pool(workers, initializer=_start, initargs=(job,)) as pool:
            for derived in (False, True):
                todo = [item for item in items if (item.kind in DERIVED) == derived]
                for item_pixels, item_bytes in pool.imap_unordered(
                    _make, todo, chunksize=64 if job.tiny else 4
                ):
                    pixels += item_pixels
                    jpeg_bytes += item_bytes
    finally:
        _scenes.cache_clear()
    return pixels, jpeg_bytes


_job: Job


def _start(job: Job) -> None:
    global _job
    _job = job


def _make(item: Item) -> tuple[int, int]:
    """Make one file and give it the time of its shot; pixels and bytes, if it is a plain photo."""
    path = Path(_job.folder, item.path)
    MAKERS[item.kind](_job, item, path)
    moment = (
        _taken(_job.seed, item.index if item.kind != "exact" else item.source)
        .replace(tzinfo=UTC)
        .timestamp()
    )
    os.utime(path, (moment, moment))
    if item.kind != "photo":
        return 0, 0
    width, height = _size(_job, item.index)
    return width * height, path.stat().st_size


def _photo(job: Job, item: Item, path: Path) -> None:
    picture = _picture(job, item.index, item.index)
    exif = _exif(job, item.index, _taken(job.seed, item.index), picture)
    picture.save(
        path, "JPEG", quality=_chance(job.seed, item.index, "quality").randint(88, 92), exif=exif
    )


def _burst(job: Job, item: Item, path: Path) -> None:
    """The scene of another photo a second later: a few pixels aside, with other grain."""
    picture = _picture(job, item.source, item.index)
    exif = _exif(job, item.source, _taken(job.seed, item.source) + timedelta(seconds=1), picture)
    picture.save(path, "JPEG", quality=90, exif=exif)


def _exact(job: Job, item: Item, path: Path) -> None:
    shutil.copyfile(Path(job.folder, item.source_path), path)


def _near(job: Job, item: Item, path: Path) -> None:
    """A photo as an editor exports it for the web: smaller, and half of them without metadata."""
    chance = _chance(job.seed, item.index, "near")
    scale = chance.uniform(0.5, 0.75)
    with Image.open(Path(job.folder, item.source_path)) as source:
        exif = source.info["exif"] if chance.random() < 0.5 else b""
        small = source.resize(
            (int(source.width * scale), int(source.height * scale)), Image.Resampling.BILINEAR
        )
    # Two copies of one photo must differ, and so must copies of a tiny one.
    small.save(
        path, "JPEG", quality=chance.randint(75, 85), exif=exif, comment=f"export {item.index}"
    )


def _messenger(job: Job, item: Item, path: Path) -> None:
    picture = _picture(job, item.index, item.index)
    picture.thumbnail((1600, 1600))
    picture.save(path, "JPEG", quality=80)


def _png(job: Job, item: Item, path: Path) -> None:
    """A screenshot: flat areas, lines like text, and one photo."""
    chance = _chance(job.seed, item.index, "png")
    size = (90, 160) if job.tiny else chance.choice([(1080, 1920), (1440, 900), (1170, 2532)])
    picture = Image.new("RGB", size, tuple(chance.randbytes(3)))
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y = chance.randrange(size[0]), chance.randrange(size[1])
        draw.rectangle([x, y, x + size[0] // 3, y + size[1] // 12], fill=tuple(chance.randbytes(3)))
    for y in range(size[1] // 2, size[1] - 4, max(4, size[1] // 60)):
        draw.line(
            [size[0] // 10, y, chance.randrange(size[0] // 5, size[0]), y],
            fill=(20, 20, 20),
            width=max(1, size[1] // 240),
        )
    photo = _picture(job, item.index, item.index)
    photo.thumbnail((size[0] // 2, size[1] // 3))
    picture.paste(photo, (size[0] // 4, size[1] // 8))
    picture.save(path, "PNG", compress_level=3)


def _broken(job: Job, item: Item, path: Path) -> None:
    """By turns a truncated photo, an empty file, and a text with a photo's name."""
    chance = _chance(job.seed, item.index, "broken")
    fault = chance.choice(["truncated", "empty", "text"])
    if fault == "empty":
        path.write_bytes(b"")
    elif fault == "text":
        path.write_text(
            f"This is no picture, but note {item.index}.\n" * chance.randint(1, 200),
            encoding="utf-8",
        )
    else:
        _photo(job, item, path)
        os.truncate(path, int(path.stat().st_size * chance.uniform(0.3, 0.7)))


def _video(job: Job, item: Item, path: Path) -> None:
    """A short clip: an own scene that moves, with its date in UTC and, in half of the MOVs,
    Apple's date with an offset.
    """
    chance = _chance(job.seed, item.index, "video")
    width, height, frames = (64, 48, 6) if job.tiny else (640, 480, 50)
    moment = _taken(job.seed, item.index)
    still = _picture(job, item.index, item.index).resize((width * 2, height * 2))
    apple = path.suffix == ".mov" and chance.random() < 0.5
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"} if apple else {}) as out:
        out.metadata["creation_time"] = f"{moment:%Y-%m-%dT%H:%M:%S}.000000Z"
        if apple:
            out.metadata["com.apple.quicktime.creationdate"] = (
                f"{moment + timedelta(hours=2):%Y-%m-%dT%H:%M:%S}+0200"
            )
        stream = out.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = (
            width,
            height,
            "yuv420p",
            800_000,
        )
        stream.codec_context.thread_count = 1
        stream.codec_context.time_base = Fraction(1, 25)
        for number in range(frames):
            x, y = number * width // frames, number * height // frames
            picture = still.crop((x, y, x + width, y + height))
            out.mux(stream.encode(av.VideoFrame.from_image(picture)))  # type: ignore[no-untyped-call]
        out.mux(stream.encode())


MAKERS: dict[str, Callable[[Job, Item, Path], None]] = {
    "photo": _photo,
    "burst": _burst,
    "exact": _exact,
    "near": _near,
    "messenger": _messenger,
    "png": _png,
    "broken": _broken,
    "video": _video,
}


# --- pictures


def _size(job: Job, index: int) -> tuple[int, int]:
    sizes = TINY_SIZES if job.tiny else SIZES
    return _chance(job.seed, index, "size").choices(list(sizes), list(sizes.values()))[0]


def _picture(job: Job, index: int, grain: int) -> Image.Image:
    """The scene of one item, with the grain of another: where both differ,
    the frame has moved by some pixels too.
    """
    chance = _chance(job.seed, index, "picture")
    scenes, grains = _scenes(job.tiny)
    width, height = _size(job, index)
    scene = chance.choice(scenes)
    x, y = chance.randint(0, scene.width - width), chance.randint(0, scene.height - height)
    light = Image.frombytes("RGB", (9, 7), chance.randbytes(9 * 7 * 3)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    flip = chance.random() < 0.5
    other = _chance(job.seed, grain, "grain")
    if grain != index:
        x, y = (
            min(x + other.randint(1, 4), scene.width - width),
            min(y + other.randint(1, 4), scene.height - height),
        )
    picture = scene.crop((x, y, x + width, y + height))
    if flip:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    picture = Image.blend(picture, light, chance.uniform(0.4, 0.6))
    noise = other.choice(grains)
    x, y = other.randint(0, noise.width - width), other.randint(0, noise.height - height)
    return Image.blend(picture, noise.crop((x, y, x + width, y + height)), GRAIN_SHARE)


GRAIN_SHARE = 0.165
"""How much of a picture is grain; the grain pictures have the contrast that makes this a sensor's
noise.
"""


@lru_cache(maxsize=1)
def _scenes(tiny: bool) -> tuple[list[Image.Image], list[Image.Image]]:
    """A dozen scenes and three grades of grain, larger than any picture; always the same."""
    width, height = (400, 300) if tiny else (4160, 3120)
    scenes = [_scene(np.random.default_rng(number), width, height) for number in range(12)]
    grains = [
        _grain(np.random.default_rng(100 + number), width, height, sigma)
        for number, sigma in enumerate((28, 36, 46))
    ]
    return scenes, grains


def _scene(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Smooth ground, shapes with sharp edges,
    and texture that is strong in some parts and absent in others.
    """
    ground = _field(rng, 6, width, height)
    draw = ImageDraw.Draw(ground)
    for _ in range(60):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        w, h = (int(rng.integers(20, max(21, side // 5))) for side in (width, height))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape([x, y, x + w, y + h], fill=tuple(int(value) for value in rng.integers(30, 226, 3)))
    ground = Image.blend(ground, _field(rng, 40, width, height), 0.3)
    fine = Image.blend(
        _field(rng, width // 8, width, height), _field(rng, width // 3, width, height), 0.4
    )
    mask = (
        _field(rng, 10, width, height)
        .convert("L")
        .point([min(255, max(0, 3 * (value - 100))) for value in range(256)])
    )
    return Image.composite(fine, ground, mask)


def _field(rng: np.random.Generator, cells: int, width: int, height: int) -> Image.Image:
    """A random colour field with that many cells across."""
    values = rng.integers(0, 256, (max(2, cells * height // width), cells, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC)


def _grain(rng: np.random.Generator, width: int, height: int, sigma: float) -> Image.Image:
    """Grain around middle grey: mostly in brightness, a little in colour,
    softened as cameras do.
    """
    grey = rng.standard_normal((height // 2, width // 2, 1), dtype=np.float32)
    colour = rng.standard_normal((height // 2, width // 2, 3), dtype=np.float32)
    values = np.clip(128 + sigma * (grey + 0.4 * colour), 0, 255).astype(np.uint8)
    values = np.tile(values, (2, 2, 1))
    return Image.fromarray(values).filter(ImageFilter.Kernel((3, 3), [0, 1, 0, 1, 12, 1, 0, 1, 0]))


# --- EXIF

_ASCII, _SHORT, _LONG, _RATIONAL = 2, 3, 4, 5
Field = tuple[int, int, object]


def _exif(job: Job, index: int, taken: datetime, picture: Image.Image) -> bytes:
    """The Exif segment of a photo: all have camera and date, a part offset, position,
    or a turned camera.
    """
    chance = _chance(job.seed, index, "exif")
    make, model, _ = _camera(job.seed, index)
    moment = f"{taken:%Y:%m:%d %H:%M:%S}"
    orientation = chance.choices([1, 6, 8, 3], [80, 10, 7, 3])[0]
    main: list[Field] = [
        (0x010F, _ASCII, make),
        (0x0110, _ASCII, model),
        (0x0112, _SHORT, orientation),
        (0x011A, _RATIONAL, [(72, 1)]),
        (0x011B, _RATIONAL, [(72, 1)]),
        (0x0132, _ASCII, moment),
    ]
    shot: list[Field] = [
        (0x829A, _RATIONAL, [(1, chance.choice([30, 60, 125, 250, 500]))]),
        (0x829D, _RATIONAL, [(chance.choice([18, 28, 40, 56, 80]), 10)]),
        (0x8827, _SHORT, chance.choice([100, 200, 400, 800])),
        (0x9003, _ASCII, moment),
        (0x9004, _ASCII, moment),
        (0x920A, _RATIONAL, [(chance.choice([24, 35, 50, 85]), 1)]),
        (0xA002, _LONG, picture.width),
        (0xA003, _LONG, picture.height),
    ]
    if chance.random() < 0.5:
        shot.append((0x9011, _ASCII, chance.choice(["+01:00", "+02:00", "-05:00", "+09:00"])))
    if chance.random() < 0.5:
        shot.append((0x9291, _ASCII, f"{chance.randrange(1000):03d}"))
    gps = _gps(chance) if chance.random() < 0.4 else []
    return b"Exif\0\0" + _tiff(main, sorted(shot), gps, _thumbnail(picture))


def _gps(chance: random.Random) -> list[Field]:
    lat, lon = chance.choice(TOWNS)
    lat, lon = lat + chance.gauss(0, 0.05), lon + chance.gauss(0, 0.05)
    return [
        (1, _ASCII, "N" if lat >= 0 else "S"),
        (2, _RATIONAL, _sexagesimal(abs(lat))),
        (3, _ASCII, "E" if lon >= 0 else "W"),
        (4, _RATIONAL, _sexagesimal(abs(lon))),
        (6, _RATIONAL, [(chance.randrange(20000), 10)]),
    ]


def _sexagesimal(degrees: float) -> list[tuple[int, int]]:
    whole, rest = divmod(degrees * 3600, 3600)
    minutes, seconds = divmod(rest, 60)
    return [(int(whole), 1), (int(minutes), 1), (int(seconds * 1000), 1000)]


def _thumbnail(picture: Image.Image) -> bytes:
    if picture.width < 320:
        return b""
    out = BytesIO()
    picture.reduce(picture.width // 160).save(out, "JPEG", quality=75)
    return out.getvalue()


def _tiff(main: list[Field], shot: list[Field], gps: list[Field], thumbnail: bytes) -> bytes:
    """A little-endian TIFF block: main directory, Exif and GPS directories,
    then the thumbnail's (TIFF 6.0, Exif 2.31).
    """
    main = [*main, (0x8769, _LONG, 0), *([(0x8825, _LONG, 0)] if gps else [])]
    shot_at = 8 + len(_directory(main, 0, 0))
    gps_at = shot_at + len(_directory(shot, 0, 0))
    thumb_at = gps_at + (len(_directory(gps, 0, 0)) if gps else 0)
    places = {0x8769: shot_at, 0x8825: gps_at}
    main = [(tag, kind, places.get(tag, value)) for tag, kind, value in main]
    block = (
        b"II*\0\x08\0\0\0"
        + _directory(main, 8, thumb_at if thumbnail else 0)
        + _directory(shot, shot_at, 0)
    )
    if gps:
        block += _directory(gps, gps_at, 0)
    if thumbnail:
        fields: list[Field] = [
            (0x0103, _SHORT, 6),
            (0x0201, _LONG, 0),
            (0x0202, _LONG, len(thumbnail)),
        ]
        fields[1] = (0x0201, _LONG, thumb_at + len(_directory(fields, 0, 0)))
        block += _directory(fields, thumb_at, 0) + thumbnail
    return block


def _directory(fields: list[Field], offset: int, following: int) -> bytes:
    """One image file directory that starts at an offset,
    with the offset of the one that follows (0: none).
    """
    extra_at = offset + 2 + 12 * len(fields) + 4
    entries, extra = b"", b""
    for tag, kind, value in fields:
        count, data = _encoded(kind, value)
        if len(data) > 4:
            pointer = extra_at + len(extra)
            extra += data + b"\0" * (len(data) % 2)
            data = struct.pack("<I", pointer)
        entries += struct.pack("<HHI", tag, kind, count) + data.ljust(4, b"\0")
    return struct.pack("<H", len(fields)) + entries + struct.pack("<I", following) + extra


def _encoded(kind: int, value: object) -> tuple[int, bytes]:
    if isinstance(value, str):
        data = value.encode("ascii") + b"\0"
        return len(data), data
    if isinstance(value, list):
        return len(value), b"".join(struct.pack("<II", *pair) for pair in value)
    return 1, struct.pack("<H" if kind == _SHORT else "<I", value)


def summary(corpus: Corpus) -> Iterable[str]:
    """Lines that say what a corpus holds."""
    yield (
        f"{corpus.files} files, {corpus.bytes / 1e6:.1f} MB, profile {corpus.profile}, seed "
        f"{corpus.seed}"
    )
    yield ", ".join(f"{count} {kind}" for kind, count in (corpus.kinds or {}).items())
    photos = (corpus.kinds or {}).get("photo", 0)
    if photos and corpus.pixels:
        yield (
            f"plain photos: {corpus.pixels / photos / 1e6:.2f} MP and "
            f"{corpus.jpeg_bytes / photos / 1e6:.3f} MB on average, "
            f"{corpus.jpeg_bytes / corpus.pixels:.3f} bytes a pixel"
        )


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--files",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="How many files to make.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Another seed, other pictures."
)
@click.option(
    "--profile", type=click.Choice(["mixed", "photos", "tiny"]), default="mixed", show_default=True
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=None,
    help="Processes; one a core when not given.",
)
def main(folder: Path, files: int, seed: int, profile: Profile, workers: int | None) -> None:
    """Make a corpus in FOLDER, which must be new or an earlier corpus."""
    try:
        corpus = make_corpus(folder, files, seed, profile, workers=workers)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    for line in summary(corpus):
        click.echo(line)


if __name__ == "__main__":
    main()
