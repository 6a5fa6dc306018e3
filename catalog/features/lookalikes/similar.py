"""What in the catalog looks like one picture: an asset,
or a file that need not be in the catalog.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from catalog.domain.asset import Facts
from catalog.domain.copies import timestamp
from catalog.domain.decisions import DUPLICATES, EXACT
from catalog.domain.names import printable, to_text
from catalog.domain.turns import TURNS, turn_hashes
from catalog.errors import AssetNotFound, MediaError, UsageError
from catalog.features.inspection.lookup import find
from catalog.features.lookalikes.duplicates import load_pictures, make_comparer
from catalog.features.lookalikes.groups import GroupMember
from catalog.features.lookalikes.ranking import Picture, picture_of
from catalog.features.lookalikes.relations import Judge
from catalog.index import queries
from catalog.index.documents import Origin, asset_document
from catalog.index.repository import Repository
from catalog.stores.local.store import LocalStore
from catalog.work.description import utc_now
from catalog.work.facts_reading import LocalReading, Wanted
from catalog.work.workspace import Workspace

DISTANCE = 6
"""Bits of 64 by which hashes may differ, if no other number is given."""


@dataclass(frozen=True, slots=True)
class SimilarRequest:
    """Which picture is meant, and by how many bits of 64 hashes may differ.

    A picture is named as `lookup.find` takes it, or by any file of this machine.
    """

    what: str
    distance: int = DISTANCE


@dataclass(frozen=True, slots=True)
class SimilarAsset:
    """An asset that looks like the one that was asked about, and how:
    one of the kinds of duplicates.
    """

    kind: str
    member: GroupMember


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """What looks like the picture with the hash `asked`, the most alike first."""

    asked: str
    found: tuple[SimilarAsset, ...]


def find_similar(workspace: Workspace, request: SimilarRequest) -> LookAlikes:
    """What looks like a picture. Raises AssetNotFound, UsageError where it cannot be compared."""
    repository = workspace.existing_repository
    repository.refresh(repository.alias)
    asked = _asked(workspace, repository, request.what)
    is_outside = Path(request.what).is_file()
    found = (
        f for f in _found(repository, asked, request.distance) if is_outside or f.kind != EXACT
    )
    return LookAlikes(asked.hash, tuple(sorted(found, key=_order)))


def _order(found: SimilarAsset) -> tuple[int, int, str]:
    return DUPLICATES.index(found.kind), found.member.distance, found.member.picture.hash


def _asked(workspace: Workspace, repository: Repository, what: str) -> Picture:
    """The picture that is meant: of the catalog, else of a file of this machine.

    Raises AssetNotFound, UsageError.
    """
    try:
        content_hash = find(repository, what)
        found = dict(load_pictures(repository, [content_hash])).get(content_hash)
    except AssetNotFound:
        if not Path(what).is_file():
            raise
        found = _read(workspace, Path(what))
    if found is None:
        raise AssetNotFound(
            f"Nothing in the catalog has the hash {what}.",
            hint="Look for it with `catalog search`.",
        )
    if found.phash is None and not found.document.get("copies"):
        problem = (
            found.document.get("problem")
            or "there is too little in the picture (sky, a black frame)"
        )
        raise UsageError(
            f"{printable(what)} cannot be compared: {problem}.",
            hint="`catalog show` says what is known of it.",
        )
    return found


def _read(workspace: Workspace, path: Path) -> Picture:
    """A file outside the catalog, as its asset would be."""
    folder = Path(path).absolute().parent
    store = LocalStore("file", folder, managed=False)
    entry = store.stat(to_text(path.name))
    if entry is None:
        raise UsageError(
            f"{printable(str(path))} is no file that can be read.", hint="Name a photo or a video."
        )
    with workspace.readers() as pool:
        ((_path, facts),) = LocalReading(pool, str(folder)).run([(entry.path, Wanted(entry))])
    if not isinstance(facts, Facts):
        reason = str(facts) if isinstance(facts, MediaError) else "it cannot be read"
        raise UsageError(f"{printable(str(path))}: {reason}.", hint="Name a photo or a video.")
    asset = workspace.describer(to_text(str(folder))).describe(facts, entry, utc_now())
    now = datetime.now(UTC)
    document = asset_document(asset, Origin(entry.path, "", now))
    return picture_of(facts.hash, {"added": timestamp(now), **document})


def _found(repository: Repository, asked: Picture, distance: int) -> Iterator[SimilarAsset]:
    """Every asset that is near, with what it is to the one that was asked about."""
    names = _near(repository, asked, distance)
    near: Mapping[str, Picture] = dict(load_pictures(repository, sorted(names)))
    everything = {**near, asked.hash: asked}
    compare = make_comparer({name: p.document for name, p in everything.items()})
    for picture in near.values():
        found = Judge(compare, distance).relate(asked, picture)
        if found is not None:
            member = GroupMember(picture, picture.paths, found.distance, found.turned, found.kind)
            yield SimilarAsset(found.kind, member)


def _near(repository: Repository, asked: Picture, distance: int) -> set[str]:
    """What may look like it; the asset itself,
    where a file of these bytes was asked about that lies elsewhere.
    """
    if asked.phash is None:
        return {asked.hash}
    plain = np.array([asked.phash], np.uint64)
    turned = [int(turn_hashes(plain, turn)[0]) for turn in TURNS]
    found = queries.neighbours(repository, "phash", [*turned, asked.inner], distance)
    found |= queries.neighbours(repository, "phash_inner", [asked.phash], distance)
    if asked.image_hash:
        found |= _with_image_data(repository, asked.image_hash)
    return found | {asked.hash}


def _with_image_data(repository: Repository, image_hash: str) -> set[str]:
    pages = repository.scan_pages({"term": {"image_hash": image_hash}}, source=False)
    return {hit["_id"] for page in pages for hit in page}
