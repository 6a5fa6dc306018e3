"""Whether all that the program needs is there: checks that give findings, change nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from catalog.config import find_exposed_file, secrets_of, state_dir
from catalog.domain.amounts import size_text
from catalog.errors import CatalogError, StoreGuard, StoreUnavailable
from catalog.features.renditions.stores import measure
from catalog.features.stores.account import PATIENCE, space_left
from catalog.index.client import Connection
from catalog.index.migration import Indexes
from catalog.media.confinement import Confinement
from catalog.stores.local.root import LocalRoot
from catalog.stores.marker import read_marker
from catalog.stores.webdav.addresses import Address, caution_of
from catalog.stores.webdav.root import WebdavRoot
from catalog.work.store_book import DROPBOX, NAS, StoreBook
from catalog.work.workspace import Workspace

if TYPE_CHECKING:
    from catalog.stores.webdav.access import Access

PRODUCTS = {"nextcloud": "a Nextcloud", "owncloud": "an ownCloud", "plain": "a WebDAV server"}
LOW_SPACE = 2 * 10**9
"""Bytes free of a disk or an account, below which is told."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: `state` is ok, warning or problem; `advice` says how to mend it."""

    check: str
    state: str
    text: str
    advice: str = ""


def examine(workspace: Workspace) -> Iterator[Finding]:
    """Every finding, as soon as it is known."""
    for name, check in _CHECKS.items():
        try:
            yield from check(workspace)
        except CatalogError as error:
            yield Finding(name, "problem", error.message, error.hint)
        except OSError as error:
            yield Finding(name, "problem", str(error))


def _python(_workspace: Workspace) -> Iterator[Finding]:
    yield Finding("python", "ok", sys.version.split()[0])


def _configuration(workspace: Workspace) -> Iterator[Finding]:
    settings = workspace.settings
    yield Finding(
        "configuration", "ok", f"catalog {settings.index}, home zone {workspace.home_zone}"
    )
    if settings.home_zone is None:
        yield Finding(
            "configuration",
            "warning",
            f"home_zone is not set: videos known in UTC alone are dated by {workspace.home_zone}, "
            "the zone of this machine",
            "Set home_zone in config.json, for example Europe/Brussels.",
        )


def _engine(workspace: Workspace) -> Iterator[Finding]:
    named = workspace.elasticsearch.named_address
    if named is not None:
        connection = Connection(named, timeout=10)
        health = connection.request("GET", "/_cluster/health")
        version = Indexes(connection, workspace.settings.index).schema_version()
        state = "problem" if health["status"] == "red" else "ok"
        yield Finding(
            "engine", state, f"{named.url} answers, health {health['status']}, {_schema(version)}"
        )
        return
    status = workspace.elasticsearch.local_node().status()
    if status.problem:
        yield Finding("engine", "problem", status.problem, "See `catalog engine logs`.")
    elif status.running:
        yield Finding(
            "engine",
            "ok",
            f"own Elasticsearch {status.version} runs at {status.url}, "
            f"{size_text(status.data_bytes)} of data",
        )
    elif status.installed:
        yield Finding("engine", "ok", "own Elasticsearch is installed; the next command starts it")
    else:
        yield Finding("engine", "ok", "own Elasticsearch is downloaded when first needed (100 MB)")
    try:
        workspace.elasticsearch.local_node().check_places()
    except CatalogError as error:
        yield Finding("engine", "problem", error.message, error.hint)
    home = next(p for p in (status.home, *status.home.parents) if p.exists())
    yield from _space("engine", os.fspath(home))


def _secrets(workspace: Workspace) -> Iterator[Finding]:
    """Of each secret, where it comes from, and whether it can be had."""
    for name, secret in secrets_of(workspace.settings).items():
        kept = f"kept in {secret.form}, as {secret.origin} says" if secret.form else ""
        about = f"{name} is {kept or f'in {secret.origin}'}"
        try:
            secret.get_secret_value()
        except CatalogError as error:
            yield Finding("secrets", "problem", f"{error.message} ({secret.origin})", error.hint)
            continue
        if exposed := find_exposed_file(secret.form, secret.origin):
            yield Finding(
                "secrets",
                "warning",
                f"{about}, and others can read {exposed}",
                f"Make it private: chmod 600 '{exposed}'.",
            )
        else:
            yield Finding("secrets", "ok", about)


