"""The indexes of a catalog: what they hold and refuse, how they are made,
and how they move to a newer schema. In memory and on a real node.
"""

from __future__ import annotations

import ast
import dataclasses
import itertools
import math
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from engines import Engine
from filled_catalog import NOW, VALUES, a_copy, a_document, an_asset, behind, fill, send
from running import Lab, hashes, jpeg, png, put

import catalog
from catalog.domain.asset import Asset, Entry
from catalog.domain.copies import flat
from catalog.domain.fixity import content_hash
from catalog.engine import NodeAddress
from catalog.errors import CatalogIndexError, DocumentConflict, IndexUnavailable, SchemaMismatch
from catalog.features.ingest import records as recording
from catalog.features.ingest.records import IndexRecordWriter, Verdict
from catalog.index import migration, queries, requests, schema
from catalog.index.client import Address, Connection
from catalog.index.documents import Origin, asset_document, drop_misfits
from catalog.index.repository import Repository
from catalog.media.findings import FIELDS

V = schema.SCHEMA_VERSION
EVERYTHING = ("", "-events", "-stores", "-sources", "-decisions", "-handovers", "-access")
IDENTITY = ("device", "inode", "host", "ctime_ns")
UNWRITTEN = {
    "assets": {
        **dict.fromkeys((f"copies.{name}" for name in IDENTITY), "the example has none"),
        **dict.fromkeys(
            (f"sidecars.{name}" for name in ("mtime", *IDENTITY)), "the example has none"
        ),
        "renditions": "for what was converted",
        "copies.revision": "for stores that number their versions; the disk has none",
        **dict.fromkeys(("owner", "device"), "for whose it is, and what sent it"),
        "place_removed": "for what is to be shown without its place",
        "private": "for what a person keeps from others",
    },
    "events": {
        **dict.fromkeys(("reason", "reason_kind"), "for a decision, and for what is found bad"),
        "trash": "for what went to the trash",
        **dict.fromkeys(("undoes", "reverses"), "for what was taken back"),
        "by": "for what a user of the web program had done",
    },
    "stores": {
        "verifying_since": "for a verification under way",
        "stirs": "for syncs in a row that found newer ctimes",
        "stirred_since": "for a store that was found elsewhere",
        "removed": "for a store that was taken out",
    },
    "decisions": dict.fromkeys(
        ("kind", "hash", "other", "at", "run", "note"), "for what a person decides"
    ),
    "handovers": dict.fromkeys(
        schema.COMPANION_PROPERTIES["handovers"], "for what is handed over to a cloud"
    ),
    "access": dict.fromkeys(schema.COMPANION_PROPERTIES["access"], "for who may come in"),
}
"""Fields that are in the mapping before anything writes them, and what for."""


on_the_node = pytest.mark.parametrize(
    "lab", [pytest.param("node", marks=pytest.mark.node)], indirect=True
)
"""For what only a real one has: shards that are not there yet, or not any more."""


class Stop(BaseException):
    """Ends a program as a signal would: no handler of errors sees it."""


