"""Looking again at pictures that an earlier version of the program looked at: their small pictures and scores are recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from catalog.cli.console import Screen
from catalog.domain.asset import Facts
from catalog.domain.copies import OK, held, is_as_recorded
from catalog.domain.edits import Change, Document, Edit
from catalog.errors import DONE, MediaError, QuerySyntaxError, StoreError
from catalog.features.ask.search import pointed
from catalog.index import queries
from catalog.stores.protocol import ManagedStore
from catalog.work import store_book as storing
from catalog.work.reading import Wanted
from catalog.work.report import Outcome
from catalog.work.session import Session, session
from catalog.work.workers import ReaderPool
from catalog.work.workspace import Workspace

WORDS = {"outcomes": ("measured", "unchanged", "failed"), "always": ("measured",), "done": "measured"}
AT_ONCE = 200
LACKING: dict[str, Any] = {
    "bool": {
        "filter": [{"exists": {"field": "phash"}}],
        "must_not": [{"bool": {"filter": [{"exists": {"field": "quality.focus"}}, {"exists": {"field": "phash_inner"}}]}}],
    }
}
"""Assets that were looked at, but of which a small picture and some scores are not known."""


def run_measure(workspace: Workspace, query: str, screen: Screen, *, again: bool, dryrun: bool) -> int:
    """Measure what lacks it; `again` also what does not."""
    repository = workspace.existing_repository
    repository.refresh(repository.alias)
    also = {"exists": {"field": "phash"}} if again else LACKING
    try:
        if dryrun:
            count = sum(len(page) for page in queries.matching(repository, query, also=also, source=False))
            screen.out(f"{count:,} pictures would be looked at; nothing was changed.")
            return DONE
        documents = (hit["_source"] for page in queries.matching(repository, query, also=also) for hit in page)
        with session(workspace, screen, "measure", WORDS) as run:
            return run.work(lambda: _measure(run, documents))
    except QuerySyntaxError as error:
        raise pointed(error, query) from error


def _measure(run: Session, documents: Iterator[Document]) -> None:
    stores = storing.reachable(run.workspace, run.repository)
    try:
        with run.workspace.readers() as pool:
            while part := list(islice(documents, AT_ONCE)):
                _measure_some(run, stores, pool, part)
    finally:
        for store in stores.values():
            store.close()


def _measure_some(run: Session, stores: Mapping[str, ManagedStore], pool: ReaderPool, documents: Sequence[Document]) -> None:
    """Read some assets, each from the first of its copies that answers, and record what they look like."""
    wanted: dict[str, dict[str, Wanted]] = {}
    for name, found in ((d["hash"], _copy_of(d, stores)) for d in documents):
        if found is None:
            run.report.add(Outcome("measure", name, "failed", hash=name, reason="no copy of it can be read now"))
        else:
            wanted.setdefault(found[0], {})[name] = found[1]
    changes: list[Edit] = []
    for store, files in wanted.items():
        for name, result in run.workspace.reading(pool, stores[store]).run(files.items()):
            if isinstance(result, Facts) and result.hash == name and result.quality is not None:
                changes.append(Edit(name, "measure", _as_measured(result), {"effect": "index"}, untold=True))
            else:
                reason = str(result) if isinstance(result, MediaError) else "its bytes are not as recorded"
                run.report.add(Outcome("measure", name, "failed", store, hash=name, reason=reason))
            run.workspace.progress.advance()
    for change, answer in zip(changes, run.edit(changes), strict=True):
        outcome = {"done": "measured", "unchanged": "unchanged"}.get(answer, "failed")
        run.report.add(Outcome("measure", change.hash, outcome, hash=change.hash, reason=answer if outcome == "failed" else ""))


def _copy_of(document: Document, stores: Mapping[str, ManagedStore]) -> tuple[str, Wanted] | None:
    for row in document.get("copies", []):
        store = stores.get(row["store"])
        if store is None or row["state"] != OK:
            continue
        try:
            entry = store.stat(row["path"])
        except StoreError:
            continue
        if entry is not None and is_as_recorded(entry, held(row, document["hash"])):
            return store.name, Wanted(entry)
    return None


def _as_measured(facts: Facts) -> Change:
    assert facts.quality is not None
    seen = {"phash": facts.phash, "phash_inner": facts.phash_inner, "look": facts.look, "quality": asdict(facts.quality)}
    return lambda document: {**document, **seen} if document is not None else None
