"""`LocalNode`: one Elasticsearch for one home folder, started when needed and left running."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]

from catalog.engine import distribution as dist
from catalog.engine import failures, folders, logs, process
from catalog.engine.health import USER, Health, ask_health
from catalog.engine.start import Start
from catalog.engine.start_progress import SilentProgress, StartProgress
from catalog.engine.state import NodeState, read_password, read_state, write_state
from catalog.errors import NodeError

_LOW_MB = 500  # free disk space below which the status warns
_LOCK_SECONDS = 1800.0  # another program may be downloading over a slow line


@dataclass(frozen=True)
class NodeAddress:
    """How to reach the node."""

    url: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class NodeStatus:
    """What is known of the node without changing anything; `problem` is one line,
    empty when all is well.
    """

    installed: bool
    running: bool
    pid: int | None
    url: str
    version: str
    data_bytes: int
    heap_mb: int
    home: Path
    problem: str


class LocalNode:
    """The node of one home folder; `distribution` is a local zip or the address of a mirror
    repository.

    A `heap_mb` or `port` that differs from a running node's takes effect at its next start.
    `answer_seconds` is how long a live node's answer is waited for. `beside` are further folders
    that are written to where there is a node, each with the variable that names another one.
    """

    def __init__(
        self,
        home: Path,
        *,
        heap_mb: int = 384,
        distribution: str | None = None,
        port: int | None = None,
        progress: StartProgress | None = None,
        java_home: Path | None = None,
        answer_seconds: float = 60.0,
    ) -> None:
        self.home = Path(os.path.realpath(home.expanduser()))
        self.heap_mb = heap_mb
        self.distribution = distribution
        self.port = port
        self.progress: StartProgress = progress or SilentProgress()
        self.java_home = java_home
        self.answer_seconds = answer_seconds
        self.beside: Mapping[Path, str] = {}

    def ensure_running(self) -> NodeAddress:
        """The address of the running node; started, and installed, first if need be.

        Costs one request when it runs.
        """
        address = self._running_address()
        if address is not None:
            return address
        if os.name != "posix":
            raise NodeError(
                "The program's own Elasticsearch needs Linux or macOS.",
                hint="Name one that runs elsewhere with CATALOG_ELASTICSEARCH_URL (the compose "
                "stack in docker/ has one).",
            )
        self.check_places()
        folders.make_home(self.home)
        with self._locked():
            address = self._running_address()
            if address is not None:
                return address
            start = Start(
                self.home,
                self.heap_mb,
                self.port,
                self.distribution,
                self.java_home,
                self.progress,
            )
            start.await_other()
            state = read_state(self.home)
            return self._await_answer(
                process.find_running(self.home, state) or start.run(state), state
            )

    def check_places(self) -> None:
        """Raise ConfigError for all folders that cannot be written to, before anything is fetched
        or started.
        """
        beside = {} if dist.is_installed(self.home / "dist") else self.beside
        folders.check_writable({self.home: folders.HOME_VARIABLE, **beside})

    def stop(self, timeout: float = 30.0) -> bool:
        """End the node and wait until it is gone; False when it was not running.

        Only a process that is surely ours.
        """
        if not self.home.is_dir():
            return False
        with self._locked(timeout):
            state = read_state(self.home)
            launcher = process.find_process(state.launcher, state.launcher_created, self.home)
            stopped = self._end(launcher, timeout)
            stopped = self._end(process.find_running(self.home, state), timeout) or stopped
            if state.pid or state.launcher:
                write_state(
                    self.home, replace(state, pid=0, created=0.0, launcher=0, launcher_created=0.0)
                )
            return stopped

    def status(self) -> NodeStatus:
        """The node's state, looked at from outside; raises nothing, starts nothing."""
        state, running, problem = NodeState(), None, ""
        try:
            state = read_state(self.home)
            running = process.find_running(self.home, state)
            problem = self._problem(state, running)
        except NodeError as error:
            problem = str(error)
        return NodeStatus(
            installed=dist.is_installed(self.home / "dist"),
            running=running is not None,
            pid=None if running is None else running.pid,
            url=_url(state.port) if state.port else "",
            version=state.version or dist.VERSION,
            data_bytes=_folder_bytes(self.home / "data"),
            heap_mb=state.heap_mb if running is not None and state.heap_mb else self.heap_mb,
            home=self.home,
            problem=problem,
        )

    def log_tail(self, lines: int = 50) -> list[str]:
        """The last lines of the node's log;
        of the start script's output when the node never wrote any.
        """
        return logs.tail(logs.log_file(self.home), lines) or logs.tail(
            process.console_file(self.home), lines
        )

    # -- looking

    def _running_address(self) -> NodeAddress | None:
        """The address if our process lives and answers at once;
        the password never goes to a port that is not ours.
        """
        state = read_state(self.home)
        if process.find_process(state.pid, state.created, self.home) is None:
            return None
        password = read_password(self.home)
        health = ask_health(state.port, password, timeout=2)
        self._require_access(health)
        return NodeAddress(_url(state.port), USER, password) if health.ready else None

    def _require_access(self, health: Health) -> None:
        if health.refused:
            raise NodeError(
                f"The node in {self.home} refuses the password in {self.home / 'password'}: "
                f"somebody changed the one of {USER}.",
                hint="Write the right password into that file.",
            )

    def _problem(self, state: NodeState, running: psutil.Process | None) -> str:
        if running is None:
            return (
                "a start was interrupted, or the node died; the next command starts it"
                if state.pid
                else ""
            )
        health = ask_health(state.port, read_password(self.home), timeout=2)
        self._require_access(health)
        if not health.ready:
            return f"process {running.pid} runs but does not answer"
        if health.colour == "red":
            return "some index is not available (cluster health is red)"
        with failures.system_errors("look at", self.home):
            free_mb = psutil.disk_usage(str(self.home)).free // 1_000_000
        return f"only {free_mb} MB are free on the disk of {self.home}" if free_mb < _LOW_MB else ""

    @contextmanager
    def _locked(self, seconds: float = _LOCK_SECONDS) -> Iterator[None]:
        """Hold the home folder's lock; the system frees it when its holder dies."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.home / "node.lock")
        with failures.system_errors("lock", self.home / "node.lock"):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                self.progress.step("waiting for another program that is starting Elasticsearch")
                try:
                    lock.acquire(timeout=seconds, poll_interval=0.2)
                except Timeout as error:
                    raise NodeError(
                        f"Another program holds {self.home / 'node.lock'} and does not finish.",
                        hint="Wait for it, or end it.",
                    ) from error
        try:
            yield
        finally:
            lock.release()

    def _end(self, found: psutil.Process | None, timeout: float) -> bool:
        if found is None:
            return False
        if not process.end(found, self.home, timeout):
            raise NodeError(
                f"Process {found.pid} of {self.home} does not end.",
                hint=f"Try `kill -9 {found.pid}`.",
            )
        return True

    def _await_answer(self, running: psutil.Process, state: NodeState) -> NodeAddress:
        """Wait for a live node to serve requests,
        and a while longer for its indexes to be there after a crash.
        """
        password = read_password(self.home)
        end = time.monotonic() + self.answer_seconds
        health = Health()
        while time.monotonic() < end:
            health = ask_health(
                state.port, password, timeout=min(10.0, self.answer_seconds), wait_for_yellow=True
            )
            self._require_access(health)
            if health.ready and health.colour != "red":
                break
            if not process.is_ours(running, self.home):
                raise NodeError(
                    f"Elasticsearch in {self.home} died: {logs.last_words(self.home)}",
                    hint="Run the command again.",
                )
            time.sleep(0.1)
        if not health.code:
            raise NodeError(
                f"Elasticsearch in {self.home} (process {running.pid}) runs but did not answer on "
                f"port {state.port} for "
                f"{self.answer_seconds:.0f} s: {logs.last_words(self.home)}",
                hint="`catalog engine stop` ends it; the next command starts it again.",
            )
        if (state.pid, state.launcher) != (running.pid, 0):
            state.pid, state.created = running.pid, running.create_time()
            state.launcher, state.launcher_created = 0, 0.0
            write_state(self.home, state)
        return NodeAddress(_url(state.port), USER, password)


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _folder_bytes(folder: Path) -> int:
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118 - a Path for each of many files is slow
            except OSError:
                continue  # merged away meanwhile
    return total
