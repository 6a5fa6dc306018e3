"""The connection to Elasticsearch, over real sockets: who is asked, what again, what is raised."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import trustme

from catalog.config import load
from catalog.errors import (
    AccessDenied,
    CatalogError,
    CatalogIndexError,
    DocumentConflict,
    IndexUnavailable,
    NodeError,
    QuerySyntaxError,
)
from catalog.index.client import LONGEST_PAUSE, PAUSES, Address, Connection
from catalog.index.requests import scan_pages
from catalog.work.elasticsearch import Elasticsearch
from catalog.work.progress import NoProgress

BREAK = 0
"""Instead of a status: half of an answer, and then the line breaks."""
FOUND: dict[str, Any] = {"hits": {"hits": []}}


class Node:
    """A server on a port of its own that answers what `script` says in order, then `always`."""

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.script: list[tuple[int, Any]] = []
        self.always: tuple[int, Any] = (200, FOUND)
        self.asked: list[tuple[str, str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        self.product = "Elasticsearch"
        self.keeps_lines = True
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()

    def answer(self, *statuses: int, body: Any = None) -> None:
        """The next answers; a body where they need one."""
        self.script += [
            (status, {"error": {"type": "x", "reason": "y"}} if body is None else body)
            for status in statuses
        ]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a line that is broken off is what these tests are for


def _handler(node: Node) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("content-length", 0)))
            with node.lock:
                node.asked.append((self.command, self.path, sent))
                node.headers.append({name.lower(): value for name, value in self.headers.items()})
                status, body = node.script.pop(0) if node.script else node.always
            data = json.dumps(body).encode()
            self.send_response(status or 200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.send_header("x-elastic-product", node.product)
            if not node.keeps_lines:
                self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(data if status else data[: len(data) // 2])
            self.close_connection = not status or not node.keeps_lines

        do_GET = do_POST = do_PUT = do_DELETE = _answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def nodes(count: int = 1) -> Iterator[list[Node]]:
    with ExitStack() as stack:
        found = [Node() for _ in range(count)]
        for node in found:
            stack.callback(node.close)
        yield found


def dead_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def connected(
    *urls: str,
    pauses: tuple[float, ...] = PAUSES,
    patience: float = 0.0,
    recover: Callable[[], None] | None = None,
    **more: Any,
) -> Iterator[tuple[Connection, list[float]]]:
    """A connection, and what it has slept so far: in truth it does not."""
    slept: list[float] = []
    connection = Connection(
        Address(urls, **more),
        timeout=5,
        pauses=pauses,
        patience=patience,
        recover=recover,
        sleep=slept.append,
    )
    try:
        yield connection, slept
    finally:
        connection.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time that nodes which died are counted by; it stands still unless a test moves it."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(
        "elastic_transport._node_pool.time", SimpleNamespace(time=lambda: clock.now)
    )
    return clock


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often a line to each port was tried."""
    tried: Counter[int] = Counter()
    connect = socket.socket.connect

    def counting(self: socket.socket, address: Any) -> None:
        tried[address[1]] += 1
        connect(self, address)

    monkeypatch.setattr("socket.socket.connect", counting)
    return tried


# --- several nodes --------------------------------------------------------------------------------


def test_a_dead_node_is_left_out_and_tried_again_later(clock: SimpleNamespace, lines: Counter[int]):
    port = dead_port()
    with (
        nodes() as (alive,),
        connected(f"http://127.0.0.1:{port}", alive.url) as (connection, slept),
    ):
        for expected, later in ((1, 0.0), (2, 1.1), (2, 1.1), (3, 1.0), (3, 3.9), (4, 0.2)):
            clock.now += later  # left out for 1 second, then for 2, then for 4
            for _ in range(4):
                assert connection.request("POST", "/catalog/_search", {}) == FOUND
            assert lines[port] == expected
        assert slept == [] and len(alive.asked) == 24
        again = Node(port)
        try:
            clock.now += 30.0
            for _ in range(4):
                connection.request("POST", "/catalog/_search", {})
            assert len(again.asked) == 2 and len(alive.asked) == 26
        finally:
            again.close()


def test_all_nodes_are_asked_in_turn():
    with nodes(3) as three, connected(*(node.url for node in three)) as (connection, _slept):
        for _ in range(9):
            connection.request("GET", "/_cluster/health")
        assert [len(node.asked) for node in three] == [3, 3, 3]


