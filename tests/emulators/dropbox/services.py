"""The parts of a running account, and what a route's handler gets to see of a call."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..faults import Effect, Fault
from . import paths
from .content import Spool
from .cursors import Cursors
from .errors import BadInput, PathRootFailure, RouteError, Union, union
from .jobs import Jobs
from .oauth import OAuth
from .sessions import Sessions
from .state import State
from .tree import Json, Node, Tree, metadata

HOME_PATH = "/Emulated User"


class Account:
    """One Dropbox account: its state and everything that works on it."""

    def __init__(
        self, root: Path, *, team: bool, app_key: str, app_secret: str, token: str
    ) -> None:
        self.state = State(root)
        self.team = team
        self.home = HOME_PATH if team else ""
        self.account_id = self.state.meta("account id", "dbid:" + secrets.token_hex(20)[:35])
        self.root_namespace = self.state.meta("root namespace", "2718281828")
        self.home_namespace = "3141592653" if team else self.root_namespace
        self.tree = Tree(self.state, self.home)
        self.cursors = Cursors(self.state, self.tree)
        self.sessions = Sessions(self.state)
        self.jobs = Jobs(self.state)
        self.oauth = OAuth(self.state, self.account_id, app_key, app_secret, token)
        self.changed = asyncio.Condition()
        self.longpoll: float | None = None

    def root_info(self) -> Json:
        """RootInfo of the account."""
        info = {"root_namespace_id": self.root_namespace, "home_namespace_id": self.home_namespace}
        if self.team:
            return {".tag": "team", **info, "home_path": self.home}
        return {".tag": "user", **info}

    def base(self, path_root: Any) -> str:
        """Where the paths of a call begin: what the header Dropbox-API-Path-Root says,
        without one the member's home.
        """
        if path_root is None:
            return self.home
        tag = path_root.get(".tag") if isinstance(path_root, dict) else path_root
        if tag == "home":
            return self.home
        named = path_root.get(tag) if isinstance(path_root, dict) else None
        if tag not in {"root", "namespace_id"} or not isinstance(named, str):
            raise BadInput('HTTP header "Dropbox-API-Path-Root": could not decode input')
        if tag == "root" and named != self.root_namespace:
            raise PathRootFailure({".tag": "invalid_root", "invalid_root": self.root_info()})
        if named not in {self.root_namespace, self.home_namespace}:
            raise PathRootFailure(union("no_permission"))
        return self.namespace(named)

    def namespace(self, number: str) -> str:
        """Where a namespace lies; raises the lookup error `not_found`."""
        if number == self.home_namespace:
            return self.home
        if number == self.root_namespace:
            return ""
        raise RouteError(union("not_found"))


@contextmanager
def inside(*tags: str) -> Iterator[None]:
    """Errors raised in it become the value of these tags: `with inside("path")`."""
    try:
        yield
    except RouteError as error:
        inner = error.error
        for tag in reversed(tags):
            inner = {".tag": tag, tag: inner}
        raise RouteError(inner, keep=error.keep) from None


@dataclass
class Call:
    """A checked call on its way to a handler: `base` is where its paths begin,
    `authority` where links shall lead.
    """

    account: Account
    route: str
    arg: Any
    base: str
    authority: str
    headers: dict[str, str]
    authorization: str
    effect: Effect
    spool: Spool | None = None

    @property
    def body(self) -> Spool:
        """The received body of an upload-style call."""
        assert self.spool is not None
        return self.spool

    def resolve(self, raw: str) -> str:
        """The path an argument means (`/a`, `ns:1/a`, `id:x`, `id:x/a`); raises a lookup error."""
        try:
            if raw.startswith("ns:"):
                number, slash, rest = raw[3:].partition("/")
                return self.account.namespace(number) + paths.normal(slash + rest)
            if raw.startswith("id:"):
                entry, slash, rest = raw.partition("/")
                node = self.account.tree.by_id(entry)
                if node is None:
                    raise RouteError(union("not_found"))
                return str(node["path"]) + paths.normal(slash + rest)
            return self.base + paths.normal(raw)
        except paths.Malformed:
            raise RouteError(union("malformed_path")) from None

    def locate(self, raw: str) -> Node:
        """The live entry an argument means; raises a lookup error."""
        node = self.account.tree.find(self.resolve(raw))
        if node is None:
            raise RouteError(union("not_found"))
        return node

    def locate_file(self, raw: str) -> Node:
        """The file, or the revision of one, that an argument means; raises a lookup error."""
        if raw.startswith("rev:"):
            node = self.account.tree.revision(raw[4:])
            if node is None:
                raise RouteError(union("not_found"))
            return node
        node = self.locate(raw)
        if node["folder"]:
            raise RouteError(union("not_file"))
        return node

    def tell(self, node: Node, *, tagged: bool = True) -> Json:
        """The entry's metadata as this call's client sees it."""
        return metadata(node, self.base, tagged=tagged)

    def entry_fault(self, number: int) -> Union | None:
        """The error a fault plan wants for an entry of a batch."""
        fault: Fault | None = self.effect.get("entry_error")
        if fault is None or (fault.entries is not None and number not in fault.entries):
            return None
        if fault.step is not None and (number + 1) % fault.step:
            return None
        return fault.error


Handler = Callable[[Call], Any | Awaitable[Any]]
