"""What a server says of files and folders: `multistatus` documents (RFC 4918, section 13)."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from catalog.domain.xml_parser import parse_xml
from catalog.errors import StoreError

DAV, OC, NC = "DAV:", "http://owncloud.org/ns", "http://nextcloud.org/ns"
LARGEST = 512 << 20
"""Bytes of one answer: a folder of half a million files."""
_CHECKSUM = re.compile(r"([A-Za-z0-9]+):([0-9a-fA-F]+)")
_STATUS = re.compile(r"HTTP/[0-9.]+ ([0-9]{3})")

FILE_PROPERTIES = (
    f"{DAV} resourcetype",
    f"{DAV} getcontentlength",
    f"{DAV} getlastmodified",
    f"{DAV} getetag",
)
CLOUD_PROPERTIES = (*FILE_PROPERTIES, f"{OC} fileid", f"{OC} checksums")
"""What Nextcloud and ownCloud say besides."""
TRASH_PROPERTIES = (*CLOUD_PROPERTIES, f"{NC} trashbin-original-location")


@dataclass(slots=True)
class Resource:
    """A file or folder as a server describes it: where it is, and its properties by
    `NAMESPACE NAME`. `status` is that of the whole, where the server says one.
    """

    href: str = ""
    status: int = 200
    properties: dict[str, str] = field(default_factory=dict)
    is_folder: bool = False
    checksum: str = ""

    @classmethod
    def made(cls, size: int, mtime_ns: int, etag: str, number: str, sha1: str) -> Resource:
        """A file that was just made, of which all is known."""
        date = email.utils.formatdate(mtime_ns // 1_000_000_000, usegmt=True)
        return cls(
            properties={
                f"{DAV} getcontentlength": str(size),
                f"{DAV} getlastmodified": date,
                f"{DAV} getetag": etag,
                f"{OC} fileid": number,
            },
            checksum=f"SHA1:{sha1}",
        )

    @property
    def size(self) -> int:
        """Bytes of a file; 0 where the server does not say."""
        text = self.properties.get(f"{DAV} getcontentlength", "")
        return int(text) if text.isascii() and text.isdigit() else 0

    @property
    def mtime_ns(self) -> int:
        """When it was last modified, in nanoseconds since 1970 of whole seconds; 0: not said."""
        return nanoseconds(self.properties.get(f"{DAV} getlastmodified", ""))

    @property
    def etag(self) -> str:
        """The entity tag with its quotes, "" for none, or for a weak one."""
        return strong(self.properties.get(f"{DAV} getetag", ""))

    @property
    def file_id(self) -> int:
        """The number that a Nextcloud or ownCloud gives it, 0 for none."""
        text = self.properties.get(f"{OC} fileid", "")
        return int(text) if text.isascii() and text.isdigit() else 0

    @property
    def sha1(self) -> str:
        """The SHA-1 that the server keeps of a file, in hex, "" for none."""
        return sha1_of(self.checksum)


def strong(etag: str) -> str:
    """An entity tag, or "" for a weak one, which does not tell versions apart."""
    return "" if etag.startswith("W/") else etag


def sha1_of(checksums: str) -> str:
    """The SHA-1 of a list of checksums such as `SHA1:.. MD5:..`, or ""."""
    found = {kind.upper(): value.lower() for kind, value in _CHECKSUM.findall(checksums)}
    sha1 = found.get("SHA1", "")
    return sha1 if len(sha1) == 40 else ""


def nanoseconds(date: str) -> int:
    """Nanoseconds since 1970 of a date as HTTP writes it (RFC 9110, section 5.6.7), 0 for none."""
    try:
        return int(email.utils.parsedate_to_datetime(date).timestamp()) * 1_000_000_000
    except (ValueError, TypeError, OverflowError):
        return 0


def request_body(properties: Iterable[str]) -> bytes:
    """The body of a PROPFIND that asks for some properties."""
    names = "".join(
        f'<x:{name} xmlns:x="{space}"/>'
        for space, _, name in (p.partition(" ") for p in properties)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<propfind xmlns="{DAV}"><prop>{names}</prop></propfind>'
    ).encode()


def read_resources(pieces: bytes | Iterable[bytes], store: str) -> Iterator[Resource]:
    """What an answer describes, in its order. Raises StoreError for what is none."""
    reader = _Reader()
    try:
        parse_xml(pieces, reader.enter, reader.leave, reader.take, namespaces=True, largest=LARGEST)
    except ValueError as error:
        raise StoreError(
            f"The server of store {store} answers what is no list of files ({error}).",
            store=store,
            hint="Does the address lead to WebDAV, or to a page for people?",
        ) from error
    yield from reader.found


class _Reader:
    """Takes up one `response` after the other; of a `propstat` only what is there counts."""

    def __init__(self) -> None:
        self.found: list[Resource] = []
        self._resource: Resource | None = None
        self._path: list[str] = []
        self._text: list[str] = []
        self._stated: dict[str, str] = {}
        self._is_folder = False
        self._status = 200

    def enter(self, name: str, _attributes: dict[str, str]) -> None:
        self._path.append(name)
        self._text.clear()
        if name == f"{DAV} response":
            self._resource = Resource()
        elif name == f"{DAV} propstat":
            self._stated, self._is_folder, self._status = {}, False, 200
        elif name == f"{DAV} collection" and self._path[-2] == f"{DAV} resourcetype":
            self._is_folder = True

    def take(self, text: str) -> None:
        self._text.append(text)

    def leave(self, name: str) -> None:
        self._path.pop()
        resource, above = self._resource, self._path[-1] if self._path else ""
        if resource is None:
            return
        text = "".join(self._text).strip()
        self._text.clear()
        if name == f"{DAV} response":
            self.found.append(resource)
            self._resource = None
        elif name == f"{DAV} href" and above == f"{DAV} response":
            resource.href = text
        elif name == f"{DAV} status":
            self._take_status(resource, above, text)
        elif name == f"{DAV} propstat":
            if 200 <= self._status < 300:
                resource.properties |= self._stated
                resource.is_folder |= self._is_folder
                resource.checksum = self._stated.get(f"{OC} checksum", resource.checksum)
        elif text and (above == f"{DAV} prop" or name == f"{OC} checksum"):
            self._stated[name] = text

    def _take_status(self, resource: Resource, above: str, text: str) -> None:
        found = _STATUS.match(text)
        status = int(found[1]) if found else 500
        if above == f"{DAV} propstat":
            self._status = status
        elif above == f"{DAV} response":
            resource.status = status
