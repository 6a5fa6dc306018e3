"""Making one store hold what another holds: `sync_nas_to_dropbox`,
`sync_dropbox_to_nas` and `catalog mirror`.

What is known of the stores is brought in step with their listings first, without reading a file;
then what one lacks travels.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from catalog.domain.actions import Skip
from catalog.domain.amounts import size_text
from catalog.domain.checksums import select_recorded
from catalog.domain.copies import timestamp
from catalog.domain.names import printable
from catalog.errors import FATAL, StoreError, UsageError
from catalog.features.mirror.apply import Left, Mirrorer
from catalog.features.mirror.arrangement import Pairing, respell_folders, settle_names
from catalog.features.mirror.history import Move
from catalog.features.mirror.plan import Follow, Mirroring, MirrorNeeds, Transfer
from catalog.features.mirror.plan import limit_renames as first_follows
from catalog.features.mirror.preconditions import Foresight, MirrorPreconditions, names_of
from catalog.features.mirror.survey import Listed, NeedsSurvey, PairSurvey
from catalog.features.reconcile.apply import NOTHING_READ, Applier
from catalog.features.reconcile.changes import change_of
from catalog.features.reconcile.index import SyncIndex
from catalog.features.reconcile.plan import Load, Lose, Reconciliation, Relocate, Vanish
from catalog.features.reconcile.records import Scope
from catalog.features.reconcile.run import options_of
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work.agreement import Agreement
from catalog.work.contents import has_content
from catalog.work.driver import execute, in_parts, limit_plans
from catalog.work.folder_names import FolderNames
from catalog.work.outcome import Outcome, RunResult
from catalog.work.replaced_files import UntoldReplacements
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.sink import Level, Sink
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

BATCH = 500
"""Records that travel to the index together."""
MirrorAction = Listed | Follow | Transfer


@dataclass(frozen=True, slots=True)
class MirrorRequest:
    """Which store is mirrored to which.

    `command` is what the history calls it; `yes` agrees to losses.
    """

    source: str
    target: str
    command: str
    dryrun: bool = False
    limit: int = 0
    yes: bool = False


def run_mirror(workspace: Workspace, request: MirrorRequest, sink: Sink) -> RunResult:
    """Make one store hold what another holds."""
    if request.source == request.target:
        raise UsageError(f"{request.source} is both stores.", hint="Name two.")
    repository = workspace.existing_repository
    book, dry = StoreBook(workspace, repository, sink.notice), request.dryrun
    with book.open(request.source, dry=dry) as source, book.open(request.target, dry=dry) as target:
        survey = PairSurvey(repository, source, target)
        options = options_of(workspace, Scope(), accept_losses=request.yes)
        if not dry:
            UntoldReplacements(workspace.journal_dir, repository).give_back(target)
        keeps, stores = not request.dryrun, (source, target)
        agreement = Agreement(
            workspace.state_dir, repository, stores, "mirror", options, keeps=keeps
        )
        survey.look(options, sink.progress, agreement)
        if not request.dryrun:
            target.sweep()
        work = Mirror(workspace, repository, (source, target), survey, sink, request.limit)
        details = {"source": source.name, "target": target.name}
        return execute(workspace, work, sink, request.command, dry=request.dryrun, details=details)


def mirror_assets(
    run: Session, source: ManagedStore, target: ManagedStore, hashes: Iterable[str]
) -> None:
    """Give the other store its copy of some assets, within a run;
    what became of each is added to the run's report.

    The other store is not listed: a file that is in the way is found when it is. Outcomes are those
    of a mirror: "copied", "moved", "found" and "failed".
    """
    survey = PairSurvey(run.repository, source, target)
    survey.lacking.first = list(dict.fromkeys(hashes))
    work = Mirror(run.workspace, run.repository, (source, target), survey, run.sink)
    work.apply(run, work.plans())
    work.conclude(run.report)


class Mirror:
    """One mirroring of a surveyed pair of stores."""

    def __init__(
        self,
        workspace: Workspace,
        repository: Repository,
        stores: tuple[ManagedStore, ManagedStore],
        survey: PairSurvey,
        sink: Sink,
        limit: int = 0,
    ) -> None:
        self._workspace = workspace
        self._repository = repository
        self._source, self._target = stores
        self._survey = survey
        self._sink = sink
        self._limit = limit
        spelled = FolderNames(self._target).spell
        self._needs = NeedsSurvey(repository, survey.pair, spelled=spelled)
        self._sight = MirrorPreconditions(self._source, self._target, survey.given, survey.shown)
        self._foresight = Foresight(self._sight)
        self._now = datetime.now(UTC)
        self._apart: list[tuple[str, str]] = []
        self._behind = 0
        self._left = Left()
        self._ended = ""

    # --- plan -------------------------------------------------------------------------------------

    def plans(self) -> Iterator[Sequence[MirrorAction]]:
        """First what is known of the stores, in one part; then the renames, in one;
        then what travels, file by file.
        """
        known = list(
            itertools.chain.from_iterable(
                limit_plans(([a] for a in self._survey.listed), self._limit)
            )
        )
        yield known
        counted = [action for action in known if action.counts]
        changed = {action.hash for action in counted} | self._survey.disputed
        first, rest = self._survey.lacking.hashes(changed)
        planned = list(self._arranged(first))
        follows = [a for a in planned if isinstance(a, Follow)]
        sent = _transfers(itertools.chain(planned, self._planned(rest)))
        if self._sink.progress.shows_files:
            self._sink.progress.files(len(planned) + len(rest))
        follows, sent = self._cut(follows, sent, self._limit - len(counted))
        self._foresight.expect(follows)
        yield follows
        yield from ([action] for action in sent)

    def _arranged(self, hashes: Sequence[str]) -> Iterator[Mirroring]:
        """What assets need, and last those that have a name which the stores give to different
        ones, or which they spell otherwise: their names are chosen together.
        """
        survey, spelled = self._survey, self._needs.spelled
        together = []
        for asset in self._needs.assets(hashes):
            if asset.owner in survey.disputed or any(p.is_respelled for p in asset.pairings):
                together.append(asset)
            else:
                yield from self._told([asset.needs(spelled=spelled)])
        pairings = [pairing for asset in together for pairing in asset.pairings]
        names = respell_folders(pairings)
        if survey.disputed:
            names |= settle_names(pairings, survey.pair.key, self._number)
        yield from self._told(asset.needs(names, spelled) for asset in together)

    def _number(self, pairing: Pairing, path: str) -> str:
        """The path with the first number that is free in both stores, or that the file has there
        since a run was killed before it could record it.
        """
        taken, key = self._survey.names, self._survey.pair.key
        for name in itertools.islice(names_of(path), 1, None):
            if key(name) not in taken and self._is_left(pairing, name):
                taken.add(key(name))
                return name
        return path

    def _is_left(self, pairing: Pairing, path: str) -> bool:
        there = self._survey.shown.at(path)
        if there is None:
            return self._survey.given.sure(path) is None
        row = pairing.here or pairing.there
        if row is None or there.problem or there.size != row["size"]:
            return False
        return has_content(self._target, there, select_recorded(pairing.owner))

    def _planned(self, hashes: Sequence[str]) -> Iterator[Mirroring]:
        return self._told(self._needs.of(hashes))

    def _told(self, found: Iterable[MirrorNeeds]) -> Iterator[Mirroring]:
        for needs in found:
            self._apart += needs.apart
            self._behind += needs.behind
            yield from needs.actions

    def _cut(
        self, follows: list[Follow], sent: Iterator[Transfer], left: int
    ) -> tuple[list[Follow], Iterator[Transfer]]:
        """As many of them as the limit leaves;
        nothing comes to a name that a rename which is left still holds.
        """
        if not self._limit:
            return follows, sent
        key = self._survey.shown.key
        chosen = first_follows(follows, left, key)
        held = {key(f.old) for f in follows} - {key(f.old) for f in chosen}
        return chosen, itertools.islice(
            (a for a in sent if key(a.goal) not in held), left - len(chosen)
        )

    def foresee(self, action: MirrorAction) -> Outcome:
        """What is shown; what the index will say by then counts for what travels."""
        if isinstance(action, Listed):
            return self._foresee_listed(*action)
        try:
            placed = (
                self._foresight.renamed(action)
                if isinstance(action, Follow)
                else self._foresight.copied(action)
            )
        except FATAL:
            raise
        except StoreError as error:
            return Outcome(
                action.name,
                action.path,
                "failed",
                self._target.name,
                hash=action.hash,
                reason=str(error),
            )
        return foresee_transfer(placed, self._target.name)

    def _foresee_listed(self, store: str, action: Reconciliation | Skip) -> Outcome:
        if isinstance(action, Skip):
            return Outcome("skip", action.source.path, action.outcome, store, reason=action.reason)
        if not isinstance(action, Load):
            self._needs.changes[action.hash].append(change_of(action, store, self._now))
        if isinstance(action, Relocate):
            move = Move(store, action.known.path, action.entry.path, timestamp(self._now))
            self._needs.renames[action.hash].append(move)
        return replace(_recorded(action, store), outcome="planned")

    # --- apply ------------------------------------------------------------------------------------

    def apply(self, run: Session, plans: Iterator[Sequence[MirrorAction]]) -> None:
        """Do it: what is known first, then renames, then transfers."""
        self._needs.ask = run.patiently
        self._record(run, [action for action in next(plans) if isinstance(action, Listed)])
        follows = [action for action in next(plans) if isinstance(action, Follow)]
        throttle = self._workspace.throttle()
        mirrorer = Mirrorer(self._sight, run, throttle, self._workspace.settings.transfers)
        self._left = mirrorer.apply(follows, _transfers(itertools.chain.from_iterable(plans)))
        self._ended = throttle.ended

    def _record(self, run: Session, chosen: Sequence[Listed]) -> None:
        index = SyncIndex(run.repository)
        index.serve(run)
        for store in (self._target, self._source):
            actions = [listed.action for listed in chosen if listed.store == store.name]
            applier = Applier(store, index, run, lambda _action: NOTHING_READ, tell=_recorded)
            applier.apply(in_parts(actions, BATCH))

    # --- what else there is to tell ---------------------------------------------------------------

    def conclude(self, report: Report) -> None:
        """What was not for this run to do: unread files, copies with paths of their own,
        and what a limit left.
        """
        for seen, store in (
            (self._survey.shown, self._target.name),
            (self._survey.given, self._source.name),
        ):
            count = self._survey.unknown.get(store, 0) - (
                report.counts["found"] if seen is self._survey.shown else 0
            )
            if count > 0:
                report.notice(_unknown(store, count, is_far=seen.states_content))
        self._tell_apart(report)
        if self._ended:
            what = "1 file" if self._left.files == 1 else f"{self._left.files:,} files"
            left = f"{what} ({size_text(self._left.bytes)}) are left"
            report.notice(f"{self._ended} is reached: {left}; run the command again to go on.")

    def _tell_apart(self, report: Report) -> None:
        here, there = self._survey.pair[:2]
        if self._apart:
            what = "copy has" if len(self._apart) == 1 else "copies have"
            paths = f"another place in {there} than in {here}, given there later or by hand"
            report.notice(f"{len(self._apart):,} {what} {paths}; each stays.", Level.INFO)
        for path, other in sorted(self._apart):
            report.notice(printable(f"  {here}:{path} is {there}:{other}"), Level.DETAIL)
        if self._behind:
            what = "copy was" if self._behind == 1 else "copies were"
            text = f"renamed in {there} since; {here} follows when synced the other way."
            report.notice(f"{self._behind:,} {what} {text}", Level.INFO)


def _transfers(actions: Iterable[object]) -> Iterator[Transfer]:
    return (action for action in actions if isinstance(action, Transfer))


def _unknown(store: str, count: int, *, is_far: bool) -> str:
    what = "file in {} is" if count == 1 else "files in {} are"
    return (
        f"{count:,} {what.format(store)} not in the "
        f"catalog{'' if is_far else ', or not as it says'}: run catalog sync {store}"
    )


def _recorded(action: Reconciliation, store: str) -> Outcome:
    """What is told of an action that brings the index in step with a store:
    the files are as they were.
    """
    if isinstance(action, Lose):
        return Outcome(
            "gone",
            action.key,
            "gone",
            store,
            hash=action.hash,
            reason=f"still at {action.elsewhere}",
        )
    if isinstance(action, Vanish):
        reason = "its content is nowhere else; the record is kept, marked as missing"
        return Outcome("missing", action.key, "missing", store, hash=action.hash, reason=reason)
    path, target = (
        (action.known.path, action.entry.path) if isinstance(action, Relocate) else (action.key, "")
    )
    return Outcome("record", path, "recorded", store, target, action.hash)


def foresee_transfer(action: Mirroring, store: str) -> Outcome:
    """What is told of a rename or a copy that is only shown."""
    if isinstance(action, Follow):
        return Outcome(
            action.name, action.old, "planned", store, action.placed or action.path, action.hash
        )
    goal, size = action.placed or action.goal, 0 if action.found else action.size
    target = goal if goal != action.path else ""
    return Outcome(
        action.name, action.path, "planned", store, target, action.hash, size=size, stored=size
    )
