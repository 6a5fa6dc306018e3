"""What a person decides about groups of look-alikes and about bad shots, as values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from catalog.domain.fixity import is_content_hash

KEEP, DROP, NOT_DUPLICATE = "keep", "drop", "not-duplicate"
WANTED, NOT_BAD = "wanted", "not-bad"
"""What is remembered besides: that both of two are to stay,
and that a shot is none of the bad ones.
"""
DECISIONS = (KEEP, DROP, NOT_DUPLICATE)
EXACT, SAME_IMAGE, SIMILAR, BURST, ALIKE, BAD = (
    "exact",
    "same-image",
    "similar",
    "burst",
    "alike",
    "bad",
)
DUPLICATES = (EXACT, SAME_IMAGE, SIMILAR, BURST, ALIKE)
"""Kinds of groups: same bytes at several places of one store; same image data with other metadata;
same picture in other size, quality, format, turn or tone; frames of one moment; and what merely
looks alike.
"""
KINDS = (*DUPLICATES, BAD)
COLUMNS = ("group", "kind", "decision", "hash", "path", "keeper")
"""The names under which a decision's values are written."""
_GROUP = re.compile(r"g[0-9a-f]{11}|[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Decision:
    """What shall become of one member of a group.

    `path` (`store:path`) tells the copies of one content apart, where the kind is exact; "" else. A
    group of another kind may have such members: copies of others of it. `keeper` is the content
    hash of the member that stays in any case and takes what is known of the dropped ones; "" where
    none stays.
    """

    group: str
    kind: str
    decision: str
    hash: str
    path: str = ""
    keeper: str = ""

    @property
    def member(self) -> tuple[str, str, str]:
        """What is decided about: group, hash and path."""
        return self.group, self.hash, self.path


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a decision: `outcome` is done, unchanged or failed; `reason` in words why."""

    decision: Decision
    outcome: str
    reason: str = ""


def group_id(members: Iterable[tuple[str, str]]) -> str:
    """The name of a group, g and 11 hex digits (no spreadsheet takes it for a number):
    the same for the same members.

    A member is a hash and a path, or "" where the path does not matter.
    """
    text = "\n".join(f"{content_hash} {path}" for content_hash, path in sorted(members))
    return f"g{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:11]}"


def parse_decision(row: Mapping[str, object]) -> Decision:
    """A decision from its values by column name.

    Raises ValueError that says which value does not fit.
    """
    values = {name: _text(row, name) for name in COLUMNS}
    decision = Decision(
        **values | {n: values[n].lower() for n in ("group", "kind", "decision", "hash", "keeper")}
    )
    if not _GROUP.fullmatch(decision.group):
        raise ValueError(f"the group {decision.group!r} is no name of 12 hex digits")
    if decision.kind not in KINDS:
        raise ValueError(f"the kind {decision.kind!r} is none of {', '.join(KINDS)}")
    if decision.decision not in DECISIONS:
        raise ValueError(f"the decision {decision.decision!r} is none of {', '.join(DECISIONS)}")
    for name in ("hash", "keeper"):
        value = getattr(decision, name)
        if (value or name == "hash") and not is_content_hash(value):
            raise ValueError(f"the {name} {value!r} is no content hash of 64 hex digits")
    _check_consistent(decision)
    return decision


def _text(row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"the {name} is no text")
    return value.strip() if name != "path" else value


def _check_consistent(decision: Decision) -> None:
    if decision.kind == EXACT:
        store, colon, path = decision.path.partition(":")
        if not (store and colon and path):
            raise ValueError(
                f"the path {decision.path!r} does not say which copy is meant (store:path)"
            )
    elif decision.path:
        raise ValueError("a path is for copies of one content (kind exact) only")
    elif decision.decision == DROP and decision.hash == decision.keeper:
        raise ValueError("what is to be dropped is the keeper itself")
    if decision.kind == BAD and decision.decision == NOT_DUPLICATE:
        raise ValueError("a bad shot can be kept or dropped")


def with_chosen_keepers(decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions; where a group names no keeper, the one of it that is kept is the keeper."""
    groups: dict[str, list[Decision]] = {}
    for decision in decisions:
        groups.setdefault(decision.group, []).append(decision)
    chosen: dict[str, str] = {}
    for group, rows in groups.items():
        members = [d for d in rows if d.kind != EXACT]
        kept = {d.hash for d in members if d.decision == KEEP}
        is_open = not any(d.keeper or d.kind == BAD for d in members)
        if is_open and len(kept) == 1:
            chosen[group] = kept.pop()
    return [replace(d, keeper=chosen.get(d.group, d.keeper)) for d in decisions]


def contradictions(decisions: Sequence[Decision]) -> dict[int, str]:
    """Why some of the decisions cannot be followed beside the others,
    by their place in the sequence (0-based).
    """
    first: dict[tuple[str, str, str], int] = {}
    kinds = {d.group: d.kind for d in reversed(decisions) if d.kind != EXACT}
    keepers: dict[str, tuple[str, str]] = {}
    staying = {(d.group, d.hash) for d in decisions if d.kind == EXACT and d.decision != DROP}
    problems: dict[int, str] = {}
    for number, decision in enumerate(decisions):
        before = decisions[first.setdefault(decision.member, number)]
        if before != decision:
            problems[number] = f"another row decides {before.decision} for the same picture"
            continue
        kind = decision.kind if decision.kind != EXACT else kinds.get(decision.group, EXACT)
        told = (kind, decision.keeper)
        if keepers.setdefault(decision.group, told) != told:
            problems[number] = "another row of the group names another kind or keeper"
        elif (
            decision.decision == DROP
            and decision.kind != EXACT
            and (decision.group, decision.hash) in staying
        ):
            problems[number] = "another row keeps a copy of the same picture"
    return problems
