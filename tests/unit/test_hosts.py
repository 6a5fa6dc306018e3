"""Inodes and roots are those of one machine: what another one recorded is never believed,
and never taken for news.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.domain.asset import Entry
from catalog.domain.copies import (
    RecordedFile,
    copy_row,
    flat,
    identity,
    is_link,
    is_renumbered,
    is_same_inode,
    read_recorded,
    recorded_identity,
    sidecar_row,
)
from catalog.domain.roots import MOST, roots_of, seen_from, with_root
from catalog.domain.stacks import Candidate
from catalog.features.reconcile.matches import by_content, by_identity, says_nothing_new
from catalog.features.reconcile.plan import Touch
from catalog.features.reconcile.records import Comparison
from catalog.stores import machine
from catalog.stores.local.store import LocalStore

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
T = 1_600_000_000_123_456_789
HERE = Entry("a.jpg", 100, T, T, 7, 8, host="here")


def known(**changes: Any) -> RecordedFile:
    """What was recorded of a file by the machine `here`."""
    return replace_row(read_recorded(copy_row("nas", HERE, NOW, NOW), "h"), changes)


def replace_row(value: RecordedFile, changes: dict[str, Any]) -> RecordedFile:
    return value._replace(**changes)


# --- what is recorded -----------------------------------------------------------------------------


def test_a_row_tells_on_which_machine_its_numbers_count() -> None:
    expected = {"device": 7, "inode": 8, "host": "here", "ctime_ns": T}
    for row in (copy_row("nas", HERE, NOW, NOW), sidecar_row("nas", HERE, "h")):
        assert {name: row[name] for name in expected} == expected
    far = copy_row("dropbox", replace(HERE, host=""), NOW, NOW)
    assert (far["device"], far["inode"]) == (7, 8) and not {"host", "ctime_ns"} & far.keys()
    none = copy_row("s3", replace(HERE, inode=0), NOW, NOW)
    assert not expected.keys() & none.keys()


def test_a_local_store_tells_which_machine_it_is_on(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    store = LocalStore("x", tmp_path, managed=False)
    (entry,) = store.list()
    assert entry.host == machine.machine_id() and entry == store.stat("a.jpg")


def test_a_machine_is_known_by_its_id_and_without_one_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*texts: str) -> str:
        paths = [tmp_path / str(number) for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text)
        monkeypatch.setattr(machine, "ID_FILES", (tmp_path / "none", *paths))
        return machine.machine_id.__wrapped__()

    first = asked("3d1219c7c4c5404aaa1f6d2a48adfda4\n")
    assert (
        first
        == asked("", "3d1219c7c4c5404aaa1f6d2a48adfda4")
        == asked("uninitialized\n", "3d1219c7c4c5404aaa1f6d2a48adfda4")
    )
    assert len(first) == 16 and first not in "3d1219c7c4c5404aaa1f6d2a48adfda4", (
        "the id itself is told to nobody"
    )
    monkeypatch.setattr(machine.os, "uname", lambda: SimpleNamespace(nodename="one"))
    by_name = asked("")
    monkeypatch.setattr(machine.os, "uname", lambda: SimpleNamespace(nodename="two"))
    assert len({first, by_name, asked("")}) == 3


# --- what is believed -----------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["there", ""], ids=["another machine", "of an older version"])
def test_an_inode_of_another_machine_recognises_nothing(host: str) -> None:
    renamed = replace(HERE, path="b/a.jpg")
    mine, other = known(), known(host=host)
    assert recorded_identity(mine) == identity(renamed) and recorded_identity(other) != identity(
        renamed
    )
    assert len(by_identity(Comparison([Candidate(renamed)], {}, [mine]), [])) == 1
    assert by_identity(Comparison([Candidate(renamed)], {}, [other]), []) == []
    assert by_identity(Comparison([Candidate(renamed)], {}, []), [other]) == [], (
        "nor is it a link to a file that is there"
    )


def test_what_a_store_numbers_itself_counts_everywhere() -> None:
    renamed = replace(HERE, path="b/a.jpg", host="")
    assert len(by_identity(Comparison([Candidate(renamed)], {}, [known(host="")]), [])) == 1


def test_another_number_is_a_sign_of_another_file_on_one_machine_only() -> None:
    other = replace(HERE, inode=9)
    assert (
        is_renumbered(other, known())
        and not is_same_inode(other, known())
        and not is_link(other, known())
    )
    assert is_renumbered(other, known(host="")), (
        "who does not say where is held against it: that only leads to reading"
    )
    assert not is_renumbered(other, known(host="there")) and is_same_inode(
        other, known(host="there")
    )
    assert (
        is_link(HERE, known())
        and is_link(HERE, known(host=""))
        and not is_link(HERE, known(host="there"))
    )
    assert not is_renumbered(replace(other, device=1), known()), (
        "as another mount of a share has it"
    )


def test_rot_is_seen_from_any_machine_and_an_exchanged_file_is_none() -> None:
    older = replace(HERE, ctime_ns=int(NOW.timestamp()) * 10**9 - 1)
    for record, entry, name in (
        (known(), HERE, "damaged"),
        (known(host="there", inode=9), HERE, "damaged"),
        (known(inode=9), HERE, ""),
        (known(), older, ""),
        (known(host="there"), older, ""),
        (known(ctime_ns=0), older, "damaged"),
        (known(ctime_ns=0), replace(older, ctime_ns=older.ctime_ns + 2 * 10**6), ""),
    ):
        actions, _ = by_content(
            Comparison([Candidate(entry)], {"a.jpg": record}, []), {"a.jpg": "other"}
        )
        assert [a.name for a in actions] == ([name] if name else []), record


def test_a_file_that_was_read_anyway_is_no_news_where_only_the_machine_is_another() -> None:
    assert says_nothing_new(Touch(known(), HERE))
    assert says_nothing_new(Touch(known(host="there", device=1, inode=2), HERE))
    assert says_nothing_new(Touch(known(host=""), HERE)), "it is written when something else is"
    assert not says_nothing_new(Touch(known(inode=9), HERE))
    assert not says_nothing_new(Touch(known(inode=9, host=""), HERE))
    assert not says_nothing_new(Touch(known(mtime_ms=5), HERE))
    assert not says_nothing_new(Touch(known(state="missing"), HERE))


# --- how many copies there are --------------------------------------------------------------------


def rows(*files: tuple[str, int, str]) -> list[dict[str, Any]]:
    """Rows of (store, inode, host)."""
    return [
        {
            "store": store,
            "path": f"{n}.jpg",
            "state": "ok",
            "device": 1,
            "inode": inode,
            **({"host": host} if host else {}),
        }
        for n, (store, inode, host) in enumerate(files)
    ]


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ([("nas", 1, "a"), ("nas", 1, "a")], 1),
        ([("nas", 1, "a"), ("nas", 2, "a")], 2),
        ([("nas", 1, "a"), ("disk", 1, "b")], 2),
        ([("nas", 1, ""), ("nas", 1, "")], 1),
        ([("nas", 1, ""), ("nas", 1, "a")], 1),
        ([("nas", 1, ""), ("nas", 1, "a"), ("disk", 1, "b")], 2),
        ([("nas", 0, ""), ("nas", 0, "")], 2),
    ],
)  # a number that is the same on two machines is no link; what does not tell its machine may be one
def test_links_are_one_copy(files: list[tuple[str, int, str]], count: int) -> None:
    assert flat(rows(*files))["copy_count"] == count


@given(
    st.lists(
        st.tuples(st.just("nas"), st.integers(0, 3), st.sampled_from(["", "a", "b"])), max_size=8
    )
)
def test_never_more_copies_than_paths_and_never_more_for_knowing_less(
    files: list[tuple[str, int, str]],
) -> None:
    count = flat(rows(*files))["copy_count"]
    assert bool(files) <= count <= len(files)
    assert flat(rows(*((s, i, "") for s, i, _host in files)))["copy_count"] <= count


# --- where a store is -----------------------------------------------------------------------------


def test_each_machine_finds_a_store_where_it_saw_it_last() -> None:
    record = {"name": "disk", "root": "/old"}
    assert seen_from(record, "a") == record and roots_of(record) == ["/old"]
    record = with_root(record, "a", "laptop", "/mnt/a", "2026-01-01")
    record = with_root(record, "b", "tower", "/mnt/b", "2026-01-02")
    assert record["root"] == "/mnt/b", "the last one"
    assert [seen_from(record, host)["root"] for host in ("a", "b", "c")] == [
        "/mnt/a",
        "/mnt/b",
        "/mnt/b",
    ]
    moved = with_root(record, "a", "laptop", "/media/a", "2026-01-03")
    assert (seen_from(moved, "a")["root"], seen_from(moved, "b")["root"]) == ("/media/a", "/mnt/b")
    assert len(moved["roots"]) == 2 and roots_of(moved) == ["/media/a", "/mnt/b"]
    assert moved["roots"][0] == {
        "host": "a",
        "name": "laptop",
        "root": "/media/a",
        "seen": "2026-01-03",
    }


def test_the_machines_that_are_remembered_do_not_grow_for_ever() -> None:
    record: dict[str, Any] = {"root": "/x"}
    for number in range(MOST + 20):
        record = with_root(record, f"h{number}", "container", "/nas", f"2026-01-{number:04d}")
    assert [row["host"] for row in record["roots"]] == [f"h{n}" for n in range(MOST + 19, 19, -1)]
