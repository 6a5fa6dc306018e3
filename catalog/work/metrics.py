"""Figures of a service for Prometheus, at an address of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from catalog.errors import UsageError
from catalog.work.service_address import Address

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


@contextmanager
def serving_metrics(registry: CollectorRegistry, address: Address) -> Iterator[None]:
    """Answer at http://ADDRESS/metrics for as long as this lasts.

    Raises UsageError where nothing can listen there.
    """
    from prometheus_client import start_http_server

    try:
        server, thread = start_http_server(address.port, address.host, registry)
    except OSError as error:
        raise UsageError(
            f"Nothing can listen on {address.shown} ({error.strerror or error}).",
            hint="Name another port.",
        ) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
