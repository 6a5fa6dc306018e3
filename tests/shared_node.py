"""One Elasticsearch for all test processes of a run.

It is kept up by a process of its own, until the run has ended, however that came about. All meet in
one folder: `run.lock` is held by the run, `node.lock` by the keeper, `start.lock` by who starts it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import platformdirs
import psutil
import requests

from catalog.engine import DISTRIBUTION_VARIABLE, VERSION, LocalNode, NodeAddress, fetch

IMAGE = f"docker.elastic.co/elasticsearch/elasticsearch:{VERSION}"
HEAP_MB = 512
MEMORY = Path("/dev/shm")
PLENTY = 4 * 1024**3
PATIENCE = 900.0
"""Seconds that a first download over a slow line may take."""


def ask(node: NodeAddress, method: str, path: str, **options: Any) -> requests.Response:
    """One request to a node with its password, never through a proxy."""
    with requests.Session() as session:
        session.trust_env = False
        options.setdefault("auth", (node.user, node.password))
        return session.request(method, f"{node.url}/{path.lstrip('/')}", timeout=60, **options)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder that every user may pass through (pytest's own are 0700);
    removed at the end.
    """
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="catalog-test-", dir=_quick())))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def distribution_zip() -> Path:
    """The Elasticsearch zip: the file the environment names,
    else one that is downloaded once and kept in the cache.
    """
    named = os.environ.get(DISTRIBUTION_VARIABLE, "")
    if named and Path(named).is_file():
        return Path(named).resolve()
    return fetch(platformdirs.user_cache_path("image-catalog"))


@contextmanager
def run_folder() -> Iterator[Path]:
    """Where the processes of a run meet; at its end the node is stopped, if there is one."""
    with open_folder() as folder:
        with _locked(folder / "run.lock"):
            yield folder
        with _locked(folder / "node.lock"):  # the keeper lets go of it when the node is gone
            pass


def _quick() -> Path | None:
    """Memory, if there is plenty: Elasticsearch waits for its disk at every change, and the program
    at every file.
    """
    with suppress(OSError):
        free = min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available)
        if free > PLENTY and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
            return MEMORY
    return None


def hasten(home: Path) -> Path:
    """The home of a node to be, which lives for minutes: Java's second compiler would cost it more
    than it wins.
    """
    options = home / "config" / "jvm.options.d"
    options.mkdir(parents=True)
    (options / "short-lived.options").write_text("-XX:TieredStopAtLevel=1\n")
    return home


def start(folder: Path) -> None:
    """Have the node started, unless another process did so before; does not wait for it."""
    with _locked(folder / "start.lock"):
        if (folder / "keeper.log").exists():
            return
        with (folder / "keeper.log").open("wb") as log:
            subprocess.Popen(
                [sys.executable, __file__, folder],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the run, which tells the keeper
            ).returncode = 0  # it outlives the process that started it, which must not complain


def address(folder: Path) -> NodeAddress:
    """The node, when it answers. Raises RuntimeError where it could not be started."""
    start(folder)
    end = time.monotonic() + PATIENCE
    while not (folder / "node.json").exists():
        if (folder / "failed").exists() or time.monotonic() > end:
            raise RuntimeError(f"no Elasticsearch: {(folder / 'keeper.log').read_text()}")
        time.sleep(0.05)
    return NodeAddress(**json.loads((folder / "node.json").read_text()))


@contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _keep(folder: Path) -> None:
    """Start the node, tell where it is, and stop it when the run has ended."""
    with _locked(folder / "node.lock"):
        try:
            with _node(folder) as node:
                (folder / "node.part").write_text(json.dumps(asdict(node)))
                (folder / "node.part").rename(folder / "node.json")
                with _locked(folder / "run.lock"):
                    pass
        except BaseException:
            (folder / "failed").touch()
            raise
    shutil.rmtree(folder, ignore_errors=True)  # a run that was killed did not do it


@contextmanager
def _node(folder: Path) -> Iterator[NodeAddress]:
    """A container where Docker answers, else a local node in a temporary folder."""
    if _docker_answers():
        with _container() as node:
            yield node
        return
    home = hasten(folder / "node")
    local = LocalNode(home, heap_mb=HEAP_MB, distribution=str(distribution_zip()))
    try:
        yield local.ensure_running()
    finally:
        local.stop()


def _docker_answers() -> bool:
    """Whether a Docker daemon is there; asked in a process of its own,
    since a failing client leaves its socket open.
    """
    question = "import docker; docker.from_env(timeout=5).ping()"
    command = [sys.executable, "-c", question]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def _container() -> Iterator[NodeAddress]:
    from testcontainers.core.container import DockerContainer

    password = uuid.uuid4().hex
    container = DockerContainer(IMAGE, mem_limit="1536m").with_exposed_ports(9200)
    for name, value in {
        "discovery.type": "single-node",
        "xpack.security.enabled": "true",
        "xpack.security.http.ssl.enabled": "false",
        "ELASTIC_PASSWORD": password,
        "ES_JAVA_OPTS": f"-Xms{HEAP_MB}m -Xmx{HEAP_MB}m",
        "path.repo": "/tmp",
    }.items():
        container.with_env(name, value)
    with container:
        url = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(9200)}"
        node = NodeAddress(url, "elastic", password)
        for _ in range(300):
            with suppress(requests.RequestException):
                if ask(node, "GET", "_cluster/health").status_code == 200:
                    break
            time.sleep(1)
        yield node


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
