"""A catalog as a stream of lines, and back: every document of its indexes, merged into what is
there; who may come in only where a person asks for it.

The lines are JSON objects: a header, then one for each document (`what` it is, `id`, `document`),
and an end with the counts, without which a file is not whole.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, cast
from urllib.parse import quote

import orjson

from catalog.domain.copies import timestamp
from catalog.domain.document import AssetDocument, EventNote
from catalog.domain.edits import Edit
from catalog.errors import CatalogIndexError, SchemaMismatch, TransferError, UsageError
from catalog.features.backup.checks import problem_of
from catalog.features.backup.merge import with_imported
from catalog.index import schema
from catalog.index.client import BulkReply, Hit, Line, Query, Reply
from catalog.index.editor import Editor
from catalog.index.migration import is_newer, is_upgradable, schema_text, upgrade_document
from catalog.index.repository import Repository
from catalog.index.requests import SCAN_PAGE

FORMAT = "image-catalog export"
FORMAT_VERSION = 1
END = "end"
ORDER = (*(what for what in schema.COMPANIONS if what != schema.ACCESS), schema.ASSETS)
WITH_ACCESS = (schema.ACCESS, *ORDER)
AT_ONCE = 1000
AT_ONCE_BYTES = 8 * 2**20
KEEP = "30m"
"""How long a view of an index is kept for a slow reader; each use of it begins this time anew."""
_TOUCH_PAGES = 20
_WHOLE = (
    "Make the export again, or copy it again from where it came. What was imported is right; "
    "to run again is harmless."
)


# --- out ------------------------------------------------------------------------------------------


@dataclass
class Export:
    """One export. `counts` are the documents in it, by what they are, as soon as `lines` begins.

    `with_access`: with users and tokens; sessions never are in it.
    """

    repository: Repository
    moment: datetime
    program: str
    with_access: bool = False
    counts: dict[str, int] = field(default_factory=dict)

    def lines(self) -> Generator[tuple[bytes, int], None, None]:
        """The whole export in pieces of some lines, each with the documents in it.

        All indexes are seen at one moment.
        """
        self.repository.refresh()  # what was written a moment ago is not in a search yet
        order = WITH_ACCESS if self.with_access else ORDER
        with _Views(self.repository, order) as views:
            self.counts = {what: views.count(what) for what in order}
            yield _line(self._header()), 0
            for what in order:
                with contextlib.closing(_ahead(views.pages(what))) as pages:
                    for page in pages:
                        text = b"".join(
                            _line({"what": what, "id": hit["_id"], "document": hit["_source"]})
                            for hit in page
                        )
                        yield text, len(page)
            yield _line({"what": END, "counts": self.counts}), 0

    def _header(self) -> dict[str, object]:
        return {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "schema": schema.SCHEMA_VERSION,
            "revision": schema.REVISION,
            "catalog": self.repository.alias,
            "at": timestamp(self.moment),
            "program": self.program,
            "counts": self.counts,
            "stores": self.repository.stores.read_ids(),
        }


def _line(value: Mapping[str, object]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


_LASTING: Query = {"terms": {"kind": ["token", "user"]}}
"""Of the access records those that are no more in their place tomorrow are left out."""


class _Views:
    """A view of each index as it was when this began; they end with it."""

    def __init__(self, repository: Repository, order: Sequence[str]) -> None:
        self._connection = repository.connection
        self._alias = repository.alias
        self._order = order
        self._views: dict[str, str] = {}

    def __enter__(self) -> _Views:
        try:
            for what in self._order:
                path = f"/{quote(schema.alias_of(self._alias, what))}/_pit"
                self._views[what] = self._connection.request("POST", path, keep_alive=KEEP)["id"]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        for view in self._views.values():
            with contextlib.suppress(CatalogIndexError):  # it ends by itself
                self._connection.request("DELETE", "/_pit", {"id": view})

    def count(self, what: str) -> int:
        """How many documents there are."""
        reply = self._search(what, {"size": 0, "track_total_hits": True})
        return int(reply["hits"]["total"]["value"])

    def pages(self, what: str) -> Generator[list[Hit[Any]], None, None]:
        """Every document, in pages. The views of the other indexes are kept alive meanwhile."""
        body: Query = {"size": SCAN_PAGE, "sort": "_shard_doc", "track_total_hits": False}
        number = 0
        while True:
            hits = self._search(what, body)["hits"]["hits"]
            if hits:
                yield hits
            if len(hits) < SCAN_PAGE:
                return
            body["search_after"] = hits[-1]["sort"]
            number += 1
            if number % _TOUCH_PAGES == 0:
                for other in self._order[self._order.index(what) + 1 :]:
                    self._search(other, {"size": 0, "track_total_hits": False})

    def _search(self, what: str, body: Query) -> Reply:
        view = {"pit": {"id": self._views[what], "keep_alive": KEEP}}
        chosen = {"query": _LASTING} if what == schema.ACCESS else {}
        reply: Reply = self._connection.request("POST", "/_search", body | chosen | view)
        if reply.get("timed_out") or reply["_shards"]["failed"]:
            raise CatalogIndexError(
                "Elasticsearch did not give all of a page.", hint="Run the command again."
            )
        self._views[what] = reply["pit_id"]
        return reply


def _ahead(pages: Iterator[list[Hit[Any]]]) -> Generator[list[Hit[Any]], None, None]:
    """The pages, each asked for while the one before it is written."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, pages, None)
        while page := coming.result():
            coming = pool.submit(next, pages, None)
            yield page


