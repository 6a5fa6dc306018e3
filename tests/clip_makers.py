"""Small videos made by code: boxes, chunks and elements by hand,
and real clips encoded with PyAV.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import av
import numpy as np

from catalog.domain.filetypes import recognise
from catalog.media.clips.reader import read_clip
from catalog.media.findings import Findings
from catalog.media.source import MemorySource

MAC = datetime(1904, 1, 1)
TURN_90 = (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
UPRIGHT = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def box(kind: bytes, *parts: bytes) -> bytes:
    payload = b"".join(parts)
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def seconds_1904(moment: datetime) -> int:
    return int((moment - MAC).total_seconds())


def mvhd(created: int, duration: int = 5000, scale: int = 1000, version: int = 0) -> bytes:
    times = struct.pack(">QQIQ" if version else ">IIII", created, created, scale, duration)
    return box(b"mvhd", bytes([version, 0, 0, 0]), times, bytes(80))


def trak(
    codec: bytes = b"avc1",
    size: tuple[int, int] = (640, 480),
    matrix: tuple[int, ...] = UPRIGHT,
    handler: bytes = b"vide",
    created: int = 0,
    frames: int = 150,
    ticks: int = 40,
    tail: bytes = b"",
) -> bytes:
    tkhd = box(
        b"tkhd",
        struct.pack(">IIIIII", 7, created, created, 1, 0, 5000),
        bytes(16),
        struct.pack(">9i", *matrix),
        struct.pack(">II", size[0] << 16, size[1] << 16),
    )
    mdhd = box(b"mdhd", struct.pack(">IIIIII", 0, created, created, 1000, 5000, 0))
    if handler == b"vide":
        fields = bytes(6) + struct.pack(">H", 1) + bytes(16) + struct.pack(">HH", *size) + bytes(50)
    else:
        fields = (
            bytes(6)
            + struct.pack(">H", 1)
            + bytes(8)
            + struct.pack(">HHHHI", 1, 16, 0, 0, 8000 << 16)
        )
    stsd = box(b"stsd", struct.pack(">II", 0, 1), box(codec, fields, tail))
    stts = box(b"stts", struct.pack(">IIII", 0, 1, frames, ticks))
    hdlr = box(b"hdlr", bytes(8), handler, bytes(12))
    return box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, box(b"minf", box(b"stbl", stsd, stts))))


def keys_meta(values: dict[str, str]) -> bytes:
    keys = b"".join(box(b"mdta", name.encode()) for name in values)
    items = b"".join(
        box(struct.pack(">I", i), box(b"data", struct.pack(">II", 1, 0), text.encode()))
        for i, text in enumerate(values.values(), 1)
    )
    hdlr = box(b"hdlr", bytes(8), b"mdta", bytes(12))
    return box(
        b"meta", hdlr, box(b"keys", struct.pack(">II", 0, len(values)), keys), box(b"ilst", items)
    )


def text_box(kind: bytes, text: str) -> bytes:
    raw = text.encode()
    return box(kind, struct.pack(">HH", len(raw), 0x15C7), raw)


def sony_document(
    created: str = "2015-01-02T03:04:05+09:00", between: str = ":", status: str = "A"
) -> bytes:
    """What a Sony camera writes of a clip; `between` stands in its degrees."""
    items = {
        "Status": status,
        "LatitudeRef": "N",
        "Latitude": between.join(("50", "30", "00.0")),
        "LongitudeRef": "W",
        "Longitude": between.join(("3", "15", "00.0")),
        "TimeStamp": "18:04:04",
        "DateStamp": "2015:01:01",
    }
    place = "".join(f'<Item name="{name}" value="{value}"/>' for name, value in items.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<NonRealTimeMeta xmlns="urn:schemas-professionalDisc:nonRealTimeMeta:ver.2.20">'
        f'<CreationDate value="{created}"/>'
        '<Device manufacturer="Sony" modelName="ILCE-7S" serialNo="1"/>'
        '<Lens modelName="E 35mm F1.8"/>'
        f'<AcquisitionRecord><Group name="ExifGPS">{place}</Group></AcquisitionRecord>'
        "</NonRealTimeMeta>"
    ).encode()


def movie(*parts: bytes, brand: bytes = b"qt  ", mdat: bytes = b"media") -> bytes:
    return box(b"ftyp", brand, bytes(4), brand) + box(b"moov", *parts) + box(b"mdat", mdat)


def with_telemetry(
    code: bytes,
    sample: bytes,
    created: datetime,
    *more: bytes,
    handler: bytes = b"meta",
    name: bytes = b"",
    later: Sequence[bytes] = (),
    in_chunk: int = 1,
) -> bytes:
    """A movie with a track of which one sample is the media data; with `later` one a second, so
    many in each chunk, between which other data lies.
    """
    samples = (sample, *later)
    chunks = [samples[at : at + in_chunk] for at in range(0, len(samples), in_chunk)]
    data = b"between".join(b"".join(chunk) for chunk in chunks)
    begins, at = list[int](), 0
    for chunk in chunks:
        begins.append(at)
        at += sum(map(len, chunk)) + len(b"between")

    def made(offset: int) -> bytes:
        count = len(samples)
        table = box(
            b"stbl",
            box(b"stsd", struct.pack(">II", 0, 1), box(code, bytes(6) + b"\0\1")),
            box(b"stts", struct.pack(">IIII", 0, 1, count, 1000)),
            box(b"stsc", struct.pack(">IIIII", 0, 1, 1, in_chunk, 1)),
            box(
                b"stsz",
                struct.pack(">III", 0, 0, count),
                struct.pack(f">{count}I", *map(len, samples)),
            ),
            box(
                b"stco",
                struct.pack(">II", 0, len(chunks)),
                struct.pack(f">{len(chunks)}I", *(offset + begin for begin in begins)),
            ),
        )
        mdhd = box(b"mdhd", struct.pack(">IIIIII", 0, 0, 0, 1000, 1000 * count, 0))
        hdlr = box(b"hdlr", bytes(8), handler, bytes(12), name)
        track = box(b"trak", box(b"mdia", mdhd, hdlr, box(b"minf", table)))
        parts = (mvhd(seconds_1904(created)), trak(), track, *more)
        return movie(*parts, brand=b"mp41", mdat=data)

    return made(len(made(0)) - len(data))


def chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) & 1)


def chunk_list(kind: bytes, *members: bytes, outer: bytes = b"LIST") -> bytes:
    return chunk(outer, kind + b"".join(members))


def avi(
    *extra: bytes,
    codec: bytes = b"MJPG",
    frames: int = 50,
    usec: int = 100_000,
    stream_frames: int = 50,
) -> bytes:
    avih = chunk(b"avih", struct.pack("<10I", usec, 0, 0, 0, frames, 0, 1, 0, 320, 240) + bytes(16))
    strh = chunk(
        b"strh",
        b"vids"
        + codec
        + struct.pack("<IHHIIIIIIIII", 0, 0, 0, 0, 1, 10, 0, stream_frames, 0, 0, 0, 0),
    )
    strf = chunk(b"strf", struct.pack("<IiiHH", 40, 320, 240, 1, 24) + codec + bytes(20))
    hdrl = chunk_list(b"hdrl", avih, chunk_list(b"strl", strh, strf))
    return chunk_list(b"AVI ", hdrl, *extra, chunk_list(b"movi", bytes(64)), outer=b"RIFF")


def element(identifier: int, *parts: bytes) -> bytes:
    payload = b"".join(parts)
    raw = identifier.to_bytes((identifier.bit_length() + 7) // 8, "big")
    return raw + (len(payload) | 1 << 56).to_bytes(8, "big") + payload


def transport_stream(payload: bytes, step: int = 192, pid: int = 0x1011) -> bytes:
    """The payload cut into packets of 184 bytes;
    padding packets follow so that the stream is recognised.
    """
    packets = []
    pieces = [payload[i : i + 184] for i in range(0, len(payload), 184)]
    for piece in pieces:
        stuffing = 184 - len(piece)
        head = bytes([0x47, pid >> 8, pid & 0xFF, 0x30 if stuffing else 0x10])
        if stuffing:
            head += bytes([stuffing - 1]) + (
                b"\0" + b"\xff" * (stuffing - 2) if stuffing > 1 else b""
            )
        packets.append(bytes(step - 188) + head + piece)
    packets += [bytes(step - 188) + b"\x47\x1f\xff\x10" + b"\xff" * 184] * 10
    return b"".join(packets)


def mdpm(packs: dict[int, bytes]) -> bytes:
    mark = bytes.fromhex("17ee8c60f84d11d98cd60800200c9a66") + b"MDPM"
    body = (
        mark
        + bytes([len(packs)])
        + b"".join(bytes([tag]) + value for tag, value in sorted(packs.items()))
    )
    return body.replace(b"\0\0\0", b"\0\0\3\0")


def asf(created: int, play: int, preroll: int) -> bytes:
    properties = bytes(16) + struct.pack("<QQQQQQ", 0, created, 10, play, play, preroll) + bytes(16)
    guid = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
    video = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b") + bytes(38)
    video += (
        struct.pack("<IIBH", 352, 288, 2, 40)
        + struct.pack("<IiiHH", 40, 352, 288, 1, 24)
        + b"WMV2"
        + bytes(20)
    )
    stream = bytes.fromhex("9107dcb7b7a9cf118ee600c00c205365")
    objects = (
        guid
        + struct.pack("<Q", 24 + len(properties))
        + properties
        + stream
        + struct.pack("<Q", 24 + len(video))
        + video
    )
    header = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + struct.pack(
        "<QIBB", 30 + len(objects), 2, 1, 2
    )
    return header + objects


def read(data: bytes, name: str = "clip.mov", path: str = "") -> Findings:
    """What read_clip finds in bytes, without FFmpeg unless a path is given."""
    filetype = recognise(data[:4096], name)
    assert filetype is not None, "the maker made nothing that is recognised"
    findings = Findings()
    read_clip(MemorySource(data), filetype, path, findings)
    return findings


def encode(
    path: Path,
    codec: str,
    size: tuple[int, int] = (320, 240),
    frames: int = 24,
    rate: int = 12,
    black: int = 0,
    options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
    container_format: str | None = None,
) -> Path:
    """A real clip: `black` dark frames first, then bright ones with a red left half."""
    with av.open(str(path), "w", format=container_format, options=options or {}) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.gop_size = 6
        for number in range(frames):
            picture = np.zeros((size[1], size[0], 3), np.uint8)
            if number >= black:
                picture[:] = 200
                picture[:, : size[0] // 2] = (220, 20, 20)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def encode_sound(path: Path, codec: str = "aac", form: str = "mp4") -> Path:
    """A second of silence, and nothing to be seen."""
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=48_000)
        stream.bit_rate = 64_000
        frame = av.AudioFrame(format="s16", layout="stereo", samples=48_000)
        frame.rate = 48_000
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        for packet in [*stream.encode(frame), *stream.encode()]:
            container.mux(packet)
    return path
