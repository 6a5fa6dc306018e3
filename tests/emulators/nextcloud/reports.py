"""REPORT and SEARCH: the files that have something."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree

from .account import Account
from .multistatus import DAV, OC, Getter, names_in, parse
from .names import decode
from .properties import of_nodes
from .refusals import Refused, bad_request
from .tree import Node

Test = Callable[[Node], bool]
Getters = Mapping[str, Getter[Node]]
_ORDERS: dict[str, Callable[[float | str, float | str], bool]] = {
    "eq": lambda one, other: one == other,
    "gt": lambda one, other: one > other,  # type: ignore[operator]
    "gte": lambda one, other: one >= other,  # type: ignore[operator]
    "lt": lambda one, other: one < other,  # type: ignore[operator]
    "lte": lambda one, other: one <= other,  # type: ignore[operator]
}


def filter_files(
    account: Account, folder: Node, body: bytes
) -> tuple[list[Node], list[str] | None]:
    """2c: oc:filter-files by oc:systemtag, all of them, and oc:favorite; what shall be told."""
    root = parse(body)
    if root.tag != f"{OC}filter-files":
        raise Refused(403, "ReportNotSupported", root.tag)
    rules = root.find(f"{OC}filter-rules")
    if rules is None or not len(rules):
        raise bad_request("Missing filter-rule block in request")
    wanted = set()
    for rule in rules.findall(f"{OC}systemtag"):
        number = int(rule.text or "0")
        if number not in account.tags:  # source
            raise Refused(412, "PreconditionFailed", "Cannot filter by non-existing tag")
        wanted.add(number)
    favourite = (rules.findtext(f"{OC}favorite") or "0") == "1"
    found = [
        node
        for node in folder.walk()
        if node is not folder and wanted <= node.tags and (node.favourite or not favourite)
    ]
    return found, names_in(root)


def search(account: Account, body: bytes) -> tuple[list[Node], list[str] | None]:
    """RFC 5323, as far as Nextcloud has it: basicsearch below one folder of the files."""
    root = parse(body, f"{DAV}searchrequest")
    asked = root.find(f"{DAV}basicsearch")
    if asked is None:
        raise bad_request("Only basicsearch is known")
    folder = _scope(account, asked.findtext(f"{DAV}from/{DAV}scope/{DAV}href") or "")
    getters = of_nodes(account).getters
    where = asked.find(f"{DAV}where")
    test = _all_of(getters, where) if where is not None else lambda _node: True
    found = [node for node in folder.walk() if node is not folder and test(node)]
    _sort(getters, found, asked.find(f"{DAV}orderby"))
    limit = asked.findtext(f"{DAV}limit/{DAV}nresults")
    select = asked.find(f"{DAV}select")
    names = None if select is None else names_in(select)
    return found[: int(limit)] if limit else found, names


def _scope(account: Account, href: str) -> Node:
    parts = decode(href.partition("/remote.php/dav")[2] or href)
    if parts[:2] != ("files", account.user):
        raise bad_request(f"{href} is no scope of a search")
    folder = account.tree.find(parts[2:])
    if folder is None:
        raise bad_request(f"{href} is not there")
    return folder


def _all_of(getters: Getters, element: ElementTree.Element) -> Test:
    tests = [_test(getters, child) for child in element]
    return lambda node: all(test(node) for test in tests)


def _test(getters: Getters, element: ElementTree.Element) -> Test:
    kind = element.tag.removeprefix(DAV)
    if kind == "and":
        return _all_of(getters, element)
    if kind in {"or", "not"}:
        tests = [_test(getters, child) for child in element]
        if kind == "or":
            return lambda node: any(test(node) for test in tests)
        return lambda node: not tests[0](node)
    if kind == "is-collection":
        return lambda node: node.is_folder
    name = (names_in(element) or [""])[0]
    if kind == "is-defined":
        return lambda node: _value(getters, node, name) is not None
    literal = element.findtext(f"{DAV}literal") or ""
    if kind == "like":
        pattern = literal.lower().replace("[", "[[]").replace("%", "*").replace("_", "?")
        return lambda node: fnmatch.fnmatchcase((_text(getters, node, name)).lower(), pattern)
    if kind not in _ORDERS:
        raise bad_request(f"Unknown operator {element.tag}")
    order = _ORDERS[kind]
    return lambda node: _compare(order, _value(getters, node, name), literal)


def _text(getters: Getters, node: Node, name: str) -> str:
    return str(_value(getters, node, name) or "")


def _value(getters: Getters, node: Node, name: str) -> str | None:
    getter = getters.get(name)
    return None if getter is None else getter(node)


def _compare(
    order: Callable[[float | str, float | str], bool], found: str | None, literal: str
) -> bool:
    """A number is compared with the number with which the literal begins, so that a fileid is found
    by an OC-FileId (2b: a client asks so).
    """
    if found is None:
        return False
    one, other = _comparable(found), _comparable(literal)
    begin = re.match(r"\d+", literal)
    if isinstance(one, float) and begin is not None:
        other = float(begin[0])
    return type(one) is type(other) and order(one, other)


def _comparable(told: str) -> float | str:
    try:
        return float(told)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(told).timestamp()
    except ValueError:
        return told


def _sort(getters: Getters, found: list[Node], orders: ElementTree.Element | None) -> None:
    for order in reversed(orders if orders is not None else []):
        name = (names_in(order) or [""])[0]
        found.sort(
            key=lambda node: str(_comparable(_text(getters, node, name))),
            reverse=order.find(f"{DAV}descending") is not None,
        )
