"""One start of the node: checks, installation, configuration, the start script,
and why it failed.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]

from catalog.engine import distribution as dist
from catalog.engine import failures, folders, logs, process
from catalog.engine.config import choose_port, ensure_keystore, write_config
from catalog.engine.java import find_java, usable_java
from catalog.engine.process import Runtime
from catalog.engine.start_progress import StartProgress
from catalog.engine.state import NodeState, ensure_password, read_state, write_state
from catalog.errors import NodeError

START_SECONDS = 300.0
"""How long a start is waited for."""
_START_MB = 100  # free disk space below which a start is not tried


@dataclass(frozen=True)
class Start:
    """What a start needs to know; the caller holds the home folder's lock.

    See `LocalNode` for the fields.
    """

    home: Path
    heap_mb: int
    port: int | None
    source: str | None
    java_home: Path | None
    progress: StartProgress

    def run(self, state: NodeState) -> psutil.Process:
        """Install what is missing and start the node: its process, ready to serve;
        `state` is brought up to date.
        """
        _refuse_newer(self.home, state)
        folders.require_memory(self.heap_mb)
        runtime = self._prepare()
        folders.require_space(self.home, _START_MB, "a start of Elasticsearch")
        password = ensure_password(self.home)
        self.progress.step("starting Elasticsearch")
        for attempt in (1, 2):
            state.port = choose_port(self.port, state.port)
            write_config(self.home, runtime.distribution, state.port, runtime.account)
            ensure_keystore(self.home, runtime, password)
            state.version, state.heap_mb = dist.VERSION, self.heap_mb
            log_start = logs.size(logs.log_file(self.home))
            code = self._launch(runtime, state)
            running = process.find_process(process.read_pid(self.home), None, self.home)
            if running is not None and code == 0:
                state.pid, state.created = running.pid, running.create_time()
                write_state(self.home, state)
                return running
            if running is not None:  # the start script was killed, the node was not
                process.end(running, self.home, 30)
            text = logs.start_text(self.home, log_start)
            if self.port is not None or attempt == 2 or not failures.port_taken_in(text):
                break
        raise failures.from_log(
            text, home=self.home, port=state.port, heap_mb=self.heap_mb, code=code
        )

    def _prepare(self) -> Runtime:
        """Folders, distribution and Java runtime, made where they are missing."""
        account = folders.choose_account(self.home)
        folders.make_node_folders(self.home, account)
        java_home = find_java(self.java_home)
        distribution = dist.install(self.home / "dist", self.source, self.progress)
        java_home = usable_java(java_home, self.home / "dist", account, self.progress)
        return Runtime(self.home, distribution, java_home, account, self.heap_mb)

    def _launch(self, runtime: Runtime, state: NodeState) -> int:
        """Run the start script to its end: its exit status.

        Should we be interrupted, what was started ends with us.
        """
        launcher = process.launch(runtime)
        try:
            state.pid, state.created = 0, 0.0
            state.launcher, state.launcher_created = (
                launcher.pid,
                psutil.Process(launcher.pid).create_time(),
            )
            write_state(self.home, state)
            code = launcher.wait(timeout=START_SECONDS)
        except subprocess.TimeoutExpired as error:
            process.end_group(launcher)
            raise NodeError(
                f"Elasticsearch in {self.home} was not ready after {START_SECONDS:.0f} s: "
                f"{logs.last_words(self.home)}",
                hint=failures.LOGS_HINT,
            ) from error
        except BaseException:
            process.end_group(launcher)
            raise
        state.launcher, state.launcher_created = 0, 0.0
        return code

    def await_other(self) -> None:
        """A program that was killed while it started the node left the start script running:
        let it finish.
        """
        state = read_state(self.home)
        launcher = process.find_process(state.launcher, state.launcher_created, self.home)
        if launcher is None:
            return
        self.progress.step("waiting for a start of Elasticsearch that is under way")
        if not process.wait_gone(launcher, self.home, START_SECONDS):
            raise NodeError(
                f"A start of Elasticsearch in {self.home} (process {launcher.pid}) does not "
                f"finish: {logs.last_words(self.home)}",
                hint="`catalog engine stop` ends it.",
            )


def _refuse_newer(home: Path, state: NodeState) -> None:
    """Elasticsearch cannot read what a later version wrote."""
    if _numbers(state.version) > _numbers(dist.VERSION):
        raise failures.newer_data(home, f"by Elasticsearch {state.version}, this is {dist.VERSION}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
