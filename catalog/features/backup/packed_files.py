"""Files that are packed on their way: written whole or not at all, read whatever packed them."""

from __future__ import annotations

import bz2
import contextlib
import errno
import fcntl
import gzip
import lzma
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from catalog.domain.names import printable
from catalog.errors import TransferError, UsageError

LONGEST_LINE = 256 * 2**20
"""Bytes; Elasticsearch takes no request above 100 MB."""
_GZIP_LEVEL, _XZ_PRESET = 6, 2
"""Beyond these a catalog gets a little smaller and takes much longer."""
_BEGINNINGS = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zst"}
"""First bytes of packed files: RFC 1952, bzip2, the .xz format 1.2, RFC 8878."""
_BROKEN = (OSError, zlib.error, lzma.LZMAError, ValueError)


class Writable(Protocol):
    """What bytes can be written to."""

    def write(self, data: bytes, /) -> object:
        """Write all of them."""
        ...

    def flush(self) -> object:
        """Hand over what is still held back."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """A stream that is written instead of a file, as it is; `shown` names it in messages."""

    stream: Writable
    shown: str


@dataclass(frozen=True, slots=True)
class PackedInput:
    """A buffered stream that is read instead of a file; `shown` names it in messages."""

    stream: IO[bytes]
    shown: str


class Output:
    """Where bytes go; errors of the system are ours. `size` is what was written, before packing."""

    def __init__(self, file: Writable, shown: str) -> None:
        self._file = file
        self._shown = shown
        self.size = 0

    def write(self, data: bytes) -> None:
        """Write all of it."""
        with _told("written", self._shown):
            self._file.write(data)
        self.size += len(data)


class Input:
    """Where lines come from; errors of the system, and of what packed them, are ours."""

    def __init__(self, file: IO[bytes], shown: str) -> None:
        self._file = file
        self.shown = shown

    def readline(self) -> bytes:
        """The next line with its line feed; empty at the end."""
        try:
            line = self._file.readline(LONGEST_LINE)
        except EOFError:
            raise TransferError(
                f"{self.shown} is cut short.", hint="Copy it again from where it came."
            ) from None
        except _BROKEN as error:
            reason = getattr(error, "strerror", None) or error
            raise TransferError(
                f"{self.shown} cannot be read: {reason}.", hint="Copy it again from where it came."
            ) from error
        if len(line) == LONGEST_LINE:
            raise TransferError(
                f"{self.shown} has a line that is too long for any document.",
                hint="Is it an export?",
            )
        return line


# --- writing --------------------------------------------------------------------------------------


def check_target(name: str, *, force: bool) -> None:
    """Raise UsageError where a file of that name cannot, or must not, be written."""
    path = Path(name)
    if path.suffix == ".zst":
        raise UsageError(
            f"{printable(name)}: this program does not write zst.",
            hint="Use the ending .gz, .bz2 or .xz.",
        )
    if path.is_dir():
        raise UsageError(f"{printable(name)} is a folder.", hint="Name a file.")
    if not path.absolute().parent.is_dir():
        raise UsageError(
            f"The folder {printable(str(path.absolute().parent))} is not there.",
            hint="Make it first.",
        )
    if path.exists() and not force:
        raise _taken(name)


@contextlib.contextmanager
def open_written(name: str, *, force: bool) -> Iterator[Output]:
    """A file to write, packed as its ending says.

    It gets its name when it is whole; after an error nothing is left.
    """
    path = Path(name).absolute()
    shown = printable(name)
    partial = path.with_name(f".{path.name}.partial")
    with _told("written", shown):
        descriptor = _claimed(partial, shown)
    try:
        with _told("written", shown), os.fdopen(descriptor, "wb") as raw:
            with contextlib.closing(_packing(raw, path.suffix)) as packed:
                yield Output(packed, shown)
            raw.flush()
            os.fsync(raw.fileno())
            _give_name(partial, path, name, force=force)  # before the claim ends with the file
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


@contextlib.contextmanager
def pour(target: Target) -> Iterator[Output]:
    """A stream to write, which nothing is done to where an error comes."""
    yield Output(target.stream, target.shown)
    with _told("written", target.shown):
        target.stream.flush()


def _claimed(partial: Path, shown: str) -> int:
    """An empty file of the temporary name for us alone;
    a leftover of a killed program is reused.
    """
    while True:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            hint = "Wait for it, or name another file."
            raise TransferError(
                f"Another program is writing {shown} right now.", hint=hint
            ) from None
        except OSError:
            pass  # a file system without locks
        if _is_still_there(partial, descriptor):
            os.ftruncate(descriptor, 0)
            return descriptor
        os.close(descriptor)  # another program has given it its real name meanwhile


def _is_still_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _packing(raw: IO[bytes], suffix: str) -> Any:
    if suffix == ".gz":
        return gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=raw)
    if suffix == ".bz2":
        return bz2.BZ2File(raw, "wb")
    if suffix == ".xz":
        return lzma.LZMAFile(raw, "wb", preset=_XZ_PRESET)
    return open(os.dup(raw.fileno()), "wb")


def _give_name(partial: Path, path: Path, name: str, *, force: bool) -> None:
    """From the temporary name to the real one; without force nothing is replaced."""
    if not force:
        try:
            os.link(partial, path)
            partial.unlink()
        except FileExistsError:
            raise _taken(name) from None
        except OSError:  # a file system without hard links
            if path.exists():
                raise _taken(name) from None
        else:
            return
    partial.replace(path)


def _taken(name: str) -> UsageError:
    return UsageError(
        f"{printable(name)} is there already; it was not changed.",
        hint="Name another file, or add --force.",
    )


@contextlib.contextmanager
def _told(verb: str, shown: str) -> Iterator[None]:
    """Raise our error for one of the system."""
    try:
        yield
    except BrokenPipeError:
        raise TransferError("Whoever read the export has stopped; it is not whole.") from None
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "the disk is full" if full else error.strerror or error
        raise TransferError(
            f"{shown} cannot be {verb}: {reason}.", hint="Name a file elsewhere." if full else ""
        ) from error


# --- reading --------------------------------------------------------------------------------------


def unpack(source: PackedInput) -> Input:
    """A stream to read line by line, unpacked by what its first bytes say."""
    return Input(_unpacking(source.stream, source.shown), source.shown)


@contextlib.contextmanager
def open_file(name: str) -> Iterator[Input]:
    """A file to read line by line, unpacked the same way. Raises UsageError where there is none."""
    shown = printable(name)
    with contextlib.ExitStack() as stack:
        try:
            raw = stack.enter_context(Path(name).open("rb"))
        except OSError as error:
            raise UsageError(
                f"{shown} cannot be read: {error.strerror}.", hint="Check its name."
            ) from error
        yield Input(stack.enter_context(contextlib.closing(_unpacking(raw, shown))), shown)


def _unpacking(raw: Any, shown: str) -> Any:
    try:
        beginning = raw.peek(8)
    except OSError as error:
        raise UsageError(
            f"{shown} cannot be read: {error.strerror}.", hint="Check its name."
        ) from error
    packed = next((kind for mark, kind in _BEGINNINGS.items() if beginning.startswith(mark)), "")
    if packed == "zst":
        raise UsageError(
            f"{shown} is packed with zstd, which this program does not read.",
            hint="Unpack it on the way: zstd -dc FILE | catalog import -",
        )
    if packed == "gz":
        return gzip.GzipFile(fileobj=raw, mode="rb")
    return {"bz2": bz2.BZ2File, "xz": lzma.LZMAFile}[packed](raw) if packed else raw
