"""The configuration file: where it is, what it holds, and writing it."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import orjson
import platformdirs

from catalog.errors import ConfigError
from catalog.filesystem.aside import PRIVATE, open_aside

APP = "image-catalog"
FILE_NAME = "config.json"


def find_file(config: Path | None) -> Path | None:
    """The file to read: the one named, else `config.json` here, else the one of the user."""
    if config is not None:
        if not _is_file(config):
            raise ConfigError(
                f"The configuration file {config} is not there.", hint="Check --config."
            )
        return config
    return next((p for p in (Path.cwd() / FILE_NAME, user_file()) if _is_file(p)), None)


def user_file() -> Path:
    """The user's own file, there or not."""
    return platformdirs.user_config_path(APP) / FILE_NAME


def _is_file(path: Path) -> bool:
    """Whether it is there. Raises ConfigError where that cannot be known: it would be ignored."""
    try:
        return path.is_file()
    except PermissionError:
        raise ConfigError(
            f"No permission to look for the configuration {path}.",
            hint="Is HOME, or XDG_CONFIG_HOME, that of this user? Or name a file with --config.",
        ) from None


def read_file(path: Path) -> dict[str, object]:
    """The settings that a file holds; what is left blank is none."""
    return without_blanks(read_object(path))


def without_blanks(values: Mapping[str, object]) -> dict[str, object]:
    """The settings that have a value."""
    return {name: value for name, value in values.items() if value is not None and value != ""}


def read_object(path: Path) -> dict[str, object]:
    """All that a file holds, as it stands there."""
    try:
        values = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"{path} is no valid JSON: {error}.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold a JSON object.")
    return values


def write_object(path: Path, values: Mapping[str, object], *, private: bool) -> None:
    """Write all that a file holds, whole or not at all; a link stays one.

    A file that is there keeps its owner and mode, but for others to read it where what it holds is
    `private`; a new one is the user's alone. Raises ConfigError.
    """
    target = Path(os.path.realpath(path))
    data = orjson.dumps(values, option=orjson.OPT_INDENT_2) + b"\n"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_aside(target, PRIVATE) as (aside, file):
            if target.exists():
                _keep_rights(file.fileno(), target.stat(), private=private)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            aside.replace(target)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.") from None


def _keep_rights(descriptor: int, status: os.stat_result, *, private: bool) -> None:
    mine = os.fstat(descriptor)
    if (mine.st_uid, mine.st_gid) != (status.st_uid, status.st_gid):
        os.fchown(descriptor, status.st_uid, status.st_gid)
    mode = stat.S_IMODE(status.st_mode)
    os.fchmod(descriptor, mode & 0o600 if private else mode)
