"""Every question that the program asks of a catalog, answered alike by both engines."""

from __future__ import annotations

from threading import Barrier, Thread
from typing import Any, cast

import pytest
from engines import Engine

from catalog.domain.document import AssetDocument, EventRow, HandoverRow, StoreRecord
from catalog.domain.edits import Edit
from catalog.errors import AssetNotFound, CatalogIndexError
from catalog.features.health import comparison
from catalog.features.inspection import history, lookup
from catalog.features.lookalikes import decisions
from catalog.index import queries
from catalog.index.editor import Editor
from catalog.index.handovers import Handovers
from catalog.index.repository import Repository

A, B, C = ("a" * 64, "b" * 64, "ab" + "c" * 62)


def row(store: str, path: str, state: str = "ok") -> dict[str, Any]:
    return {"store": store, "path": path, "state": state, "size": 1}


ASSETS: dict[str, dict[str, Any]] = {
    A: {
        "hash": A,
        "size": 10,
        "checksums": {"sha1": "one"},
        "copies": [row("nas", "2019/a.jpg"), row("far", "a.jpg")],
        "stores": ["far", "nas"],
        "copy_count": 2,
        "paths": ["2019/a.jpg", "a.jpg"],
        "captured": {"wall": "2019-07-12T18:30:15.000"},
        "sidecars": [{"store": "nas", "path": "2019/a.xmp", "hash": "x"}],
        "original": {"path": "/card/a.jpg", "name": "a.jpg"},
    },
    B: {
        "hash": B,
        "size": 10,
        "checksums": {"sha1": "two"},
        "copies": [row("nas", "2020/b.jpg", "missing"), row("far", "2019/a.jpg")],
        "stores": ["far"],
        "copy_count": 1,
        "paths": ["2019/a.jpg"],
        "captured": {"wall": "2020-01-01T00:00:00.000"},
    },
    C: {
        "hash": C,
        "size": 30,
        "checksums": {"sha1": "two", "md5": "m"},
        "copies": [],
        "copy_count": 0,
        "renditions": [A],
        "sidecars": [{"store": "far", "path": "2020/b.jpg", "hash": "x"}],
    },
}
EVENTS: dict[str, dict[str, Any]] = {
    "1": {"run": "r1", "at": "2020-01-01", "action": "add", "hash": A, "path": "2018/a.jpg"},
    "2": {
        "run": "r2",
        "at": "2020-01-02",
        "action": "move",
        "hash": A,
        "store": "nas",
        "source": "2018/a.jpg",
        "path": "2019/a.jpg",
    },
    "3": {
        "run": "r3",
        "at": "2020-01-03",
        "action": "move",
        "hash": B,
        "store": "far",
        "undoes": "r2",
    },
    "4": {
        "run": "r3",
        "at": "2020-01-04",
        "action": "forget",
        "hash": "d",
        "before": {"document": {"hash": "d"}},
    },
    "5": {
        "run": "r4",
        "at": "2020-01-05",
        "action": "trash",
        "hash": C,
        "store": "nas",
        "path": "c.xmp",
        "before": {"sidecars": [{"hash": "x", "path": "c.xmp"}]},
    },
    "6": {"run": "r4", "at": "2020-01-06", "action": "repair", "hash": C, "trash": "t.jpg"},
}


@pytest.fixture
def catalog(engine: Engine) -> Repository:
    found = engine.catalog(ASSETS)
    index = f"{found.alias}-events"
    for key, event in EVENTS.items():
        where = {"create": {"_index": index, "_id": key}}
        found.bulk([where, cast("EventRow", {"command": "test"} | event)])
    found.refresh()
    return found


def hashes(catalog: Repository, query: Any) -> str:
    """The first letters of what a query finds, in order; C is shown as c."""
    names = {A: "a", B: "b", C: "c"}
    pages = catalog.scan_pages(query, sort=queries.BY_HASH)
    return "".join(sorted(names[hit["_id"]] for page in pages for hit in page))


def test_assets_by_id(catalog: Repository) -> None:
    assert catalog.known([A, "none"]).keys() == {A}
    known = catalog.known([B])[B]
    assert list(known.copies) == ASSETS[B]["copies"] and known.checksums == {"sha1": "two"}
    assert catalog.known([]) == {}
    assert {k: d for k, (d, _s, _t) in catalog.documents([A, B, "none"]).items()} == {
        A: ASSETS[A],
        B: ASSETS[B],
    }
    assert catalog.get(C) == ASSETS[C]
    with pytest.raises(AssetNotFound):
        catalog.get("none")


def test_assets_by_what_they_are(catalog: Repository) -> None:
    assert catalog.known_by("sha1", ["one", "two", "three"]) == {"one": A}
    assert catalog.known_by("md5", ["m"]) == {"m": C}
    assert catalog.known_by("md5", []) == {}
    assert catalog.known_sizes([10, 20, 30]) == {10, 30}
    assert queries.by_prefix(catalog, "bb") == [B]
    assert sorted(queries.by_prefix(catalog, "a")) == sorted([A, C])


