"""The survey of an upload: what lies in the source, what of it is known, and what its bytes state.

Only reads.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from catalog.domain.actions import Skip
from catalog.domain.asset import Entry, Facts, KnownAsset
from catalog.domain.candidates import sorted_out
from catalog.domain.capture_time import file_time
from catalog.domain.checksums import agree, recorded, strongest
from catalog.domain.document import CopyRow
from catalog.domain.filetypes import MEDIA_EXTENSIONS, SIDECAR_EXTENSIONS, extension_of
from catalog.domain.fixity import Digests
from catalog.domain.layout import Layout, folder_of
from catalog.domain.names import comparison_key
from catalog.domain.stacks import Candidate, Member, group, shots
from catalog.errors import MediaError, NotFound, StoreError, UnsupportedType
from catalog.features.ingest.plan import IngestFacts, Occupancy, Remembered
from catalog.stores.protocol import Store
from catalog.work.contents import content_of, states_contents
from catalog.work.description import Describer
from catalog.work.reading import Reading, Wanted
from catalog.work.workers import Result

BATCH = 128
"""Files looked up, planned and applied together.

Small enough to keep memory flat, large enough for one request each.
"""
TIME_PRECISION = timedelta(seconds=2)
"""What FAT and some network shares keep of a file's time."""
_FOLDERS_KEPT = 64
_SIZES_KEPT = 50_000


class Lookup(Protocol):
    """What the survey asks the index."""

    def known(self, hashes: list[str]) -> dict[str, KnownAsset]:
        """Assets by content hash."""
        ...

    def known_sources(self, fingerprints: list[str]) -> dict[str, str]:
        """Content hashes of unchanged source files."""
        ...

    def known_sizes(self, sizes: list[int]) -> set[int]:
        """Those of the file sizes that some asset has."""
        ...


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
class _Batch:
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
        """The files of a shot that can be read; the others fail,
        and keep the rest in the source.
        """
        readable = tuple(c for c in shot if not c.entry.problem)
        for candidate in shot:
            if candidate.entry.problem:
                self.skipped.append(Skip(candidate.entry, candidate.entry.problem, "failed"))
                if (
                    readable
                    and extension_of(candidate.entry.name) in MEDIA_EXTENSIONS | SIDECAR_EXTENSIONS
                ):
                    self.shots[candidate.entry.path] = readable[0].entry.path
        return readable

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