class Watched(Connection):
    """A connection that tells each request to `before` and `after`, which may raise."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self.requests: list[tuple[str, str]] = []
        self.before: Callable[[str, str], None] = lambda method, path: None
        self.after: Callable[[str, str], None] = lambda method, path: None

    def request(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        self.requests.append((method, path))
        self.before(method, path)
        reply = super().request(method, path, body, **params)
        self.after(method, path)
        return reply


@pytest.fixture(params=["memory", pytest.param("node", marks=pytest.mark.node)])
def lab(
    request: pytest.FixtureRequest, open_folder: Callable[[], AbstractContextManager[Path]]
) -> Iterator[Lab]:
    """A lab on each of them."""
    engine: Engine = request.getfixturevalue(f"{request.param}_engine")
    address = engine.connection.address
    with open_folder() as folder:
        yield Lab(folder, NodeAddress(address.url, address.user, address.password), engine.name)


@pytest.fixture
def opened(lab: Lab) -> Iterator[Callable[..., Repository]]:
    """`opened()` is the test's catalog over a connection of its own,
    as another program would see it.
    """
    assert lab.node
    address = Address((lab.node.url,), lab.node.user, lab.node.password)
    connections: list[Connection] = []

    def another(alias: str = lab.index) -> Repository:
        connections.append(Watched(address))
        return Repository(connections[-1], alias)

    yield another
    for connection in connections:
        connection.close()


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """`newer()` makes this the next version of the program: one field more,
    which tells where a document came from.
    """

    def apply() -> None:
        monkeypatch.setattr(schema, "SCHEMA_VERSION", schema.SCHEMA_VERSION + 1)
        widened = schema.ASSET_PROPERTIES | {"moved_from": schema.INTEGER}
        monkeypatch.setattr(schema, "PROPERTIES", schema.PROPERTIES | {"assets": widened})
        step = schema.SCHEMA_VERSION - 1
        upgrade = {"assets": lambda document: document | {"moved_from": step}}
        monkeypatch.setattr(migration, "UPGRADES", migration.UPGRADES | {step: upgrade})

    return apply


def made(lab: Lab, version: int = V) -> dict[str, list[str]]:
    """The indexes of a catalog of one version, as `behind` shows them."""
    return {f"{lab.index}{what}-v{version}": [f"{lab.index}{what}"] for what in EVERYTHING}


def leaves(properties: dict[str, Any], prefix: str = "") -> set[str]:
    """Every field of a mapping by its full name,
    without the ways in which one is indexed besides.
    """
    found: set[str] = set()
    for name, definition in properties.items():
        inner = definition.get("properties")
        found |= leaves(inner, f"{prefix}{name}.") if inner else {f"{prefix}{name}"}
    return found


def written(document: dict[str, Any], properties: dict[str, Any], prefix: str = "") -> set[str]:
    """Every field of a document by its full name, down to where the mapping has one field."""
    found: set[str] = set()
    for name, value in document.items():
        inner = properties.get(name, {}).get("properties")
        parts = value if isinstance(value, list) else [value]
        if inner:
            found |= {leaf for part in parts for leaf in written(part, inner, f"{prefix}{name}.")}
        else:
            found.add(f"{prefix}{name}")
    return found


# --- making the indexes ---------------------------------------------------------------------------


def test_every_index_is_made_once_with_its_alias_and_mark(
    lab: Lab, opened: Callable[..., Repository]
) -> None:
    catalog_ = opened()
    assert catalog_.indexes.schema_version() is None
    catalog_.indexes.ensure()
    assert behind(lab) == made(lab)
    assert catalog_.indexes.schema_version() == V
    for what, properties in schema.PROPERTIES.items():
        (about,) = lab.ask("GET", schema.alias_of(lab.index, what)).values()
        assert about["mappings"]["dynamic"] == "strict"
        assert about["mappings"]["_meta"] == {
            "mark": "image-catalog",
            "holds": what,
            "schema": V,
            "revision": schema.REVISION,
        }
        assert about["settings"]["index"]["translog"]["durability"] == "request"
        assert leaves(about["mappings"]["properties"]) == leaves(properties)
    before = lab.ask("GET", f"{lab.index}*")
    again = opened()
    again.indexes.ensure()
    assert lab.ask("GET", f"{lab.index}*") == before
    assert {method for method, _path in again.connection.requests} == {"GET"}


def test_a_companion_that_is_missing_is_made_again_and_the_rest_left_alone(
    lab: Lab, opened: Callable[..., Repository]
) -> None:
    opened().indexes.ensure()
    fill(lab, 2)
    lab.ask("DELETE", f"{lab.index}-sources-v{V}")
    opened().indexes.ensure()
    assert behind(lab) == made(lab)
    assert len(lab.documents()) == len(lab.documents("events")) == 2


def test_many_programs_at_once_make_one_catalog(
    lab: Lab, opened: Callable[..., Repository]
) -> None:
    starters = [opened() for _ in range(6)]
    together = threading.Barrier(len(starters))

    def start(catalog_: Repository) -> dict[str, Any] | None:
        together.wait()
        catalog_.indexes.ensure()
        return catalog_.stores.read(
            "nas"
        )  # fails while an index that another has just made is not ready

    with ThreadPoolExecutor(len(starters)) as pool:
        assert list(pool.map(start, starters)) == [None] * len(starters)
    assert behind(lab) == made(lab)


@on_the_node
@pytest.mark.parametrize("early", [True, False], ids=["there at the start", "made in between"])
def test_an_index_that_another_program_has_just_made_is_waited_for(
    lab: Lab, opened: Callable[..., Repository], early: bool
) -> None:
    """Its shard is held back until it is waited for: before,
    Elasticsearch answers no question about it.
    """
    name = f"{lab.index}-stores-v{V}"
    body = schema.body("stores", V, f"{lab.index}-stores")
    body["settings"]["index"]["routing.allocation.enable"] = "none"
    catalog_ = opened()

    def make(_method: str, _path: str) -> None:
        catalog_.connection.after = lambda method, path: None
        lab.ask("PUT", f"{name}?wait_for_active_shards=0", json=body)

    def let_go(_method: str, path: str) -> None:
        if path == f"/_cluster/health/{name}":
            lab.ask("PUT", f"{name}/_settings", json={"index.routing.allocation.enable": "all"})

    catalog_.connection.before = let_go
    if early:
        make("", "")
    else:
        catalog_.connection.after = make
    catalog_.indexes.ensure()
    assert catalog_.stores.read("nas") is None
    assert behind(lab) == made(lab)


@on_the_node
def test_an_index_whose_shard_is_lost_is_told_of(
    lab: Lab, opened: Callable[..., Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "READY_TIMEOUT", "100ms")
    body = schema.body("assets", V, lab.index)
    body["settings"]["index"]["routing.allocation.enable"] = "none"
    lab.ask("PUT", f"{lab.index}-v{V}?wait_for_active_shards=0", json=body)
    with pytest.raises(IndexUnavailable, match=f"cannot read {lab.index}-v{V}"):
        opened().indexes.ensure()
    assert behind(lab) == {f"{lab.index}-v{V}": [lab.index]}


# --- the mapping ----------------------------------------------------------------------------------


def test_an_unknown_field_is_refused_everywhere(
    lab: Lab, opened: Callable[..., Repository]
) -> None:
    opened().indexes.ensure()
    for what in EVERYTHING:
        reply = lab.ask("PUT", f"{lab.index}{what}/_doc/1", json={"hash": "1", "unheard_of": 1})
        if what == "-stores":
            reply = lab.ask("PUT", f"{lab.index}{what}/_doc/1", json={"name": "1", "unheard_of": 1})
        assert reply["error"]["type"] == "strict_dynamic_mapping_exception", what
    for inner in (
        "captured",
        "place",
        "camera",
        "exposure",
        "video",
        "quality",
        "stack",
        "sidecars",
        "copies",
        "original",
    ):
        reply = lab.ask("PUT", f"{lab.index}/_doc/1", json={inner: {"unheard_of": 1}})
        assert reply["error"]["type"] == "strict_dynamic_mapping_exception", inner
    assert lab.documents() == {}


def test_a_document_with_every_value_is_taken_and_fills_the_mapping(
    lab: Lab, opened: Callable[..., Repository]
) -> None:
    kept_elsewhere = {"width", "height", "duration", "preview_offset", "preview_length"}
    compared = {"stated_width", "stated_height"}
    concluded = {"parts", "resized"}
    assert VALUES.keys() == (set(FIELDS) - kept_elsewhere - compared) | concluded, (
        "a reader has a new value: record it, or say that it is not kept"
    )
    for instance in (an_asset(1), an_asset(1).facts, an_asset(1).place, an_asset(1).captured):
        empty = [
            f.name
            for f in dataclasses.fields(instance)
            if getattr(instance, f.name) in (None, "", (), {})
        ]
        assert empty in ([], ["dates"]), "the example lacks a value"
    opened().indexes.ensure()
    (document,) = fill(lab, 1).values()
    assert document["notes"] == ["doubtful", "a note"], "a value was left out"
    assert lab.documents() == {document["hash"]: document}
    fields = written(document, schema.ASSET_PROPERTIES)
    assert fields - leaves(schema.ASSET_PROPERTIES) == set()
    assert leaves(schema.ASSET_PROPERTIES) - fields == UNWRITTEN["assets"].keys()


def test_what_an_upload_writes_fills_the_companions(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg(1), "twice.jpg": jpeg(1)})
    assert lab.upload().status == 0
    for what, properties in schema.COMPANION_PROPERTIES.items():
        fields = {
            field
            for document in lab.documents(what).values()
            for field in written(document, properties)
        }
        assert leaves(properties) - fields == UNWRITTEN.get(what, {}).keys(), what


def test_no_value_that_a_file_states_makes_the_index_refuse_it(
    lab: Lab, opened: Callable[..., Repository]
) -> None:
    hostile: list[dict[str, Any]] = [
        {"flash": 2**32 - 1, "iso": -(2**31) - 1, "rating": 10**30, "orientation": 2**31},
        {
            "f_number": math.nan,
            "exposure_time": math.inf,
            "focal_length": 1e39,
            "frame_rate": -1e300,
        },
        {
            "description": {"html": "x"},
            "title": ["a", {"b": 1}],
            "make": 7,
            "favorite": "yes",
            "motion_photo": 1,
        },
        {
            "description": "half \ud83d a pair",
            "title": "\x00\uffff",
            "lens": "l" * 70_000,
            "software": "s" * 400_000,
        },
        {"live_id": "i" * 40_000, "video_codec": "v" * 8191, "audio_codec": "ü" * 8191},
        {
            "flash": 2**31 - 1,
            "rating": -(2**31),
            "f_number": 3.4e38,
            "exposure_time": 1e-45,
            "focal_length": 0,
        },
    ]
    opened().indexes.ensure()
    documents = []
    for number, values in enumerate(hostile):
        asset = an_asset(number)
        strange = dataclasses.replace(
            asset.facts,
            values=values,
            width=2**31 if number == 0 else 1,
            tags=("t" * 40_000, "\ud800"),
        )
        documents.append(
            asset_document(dataclasses.replace(asset, facts=strange), Origin("/IMG.JPG", "r", NOW))
        )
    replies = opened().bulk(
        line for d in documents for line in ({"create": {"_index": lab.index, "_id": d["hash"]}}, d)
    )
    assert [reply.get("error") for reply in replies] == [None] * len(hostile)
    assert list(lab.documents()) == [d["hash"] for d in documents]
    told = [{note.split()[0] for note in d["notes"] if "left out" in note} for d in documents]
    assert told == [
        {"exposure.iso", "exposure.flash", "rating", "orientation", "width"},
        {"exposure.f_number", "exposure.time", "exposure.focal_length", "video.frame_rate"},
        {"description", "title", "camera.make", "favorite", "motion_photo"},
        set(),
        {"live_id"},
        set(),
    ]
    assert documents[3]["description"] == "half ? a pair"
    assert documents[5]["exposure"] == {
        "flash": 2**31 - 1,
        "f_number": 3.4e38,
        "time": 1e-45,
        "focal_length": 0,
    }


def test_fitting_leaves_a_sound_document_as_it_is() -> None:
    document = a_document(3)
    assert drop_misfits(document) == document
    assert drop_misfits({"new_field": 1}) == {"new_field": 1}, (
        "what is missing in the mapping must be refused, not left out"
    )


def test_every_order_and_every_field_that_words_are_looked_for_in_is_one_of_the_mapping(
    lab: Lab, opened: Callable[..., Repository]
) -> None:
    assert set(queries.WORDS) <= queries.field_names()
    assert set(queries.SORTS.values()) <= queries.field_names()
    catalog_ = opened()
    catalog_.indexes.ensure()
    fill(lab, 3)
    send(lab, [(lab.index, "bare", {"hash": "bare"})])
    for name in queries.SORTS:
        for sort in (name, f"-{name}"):
            found = [
                document["hash"] for document in queries.search(catalog_, "", sort=sort, limit=0)
            ]
            assert len(found) == 4, sort
            assert found[-1] == "bare" or name == "hash", sort
    taken = [
        d["captured"]["wall"]
        for d in queries.search(catalog_, "city:Ghent", sort="-taken", limit=2)
    ]
    assert taken == ["1900-01-03T00:00:00.002", "1900-01-02T00:00:00.001"]


# --- perceptual hashes ----------------------------------------------------------------------------


def test_vectors_are_kept_and_the_nearest_are_found_exactly(
    lab: Lab, opened: Callable[..., Repository]
) -> None:
    opened().indexes.ensure()
    documents = fill(lab, 400)
    asked = an_asset(7).facts.phash
    assert asked
    found = lab.documents()
    assert {key: d["phash"] for key, d in found.items()} == {
        key: d["phash"] for key, d in documents.items()
    }
    distances = {
        key: (int(d["phash"], 16) ^ int(asked, 16)).bit_count() for key, d in documents.items()
    }
    body = {
        "knn": {"field": "phash", "query_vector": asked, "k": 50, "num_candidates": 100},
        "size": 50,
        "_source": False,
    }
    hits = lab.ask("POST", f"{lab.index}/_search", json=body)["hits"]["hits"]
    assert hits[0]["_id"] == content_hash(b"7")
    assert [distances[hit["_id"]] for hit in hits] == sorted(distances.values())[:50]
    for (
        hit
    ) in hits:  # the score of a bit vector, so that a threshold of bits can be turned into one
        assert hit["_score"] == pytest.approx((64 - distances[hit["_id"]]) / 64)
    mapping = lab.ask("GET", f"{lab.index}/_mapping")[f"{lab.index}-v{V}"]["mappings"][
        "properties"
    ]["phash"]
    assert (mapping["index_options"]["type"], mapping["element_type"], mapping["dims"]) == (
        "flat",
        "bit",
        64,
    )


# --- what is not ours -----------------------------------------------------------------------------


@pytest.mark.parametrize("what", EVERYTHING)
@pytest.mark.parametrize(
    "kind", ["index", "empty index", "alias", "our mark, but no alias", "for something else", "two"]
)
def test_a_foreign_index_of_a_name_of_ours_is_refused_and_not_touched(
    lab: Lab, opened: Callable[..., Repository], what: str, kind: str
) -> None:
    name = f"{lab.index}{what}"
    if kind == "index":
        lab.ask("PUT", name, json={"mappings": {"properties": {"theirs": {"type": "keyword"}}}})
    elif kind == "empty index":
        lab.ask("PUT", name)
    elif kind == "alias":
        lab.ask("PUT", f"{lab.index}other", json={"aliases": {name: {}}})
    elif kind == "our mark, but no alias":
        lab.ask("PUT", name, json={"mappings": schema.body(what[1:] or "assets", V)["mappings"]})
    elif kind == "for something else":
        other = schema.body("stores" if what != "-stores" else "events", V, name)
        lab.ask("PUT", f"{lab.index}other", json=other)
    else:
        for number in "12":
            lab.ask(
                "PUT", f"{lab.index}other{number}", json=schema.body(what[1:] or "assets", V, name)
            )
    before = lab.ask("GET", f"{lab.index}*")
    assert before
    with pytest.raises(SchemaMismatch) as refused:
        opened().indexes.ensure()
    expected = (
        f"The alias {name} stands for two indexes" if kind == "two" else f"The index {name} on "
    )
    assert str(refused.value).startswith(expected)
    assert lab.ask("GET", f"{lab.index}*") == before


@pytest.mark.parametrize(
    "mark",
    [None, {"mark": "image-catalog", "holds": "assets", "schema": V}],
    ids=["foreign", "ours"],
)
def test_an_index_that_stands_where_ours_would_be_made_is_refused(
    lab: Lab, opened: Callable[..., Repository], mark: dict[str, Any] | None
) -> None:
    lab.ask("PUT", f"{lab.index}-v{V}", json={"mappings": {"_meta": mark}} if mark else {})
    with pytest.raises(
        SchemaMismatch,
        match=f"{lab.index}-v{V} is there, but the alias {lab.index} does not point to it",
    ):
        opened().indexes.ensure()
    assert behind(lab) == {f"{lab.index}-v{V}": []}


def test_a_command_tells_of_a_foreign_index_in_one_line(lab: Lab) -> None:
    lab.ask("PUT", f"{lab.index}-events")
    put(lab.source, {"a.jpg": jpeg(1)})
    done = lab.upload()
    assert (done.status, done.out) == (1, "")
    assert done.err.count("\n") == 1 and f"{lab.index}-events" in done.err and "--index" in done.err
    assert not lab.root.exists() and behind(lab) == {f"{lab.index}-events": []}


@pytest.mark.parametrize("what", EVERYTHING)
def test_an_index_of_a_newer_version_is_refused_before_anything_is_changed(
    lab: Lab, opened: Callable[..., Repository], newer: Callable[[], None], what: str
) -> None:
    name, text = f"{lab.index}{what}", migration.schema_text(9, schema.REVISION)
    lab.ask("PUT", f"{name}-v9", json=schema.body(what[1:] or "assets", 9, name))
    with pytest.raises(
        SchemaMismatch,
        match=f"{name} was made by a newer version of this program \\(schema {text}\\)",
    ):
        opened().indexes.ensure()
    assert behind(lab) == {f"{name}-v9": [name]}


def test_an_index_too_old_to_be_brought_up_to_date_is_refused_and_stays_writable(
    lab: Lab, opened: Callable[..., Repository]
) -> None:
    lab.ask("PUT", f"{lab.index}-v0", json=schema.body("assets", 0, lab.index))
    with pytest.raises(SchemaMismatch, match=r"too old .* \(schema 0\)"):
        opened().indexes.ensure()
    assert behind(lab) == {f"{lab.index}-v0": [lab.index]}
    fill_one = lab.ask("PUT", f"{lab.index}/_doc/1", json={"hash": "1"})
    assert fill_one["result"] == "created"


@pytest.mark.parametrize(
    "newer_by", [{"schema": V + 1}, {"revision": schema.REVISION + 1}], ids=["version", "revision"]
)
def test_a_command_tells_of_a_newer_schema_in_one_line(
    lab: Lab, opened: Callable[..., Repository], newer_by: dict[str, int]
) -> None:
    opened().indexes.ensure()
    mark = schema.meta("events", V) | newer_by
    lab.ask("PUT", f"{lab.index}-events-v{V}/_mapping", json={"_meta": mark})
    before = lab.ask("GET", f"{lab.index}*")
    version = migration.schema_text(mark["schema"], mark["revision"])
    for words in (("status",), ("search", "kind:video"), ("verify", "nas")):
        done = lab.catalog(*words)
        assert (done.status, done.out) == (1, ""), words
        assert (
            done.err.count("\n") == 1
            and f"newer version of this program (schema {version})" in done.err
        )
    assert lab.ask("GET", f"{lab.index}*") == before


# --- revisions ------------------------------------------------------------------------------------


@pytest.fixture
def revised(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """`revised()` makes this the next revision of the program: one field more,
    and no document is another.
    """

    def apply() -> None:
        monkeypatch.setattr(schema, "REVISION", schema.REVISION + 1)
        widened = schema.PROPERTIES["assets"] | {f"added_{schema.REVISION}": schema.KEYWORD}
        monkeypatch.setattr(schema, "PROPERTIES", schema.PROPERTIES | {"assets": widened})

    return apply


def check_revised(lab: Lab, documents: dict[str, dict[str, Any]], version: int = V) -> None:
    """The indexes are the ones that were there; they have the further fields,
    and their documents are as they were.
    """
    assert lab.documents() == documents
    for what, properties in schema.PROPERTIES.items():
        (about,) = lab.ask("GET", schema.alias_of(lab.index, what)).values()
        assert about["mappings"]["_meta"] == schema.meta(what, version)
        assert leaves(about["mappings"]["properties"]) == leaves(properties)


def test_a_revision_adds_its_fields_to_the_indexes_in_use(
    lab: Lab, opened: Callable[..., Repository], revised: Callable[[], None]
) -> None:
    opened().indexes.ensure()
    documents = fill(lab, 30)
    revised()
    revised()
    catalog_ = opened()
    catalog_.indexes.ensure()
    check_revised(lab, documents)
    assert behind(lab) == made(lab), "nothing was copied"
    body = {"hash": "new", f"added_{schema.REVISION}": "x"}
    assert lab.ask("PUT", f"{lab.index}/_doc/new", json=body)["result"] == "created"
    again = opened()
    again.indexes.ensure()
    assert {method for method, _path in again.connection.requests} == {"GET"}


def test_a_newer_revision_is_refused_by_an_older_program(
    lab: Lab,
    opened: Callable[..., Repository],
    revised: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened().indexes.ensure()
    revised()
    opened().indexes.ensure()
    monkeypatch.undo()
    newer = migration.schema_text(V, schema.REVISION + 1)
    with pytest.raises(SchemaMismatch, match=f"newer version of this program \\(schema {newer}\\)"):
        opened().indexes.ensure()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_revision_that_is_cut_off_at_every_request_is_finished_by_the_next(
    lab: Lab, opened: Callable[..., Repository], revised: Callable[[], None], when: str
) -> None:
    opened().indexes.ensure()
    documents = fill(lab, 5)
    revised()
    interrupted = sum(1 for _cut in cut_off_in_turn(opened, when))
    assert interrupted > 4, "hardly anything was interrupted"
    check_revised(lab, documents)


def test_a_migration_begun_by_an_earlier_revision_is_finished_by_a_later_one(
    lab: Lab,
    opened: Callable[..., Repository],
    newer: Callable[[], None],
    revised: Callable[[], None],
) -> None:
    opened().indexes.ensure()
    documents = fill(lab, 12)
    newer()
    begun = opened()
    begun.connection.after = cut_after(6, begun.connection)
    with pytest.raises(Stop):
        begun.indexes.ensure()
    assert f"{lab.index}-v{V + 1}" in behind(lab)
    revised()
    opened().indexes.ensure()
    check_moved(lab, documents)
    check_revised(lab, lab.documents(), V + 1)


# --- migration ------------------------------------------------------------------------------------


def check_moved(lab: Lab, documents: dict[str, dict[str, Any]], new: int = V + 1) -> None:
    """Everything is in the new indexes, as it was; the old ones are there too, and nothing else."""
    old = {name: [] for name in made(lab, new - 1)}
    assert behind(lab) == made(lab, new) | old
    assert lab.documents() == {key: d | {"moved_from": new - 1} for key, d in documents.items()}
    assert lab.documents("events") == {key: {"action": "add", "hash": key} for key in documents}
    kept = lab.ask("POST", f"{lab.index}-v{new - 1}/_search", json={"size": 10_000})["hits"]["hits"]
    assert {hit["_id"] for hit in kept} == documents.keys()


def test_migration_copies_everything_and_leaves_the_old_index(
    lab: Lab, opened: Callable[..., Repository], newer: Callable[[], None]
) -> None:
    opened().indexes.ensure()
    documents = fill(lab, requests.SCAN_PAGE + 200)
    newer()
    catalog_ = opened()
    catalog_.indexes.ensure()
    check_moved(lab, documents)
    assert catalog_.indexes.schema_version() == V + 1
    nearest = {
        "knn": {
            "field": "phash",
            "query_vector": an_asset(1100).facts.phash,
            "k": 1,
            "num_candidates": 10,
        }
    }
    assert lab.ask("POST", f"{lab.index}/_search", json=nearest)["hits"]["hits"][0][
        "_id"
    ] == content_hash(b"1100")
    assert lab.ask("PUT", f"{lab.index}/_doc/new", json={"hash": "new"})["result"] == "created"
    assert (
        lab.ask("PUT", f"{lab.index}-v{V}/_doc/new", json={"hash": "new"})["error"]["type"]
        == "cluster_block_exception"
    )
    before = lab.ask("GET", f"{lab.index}*")
    opened().indexes.ensure()
    assert lab.ask("GET", f"{lab.index}*") == before


def test_a_catalog_two_versions_old_is_brought_up_to_date_in_one_step(
    lab: Lab, opened: Callable[..., Repository], newer: Callable[[], None]
) -> None:
    opened().indexes.ensure()
    documents = fill(lab, 5)
    newer()
    newer()
    opened().indexes.ensure()
    assert behind(lab) == made(lab, V + 2) | {name: [] for name in made(lab, V)}
    assert lab.documents() == {key: d | {"moved_from": V + 1} for key, d in documents.items()}


def cut_off_in_turn(opened: Callable[..., Repository], when: str) -> Iterator[None]:
    """Bring a catalog up to date, stopped `when` (before or after) a request is done, each time one
    request later, until nothing stops it; the moments after each stop.
    """
    for count in itertools.count():
        catalog_ = opened()
        setattr(catalog_.connection, when, cut_after(count, catalog_.connection))
        try:
            catalog_.indexes.ensure()
        except Stop:
            yield
        else:
            return


def cut_after(count: int, connection: Any) -> Callable[[str, str], None]:
    """What ends a program at every request after so many."""

    def cut(_method: str, _path: str) -> None:
        if len(connection.requests) > count:
            raise Stop

    return cut


@pytest.mark.parametrize("when", ["before", "after"])
def test_migration_cut_off_at_every_request_in_turn_loses_nothing(
    lab: Lab,
    opened: Callable[..., Repository],
    newer: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    """Each run gets one request further than the one before,
    and is stopped before or after that request is done.
    """
    monkeypatch.setattr(requests, "SCAN_PAGE", 10)
    opened().indexes.ensure()
    documents = fill(lab, 25)
    newer()
    interrupted = 0
    for _cut in cut_off_in_turn(opened, when):
        interrupted += 1
        (current,) = (name for name, aliases in behind(lab).items() if lab.index in aliases)
        assert lab.documents().keys() == documents.keys(), f"{current} is incomplete and in use"
    assert interrupted > 20, "hardly anything was interrupted"
    check_moved(lab, documents)


KILLED = """
import os, signal, sys
from catalog.index import migration, requests, schema
from catalog.index.client import Address, Connection
requests.SCAN_PAGE = 10
V = schema.SCHEMA_VERSION
migration.UPGRADES[V] = {"assets": lambda document: document | {"moved_from": V}}
schema.SCHEMA_VERSION = V + 1
schema.ASSET_PROPERTIES["moved_from"] = schema.INTEGER
real, sent = Connection.bulk, []
def bulk(self, lines, **named):
    if len(sent) == int(sys.argv[5]):
        os.kill(os.getpid(), signal.SIGKILL)
    sent.append(1)
    return real(self, lines, **named)
