"""The index that lies in memory does what Elasticsearch does: the same tests for both."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pytest
from engines import Engine
from memory_index import MemoryIndex

from catalog.errors import (
    AccessDenied,
    CatalogIndexError,
    DocumentConflict,
    IndexUnavailable,
    QuerySyntaxError,
)
from catalog.index import queries, schema
from catalog.index.client import Address, Connection
from catalog.index.repository import Repository

V = schema.SCHEMA_VERSION
KEYWORDS = {"mappings": {"dynamic": "strict", "properties": {"hash": schema.KEYWORD}}}


def statuses(items: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """The status of each item of a bulk request, and the type of its error."""
    return [(item["status"], item.get("error", {}).get("type", "")) for item in items]


# --- indexes --------------------------------------------------------------------------------------


def test_an_index_has_its_aliases_mapping_and_settings(engine: Engine) -> None:
    body = schema.body("events", V, f"{engine.name}-alias")
    engine.ask("PUT", f"/{engine.name}-one", body)
    (about,) = engine.ask("GET", f"/{engine.name}-alias").values()
    assert about["aliases"] == {f"{engine.name}-alias": {}}
    assert about["mappings"]["dynamic"] == "strict"
    assert about["mappings"]["_meta"] == schema.meta("events", V)
    assert about["mappings"]["properties"]["hash"] == {"type": "keyword"}
    assert about["mappings"]["properties"]["path"] == schema.PATH
    assert about["mappings"]["properties"]["before"] == schema.STORED
    settings = about["settings"]["index"]
    assert settings["translog"] == {"durability": "request"}
    assert (settings["number_of_shards"], settings["refresh_interval"]) == ("1", "5s")
    assert engine.ask("GET", f"/{engine.name}*/_alias") == {
        f"{engine.name}-one": {"aliases": {f"{engine.name}-alias": {}}}
    }
    (mapping,) = engine.ask("GET", f"/{engine.name}-alias/_mapping").values()
    assert mapping == {"mappings": about["mappings"]}


def test_the_mappings_of_a_catalog_are_told_as_they_were_given(engine: Engine) -> None:
    engine.catalog()
    for what in schema.PROPERTIES:
        (about,) = engine.ask("GET", f"/{schema.alias_of(engine.name, what)}").values()
        assert about["mappings"]["properties"].keys() == schema.PROPERTIES[what].keys()


def test_what_is_not_there_is_an_empty_answer_or_an_error(engine: Engine) -> None:
    name = f"{engine.name}-none"
    assert engine.ask("GET", f"/{name},{name}-too", ignore_unavailable="true") == {}
    assert engine.ask("GET", f"/{name}*") == {}
    absent = (404, "index_not_found_exception")
    assert engine.refused("GET", f"/{name}") == absent
    assert engine.refused("DELETE", f"/{name}") == absent
    assert engine.refused("POST", f"/{name}/_search", {}) == absent
    assert engine.refused("GET", f"/{name}/_count") == absent
    assert engine.refused("POST", f"/{name}/_pit", keep_alive="1m") == absent
    assert engine.refused("POST", f"/{name}/_refresh") == absent
    assert engine.refused("PUT", f"/{name}/_mapping", {"properties": {}}) == absent
    (found,) = engine.ask("POST", f"/{name}/_mget", {"ids": ["1"]})["docs"]
    assert found["error"]["type"] == "index_not_found_exception"


def test_a_name_is_taken_once(engine: Engine) -> None:
    one, alias = f"{engine.name}-one", f"{engine.name}-alias"
    engine.ask("PUT", f"/{one}", {"aliases": {alias: {}}})
    assert engine.refused("PUT", f"/{one}") == (400, "resource_already_exists_exception")
    assert engine.refused("PUT", f"/{alias}") == (400, "invalid_index_name_exception")
    assert engine.refused("PUT", f"/{engine.name}-UPPER") == (400, "invalid_index_name_exception")
    assert engine.refused("DELETE", f"/{alias}") == (400, "illegal_argument_exception")
    engine.ask("DELETE", f"/{one}")
    assert engine.ask("GET", f"/{engine.name}*") == {}


def test_aliases_change_all_at_once_or_not_at_all(engine: Engine) -> None:
    one, two, alias = (f"{engine.name}-{name}" for name in ("one", "two", "alias"))
    engine.ask("PUT", f"/{one}", {"aliases": {alias: {}}})
    engine.ask("PUT", f"/{two}")
    flip = [
        {"remove": {"index": one, "alias": alias, "must_exist": True}},
        {"add": {"index": two, "alias": alias}},
    ]
    engine.ask("POST", "/_aliases", {"actions": flip})
    assert list(engine.ask("GET", f"/{alias}")) == [two]
    more = [{"add": {"index": one, "alias": f"{alias}-more"}}, *flip]
    assert engine.refused("POST", "/_aliases", {"actions": more}) == (
        404,
        "aliases_not_found_exception",
    )
    assert engine.ask("GET", f"/{one}/_alias") == {one: {"aliases": {}}}


def test_fields_are_added_to_a_mapping_and_none_becomes_another(engine: Engine) -> None:
    name = f"{engine.name}-one"
    engine.ask("PUT", f"/{name}", schema.body("sources", V))
    added = {"new": schema.LONG, "hash": schema.KEYWORD}
    engine.ask("PUT", f"/{name}/_mapping", {"_meta": {"mark": "x"}, "properties": added})
    (about,) = engine.ask("GET", f"/{name}").values()
    assert about["mappings"]["_meta"] == {"mark": "x"}
    assert about["mappings"]["properties"]["new"] == schema.LONG
    engine.ask("PUT", f"/{name}/_mapping", {"_meta": {"mark": "y"}})
    (about,) = engine.ask("GET", f"/{name}").values()
    assert about["mappings"]["_meta"] == {"mark": "y"}
    other = {"properties": {"further": schema.LONG, "hash": schema.LONG}}
    assert engine.refused("PUT", f"/{name}/_mapping", other) == (400, "illegal_argument_exception")
    assert "further" not in engine.ask("GET", f"/{name}")[name]["mappings"]["properties"]


def test_a_blocked_index_takes_no_writes(engine: Engine) -> None:
    name = f"{engine.name}-one"
    engine.ask("PUT", f"/{name}", KEYWORDS)
    engine.ask("PUT", f"/{name}/_doc/1", {"hash": "1"}, refresh="true")
    engine.ask("PUT", f"/{name}/_block/write")
    with pytest.raises(IndexUnavailable, match="takes no writes"):
        engine.ask("PUT", f"/{name}/_doc/2", {"hash": "2"})
    with pytest.raises(IndexUnavailable, match="did not take everything"):
        engine.connection.bulk([{"index": {"_index": name, "_id": "2"}}, {"hash": "2"}])
    assert engine.ask("GET", f"/{name}/_count")["count"] == 1


def test_health_is_told_of_indexes_that_are_there(engine: Engine) -> None:
    engine.ask("PUT", f"/{engine.name}-one", KEYWORDS)
    path = f"/_cluster/health/{engine.name}-one"
    health = engine.ask("GET", path, wait_for_status="yellow", timeout="10s")
    assert health["status"] in ("green", "yellow") and health["timed_out"] is False
    assert engine.ask("GET", "/_cluster/health")["status"] in ("green", "yellow")


def test_a_wrong_password_is_refused(engine: Engine) -> None:
    address = engine.connection.address
    other = Connection(Address(address.urls, address.user, "no"))
    with pytest.raises(AccessDenied):
        other.request("GET", f"/{engine.name}*")
    other.close()


# --- writes ---------------------------------------------------------------------------------------


def test_a_document_is_created_once_and_changed_by_who_saw_it_last(engine: Engine) -> None:
    catalog = engine.catalog()
    where = {"_index": engine.name, "_id": "a"}

    def send(verb: str, document: Any = None, **condition: int) -> tuple[int, str]:
        lines = [{verb: where | condition}, *([document] if document else [])]
        return statuses(catalog.bulk(lines))[0]

    conflict = (409, "version_conflict_engine_exception")
    assert send("index", {"hash": "a"}, if_seq_no=0, if_primary_term=1) == conflict
    assert send("delete", if_seq_no=0, if_primary_term=1) == conflict
    assert send("create", {"hash": "a"}) == (201, "")
    assert send("create", {"hash": "b"}) == conflict
    document, seq_no, primary_term = catalog.get_versioned("a")
    assert document == {"hash": "a"}
    seen = {"if_seq_no": seq_no, "if_primary_term": primary_term}
    assert send("index", {"hash": "a", "rating": 1}, **seen) == (200, "")
    assert send("index", {"hash": "a", "rating": 2}, **seen) == conflict
    assert send("delete", **seen) == conflict
    assert send("index", {"hash": "a", "rating": 3}, if_seq_no=10**6, if_primary_term=1) == conflict
    document, later, _term = catalog.get_versioned("a")
    assert document["rating"] == 1 and later > seq_no
    assert send("delete", if_seq_no=later, if_primary_term=primary_term) == (200, "")
    assert send("delete") == (404, "")
    assert send("create", {"hash": "a"}) == (201, "")
    assert send("index", {"hash": "a"}) == (200, "")


def test_single_writes_and_what_they_answer(engine: Engine) -> None:
    engine.catalog()
    path = f"/{engine.name}/_doc/a%2Fb"
    first = engine.ask("PUT", path, {"hash": "1"})
    assert (first["result"], first["_version"], first["_id"]) == ("created", 1, "a/b")
    second = engine.ask("PUT", path, {"hash": "2"})
    assert (second["result"], second["_version"]) == ("updated", 2)
    assert second["_seq_no"] > first["_seq_no"]
    stale = {"if_seq_no": first["_seq_no"], "if_primary_term": first["_primary_term"]}
    with pytest.raises(DocumentConflict):
        engine.ask("PUT", path, {"hash": "3"}, **stale)
    found = engine.ask("GET", path)
    assert found["_source"] == {"hash": "2"} and found["_seq_no"] == second["_seq_no"]
    changed = {"doc": {"rating": 5, "place": {"city": "Ghent"}}}
    assert engine.ask("POST", f"/{engine.name}/_update/a%2Fb", changed)["result"] == "updated"
    assert engine.ask("POST", f"/{engine.name}/_update/a%2Fb", changed)["result"] == "noop"
    more = {"doc": {"place": {"country": "Belgium"}, "rating": None}}
    engine.ask("POST", f"/{engine.name}/_update/a%2Fb", more)
    assert engine.ask("GET", path)["_source"] == {
        "hash": "2",
        "rating": None,
        "place": {"city": "Ghent", "country": "Belgium"},
    }
    assert engine.refused("POST", f"/{engine.name}/_update/none", changed) == (
        404,
        "document_missing_exception",
    )
    assert engine.ask("DELETE", path)["result"] == "deleted"


def test_the_same_things_happen_to_items_of_one_request_in_their_order(engine: Engine) -> None:
    catalog = engine.catalog()
    one, two = ({"_index": engine.name, "_id": key} for key in "ab")
    no_alias = {"_index": f"{engine.name}-v{V}", "_id": "c", "require_alias": True}
    lines = [
        {"create": one},
        {"hash": "1"},
        {"create": one},
        {"hash": "2"},
        {"index": two},
        {"hash": "3", "unheard_of": 1},
        {"index": two},
        {"hash": "4", "size": "many"},
        {"delete": two},
        {"index": {**two, "require_alias": True}},
        {"hash": "5"},
        {"index": no_alias},
        {"hash": "6"},
        {"delete": one},
    ]
    assert statuses(catalog.bulk(lines)) == [
        (201, ""),
        (409, "version_conflict_engine_exception"),
        (400, "strict_dynamic_mapping_exception"),
        (400, "document_parsing_exception"),
        (404, ""),
        (201, ""),
        (404, "index_not_found_exception"),
        (200, ""),
    ]
    found = catalog.sources_of("assets", ["a", "b", "c"], whole=True)
    assert found == {"b": {"hash": "5"}}
    brief = engine.connection.bulk(lines[:4], filter_path="items.*.status,items.*.error")
    assert [item.keys() for item in brief] == [{"status"}, {"status", "error"}]


UNFIT: dict[str, Any] = {
    "a long that is a word": {"size": "many"},
    "a long that is too large": {"size": 2**63},
    "a long that is yes": {"size": True},
    "an integer that is too large": {"rating": 2**31},
    "a float that is too large": {"altitude": 1e39},
    "a boolean that is a number": {"favorite": 1},
    "a boolean that is a word": {"favorite": "yes"},
    "a date that is none": {"added": "yesterday"},
    "a date of a month too many": {"added": "2019-13-01"},
    "a date without leading zeros": {"added": "2019-1-1"},
    "an object where a value should be": {"hash": {"x": 1}},
    "a value where an object should be": {"captured": "x"},
    "a value among objects": {"copies": [{"store": "nas"}, "x"]},
    "a position off the earth": {"location": {"lat": 91, "lon": 0}},
    "a keyword too long": {"hash": "x" * 32_767},
    "a vector too short": {"phash": "ff"},
    "an unknown field": {"unheard_of": 1},
    "an unknown field in an object": {"captured": {"unheard_of": 1}},
    "an unknown field in a nested object": {"copies": [{"unheard_of": 1}]},
}
FIT: dict[str, Any] = {
    "nothing": {"size": None, "tags": [], "captured": None, "copies": [], "location": None},
    "a long in words": {"size": "7"},
    "a long with a fraction": {"size": 7.9, "rating": "-7.9"},
    "the smallest and the largest": {"size": -(2**63), "rating": 2**31 - 1, "altitude": 3.4e38},
    "numbers as keywords": {"hash": 7, "tags": [True, 7]},
    "booleans in words": {"favorite": "true", "motion_photo": ""},
    "dates": {"added": "2019", "updated": 0, "captured": {"wall": "2019-07-12T18:30:15.5+02:00"}},
    "a long path": {"paths": "ü" * 8001},
    "a long text": {"title": "x" * 100_000},
    "the longest keyword": {"hash": "x" * 32_766},
    "anything where nothing is indexed": {"person": {"a": [1, {"b": None}]}, "extracted": {"c": 1}},
    "lists in lists": {"tags": [["a"], ["b", ["c"]]]},
    "one nested object": {"copies": {"store": "nas"}},
    "a flat object": {"sources": {"make": "exif", "deep": {"er": "xmp"}}},
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_value_that_does_not_fit_is_refused(engine: Engine, name: str) -> None:
    engine.catalog()
    refused = engine.refused("PUT", f"/{engine.name}/_doc/1", UNFIT[name])
    kind = "strict_dynamic_mapping" if "unknown" in name else "document_parsing"
    assert refused == (400, f"{kind}_exception")
    assert engine.ask("POST", f"/{engine.name}/_mget", {"ids": ["1"]})["docs"][0]["found"] is False


def test_values_that_fit_are_kept_as_they_were_given(engine: Engine) -> None:
    catalog = engine.catalog(FIT)
    assert catalog.sources_of("assets", list(FIT), whole=True) == FIT
    assert catalog.count({"match_all": {}}) == len(FIT)


def test_an_id_has_a_length(engine: Engine) -> None:
    catalog = engine.catalog()
    ids = ["é" * 256, "é" * 256 + "x"]
    lines = [line for key in ids for line in ({"create": {"_index": engine.name, "_id": key}}, {})]
    with suppress(CatalogIndexError):  # Elasticsearch may refuse all of the request
        assert [item["status"] for item in catalog.bulk(lines)] == [201, 400]


# --- what is seen of writes -----------------------------------------------------------------------


def test_questions_by_id_see_a_write_at_once_and_searches_after_a_refresh(engine: Engine) -> None:
    catalog = engine.catalog()
    everything: dict[str, Any] = {"match_all": {}}
    catalog.bulk([{"create": {"_index": engine.name, "_id": "a"}}, {"hash": "a"}])
    assert catalog.get("a") == {"hash": "a"}
    assert catalog.count(everything) == 0
    assert catalog.search({})["hits"]["hits"] == []
    catalog.refresh()
    assert catalog.count(everything) == 1
    catalog.bulk([{"delete": {"_index": engine.name, "_id": "a"}}])
    assert catalog.known(["a"]) == {}
    assert catalog.count(everything) == 1
    catalog.refresh()
    assert catalog.count(everything) == 0
    engine.ask("PUT", f"/{engine.name}/_doc/b", {"hash": "b"}, refresh="true")
    assert catalog.count(everything) == 1


def test_the_mark_of_changes_is_another_after_each_and_only_then(engine: Engine) -> None:
    catalog = engine.catalog()
    marks = [catalog.change_mark()]
    for lines in (
        [{"create": {"_index": engine.name, "_id": "a"}}, {"hash": "a"}],
        [{"index": {"_index": engine.name, "_id": "a"}}, {"hash": "a"}],
        [{"delete": {"_index": engine.name, "_id": "a"}}],
    ):
        catalog.bulk(lines)
        marks.append(catalog.change_mark())
    assert all(marks) and len(set(marks)) == 4
    catalog.refresh()
    catalog.history.of_action("set", ["hash"])
    assert catalog.change_mark() == marks[-1]
    assert Repository(engine.connection, f"{engine.name}-none").change_mark() == ""


def test_a_point_in_time_stays_as_it_was(engine: Engine) -> None:
    catalog = engine.catalog({key: {"hash": key} for key in "abc"})
    pages = catalog.scan_pages(sort=[{"hash": "asc"}])
    view = engine.ask("POST", f"/{engine.name}/_pit", keep_alive="1m")["id"]
    catalog.bulk(
        [
            {"delete": {"_index": engine.name, "_id": "a"}},
            {"create": {"_index": engine.name, "_id": "d"}},
            {"hash": "d"},
        ]
    )
    catalog.refresh()
    body = {"pit": {"id": view, "keep_alive": "1m"}, "sort": [{"hash": "asc"}]}
    reply = engine.ask("POST", "/_search", body)
    assert [hit["_id"] for hit in reply["hits"]["hits"]] == ["a", "b", "c"]
    assert [hit["_id"] for page in pages for hit in page] == ["b", "c", "d"]
    assert engine.ask("DELETE", "/_pit", {"id": reply["pit_id"]})["num_freed"] == 1
    assert engine.refused("POST", "/_search", body)[0] == 404


def test_pages_hold_every_hit_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.index.requests.SCAN_PAGE", 3)
    documents = {
        f"{n}": {"hash": f"{n}", "rating": n % 2, "size": n % 3 or None} for n in range(10)
    }
    catalog = engine.catalog(documents)
    for sort in ("_shard_doc", [{"rating": "desc"}], [{"size": "asc"}], queries.sort_order("size")):
        pages = [[hit["_id"] for hit in page] for page in catalog.scan_pages(sort=sort)]
        assert [len(page) for page in pages] == [3, 3, 3, 1]
        assert sorted(key for page in pages for key in page) == list(documents)
    assert [len(page) for page in catalog.scan_pages(limit=4)] == [3, 1]
    assert [len(page) for page in catalog.scan_pages(limit=3)] == [3]
    assert list(catalog.scan_pages({"term": {"hash": "none"}})) == []


# --- searches -------------------------------------------------------------------------------------


def test_orders(engine: Engine) -> None:
    documents = {
        "a": {"size": 2, "paths": ["z", "b"], "added": "2019", "altitude": 1.5, "favorite": True},
        "b": {"size": 10, "paths": ["c"], "added": "2018-05", "altitude": -1, "favorite": False},
        "c": {"paths": ["B"], "copies": [{"store": "nas", "verified": "2020"}]},
        "d": {"size": -1, "copies": [{"store": "nas", "verified": "2019"}, {"store": "far"}]},
        "e": {"place": {"city": "É"}, "copies": [{"store": "far", "verified": "2010"}]},
    }
    catalog = engine.catalog({k: {"hash": k} | d for k, d in documents.items()})

    def order(*parts: Any) -> str:
        pages = catalog.scan_pages(sort=[*parts, {"hash": "asc"}])
        return "".join(hit["_id"] for page in pages for hit in page)

    by_age = {
        "order": "asc",
        "nested": {"path": "copies", "filter": {"term": {"copies.store": "nas"}}},
    }
    assert order({"size": "asc"}) == "dabce"
    assert order({"size": "desc"}) == "badce"
    assert order({"size": {"order": "asc", "missing": "_first"}}) == "cedab"
    assert order({"size": {"order": "desc", "missing": "_first"}}) == "cebad"
    assert order({"paths": "asc"}) == "cabde"
    assert order({"paths": "desc"}) == "abcde"
    assert order({"added": {"order": "asc", "missing": "_last"}}) == "bacde"
    assert order({"altitude": {"order": "desc", "missing": "_last"}}) == "abcde"
    assert order({"favorite": "asc"}) == "bacde"
    assert order({"copies.verified": by_age}) == "dcabe"
    assert order({"captured.wall": "desc"}) == "abcde"
    with pytest.raises(CatalogIndexError):
        order({"title": "asc"})
    with pytest.raises(CatalogIndexError):
        order({"copies.verified": "asc"})
    with pytest.raises(CatalogIndexError):
        order({"unheard_of": "asc"})


def test_a_hit_shows_what_it_was_sorted_by_and_the_next_page_begins_there(engine: Engine) -> None:
    catalog = engine.catalog(
        {
            "a": {"hash": "a", "size": 5, "altitude": 1.5, "added": "2019-01-01T00:00:00.001Z"},
            "b": {"hash": "b"},
        }
    )
    for direction, far in (("asc", 2**63 - 1), ("desc", -(2**63))):
        order = {"order": direction, "missing": "_last"}
        sort = [{name: order} for name in ("size", "added", "hash")]
        first, second = catalog.search({"sort": sort})["hits"]["hits"]
        assert first["sort"] == [5, 1546300800001, "a"]
        assert second["sort"] == [far, far, "b"] and second["_score"] is None
        again = catalog.search({"sort": sort, "search_after": first["sort"]})
        assert [hit["_id"] for hit in again["hits"]["hits"]] == ["b"]
        again = catalog.search({"sort": sort, "search_after": second["sort"]})
        assert again["hits"]["hits"] == []
    (hit, _) = catalog.search({"sort": [{"altitude": "asc"}]})["hits"]["hits"]
    assert hit["sort"] == [1.5]


def test_parts_of_sources(engine: Engine) -> None:
    document = {
        "hash": "a",
        "size": 1,
        "captured": {"wall": "2019", "zone": "UTC"},
        "copies": [{"store": "nas", "path": "a", "size": 1}, {"path": "b"}],
        "checksums": {"sha1": "x"},
    }
    catalog = engine.catalog({"a": document})

    def source(wanted: Any) -> Any:
        return catalog.search({"_source": wanted})["hits"]["hits"][0].get("_source")

    assert source(True) == document
    assert source(False) is None
    assert source(["hash", "rating"]) == {"hash": "a"}
    assert source(["captured"]) == {"captured": document["captured"]}
    assert source(["captured.zone"]) == {"captured": {"zone": "UTC"}}
    assert source(["copies"]) == {"copies": document["copies"]}
    assert source(["copies.store"]) == {"copies": [{"store": "nas"}]}
    assert source("size") == {"size": 1}
    assert source(["rating"]) == {}
    assert source(["c*"]) == {k: v for k, v in document.items() if k.startswith("c")}
    assert catalog.parts_of(["a"], ["size", "checksums.sha1"]) == {
        "a": {"size": 1, "checksums": {"sha1": "x"}}
    }
    assert catalog.parts_of(["a"], ["rating"]) == {"a": {}}
    assert catalog.sources_of("assets", ["a", "none"], whole=False) == {"a": {}}


def test_counts_and_windows(engine: Engine) -> None:
    catalog = engine.catalog({f"{n:02}": {"hash": f"{n:02}"} for n in range(12)})
    assert len(catalog.search({})["hits"]["hits"]) == 10
    assert len(catalog.search({"size": 20})["hits"]["hits"]) == 12
    total = catalog.search({"size": 0, "track_total_hits": True})["hits"]
    assert total == {"total": {"value": 12, "relation": "eq"}, "max_score": None, "hits": []}
    capped = catalog.search({"size": 0, "track_total_hits": 5})["hits"]["total"]
    assert capped == {"value": 5, "relation": "gte"}
    assert "total" not in catalog.search({"track_total_hits": False})["hits"]
    paged = catalog.search({"from": 10, "size": 5, "sort": [{"hash": "asc"}]})["hits"]["hits"]
    assert [hit["_id"] for hit in paged] == ["10", "11"]
    assert engine.refused("POST", f"/{engine.name}/_search", {"size": 10_001})[0] == 400


def test_documents_lie_in_the_order_of_their_last_writes(engine: Engine) -> None:
    catalog = engine.catalog({key: {"hash": key} for key in "abcd"})
    catalog.bulk([{"index": {"_index": engine.name, "_id": "b"}}, {"hash": "b"}])
    catalog.refresh()
    hits = [hit["_id"] for page in catalog.scan_pages() for hit in page]
    assert hits == ["a", "c", "d", "b"]


CLAUSES: dict[str, tuple[dict[str, Any], str]] = {
    "every": ({"match_all": {}}, "abcd"),
    "a keyword": ({"term": {"kind": "image"}}, "ab"),
    "a keyword, exactly": ({"term": {"kind": "Image"}}, ""),
    "a word of a text, exactly": ({"term": {"title": "snow"}}, "a"),
    "no word of a text": ({"term": {"title": "Snow"}}, ""),
    "a number": ({"term": {"size": 10}}, "b"),
    "a float": ({"term": {"altitude": 4.2}}, "a"),
    "a boolean": ({"term": {"favorite": True}}, "a"),
    "a day": ({"term": {"added": "2019-07-12"}}, "a"),
    "one of many": ({"terms": {"hash": ["a", "c", "x"]}}, "ac"),
    "none of none": ({"terms": {"hash": []}}, ""),
    "what is not mapped": ({"term": {"unheard_of": 1}}, ""),
    "a beginning": ({"prefix": {"paths": "2019/"}}, "ab"),
    "more than": ({"range": {"size": {"gt": 5}}}, "b"),
    "at least": ({"range": {"size": {"gte": 5}}}, "ab"),
    "between": ({"range": {"altitude": {"gte": -1.5, "lt": 4.2}}}, "b"),
    "more than a fraction": ({"range": {"rating": {"gt": -1.5, "lte": 2.5}}}, "ab"),
    "a year": ({"range": {"captured.wall": {"gte": "2019||/y", "lte": "2019||/y"}}}, "ab"),
    "after a year": ({"range": {"captured.wall": {"gt": "2019||/y"}}}, "c"),
    "before a day": ({"range": {"captured.wall": {"lt": "2019-07-12"}}}, "b"),
    "to a day": ({"range": {"captured.wall": {"lte": "2019-07-12"}}}, "ab"),
    "a time with a zone": ({"range": {"added": {"gte": "2019-07-12T20:30:15+02:00"}}}, "a"),
    "milliseconds": ({"range": {"added": {"gte": 1562956215000, "lte": 1562956215000}}}, "a"),
    "something in a field": ({"exists": {"field": "title"}}, "abd"),
    "something in an object": ({"exists": {"field": "captured"}}, "abc"),
    "something in what is too long": ({"exists": {"field": "title.keyword"}}, "ab"),
    "bytes": ({"exists": {"field": "look"}}, ""),
    "what is only stored": ({"exists": {"field": "person"}}, ""),
    "a nested field from outside": ({"term": {"copies.store": "nas"}}, ""),
    "a nested object": (
        {"nested": {"path": "copies", "query": {"term": {"copies.store": "nas"}}}},
        "ab",
    ),
    "one nested object, not two": (
        {
            "nested": {
                "path": "copies",
                "query": {
                    "bool": {
                        "filter": [
                            {"term": {"copies.store": "nas"}},
                            {"term": {"copies.path": "y"}},
                        ]
                    }
                },
            }
        },
        "b",
    ),
    "a nested beginning": (
        {"nested": {"path": "copies", "query": {"prefix": {"copies.path": "x"}}}},
        "a",
    ),
    "objects that are not nested": (
        {
            "bool": {
                "filter": [{"term": {"sidecars.store": "nas"}}, {"term": {"sidecars.path": "q"}}]
            }
        },
        "c",
    ),
    "all of": (
        {"bool": {"must": [{"term": {"kind": "image"}}], "must_not": {"term": {"size": 5}}}},
        "b",
    ),
    "any of": ({"bool": {"should": [{"term": {"size": 5}}, {"term": {"kind": "video"}}]}}, "ac"),
    "none needed": (
        {"bool": {"must": [{"match_all": {}}], "should": [{"term": {"size": 5}}]}},
        "abcd",
    ),
    "some needed": (
        {
            "bool": {
                "filter": [{"match_all": {}}],
                "should": [{"term": {"size": 5}}, {"term": {"kind": "image"}}],
                "minimum_should_match": 2,
            }
        },
        "a",
    ),
    "nothing said": ({"bool": {}}, "abcd"),
    "not": ({"bool": {"must_not": {"exists": {"field": "size"}}}}, "cd"),
    "near": ({"geo_distance": {"distance": "5.0km", "location": {"lat": 51.05, "lon": 3.72}}}, "a"),
    "less near": (
        {"geo_distance": {"distance": "300km", "location": {"lat": 51.05, "lon": 3.72}}},
        "ab",
    ),
    "a flat value": ({"term": {"sources": "exif"}}, "a"),
}
ASSETS: dict[str, dict[str, Any]] = {
    "a": {
        "hash": "a",
        "kind": "image",
        "size": 5,
        "rating": -1,
        "altitude": 4.2,
        "favorite": True,
        "title": "Snow in Ghent",
        "added": "2019-07-12T18:30:15.000Z",
        "captured": {"wall": "2019-07-12T18:30:15.000", "zone": "UTC"},
        "paths": ["2019/x"],
        "location": {"lat": 51.05, "lon": 3.72},
        "copies": [{"store": "nas", "path": "x"}, {"store": "far", "path": "y"}],
        "sources": {"make": "exif"},
        "look": "UklGRg==",
        "person": {"rating": 1},
    },
    "b": {
        "hash": "b",
        "kind": "image",
        "size": 10,
        "rating": 2,
        "altitude": -1.5,
        "favorite": False,
        "title": "Sun",
        "captured": {"wall": "2019-01-01"},
        "paths": ["2019/y", "b"],
        "location": {"lat": 52.37, "lon": 4.9},
        "copies": [{"store": "nas", "path": "y"}],
    },
    "c": {
        "hash": "c",
        "kind": "video",
        "captured": {"wall": "2020-01-01T00:00:00.000"},
        "sidecars": [{"store": "nas", "path": "p"}, {"store": "far", "path": "q"}],
    },
    "d": {"hash": "d", "title": "x" * 1025},
}


def test_clauses(engine: Engine) -> None:
    catalog = engine.catalog(ASSETS)
    found = {}
    for name, (query, _expected) in CLAUSES.items():
        pages = catalog.scan_pages(query, sort=queries.BY_HASH)
        found[name] = "".join(hit["_id"] for page in pages for hit in page)
        assert catalog.count(query) == len(found[name]), name
    assert found == {name: expected for name, (_query, expected) in CLAUSES.items()}


def test_sums(engine: Engine) -> None:
    documents = {
        "a": {"kind": "image", "size": 5, "captured": {"wall": "2019-07-12"}},
        "b": {"kind": "image", "size": 7, "captured": {"wall": "1969-12-31T23:59:59.999"}},
        "c": {"kind": "video", "size": 5, "stores": ["far", "nas"]},
        "d": {"copies": [{"store": "nas", "size": 3, "state": "ok"}, {"store": "far", "size": 4}]},
        "e": {"copies": [{"store": "nas", "size": 5, "state": "missing"}]},
    }
    catalog = engine.catalog({k: {"hash": k} | d for k, d in documents.items()})
    found = queries.totals(catalog, 1)
    assert (found.assets, found.bytes, found.copies, found.lacking_copies) == (5, 17, 3, 4)
    assert found.kinds == {
        "image": queries.KindTotals(2, 12),
        "video": queries.KindTotals(1, 5),
    }
    assert found.stores == {
        "nas": queries.StoreTotals(2, 8, 1),
        "far": queries.StoreTotals(1, 4, 1),
    }
    assert found.years == {"1969": 1, "2019": 1}
    assert (found.weak_dates, found.with_position, found.with_problem) == (3, 0, 0)
    assert catalog.known_sizes([5, 7, 8]) == {5, 7}
    some = {"aggs": {"kinds": {"terms": {"field": "kind", "size": 1}}}, "size": 0}
    kinds = catalog.search(some)["aggregations"]["kinds"]
    assert (kinds["sum_other_doc_count"], kinds["buckets"]) == (
        1,
        [{"key": "image", "doc_count": 2}],
    )
    none = {
        "aggs": {"least": {"min": {"field": "added"}}},
        "query": {"term": {"hash": "x"}},
        "size": 0,
    }
    assert catalog.search(none)["aggregations"] == {"least": {"value": None}}


def test_groups_in_pages(engine: Engine) -> None:
    catalog = engine.catalog()
    events = [("r2", "2019-02-01T00:00:00.000Z"), ("r1", "2020"), ("r1", "2019"), ("é", "2021")]
    for number, (run, at) in enumerate(events):
        where = {"_index": f"{engine.name}-events", "_id": f"{number}"}
        catalog.bulk([{"create": where}, {"run": run, "at": at, "action": "add", "command": "x"}])
    catalog.refresh()
    seen: list[Any] = []
    after: dict[str, Any] = {}
    while True:
        runs = {
            "composite": {"size": 2, "sources": [{"run": {"terms": {"field": "run"}}}], **after}
        }
        sums = {"began": {"min": {"field": "at"}}, "actions": {"terms": {"field": "action"}}}
        body = {"size": 0, "aggs": {"runs": runs | {"aggs": sums}}}
        page = catalog.search(body, f"{engine.name}-events")["aggregations"]["runs"]
        seen.append(
            [
                (b["key"]["run"], b["doc_count"], b["began"]["value_as_string"])
                for b in page["buckets"]
            ]
        )
        if not page["buckets"]:
            break
        after = {"after": page["after_key"]}
    assert seen == [
        [("r1", 2, "2019-01-01T00:00:00.000Z"), ("r2", 1, "2019-02-01T00:00:00.000Z")],
        [("é", 1, "2021-01-01T00:00:00.000Z")],
        [],
    ]


def test_the_nearest_vectors(engine: Engine) -> None:
    chance = random.Random(5)
    vectors = {f"{n}": chance.getrandbits(64) for n in range(60)}
    vectors["same"] = vectors["7"]
    documents = {k: {"hash": k, "phash": f"{v:016x}"} for k, v in vectors.items()}
    catalog = engine.catalog(documents | {"bare": {"hash": "bare"}})
    asked = vectors["7"]
    distances = {k: (v ^ asked).bit_count() for k, v in vectors.items()}
    for distance in (0, 20, 30):
        near = {k for k, d in distances.items() if d <= distance}
        assert queries.neighbours(catalog, "phash", [asked], distance) == near
    about = {"field": "phash", "query_vector": f"{asked:016x}", "k": 20, "num_candidates": 50}
    hits = catalog.search({"knn": about, "size": 20})["hits"]["hits"]
    assert [distances[hit["_id"]] for hit in hits] == sorted(distances.values())[:20]
    assert [hit["_score"] for hit in hits] == pytest.approx(
        [(64 - distances[hit["_id"]]) / 64 for hit in hits]
    )


# --- what a person types --------------------------------------------------------------------------


TYPED: dict[str, str] = {
    "": "abcd",
    "snow": "a",
    "SNOW ghent": "a",
    "ghent sun": "",
    "ghent OR sun": "ab",
    "-snow": "bcd",
    "snow OR NOT has:title": "ac",
    "sn*": "a",
    "s?n": "b",
    "*n": "ab",
    "/s.n/": "b",
    "/S.n/": "",
    "snaw~1": "a",
    "snaw~": "a",
    "smaw~1": "",
    '"snow in"': "a",
    '"snow ghent"': "",
    '"snow ghent"~1': "a",
    "title:[sn TO sp]": "a",
    "title:>snow": "bd",
    "title:(snow sun)": "",
    "title:(snow OR sun)^2": "ab",
    "path:2019/x": "a",
    "path:2019/*": "ab",
    'path:"2019/x"': "a",
    "taken:2019": "ab",
    "taken:>2019": "c",
    "taken:[2019-07 TO *]": "ac",
    "added:<now/d": "a",
    "added:>now-1d": "",
    "size:>5": "b",
    "altitude:4.2": "a",
    "altitude:[-2 TO 0]": "b",
    "favorite:yes": "a",
    "has:location": "ab",
    "has:look": "",
    "hash:*": "abcd",
    "*": "abd",
    "*:*": "abcd",
    "near:51.05,3.72,5km": "a",
    "-near:51.05,3.72,5km": "bcd",
    "&": "",
    "snow &": "a",
    "sources:exif": "a",
}


@pytest.mark.parametrize("typed", TYPED)
def test_what_is_typed(engine: Engine, typed: str) -> None:
    catalog = engine.catalog(ASSETS)
    found = queries.search(catalog, typed, sort="hash", limit=0)
    assert "".join(document["hash"] for document in found) == TYPED[typed]


def test_an_expression_that_is_none_is_refused(engine: Engine) -> None:
    catalog = engine.catalog(ASSETS)
    with pytest.raises(QuerySyntaxError, match="unexpected end-of-string"):
        queries.count(catalog, "city:/[/")


# --- what only one of them knows ------------------------------------------------------------------


ALL: dict[str, Any] = {"match_all": {}}
LIKE_OURS = {"fields": ["title"], "default_operator": "AND", "type": "cross_fields"}
UNKNOWN: dict[str, tuple[str, str, Any]] = {
    "fuzzy": ("POST", "{}/_search", {"query": {"fuzzy": {"hash": "a"}}}),
    "boost": ("POST", "{}/_search", {"query": {"bool": {"boost": 2}}}),
    "time_zone": ("POST", "{}/_search", {"query": {"range": {"added": {"time_zone": "+01:00"}}}}),
    "avg": ("POST", "{}/_search", {"size": 0, "aggs": {"x": {"avg": {"field": "size"}}}}),
    "order": ("POST", "{}/_search", {"aggs": {"x": {"terms": {"field": "kind", "order": {}}}}}),
    "unmapped_type": ("POST", "{}/_search", {"sort": [{"x": {"unmapped_type": "long"}}]}),
    "scores": ("POST", "{}/_search", {"query": {"nested": {"path": "copies", "query": ALL}}}),
    "highlight": ("POST", "{}/_search", {"highlight": {}}),
    "number": (
        "POST",
        "{}/_search",
        {"query": {"query_string": LIKE_OURS | {"query": "a\\u0062"}}},
    ),
    "U+0E01": (
        "POST",
        "{}/_search",
        {"query": {"query_string": LIKE_OURS | {"query": "\u0e01"}}},
    ),
    "cross_fields": ("POST", "{}/_search", {"query": {"query_string": {"query": "a"}}}),
    "script": ("POST", "{}/_update/1", {"script": {}}),
    "routing": ("PUT", "{}/_doc/1?routing=x", {"hash": "1"}),
    "analysis": ("PUT", "{}-other", {"settings": {"analysis": {"x": 1}}}),
    "rank_feature": (
        "PUT",
        "{}-other",
        {"mappings": {"properties": {"x": {"type": "rank_feature"}}}},
    ),
    "made up": ("PUT", "{}-other/_doc/1", {"hash": "1"}),
    "path": ("GET", "_cat/indices", None),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_the_stand_in_does_not_know_it_refuses_by_name(name: str) -> None:
    method, path, body = UNKNOWN[name]
    with MemoryIndex() as server:
        connection = Connection(Address((server.url,), server.user, server.password))
        Engine(connection, "test").catalog({"1": {"hash": "1", "title": "\u0e01"}})
        with pytest.raises(CatalogIndexError) as refused:
            connection.request(method, f"/{path.format('test')}", body)
        connection.close()
    assert (refused.value.status, refused.value.kind) == (501, "not_emulated")
    assert name in refused.value.message
    assert [name in told for told in server.cluster.not_emulated] == [True]