class IngestSurvey:
    """Lists a source folder by folder, reads what is new,
    and gives the facts of one batch after the other.
    """

    def __init__(
        self,
        source: Store,
        target: Store,
        base: str,
        lookup: Lookup,
        reading: Reading,
        describer: Describer,
        layout: Layout,
        *,
        recursive: bool,
        now: Callable[[], datetime],
        folders: Sequence[str] = ("",),
        counts: Callable[[str], bool] = lambda _path: True,
    ) -> None:
        """`base` names the source; `folders` of it are listed.

        `counts`: whether a copy at a path makes another superfluous.
        """
        self._source = source
        self._target = target
        self._base = base
        self._lookup = lookup
        self._reading = reading
        self._describer = describer
        self._layout = layout
        self._recursive = recursive
        self._now = now
        self._folders = folders
        self._counts = counts
        self._sizes: OrderedDict[int, None] = OrderedDict()
        self._listings: OrderedDict[str, dict[str, Entry]] = OrderedDict()
        self._proved: dict[Entry, str] = {}
        self.occupancy = Occupancy()

    def count(self) -> int:
        """How many files there are to look at, from a listing alone."""
        return sum(1 for _entry in self._entries())

    def _entries(self) -> Iterator[Entry]:
        return itertools.chain.from_iterable(
            self._source.list(f, recursive=self._recursive) for f in self._folders
        )

    def batches(self, in_flight: Callable[[], Mapping[str, str]]) -> Iterator[IngestFacts]:
        """The facts of each batch, in listing order.

        `in_flight`: what is planned but not yet in the index (hash to path).
        """
        opened: deque[_Batch] = deque()
        again: deque[tuple[_Batch, Candidate]] = deque()
        for (batch, path), result in self._reading.run(self._wanted(opened, again)):
            if result is not None:
                batch.take(path, result)
            if batch.begun and not batch.waiting and not batch.decided:
                again.extend((batch, candidate) for candidate in self._decide(batch, in_flight))
            while opened and opened[0].decided and not opened[0].waiting:
                yield self._facts(opened.popleft(), in_flight)

    # --- listing ----------------------------------------------------------------------------------

    def _wanted(
        self, opened: deque[_Batch], again: deque[tuple[_Batch, Candidate]]
    ) -> Iterator[tuple[tuple[_Batch, str], Wanted | None] | None]:
        """What to read: the listing's files,
        and between them those that were hashed and turned out to be new.
        """

        def repeated() -> Iterator[tuple[tuple[_Batch, str], Wanted | None]]:
            while again:
                batch, candidate = again.popleft()
                yield (batch, candidate.entry.path), Wanted(candidate.entry, candidate.sidecars)

        for batch in self._listed():
            opened.append(batch)
            fresh = self._not_remembered(batch)
            likely = self._likely_known(fresh)
            batch.waiting = len(fresh)
            batch.begun = True
            for candidate in fresh:
                yield from repeated()
                only_hash = candidate.entry.path in likely
                yield (
                    (batch, candidate.entry.path),
                    Wanted(candidate.entry, candidate.sidecars, only_hash=only_hash),
                )
            if not fresh:
                yield (batch, ""), None
        while opened:
            yield from repeated()
            if opened:
                yield None

    def _likely_known(self, fresh: list[Candidate]) -> set[str]:
        """The paths of files that have the size of an asset, or of a file seen lately in this run.

        Those whose content hash is stated count as well: it costs nothing, and shows whether there
        is more to be read.
        """
        known = self._lookup.known_sizes(sorted({c.entry.size for c in fresh}))
        likely = set()
        for candidate in fresh:
            size = candidate.entry.size
            if size in known or size in self._sizes or candidate.entry.content_hash:
                likely.add(candidate.entry.path)
            self._sizes[size] = None
        while len(self._sizes) > _SIZES_KEPT:
            self._sizes.popitem(last=False)
        return likely

    def _decide(self, batch: _Batch, in_flight: Callable[[], Mapping[str, str]]) -> list[Candidate]:
        """Which of the files that were only hashed are known; the others, and all of their stacks,
        are to be read.
        """
        batch.decided = True
        if not batch.digests:
            return []
        known = set(self._counting(in_flight())) | {
            f.hash for f in batch.read.values() if isinstance(f, Facts)
        }
        assets = self._lookup.known(sorted(set(batch.digests.values())))
        known |= {digest for digest, asset in assets.items() if self._answering(asset)}
        unread: list[Candidate] = []
        for index, folder in enumerate(batch.folders):
            batch.folders[index] = kept = []
            for shot in folder:
                if all(batch.digests.get(c.entry.path) in known for c in shot):
                    batch.remembered += [
                        Remembered(c.entry, batch.digests[c.entry.path], False, c.sidecars)
                        for c in shot
                    ]
                else:
                    kept.append(shot)
                    unread += [c for c in shot if c.entry.path in batch.digests]
        batch.waiting += len(unread)
        return unread

    def _listed(self) -> Iterator[_Batch]:
        """The source in batches; files that may be one shot are never divided between two."""
        batch = _Batch()
        for _folder, rows in itertools.groupby(self._entries(), key=lambda e: e.folder):
            candidates, skipped = sorted_out(rows)
            batch.skipped += skipped
            for part in _parts(shots(candidates)):
                batch.folders.append(
                    [readable for shot in part if (readable := batch.without_problems(shot))]
                )
                if batch.size >= BATCH:
                    yield batch
                    batch = _Batch()
        if batch.size:
            yield batch

    def _not_remembered(self, batch: _Batch) -> list[Candidate]:
        """Those that must be read. One changed file of a shot makes all of the shot be read."""
        for shot in (shot for folder in batch.folders for shot in folder):
            batch.fingerprints |= {c.entry.path: fingerprint(self._base, c) for c in shot}
            batch.shots |= {c.entry.path: shot[0].entry.path for c in shot}
        known = self._lookup.known_sources(list(batch.fingerprints.values()))
        assets = self._lookup.known(sorted(set(known.values())))
        alive = {digest for digest, asset in assets.items() if self._answering(asset)}
        seen = {path: known.get(found, "") for path, found in batch.fingerprints.items()}
        batch.unchanged = {path for path, digest in seen.items() if digest in alive}
        for index, folder in enumerate(batch.folders):
            batch.folders[index] = kept = []
            for shot in folder:
                if all(seen[c.entry.path] in alive for c in shot):
                    batch.remembered += [
                        Remembered(c.entry, seen[c.entry.path], True, c.sidecars) for c in shot
                    ]
                else:
                    kept.append(shot)
        return [c for folder in batch.folders for shot in folder for c in shot]

    # --- facts ------------------------------------------------------------------------------------

    def _facts(self, batch: _Batch, in_flight: Callable[[], Mapping[str, str]]) -> IngestFacts:
        stacks: list[tuple[Member, ...]] = []
        skipped = list(batch.skipped)
        now = self._now()
        for folder in batch.folders:
            members = []
            for candidate in (c for shot in folder for c in shot):
                result = batch.read[candidate.entry.path]
                if isinstance(result, Facts):
                    asset = self._describer.describe(result, candidate.entry, now)
                    members.append(Member(candidate.entry, asset, candidate.sidecars))
                else:
                    skipped.append(_skip_of(candidate.entry, result))
                    if isinstance(result, UnsupportedType):
                        del batch.shots[candidate.entry.path]
            stacks += group(members)
        planned = self._counting(
            in_flight()
        )  # before the index is asked: what is recorded in between is found there
        fresh = {m.asset.hash for s in stacks for m in s}
        known = self._lookup.known(sorted(fresh | {r.hash for r in batch.remembered}))
        existing = {h: path for h, asset in known.items() if (path := self._answering(asset))}
        self._look_at_targets(
            [s for s in stacks if any(m.asset.hash not in existing for m in s)], planned
        )
        gone = "its copy in the catalog vanished during this run; run the command again"
        here = fresh | set(existing) | set(planned)
        skipped += [Skip(r.entry, gone, "failed") for r in batch.remembered if r.hash not in here]
        remembered = [r for r in batch.remembered if r.hash in here]
        return IngestFacts(
            stacks,
            remembered,
            skipped,
            known,
            existing,
            planned,
            batch.shots,
            batch.fingerprints,
            frozenset(batch.unchanged),
        )

    def _counting(self, planned: Mapping[str, str]) -> dict[str, str]:
        """Of what is planned, by hash, what makes another copy superfluous here."""
        return {digest: path for digest, path in planned.items() if self._counts(path)}

    def _answering(self, asset: KnownAsset) -> str | None:
        """Where the target store really holds a known asset, by its listing;
        None where it does not.
        """
        for copy in asset.copies:
            if (
                copy["store"] == self._target.name
                and copy.get("state") == "ok"
                and self._counts(copy["path"])
            ):
                entry = self._target_entry(copy["path"])
                if (
                    entry
                    and not entry.problem
                    and entry.size == copy["size"]
                    and self._is_as_recorded(entry, copy, asset)
                ):
                    return str(copy["path"])
        return None

    def _target_entry(self, path: str) -> Entry | None:
        """What lies at a path of the target now.

        Where asking costs a request, what this run's listing says is believed.
        """
        if states_contents(self._target):
            folder, _, name = path.rpartition("/")
            listed = self._listing(folder).get(comparison_key(name))
            if listed is not None:
                return listed
        return self._target.stat(path)

    def _is_as_recorded(self, entry: Entry, copy: CopyRow, asset: KnownAsset) -> bool:
        """Whether a copy has its recorded time, or is proved by reading it:
        an edit in place may keep the size.

        Where what its store states tells, that alone decides.
        """
        same = agree(entry.checksums, recorded(asset.hash, asset.checksums))
        if same is not None:
            return same
        then = datetime.fromisoformat(copy["mtime"]).replace(tzinfo=None)
        if abs(file_time(entry.mtime_ns) - then) <= TIME_PRECISION:
            return True
        if len(self._proved) > _SIZES_KEPT:
            self._proved.clear()
        if entry not in self._proved:
            with contextlib.suppress(StoreError):
                self._proved[entry] = self._target.checksum(entry.path)
        return self._proved.get(entry) == asset.hash

    def _look_at_targets(
        self, stacks: Iterable[tuple[Member, ...]], planned: Mapping[str, str]
    ) -> None:
        """Learn the names in the folders that files will go to,
        and which files there may be the same content.
        """
        self._forget_listings(planned)
        for stack in stacks:  # whose members lie together, whatever the date of each
            alike = {(m.entry.size, extension_of(m.entry.name)) for m in stack}
            bases = {folder_of(self._layout, m.asset) for m in stack}
            for folder in bases | {
                f"{base}/{self._layout.video_folder}".rstrip("/") for base in bases
            }:
                for entry in self._listing(folder).values():
                    if (
                        entry.size,
                        extension_of(entry.name),
                    ) in alike and entry.path not in self.occupancy.contents:
                        self._learn_content(entry)

    def _learn_content(self, entry: Entry) -> None:
        try:
            self.occupancy.contents[entry.path] = content_of(self._target, entry)
        except StoreError:  # unreadable: then it is only a name that is taken
            self.occupancy.contents[entry.path] = ""

    def _listing(self, folder: str) -> dict[str, Entry]:
        if folder in self._listings:
            self._listings.move_to_end(folder)
            return self._listings[folder]
        try:
            rows = {comparison_key(e.name): e for e in self._target.list(folder, recursive=False)}
        except (NotFound, StoreError):
            rows = {}
        self._listings[folder] = rows
        self.occupancy.names.setdefault(folder, set()).update(rows)
        return rows

    def _forget_listings(self, planned: Mapping[str, str]) -> None:
        """Keep memory flat.

        Only between batches: a batch is planned with the listings of all of its folders.

        Folders for which something is planned that does not lie there yet are kept.
        """
        if len(self._listings) <= _FOLDERS_KEPT:
            return
        busy = {path.rpartition("/")[0] for path in planned.values()}
        idle = [folder for folder in self._listings if folder not in busy]
        for folder in idle[: len(self._listings) - _FOLDERS_KEPT]:
            self.occupancy.names.pop(folder, None)
            for entry in self._listings.pop(folder).values():
                self.occupancy.contents.pop(entry.path, None)


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


def _skip_of(entry: Entry, error: MediaError) -> Skip:
    return Skip(
        entry, str(error), "unsupported" if isinstance(error, UnsupportedType) else "failed"
    )
