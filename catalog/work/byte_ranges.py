"""Which ranges of a file to fetch so that a reader can go on: what it asked for, rounded up,
without what is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Span = tuple[int, int]
"""Where a stretch of bytes starts, and where it ends (exclusive)."""

PIECE = 64 * 1024
"""Bytes that are fetched at least: a request costs more than they do."""
LARGEST = 4 * 1024 * 1024
"""Bytes that one request fetches at most."""


def join_spans(spans: Iterable[Span]) -> list[Span]:
    """Stretches that overlap or touch as one, sorted."""
    found: list[Span] = []
    for start, end in sorted(s for s in spans if s[0] < s[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def gaps(have: Iterable[Span], start: int, end: int) -> Iterator[Span]:
    """The stretches between two offsets that are not there. `have` is as `join_spans` gives it."""
    for first, last in have:
        if first >= end:
            break
        if first > start:
            yield start, first
        start = max(start, last)
    if start < end:
        yield start, end


def to_fetch(have: list[Span], wanted: Iterable[tuple[int, int]], size: int) -> list[Span]:
    """What to fetch for wanted (offset, length) of a file of `size` bytes,
    given what is there (as `join_spans` gives it).

    Where a reader goes on from what is there, as much again is fetched, so that a long header takes
    few rounds.
    """
    found: list[Span] = []
    for offset, length in wanted:
        run = next((last - first for first, last in have if first <= offset <= last), 0)
        start = next((last for first, last in have if first <= offset <= last), offset)
        end = min(size, max(offset + length, start + max(PIECE, min(run, LARGEST))))
        found += gaps(have, min(start, max(0, end - PIECE)), end)
    return join_spans(found)


def requests(spans: Iterable[Span]) -> Iterator[tuple[int, int]]:
    """Offset and length of each request."""
    for start, end in spans:
        for at in range(start, end, LARGEST):
            yield at, min(LARGEST, end - at)
