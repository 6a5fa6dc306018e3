"""Dropbox accounts for tests: the emulator, and stores in them as the product makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from emulators.dropbox import Emulator

from catalog.stores.dropbox.connection import Connection
from catalog.stores.dropbox.credentials import Credentials
from catalog.stores.dropbox.store import DropboxStore

MakeStore = Callable[..., DropboxStore]


@contextmanager
def account(folder: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Iterator[Emulator]:
    """An emulator that this process reaches as if it were Dropbox."""
    with Emulator(folder, **options) as emulator:
        monkeypatch.setenv("HTTPS_PROXY", emulator.proxy)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield emulator


def connection(emulator: Emulator, **options: Any) -> Connection:
    """A connection to it that waits no longer than it must."""
    credentials = options.pop("credentials", Credentials(emulator.token))
    options.setdefault("patience", 30.0)
    return Connection(credentials, ca_cert=emulator.ca_file, **options)


def store(
    emulator: Emulator, state: Path, root: str = "/photos", name: str = "dropbox", **options: Any
) -> DropboxStore:
    """A store at a folder of the account."""
    chosen = {k: options.pop(k) for k in ("managed", "is_new") if k in options}
    return DropboxStore(name, root, connection(emulator, **options), state, **chosen)
