"""Checksums for assets that lack them: learned as their files are read again,
whatever that was done for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from catalog.domain.document import AssetDocument
from catalog.domain.edits import Edit, with_checksums
from catalog.domain.fixity import Digests

AT_ONCE = 500
"""Assets whose documents are asked for together."""
Parts = Callable[[Sequence[str], Sequence[str]], Mapping[str, AssetDocument]]
"""Some fields of those assets that the catalog holds, by content hash: `Repository.parts_of`."""


class ChecksumWriter:
    """Writes what is learned, some hundred at a time,
    so that a run that is cut off keeps what it had.

    A checksum is a fact of the content, whatever becomes of a copy: the history does not tell of
    it.
    """

    def __init__(self, parts: Parts, edit: Callable[[Sequence[Edit]], object]) -> None:
        self._parts = parts
        self._edit = edit
        self._learned: dict[str, Mapping[str, str]] = {}

    def learn(self, digests: Digests) -> None:
        """Take what reading a file gave; its content may be one that the catalog does not have."""
        if digests.checksums:
            self._learned[digests.content] = digests.checksums
        if len(self._learned) >= AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what is left."""
        learned, self._learned = self._learned, {}
        known = self._parts(list(learned), ["checksums"]) if learned else {}
        edits = [
            Edit(name, "checksums", with_checksums(learned[name]), {"effect": "index"}, untold=True)
            for name, document in known.items()
            if learned[name].keys() - document.get("checksums", {}).keys()
        ]
        if edits:
            self._edit(edits)
