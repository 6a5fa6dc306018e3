"""Where a service listens: one rule for all of them.

`:PORT` is this machine alone, so that nothing is offered to a network by mistake; in a container it
is every address, since nobody could reach it otherwise and what is published is chosen there.
`HOST:PORT`, such as `0.0.0.0:9101`, is what it says.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import UsageError

LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104 - only where it is asked for
_SHAPE = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<name>[^\s:/\[\]]*)):(?P<port>\d{1,5})")
_SIGNS = (Path("/.dockerenv"), Path("/run/.containerenv"))
_VARIABLES = ("KUBERNETES_SERVICE_HOST", "container")


@dataclass(frozen=True, slots=True)
class Address:
    """Host and port that a service listens on."""

    host: str
    port: int

    @property
    def shown(self) -> str:
        """As the first part of an address on the web."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def listening_address(
    text: str,
    option: str,
    tell: Callable[[str], object],
    *,
    in_container: bool | None = None,
    free: bool = False,
) -> Address:
    """The address that `:PORT`, `PORT` or `HOST:PORT` names; what `:PORT` came to is told.

    `option` names where the text was given; `free`: port 0 is any that is free. Raises UsageError
    for what is no address.
    """
    found = _SHAPE.fullmatch(text if ":" in text else f":{text}")
    port = int(found["port"]) if found else 0
    if found is None or not (0 if free else 1) <= port < 1 << 16:
        raise UsageError(
            f"{option} {text} is no address to listen on.",
            hint=f"Such as :9101 or {EVERYWHERE}:9101.",
        )
    if host := found["six"] or found["name"]:
        return Address(host, port)
    if is_in_container() if in_container is None else in_container:
        tell(f"{option} {text} listens on every address, since this is a container.")
        return Address(EVERYWHERE, port)
    tell(
        f"{option} {text} listens on this machine alone; for every address write "
        f"{EVERYWHERE}:{port}."
    )
    return Address(LOOPBACK, port)


def is_in_container(
    signs: tuple[Path, ...] = _SIGNS, environment: Mapping[str, str] = os.environ
) -> bool:
    """Whether this is a container, by what Docker, Podman, Kubernetes and systemd-nspawn leave."""
    return any(sign.exists() for sign in signs) or any(environment.get(v) for v in _VARIABLES)
