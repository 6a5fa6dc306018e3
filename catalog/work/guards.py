"""What stops a run before it changes anything."""

from __future__ import annotations

import os
from pathlib import Path

from catalog.domain.names import comparison_key
from catalog.errors import ConfirmationNeeded, SourceInsideCatalog, StoreGuard, UsageError

ALL_OF = 4
"""Recorded files of which all may not just be gone, however few they are."""


def check_folder(path: str) -> Path:
    """The real path of a folder to read. Raises UsageError where it is none."""
    real = Path(os.path.realpath(path))
    if not real.exists():
        raise UsageError(f"There is no folder {path}.", hint="Check the spelling, or whether the disk is mounted.")
    if not real.is_dir():
        raise UsageError(f"{path} is a file, not a folder.", hint="Name the folder it lies in.")
    return real


def check_apart(source: Path, root: Path) -> None:
    """Raise SourceInsideCatalog where one of two real folders lies in the other, by path or by being the same on disk."""
    real_root = Path(os.path.realpath(root))
    if source == real_root or source.is_relative_to(real_root) or _is_below(source, real_root):
        raise SourceInsideCatalog(f"The folder {source} lies inside the catalog {root}; nothing was changed.",
                                  hint="Name a folder outside it.")  # fmt: skip
    if real_root.is_relative_to(source) or _is_below(real_root, source):
        raise SourceInsideCatalog(f"The catalog {root} lies inside the folder {source}; nothing was changed.",
                                  hint="Name folders beside the catalog one by one.")  # fmt: skip


def check_places_apart(source: str, root: str) -> None:
    """Raise SourceInsideCatalog where one of two folders of one account lies in the other (POSIX paths, any case)."""
    one, other = (f"{comparison_key(place.rstrip('/'))}/" for place in (source, root))
    if one.startswith(other):
        raise SourceInsideCatalog(f"The folder {source} lies inside the catalog {root}; nothing was changed.",
                                  hint="Name a folder outside it.")  # fmt: skip
    if other.startswith(one):
        raise SourceInsideCatalog(f"The catalog {root} lies inside the folder {source}; nothing was changed.",
                                  hint="Name folders beside the catalog one by one.")  # fmt: skip


def _is_below(inner: Path, outer: Path) -> bool:
    """Whether some parent of `inner` is the very folder `outer`, as a bind mount shows it under another name."""
    try:
        wanted = outer.stat()
    except OSError:
        return False
    for folder in (inner, *inner.parents):
        try:
            if os.path.samestat(folder.stat(), wanted):
                return True
        except OSError:
            continue
    return False


def check_marker(name: str, root: object, marker: str | None, known: dict[str, object] | None) -> None:
    """Raise StoreGuard where a root is not the store that the catalog knows under this name."""
    if known is None or marker == known["id"]:
        return
    hint = "Is it mounted? For another catalog name another --index."
    if marker is None:
        where = f"{root} has no marker of store {name}, which the catalog knows at {known['root']}"
    else:
        where = f"{root} is marked as another store than {name}, which the catalog knows at {known['root']}"
    raise StoreGuard(f"{where}; nothing was changed.", hint=hint)


def check_shrunk(missing: int, total: int, percent: float, files: int) -> None:
    """Raise StoreGuard where so many recorded files are missing that the store, or a part of it, may just not be there."""
    if missing > files and missing * 100 > total * percent:
        raise StoreGuard(
            f"{missing:,} of {total:,} recorded files are not there, more than {percent:g} % and {files:,} files; "
            "nothing was changed.",
            hint="Is everything mounted? If they are really gone, add --accept-losses.",
        )
    if missing == total and total >= ALL_OF:
        raise StoreGuard(
            f"{missing:,} of {total:,} recorded files are not there, which is all of them; nothing was changed.",
            hint="Is everything mounted? If they are really gone, add --accept-losses.",
        )


def check_removals(count: int, limit: int, *, yes: bool) -> None:
    """Raise ConfirmationNeeded where a run would remove more files than the limit without a person's consent."""
    if count > limit and not yes:
        raise ConfirmationNeeded(
            f"Up to {count:,} files would be removed from the source, more than {limit:,}; nothing was changed.",
            hint="Add --yes if that is meant, or raise move_limit in the configuration.",
        )