def _schema(version: int | None) -> str:
    return "no catalog yet" if version is None else f"schema {version}"


def _nas(workspace: Workspace) -> Iterator[Finding]:
    root = workspace.settings.nas_root
    if root is None:
        yield Finding(
            "nas",
            "problem",
            "there is no nas_root",
            "Give --nas_root FOLDER, or set nas_root in config.json.",
        )
        return
    root = root.expanduser().absolute()
    if not root.is_dir():
        what, advice = ("is not there", "Is it mounted? The first upload creates it.")
        if root.exists():
            what, advice = ("is a file, not a folder", "Check nas_root.")
        yield Finding("nas", "problem", f"{root} {what}", advice)
        return
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(
            "nas",
            "problem",
            f"{root} cannot be read and written by this user",
            "Check its owner and mode.",
        )
        return
    marker = read_marker(root)
    if _is_up(workspace):
        _book(workspace).check_marker(NAS, LocalRoot(root), marker)
    yield Finding(
        "nas", "ok", f"{root}, {'marked' if marker else 'not yet marked: the first upload does it'}"
    )
    yield from _space("nas", os.fspath(root))


def _further_stores(workspace: Workspace) -> Iterator[Finding]:
    book = _book(workspace)
    for name in sorted(book.known.keys() - {NAS, DROPBOX}):
        root = book.root(name)
        try:
            book.prove(name, root)
        except (StoreGuard, StoreUnavailable) as error:
            yield Finding("stores", "warning", error.message, "It stays known while it is offline.")
        else:
            yield Finding("stores", "ok", f"{name} is at {root.shown}")


def _dropbox(workspace: Workspace) -> Iterator[Finding]:
    """The login, the space left, and the folder."""
    settings = workspace.settings
    tokens = settings.dbox_full_token or settings.dbox_catalog_token
    if not (tokens or workspace.dropbox_login.exists()):
        if settings.dropbox_root:
            yield Finding(
                "dropbox",
                "problem",
                "there is no login to Dropbox",
                "Make one: catalog dropbox login",
            )
        else:
            yield Finding("dropbox", "ok", "not used (dropbox_root)")
        return
    connection = workspace.dropbox
    connection.patience = min(connection.patience, PATIENCE)
    account = connection.account
    yield Finding("dropbox", "ok", f"logged in as {account.name.display_name} ({account.email})")
    usage = connection.call(lambda sdk: sdk.users_get_space_usage())
    yield _space_of("dropbox", space_left(usage))
    if not settings.dropbox_root:
        yield Finding(
            "dropbox",
            "warning",
            "there is no dropbox_root",
            "Set dropbox_root in config.json, for example /photos.",
        )
        return
    book = _book(workspace)
    root = book.root(DROPBOX)
    if DROPBOX in book.known:
        book.prove(DROPBOX, root)
    elif not root.is_there():
        yield Finding("dropbox", "ok", f"{root.shown} is not there yet: the first sync makes it")
        return
    yield Finding(
        "dropbox",
        "ok",
        f"{root.shown}, {'marked' if root.marker() else 'not yet marked: the first sync does it'}",
    )


def _webdav(workspace: Workspace) -> Iterator[Finding]:
    """Each server: who is logged in, what it is, and the space left."""
    settings = workspace.settings
    book, found = _book(workspace), dict[str, Address]()
    access = workspace.webdav
    access.seconds = min(access.seconds, PATIENCE)
    if settings.webdav_url or settings.webdav_host_url:
        found["webdav_url"] = access.address("")
    found |= {login.name: login.address for login in access.further}
    roots = ((name, book.root(name)) for name in sorted(book.known))
    found |= {name: root.address for name, root in roots if isinstance(root, WebdavRoot)}
    if not found:
        yield Finding("webdav", "ok", "not used (webdav_url)")
        return
    if access.login is None and not access.further:
        yield Finding(
            "webdav",
            "warning",
            "there is no login to a WebDAV server",
            "Set webdav_username and webdav_password.",
        )
    seen = set[str]()
    for name, address in found.items():
        if (server := f"{address.origin}{address.top}") not in seen:
            seen.add(server)
            yield from _server(name, address, access)


