"""Chunked upload, version 2: /remote.php/dav/uploads/USER/ID/NUMBER (2c).

MKCOL of the ID, PUT of each chunk, MOVE of `.file` to where the file shall be.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..messages import Reply, Request
from .account import Account, Upload
from .contents import Content
from .files import check_checksum, find_destination, promised_size, receive, store
from .multistatus import DAV, Getter, Properties, multistatus, wanted, with_folder
from .names import Parts, encode
from .refusals import (
    bad_request,
    conflict,
    forbidden,
    not_allowed,
    not_found,
    not_implemented,
    precondition_failed,
)

_MOST_CHUNK = 5 * 1024**3
_GETTERS: dict[str, Getter[int]] = {DAV + "getcontentlength": str}
_CHUNKS = Properties(with_folder(_GETTERS), (DAV + "getcontentlength", DAV + "resourcetype"))


@dataclass
class Uploads:
    """One request to the uploads: `base` is the address of their root, `files` of the files'."""

    account: Account
    request: Request
    base: str
    files: str
    parts: Parts

    async def answer(self) -> Reply:
        """By method and depth."""
        handlers = {
            ("MKCOL", 1): self._begin,
            ("PUT", 2): self._put,
            ("MOVE", 2): self._finish,
            ("DELETE", 1): self._drop,
            ("DELETE", 2): self._drop_chunk,
            ("PROPFIND", 1): self._list,
        }
        handler = handlers.get((self.request.method, len(self.parts)))
        if handler is not None:
            return await handler()
        if self.request.method in {"GET", "HEAD"}:
            raise not_allowed("Reading intermediate uploads is not allowed")
        raise not_implemented(self.request.method)

    def _upload(self) -> Upload:
        upload = self.account.uploads.get(self.parts[0])
        if upload is None:
            raise not_found(f"File with name {self.parts[0]} could not be located")
        return upload

    def _check_destination(self) -> None:
        """2c: the header stands on all calls (without a distributed cache it need not: source)."""
        if self.account.dialect.extended:
            find_destination(self.account, self.request, self.files)

    async def _begin(self) -> Reply:
        if self.parts[0] in self.account.uploads:
            raise not_allowed("The resource you tried to create already exists")
        self._check_destination()
        self.account.uploads[self.parts[0]] = Upload()
        return Reply(201)

    async def _put(self) -> Reply:
        upload, name = self._upload(), self.parts[1]
        self._check_destination()
        if self.account.dialect.extended and not (name.isdigit() and 1 <= int(name) <= 10000):
            raise bad_request("Invalid chunk name, must be numeric between 1 and 10000")
        if (self.request.body.length or 0) > _MOST_CHUNK:
            raise bad_request("A chunk has at most 5 GB")
        self.account.tree.check_space(promised_size(self.request))
        content = await receive(self.account, self.request.body)
        existed = name in upload.chunks
        upload.chunks[name] = content
        return Reply(204 if existed else 201)

    async def _finish(self) -> Reply:
        """2c: OC-Total-Length is held against what came, OC-Checksum is only kept."""
        upload, account = self._upload(), self.account
        if self.parts[1] != ".file":
            raise forbidden("Only .file can be moved")
        destination = find_destination(account, self.request, self.files)
        account.check_unlocked(destination.parts)
        content = self._joined(upload)
        total = self.request.headers.get("oc-total-length")
        if total is not None and total != str(content.size):
            raise bad_request(
                f"Chunks on server do not sum up to {total} but to {content.size} bytes"
            )
        node = account.tree.find(destination.parts)
        if not destination.parts or (node is not None and node.is_folder):
            raise conflict("There is a folder")
        account.tree.folder(destination.parts)
        account.check_new(destination.parts)
        if node is not None and not destination.overwrite:
            raise precondition_failed("Overwrite")
        account.tree.check_space(content.size)
        await check_checksum(account, self.request, content)
        del account.uploads[self.parts[0]]
        return store(account, self.request, destination.parts, content)

    def _joined(self, upload: Upload) -> Content:
        """All chunks in the order of their numbers, or names."""
        numbered = all(name.isdigit() for name in upload.chunks)
        names = sorted(upload.chunks, key=(lambda name: int(name)) if numbered else None)
        chunks = [upload.chunks[name] for name in names]
        least = self.account.least_chunk
        if self.account.dialect.extended and any(chunk.size < least for chunk in chunks[:-1]):
            raise bad_request(f"A chunk but the last has at least {least} bytes")  # 2c
        return Content.joined(chunks)

    async def _drop(self) -> Reply:
        self._upload()
        del self.account.uploads[self.parts[0]]
        return Reply(204)

    async def _drop_chunk(self) -> Reply:
        if self._upload().chunks.pop(self.parts[1], None) is None:
            raise not_found(f"File with name {self.parts[1]} could not be located")
        return Reply(204)

    async def _list(self) -> Reply:
        upload = self._upload()
        base = self.base + encode(self.parts)
        things: list[tuple[str, int | None]] = [(f"{base}/", None)]
        if self.request.headers.get("depth", "1") != "0":
            sizes = {name: chunk.size for name, chunk in sorted(upload.chunks.items())}
            sizes[".file"] = sum(sizes.values())
            things += [(base + encode((name,)), size) for name, size in sizes.items()]
        names = wanted(await self.request.body.read())
        return multistatus(_CHUNKS.responses(things, names, minimal=False))
