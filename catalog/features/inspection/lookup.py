"""One asset: which one a hash, a path or a file means, and all that the catalog knows of it."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.domain.fixity import is_content_hash
from catalog.domain.names import from_text, printable, to_text
from catalog.domain.roots import seen_from
from catalog.errors import AssetNotFound
from catalog.features.inspection.events import Event
from catalog.index import queries
from catalog.stores.local.root import LocalKind
from catalog.stores.machine import machine_id

if TYPE_CHECKING:
    from catalog.domain.document import AssetDocument
    from catalog.index.repository import Repository
    from catalog.work.workspace import Workspace


@dataclass(frozen=True, slots=True)
class AssetRecord:
    """All that is known of one asset: its document, and what happened to it, oldest first."""

    document: AssetDocument
    history: tuple[Event, ...]


def read_record(workspace: Workspace, what: str) -> AssetRecord:
    """The asset that a hash, a path or a file means. Raises AssetNotFound."""
    repository = workspace.existing_repository
    repository.refresh()
    digest = find(repository, what)
    document = repository.get(digest)
    return AssetRecord(document, tuple(map(Event, repository.history.of_asset(digest))))


def find(repository: Repository, what: str) -> str:
    """The hash that a hash, the beginning of one, a path in a store, or a file here means."""
    text = what.strip().lower()
    if is_content_hash(text):
        return text
    by_path = _find_path(repository, what)
    if by_path:
        return by_path
    if len(text) >= 4 and all(c in "0123456789abcdef" for c in text):
        found = queries.by_prefix(repository, text)
        if len(found) == 1:
            return found[0]
        if found:
            raise AssetNotFound(
                f"More than one asset's hash begins with {what}.", hint="Give more digits."
            )
    return _find_file(repository, what)


def folders_here(repository: Repository) -> dict[str, str]:
    """The folder of each store on this machine, as text, by the store's name."""
    stores = (seen_from(record, machine_id()) for record in repository.stores.read_all())
    return {s["name"]: s["root"] for s in stores if s["kind"] == LocalKind.name}


def _find_file(repository: Repository, what: str) -> str:
    """The hash of a file on this machine, or of one that was, when it was uploaded from there."""
    path = Path(os.path.realpath(what))
    if path.is_file():
        return _known_content(repository, path, what)
    query = {"terms": {"original.path": [to_text(str(path)), to_text(from_text(str(path)))]}}
    pages = repository.scan_pages(query, source=False, limit=1)
    uploaded = [hit["_id"] for page in pages for hit in page]
    if uploaded:
        return str(uploaded[0])
    if path.is_dir():
        raise AssetNotFound(
            f"{printable(what)} is a folder.",
            hint="Look into it with `catalog search 'path:FOLDER/*'`.",
        )
    raise AssetNotFound(
        f"Nothing in the catalog has the hash or path {printable(what)}.",
        hint="Look for it with `catalog search`.",
    )


def _known_content(repository: Repository, path: Path, what: str) -> str:
    """The hash of a file's content, which the catalog must hold."""
    from catalog.stores.local.store import LocalStore

    digest = LocalStore("file", path.parent, managed=False).checksum(to_text(path.name))
    if not repository.known([digest]):
        raise AssetNotFound(
            f"The content of {printable(what)} is not in the catalog.",
            hint="Upload it with upload_to_nas_from_disk.",
        )
    return digest


def _find_path(repository: Repository, what: str) -> str | None:
    """The asset that has, or had, a copy at a path.

    The path is one of any store, of a store named before it, or of a store's folder on this
    machine.
    """
    candidates = [*_typed(what), *_in_folders(repository, what)]
    for text, in_store in dict.fromkeys(candidates):
        for form in dict.fromkeys((text, unicodedata.normalize("NFC", text))):
            found = queries.by_path(repository, form, in_store)
            if found:
                return next((h for h in found if _is_there(repository.get(h), form)), found[0])
    return None


def _typed(what: str) -> Iterator[tuple[str, str | None]]:
    """The paths in stores that a text may be, each with its store if that is named.

    As the catalog prints them, or as the system knows them: these differ where a name holds a
    backslash or is no UTF-8.
    """
    store, colon, rest = what.partition(":")
    for path, name in ((what, None), *(((rest, store),) if colon else ())):
        for form in (path, to_text(path)):
            if not re.search("[\ud800-\udfff]", form):
                yield form, name


def _in_folders(repository: Repository, what: str) -> Iterator[tuple[str, str | None]]:
    """The path in each store whose folder on this machine holds a path."""
    path = Path(what).absolute()
    # a link itself is no copy in the store
    real = os.fspath(Path(os.path.realpath(path.parent)) / path.name)
    for store, folder in folders_here(repository).items():
        base = os.path.realpath(from_text(folder))
        if real.startswith(base.rstrip(os.sep) + os.sep):
            yield to_text(os.path.relpath(real, base)), store


def _is_there(document: AssetDocument, path: str) -> bool:
    return any(c["path"] == path and c["state"] == "ok" for c in document["copies"])
