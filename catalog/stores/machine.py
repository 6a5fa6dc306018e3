"""Which machine this is: numbers of devices and inodes mean something on the machine that gave
them, and on no other.
"""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

ID_FILES = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
_LENGTH = 16


@functools.cache
def machine_id() -> str:
    """16 hex digits that stay this machine's, whatever it is called and wherever it is.

    They are made of its machine-id by a hash, as machine-id(5) asks of whoever shows it to others;
    where there is none, of its name and network address. A container without a machine-id is
    another machine each time it is made.
    """
    return hashlib.sha256(f"image-catalog {_stated()}".encode()).hexdigest()[:_LENGTH]


def machine_name() -> str:
    """What the machine is called now, for a person."""
    return os.uname().nodename or "this machine"


def _stated() -> str:
    for path in ID_FILES:
        try:
            text = path.read_text("ascii").strip()
        except (OSError, ValueError):
            continue
        if text and text != "uninitialized":
            return text
    import uuid

    return f"{os.uname().nodename} {uuid.getnode():x}"
