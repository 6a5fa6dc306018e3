"""Fixtures that several suites share: a real Elasticsearch for this test session,
and index names of a test's own.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import platformdirs
import pytest
import requests
from emulators.dropbox import Emulator
from hypothesis import settings
from memory_store.root import KIND, MemoryKind
from running import Lab

from catalog.engine import DISTRIBUTION_VARIABLE, VERSION, LocalNode, NodeAddress, fetch
from catalog.stores import registry

if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # a suite that runs in the background; what it starts would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("same every time", derandomize=True)
settings.load_profile("same every time")

registry.register(KIND)

IMAGE = f"docker.elastic.co/elasticsearch/elasticsearch:{VERSION}"


@contextmanager
def _open_folder() -> Iterator[Path]:
    """A temporary folder that every user may pass through (pytest's own are 0700);
    removed at the end.
    """
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="catalog-test-")))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ask(node: NodeAddress, method: str, path: str, **options: Any) -> requests.Response:
    """One request to a node with its password, never through a proxy."""
    with requests.Session() as session:
        session.trust_env = False
        options.setdefault("auth", (node.user, node.password))
        return session.request(method, f"{node.url}/{path.lstrip('/')}", timeout=60, **options)


@pytest.fixture(scope="session")
def open_folder() -> Callable[[], AbstractContextManager[Path]]:
    """`with open_folder() as folder:` a temporary folder that every user may pass through."""
    return _open_folder


@pytest.fixture(scope="session")
def ask() -> Callable[..., requests.Response]:
    """`ask(node, "GET", "_cluster/health", **options of requests)`:
    one request to a node with its password.
    """
    return _ask


@pytest.fixture(scope="session")
def distribution_zip() -> Path:
    """The Elasticsearch zip: the file the environment names,
    else one that is downloaded once and kept in the cache.
    """
    named = os.environ.get(DISTRIBUTION_VARIABLE, "")
    if named and Path(named).is_file():
        return Path(named).resolve()
    return fetch(platformdirs.user_cache_path("image-catalog"))


@pytest.fixture(scope="session")
def es_node(request: pytest.FixtureRequest) -> Iterator[NodeAddress]:
    """One Elasticsearch for the session: a container where Docker answers,
    else a local node in a temporary folder.
    """
    if _docker_answers():
        with _container() as address:
            yield address
        return
    archive = request.getfixturevalue("distribution_zip")
    with _open_folder() as folder:
        node = LocalNode(folder / "node", heap_mb=256, distribution=str(archive))
        try:
            yield node.ensure_running()
        finally:
            node.stop()


def _docker_answers() -> bool:
    """Whether a Docker daemon is there; asked in a process of its own,
    since a failing client leaves its socket open.
    """
    question = "import docker; docker.from_env(timeout=5).ping()"
    return (
        subprocess.run(
            [sys.executable, "-c", question], capture_output=True, check=False
        ).returncode
        == 0
    )


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
        "ES_JAVA_OPTS": "-Xms512m -Xmx512m",
        "path.repo": "/tmp",
    }.items():
        container.with_env(name, value)
    with container:
        url = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(9200)}"
        address = NodeAddress(url, "elastic", password)
        for _ in range(300):
            with suppress(requests.RequestException):
                if _ask(address, "GET", "_cluster/health").status_code == 200:
                    break
            time.sleep(1)
        yield address


@pytest.fixture
def index_name(es_node: NodeAddress) -> Iterator[str]:
    """A name no other test has; every index of the session's node that begins with it is deleted
    afterwards.
    """
    name = f"test-{uuid.uuid4().hex}"
    yield name
    found = _ask(
        es_node,
        "GET",
        f"{name}*",
        params={"expand_wildcards": "all", "filter_path": "*.settings.index.uuid"},
    ).json()
    for index in found:
        assert index.startswith(
            name
        )  # an alias is shown by its index, which may be somebody else's
        _ask(es_node, "DELETE", index).raise_for_status()


@pytest.fixture
def memory() -> Iterator[MemoryKind]:
    """The kind of stores that lie in memory; its disks are gone afterwards."""
    yield KIND
    KIND.disks.clear()


@pytest.fixture
def lab(es_node: NodeAddress, index_name: str) -> Iterator[Lab]:
    """Folders, environment and index of the test's own, and the commands to use them."""
    with _open_folder() as folder:
        yield Lab(folder, es_node, index_name)


@pytest.fixture
def dropbox(lab: Lab) -> Iterator[Emulator]:
    """An empty Dropbox account that the lab's commands are logged in to,
    with /photos for the catalog.
    """
    with Emulator(lab.folder / "account") as emulator:
        lab.variables |= {
            "HTTPS_PROXY": emulator.proxy,
            "NO_PROXY": "",
            "no_proxy": "",
            "CATALOG_DBOX_FULL_TOKEN": emulator.token,
            "CATALOG_DROPBOX_CA_CERT": str(emulator.ca_file),
            "CATALOG_DROPBOX_ROOT": "/photos",
            "CATALOG_NAS_ROOT": str(lab.root),
        }
        yield emulator
