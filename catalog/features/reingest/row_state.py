"""How a row of a report stands: what was done of it before, what a person changed since, and rows
that stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from catalog.domain.document import HandoverRow
from catalog.domain.filetypes import extension_of
from catalog.domain.names import portable
from catalog.domain.spreadsheets import Row
from catalog.features.reingest.plan import SKIP

HAND_OVER = "hand over"
"""The name of the actions that bring files into a staging folder."""
HANDED_OVER = "handed over to"
"""How the reason of a row begins that is skipped because the cloud has it."""
NO_DATE = "unknown_"


@dataclass(frozen=True, slots=True)
class Dated:
    """The date of a row: its wall clock, None where it has none; the offset in minutes, if known;
    whether a person set it."""

    wall: datetime | None
    offset: int | None = None
    edited: bool = False


@dataclass(frozen=True, slots=True)
class LeftRow:
    """A row with which nothing is done, and what is told of it: why not, or what was done of it
    before.

    `cells` are what the report's progress is to say of it; None leaves what that says.
    """

    name: str
    row: Row
    outcome: str
    reason: str = ""
    store: str = ""
    target: str = ""
    hash: str = ""
    cells: Mapping[str, str] | None = None
    counts: bool = False

    @property
    def key(self) -> str:
        """The file that the row is about."""
        return self.row.cells.get("file", "")

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.outcome} {self.key}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True, slots=True)
class Stage:
    """A file that comes into the staging folder, as it is or in another form.

    `stem` and `target` are its name there, without and with what makes it free; `size` is its
    bytes.
    """

    row: Row
    hash: str
    stem: str
    target: str
    size: int
    name: ClassVar[str] = HAND_OVER
    counts: ClassVar[bool] = True

    @property
    def key(self) -> str:
        """The file that is handed over."""
        return self.row.cells["file"]


@dataclass(frozen=True, slots=True)
class RowState:
    """A row whose file is to be handed over, and what is known of that.

    `when` is its date, and `before` what an earlier run may have understood by it, None where that
    cannot be told. `earlier` is what an earlier run said of it. `record` is the handover of the
    file's content, if there was one, and `lies_staged` whether its copy still lies where it was
    put. `again`: a person asks for what is no longer staged.
    """

    row: Row
    when: Dated
    before: Dated | None
    earlier: Mapping[str, str]
    record: HandoverRow | None
    lies_staged: bool = False
    again: bool = False

    @property
    def is_wanted_again(self) -> bool:
        """Whether what was handed over is to be staged once more."""
        return self.again and self.record is not None and not self.lies_staged


def is_skipped(row: Row) -> bool:
    """Whether a row says that nothing is to be done with its file."""
    return row.get("action").lower() == SKIP


def was_overruled(row: Row) -> bool:
    """Whether a person hands something over again though the report says that the cloud has it."""
    return row.get("reason").startswith(HANDED_OVER)


def describe_handover(record: HandoverRow) -> str:
    """A handover in words: `handed over to icloud on 2026-01-02 as
    20190712_183015-IMG_0001.jpg`.
    """
    return f"{HANDED_OVER} {record['target']} on {record['at'][:10]} as {record['name']}"


def describe_earlier(record: HandoverRow, *, lies_staged: bool) -> str:
    """A handover in words, and what to do where its copy is gone."""
    return (
        describe_handover(record)
        if lies_staged
        else f"{describe_handover(record)}, and no longer staged: --again stages it once more"
    )


def amend_hint(record: HandoverRow, what: str) -> str:
    """What to do where a handover is not as a person wants it now."""
    return (
        f"{describe_handover(record)}, {what}: take that back with `catalog undo "
        f"{record['run']}`, and "
        "process it again"
    )


def redating_problem(row: Row, when: Dated, record: HandoverRow, before: Dated | None) -> str:
    """Why the date of a handover is not the one that its row asks for now, or "".

    `before` is what an earlier run understood of the row, None where it did none. A row without a
    date asks for none.
    """
    named, wanted = record["name"], stem(when.wall, "x")[:-1]
    own = record.get("source") == row.cells["file"]
    dated_otherwise = not named.startswith(wanted) and (when.wall is not None or own)
    offsets = (
        before is not None
        and None not in (when.offset, before.offset)
        and when.offset != before.offset
    )
    return amend_hint(record, "its date was changed since") if dated_otherwise or offsets else ""


def stem(wall: datetime | None, original: str) -> str:
    """The name of a staged file without extension: `YYYYMMDD_HHMMSS-original`, or
    `unknown_original`."""
    extension = extension_of(original)
    old = portable(original[: -len(extension) - 1] if extension else original)
    if wall is None:
        return f"{NO_DATE}{old}"
    return f"{wall.year:04d}{wall:%m%d_%H%M%S}-{old}"
