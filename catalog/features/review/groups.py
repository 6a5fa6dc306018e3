"""The groups that a review shows: of the catalog, or given; with what their pictures need."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.domain.decisions import BAD
from catalog.domain.document import AssetDocument, only
from catalog.domain.fixity import is_content_hash
from catalog.errors import UsageError
from catalog.features.lookalikes.bad_shots import BadRequest, find_bad
from catalog.features.lookalikes.duplicates import WITHIN, DuplicatesRequest, find_duplicates
from catalog.features.review.page import Group, PageGroup, page_group
from catalog.index.repository import Repository
from catalog.work.progress import Progress
from catalog.work.workspace import Workspace

AT_ONCE = 200
"""Groups whose documents are asked for together."""
NO_GROUPS = "No groups to review."
_FROM_DOCUMENT = ("hash", "copies", "look", "width", "height")


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """What is reviewed of what matches a query: groups (see `DuplicatesRequest`), bad shots, both.

    `groups` are shown instead of those of the catalog; of either at most `limit`, 0 means all.
    """

    query: str = ""
    kinds: tuple[str, ...] = ()
    bad: bool = False
    distance: int | None = None
    within: str = WITHIN
    groups: Iterable[Group] | None = None
    limit: int = 0


@dataclass(frozen=True, slots=True)
class ShownGroups:
    """Groups as a page holds them, each once; and by hash what the members' pictures need."""

    groups: Sequence[PageGroup]
    documents: Mapping[str, AssetDocument]

    @property
    def files(self) -> dict[str, Sequence[str]]:
        """Where the members lie (`store:path`), by hash."""
        return {
            member["hash"]: member["paths"] for group in self.groups for member in group["members"]
        }


def gather_groups(workspace: Workspace, request: ReviewRequest, progress: Progress) -> ShownGroups:
    """The groups that a request asks for. Raises UsageError for one that cannot be shown."""
    repository = workspace.existing_repository
    repository.refresh(repository.alias)
    found = request.groups
    if found is None:
        found = _groups_of_catalog(workspace, request, progress)
    kinds = {*request.kinds, *([BAD] if request.bad else [])}
    chosen = (group for group in found if not kinds or group.get("kind") in kinds)
    return _described(repository, itertools.islice(chosen, request.limit or None))


def _groups_of_catalog(
    workspace: Workspace, request: ReviewRequest, progress: Progress
) -> Iterator[Group]:
    """The look-alikes and the bad shots that a request asks for."""
    if request.kinds or not request.bad:
        wanted = DuplicatesRequest(request.query, request.kinds, request.distance, request.within)
        yield from (group.event() for group in find_duplicates(workspace, wanted, progress).groups)
    if request.bad:
        for shot in find_bad(workspace, BadRequest(request.query)).shots:
            member = {"hash": shot.hash, "paths": shot.paths, "distance": 0, "turned": ""}
            yield {"kind": BAD, "keeper": "", "reason": shot.reason, "members": [member]}


def _described(repository: Repository, found: Iterator[Group]) -> ShownGroups:
    groups: dict[str, PageGroup] = {}
    kept: dict[str, AssetDocument] = {}
    while some := list(itertools.islice(found, AT_ONCE)):
        members = [m for g in some for m in _list(g.get("members")) if isinstance(m, dict)]
        hashes = list(dict.fromkeys(h for m in members if is_content_hash(h := str(m.get("hash")))))
        documents = {
            name: document for name, (document, *_version) in repository.documents(hashes).items()
        }
        kept |= {name: only(d, _FROM_DOCUMENT) for name, d in documents.items()}
        for group in some:
            shown = _shown(group, documents)
            groups.setdefault(shown["id"], shown)
    return ShownGroups(list(groups.values()), kept)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _shown(group: Group, documents: Mapping[str, AssetDocument]) -> PageGroup:
    try:
        return page_group(group, documents)
    except ValueError as error:
        raise UsageError(
            f"The group in {group.get('line', 'the catalog')} cannot be shown: {error}.",
            hint="Make it with `catalog duplicates --json`.",
        ) from None
