"""Folders that a setting or an option names, of whatever kind of store; they need not be stores."""

from __future__ import annotations

from catalog.errors import ConfigError
from catalog.stores import registry
from catalog.stores.root import Root
from catalog.work.workspace import Workspace

_HERE = ("/", "~", "./", "../")
WEBDAV = "webdav:"
"""How a folder of the configured WebDAV server begins, where a person writes it out."""


def root_of_setting(workspace: Workspace, name: str) -> Root:
    """The folder that a setting names.

    `/folder` is one of this machine, `dropbox:/folder` and the like one of that kind; a bare path
    such as `data/AI/_raw` is one of the configured WebDAV server. Raises ConfigError where nothing
    is set, UsageError for what is no folder.
    """
    text = getattr(workspace.settings, name)
    if not text:
        raise ConfigError(
            f"There is no {name}.",
            hint=f"Set {name} in config.json, or CATALOG_{name.upper()}: such as data/AI/_raw on "
            "the WebDAV server, or /folder on this machine.",
        )
    is_named = text.startswith(_HERE) or any(
        kind.prefix and text.startswith(kind.prefix) for kind in registry.kinds()
    )
    return registry.root_named(text if is_named else f"{WEBDAV}{text}", workspace.store_context)
