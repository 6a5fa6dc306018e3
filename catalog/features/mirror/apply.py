"""Applies a mirror's plan: files are copied or renamed in the other store, verified,
and only then recorded.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from catalog.domain import edits
from catalog.domain.asset import Entry
from catalog.domain.checksums import agree, recorded
from catalog.domain.copies import OK, copy_row, held, is_as_recorded, sidecar_row, timestamp
from catalog.domain.document import EventNote
from catalog.domain.edits import Edit
from catalog.domain.names import aside, original_of
from catalog.errors import (
    FATAL,
    AlreadyExists,
    FixityMismatch,
    Interrupted,
    StoreError,
)
from catalog.features.mirror.plan import Follow, Mirroring, Transfer
from catalog.features.mirror.sight import FOUND, TAKEN, Sight, names_of
from catalog.stores.protocol import ManagedStore
from catalog.work.journal import Journal
from catalog.work.listing import Listing
from catalog.work.outcome import Outcome
from catalog.work.report import Report
from catalog.work.throttle import Throttle

OUTCOMES = ("copied", "moved", "found", "failed")
BATCH = 128
"""Files recorded together at most."""
SECONDS = 5.0
"""How long a file that arrived waits for others to be recorded with."""
THREADS = 4


class Done(NamedTuple):
    """What became of an action: the entry of its file in the other store, or why there is none.

    Neither: it did not begin.
    """

    action: Mirroring
    entry: Entry | None = None
    error: StoreError | None = None


class Sent(NamedTuple):
    """One file that was sent, and what is to be sent now:
    in one group what must not be sent twice.
    """

    done: Done
    further: list[list[Transfer]]


@dataclass(frozen=True, slots=True)
class Left:
    """What a limit left to be sent by the next run."""

    files: int = 0
    bytes: int = 0

    def and_also(self, action: Transfer) -> Left:
        """With one more."""
        return Left(self.files + 1, self.bytes + action.size)


@dataclass(slots=True)
class Mirrorer:
    """Makes `target` hold what `source` holds.

    Several files travel at once, and are recorded as they arrive.

    `shown` and `given` are what the target and the source showed in this run; `threads` is how many
    files travel at once.
    """

    source: ManagedStore
    target: ManagedStore
    edit: Callable[[Sequence[Edit]], list[str]]
    journal: Journal
    report: Report
    run: str
    shown: Listing
    given: Listing
    throttle: Throttle = field(default_factory=Throttle)
    threads: int = THREADS
    advance: Callable[[int], None] = lambda _count: None
    _stopped: threading.Event = field(default_factory=threading.Event)
    _sight: Sight = field(init=False)

    def __post_init__(self) -> None:
        self._sight = Sight(self.source, self.target, self.given, self.shown)

    def apply(self, follows: Sequence[Follow], transfers: Iterable[Transfer]) -> Left:
        """All of it, renames first; what a limit of the run left.

        Raises what must stop the run, once all is recorded.
        """
        together = (
            self.threads
            if self.throttle.is_limited
            else max(self.threads, self.target.capabilities.together)
        )
        with ThreadPoolExecutor(together, thread_name_prefix="mirror") as pool:
            self._settle(self._renames(follows, pool))
            return self._send(transfers, pool, together)

    def _send(self, transfers: Iterable[Transfer], pool: ThreadPoolExecutor, together: int) -> Left:
        """Send the files; what did not begin because a limit was reached."""
        flying: set[Future[Sent]] = set()
        arrived: list[Done] = []
        left = Left()
        last = time.monotonic()
        further: deque[list[Transfer]] = deque()
        contents = (
            list(same) for _digest, same in itertools.groupby(transfers, key=lambda t: t.hash)
        )
        try:
            while True:
                while len(flying) < 2 * together and not self.throttle.ended:
                    same = further.popleft() if further else next(contents, None)
                    if same is None:
                        break
                    flying.add(pool.submit(self._content, same))
                if not flying:
                    break
                landed, flying = wait(flying, timeout=SECONDS, return_when=FIRST_COMPLETED)
                for done, rest in (future.result() for future in landed):
                    further.extend(rest)
                    if (
                        done.entry is None
                        and done.error is None
                        and isinstance(done.action, Transfer)
                    ):
                        left = left.and_also(done.action)
                    else:
                        arrived.append(done)
                if len(arrived) >= BATCH or time.monotonic() - last > SECONDS:
                    batch, arrived, last = arrived, [], time.monotonic()
                    self._settle(batch)
                if any(isinstance(d.error, FATAL) for d in arrived):
                    break
        except KeyboardInterrupt:
            self.throttle.cancel()  # an interruption must not wait for a film to be sent
            raise
        finally:
            self._stopped.set()
            landing = [f for f in flying if not f.cancel() and f.exception() is None]
            self._settle([*arrived, *(future.result().done for future in landing)])
        for action in (
            action for same in itertools.chain(further, contents) for action in same
        ):  # none, unless a limit was reached
            left = left.and_also(action)
        return left

    def _content(self, actions: Sequence[Transfer]) -> Sent:
        """Send one copy of a content; the others may then be made by the store itself,
        all at once.
        """
        first, *rest = actions
        done = self._attempt(first, self._copy)
        if done.entry is None:
            return Sent(done, [rest] if rest else [])
        like = done.entry.path
        return Sent(done, [[replace(action, like=action.like or like)] for action in rest])

    def _settle(self, done: Sequence[Done]) -> None:
        """Record what was done, and tell what was not.

        Raises the error after which going on is of no use.
        """
        self._record([d for d in done if d.entry is not None])
        for action, _entry, error in done:
            if error is not None and not isinstance(error, Interrupted):
                self._fail(action, error)
        fatal = next((d.error for d in done if isinstance(d.error, FATAL)), None)
        if fatal is not None:
            raise fatal

    def _attempt(self, action: Any, do: Callable[[Any], Done]) -> Done:
        if self._stopped.is_set() or (
            isinstance(action, Transfer) and not self.throttle.begin(action.size)
        ):
            return Done(action)
        self.journal.started(
            action.name, store=self.target.name, path=action.path, hash=action.hash
        )
        try:
            return do(action)
        except FATAL as error:
            self._stopped.set()
            return Done(action, error=error)
        except StoreError as error:
            return Done(action, error=error)

    # --- renames ----------------------------------------------------------------------------------

    def _renames(self, follows: Sequence[Follow], pool: ThreadPoolExecutor) -> list[Done]:
        """All of them, as many at once as the store takes.

        Where a name is still held by what is to be renamed itself, as in a ring, the file gets a
        name of its own first. So does one whose name changes in case only, which a store that takes
        both for one refuses as a rename.
        """
        held = {self.shown.key(f.old) for f in follows}
        done = list(
            pool.map(
                lambda f: self._attempt(
                    f, self._aside if self.shown.key(f.path) in held else self._move
                ),
                follows,
            )
        )
        return list(pool.map(self._ended, done))

    def _ended(self, done: Done) -> Done:
        """A rename that has come to its end: at its name, or at the same with a number;
        else the file is back.
        """
        action = done.action
        if not isinstance(action, Follow):
            return done
        if isinstance(done.error, AlreadyExists):
            name = action.old
        elif done.entry is not None and original_of(done.entry.path):
            name = done.entry.path
        else:
            return done
        try:
            return self._placed(action, name)
        except StoreError as error:
            if name != action.old:
                with contextlib.suppress(StoreError):
                    self._renamed(name, action.old)
            return Done(action, error=error)

    def _move(self, action: Follow) -> Done:
        """Rename a file that is as recorded;
        one that lies at its new place already came there before a kill.
        """
        there = self._sight.arrived(action)
        return Done(action, there or self._brought(action, action.old, action.path))

    def _aside(self, action: Follow) -> Done:
        """The same, to a name for a moment;
        a file that a killed run left under such a name has it already.
        """
        there = self._sight.arrived(action)
        if there is None and original_of(action.old):
            there = self.shown.sure(action.old)
        return Done(action, there or self._brought(action, action.old, aside(action.old, self.run)))

    def _brought(self, action: Follow, old: str, new: str) -> Entry:
        """Rename a file; raises where another one lay there by then, which is put back."""
        entry = self._renamed(old, new)
        if is_as_recorded(entry, held(action.row, action.hash, action.checksums)):
            return entry
        with contextlib.suppress(StoreError):
            self._renamed(new, action.old)
        raise self._sight.changed(action)

    def _renamed(self, old: str, new: str) -> Entry:
        entry = self.target.move(old, new)
        self.shown.drop(old)
        self.shown.add(entry)
        return entry

    def _placed(self, action: Follow, name: str) -> Done:
        """Where its name is taken by other content a file gets a number;
        that may be the name it had.
        """
        for path in names_of(action.path):
            if path == name:
                return Done(replace(action, placed=path), self.shown.sure(path))
            with contextlib.suppress(AlreadyExists):
                entry = self._brought(action, name, path)
                return Done(replace(action, placed=path), entry)
        raise self._sight.no_name(action)

    # --- copies -----------------------------------------------------------------------------------

    def _copy(self, action: Transfer) -> Done:
        """Copy a file; where its name is taken by other content it gets a number,
        and an older sidecar gives way.
        """
        entry = self._sight.sent(action)
        for path in names_of(action.goal):
            done = self._copy_to(path, self.shown.at(path), action, entry)
            if done is not None:
                return done
        raise self._sight.no_name(action)

    def _copy_to(
        self, path: str, there: Entry | None, action: Transfer, entry: Entry
    ) -> Done | None:
        """A copy under this very name, or what lies there if it is the content;
        None where the name is taken.
        """
        if there is None:
            try:
                made = self._put(path, action, entry)
            except AlreadyExists:
                there = self.shown.live(path)
                return self._copy_to(path, there, action, entry) if there is not None else None
            self.shown.add(made)
            return Done(replace(action, placed=made.path), made)
        what = self._sight.lies(there, action, entry)
        if what == TAKEN:
            return None
        if what == FOUND:
            self.throttle.unused(action.size)
            return Done(replace(action, placed=there.path, found=True), there)
        self.target.remove(there.path, self.run)
        self.shown.drop(path)
        return self._copy_to(path, None, action, entry)

    def _put(self, path: str, action: Transfer, entry: Entry) -> Entry:
        adopted = self.target.adopt(self.source, action.path, path, action.hash)
        if adopted is not None:
            self.throttle.unused(action.size)
            return adopted
        is_far = self.source.folder is None or self.target.folder is None
        if action.like and (made := self._copied(path, action)) is not None:
            return made
        with (
            self.source.open(action.path) as stream,
            self.throttle.paced(stream, always=is_far) as paced,
        ):
            return self.target.put(path, paced, entry.size, entry.mtime_ns, action.hash)

    def _copied(self, path: str, action: Transfer) -> Entry | None:
        """A second copy that the store makes of what it has; None where it cannot,
        or its file is not what it should be.
        """
        seen, content = self.shown.at(action.like), recorded(action.hash, action.checksums)
        if (
            not self.target.capabilities.server_side_copy
            or seen is None
            or not agree(seen.checksums, content)
        ):
            return None
        made = self.target.copy(action.like, path)
        if agree(made.checksums, content):
            self.throttle.unused(action.size)
            return made
        self.target.remove(made.path, self.run)
        return None

    # --- records ----------------------------------------------------------------------------------

    def _record(self, done: Sequence[Done]) -> None:
        if not done:
            return
        self.target.settle([d.entry.path for d in done if d.entry is not None])
        wanted = [self._edit(d.action, d.entry) for d in done if d.entry is not None]
        for (action, entry, _error), answer in zip(done, self.edit(wanted), strict=True):
            if answer not in ("done", "unchanged"):
                self._fail(action, StoreError(answer))
                continue
            self.journal.done(
                action.name, store=self.target.name, path=action.path, hash=action.hash
            )
            self.report.add(self._told(action, entry.path if entry else ""))
            self.advance(1)

    def _told(self, action: Mirroring, placed: str) -> Outcome:
        store = self.target.name
        if isinstance(action, Follow):
            outcome = "found" if placed == action.old else "moved"
            return Outcome(action.name, action.old, outcome, store, placed, action.hash)
        target = placed if placed != action.path else ""
        if action.found:
            return Outcome(action.name, action.path, "found", store, target, action.hash)
        return Outcome(
            action.name,
            action.path,
            "copied",
            store,
            target,
            action.hash,
            size=action.size,
            stored=action.size,
        )

    def _edit(self, action: Mirroring, entry: Entry) -> Edit:
        store = self.target.name
        now = datetime.now(UTC)
        is_found = isinstance(action, Transfer) and action.found
        event: EventNote = {
            "store": store,
            "path": entry.path,
            "effect": "index" if is_found else "file",
        }
        old = action.old if isinstance(action, Follow) else None
        event["source"] = old or f"{self.source.name}:{action.path}"
        if action.is_sidecar:
            change = edits.with_sidecars(
                [(store, old)] if old else [], [sidecar_row(store, entry, action.hash)]
            )
        elif (
            old == entry.path
        ):  # it came to that name anew, or the same rename would be tried by every run
            change = edits.marked(store, old, OK, added=timestamp(now))
        elif old:
            change = edits.moved_copy(store, old, copy_row(store, entry, now, now))
        else:
            change = edits.with_copy(copy_row(store, entry, now, now))
        return Edit(action.owner, action.name, change, event)

    def _fail(self, action: Mirroring, error: StoreError) -> None:
        self.journal.failed(
            action.name,
            store=self.target.name,
            path=action.path,
            hash=action.hash,
            reason=str(error),
        )
        where = (
            f"sync the catalog with store {self.source.name}, or it is damaged: see `catalog "
            "verify`."
        )
        edited = f" It is not what the catalog recorded: {where}"
        reason = f"{error.message}{edited}" if isinstance(error, FixityMismatch) else str(error)
        self.report.add(
            Outcome(
                action.name,
                action.path,
                "failed",
                self.target.name,
                hash=action.hash,
                reason=reason,
            )
        )
