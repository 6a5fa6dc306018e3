"""Decisions about look-alikes: which ones can be meant, and how they are written and read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.domain.decisions import (
    COLUMNS,
    DECISIONS,
    KINDS,
    Decision,
    contradictions,
    group_id,
    parse_decision,
)
from catalog.errors import UsageError
from catalog.features.lookalikes.table import (
    EXTRA,
    parse_decisions,
    read_decisions,
    write_decisions,
)
from catalog.features.review.page import inert, page_group

A, B, C = ("a" * 64, "b" * 64, "c" * 64)
GROUP = "0123456789ab"
DROP = Decision(GROUP, "similar", "drop", B, "", A)
KEEP = Decision(GROUP, "similar", "keep", A, "", A)
EXACT = Decision(GROUP, "exact", "drop", A, "nas:2019/b;\n\"c\" 'd'.jpg", A)
BAD = Decision(GROUP, "bad", "drop", A)
HEADER = ";".join(COLUMNS)


def line(decision: Decision) -> str:
    return ";".join('"' + str(getattr(decision, name)).replace('"', '""') + '"' for name in COLUMNS)


def test_what_is_written_is_read(tmp_path: Path):
    notes = {DROP.member: ("smaller", "nas:b.jpg"), KEEP.member: ("largest", "nas:a.jpg")}
    write_decisions(tmp_path / "a.csv", [KEEP, DROP, EXACT, BAD], notes)
    data = (tmp_path / "a.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf" + ";".join([*COLUMNS, *EXTRA]).encode() + b"\r\n")
    found = read_decisions(tmp_path / "a.csv")
    assert found.decisions[:3] == [KEEP, DROP, EXACT]
    assert set(found.problems) == {6}, "one group is of one kind, but for copies"
    with pytest.raises(UsageError, match="is there already"):
        write_decisions(tmp_path / "a.csv", [])
    with pytest.raises(UsageError, match="cannot be written"):
        write_decisions(tmp_path / "none" / "a.csv", [])


@given(
    st.lists(
        st.tuples(
            st.sampled_from(DECISIONS),
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
        ),
        max_size=5,
    )
)
def test_any_path_comes_back(rows: list[tuple[str, str]]):
    import csv
    import io

    wanted = [
        Decision(f"{n:012x}", "exact", decision, A, f"nas:{path}", A)
        for n, (decision, path) in enumerate(rows)
    ]
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=";")
    writer.writerow(COLUMNS)
    writer.writerows([[getattr(d, name) for name in COLUMNS] for d in wanted])
    assert parse_decisions(stream.getvalue().encode(), "it").decisions == wanted


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_columns_may_stand_in_any_order_and_between_others(separator: str):
    names = ["comment", "keeper", "hash", "decision", "kind", "group"]
    text = (
        separator.join(n.upper() for n in names)
        + "\n"
        + separator.join(["mine", A.upper(), B, " Drop ", "similar", GROUP])
        + "\n"
    )
    assert parse_decisions(text.encode(), "it").decisions == [DROP]


def test_rows_without_a_decision_are_passed_over():
    text = f"{HEADER}\n{GROUP};similar;;{A};;{A}\n{line(DROP)}\n;;;;;\n"
    found = parse_decisions(text.encode(), "it")
    assert (found.rows, found.problems) == ([(3, DROP)], {})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"xyz;similar;drop;{B};;{A}", "the group 'xyz'"),
        (f"{GROUP};same;drop;{B};;{A}", "the kind 'same' is none of exact"),
        (f"{GROUP};similar;shred;{B};;{A}", "the decision 'shred' is none of keep"),
        (f"{GROUP};similar;drop;{B[1:]};;{A}", "the hash"),
        (f"{GROUP};similar;drop;;;{A}", "the hash ''"),
        (f"{GROUP};similar;drop;{B};;7", "the keeper '7'"),
        (f"{GROUP};similar;drop;{B};nas:a.jpg;{A}", "a path is for copies"),
        (f"{GROUP};similar;drop;{A};;{A}", "the keeper itself"),
        (f"{GROUP};exact;drop;{A};;{A}", "does not say which copy"),
        (f"{GROUP};exact;drop;{A};a.jpg;{A}", "does not say which copy"),
        (f"{GROUP};bad;not-duplicate;{A};;", "can be kept or dropped"),
    ],
)
def test_a_bad_row_is_refused_by_its_line_and_the_others_stand(row: str, reason: str):
    found = parse_decisions(
        f"{HEADER}\n{line(EXACT)}\n{row}\n{line(BAD).replace(GROUP, 'f' * 12)}\n".encode(), "it"
    )
    assert [number for number, _decision in found.rows] == [2, 5], "the first row has two lines"
    assert list(found.problems) == [4]
    assert reason in found.problems[4]


def test_contradictions_are_refused():
    other = Decision(GROUP, "similar", "drop", C, "", B)
    again = Decision(GROUP, "similar", "keep", B, "", A)
    assert contradictions([KEEP, DROP, DROP]) == {}
    assert list(contradictions([DROP, again, other])) == [1, 2]
    found = parse_decisions("\n".join([HEADER, line(DROP), line(again)]).encode(), "it")
    assert (found.decisions, found.problems) == (
        [DROP],
        {3: "another row decides drop for the same picture"},
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "has no column group"),
        (b"file;size\n", "Its columns are: file, size"),
        (f"{HEADER};hash\n".encode(), "has the column hash twice"),
        (HEADER.encode("utf-16"), "is not UTF-8"),
        (f"{HEADER}\n{'x' * 200_000}".encode(), "no CSV that can be read"),
    ],
)
def test_a_file_that_is_none_is_refused(data: bytes, reason: str):
    with pytest.raises(UsageError, match=reason):
        parse_decisions(data, "it")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_decisions(tmp_path / "none.csv")


@given(
    st.dictionaries(
        st.sampled_from(COLUMNS),
        st.one_of(st.none(), st.integers(), st.text("ab01:;/é\n", max_size=70)),
    )
)
def test_any_row_is_a_decision_or_refused(row: dict[str, object]):
    try:
        found = parse_decision(row)
    except ValueError as error:
        assert str(error)
    else:
        assert found.kind in KINDS


def test_a_group_has_one_name_whatever_the_order():
    assert group_id([(A, ""), (B, "")]) == group_id([(B, ""), (A, "")])
    assert group_id([(A, "nas:x")]) != group_id([(A, "nas:y")])
    assert len(group_id([(A, "")])) == 12


# --- groups on the page ---------------------------------------------------------------------------


def test_a_group_takes_from_the_documents_what_it_does_not_say():
    document = {
        "hash": A,
        "width": 40,
        "height": 30,
        "size": 9,
        "type": "jpeg",
        "captured": {"wall": "2019-07-12T18:30:15"},
        "camera": {"make": "Apple", "model": "iPhone 12", "lens": "wide"},
        "place": {"name": "Home", "city": "Ghent", "country": "Belgium"},
        "tags": ["beach"],
        "favorite": True,
        "copies": [
            {"store": "nas", "path": "a.jpg", "state": "ok"},
            {"store": "nas", "path": "b.jpg", "state": "missing"},
        ],
    }
    shown = page_group(
        {
            "kind": "similar",
            "keeper": B,
            "members": [{"hash": A, "width": 80}, {"hash": B, "paths": ["nas:c.jpg"]}],
        },
        {A: document},
    )
    first, second = shown["members"]
    assert (first["width"], first["height"], first["camera"], first["place"]) == (
        80,
        30,
        "Apple iPhone 12",
        "Home, Ghent, Belgium",
    )
    assert (first["taken"], first["tags"], first["albums"], first["favorite"]) == (
        "2019-07-12T18:30:15",
        ["beach"],
        [],
        True,
    )
    assert first["paths"] == ["nas:a.jpg"]
    assert second["paths"] == ["nas:c.jpg"]
    assert shown["keeper"] == 1
    assert shown["id"] == group_id([(A, ""), (B, "")])


@pytest.mark.parametrize(
    "group",
    [
        {},
        {"kind": "similar"},
        {"kind": "similar", "members": []},
        {"kind": "similar", "members": [7]},
        {"kind": "similar", "members": [{"hash": "x"}]},
        {"kind": "similar", "members": [{"hash": A}, {"hash": A}]},
        {"kind": "exact", "members": [{"hash": A, "paths": []}]},
        {"kind": "odd", "members": [{"hash": A}]},
    ],
)
def test_what_is_no_group_is_refused(group: dict[str, object]):
    with pytest.raises(ValueError, match=r"."):
        page_group(group, {})


@given(
    st.recursive(
        st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    )
)
def test_data_in_a_script_cannot_end_it(value: object):
    import json

    text = inert(value)
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == value
