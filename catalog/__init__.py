"""A catalog of every photo and video its owner has, wherever the copies live.

The names of `__all__` are for programs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from catalog.version import __version__

if TYPE_CHECKING:
    from catalog.api import Catalog, open_catalog
    from catalog.errors import (
        CatalogError,
        CatalogIndexError,
        ConfigError,
        Interrupted,
        MediaError,
        NodeError,
        PlanRefused,
        StoreError,
        TransferError,
        UsageError,
    )
    from catalog.work.outcome import Outcome, RunResult

__all__ = [
    "Catalog",
    "CatalogError",
    "CatalogIndexError",
    "ConfigError",
    "Interrupted",
    "MediaError",
    "NodeError",
    "Outcome",
    "PlanRefused",
    "RunResult",
    "StoreError",
    "TransferError",
    "UsageError",
    "__version__",
    "open_catalog",
]
_HOMES = {
    "Catalog": "catalog.api",
    "open_catalog": "catalog.api",
    "Outcome": "catalog.work.outcome",
    "RunResult": "catalog.work.outcome",
}
"""Where a public name is defined, if not among the errors: loaded when it is first used,
so that commands start fast.
"""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "catalog.errors")), name)


def __dir__() -> list[str]:
    return sorted(__all__)
