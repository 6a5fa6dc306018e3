"""Looking again at pictures that an earlier version of the program looked at:
their small pictures and scores are recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice

from catalog.domain.asset import Entry, Facts
from catalog.domain.document import AssetDocument, with_value
from catalog.domain.edits import Change, Edit, with_checksums
from catalog.errors import MediaError
from catalog.features.inspection.search import mark_errors
from catalog.features.renditions.stores import open_readers
from catalog.index import queries
from catalog.index.client import Query
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work.driver import execute
from catalog.work.facts_reading import Wanted
from catalog.work.live_copies import find_copy
from catalog.work.outcome import Outcome, RunResult
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.sink import Sink
from catalog.work.store_book import StoreBook
from catalog.work.workers import ReaderPool
from catalog.work.workspace import Workspace

COMMAND = "measure"
AT_ONCE = 200
LACKING: Query = {
    "bool": {
        "filter": [{"exists": {"field": "phash"}}],
        "must_not": [
            {
                "bool": {
                    "filter": [
                        {"exists": {"field": "quality.focus"}},
                        {"exists": {"field": "phash_inner"}},
                        {
                            "bool": {
                                "should": [
                                    {"exists": {"field": "frames"}},
                                    {"term": {"kind": "video"}},
                                ],
                                "minimum_should_match": 1,
                            }
                        },
                    ]
                }
            }
        ],
    }
}
"""Assets that were looked at, but of which a small picture, some scores, or the number of frames
are not known.
"""


_IN_FILE = ("frames", "parts", "resized", "motion_photo")
NO_COPY = "no copy of it can be read now"


@dataclass(frozen=True, slots=True)
class MeasureRequest:
    """Which pictures that match a query are looked at: those that lack a score,
    or all (`again`).
    """

    query: str = ""
    again: bool = False
    dryrun: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """A picture is looked at: the copy `entry` in a store; None where no copy of it can be read."""

    hash: str
    store: str = ""
    entry: Entry | None = None
    name: str = COMMAND

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.hash

    @property
    def counts(self) -> bool:
        """Whether a limit counts it."""
        return self.entry is not None

    def describe(self) -> str:
        """One line for a person."""
        return f"measure {self.hash}" + ("" if self.entry else f": {NO_COPY}")


def run_measure(workspace: Workspace, request: MeasureRequest, sink: Sink) -> RunResult:
    """Measure what lacks it."""
    repository = workspace.existing_repository
    repository.refresh(repository.alias)
    with mark_errors(request.query):
        queries.count(repository, request.query)
    with StoreBook(workspace, repository).open_present() as stores:
        work = Measuring(workspace, repository, stores, request)
        return execute(workspace, work, sink, COMMAND, dry=request.dryrun)


class Measuring:
    """Some pictures that are looked at again."""

    def __init__(
        self,
        workspace: Workspace,
        repository: Repository,
        stores: Mapping[str, ManagedStore],
        request: MeasureRequest,
    ) -> None:
        self._workspace = workspace
        self._repository = repository
        self._stores = stores
        self._request = request

    def plans(self) -> Iterator[Sequence[Measure]]:
        """Some hundred pictures at a time, those without a copy that answers first."""
        also = {"exists": {"field": "phash"}} if self._request.again else LACKING
        pages = queries.search_pages(self._repository, self._request.query, also=also)
        documents = (hit["_source"] for page in pages for hit in page)
        while part := [self._planned(document) for document in islice(documents, AT_ONCE)]:
            yield sorted(part, key=lambda action: action.counts)

    def _planned(self, document: AssetDocument) -> Measure:
        found = find_copy(self._stores, document)
        if found is None:
            return Measure(document["hash"])
        store, _row, entry = found
        return Measure(document["hash"], store.name, entry)

    def foresee(self, action: Measure) -> Outcome:
        """What will become of a picture, as far as can be told without reading it."""
        return _outcome(
            action, "planned" if action.entry else "failed", "" if action.entry else NO_COPY
        )

    def apply(self, run: Session, plans: Iterator[Sequence[Measure]]) -> None:
        """Read them, and record what they look like."""
        with open_readers(self._workspace) as pool:
            for plan in plans:
                self._measure(run, pool, plan)

    def _measure(self, run: Session, pool: ReaderPool, plan: Sequence[Measure]) -> None:
        wanted: dict[str, dict[str, Measure]] = {}
        for action in plan:
            if action.entry is None:
                run.report.add(_outcome(action, "failed", NO_COPY))
            else:
                wanted.setdefault(action.store, {})[action.hash] = action
        changes: list[Edit] = []
        for store, actions in wanted.items():
            files = (
                (name, Wanted(action.entry)) for name, action in actions.items() if action.entry
            )
            for name, result in self._workspace.reading(pool, self._stores[store]).run(files):
                if isinstance(result, Facts) and result.hash == name and result.quality is not None:
                    changes.append(
                        Edit(name, COMMAND, _as_measured(result), {"effect": "index"}, untold=True)
                    )
                else:
                    reason = (
                        str(result)
                        if isinstance(result, MediaError)
                        else "its bytes are not as recorded"
                    )
                    run.report.add(replace(_outcome(actions[name], "failed", reason), store=store))
                run.sink.progress.advance()
        for change, answer in zip(changes, run.edit(changes), strict=True):
            outcome = {"done": "measured", "unchanged": "unchanged"}.get(answer, "failed")
            run.report.add(
                _outcome(Measure(change.hash), outcome, answer if outcome == "failed" else "")
            )

    def conclude(self, report: Report) -> None:
        """Nothing more."""


def _outcome(action: Measure, became: str, reason: str = "") -> Outcome:
    return Outcome(COMMAND, action.hash, became, hash=action.hash, reason=reason)


def _as_measured(facts: Facts) -> Change:
    assert facts.quality is not None
    seen: dict[str, object] = {
        "phash": facts.phash,
        "phash_inner": facts.phash_inner,
        "look": facts.look,
        "frames_look": facts.frames_look,
        "quality": asdict(facts.quality),
        "problem": facts.problem or None,
        **{name: facts.values.get(name) for name in _IN_FILE},
    }

    def change(document: AssetDocument | None) -> AssetDocument | None:
        if document is None:
            return None
        for name, value in seen.items():
            document = with_value(document, name, value)
        return with_checksums(facts.checksums)(document)

    return change
