"""A way to a node on which answers are lost, or at the end of which the node dies for a while."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from catalog.engine import NodeAddress


class Line:
    """A way to a node on which answers are lost: what was asked is done, and then the line breaks.

    `loses` is told the method, the path and how often both were asked for before. `dies` is for a
    node that is killed; `requests` counts what was asked, while it was there.
    """

    def __init__(self, node: NodeAddress) -> None:
        self.loses: Callable[[str, str, int], bool] = lambda _method, _path, _before: False
        self.lost: Counter[str] = Counter()
        self.requests = 0
        self._asked: Counter[tuple[str, str]] = Counter()
        self._dying: tuple[int, random.Random] | None = None
        self._away = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, urlsplit(node.url)))
        self._server.daemon_threads = True
        self.address = NodeAddress(
            f"http://127.0.0.1:{self._server.server_address[1]}", node.user, node.password
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    def breaks(self, method: str, path: str) -> bool:
        end = path.partition("?")[0].rpartition("/")[2]
        with self._lock:
            self._asked[method, end] += 1
            lost = self.loses(method, end, self._asked[method, end] - 1)
            self.lost[end] += lost
        return lost

    def die(self, at: int, rolled: random.Random) -> None:
        """Let the node be killed at a request from now on: before that is done, after it, or when
        of several writes those to some indexes are; it is away for the next requests.
        """
        with self._lock:
            self.requests, self._dying = 0, (at, rolled)

    @property
    def has_died(self) -> bool:
        """Whether the node was killed since."""
        return self._dying is None

    def passes(self, path: str, sent: bytes) -> tuple[bytes | None, bool]:
        """What of a request reaches the node, None for nothing; and whether it answers."""
        with self._lock:
            if self._away:
                self._away -= 1
                return None, False
            self.requests += 1
            if self._dying is None or self.requests < self._dying[0]:
                return sent, True
            rolled, self._dying = self._dying[1], None
            self._away = rolled.randrange(3)
            how = rolled.choice(("before", "half", "after"))
        if how == "half" and path.partition("?")[0].endswith("/_bulk"):
            sent = _half(sent, rolled)
        return (None if how == "before" or not sent else sent), False

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(line: Line, node: Any) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def _pass(self) -> None:
            length = int(self.headers.get("content-length", 0))
            whole = self.rfile.read(length)
            sent, answers = line.passes(self.path, whole)
            if sent is None or len(whole) < length:  # nobody is there, or who asked has gone
                self.close_connection = True
                return
            onward = http.client.HTTPConnection(node.hostname, node.port, timeout=60)
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in ("host", "connection", "content-length")
            }
            onward.request(self.command, self.path, sent or None, headers)
            answer = onward.getresponse()
            data = answer.read()
            onward.close()
            if line.breaks(self.command, self.path) or not answers:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name in ("content-type", "x-elastic-product"):
                if answer.headers[name]:
                    self.send_header(name, answer.headers[name])
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            with contextlib.suppress(OSError):  # who asked has gone
                self.wfile.write(data)
                self.wfile.flush()

        do_GET = do_POST = do_PUT = do_DELETE = _pass

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


def _half(sent: bytes, rolled: random.Random) -> bytes:
    """Of a bulk request the writes to some of its indexes: each index writes for itself."""
    lines = sent.split(b"\n")
    operations: list[tuple[str, list[bytes]]] = []
    rest = iter(lines)
    for line in rest:
        if line:
            ((verb, about),) = json.loads(line).items()
            some = [line] if verb == "delete" else [line, next(rest)]
            operations.append((about["_index"], some))
    indexes = sorted({index for index, _lines in operations})
    kept = set(rolled.sample(indexes, rolled.randrange(len(indexes) + 1)))
    found = [line for index, some in operations if index in kept for line in some]
    return b"".join(line + b"\n" for line in found)
