"""Who the program is to Dropbox: a token,
or a login by OAuth 2 with PKCE whose refresh token is kept in a file of mode 0600.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import orjson

from catalog.errors import ConfigError
from catalog.filesystem.aside import PRIVATE, replace_file

SCOPES = (
    "account_info.read",
    "files.metadata.read",
    "files.metadata.write",
    "files.content.read",
    "files.content.write",
)
"""What the program asks of an account; no more."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access token, or a refresh token and the app key it was given to.

    Secrets never show in a repr.
    """

    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    app_key: str = ""
    account: str = ""

    @property
    def can_refresh(self) -> bool:
        """Whether an expired access token can be exchanged for a new one."""
        return bool(self.refresh_token and self.app_key)


def read_credentials(path: Path) -> Credentials | None:
    """What a login left; None where there was none.

    Raises ConfigError for a file that others can read, or a damaged one.
    """
    try:
        status = path.stat()
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"The Dropbox login {path} cannot be read: {error.strerror}.") from error
    if status.st_mode & 0o077:
        raise ConfigError(
            f"The Dropbox login {path} can be read by others.",
            hint=f"Make it private: chmod 600 '{path}'.",
        )
    try:
        value = orjson.loads(data)
        return Credentials(
            refresh_token=str(value["refresh_token"]),
            app_key=str(value["app_key"]),
            account=str(value["account"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"The Dropbox login {path} is damaged.", hint="Log in again: catalog dropbox login."
        ) from error


def write_credentials(path: Path, credentials: Credentials) -> None:
    """Keep a login; only its owner can read the file, at no moment anybody else."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = {
        "account": credentials.account,
        "app_key": credentials.app_key,
        "refresh_token": credentials.refresh_token,
    }
    replace_file(path, orjson.dumps(kept, option=orjson.OPT_INDENT_2) + b"\n", mode=PRIVATE)


def forget_credentials(path: Path) -> bool:
    """Remove a login; whether there was one."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
