"""What two stores and the index show before one is mirrored to the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from catalog.domain.actions import Skip
from catalog.domain.checksums import NONE, beside_the_content_hash
from catalog.domain.copies import OK
from catalog.domain.document import AssetDocument, EventRow
from catalog.domain.edits import Change
from catalog.domain.names import comparison_key
from catalog.errors import StoreGuard
from catalog.features.mirror.arrangement import find_contents
from catalog.features.mirror.history import Move
from catalog.features.mirror.partners import Pair
from catalog.features.mirror.plan import (
    MirroredAsset,
    MirrorNeeds,
    Spelled,
    lacks,
    survey_asset,
)
from catalog.features.reconcile.index import SyncIndex, recorded_fields, recorded_in
from catalog.features.reconcile.known_reconciler import KnownReconciler
from catalog.features.reconcile.plan import AddCopy, Lose, Reconciliation, Relocate, Vanish
from catalog.features.reconcile.records import Records, Scope
from catalog.features.reconcile.survey import Options
from catalog.index import queries, schema
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work.agreement import Agreement
from catalog.work.live_listing import LiveListing
from catalog.work.progress import Progress
from catalog.work.session import Ask, at_once

BATCH = 500
"""Documents asked for at once."""


class Listed(NamedTuple):
    """An action that brings the index in step with one store, which is named,
    before anything travels.
    """

    store: str
    action: Reconciliation | Skip

    @property
    def name(self) -> str:
        """What it is called."""
        return self.action.name

    @property
    def key(self) -> str:
        """What it is ordered by."""
        return self.action.key

    @property
    def hash(self) -> str:
        """The asset's."""
        return self.action.hash

    @property
    def counts(self) -> bool:
        """Whether a limit counts it."""
        return self.action.counts

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.store}: {self.action.describe()}"


@dataclass(slots=True)
class Lacking:
    """What is to be mirrored, by hash: assets whose file may follow a rename come `first`;
    the `rest` by path.
    """

    first: list[str] = field(default_factory=list)
    rest: list[tuple[str, bytes]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.first or self.rest)

    def hashes(self, changed: Iterable[str]) -> tuple[list[str], list[str]]:
        """Both in order, with the assets whose records are changed before that among the first."""
        first = list(dict.fromkeys([*sorted(changed), *sorted(self.first)]))
        known = set(first)
        return first, [
            key for _path, digest in sorted(self.rest) if (key := digest.hex()) not in known
        ]


class PairSurvey:
    """Two stores as they are listed, and what the index lacks and they do.

    `disputed` are contents that have a name which the stores give to different ones; where there
    are any, `names` are all that either store has, by the pair's key.
    """

    def __init__(self, repository: Repository, source: ManagedStore, target: ManagedStore) -> None:
        self.given = LiveListing(source)
        self.shown = LiveListing(target, remembered=True)
        by_case = source.capabilities.case_sensitive and target.capabilities.case_sensitive
        self.pair = Pair(source.name, target.name, self.shown.key if by_case else comparison_key)
        self.lacking = Lacking()
        self.disputed: set[str] = set()
        self.names: set[str] = set()
        self.listed: list[Listed] = []
        self.unknown: dict[str, int] = {}
        self._repository = repository
        self._stores = ((target, self.shown), (source, self.given))

    def look(self, options: Options, progress: Progress, agreement: Agreement) -> None:
        """One scan of the index, then the listings;
        raises StoreGuard where so much is gone that nothing is believed.

        In this order, so that what another run adds meanwhile is never taken for gone. Neither,
        where nothing has changed since there was nothing to do.
        """
        if (unknown := agreement.recall()) is not None:
            self.unknown = dict(unknown)
            return
        self._look(options, progress)
        if not (self.listed or self.lacking or self.disputed):
            seen = {store.name: listing.mark for store, listing in self._stores}
            agreement.keep(self.unknown, seen)

    def _look(self, options: Options, progress: Progress) -> None:
        records = self._scanned([store.name for store, _seen in self._stores])
        index = SyncIndex(self._repository)
        for store, seen in self._stores:
            if progress.shows_files:
                progress.step(f"Looking at {store.name}")
            reconciler = KnownReconciler(store, index, records[store.name], seen, options)
            try:
                self.listed += [Listed(store.name, action) for action in reconciler.plan()]
            except StoreGuard as error:
                hint = "Is everything there? If they are really gone, add --yes."
                raise StoreGuard(f"Store {store.name}: {error.message}", hint=hint) from None
            self.unknown[store.name] = reconciler.unknown
        self.listed = _without_last_copies(self.listed)
        self._find_disputes(records)

    def _find_disputes(self, records: Mapping[str, Records]) -> None:
        """By what is recorded, and by what will be."""
        before = {name: contents_of(known) for name, known in records.items()}
        after = {name: _after(at, self.listed, name) for name, at in before.items()}
        source, target, key = self.pair
        self.disputed = find_contents(before[source], before[target], key)
        if self.listed:
            self.disputed |= find_contents(after[source], after[target], key)
        if self.disputed:
            several = (*before.values(), *after.values())
            self.names = {key(path) for at in several for path in at}

    def _scanned(self, names: Sequence[str]) -> dict[str, Records]:
        """What the index says of the stores that are listed; on the way,
        which assets need something.
        """
        records = {name: Records() for name in names}
        self._repository.refresh(self._repository.alias)
        query = queries.of_stores(self.pair[:2])
        kinds = {
            k
            for store, _seen in self._stores
            for k in beside_the_content_hash(store.capabilities.checksums)
        }
        for page in self._repository.scan_pages(query, source=recorded_fields(sorted(kinds))):
            for hit in page:
                self._take(hit["_id"], hit["_source"], records)
        return records

    def _take(self, key: str, document: AssetDocument, records: Mapping[str, Records]) -> None:
        copies, sidecars = document.get("copies", ()), document.get("sidecars", ())
        recorded = recorded_in(key, document)
        for name, known in records.items():
            known.take(recorded, name, Scope())
        path, has_other = lacks(copies, sidecars, self.pair)
        if has_other:
            self.lacking.first.append(key)
        elif path:
            self.lacking.rest.append((path, bytes.fromhex(key)))