def test_where_nobody_listens_each_node_is_tried_once_and_nothing_is_waited_for(
    lines: Counter[int],
):
    ports = [dead_port() for _ in range(3)]
    with connected(*(f"http://127.0.0.1:{port}" for port in ports)) as (connection, slept):
        for method, path in (("POST", "/catalog/_search"), ("POST", "/_bulk")):
            with pytest.raises(IndexUnavailable, match="does not answer") as caught:
                connection.request(method, path, {})
            assert (
                all(str(port) in caught.value.message for port in ports)
                and caught.value.exit_code == 5
            )
        assert sum(lines.values()) == 6 and slept == []


def test_a_write_that_a_dead_node_cannot_have_seen_goes_to_the_next(clock: SimpleNamespace):
    with nodes() as (alive,):
        for _ in range(8):  # whichever of the two is asked first
            with connected(f"http://127.0.0.1:{dead_port()}", alive.url) as (connection, _slept):
                connection.request("PUT", "/catalog/_doc/1", {}, if_seq_no=1, if_primary_term=1)
        assert Counter(alive.asked) == {
            ("PUT", "/catalog/_doc/1?if_seq_no=1&if_primary_term=1", b"{}"): 8
        }


def test_a_node_that_dies_under_many_threads_fails_none_of_their_questions():
    with nodes(2) as (staying, dying), connected(staying.url, dying.url) as (connection, _slept):
        done = threading.Barrier(9)

        def ask(_number: int) -> int:
            done.wait()
            return sum(
                connection.request("POST", "/catalog/_search", {}) == FOUND for _ in range(25)
            )

        with ThreadPoolExecutor(8) as pool:
            asked = pool.map(ask, range(8))
            done.wait()
            dying.always = (BREAK, FOUND)
            assert list(asked) == [25] * 8


# --- what is asked again --------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 502, 503, 504, BREAK])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/catalog"), ("POST", "/catalog/_search"), ("DELETE", "/_pit")]
)
def test_a_question_is_asked_again_where_a_node_is_busy_or_the_line_breaks(
    status: int, method: str, path: str
):
    with nodes() as (node,), connected(node.url) as (connection, slept):
        node.answer(status, status)
        assert connection.request(method, path, {"a": 1}) == FOUND
        assert Counter(node.asked) == {(method, path, b'{"a":1}'): 3}
        assert [PAUSES[n] / 2 <= pause <= PAUSES[n] for n, pause in enumerate(slept)] == [
            True,
            True,
        ]


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("status", [429, 503, BREAK])
def test_it_is_asked_again_only_so_often(status: int, count: int):
    with nodes(count) as several, connected(*(node.url for node in several)) as (connection, slept):
        for node in several:
            node.always = (status, FOUND)
        with pytest.raises(IndexUnavailable):
            connection.request("POST", "/catalog/_search", {})
        assert sum(len(node.asked) for node in several) == 1 + len(PAUSES)
        assert len(slept) == len(PAUSES) and slept == sorted(slept)


@pytest.mark.parametrize("status", [429, 502, 503, 504, BREAK])
def test_one_with_patience_goes_on_asking_until_that_is_spent(status: int):
    with nodes() as (node,), connected(node.url, patience=60.0) as (connection, slept):
        node.answer(*[status] * 9)
        assert connection.request("POST", "/catalog/_search", {}) == FOUND
        assert len(node.asked) == 10 and max(slept) <= LONGEST_PAUSE
        node.always = (status, FOUND)
        slept.clear()
        with pytest.raises(IndexUnavailable):
            connection.request("POST", "/catalog/_search", {})
        assert 55 < sum(slept) <= 60


def test_a_node_that_answered_and_is_gone_is_waited_for_and_helped(lines: Counter[int]):
    port = dead_port()
    started: list[Node] = []

    def recover() -> None:
        if lines[port] == 3:
            started.append(Node(port))
        elif lines[port] == 2:
            raise NodeError("it does not start yet")

    with connected(f"http://127.0.0.1:{port}", patience=60.0, recover=recover) as (one, slept):
        with pytest.raises(IndexUnavailable, match="does not answer"):
            one.request("GET", "/catalog")  # where nobody ever answered, nobody is waited for
        assert slept == []
        first = Node(port)
        first.keeps_lines = False
        assert one.request("GET", "/catalog") == FOUND
        first.close()
        lines.clear()
        try:
            assert one.request("PUT", "/catalog/_doc/1", {}) == FOUND
            assert len(slept) >= 3
        finally:
            started[0].close()


def test_a_write_that_may_be_done_twice_is_sent_again():
    with nodes() as (node,), connected(node.url) as (connection, _slept):
        node.answer(BREAK, 502)
        connection.request("PUT", "/catalog-stores/_doc/nas", {}, may_repeat=True)
        assert [path for _method, path, _body in node.asked] == ["/catalog-stores/_doc/nas"] * 3


