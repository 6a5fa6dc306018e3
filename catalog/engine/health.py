"""One HTTP request to the node on the loopback interface, never through a proxy."""

from __future__ import annotations

import base64
import http.client
import json
from dataclasses import dataclass
from typing import Any

USER = "elastic"


@dataclass(frozen=True)
class Health:
    """How the node answered: the HTTP status (0 for no answer) and the cluster's colour ("" if
    unknown).
    """

    code: int = 0
    colour: str = ""

    @property
    def ready(self) -> bool:
        """The node serves requests (its colour may still be red while it recovers)."""
        return self.code == 200

    @property
    def refused(self) -> bool:
        """The node does not know our password."""
        return self.code in (401, 403)


def ask_health(
    port: int, password: str, *, timeout: float, wait_for_yellow: bool = False
) -> Health:
    """GET /_cluster/health; with `wait_for_yellow` the node itself waits up to half of `timeout`
    seconds.
    """
    seconds = max(1, int(timeout / 2))
    path = f"/_cluster/health?filter_path=status&master_timeout={seconds}s&timeout={seconds}s"
    if wait_for_yellow:
        path += "&wait_for_status=yellow"
    token = base64.b64encode(f"{USER}:{password}".encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Authorization": f"Basic {token}"})
        response = connection.getresponse()
        return Health(response.status, _colour(response.read()))
    except (OSError, http.client.HTTPException):
        return Health()
    finally:
        connection.close()


def _colour(body: bytes) -> str:
    try:
        found: Any = json.loads(body)
    except ValueError:
        return ""
    return str(found.get("status", "")) if isinstance(found, dict) else ""
