"""One file in, its facts out: hostile files end in a reason,
and the look of a picture is what a viewer shows.
"""

from __future__ import annotations

import io
import json
import os
import socket
import stat
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

import imagehash
import numpy as np
import pi_heif
import pillow_heif
import pytest
from PIL import Image, ImageFilter, ImageOps

from catalog.domain.asset import Facts
from catalog.domain.fixity import Digests, content_hash
from catalog.domain.similarity import hamming, measure_quality, perceptual_hash
from catalog.domain.xml_parser import parse_xml
from catalog.errors import MediaError, UnreadableMedia, UnsupportedType
from catalog.media import extract
from catalog.media.extract import read_facts, read_hash
from catalog.media.request import Request
from catalog.work.workers import Limits, ReaderPool

assert pi_heif
ODD_NAMES = {
    "newline": b"new\nline.jpg",
    "quotes": b'it\'s "quoted" `here`.jpg',
    "emoji": "party 🎉👩\u200d👧.jpg".encode(),
    "decomposed": unicodedata.normalize("NFD", "Zoë Ünal.jpg").encode(),
    "invalid UTF-8": b"caf\xe9\xff.jpg",
    "255 bytes": b"x" * 251 + b".jpg",
    "backslash": rb"a\x41\b.jpg",
    "dash": b"-rf --help.jpg",
    "percent": b"%s %d {0} $HOME.jpg",
    "spaces": b"  a .jpg",
}


@cache
def scene(width: int, height: int, seed: int = 1) -> Image.Image:
    """A picture with large and small features, like a photograph's: the same for the same seed."""
    random = np.random.default_rng(seed)
    layers = np.zeros((height, width, 3), np.float32)
    for cells, weight in ((4, 110), (9, 60), (40, 25)):
        small = Image.fromarray(random.integers(0, 255, (cells, cells, 3), np.uint8))
        layers += (
            np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), np.float32)
            / 255
            * weight
        )
    return Image.fromarray(np.clip(layers + 20, 0, 255).astype(np.uint8))


def saved(path: Path, picture: Image.Image, **options) -> Path:
    picture.save(path, **options)
    return path


def facts_of(path: Path | str) -> Facts:
    return read_facts(Request(os.fspath(path)))


def refusal(path: Path | str, kind: type[MediaError] = UnreadableMedia) -> str:
    with pytest.raises(kind) as caught:
        facts_of(path)
    return str(caught.value)


