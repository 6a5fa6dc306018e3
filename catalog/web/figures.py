"""What a server says of itself to Prometheus: how often it was asked for what, and how long that
took. Nothing of what the catalog holds is in it.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from catalog.version import __version__


class Figures:
    """The figures of one server. Safe to use from several threads."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "catalog_web_requests_total",
            "Requests by route, method and status.",
            ("route", "method", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "catalog_web_request_seconds",
            "Seconds until the first byte of an answer, by route.",
            ("route",),
            registry=self._registry,
        )
        build = Counter(
            "catalog_web_starts", "Starts of this program.", ("version",), registry=self._registry
        )
        build.labels(__version__).inc()

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """One answer; `route` is its path with names in braces, so that there are few."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self._registry)
