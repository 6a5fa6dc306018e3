"""Mappings: which fields there are, and what a document is to each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from . import values
from .refusals import NotEmulated, Refused, known

LONGEST_TERM = 32_766
"""Bytes of a keyword."""
_PARAMETERS: dict[str, tuple[str, ...]] = {
    "keyword": ("ignore_above", "fields"),
    "text": ("fields",),
    "long": (),
    "integer": (),
    "float": (),
    "boolean": (),
    "date": ("format",),
    "geo_point": (),
    "binary": (),
    "flattened": (),
    "dense_vector": ("element_type", "dims", "index", "similarity", "index_options"),
}
_DATE_FORMAT = "strict_date_optional_time||epoch_millis"
_BITS = {
    "element_type": "bit",
    "index": True,
    "similarity": "l2_norm",
    "index_options": {"type": "flat"},
}
STRINGS = ("keyword", "text")
NUMBERS = ("long", "integer", "float")


SEQ_NO = "_seq_no"
"""The field that the number of a document's last write is in."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field that can be searched for, by its full name."""

    name: str
    type: str
    ignore_above: int = 2**31
    bits: int = 0
    nested: str = ""
    """The nested object it is in, or ""."""


@dataclass(slots=True)
class Row:
    """What is indexed of a document, or of one object that is nested in it: values by field."""

    values: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    nested: dict[str, list[Row]] = field(default_factory=dict)


class Mapping:
    """The mapping of one index; changes only by what is added to it."""

    def __init__(self, body: dict[str, Any]) -> None:
        known("mappings", body, "dynamic", "_meta", "properties")
        self.dynamic: Any = body.get("dynamic", "true")
        self.meta: Any = body.get("_meta")
        self.properties: dict[str, Any] = {}
        self.fields: dict[str, Field] = {SEQ_NO: Field(SEQ_NO, "long")}
        self._add(body.get("properties", {}), self.properties, "", "")

    @property
    def is_strict(self) -> bool:
        """Whether it refuses what it does not know, as all mappings of a catalog do."""
        return bool(self.dynamic == "strict")

    def extend(self, body: dict[str, Any]) -> None:
        """Add what a request adds, or nothing of it. Raises Refused."""
        known("a change of mappings", body, "_meta", "properties")
        Mapping({"properties": _merged(self.properties, body.get("properties", {}))})
        self._add(body.get("properties", {}), self.properties, "", "")
        self.meta = body.get("_meta", self.meta)

    def described(self) -> dict[str, Any]:
        """The mapping as Elasticsearch tells it."""
        told = {"dynamic": self.dynamic} if self.dynamic != "true" else {}
        told |= {} if self.meta is None else {"_meta": self.meta}
        return told | ({"properties": self.properties} if self.properties else {})

    def matching(self, pattern: str) -> list[Field]:
        """The fields that a name, or one with `*` in it, stands for."""
        if "*" not in pattern:
            return [self.fields[pattern]] if pattern in self.fields else []
        wanted = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
        return [found for name, found in self.fields.items() if wanted.fullmatch(name)]

    # --- making it --------------------------------------------------------------------------------

    def _add(
        self, properties: dict[str, Any], into: dict[str, Any], prefix: str, nested: str
    ) -> None:
        for name, definition in properties.items():
            full = f"{prefix}{name}"
            if "." in name:
                raise NotEmulated(f"the field name {name}")
            kind = definition.get("type", "object")
            if kind not in ("object", "nested"):
                into[name] = definition
                self._add_field(full, definition, nested)
                continue
            known(f"the object {full}", definition, "type", "enabled", "properties")
            there = into.setdefault(
                name, {k: v for k, v in definition.items() if k != "properties"}
            )
            if kind == "object" and "properties" in definition:
                there.pop("type", None)
            if "properties" in definition:
                inner = there.setdefault("properties", {})
                within = full if kind == "nested" else nested
                self._add(definition["properties"], inner, f"{full}.", within)

    def _add_field(self, name: str, definition: dict[str, Any], nested: str) -> None:
        kind = definition["type"]
        if kind not in _PARAMETERS:
            raise NotEmulated(f"fields of the type {kind}")
        known(f"the {kind} {name}", definition, "type", *_PARAMETERS[kind])
        if definition.get("format", _DATE_FORMAT) != _DATE_FORMAT:
            raise NotEmulated(f"dates in the format {definition['format']}")
        if kind == "dense_vector" and {k: definition.get(k) for k in _BITS} != _BITS:
            raise NotEmulated(f"the vector {definition}")
        above = definition.get("ignore_above", 2**31)
        self.fields[name] = Field(name, kind, above, definition.get("dims", 0), nested)
        for sub, inner in definition.get("fields", {}).items():
            self._add_field(f"{name}.{sub}", inner, nested)

    # --- reading documents ------------------------------------------------------------------------

    def read(self, key: str, source: Any) -> Row:
        """What is indexed of a document. Raises Refused where it does not fit."""
        if not isinstance(source, dict):
            raise Refused(400, "document_parsing_exception", "[1:1] no object")
        found = _Found(key)
        if not self.is_strict:  # of which nothing is indexed here
            return found.row
        self._read_object(source, self.properties, "", found)
        return found.row

    def _read_object(
        self, source: dict[str, Any], properties: dict[str, Any], prefix: str, found: _Found
    ) -> None:
        for name, value in source.items():
            full = f"{prefix}{name}"
            definition = properties.get(name)
            if definition is None:
                where = prefix.rstrip(".") or "_doc"
                raise Refused(
                    400,
                    "strict_dynamic_mapping_exception",
                    f"[1:1] mapping set to strict, dynamic introduction of [{name}] within "
                    f"[{where}] is not allowed",
                )
            if value is None or definition.get("enabled") is False:
                continue
            if "properties" in definition:
                self._read_objects(full, value, definition, found)
            else:
                self._read_field(full, value, definition, found)

    def _read_objects(
        self, name: str, value: Any, definition: dict[str, Any], found: _Found
    ) -> None:
        for part in _leaves(value):
            if not isinstance(part, dict):
                raise Refused(
                    400,
                    "document_parsing_exception",
                    f"[1:1] object mapping for [{name}] tried to parse field [{name}] as object, "
                    "but found a concrete value",
                )
            inner = found
            if definition.get("type") == "nested":
                inner = _Found(found.key)
                found.row.nested.setdefault(name, []).append(inner.row)
            self._read_object(part, definition["properties"], f"{name}.", inner)

    def _read_field(self, name: str, value: Any, definition: dict[str, Any], found: _Found) -> None:
        mapped = self.fields[name]
        try:
            indexed = tuple(_indexed(mapped, value))
        except ValueError as error:
            misread = isinstance(error, values.Misread)
            kind = "x_content_parse_exception" if misread else "illegal_argument_exception"
            raise Refused(
                400,
                "document_parsing_exception",
                f"[1:1] failed to parse field [{name}] of type [{mapped.type}] in document with id "
                f"'{found.key}'.",
                caused_by={"type": kind, "reason": str(error)},
            ) from error
        if indexed:
            found.row.values[name] = found.row.values.get(name, ()) + indexed
        for sub, inner in definition.get("fields", {}).items():
            self._read_field(f"{name}.{sub}", value, inner, found)


