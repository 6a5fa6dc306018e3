"""What the scaler takes up and when, what it calls its results, where services listen, and which of
a picture and its rendition is kept.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_duplicates import document, groups, name

from catalog.config import Settings, load
from catalog.domain.asset import Entry
from catalog.domain.scaled_names import TEMPLATE, Source, scaled_names
from catalog.errors import ConfigError, UsageError
from catalog.features.scaling.plan import ABANDONED, SETTLED, Looks, Troubles, wanted
from catalog.work.service_address import Address, is_in_container, listening_address

ROOT = Path(__file__).parents[2]
NOW = 1_600_000_000


def entry(path: str = "Unknown_1.jpg", age: float = 0, size: int = 1, revision: str = "") -> Entry:
    return Entry(path, size, int((NOW - age) * 1e9), revision=revision)


# --- which, and when ------------------------------------------------------------------------------


def test_names_are_wanted_by_their_beginnings_in_their_case() -> None:
    entries = [entry(path) for path in ("Unknown_1.jpg", "unknown.jpg", "IMG_1.jpg", "a.jpg")]
    assert [e.path for e in wanted(entries, ("Unknown", "IMG"))] == ["Unknown_1.jpg", "IMG_1.jpg"]


def test_a_file_counts_as_whole_when_it_is_old_or_two_looks_saw_it_the_same() -> None:
    looks, now = Looks(), NOW * 10**9
    old, young = entry("old", SETTLED), entry("young")
    looks.take([old, young], 0)
    assert looks.is_settled(old, now) and not looks.is_settled(young, now)
    looks.take([old, young], 30)
    assert looks.is_settled(young, now)
    for changed in (entry("young", size=2), entry("young", revision="2")):
        looks.take([changed], 60)
        assert not looks.is_settled(changed, now)
    looks.take([], 90)
    looks.take([young], 120)
    assert not looks.is_settled(young, now), "it was gone in between"


def test_nobody_writes_a_file_that_has_not_changed_for_long_by_its_time_or_by_our_looks() -> None:
    looks, now = Looks(), NOW * 10**9
    ahead = entry("clock that is ahead", -ABANDONED)
    looks.take([ahead], 0)
    assert not looks.is_abandoned(ahead, ABANDONED - 1, now)
    assert looks.is_abandoned(ahead, ABANDONED, now)
    old = entry("old", ABANDONED)
    looks.take([old], 0)
    assert looks.is_abandoned(old, 0, now)


def test_what_fails_is_tried_again_after_growing_pauses_and_what_is_left_when_it_changes() -> None:
    troubles, one = Troubles(), entry()
    assert troubles.is_due(one, 0)
    assert troubles.add(one, 0, for_good=False) and not troubles.is_due(one, 59)
    assert troubles.is_due(one, 60) and not troubles.add(one, 60, for_good=False)
    assert not troubles.is_due(one, 179) and troubles.is_due(one, 180)
    assert troubles.is_due(entry(size=2), 61) and troubles.add(entry(size=2), 61, for_good=True)
    assert not troubles.is_due(entry(size=2), 1e9) and troubles.is_due(entry(size=3), 0)
    for _ in range(10):
        troubles.add(one, 0, for_good=False)
    assert not troubles.is_due(one, 1e9), "not for ever"
    troubles.keep([])
    assert troubles.is_due(entry(size=2), 0)


# --- names ----------------------------------------------------------------------------------------

TAKEN = datetime(2026, 1, 2, 3, 4, 5)


def names(template: str, original: str = "Unknown_1.JPG", digest: str = "0" * 64) -> list[str]:
    source = Source(original, TAKEN, digest, 2.0)
    return list(itertools.islice(scaled_names(template, source, "jpg"), 3))


def test_a_name_keeps_the_old_one_and_gets_a_number_where_it_is_taken() -> None:
    first = "Unknown_1_20260102030405_x2"
    assert names(TEMPLATE) == [f"{first}.jpg", f"{first}_1.jpg", f"{first}_2.jpg"]
    assert names("{hash}", digest="ab" * 32)[0] == "abababababab.jpg"


def test_a_number_of_the_template_follows_from_the_content_and_goes_on() -> None:
    template = "jh_rescaler_{time}_{number}"
    assert names(template) == [f"jh_rescaler_20260102030405_{n}.jpg" for n in (1, 2, 3)]
    assert names(template, digest="000003e7" + "0" * 56)[0].endswith("_1000.jpg")
    source = Source("a.jpg", TAKEN, "0" * 64, 2)
    many = list(itertools.islice(scaled_names(template, source, "jpg"), 1500))
    assert len(set(many)) == 1500


@given(st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=300))
def test_whatever_the_old_name_is_the_new_one_fits(original: str) -> None:
    first, second, _third = names(TEMPLATE, original)
    assert first != second and max(len(n.encode()) for n in (first, second)) <= 255


@pytest.mark.parametrize("template", ["{time}", "{place}_{original}", "a/{original}", ""])
def test_a_template_that_cannot_be_one_is_refused(template: str) -> None:
    with pytest.raises(ConfigError):
        load(None, scaled_name=template)
    assert Settings().scaled_name == TEMPLATE


# --- listening ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "inside", "wanted"),
    [
        (":9101", False, Address("127.0.0.1", 9101)),
        ("9101", False, Address("127.0.0.1", 9101)),
        (":9101", True, Address("0.0.0.0", 9101)),
        ("0.0.0.0:9101", False, Address("0.0.0.0", 9101)),
        ("127.0.0.1:9101", True, Address("127.0.0.1", 9101)),
        ("[::1]:9101", True, Address("::1", 9101)),
    ],
)
def test_a_bare_port_is_this_machine_alone_but_in_a_container(
    text: str, inside: bool, wanted: Address
) -> None:
    told: list[str] = []
    found = listening_address(text, "--metrics", told.append, in_container=inside)
    assert found == wanted
    assert len(told) == (text in (":9101", "9101")), "what a bare port came to is told, once"


@pytest.mark.parametrize("text", ["", ":", ":0", ":70000", "host", "a:b:1", "http://a:1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        listening_address(text, "--metrics", str, in_container=False)


def test_a_container_is_known_by_what_it_leaves(tmp_path: Path) -> None:
    sign = tmp_path / ".dockerenv"
    assert not is_in_container((sign,), {})
    assert is_in_container((sign,), {"KUBERNETES_SERVICE_HOST": "10.0.0.1"})
    sign.touch()
    assert is_in_container((sign,), {})


# --- in the catalog -------------------------------------------------------------------------------


def test_a_rendition_is_never_kept_in_place_of_what_it_was_made_of() -> None:
    plain = {"camera": {}, "software": ""}
    original = document("a", **plain)
    larger = document("b", scale=2, rendition_of=name("a"), **plain)
    (group,) = groups(original, larger, same=["ab"])
    assert group.keeper is None or group.keeper.hash == name("a")
    unlinked = document("b", scale=2, **plain)
    (group,) = groups(original, unlinked, same=["ab"])
    assert group.keeper is not None and group.keeper.hash == name("b")


# --- the script -----------------------------------------------------------------------------------


def test_the_script_starts_the_installed_program_with_what_it_is_given(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "scaler"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        [ROOT / "scaler" / "run.sh", "--once", "a b"],
        env={**os.environ, "SCALER_VENV": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "--frequency 30 --once a b\n"
