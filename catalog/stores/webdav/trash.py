"""The trash of a store on a server, laid out as that of a folder of this machine is.

A Nextcloud's own trash is another: what is deleted for good here lies there for some time.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

from catalog.domain.names import to_text
from catalog.errors import AlreadyExists, InvalidPath, NotFound
from catalog.stores.paths import IN_TRASH
from catalog.stores.trash import Trashed
from catalog.stores.webdav.answers import Resource
from catalog.stores.webdav.operations import Named, Operations


class ServerTrash:
    """What was taken out of a folder of a server: `.catalog/trash/BATCH/PATH` below it.

    `batch` is the run that took it; where a path went there before, `BATCH.1`.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._folder = operations.folder

    def url(self, key: str) -> str:
        """The address of a file by its key."""
        return self._folder.url(f"{IN_TRASH}/{key}")

    def take(self, path: str, batch: str) -> str | None:
        """Move a file into a batch, and say its key; None where there is no such file."""
        for number in itertools.count():
            key = f"{batch}.{number}/{path}" if number else f"{batch}/{path}"
            try:
                self._folder.make_folders(f"{IN_TRASH}/{key}".rpartition("/")[0])
                self._operations.move(
                    Named(self._folder.url(path), path), Named(self.url(key), key)
                )
            except (AlreadyExists, InvalidPath):  # a file of this name went there before
                continue
            except NotFound:
                return None
            return key
        raise AssertionError("unreachable")

    def list(self) -> Iterator[Trashed]:
        """Everything in it, oldest batch first."""
        found = [t for key, resource in self._below("") if (t := _trashed(key, resource))]
        yield from sorted(found, key=lambda trashed: trashed.key)

    def _below(self, folder: str) -> Iterator[tuple[str, Resource]]:
        pending = [folder]
        while pending:
            folder = pending.pop()
            with contextlib.suppress(NotFound):  # taken away meanwhile
                for key, resource in self._inside(folder):
                    if resource.is_folder:
                        pending.append(key)
                    else:
                        yield key, resource

    def _inside(self, folder: str) -> Iterator[tuple[str, Resource]]:
        """What lies in a folder of the trash, by key."""
        found = self._folder.connection.list(
            self.url(folder).rstrip("/"), "1", self._operations.properties, folder
        )
        for resource in found:
            system = self._folder.address.below(resource.href)
            key = to_text(system or "").removeprefix(IN_TRASH).lstrip("/")
            if key and key != folder:
                yield key, resource

    def checksum(self, key: str) -> str:
        """The content hash of a file in it, by reading it. Raises NotFound."""
        return self._operations.content_of(self.url(key), key)

    def restore(self, key: str, path: str) -> None:
        """Move a file back. Raises AlreadyExists, NotFound."""
        self._folder.make_folders(path.rpartition("/")[0])
        self._operations.move(Named(self.url(key), key), Named(self._folder.url(path), path))

    def discard(self, key: str) -> None:
        """Remove a file, and the batch that it leaves empty."""
        self._operations.delete(self.url(key), key)
        batch = key.partition("/")[0]
        if batch != key and not any(self._below(batch)):
            self._operations.drop(self.url(batch))


def _trashed(key: str, resource: Resource) -> Trashed | None:
    batch, _, path = key.partition("/")
    if not path:
        return None
    named, _, number = batch.rpartition(".")
    label = named if number.isdigit() and named else batch
    return Trashed(key, label, path, resource.size, resource.mtime_ns)
