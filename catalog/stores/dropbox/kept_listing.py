"""What a Dropbox folder holds, kept between runs together with the cursor:
a later run asks only for what changed.

The file that keeps it is a copy of what Dropbox says and nothing more: it can be removed at any
time, and is made anew where Dropbox no longer knows the cursor. Each page is kept with its cursor
in one transaction, so that a first listing that was cut off goes on where it was.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from dropbox import files
from dropbox.exceptions import BadInputError

from catalog.domain.asset import Entry
from catalog.domain.checksums import CONTENT, NONE
from catalog.domain.names import comparison_key, to_text
from catalog.errors import NotFound, StoreError, StoreUnavailable
from catalog.stores.dropbox.connection import Connection
from catalog.stores.dropbox.entries import EXPORT_ONLY, nanoseconds
from catalog.stores.dropbox.failures import answer_tags
from catalog.stores.identity import number_of
from catalog.stores.listing_database import (
    ListingDatabase,
    Row,
    kept_in,
    open_database,
    update_database,
)

PAGE = 2000
_VERSION = "1"


class KeptListing:
    """The entries below `root` (as Dropbox names it, "" is all).

    `file` keeps them; `identity` is whose they are.

    Folders named in `hidden` (at the top) are not shown.
    """

    def __init__(
        self,
        connection: Connection,
        root: str,
        file: Path,
        identity: str,
        *,
        hidden: Sequence[str] = (),
    ) -> None:
        self._connection = connection
        self._root = root
        self._file = file
        self._identity = f"{_VERSION} {identity} {root.lower()}"
        self._device = number_of(identity, 31)
        self._hidden = {name.lower() for name in hidden}
        self._lock = threading.Lock()

    @property
    def device(self) -> int:
        """The number that stands for the account where entries have a device."""
        return self._device

    # --- bringing it up to date -------------------------------------------------------------------

    def refresh(self) -> None:
        """Ask Dropbox for everything, or for what changed since.

        Raises StoreUnavailable where the folder is not there.
        """
        with self._lock:
            update_database(self._file, self._connection.store, self._brought_up_to_date)

    def _brought_up_to_date(self) -> None:
        with closing(open_database(self._file, self._identity)) as database:
            try:
                if self._follow(database):
                    return
            except StoreError as error:
                # a cursor that another app was given
                is_strange = isinstance(error.__cause__, BadInputError)
                if "reset" not in answer_tags(error) and not is_strange:
                    raise self._failure(error) from error
            # the cursor is too old, or the folder itself was taken away: from the beginning
            database.begin()
            try:
                self._follow(database)
            except StoreError as error:
                raise self._failure(error) from error

    def wait(self, seconds: int) -> bool:
        """Wait until something changes, for so many seconds (30 to 480) at most; whether it did."""
        with closing(open_database(self._file, self._identity)) as database:
            cursor = database.about("cursor")
        if not cursor:
            return True
        try:
            answer = self._connection.call(
                lambda sdk: sdk.files_list_folder_longpoll(cursor, timeout=seconds)
            )
        except StoreError as error:
            if "reset" in answer_tags(error):  # the next look begins anew
                return True
            raise
        if answer.backoff:
            self._connection.pause(float(answer.backoff))
        return bool(answer.changes)

    def _follow(self, database: ListingDatabase) -> bool:
        """Page by page from the kept cursor, or from the beginning;
        False where the folder itself was taken away.
        """
        cursor = database.about("cursor")
        while True:
            page = self._page(cursor)
            cursor = page.cursor
            if any(
                isinstance(m, files.DeletedMetadata) and self._key(m) == "" for m in page.entries
            ):
                return False
            changes = [
                (key, _row(metadata)) for metadata in page.entries if (key := self._key(metadata))
            ]
            database.keep(changes, cursor=cursor, **({} if page.has_more else {"complete": "yes"}))
            if not page.has_more:
                return True

    def _page(self, cursor: str) -> Any:
        def ask(sdk: Any) -> Any:
            if cursor:
                return sdk.files_list_folder_continue(cursor)
            return sdk.files_list_folder(
                self._root, recursive=True, limit=PAGE, include_non_downloadable_files=False
            )

        return self._connection.call(ask)

    def _key(self, metadata: Any) -> str | None:
        """What an entry is kept by: "" is the folder itself, None what is not mounted here."""
        if metadata.path_lower is None:
            return None
        return str(metadata.path_lower[len(self._root.lower()) :].lstrip("/"))

    # --- telling ----------------------------------------------------------------------------------

    def entries(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """The files below a folder, a folder at a time, sorted, as the last `refresh` found them.

        Raises NotFound.
        """
        with (
            kept_in(self._file, self._connection.store),
            closing(open_database(self._file, self._identity)) as database,
        ):
            if database.about("complete") != "yes":
                raise StoreUnavailable(
                    f"The listing of store {self._connection.store} is not whole.",
                    store=self._connection.store,
                )
            start = prefix.lower()
            if start and not database.is_folder(start):
                raise NotFound(
                    f"There is no folder {prefix} in store {self._connection.store}.",
                    store=self._connection.store,
                    path=prefix,
                )
            shown: tuple[str, str] = ("", "")
            for folder, name, values in database.files(start, recursive=recursive):
                if folder.partition("\x01")[0] in self._hidden:
                    continue
                if shown[0] != folder:
                    names = (f"{to_text(part)}/" for part in database.names(folder))
                    shown = (folder, "".join(names))
                yield self._entry(f"{shown[1]}{to_text(name)}", values)

    def _entry(self, path: str, values: Row) -> Entry:
        size, mtime, ctime, inode, problem, digest, revision = values
        return Entry(
            path,
            size,
            mtime,
            ctime,
            self._device,
            inode,
            problem,
            {CONTENT: digest} if digest else NONE,
            revision,
        )

    def _failure(self, error: StoreError) -> StoreError:
        store = self._connection.store
        if isinstance(error, NotFound):
            return StoreUnavailable(
                f"The folder {self._root or '/'} of store {store} is not in Dropbox.",
                store=store,
                hint="Was it renamed? See dropbox_root.",
            )
        return error


def _row(metadata: Any) -> Row | None:
    """What is kept of an entry; None of one that is gone."""
    if isinstance(metadata, files.DeletedMetadata):
        return None
    common = (comparison_key(metadata.name), metadata.name)
    if isinstance(metadata, files.FolderMetadata):
        return (*common, 0, None, None, None, None, None, None, None)
    return (
        *common,
        1,
        metadata.size,
        nanoseconds(metadata.client_modified),
        nanoseconds(metadata.server_modified),
        number_of(metadata.id),
        metadata.content_hash or "",
        metadata.rev,
        "" if metadata.is_downloadable else EXPORT_ONLY,
    )