def test_assets_by_where_they_are(catalog: Repository) -> None:
    assert sorted(queries.by_path(catalog, "2019/a.jpg")) == [A, B]
    assert queries.by_path(catalog, "2019/a.jpg", "nas") == [A]
    assert queries.by_path(catalog, "2020/b.jpg", "nas") == [B]
    assert queries.by_path(catalog, "2019/a.jpg", "none") == []
    found = queries.at_paths(catalog, "far", ["2019/a.jpg", "a.jpg", "2020/b.jpg"])
    assert {path: document["hash"] for path, document in found.items()} == {
        "2019/a.jpg": B,
        "a.jpg": A,
    }
    places = [("nas", "2019/a.jpg"), ("nas", "2020/b.jpg"), ("far", "2020/b.jpg")]
    assert queries.claimants(catalog, places) == {
        places[0]: {A},
        places[1]: set(),
        places[2]: {C},
    }
    assert hashes(catalog, queries.of_store("nas")) == "ab"
    assert hashes(catalog, queries.of_stores(["far"])) == "abc"
    assert queries.sidecar_rows(catalog, "x") == [
        {"store": "nas", "path": "2019/a.xmp", "hash": "x"},
        {"store": "far", "path": "2020/b.jpg", "hash": "x"},
    ]


def test_assets_that_lack_copies(catalog: Repository) -> None:
    everything = queries.build("")
    assert hashes(catalog, queries.require_lacking(catalog, everything, 2, [])) == "b"
    assert hashes(catalog, queries.require_lacking(catalog, everything, 0, ["nas"])) == "b"
    assert hashes(catalog, queries.require_lacking(catalog, everything, 3, [])) == "ab"
    assert (
        hashes(catalog, queries.require_lacking(catalog, queries.build("taken:2019"), 3, [])) == "a"
    )
    assert hashes(catalog, queries.require_lacking(catalog, everything, 0, [])) == "abc"
    policies = [queries.Policy("", 2), queries.Policy("taken:2019", 0, ("nas", "none"))]
    found = [(s.assets, s.state) for s in queries.shortfalls(catalog, policies)]
    assert found == [(1, ""), (1, ""), (0, "damaged"), (1, "missing")]


def test_stores_compared(catalog: Repository) -> None:
    def paths(store: str, other: str, year: str) -> list[list[str]]:
        return list(comparison._paths_only_in(catalog, store, other, year))

    assert paths("far", "nas", "") == [["2019/a.jpg"]]
    assert paths("far", "", "") == [["a.jpg"], ["2019/a.jpg"]]
    assert paths("far", "", "2019") == [["a.jpg"]]
    assert paths("far", "", "2021") == []


def test_what_one_word_of_a_person_means(catalog: Repository) -> None:
    assert lookup.find(catalog, "a.jpg") == A
    assert lookup.find(catalog, "nas:2020/b.jpg") == B
    assert lookup.find(catalog, "abcc") == C
    assert lookup.find(catalog, "/card/a.jpg") == A
    for nothing in ("aa", "none:a.jpg", "/card"):
        with pytest.raises(AssetNotFound):
            lookup.find(catalog, nothing)


def test_what_happened(catalog: Repository) -> None:
    def actions(events: Any) -> list[str]:
        return [event["action"] for event in events]

    assert actions(catalog.history.of_asset(A)) == ["add", "move"]
    assert actions(catalog.history.of_run("r3")) == ["move", "forget"]
    assert actions(catalog.history.undoing("r2")) == ["move"]
    assert catalog.history.forgotten_document("d") == {"hash": "d"}
    assert catalog.history.forgotten_document(A) is None
    assert queries.find_repaired(catalog) == {"t.jpg"}
    assert [e["path"] for e in queries.renames(catalog, [A, B], ["nas"])] == ["2019/a.jpg"]
    assert queries.owners_of_sidecar(catalog, "nas", "c.xmp", "x") == [C]
    assert queries.owners_of_sidecar(catalog, "nas", "c.xmp", "y") == []
    runs = {run.run: (run.began, dict(run.actions)) for run in history._summaries(catalog)}
    assert runs == {
        "r1": ("2020-01-01T00:00:00.000Z", {"add": 1}),
        "r2": ("2020-01-02T00:00:00.000Z", {"move": 1}),
        "r3": ("2020-01-03T00:00:00.000Z", {"move": 1, "forget": 1}),
        "r4": ("2020-01-05T00:00:00.000Z", {"trash": 1, "repair": 1}),
    }


