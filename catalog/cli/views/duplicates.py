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
        is_kept = number == 0 and group.is_proposed
        yield f"  {'keep' if is_kept else '    '}  {member_line(member, kind=group.kind)}"


def member_line(member: GroupMember, kind: str = "") -> str:
    """One line of a member: its size, how it resembles the keeper, and where it lies; what it is
    where its group is of another kind.
    """
    picture = member.picture
    is_other = kind and member.kind != kind
    pixels = f"{picture.width} x {picture.height}" if picture.pixels else ""
    bits = f"{member.distance} bits" if member.distance else ""
    what = member.kind if is_other else ""
    how = ", ".join(filter(None, [what, bits, _turn_words(member.turned)]))
    where = "  ".join(member.paths) or picture.hash
    return f"{pixels:>13} {size_text(picture.size):>9}  {how:<20} {where}"


def _turn_words(turn: str) -> str:
    return f"turned {turn}" if turn.isdigit() else turn if turn != UPRIGHT else ""


def _sum_up(console: Console, found: Duplicates) -> None:
    kinds = Counter(group.kind for group in found.groups)
    proposed = [group for group in found.groups if group.is_proposed]
    rest = [member for group in proposed for member in group.members[1:]]
    count = sum(len(member.paths) for member in rest)
    size = sum(member.picture.size * len(member.paths) for member in rest)
    if console.json:
        counts = {kind: kinds[kind] for kind in DUPLICATES}
        summary = {"event": "summary", "groups": len(found.groups), **counts}
        summary["without_proposal"] = len(found.groups) - len(proposed)
        console.out_json(
            {**summary, "files": count, "bytes": size, "seconds": round(found.seconds, 3)}
        )
    elif found.groups:
        told = ", ".join(f"{kinds[kind]:,} {kind}" for kind in DUPLICATES if kinds[kind])
        beside = f"Beside the keepers: {count:,} files, {size_text(size)}."
        none = len(found.groups) - len(proposed)
        open_ = f" {none:,} groups without a proposal." if none else ""
        console.out(f"{len(found.groups):,} groups ({told}). {beside}{open_} Nothing was changed.")
    else:
        console.out("No duplicates.")
