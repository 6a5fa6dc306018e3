"""The settings that a Vault holds in the layout of three paths, side by side: `webdav`,
`scaler_constants` and `mover_constants`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalog.config.settings import Settings
from catalog.config.values import secret_names
from catalog.config.vault import Vault
from catalog.errors import ConfigError

_KEYS = {
    "webdav": {name: f"webdav_{name}" for name in ("host_url", "url", "username", "password")},
    "scaler_constants": {
        name.upper(): name
        for name in ("raw_names_prefixes", "raw_remote_dir", "unsorted_remote_dir")
    },
    "mover_constants": {
        name.upper(): name
        for name in ("images_root_dir", "unsorted_remote_dir", "parent_tag_value")
    },
}
"""The settings by their keys, by path. What two paths say, the first one says."""


@dataclass(slots=True)
class FromVault:
    """Settings as they would be written, and what there is to say of them."""

    values: dict[str, object] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


def read_layout(vault: Vault, above: str) -> FromVault:
    """The settings that lie in the paths beneath one, such as the store `secret`.

    The secret among them becomes the place where it is kept. Raises ConfigError where none of the
    paths is there, SecretUnavailable where the Vault cannot be asked.
    """
    above = above.strip("/")
    found = FromVault()
    for name, settings in _KEYS.items():
        path = f"{above}/{name}"
        try:
            keys = vault.find(path)
        except ConfigError as error:
            message = f"{path} cannot be read: {error.message}."
            raise type(error)(message, hint=error.hint) from None
        if keys is None:
            found.notices.append(f"There is no {path}.")
            continue
        _take(found, path, keys, settings)
    if not found.values:
        raise ConfigError(
            f"The Vault has no setting in {', '.join(_KEYS)} beneath {above}.",
            hint="Name the store that they lie in, for example: secret.",
        )
    return found


def _take(
    found: FromVault, path: str, keys: Mapping[str, object], settings: Mapping[str, str]
) -> None:
    for key in sorted(keys):
        name = settings.get(key)
        if name is None:
            found.notices.append(f"{path} has a key {key}, which is no setting.")
            continue
        value = f"vault:{path}#{key}" if name in secret_names(Settings) else keys[key]
        if found.values.setdefault(name, value) != value:
            found.notices.append(f"{path} has another {key}; that of scaler_constants is taken.")
