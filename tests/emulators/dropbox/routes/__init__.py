"""The routes, each a handler that turns a checked call into a result;
importing the package registers them all.
"""

from __future__ import annotations

from . import account, listing, reading, relocating, sharing, uploading, writing
from .registry import ROUTES

__all__ = [
    "ROUTES",
    "account",
    "listing",
    "reading",
    "relocating",
    "sharing",
    "uploading",
    "writing",
]
