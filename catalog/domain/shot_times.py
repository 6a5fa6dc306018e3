"""The capture time of a shot: its files carry one, that of the file whose own is surest, so that
what a record says and how a file is named agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from catalog.domain.capture_time import OF_SHOT, ORDER, PRECISIONS, CaptureTime
from catalog.domain.derivation import read_captured, write_captured
from catalog.domain.document import AssetDocument, Captured
from catalog.domain.person import without_person

_CONFIDENCES = ("high", "medium", "low")
_RANK = {source: rank for rank, source in enumerate(ORDER)}


def agree(own: Sequence[CaptureTime | None]) -> list[CaptureTime | None]:
    """What each file of a shot carries, from what each states itself (None: nothing is known of
    that), in the order of the shot, of which the first leads where several are as sure.

    A source that begins with OF_SHOT says that it is another file's.
    """
    stated = [time for time in own if time is not None]
    if not stated:
        return list(own)
    leader = min(stated, key=_doubt)
    return [leader if time is leader else _beside(time, leader) for time in own]


def _doubt(captured: CaptureTime) -> tuple[int, int, int]:
    return (
        _CONFIDENCES.index(captured.confidence),
        PRECISIONS.index(captured.precision),
        _RANK.get(captured.source, len(ORDER)),
    )


def _beside(own: CaptureTime | None, leader: CaptureTime) -> CaptureTime:
    """One's own time where it says the same as the leader's, else that."""
    if (
        own is not None
        and own.precision == leader.precision
        and own.wall.replace(microsecond=0) == leader.wall.replace(microsecond=0)
        and leader.offset_minutes in (None, own.offset_minutes)
    ):
        return own
    return replace(leader, source=OF_SHOT + leader.source)


def agree_recorded(
    read: Mapping[str, Captured | None], shot: Iterable[AssetDocument]
) -> dict[str, Captured]:
    """What the files of a shot carry by their documents, by hash; of some it was `read` again what
    they state. What a person said is laid over that, and has no say here.
    """
    members = sorted(shot, key=_place)
    bases = [without_person(document) for document in members]
    own = [
        _own(read[d["hash"]] if d["hash"] in read else base.get("captured"))
        for d, base in zip(members, bases, strict=True)
    ]
    times = zip(members, agree(own), strict=True)
    return {d["hash"]: write_captured(time) for d, time in times if time is not None}


def _place(document: AssetDocument) -> tuple[bool, bool, str]:
    """In the order of a shot: the one that gave it its id, those beside it, its movie."""
    stack = document.get("stack", {})
    return stack.get("id") != document["hash"], stack.get("role") == "live", document["hash"]


def _own(captured: Captured | None) -> CaptureTime | None:
    """What a file states itself, as far as is known."""
    if not captured or captured["source"].startswith(OF_SHOT):
        return None
    return read_captured(captured)
