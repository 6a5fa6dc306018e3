"""What assets of the same device around a moment state of its clock."""

from __future__ import annotations

from datetime import UTC, datetime

from catalog.domain.copies import timestamp
from catalog.domain.document import AssetDocument
from catalog.domain.neighbour_clocks import (
    AROUND,
    IN_UTC,
    Device,
    Moment,
    NeighbourClock,
    is_told_apart,
)
from catalog.index.client import Query
from catalog.index.repository import Repository

_MOST = 100


def find_clocks(repository: Repository, moment: Moment) -> list[NeighbourClock]:
    """The nearest one before and the nearest one after, of the same folder; as of the last
    refresh. They are looked for among the nearest hundred of that folder and those below it.
    """
    utc = moment.utc.replace(tzinfo=UTC)
    first, instant, last = map(timestamp, (utc - AROUND, utc, utc + AROUND))
    before = _nearest(repository, moment, {"gte": first, "lt": instant}, "desc")
    after = _nearest(repository, moment, {"gte": instant, "lte": last}, "asc")
    if is_told_apart(device for device, _clock in (*before, *after)):
        return []
    return [clock for _device, clock in (*before[:1], *after[:1])]


def _nearest(
    repository: Repository, moment: Moment, when: Query, order: str
) -> list[tuple[Device, NeighbourClock]]:
    """See `domain.neighbour_clocks.clock_of` for what is no statement."""
    device = moment.device
    named: Query = (
        {"term": {"camera.model.keyword": device.model}}
        if device.model
        else {"term": {"camera.make": device.brand}}
    )
    places: list[Query] = [_below("original.path", moment.folder)]
    places += [_below("paths", folder) for folder in moment.beside]
    is_stated: list[Query] = [
        {"bool": {"must_not": [{"terms": {"captured.source": sorted(IN_UTC)}}]}},
        {"exists": {"field": "location"}},
    ]
    query = {
        "bool": {
            "filter": [
                named,
                {"range": {"captured.instant": when}},
                {"term": {"captured.has_time": True}},
                {"terms": {"captured.confidence": ["high", "medium"]}},
                {"bool": {"should": is_stated}},
                {"bool": {"should": places}},
            ],
            "must_not": [{"term": {"hash": moment.hash}}],
        }
    }
    body = {
        "query": query,
        "size": _MOST,
        "sort": [{"captured.instant": order}, {"hash": "asc"}],
        "_source": ["captured", "original", "paths", "camera"],
    }
    found: list[tuple[Device, NeighbourClock]] = []
    for hit in repository.search(body)["hits"]["hits"]:
        document: AssetDocument = hit["_source"]
        original = document.get("original", {"name": "", "path": ""})
        camera = document.get("camera", {})
        other = Device(camera.get("make", ""), camera.get("model", ""))
        if device.may_be(other) and moment.is_beside(original["path"], document.get("paths", ())):
            captured = document["captured"]
            instant = datetime.fromisoformat(captured["instant"]).replace(tzinfo=None)
            clock = NeighbourClock(instant, captured["offset_minutes"], original["name"])
            found.append((other, clock))
    return found


def _below(field: str, folder: str) -> Query:
    return {"prefix": {field: f"{folder}/"}} if folder else {"exists": {"field": field}}