def _server(name: str, address: Address, access: Access) -> Iterator[Finding]:
    from catalog.stores.webdav.server import ask_traits, space_left

    if caution := caution_of(address):
        yield Finding("webdav", "warning", caution, "Use its https:// address.")
    try:
        connection = access.connection(address, name)
        free = space_left(connection, Address(address.origin, address.top or address.path))
        traits = ask_traits(connection, address)
    except CatalogError as error:
        yield Finding("webdav", "problem", error.message, error.hint)
        return
    who = f"logged in as {connection.login.username} to" if connection.login else "no login to"
    can = "it computes checksums" if traits.hashes else "what is written there is read back"
    what = PRODUCTS[traits.product]
    yield Finding("webdav", "ok", f"{who} {connection.host}, {what}: {can}")
    if free is not None:
        yield _space_of("webdav", free, connection.host)


def _is_up(workspace: Workspace) -> bool:
    """Whether what holds the catalog can be asked, without starting it."""
    elasticsearch = workspace.elasticsearch
    return elasticsearch.named_address is not None or elasticsearch.local_node().status().running


def _book(workspace: Workspace) -> StoreBook:
    """The stores of the catalog; none where there is no catalog,
    or its node would have to be started to be asked.
    """
    return StoreBook(workspace, workspace.repository_if_there if _is_up(workspace) else None)


def _space(check: str, path: str) -> Iterator[Finding]:
    yield _space_of(check, shutil.disk_usage(path).free, path)


def _space_of(check: str, free: int, place: str = "") -> Finding:
    text = f"{size_text(free)} free" + (f" at {place}" if place else "")
    if free < LOW_SPACE:
        return Finding(check, "warning", text, "Make room soon.")
    return Finding(check, "ok", text)


def _journal(workspace: Workspace) -> Iterator[Finding]:
    folder = state_dir(workspace.settings)
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    if os.access(existing, os.W_OK | os.X_OK):
        yield Finding("journal", "ok", f"{workspace.journal_dir}")
    else:
        yield Finding(
            "journal",
            "problem",
            f"{existing} cannot be written",
            "Set state_dir in config.json to another folder.",
        )


def _previews(workspace: Workspace) -> Iterator[Finding]:
    """What pictures and films to look at take of the disk, and whether they can be kept."""
    folder = workspace.preview_dir
    sizes = ", ".join(
        f"{name} {size_text(size)} of {size_text(most)}"
        for name, (size, most) in measure(workspace).items()
    )
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
        yield Finding(
            "previews",
            "warning",
            f"{existing} cannot be written: pictures are made anew each time they are looked at",
            "Set preview_dir in config.json to another folder.",
        )
        return
    off = "" if workspace.settings.previews == "on" else "; none are made while files are read"
    yield Finding("previews", "ok", f"{sizes}, at {folder}{off}")


def _reading(_workspace: Workspace) -> Iterator[Finding]:
    """What keeps the processes in that read files, as one of their kind finds out."""
    command = [sys.executable, "-P", "-m", "catalog.media.confinement"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        words = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        yield Finding("reading", "problem", f"a process that reads files does not start: {words}")
        return
    found = Confinement(**json.loads(done.stdout))
    text = f"a process that reads files {found}"
    if found.is_none:
        advice = "Nothing keeps it in here: a Linux kernel with landlock would (5.13 or newer)."
        yield Finding("reading", "warning", text, advice)
    else:
        yield Finding("reading", "ok", text)


def _programs(workspace: Workspace) -> Iterator[Finding]:
    wanted = workspace.settings.optional_readers
    for name, there, how in (
        ("exiftool", shutil.which("exiftool") is not None, "Install ExifTool."),
        *(
            (name, find_spec(name) is not None, f"pip install 'image-catalog[{name}]'")
            for name in ("exiv2", "hachoir")
        ),
    ):
        if name in wanted and not there:
            yield Finding(
                "programs",
                "problem",
                f"{name} is asked for by optional_readers, but is not installed",
                how,
            )
        else:
            use = "used" if name in wanted else "not used (optional_readers)"
            yield Finding(
                "programs", "ok", f"{name} {'installed' if there else 'not installed'}, {use}"
            )


_CHECKS: dict[str, Callable[[Workspace], Iterator[Finding]]] = {
    "python": _python,
    "configuration": _configuration,
    "secrets": _secrets,
    "engine": _engine,
    "nas": _nas,
    "dropbox": _dropbox,
    "webdav": _webdav,
    "further_stores": _further_stores,
    "journal": _journal,
    "previews": _previews,
    "reading": _reading,
    "programs": _programs,
}
"""Every check by its name, in the order in which they are made."""
