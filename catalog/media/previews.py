"""A small picture of a photo or video for people to look at: a WebP, upright,
in the colours of every screen (sRGB).
"""

from __future__ import annotations

import io
import os

from PIL import Image

from catalog.domain.filetypes import BY_NAME, HEAD_BYTES, FileType
from catalog.errors import UnreadableMedia
from catalog.media import pixels
from catalog.media.extract import is_raw, open_regular, picture_stream, type_of
from catalog.media.findings import Findings
from catalog.media.renderer import reason_of, render, save
from catalog.media.request import Request
from catalog.media.source import FileSource, SourceStream


def read_preview(request: Request) -> bytes:
    """The WebP of one file, at most `request.preview` pixels on its long side.

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
            return render(frame, request.preview)
        return _of_still(request, source, filetype)


def shrunk(data: bytes, side: int) -> bytes:
    """The WebP of a JPEG that is upright already, at most `side` pixels on its long side.

    Raises UnreadableMedia.
    """
    return pixels.preview(io.BytesIO(data), BY_NAME["jpeg"], 1, side)


def of_look(look: str, width: int, height: int, side: int) -> bytes:
    """What an asset's tiny grey picture shows, stretched to the shape of the original (pixels).

    Raises UnreadableMedia.
    """
    try:
        grey = Image.fromarray(pixels.decode_look(look))
    except Exception as error:
        raise UnreadableMedia(
            f"the small picture in the index cannot be decoded: {reason_of(error)}"
        ) from error
    longest = max(width, height, 1)
    size = (max(1, round(side * width / longest)), max(1, round(side * height / longest)))
    return save(grey.resize(size, Image.Resampling.BICUBIC))


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
        if not is_raw(filetype) or pixels.is_enough(embedded):
            return pixels.preview(embedded, BY_NAME["jpeg"], orientation, request.preview)
    with picture_stream(source) as stream:
        if is_raw(filetype):
            from catalog.media.raw_decoder import develop

            picture, upright = develop(stream)
            return render(picture, request.preview, 1 if upright else orientation)
        turn = 1 if findings.displayed else orientation
        return pixels.preview(stream, filetype, turn, request.preview)
