"""Whether somebody wrote to a file since its content was last proved: what its numbers tell.

Whoever writes to a file can put its size and time back, but not its ctime, and not the inode of a
file that took its place. So rot is what has all four as recorded; where ctime or inode are not kept
by the file system they are no evidence, and then nobody can tell rot from an edit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from catalog.domain.asset import Entry
from catalog.domain.checksums import strongest
from catalog.domain.copies import RecordedFile, is_renumbered

CTIME, INODE = "ctime", "inode"
"""Names of what a store's file system keeps, in the record of the store."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Which numbers of a store's files tell anything, as its file system shows them here.

    `ctime`: each write gives a file another one, and nothing else does but a change of its mode,
    owner, links or name. `inode`: a file keeps its number.
    """

    ctime: bool = True
    inode: bool = True

    @property
    def names(self) -> list[str]:
        """As the record of a store holds it."""
        return [CTIME] * self.ctime + [INODE] * self.inode

    @classmethod
    def named(cls, names: Iterable[str]) -> Evidence:
        """From the record of a store."""
        found = set(names)
        return cls(CTIME in found, INODE in found)


KEPT = Evidence()
"""Of file systems that keep both."""
NO_CTIME = Evidence(ctime=False)
"""Of stores far away, which number their files themselves."""


def has_other_ctime(entry: Entry, known: RecordedFile, evidence: Evidence) -> bool:
    """Whether a file changed in some way since its content was last proved, by its ctime.

    An older one counts too: clocks are set back.
    """
    return (
        entry.ctime_ns != known.ctime_ns
        and evidence.ctime
        and bool(known.ctime_ns and entry.ctime_ns)
        and strongest(entry.checksums) is None
    )


def is_untouched(entry: Entry, known: RecordedFile, evidence: Evidence) -> bool | None:
    """Whether nobody wrote to a file of the recorded size and time; None where nothing tells."""
    if entry.revision and known.revision:
        return entry.revision == known.revision
    if evidence.inode and is_renumbered(entry, known):
        return False
    if not (evidence.ctime and known.ctime_ns and entry.ctime_ns):
        return None
    return entry.ctime_ns == known.ctime_ns


def as_proved(entry: Entry, known: RecordedFile) -> Entry:
    """A file that was found without reading it: its ctime stays that with which its content was
    proved, so that the next look at it reads it.
    """
    return entry if entry.ctime_ns == known.ctime_ns else replace(entry, ctime_ns=known.ctime_ns)
