"""By what a staging folder is known again: a marker in it, with an id."""

from __future__ import annotations

import contextlib
from pathlib import Path

from catalog.domain.names import to_text
from catalog.errors import StoreGuard
from catalog.filesystem.beneath import LinkOnTheWay
from catalog.filesystem.tree import Tree
from catalog.stores.marker import parse_marker
from catalog.stores.paths import PRIVATE

MARKER = "staging.json"
IN_STAGING = f"{PRIVATE}/{MARKER}"


def is_staging(folder: Path) -> bool:
    """Whether a folder is, or was, a staging folder."""
    try:
        Tree(folder).stat(IN_STAGING)
    except LinkOnTheWay:  # nothing is done there, but it may be one
        return (folder / IN_STAGING).exists()
    except OSError:
        return False
    return True


def identity_of(folder: Path) -> str | None:
    """The id of a staging folder; None where it is not there, or is none."""
    with contextlib.suppress(OSError, StoreGuard):
        return parse_marker(Tree(folder).read(IN_STAGING), to_text(str(folder))).id
    return None
