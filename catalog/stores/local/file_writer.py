"""Files that come into a folder: aside first, compared, then under a name that is free."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from pathlib import Path
from typing import BinaryIO

from catalog.errors import AlreadyExists, FixityMismatch, InvalidPath
from catalog.stores.atomic_rename import rename_without_overwriting
from catalog.stores.local.content import digests, forget_pages, transfer
from catalog.stores.local.folder import StoreFolder
from catalog.stores.paths import PRIVATE
from catalog.stores.scratch import claim_scratch, release_scratch


class FileWriter:
    """Brings files into the folder of a store; many threads may use it at once.

    A file is named by `target`, its system path, and by `path`, what the store calls it, for
    errors. Those of the system are raised as they are.
    """

    def __init__(self, folder: StoreFolder) -> None:
        self._folder = folder
        self._scratch: Path | None = None
        self._scratch_lock = -1
        self._claiming = threading.Lock()
        self._counter = itertools.count(1)

    def put(
        self, target: str, path: str, stream: BinaryIO, size: int, mtime_ns: int, checksum: str
    ) -> None:
        """Write aside, bring to the disk, read back and compare,
        then appear under the name if it is free.

        Raises AlreadyExists, FixityMismatch, InvalidPath, OSError.
        """
        aside = os.fspath(self.scratch_folder() / f"{next(self._counter)}.part")
        try:
            _write(aside, stream, mtime_ns)
            self._verify(aside, size, checksum, path)
            self.move_in(aside, target, path)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(aside)  # noqa: PTH108

    def _verify(self, aside: str, size: int, checksum: str, path: str) -> None:
        descriptor = os.open(aside, os.O_RDONLY | os.O_CLOEXEC)
        try:
            written = os.fstat(descriptor).st_size
            found = digests(descriptor).content if written == size else ""
        finally:
            os.close(descriptor)
        if found != checksum:
            what = "its bytes differ" if found else f"{written} bytes instead of {size}"
            raise FixityMismatch(
                f"The copy of {path} is not what was read before: {what}.",
                store=self._folder.store,
                path=path,
                hint="The source changed meanwhile, or a disk is failing.",
            )

    def move_in(self, source: str, target: str, path: str) -> None:
        """Give a file of this disk its name, never over an existing one, with the folders above.

        Raises AlreadyExists, InvalidPath, OSError.
        """
        store = self._folder.store
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
        except (FileExistsError, NotADirectoryError) as error:
            # a file in the folder's place is no reason to try another name
            raise InvalidPath(
                f"A file of store {store} lies where the folder of {path} should be.",
                store=store,
                path=path,
                hint="Rename that file.",
            ) from error
        try:
            rename_without_overwriting(source, target)
        except FileExistsError as error:
            raise AlreadyExists(
                f"{path} is already in store {store}.", store=store, path=path
            ) from error

    def scratch_folder(self) -> Path:
        """This run's temporary folder, locked while in use;
        what killed runs left behind is removed first.
        """
        with self._claiming:
            if self._scratch is None:
                self._folder.check()
                with self._folder.failing_at(PRIVATE):
                    self._scratch, self._scratch_lock = claim_scratch(self._folder.path)
            return self._scratch

    def close(self) -> None:
        """Remove the temporary folder."""
        if self._scratch is not None:
            release_scratch(self._scratch, self._scratch_lock)
            self._scratch = None


def _write(aside: str, stream: BinaryIO, mtime_ns: int) -> None:
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        transfer(stream, descriptor)
        os.utime(descriptor, ns=(mtime_ns, mtime_ns))
        os.fsync(descriptor)
        forget_pages(descriptor)  # so that the comparison reads what the disk holds
    finally:
        os.close(descriptor)
