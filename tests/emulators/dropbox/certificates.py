"""A certificate authority of the emulator's own,
and a certificate for every host name Dropbox has.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

NAMES = (
    "localhost",
    "127.0.0.1",
    "::1",
    "dropbox.com",
    "dropboxapi.com",
    "api.dropboxapi.com",
    "content.dropboxapi.com",
    "notify.dropboxapi.com",
    "api.dropbox.com",
    "www.dropbox.com",
    "*.dropboxapi.com",
    "*.dropbox.com",
)


def is_ours(host: str) -> bool:
    """Whether the certificate covers a host, so that a tunnel to it ends here."""
    host = host.lower().strip("[]")
    return host in NAMES or host.endswith((".dropboxapi.com", ".dropbox.com"))


def make(ca_file: Path) -> ssl.SSLContext:
    """A context for the server; the authority's certificate (PEM) is written to the file,
    all or nothing.
    """
    authority = trustme.CA(organization_name="Dropbox emulator")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    authority.issue_cert(*NAMES).configure_cert(context)
    ca_file.parent.mkdir(parents=True, exist_ok=True)
    new = ca_file.with_name(ca_file.name + ".new")
    new.write_bytes(authority.cert_pem.bytes())
    new.replace(ca_file)
    return context
