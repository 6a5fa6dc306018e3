"""What a reader is asked. Apart from the readers, so that asking costs none of their imports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A file of which only some bytes were fetched;
    they lie at their offsets in a sparse file of the true size.

    `have` are the ranges that are there, as (offset, length) in bytes. `digest` is the content hash
    that its store states. `thumbnail` is the system path of a JPEG of it, upright, "" where its
    store has none. `last`: no more bytes will come, so that what lies further in stays unknown.
    """

    have: tuple[tuple[int, int], ...]
    digest: str
    thumbnail: str = ""
    last: bool = False


METHODS = ("linear", "cubic", "lanczos", "lanczos-sharp", "waifu2x")
"""How a picture is scaled; the last by a model, where the package for it is installed."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """A picture of another size that is made of a file.

    `target` is the system path of the new file, in the folder that the process may write in.
    `method` is one of METHODS, `factor` what width and height are multiplied by.
    `digest` and `name` are the content hash and the name of what it is made of, as the new file
    states them.
    """

    target: str
    method: str
    factor: float
    digest: str
    name: str


@dataclass(frozen=True, slots=True)
class Scaled:
    """The file that was made: its type, and the pixels of the picture as stored.

    `broken` says why there is none, where the picture itself is broken.
    """

    type: str
    width: int
    height: int
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A file to read: system path, system paths of its sidecars,
    and whether to look at the picture.

    `root` is the folder that they lie beneath, where there is one: from there on no link is
    followed.

    `only_hash`: the content hash is all that is wanted, because the content may be known already.
    `size` in bytes, as listed, says how long reading may take. `part` where not all of it is there.
    `preview`: a WebP for people to look at is all that is wanted, with so many pixels on its long
    side; `with_preview`: one beside the facts, of the same decode. `streams`: the streams of a
    video are wanted, and nothing else (see `media.video.probe`).
    `left_out`: why the sidecars that there are were left out, "" where they were not.
    `scaling`: a picture of another size is to be made, and nothing else is wanted.
    `checksums`: kinds to compute beside the content hash, where all bytes are read.
    """

    path: str
    sidecars: tuple[str, ...] = ()
    look: bool = True
    only_hash: bool = False
    size: int = 0
    part: Part | None = None
    preview: int = 0
    with_preview: int = 0
    streams: str = ""
    checksums: tuple[str, ...] = ()
    left_out: str = ""
    root: str = ""
    scaling: Scaling | None = None
