"""A process that puts links in the places of folders and the folders back, again and again, in one
step each; for tests of what goes on there meanwhile.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_AT_FDCWD, _EXCHANGE = -100, 2
LONGEST = 0.004
"""Seconds that a link, or a folder, is left in its place at most."""


@dataclass
class Swaps:
    """How many there were, once they have ended."""

    count: int = 0


def is_possible(folder: Path) -> bool:
    """Whether two names can be exchanged in one step in a folder."""
    one, other = folder / "exchanged", folder / "with this"
    for each in (one, other):
        each.mkdir()
    try:
        return _exchange(str(one), str(other))
    finally:
        for each in (one, other):
            each.rmdir()


@contextlib.contextmanager
def swapping(pairs: Sequence[tuple[Path, Path]], seed: int) -> Iterator[Swaps]:
    """Exchange folders with links, pair by pair, while this is open; then all is as it was."""
    swaps = Swaps()
    command = [
        sys.executable,
        __file__,
        json.dumps([[*map(str, pair)] for pair in pairs]),
        f"{seed}",
    ]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == "begun\n"
        try:
            yield swaps
        finally:
            process.stdin.close()
            swaps.count = int(process.stdout.read())


def _exchange(one: str, other: str) -> bool:
    """Whether renameat2(2) could exchange two names."""
    names = os.fsencode(one), os.fsencode(other)
    renameat2 = ctypes.CDLL(None).renameat2
    return bool(renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _EXCHANGE) == 0)


def _swap_until_told(pairs: Sequence[Sequence[str]], chance: random.Random) -> int:
    count = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        folder, link = chance.choice(pairs)
        if not _exchange(folder, link):  # the folder is not there now
            time.sleep(LONGEST / 10)
            continue
        count += 1
        time.sleep(chance.uniform(0, LONGEST))
        if not _exchange(folder, link):
            os.rename(link, folder)
        time.sleep(chance.uniform(0, LONGEST))
    return count


if __name__ == "__main__":
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    sys.stdout.write(f"{_swap_until_told(json.loads(sys.argv[1]), random.Random(sys.argv[2]))}")
