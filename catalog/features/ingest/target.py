"""What the store that an upload fills holds, as far as the run looked at it. Only reads."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from catalog.domain.asset import UNLISTED, Entry, KnownAsset
from catalog.domain.capture_time import file_time
from catalog.domain.checksums import agree, select_recorded
from catalog.domain.document import CopyRow
from catalog.domain.filetypes import extension_of
from catalog.domain.layout import Layout, folder_of
from catalog.domain.names import comparison_key
from catalog.domain.stacks import Member
from catalog.errors import FATAL, NotFound, StoreError
from catalog.features.ingest.plan import Occupancy
from catalog.stores.protocol import Store
from catalog.work.contents import content_of, states_contents
from catalog.work.folder_names import FolderNames

TIME_PRECISION = timedelta(seconds=2)
"""What FAT and some network shares keep of a file's time."""
_FOLDERS_KEPT = 64
_PROOFS_KEPT = 50_000


class TargetSurvey:
    """Looks at the store that is filled: for copies of known assets, and for names that are taken.

    `counts`: whether a copy at a path makes another superfluous. `is_to_be_made`: whether the store
    is not there because it never was, and so is empty. `occupancy` is what was learned.
    """

    def __init__(
        self,
        store: Store,
        layout: Layout,
        counts: Callable[[str], bool] = lambda _path: True,
        is_to_be_made: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._layout = layout
        self._counts = counts
        self._is_to_be_made = is_to_be_made
        self._listings: OrderedDict[str, dict[str, Entry]] = OrderedDict()
        self._proved: dict[Entry, str] = {}
        self._folders = FolderNames(store)
        self.occupancy = Occupancy()

    def counting(self, planned: Mapping[str, str]) -> dict[str, str]:
        """Of what is planned, by hash, what makes another copy superfluous here."""
        return {digest: path for digest, path in planned.items() if self._counts(path)}

    def answering(self, asset: KnownAsset) -> str | None:
        """Where the target store really holds a known asset, by its listing;
        None where it does not.
        """
        for copy in asset.copies:
            if (
                copy["store"] == self._store.name
                and copy.get("state") == "ok"
                and self._counts(copy["path"])
            ):
                entry = self._entry(copy["path"])
                if (
                    entry
                    and not entry.problem
                    and entry.size == copy["size"]
                    and self._is_as_recorded(entry, copy, asset)
                ):
                    return str(copy["path"])
        return None

    def _entry(self, path: str) -> Entry | None:
        """What lies at a path of the target now.

        Where asking costs a request, what this run's listing says is believed.
        """
        if states_contents(self._store):
            folder, _, name = path.rpartition("/")
            listed = self._listing(folder).get(comparison_key(name))
            if listed is not None:
                return listed
        return self._store.stat(path)

    def _is_as_recorded(self, entry: Entry, copy: CopyRow, asset: KnownAsset) -> bool:
        """Whether a copy has its recorded time, or is proved by reading it:
        an edit in place may keep the size.

        Where what its store states tells, that alone decides.
        """
        same = agree(entry.checksums, select_recorded(asset.hash, asset.checksums))
        if same is not None:
            return same
        then = datetime.fromisoformat(copy["mtime"]).replace(tzinfo=None)
        if abs(file_time(entry.mtime_ns) - then) <= TIME_PRECISION:
            return True
        if len(self._proved) > _PROOFS_KEPT:
            self._proved.clear()
        if entry not in self._proved:
            with contextlib.suppress(StoreError):
                self._proved[entry] = self._store.checksum(entry.path)
        return self._proved.get(entry) == asset.hash

    def look_at(self, stacks: Iterable[tuple[Member, ...]], planned: Mapping[str, str]) -> None:
        """Learn the names in the folders that files will go to,
        and which files there may be the same content.
        """
        self._forget_listings(planned)
        for stack in stacks:  # whose members lie together, whatever the date of each
            alike = {(m.entry.size, extension_of(m.entry.name)) for m in stack}
            bases = {folder_of(self._layout, m.asset) for m in stack}
            for folder in bases | {
                f"{base}/{self._layout.video_folder}".rstrip("/") for base in bases
            }:
                for entry in self._listing(self._spelled(folder)).values():
                    if (
                        entry.size,
                        extension_of(entry.name),
                    ) in alike and entry.path not in self.occupancy.contents:
                        self._learn_content(entry)

    def _spelled(self, folder: str) -> str:
        """A folder as it is spelt in the store; the plan learns of one that is spelt otherwise."""
        spelled = self._folders.spell_folder(folder)
        if spelled != folder:
            self.occupancy.folders[folder] = spelled
        return spelled

    def _learn_content(self, entry: Entry) -> None:
        try:
            self.occupancy.contents[entry.path] = content_of(self._store, entry)
        except StoreError:  # unreadable: then it is only a name that is taken
            self.occupancy.contents[entry.path] = ""

    def _listing(self, folder: str) -> dict[str, Entry]:
        if folder in self._listings:
            self._listings.move_to_end(folder)
            return self._listings[folder]
        rows: dict[str, Entry] = {}
        try:
            for entry in self._store.list(folder, recursive=False):
                if entry.path == folder:  # what is told of a folder in place of its entries
                    self.occupancy.unlisted[folder] = entry.problem
                else:
                    rows[comparison_key(entry.name)] = entry
        except NotFound:
            pass
        except FATAL:
            if not self._is_to_be_made():
                raise
        except StoreError as error:
            self.occupancy.unlisted[folder] = f"{UNLISTED}: {error.message}"
        self._listings[folder] = rows
        self.occupancy.names.setdefault(folder, set()).update(rows)
        return rows

    def _forget_listings(self, planned: Mapping[str, str]) -> None:
        """Keep memory flat.

        Only between batches: a batch is planned with the listings of all of its folders.

        Folders for which something is planned that does not lie there yet are kept.
        """
        if len(self._listings) <= _FOLDERS_KEPT:
            return
        busy = {path.rpartition("/")[0] for path in planned.values()}
        idle = [folder for folder in self._listings if folder not in busy]
        for folder in idle[: len(self._listings) - _FOLDERS_KEPT]:
            self.occupancy.names.pop(folder, None)
            self.occupancy.unlisted.pop(folder, None)
            for entry in self._listings.pop(folder).values():
                self.occupancy.contents.pop(entry.path, None)
