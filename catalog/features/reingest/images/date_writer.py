"""Photos with the date of their row: written into the picture,
or compared with what that states.
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog.domain.asset import Entry
from catalog.domain.filetypes import BY_NAME, HEAD_BYTES, recognise
from catalog.domain.fixity import content_hash
from catalog.errors import FixityMismatch, MediaError
from catalog.features.reingest.locations import Located
from catalog.features.reingest.row_state import Dated
from catalog.media.findings import Findings
from catalog.media.source import MemorySource
from catalog.media.stated_dates import agrees, stated_dates
from catalog.media.stills import read_still
from catalog.media.write.exif import WRITABLE, with_date

LARGEST_DATED = 1 << 30
"""Bytes of the largest picture into which a date is written: it is held in memory for that."""


@dataclass(slots=True)
class DateWriter:
    """Pictures with the dates of their rows.

    The last one stays in memory, so that a plan and what follows it read it once. `write_dates`: a
    date that a picture does not state is written into it.
    """

    write_dates: bool
    _wish: object = None
    _data: bytes = b""

    def dated(self, located: Located, entry: Entry, digest: str, when: Dated) -> bytes:
        """The bytes of a picture, whose content hash is `digest`, with the date of its row; the
        very same where it needs none.

        Raises MediaError where the date cannot be written, or the picture states another that a
        cloud would believe; FixityMismatch where its content changed; StoreError.
        """
        wish = located.store.location, located.path, entry, digest, when
        if wish != self._wish:
            data = _read(located, entry, digest)
            self._wish, self._data = (
                wish,
                _with_date(data, entry, when) if self.write_dates else _agreeing(data, entry, when),
            )
        return self._data

    def lacks_date(self, located: Located, entry: Entry, digest: str, when: Dated) -> bool:
        """Whether a picture does not state the date that is to be written.

        Raises as `dated` does.
        """
        return content_hash(self.dated(located, entry, digest, when)) != digest


def _read(located: Located, entry: Entry, digest: str) -> bytes:
    if entry.size > LARGEST_DATED:
        raise MediaError(
            f"the date within a file is only looked at up to {LARGEST_DATED >> 20} MiB"
        )
    with located.store.open(located.path) as stream:
        data = stream.read()
    if content_hash(data) != digest:
        raise FixityMismatch("its content is another", path=located.path)
    return data


def _type(data: bytes, entry: Entry) -> str:
    found = recognise(data[:HEAD_BYTES], entry.name)
    return found.name if found else ""


def _with_date(data: bytes, entry: Entry, when: Dated) -> bytes:
    """The bytes of a picture with the date of its row;
    the very same where it states that already.
    """
    assert when.wall is not None
    name = _type(data, entry)
    if name in WRITABLE:
        findings = Findings()
        read_still(MemorySource(data), BY_NAME[name], findings)
        found = next((d.wall for d in findings.dates if d.source == "exif:DateTimeOriginal"), None)
        if found is not None and found.replace(microsecond=0) == when.wall.replace(microsecond=0):
            return data
    return with_date(data, name or "unknown", when.wall, when.offset)


def _agreeing(data: bytes, entry: Entry, when: Dated) -> bytes:
    """The bytes of a picture.

    Raises MediaError where it states another date than its row: that is the one a cloud believes.
    """
    assert when.wall is not None
    found = next(iter(stated_dates(MemorySource(data), _type(data, entry))), None)
    if found is not None and not agrees(found, when.wall, when.offset):
        told = f"{found.wall:%Y-%m-%d %H:%M:%S} ({found.source})"
        raise MediaError(
            f"its picture states {told}, its row {when.wall:%Y-%m-%d %H:%M:%S}: add --write-dates"
        )
    return data
