"""One file in, its facts out: hash, type, metadata, size, look.

Each file is read once, where it fits into memory.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from catalog.domain.asset import Appearance, Facts, FactValues
from catalog.domain.document import without
from catalog.domain.filetypes import (
    HEAD_BYTES,
    FileType,
    extension_of,
    matches_extension,
    recognise,
)
from catalog.domain.fixity import BLOCK_SIZE, ContentHasher, Digests, digests_of
from catalog.errors import UnreadableMedia, UnsupportedType
from catalog.filesystem.beneath import Descriptor
from catalog.filesystem.tree import Tree
from catalog.media import pixels
from catalog.media.findings import Findings
from catalog.media.optional import OptionalReaders
from catalog.media.request import Part, Request
from catalog.media.source import (
    ByteSource,
    FileSource,
    Hole,
    MemorySource,
    PartSource,
    SourceStream,
    stream_of,
)

WHOLE_FILE_BYTES = 64 * 1024 * 1024
"""Files up to this size are read whole; larger ones are hashed as a stream and read in pieces."""

_RAW_FAMILIES = frozenset({"tiff", "cr3", "crw", "raf", "mrw", "x3f"})
_KEPT_OUT = frozenset(
    {
        "width",
        "height",
        "duration",
        "preview_offset",
        "preview_length",
        "stated_width",
        "stated_height",
    }
)
_OF_ONE_FRAME = frozenset({"jpeg", "bmp", "psd", "jp2"}) | _RAW_FAMILIES - {"tiff"}
_STATED_FAMILIES = frozenset({"jpeg", "heif", "png", "webp"})
_SAME_SIZE = 0.97
"""Share of the size that a camera states from which on a picture is as it made it."""


def read_hash(request: Request) -> Digests:
    """The content hash, and checksums, of one photo or video.

    Raises UnsupportedType or UnreadableMedia with a reason.
    """
    with open_regular(request.path, request.root) as (descriptor, size):
        type_of(os.pread(descriptor, HEAD_BYTES, 0), os.path.basename(request.path))  # noqa: PTH119
        digests = hash_stream(descriptor, size, request.checksums)
        _check_unchanged(descriptor, size)
        return digests


def read_facts(request: Request, optional: OptionalReaders | None = None) -> Facts:
    """The facts of one file.

    Raises UnsupportedType or UnreadableMedia with a reason; nothing else for bad content.

    Of a file that was fetched in part, also Wanting. `optional` are further readers to ask where no
    date of capture is found; not of a part, since they read by the path, and would take holes for
    zeros.
    """
    name = os.path.basename(request.path)  # noqa: PTH119 - a system path may hold bytes that are no text
    with open_regular(request.path, request.root) as (descriptor, size):
        if request.part is not None:
            part = PartSource(descriptor, size, request.part.have, last=request.part.last)
            if not part.is_whole:
                return _read_part(request, request.part, name, part)
        filetype = type_of(os.pread(descriptor, HEAD_BYTES, 0), name)
        source: ByteSource
        if size <= WHOLE_FILE_BYTES:
            data = _read_whole(descriptor, size)
            source, digests = MemorySource(data), digests_of(data, request.checksums)
        else:
            source = FileSource(descriptor, size)
            digests = hash_stream(descriptor, size, request.checksums)
        _check_unchanged(descriptor, size)
        if request.part is not None and digests.content != request.part.digest:
            raise UnreadableMedia("its bytes are not those that its store states")
        ask = None if optional is None else partial(optional.ask, _name_of(request, descriptor))
        return _describe(request, name, source, filetype, digests, ask)


def _name_of(request: Request, descriptor: int) -> str:
    """By what name a further program finds the very file that is open."""
    name = f"/proc/{os.getpid()}/fd/{descriptor}"
    return name if request.root and os.path.exists(name) else request.path  # noqa: PTH110


class Wanting(Exception):
    """More bytes of a file must be fetched before its facts can be told: `ranges`, as (offset,
    length).
    """

    def __init__(self, ranges: Sequence[tuple[int, int]]) -> None:
        super().__init__(f"{len(ranges)} ranges are wanted")
        self.ranges = tuple(ranges)


def _read_part(request: Request, part: Part, name: str, source: PartSource) -> Facts:
    """The facts of a file that was fetched in part.

    Raises Wanting where they lie in bytes that are not there.

    What was touched counts, not what was raised: a library may have swallowed that.
    """
    try:
        facts = _describe(
            request, name, source, type_of(source.read(0, HEAD_BYTES), name), Digests(part.digest)
        )
    except Hole:
        raise Wanting(source.touched) from None
    if source.touched and not part.last:
        raise Wanting(source.touched)
    return facts


@contextlib.contextmanager
def open_regular(path: str, root: str = "") -> Iterator[tuple[int, int]]:
    """An open descriptor of a regular file, and its size;
    never blocks on a pipe and never follows a link, nor one on the way from a root.
    """
    try:
        if root:
            descriptor = Tree(Path(root)).open(path.removeprefix(root).lstrip("/"))
        else:
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = Descriptor(os.open(path, flags))
    except OSError as error:
        raise UnreadableMedia(f"cannot be opened: {error.strerror}") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableMedia("not a regular file")
        if status.st_size == 0:
            raise UnreadableMedia("the file is empty (0 bytes)")
        yield descriptor, status.st_size
    except OSError as error:
        raise UnreadableMedia(f"cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor.release())


def hash_stream(descriptor: int, size: int, kinds: Sequence[str] = ()) -> Digests:
    """The content hash of an open file, and checksums of these kinds, read block by block."""
    hasher = ContentHasher(kinds)
    offset = 0
    while offset < size:
        block = os.pread(descriptor, BLOCK_SIZE, offset)
        if not block:
            raise UnreadableMedia("the file changed while it was read")
        hasher.update(block)
        offset += len(block)
    return hasher.digests()


def _read_whole(descriptor: int, size: int) -> bytes:
    with open(descriptor, "rb", buffering=0, closefd=False) as file:
        data = file.read(size)
        while len(data) < size:
            more = file.read(size - len(data))
            if not more:
                raise UnreadableMedia("the file changed while it was read")
            data += more
    return data


def _check_unchanged(descriptor: int, size: int) -> None:
    if os.fstat(descriptor).st_size != size:
        raise UnreadableMedia("the file changed while it was read")


def type_of(head: bytes, name: str) -> FileType:
    """The type of a file by its first bytes. Raises UnsupportedType."""
    filetype = recognise(head, name)
    if filetype is None:
        what = f"a .{extension_of(name)} file" if extension_of(name) else "a file without extension"
        raise UnsupportedType(f"its content is no photo or video known here ({what})")
    return filetype


def _describe(
    request: Request,
    name: str,
    source: ByteSource,
    filetype: FileType,
    digests: Digests,
    ask: Callable[[Findings, FileType], None] | None = None,
) -> Facts:
    findings = Findings()
    if not matches_extension(filetype, name):
        findings.notes.append(f"wrong extension: the content is {filetype.name}")
    filetype = _read_metadata(request, source, filetype, findings)
    if findings.sound_alone:
        raise UnsupportedType("it holds sound alone")
    if ask is not None:
        ask(findings, filetype)
    appearance, problem = _look(request, source, filetype, findings)
    width, height = _shown_size(findings)
    in_part = isinstance(source, PartSource)
    incomplete = isinstance(source, PartSource) and bool(source.touched)
    if in_part:
        if incomplete:
            width, height = _sure_size(findings, filetype, width, height)
            findings.notes.append(
                "only a part of the file was fetched: what it states further in is not known"
            )
    elif width is None and is_raw(filetype):
        width, height = _sensor_size(source)
    return Facts(
        hash=digests.content,
        checksums=digests.checksums,
        size=source.size,
        type=filetype.name,
        kind=filetype.kind,
        mime=filetype.mime,
        image_hash=_image_hash(source, filetype),
        width=width,
        height=height,
        duration=findings.get("duration"),
        phash=appearance.phash if appearance else None,
        phash_inner=appearance.phash_inner if appearance else None,
        look=appearance.look if appearance else None,
        frames_look=appearance.frames_look if appearance else None,
        quality=appearance.quality if appearance else None,
        position=findings.position,
        dates=tuple(findings.dates),
        tags=tuple(dict.fromkeys(findings.tags)),
        values=cast(
            "FactValues",
            {**without(findings.values, *_KEPT_OUT), **_extent(filetype, findings)},
        ),
        sources=findings.sources,
        notes=findings.bounded_notes(),
        problem=problem or (appearance.problem if appearance else ""),
        in_part=in_part,
        incomplete=incomplete,
        preview=appearance.preview if appearance else b"",
    )


def _extent(filetype: FileType, findings: Findings) -> dict[str, object]:
    """How many frames a still has, what else is in its file, and whether it is of another size than
    its camera made it."""
    if filetype.kind != "image":
        return {}
    found: dict[str, object] = {}
    if "frames" not in findings.values and (filetype.family in _OF_ONE_FRAME or is_raw(filetype)):
        found["frames"] = 1
    if findings.parts:
        found["parts"] = sorted(findings.parts)
    sizes = [
        sorted((findings.get(f"{before}width", 0), findings.get(f"{before}height", 0)))
        for before in ("", "stated_")
    ]
    is_stated = filetype.family in _STATED_FAMILIES and all(min(size) > 0 for size in sizes)
    if is_stated and any(
        min(mine, theirs) < _SAME_SIZE * max(mine, theirs)
        for mine, theirs in zip(*sizes, strict=True)
    ):
        found["resized"] = True
    return found


def _read_metadata(
    request: Request, source: ByteSource, filetype: FileType, findings: Findings
) -> FileType:
    if filetype.kind == "video":
        from catalog.media.clips.reader import read_clip

        read_clip(source, filetype, request.path, findings)
    else:
        from catalog.media.stills import read_still

        filetype = read_still(source, filetype, findings)
    if request.sidecars:
        _read_sidecars(request, findings)
    if request.left_out:
        findings.notes.append(f"its sidecars were not read: {request.left_out}")
    return filetype


def _read_sidecars(request: Request, findings: Findings) -> None:
    from catalog.media.sidecars import MAX_BYTES, read_sidecar

    for path in request.sidecars:
        name = os.path.basename(path)  # noqa: PTH119
        try:
            with open_regular(path, request.root) as (descriptor, size):
                if size > MAX_BYTES:
                    findings.notes.append(
                        f"sidecar {name}: only the first {MAX_BYTES >> 20} MiB were read"
                    )
                read_sidecar(os.pread(descriptor, min(size, MAX_BYTES), 0), name, findings)
        except UnreadableMedia as error:
            findings.notes.append(f"sidecar {name} {error}")


def _shown_size(findings: Findings) -> tuple[int | None, int | None]:
    width, height = findings.get("width"), findings.get("height")
    turned = not findings.displayed and findings.get("orientation", 1) >= 5
    return (height, width) if turned else (width, height)


def _sure_size(
    findings: Findings, filetype: FileType, width: int | None, height: int | None
) -> tuple[int | None, int | None]:
    """The size of a file of which not all was had:
    none for a still whose turn may be among what was not.
    """
    unsure = (
        filetype.kind != "video" and not findings.displayed and "orientation" not in findings.values
    )
    return (None, None) if unsure else (width, height)


def _look(
    request: Request, source: ByteSource, filetype: FileType, findings: Findings
) -> tuple[Appearance | None, str]:
    """What it looks like, or why that is not known."""
    if not request.look:
        return None, ""
    try:
        if isinstance(source, PartSource) and request.part is not None:
            return _look_at_thumbnail(request), ""
        if filetype.kind == "video":
            return _look_at_video(source, request), ""
        return _look_at_still(source, filetype, findings, request.with_preview), ""
    except UnreadableMedia as error:
        return None, str(error)
    except MemoryError:
        return None, "the picture needs more memory than is allowed"


def _look_at_thumbnail(request: Request) -> Appearance:
    """Of a file that is not whole, its pixels are never decoded."""
    from catalog.domain.filetypes import BY_NAME

    if request.part is None or not request.part.thumbnail:
        raise UnreadableMedia("its store has no preview of it")
    with open(request.part.thumbnail, "rb") as stream:
        return pixels.look(stream, BY_NAME["jpeg"], 1, request.with_preview)


def _look_at_video(source: ByteSource, request: Request) -> Appearance:
    from catalog.media.video.frames import key_frame

    frame = key_frame(SourceStream(source, request.path))
    if frame is None:
        raise UnreadableMedia("the video has no frame that can be decoded")
    return pixels.look_at(frame, side=request.with_preview)


def _look_at_still(
    source: ByteSource, filetype: FileType, findings: Findings, side: int
) -> Appearance:
    """What a still looks like, with a preview of so many pixels if it is not 0."""
    orientation = findings.get("orientation", 1)
    offset, length = findings.get("preview_offset"), findings.get("preview_length")
    if offset and length:
        from catalog.domain.filetypes import BY_NAME

        embedded = io.BytesIO(source.read(offset, length))
        if side and is_raw(filetype) and not pixels.is_enough(embedded):
            side = 0
        return pixels.look(embedded, BY_NAME["jpeg"], orientation, side)
    with picture_stream(source) as stream:
        if is_raw(filetype):
            from catalog.media.raw_decoder import develop

            picture, upright = develop(stream)
            return pixels.look_at(picture, 1 if upright else orientation, side)
        return pixels.look(stream, filetype, 1 if findings.displayed else orientation, side)


def picture_stream(source: ByteSource) -> BinaryIO:
    """The bytes of a file as a decoder wants them."""
    return source.stream() if isinstance(source, FileSource) else stream_of(source)


def is_raw(filetype: FileType) -> bool:
    """Whether it is a camera's RAW format."""
    return filetype.family in _RAW_FAMILIES and filetype.name != "tiff"


def _sensor_size(source: ByteSource) -> tuple[int | None, int | None]:
    from catalog.media.raw_decoder import shown_size

    with picture_stream(source) as stream:
        return shown_size(stream) or (None, None)


def _image_hash(source: ByteSource, filetype: FileType) -> str | None:
    if filetype.family != "jpeg" or not isinstance(source, MemorySource):
        return None
    from catalog.media.jpeg.image_data import image_data_hash

    return image_data_hash(source.data)
