"""Look-alikes over the whole catalog: found, and written for a spreadsheet."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from catalog.domain.amounts import seconds
from catalog.domain.decisions import DUPLICATES, EXACT, NOT_DUPLICATE, WANTED, Decision, group_id
from catalog.domain.document import AssetDocument
from catalog.domain.looks import Likeness, are_same_frames, likeness
from catalog.domain.turns import turn_picture
from catalog.errors import UsageError
from catalog.features.inspection.search import mark_errors
from catalog.features.lookalikes import ranking, sketches
from catalog.features.lookalikes.decisions import find_decided
from catalog.features.lookalikes.groups import Group, find_groups
from catalog.features.lookalikes.ranking import Picture, picture_of
from catalog.features.lookalikes.relations import Compare, Judge
from catalog.features.lookalikes.sketches import DISTANCE, Sketches
from catalog.features.lookalikes.table import write_decisions
from catalog.index import queries
from catalog.index.repository import Repository
from catalog.work.progress import NoProgress, Progress
from catalog.work.workspace import Workspace

AT_ONCE = 500
_OF_COMPANIONS = ["hash", "kind", "stack", "copies", "width", "height", "duration", "video"]
LOOKS_KEPT = 20_000
UNDECODED = 6
"""Grey levels by which a small picture differs from what a decoder leaves where it has no data."""
WITHIN = "10s"
NOBODY = NoProgress()


@dataclass(frozen=True, slots=True)
class DuplicatesRequest:
    """Which groups are wanted: of which kinds (none means all but what is merely alike),
    among what matches a query.
    """

    query: str = ""
    kinds: tuple[str, ...] = ()
    distance: int | None = None
    within: str = WITHIN


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The groups that are wanted, those of the surest kinds first, and how long it took."""

    groups: tuple[Group, ...]
    seconds: float


def find_duplicates(
    workspace: Workspace, request: DuplicatesRequest, progress: Progress = NOBODY
) -> Duplicates:
    """The groups that are wanted; `progress` counts the assets. Raises QuerySyntaxError."""
    began = time.monotonic()
    repository = workspace.existing_repository
    repository.refresh()
    wanted = request.kinds or tuple(kind for kind in DUPLICATES if kind != "alike")
    within_ms = milliseconds_of(request.within)
    with mark_errors(request.query):
        found, pairs = _candidates(repository, request, within_ms, progress)
    apart = find_decided(repository, [NOT_DUPLICATE, WANTED])
    compare = make_comparer({name: picture.document for name, picture in found.items()})
    order = workspace.settings.keeper_order
    distance = DISTANCE if request.distance is None else request.distance
    judge = Judge(compare, distance, within_ms)
    groups = find_groups(found, pairs, judge, order=order, apart=apart, kinds=wanted)
    return Duplicates(tuple(groups), time.monotonic() - began)


def write_groups(path: Path, groups: Sequence[Group]) -> None:
    """Write a new CSV with a row for each member, to be decided about. Raises UsageError."""
    rows = [
        (group, each)
        for group in groups
        for each in zip(list_undecided(group), group.members, strict=True)
    ]
    notes = {
        d.member: (
            group.reason if m is group.members[0] else m.kind,
            " | ".join(m.paths),
        )
        for group, (d, m) in rows
    }
    write_decisions(path, [decision for _group, (decision, _member) in rows], notes)


def milliseconds_of(text: str) -> int:
    """A length of time. Raises UsageError."""
    try:
        return int(seconds(text) * 1000)
    except ValueError as error:
        raise UsageError(
            f"--within {text} does not fit: {error}.", hint="Write it as 10s or 1m30s."
        ) from None


