"""A command in this very process: with the arguments, environment, folder and streams that a
process of its own would have, and put back afterwards.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import IO, TextIO
from unittest import mock

from catalog.cli import program
from catalog.work import workers
from catalog.work.workers import Limits, Nursery


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of the program, as if started in a folder."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with (
            _surroundings(folder, environment),
            _handlers(),
            _streams(command, out, err),
            mock.patch.object(workers, "Nursery", _nursery),
        ):
            status = _status()
        return status, _text(out), _text(err)


def _status() -> int:
    try:
        program.main()
    except SystemExit as ended:
        assert isinstance(ended.code, int)
        return ended.code


class _Kept(Nursery):
    """One that is there for the next command as well, which so need not load the readers again."""

    def _start(self) -> None:
        with chdir("/"):  # a folder that outlives the command's
            super()._start()

    def close(self) -> None:
        """Only what is dead is done with."""
        if self._process is not None and self._process.poll() is not None:
            super().close()


_kept: dict[object, _Kept] = {}


def _nursery(limits: Limits) -> Nursery:
    """The one for such files, in such an environment; a new one for a folder to write in."""
    if limits.writable:
        return Nursery(limits)
    key = (limits.memory, limits.optional_readers, *map(os.environ.get, ("TZ", "LC_ALL", "PATH")))
    return _kept.setdefault(key, _Kept(limits))


@atexit.register
def _close() -> None:
    for nursery in _kept.values():
        Nursery.close(nursery)


@contextmanager
def _surroundings(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Environment, with the time zone that it names, and working folder."""
    before = Path.cwd()
    with mock.patch.dict(os.environ, environment, clear=True):
        os.chdir(folder)
        time.tzset()
        try:
            yield
        finally:
            os.chdir(before)
    time.tzset()


@contextmanager
def _handlers() -> Iterator[None]:
    """Signals as a new process has them, and a log that nobody listens to yet."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _streams(command: Sequence[str], out: IO[bytes], err: IO[bytes]) -> Iterator[None]:
    """Arguments, standard input, which has ended, output and error."""
    with (
        open(os.devnull, encoding="utf-8") as stdin,
        _writer(out, "strict") as stdout,
        _writer(err, "backslashreplace") as stderr,
        mock.patch.multiple(sys, argv=[*command], stdin=stdin, stdout=stdout, stderr=stderr),
        mock.patch.multiple(sys, __stdin__=stdin, __stdout__=stdout, __stderr__=stderr),
    ):
        yield


def _writer(file: IO[bytes], errors: str) -> TextIO:
    return open(os.dup(file.fileno()), "w", encoding="utf-8", errors=errors, newline="\n")


def _text(file: IO[bytes]) -> str:
    """What was written, with ends of lines as a process's reader has them."""
    file.seek(0)
    text = file.read().decode("utf-8", "surrogateescape")
    return text.replace("\r\n", "\n").replace("\r", "\n")
