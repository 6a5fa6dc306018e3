"""XML in both directions: what requests ask for, and answers of the status 207.

A property has a name in Clark's form, `{namespace}local`; a value is XML text already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from ..messages import Reply, whole
from .refusals import XML, bad_request

DAV, OC, NC = "{DAV:}", "{http://owncloud.org/ns}", "{http://nextcloud.org/ns}"
_PREFIXES = {"DAV:": "d", "http://owncloud.org/ns": "oc", "http://nextcloud.org/ns": "nc"}
_HEAD = (
    '<?xml version="1.0"?>\n<d:multistatus xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns" '
    'xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns">'
)
_REASONS = {
    200: "OK",
    403: "Forbidden",
    404: "Not Found",
    424: "Failed Dependency",
    507: "Insufficient Storage",
}
Thing = TypeVar("Thing")
Getter = Callable[[Thing], str | None]


def parse(data: bytes, root: str | None = None) -> ElementTree.Element:
    """The root of a body; raises 400 where it is no XML, or another element than `root`."""
    try:
        found = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise bad_request(str(error)) from None
    if root is not None and found.tag != root:
        raise bad_request(f"Expected {root} but received {found.tag} as the root element")
    return found


def text(value: object) -> str:
    """A value as XML text."""
    return escape(str(value))


def wanted(data: bytes) -> list[str] | None:
    """The properties that a PROPFIND's body names; None for all that are usual."""
    if not data:
        return None
    return names_in(parse(data, f"{DAV}propfind"))


def names_in(element: ElementTree.Element) -> list[str] | None:
    """The properties named in its `prop`; None where it has none."""
    named = element.find(f"{DAV}prop")
    return None if named is None else [child.tag for child in named]


@dataclass(frozen=True)
class Properties(Generic[Thing]):
    """How the properties of one kind of thing are found.

    `getters` give None where a thing has not got it; `usual` are those that are told unasked;
    `others` looks for the whole element of what has no getter.
    """

    getters: Mapping[str, Getter[Thing]]
    usual: Sequence[str]
    others: Callable[[Thing, str], str | None] = lambda _thing, _name: None

    def responses(
        self, things: Iterable[tuple[str, Thing]], names: Sequence[str] | None, minimal: bool
    ) -> list[str]:
        """One `response` for each thing and its address."""
        asked = self.usual if names is None else names
        plan = [(name, *_tags(name), self.getters.get(name)) for name in asked]
        quiet = minimal or names is None
        made = []
        for href, thing in things:
            found, missing = [], []
            for name, start, end, empty, getter in plan:
                if getter is not None:
                    value = getter(thing)
                    if value is not None:
                        found.append(f"{start}{value}{end}" if value else empty)
                        continue
                else:
                    whole_element = self.others(thing, name)
                    if whole_element is not None:
                        found.append(whole_element)
                        continue
                missing.append(empty)
            made.append(response(href, [(200, found), (404, [] if quiet else missing)]))
        return made


def with_folder(getters: Mapping[str, Getter[Thing]]) -> dict[str, Getter[Thing | None]]:
    """Those of things in a folder that has no properties itself: None stands for it."""

    def lifted(getter: Getter[Thing]) -> Getter[Thing | None]:
        return lambda thing: None if thing is None else getter(thing)

    made = {name: lifted(getter) for name, getter in getters.items()}
    kind = getters.get(DAV + "resourcetype")
    made[DAV + "resourcetype"] = lambda thing: (
        "<d:collection/>" if thing is None else kind(thing) if kind is not None else ""
    )
    return made


def response(href: str, groups: Sequence[tuple[int, Sequence[str]]]) -> str:
    """One `response`: elements by status."""
    stats = "".join(
        f"<d:propstat><d:prop>{''.join(elements)}</d:prop>"
        f"<d:status>HTTP/1.1 {status} {_REASONS[status]}</d:status></d:propstat>"
        for status, elements in groups
        if elements
    )
    if not stats:
        stats = "<d:status>HTTP/1.1 200 OK</d:status>"
    return f"<d:response><d:href>{escape(href)}</d:href>{stats}</d:response>"


def multistatus(responses: Iterable[str], **headers: str) -> Reply:
    """207."""
    data = f"{_HEAD}{''.join(responses)}</d:multistatus>\n".encode()
    return whole(207, XML, data, {"Vary": "Brief,Prefer", **headers})


def empty(name: str) -> str:
    """A property without a value."""
    return _tags(name)[2]


def _tags(name: str) -> tuple[str, str, str]:
    space, _, local = name.removeprefix("{").rpartition("}")
    prefix = _PREFIXES.get(space)
    if prefix is not None:
        return f"<{prefix}:{local}>", f"</{prefix}:{local}>", f"<{prefix}:{local}/>"
    if not space:
        return f"<{local}>", f"</{local}>", f"<{local}/>"
    tag = f"x:{local} xmlns:x={quoteattr(space)}"
    return f"<{tag}>", f"</x:{local}>", f"<{tag}/>"