# --- in -------------------------------------------------------------------------------------------


class ExportLines(Protocol):
    """Where an export is read from; `shown` names it in messages."""

    @property
    def shown(self) -> str: ...  # noqa: D102
    def readline(self) -> bytes: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Item:
    """One document of an export, in the present schema, to be brought in. Satisfies `Action`.

    `number` is its line, from 1, `what` the index it belongs to, `key` its id, and `size` the bytes
    of the line.
    """

    number: int
    what: str
    key: str
    document: dict[str, Any]
    size: int

    @property
    def name(self) -> str:
        """What is done with it."""
        return "import"

    @property
    def hash(self) -> str:
        """The asset that it is."""
        return self.key if self.what == schema.ASSETS else ""

    @property
    def asset(self) -> AssetDocument:
        """The document of one that is an asset."""
        return cast("AssetDocument", self.document)

    @property
    def counts(self) -> bool:
        """Each of them does."""
        return True

    def describe(self) -> str:
        """One line for a person."""
        return f"import {self.what} {self.key}, line {self.number}"


class Reader:
    """An export that is read.

    Its header is checked at once; raises UsageError where the file is no export.
    """

    def __init__(self, lines: ExportLines) -> None:
        self._lines = lines
        self.stores: dict[str, str] = {}
        self._version, self.expected = self._checked_header(lines.readline())

    def _checked_header(self, line: bytes) -> tuple[int, int]:
        """The schema version of the documents, and how many there should be."""
        header = _parsed(line)
        if header is None or header.get("format") != FORMAT:
            raise UsageError(
                f"{self._lines.shown} is no export of a catalog.",
                hint="`catalog export FILE` makes one.",
            )
        form, version, counts = header.get("version"), header.get("schema"), header.get("counts")
        if (
            not isinstance(form, int)
            or not isinstance(version, int)
            or not isinstance(counts, dict)
        ):
            raise TransferError(
                f"{self._lines.shown} is damaged: its first line lacks something.", hint=_WHOLE
            )
        revision = header.get("revision", 0)
        if form > FORMAT_VERSION or is_newer(version, revision if isinstance(revision, int) else 0):
            made = f"{header.get('program')}, schema {schema_text(version, revision)}"
            raise SchemaMismatch(
                f"{self._lines.shown} was made by a newer version of this program ({made}).",
                hint="Install that version or a later one.",
            )
        if not is_upgradable(version):
            raise SchemaMismatch(
                f"{self._lines.shown} is too old for this version of the program (schema "
                f"{version}).",
                hint="Import it with an earlier version first.",
            )
        stores = header.get("stores")
        self.stores = stores if isinstance(stores, dict) else {}
        return version, sum(n for n in counts.values() if isinstance(n, int))

    def check_stores(self, known: Mapping[str, str]) -> None:
        """Raise TransferError where a store of the export is another one than that of its name in
        the catalog.
        """
        other = sorted(
            name for name, identity in self.stores.items() if known.get(name, identity) != identity
        )
        if other:
            raise TransferError(
                f"Store {other[0]} of {self._lines.shown} is another one than the store "
                f"{other[0]} of this catalog; nothing was "
                "changed.",
                hint="Import it into a catalog of its own, with --index.",
            )

    def __iter__(self) -> Iterator[Item]:
        """Every document. Raises TransferError at a broken line, and where the end is missing."""
        seen: Counter[str] = Counter()
        number = 1
        while line := self._lines.readline():
            number += 1
            if line.isspace():
                continue
            value = _parsed(line)
            if value is None and not line.endswith(b"\n"):
                raise self._cut()
            if value is None:
                raise TransferError(
                    f"Line {number} of {self._lines.shown} is broken: it is no JSON object.",
                    hint=_WHOLE,
                )
            if value.get("what") == END:
                self._check_end(value.get("counts"), seen)
                return
            item = self._item(number, value, len(line))
            seen[item.what] += 1
            yield item
        raise self._cut()

    def _item(self, number: int, value: dict[str, Any], size: int) -> Item:
        what, key, document = value.get("what"), value.get("id"), value.get("document")
        if (
            what not in schema.PROPERTIES
            or not isinstance(key, str)
            or not key
            or not isinstance(document, dict)
        ):
            raise TransferError(
                f"Line {number} of {self._lines.shown} is broken: it holds no document.",
                hint=_WHOLE,
            )
        return Item(number, what, key, upgrade_document(what, document, self._version), size)

    def _check_end(self, counts: object, seen: Counter[str]) -> None:
        """Compare what came with what was written; nothing may follow."""
        if not isinstance(counts, dict) or {k: n for k, n in counts.items() if n} != dict(seen):
            raise TransferError(
                f"{self._lines.shown} lacks some of its lines: it has {seen.total():,} documents, "
                "but its end tells of others.",
                hint=_WHOLE,
            )
        while rest := self._lines.readline():
            if not rest.isspace():
                raise TransferError(
                    f"{self._lines.shown} goes on after its end.",
                    hint="Import one export at a time.",
                )

    def _cut(self) -> TransferError:
        return TransferError(f"{self._lines.shown} is cut short: its end is missing.", hint=_WHOLE)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


