"""A process that is kept in: where it may write, whom it may reach, on kernels old and new."""

from __future__ import annotations

import ctypes
import errno
import multiprocessing
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catalog.media import confinement
from catalog.media.confinement import Confinement, confine


def in_a_child(what: Callable[[], Any]) -> Any:
    """What something gives in a process of its own; this one stays free."""
    receive, send = multiprocessing.Pipe(duplex=False)
    context = multiprocessing.get_context("fork")
    process = context.Process(target=lambda: send.send(what()))
    process.start()
    process.join(30)
    assert process.exitcode == 0
    return receive.recv()


def version_here() -> int:
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, int(ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1)))


HERE = version_here()


def attempt(what: Callable[[], object]) -> str:
    try:
        what()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return ""


@pytest.mark.skipif(HERE < 1, reason="this kernel has no landlock")
@pytest.mark.parametrize("version", range(1, HERE + 1))
def test_every_version_lets_write_below_the_named_folders_alone(tmp_path: Path, version: int):
    inside, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "old").write_text("old")

    def act() -> list[str]:
        libc = ctypes.CDLL(None, use_errno=True)
        assert confinement._restrict(libc, version, [str(inside)])
        return [
            attempt(lambda: (outside / "new").write_text("x")),
            attempt(lambda: (outside / "old").write_text("x")),
            attempt(lambda: (outside / "old").unlink()),
            attempt(lambda: (outside / "old").rename(outside / "new")),
            attempt(lambda: (outside / "sub").mkdir()),
            attempt(lambda: (inside / "old").rename(outside / "moved")),
            attempt(lambda: (outside / "old").read_text()),
            attempt(lambda: (inside / "sub").mkdir()),
            attempt(lambda: (inside / "sub/new").write_text("x")),
            attempt(lambda: (inside / "old").rename(inside / "other")),
            attempt(lambda: (inside / "sub/new").unlink()),
            attempt(lambda: Path("/dev/null").write_text("x")),
            attempt(lambda: os.listdir("/")),
        ]

    done = in_a_child(act)
    assert done[:5] == ["EACCES"] * 5 and done[5] in ("EACCES", "EXDEV") and not any(done[6:])
    assert (outside / "old").read_text() == "old" and os.listdir(outside) == ["old"]


@pytest.mark.parametrize("version", [0, 3, 4])
def test_what_holds_is_said(monkeypatch: pytest.MonkeyPatch, version: int):
    """A kernel that has landlock for files alone, or none, or none of this."""
    calls: list[str] = []

    class Kernel:
        def __init__(self, may_unshare: bool) -> None:
            self.may_unshare = may_unshare

        def syscall(self, number: int, *_arguments: object) -> int:
            return (version or -1) if number == 444 else 0

        def unshare(self, _flags: int) -> int:
            calls.append("unshare")
            return 0 if self.may_unshare else -1

        def prctl(self, *_arguments: int) -> int:
            return 0

    for may_unshare in (True, False):
        monkeypatch.setattr(confinement.ctypes, "CDLL", lambda *_a, k=may_unshare, **_n: Kernel(k))
        monkeypatch.setattr(confinement.os, "close", lambda _descriptor: None)
        monkeypatch.setattr(confinement.os, "open", lambda *_a, **_n: 99)
        found = confine()
        monkeypatch.undo()
        files = f"landlock, version {version}" if version else ""
        network = "landlock" if version >= 4 else "a namespace of its own" if may_unshare else ""
        assert found == Confinement(files, network)
        assert ("cannot write files" in str(found)) == bool(files)
        assert ("cannot use the network" in str(found)) == bool(network)
    assert calls == ([] if version >= 4 else ["unshare"] * 2)


def test_a_network_of_its_own_reaches_nobody():
    flags = confinement._NEWNET if os.geteuid() == 0 else confinement._NEWUSER | confinement._NEWNET
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def act() -> str:
            if ctypes.CDLL(None, use_errno=True).unshare(flags):
                return "not allowed here"
            return attempt(lambda: socket.create_connection(("127.0.0.1", port), 5).close())

        assert in_a_child(act) != ""