def contents_of(records: Records) -> dict[str, str]:
    """The contents that a store has by its records, by path."""
    return {path: known.hash for path, known in records.copies.items() if known.state == OK}


def _after(at: Mapping[str, str], listed: Sequence[Listed], name: str) -> Mapping[str, str]:
    """The same once the store's actions are recorded."""
    actions = [action for store, action in listed if store == name]
    if not actions:
        return at
    gone = {a.known.path for a in actions if isinstance(a, Lose | Vanish | Relocate)}
    found = {path: digest for path, digest in at.items() if path not in gone}
    return found | {a.entry.path: a.hash for a in actions if isinstance(a, Relocate | AddCopy)}


def _without_last_copies(listed: Sequence[Listed]) -> list[Listed]:
    """The plan where an asset that is gone from both stores is marked as missing in one:
    each was told of the other.
    """
    lost: dict[str, str] = {}
    told: list[Listed] = []
    for store, action in listed:
        if isinstance(action, Lose):
            is_last = lost.setdefault(
                action.hash, store
            ) != store and not action.elsewhere.startswith(f"{store}:")
            told.append(
                Listed(
                    store,
                    Vanish(action.known, overwritten=action.overwritten) if is_last else action,
                )
            )
        else:
            told.append(Listed(store, action))
    return told


class NeedsSurvey:
    """What assets need in the other store, as the index says now,
    and as it will say by what is only foreseen.

    `repository` None means that there is no catalog yet. `changes` and `renames` are what is
    foreseen, by content; `spelled` gives paths as the other store spells its folders.
    """

    def __init__(
        self,
        repository: Repository | None,
        pair: Pair,
        ask: Ask = at_once,
        spelled: Spelled = str,
    ) -> None:
        self.ask = ask
        self.spelled = spelled
        self.changes: dict[str, list[Change]] = defaultdict(list)
        self.renames: dict[str, list[Move]] = defaultdict(list)
        self._repository = repository
        self._pair = pair

    def of(self, hashes: Sequence[str]) -> Iterator[MirrorNeeds]:
        """What each of some assets needs, in their order."""
        return (asset.needs(spelled=self.spelled) for asset in self.assets(hashes))

    def assets(self, hashes: Sequence[str]) -> Iterator[MirroredAsset]:
        """Each of some assets as the two stores have it, in their order."""
        for start in range(0, len(hashes), BATCH):
            part = hashes[start : start + BATCH]
            documents = self._documents(part)
            disputed = [
                h for h, d in documents.items() if lacks(d.get("copies", ()), (), self._pair)[1]
            ]
            moves = self._moves(disputed)
            for key, document in documents.items():
                history = [*moves.get(key, ()), *self.renames.get(key, ())]
                copies, sidecars = document.get("copies", []), document.get("sidecars", [])
                checksums = document.get("checksums", NONE)
                yield survey_asset(key, copies, sidecars, self._pair, history, checksums)

    def _documents(self, hashes: Sequence[str]) -> dict[str, AssetDocument]:
        repository = self._repository
        found = self.ask(lambda: repository.documents(hashes)) if repository is not None else {}
        documents: dict[str, AssetDocument] = {}
        for key in hashes:
            document = found[key][0] if key in found else None
            after = _changed(document, self.changes.get(key, ()))
            if after is not None:
                documents[key] = after
        return documents

    def _moves(self, hashes: Sequence[str]) -> dict[str, list[Move]]:
        """The renames of some assets in either store;
        asked for only where an asset has another path in each.
        """
        found: dict[str, list[Move]] = defaultdict(list)
        repository = self._repository
        if hashes and repository is not None:
            for event in self.ask(lambda: _renames(repository, hashes, self._pair[:2])):
                move = Move(
                    event["store"], event.get("source", ""), event.get("path", ""), event["at"]
                )
                found[event["hash"]].append(move)
        return found


def _renames(
    repository: Repository, hashes: Sequence[str], stores: Sequence[str]
) -> list[EventRow]:
    repository.refresh(schema.companion(repository.alias, "events"))
    return queries.renames(repository, hashes, stores)


def _changed(document: AssetDocument | None, changes: Iterable[Change]) -> AssetDocument | None:
    after = document
    for change in changes:
        after = change(after)
    return after
