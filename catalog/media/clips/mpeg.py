"""Size and frame rate of MPEG-1 and MPEG-2 video (ISO/IEC 11172-2,
13818-2) from its first sequence header, and whether there is any.
"""

from __future__ import annotations

import re

from catalog.media.findings import Findings
from catalog.media.source import ByteSource

_SEARCHED = 1 << 20
_RATES = (0.0, 23.976, 24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 60.0)
_WINDOW = 1 << 19
_PICTURES = re.compile(rb"\x00\x00\x01[\xb3\xe0-\xef]")
"""What packets of video begin with (ISO/IEC 13818-1 table 2-22), and its sequences."""
_SEQUENCE, _EXTENSION, _PICTURE = b"\0\0\1\xb3", b"\0\0\1\xb5", b"\0\0\1\0"


def read_mpeg(source: ByteSource, findings: Findings) -> None:
    """Add size in pixels, frame rate and codec of the first video stream."""
    data = source.read(0, _SEARCHED)
    at = data.find(_SEQUENCE)
    if at < 0 or at + 8 > len(data):
        return
    sizes = int.from_bytes(data[at + 4 : at + 7], "big")
    width, height = sizes >> 12, sizes & 0xFFF
    extension = data.find(_EXTENSION, at, _end_of_headers(data, at))
    if extension >= 0 and len(data) >= extension + 7 and data[extension + 4] >> 4 == 1:
        width += ((data[extension + 5] & 1) << 1 | data[extension + 6] >> 7) << 12
        height += (data[extension + 6] >> 5 & 3) << 12
    if not width or not height:
        return
    findings.add("width", width, "mpeg")
    findings.add("height", height, "mpeg")
    findings.displayed = True
    findings.add("video_codec", "mpeg2video" if extension >= 0 else "mpeg1video", "mpeg")
    code = data[at + 7] & 0x0F
    if 0 < code < len(_RATES):
        findings.add("frame_rate", _RATES[code], "mpeg")


def _end_of_headers(data: bytes, start: int) -> int:
    """Where the first picture begins: an extension after it says nothing of the sequence."""
    end = data.find(_PICTURE, start, start + 4096)
    return end if end >= 0 else start + 4096


def has_pictures(source: ByteSource) -> bool:
    """Whether a stream of packets has any of video at its beginning, its middle or its end; sound
    may look like one.
    """
    starts = (0, (source.size - _WINDOW) // 2, source.size - _WINDOW)
    return any(_PICTURES.search(source.read(max(start, 0), _WINDOW)) for start in starts)
