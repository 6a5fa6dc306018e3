"""Where the web program is found."""

from __future__ import annotations

from catalog.cli.console import Console
from catalog.web.server import Serving


def announce(console: Console, serving: Serving) -> None:
    """The address, and the link that logs in once where there is one."""
    if console.json:
        console.out_json({"url": serving.url, "login": serving.login or None})
        return
    console.out(f"The catalog is at {serving.url} until you press Ctrl-C.")
    if serving.login:
        console.out(f"Log in once, within 15 minutes, by {serving.login}")
