"""The report of an archive's duplicate photos: what shows the same, in whatever folder, size,
format or turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from catalog.domain.decisions import NOT_DUPLICATE, WANTED
from catalog.domain.document import AssetDocument
from catalog.domain.names import to_text
from catalog.features.lookalikes.decisions import find_decided
from catalog.features.lookalikes.duplicates import make_comparer
from catalog.features.lookalikes.groups import Apart, Group, find_groups
from catalog.features.lookalikes.ranking import picture_of
from catalog.features.lookalikes.relations import Judge
from catalog.features.lookalikes.sketches import DISTANCE, Sketches
from catalog.features.reingest import archive as archives
from catalog.features.reingest.archive import ArchiveScope, Subject
from catalog.features.reingest.dates import format_modified
from catalog.features.reingest.duplicates.plan import DUPLICATES, EXACT, KEEP, propose_duplicate
from catalog.features.reingest.evaluation import EVALUATED, Evaluated, rules_of
from catalog.features.reingest.plan import Rules, find_skipped_folder
from catalog.features.reingest.reports import check_writable, write_report
from catalog.index.documents import Origin, asset_document
from catalog.work.outcome import Outcome
from catalog.work.session import open_report
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace

COMMAND = "reingest evaluate-duplicates"
REPORT = "duplicate_image_report.csv"
BIG, SMALL = "dupe_big", "dupe_small"
"""What a file is in its group: the one to keep, or one of the others."""
OWN = ("file", "size", "phash", "dupe_type", "dupe_of")
_KINDS = frozenset(DUPLICATES) - {EXACT}
FURTHER = (
    "kind",
    "distance",
    "turned",
    "action",
    "reason",
    "hash",
    "dupe_of_hash",
    "modified",
    "archive",
)
WITHIN_MS = 10_000

_FIRST, _WITH_COMPANY = "kept: the first by its path", "kept: other files of its name lie beside it"
Cells = dict[str, str]


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """What is looked at, and which report is written.

    `distance` is how many bits of 64 the hashes of candidates may differ by, None as usual.
    `replace` a report that is there already.
    """

    scope: ArchiveScope
    report: Path
    distance: int | None = None
    replace: bool = False


def run_evaluate(workspace: Workspace, request: EvaluateRequest, sink: Sink) -> Evaluated:
    """Write the report of an archive's duplicates, over all of its folders.

    Nothing else is changed.
    """
    request.scope.check()
    rules = rules_of(workspace, None)
    check_writable(request.report, replace=request.replace)
    with open_report(sink, COMMAND) as report:
        with archives.open_archive(workspace, request.scope, sink.progress) as archive:
            archive.announce()
            location = archive.location
            apart = (
                find_decided(archive.repository, [NOT_DUPLICATE, WANTED])
                if archive.repository
                else frozenset()
            )
            subjects = sorted(_looked_at(archive.subjects("image"), rules), key=lambda s: s.file)
        sink.progress.close()
        rows = list(_rows(subjects, request.distance, workspace.settings.keeper_order, apart))
        for row in rows:
            report.add(
                Outcome(
                    EVALUATED, row["file"], row["dupe_type"], hash=row["hash"], reason=row["reason"]
                )
            )
        columns, cells = (*OWN, *FURTHER), [{**row, "archive": location} for row in rows]
        write_report(request.report, columns, cells, replace=request.replace)
        report.further |= {"report": to_text(str(request.report)), "looked_at": len(subjects)}
    return Evaluated(report.result(), request.report, len(subjects))


def _looked_at(subjects: Iterable[Subject], rules: Rules) -> Iterator[Subject]:
    for subject in subjects:
        if not subject.problem and not find_skipped_folder(subject.folders, rules):
            yield subject


def _rows(
    subjects: Sequence[Subject], distance: int | None, order: Sequence[str], apart: Apart
) -> Iterator[Cells]:
    """A keeper and its others, group by group; a content that lies at several places is one
    picture.

    What a person said to be no duplicates (`apart`) is none.
    """
    places: dict[str, list[Subject]] = defaultdict(list)
    for subject in sorted(subjects, key=lambda s: (not s.has_company, s.file)):
        places[subject.hash].append(subject)
    told: set[str] = set()
    for group in _groups(places, distance, order, apart):
        keeper = places[group.first.hash][0]
        reason = f"kept: {group.reason}" if group.is_proposed else group.reason
        yield _cells(keeper, keeper, BIG, group.kind, reason)
        for member in group.members:
            name = member.picture.hash
            told.add(name)
            others = (
                places[name]
                if name != keeper.hash
                else ()
                if (name, name) in apart
                else places[name][1:]
            )
            for subject in others:
                kind = EXACT if name == keeper.hash else group.kind
                how = {"distance": str(member.distance), "turned": member.turned}
                yield _cells(subject, keeper, SMALL, kind, "") | how
    for name, same in places.items():
        if len(same) > 1 and name not in told and (name, name) not in apart:
            reason = _WITH_COMPANY if same[0].has_company else _FIRST
            yield _cells(same[0], same[0], BIG, EXACT, reason)
            yield from (_cells(subject, same[0], SMALL, EXACT, "") for subject in same[1:])


def _groups(
    places: Mapping[str, Sequence[Subject]],
    distance: int | None,
    order: Sequence[str],
    apart: Apart,
) -> list[Group]:
    """The groups of contents that show the same, proved on small pictures; a picture is in one
    group."""
    documents = {name: _document(same[0]) for name, same in places.items()}
    sketches = Sketches()
    for name, document in documents.items():
        sketches.add(name, document)
    numbers = sketches.candidates(distance, WITHIN_MS)
    pairs = [(sketches.hashes[one], sketches.hashes[other]) for one, other in numbers]
    pictures = {name: picture_of(name, documents[name]) for pair in pairs for name in pair}
    compare = make_comparer({name: documents[name] for name in pictures})
    judge = Judge(compare, DISTANCE if distance is None else distance, WITHIN_MS)
    return find_groups(pictures, pairs, judge, order=order, apart=apart, kinds=_KINDS)


def _document(subject: Subject) -> AssetDocument:
    """What the catalog knows of a file, or would know."""
    if subject.asset is None:
        return subject.document or {}
    return asset_document(subject.asset, Origin(subject.file, "", datetime.now(UTC)))


def _cells(subject: Subject, keeper: Subject, dupe_type: str, kind: str, reason: str) -> Cells:
    is_big = dupe_type == BIG
    same_folder = subject.entry.folder == keeper.entry.folder
    action, why = (
        (KEEP, reason)
        if is_big
        else propose_duplicate(kind, same_folder=same_folder, has_company=subject.has_company)
    )
    return {
        "file": subject.file,
        "size": str(subject.entry.size),
        "phash": subject.phash,
        "dupe_type": dupe_type,
        "dupe_of": "" if is_big else keeper.file,
        "kind": kind,
        "distance": "0",
        "turned": "",
        "action": action,
        "reason": why,
        "hash": subject.hash,
        "dupe_of_hash": "" if is_big else keeper.hash,
        "modified": format_modified(subject.entry.mtime_ns),
    }
