"""One account: its files, trash, uploads and tags, and what a test sets of it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..messages import Request
from .contents import Content, Spool
from .dialects import Dialect
from .names import Parts, check_name, decode, encode, normal
from .refusals import Refused, locked
from .tree import Node, Tree

INSTANCE = "ocemulated"
_PAGE = 100
_LEAST_CHUNK = 5 * 1024 * 1024


@dataclass
class TrashItem:
    """What was deleted, under a name of its own: `NAME.dTIME` (2c)."""

    name: str
    node: Node
    original: Parts
    deleted: int


@dataclass
class Upload:
    """Chunks on their way, by number or name."""

    chunks: dict[str, Content] = field(default_factory=dict)


@dataclass
class Tag:
    """A system tag."""

    number: int
    name: str
    visible: bool = True
    assignable: bool = True


@dataclass(frozen=True)
class Page:
    """A part of a listing, and what the answer says of it."""

    things: list[tuple[str, Node]]
    headers: dict[str, str]


class Pages:
    """Listings that are told in parts (source)."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], list[tuple[str, Node]]] = {}

    def page(self, request: Request, things: Sequence[tuple[str, Node]]) -> Page | None:
        """The part that a request asks for; None where it wants all."""
        headers = request.headers
        token, path = headers.get("x-nc-paginate-token", ""), request.path
        first = _number(headers.get("x-nc-paginate-offset"), 0)
        last = first + _number(headers.get("x-nc-paginate-count"), _PAGE)
        kept = self._kept.get((path, token))
        if kept is not None and "x-nc-paginate-offset" in headers:
            return Page(kept[first:last], {"X-NC-Paginate": "true"})
        if "x-nc-paginate" not in headers:
            return None
        if len(things) <= last:
            return Page(list(things[first:last]), {})
        token = secrets.token_hex(16)
        self._kept[path, token] = list(things)
        told = {"X-NC-Paginate-Token": token, "X-NC-Paginate-Total": str(len(things))}
        return Page(list(things[first:last]), {"X-NC-Paginate": "true", **told})


def _number(told: str | None, otherwise: int) -> int:
    return int(told) if told is not None and told.isdigit() and int(told) else otherwise


class Account:
    """All that an emulator holds, and its settings.

    `least_chunk`: what a chunk but the last has at least; `chunked_coding`: what becomes of bodies
    without a length: "refused" (411, as nginx does), "empties" (stored as nothing with 201, as
    Apache with FastCGI did) or "taken".
    """

    def __init__(self, root: Path, dialect: Dialect, user: str, password: str) -> None:
        self.dialect = dialect
        self.user, self.password = user, password
        self.is_expired = False
        self.tree = Tree()
        self.trash: dict[str, TrashItem] = {}
        self.uploads: dict[str, Upload] = {}
        self.tags: dict[int, Tag] = {}
        self.sessions: set[str] = set()
        self.kept_cookies = 0
        self.pages = Pages()
        self.locks: set[Parts] = set()
        self.least_chunk = _LEAST_CHUNK
        self.chunked_coding = "refused"
        self._blobs = root / "blobs"
        self._blobs.mkdir(parents=True, exist_ok=True)

    def spool(self) -> Spool:
        """Room for a body."""
        return Spool(self._blobs)

    def take_unsized(self) -> None:
        """A body without a length comes; raises 411 where that is refused."""
        if self.chunked_coding == "refused":
            raise Refused(411, "LengthRequired", "A Content-Length is needed")

    def parts(self, path: str) -> Parts:
        """The names of a path as it stands in an address, as the server keeps them."""
        return normal(decode(path)) if self.dialect.clouded else decode(path)

    def check_new(self, parts: Parts) -> None:
        """Raises where nothing of this name may be written."""
        if self.dialect.clouded:
            check_name(parts[-1])

    def check_unlocked(self, parts: Parts) -> None:
        """Raises 423 where somebody holds a path, or one below it."""
        if any(held[: len(parts)] == parts for held in self.locks):
            raise locked(encode(parts))

    def long_id(self, node: Node) -> str:
        """2c: the number padded with zeros, and the instance."""
        return f"{node.id:08d}{INSTANCE}"

    def remove(self, node: Node, *, for_good: bool = False) -> None:
        """Delete, to the trash where there is one: as `NAME.dTIME`, of the next free second."""
        original = node.parts
        self.tree.detach(node)
        if for_good or not self.dialect.extended:
            self.tree.forget(node)
            return
        deleted = int(time.time())
        while f"{node.name}.d{deleted}" in self.trash:
            deleted += 1
        item = TrashItem(f"{node.name}.d{deleted}", node, original, deleted)
        self.trash[item.name] = item

    def restore(self, item: TrashItem, node: Node) -> None:
        """Bring a deleted node, or one below it, back to where it was: into the root if the folder
        is gone, under another name if its own is taken (source).
        """
        below = node.parts
        where = item.original + below
        parent = self.tree.find(where[:-1])
        folder = parent if parent is not None and parent.is_folder else self.tree.root
        if node is item.node:
            del self.trash[item.name]
        else:
            self.tree.detach(node)
        node.name = _free_name(folder, where[-1])
        self.tree.attach(node, folder)

    def tag_named(self, name: str) -> Tag | None:
        """A tag by its name."""
        return next((tag for tag in self.tags.values() if tag.name == name), None)

    def make_tag(self, name: str, *, visible: bool = True, assignable: bool = True) -> Tag:
        """A new tag."""
        tag = Tag(max(self.tags, default=0) + 1, name, visible, assignable)
        self.tags[tag.number] = tag
        return tag


def _free_name(folder: Node, name: str) -> str:
    taken = folder.children or {}
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    number, found = 1, name
    while found in taken:
        again = "restored" if number == 1 else f"restored {number}"
        found = f"{stem} ({again}){dot}{extension}"
        number += 1
    return found
