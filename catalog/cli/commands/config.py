"""The settings: which are in force, and writing them into the configuration file."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import configuration
from catalog.config import Settings, check, parse_secret, read_text, save, secret_names
from catalog.errors import DONE, ConfigError, UsageError

LOGINS = "webdav_logins"
GIVEN = "what you gave"


@click.group("config", short_help="Show the settings and where they come from, or write them.")
def command() -> None:
    """Show the settings in force and where each comes from, or write them into the configuration
    file.

    Wherever a secret is asked for, the place where it is kept can be given instead: env:NAME,
    file:/PATH, credential:NAME (systemd), keyring:SERVICE/USER, vault:MOUNT/PATH#KEY; a secret that
    begins like one of these is written plain:SECRET. Nothing but the configuration file is changed.

    \b
    Example:
      catalog config show
      catalog config set home_zone Europe/Brussels
      catalog config set webdav_password vault:secret/webdav#password
      catalog config set webdav_password          (asks for it, or reads it from stdin)
      catalog config from-vault secret

    \b
    Exit status: 0 done, 2 usage or configuration, 5 the Vault cannot be reached or refuses.
    """


@command.command("show")
@options.config
@options.json
def show(**shared: Any) -> int:
    """Show every setting, its value, and where that comes from: default, file, variable. A secret
    is masked; one that is kept elsewhere shows where, and is not read.
    """
    console = Console.from_flags(shared)
    return configuration.show(console, console.load())


@command.command("set")
@click.argument("name")
@click.argument("value", required=False)
@options.config
@options.quiet
def set_(name: str, value: str | None, **shared: Any) -> int:
    """Write the setting NAME into the configuration file in use, else into your own.

    VALUE is JSON for lists and objects; '' takes the setting out. Without a VALUE it is asked for,
    or read from stdin: so a secret shows neither in the list of processes nor in the history of a
    shell.
    """
    console = Console.from_flags(shared)
    name = name.replace("-", "_")
    is_secret = name in secret_names(Settings) or name == LOGINS
    is_typed = value is not None
    text = value if value is not None else _asked(console, name, hidden=is_secret)
    try:
        read = read_text(name, text)
        is_plain = is_secret and any(not parse_secret(one).form for one in _secrets_in(name, read))
    except ValueError as error:
        raise ConfigError(f"The setting {name} in {GIVEN} does not fit: {error}.") from None
    if is_plain and is_typed:
        console.complain(
            "A secret on the command line can be seen by others of this machine, and stays in the "
            "shell's history: leave it out there to be asked for it."
        )
    _keep(console, {name: read}, GIVEN)
    return DONE


@command.command("from-vault")
@click.argument("path")
@options.dryrun
@options.config
@options.json
def from_vault(path: str, dryrun: bool, **shared: Any) -> int:
    """Write what a Vault holds beneath PATH, such as the store `secret`, into the configuration
    file: webdav (host_url, url, username, password), scaler_constants (RAW_NAMES_PREFIXES,
    RAW_REMOTE_DIR, UNSORTED_REMOTE_DIR) and mover_constants (IMAGES_ROOT_DIR, UNSORTED_REMOTE_DIR,
    PARENT_TAG_VALUE).

    The password stays in the Vault: the setting says where. The others become settings of the same
    names in small letters. The Vault is that of vault_address; nothing in it is changed.
    """
    from catalog.config.vault_layout import read_layout

    console = Console.from_flags(shared)
    found = read_layout(console.load().secrets.vault, path)
    for notice in found.notices:
        console.complain(notice)
    origin = f"the Vault beneath {path}"
    if dryrun:
        console.complain(f"Would be kept in {check(found.values, console.config, origin=origin)}.")
    else:
        _keep(console, found.values, origin)
    configuration.show_values(console, found.values)
    return DONE


def _secrets_in(name: str, value: Any) -> list[str]:
    """The secrets of a setting that has any, as they are written."""
    if name != LOGINS:
        return [value] if value else []
    logins = value.values() if isinstance(value, dict) else ()
    return [str(one["password"]) for one in logins if isinstance(one, dict) and "password" in one]


def _asked(console: Console, name: str, *, hidden: bool) -> str:
    """The value that a person types, or a program sends."""
    if console.can_ask:
        try:
            return str(click.prompt(name, hide_input=hidden, err=True))
        except click.Abort:
            raise KeyboardInterrupt from None
    text = sys.stdin.readline().rstrip("\r\n")
    if not text:
        raise UsageError(
            f"No value of {name} was given, and none came by stdin.",
            hint=f"To take the setting out: catalog config set {name} ''.",
        )
    return text


def _keep(console: Console, values: Mapping[str, object], origin: str) -> None:
    """Write settings, and say where, and which of them others overrule."""
    path = save(values, console.config, origin=origin)
    if not console.quiet:
        console.complain(f"Kept in {path}.")
    with contextlib.suppress(ConfigError):  # which every command tells
        origins = console.load().origins
        for name in values:
            if origins[name].startswith(("the environment", "the credential")):
                console.complain(f"{name} is given by {origins[name]} as well, which wins.")
