"""What the options of `options.archive` mean: which archive is evaluated, and how."""

from __future__ import annotations

from catalog.cli.options import Given
from catalog.features.reingest.archive import ArchiveScope


def scope_of(given: Given) -> ArchiveScope:
    """The archive that the options of a command name."""
    return ArchiveScope(given["folder"], given["query"], given["store"])


def settings_of(given: Given) -> dict[str, object]:
    """The settings that they take the place of."""
    return {"reingest_skip": given["skip"] or None, "reingest_target": given.get("target")}
