"""What becomes of duplicates: which of them a person is asked about, which go to the trash, and
which come back from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from catalog.domain.spreadsheets import Row
from catalog.features.reingest.row_state import LeftRow

KEEP, DELETE = "keep", "delete"
"""What a report of duplicates can say of a file."""
RESTORE = "restore"
"""The name of the actions that bring files back."""
EXACT, SAME_IMAGE, SIMILAR = DUPLICATES = ("exact", "same-image", "similar")
"""Same bytes; same image data with other metadata; the same picture in another size, quality,
format or turn."""
MISSING = "file_missing"
"""What the progress of a report says of a file that was not there."""
_GONE = "the file is not there"


def propose_duplicate(
    kind: str, *, same_folder: bool, has_company: bool = False
) -> tuple[str, str]:
    """Action and reason for a file that duplicates another: it goes only where nothing but one file
    more is lost."""
    if kind != EXACT:
        what = (
            "same picture in another rendering"
            if kind == SIMILAR
            else "same image data, other metadata"
        )
        return KEEP, f"{what}: set the action to delete if it may go"
    if not same_folder:
        return (
            KEEP,
            "same content in another folder, where it may be wanted: set the action to delete if "
            "it may go",
        )
    if has_company:
        return (
            KEEP,
            "same content, with other files of its name: set the action to delete if it may go",
        )
    return DELETE, "same content"


# --- away -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """A file of a row, as it was found: its size in bytes, None where it is not there.

    `problem` says why it must stay. `trash` is where in a trash its content lies, as a run that was
    cut off has left it.
    """

    size: int | None = None
    problem: str = ""
    trash: str = ""


@dataclass(frozen=True, slots=True)
class Remove:
    """A file goes to a trash, while what it duplicates stays.

    `trash`: it lies there already, which is only to be told.
    """

    row: Row
    hash: str
    size: int = 0
    trash: str = ""
    name: str = DELETE
    counts: bool = True

    @property
    def key(self) -> str:
        """The file that goes."""
        return self.row.cells["file"]

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.name} {self.key}: it duplicates {self.row.cells['dupe_of']}"


def is_going(row: Row) -> bool:
    """Whether a row says that its file may go."""
    return row.get("action").lower() == DELETE


def is_told(row: Row, earlier: Mapping[str, str], *, is_there: bool) -> bool:
    """Whether what an earlier run said of a row is still true: it took the file away, and nothing
    came in its place."""
    return is_going(row) and earlier.get("removed") == "1" and not is_there


def plan_removal(row: Row, seen: Seen) -> LeftRow | Remove:
    """Whether the file of a row goes."""
    if not is_going(row):
        return LeftRow(DELETE, row, "kept", cells=_cells("0"))
    digest = row.get("hash").lower()
    if seen.size is None and seen.trash:
        return Remove(row, digest, trash=seen.trash)
    if seen.size is None:
        return LeftRow(
            DELETE, row, "missing", f"line {row.line}: {_GONE}", cells=_cells(MISSING, _GONE)
        )
    if seen.problem:
        return stay(row, seen.problem)
    return Remove(row, digest, seen.size)


def stay(row: Row, problem: str) -> LeftRow:
    """A file that must stay, though a row says that it may go."""
    return LeftRow(DELETE, row, "failed", f"line {row.line}: {problem}", cells=_cells("0", problem))


def _cells(removed: str, reason: str = "") -> dict[str, str]:
    """What the progress of a report says of a file that was not taken away."""
    return {"removed": removed, "removed_kb": "0", "removed_reason": reason, "trash": ""}


def cells_of(action: Remove, trash: str) -> dict[str, str]:
    """What the progress of a report says of a file that lies in a trash."""
    size = str(action.size) if not action.trash else action.row.get("size")
    kilobytes = f"{int(size) / 1024:.1f}" if size.isdecimal() else "0"
    return {"removed": "1", "removed_kb": kilobytes, "removed_reason": "", "trash": trash}


# --- and back -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trashed:
    """A file that an earlier run took away: where in the trash it should lie, and the path that it
    comes back to.

    `content` is what the trash holds there and `lying` what lies at its path: content hashes, None
    for nothing. `problem` says why that cannot be told.
    """

    row: Row
    trash: str
    path: str = ""
    content: str | None = None
    lying: str | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Restore:
    """A file comes back from the trash of a folder that is no store.

    `is_back`: it is there, which is only to be told.
    """

    row: Row
    hash: str
    trash: str
    path: str
    is_back: bool = False
    name: str = RESTORE
    counts: bool = True

    @property
    def key(self) -> str:
        """The file that comes back."""
        return self.row.cells["file"]

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.name} {self.key}"


def plan_return(found: Trashed) -> LeftRow | Restore:
    """Whether a file comes back."""
    row, digest = found.row, found.row.get("hash").lower()
    is_back = found.content is None and found.lying == digest
    problem = found.problem or ("" if is_back else _why_not_back(found, digest))
    if problem:
        return LeftRow(RESTORE, row, "failed", problem)
    return Restore(row, digest, found.trash, found.path, is_back)


def _why_not_back(found: Trashed, digest: str) -> str:
    if not found.trash.startswith("/"):
        return (
            "it lies in the trash of a store: catalog trash restore "
            f"{found.trash.partition(':')[2]}"
        )
    if found.content is None:
        return "it is no longer in the trash"
    if found.content != digest:
        return "what lies in the trash has another content"
    return "" if found.lying is None else "another file lies where it was"