def test_runs_in_several_pages(catalog: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_RUNS_AT_ONCE", 2)
    assert [run.run for run in history._summaries(catalog)] == ["r1", "r2", "r3", "r4"]


def test_records_of_stores(catalog: Repository) -> None:
    assert catalog.stores.read("nas") is None and catalog.stores.read_all() == []
    for name in ("nas", "a/b é"):
        catalog.stores.write(
            cast("StoreRecord", {"name": name, "id": f"id of {name}", "kind": "x"})
        )
    catalog.stores.write(cast("StoreRecord", {"name": "nas", "id": "other"}))
    assert catalog.stores.read("nas") == {"name": "nas", "id": "other"}
    assert catalog.stores.read_ids() == {"nas": "other", "a/b é": "id of a/b é"}
    uuid = catalog.stores.read_uuid()
    assert uuid and uuid == catalog.stores.read_uuid()


def test_decisions(catalog: Repository) -> None:
    said = [("not duplicate", A, B), ("not bad", C, C)]
    assert decisions.remember(catalog, said, "r1") == said
    assert decisions.remember(catalog, said, "r2") == []
    catalog.refresh()
    assert decisions.find_decided(catalog, ["not duplicate"]) == {(A, B)}
    assert decisions.find_decided(catalog, ["not duplicate", "not bad"]) == {(A, B), (C, C)}
    key = decisions.key_of(*said[0])
    decisions.unremember(catalog, key, "r2")
    decisions.unremember(catalog, key, "r1")
    catalog.refresh()
    assert decisions.find_decided(catalog, ["not duplicate", "not bad"]) == {(C, C)}


def test_handovers(catalog: Repository) -> None:
    handovers = Handovers(catalog)

    def change(name: str, record: HandoverRow | None) -> None:
        handovers.change("icloud", name, lambda _before: record, "stage", run="r", command="c")

    def staged(name: str, folder: str | None) -> HandoverRow:
        found = {"target": "icloud", "hash": name, "staged": f"s{name}", "at": f"202{len(name)}"}
        return cast("HandoverRow", found | ({"folder": folder} if folder else {}))

    for name, folder in (("a", "y"), ("bb", "x"), ("c", None)):
        change(name, staged(name, folder))
    change("a", staged("a", "z"))
    change("none", None)
    assert handovers.known("icloud", ["a", "none"]) == {"a": staged("a", "z")}
    assert handovers.known("other", ["a"]) == {}
    catalog.refresh()
    assert [record["hash"] for record in handovers.all("icloud")] == ["c", "bb", "a"]
    assert list(handovers.all("other")) == []
    assert handovers.of_staged("icloud", ["sa", "sx"]) == {"sa": staged("a", "z")}
    change("a", None)
    assert handovers.known("icloud", ["a"]) == {}
    assert len(catalog.history.of_run("r")) == 4, "telling the same again is one event"


def test_edits_of_one_asset_by_many_are_all_kept(catalog: Repository) -> None:
    together = Barrier(4)

    def tag(number: int) -> None:
        def tagged(document: AssetDocument | None) -> AssetDocument | None:
            assert document
            return {**document, "tags": [*document.get("tags", []), f"{number}"]}

        together.wait()
        edits = [Edit(A, "tag", tagged, {"path": f"{number}"})]
        assert Editor(catalog, run=f"run{number}", command="test").apply(edits) == ["done"]

    threads = [Thread(target=tag, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(catalog.get(A)["tags"]) == ["0", "1", "2", "3"]
    catalog.refresh()
    assert [len(catalog.history.of_run(f"run{n}")) for n in range(4)] == [1] * 4


def test_edits_that_come_to_nothing(catalog: Repository) -> None:
    def refuse(_document: AssetDocument | None) -> AssetDocument | None:
        raise ValueError("not so")

    def spoil(document: AssetDocument | None) -> AssetDocument | None:
        return cast("AssetDocument", {**(document or {}), "unheard_of": 1})

    edits = [
        Edit(A, "same", lambda document: document, {}),
        Edit(B, "refuse", refuse, {}),
        Edit(C, "spoil", spoil, {}),
        Edit("new", "create", lambda _document: cast("AssetDocument", {"hash": "new"}), {}),
        Edit("gone", "delete", lambda _document: None, {}),
    ]
    outcomes = Editor(catalog, run="run", command="test").apply(edits)
    assert outcomes[:2] == ["unchanged", "not so"]
    assert outcomes[2].startswith("the index refused the record: ") and "unheard_of" in outcomes[2]
    assert outcomes[3:] == ["done", "unchanged"]
    catalog.refresh()
    assert catalog.get(C) == ASSETS[C] and catalog.get("new")["hash"] == "new"


def test_a_catalog_that_is_gone_is_told(engine: Engine) -> None:
    gone = Repository(engine.connection, f"{engine.name}-none")
    for ask in (lambda: gone.known([A]), lambda: gone.count({}), lambda: gone.history.of_run("r")):
        with pytest.raises(CatalogIndexError):
            ask()
