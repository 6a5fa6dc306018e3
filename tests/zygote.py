"""A process that has loaded the program and forks commands, which can be killed at a moment of
their own: before the nth time that they write, or ask or hear something over a line.

Started by `kills.Zygote`, which sends one JSON line a command over the socket whose descriptor is
the only argument, and gets one line back when that has ended.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import catalog
from catalog.cli import program
from catalog.media import worker
from catalog.work.workers import Nursery

CHANGES = frozenset(
    {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.utime", "os.truncate"}
)
"""What is told of by sys.addaudithook, and changes something; besides it files that are opened to
be written, and requests that are sent."""
WHO = GROUP, COMMAND, WORKERS = "group", "command", "workers"
"""Who is killed: the command with all that it started, it alone, or what it started alone."""


class Moments:
    """Counts the moments at which a command can be killed, and does it at one of them."""

    def __init__(self, who: str, when: int, note: Path) -> None:
        self._who = who
        self._when = when
        self._note = note
        self._count = 0
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def watch(self) -> None:
        """From now on."""
        import http.client

        sys.addaudithook(self._heard)
        os.write = self._counted(os.write)
        os.fsync = self._counted(os.fsync)
        http.client.HTTPConnection.getresponse = self._counted(  # type: ignore[method-assign]
            http.client.HTTPConnection.getresponse
        )

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        is_written = event == "open" and isinstance(arguments[2], int) and arguments[2] & 3
        if is_written or event in CHANGES or event == "http.client.send":
            self._come()

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*words: Any, **names: Any) -> Any:
            self._come()
            return call(*words, **names)

        return counted

    def _come(self) -> None:
        if os.getpid() != self._owner:  # a process that was forked
            return
        with self._lock:
            self._count += 1
            is_now = self._count == self._when
        if is_now:
            self._strike()

    def _strike(self) -> None:
        if self._who != COMMAND:
            started = descendants(os.getpid())
            self._note.write_text(f"{len(started)}")
            for pid in started:
                kill(pid)
        if self._who != WORKERS:
            kill(os.getpid())

    @property
    def count(self) -> int:
        """How many there were so far."""
        return self._count


class _Forked:
    """The process of a nursery that need not load what is loaded here."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def kill(self) -> None:
        """End it."""
        kill(self.pid)

    def wait(self) -> None:
        """Until it has ended."""
        os.waitpid(self.pid, 0)


def start_nursery(self: Any) -> None:
    """In place of `Nursery._start`: forked, and not loaded anew."""
    self._orders, theirs = socket.socketpair()
    self._orders.settimeout(60.0)
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            self._orders.detach()
            number = theirs.detach()
            os.closerange(3, number)  # what is locked stays so only as long as the command lives
            os.closerange(number + 1, 1024)
            sys.argv[:] = ["", str(number), *self._arguments]
            worker.main()
        finally:
            os._exit(0)
    theirs.close()
    self._process = _Forked(pid)


def descendants(pid: int) -> list[int]:
    """What a process started, and what that did."""
    found = []
    for child in Path(f"/proc/{pid}/task").glob("*/children"):
        for text in child.read_text().split():
            found += [*descendants(int(text)), int(text)]
    return found


def kill(pid: int) -> None:
    """End a process at once, if it is there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def carry_out(order: Mapping[str, Any]) -> int:
    """Be the command: its exit status."""
    os.setsid()
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream, number in (("out", 1), ("err", 2)):
        descriptor = os.open(order[stream], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, number)
    sys.argv[:] = order["command"]
    moments = Moments(order["who"], order["when"], Path(order["note"]))
    moments.watch()
    Nursery._start = start_nursery  # type: ignore[method-assign]
    status = 0
    try:
        program.main()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
        status = 99
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        Path(order["counted"]).write_text(f"{moments.count}")
    return status


def serve(line: socket.socket) -> None:
    """Carry out commands, one after another, until nobody wants any more."""
    for module in pkgutil.walk_packages(catalog.__path__, "catalog."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    with line.makefile("rw", encoding="utf-8", errors="surrogateescape") as orders:
        for order in orders:
            pid = os.fork()
            if pid == 0:
                status = 99
                try:
                    status = carry_out(json.loads(order))
                finally:
                    os._exit(status)
            _pid, status = os.waitpid(pid, 0)
            orders.write(f"{os.waitstatus_to_exitcode(status)}\n")
            orders.flush()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
