"""Keeping a process that reads hostile files from writing, and from the network (Linux).

Landlock where the kernel has it, for files and, from its version 4 on, for TCP; else a network
namespace of the process's own. What is not there is left out: `confine` says what holds.
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION, _BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_NETWORK = 0b11  # to bind and to connect TCP
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_FILES = (0, (1 << 13) - 1, (1 << 14) - 1, (1 << 15) - 1, (1 << 15) - 1, (1 << 16) - 1)
"""The rights to files that each version knows; from the sixth on they are those of the fifth."""
_CREATING = 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 13 | 1 << 14
"""To remove files and folders and make them, to rename, to cut."""
_NEWUSER, _NEWNET = 0x10000000, 0x40000000
_NO_NEW_PRIVILEGES = 38


@dataclass(frozen=True, slots=True)
class Confinement:
    """What keeps a process in: from writing files, from the network; "" where nothing does."""

    files: str = ""
    network: str = ""

    @property
    def is_none(self) -> bool:
        """Whether nothing keeps it in."""
        return not (self.files or self.network)

    def __str__(self) -> str:
        files = f"cannot write files ({self.files})" if self.files else "could write files"
        return f"{files}, {self._network}"

    @property
    def _network(self) -> str:
        if not self.network:
            return "could use the network"
        return f"cannot use the network ({self.network})"


def confine(writable: Sequence[str] = ()) -> Confinement:
    """Confine this process, and those it starts, for good: it may write in these folders alone."""
    if not sys.platform.startswith("linux"):
        return Confinement()
    libc = ctypes.CDLL(None, use_errno=True)
    version = max(0, libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION))
    network = "landlock" if version >= 4 else ""
    if not network and libc.unshare(_NEWNET if os.geteuid() == 0 else _NEWUSER | _NEWNET) == 0:
        network = "a namespace of its own"  # a root in its own namespace could not read on
    if version == 0 or not _restrict(libc, version, writable):
        return Confinement("", "" if network == "landlock" else network)
    return Confinement(f"landlock, version {version}", network)


def _restrict(libc: ctypes.CDLL, version: int, writable: Sequence[str]) -> bool:
    handled = _FILES[min(version, len(_FILES) - 1)]
    # a kernel refuses a longer structure than it knows
    rights = struct.pack("QQ", handled, _NETWORK) if version >= 4 else struct.pack("Q", handled)
    rules = libc.syscall(_CREATE_RULESET, rights, ctypes.c_size_t(len(rights)), 0)
    if rules < 0:
        return False
    try:
        inside = _READ | _WRITE_FILE | (_CREATING & handled)
        allowed = [("/", _READ), ("/dev/null", _READ_FILE | _WRITE_FILE)]
        for path, access in [*allowed, *((folder, inside) for folder in writable)]:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
            rule = struct.pack("=Qi", access & handled, descriptor)
            failed = libc.syscall(_ADD_RULE, rules, _BENEATH, rule, 0)
            os.close(descriptor)
            if failed:
                return False
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        return bool(libc.syscall(_RESTRICT_SELF, rules, 0) == 0)
    except OSError:
        return False
    finally:
        os.close(rules)


if __name__ == "__main__":
    print(json.dumps(asdict(confine())))  # noqa: T201 - the answer of a process of its own
