"""The two folders: where files wait to be put in order, and where those of categories are made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from catalog.errors import ConfigError, StoreUnavailable, UnknownCatalog, UsageError
from catalog.features.sorting.plan import Places
from catalog.index.repository import Repository
from catalog.stores.protocol import FileTags, ManagedStore, TaggedStore
from catalog.stores.root import Overlap, Root
from catalog.work.named_folders import is_bare, root_called, root_of_setting
from catalog.work.sink import Level, Sink
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

OUTSIDE = "folder"
"""What the folder is called in outcomes that lies in no store."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Both folders within one store. Without a `repository` it is no store of a catalog. `tags` are
    those of the store itself; without them those of the catalog count.
    """

    store: ManagedStore
    places: Places
    repository: Repository | None
    tags: FileTags | None


def check_settings(workspace: Workspace) -> None:
    """Raise ConfigError where something is not set. Asks no server."""
    for name in ("unsorted_remote_dir", "images_root_dir"):
        root_of_setting(workspace, name)
    if not workspace.settings.parent_tag_value:
        raise ConfigError(
            "There is no parent_tag_value.",
            hint="Set it in config.json, or CATALOG_PARENT_TAG_VALUE: ai for tags such as ai:cats.",
        )


@contextmanager
def open_folders(workspace: Workspace, sink: Sink, *, dry: bool) -> Iterator[Opened]:
    """The folders that the settings name, and what both lie in.

    Raises UsageError where they are no two of one store, or nothing there has tags;
    StoreUnavailable, StoreGuard, CatalogIndexError.
    """
    unsorted, images = _find_folders(workspace, sink)
    marked = next((above for above in unsorted.upwards() if above.marker() is not None), None)
    if marked is None:
        with _open_outside(workspace, unsorted, images) as opened:
            yield opened
        return
    repository = workspace.existing_repository
    book = StoreBook(workspace, repository, sink.notice)
    with book.open(_name_of(book, marked), dry=dry) as store:
        if not dry:
            store.sweep()
        yield Opened(store, _places(workspace, store, unsorted, images), repository, _tags(store))


def _find_folders(workspace: Workspace, sink: Sink) -> tuple[Root, Root]:
    """Where both are: the first one may be named as a whole, or as a folder of the second."""
    images = root_of_setting(workspace, "images_root_dir")
    unsorted = root_of_setting(workspace, "unsorted_remote_dir")
    text, above = (
        str(getattr(workspace.settings, name))
        for name in ("unsorted_remote_dir", "images_root_dir")
    )
    how = "its whole path"
    if is_bare(text) and not (is_bare(above) and unsorted.is_there()):
        inside = root_called(workspace, f"{above.rstrip('/')}/{text}")
        if not inside.is_there():
            tried = f"{unsorted.shown} nor {inside.shown}" if is_bare(above) else inside.shown
            raise _is_absent(tried, is_bare(above))
        unsorted, how = inside, "a folder of images_root_dir"
    elif not unsorted.is_there():
        raise _is_absent(unsorted.shown, False)
    sink.notice(
        f"Files are taken from {unsorted.shown} (unsorted_remote_dir is {how}), into folders of "
        f"{images.shown}.",
        Level.INFO,
    )
    if unsorted.overlap(images) in (Overlap.SAME, Overlap.AROUND):
        raise UsageError(
            f"images_root_dir ({images.shown}) lies where files are taken from.",
            hint="Name a folder beside unsorted_remote_dir, or around it.",
        )
    return unsorted, images


def _is_absent(tried: str, neither: bool) -> StoreUnavailable:
    told = f"Neither {tried} is there" if neither else f"The folder {tried} is not there"
    return StoreUnavailable(
        f"{told}; nothing was changed.",
        store=OUTSIDE,
        hint="Check unsorted_remote_dir and images_root_dir.",
    )


@contextmanager
def _open_outside(workspace: Workspace, unsorted: Root, images: Root) -> Iterator[Opened]:
    """Both folders within the nearest one around them, which is no store of a catalog."""
    both = (Overlap.SAME, Overlap.AROUND)
    common = next((above for above in unsorted.upwards() if above.overlap(images) in both), None)
    if common is None:
        raise UsageError(
            f"{unsorted.shown} and {images.shown} have no folder in common.",
            hint="Files are renamed and not sent: name two folders of one server.",
        )
    with closing(common.store(OUTSIDE)) as store:
        tags = _tags(store)
        if tags is None:
            raise UsageError(
                f"Nothing has tags for {unsorted.shown}: no Nextcloud, and no store of the "
                "catalog that it lies in.",
                hint="For the tags of `catalog tag`, add a store around it: `catalog store add`.",
            )
        yield Opened(store, _places(workspace, store, unsorted, images), None, tags)


def _tags(store: ManagedStore) -> FileTags | None:
    return store.tags() if isinstance(store, TaggedStore) else None


def _places(workspace: Workspace, store: ManagedStore, unsorted: Root, images: Root) -> Places:
    """The folders as the store names them. Raises UsageError for one that is not in it."""
    parent = str(workspace.settings.parent_tag_value)
    first, second = (store.relative(next(root.upwards()).text) for root in (unsorted, images))
    if not first:
        raise UsageError(
            f"unsorted_remote_dir is all of {unsorted.shown}.", hint="Name a folder in it."
        )
    return Places(first, second, parent)


def _name_of(book: StoreBook, root: Root) -> str:
    """What the catalog calls the store of a root. Raises UnknownCatalog."""
    marker = root.marker()
    for name, record in book.known.items():
        if marker is not None and record["id"] == marker.id:
            return name
    raise UnknownCatalog(
        f"{root.shown} is a store that the index does not know; nothing was changed.",
        hint="Name the index of its catalog with --index, or add it: `catalog store add`.",
    )
