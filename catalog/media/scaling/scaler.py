"""A picture of another size, made of one file, in a process that reads files."""

from __future__ import annotations

from dataclasses import replace

from catalog.domain.filetypes import BY_NAME, HEAD_BYTES, FileType
from catalog.errors import MediaError, UnreadableMedia, UnsupportedType
from catalog.media import pixels
from catalog.media.extract import is_raw, open_regular, type_of
from catalog.media.findings import Findings
from catalog.media.jpeg.image_data import find_hole
from catalog.media.request import Request, Scaled, Scaling
from catalog.media.scaling.decoder import Picture, decode
from catalog.media.scaling.encoder import Original, encode, target_type
from catalog.media.scaling.interpolation import new_size, resize
from catalog.media.source import MemorySource
from catalog.media.stills import read_still
from catalog.media.write.containers import with_block
from catalog.media.write.exif_block import write_software
from catalog.media.write.made_packet import made_packet
from catalog.version import __version__

LARGEST = 1 << 30
"""Bytes of the largest file that is scaled: it is held in memory."""
_TOO_MUCH = "scaling it needs more memory than is allowed (four times file_memory_mb)"
MAKER = f"image-catalog {__version__}"
"""How this program names itself in what it made."""


def scale(request: Request) -> Scaled:
    """Make the file that `request.scaling` asks for, and read back what it states.

    Raises UnsupportedType with the reason where it is no picture, or something of it would be lost;
    anything else for what says nothing of the picture.
    """
    scaling = request.scaling
    assert scaling is not None
    with open_regular(request.path, request.root) as (descriptor, size):
        if size > LARGEST:
            raise UnsupportedType(f"files above {LARGEST >> 20} MiB are not scaled")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read()
    filetype = type_of(data[:HEAD_BYTES], scaling.name)
    findings = Findings()
    if filetype.kind == "image":
        filetype = read_still(MemorySource(data), filetype, findings)
    try:
        _check_kept(data, filetype, findings)
        before = decode(data, filetype)
    except UnreadableMedia as error:
        return Scaled(filetype.name, 0, 0, str(error))
    except MemoryError:
        raise UnsupportedType(_TOO_MUCH) from None
    try:
        return _scaled(before, Original(data, filetype), scaling)
    except MemoryError:
        raise UnsupportedType(_TOO_MUCH) from None


def _check_kept(data: bytes, filetype: FileType, findings: Findings) -> None:
    """Raise UnsupportedType where a picture alone would not be all of the file, UnreadableMedia
    where a part of the picture is missing."""
    if filetype.kind != "image":
        raise UnsupportedType(f"a {filetype.name} file is no picture")
    if is_raw(filetype):
        raise UnsupportedType("a camera's RAW is not scaled: develop it first")
    if filetype.name in pixels.NO_DECODER or filetype.name == "psd":
        raise UnsupportedType(f"{filetype.name} pictures are not scaled")
    if findings.get("frames", 1) > 1:
        raise UnsupportedType(f"it has {findings.get('frames')} frames or pages")
    parts = sorted(findings.parts | ({"film"} if findings.get("motion_photo") else set()))
    if parts or filetype.name == "mpo":
        raise UnsupportedType(f"it holds more than a picture ({', '.join(parts) or 'pictures'})")
    if filetype.family == "jpeg" and (hole := find_hole(data)) is not None:
        raise UnreadableMedia(f"a part of its picture is missing (zeros at byte {hole:,})")


def _scaled(before: Picture, original: Original, scaling: Scaling) -> Scaled:
    height, width = before.pixels.shape[:2]
    size = new_size(width, height, scaling.factor)
    if size[0] * size[1] > pixels.MOST_PIXELS:
        raise UnsupportedType(f"it would have {size[0]:,} x {size[1]:,} pixels")
    how = f"scaled x{scaling.factor:g} ({scaling.method}) by {MAKER}"
    large = resize(before.pixels, before.mode, scaling.factor, scaling.method)
    picture = replace(before, pixels=large, xmp=_packet(before.xmp, scaling, how))
    name = target_type(original.type, picture)
    made = _with_software(encode(picture, name, original), name, how, upright=before.is_upright)
    _check_made(made, name, size, scaling)
    with open(scaling.target, "wb") as file:
        file.write(made)
    return Scaled(name, *size)


def _packet(packet: bytes, scaling: Scaling, how: str) -> bytes:
    try:
        return made_packet(packet, scaling.digest, scaling.name, how)
    except ValueError as error:
        raise UnsupportedType(f"its XMP is not understood, and would be lost ({error})") from error


def _with_software(made: bytes, name: str, how: str, *, upright: bool) -> bytes:
    try:
        return with_block(
            made, BY_NAME[name].family, lambda block: write_software(block, how, upright=upright)
        )
    except (MediaError, ValueError, IndexError) as error:
        raise UnsupportedType(f"its EXIF is not understood, and would be lost ({error})") from error


def _check_made(made: bytes, name: str, size: tuple[int, int], scaling: Scaling) -> None:
    """Raise UnsupportedType where the file does not state what it is to state."""
    findings = Findings()
    read_still(MemorySource(made), BY_NAME[name], findings)
    found = findings.get("width"), findings.get("height"), findings.get("rendition_of")
    if found != (*size, scaling.digest):
        raise UnsupportedType("what was made of it does not state what it should")
