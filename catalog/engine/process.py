"""The node's processes: started apart from us, recognised as ours beyond doubt, and ended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]

from catalog.engine.failures import system_errors
from catalog.engine.folders import UserId
from catalog.engine.state import NodeState
from catalog.errors import NodeError

_SAME_START = 2.0  # seconds by which two readings of one process's creation time may differ
_POLL = 0.1


@dataclass(frozen=True)
class Runtime:
    """What it takes to run a program of the distribution."""

    home: Path
    distribution: Path
    java_home: Path
    account: UserId
    heap_mb: int


def child_environment(runtime: Runtime) -> dict[str, str]:
    """A clean environment: nothing of the caller's but PATH, so that no ES_*,
    JAVA_* or LD_PRELOAD leaks in.
    """
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(runtime.home),
        "LANG": "C.UTF-8",
        "ES_JAVA_HOME": str(runtime.java_home),
        "ES_PATH_CONF": str(runtime.home / "config"),
        "ES_TMPDIR": str(runtime.home / "tmp"),
        "ES_JAVA_OPTS": f"-Xms{runtime.heap_mb}m -Xmx{runtime.heap_mb}m",
    }


def pid_file(home: Path) -> Path:
    """Where Elasticsearch writes its process id."""
    return home / "run" / "pid"


def console_file(home: Path) -> Path:
    """What the start script and the node wrote to their standard output and error."""
    return home / "run" / "console.log"


def launch(runtime: Runtime) -> subprocess.Popen[bytes]:
    """Begin to start the node: the script ends with status 0 when the node is ready,
    or fails with a text in the console file.

    It has a session of its own (a Ctrl-C in the terminal does not reach it), and none of our file
    descriptors.
    """
    home = runtime.home
    pid_file(home).unlink(missing_ok=True)
    console_file(home).unlink(missing_ok=True)
    with system_errors("write", console_file(home)), console_file(home).open("xb") as console:
        return subprocess.Popen(
            _command(runtime, "elasticsearch", ["-d", "-p", str(pid_file(home))]),
            user=runtime.account.uid,
            group=runtime.account.uid,
            extra_groups=runtime.account.groups,
            cwd=home / "run",
            env=child_environment(runtime),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
        )


def run_tool(runtime: Runtime, program: str, arguments: list[str], text: str) -> tuple[int, str]:
    """Run a short program of the distribution with `text` on its standard input:
    exit status and output.
    """
    with system_errors("run", runtime.distribution / "bin" / program):
        done = subprocess.run(
            _command(runtime, program, arguments),
            user=runtime.account.uid,
            group=runtime.account.uid,
            extra_groups=runtime.account.groups,
            cwd=runtime.home / "run",
            env=child_environment(runtime),
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            umask=0o077,
            check=False,
        )
    return done.returncode, done.stdout.decode(errors="replace")


def _command(runtime: Runtime, program: str, arguments: list[str]) -> list[str]:
    shell = shutil.which("bash")
    if shell is None:
        raise NodeError(
            "Elasticsearch's start script needs bash, which is not on PATH.", hint="Install bash."
        )
    return [shell, str(runtime.distribution / "bin" / program), *arguments]


def is_ours(process: psutil.Process, home: Path) -> bool:
    """Whether a live process is Elasticsearch, or its launcher, of this home folder,
    judged by its command line.
    """
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        words = process.cmdline()
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return False  # another user's
    place = f"{home}{os.sep}dist{os.sep}"
    return any(
        word.startswith(f"-Des.path.home={place}")
        or (word.startswith(place) and word.endswith("bin/elasticsearch"))
        for word in words
    )


def find_running(home: Path, state: NodeState) -> psutil.Process | None:
    """The node's process, if it lives: the remembered pid with its creation time,
    or the one Elasticsearch's pid file names.

    In both cases its command line must name this home folder: a pid that the system gave to another
    program is never ours.
    """
    process = find_process(state.pid, state.created, home)
    if process is not None:
        return process
    return find_process(read_pid(home), None, home)


def find_process(pid: int, created: float | None, home: Path) -> psutil.Process | None:
    """The process `pid` if it lives, is ours, and (where `created` is given) began at that time."""
    if pid <= 0:
        return None
    try:
        process = psutil.Process(pid)
        if created is not None and abs(process.create_time() - created) > _SAME_START:
            return None
    except psutil.Error:
        return None
    return process if is_ours(process, home) else None


def read_pid(home: Path) -> int:
    """The pid in Elasticsearch's pid file; 0 when there is none or we may not read it."""
    try:
        return int(pid_file(home).read_text(encoding="ascii").strip() or 0)
    except (OSError, ValueError):
        return 0


def wait_gone(process: psutil.Process, home: Path, timeout: float) -> bool:
    """Wait until the process has ended (a zombie that nobody collects has, too);
    False when it has not in time.
    """
    end = time.monotonic() + timeout
    while process.is_running() and is_ours(process, home):
        if time.monotonic() >= end:
            return False
        time.sleep(_POLL)
    return True


def end(process: psutil.Process, home: Path, timeout: float) -> bool:
    """SIGTERM, wait up to `timeout` seconds, SIGKILL last;
    False when even that did not help. psutil refuses a reused pid.
    """
    with system_errors("stop the process of", home):
        try:
            process.terminate()
            if wait_gone(process, home, timeout):
                return True
            process.kill()
        except psutil.NoSuchProcess:
            return True
        except psutil.AccessDenied as error:
            raise NodeError(
                f"Process {process.pid} of {home} belongs to another user.",
                hint="Stop it as the user who started it.",
            ) from error
    return wait_gone(process, home, 10)


def end_group(launcher: subprocess.Popen[bytes]) -> None:
    """End a start that is under way, the script and all it started;
    the group is the launcher's own session.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(launcher.pid, signal.SIGKILL)
    launcher.wait()
