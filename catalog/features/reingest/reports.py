"""The tables of `reingest` as files: the report that a person edits, and beside it what became of
each of its rows.

The report is written once and never changed. Its progress is `<report>_processed.csv`: the same
columns and those of the outcome, a line appended as each row is done.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from catalog.domain.spreadsheets import (
    Row,
    Table,
    encode_header,
    encode_line,
    in_known_order,
    parse,
    whole_rows,
)
from catalog.errors import (
    AlreadyExists,
    ConfirmationNeeded,
    PermissionDenied,
    StoreError,
    StoreFull,
    UsageError,
)
from catalog.filesystem.aside import open_aside
from catalog.filesystem.atomic_rename import rename_without_overwriting

PROCESSED = "_processed"


def check_writable(path: Path, *, replace: bool) -> None:
    """Raise, before anything is read, what would keep a report from being written."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", hint="Name a file for the report.")
    if not path.absolute().parent.is_dir():
        raise UsageError(
            f"There is no folder {path.absolute().parent} for the report.",
            hint="Make it, or check --report.",
        )
    if path.exists() and not replace:
        raise ConfirmationNeeded(
            f"The report {path} is there already, and may have been edited; nothing was changed.",
            hint="Name another with --report, or add --yes to replace it.",
        )
    if not os.access(path.absolute().parent, os.W_OK):
        raise PermissionDenied(
            f"The folder {path.absolute().parent} cannot be written to.",
            hint="Name another with --report.",
        )


def write_report(
    path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]], *, replace: bool
) -> None:
    """Write a whole report aside, then give it its name. Raises AlreadyExists, unless `replace`."""
    lines = (encode_line(row.get(column, "") for column in columns) for row in rows)
    _write(path, [encode_header(columns), *lines], replace=replace)


def _write(path: Path, lines: Iterable[bytes], *, replace: bool) -> None:
    try:
        with open_aside(path) as (aside, file):
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
            if replace:
                aside.replace(path)
            else:
                rename_without_overwriting(os.fspath(aside), os.fspath(path.absolute()))
    except FileExistsError as error:
        raise AlreadyExists(
            f"{path} has come to be there meanwhile.", hint="Name another with --report."
        ) from error
    except OSError as error:
        raise _failure(path, error) from error


def _failure(path: Path, error: OSError) -> StoreError:
    kind = StoreFull if error.errno in (28, 122) else StoreError
    return kind(
        f"{path} cannot be written ({error.strerror}).",
        hint="Make room, or name another place with --report.",
    )


def read_table(path: Path, needed: Sequence[str], known: Sequence[str] = ()) -> Table:
    """A table that a person may have edited.

    Raises UsageError where all of it is refused; see `spreadsheets.parse`.
    """
    try:
        data = path.read_bytes()
    except IsADirectoryError:
        raise UsageError(
            f"{path} is a folder, not a report.", hint="Name the CSV file in it."
        ) from None
    except OSError as error:
        raise UsageError(
            f"The report {path} cannot be read ({error.strerror}).", hint="Check the spelling."
        ) from None
    try:
        return in_known_order(parse(data, needed, known), "datetime", "taken")
    except ValueError as error:
        raise UsageError(
            f"The report {path} cannot be used: {error}; nothing was changed.",
            hint="Repair it, or evaluate again.",
        ) from None


def processed_path(report: Path, suffix: str = PROCESSED) -> Path:
    """Where the progress of a report is kept."""
    return report.with_name(f"{report.stem}{suffix}.csv")


@dataclass(slots=True)
class Processed:
    """What became of the rows of a report: a file that is appended to, so that a killed run loses
    the row under way at most.

    `added` are the columns of the outcome. `earlier` holds the last row of each file from earlier
    runs, whoever wrote it.
    """

    report: Path
    columns: Sequence[str]
    added: Sequence[str]
    key: str = "file"
    earlier: dict[str, dict[str, str]] = field(default_factory=dict)
    suffix: str = PROCESSED
    _descriptor: int = -1

    @property
    def path(self) -> Path:
        """The file."""
        return processed_path(self.report, self.suffix)

    @property
    def all_columns(self) -> tuple[str, ...]:
        """Those of the report, then those of the outcome."""
        return (*(c for c in self.columns if c not in self.added), *self.added)

    @contextlib.contextmanager
    def opened(self, *, dry: bool = False) -> Iterator[None]:
        """Read what earlier runs said; unless `dry`, with the report locked against a second run
        that would add to it."""
        if dry:
            self._load()
            yield
            return
        lock = _locked(self.report)
        try:
            self._load()
            yield
        finally:
            if self._descriptor >= 0:
                with contextlib.suppress(OSError):
                    os.fsync(self._descriptor)
                os.close(self._descriptor)
                self._descriptor = -1
            os.close(lock)

    def _load(self) -> None:
        """Read what is there already, without a row that a killed run left half."""
        if not self.path.exists():
            return
        try:
            data = self.path.read_bytes()
            whole = data[: whole_rows(data)] if data[:2] not in (b"\xff\xfe", b"\xfe\xff") else data
            table = parse(whole, [self.key], self.added) if whole else Table((), ())
        except OSError as error:
            raise _failure(self.path, error) from error
        except ValueError as error:
            raise UsageError(
                f"{self.path}, which tells what was done, cannot be used: {error}; nothing was "
                "changed.",
                hint="Repair it, or move it away.",
            ) from None
        further = [c for c in table.columns if c not in self.all_columns]
        self.columns = (*self.columns, *further)
        for row in table.rows:
            self.earlier[row.cells.get(self.key, "")] = dict(row.cells)

    def begin(self, again: Iterable[str] = ()) -> None:
        """Open the file for rows; those of earlier runs stay,
        except of files that are done again.
        """
        for name in again:
            self.earlier.pop(name, None)
        lines = [
            encode_line(row.get(c, "") for c in self.all_columns) for row in self.earlier.values()
        ]
        data = b"".join([encode_header(self.all_columns), *lines])
        try:
            if not self.path.exists() or self.path.read_bytes() != data:
                _write(self.path, [data], replace=True)
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except OSError as error:
            raise _failure(self.path, error) from error

    def add(self, row: Row, **outcome: str) -> None:
        """Say what became of a row; it is in the file when this returns. Raises StoreError."""
        cells = {**row.cells, **outcome}
        line = encode_line(cells.get(column, "") for column in self.all_columns)
        try:
            if os.write(self._descriptor, line) != len(line):
                raise OSError(28, "No space left on device")
        except OSError as error:
            raise _failure(self.path, error) from error


def _locked(report: Path) -> int:
    """A descriptor that holds the lock of a report.

    Raises ConfirmationNeeded where another run has it.
    """
    descriptor = os.open(report, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ConfirmationNeeded(
            f"Another command is at work on {report}; nothing was changed.",
            hint="Wait until it has ended.",
        ) from None
    except OSError:  # no locks on this file system
        pass
    return descriptor