NEW, MERGED, UNCHANGED, FAILED = "new", "merged", "unchanged", "failed"
OUTCOMES = (NEW, MERGED, UNCHANGED, FAILED)
Results = list[tuple[str, str]]
"""What became of each document, one of OUTCOMES, and why."""


def chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """As many documents as make a good request."""
    chunk: list[Item] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += item.size
        if len(chunk) == AT_ONCE or size >= AT_ONCE_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


@dataclass(frozen=True)
class ExportImporter:
    """Writes documents of an export into a catalog;
    `event` is what the history says of a merged asset besides.
    """

    repository: Repository
    editor: Editor
    event: EventNote

    def create_or_merge(self, chunk: Sequence[Item]) -> Results:
        """Create those that are not there; merge an asset that is;
        anything else that is there stays as it is.
        """
        results = [_checked(item) for item in chunk]
        sound = [n for n, (outcome, _reason) in enumerate(results) if outcome != FAILED]
        lines = [line for n in sound for line in self._create_lines(chunk[n])]
        taken = []
        replies = self.repository.connection.bulk(lines, filter_path=_BRIEFLY) if lines else []
        for n, reply in zip(sound, replies, strict=True):
            if reply["status"] == 409:
                results[n] = (UNCHANGED, "")
                taken += [n] if chunk[n].what == schema.ASSETS else []
            elif reply["status"] >= 300:
                results[n] = (FAILED, _reason(reply, self.repository.alias))
        outcomes = self.editor.apply([self._edit(chunk[n]) for n in taken]) if taken else []
        for n, outcome in zip(taken, outcomes, strict=True):
            results[n] = _OF_EDIT.get(outcome, (FAILED, outcome))
        return results

    def _create_lines(self, item: Item) -> tuple[Line, Line]:
        alias = schema.alias_of(self.repository.alias, item.what)
        return {"create": {"_index": alias, "_id": item.key, "require_alias": True}}, item.document

    def _edit(self, item: Item) -> Edit:
        return Edit(
            item.key, "import", with_imported(item.asset), {"effect": "index", **self.event}
        )


_BRIEFLY = "items.*.status,items.*.error"
"""What is needed of a reply; all of it costs a twentieth of the time."""
_OF_EDIT = {"done": (MERGED, ""), "unchanged": (UNCHANGED, "")}


@dataclass(frozen=True)
class Comparer:
    """Says what a Writer would do.

    `versions` are the schema versions of the indexes that are there.
    """

    repository: Repository
    versions: dict[str, int]

    def compare(self, chunk: Sequence[Item]) -> Results:
        """The same results, without a write."""
        results = [_checked(item) for item in chunk]
        for what, version in self.versions.items():
            numbers = [
                n for n, item in enumerate(chunk) if item.what == what and results[n][0] != FAILED
            ]
            there = self.repository.sources_of(
                what, [chunk[n].key for n in numbers], whole=what == schema.ASSETS
            )
            for n in numbers:
                if chunk[n].key in there:
                    results[n] = (
                        self._outcome(
                            chunk[n], upgrade_document(what, there[chunk[n].key], version)
                        ),
                        "",
                    )
        return results

    @staticmethod
    def _outcome(item: Item, before: AssetDocument) -> str:
        changed = item.what == schema.ASSETS and with_imported(item.asset)(before) != before
        return MERGED if changed else UNCHANGED


def _checked(item: Item) -> tuple[str, str]:
    """NEW for what may be sent."""
    problem = problem_of(item.what, item.key, item.document)
    return (FAILED, problem) if problem else (NEW, "")


def _reason(reply: BulkReply, alias: str) -> str:
    """Why the index refused a document. Raises where it is not for the document's sake."""
    error = reply.get("error", {})
    if reply["status"] == 404:
        raise CatalogIndexError(
            f"The catalog {alias} has gone while it was written to.", hint="Run the command again."
        )
    cause = error.get("caused_by", {}).get("reason", "")
    return " ".join(f"{error.get('reason', error)} {cause}".split())[:300]
