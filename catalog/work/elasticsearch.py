"""Which Elasticsearch holds the catalog, and the connection to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from catalog.config import Settings, state_dir, token_text
from catalog.errors import CatalogError, ConfigError
from catalog.work.progress import Progress
from catalog.work.recorder import retry

if TYPE_CHECKING:
    from catalog.engine import LocalNode
    from catalog.index.client import Address, Connection

T = TypeVar("T")
LOCAL_URL = "http://localhost:9200"
PROBE_SECONDS = 2.0


class Elasticsearch:
    """The one that the settings name; else one on this machine's usual port that holds the catalog;
    else the program's own node.

    May be used from several threads at once. `progress` is told of a first start of the own node.
    """

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self._settings = settings
        self._progress = progress

    @cached_property
    def connection(self) -> Connection:
        """The connection; the own node is started for it."""
        from catalog.index.client import Address, Connection

        address = self.named_address
        if address is None and not self._uses_local_node:
            address = self._address(LOCAL_URL)
        if address is None:
            node = self.local_node().ensure_running()
            address = Address((node.url,), node.user, node.password)
        return Connection(address, patience=self._settings.retry_seconds, recover=self.reconnect)

    @property
    def own_node(self) -> LocalNode | None:
        """The program's own node, if the catalog lies there;
        None for an Elasticsearch of somebody else's.
        """
        return self.local_node() if self._uses_local_node else None

    def reconnect(self) -> None:
        """After Elasticsearch went away: start the program's own node again, if it is that one."""
        if self._uses_local_node:
            self.local_node().ensure_running()

    def patiently(self, call: Callable[[], T]) -> T:
        """The result of a question to it, waited for while it is away.

        Raises IndexUnavailable after the time that the settings give it.
        """
        return retry(call, self._settings.retry_seconds, self.reconnect)

    def local_node(self) -> LocalNode:
        """The program's own node, running or not."""
        from catalog.engine import LocalNode, default_home

        settings = self._settings
        node = LocalNode(
            settings.node_home or default_home(),
            heap_mb=settings.engine_heap_mb,
            distribution=settings.elasticsearch_distribution,
            progress=self._progress,
        )
        node.beside = {state_dir(settings): "CATALOG_STATE_DIR"}
        return node

    @property
    def named_address(self) -> Address | None:
        """The Elasticsearch that the settings name, if they name one."""
        settings = self._settings
        urls = settings.elasticsearch_url
        if settings.host or settings.port:
            urls = (f"http://{settings.host or 'localhost'}:{settings.port or 9200}",)
        wrong = next((url for url in urls if not url.startswith(("http://", "https://"))), None)
        if wrong:
            raise ConfigError(
                f"{wrong} is no address of Elasticsearch.",
                hint="It must start with http:// or https://.",
            )
        return self._address(*urls) if urls else None

    def _address(self, *urls: str) -> Address:
        from catalog.index.client import Address

        settings = self._settings
        password, key = settings.elasticsearch_password, settings.elasticsearch_api_key
        return Address(
            urls,
            settings.elasticsearch_user or ("elastic" if password else ""),
            password.get_secret_value() if password else "",
            token_text("elasticsearch_api_key", key) if key else "",
            settings.elasticsearch_ca_cert,
        )

    @cached_property
    def _uses_local_node(self) -> bool:
        return self.named_address is None and not self._answers_on_localhost()

    def _answers_on_localhost(self) -> bool:
        """Whether an Elasticsearch on the usual port holds this very catalog."""
        from catalog.index.client import Connection
        from catalog.index.migration import Indexes

        connection = Connection(self._address(LOCAL_URL), timeout=PROBE_SECONDS, pauses=())
        try:
            return Indexes(connection, self._settings.index).schema_version() is not None
        except CatalogError:
            return False
        finally:
            connection.close()

    def close(self) -> None:
        """Let go of the connection; it is made again if it is used after that."""
        connection = vars(self).pop("connection", None)
        if connection is not None:
            connection.close()
