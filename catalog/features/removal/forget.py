"""Forgetting assets: their documents go, and with --with-files their files go to the trash."""

from __future__ import annotations

import csv
import io
import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from catalog.cli.console import Screen
from catalog.domain import edits
from catalog.domain.edits import Edit
from catalog.domain.fixity import is_content_hash
from catalog.errors import ConfirmationNeeded, UsageError
from catalog.features.ask.search import find
from catalog.features.removal.trash import Taken, take_away
from catalog.stores.protocol import ManagedStore
from catalog.work import store_book as storing
from catalog.work.report import Outcome
from catalog.work.session import Session, session
from catalog.work.workspace import Workspace

WORDS = {"outcomes": ("forgotten", "unknown", "failed"), "always": ("forgotten",), "done": "forgotten"}
BATCH = 200
COLUMN = "_id"


def ids_from(arguments: Sequence[str]) -> list[str]:
    """The ids that arguments mean: each an id, a CSV file (with or without its `.csv`), or `-` for CSV on stdin."""
    found: list[str] = []
    for argument in arguments:
        path = next((p for p in (Path(argument), Path(f"{argument}.csv")) if p.is_file()), None)
        if argument == "-":
            found += _column(sys.stdin.buffer.read(), "stdin")
        elif path is not None:
            found += _column(path.read_bytes(), str(path))
        elif is_content_hash(argument.strip().lower()):
            found.append(argument.strip().lower())
        else:
            raise UsageError(f"{argument} is neither a file nor an id.", hint="An id is a content hash of 64 hex digits.")
    return list(dict.fromkeys(found))


def _column(data: bytes, name: str) -> list[str]:
    """The column `_id` of a CSV with any of the usual separators, UTF-8 with or without BOM."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 ({error.reason} at byte {error.start}).", hint="Save it as UTF-8.") from None
    header = text.splitlines()[0] if text else ""
    separator = max(",;\t", key=header.count)
    rows = csv.DictReader(io.StringIO(text), delimiter=separator)
    columns = [c.strip() for c in rows.fieldnames or []]
    if COLUMN not in columns:
        raise UsageError(f"{name} has no column {COLUMN}.", hint=f"Its columns are: {', '.join(columns) or 'none'}.")
    rows.fieldnames = columns
    ids: list[str] = []
    for number, row in enumerate(rows, 2):
        value = (row[COLUMN] or "").strip().lower()
        if value and not is_content_hash(value):
            raise UsageError(f"Line {number} of {name} has no id in column {COLUMN}: {value}.", hint="Nothing was changed.")
        ids += [value] if value else []
    return ids


def run_forget(
    workspace: Workspace, ids: Sequence[str], command: str, screen: Screen, *, with_files: bool, dryrun: bool, yes: bool
) -> int:
    """Forget assets by id."""
    repository = workspace.existing_repository
    if len(ids) > workspace.settings.move_limit and not yes:
        raise ConfirmationNeeded(
            f"{len(ids):,} assets would be forgotten; nothing was changed.", hint="Add --yes if that is meant."
        )
    if dryrun:
        report = screen.report(workspace.progress, **WORDS)
        report.dry = True
        for part in _parts(ids):
            known = repository.known(part)
            for name in part:
                report.add(
                    Outcome("forget", name, "planned" if name in known else "unknown", hash=name, reason=_why(name in known))
                )
        report.finish()
        return report.exit_code()
    stores = storing.reachable(workspace, repository) if with_files else {}
    with session(workspace, screen, command, WORDS, ids=len(ids), with_files=with_files) as run:
        return run.work(lambda: _forget(run, ids, stores, with_files=with_files))


def run_forget_what(
    workspace: Workspace, what: Sequence[str], screen: Screen, *, with_files: bool, dryrun: bool, yes: bool
) -> int:
    """Forget assets by whatever names them; nothing is changed where one of them is not found."""
    repository = workspace.existing_repository
    repository.refresh()
    ids = list(dict.fromkeys(find(repository, name) for name in what))
    return run_forget(workspace, ids, "forget", screen, with_files=with_files, dryrun=dryrun, yes=yes)


def _parts(ids: Iterable[str]) -> Iterator[list[str]]:
    stream = iter(ids)
    while part := list(itertools.islice(stream, BATCH)):
        yield part


def _why(known: bool) -> str:
    return "" if known else "the catalog has no such id"


def _forget(run: Session, ids: Sequence[str], stores: dict[str, ManagedStore], *, with_files: bool) -> None:
    run.repository.refresh()
    for part in _parts(ids):
        found = run.repository.documents(part)
        problems: dict[str, str] = {}
        if with_files:
            files = [f for name, (document, *_version) in found.items() for f in _files(name, document)]
            for file, problem in zip(files, take_away(run, stores, files), strict=True):
                if problem and not file.is_sidecar:  # one that another asset has, too, stays for that
                    problems[file.hash] = f"kept: {problem}"
        going = [name for name in part if name in found and name not in problems]
        for name in going:
            run.journal.started("forget", hash=name)
        answers = dict(
            zip(going, run.edit([Edit(n, "forget", edits.forgotten(), {"effect": "index"}) for n in going]), strict=True)
        )
        for name in part:
            problem = problems.get(name, "") or ("" if answers.get(name, "done") in ("done", "unchanged") else answers[name])
            outcome = "unknown" if name not in found else "failed" if problem else "forgotten"
            (run.journal.failed if problem else run.journal.done)("forget", hash=name, reason=problem)
            run.report.add(Outcome("forget", name, outcome, hash=name, reason=problem or _why(name in found)))


def _files(name: str, document: edits.Document) -> list[Taken]:
    """The files that go to the trash with an asset: its copies that are there, and its sidecars."""
    copies = [Taken(name, row) for row in document.get("copies", []) if row["state"] != "missing"]
    return copies + [Taken(name, row, is_sidecar=True) for row in document.get("sidecars", [])]
