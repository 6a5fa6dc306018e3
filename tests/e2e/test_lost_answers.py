"""Answers of Elasticsearch are lost: what was written is written once, and no command fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from line import Line
from running import Lab, jpeg, put

from catalog.domain.fixity import content_hash

pytestmark = pytest.mark.node
PHOTOS = {f"{number}.jpg": jpeg(number) for number in range(6)}
HASHES = {content_hash(data) for data in PHOTOS.values()}


@pytest.fixture
def line(lab: Lab) -> Iterator[Line]:
    """The lab's commands reach its node over this line; the test's own questions do not need it."""
    assert lab.node
    made = Line(lab.node)
    lab.variables |= {"CATALOG_ELASTICSEARCH_URL": made.address.url, "CATALOG_RETRY_SECONDS": "20"}
    put(lab.source, PHOTOS)
    yield made
    made.close()


def events(lab: Lab) -> Counter[tuple[str, str]]:
    """How often the history says what of which asset."""
    return Counter((event["action"], event["hash"]) for event in lab.documents("events").values())


def test_an_upload_whose_writes_are_not_answered(lab: Lab, line: Line):
    line.loses = lambda _method, path, before: path == "_bulk" and before % 2 == 0
    done = lab.upload()
    assert (done.status, done.summary["new"], done.summary["failed"]) == (0, 6, 0)
    assert line.lost["_bulk"] >= 1
    assert events(lab) == {("add", digest): 1 for digest in HASHES}
    lab.check_no_ghosts()
    again = lab.upload()
    assert (again.status, again.summary["new"], again.summary["duplicate"]) == (0, 0, 6)
    assert {digest: len(d["copies"]) for digest, d in lab.documents().items()} == dict.fromkeys(
        HASHES, 1
    )


def test_a_tag_whose_write_is_not_answered(lab: Lab, line: Line):
    assert lab.upload().status == 0
    line.loses = lambda _method, path, before: path == "_bulk" and line.lost["_bulk"] == 0
    done = lab.catalog("tag", "--query", "kind:image", "--add", "beach", "--json")
    assert (done.status, line.lost["_bulk"]) == (0, 1)
    assert {digest: d["tags"] for digest, d in lab.documents().items()} == {
        digest: ["beach"] for digest in HASHES
    }
    assert {key: n for key, n in events(lab).items() if key[0] == "tag"} == {
        ("tag", digest): 1 for digest in HASHES
    }
    assert lab.catalog("undo", done.summary["run"]).status == 0
    assert not any("tags" in d for d in lab.documents().values())


def test_questions_that_are_not_answered_are_asked_again(lab: Lab, line: Line):
    assert lab.node and lab.upload(CATALOG_ELASTICSEARCH_URL=lab.node.url).status == 0
    line.loses = lambda method, path, before: (
        before == 0 and (method == "GET" or path in ("_refresh", "_pit", "_search"))
    )
    done = lab.catalog("search", "--format", "jsonl")
    assert (done.status, done.err) == (0, "")
    assert {document["hash"] for document in done.lines} == HASHES
    assert line.lost["_search"] == line.lost["_refresh"] == 1 and line.lost.total() >= 5


def test_a_cluster_of_which_one_node_is_dead(lab: Lab, line: Line):
    assert lab.node
    both = f"http://127.0.0.1:9,{lab.node.url}"
    for _ in range(3):  # whichever of the two is asked first
        done = lab.upload(CATALOG_ELASTICSEARCH_URL=both)
        assert (done.status, done.summary["failed"]) == (0, 0)
    assert set(lab.documents()) == HASHES
    refused = lab.catalog(
        "search", CATALOG_ELASTICSEARCH_URL="http://127.0.0.1:9,http://127.0.0.1:10"
    )
    assert refused.status == 5 and refused.err.startswith(
        "Error: Elasticsearch at http://127.0.0.1:9, http://127.0.0.1:10 does"
    )
