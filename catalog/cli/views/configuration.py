"""The settings in force, and where each comes from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from catalog.cli import terminal
from catalog.cli.console import Console
from catalog.config import MASK, Loaded, Secret, Settings, secret_names
from catalog.errors import DONE

Value: TypeAlias = "str | int | float | bool | list[Value] | Mapping[str, Value] | None"


def show(console: Console, loaded: Loaded) -> int:
    """A line for each setting; a secret shows the place where it is kept, or a mask."""
    settings = loaded.settings
    for about in dataclasses.fields(settings):
        value = getattr(settings, about.name)
        shown = shown_value(value, is_shown=about.repr)
        origin = loaded.origins[about.name]
        if console.json:
            is_secret = about.name in secret_names(Settings)
            console.out_json(
                {"setting": about.name, "value": shown, "secret": is_secret, "origin": origin}
            )
        else:
            text = "" if shown in (None, []) else _text(shown)
            console.out(f"{about.name:<26} {text:<32} {origin}")
    return DONE


def show_values(console: Console, values: Mapping[str, object]) -> None:
    """Settings that are to be written, none of which is a secret's own text."""
    for name, value in values.items():
        if console.json:
            console.out_json({"setting": name, "value": value})
        else:
            console.out(f"{name:<26} {_text(value)}")


def shown_value(value: object, *, is_shown: bool = True) -> Value:
    """A setting as JSON has it, without what nobody may see."""
    if isinstance(value, Secret):
        return value.form or MASK
    if value is not None and not is_shown:
        return MASK
    if isinstance(value, Path):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: shown_value(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [shown_value(each) for each in value]
    return value  # type: ignore[return-value]  # the rest is plain


def _text(value: object) -> str:
    return value if isinstance(value, str) else terminal.json_text(value)
