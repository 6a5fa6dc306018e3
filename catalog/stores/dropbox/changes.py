"""Copies, moves and deletions that Dropbox makes itself: many in one request,
asked about until they are done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from dropbox import Dropbox, files
from stone.backends.python_rsrc.stone_validators import ValidationError

from catalog.errors import StoreError, StoreUnavailable
from catalog.stores.dropbox.connection import Connection, Unreadable
from catalog.stores.dropbox.failures import answer_tags, is_passing, tags
from catalog.stores.patience import Ambiguous

MOST = 1000
"""Entries of one request."""
POLL_FIRST, POLL_LONGEST = 0.1, 4.0
_DONE = (files.Metadata, files.DeleteResult, files.DeleteBatchResultData)
POLLS = 1000
"""How often a job is asked about: more than an hour."""

Relocation: TypeAlias = tuple[str, str]
"""From where to where, as Dropbox names them."""
Deletion: TypeAlias = tuple[str, str]
"""What Dropbox calls a file, and the revision that it must still have ("": any)."""
Launch: TypeAlias = Callable[[Dropbox], Any]


class Changes:
    """Sends batches.

    Results are in order: metadata (None for a deletion), or the error union that says why not.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def copy_all(self, wanted: Sequence[Relocation]) -> list[Any]:
        """Copy files, never over others."""
        return self._relocated(wanted, moving=False)

    def move_all(self, wanted: Sequence[Relocation]) -> list[Any]:
        """Rename files, never over others.

        What differs in case only is asked for by itself: a batch cannot.
        """
        alone = [n for n, (source, target) in enumerate(wanted) if source.lower() == target.lower()]
        together = [n for n in range(len(wanted)) if n not in alone]
        results = dict(
            zip(together, self._relocated([wanted[n] for n in together], moving=True), strict=True)
        )
        results |= {n: self._relocated([wanted[n]], moving=True)[0] for n in alone}
        return [results[n] for n in range(len(wanted))]

    def delete_all(self, wanted: Sequence[Deletion]) -> list[Any]:
        """Delete files that are still of their revision."""

        def launch(batch: Sequence[Deletion]) -> Launch:
            return lambda sdk: sdk.files_delete_batch(
                [files.DeleteArg(path, revision or None) for path, revision in batch]
            )

        def check(job: str) -> Launch:
            return lambda sdk: sdk.files_delete_batch_check(job)

        def one(item: Deletion) -> Launch:
            return lambda sdk: sdk.files_delete_v2(item[0], parent_rev=item[1] or None)

        return [
            None if isinstance(r, _DONE) else r
            for r in self._all(wanted, one, launch, check, lambda _item: None)
        ]

    def _relocated(self, wanted: Sequence[Relocation], *, moving: bool) -> list[Any]:
        def launch(batch: Sequence[Relocation]) -> Launch:
            paths = [files.RelocationPath(source, target) for source, target in batch]
            return lambda sdk: (
                sdk.files_move_batch_v2(paths) if moving else sdk.files_copy_batch_v2(paths)
            )

        def check(job: str) -> Launch:
            return lambda sdk: (
                sdk.files_move_batch_check_v2(job) if moving else sdk.files_copy_batch_check_v2(job)
            )

        def one(item: Relocation) -> Launch:
            return lambda sdk: sdk.files_move_v2(*item) if moving else sdk.files_copy_v2(*item)

        def done_before(item: Relocation) -> Any:
            return self._done_before(item, moving=moving)

        return self._all(wanted, one, launch, check, done_before)

    def _all(
        self,
        wanted: Sequence[Any],
        one: Callable[[Any], Launch],
        launch: Callable[[Sequence[Any]], Launch],
        check: Callable[[str], Launch],
        done_before: Callable[[Any], Any],
    ) -> list[Any]:
        """The results of all; `done_before` finds what a request did whose reply was lost."""
        results: dict[int, Any] = {}
        pending = list(range(len(wanted)))
        lost = False
        attempt = 0
        while pending:
            try:
                answers = self._answers([wanted[n] for n in pending], one, launch, check)
            except Unreadable:  # each by itself, so that the others are told
                lost = True
                answers = [self._by_itself(wanted[n], one) for n in pending]
            except Ambiguous as error:
                lost = True
                self._connection.give_time(error.cause, attempt, "")
                attempt += 1
                continue
            again = []
            for number, answer in zip(pending, answers, strict=True):
                if isinstance(answer, _DONE):
                    results[number] = answer
                elif is_passing(answer):
                    again.append(number)
                else:
                    results[number] = (done_before(wanted[number]) if lost else None) or answer
            if again:
                self._connection.give_time(None, attempt, "")
                attempt += 1
            pending = again
        return [results[number] for number in range(len(wanted))]

    def _by_itself(self, item: Any, one: Callable[[Any], Launch]) -> Any:
        """The answer for one of a batch whose answer cannot be read."""
        try:
            return self._one_answer(one(item))
        except Unreadable:
            return StoreError(
                "Dropbox refused it and does not say why.", store=self._connection.store
            )

    def _one_answer(self, launch: Launch) -> Any:
        try:
            return self._connection.once(launch).metadata
        except StoreError as error:
            if not answer_tags(error):
                raise
            return error.__cause__.error  # type: ignore[union-attr]

    def _answers(
        self,
        batch: Sequence[Any],
        one: Callable[[Any], Launch],
        launch: Callable[[Sequence[Any]], Launch],
        check: Callable[[str], Launch],
    ) -> list[Any]:
        if len(batch) == 1:
            return [self._one_answer(one(batch[0]))]
        state = self._connection.once(launch(batch))
        if state.is_async_job_id():
            state = self._ended(check(state.get_async_job_id()))
        return [
            e.get_success() if e.is_success() else _failure(e) for e in state.get_complete().entries
        ]

    def _ended(self, check: Launch) -> Any:
        """The state of a job once it is complete.

        Raises StoreUnavailable where it failed as a whole, or never ends.
        """
        pause = POLL_FIRST
        for _poll in range(POLLS):
            try:
                state = self._connection.call(check)
            except StoreError as error:
                if isinstance(error.__cause__, ValidationError):
                    raise Unreadable(error.__cause__) from error
                raise
            if state.is_complete():
                return state
            if not state.is_in_progress():
                break
            self._connection.pause(pause)
            pause = min(pause * 1.5, POLL_LONGEST)
        raise StoreUnavailable(
            f"Dropbox did not end a batch ({'/'.join(tags(state))}).",
            store=self._connection.store,
            hint="Run the command again; what was done is found.",
        )

    def _done_before(self, item: Relocation, *, moving: bool) -> Any:
        """What lies at the target, if it can only have come from the source by the request whose
        reply was lost.
        """
        source, target = (self._metadata(path) for path in item)
        if not isinstance(target, files.FileMetadata):
            return None
        if moving:
            return target if source is None or source.id == target.id else None
        same = isinstance(source, files.FileMetadata) and source.content_hash == target.content_hash
        return target if same and source.client_modified == target.client_modified else None

    def _metadata(self, path: str) -> Any:
        try:
            return self._connection.call(lambda sdk: sdk.files_get_metadata(path))
        except StoreError as error:
            if answer_tags(error):
                return None
            raise


def _failure(entry: Any) -> Any:
    """The error union of an entry of a batch; the entry itself where it only says `other`."""
    return entry.get_failure() if getattr(entry, "_tag", "") == "failure" else entry
