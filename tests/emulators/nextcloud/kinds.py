"""Media types by name."""

from __future__ import annotations

import mimetypes


def kind_of(name: str) -> str:
    """The media type that a name has."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
