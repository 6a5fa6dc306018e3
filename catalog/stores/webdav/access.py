"""Which servers there are, and the login at each."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from catalog.domain.names import from_text
from catalog.errors import ConfigError, UsageError
from catalog.stores.webdav.addresses import Address, escape_path, parse_address
from catalog.stores.webdav.connection import Connection, Line, Login


@dataclass
class Access:
    """Connections by server, from what is configured.

    `url` is the folder of the user's files, `host_url` the server; either may be "". The login goes
    to that server only, and where none is configured to the server of the store.
    """

    login: Login | None = None
    url: str = ""
    host_url: str = ""
    ca_cert: Path | None = None
    seconds: float = 900.0
    transfers: int = 4
    interrupted: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._lock = threading.Lock()

    def address(self, path: str) -> Address:
        """The address of a folder of the user's files. Raises ConfigError."""
        base = self._files()
        return Address(base.origin, f"{base.path}{from_text(path).rstrip('/')}")

    def _files(self) -> Address:
        given = self.url or self.host_url
        if not given:
            raise ConfigError(
                "No WebDAV server is configured.",
                hint="Set webdav_url, or name the whole address.",
            )
        base = self._parsed(given)
        if self.url or base.parts is not None or self.login is None:
            return base
        user = escape_path(self.login.username)
        return self._parsed(f"{base.text}/remote.php/dav/files/{user}")

    def _parsed(self, text: str) -> Address:
        try:
            return parse_address(text)
        except UsageError as error:
            raise ConfigError(
                error.message, hint="Check webdav_url and webdav_host_url."
            ) from error

    def connection(self, address: Address, store: str) -> Connection:
        """The server of an address, for a store.

        Raises ConfigError where the login is that of another server.
        """
        with self._lock:
            if address.origin not in self._lines:
                self._lines[address.origin] = self._line(address.origin)
            line = self._lines[address.origin]
        return Connection(line, store, self.seconds, self.interrupted)

    def _line(self, origin: str) -> Line:
        given = self.url or self.host_url
        if given and self.login is not None and self._parsed(given).origin != origin:
            raise ConfigError(
                f"The login is that of {self._parsed(given).origin}, and is not sent to {origin}.",
                hint="Check webdav_url, or the address of the store.",
            )
        return Line(origin, self.login, self.ca_cert, self.transfers)

    def close(self) -> None:
        """Close all connections."""
        for line in self._lines.values():
            line.close()
