"""What a server can, asked once and remembered as data."""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from catalog.errors import StoreError, StoreUnavailable
from catalog.stores.webdav.addresses import Address, escape_path
from catalog.stores.webdav.answers import DAV
from catalog.stores.webdav.connection import Connection

REMEMBERED = 7 * 24 * 3600
"""Seconds after which a server is asked again: it may have been replaced by a newer one."""
_VERSION = 1


@dataclass(frozen=True, slots=True)
class ServerTraits:
    """What a server can.

    `product`: nextcloud, owncloud or plain. `hashes`: it computes checksums of what it has, when
    asked. `numbers`: files have a number that a rename keeps. `keeps_times`: it takes the time of a
    file. `tells_below`: a folder has another entity tag whenever anything below it changed.
    `uploads`: the path of the folder for uploads in pieces, "" for none.
    """

    product: str = "plain"
    hashes: bool = False
    numbers: bool = False
    keeps_times: bool = False
    tells_below: bool = False
    uploads: str = ""


PLAIN = ServerTraits()
_FREE = f"{DAV} quota-available-bytes"


def ask_traits(connection: Connection, address: Address) -> ServerTraits:
    """What the server of a folder can: one request, or two of a Nextcloud or ownCloud."""
    parts = address.parts
    if parts is None:
        return PLAIN
    base, user, _folder = parts
    options = connection.ask("OPTIONS", f"{connection.origin}{escape_path(address.top)}/")
    classes = {part.strip() for part in options.headers.get("DAV", "").split(",")}
    root = base.removesuffix("/remote.php")
    chunking = _chunking(connection, f"{connection.origin}{escape_path(root)}")
    if chunking is None:
        return PLAIN
    if not user and connection.login is not None:
        user = connection.login.username
    is_nextcloud = "nextcloud-checksum-update" in classes or "nc-paginate" in classes
    return ServerTraits(
        product="nextcloud" if is_nextcloud else "owncloud",
        hashes="nextcloud-checksum-update" in classes,
        numbers=True,
        keeps_times=True,
        tells_below=True,
        uploads=f"{base}/dav/uploads/{user}" if re.fullmatch(r"[1-9].*", chunking) and user else "",
    )


def space_left(connection: Connection, address: Address) -> int | None:
    """Bytes that a folder may still take (RFC 4331, section 3); None where the server does not say.

    Raises NotFound, StoreUnavailable.
    """
    (found, *_rest) = connection.list(address.url(""), "0", (_FREE,))
    text = found.properties.get(_FREE, "")
    return int(text) if text.isascii() and text.isdigit() else None  # less than 0: not known


def _chunking(connection: Connection, root: str) -> str | None:
    """Which version of uploads in pieces a Nextcloud or ownCloud states, "" for none; None where it
    is neither.
    """
    url = f"{root}/ocs/v1.php/cloud/capabilities?format=json"
    try:
        answer = connection.ask("GET", url, headers={"OCS-APIRequest": "true"})
        stated = orjson.loads(answer.content)["ocs"]["data"]["capabilities"]
        return str(stated.get("dav", {}).get("chunking", ""))
    except StoreUnavailable:
        raise
    except (StoreError, ValueError, KeyError, TypeError, AttributeError):
        return None


def traits_of(connection: Connection, address: Address, file: Path) -> ServerTraits:
    """The same as remembered in a file of this machine, else asked and remembered there."""
    known = _remembered(file, address)
    if known is not None:
        return known
    traits = ask_traits(connection, address)
    stated = {
        "version": _VERSION,
        "address": f"{address.origin}{address.top}",
        "asked": time.time(),
        "traits": asdict(traits),
    }
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = file.with_suffix(".new")
    aside.write_bytes(orjson.dumps(stated))
    aside.replace(file)
    return traits


def _remembered(file: Path, address: Address) -> ServerTraits | None:
    try:
        stated = orjson.loads(file.read_bytes())
        is_its = stated["address"] == f"{address.origin}{address.top}"
        is_new = 0 <= time.time() - stated["asked"] < REMEMBERED
        if stated["version"] == _VERSION and is_its and is_new:
            return ServerTraits(**stated["traits"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None