def test_the_program_is_as_patient_as_the_settings_say():
    settings = load(None, elasticsearch_url="http://127.0.0.1:9", retry_seconds=7.0)
    assert Elasticsearch(settings, NoProgress()).connection.patience == 7.0


def test_who_does_not_want_to_wait_asks_once():
    with nodes() as (node,), connected(node.url, pauses=()) as (connection, slept):
        node.answer(503)
        with pytest.raises(IndexUnavailable, match=r"overloaded or not ready \(503: y\)"):
            connection.request("GET", "/catalog")
        assert len(node.asked) == 1 and slept == []


@pytest.mark.parametrize("status", [429, 503])
def test_a_write_that_was_not_begun_is_sent_again(status: int):
    with nodes() as (node,), connected(node.url) as (connection, slept):
        node.answer(status)
        node.always = (200, {"items": [{"create": {"status": 201}}]})
        assert connection.bulk([{"create": {"_id": "1"}}, {"x": 1}]) == [{"status": 201}]
        assert len(node.asked) == 2 and len(slept) == 1


@pytest.mark.parametrize("status", [502, 504, BREAK])
def test_a_write_that_may_have_been_done_is_left_to_those_who_can_look(status: int):
    with nodes() as (node,), connected(node.url) as (connection, slept):
        node.answer(status)
        with pytest.raises(IndexUnavailable):
            connection.bulk([{"create": {"_id": "1"}}, {"x": 1}])
        assert len(node.asked) == 1 and slept == []


@pytest.mark.parametrize(
    "item", [{"status": 429}, {"status": 403, "error": {"type": "cluster_block_exception"}}]
)
def test_a_part_of_a_write_that_was_not_taken_is_told(item: dict[str, Any]):
    with nodes() as (node,), connected(node.url) as (connection, _slept):
        node.answer(200, body={"items": [{"create": {"status": 201}}, {"create": item}]})
        with pytest.raises(IndexUnavailable, match="did not take everything"):
            connection.bulk([{"create": {"_id": "1"}}, {}, {"create": {"_id": "2"}}, {}])


def test_an_answer_that_takes_too_long_is_not_asked_for_again():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        slept: list[float] = []
        connection = Connection(Address((url,)), timeout=0.2, sleep=slept.append)
        with pytest.raises(IndexUnavailable, match="gave no usable answer"):
            connection.request("GET", "/catalog")
        connection.close()
        assert slept == []


# --- what is raised -------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_password_is_told_at_once(status: int):
    with (
        nodes(2) as two,
        connected(*(n.url for n in two), user="me", password="wrong") as (connection, slept),
    ):
        for node in two:
            node.always = (
                status,
                {"error": {"type": "security_exception", "reason": "no"}, "status": status},
            )
        with pytest.raises(AccessDenied, match="refused the login"):
            connection.request("POST", "/catalog/_search", {})
        assert sum(len(node.asked) for node in two) == 1 and slept == []


SHARDS = {"type": "search_phase_execution_exception", "reason": "all shards failed"}


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (409, {"type": "version_conflict_engine_exception", "reason": "later"}, DocumentConflict),
        (403, {"type": "cluster_block_exception", "reason": "blocked"}, IndexUnavailable),
        (
            400,
            {**SHARDS, "root_cause": [{"type": "query_shard_exception", "reason": "why"}]},
            QuerySyntaxError,
        ),
        (
            400,
            {**SHARDS, "failed_shards": [{"reason": {"type": "parse_exception", "reason": "why"}}]},
            QuerySyntaxError,
        ),
        (
            400,
            {**SHARDS, "caused_by": {"type": "x", "caused_by": {"type": "parse_exception"}}},
            QuerySyntaxError,
        ),
        (
            400,
            {"type": "illegal_argument_exception", "reason": "no parse_exception at all"},
            CatalogIndexError,
        ),
        (400, {"type": "document_parsing_exception", "reason": "a field"}, CatalogIndexError),
        (404, {"type": "index_not_found_exception", "reason": "no such index"}, CatalogIndexError),
        (404, "a text", CatalogIndexError),
    ],
)
def test_errors_are_told_apart_by_status_and_type(
    status: int, error: Any, expected: type[CatalogError]
):
    with nodes() as (node,), connected(node.url) as (connection, _slept):
        node.answer(status, body={"error": error, "status": status})
        with pytest.raises(CatalogIndexError) as caught:
            connection.request("POST", "/catalog/_search", {})
        assert type(caught.value) is expected and caught.value.__cause__ is not None
        if expected is CatalogIndexError:
            assert caught.value.status == status
            assert caught.value.kind == (error["type"] if isinstance(error, dict) else "")
            assert (
                f"({status}: {error['reason'] if isinstance(error, dict) else error})"
                in caught.value.message
            )


