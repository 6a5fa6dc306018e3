"""What a reader is asked. Apart from the readers, so that asking costs none of their imports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """A file to read: system path, system paths of its sidecars, and whether to look at the picture.

    `only_hash`: the content hash is all that is wanted, because the content may be known already. `size` in bytes, as
    listed, says how long reading may take.
    """

    path: str
    sidecars: tuple[str, ...] = ()
    look: bool = True
    only_hash: bool = False
    size: int = 0
