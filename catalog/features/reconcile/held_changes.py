"""Changes that only a person can judge: they are not taken up, and what they changed is not given
up, until somebody says so.

Everything here is pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from catalog.domain.actions import Skip
from catalog.domain.asset import Entry
from catalog.domain.copies import RecordedFile, is_as_recorded
from catalog.domain.evidence import is_untouched
from catalog.domain.stacks import Candidate
from catalog.features.reconcile.file_reader import unread
from catalog.features.reconcile.records import Records
from catalog.features.reconcile.survey import HELD, Options, Sight
from catalog.work.workers import Result

Faults = Callable[[Entry], str]
"""Tells what is wrong with the bytes of a sidecar; "" where nothing is."""
ACCEPT = "look at it; if it is meant, add --accept-changes"
UNCLEAR = (
    "look at it; `catalog verify --repair --repair-unclear` puts a good copy in its place; if it "
    "is meant, add --rehash --accept-changes"
)


@dataclass(slots=True)
class Holding:
    """Decides which changes are held. `differing` are paths of files that were doubtful, and have
    other content; `unproved` those, with their asset, whose numbers tell nothing from now on.
    """

    options: Options
    differing: set[str] = field(default_factory=set)
    unproved: list[tuple[str, Entry]] = field(default_factory=list)

    def hold_files(self, sight: Sight, records: Records) -> None:
        """Leave the files at recorded paths whose new content may be no person's work."""
        compared = sight.compared
        changed = [c for c in compared.fresh if compared.recorded_at(c.entry) is not None]
        if self.options.accept_changes or not changed:
            return
        many = self._why_many(len(changed), records.total)
        held: set[str] = set()
        for candidate in changed:
            entry = candidate.entry
            unclear = self._why_unclear(entry, compared.at[entry.path], sight)
            reason = many or unclear
            if reason:
                held.add(entry.path)
                sight.leave(Skip(entry, reason, HELD))
        compared.fresh = [c for c in compared.fresh if c.entry.path not in held]

    def _why_many(self, changed: int, total: int) -> str:
        options = self.options
        if changed <= options.change_files or changed * 100 <= total * options.change_percent:
            return ""
        return f"{changed:,} of {total:,} recorded files changed at once; {ACCEPT}"

    def _why_unclear(self, entry: Entry, known: RecordedFile, sight: Sight) -> str:
        """Why nobody can tell whether somebody wrote to a file, or it rotted."""
        if not is_as_recorded(entry, known):
            return ""
        untouched = is_untouched(entry, known, self.options.evidence)
        if untouched is False and sight.is_stirred:
            self.unproved.append((known.hash, entry))
            return (
                "its bytes changed, and the ctimes of most files did, as on a restored disk: "
                f"nothing tells whether somebody wrote to it; {UNCLEAR}"
            )
        if untouched is None:
            return f"its bytes changed, and nothing tells whether somebody wrote to it; {UNCLEAR}"
        return ""

    def hold_sidecars(self, sight: Sight, records: Records, faults: Faults) -> None:
        """The same for sidecars."""
        if self.options.accept_changes or not sight.sidecars_changed:
            return
        many = self._why_many(len(sight.sidecars_changed), records.total)
        kept: list[tuple[Entry, list[Candidate]]] = []
        for entry, owners in sight.sidecars_changed:
            unclear = entry.path in self.differing and sight.is_stirred
            if unclear:
                self.unproved += [(row.owner, entry) for row in records.sidecars[entry.path]]
            reason = many or (
                f"its bytes changed, and the ctimes of most files did; {UNCLEAR}" if unclear else ""
            )
            if not reason and (fault := faults(entry)):
                reason = f"it changed, and {fault}; {ACCEPT}"
            if reason:
                sight.leave(Skip(entry, reason, HELD))
            else:
                kept.append((entry, owners))
        sight.sidecars_changed = kept

    def unread(self, candidate: Candidate, result: Result | None, *, is_recorded: bool) -> Skip:
        """A file of which reading gave no more than the reason why; what was a photo or a video,
        and is none any more, is held.
        """
        skip = unread(candidate, result)
        reason = self.why_broken(skip.reason)
        if skip.outcome == "unsupported" and is_recorded and reason:
            return replace(skip, outcome=HELD, reason=reason)
        return skip

    def why_broken(self, problem: str) -> str:
        """Why a changed file that is no whole picture or film any more is held;
        "" where a person accepts it.
        """
        return "" if self.options.accept_changes else f"it changed, and {problem}; {ACCEPT}"
