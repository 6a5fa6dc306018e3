"""The file system that a folder lies on, and which numbers of its files tell anything."""

from __future__ import annotations

import os
import re
from pathlib import Path

from catalog.domain.evidence import Evidence

MOUNTS = Path("/proc/self/mountinfo")
"""Where the kernel says what is mounted where; see proc(5)."""
KEEPING = frozenset(
    {
        *("bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "nilfs2", "reiserfs", "xfs"),
        *("zfs", "overlay", "ramfs", "tmpfs", "ceph", "nfs", "nfs4"),
    }
)
"""File systems that number a file once for all, and give it another ctime with each change.

Others do not, or only where their server does: FAT has neither, SMB, FUSE and the shared folders of
virtual machines show what somebody else makes up. What is not named here is not believed.
"""
_ESCAPE = re.compile(r"\\([0-7]{3})")


def file_system_of(folder: Path) -> str:
    """The type of the file system below a folder, as the kernel calls it; "" where nothing says."""
    try:
        lines = MOUNTS.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    return _type_at(lines, os.path.realpath(folder))


def find_evidence(folder: Path) -> Evidence:
    """Which numbers of the files below a folder tell anything."""
    keeps = file_system_of(folder) in KEEPING
    return Evidence(ctime=keeps, inode=keeps)


def _type_at(lines: list[str], path: str) -> str:
    """Of what is mounted at a path or above it, the nearest; of several at one place, the last."""
    longest, found = 0, ""
    for line in lines:
        before, dash, after = line.partition(" - ")
        fields = before.split(" ")
        if not dash or len(fields) < 5:
            continue
        point = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields[4])
        inside = point == "/" or path == point or path.startswith(f"{point}/")
        if inside and len(point) >= longest:
            longest, found = len(point), after.split(" ")[0]
    return found
