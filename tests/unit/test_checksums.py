"""Checksums by kind.

The strongest that both sides have decides, and what proves nothing never does.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.domain.checksums import (
    CONTENT,
    HINTS,
    NONE,
    PROOFS,
    agree,
    beside_the_content_hash,
    can_prove,
    select_recorded,
    strongest,
    strongest_common,
)

stated = st.dictionaries(st.sampled_from([*PROOFS, *HINTS, "etag"]), st.sampled_from(["a", "b"]))


@pytest.mark.parametrize(
    ("one", "other", "kind", "same"),
    [
        ({}, {"sha1": "a"}, None, None),
        ({"sha1": "a"}, {"sha1": "a"}, "sha1", True),
        ({"sha1": "a"}, {"sha1": "b"}, "sha1", False),
        ({"sha1": "a", "md5": "x"}, {"sha1": "a", "md5": "y"}, "sha1", True),
        ({"sha1": "a", "sha256": "x"}, {"sha1": "a", "sha256": "y"}, "sha256", False),
        ({"dropbox": "a", "sha256": "x"}, {"dropbox": "a", "sha256": "y"}, "dropbox", True),
        ({"sha1": "a"}, {"sha256": "a"}, None, None),
        ({"sha1": ""}, {"sha1": ""}, None, None),
        ({"crc32": "a"}, {"crc32": "a"}, None, None),
        ({"crc32": "a"}, {"crc32": "b"}, None, False),
        ({"crc32": "a", "md5": "x"}, {"crc32": "b", "md5": "x"}, "md5", True),
        ({"etag": "a"}, {"etag": "a"}, None, None),
        ({"etag": "a"}, {"etag": "b"}, None, None),
    ],
)
def test_the_strongest_kind_in_common_decides(
    one: Mapping[str, str], other: Mapping[str, str], kind: str | None, same: bool | None
) -> None:
    assert strongest_common(one, other) == kind
    assert agree(one, other) is same


@given(stated, stated)
def test_it_does_not_matter_who_is_asked(one: Mapping[str, str], other: Mapping[str, str]) -> None:
    assert agree(one, other) is agree(other, one)
    assert strongest_common(one, other) == strongest_common(other, one)
    assert agree(one, one) is (True if strongest(one) else None)


def test_what_is_recorded_of_a_content_is_its_hash_and_more() -> None:
    assert select_recorded("h") == {CONTENT: "h"}
    assert select_recorded("h", {"sha1": "a", "dropbox": "wrong"}) == {CONTENT: "h", "sha1": "a"}
    assert NONE == {}


def test_stores_are_compared_by_what_they_state() -> None:
    assert [
        can_prove(kinds) for kinds in ([], ["etag"], ["crc32"], ["etag", "sha1"], ["dropbox"])
    ] == [
        False,
        False,
        False,
        True,
        True,
    ]
    assert beside_the_content_hash(["etag", "md5", "crc32", "sha256"]) == ("sha256", "md5", "crc32")
    assert beside_the_content_hash(["sha1", "dropbox"]) == ()