@dataclass(slots=True)
class _Found:
    """What was read of a document so far, by its id."""

    key: str
    row: Row = field(default_factory=Row)


def _merged(before: dict[str, Any], added: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The properties after a change. Raises Refused where one would become another."""
    merged = dict(before)
    for name, definition in added.items():
        old = before.get(name)
        if old is None:
            merged[name] = definition
        elif "properties" in old and "properties" in definition:
            inner = _merged(old["properties"], definition["properties"], f"{prefix}{name}.")
            merged[name] = old | {"properties": inner}
        elif old.get("type", "object") != definition.get("type", "object"):
            raise Refused(
                400,
                "illegal_argument_exception",
                f"mapper [{prefix}{name}] cannot be changed from type "
                f"[{old.get('type', 'object')}] to [{definition.get('type', 'object')}]",
            )
        elif old != definition:
            raise NotEmulated(f"another definition of the field {prefix}{name}")
    return merged


def _leaves(value: Any) -> Iterator[Any]:
    """The values of a list, and of lists in it, without those that are none."""
    if isinstance(value, list):
        for part in value:
            yield from _leaves(part)
    elif value is not None:
        yield value


def _indexed(mapped: Field, value: Any) -> Iterator[Any]:
    """What is indexed of a value in a field. Raises ValueError."""
    if mapped.type == "flattened":
        yield from _flattened(value)
        return
    for part in _leaves(value):
        if mapped.type == "keyword":
            text = _text(part)
            if len(text.encode("utf-16-le", "surrogatepass")) // 2 > mapped.ignore_above:
                continue
            if len(text.encode("utf-8", "surrogatepass")) > LONGEST_TERM:
                raise ValueError(f"Document contains at least one immense term in {mapped.name}")
            yield text
        elif mapped.type == "text":
            yield _text(part)
        else:
            yield _READERS[mapped.type](mapped, part)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        raise NotEmulated(f"the text of the number {value}")
    raise ValueError("Can't get text on a START_OBJECT")


def _flattened(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _flattened(part)
    else:
        yield from map(_text, _leaves(value))


def _bits(mapped: Field, value: Any) -> int:
    if not isinstance(value, str) or len(value) * 4 != mapped.bits:
        raise ValueError(f"the vector {value!r} has not {mapped.bits} dimensions")
    return int(value, 16)


_READERS: dict[str, Any] = {
    "long": lambda _mapped, value: values.whole(value, "long"),
    "integer": lambda _mapped, value: values.whole(value, "integer"),
    "float": lambda _mapped, value: values.single(value),
    "boolean": lambda _mapped, value: values.boolean(value),
    "date": lambda _mapped, value: values.moment(value),
    "geo_point": lambda _mapped, value: values.point(value),
    "dense_vector": _bits,
    "binary": lambda _mapped, value: value,
}
