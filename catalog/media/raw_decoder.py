"""Camera RAW files without a preview of their own, and sizes no tag states: LibRaw, by rawpy.

Slow, so asked last.
"""

from __future__ import annotations

import io
from typing import BinaryIO

from PIL import Image

from catalog.errors import UnreadableMedia


def develop(stream: BinaryIO) -> tuple[Image.Image, bool]:
    """A picture of the shot, and whether it is upright already: the embedded thumbnail,
    else a half-size development.
    """
    import rawpy

    try:
        with rawpy.imread(stream) as raw:
            try:
                thumbnail = raw.extract_thumb()
                if thumbnail.format == rawpy.ThumbFormat.JPEG:
                    return Image.open(io.BytesIO(bytes(thumbnail.data))), False
            except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
                pass
            return Image.fromarray(raw.postprocess(half_size=True, use_camera_wb=True)), True
    except (rawpy.LibRawError, OSError, ValueError) as error:
        raise UnreadableMedia(f"the RAW picture cannot be developed: {error}") from error


def shown_size(stream: BinaryIO) -> tuple[int, int] | None:
    """Width and height in pixels as shown, or None where LibRaw cannot tell."""
    import rawpy

    try:
        with rawpy.imread(stream) as raw:
            sizes = raw.sizes
    except (rawpy.LibRawError, OSError, ValueError):
        return None
    turned = sizes.flip in (5, 6)
    return (sizes.height, sizes.width) if turned else (sizes.width, sizes.height)
