"""Files and folders of one account.

Every node has a number for its life (`id`), which a move keeps and a copy does not; every change of
a node changes its etag and that of each folder above it, up to the root (2c).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

from .contents import Content
from .names import Parts
from .refusals import conflict, insufficient_storage


def new_etag() -> str:
    """A value that was never there before."""
    return secrets.token_hex(16)


class Node:
    """A file, or a folder where `children` is not None.

    `modified`, `created` and `uploaded` are seconds since the epoch; `size` is that of all below;
    `checksums` as the client stated them; `properties` are those that the server gives no meaning:
    XML by name.
    """

    __slots__ = (
        "checksums",
        "children",
        "content",
        "created",
        "etag",
        "favourite",
        "id",
        "modified",
        "name",
        "parent",
        "properties",
        "size",
        "tags",
        "uploaded",
    )

    def __init__(self, number: int, name: str, content: Content | None) -> None:
        self.id = number
        self.name = name
        self.parent: Node | None = None
        self.content = content
        self.children: dict[str, Node] | None = {} if content is None else None
        self.size = content.size if content is not None else 0
        self.etag = new_etag()
        self.modified = int(time.time())
        self.created = 0
        self.uploaded = 0
        self.checksums = ""
        self.favourite = False
        self.tags: set[int] = set()
        self.properties: dict[str, str] = {}

    @property
    def is_folder(self) -> bool:
        """Whether other nodes may lie in it."""
        return self.children is not None

    @property
    def parts(self) -> Parts:
        """The names from the root to it."""
        found = []
        node = self
        while node.parent is not None:
            found.append(node.name)
            node = node.parent
        return tuple(reversed(found))

    def walk(self) -> Iterator[Node]:
        """It, and all below it."""
        yield self
        for child in (self.children or {}).values():
            yield from child.walk()

    def is_in(self, folder: Node) -> bool:
        """Whether it is a folder or lies below it."""
        node: Node | None = self
        while node is not None and node is not folder:
            node = node.parent
        return node is not None


class Tree:
    """The nodes; `quota` in bytes, None = no end of it."""

    def __init__(self) -> None:
        self._last = 0
        self.by_id: dict[int, Node] = {}
        self.root = self._made("", None)
        self.quota: int | None = None

    def _made(self, name: str, content: Content | None) -> Node:
        self._last += 1
        node = Node(self._last, name, content)
        self.by_id[node.id] = node
        return node

    # Looking

    def find(self, parts: Parts) -> Node | None:
        """The node at a path."""
        node = self.root
        for name in parts:
            child = (node.children or {}).get(name)
            if child is None:
                return None
            node = child
        return node

    def folder(self, parts: Parts) -> Node:
        """The folder in which a path lies; raises 409 where there is none."""
        found = self.find(parts[:-1])
        if found is None or not found.is_folder:
            raise conflict("Files cannot be created in non-existent collections")
        return found

    @property
    def free(self) -> int | None:
        """Bytes that may still come; None = no end of them."""
        return None if self.quota is None else max(0, self.quota - self.root.size)

    def check_space(self, size: int) -> None:
        """Raises 507 where so many bytes have no room."""
        free = self.free
        if free is not None and size > free:
            raise insufficient_storage(size, free)

    # Changing

    def touch(self, node: Node, modified: int) -> None:
        """A node has another time: it and all above it get new etags, and no checksum is known any
        more (source).
        """
        node.modified = modified
        node.checksums = ""
        node.etag = new_etag()
        self._changed_below(node.parent)

    @staticmethod
    def _changed_below(folder: Node | None, grown: int = 0) -> None:
        now = int(time.time())
        while folder is not None:
            folder.etag = new_etag()
            folder.modified = now
            folder.size += grown
            folder = folder.parent

    def add(self, parts: Parts, content: Content | None) -> Node:
        """A new file, or folder where there is no content; its parent is there."""
        node = self._made(parts[-1], content)
        self.attach(node, self.folder(parts))
        return node

    def write(self, node: Node, content: Content) -> None:
        """Give a file another content; it stays the same file."""
        grown = content.size - node.size
        node.content, node.size = content, content.size
        node.modified = int(time.time())
        node.etag = new_etag()
        self._changed_below(node.parent, grown)

    def attach(self, node: Node, folder: Node) -> None:
        """Put a node that lies nowhere into a folder."""
        assert folder.children is not None
        folder.children[node.name] = node
        node.parent = folder
        self._changed_below(folder, node.size)

    def detach(self, node: Node) -> None:
        """Take a node out of its folder, with all below it."""
        folder = node.parent
        assert folder is not None and folder.children is not None
        del folder.children[node.name]
        node.parent = None
        self._changed_below(folder, -node.size)

    def forget(self, node: Node) -> None:
        """A detached node is gone for good."""
        for one in node.walk():
            self.by_id.pop(one.id, None)

    def move(self, node: Node, parts: Parts) -> None:
        """Etag and number stay (2c)."""
        folder = self.folder(parts)
        self.detach(node)
        node.name = parts[-1]
        self.attach(node, folder)

    def copy(self, node: Node, parts: Parts, *, deep: bool = True) -> Node:
        """With new numbers (2c), the same times and etags, and no checksums (source).

        What the server gives no meaning goes along (RFC 4918 9.8.2).
        """
        folder = self.folder(parts)
        made = self._copied(node, parts[-1], deep)
        self.attach(made, folder)
        return made

    def _copied(self, node: Node, name: str, deep: bool) -> Node:
        made = self._made(name, node.content)
        made.modified, made.created, made.uploaded = node.modified, node.created, node.uploaded
        made.etag = node.etag
        made.properties = dict(node.properties)
        if made.children is not None and deep:
            for child in (node.children or {}).values():
                copied = self._copied(child, child.name, deep)
                copied.parent = made
                made.children[copied.name] = copied
                made.size += copied.size
        return made
