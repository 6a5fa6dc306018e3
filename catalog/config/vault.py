"""Vault and OpenBao: logging in, and reading what a path of a KV store holds, of version 1 or 2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from catalog.errors import ConfigError, SecretUnavailable

SECONDS = 10
"""How long an answer may take, and a connection to come about."""

Keys = Mapping[str, object]
"""What a path holds."""


@dataclass(frozen=True)
class VaultAccess:
    """Where a Vault is, and who the program is to it: a token, else a role.

    `token` and `role` (its id and its secret id) are asked for when they are needed.
    """

    address: str | None
    token: Callable[[], str | None] = field(repr=False)
    role: Callable[[], tuple[str, str] | None] = field(repr=False)
    namespace: str | None = None
    ca_cert: Path | None = None


class Vault:
    """What one run asks of a Vault: each path once. One thread at a time may use it.

    Errors say why, for a sentence that says what was wanted: ConfigError where something is not
    there, SecretUnavailable where the Vault cannot be reached or refuses.
    """

    def __init__(self, access: VaultAccess) -> None:
        self._access = access
        self._read: dict[str, Keys | None] = {}

    def read(self, path: str) -> Keys:
        """What a path such as `secret/webdav` holds."""
        keys = self.find(path)
        if keys is None:
            raise ConfigError(
                f"there is nothing at {path} in {self._name}",
                hint="Check the path, and vault_namespace; a version that was deleted is gone.",
            )
        return keys

    def find(self, path: str) -> Keys | None:
        """The same; None where there is nothing, or what was there is deleted."""
        if path not in self._read:
            self._read[path] = self._ask(path)
        return self._read[path]

    @property
    def _name(self) -> str:
        return f"the Vault at {self._access.address}"

    def _ask(self, path: str) -> Keys | None:
        from hvac.exceptions import Forbidden, InvalidPath, VaultError

        try:
            try:
                return self._look(path)
            except Forbidden:  # as an expired token is told, too
                self._log_in_again(path)
                return self._look(path)
        except InvalidPath:
            return None
        except (VaultError, OSError, KeyError, TypeError, ValueError) as error:
            raise self._translated(error, path) from None

    def _look(self, path: str) -> Keys | None:
        """One look, with the login there is."""
        client = self._client
        about = client.read(f"sys/internal/ui/mounts/{quote(path)}")
        if about is None:
            return None
        mount, version = _mount(about)
        rest = path.removeprefix(mount).strip("/")
        if not rest:
            return None
        if version == "1":
            reply = client.secrets.kv.v1.read_secret(rest, mount.strip("/"))
            return _object(reply, "data")
        reply = client.secrets.kv.v2.read_secret_version(
            rest, mount_point=mount.strip("/"), raise_on_deleted_version=True
        )
        return _object(_object(reply, "data"), "data")

    @cached_property
    def _client(self) -> Any:
        import hvac

        access = self._access
        if not access.address:
            raise ConfigError(
                "vault_address is not set", hint="Set it, for example https://vault.example:8200."
            )
        client = hvac.Client(
            url=access.address,
            token=access.token() or "",
            verify=str(access.ca_cert) if access.ca_cert else True,
            timeout=SECONDS,
            allow_redirects=False,  # the token would go along
            namespace=access.namespace,
        )
        if not client.token:
            self._log_in(client)
        return client

    def _log_in(self, client: Any) -> None:
        """By the role."""
        from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest

        role = self._access.role()
        if role is None:
            raise ConfigError(
                f"there is no login to {self._name}",
                hint="Set vault_token, or vault_role_id and vault_secret_id.",
            )
        client.token = ""
        try:
            client.auth.approle.login(*role)
        except (Forbidden, InvalidPath, InvalidRequest):
            raise SecretUnavailable(
                f"{self._name} refuses the AppRole login",
                hint="Check vault_role_id and vault_secret_id, which may have expired.",
            ) from None

    def _log_in_again(self, path: str) -> None:
        if self._access.role() is None:
            raise self._denied(path)
        self._log_in(self._client)

    def _denied(self, path: str) -> SecretUnavailable:
        return SecretUnavailable(
            f"{self._name} denies {path} to this login",
            hint="Does its policy allow to read that, is the path right, and is the token valid?",
        )

    def _translated(self, error: Exception, path: str) -> ConfigError:
        """Why it came to nothing, without a word of the Vault's own, which may hold anything."""
        from hvac import exceptions as answers
        from requests import exceptions as line

        name, run = self._name, "Check vault_address, and that it runs."
        if isinstance(error, answers.Forbidden):
            return self._denied(path)
        if isinstance(error, answers.VaultDown):
            return SecretUnavailable(
                f"{name} is sealed", hint="Unseal it (`vault operator unseal`), and try again."
            )
        if isinstance(error, line.SSLError):
            return SecretUnavailable(
                f"the certificate of {name} is not trusted",
                hint="Name its certificate authority in vault_ca_cert (PEM).",
            )
        if isinstance(error, line.Timeout):
            return SecretUnavailable(f"{name} does not answer within {SECONDS} s", hint=run)
        if isinstance(error, line.ConnectionError):
            return SecretUnavailable(f"{name} cannot be reached", hint=run)
        if isinstance(error, OSError) and not isinstance(error, line.RequestException):
            return ConfigError(
                f"the certificates {self._access.ca_cert} cannot be read",
                hint="Check vault_ca_cert.",
            )
        kind = type(error).__name__
        return SecretUnavailable(f"{name} does not answer as a Vault does ({kind})", hint=run)


def _mount(reply: object) -> tuple[str, str]:
    """The store that a path lies in, as `secret/`, and the version of its protocol."""
    about = _object(reply, "data")
    options = about["options"] or {}
    version = options.get("version", "1") if isinstance(options, Mapping) else "1"
    return str(about["path"]), str(version)


def _object(reply: object, name: str) -> Keys:
    """An object in an answer. Raises TypeError where there is none, as in that of a proxy."""
    value = reply.get(name) if isinstance(reply, Mapping) else None
    if not isinstance(value, Mapping):
        raise TypeError(name)
    return value
