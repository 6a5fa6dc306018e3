"""What a home folder remembers between commands: `node.json` and the password, written atomically,
0600.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from catalog.engine.failures import system_errors
from catalog.engine.folders import is_root
from catalog.filesystem.aside import PRIVATE, replace_file


@dataclass
class NodeState:
    """Contents of `node.json`; a field nobody has set yet is empty or 0.

    `pid` and `created` (seconds since 1970, as psutil gives it) are the running node; `launcher`
    and `launcher_created` the start script while a start is under way. `version` is the newest
    Elasticsearch that was ever started on the data folder.
    """

    version: str = ""
    port: int = 0
    heap_mb: int = 0
    pid: int = 0
    created: float = 0.0
    launcher: int = 0
    launcher_created: float = 0.0


def read_state(home: Path) -> NodeState:
    """The remembered state; an empty one when there is none or it is damaged,
    since all of it can be found again.
    """
    path = home / "node.json"
    with system_errors("read", path):
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return NodeState()
    state = NodeState()
    for field in fields(NodeState):
        value = found.get(field.name) if isinstance(found, dict) else None
        wanted = type(getattr(state, field.name))
        if isinstance(value, wanted) and not isinstance(value, bool):
            setattr(state, field.name, value)
    return state


def write_state(home: Path, state: NodeState) -> None:
    """Replace `node.json`."""
    write_private(
        home / "node.json", json.dumps(asdict(state), indent=1) + "\n", owner=_owner(home)
    )


def read_password(home: Path) -> str:
    """The password of the user `elastic`; empty when none was made yet."""
    path = home / "password"
    with system_errors("read", path):
        try:
            return path.read_text(encoding="ascii").strip()
        except (FileNotFoundError, NotADirectoryError):
            return ""


def ensure_password(home: Path) -> str:
    """The password; a new one of 192 random bits when there is none."""
    password = read_password(home)
    if not password:
        password = secrets.token_urlsafe(24).replace(
            "-", "x"
        )  # a leading dash would look like an option
        write_private(home / "password", password + "\n", owner=_owner(home))
    return password


def write_private(path: Path, text: str, *, owner: int | None = None) -> None:
    """Replace a file by one with mode 0600, at once and durably;
    as root give it to the user id `owner`.
    """
    with system_errors("write", path):
        replace_file(path, text.encode(), mode=PRIVATE, owner=owner)


def _owner(home: Path) -> int | None:
    """Files for the caller belong to whoever made the home folder, also when root passes by."""
    return home.stat().st_uid if is_root() else None
