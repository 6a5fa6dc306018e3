"""The rules of what is private to whom, kept among the decisions of persons.

A rule is a decision whose `hash` names an album or a folder, and whose `other` the person. Nothing
of it is ever changed: one that names nobody ends all that were made before it, and is taken back as
any other.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from catalog.domain.copies import timestamp
from catalog.domain.document import DecisionRow
from catalog.domain.privacy import ALBUM, FOLDER, PrivacyRule
from catalog.index import schema
from catalog.index.client import Line, Query
from catalog.index.repository import Repository

KINDS = {ALBUM: "private-album", FOLDER: "private-folder"}
"""The kinds of decisions that are such rules."""
NOBODY = ""


def read_rules(repository: Repository) -> tuple[PrivacyRule, ...]:
    """All rules that are in force, sorted; as of the last refresh."""
    index = schema.companion(repository.alias, "decisions")
    pages = repository.scan_pages({"terms": {"kind": list(KINDS.values())}}, index=index)
    about: dict[tuple[str, str], list[DecisionRow]] = defaultdict(list)
    for page in pages:
        for hit in page:
            row: DecisionRow = hit["_source"]
            about[row["kind"], row["hash"]].append(row)
    by_kind = {kind: what for what, kind in KINDS.items()}
    found = set()
    for (kind, name), rows in about.items():
        end = max((row["at"] for row in rows if row["other"] == NOBODY), default="")
        persons = {row["other"] for row in rows if row["at"] >= end} - {NOBODY}
        found |= {PrivacyRule(by_kind[kind], name, person) for person in persons}
    return tuple(sorted(found))


def record_rules(
    repository: Repository, kind: str, name: str, persons: Iterable[str], run: str
) -> list[tuple[str, DecisionRow]]:
    """Make what is in an album, or below a folder, private to some persons and nobody else; without
    any to nobody. The decisions that say so, each with its id. May be done twice.
    """
    index, now = schema.companion(repository.alias, "decisions"), timestamp(datetime.now(UTC))
    made: list[tuple[str, DecisionRow]] = []
    for person in (NOBODY, *sorted(persons)):
        key = hashlib.sha256(f"{KINDS[kind]} {name} {person} {run}".encode()).hexdigest()[:40]
        made.append(
            (key, {"kind": KINDS[kind], "hash": name, "other": person, "at": now, "run": run})
        )
    lines: list[Line] = []
    for key, row in made:
        lines += [{"index": {"_index": index, "_id": key, "require_alias": True}}, row]
    repository.bulk(lines)
    return made


def ruled_by(rules: Iterable[PrivacyRule]) -> Query:
    """The query for the assets that some rules are about."""
    return {
        "bool": {
            "should": [
                {"term": {"albums.keyword": rule.name}}
                if rule.kind == ALBUM
                else {"prefix": {"paths": f"{rule.name}/"}}
                for rule in rules
            ],
            "minimum_should_match": 1,
        }
    }
