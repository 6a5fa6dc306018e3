"""The files of a source in batches, on their way from the listing to the plan."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from catalog.domain.actions import Skip
from catalog.domain.asset import LINK, Entry, Facts
from catalog.domain.candidates import sort_candidates
from catalog.domain.checksums import strongest
from catalog.domain.filetypes import MEDIA_EXTENSIONS, SIDECAR_EXTENSIONS, extension_of
from catalog.domain.fixity import Digests
from catalog.domain.stacks import Candidate, group_shots
from catalog.errors import MediaError
from catalog.features.ingest.plan import Remembered
from catalog.work.workers import Result

BATCH = 128
"""Files looked up, planned and applied together.

Small enough to keep memory flat, large enough for one request each.
"""


def fingerprint(base: str, candidate: Candidate) -> str:
    """What a file that was read before is recognised by: path, device, inode, size,
    and times of change to the ns.

    Where its store states it, the content and the version count as well. So do the sidecars: one
    that is new or was edited makes the file be looked at again.
    """
    parts: list[object] = [base]
    for entry in (candidate.entry, *candidate.sidecars):
        parts += (entry.path, entry.device, entry.inode, entry.size, entry.mtime_ns, entry.ctime_ns)
        kind = strongest(entry.checksums)
        parts += (entry.checksums[kind], entry.revision) if kind else ()
    return hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()[
        :40
    ]


@dataclass(slots=True)
class Batch:
    """One batch on its way: what is still being read, and what came back.

    `folders` holds the shots of each folder.

    Files whose size is known are only hashed at first (`digests`); those that turn out to be new
    are read then.
    """

    skipped: list[Skip] = field(default_factory=list)
    folders: list[list[tuple[Candidate, ...]]] = field(default_factory=list)
    fingerprints: dict[str, str] = field(default_factory=dict)
    shots: dict[str, str] = field(default_factory=dict)
    unchanged: set[str] = field(default_factory=set)
    remembered: list[Remembered] = field(default_factory=list)
    read: dict[str, Facts | MediaError] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    waiting: int = 0
    begun: bool = False
    decided: bool = False

    def without_problems(self, shot: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        """The files of a shot that can be read; the others fail, but for links, which are ignored.
        Both keep the rest in the source.
        """
        readable = tuple(c for c in shot if not c.entry.problem)
        for candidate in shot:
            if candidate.entry.problem:
                self.skipped.append(_skip(candidate.entry))
                if (
                    readable
                    and extension_of(candidate.entry.name) in MEDIA_EXTENSIONS | SIDECAR_EXTENSIONS
                ):
                    self.shots[candidate.entry.path] = readable[0].entry.path
        return readable

    def remember(
        self, digests: Mapping[str, str], known: Container[str], *, unread: bool
    ) -> list[Candidate]:
        """Take the shots for remembered all of whose contents are known;
        the files of the others.

        `digests` are the contents by path; `unread` says that they were not even hashed now.
        """
        for index, folder in enumerate(self.folders):
            self.folders[index] = kept = []
            for shot in folder:
                if all(digests.get(c.entry.path) in known for c in shot):
                    self.remembered += [
                        Remembered(c.entry, digests[c.entry.path], unread, c.sidecars) for c in shot
                    ]
                else:
                    kept.append(shot)
        return [c for folder in self.folders for shot in folder for c in shot]

    @property
    def size(self) -> int:
        """Files in it."""
        return len(self.skipped) + sum(len(shot) for folder in self.folders for shot in folder)

    def take(self, path: str, result: Result) -> None:
        """Keep what came back for one file."""
        self.waiting -= 1
        if isinstance(result, Digests):
            self.digests[path] = result.content
        else:
            self.read[path] = result


def _skip(entry: Entry) -> Skip:
    """What becomes of an entry that cannot be read as a file."""
    return Skip(entry, entry.problem, "ignored" if entry.problem.startswith(LINK) else "failed")


def batches_of(entries: Iterable[Entry]) -> Iterator[Batch]:
    """A listing in batches; files that may be one shot are never divided between two."""
    batch = Batch()
    for _folder, rows in itertools.groupby(entries, key=lambda e: e.folder):
        candidates, skipped = sort_candidates(rows)
        batch.skipped += skipped
        for part in _parts(group_shots(candidates)):
            batch.folders.append(
                [readable for shot in part if (readable := batch.without_problems(shot))]
            )
            if batch.size >= BATCH:
                yield batch
                batch = Batch()
    if batch.size:
        yield batch


def _parts(found: list[tuple[Candidate, ...]]) -> Iterator[list[tuple[Candidate, ...]]]:
    """One folder's shots in parts of about BATCH files."""
    part: list[tuple[Candidate, ...]] = []
    for shot in found:
        part.append(shot)
        if sum(map(len, part)) >= BATCH:
            yield part
            part = []
    if part:
        yield part