def test_what_is_not_elasticsearch_is_told():
    with nodes() as (node,), connected(node.url) as (connection, _slept):
        node.product = "Something else"
        with pytest.raises(CatalogIndexError, match="is not Elasticsearch"):
            connection.request("GET", "/catalog")


@pytest.mark.parametrize("url", ["http://", "http://[::1", "http://a.example:port"])
def test_an_address_that_is_none_is_told(url: str):
    with pytest.raises(IndexUnavailable, match="is no address of Elasticsearch"):
        Connection(Address((url,)))


# --- who we are, and whom we trust ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("login", "header"),
    [
        ({"user": "me", "password": "ö"}, "Basic bWU6w7Y="),
        ({"api_key": "a2V5", "user": "me"}, "ApiKey a2V5"),
        ({}, None),
    ],
)
def test_each_node_is_told_who_asks(login: dict[str, str], header: str | None):
    with nodes(2) as two, connected(*(node.url for node in two), **login) as (connection, _slept):
        for _ in range(2):
            connection.request("GET", "/catalog")
        assert [h.get("authorization") for node in two for h in node.headers] == [header, header]


def test_secrets_do_not_show():
    address = Address(("http://a:1",), "me", "hunter2", "hunter2")
    assert "hunter2" not in repr(address) + str(address) and address.url == "http://a:1"


def test_the_same_address_twice_is_one_node():
    with nodes() as (node,), connected(node.url, f"{node.url}/") as (connection, _slept):
        assert connection.request("GET", "/catalog") == FOUND


def test_only_a_trusted_node_is_asked_and_no_other_way_is_tried(tmp_path: Path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    node = Node(tls=tls)
    try:
        with connected(node.url) as (connection, slept):
            with pytest.raises(IndexUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
                connection.request("GET", "/catalog")
            assert slept == [] and node.asked == []
        with (
            nodes() as (plain,),
            connected(node.url, plain.url, ca_cert=tmp_path / "ca.pem") as (connection, _slept),
        ):
            for _ in range(2):
                assert connection.request("GET", "/catalog") == FOUND
            assert (len(node.asked), len(plain.asked)) == (1, 1)
    finally:
        node.close()


def test_a_line_that_breaks_before_it_is_secret_is_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            for _ in range(1 + len(PAUSES)):
                line, _address = server.accept()
                line.recv(1000)
                line.close()

        closing = threading.Thread(target=hang_up)
        closing.start()
        with connected(f"https://127.0.0.1:{server.getsockname()[1]}") as (connection, slept):
            with pytest.raises(IndexUnavailable, match="does not answer"):
                connection.request("GET", "/catalog")
            assert len(slept) == len(PAUSES)
        closing.join()


def test_a_line_that_cannot_become_secret_is_not_tried_again():
    with nodes() as (node,), connected(node.url.replace("http:", "https:")) as (connection, slept):
        with pytest.raises(IndexUnavailable, match="does not answer"):
            connection.request("GET", "/catalog")
        assert slept == [] and node.asked == []


def test_a_node_that_is_not_trusted_leaves_the_work_to_the_others():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    node = Node(tls=tls)
    try:
        with nodes() as (plain,):
            for _ in range(6):  # whichever of the two is asked first
                with connected(node.url, plain.url) as (connection, slept):
                    connection.request("POST", "/_bulk", b"")
                    assert slept == []
            assert len(plain.asked) == 6 and node.asked == []
    finally:
        node.close()


def test_a_scan_is_closed_at_its_end_and_left_alone_where_nobody_asks_further() -> None:
    """What is left may be collected as the program ends, and must not wait for a line then."""
    asked: list[str] = []

    class Line:
        def request(self, method: str, _path: str, *_body: object, **_params: object) -> Any:
            asked.append(method)
            return {"id": "1", "pit_id": "1", "hits": {"hits": [{"_id": "1", "sort": [1]}]}}

    for hits in scan_pages(cast("Any", Line()), "catalog"):
        assert len(hits) == 1
    assert asked == ["POST", "POST", "DELETE"]
    pages = scan_pages(cast("Any", Line()), "catalog")
    next(pages)
    pages.close()
    assert asked[3:] == ["POST", "POST"]
