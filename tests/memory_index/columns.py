"""Single fields of hits, as they are kept in columns (`docvalue_fields`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .mapping import Field, Mapping, Row
from .refusals import NotEmulated, known

_SORTED = ("long", "integer", "float", "boolean")


def shown(row: Row, wanted: Sequence[Any], mapping: Mapping) -> dict[str, Any]:
    """The part of a hit that tells them; nothing where it has none of them."""
    found = {}
    for part in wanted:
        about = {"field": part} if isinstance(part, str) else part
        known("docvalue_fields", about, "field", "format")
        field = mapping.fields.get(about["field"])
        if field is None or field.nested:
            raise NotEmulated(f"docvalue_fields of {about['field']}")
        if values := row.values.get(field.name):
            found[field.name] = _told(field, values, about.get("format"))
    return {"fields": found} if found else {}


def _told(field: Field, values: Sequence[Any], form: str | None) -> list[Any]:
    if field.type == "keyword" and form is None:
        return sorted(set(values), key=lambda text: text.encode("utf-8", "surrogatepass"))
    if field.type == "date" and form == "epoch_millis":
        return [str(value) for value in sorted(values)]
    if field.type in _SORTED and form is None:
        return sorted(values)
    raise NotEmulated(f"docvalue_fields of {field.name}, which is a {field.type}, as {form}")