def _candidates(
    repository: Repository, request: DuplicatesRequest, within_ms: int, progress: Progress
) -> tuple[dict[str, Picture], list[tuple[str, str]]]:
    """The assets that may have a duplicate, by hash, and the pairs that may be one."""
    sketched, several = Sketches(), []
    total = queries.count(repository, request.query)
    progress.files(total)
    for page in queries.search_pages(
        repository,
        request.query,
        source=[*sketches.FIELDS, "copy_count", "stores"],
        sort="_shard_doc",
    ):
        for hit in page:
            document = hit["_source"]
            sketched.add(hit["_id"], document)
            if document.get("copy_count", 0) > len(document.get("stores", ())):
                several.append(hit["_id"])
        progress.advance(len(page))
    progress.close()
    numbers = sketched.candidates(request.distance, within_ms)
    pairs = [(sketched.hashes[one], sketched.hashes[other]) for one, other in numbers]
    names = sorted({name for both in pairs for name in both}.union(several))
    return dict(load_pictures(repository, names)), pairs


def load_pictures(repository: Repository, names: Sequence[str]) -> Iterator[tuple[str, Picture]]:
    """The pictures of some assets, with what is shown of them and belongs to their shots."""
    for start in range(0, len(names), AT_ONCE):
        found = repository.parts_of(
            names[start : start + AT_ONCE], [*ranking.FIELDS, "look", "frames_look"]
        )
        shots = load_shots(repository, found.values())
        for name, document in found.items():
            stack = document.get("stack", {}).get("id", "")
            others = [other for other in shots.get(stack, ()) if other["hash"] != name]
            yield name, picture_of(name, document, others)


def load_shots(
    repository: Repository, documents: Iterable[AssetDocument]
) -> dict[str, list[AssetDocument]]:
    """What belongs to the shots of some assets, by the shot's id."""
    shots: dict[str, list[AssetDocument]] = {}
    names = sorted({d["stack"]["id"] for d in documents if "stack" in d})
    for start in range(0, len(names), AT_ONCE):
        wanted = {"terms": {"stack.id": names[start : start + AT_ONCE]}}
        for page in repository.scan_pages(wanted, source=_OF_COMPANIONS):
            for hit in page:
                shots.setdefault(hit["_source"]["stack"]["id"], []).append(hit["_source"])
    return shots


def make_comparer(documents: Mapping[str, AssetDocument]) -> Compare:
    """Compares the small pictures of assets, of animations and of files with several pages those of
    all frames; of one that is cut short what there is.
    """
    from catalog.media.pixels import decode_look

    @lru_cache(LOOKS_KEPT)
    def look(name: str) -> Any:
        encoded = documents[name].get("look")
        return decode_look(encoded) if encoded else None

    def compare(one: str, other: str, turn: str) -> Likeness | None:
        first, second = look(one), look(other)
        if first is None or second is None:
            return None
        known = [_known(documents[one], first), _known(documents[other], second)]
        first, known[0] = (turn_picture(each, turn) for each in (first, known[0]))
        both = known[0] & known[1]
        found = likeness(first, second, None if both.all() else both)
        if not found.is_same or _agree_in_frames(documents[one], documents[other], turn):
            return found
        return replace(found, difference=255.0)

    return compare


def _known(document: AssetDocument, look: Any) -> Any:
    """Which pixels of a small picture were decoded."""
    from catalog.media.pixels import share_decoded

    known = np.ones(look.shape, bool)
    if document.get("problem"):
        known[int(share_decoded(look, UNDECODED) * len(look)) - 3 :] = False
    return known


def _agree_in_frames(one: AssetDocument, other: AssetDocument, turn: str) -> bool:
    """Whether two files show the same in all frames, where both have several; turned ones are not
    compared."""
    from catalog.media.pixels import decode_look

    if min(one.get("frames", 1), other.get("frames", 1)) < 2:
        return True
    strips = one.get("frames_look"), other.get("frames_look")
    if one.get("frames") != other.get("frames") or turn or not strips[0] or not strips[1]:
        return False
    return are_same_frames(decode_look(strips[0]), decode_look(strips[1]))


def list_undecided(group: Group) -> list[Decision]:
    """A row for each member of a group, for a person to decide about."""
    places = [(m.picture.hash, m.paths[0] if m.kind == EXACT else "") for m in group.members]
    name, keeper = group_id(places), group.first.hash if group.is_proposed else ""
    return [
        Decision(name, EXACT if path else group.kind, "", content_hash, path, keeper)
        for content_hash, path in places
    ]
