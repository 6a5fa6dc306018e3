"""The plan of an upload: which files are new, where they go,
and which are in the catalog already.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from catalog.domain.actions import Skip
from catalog.domain.asset import Asset, Entry, KnownAsset
from catalog.domain.dated_names import from_file_name
from catalog.domain.filetypes import extension_of
from catalog.domain.layout import Layout, file_name, folder_of, sidecar_names, stem_of
from catalog.domain.names import comparison_key
from catalog.domain.stacks import SAME_SHOT, Member, connect, stacking_order
from catalog.features.ingest.actions import Action, CopyToStore, Shot, SkipDuplicate


@dataclass(slots=True)
class Occupancy:
    """The names taken in the target store: what it holds, and what this run has planned so far.

    `names` maps a folder to its names (by comparison key); `contents` maps a path to the content
    hash of the file there, for those that could be the very content to be put there. `folders` maps
    a folder to the one that is there under an equal name, where that is spelt otherwise;
    `unlisted` maps a folder whose names cannot be had to the reason.
    """

    names: dict[str, set[str]] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    unlisted: dict[str, str] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)

    def folder(self, folder: str) -> str:
        """A folder as it is spelt in the store."""
        return self.folders.get(folder, folder)

    def is_free(self, path: str) -> bool:
        """Whether nothing lies, or is planned, at a path;
        case and Unicode form do not make a name another one.
        """
        folder, _, name = path.rpartition("/")
        return comparison_key(name) not in self.names.get(folder, ())

    def take(self, path: str) -> None:
        """Plan something for a path."""
        folder, _, name = path.rpartition("/")
        self.names.setdefault(folder, set()).add(comparison_key(name))


@dataclass(frozen=True, slots=True)
class Remembered:
    """A source file whose content is known, so nothing but its hash was looked at.

    `unread`: it was read before and has not changed since; not even its hash was computed now.
    """

    entry: Entry
    hash: str
    unread: bool = True
    sidecars: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class IngestFacts:
    """All that the plan of one batch depends on.

    `existing` holds those known copies that answered when looked for. `shots` names the shot of
    every photo and video by path, unreadable ones included; `fingerprints` what each is recognised
    by; `unchanged` are the files that were read only because another one of their shot had to be.
    """

    stacks: Sequence[tuple[Member, ...]]
    remembered: Sequence[Remembered]
    skipped: Sequence[Skip]
    known: Mapping[str, KnownAsset]
    existing: Mapping[str, str]
    planned: Mapping[str, str] = field(default_factory=dict)
    shots: Mapping[str, str] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    unchanged: frozenset[str] = frozenset()


def plan_ingest(
    facts: IngestFacts, occupancy: Occupancy, layout: Layout, store: str, *, move: bool
) -> list[Action]:
    """The actions of one batch, sorted by source path.

    `occupancy` learns the names that are planned.
    """
    actions: list[Action] = list(facts.skipped)
    planned = dict(facts.planned)
    shots = _whole_shots(facts) if move else {}
    carried: set[str] = set()
    refused: dict[str, str] = {}
    for stack in facts.stacks:
        known = facts.existing.keys() | planned.keys()
        refused |= _refusals(stack, known, occupancy, layout)
        actions += [
            Skip(m.entry, refused[m.asset.hash], "failed") for m in stack if m.asset.hash in refused
        ]
        taken = tuple(m for m in stack if m.asset.hash not in refused)
        actions += _plan_stack(
            _sharing_out(taken, carried), facts, planned, occupancy, layout, store, shots
        )
    for item in sorted(
        facts.remembered, key=lambda r: (stacking_order(r.entry.name), r.entry.path)
    ):
        if item.hash in refused:
            actions.append(Skip(item.entry, refused[item.hash], "failed"))
            continue
        actions.append(
            SkipDuplicate(
                item.entry,
                item.hash,
                store,
                facts.existing.get(item.hash) or planned[item.hash],
                _uncarried(item.sidecars, carried),
                remembered=item.unread,
                fingerprint=facts.fingerprints.get(item.entry.path, ""),
                shot=shots.get(item.entry.path),
            )
        )
    return sorted(actions, key=lambda a: a.key)


def _refusals(
    stack: tuple[Member, ...], known: Set[str], occupancy: Occupancy, layout: Layout
) -> dict[str, str]:
    """The contents of a stack that cannot be stored, with the reason: what lies where they would go
    is not known.
    """
    fresh = [m for m in stack if m.asset.hash not in known]
    folders = {occupancy.folder(target_folder(m, stack, layout)) for m in fresh}
    for folder in sorted(folders & occupancy.unlisted.keys()):
        reason = f"{folder} in the catalog: {occupancy.unlisted[folder]}"
        return dict.fromkeys((m.asset.hash for m in fresh), reason)
    return {}


def _whole_shots(facts: IngestFacts) -> dict[str, Shot]:
    """The shot of each file by path: stacks, files that share a sidecar,
    and the shots that the survey saw, joined.
    """
    groups = [
        [path for m in stack for path in (m.entry.path, *(s.path for s in m.sidecars))]
        for stack in facts.stacks
    ]
    groups += [[r.entry.path, *(s.path for s in r.sidecars)] for r in facts.remembered]
    seen: dict[str, list[str]] = {}
    for path, shot in facts.shots.items():
        seen.setdefault(shot, []).append(path)
    component = connect([*groups, *seen.values()])
    files = (
        {m.entry.path for stack in facts.stacks for m in stack}
        | {r.entry.path for r in facts.remembered}
        | set(facts.shots)
    )
    sizes = Counter(component[path] for path in files)
    return {path: Shot(component[path], sizes[component[path]]) for path in files}


def _sharing_out(stack: tuple[Member, ...], carried: set[str]) -> tuple[Member, ...]:
    """The stack with each sidecar left to the first file that has it: a sidecar is copied,
    and removed, with one file only.
    """
    return tuple(replace(member, sidecars=_uncarried(member.sidecars, carried)) for member in stack)


def _uncarried(sidecars: Iterable[Entry], carried: set[str]) -> tuple[Entry, ...]:
    """The sidecars that no file before has; `carried` learns them."""
    fresh = tuple(s for s in sidecars if s.path not in carried)
    carried.update(s.path for s in fresh)
    return fresh


def _plan_stack(
    stack: tuple[Member, ...],
    facts: IngestFacts,
    planned: dict[str, str],
    occupancy: Occupancy,
    layout: Layout,
    store: str,
    shots: Mapping[str, Shot],
) -> Iterable[Action]:
    fresh: dict[str, Member] = {}
    repeated: list[Member] = []
    for member in stack:
        digest = member.asset.hash
        is_known = digest in facts.existing or digest in planned or digest in fresh
        if is_known:
            repeated.append(member)
        else:
            fresh[digest] = member
    if not stack:
        return
    stem = _stack_stem(stack, facts, planned, occupancy, layout)
    lies = {
        m.asset.hash: facts.existing.get(m.asset.hash) or planned.get(m.asset.hash, "")
        for m in repeated
    }
    naming = _Naming(stack, stem, occupancy, layout)
    targets = naming.free_targets(list(fresh.values()), naming.number_given(lies)) if fresh else []
    stack_id = stack[0].asset.hash if len(stack) > 1 else ""
    mates = (
        tuple((m.asset.hash, m.role) for m in repeated if m.asset.hash in facts.existing)
        if stack_id
        else ()
    )
    for member, target, sidecars in targets:
        planned[member.asset.hash] = target
        yield CopyToStore(
            member.entry,
            member.asset,
            store,
            target,
            sidecars,
            stack=(stack_id, member.role) if stack_id else None,
            mates=mates,
            is_new=member.asset.hash not in facts.known,
            present=occupancy.contents.get(target) == member.asset.hash,
            fingerprint=facts.fingerprints.get(member.entry.path, ""),
            shot=shots.get(member.entry.path),
        )
    for member in repeated:
        yield SkipDuplicate(
            member.entry,
            member.asset.hash,
            store,
            facts.existing.get(member.asset.hash) or planned[member.asset.hash],
            member.sidecars,
            remembered=member.entry.path in facts.unchanged,
            fingerprint=facts.fingerprints.get(member.entry.path, ""),
            shot=shots.get(member.entry.path),
        )


def _stack_stem(
    stack: tuple[Member, ...],
    facts: IngestFacts,
    planned: Mapping[str, str],
    occupancy: Occupancy,
    layout: Layout,
) -> str:
    """One stem for the whole stack: that of a member in the catalog or planned before,
    else what its first member is called.

    A member that lies in another folder, or whose name tells another time, has no say: it was dated
    otherwise when it came.
    """
    lead = stack[0].asset
    folder = occupancy.folder(folder_of(layout, lead))
    for member in stack:
        where = facts.existing.get(member.asset.hash) or planned.get(member.asset.hash)
        if (
            where
            and len(stack) > 1
            and where.rpartition("/")[0].removesuffix(f"/{layout.video_folder}") == folder
            and not _tells_another_time(where, lead)
        ):
            return _without_extension(where.rpartition("/")[2])
    return stem_of(layout, lead, stack[0].entry.name)


def _tells_another_time(path: str, asset: Asset) -> bool:
    """Whether a name in the catalog tells another time than an asset was taken at."""
    told, captured = from_file_name(path.rpartition("/")[2]), asset.captured
    if told is None or not told.has_time or captured is None:
        return False
    return abs(told.wall - captured.wall) > SAME_SHOT


def _without_extension(path: str) -> str:
    extension = extension_of(path.rpartition("/")[2])
    return path[: -len(extension) - 1] if extension else path


def target_folder(member: Member, stack: tuple[Member, ...], layout: Layout) -> str:
    """The folder where a member of a stack goes."""
    lead = stack[0].asset
    if member.role != "live":
        return folder_of(layout, lead if len(stack) > 1 else member.asset)
    folder = folder_of(layout, lead)  # the movie lies where its still does, one folder deeper
    return folder if layout.live_video_beside_still else f"{folder}/{layout.video_folder}"


Placed = tuple[Member, str, tuple[tuple[Entry, str], ...]]


@dataclass(frozen=True, slots=True)
class _Naming:
    """What the files of one stack may be called, and what of it is free."""

    stack: tuple[Member, ...]
    stem: str
    occupancy: Occupancy
    layout: Layout

    def number_given(self, lies: Mapping[str, str]) -> int:
        """The number that members which lie in the target, each at a path, have under the stem.

        Without it the rest of a stack that a killed run began could get a lower number than its
        first files: that which kept the number away may be a file that lies elsewhere.
        """
        given = [0]
        for member in self.stack:
            where = lies.get(member.asset.hash, "")
            number = _NUMBER.search(_without_extension(where))
            if number and self._target(member, int(number[1])) == where:
                given.append(int(number[1]))
        return max(given)

    def free_targets(self, fresh: Sequence[Member], number: int) -> list[Placed]:
        """Targets with the lowest number, from one on, that is free, or holds this very content,
        for all members.
        """
        while True:
            used: set[str] = set()
            placed = [self._placed(member, number, used) for member in fresh]
            if all(
                self.occupancy.is_free(target)
                or self.occupancy.contents.get(target) == m.asset.hash
                for m, target, _sidecars in placed
            ):
                for _member, target, sidecars in placed:
                    self.occupancy.take(target)
                    for _sidecar, name in sidecars:
                        self.occupancy.take(name)
                return placed
            number += 1

    def _target(self, member: Member, number: int) -> str:
        folder = self.occupancy.folder(target_folder(member, self.stack, self.layout))
        return f"{folder}/{file_name(self.stem, member.entry.name, number)}"

    def _placed(self, member: Member, number: int, used: set[str]) -> Placed:
        target = self._target(member, number)
        # then what lies beside it may be ours as well
        ours = self.occupancy.contents.get(target) == member.asset.hash
        sidecars = []
        for sidecar in member.sidecars:
            names = sidecar_names(sidecar.name, member.entry.name, target)
            name = next(n for n in names if n not in used and (ours or self.occupancy.is_free(n)))
            used.add(name)
            sidecars.append((sidecar, name))
        return member, target, tuple(sidecars)


_NUMBER = re.compile(r"_(\d{1,6})$")
