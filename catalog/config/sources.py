"""Where settings come from: options, environment, configuration file; and how mistakes are told."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson
import platformdirs

from catalog.config.settings import Settings
from catalog.config.values import Misfit, Step, field_types, is_compound, make
from catalog.errors import ConfigError
from catalog.filesystem.aside import replace_file

APP = "image-catalog"
ENV_PREFIX = "CATALOG_"
FILE_NAME = "config.json"


def load(config: Path | None = None, **flags: Any) -> Settings:
    """The settings in force; safe to call from several threads.

    `config` names a file that must exist; flags that are None were not given.
    Raises ConfigError: one line that names the key, where it stands, and what would be right.
    """
    path = _config_file(config)
    given = {name: value for name, value in flags.items() if value is not None}
    environment = _environment()
    file = _read(path) if path else {}
    try:
        return make(Settings, _merged(given, _merged(environment, file)))
    except Misfit as problem:
        raise _explained(problem, given, environment, path) from None


def save(name: str, value: object, config: Path | None = None) -> Path:
    """Keep one setting in the configuration file in use, else in the user's; the file.

    Raises ConfigError where it cannot be read or written.
    """
    path = _config_file(config) or platformdirs.user_config_path(APP) / FILE_NAME
    values = _object(path) if path.is_file() else {}
    data = orjson.dumps({**values, name: value}, option=orjson.OPT_INDENT_2) + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.") from None
    return path


def state_dir(settings: Settings) -> Path:
    """Where journals are kept."""
    return settings.state_dir or platformdirs.user_state_path(APP)


def _config_file(config: Path | None) -> Path | None:
    """The file to read: the one named, else `config.json` here, else the one of the user."""
    if config is not None:
        if not _is_file(config):
            raise ConfigError(
                f"The configuration file {config} is not there.", hint="Check --config."
            )
        return config
    places = (Path.cwd() / FILE_NAME, platformdirs.user_config_path(APP) / FILE_NAME)
    return next((p for p in places if _is_file(p)), None)


def _is_file(path: Path) -> bool:
    """Whether it is there. Raises ConfigError where that cannot be known: it would be ignored."""
    try:
        return path.is_file()
    except PermissionError:
        raise ConfigError(
            f"No permission to look for the configuration {path}.",
            hint="Is HOME, or XDG_CONFIG_HOME, that of this user? Or name a file with --config.",
        ) from None


def _read(path: Path) -> dict[str, object]:
    return {k: v for k, v in _object(path).items() if v is not None and v != ""}


def _object(path: Path) -> dict[str, object]:
    try:
        values = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"{path} is no valid JSON: {error}.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold a JSON object.")
    return values


def _environment() -> dict[str, object]:
    """What variables say: `CATALOG_` and a name in any case, `__` before that of a part."""
    said: dict[str, object] = {}
    variables = {name.upper(): value for name, value in os.environ.items() if value}
    types = field_types(Settings)
    for about in fields(Settings):
        variable = f"{ENV_PREFIX}{about.name}".upper()
        parts = _parts(f"{variable}__", variables) if is_compound(types[about.name]) else {}
        is_json = is_compound(types[about.name]) and about.metadata["parse"] is None
        if variable in variables:
            whole = _json(about.name, variables[variable]) if is_json else variables[variable]
            said[about.name] = _merged(parts, whole) if isinstance(whole, dict) else whole
        elif parts:
            said[about.name] = parts
    return said


def _parts(prefix: str, variables: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(prefix).lower(): value
        for name, value in variables.items()
        if name.startswith(prefix)
    }


def _json(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        where = f"the environment ({ENV_PREFIX}{name.upper()})"
        raise ConfigError(
            f"The setting {name} in {where} does not fit: it is no valid JSON."
        ) from None


def _merged(over: Mapping[str, object], under: Mapping[str, object]) -> dict[str, object]:
    """The values of both; where both have one, that of `over`; objects are merged alike."""
    both = {**under, **over}
    for name in over.keys() & under.keys():
        mine, theirs = over[name], under[name]
        if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
            both[name] = _merged(mine, theirs)
    return both


def _explained(
    problem: Misfit,
    flags: Mapping[str, object],
    environment: Mapping[str, object],
    path: Path | None,
) -> ConfigError:
    key = ".".join(str(step) for step in problem.path)
    where = _origin(problem.path, flags, environment) or (
        str(path) if path else "the configuration"
    )
    if problem.known:
        return ConfigError(
            f"Unknown setting {key} in {where}.",
            hint=_nearest(str(problem.path[-1]), problem.known),
        )
    return ConfigError(
        f"The setting {key} in {where} does not fit: {problem}.",
        hint="See the table of settings in the README.",
    )


def _origin(
    place: Sequence[Step], flags: Mapping[str, object], environment: Mapping[str, object]
) -> str:
    """The option or the variable that said what does not fit; "" where neither did."""
    top = str(place[0])
    if top in flags:
        return f"the option --{top}"
    said = environment.get(top)
    is_said = (
        place[1] in said if isinstance(said, Mapping) and len(place) > 1 else top in environment
    )
    return f"the environment ({ENV_PREFIX}{top.upper()})" if is_said else ""


def _nearest(name: str, known: Sequence[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, known, 1, 0.4)
    return f"Did you mean {close[0]}?" if close else f"Known are: {', '.join(sorted(known))}."
