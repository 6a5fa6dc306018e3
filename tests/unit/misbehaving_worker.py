"""The reading process, except that a file's name tells it how to misbehave: `die-1.jpg`,
`hang.jpg` and so on; that of its first sidecar, if it has one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from catalog.domain.asset import Facts
from catalog.media import worker
from catalog.media.messages import HEADER, Answer
from catalog.media.optional import OptionalReaders

_answer = worker.answer
Behave = Callable[[Any], object]


def answer(request: Any, optional: OptionalReaders) -> Answer:
    name = os.path.basename((*request.sidecars, request.path)[0])
    behaviour = name.partition("-")[0].partition(".")[0]
    if behaviour == "real":
        return _answer(request, optional)
    done = BEHAVIOURS.get(behaviour, lambda _request: None)(request)
    if isinstance(done, Answer):
        return done
    said = done if isinstance(done, str) else f"{name} {request.left_out}".strip()
    return Answer("read", Facts(said, 0, "", "", ""))


def kill(number: int) -> Behave:
    return lambda _request: os.kill(os.getpid(), number)


def hang(_request: Any) -> None:
    time.sleep(600)


def be_deaf(_request: Any) -> None:
    """Sleeps on whatever asks it to end politely."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)


def make_noise(_request: Any) -> None:
    sys.stdout.write("x" * 100_000)
    sys.stderr.write("x" * 100_000)


def write(data: bytes) -> Behave:
    """Into the pipe of answers, and then nothing more."""

    def behave(_request: Any) -> None:
        for number in range(64):
            with contextlib.suppress(OSError):
                is_pipe = stat.S_ISFIFO(os.fstat(number).st_mode)
                if is_pipe and fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
                    os.write(number, data)
        time.sleep(600)

    return behave


def attempt(what: Callable[[Path], object]) -> Behave:
    """To do something with the place that the file's size stands for: what kept it from that."""

    def behave(request: Any) -> str:
        try:
            what(Path(request.path).parent)
        except OSError as error:
            return type(error).__name__
        return "done"

    return behave


def start(folder: Path) -> None:
    command = ["sh", "-c", 'echo x > "$0"', folder / "started"]
    if subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode:
        raise PermissionError


def connect(folder: Path) -> None:
    socket.create_connection(("127.0.0.1", int((folder / "port").read_text())), 5).close()


BEHAVIOURS: dict[str, Behave] = {
    "die": kill(signal.SIGKILL),
    "crash": kill(signal.SIGSEGV),
    "exit": lambda _request: os._exit(7),
    "hang": hang,
    "deaf": be_deaf,
    "noise": make_noise,
    "large": lambda _request: "x" * 5_000_000,
    "bad": lambda _request: Answer("unreadable", "it is bad"),
    "strange": lambda _request: Answer("unsupported", "it is strange"),
    "misshapen": lambda _request: Answer("read", {"hash": 5, "size": "much"}),
    "other": lambda _request: Answer("read", "a preview, where facts were asked for"),
    "wanted": lambda _request: Answer("wanted", [["all"]]),
    "garbage": write(HEADER.pack(4) + b"\x80\x04N."),
    "endless": write(HEADER.pack(2**32 - 1) + b"x" * 1000),
    "half": write(HEADER.pack(1000) + b"x" * 10),
    "write": attempt(lambda folder: (folder / "new").write_text("x")),
    "overwrite": attempt(lambda folder: (folder / "old").write_text("x")),
    "cut": attempt(lambda folder: os.truncate(folder / "old", 0)),
    "remove": attempt(lambda folder: (folder / "old").unlink()),
    "rename": attempt(lambda folder: (folder / "old").rename(folder / "new")),
    "mkdir": attempt(lambda folder: (folder / "new").mkdir()),
    "link": attempt(lambda folder: (folder / "new").symlink_to("old")),
    "start": attempt(start),
    "connect": attempt(connect),
    "listen": attempt(lambda _folder: socket.create_server(("127.0.0.1", 0)).close()),
    "look": attempt(lambda folder: (folder / "old").read_text()),
}


if __name__ == "__main__":
    worker.answer = answer
    worker.main()
