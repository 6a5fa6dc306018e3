"""wsgidav, a WebDAV server of class 2 as a NAS has one, on a folder: `with PlainWebdav(folder):`.

It keeps no time and no checksum that a client states, has no trash, and writes a file in place. It
takes the names in a Destination header apart at `?` and `;`: odd names are moved on an emulator.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from cheroot import wsgi
from wsgidav.wsgidav_app import WsgiDAVApp


class PlainWebdav:
    """The server in a thread of its own; what it holds lies in `root`."""

    user = "ann"
    password = "a-password"

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        users = {self.user: {"password": self.password}}
        application = WsgiDAVApp(  # type: ignore[no-untyped-call]
            {
                "provider_mapping": {"/": str(root)},
                "http_authenticator": {"accept_digest": False, "default_to_digest": False},
                "simple_dc": {"user_mapping": {"*": users}},
                "property_manager": True,
                "logging": {"enable": False},
                "verbose": 0,
            }
        )
        self._server = wsgi.Server(("127.0.0.1", 0), application, numthreads=8, shutdown_timeout=1)
        self._thread = threading.Thread(target=self._server.serve, name="wsgidav", daemon=True)

    def __enter__(self) -> Self:
        self._server.prepare()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stop()
        self._thread.join()

    @property
    def address(self) -> str:
        """Of its root, without a last slash."""
        return f"http://127.0.0.1:{self._server.bind_addr[1]}"
