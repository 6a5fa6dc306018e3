"""PROPPATCH: all of it, or nothing of it (RFC 4918 9.2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from xml.etree import ElementTree

from ..messages import Reply
from .account import Account
from .multistatus import DAV, NC, OC, empty, multistatus, parse, response
from .properties import of_nodes
from .times import sane_time
from .tree import Node

Setter = Callable[[Account, Node, str], None]


def _touch(account: Account, node: Node, value: str) -> None:
    account.tree.touch(node, sane_time(value))


def _set_created(_account: Account, node: Node, value: str) -> None:
    node.created = int(value)


def _set_creation_date(_account: Account, node: Node, value: str) -> None:
    node.created = int(datetime.fromisoformat(value).timestamp())


def _set_favourite(_account: Account, node: Node, value: str) -> None:
    node.favourite = value in {"1", "true"}


# 2c: d:lastmodified in seconds is 200, d:getlastmodified 403; oc:favorite makes a favourite.
_SETTERS: dict[str, Setter] = {
    DAV + "lastmodified": _touch,
    NC + "creation_time": _set_created,
    DAV + "creationdate": _set_creation_date,
    OC + "favorite": _set_favourite,
}


def apply(account: Account, node: Node, href: str, body: bytes) -> Reply:
    """The answer to a PROPPATCH, after it was done."""
    told = _instructions(parse(body, f"{DAV}propertyupdate"))
    setters = _SETTERS if account.dialect.clouded else {}
    protected = {name for name in of_nodes(account).getters if name not in setters}
    names = list(dict.fromkeys(element.tag for _, element in told))
    refused = [empty(name) for name in names if name in protected]
    others = [empty(name) for name in names if name not in protected]
    if refused:
        return multistatus([response(href, [(403, refused), (424, others)])])
    for is_set, element in told:
        setter = setters.get(element.tag)
        if setter is not None:
            setter(account, node, (element.text or "") if is_set else "0")
        elif is_set:
            element.tail = None
            node.properties[element.tag] = ElementTree.tostring(element, encoding="unicode")
        else:
            node.properties.pop(element.tag, None)
    return multistatus([response(href, [(200, others)])])


def _instructions(root: ElementTree.Element) -> list[tuple[bool, ElementTree.Element]]:
    """What is set (True) and removed, in the order of the body."""
    found = []
    for instruction in root:
        for prop in instruction.findall(f"{DAV}prop"):
            found += [(instruction.tag == f"{DAV}set", element) for element in prop]
    return found
