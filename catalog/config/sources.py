"""Where settings come from: options, environment, credentials, configuration file; and how mistakes
are told.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import platformdirs

from catalog.config.file import (
    APP,
    find_file,
    read_file,
    read_object,
    user_file,
    without_blanks,
    write_object,
)
from catalog.config.secret import Secret
from catalog.config.secret_reader import CREDENTIALS_VARIABLE, SecretReader
from catalog.config.settings import Settings, WebdavLoginSetting
from catalog.config.values import Misfit, Step, field_types, is_compound, make, secret_names
from catalog.errors import ConfigError

ENV_PREFIX = "CATALOG_"
FILE_SUFFIX = "_FILE"
"""Of a variable that names the file of a secret."""
DEFAULT = "default"
"""Where a setting comes from that nobody gave."""


class _Layer(NamedTuple):
    """What one source says, and how a person would call the source of a setting."""

    values: Mapping[str, object]
    origin: Callable[[str], str]


class Loaded(NamedTuple):
    """The settings in force, where each comes from, and what reads the secrets among them."""

    settings: Settings
    origins: Mapping[str, str]
    secrets: SecretReader


def load(config: Path | None = None, **flags: Any) -> Settings:
    """The settings in force; safe to call from several threads.

    `config` names a file that must exist; flags that are None were not given. No secret is read
    from the place where it is kept before it is asked for its value.
    Raises ConfigError: one line that names the key, where it stands, and what would be right.
    """
    return load_traced(config, **flags).settings


def load_traced(config: Path | None = None, **flags: Any) -> Loaded:
    """The settings in force, and where each of them comes from."""
    path = find_file(config)
    given = {name: value for name, value in flags.items() if value is not None}
    layers = [
        _Layer(given, lambda name: f"the option --{name}"),
        _environment(),
        _credentials(),
        _Layer(read_file(path) if path else {}, lambda _: str(path)),
    ]
    made = _made(layers)
    origins = {about.name: _origins(about.name, layers) for about in fields(Settings)}
    reader = SecretReader(made)
    secrets: Any = {
        name: secret.kept(origins[name], partial(reader.read, name))
        for name, secret in secrets_of(made).items()
        if name in origins
    }
    secrets["webdav_logins"] = tuple(
        replace(
            login,
            password=login.password.kept(
                origins["webdav_logins"], partial(reader.read, login_name(login))
            ),
        )
        for login in made.webdav_logins
    )
    return Loaded(replace(made, **secrets), origins, reader)


def save(values: Mapping[str, object], config: Path | None = None, *, origin: str) -> Path:
    """Keep settings in the configuration file in use, else in the user's; the file.

    A blank value takes a setting out. `origin` is who gave them. Raises ConfigError where one does
    not fit, and where the file cannot be read or written.
    """
    path, kept, made = _with(values, config, origin)
    for name in without_blanks(values):
        value = getattr(made, name)
        kept[name] = value if isinstance(value, int | float) else values[name]  # no more a text
    write_object(path, kept, private=_holds_secrets(made))
    return path


def check(values: Mapping[str, object], config: Path | None = None, *, origin: str) -> Path:
    """The file in which `save` would keep settings; raises as it does, and writes nothing."""
    return _with(values, config, origin)[0]


def _with(
    values: Mapping[str, object], config: Path | None, origin: str
) -> tuple[Path, dict[str, object], Settings]:
    """The file for settings, what it holds with them, and as what that is read."""
    path = find_file(config) or user_file()
    there = read_object(path) if path.is_file() else {}
    kept = {**there, **values}
    for name in values.keys() - without_blanks(values).keys():
        kept.pop(name)
    given = _Layer(without_blanks(values), lambda _: origin)
    return path, kept, _made([given, _Layer(without_blanks(kept), lambda _: str(path))])


def read_text(name: str, text: str) -> Any:
    """The value of a setting as a text says it: JSON for lists and objects, unless it is blank.

    Raises ValueError where that is none.
    """
    about = next((about for about in fields(Settings) if about.name == name), None)
    is_json = about is not None and about.metadata["parse"] is None
    if not text or not is_json or not is_compound(field_types(Settings)[name]):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError("it is no valid JSON") from None


def state_dir(settings: Settings) -> Path:
    """Where journals are kept."""
    return settings.state_dir or platformdirs.user_state_path(APP)


def login_name(login: WebdavLoginSetting) -> str:
    """What the password of a further login is called."""
    return f"webdav_logins.{login.name}.password"


def secrets_of(settings: Settings) -> dict[str, Secret]:
    """The secrets that are set, by name."""
    found = {name: getattr(settings, name) for name in secret_names(Settings)}
    found |= {login_name(login): login.password for login in settings.webdav_logins}
    return {name: secret for name, secret in found.items() if isinstance(secret, Secret)}


def _holds_secrets(settings: Settings) -> bool:
    """Whether they hold the text itself of a secret, and not only where it is kept."""
    return any(not secret.form for secret in secrets_of(settings).values())


def _made(layers: Sequence[_Layer]) -> Settings:
    values: dict[str, object] = {}
    for layer in reversed(layers):
        values = _merged(layer.values, values)
    try:
        return make(Settings, values)
    except Misfit as problem:
        raise _explained(problem, layers) from None


def _environment() -> _Layer:
    """What variables say: `CATALOG_` and a name in any case, `__` before that of a part, and of a
    part of a part.

    Of a secret one may name the file that holds it, by `_FILE` behind the name.
    """
    said: dict[str, object] = {}
    variables = {name.upper(): value for name, value in os.environ.items() if value}
    types = field_types(Settings)
    for about in fields(Settings):
        variable = _variable(about.name)
        parts = _parts(f"{variable}__", variables) if is_compound(types[about.name]) else {}
        if variable in variables:
            whole = _said(about.name, variables[variable])
            said[about.name] = _merged(parts, whole) if isinstance(whole, dict) else whole
        elif parts:
            said[about.name] = parts
    by_file = _files(variables)
    both = said.keys() & by_file.keys()
    if both:
        variable = _variable(min(both))
        raise ConfigError(
            f"Both {variable} and {variable}{FILE_SUFFIX} are set.", hint="Take one of them away."
        )

    def origin(name: str) -> str:
        suffix = FILE_SUFFIX if name in by_file else ""
        return f"the environment ({_variable(name)}{suffix})"

    return _Layer({**said, **by_file}, origin)


def _files(variables: Mapping[str, str]) -> dict[str, object]:
    """The secrets whose files variables name."""
    named = (
        (name, variables.get(_variable(name) + FILE_SUFFIX)) for name in secret_names(Settings)
    )
    return {name: _in_file(path) for name, path in named if path}


def _credentials() -> _Layer:
    """The secrets that systemd gave the program, under the names of their settings."""
    folder = os.environ.get(CREDENTIALS_VARIABLE)
    names = secret_names(Settings) if folder else ()
    found = {n: f"credential:{n}" for n in names if os.path.isfile(f"{folder}/{n}")}  # noqa: PTH113
    return _Layer(found, lambda name: f"the credential {name}")


def _variable(name: str) -> str:
    return f"{ENV_PREFIX}{name}".upper()


def _said(name: str, text: str) -> Any:
    try:
        return read_text(name, text)
    except ValueError as error:
        raise ConfigError(
            f"The setting {name} in the environment ({_variable(name)}) does not fit: {error}."
        ) from None


def _parts(prefix: str, variables: Mapping[str, str]) -> dict[str, object]:
    """What variables say of the parts of a setting."""
    found: dict[str, object] = {}
    for variable, value in variables.items():
        if not variable.startswith(prefix):
            continue
        *above, name = variable.removeprefix(prefix).lower().split("__")
        said, file = value, name.removesuffix(FILE_SUFFIX.lower())
        if above and file != name and file in secret_names(WebdavLoginSetting):
            name, said = file, _in_file(value)
        inner = found
        for part in above:
            deeper = inner.setdefault(part, {})
            inner = deeper if isinstance(deeper, dict) else {name: deeper}
        if name in inner:
            raise ConfigError(
                f"What {variable} says is said by another variable as well.",
                hint=f"Take one of them away: one with {FILE_SUFFIX}, or one of the whole.",
            )
        inner[name] = said
    return found


def _in_file(path: str) -> str:
    """The form of a secret that a variable says is kept in a file."""
    return f"file:{Path(path).expanduser().absolute()}"


def _merged(over: Mapping[str, object], under: Mapping[str, object]) -> dict[str, object]:
    """The values of both; where both have one, that of `over`; objects are merged alike."""
    both = {**under, **over}
    for name in over.keys() & under.keys():
        mine, theirs = over[name], under[name]
        if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
            both[name] = _merged(mine, theirs)
    return both


def _explained(problem: Misfit, layers: Sequence[_Layer]) -> ConfigError:
    key = ".".join(str(step) for step in problem.path)
    layer = next((layer for layer in layers if _says(layer, problem.path)), layers[-1])
    where = layer.origin(str(problem.path[0]))
    if problem.known:
        return ConfigError(
            f"Unknown setting {key} in {where}.",
            hint=_nearest(str(problem.path[-1]), problem.known),
        )
    return ConfigError(
        f"The setting {key} in {where} does not fit: {problem}.",
        hint="See the table of settings in the README.",
    )


def _says(layer: _Layer, place: Sequence[Step]) -> bool:
    """Whether a source says what stands at a place, or of an object the part in which it stands."""
    if place[0] not in layer.values:
        return False
    said = layer.values[str(place[0])]
    return place[1] in said if isinstance(said, Mapping) and len(place) > 1 else True


def _origins(name: str, layers: Sequence[_Layer]) -> str:
    """Where a setting comes from; an object may come from several sources, the first one wins."""
    said = [layer for layer in layers if name in layer.values]
    if not isinstance(said[0].values[name] if said else None, Mapping):
        said = said[:1]
    return ", ".join(layer.origin(name) for layer in said) or DEFAULT


def _nearest(name: str, known: Sequence[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, known, 1, 0.4)
    return f"Did you mean {close[0]}?" if close else f"Known are: {', '.join(sorted(known))}."
