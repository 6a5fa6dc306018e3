"""Checksums beside the content hash: of all that is read for the index,
and of older assets when they are read again.
"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from emulators.dropbox import Emulator
from running import Lab, jpeg, png, put

from catalog.domain.fixity import BLOCK_SIZE, content_hash

SMALL, LARGE = jpeg(1), jpeg(2) + bytes(BLOCK_SIZE)


def stated(data: bytes, *kinds: str) -> dict[str, str]:
    return {kind: hashlib.new(kind, data, usedforsecurity=False).hexdigest() for kind in kinds}


def checksums(lab: Lab) -> dict[str, dict[str, str]]:
    """Those of every asset, by content hash."""
    return {digest: document.get("checksums", {}) for digest, document in lab.documents().items()}


def forget_checksums(lab: Lab) -> dict[str, dict[str, Any]]:
    """Make the assets as an earlier version left them; their documents."""
    documents = {digest: {**document} for digest, document in lab.documents().items()}
    for digest, document in documents.items():
        document.pop("checksums", None)
        lab.ask("PUT", f"{lab.index}/_doc/{digest}?refresh=true", json=document)
    return documents


@pytest.fixture
def library(lab: Lab) -> Lab:
    put(lab.source, {"small.jpg": SMALL, "large.jpg": LARGE})
    assert lab.upload().status == 0
    return lab


FULL = {
    content_hash(SMALL): stated(SMALL, "sha1", "sha256"),
    content_hash(LARGE): stated(LARGE, "sha1"),
}


def test_an_upload_keeps_what_is_configured_and_a_search_finds_by_it(library: Lab) -> None:
    assert checksums(library) == FULL
    by = f"sha1:{FULL[content_hash(LARGE)]['sha1'].upper()}"
    found = library.catalog("search", by, "--format", "jsonl")
    assert [line["hash"] for line in found.lines] == [content_hash(LARGE)]
    put(library.source, {"more.png": png(3)})
    assert library.upload(CATALOG_CHECKSUMS='["md5", "sha256"]').status == 0
    assert checksums(library) == FULL | {content_hash(png(3)): stated(png(3), "md5", "sha256")}
    put(library.source, {"last.png": png(4)})
    assert library.upload(CATALOG_CHECKSUMS="[]").status == 0
    assert checksums(library)[content_hash(png(4))] == {}
    put(library.root, {"new.png": png(5)})
    assert library.run("sync_catalog_with_disk", "--nas_root", library.root, "--json").status == 0
    assert checksums(library)[content_hash(png(5))] == stated(png(5), "sha1", "sha256")


@pytest.mark.parametrize("how", ["sync --rehash", "verify", "measure"])
def test_an_older_asset_gets_them_when_it_is_read_again(library: Lab, how: str) -> None:
    before = forget_checksums(library)
    events = library.documents("events")
    environment = {"CATALOG_NAS_ROOT": str(library.root)}
    commands = {
        "sync --rehash": ("sync_catalog_with_disk", "--rehash"),
        "verify": ("catalog", "verify"),
        "measure": ("catalog", "measure", "--again"),
    }
    program, *arguments = commands[how]
    if how == "sync --rehash":
        assert library.run(program, **environment).status == 0
        assert library.run(program, *arguments, "--dryrun", **environment).status == 0
        assert library.documents() == before, "what is not read, or only looked at, is left"
    done = library.run(program, *arguments, **environment)
    assert done.status == 0, done.err
    assert checksums(library) == FULL
    assert library.documents("events") == events, "a checksum is no event"
    varying = ("checksums", "updated", "copies")
    for digest, document in library.documents().items():
        for name in document.keys() - set(varying):
            assert document[name] == before[digest][name], name
    again = library.documents()
    if how == "sync --rehash":
        assert library.run(program, *arguments, **environment).status == 0
        assert library.documents() == again, "and nothing is written where nothing is lacking"


def test_what_is_fetched_whole_from_afar_has_them(lab: Lab, dropbox: Emulator) -> None:
    large = jpeg("far") + bytes(300_000)
    dropbox.plant("/photos/small.jpg", SMALL)
    dropbox.plant("/photos/large.jpg", large)
    assert lab.run("sync_catalog_with_dropbox", "-r").status == 0
    assert checksums(lab) == {
        content_hash(SMALL): FULL[content_hash(SMALL)],
        content_hash(large): {},
    }
