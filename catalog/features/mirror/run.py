"""Making one store hold what another holds: `sync_nas_to_dropbox`, `sync_dropbox_to_nas` and `catalog mirror`.

What is known of the stores is brought in step with their listings first, without reading a file; then what one lacks travels.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from catalog.cli.console import Screen
from catalog.domain.actions import Skip
from catalog.domain.copies import timestamp
from catalog.domain.edits import Change, Document
from catalog.domain.names import comparison_key, printable
from catalog.errors import StoreGuard, UsageError
from catalog.features.mirror.apply import Left, Mirrorer
from catalog.features.mirror.plan import Follow, Mirroring, Move, Pair, Transfer, first_of, lacks, mirror_asset
from catalog.features.reconcile.apply import Applier, foreseen
from catalog.features.reconcile.comparison import Recorded, Records, Scope
from catalog.features.reconcile.listed import KnownReconciler
from catalog.features.reconcile.plan import Load, Lose, Reconciliation, Relocate, Vanish
from catalog.features.reconcile.run import SyncIndex
from catalog.features.reconcile.survey import Options
from catalog.index import queries, schema
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work import store_book as storing
from catalog.work.description import utc_now
from catalog.work.listing import Listing
from catalog.work.report import Outcome, Report, size_text
from catalog.work.session import Session, session
from catalog.work.workspace import Workspace

OUTCOMES = ("copied", "moved", "found", "recorded", "gone", "missing", "failed")
WORDS = {"outcomes": OUTCOMES, "always": ("copied", "moved"), "done": "copied"}
BATCH = 500
"""Documents asked for at once."""
Listed = tuple[str, Reconciliation | Skip]
"""An action that brings the index in step with one store, which is named."""


@dataclass(frozen=True, slots=True)
class PairRequest:
    """What the command line asks for."""

    source: str
    target: str
    command: str
    dryrun: bool = False
    limit: int = 0
    yes: bool = False


@dataclass(slots=True)
class Work:
    """What is to be mirrored, by hash: assets whose file may follow a rename come `first`; the `rest` by path."""

    first: list[str] = field(default_factory=list)
    rest: list[tuple[str, bytes]] = field(default_factory=list)

    def hashes(self, changed: Iterable[str]) -> tuple[list[str], list[str]]:
        """Both in order, with the assets whose records are changed before that among the first."""
        first = list(dict.fromkeys([*sorted(changed), *sorted(self.first)]))
        known = set(first)
        return first, [key for _path, digest in sorted(self.rest) if (key := digest.hex()) not in known]


def run_pair(workspace: Workspace, request: PairRequest, screen: Screen) -> int:
    """The exit status of a run that makes one store hold what another holds."""
    if request.source == request.target:
        raise UsageError(f"{request.source} is both stores.", hint="Name two.")
    repository = workspace.existing_repository
    with (
        storing.opened(workspace, repository, request.source, dry=request.dryrun) as source,
        storing.opened(workspace, repository, request.target, dry=request.dryrun) as target,
    ):
        pairing = Pairing(workspace, repository, source, target, screen)
        pairing.survey(accept_losses=request.yes)
        if request.dryrun:
            return pairing.dry(request.limit)
        target.sweep()
        with session(workspace, screen, request.command, WORDS, source=source.name, target=target.name) as run:
            return run.work(lambda: pairing.work(run, request.limit))


def bring(run: Session, source: ManagedStore, target: ManagedStore, hashes: Iterable[str]) -> None:
    """Give the other store its copy of some assets, within a run; what became of each is added to the run's report.

    The other store is not listed: a file that is in the way is found when it is. Outcomes are those of a mirror: "copied",
    "moved", "found" and "failed".
    """
    pairing = Pairing(run.workspace, run.repository, source, target, None)
    pairing.work(run, 0, list(dict.fromkeys(hashes)))


class Pairing:
    """Two stores, what they and the index show, and the plan that follows from it. `screen` is who is told of the rest."""

    def __init__(
        self, workspace: Workspace, repository: Repository, source: ManagedStore, target: ManagedStore, screen: Screen | None
    ) -> None:
        self._workspace = workspace
        self._repository = repository
        self._source = source
        self._target = target
        self._screen = screen
        self._given = Listing(source)
        self._shown = Listing(target, remembered=True)
        by_case = source.capabilities.case_sensitive and target.capabilities.case_sensitive
        self._pair = Pair(source.name, target.name, self._shown.key if by_case else comparison_key)
        self._work = Work()
        self._listed: list[Listed] = []
        self._unknown: dict[str, int] = {}
        self._apart: list[tuple[str, str]] = []
        self._behind = 0
        self._left = 0

    # --- survey ----------------------------------------------------------------------------------------------------

    def survey(self, *, accept_losses: bool) -> None:
        """One scan of the index, then the listings; raises StoreGuard where so much is gone that nothing is believed.

        In this order, so that what another run adds meanwhile is never taken for gone.
        """
        listed = ((self._target, self._shown), (self._source, self._given))
        records = self._scanned([store.name for store, _seen in listed])
        settings = self._workspace.settings
        options = Options(accept_losses=accept_losses, shrink_percent=settings.shrink_percent,
                          shrink_files=settings.shrink_files, video_folder=self._workspace.layout.video_folder)  # fmt: skip
        index = SyncIndex(self._repository, "", lambda call: call())
        for store, seen in listed:
            if self._workspace.progress.shows_files:
                self._workspace.progress.step(f"Looking at {store.name}")
            reconciler = KnownReconciler(store, index, records[store.name], seen, options, utc_now)
            try:
                self._listed += [(store.name, action) for action in reconciler.plan()]
            except StoreGuard as error:
                raise StoreGuard(f"Store {store.name}: {error.message}",
                                 hint="Is everything there? If they are really gone, add --yes.") from None  # fmt: skip
            self._unknown[store.name] = reconciler.unknown
        self._listed = _without_last_copies(self._listed)

    def _scanned(self, names: Sequence[str]) -> dict[str, Records]:
        """What the index says of the stores that are listed; on the way, which assets need something."""
        records = {name: Records() for name in names}
        self._repository.refresh(self._repository.alias)
        query = queries.of_stores(self._pair[:2])
        for page in self._repository.scan_pages(query, source=["copies", "sidecars", "stack.id"]):
            for hit in page:
                document = hit["_source"]
                copies, sidecars = document.get("copies", ()), document.get("sidecars", ())
                row = Recorded(hit["_id"], copies, sidecars, document.get("stack", {}).get("id", ""))
                for name, known in records.items():
                    known.take(row, name, Scope())
                path, has_other = lacks(copies, sidecars, self._pair)
                if has_other:
                    self._work.first.append(hit["_id"])
                elif path:
                    self._work.rest.append((path, bytes.fromhex(hit["_id"])))
        return records

    # --- plan ------------------------------------------------------------------------------------------------------

    def _plan(
        self, hashes: Sequence[str], foresight: Mapping[str, list[Change]], moved: Mapping[str, list[Move]],
        ask: Callable[[Callable[[], Any]], Any],
    ) -> Iterator[Mirroring]:  # fmt: skip
        """What some assets need, as the index says now; with the changes of it that are foreseen."""
        for start in range(0, len(hashes), BATCH):
            part = hashes[start : start + BATCH]
            found = ask(lambda part=part: self._repository.documents(part))  # type: ignore[misc]
            documents = {h: _changed(found[h][0], foresight.get(h, ())) for h in part if h in found}
            needing = [(h, d) for h, d in documents.items() if d is not None]
            disputed = [h for h, d in needing if lacks(d.get("copies", ()), (), self._pair)[1]]
            moves = ask(lambda disputed=disputed: self._moves(disputed))  # type: ignore[misc]
            for key, document in needing:
                history = [*moves.get(key, ()), *moved.get(key, ())]
                copies, sidecars = document.get("copies", []), document.get("sidecars", [])
                needs = mirror_asset(key, copies, sidecars, self._pair, history)
                self._apart += needs.apart
                self._behind += needs.behind
                yield from needs.actions

    def _moves(self, hashes: Sequence[str]) -> dict[str, list[Move]]:
        """The renames of some assets in either store; asked for only where an asset has another path in each."""
        found: dict[str, list[Move]] = defaultdict(list)
        if hashes:
            self._repository.refresh(schema.companion(self._repository.alias, "events"))
            for event in queries.renames(self._repository, hashes, self._pair[:2]):
                move = Move(event["store"], event.get("source", ""), event.get("path", ""), event["at"])
                found[event["hash"]].append(move)
        return found

    def dry(self, limit: int) -> int:
        """Print the plan; nothing that can write exists."""
        assert self._screen is not None
        report = self._screen.report(self._workspace.progress, **{**WORDS, "done": "recorded, renamed or copied"})
        report.dry = True
        now = datetime.now(UTC)
        foresight: dict[str, list[Change]] = defaultdict(list)
        moved: dict[str, list[Move]] = defaultdict(list)
        for store, action in self._limited(limit):
            report.add(_planned(action, store))
            if isinstance(action, Skip | Load):
                continue
            foresight[action.hash].append(foreseen(action, store, now))
            if isinstance(action, Relocate):
                moved[action.hash].append(Move(store, action.known.path, action.entry.path, timestamp(now)))
        first, rest = self._work.hashes(foresight)
        at_once: Callable[[Callable[[], Any]], Any] = lambda call: call()  # noqa: E731
        chosen = list(self._plan(first, foresight, moved, at_once))
        follows = [a for a in chosen if isinstance(a, Follow)]
        transfers = itertools.chain((a for a in chosen if not isinstance(a, Follow)), self._plan(rest, {}, {}, at_once))
        follows, sent = self._cut(follows, transfers, limit)
        size = 0
        for planned in itertools.chain[Mirroring](follows, sent):
            size += planned.size if isinstance(planned, Transfer) else 0
            report.add(_mirrored(planned, self._target.name))
        self._tell_rest(report)
        self._workspace.progress.close()
        report.finish(**{"bytes_planned": size} if report.json else {"to send": size_text(size)})
        return report.exit_code()

    def _limited(self, limit: int) -> Iterator[Listed]:
        """The first actions that bring the index in step; how many may still follow is kept."""
        self._left = limit
        for store, action in self._listed:
            if not isinstance(action, Skip):
                if limit and not self._left:
                    return
                self._left -= 1
            yield store, action

    def _cut(
        self, follows: list[Follow], transfers: Iterator[Mirroring], limit: int
    ) -> tuple[list[Follow], Iterator[Transfer]]:  # fmt: skip
        """As many of the other actions as the limit leaves; nothing comes to a name that a rename which is left still holds."""
        sent = (a for a in transfers if isinstance(a, Transfer))
        if not limit:
            return follows, sent
        key = self._shown.key
        chosen = first_of(follows, self._left, key)
        held = {key(f.old) for f in follows} - {key(f.old) for f in chosen}
        return chosen, itertools.islice((a for a in sent if key(a.goal) not in held), self._left - len(chosen))

    def _tell_rest(self, report: Report) -> None:
        """What is not for this run to do: files that nobody has read, and copies that have places of their own."""
        for seen, store in ((self._shown, self._target.name), (self._given, self._source.name)):
            count = self._unknown.get(store, 0) - (report.counts["found"] if seen is self._shown else 0)
            if count > 0:
                report.complain(_unknown(store, count, is_far=seen.states_content))
        here, there = self._pair[:2]
        if report.quiet:
            return
        if self._apart:
            what = "copy has" if len(self._apart) == 1 else "copies have"
            places = f"another place in {there} than in {here}, given there later or by hand"
            report.complain(f"{len(self._apart):,} {what} {places}; each stays.")
        for path, other in sorted(self._apart) if report.verbose else ():
            report.complain(printable(f"  {here}:{path} is {there}:{other}"))
        if self._behind:
            what = "copy was" if self._behind == 1 else "copies were"
            report.complain(f"{self._behind:,} {what} renamed in {there} since; {here} follows when synced the other way.")

    # --- apply -----------------------------------------------------------------------------------------------------

    def work(self, run: Session, limit: int, only: Sequence[str] | None = None) -> None:
        """Do it: what is known first, then renames, then transfers. `only` are the assets that are mirrored, if not all."""
        chosen = list(self._limited(limit))
        self._record(run, chosen)
        changed = {action.hash for _store, action in chosen if not isinstance(action, Skip)}
        first, rest = self._work.hashes(changed) if only is None else (list(only), [])
        plan = list(self._plan(first, {}, {}, run.patiently))
        follows = [a for a in plan if isinstance(a, Follow)]
        transfers: Iterator[Mirroring] = itertools.chain(
            (a for a in plan if not isinstance(a, Follow)), self._plan(rest, {}, {}, run.patiently)
        )
        if self._workspace.progress.shows_files:
            self._workspace.progress.files(len(plan) + len(rest))
        follows, sent = self._cut(follows, transfers, limit)
        throttle = self._workspace.throttle()
        mirrorer = Mirrorer(
            self._source, self._target, run.edit, run.journal, run.report, run.run, self._shown, self._given, throttle,
            self._workspace.settings.transfers, self._workspace.progress.advance,
        )  # fmt: skip
        left = mirrorer.apply(follows, sent)
        self._tell_rest(run.report)
        _tell_left(run.report, left, throttle.ended)

    def _record(self, run: Session, chosen: Sequence[Listed]) -> None:
        index = SyncIndex(run.repository, run.run, run.patiently)
        for store in (self._target, self._source):
            actions = [action for name, action in chosen if name == store.name]
            if actions:
                applier = Applier(store, index, run.edit, run.journal, run.report, lambda _a: None, tell=_recorded)
                applier.apply(actions)


def _unknown(store: str, count: int, *, is_far: bool) -> str:
    command = "sync_catalog_with_dropbox" if is_far else "sync_catalog_with_disk"
    command += "" if store in (storing.NAS, storing.DROPBOX) else f" --store {store}"
    what = "file in {} is" if count == 1 else "files in {} are"
    return f"{count:,} {what.format(store)} not in the catalog{'' if is_far else ', or not as it says'}: run {command}"


def _tell_left(report: Report, left: Left, limit: str) -> None:
    if limit:
        what = "1 file" if left.files == 1 else f"{left.files:,} files"
        report.complain(f"{limit} is reached: {what} ({size_text(left.bytes)}) are left; run the command again to go on.")


def _changed(document: Document, changes: Iterable[Change]) -> Document | None:
    after: Document | None = document
    for change in changes:
        after = change(after)
    return after


def _without_last_copies(listed: Sequence[Listed]) -> list[Listed]:
    """The plan where an asset that is gone from both stores is marked as missing in one: each was told of the other."""
    lost: dict[str, str] = {}
    told: list[Listed] = []
    for store, action in listed:
        if isinstance(action, Lose):
            is_last = lost.setdefault(action.hash, store) != store and not action.elsewhere.startswith(f"{store}:")
            told.append((store, Vanish(action.known, overwritten=action.overwritten) if is_last else action))
        else:
            told.append((store, action))
    return told


# --- words -------------------------------------------------------------------------------------------------------------


def _recorded(action: Reconciliation, store: str, outcome: str = "") -> Outcome:
    """What is told of an action that brings the index in step with a store: the files are as they were."""
    if isinstance(action, Lose):
        reason = f"still at {action.elsewhere}"
        return Outcome("gone", action.key, outcome or "gone", store, hash=action.hash, reason=reason)
    if isinstance(action, Vanish):
        reason = "its content is nowhere else; the record is kept, marked as missing"
        return Outcome("missing", action.key, outcome or "missing", store, hash=action.hash, reason=reason)
    path, target = (action.known.path, action.entry.path) if isinstance(action, Relocate) else (action.key, "")
    return Outcome("record", path, outcome or "recorded", store, target, action.hash)


def _planned(action: Reconciliation | Skip, store: str) -> Outcome:
    if isinstance(action, Skip):
        return Outcome("skip", action.source.path, action.outcome, store, reason=action.reason)
    return _recorded(action, store, "planned")


def _mirrored(action: Mirroring, store: str) -> Outcome:
    if isinstance(action, Follow):
        return Outcome(action.name, action.old, "planned", store, action.path, action.hash)
    return Outcome(action.name, action.path, "planned", store, action.to, action.hash, size=action.size)
