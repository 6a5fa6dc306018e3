"""A small picture of a photo or video for people to look at: a JPEG, upright,
in the colours of every screen (sRGB).
"""

from __future__ import annotations

import io
import os
import warnings
from typing import BinaryIO

from PIL import Image, ImageCms, ImageFile, JpegImagePlugin

from catalog.domain.filetypes import BY_NAME, HEAD_BYTES, FileType
from catalog.errors import UnreadableMedia
from catalog.media import pixels
from catalog.media.extract import is_raw, open_regular, picture_stream, type_of
from catalog.media.findings import Findings
from catalog.media.request import Request
from catalog.media.source import FileSource, SourceStream

QUALITY = 80
"""JPEG quality of previews: some 30 kB at 512 pixels."""
SMALLEST_EMBEDDED = 320
"""Pixels on the long side below which a JPEG inside a RAW file is too small to judge by."""
BEHIND = (128, 128, 128)
"""What shows through transparent pixels: dark and light drawings can both be seen on it."""
_DEEP = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N", "LAB"})


def read_preview(request: Request) -> bytes:
    """The JPEG of one file, at most `request.preview` pixels on its long side.

    Raises UnsupportedType or UnreadableMedia.

    Where `request.size` says how long the file is, one of another length is not it.
    """
    with open_regular(request.path, request.root) as (descriptor, size):
        if request.size and size != request.size:
            raise UnreadableMedia("the file is not the one that is recorded")
        source = FileSource(descriptor, size)
        filetype = type_of(source.read(0, HEAD_BYTES), os.path.basename(request.path))  # noqa: PTH119
        if filetype.kind == "video":
            frame = _of_video(SourceStream(source, request.path))
            return _encoded(frame, _within(frame.size, request.preview))
        return _of_still(request, source, filetype)


def shrunk(data: bytes, side: int) -> bytes:
    """A JPEG that is upright already, at most `side` pixels on its long side.

    Raises UnreadableMedia.
    """
    return _decoded(io.BytesIO(data), BY_NAME["jpeg"], 1, side)


def of_look(look: str, width: int, height: int, side: int) -> bytes:
    """What an asset's tiny grey picture shows, stretched to the shape of the original (pixels).

    Raises UnreadableMedia.
    """
    try:
        grey = Image.fromarray(pixels.decode_look(look))
    except Exception as error:
        raise UnreadableMedia(
            f"the small picture in the index cannot be decoded: {pixels.reason_of(error)}"
        ) from error
    longest = max(width, height, 1)
    size = (max(1, round(side * width / longest)), max(1, round(side * height / longest)))
    return _saved(grey.resize(size, Image.Resampling.BICUBIC))


def _of_video(film: SourceStream) -> Image.Image:
    from catalog.media.video.frames import key_frame

    frame = key_frame(film)
    if frame is None:
        raise UnreadableMedia("the video has no frame that can be decoded")
    return frame


def _of_still(request: Request, source: FileSource, filetype: FileType) -> bytes:
    from catalog.media.stills import read_still

    findings = Findings()
    filetype = read_still(source, filetype, findings)
    orientation = findings.get("orientation", 1)
    offset, length = findings.get("preview_offset"), findings.get("preview_length")
    if offset and length:
        embedded = io.BytesIO(source.read(offset, length))
        if not is_raw(filetype) or _longest(embedded) >= SMALLEST_EMBEDDED:
            return _decoded(embedded, BY_NAME["jpeg"], orientation, request.preview)
    with picture_stream(source) as stream:
        if is_raw(filetype):
            from catalog.media.raw_decoder import develop

            picture, upright = develop(stream)
            return _encoded(
                picture, _within(picture.size, request.preview), 1 if upright else orientation
            )
        return _decoded(stream, filetype, 1 if findings.displayed else orientation, request.preview)


def _longest(stream: BinaryIO) -> int:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return max(JpegImagePlugin.JpegImageFile(stream).size)
    except Exception:  # it is developed, then
        return 0
    finally:
        stream.seek(0)


def _decoded(stream: BinaryIO, filetype: FileType, orientation: int, side: int) -> bytes:
    if filetype.name in pixels.NO_DECODER:
        raise UnreadableMedia(f"no decoder for {filetype.name} pictures is installed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture, size = _opened(stream, filetype, side)
            return _encoded(
                picture, size, 1 if picture.format == "TIFF" else orientation
            )  # Pillow turns a TIFF itself
    except MemoryError:
        raise
    except Exception as error:  # decoders raise nearly anything for broken files
        raise UnreadableMedia(
            f"the picture cannot be decoded: {pixels.reason_of(error)}"
        ) from error


def _opened(stream: BinaryIO, filetype: FileType, side: int) -> tuple[Image.Image, tuple[int, int]]:
    """The picture, of a JPEG scaled already while it was decoded,
    and the size that it is to have.
    """
    if filetype.name in ("heic", "heif"):
        heif = pixels.open_heif(stream)
        return heif, _within(heif.size, side)
    picture: ImageFile.ImageFile
    picture = (
        JpegImagePlugin.JpegImageFile(stream) if filetype.family == "jpeg" else Image.open(stream)
    )
    size = _within(picture.size, side)
    if filetype.family == "jpeg" or filetype.name == "jp2":
        picture.draft(None, size)  # None keeps the mode
    picture.load()
    if filetype.name != "avif":
        return picture, size
    upright = pixels.avif_upright(picture)
    return upright, _within(upright.size, side)


def _within(size: tuple[int, int], side: int) -> tuple[int, int]:
    """The size of a picture of that shape with at most `side` pixels on its long side;
    none is enlarged.
    """
    longest = max(size)
    if longest <= side:
        return size
    return max(1, round(size[0] * side / longest)), max(1, round(size[1] * side / longest))


def _encoded(picture: Image.Image, size: tuple[int, int], orientation: int = 1) -> bytes:
    """The picture small, upright and in sRGB, as a JPEG. `size` is before it is turned."""
    profile = picture.info.get("icc_profile")
    plain = _plain(picture, size)
    small = (
        plain.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        if size != plain.size
        else plain
    )
    small = _in_srgb(small, profile)
    return _saved(pixels.upright(small, orientation))


def _plain(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture in a mode that can be scaled and that a JPEG can hold: grey, RGB or CMYK."""
    if picture.mode in ("L", "RGB", "CMYK"):
        return picture
    if picture.mode in _DEEP:
        return pixels.grey_of(picture)
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        if size != layer.size:
            layer = layer.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        whole = Image.new("RGBA", layer.size, (*BEHIND, 255))
        return Image.alpha_composite(whole, layer).convert("RGB")
    return picture.convert("L" if picture.mode in ("1", "LA") else "RGB")


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in the colours of every screen;
    one whose profile does not fit it is taken as it is.
    """
    if profile and picture.mode in ("RGB", "CMYK"):
        try:
            named = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if picture.mode == "CMYK" or "sRGB" not in ImageCms.getProfileDescription(named):
                turned = ImageCms.profileToProfile(
                    picture, named, ImageCms.createProfile("sRGB"), outputMode="RGB"
                )
                return turned if turned is not None else picture
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return picture if picture.mode in ("L", "RGB") else picture.convert("RGB")


def _saved(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()
