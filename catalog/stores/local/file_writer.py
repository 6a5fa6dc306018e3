"""Files that come into a folder: aside first, compared, then under a name that is free."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from typing import BinaryIO

from catalog.errors import AlreadyExists, FixityMismatch, InvalidPath
from catalog.filesystem.tree import Tree
from catalog.stores.local.content import digests, forget_pages, transfer
from catalog.stores.local.folder import StoreFolder
from catalog.stores.paths import PRIVATE
from catalog.stores.scratch import Scratch, claim_scratch, release_scratch


class FileWriter:
    """Brings files into the folder of a store; many threads may use it at once.

    A file is named by `target`, its system path in the root, and by `path`, what the store calls
    it, for errors. Those of the system are raised as they are.
    """

    def __init__(self, folder: StoreFolder) -> None:
        self._folder = folder
        self._scratch: Scratch | None = None
        self._claiming = threading.Lock()
        self._counter = itertools.count(1)

    def put(
        self, target: str, path: str, stream: BinaryIO, size: int, mtime_ns: int, checksum: str
    ) -> None:
        """Write aside, bring to the disk, read back and compare,
        then appear under the name if it is free.

        Raises AlreadyExists, FixityMismatch, InvalidPath, OSError.
        """
        scratch, aside = self.scratch_folder().folder, f"{next(self._counter)}.part"
        try:
            _write(scratch, aside, stream, mtime_ns)
            self._verify(scratch, aside, size, checksum, path)
            self.move_in(scratch, aside, target, path)
        finally:
            with contextlib.suppress(OSError):
                scratch.remove_file(aside)

    def _verify(self, scratch: Tree, aside: str, size: int, checksum: str, path: str) -> None:
        with scratch.open(aside) as descriptor:
            written = os.fstat(descriptor).st_size
            found = digests(descriptor).content if written == size else ""
        if found != checksum:
            what = "its bytes differ" if found else f"{written} bytes instead of {size}"
            raise FixityMismatch(
                f"The copy of {path} is not what was read before: {what}.",
                store=self._folder.store,
                path=path,
                hint="The source changed meanwhile, or a disk is failing.",
            )

    def move_in(self, folder: Tree, source: str, target: str, path: str) -> None:
        """Give a file of a folder of this disk its name, never over an existing one, with the
        folders above.

        Raises AlreadyExists, InvalidPath, OSError.
        """
        store, tree = self._folder.store, self._folder.tree
        try:
            tree.make_folders(target.rpartition("/")[0])
        except (FileExistsError, NotADirectoryError) as error:
            # a file in the folder's place is no reason to try another name
            raise InvalidPath(
                f"A file of store {store} lies where the folder of {path} should be.",
                store=store,
                path=path,
                hint="Rename that file.",
            ) from error
        try:
            folder.place(source, tree, target)
        except FileExistsError as error:
            raise AlreadyExists(
                f"{path} is already in store {store}.", store=store, path=path
            ) from error

    def scratch_folder(self) -> Scratch:
        """This run's temporary folder, locked while in use;
        what killed runs left behind is removed first.
        """
        with self._claiming:
            if self._scratch is None:
                self._folder.check()
                with self._folder.failing_at(PRIVATE):
                    self._scratch = claim_scratch(self._folder.tree)
            return self._scratch

    def close(self) -> None:
        """Remove the temporary folder."""
        if self._scratch is not None:
            release_scratch(self._scratch)
            self._scratch = None


def _write(scratch: Tree, aside: str, stream: BinaryIO, mtime_ns: int) -> None:
    with scratch.create(aside) as descriptor:
        transfer(stream, descriptor)
        os.utime(descriptor, ns=(mtime_ns, mtime_ns))
        os.fsync(descriptor)
        forget_pages(descriptor)  # so that the comparison reads what the disk holds
