"""Reading secrets from where they are kept: variables, files, credentials, keyrings, a Vault."""

from __future__ import annotations

import logging
import os
import threading
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.config.secret import Secret, token_text, without_line_end
from catalog.config.vault import Vault, VaultAccess
from catalog.errors import CatalogError, ConfigError, SecretUnavailable

if TYPE_CHECKING:
    from catalog.config.settings import Settings

CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
"""By which systemd names the folder of a service's credentials."""
MOUNTED = Path("/run/secrets")
"""Where containers are given their secrets, readable for all that runs in them."""
LARGEST = 64 * 1024
"""Bytes of a file that holds a secret."""
_log = logging.getLogger(__name__)


class SecretReader:
    """Reads the secrets of one run, each once; several threads may use it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, str] = {}
        self._lock = threading.RLock()  # the token of a Vault is a secret as well

    def read(self, name: str, form: str) -> str:
        """The text of the setting `name`, which is kept as `form` says.

        Raises ConfigError or SecretUnavailable: what cannot be read, where, why, what to do.
        """
        with self._lock:
            if form not in self._known:
                try:
                    self._known[form] = self._read(name, form)
                except CatalogError as error:
                    raise type(error)(
                        f"The secret {name} cannot be read from {form}: {error.message}.",
                        hint=error.hint,
                    ) from None
            return self._known[form]

    def _read(self, name: str, form: str) -> str:
        kind, _, rest = form.partition(":")
        if kind == "vault":
            text = self._read_vault(rest)
        elif kind == "keyring":
            text = _read_keyring(rest)
        elif kind == "env":
            text = os.environ.get(rest, "")
            if not text:
                raise ConfigError("this variable is not set", hint=f"Set {rest}.")
        else:
            path = credential(rest) if kind == "credential" else Path(rest).expanduser()
            if find_exposed_file(form):
                _log.warning(
                    "The file %s of %s can be read by others. Make it private: chmod 600 '%s'.",
                    *(path, name, path),
                )
            text = _read_file(path)
        try:
            return without_line_end(text)
        except ValueError:
            raise ConfigError("it is no single line of text") from None

    def _read_vault(self, rest: str) -> str:
        path, _, key = rest.partition("#")
        keys = self.vault.read(path)
        value = keys.get(key)
        if value is None:
            there = ", ".join(sorted(keys)) or "none"
            raise ConfigError(f"{path} has no key {key}", hint=f"Its keys: {there}.")
        if not isinstance(value, str) or not value:
            raise ConfigError(f"the key {key} of {path} is no text", hint="Store it as a text.")
        return value

    @cached_property
    def vault(self) -> Vault:
        """The Vault of the settings; nothing is asked of it yet."""
        settings = self._settings
        return Vault(
            VaultAccess(
                settings.vault_address,
                lambda: self._own("vault_token"),
                self._role,
                settings.vault_namespace,
                settings.vault_ca_cert,
            )
        )

    def _role(self) -> tuple[str, str] | None:
        role, secret = self._own("vault_role_id"), self._own("vault_secret_id")
        return (role, secret) if role and secret else None

    def _own(self, name: str) -> str | None:
        """A secret by which the program logs in to the Vault."""
        secret: Secret | None = getattr(self._settings, name)
        if secret is None:
            return None
        return token_text(name, secret.kept("", partial(self.read, name)))


def credential(name: str) -> Path:
    """The file of a credential. Raises ConfigError where systemd gave the program none."""
    folder = os.environ.get(CREDENTIALS_VARIABLE)
    if not folder:
        raise ConfigError(
            f"{CREDENTIALS_VARIABLE} is not set",
            hint="It is where systemd starts the program, with LoadCredential= in its unit.",
        )
    return Path(folder, name)


def find_exposed_file(form: str, origin: str = "") -> Path | None:
    """The file in which others of this machine can read a secret: that which its form names, or the
    configuration that holds its text.
    """
    kind, _, rest = form.partition(":")
    path = Path(rest if form else origin).expanduser()
    if (form and kind != "file") or MOUNTED in path.parents:
        return None
    try:
        return path if path.stat().st_mode & 0o044 else None
    except OSError:
        return None


def _read_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        text = data.decode()
    except OSError as error:
        raise ConfigError(
            error.strerror or "it cannot be read", hint="Is it there, and may this user read it?"
        ) from None
    except UnicodeDecodeError:
        raise ConfigError("it is no text in UTF-8") from None
    if not text.strip() or len(data) > LARGEST:
        raise ConfigError("it is too large" if text.strip() else "it is empty")
    return text


def _read_keyring(rest: str) -> str:
    service, _, user = rest.rpartition("/")
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise ConfigError(
            "the library keyring is not installed",
            hint="Install it: pip install 'image-catalog[keyring]'.",
        ) from None
    try:
        text = keyring.get_password(service, user)
    except KeyringError as error:
        raise SecretUnavailable(
            f"the keyring cannot be asked ({type(error).__name__})", hint="Is it unlocked?"
        ) from None
    if not text:
        raise ConfigError(
            "the keyring has no such entry", hint=f"Make it: keyring set '{service}' '{user}'."
        )
    return text
