"""Whether processes can be kept in on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

from catalog.media.confinement import Confinement


@cache
def said() -> str:
    """What a process says of itself that was kept in."""
    command = [sys.executable, "-P", "-m", "catalog.media.confinement"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return str(Confinement(**json.loads(answer)))


def has_landlock() -> bool:
    """Whether it cannot write."""
    return "cannot write files" in said()


def is_offline() -> bool:
    """Whether it cannot use the network."""
    return "cannot use the network" in said()


def is_in_a_namespace() -> bool:
    """Whether that is so because it has a network of its own."""
    return "namespace" in said()
