"""Runs a program that dies with the process that wanted it, also where that one is killed, and that
can write into one folder alone, or nowhere, and not use the network (see `media.confinement`).

Run as a file: `python parent_watch.py PARENT FOLDER PROGRAM ARGUMENT...`; FOLDER "" is none, and
"/" leaves it as its parent is: kept in closer, it could not read what that one holds open. Needs
the standard library alone, so that it starts at once.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for a SIGKILL when the parent ends, and to be kept in; then become the
    program.
    """
    parent, folder, program = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    if folder != "/":
        confinement = runpy.run_path(str(Path(__file__).with_name("confinement.py")))
        confinement["confine"]([folder] if folder else [])
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended in the moment before
        sys.exit(1)
    os.execv(program, sys.argv[3:])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
