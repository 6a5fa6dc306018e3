"""Where samples of a track of timed metadata lie (ISO/IEC 14496-12 §8.6.1, 8.7)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from catalog.media.bmff.boxes import Box, Walk

MOST_SAMPLES = 10
"""Of one track: the first, and those 1, 2, 4, 8 ... seconds later, which are some four minutes."""
_MOST_BYTES = 1 << 16
"""Of one table: of a sample a frame these are some four minutes as well."""


class Sample(NamedTuple):
    """Offset in the file, bytes, and seconds since the first."""

    offset: int
    size: int
    seconds: float


def locate_samples(walk: Walk, table: Box, scale: int) -> tuple[Sample, ...]:
    """The first sample of a track, and some later ones, by its `stbl` box and the ticks of a second
    (`scale`); none where that is not told.
    """
    payloads = {b.kind: walk.payload(b, _MOST_BYTES) for b in walk.inside(table)}
    sizes = _sizes(payloads.get(b"stsz", b""))
    chunks = _numbers(payloads.get(b"stco", b""), 8, "I") or _numbers(
        payloads.get(b"co64", b""), 8, "Q"
    )
    durations = _numbers(payloads.get(b"stts", b""), 8, "I")[1::2]
    ticks = next((d for d in durations if d), 0)
    seconds = ticks / scale if scale else 0.0
    runs = _numbers(payloads.get(b"stsc", b""), 8, "I")
    wanted = _spread(len(sizes), round(1 / seconds) if seconds else 0)
    firsts = list(zip(runs[::3], runs[1::3], strict=False)) or [(1, 1)]
    found = ((i, _offset(i, sizes, chunks, firsts)) for i in wanted)
    return tuple(
        Sample(offset, sizes[i], i * seconds) for i, offset in found if offset and sizes[i]
    )


def _spread(count: int, second: int) -> Iterator[int]:
    """Numbers of samples, of which so many are a second."""
    at = 0
    for _ in range(MOST_SAMPLES):
        if at >= count:
            return
        yield at
        if not second and at:
            return
        at = 2 * at or max(second, 1)


def _sizes(payload: bytes) -> Sequence[int]:
    if len(payload) < 12:
        return ()
    fixed, count = struct.unpack_from(">II", payload, 4)
    if fixed:
        return [fixed] * min(count, _MOST_BYTES)
    return _numbers(payload, 12, "I")[:count]


def _numbers(payload: bytes, start: int, form: str) -> tuple[int, ...]:
    """The numbers of a table from an offset, as far as it was read."""
    width = struct.calcsize(form)
    count = max(len(payload) - start, 0) // width
    return struct.unpack_from(f">{count}{form}", payload, start) if count else ()


def _offset(
    index: int, sizes: Sequence[int], chunks: Sequence[int], runs: Sequence[tuple[int, int]]
) -> int:
    """Where a sample lies; 0 where it is not told. `runs` are of chunks that hold as many samples
    each: the number of the first of them, from 1, and how many.
    """
    before = 0
    for (first, each), (following, _each) in zip(
        runs, [*runs[1:], (len(chunks) + 1, 0)], strict=True
    ):
        held = max(following - first, 0) * each
        if index < before + held:
            chunk, within = divmod(index - before, each)
            number = first - 1 + chunk
            if not 0 <= number < len(chunks):
                return 0
            return chunks[number] + sum(sizes[index - within : index])
        before += held
    return 0
