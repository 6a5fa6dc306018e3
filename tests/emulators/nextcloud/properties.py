"""The properties of files and folders (2c says which a file has, and what they hold)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate
from xml.sax.saxutils import quoteattr

from .. import images
from .account import Account, Tag
from .kinds import kind_of
from .multistatus import DAV, NC, OC, Getter, Properties, text
from .tree import Node

USUAL = tuple(
    DAV + name
    for name in (
        "getlastmodified",
        "getcontentlength",
        "resourcetype",
        "quota-used-bytes",
        "quota-available-bytes",
        "getetag",
        "getcontenttype",
    )
)
_UNLIMITED = "-3"


def of_nodes(account: Account) -> Properties[Node]:
    """Those of a dialect."""
    getters = _dav(account)
    if account.dialect.clouded:
        getters |= _owncloud(account)
    if account.dialect.extended:
        getters |= _nextcloud(account)
    return Properties(getters, USUAL, lambda node, name: node.properties.get(name))


def _file(getter: Callable[[Node], str]) -> Getter[Node]:
    return lambda node: None if node.is_folder else getter(node)


def _folder(getter: Callable[[Node], str]) -> Getter[Node]:
    return lambda node: getter(node) if node.is_folder else None


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _dav(account: Account) -> dict[str, Getter[Node]]:
    def available(_: Node) -> str:
        free = account.tree.free
        return _UNLIMITED if free is None else str(free)

    return {
        DAV + "getetag": lambda node: f"&quot;{node.etag}&quot;",
        DAV + "getlastmodified": lambda node: formatdate(node.modified, usegmt=True),
        DAV + "getcontentlength": _file(lambda node: str(node.size)),
        DAV + "getcontenttype": _file(lambda node: text(kind_of(node.name))),
        DAV + "resourcetype": lambda node: "<d:collection/>" if node.is_folder else "",
        DAV + "displayname": lambda node: text(node.name),
        DAV + "quota-used-bytes": _folder(lambda node: str(node.size)),
        DAV + "quota-available-bytes": _folder(available),
    }


def _owncloud(account: Account) -> dict[str, Getter[Node]]:
    return {
        OC + "fileid": lambda node: str(node.id),
        OC + "id": account.long_id,
        OC + "permissions": lambda node: "RGDNVCK" if node.is_folder else "RGDNVW",
        OC + "size": lambda node: str(node.size),
        OC + "checksums": lambda node: _checksums(node.checksums),
        OC + "favorite": lambda node: str(int(node.favourite)),
        OC + "tags": lambda _node: "",
        OC + "owner-id": lambda _node: text(account.user),
    }


def _checksums(told: str) -> str | None:
    return f"<oc:checksum>{text(told)}</oc:checksum>" if told else None


def _nextcloud(account: Account) -> dict[str, Getter[Node]]:
    return {
        NC + "has-preview": lambda node: _flag(not node.is_folder and images.is_photo(node.name)),
        NC + "creation_time": lambda node: str(node.created),
        DAV + "creationdate": lambda node: _iso(node.created),
        NC + "upload_time": _file(lambda node: str(node.uploaded)),
        NC + "system-tags": lambda node: _system_tags(account, node),
        NC + "metadata-photos-original_date_time": _taken,
        NC + "is-encrypted": lambda _node: "0",
        NC + "mount-type": lambda _node: "",
    }


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _system_tags(account: Account, node: Node) -> str:
    tags = sorted((account.tags[number] for number in node.tags), key=lambda tag: tag.name)
    return "".join(_system_tag(tag) for tag in tags)


def _system_tag(tag: Tag) -> str:
    can, number = quoteattr(_flag(tag.assignable)), quoteattr(str(tag.number))
    seen = quoteattr(_flag(tag.visible))
    return (
        f"<nc:system-tag oc:can-assign={can} oc:id={number} oc:user-assignable={can} "
        f"oc:user-visible={seen}>{text(tag.name)}</nc:system-tag>"
    )


def _taken(node: Node) -> str | None:
    """The time that a photo's EXIF states, read as UTC, in seconds."""
    content = node.content
    if content is None or not images.is_photo(node.name) or content.size > images.MAX_SIZE:
        return None
    told = (images.photo_info(content.bytes()) or {}).get("time_taken")
    return None if told is None else str(int(datetime.fromisoformat(told).timestamp()))