def with_orientation(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


# --- what is read ---------------------------------------------------------------------------------


def test_a_picture_is_hashed_measured_and_described(tmp_path: Path):
    path = saved(tmp_path / "a.jpg", scene(640, 480))
    facts = facts_of(path)
    assert facts.hash == content_hash(path.read_bytes()) == read_hash(Request(str(path))).content
    assert (facts.size, facts.type, facts.kind, facts.mime) == (
        path.stat().st_size,
        "jpeg",
        "image",
        "image/jpeg",
    )
    assert (facts.width, facts.height, facts.problem, facts.notes) == (640, 480, "", ())
    assert facts.phash is not None and len(facts.phash) == 16
    assert facts.image_hash is not None


def test_the_image_hash_does_not_change_with_the_metadata(tmp_path: Path):
    plain = facts_of(saved(tmp_path / "a.jpg", scene(64, 48), quality=90))
    exif = Image.Exif()
    exif[0x010F] = "Canon"
    tagged = facts_of(saved(tmp_path / "b.jpg", scene(64, 48), quality=90, exif=exif))
    other = facts_of(saved(tmp_path / "c.jpg", scene(64, 48, 2), quality=90))
    assert plain.hash != tagged.hash
    assert plain.image_hash == tagged.image_hash != other.image_hash


def test_a_wrong_extension_is_noted_and_the_content_read(tmp_path: Path):
    facts = facts_of(saved(tmp_path / "a.jpg", scene(64, 48), format="PNG"))
    assert (facts.type, facts.mime) == ("png", "image/png")
    assert facts.notes == ("wrong extension: the content is png",)


def test_without_looking_there_is_no_look(tmp_path: Path):
    facts = read_facts(Request(str(saved(tmp_path / "a.jpg", scene(64, 48))), look=False))
    assert (facts.phash, facts.quality, facts.problem, facts.width) == (None, None, "", 64)


def test_sidecars_add_what_the_file_does_not_state(tmp_path: Path):
    path = saved(tmp_path / "a.jpg", scene(64, 48))
    sidecar = tmp_path / "a.jpg.json"
    sidecar.write_text(
        json.dumps(
            {
                "photoTakenTime": {"timestamp": "1562956215"},
                "geoData": {"latitude": 51, "longitude": 3.7},
            }
        )
    )
    facts = read_facts(Request(str(path), (str(sidecar),)))
    assert facts.dates[-1].wall == datetime(2019, 7, 12, 18, 30, 15)
    assert facts.position is not None and facts.position.source == "takeout"
    assert facts.hash == content_hash(path.read_bytes())


def xmp(body: str, attributes: str = "", before: str = "") -> bytes:
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    dc = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'
    return (
        f'{before}<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{rdf}"><rdf:Description '
        f"{dc} {attributes}>{body}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def bag(tags: Iterable[str]) -> str:
    rows = "".join(f"<rdf:li>{tag}</rdf:li>" for tag in tags)
    return f"<dc:subject><rdf:Bag>{rows}</rdf:Bag></dc:subject>"


@pytest.mark.parametrize(
    ("name", "data", "note"),
    [
        ("a.xmp", xmp(bag(f"tag {n}" for n in range(600_000))), "only the first 8 MiB were read"),
        ("a.xmp", xmp(bag(f"tag {n}" for n in range(2000))), "1,500 tags were left out"),
        ("a.xmp", xmp(bag(["t" * 50_000])), "1 tags were cut to 1,000 characters"),
        ("a.xmp", xmp("", f'dc:title="{"t" * 5_000_000}"'), "title was cut to 1,000 of 5,000,000"),
        ("a.xmp", xmp("<a>" * 100_000), ""),
        (
            "a.json",
            b'{"description": "' + b"d" * 5_000_000 + b'"}',
            "description was cut to 10,000",
        ),
        ("a.json", b'{"description": "' + b"d" * 9_000_000 + b'"}', "only the first 8 MiB"),
        ("a.json", b"[" * 8_000_000, "not understood"),
    ],
)
def test_a_sidecar_of_any_size_costs_its_photo_nothing(
    tmp_path: Path, name: str, data: bytes, note: str
):
    path, sidecar = saved(tmp_path / "a.jpg", scene(64, 48)), tmp_path / name
    sidecar.write_bytes(data)
    facts = read_facts(Request(str(path), (str(sidecar),)))
    assert facts.look and any(note in said for said in facts.notes) == bool(note)
    assert len(facts.tags) <= 500 and all(len(tag) <= 1000 for tag in facts.tags)
    assert len(facts.values.get("description", "")) <= 10_000
    assert len(facts.values.get("title", "")) <= 1000


def test_a_document_type_makes_up_nothing_and_takes_no_time():
    rows = "".join(f'<!ATTLIST rdf:Description a{n} CDATA "xx">' for n in range(20_000))
    packet = xmp("<rdf:Description/>" * 5000, before=f"<!DOCTYPE x [{rows}]>")
    handed: list[str] = []
    with pytest.raises(ValueError, match="document type"):
        parse_xml(packet, lambda name, _attributes: handed.append(name))
    assert handed == []


@pytest.mark.parametrize("make", ["missing", "empty", "folder", "pipe", "link", "broken"])
def test_a_sidecar_that_cannot_be_read_costs_its_photo_nothing(tmp_path: Path, make: str):
    path, sidecar = saved(tmp_path / "a.jpg", scene(64, 48)), tmp_path / "a.xmp"
    if make == "empty":
        sidecar.touch()
    elif make == "folder":
        sidecar.mkdir()
    elif make == "pipe":
        os.mkfifo(sidecar)
    elif make == "link":
        sidecar.symlink_to(path)
    elif make == "broken":
        sidecar.write_bytes(b"<x:xmpmeta " + b"\xff" * 50)
    facts = read_facts(Request(str(path), (str(sidecar),)))
    assert facts.width == 64
    assert any("a.xmp" in note for note in facts.notes) or make == "broken"


def test_a_file_larger_than_memory_should_hold_is_read_in_pieces_with_the_same_facts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = saved(tmp_path / "a.jpg", scene(640, 480), exif=with_orientation(6))
    whole = facts_of(path)
    monkeypatch.setattr(extract, "WHOLE_FILE_BYTES", 1000)
    pieces = facts_of(path)
    assert (pieces.hash, pieces.phash, pieces.width, pieces.height) == (
        whole.hash,
        whole.phash,
        480,
        640,
    )


# --- hostile files --------------------------------------------------------------------------------


def png(width: int, height: int) -> bytes:
    """A black PNG of one bit a pixel; enormous pictures take a few kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
        )

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x01\0\0\0\0"
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def test_a_decompression_bomb_ends_in_a_reason(tmp_path: Path):
    (tmp_path / "bomb.png").write_bytes(png(30_000, 30_000))
    assert (tmp_path / "bomb.png").stat().st_size < 200_000
    with ReaderPool(1, Limits(memory=256 * 1024 * 1024)) as pool:
        ((_tag, result),) = pool.run([("bomb", Request(str(tmp_path / "bomb.png")))])
    reason = result.problem if isinstance(result, Facts) else str(result)
    assert "memory" in reason


def test_a_large_panorama_is_no_bomb(tmp_path: Path):
    facts = facts_of(saved(tmp_path / "wide.jpg", scene(64, 48).resize((20_000, 1000))))
    assert (facts.width, facts.height, facts.problem) == (20_000, 1000, "")
    assert facts.phash is not None


def test_a_truncated_picture_keeps_its_facts_and_says_what_is_wrong(tmp_path: Path):
    exif = Image.Exif()
    exif[0x010F] = "Canon"
    data = saved(tmp_path / "a.jpg", scene(640, 480), exif=exif).read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 2])
    facts = facts_of(tmp_path / "a.jpg")
    assert (facts.width, facts.height, facts.values["make"]) == (640, 480, "Canon")
    assert facts.phash is not None and "only the upper" in facts.problem
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 10])
    facts = facts_of(tmp_path / "a.jpg")
    assert facts.phash is None and "cannot be decoded" in facts.problem


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.9])
def test_a_file_cut_anywhere_has_facts_or_a_reason(tmp_path: Path, kind: str, part: float):
    buffer = io.BytesIO()
    scene(200, 150).save(buffer, kind)
    (tmp_path / "a.jpg").write_bytes(
        buffer.getvalue()[: max(1, int(len(buffer.getvalue()) * part))]
    )
    try:
        facts = facts_of(tmp_path / "a.jpg")
    except MediaError as error:
        assert str(error)
    else:
        assert facts.phash or facts.problem


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_file_has_facts_or_a_reason(tmp_path: Path, seed: int):
    random = np.random.default_rng(seed)
    buffer = io.BytesIO()
    scene(200, 150).save(
        buffer, ["JPEG", "PNG", "TIFF", "WEBP", "GIF"][seed % 5], exif=with_orientation(6)
    )
    data = bytearray(buffer.getvalue())
    for place in random.integers(0, len(data), 20):
        data[place] = random.integers(0, 256)
    (tmp_path / "a.jpg").write_bytes(data)
    try:
        facts = facts_of(tmp_path / "a.jpg")
    except MediaError as error:
        assert str(error)
    else:
        assert facts.hash == content_hash(data)


def test_an_empty_file_is_refused(tmp_path: Path):
    (tmp_path / "a.jpg").touch()
    assert "0 bytes" in refusal(tmp_path / "a.jpg")


@pytest.mark.parametrize("data", [b"\xff", b"\xff\xd8", b"a", b"hello", b"\0" * 100])
def test_a_file_of_a_few_bytes_is_no_picture(tmp_path: Path, data: bytes):
    (tmp_path / "a.jpg").write_bytes(data)
    assert "no photo or video" in refusal(tmp_path / "a.jpg", UnsupportedType)


def test_the_first_bytes_of_a_picture_alone_are_kept_with_a_reason(tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    facts = facts_of(tmp_path / "a.jpg")
    assert facts.problem and (facts.phash, facts.width) == (None, None)


def test_what_is_no_regular_file_is_refused_and_never_waited_for(tmp_path: Path):
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    saved(tmp_path / "real.jpg", scene(64, 48))
    (tmp_path / "link.jpg").symlink_to("real.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "dead.jpg").symlink_to("nowhere.jpg")
    for name in (
        "folder.jpg",
        "pipe.jpg",
        "link.jpg",
        "loop.jpg",
        "dead.jpg",
        "missing.jpg",
        "real.jpg/below.jpg",
    ):
        assert refusal(tmp_path / name)
    assert "not a regular file" in refusal(tmp_path / "pipe.jpg")
    assert stat.S_ISFIFO((tmp_path / "pipe.jpg").lstat().st_mode)


def test_a_socket_and_a_device_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.jpg")
        assert refusal(tmp_path / "socket.jpg")
    assert "not a regular file" in refusal("/dev/zero")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any file")
def test_a_file_without_permission_is_refused(tmp_path: Path):
    path = saved(tmp_path / "a.jpg", scene(64, 48))
    path.chmod(0)
    assert "cannot be opened: Permission denied" in refusal(path)


def test_refusing_leaves_no_file_open(tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(b"hello")
    (tmp_path / "folder.jpg").mkdir()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        refusal(tmp_path / "a.jpg", UnsupportedType)
        refusal(tmp_path / "folder.jpg")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_that_grows_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path, real = saved(tmp_path / "a.jpg", scene(64, 48)), extract.digests_of

    def slow_hash(data: bytes, kinds: Sequence[str]) -> Digests:
        with open(path, "ab") as file:
            file.write(b"more")
        return real(data, kinds)

    monkeypatch.setattr(extract, "digests_of", slow_hash)
    assert "changed while it was read" in refusal(path)


def test_a_file_that_shrinks_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path, real = saved(tmp_path / "a.jpg", scene(640, 480)), extract._read_whole

    def late_read(descriptor: int, size: int) -> bytes:
        os.truncate(path, 100)
        return real(descriptor, size)

    monkeypatch.setattr(extract, "_read_whole", late_read)
    assert "changed while it was read" in refusal(path)


@pytest.mark.parametrize("name", ODD_NAMES.values(), ids=ODD_NAMES.keys())
def test_odd_names_are_read_like_any_other(tmp_path: Path, name: bytes):
    path = os.fsdecode(os.path.join(os.fsencode(tmp_path), name))
    with open(path, "wb") as file:
        scene(64, 48).save(file, "JPEG")
    facts = facts_of(path)
    assert (facts.width, facts.problem, facts.notes) == (64, "", ())
    with ReaderPool(1) as pool:
        assert dict(pool.run([("a", Request(path))])) == {"a": facts}


# --- the look -------------------------------------------------------------------------------------


def expected(picture: Image.Image) -> str:
    """The hash that ImageHash gives an upright picture."""
    return str(imagehash.phash(picture))


@pytest.mark.parametrize(
    "size",
    [(640, 480), (1024, 768), (1200, 1600), (2048, 1365), (3000, 2000), (4000, 3000), (4000, 700)],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_hash_of_a_jpeg_is_that_of_imagehash(tmp_path: Path, size: tuple[int, int], seed: int):
    path = saved(tmp_path / "a.jpg", scene(*size, seed), quality=88)
    phash = facts_of(path).phash
    assert phash is not None
    assert hamming(phash, expected(Image.open(path))) <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_the_hash_is_that_of_the_picture_as_shown(tmp_path: Path, orientation: int, kind: str):
    path = saved(
        tmp_path / f"a.{kind.lower()}",
        scene(900, 600),
        format=kind,
        exif=with_orientation(orientation),
    )
    facts = facts_of(path)
    with Image.open(path) as opened:
        shown = ImageOps.exif_transpose(opened)
    assert (
        (facts.width, facts.height) == shown.size == ((900, 600) if orientation < 5 else (600, 900))
    )
    assert facts.phash is not None
    assert hamming(facts.phash, expected(shown)) <= 2


def test_a_picture_hashes_alike_however_the_camera_was_held(tmp_path: Path):
    upright = scene(900, 600)
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    straight = facts_of(saved(tmp_path / "1.jpg", upright, quality=95))
    for orientation, turn in undo.items():
        path = saved(
            tmp_path / f"{orientation}.jpg",
            upright.transpose(turn),
            quality=95,
            exif=with_orientation(orientation),
        )
        held = facts_of(path)
        assert (held.width, held.height) == (900, 600)
        assert held.phash is not None and straight.phash is not None
        assert hamming(held.phash, straight.phash) <= 2


def test_different_pictures_hash_differently(tmp_path: Path):
    hashes = [
        facts_of(saved(tmp_path / f"{seed}.jpg", scene(640, 480, seed))).phash
        for seed in range(1, 6)
    ]
    assert all(
        one and other and hamming(one, other) > 10
        for i, one in enumerate(hashes)
        for other in hashes[:i]
    )


def rgba(picture: Image.Image) -> Image.Image:
    picture = picture.convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    return picture


MODES = {
    "RGBA PNG": ("PNG", rgba),
    "palette PNG": ("PNG", lambda p: p.quantize(256)),
    "palette GIF": ("GIF", lambda p: p.quantize(256)),
    "grey PNG": ("PNG", lambda p: p.convert("L")),
    "grey JPEG": ("JPEG", lambda p: p.convert("L")),
    "CMYK JPEG": ("JPEG", lambda p: p.convert("CMYK")),
    "CMYK TIFF": ("TIFF", lambda p: p.convert("CMYK")),
    "RGB BMP": ("BMP", lambda p: p),
    "WebP": ("WEBP", lambda p: p),
    "RGBA WebP": ("WEBP", rgba),
    "AVIF": ("AVIF", lambda p: p),
    "JPEG 2000": ("JPEG2000", lambda p: p),
}


@pytest.mark.parametrize("mode", MODES)
def test_every_kind_of_picture_hashes_as_imagehash_does(tmp_path: Path, mode: str):
    kind, convert = MODES[mode]
    path = saved(tmp_path / "a.x", convert(scene(800, 600)), format=kind)
    facts = facts_of(path)
    assert facts.problem == "" and facts.phash is not None
    with Image.open(path) as opened:
        assert hamming(facts.phash, expected(opened)) <= 2
    assert hamming(facts.phash, expected(scene(800, 600))) <= 6


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_of_grey_hash_as_eight_do(tmp_path: Path, kind: str):
    grey = np.asarray(scene(800, 600).convert("L"), np.uint16)
    facts = facts_of(saved(tmp_path / "a.x", Image.fromarray(grey * 257), format=kind))
    assert facts.phash is not None and facts.quality is not None
    assert hamming(facts.phash, expected(scene(800, 600))) <= 2
    assert abs(facts.quality.brightness - float(grey.mean())) < 2


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_heic_hashes_as_it_is_shown(tmp_path: Path, orientation: int):
    path = tmp_path / "a.heic"
    heif = pillow_heif.from_pillow(scene(800, 600))
    heif.save(path, exif=with_orientation(orientation).tobytes())
    facts = facts_of(path)
    shown = ImageOps.exif_transpose(pillow_heif.open_heif(path).to_pillow())
    assert facts.phash is not None and (facts.width, facts.height) == shown.size
    assert hamming(facts.phash, expected(shown)) <= 2


def test_blank_pictures_are_blank_and_not_blurred(tmp_path: Path):
    for color in ("black", "white", (120, 130, 140)):
        quality = facts_of(saved(tmp_path / "a.jpg", Image.new("RGB", (640, 480), color))).quality
        assert quality is not None and quality.blank and not quality.blurred


def test_blurred_pictures_are_blurred_and_sharp_ones_are_not(tmp_path: Path):
    sharp = Image.effect_noise((640, 480), 60).convert("RGB")
    sharp.paste(scene(320, 480), (0, 0))
    found = facts_of(saved(tmp_path / "a.jpg", sharp)).quality
    assert found is not None and not found.blurred and not found.blank
    blurred = scene(640, 480).filter(ImageFilter.GaussianBlur(30))
    worse = facts_of(saved(tmp_path / "b.jpg", blurred)).quality
    assert worse is not None and worse.blurred and not worse.blank
    assert worse.sharpness < found.sharpness


def test_brightness_and_contrast_are_those_of_the_grey_picture(tmp_path: Path):
    half = Image.new("L", (256, 256), 0)
    half.paste(200, (0, 0, 128, 256))
    quality = facts_of(saved(tmp_path / "a.png", half)).quality
    assert quality is not None
    assert (quality.brightness, quality.contrast) == (100, 100)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (2, 2), (3, 3), (8, 8)])
def test_the_smallest_pictures_have_a_look(tmp_path: Path, size: tuple[int, int]):
    facts = facts_of(saved(tmp_path / "a.png", scene(*size)))
    assert (facts.width, facts.height) == size
    assert facts.phash is not None and facts.quality is not None and facts.problem == ""


def test_the_hash_of_a_grid_is_that_of_imagehash_bit_for_bit():
    for seed in range(20):
        grid = np.random.default_rng(seed).integers(0, 255, (32, 32), np.uint8)
        assert perceptual_hash(grid) == expected(Image.fromarray(grid))


def test_the_distance_of_hashes_counts_bits():
    assert (
        hamming("0" * 16, "f" * 16),
        hamming("0" * 16, "0" * 15 + "1"),
        hamming("a" * 16, "a" * 16),
    ) == (64, 1, 0)


def test_a_thin_picture_has_no_sharpness():
    assert measure_quality(np.zeros((2, 300), np.uint8)).sharpness == 0
