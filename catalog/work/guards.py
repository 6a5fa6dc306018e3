"""What stops a run before it changes anything."""

from __future__ import annotations

import os
from pathlib import Path

from catalog.domain.document import StoreRecord
from catalog.errors import (
    ConfirmationNeeded,
    PermissionDenied,
    SourceInsideCatalog,
    StoreGuard,
    UnknownCatalog,
    UsageError,
)
from catalog.stores.marker import Marker
from catalog.stores.paths import PRIVATE
from catalog.stores.root import Overlap, Root

ALL_OF = 4
"""Recorded files of which all may not just be gone, however few they are."""


def check_folder(path: str) -> Path:
    """The real path of a folder to read.

    Raises UsageError where it is none, PermissionDenied where this user may not look into it.
    """
    real = Path(os.path.realpath(path))
    if is_shut(real):
        raise PermissionDenied(
            f"No permission to look into the folder {path}.", hint="Check its owner and mode."
        )
    if not real.exists():
        raise UsageError(
            f"There is no folder {path}.",
            hint="Check the spelling, or whether the disk is mounted.",
        )
    if not real.is_dir():
        raise UsageError(f"{path} is a file, not a folder.", hint="Name the folder it lies in.")
    return real


def is_shut(folder: Path) -> bool:
    """Whether the system does not let this user look into a folder, whatever lies in it."""
    try:
        (folder / PRIVATE).lstat()
    except PermissionError:
        return True
    except OSError:
        pass
    return False


def check_apart(source: Root, root: Root) -> None:
    """Raise SourceInsideCatalog where one of two roots lies in the other."""
    overlap = source.overlap(root)
    if overlap is Overlap.AROUND:
        raise SourceInsideCatalog(
            f"The catalog {root.shown} lies inside the folder {source.shown}; nothing was changed.",
            hint="Name folders beside the catalog one by one.",
        )
    if overlap is not None:
        raise SourceInsideCatalog(
            f"The folder {source.shown} lies inside the catalog {root.shown}; nothing was changed.",
            hint="Name a folder outside it.",
        )


def check_marker(name: str, root: object, marker: Marker | None, known: StoreRecord | None) -> None:
    """Raise StoreGuard where a root is not the store that the catalog knows under this name."""
    if known is None or (marker is not None and marker.id == known["id"]):
        return
    hint = "Is it mounted? `catalog store list` says where each store is."
    if marker is None:
        where = f"{root} has no marker of store {name}, which the catalog knows at {known['root']}"
    else:
        where = (
            f"{root} is marked as another store than {name}, which the catalog knows at "
            f"{known['root']}"
        )
    raise StoreGuard(f"{where}; nothing was changed.", hint=hint)


def unknown_catalog(
    name: str, root: Root, marker: Marker, known: StoreRecord | None, index: str
) -> UnknownCatalog:
    """What is told where a marker names a catalog that an index, as `index` shows it,
    does not know: the ways out.
    """
    folder = name if root.folder is None else root.shown
    hint = (
        f"If the index of that catalog is lost, `catalog rebuild {folder}` records all that lies "
        "there; or bring it back by `catalog restore` or `catalog import`. If it is elsewhere, "
        "name its Elasticsearch and index (elasticsearch_url, index, or the HOME of who made it)."
    )
    if known is not None and known["id"] == marker.id:
        hint += f" If it is to be this one's: catalog store add {name} {root.shown} --force."
    return UnknownCatalog(
        f"{root.shown} is a store of another catalog than {index} knows, by its marker; "
        "nothing was changed.",
        hint=hint,
    )


def check_shrunk(missing: int, total: int, percent: float, files: int) -> None:
    """Raise StoreGuard where so many recorded files are missing that the store, or a part of it,
    may just not be there.
    """
    if missing > files and missing * 100 > total * percent:
        raise StoreGuard(
            f"{missing:,} of {total:,} recorded files are not there, more than {percent:g} % and "
            f"{files:,} files; "
            "nothing was changed.",
            hint="Is everything mounted? If they are really gone, add --accept-losses.",
        )
    if missing == total and total >= ALL_OF:
        raise StoreGuard(
            f"{missing:,} of {total:,} recorded files are not there, which is all of them; "
            "nothing was changed.",
            hint="Is everything mounted? If they are really gone, add --accept-losses.",
        )


def check_removals(count: int, limit: int, *, yes: bool) -> None:
    """Raise ConfirmationNeeded where a run would remove more files than the limit without a
    person's consent.
    """
    if count > limit and not yes:
        raise ConfirmationNeeded(
            f"Up to {count:,} files would be removed from the source, more than {limit:,}; "
            "nothing was changed.",
            hint="Add --yes if that is meant, or raise move_limit in the configuration.",
        )
