"""What a folder of a server holds, kept between runs with the entity tags of its folders: where the
server gives a folder another tag for any change below it, only what changed is asked for.

The file that keeps it is a copy of what the server says and nothing more: it can be removed at any
time. A folder's tag is kept once all below it is, so that a listing that was cut off goes on where
it was.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from catalog.domain.asset import Entry
from catalog.domain.checksums import NONE
from catalog.domain.names import from_text, to_text
from catalog.errors import NotFound, StoreUnavailable
from catalog.stores.identity import number_of
from catalog.stores.listing_database import (
    ListingDatabase,
    Row,
    kept_in,
    open_database,
    update_database,
)
from catalog.stores.webdav.answers import Resource
from catalog.stores.webdav.connection import AT_ONCE
from catalog.stores.webdav.operations import Operations

POLL = 15.0
"""Seconds between two looks at the tag of the root, while a change is waited for."""
_VERSION = "1"
_Children: TypeAlias = dict[str, Resource]


@dataclass(slots=True)
class _Folder:
    """A folder of the walk: its tag, and how many in it are still to be looked at."""

    key: str
    parent: _Folder | None
    tag: str = ""
    left: int = 0


class KeptTree:
    """The entries below a store's folder. `file` keeps them; `identity` is whose they are.

    Folders named in `hidden` (at the top) are not looked at.
    """

    def __init__(
        self, operations: Operations, file: Path, identity: str, *, hidden: Sequence[str] = ()
    ) -> None:
        self._operations = operations
        self._folder = operations.folder
        self._file = file
        self._identity = f"{_VERSION} {identity}"
        self._hidden = frozenset(hidden)
        self._lock = threading.Lock()
        has_numbers = operations.traits.numbers
        self.device = number_of(identity, 31) if has_numbers else 0
        self.seen = ""
        """The tag of the root as the last `refresh` found it."""

    # --- bringing it up to date -------------------------------------------------------------------

    def refresh(self) -> None:
        """Ask for everything, or for what changed since. Raises StoreUnavailable where the folder
        is not there.
        """
        with self._lock:
            update_database(self._file, self._folder.name, self._brought_up_to_date)

    def _brought_up_to_date(self) -> None:
        with closing(open_database(self._file, self._identity)) as database:
            tag = self.tag()
            if not tag or tag != database.revision(""):
                _Walk(self, database).go()
            self.seen = database.revision("") if self._operations.traits.tells_below else ""

    def tag(self) -> str:
        """The tag of the root, "" where the server does not give it another for any change below.

        Raises StoreUnavailable where the folder is not there.
        """
        if not self._operations.traits.tells_below:
            return ""
        try:
            return self._operations.look(self._folder.url(""), "").etag
        except NotFound as error:
            raise self.is_gone() from error

    def is_gone(self) -> StoreUnavailable:
        """The error of a root that is not there."""
        return StoreUnavailable(
            f"The folder {self._folder.address.text} of store {self._folder.name} is not there.",
            store=self._folder.name,
            hint="Was it renamed, or is a storage of the server not mounted?",
        )

    def children(self, key: str) -> tuple[Resource, _Children]:
        """A folder as the server describes it, and what is in it, by key.

        Raises NotFound where it is not there any more.
        """
        url = self._folder.url(key)
        found = self._folder.connection.list(url, "1", self._operations.properties, key)
        own, inside = Resource(), {}
        base = from_text(key)
        for resource in found:
            system = self._folder.address.below(resource.href)
            if system == base:
                own = resource
            elif system is not None and system.rpartition("/")[0] == base:
                path = to_text(system)
                if key or path not in self._hidden:
                    inside[path] = resource
        return own, inside

    def wait(self, seconds: int) -> bool:
        """Wait until something changes, for so many seconds at most; whether it did."""
        patience = self._folder.connection.patience
        if not self._operations.traits.tells_below:
            patience.pause(seconds)
            return True
        with closing(open_database(self._file, self._identity)) as database:
            known = database.revision("")
        waited = 0.0
        while waited < seconds:
            patience.pause(min(POLL, seconds - waited))
            waited += POLL
            if self.tag() != known:
                return True
        return False

    # --- telling ----------------------------------------------------------------------------------

    def entries(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """The files below a folder, a folder at a time, sorted, as the last `refresh` found them.

        Raises NotFound.
        """
        with (
            kept_in(self._file, self._folder.name),
            closing(open_database(self._file, self._identity)) as database,
        ):
            if database.about("complete") != "yes":
                raise StoreUnavailable(
                    f"The listing of store {self._folder.name} is not whole.",
                    store=self._folder.name,
                )
            if prefix and not database.is_folder(prefix):
                raise NotFound(
                    f"There is no folder {prefix} in store {self._folder.name}.",
                    store=self._folder.name,
                    path=prefix,
                )
            for folder, name, values in database.files(prefix, recursive=recursive):
                above = folder.replace("\x01", "/")
                yield self._entry(f"{above}/{name}" if above else name, values)

    def _entry(self, path: str, values: Row) -> Entry:
        size, mtime, ctime, inode, problem, digest, revision = values
        checksums = {"sha1": digest} if digest else NONE
        return Entry(path, size, mtime, ctime, self.device, inode, problem, checksums, revision)


class _Walk:
    """One walk over what changed: folders are asked for by several threads, and kept by one."""

    def __init__(self, tree: KeptTree, database: ListingDatabase) -> None:
        self._tree = tree
        self._database = database
        self._asked: dict[Future[tuple[Resource, _Children]], _Folder] = {}

    def go(self) -> None:
        """Until all is kept. Raises StoreError, and then what was kept stays."""
        self._database.keep([], complete="")
        threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="listing")
        try:
            self._ask(threads, _Folder("", None))
            while self._asked:
                done, _pending = wait(self._asked, return_when=FIRST_COMPLETED)
                for future in done:
                    self._take(threads, self._asked.pop(future), future)
        finally:
            threads.shutdown(cancel_futures=True)
        self._database.keep([], complete="yes")

    def _ask(self, threads: ThreadPoolExecutor, folder: _Folder) -> None:
        self._asked[threads.submit(self._tree.children, folder.key)] = folder

    def _take(
        self,
        threads: ThreadPoolExecutor,
        folder: _Folder,
        future: Future[tuple[Resource, _Children]],
    ) -> None:
        try:
            own, inside = future.result()
        except NotFound as error:
            if folder.parent is None:
                raise self._tree.is_gone() from error
            self._database.keep([(folder.key, None)])  # taken away since its parent was listed
            self._end(folder)
            return
        if folder.parent is None and not own.is_folder:
            raise self._tree.is_gone()
        folder.tag = own.etag
        known = self._database.folders_in(folder.key)
        gone = (self._database.keys_in(folder.key) | set(known)) - set(inside)
        changes: list[tuple[str, Row | None]] = [(key, None) for key in sorted(gone)]
        changes.append((folder.key, _folder_row(folder.key, "")))
        for key, resource in inside.items():
            if not resource.is_folder:
                changes.append((key, _file_row(key, resource)))
            elif not (resource.etag and resource.etag == known.get(key)):
                folder.left += 1
                self._ask(threads, _Folder(key, folder))
        self._database.keep(changes)
        if not folder.left:
            self._complete(folder)

    def _complete(self, folder: _Folder) -> None:
        self._database.keep([(folder.key, _folder_row(folder.key, folder.tag))])
        self._end(folder)

    def _end(self, folder: _Folder) -> None:
        parent = folder.parent
        if parent is not None:
            parent.left -= 1
            if not parent.left:
                self._complete(parent)


def _folder_row(key: str, tag: str) -> Row:
    name = key.rpartition("/")[2]
    return (name, name, 0, None, None, None, None, None, tag, None)


def _file_row(key: str, resource: Resource) -> Row:
    name = key.rpartition("/")[2]
    etag, sha1 = resource.etag.strip('"'), resource.sha1
    return (
        name,
        name,
        1,
        resource.size,
        resource.mtime_ns,
        0,
        resource.file_id,
        sha1,
        etag,
        "",
    )
