"""Single fields of hits, and how far an index was written, told alike by both engines."""

from __future__ import annotations

from typing import Any

import pytest
from engines import Engine

from catalog.domain.timeline import FIELDS, MOMENTS, Row, read_row
from catalog.errors import CatalogIndexError
from catalog.features.timeline.index import scan_rows
from catalog.index import requests
from catalog.index.client import Query
from catalog.index.requests import (
    changed_since,
    count_at,
    point_in_time,
    read_progress,
    scan_fields,
)

A, B = "a" * 64, "b" * 64
FULL: dict[str, Any] = {
    "hash": A,
    "size": 5_000_000_000,
    "kind": "image",
    "type": "jpeg",
    "captured": {"wall": "1931-02-03T04:05:06.007", "precision": "second"},
    "width": 400,
    "height": 300,
    "favorite": True,
    "live_id": "L",
    "copy_count": 2,
    "stack": {"id": "s"},
    "quality": {"focus": 3.0, "brightness": 127.5},
    "paths": ["z/b.jpg", "a/b.jpg", "a/b.jpg"],
    "albums": ["Sea", "Äpfel"],
    "private": ["bert", "anna"],
    "place": {"city": "Ghent", "country": "Belgium"},
    "camera": {"model": "EOS"},
    "added": "2026-01-02T03:04:05.678Z",
}
LEAST: dict[str, Any] = {"hash": B, "captured": {"wall": "0100-01-01", "precision": "year"}}
EVERYTHING: Query = {"match_all": {}}


def rows_of(engine: Engine, query: Query = EVERYTHING) -> dict[str, Row]:
    repository = engine.catalog()
    with point_in_time(engine.connection, engine.name) as pit:
        pages = scan_rows(repository, pit, query, ())
        return {row.hash.hex(): row for page in pages for row in page}


def test_single_fields_of_hits_are_told_without_their_documents(engine: Engine) -> None:
    engine.catalog({A: FULL, B: LEAST})
    moments: list[str | Query] = [{"field": m, "format": "epoch_millis"} for m in MOMENTS]
    with point_in_time(engine.connection, engine.name) as pit:
        pages = scan_fields(engine.connection, pit, EVERYTHING, [*FIELDS, *moments])
        first, second = sorted((f for page in pages for f in page), key=lambda f: f["hash"])
    assert first == {
        "hash": [A],
        "size": [5_000_000_000],
        "kind": ["image"],
        "type": ["jpeg"],
        "captured.wall": ["-1227902093993"],
        "captured.precision": ["second"],
        "width": [400],
        "height": [300],
        "favorite": [True],
        "live_id": ["L"],
        "copy_count": [2],
        "stack.id": ["s"],
        "quality.focus": [3.0],
        "quality.brightness": [127.5],
        "paths": ["a/b.jpg", "z/b.jpg"],
        "albums.keyword": ["Sea", "Äpfel"],
        "private": ["anna", "bert"],
        "place.city.keyword": ["Ghent"],
        "place.country.keyword": ["Belgium"],
        "camera.model.keyword": ["EOS"],
        "added": ["1767323045678"],
    }
    assert second == {
        "hash": [B],
        "captured.wall": ["-59011459200000"],
        "captured.precision": ["year"],
    }
    assert rows_of(engine) == {A: read_row(first), B: read_row(second)}


@pytest.mark.parametrize("at_once", [1, 2])
def test_pages_hold_the_fields_of_every_hit_once(
    node_engine: Engine, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(requests, "FIELDS_PAGE", 7)
    names = [f"{number:064x}" for number in range(50)]
    node_engine.catalog({name: {"hash": name} for name in names})
    with point_in_time(node_engine.connection, node_engine.name) as pit:
        asked = (node_engine.connection, pit, EVERYTHING, ["hash"])
        pages = list(scan_fields(*asked, slices=at_once))
        assert sorted(f["hash"][0] for page in pages for f in page) == names
        assert max(map(len, pages)) == 7
        for _page in scan_fields(*asked, slices=at_once):
            break  # whoever has seen enough leaves no thread behind
        with pytest.raises(CatalogIndexError):
            list(scan_fields(node_engine.connection, "none", EVERYTHING, ["hash"], slices=at_once))


def test_an_index_tells_how_far_it_was_written_and_what_was_changed_since(engine: Engine) -> None:
    repository = engine.catalog()
    empty = read_progress(engine.connection, engine.name)
    assert empty.reached == (-1,)
    engine.catalog({A: FULL, B: LEAST})
    both = read_progress(engine.connection, engine.name)
    assert (both.index, both.reached) == (empty.index, (1,))
    assert rows_of(engine, changed_since(empty.reached)).keys() == {A, B}
    assert rows_of(engine, changed_since(both.reached)) == {}
    where = {"_index": engine.name, "_id": A}
    engine.connection.bulk([{"index": where}, {**FULL, "size": 7}])
    again = read_progress(engine.connection, engine.name)
    assert again.reached == (2,)
    assert {r.size for r in rows_of(engine, changed_since(both.reached)).values()} == {7}
    engine.connection.bulk([{"delete": where}])
    repository.refresh()
    assert read_progress(engine.connection, engine.name).reached == (3,)
    assert rows_of(engine, changed_since(again.reached)) == {}
    with point_in_time(engine.connection, engine.name) as pit:
        assert count_at(engine.connection, pit, EVERYTHING) == 1
    with pytest.raises(CatalogIndexError):
        read_progress(engine.connection, f"{engine.name}-none")
