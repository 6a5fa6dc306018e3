"""The program ffmpeg: which one, and one run of it, that can be followed, stopped,
and never outlives its caller.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import IO

from catalog.errors import ConfigError, UnreadableMedia
from catalog.media import parent_watch

ENCODERS = ("libx265", "aac")
"""What an ffmpeg must be able to make."""
Follow = Callable[[float], None]
"""Told how many seconds of the result are done."""
_QUESTION_SECONDS = 60.0
_LINES = 40
_FULL = ("no space left on device", "disk quota exceeded")


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run ended: its status, what it complained of,
    and the frames and seconds it says it made.
    """

    status: int
    complaints: tuple[str, ...] = ()
    frames: int = 0
    seconds: float = 0.0

    @property
    def is_full(self) -> bool:
        """Whether the disk was full."""
        return any(mark in line.lower() for line in self.complaints for mark in _FULL)

    @property
    def reason(self) -> str:
        """Why it failed, in one line."""
        telling = [line for line in self.complaints if "Conversion failed" not in line]
        return telling[0] if telling else f"ffmpeg ended with status {self.status}"


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """One ffmpeg by its path."""

    program: str

    def run(
        self,
        arguments: Sequence[str],
        follow: Follow = lambda _seconds: None,
        folder: Path | None = None,
        inputs: Sequence[int] = (),
    ) -> Ran:
        """Run it to its end; it can write into a folder alone, or nowhere. The open files of
        `inputs` are its as well, as /dev/fd/NUMBER.

        Whatever ends this call before ends ffmpeg at once.
        """
        command = [
            self.program,
            "-hide_banner",
            "-nostdin",
            "-v",
            "error",
            "-progress",
            "pipe:1",
            "-stats_period",
            "0.5",
            *arguments,
        ]
        complaints: deque[str] = deque(maxlen=_LINES)
        with _started(command, folder, inputs) as process:
            assert process.stdout is not None and process.stderr is not None
            listener = threading.Thread(
                target=_listen, args=(process.stderr, complaints), daemon=True
            )
            listener.start()
            told = _Told(follow)
            for line in process.stdout:
                told.hear(line.decode("utf-8", "replace").strip())
            status = process.wait()
            listener.join()
        return Ran(status, tuple(dict.fromkeys(complaints)), told.frames, told.seconds)


@dataclass(slots=True)
class _Told:
    """What the lines of -progress have said so far."""

    follow: Follow
    frames: int = 0
    seconds: float = 0.0

    def hear(self, line: str) -> None:
        """One line, `key=value`."""
        key, _, value = line.partition("=")
        if key == "frame" and value.strip().isdigit():
            self.frames = int(value)
        elif key == "out_time_us" and value.lstrip("-").isdigit():
            self.seconds = max(self.seconds, int(value) / 1_000_000)
        elif key == "progress":
            self.follow(self.seconds)


@contextlib.contextmanager
def _started(
    command: Sequence[str], folder: Path | None, inputs: Sequence[int]
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is over, one way or the other, when this is left.

    Ctrl-C is for us, and not for it.
    """
    tie = [sys.executable, "-I", "-S", parent_watch.__file__, str(os.getpid())]
    tie.append("" if folder is None else os.fspath(folder.absolute()))
    process = subprocess.Popen(
        [*tie, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        pass_fds=tuple(int(number) for number in inputs),
    )
    try:
        with process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def _listen(stream: IO[bytes], lines: deque[str]) -> None:
    for raw in stream:
        line = raw.decode("utf-8", "replace").strip()
        if line:
            lines.append(line[:500])


# --- which one ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Executable:
    """An ffmpeg that may be there, and where that is known from."""

    where: str
    program: str = field(default="")


def candidates(named: str | None) -> list[Executable]:
    """The one that was named, alone; else the packaged one, then that of the system."""
    if named:
        return [Executable("the setting ffmpeg", shutil.which(named) or named)]
    found = [
        Executable("the package imageio-ffmpeg", _packaged()),
        Executable("the system", shutil.which("ffmpeg") or ""),
    ]
    return [c for c in found if c.program]


def find(named: str | None = None) -> Ffmpeg:
    """The first ffmpeg that works and has the encoders that are needed.

    Raises ConfigError where none does.
    """
    problems = []
    for candidate in candidates(named):
        problem = problem_of(candidate.program)
        if not problem:
            return Ffmpeg(candidate.program)
        problems.append(f"{candidate.program} ({candidate.where}) {problem}")
    raise ConfigError(
        f"There is no ffmpeg that can convert videos: {'; '.join(problems) or 'none was found'}.",
        hint="Install the package imageio-ffmpeg, or name one with libx265 in the setting ffmpeg.",
    )


def _packaged() -> str:
    try:
        program = str(import_module("imageio_ffmpeg").get_ffmpeg_exe())
        return shutil.which(program) or program
    except (ImportError, RuntimeError, OSError):
        return ""


def problem_of(program: str) -> str:
    """Why an ffmpeg cannot be used, or ""."""
    if not Path(program).is_file():
        return "is not there"
    try:
        done = subprocess.run(
            [program, "-hide_banner", "-nostdin", "-encoders"],
            capture_output=True,
            timeout=_QUESTION_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        return f"cannot be run: {error.strerror}"
    except subprocess.TimeoutExpired:
        return "does not answer"
    if done.returncode:
        return f"does not work (status {done.returncode})"
    known = {
        words[1]
        for line in done.stdout.decode("utf-8", "replace").splitlines()
        if len(words := line.split()) > 1
    }
    lacking = [name for name in ENCODERS if name not in known]
    return f"lacks {', '.join(lacking)}" if lacking else ""


def check(ran: Ran, what: str) -> None:
    """Raises UnreadableMedia where a run failed or complained."""
    if ran.status or ran.complaints:
        raise UnreadableMedia(f"{what}: {ran.reason}")
