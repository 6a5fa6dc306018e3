"""The port: HTTP on loopback, as a node of Elasticsearch answers."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from .cluster import Cluster

USER, PASSWORD = "elastic", "memory-index-password"


class MemoryIndex:
    """A node whose indexes lie in memory, on a port of this machine, as long as it is open."""

    def __init__(self) -> None:
        self.cluster = Cluster(USER, PASSWORD)
        self._server = _Server(("127.0.0.1", 0), _handler(self.cluster))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.user, self.password = USER, PASSWORD
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    def __enter__(self) -> MemoryIndex:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, _request: object, _address: object) -> None:
        """Whoever asked has gone; whatever else goes wrong, the cluster tells of."""


def _handler(cluster: Cluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = self.rfile.read(length)
            if len(body) < length:  # who asked has gone in the middle of it
                self.close_connection = True
                return
            login = self.headers.get("authorization", "")
            status, answer = cluster.answer(self.command, self.path, login, body)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("x-elastic-product", "Elasticsearch")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            self.wfile.flush()

        do_GET = do_POST = do_PUT = do_DELETE = _answer

        def log_message(self, *_arguments: object) -> None:
            """Nobody reads it."""

    return Handler
