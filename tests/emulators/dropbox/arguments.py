"""Arguments of calls, checked against the public API specification.

The specification's machine-readable form is what the SDK carries: the generated validators of every
route. Only they are used, none of the SDK's own behaviour. A checked argument is plain JSON again
with every default filled in: a struct is a dict, a union `{".tag": TAG, TAG: value}`, a timestamp
whole seconds since the epoch.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from typing import Any

from stone.backends.python_rsrc import stone_base, stone_serializers, stone_validators

from dropbox import auth, check, files, sharing, users

from .errors import BadInput


@dataclass(frozen=True)
class Spec:
    """What the specification says of a route."""

    name: str
    host: str
    style: str
    auth: str
    argument: Any

    def check(self, raw: Any) -> Any:
        """The argument with defaults; raises `BadInput` with the validator's words."""
        try:
            found = stone_serializers.json_compat_obj_decode(self.argument, raw, strict=True)
        except (stone_validators.ValidationError, AttributeError, TypeError, KeyError) as error:
            raise BadInput(str(error)) from None
        return _plain(found)


def _plain(value: Any) -> Any:
    if isinstance(value, stone_base.Union):
        tag = value._tag
        return {".tag": tag} | ({} if value._value is None else {tag: _plain(value._value)})
    if isinstance(value, stone_base.Struct):
        return {name: _plain(getattr(value, name)) for name in sorted(value._all_field_names_)}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return int(value.replace(tzinfo=datetime.UTC).timestamp())
    return value


def parse(text: str | bytes) -> Any:
    """JSON; raises `BadInput`."""
    try:
        return json.loads(text)
    except ValueError:
        raise BadInput("could not decode input as JSON") from None


def _specs() -> dict[str, Spec]:
    specs = {}
    for namespace, module in (
        ("files", files),
        ("users", users),
        ("check", check),
        ("auth", auth),
        ("sharing", sharing),
    ):
        for route in module.ROUTES.values():
            plain = route.name.partition(":")[0]
            name = f"{namespace}/{plain}" + (f"_v{route.version}" if route.version > 1 else "")
            attrs = route.attrs
            specs[name] = Spec(name, attrs["host"], attrs["style"], attrs["auth"], route.arg_type)
    return specs


SPECS = _specs()
