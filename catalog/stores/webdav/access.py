"""Which servers there are, and the login at each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from catalog.domain.names import from_text
from catalog.errors import ConfigError, UsageError
from catalog.stores.webdav.addresses import Address, escape_path, parse_address
from catalog.stores.webdav.connection import Connection, Line, Login


@dataclass(frozen=True, slots=True)
class FurtherLogin:
    """A login for what lies at an address, besides the first one; `name` is a person's word for it.
    The `password` is asked for when it is needed.
    """

    name: str
    url: str
    username: str
    password: Callable[[], str]
    ca_cert: Path | None = None

    @property
    def address(self) -> Address:
        """The folder of the user's files, or the server. Raises ConfigError."""
        try:
            return parse_address(self.url)
        except UsageError as error:
            raise ConfigError(
                error.message, hint=f"Check the url of {self.name} in webdav_logins."
            ) from error

    def fits(self, address: Address) -> bool:
        """Whether it is the login for an address: of that server, and of that user where the
        address says which. The short form of a Nextcloud, which says none, fits its like.
        """
        mine = self.address
        if mine.origin != address.origin:
            return False
        if mine.parts is None or address.parts is None:
            return f"{address.path}/".startswith(f"{mine.path}/")
        (base, user, _inside), (its_base, its_user, _its) = mine.parts, address.parts
        return base == its_base and its_user in (user, user or self.username)


@dataclass
class Access:
    """Connections by server and user, from what is configured.

    `url` is the folder of the user's files, `host_url` the server; either may be "". The login goes
    to that server only, and where none is configured to the server of the store. What one of the
    `further` ones fits has that instead.
    """

    login: Login | None = None
    url: str = ""
    host_url: str = ""
    ca_cert: Path | None = None
    seconds: float = 900.0
    transfers: int = 4
    interrupted: threading.Event = field(default_factory=threading.Event)
    further: Sequence[FurtherLogin] = ()

    def __post_init__(self) -> None:
        self._lines: dict[tuple[str, str], Line] = {}
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
        fitting = [one for one in self.further if one.fits(address)]
        its = max(fitting, key=lambda one: len(one.address.path), default=None)
        key = (address.origin, its.name if its else "")
        with self._lock:
            if key not in self._lines:
                self._lines[key] = self._line(address.origin, its)
            line = self._lines[key]
        return Connection(line, store, self.seconds, self.interrupted)

    def _line(self, origin: str, its: FurtherLogin | None) -> Line:
        if its is not None:
            return Line(
                origin,
                Login(its.username, its.password()),
                its.ca_cert or self.ca_cert,
                self.transfers,
            )
        given = self.url or self.host_url
        if given and self.login is not None and self._parsed(given).origin != origin:
            raise ConfigError(
                f"The login is that of {self._parsed(given).origin}, and is not sent to {origin}.",
                hint="Add a login for it to webdav_logins, or check the address of the store.",
            )
        return Line(origin, self.login, self.ca_cert, self.transfers)

    def close(self) -> None:
        """Close all connections."""
        for line in self._lines.values():
            line.close()
