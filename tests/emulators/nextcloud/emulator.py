"""The emulator in a thread of its own, for tests: `with Emulator(folder) as emulator: ...`."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from ..connections import Listener
from ..service import Rules, Service
from .account import Account, Tag, TrashItem, Upload
from .application import Application
from .contents import CHUNK, Content
from .dialects import NEXTCLOUD, Dialect
from .names import Parts, normal
from .tree import Node, Tree

DEFAULT_USER = "ann"
DEFAULT_PASSWORD = "emulator-password"
Bytes = bytes | Path
Kept = tuple[Tree, dict[str, TrashItem], dict[str, Upload], dict[int, Tag]]


@dataclass(frozen=True)
class Record:
    """A file as it stands in the account."""

    size: int
    modified: datetime
    etag: str
    id: int
    checksums: str
    tags: tuple[str, ...]
    is_favourite: bool


@dataclass(frozen=True)
class TrashRecord:
    """Something deleted: where it was, when it was deleted."""

    original: str
    deleted: datetime
    id: int


class Emulator(Service[Application]):
    """One account of a WebDAV server behind one loopback port.

    `address` is the server's, with the folder it is mounted at; `files_address` and
    `legacy_address` are those of the files. `root` is where large contents lie.
    """

    def __init__(
        self,
        root: Path,
        dialect: Dialect = NEXTCLOUD,
        *,
        mount: str = "",
        user: str = DEFAULT_USER,
        password: str = DEFAULT_PASSWORD,
        port: int = 0,
        faults: Rules = (),
        latency: float = 0.0,
    ) -> None:
        super().__init__(port, faults, latency)
        self.dialect = dialect
        self.user, self._mount = user, mount
        self._account = Account(Path(root), dialect, user, password)

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[Application]:
        application = Application(
            account=self._account, faults=self._plan, latency=self._latency, mount=self._mount
        )
        listener = Listener(application)
        self.port = listener.listen(self.port)
        try:
            yield application
        finally:
            await listener.close()

    # Addresses

    @property
    def address(self) -> str:
        """The server's."""
        return f"http://127.0.0.1:{self.port}{self._mount}"

    @property
    def files_address(self) -> str:
        """Of the root of the files, without a last slash."""
        if not self.dialect.clouded:
            return self.address
        return f"{self.address}/remote.php/dav/files/{quote(self.user)}"

    @property
    def legacy_address(self) -> str:
        """The other one of the same root."""
        return f"{self.address}/remote.php/webdav" if self.dialect.clouded else self.address

    # Live control

    @property
    def password(self) -> str:
        """The one that is accepted; may be changed."""
        return self._account.password

    @password.setter
    def password(self, password: str) -> None:
        self._account.password = password

    def expire(self) -> None:
        """From now on nobody is let in, nor by a cookie, until `renew`."""

        def work() -> None:
            self._account.is_expired = True
            self._account.sessions.clear()

        self._call(work)

    def renew(self) -> None:
        """The password is good again."""
        self._account.is_expired = False

    @property
    def kept_cookies(self) -> int:
        """How many calls brought a cookie: a client should keep none."""
        return self._account.kept_cookies

    @property
    def space(self) -> int | None:
        """The account's quota in bytes; None = no end of it."""
        return self._account.tree.quota

    @space.setter
    def space(self, quota: int | None) -> None:
        self._account.tree.quota = quota

    @property
    def least_chunk(self) -> int:
        """The bytes that each chunk of an upload has at least, but the last."""
        return self._account.least_chunk

    @least_chunk.setter
    def least_chunk(self, size: int) -> None:
        self._account.least_chunk = size

    @property
    def chunked_coding(self) -> str:
        """What becomes of bodies without a length: "refused", "empties", "taken"."""
        return self._account.chunked_coding

    @chunked_coding.setter
    def chunked_coding(self, what: str) -> None:
        self._account.chunked_coding = what

    def lock(self, path: str) -> None:
        """Somebody else holds this path: 423 for what would change it."""
        self._call(lambda: self._account.locks.add(self._parts(path)))

    def unlock(self, path: str) -> None:
        """Nobody holds it any more."""
        self._call(lambda: self._account.locks.discard(self._parts(path)))

    @property
    def uploads(self) -> list[str]:
        """The ids of the chunked uploads under way."""
        return self._call(lambda: list(self._account.uploads))

    def expire_uploads(self) -> None:
        """Every chunked upload was idle for 24 hours."""
        self._call(self._account.uploads.clear)

    def keep(self) -> Kept:
        """All that the account holds now, for `bring_back`."""
        account = self._account
        held = account.tree, account.trash, account.uploads, account.tags
        return self._call(lambda: copy.deepcopy(held))

    def bring_back(self, kept: Kept) -> None:
        """The account holds what it held then."""

        def work() -> None:
            account = self._account
            account.tree, account.trash, account.uploads, account.tags = copy.deepcopy(kept)

        self._call(work)

    # Planting and inspecting, without a call

    def plant(self, path: str, content: Bytes, *, modified: datetime | int | None = None) -> Record:
        """Write a file, whatever is there, with the folders above it."""
        return self._call(lambda: self._record(self._plant(path, content, modified)))

    def plant_many(self, plants: Iterable[tuple[str, Bytes]]) -> None:
        """Write many files at once."""

        def work() -> None:
            for path, content in plants:
                self._plant(path, content, None)

        self._call(work)

    def _plant(self, path: str, content: Bytes, modified: datetime | int | None) -> Node:
        account, parts = self._account, self._parts(path)
        stored = _stored(account, content)
        self._folder(parts[:-1])
        node = account.tree.find(parts)
        if node is None:
            node = account.tree.add(parts, stored)
        else:
            account.tree.write(node, stored)
        node.checksums = ""
        if modified is not None:
            seconds = modified.timestamp() if isinstance(modified, datetime) else modified
            node.modified = int(seconds)
        return node

    def _folder(self, parts: Parts) -> Node:
        node = self._account.tree.root
        for count in range(1, len(parts) + 1):
            found = self._account.tree.find(parts[:count])
            node = found or self._account.tree.add(parts[:count], None)
        return node

    def make_folder(self, path: str) -> None:
        """Create a folder with those above it."""
        self._call(lambda: self._folder(self._parts(path)))

    def delete(self, path: str, *, for_good: bool = False) -> None:
        """Delete a file or folder, as a person would in another client."""
        self._call(lambda: self._account.remove(self._there(path), for_good=for_good))

    def move(self, source: str, target: str) -> None:
        """Move a file or folder."""
        self._call(lambda: self._account.tree.move(self._there(source), self._parts(target)))

    def tag(self, path: str, *names: str) -> None:
        """Give a file or folder tags, which are made where they are missing."""

        def work() -> None:
            node = self._there(path)
            for name in names:
                known = self._account.tag_named(name) or self._account.make_tag(name)
                node.tags.add(known.number)

        self._call(work)

    def files(self) -> dict[str, Record]:
        """Every file by its path."""
        return self._call(
            lambda: {
                _path(node): self._record(node)
                for node in self._account.tree.root.walk()
                if not node.is_folder
            }
        )

    def folders(self) -> dict[str, Record]:
        """Every folder by its path; the root is "/"."""
        return self._call(
            lambda: {
                _path(node): self._record(node)
                for node in self._account.tree.root.walk()
                if node.is_folder
            }
        )

    def trash(self) -> dict[str, TrashRecord]:
        """What was deleted, by its name in the trash."""

        def work() -> dict[str, TrashRecord]:
            return {
                name: TrashRecord(
                    "/" + "/".join(item.original),
                    datetime.fromtimestamp(item.deleted, UTC),
                    item.node.id,
                )
                for name, item in self._account.trash.items()
            }

        return self._call(work)

    def content(self, path: str) -> bytes:
        """A file's bytes."""

        def work() -> bytes:
            content = self._there(path).content
            if content is None:
                raise IsADirectoryError(path)
            return content.bytes()

        return self._call(work)

    def damage(self, path: str) -> None:
        """One byte of a file is another one, and nothing says so."""

        def work() -> None:
            node = self._there(path)
            assert node.content is not None and node.size
            data = bytearray(node.content.bytes())
            data[len(data) // 2] ^= 0xFF
            node.content = Content([bytes(data)])

        self._call(work)

    def _parts(self, path: str) -> Parts:
        parts = tuple(name for name in path.split("/") if name)
        return normal(parts) if self.dialect.clouded else parts

    def _there(self, path: str) -> Node:
        node = self._account.tree.find(self._parts(path))
        if node is None:
            raise FileNotFoundError(path)
        return node

    def _record(self, node: Node) -> Record:
        names = sorted(self._account.tags[number].name for number in node.tags)
        return Record(
            size=node.size,
            modified=datetime.fromtimestamp(node.modified, UTC),
            etag=node.etag,
            id=node.id,
            checksums=node.checksums,
            tags=tuple(names),
            is_favourite=node.favourite,
        )


def _path(node: Node) -> str:
    return "/" + "/".join(node.parts)


def _stored(account: Account, content: Bytes) -> Content:
    spool = account.spool()
    if isinstance(content, Path):
        with content.open("rb") as file:
            while data := file.read(CHUNK):
                spool.write(data)
    else:
        spool.write(content)
    return spool.close()
