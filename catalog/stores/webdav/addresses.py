"""Addresses of folders on WebDAV servers: as a person names them, and as requests name them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes, urlsplit

from catalog.domain.hosts import is_loopback
from catalog.domain.names import from_text, to_text
from catalog.errors import InvalidPath, UsageError

KIND = "webdav"
"""What the catalog calls stores on WebDAV servers."""
PREFIX = f"{KIND}:"
"""How a person begins the name of a folder on one."""
_PORTS = {"http": 80, "https": 443}
_FILES = re.compile(r"(?P<base>(?:/.*)?/remote\.php)/(?:webdav|dav/files/(?P<user>[^/]+))(?:/|$)")
"""How Nextcloud and ownCloud name the files of a user, in both of their forms."""


@dataclass(frozen=True, slots=True)
class Address:
    """A folder on a server. `origin` is scheme, host and port; `path` the folder's, decoded, in the
    form of the system, "" for the root, else with a slash before each part.
    """

    origin: str
    path: str

    @property
    def text(self) -> str:
        """It as the catalog records it."""
        return f"{self.origin}{escape_path(self.path)}"

    @property
    def location(self) -> str:
        """It for a person, and for the history: with its prefix, in text form, not escaped."""
        return f"{PREFIX}{self.origin}{to_text(self.path)}"

    @property
    def parts(self) -> tuple[str, str, str] | None:
        """Of an address of a Nextcloud or ownCloud: where the server's own addresses begin, the
        user ("" where the address does not name one), and the folder within the user's files.

        None for any other server.
        """
        found = _FILES.match(self.path)
        if found is None:
            return None
        rest = self.path[found.end() - 1 :] if found[0].endswith("/") else ""
        return found["base"], found["user"] or "", rest.rstrip("/")

    @property
    def top(self) -> str:
        """The path of the topmost folder that is of files at all."""
        found = _FILES.match(self.path)
        return "" if found is None else found[0].rstrip("/")

    def url(self, path: str) -> str:
        """The address of a file or folder below it (in the form of the system), escaped."""
        return f"{self.origin}{escape_path(f'{self.path}/{path}' if path else self.path or '/')}"

    def below(self, href: str) -> str | None:
        """What an answer calls a file or folder, relative to this one, in the form of the system;
        "" for the folder itself, None for what does not lie in it.
        """
        path = os.fsdecode(unquote_to_bytes(urlsplit(href).path)).rstrip("/")
        if path == self.path:
            return ""
        return path[len(self.path) + 1 :] if path.startswith(f"{self.path}/") else None


def escape_path(path: str) -> str:
    """A path as a request names it: everything but slashes and unreserved characters escaped."""
    return quote(os.fsencode(path), safe="/")


def parse_address(text: str) -> Address:
    """The folder of an address (http: or https:). Raises UsageError."""
    given = urlsplit(text.strip())
    hint = "Such as webdav:https://cloud.example/remote.php/dav/files/anna/Photos."
    try:
        port = given.port
    except ValueError:
        raise UsageError("The port of the address is no number.", hint=hint) from None
    if given.scheme not in _PORTS or not given.hostname:
        raise UsageError(f"{text} is no address of a WebDAV server.", hint=hint)
    if given.username is not None or given.password is not None:
        raise UsageError(
            "User and password do not belong into an address.",
            hint="Set webdav_username and webdav_password.",
        )
    if given.query or given.fragment:
        raise UsageError(
            f"{text} has a ? or # in it.", hint="Where it is of a name, write %3F or %23."
        )
    host = f"[{given.hostname}]" if ":" in given.hostname else given.hostname
    place = host if port in (None, _PORTS[given.scheme]) else f"{host}:{port}"
    path = os.fsdecode(unquote_to_bytes(given.path))
    return Address(f"{given.scheme}://{place}", folder_path(path, text))


def caution_of(address: Address) -> str:
    """What a person is told of an address that is asked without encryption; "" where it is not, or
    the server is this machine.
    """
    host = urlsplit(address.origin).hostname or ""
    if not address.origin.startswith("http://") or is_loopback(host):
        return ""
    return (
        f"{address.origin} is asked without encryption (http): who sees the line sees the password "
        "and every file"
    )


def address_at(location: str) -> Address:
    """The address that has a location (see `Address.location`)."""
    scheme, _, rest = location.removeprefix(PREFIX).partition("://")
    host, slash, path = rest.partition("/")
    return Address(f"{scheme}://{host}", from_text(f"{slash}{path}").rstrip("/"))


def relative_to(address: Address, folder: str) -> str | None:
    """A folder that a person named, by its whole address, its path on the server, or relative to
    an address, relative to that; None for one outside of it. Raises UsageError.
    """
    if "://" in folder:
        whole = parse_address(folder.removeprefix(PREFIX))
        return address.below(whole.text) if whole.origin == address.origin else None
    if not folder.startswith("/"):
        return "/".join(part for part in folder.split("/") if part not in ("", "."))
    if f"{folder.rstrip('/')}/".startswith(f"{address.path}/"):
        return folder[len(address.path) :].strip("/")
    return None


def folder_path(path: str, told: str) -> str:
    """A path of folders with one slash before each part. Raises UsageError."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in path:
        raise UsageError(
            f"{told} is no folder on a server.", hint="Name it from the server's root."
        )
    return "".join(f"/{part}" for part in parts)


def check_held(path: str, store: str) -> str:
    """A path of a store as the server spells it. Raises InvalidPath for what it cannot hold."""
    system = from_text(path)
    if "\\" in system or any("\ud800" <= c <= "\udfff" for c in system):
        raise InvalidPath(
            f"A WebDAV server cannot hold the name {path!r}.",
            store=store,
            path=path,
            hint="Rename the file.",
        )
    return system
