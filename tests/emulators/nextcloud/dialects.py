"""What kinds of server there are, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """One kind of server.

    `clouded`: with accounts below /remote.php/, capabilities, chunked upload, times and checksums,
    names in their composed form; else one tree, from the mount on. `extended`: what only Nextcloud
    has: trash, tags, digests, SEARCH, listings in pages, previews, version 2 of the upload.
    """

    name: str
    realm: str
    features: str
    clouded: bool = False
    extended: bool = False
    checks_checksums: bool = False
    infinite_depth: bool = True
    default_depth: str = "infinity"


# 2c: the DAV line has no 2, so no locks (2b: LOCK is 501); the realm; depth infinity is allowed.
# Without a Depth header sabre/dav takes 1 (source).
NEXTCLOUD = Dialect(
    name="nextcloud",
    realm="Nextcloud",
    features="1, 3, extended-mkcol, access-control, "
    "calendarserver-principal-property-search, nc-paginate, nextcloud-checksum-update",
    clouded=True,
    extended=True,
    default_depth="1",
)

# ownCloud 10: the same address forms, OC- headers and chunks; OC-Checksum is compared with what
# came (400), chunks need no Destination before the last call, and none of Nextcloud's additions.
OWNCLOUD = Dialect(
    name="owncloud",
    realm="ownCloud",
    features="1, 3, extended-mkcol, access-control",
    clouded=True,
    checks_checksums=True,
    default_depth="1",
)

# RFC 4918, class 1 and 3: no times kept, no checksums, no trash; PROPFIND of infinite depth is
# refused (9.1).
PLAIN = Dialect(name="plain", realm="WebDAV", features="1, 3", infinite_depth=False)

DIALECTS = {one.name: one for one in (NEXTCLOUD, OWNCLOUD, PLAIN)}
