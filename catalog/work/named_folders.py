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
    return root_called(workspace, text)


def root_called(workspace: Workspace, text: str) -> Root:
    """The folder that such a text names. Raises UsageError."""
    return registry.root_named(
        f"{WEBDAV}{text}" if is_bare(text) else text, workspace.store_context
    )


def is_bare(text: str) -> bool:
    """Whether a text names a folder without saying where it is."""
    return not text.startswith(_HERE) and not any(
        kind.prefix and text.startswith(kind.prefix) for kind in registry.kinds()
    )
