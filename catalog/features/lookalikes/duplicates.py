"""Look-alikes over the whole catalog: found, printed, and written for a spreadsheet."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from catalog.cli.console import Screen
from catalog.domain.amounts import seconds, size_text
from catalog.domain.decisions import DUPLICATES, EXACT, NOT_DUPLICATE, WANTED, Decision, group_id
from catalog.domain.looks import Likeness, likeness
from catalog.domain.turns import UPRIGHT, turned
from catalog.errors import DONE, QuerySyntaxError, UsageError
from catalog.features.ask.search import pointed
from catalog.features.lookalikes import pictures, sketches
from catalog.features.lookalikes.decisions import decided
from catalog.features.lookalikes.groups import DISTANCE, Compare, Group, Member, find_groups
from catalog.features.lookalikes.pictures import Picture, picture_of
from catalog.features.lookalikes.sketches import Sketches
from catalog.features.lookalikes.table import write_decisions
from catalog.index import queries
from catalog.index.repository import Repository
from catalog.work.workspace import Workspace

AT_ONCE = 500
LOOKS_KEPT = 20_000
WITHIN = "10s"


@dataclass(frozen=True, slots=True)
class DuplicatesRequest:
    """Which groups are wanted: of which kinds (none means all but what is merely alike), among what matches a query."""

    query: str = ""
    kinds: tuple[str, ...] = ()
    distance: int | None = None
    within: str = WITHIN


def run_duplicates(workspace: Workspace, request: DuplicatesRequest, csv: Path | None, screen: Screen) -> int:
    """Print the groups."""
    began = time.monotonic()
    groups = found_groups(workspace, request)
    if csv is not None:
        decisions = [d for group in groups for d in undecided(group)]
        notes = {d.member: (group.reason, " | ".join(m.paths)) for group in groups
                 for d, m in zip(undecided(group), group.members, strict=True)}  # fmt: skip
        write_decisions(csv, decisions, notes)
    for group in groups:
        if screen.json:
            screen.out_json(group.event())
        elif not screen.quiet:
            for line in _lines(group):
                screen.out_line(line)
    _sum_up(groups, screen, time.monotonic() - began)
    return DONE


def found_groups(workspace: Workspace, request: DuplicatesRequest) -> list[Group]:
    """The groups that are wanted, those of the surest kinds first."""
    repository = workspace.existing_repository
    repository.refresh()
    wanted = request.kinds or tuple(kind for kind in DUPLICATES if kind != "alike")
    within_ms = milliseconds_of(request.within)
    distance = DISTANCE if request.distance is None else request.distance
    try:
        found, pairs = _candidates(repository, request.query, distance, within_ms, workspace)
    except QuerySyntaxError as error:
        raise pointed(error, request.query) from error
    apart = decided(repository, [NOT_DUPLICATE, WANTED])
    compare = comparing({name: picture.document.get("look") for name, picture in found.items()})
    order = workspace.settings.keeper_order
    groups = find_groups(found, pairs, compare, order=order, distance=distance, within_ms=within_ms, apart=apart)
    return [group for group in groups if group.kind in wanted]


def milliseconds_of(text: str) -> int:
    """A length of time. Raises UsageError."""
    try:
        return int(seconds(text) * 1000)
    except ValueError as error:
        raise UsageError(f"--within {text} does not fit: {error}.", hint="Write it as 10s or 1m30s.") from None


def _candidates(
    repository: Repository, query: str, distance: int, within_ms: int, workspace: Workspace
) -> tuple[dict[str, Picture], list[tuple[str, str]]]:
    """The assets that may have a duplicate, by hash, and the pairs that may be one."""
    sketched, several = Sketches(), []
    total = queries.count(repository, query)
    workspace.progress.files(total)
    for page in queries.matching(repository, query, source=[*sketches.FIELDS, "copy_count", "stores"], sort="_shard_doc"):
        for hit in page:
            document = hit["_source"]
            sketched.add(hit["_id"], document)
            if document.get("copy_count", 0) > len(document.get("stores", ())):
                several.append(hit["_id"])
        workspace.progress.advance(len(page))
    workspace.progress.close()
    numbers = sketched.candidates(distance, within_ms)
    pairs = [(sketched.hashes[one], sketched.hashes[other]) for one, other in numbers]
    names = sorted({name for both in pairs for name in both}.union(several))
    return dict(loaded(repository, names)), pairs


def loaded(repository: Repository, names: Sequence[str]) -> Iterator[tuple[str, Picture]]:
    """The pictures of some assets, with what is shown of them."""
    for start in range(0, len(names), AT_ONCE):
        found = repository.parts_of(names[start : start + AT_ONCE], [*pictures.FIELDS, "look"])
        yield from ((name, picture_of(name, document)) for name, document in found.items())


def comparing(looks: Mapping[str, str | None]) -> Compare:
    """Compares the small pictures of assets."""
    from catalog.media.pixels import decoded_look

    @lru_cache(LOOKS_KEPT)
    def look(name: str) -> Any:
        encoded = looks.get(name)
        return decoded_look(encoded) if encoded else None

    def compare(one: str, other: str, turn: str) -> Likeness | None:
        first, second = look(one), look(other)
        return None if first is None or second is None else likeness(turned(first, turn), second)

    return compare


def undecided(group: Group) -> list[Decision]:
    """A row for each member of a group, for a person to decide about."""
    is_exact = group.kind == EXACT
    places = [(m.picture.hash, m.paths[0] if is_exact else "") for m in group.members]
    name = group_id(places)
    return [Decision(name, group.kind, "", content_hash, path, group.keeper.hash) for content_hash, path in places]


# --- telling -----------------------------------------------------------------------------------------------------------


def _lines(group: Group) -> Iterator[str]:
    yield f"{group.kind}: {group.reason}"
    for number, member in enumerate(group.members):
        yield f"  {'keep' if number == 0 else '    '}  {shown(member)}"


def shown(member: Member) -> str:
    """One line of a member: its size, how it resembles the keeper, and where it lies."""
    picture = member.picture
    pixels = f"{picture.width} x {picture.height}" if picture.pixels else ""
    how = ", ".join(filter(None, [f"{member.distance} bits" if member.distance else "", _turn_words(member.turned)]))
    return f"{pixels:>13} {size_text(picture.size):>9}  {how:<20} {'  '.join(member.paths) or picture.hash}"


def _turn_words(turn: str) -> str:
    return f"turned {turn}" if turn.isdigit() else turn if turn != UPRIGHT else ""


def _sum_up(groups: Sequence[Group], screen: Screen, took: float) -> None:
    kinds = Counter(group.kind for group in groups)
    rest = [m for group in groups for m in group.members[1:]]
    count, size = sum(len(m.paths) for m in rest), sum(m.picture.size * len(m.paths) for m in rest)
    if screen.json:
        counts = {kind: kinds[kind] for kind in DUPLICATES}
        summary = {"event": "summary", "groups": len(groups), **counts, "files": count, "bytes": size}
        screen.out_json({**summary, "seconds": round(took, 3)})
    elif groups:
        told = ", ".join(f"{kinds[kind]:,} {kind}" for kind in DUPLICATES if kinds[kind])
        screen.out(
            f"{len(groups):,} groups ({told}). Beside the keepers: {count:,} files, {size_text(size)}. Nothing was changed."
        )
    else:
        screen.out("No duplicates.")
