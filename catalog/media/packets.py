"""The metadata blocks of one picture, gathered while its container is walked,
then read in the order of trust.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from catalog.media.findings import Findings
from catalog.media.iptc import read_iptc, read_photoshop
from catalog.media.parts import FILM, parts_of_xmp
from catalog.media.tiff.exif import read_exif
from catalog.media.xmp import read_xmp

MAX_BLOCKS = 32
"""How many blocks of one kind are kept; a sound file has one or two."""

MAX_PACKETS = 8
"""How many XMP packets are kept: each may be megabytes of XML."""


@dataclass(slots=True)
class Packets:
    """EXIF (TIFF blocks), XMP packets, bare IPTC records and Photoshop resource blocks,
    each in file order.
    """

    exif: list[bytes] = field(default_factory=list)
    xmp: list[bytes] = field(default_factory=list)
    iptc: list[bytes] = field(default_factory=list)
    photoshop: list[bytes] = field(default_factory=list)

    def add_exif(self, data: bytes) -> None:
        """Keep a block that holds a TIFF structure, with or without the `Exif` mark before it."""
        start = tiff_start(data)
        if start >= 0 and len(self.exif) < MAX_BLOCKS:
            self.exif.append(data[start:] if start else data)

    def add_xmp(self, data: bytes) -> None:
        """Keep a packet, of the first few."""
        if len(self.xmp) < MAX_PACKETS:
            self.xmp.append(data)

    def apply(self, findings: Findings) -> None:
        """Read all blocks into `findings`: EXIF, then XMP, then IPTC.

        A block that cannot be read leaves a note.
        """
        for blocks, read in (
            (self.exif, read_exif),
            (self.xmp, read_xmp),
            (self.iptc, read_iptc),
            (self.photoshop, read_photoshop),
        ):
            for block in blocks[:MAX_BLOCKS]:
                try_read(read, block, findings)
        for packet in self.xmp:
            findings.parts |= parts_of_xmp(packet)
        if findings.get("motion_photo"):
            findings.parts.add(FILM)


def tiff_start(data: bytes) -> int:
    """Where a TIFF structure starts in the first bytes of a block,
    past `Exif` marks of any spelling; -1 if nowhere.
    """
    head = data[:20]
    found = [at for at in (head.find(b"II*\0"), head.find(b"MM\0*")) if at >= 0]
    return min(found, default=-1)


def try_read(read: Callable[[bytes, Findings], None], block: bytes, findings: Findings) -> None:
    """Read a block; any error becomes a note, for one bad block must not cost the others."""
    try:
        read(block, findings)
    except Exception as error:
        findings.notes.append(f"{read.__name__}: {type(error).__name__}: {error}")
