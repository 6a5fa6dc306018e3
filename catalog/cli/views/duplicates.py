"""Groups of duplicates and look-alikes, with the one to keep first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from catalog.cli.console import Console
from catalog.domain.amounts import size_text
from catalog.domain.decisions import DUPLICATES
from catalog.domain.turns import UPRIGHT
from catalog.errors import DONE
from catalog.features.lookalikes.duplicates import Duplicates
from catalog.features.lookalikes.groups import Group, GroupMember


def show(console: Console, found: Duplicates) -> int:
    """Each group, and how many there are of each kind."""
    for group in found.groups:
        if console.json:
            console.out_json(group.event())
        elif not console.quiet:
            for line in _lines(group):
                console.out(line)
    _sum_up(console, found)
    return DONE


def _lines(group: Group) -> Iterator[str]:
    yield f"{group.kind}: {group.reason}"
    for number, member in enumerate(group.members):
        yield f"  {'keep' if number == 0 else '    '}  {member_line(member)}"


def member_line(member: GroupMember) -> str:
    """One line of a member: its size, how it resembles the keeper, and where it lies."""
    picture = member.picture
    pixels = f"{picture.width} x {picture.height}" if picture.pixels else ""
    bits = f"{member.distance} bits" if member.distance else ""
    how = ", ".join(filter(None, [bits, _turn_words(member.turned)]))
    where = "  ".join(member.paths) or picture.hash
    return f"{pixels:>13} {size_text(picture.size):>9}  {how:<20} {where}"


def _turn_words(turn: str) -> str:
    return f"turned {turn}" if turn.isdigit() else turn if turn != UPRIGHT else ""


def _sum_up(console: Console, found: Duplicates) -> None:
    kinds = Counter(group.kind for group in found.groups)
    rest = [member for group in found.groups for member in group.members[1:]]
    count = sum(len(member.paths) for member in rest)
    size = sum(member.picture.size * len(member.paths) for member in rest)
    if console.json:
        counts = {kind: kinds[kind] for kind in DUPLICATES}
        summary = {"event": "summary", "groups": len(found.groups), **counts}
        console.out_json(
            {**summary, "files": count, "bytes": size, "seconds": round(found.seconds, 3)}
        )
    elif found.groups:
        told = ", ".join(f"{kinds[kind]:,} {kind}" for kind in DUPLICATES if kinds[kind])
        beside = f"Beside the keepers: {count:,} files, {size_text(size)}."
        console.out(f"{len(found.groups):,} groups ({told}). {beside} Nothing was changed.")
    else:
        console.out("No duplicates.")
