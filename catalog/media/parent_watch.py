"""Runs a program that dies with the process that wanted it, also where that one is killed.

Run as a file: `python parent_watch.py PARENT PROGRAM ARGUMENT...`. Needs the standard library
alone, so that it starts at once.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for a SIGKILL when the parent ends, then become the program."""
    parent, program = int(sys.argv[1]), sys.argv[2]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended in the moment before
        sys.exit(1)
    os.execv(program, sys.argv[2:])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
