"""Small pictures that Dropbox makes of photos and videos,
so that their look is known without their bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from dropbox import files

from catalog.stores.dropbox.connection import Connection

AT_ONCE = 25
"""Pictures of one request."""


class Thumbnails:
    """Asks for them, as many in one request as Dropbox allows."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, wanted: Mapping[str, str]) -> dict[str, bytes]:
        """JPEG bytes by path, of those that have one.

        `wanted` maps a path to what Dropbox calls it.
        """
        paths = list(wanted)
        found: dict[str, bytes] = {}
        for start in range(0, len(paths), AT_ONCE):
            found |= self._some(paths[start : start + AT_ONCE], wanted)
        return found

    def _some(self, paths: Sequence[str], wanted: Mapping[str, str]) -> dict[str, bytes]:
        arguments = [
            files.ThumbnailArg(
                wanted[path],
                format=files.ThumbnailFormat.jpeg,
                size=files.ThumbnailSize.w640h480,
                mode=files.ThumbnailMode.bestfit,
            )
            for path in paths
        ]
        answer = self._connection.call(lambda sdk: sdk.files_get_thumbnail_batch(arguments))
        return {
            path: _picture(entry)
            for path, entry in zip(paths, answer.entries, strict=True)
            if entry.is_success()
        }


def _picture(entry: Any) -> bytes:
    return base64.b64decode(entry.get_success().thumbnail)