Connection.bulk = bulk
migration.Indexes(Connection(Address((sys.argv[1],), *sys.argv[2:4])), sys.argv[4]).ensure()
"""


def test_migration_killed_in_the_middle_is_finished_by_the_next_run(
    lab: Lab, opened: Callable[..., Repository]
) -> None:
    opened().indexes.ensure()
    documents = fill(lab, 95)
    assert lab.node

    def migrate(pages: int) -> int:
        arguments = (lab.node.url, lab.node.user, lab.node.password, lab.index, str(pages))  # type: ignore[union-attr]
        return subprocess.run(
            [sys.executable, "-c", KILLED, *arguments], check=False, timeout=120
        ).returncode

    for pages in (0, 3, 9):
        assert migrate(pages) == -signal.SIGKILL
        assert behind(lab)[f"{lab.index}-v{V}"] == [lab.index]
        assert lab.documents() == documents
    assert migrate(10_000) == 0
    check_moved(lab, documents)


def test_an_upgrade_that_fails_leaves_the_catalog_as_it_is(
    lab: Lab,
    opened: Callable[..., Repository],
    newer: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened().indexes.ensure()
    documents = fill(lab, 30)
    newer()
    with monkeypatch.context() as patched:
        patched.setitem(
            migration.UPGRADES, V, {"assets": lambda document: document | {"unheard_of": 1}}
        )
        with pytest.raises(CatalogIndexError, match="does not fit the new schema"):
            opened().indexes.ensure()
        assert lab.documents() == documents
    opened().indexes.ensure()
    check_moved(lab, documents)


def test_two_migrations_at_once(
    lab: Lab,
    opened: Callable[..., Repository],
    newer: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(requests, "SCAN_PAGE", 10)
    opened().indexes.ensure()
    documents = fill(lab, 95)
    newer()
    together = threading.Barrier(3)

    def migrate(catalog_: Repository) -> None:
        together.wait()
        catalog_.indexes.ensure()

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(migrate, [opened() for _ in range(3)])) == [None] * 3
    check_moved(lab, documents)


@pytest.mark.parametrize(
    "stopped_at", ["/_bulk", "/_aliases", f"{schema.ASSETS}/_count", "_block/write"]
)
def test_a_slow_migration_undoes_nothing_of_what_came_after_a_faster_one(
    lab: Lab,
    opened: Callable[..., Repository],
    newer: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    stopped_at: str,
) -> None:
    """The slow one is held at a request; the other finishes,
    and the catalog is used and brought on to a later schema.
    """
    monkeypatch.setattr(requests, "SCAN_PAGE", 10)
    opened().indexes.ensure()
    documents = fill(lab, 25)
    newer()
    slow = opened()
    wanted = stopped_at.replace(schema.ASSETS, f"{lab.index}-v{V + 1}")
    changed: dict[str, dict[str, Any]] = {}

    def overtaken(method: str, path: str) -> None:
        if changed or not path.endswith(wanted):
            return
        changed["a"] = {"hash": "a", "tags": ["new"]}
        opened().indexes.ensure()
        for key in sorted(documents)[:3]:
            changed[key] = documents[key] | {"title": "changed by a person"}
        for key, document in changed.items():
            lab.ask("PUT", f"{lab.index}/_doc/{key}", json=document)
        with monkeypatch.context() as later:
            later.setattr(schema, "SCHEMA_VERSION", V + 2)
            later.setitem(migration.UPGRADES, V + 1, {})
            opened().indexes.ensure()

    slow.connection.before = overtaken
    try:
        slow.indexes.ensure()
    except SchemaMismatch as refused:
        assert "newer version" in str(refused)
    except IndexUnavailable as refused:  # the index it was copying into is itself an old one by now
        assert "index write" in str(refused)
    assert changed
    assert behind(lab) == made(lab, V + 2) | {
        name: [] for version in (V, V + 1) for name in made(lab, version)
    }
    assert lab.documents() == {k: d | {"moved_from": V} for k, d in documents.items()} | changed


@pytest.mark.parametrize("kind", ["older document", "document too many", "foreign"])
def test_a_leftover_in_the_way_of_a_migration_is_refused_and_nothing_is_hidden_by_it(
    lab: Lab, opened: Callable[..., Repository], newer: Callable[[], None], kind: str
) -> None:
    opened().indexes.ensure()
    documents = fill(lab, 12)
    newer()
    target = f"{lab.index}-v{V + 1}"
    lab.ask("PUT", target, json={} if kind == "foreign" else schema.body("assets", V + 1))
    key = sorted(documents)[0]
    if kind == "older document":
        lab.ask(
            "PUT",
            f"{target}/_doc/{key}?refresh=true",
            json=documents[key] | {"moved_from": V, "copy_count": 1},
        )
    elif kind == "document too many":
        lab.ask("PUT", f"{target}/_doc/gone?refresh=true", json={"hash": "gone"})
    with pytest.raises(CatalogIndexError, match=target):
        opened().indexes.ensure()
    assert behind(lab)[f"{lab.index}-v{V}"] == [lab.index]
    assert lab.documents() == documents
    if kind == "foreign":
        assert lab.ask("PUT", f"{lab.index}/_doc/new", json={"hash": "new"})["result"] == "created"
        return
    lab.ask("DELETE", target)
    opened().indexes.ensure()
    check_moved(lab, documents)


def test_no_index_is_ever_deleted(
    lab: Lab, opened: Callable[..., Repository], newer: Callable[[], None]
) -> None:
    """Neither by what runs here, nor by any line of the program:
    points in time are all that it deletes in Elasticsearch.

    Besides these there are the registrations of folders for backups, and a backup of its own that
    was cut off.
    """
    programs = [opened(), opened()]
    programs[0].indexes.ensure()
    fill(lab, 3)
    newer()
    programs[1].indexes.ensure()
    deleted = {
        path
        for program in programs
        for method, path in program.connection.requests
        if method == "DELETE"
    }
    assert deleted == {"/_pit"}
    calls: list[str] = []
    package = Path(catalog.__file__).parent
    for module in package.rglob("*.py"):
        if module.is_relative_to(package / "stores") or module.is_relative_to(package / "web"):
            continue  # the servers of the one are others; the other is asked, and asks nobody
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Call) and any(
                isinstance(a, ast.Constant) and a.value == "DELETE" for a in node.args
            ):
                calls.append(ast.unparse(node.args[1]))
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert "remove_index" not in node.value and "_delete_by_query" not in node.value, (
                    module
                )
    assert {call for call in calls if not call.startswith("f'/_snapshot/{")} == {"'/_pit'"}


# --- writing --------------------------------------------------------------------------------------


def a_recording(catalog_: Repository) -> IndexRecordWriter:
    return IndexRecordWriter(catalog_, base="/home/me", command="a_test")


def an_action(number: int, *, is_new: bool = True) -> Any:
    known = {"stack": None, "is_new": is_new, "album": "", "present": False}
    return SimpleNamespace(source=Entry(f"IMG_{number}.JPG", 5), asset=an_asset(number), **known)


def lines_for(
    catalog_: Repository, number: int, path: str, run: str = "run", *, is_new: bool = True
) -> list[Any]:
    action = an_action(number, is_new=is_new)
    recording = a_recording(catalog_)
    remembered = recording.source_lines(
        action.asset.hash, action.source.path, f"fingerprint {number}", run
    )
    return recording.create_lines(action, a_copy(path), [], run) + remembered


def unjudged(_paths: list[str]) -> Verdict:
    return Verdict(proved=False)


def test_the_same_bulk_twice_changes_nothing(lab: Lab, opened: Callable[..., Repository]) -> None:
    catalog_ = opened()
    catalog_.indexes.ensure()
    lines = [line for number in range(20) for line in lines_for(catalog_, number, f"{number}.jpg")]
    first = catalog_.bulk(lines)
    assert {reply["status"] for reply in first} == {201}
    before = {what: lab.documents(what) for what in ("", "events", "sources")}
    assert [len(d) for d in before.values()] == [20, 20, 20]
    again = catalog_.bulk(lines)
    assert [reply["status"] for reply in again[::3]] == [409] * 20
    assert {reply["status"] for reply in (*again[1::3], *again[2::3])} == {200}
    assert {what: lab.documents(what) for what in before} == before


def test_two_programs_with_one_asset_both_keep_their_copy(
    lab: Lab, opened: Callable[..., Repository]
) -> None:
    """The second creation is refused with 409, changes nothing by itself, and is merged."""
    catalog_ = opened()
    catalog_.indexes.ensure()
    assert catalog_.bulk(lines_for(catalog_, 1, "a.jpg", "one"))[0]["status"] == 201
    assert catalog_.bulk(lines_for(catalog_, 1, "b.jpg", "two"))[0]["status"] == 409
    (document,) = lab.documents().values()
    assert [c["path"] for c in document["copies"]] == ["a.jpg"] and document["run"] == "one"
    writing = a_recording(catalog_)
    assert writing.add_copy(document["hash"], a_copy("b.jpg"), unjudged, "two") == "added"
    assert writing.add_copy(document["hash"], a_copy("b.jpg"), unjudged, "two") == "present"
    assert writing.add_copy(document["hash"], a_copy("a.jpg"), unjudged, "one") == "ours"
    (merged,) = lab.documents().values()
    assert merged["paths"] == ["a.jpg", "b.jpg"] and merged["copy_count"] == 2
    same = document.keys() - {"copies", "paths", "copy_count", "updated"}
    assert {field: merged[field] for field in same} == {field: document[field] for field in same}


def test_a_copy_is_refused_where_another_is_proved_and_takes_the_place_of_lost_ones(
    lab: Lab, opened: Callable[..., Repository]
) -> None:
    catalog_ = opened()
    catalog_.indexes.ensure()
    catalog_.bulk(lines_for(catalog_, 1, "a.jpg"))
    digest = an_asset(1).hash
    before = lab.documents()
    writing = a_recording(catalog_)
    asked: list[list[str]] = []

    def judge(paths: list[str]) -> Verdict:
        asked.append(paths)
        return Verdict(proved=True)

    assert writing.add_copy(digest, a_copy("b.jpg"), judge, "two") == "refused"
    assert asked == [["a.jpg"]] and lab.documents() == before
    assert writing.add_copy(digest, a_copy("c.jpg", "dropbox"), judge, "two") == "refused"
    assert asked[1:] == [[]], "copies in another store are not this one's to judge"
    lost = Verdict(proved=False, missing=frozenset({"a.jpg"}))
    assert writing.add_copy(digest, a_copy("b.jpg"), lambda _paths: lost, "two") == "added"
    (document,) = lab.documents().values()
    assert {c["path"]: c["state"] for c in document["copies"]} == {"b.jpg": "ok"}
    assert (document["copy_count"], document["paths"], document["stores"]) == (
        1,
        ["b.jpg"],
        ["nas"],
    )
    assert writing.add_copy(digest, a_copy("a.jpg"), unjudged, "three") == "added"
    (document,) = lab.documents().values()
    assert sorted((c["path"], c["state"]) for c in document["copies"]) == [
        ("a.jpg", "ok"),
        ("b.jpg", "ok"),
    ]


def test_sidecars_that_come_with_a_later_copy_are_recorded(
    lab: Lab, opened: Callable[..., Repository]
) -> None:
    catalog_ = opened()
    catalog_.indexes.ensure()
    catalog_.bulk(lines_for(catalog_, 1, "a.jpg"))
    digest = an_asset(1).hash
    xmp, aae, newer_xmp = (
        {"store": "nas", "path": path, "hash": content_hash(data), "size": 1}
        for path, data in (("a.xmp", b"1"), ("a.aae", b"2"), ("a.xmp", b"3"))
    )
    writing = a_recording(catalog_)

    def add(*sidecars: dict[str, Any]) -> list[dict[str, Any]]:
        assert writing.add_copy(digest, a_copy("a.jpg"), unjudged, "two", sidecars) == "present"
        return lab.documents()[digest].get("sidecars", [])

    assert add() == []
    assert add(xmp) == [xmp]
    before = lab.documents()
    assert add(xmp) == [xmp] and lab.documents() == before
    assert add(aae) == [xmp, aae]
    assert add(newer_xmp) == [aae, newer_xmp]
    assert writing.add_copy(digest, a_copy("b.jpg"), unjudged, "two", [xmp]) == "added"
    (document,) = lab.documents().values()
    assert document["sidecars"] == [aae, xmp] and document["paths"] == ["a.jpg", "b.jpg"]
    proved = Verdict(proved=True)
    assert (
        writing.add_copy(digest, a_copy("c.jpg"), lambda _paths: proved, "two", [newer_xmp])
        == "refused"
    )
    assert lab.documents() == {digest: document}


def test_copies_added_to_one_document_by_many_at_once_are_all_kept(
    lab: Lab, opened: Callable[..., Repository]
) -> None:
    programs = [opened() for _ in range(12)]
    programs[0].indexes.ensure()
    programs[0].bulk(lines_for(programs[0], 1, "first.jpg"))
    together = threading.Barrier(len(programs))

    def add(number: int) -> list[str]:
        writing = a_recording(programs[number])
        together.wait()
        return [
            writing.add_copy(
                an_asset(1).hash, a_copy(f"{number}-{turn}.jpg", f"store{number}"), unjudged, "run"
            )
            for turn in range(4)
        ]

    with ThreadPoolExecutor(len(programs)) as pool:
        results = list(pool.map(add, range(len(programs))))
    assert results == [["added"] * 4] * len(programs)
    (document,) = lab.documents().values()
    paths = sorted(
        [
            "first.jpg",
            *(f"{number}-{turn}.jpg" for number in range(len(programs)) for turn in range(4)),
        ]
    )
    assert sorted(c["path"] for c in document["copies"]) == document["paths"] == paths
    assert document["copy_count"] == len(paths)


def test_a_document_that_never_rests_is_given_up_and_not_overwritten(
    lab: Lab, opened: Callable[..., Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "PAUSE", 0)
    catalog_ = opened()
    catalog_.indexes.ensure()
    catalog_.bulk(lines_for(catalog_, 1, "a.jpg"))
    digest = an_asset(1).hash
    changes: list[int] = []

    def disturb(paths: list[str]) -> Verdict:
        changes.append(len(changes))
        lab.ask(
            "PUT",
            f"{lab.index}/_doc/{digest}",
            json=lab.documents()[digest] | {"rating": len(changes)},
        )
        return Verdict(proved=False)

    with pytest.raises(DocumentConflict):
        a_recording(catalog_).add_copy(digest, a_copy("b.jpg"), disturb, "run")
    (document,) = lab.documents().values()
    assert len(changes) == document["rating"] == recording.ATTEMPTS
    assert document["paths"] == ["a.jpg"]


def test_nothing_is_written_into_an_index_that_took_the_name(
    lab: Lab, opened: Callable[..., Repository]
) -> None:
    """As Elasticsearch makes one up, with any field, where a write finds no index of its name."""
    catalog_ = opened()
    catalog_.indexes.ensure()
    catalog_.bulk(lines_for(catalog_, 1, "a.jpg"))
    digest = an_asset(1).hash
    kept = lab.documents()[digest]
    for name in behind(lab):
        lab.ask("DELETE", name)
    for what in EVERYTHING:
        lab.ask("PUT", f"{lab.index}{what}")
    lab.ask("PUT", f"{lab.index}/_doc/{digest}", json=kept)
    replies = catalog_.bulk(lines_for(catalog_, 2, "b.jpg"))
    assert [reply["status"] for reply in replies] == [404] * 3
    with pytest.raises(CatalogIndexError, match="not an alias"):
        a_recording(catalog_).add_copy(digest, a_copy("b.jpg"), unjudged, "run")
    with pytest.raises(CatalogIndexError, match="not an alias"):
        catalog_.stores.write({"name": "nas"})
    assert lab.documents() == {digest: kept}
    assert [lab.documents(what[1:]) for what in EVERYTHING[1:]] == [{}] * len(EVERYTHING[1:])


def test_a_refused_record_fails_its_file_alone_and_the_next_run_mends_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(lab.source, {"a.jpg": jpeg(1), "b.jpg": jpeg(2), "c.png": png(3), "d.jpg": jpeg(4)})
    bad = content_hash(jpeg(2))
    real = asset_document

    def spoiled(asset: Asset, origin: Origin, **known: Any) -> dict[str, Any]:
        return real(asset, origin, **known) | ({"unheard_of": 1} if asset.hash == bad else {})

    with monkeypatch.context() as patched:
        patched.setattr(recording, "asset_document", spoiled)
        done = lab.upload("--move")
    assert done.status == 3
    lines = done.lines
    failed = [line for line in lines[:-1] if line["outcome"] == "failed"]
    assert [line["path"] for line in failed] == ["b.jpg"]
    assert "refused the record" in failed[0]["reason"] and "unheard_of" in failed[0]["reason"]
    assert lines[-1]["new"] == 3
    assert lab.documents().keys() == {content_hash(d) for d in (jpeg(1), png(3), jpeg(4))}
    assert hashes(lab.source) == {"b.jpg": bad}
    again = lab.upload("--move")
    assert (again.status, again.summary["failed"], hashes(lab.source)) == (0, 0, {})
    assert len(lab.stored()) == 4
    lab.check_no_ghosts()


def test_the_flat_fields_follow_from_the_copies_that_are_there() -> None:
    copies = [a_copy("b.jpg"), a_copy("a.jpg", "dropbox")]
    copies.append(a_copy("c.jpg") | {"state": "missing"})
    assert flat(copies) == {
        "copies": copies,
        "stores": ["dropbox", "nas"],
        "copy_count": 2,
        "paths": ["a.jpg", "b.jpg"],
    }
