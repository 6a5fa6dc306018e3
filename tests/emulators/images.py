"""Thumbnails and what metadata tells of photos, by Pillow."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pillow_heif
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

pillow_heif.register_heif_opener()

MAX_SIZE = 20 * 1024 * 1024
_PHOTOS = frozenset(
    {"jpg", "jpeg", "png", "tiff", "tif", "gif", "webp", "ppm", "bmp", "heic", "heif"}
)
_VIDEOS = frozenset({"mp4", "mov", "avi", "mkv", "m4v", "3gp", "mts", "m2ts", "wmv", "webm", "mpg"})


class NotAnImage(Exception):
    """The bytes are none, or a broken one."""


class Wanted(NamedTuple):
    """`size` like `w640h480`; `mode` strict, bestfit, fitone_bestfit or original; `format` jpeg,
    png or webp.
    """

    size: str
    mode: str
    format: str


def _extension(name: str) -> str:
    return name.rpartition(".")[2].lower()


def is_photo(name: str) -> bool:
    """Whether thumbnails are made of files of this name."""
    return _extension(name) in _PHOTOS


def is_video(name: str) -> bool:
    """Whether a name is a video's."""
    return _extension(name) in _VIDEOS


def _open(data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise NotAnImage from error
    return image


def thumbnail(data: bytes, wanted: Wanted) -> bytes:
    """The image upright, inside the size (strict),
    or covering one or both of its sides (fitone_bestfit, bestfit).
    """
    image = ImageOps.exif_transpose(_open(data)).convert(
        "RGB" if wanted.format == "jpeg" else "RGBA"
    )
    width, height = (int(side) for side in wanted.size[1:].split("h"))
    if wanted.mode != "original":
        across, down = width / image.width, height / image.height
        scale = min(across, down) if wanted.mode == "strict" else max(across, down)
        scale = min(scale, 1.0)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size)
        if wanted.mode == "bestfit":
            image = ImageOps.fit(image, (min(width, image.width), min(height, image.height)))
    made = io.BytesIO()
    image.save(made, wanted.format.upper())
    return made.getvalue()


def photo_info(data: bytes) -> dict[str, Any] | None:
    """PhotoMetadata: dimensions, place and time where the file tells them;
    None for what is no image.
    """
    try:
        image = _open(data)
    except NotAnImage:
        return None
    told: dict[str, Any] = {
        ".tag": "photo",
        "dimensions": {"height": image.height, "width": image.width},
    }
    exif = image.getexif()
    taken = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
    if isinstance(taken, str):
        try:
            moment = datetime.strptime(taken.strip("\0 "), "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
            told["time_taken"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        except ValueError:
            pass
    place = _place(exif.get_ifd(ExifTags.IFD.GPSInfo))
    return told | ({"location": place} if place else {})


def _place(gps: dict[int, Any]) -> dict[str, float] | None:
    try:
        latitude, longitude = _degrees(gps[2]), _degrees(gps[4])
    except (KeyError, TypeError, ValueError, ZeroDivisionError, IndexError):
        return None
    return {
        "latitude": -latitude if gps.get(1) == "S" else latitude,
        "longitude": -longitude if gps.get(3) == "W" else longitude,
    }


def _degrees(parts: Any) -> float:
    return float(parts[0]) + float(parts[1]) / 60 + float(parts[2]) / 3600
