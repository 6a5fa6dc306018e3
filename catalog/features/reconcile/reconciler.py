"""The plan of a reconciliation from beginning to end: compare, recognise, ask what is unclear,
read what is new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from catalog.domain.actions import Skip
from catalog.domain.asset import Entry
from catalog.domain.checksums import beside_the_content_hash
from catalog.domain.copies import OK
from catalog.errors import StoreError
from catalog.features.reconcile.file_reader import Describe, FileReader
from catalog.features.reconcile.index import Index
from catalog.features.reconcile.loader import Loader
from catalog.features.reconcile.losses import Losses
from catalog.features.reconcile.numbers import NumberWriter
from catalog.features.reconcile.plan import (
    AddCopy,
    Attach,
    Known,
    Reconciliation,
    Relocate,
    Touch,
    breaks_stack,
)
from catalog.features.reconcile.questions import Questions
from catalog.features.reconcile.recognition import Recogniser
from catalog.features.reconcile.records import Comparison, Records
from catalog.features.reconcile.sidecars import attachments, beside_copies
from catalog.features.reconcile.survey import Looker, Options, Sight
from catalog.work.contents import content_of


class Reconciler:
    """Makes the plan for one store. Reads the store, asks the index, writes nothing.

    `describe` turns the facts of a file into an asset. `sight` is what the look at the store
    showed.
    """

    def __init__(
        self,
        index: Index,
        files: FileReader,
        describe: Describe,
        questions: Questions,
        options: Options,
        numbers: NumberWriter | None = None,
    ) -> None:
        self._store = store = files.store
        self._index = index
        self._questions = questions
        self._options = options
        self._recogniser = Recogniser(store, index, questions, options, files, numbers)
        self._holding = self._recogniser.holding
        self._loader = Loader(index, files, describe, self._recogniser)
        self._losses = Losses(store, index, questions, options)
        self.sight = Sight(Comparison([], {}, []))

    def plan(self) -> Iterator[Reconciliation | Skip]:
        """The actions, in the order in which they are to be done: what is known, what is new,
        what is gone.

        Raises StoreGuard, before the first action, where so much is missing that the store may not
        be what it seems.
        """
        records = self._records()
        by_case = self._store.capabilities.case_sensitive
        looker = Looker(self._store, records, self._options, by_case=by_case)
        sight = self.sight = looker.look()
        known = self._recogniser.recognise(sight, looker.present())
        self._recogniser.prove_sidecars(sight, records, self._sidecar_digest)
        self._recogniser.hold(sight, records, self._sidecar_fault)
        self._losses.check(sight.compared, records)
        known = self._with_stacks_asked(known, records, looker.home)
        actions = [*known, *attachments(known, sight, records, self._sidecar_digest)]
        yield from sorted([*sight.problems, *actions], key=lambda a: (a.key, a.name))
        found = {a.hash for a in actions}
        copies: list[Relocate | AddCopy] = []
        for action in self._loader.loads(sight, looker.home):
            if not isinstance(action, Skip):
                found.add(action.hash)
            if isinstance(action, Relocate | AddCopy):
                copies.append(action)
            yield action
        yield from beside_copies(copies, sight, self._sidecar_digest)
        yield from self._losses.fates(sight, found)

    def prove_found(self, actions: Sequence[Relocate | Touch | Attach]) -> None:
        """See `Recogniser.prove_found`; once the actions were done."""
        self._recogniser.prove_found(actions)

    @property
    def reread(self) -> tuple[int, int]:
        """How many files were read for nothing but their ctime, and how many had changed."""
        return self._recogniser.reread, len(self._holding.differing)

    def missing(self) -> Iterator[str]:
        """The recorded paths whose content was not found."""
        return (known.path for known in self.sight.compared.open_records() if known.state == OK)

    def _records(self) -> Records:
        name = self._store.name
        kinds = beside_the_content_hash(self._store.capabilities.checksums)
        return Records.gathered(self._index.recorded(name, kinds), name, self._options.scope)

    def _with_stacks_asked(
        self, known: list[Known], records: Records, home: Callable[[str], str]
    ) -> list[Known]:
        moves = [a for a in known if isinstance(a, Relocate)]
        if not moves:
            return known
        broken = breaks_stack(moves, records.stack_of, records.stacked(), home)
        return self._questions.stacks(known, broken)

    def _sidecar_fault(self, entry: Entry) -> str:
        """What is wrong with the bytes of a sidecar; "" where nothing is, or it cannot be read."""
        from catalog.media.sidecars import MAX_BYTES, find_fault

        try:
            with self._store.open(entry.path) as stream:
                return find_fault(stream.read(MAX_BYTES), entry.name)
        except StoreError:
            return ""

    def _sidecar_digest(self, entry: Entry) -> str:
        """The content hash of a sidecar; "" where it cannot be read."""
        try:
            return content_of(self._store, entry)
        except StoreError as error:
            self.sight.leave(Skip(entry, str(error), "failed"))
            return ""
