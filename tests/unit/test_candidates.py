"""What is passed over by its name alone."""

from __future__ import annotations

import pytest

from catalog.domain.asset import Entry
from catalog.domain.candidates import sort_candidates


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("IMG_1.jpg.part", "not yet received whole, by its extension"),
        ("IMG_2.jpg.crdownload", "not yet received whole, by its extension"),
        ("~syncthing~IMG_4.jpg.tmp", "not yet received whole, by its extension"),
        ("IMG_5.jpg.ocTransferId42.part", "not yet received whole, by its extension"),
        ("IMG_7.jpg.!sync", "not yet received whole, by its extension"),
        ("Photos.photoslibrary/originals/0/1.jpeg", "a file of a photo program's own library"),
        ("2019/Lightroom Previews.lrdata/0/1.jpg", "a file of a photo program's own library"),
        ("2019/@eaDir/IMG_1.jpg", "a file that the system keeps for itself"),
        ("2019/Thumbs.db", "a file that the system keeps for itself"),
        (".hidden/IMG_1.jpg", "hidden"),
    ],
)
def test_what_is_no_photo_of_a_person_is_ignored_with_the_reason(path: str, reason: str) -> None:
    candidates, skipped = sort_candidates([Entry(path, 5)])
    assert not candidates
    assert [(s.reason, s.outcome) for s in skipped] == [(reason, "ignored")]


@pytest.mark.parametrize("path", ["IMG_1.jpg", "part.jpg", "tmp/IMG_1.jpg", "a.photoslibrary.jpg"])
def test_a_photo_is_a_candidate(path: str) -> None:
    candidates, skipped = sort_candidates([Entry(path, 5)])
    assert [c.entry.path for c in candidates] == [path]
    assert not skipped


def test_what_is_recorded_at_its_path_stays_a_candidate() -> None:
    """An earlier version took such files in: they are there still."""
    candidates, _skipped = sort_candidates([Entry("a.part", 5), Entry("b.part", 5)], {"a.part"})
    assert [c.entry.path for c in candidates] == ["a.part"]
