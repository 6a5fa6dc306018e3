"""What was deleted: /remote.php/dav/trashbin/USER/trash/NAME.dTIME (2c).

A MOVE to /remote.php/dav/trashbin/USER/restore/NAME brings it back to where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..messages import Reply, Request
from ..ranges import ranged
from .account import Account, TrashItem
from .files import find_destination
from .kinds import kind_of
from .multistatus import DAV, NC, OC, Getter, Properties, multistatus, text, wanted, with_folder
from .names import Parts, encode
from .properties import USUAL, of_nodes
from .refusals import forbidden, not_found, not_implemented
from .tree import Node

_ROOMS = ("trash", "restore")


@dataclass(frozen=True)
class _Shown:
    """A deleted node, or one below it."""

    node: Node
    item: TrashItem

    @property
    def filename(self) -> str:
        return self.original[-1]

    @property
    def original(self) -> Parts:
        return self.item.original + self.node.parts


@dataclass
class Trashbin:
    """One request to the trash: `base` is its address."""

    account: Account
    request: Request
    base: str
    parts: Parts

    async def answer(self) -> Reply:
        """By method."""
        handlers = {
            "PROPFIND": self._propfind,
            "GET": self._get,
            "HEAD": self._get,
            "MOVE": self._restore,
            "DELETE": self._delete,
        }
        handler = handlers.get(self.request.method)
        if handler is None:
            raise not_implemented(self.request.method)
        if self.parts and self.parts[0] not in _ROOMS:
            raise not_found(encode(self.parts))
        return await handler()

    def _found(self) -> _Shown:
        """What the address names below `trash`."""
        item = self.account.trash.get(self.parts[1]) if len(self.parts) > 1 else None
        node = item.node if item is not None else None
        for name in self.parts[2:]:
            node = (node.children or {}).get(name) if node is not None else None
        if self.parts[:1] != ("trash",) or node is None or item is None:
            raise not_found(f"File with name {encode(self.parts)} could not be located")
        return _Shown(node, item)

    async def _get(self) -> Reply:
        shown = self._found()
        content = shown.node.content
        if content is None:
            raise not_implemented(self.request.method)
        headers = {"Content-Type": kind_of(shown.filename)}
        return ranged(self.request, headers, content.size, content.read)

    async def _restore(self) -> Reply:
        shown = self._found()
        target = find_destination(self.account, self.request, self.base)
        if target.parts[:1] != ("restore",) or len(target.parts) != 2:
            raise forbidden("Deleted files are moved to restore only")
        self.account.tree.check_space(shown.node.size)
        self.account.restore(shown.item, shown.node)
        return Reply(201)

    async def _delete(self) -> Reply:
        if self.parts == ("trash",):
            for item in self.account.trash.values():
                self.account.tree.forget(item.node)
            self.account.trash.clear()
            return Reply(204)
        shown = self._found()
        if shown.node is shown.item.node:
            del self.account.trash[shown.item.name]
        else:
            self.account.tree.detach(shown.node)
        self.account.tree.forget(shown.node)
        return Reply(204)

    async def _propfind(self) -> Reply:
        names = wanted(await self.request.body.read())
        things = list(self._listed())
        if self.request.headers.get("depth", "1") == "0":
            things = things[:1]
        return multistatus(_properties(self.account).responses(things, names, minimal=False))

    def _listed(self) -> Iterator[tuple[str, _Shown | None]]:
        """What the address names, and what lies in it."""
        here = f"{self.base}{encode(self.parts)}"
        if len(self.parts) < 2:
            yield f"{here}/", None
            for room in _ROOMS if not self.parts else ():
                yield f"{here}/{room}/", None
            for item in self.account.trash.values() if self.parts == ("trash",) else ():
                yield _address(here, item.name, item.node), _Shown(item.node, item)
            return
        shown = self._found()
        yield here + ("/" if shown.node.is_folder else ""), shown
        for child in (shown.node.children or {}).values():
            yield _address(here, child.name, child), _Shown(child, shown.item)


def _address(folder: str, name: str, node: Node) -> str:
    return f"{folder}{encode((name,))}" + ("/" if node.is_folder else "")


def _properties(account: Account) -> Properties[_Shown | None]:
    """Those of files, and where they come from; the etag is the time of change (source)."""
    nodes = of_nodes(account).getters

    def lifted(name: str) -> Getter[_Shown]:
        return lambda shown: nodes[name](shown.node)

    kept = [DAV + name for name in ("getlastmodified", "getcontentlength", "resourcetype")]
    kept += [OC + name for name in ("fileid", "id", "size", "checksums")]
    kept += [NC + "has-preview", NC + "creation_time"]
    getters = {name: lifted(name) for name in kept} | {
        DAV + "getcontenttype": lambda shown: (
            None if shown.node.is_folder else text(kind_of(shown.filename))
        ),
        DAV + "getetag": lambda shown: f"&quot;{shown.node.modified}&quot;",
        DAV + "displayname": lambda shown: text(shown.filename),
        OC + "permissions": lambda _shown: "GD",
        NC + "trashbin-filename": lambda shown: text(shown.filename),
        NC + "trashbin-original-location": lambda shown: text("/".join(shown.original)),
        NC + "trashbin-title": lambda shown: text("/".join(shown.original)),
        NC + "trashbin-deletion-time": lambda shown: str(shown.item.deleted),
        NC + "trashbin-deleted-by-id": lambda _shown: text(account.user),
    }
    return Properties(with_folder(getters), USUAL)
