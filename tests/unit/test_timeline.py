"""The timeline without an index: what is packed of an asset, the column file, and views of it."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.domain import timeline
from catalog.domain.privacy import ALBUM, FOLDER, PrivacyRule, persons_of
from catalog.domain.timeline import NO_DATE, UNDATED, Row, pack_ratio, ratio_of, read_row
from catalog.errors import UsageError
from catalog.features.timeline import column as columns
from catalog.features.timeline.column import Column, NoColumn, Standing, open_column, write_column
from catalog.features.timeline.keeper import apply_changes
from catalog.features.timeline.rows import RowBuffer, sorted_order
from catalog.features.timeline.view import View, ViewRequest, open_view

STANDING = Standing("catalog", "index-1", (7,), "2026-01-01T00:00:00.000Z")
MINUTE, DAY = 60_000, 86_400_000
SUMMER = 1_562_956_215_000
"""2019-07-12 18:30:15."""


def a_row(number: int, wall: int = SUMMER, **values: Any) -> Row:
    plain = {"precision": 0, "flags": 0, "aspect": 64, "colour": 0, "added": 0, "size": 0}
    made = {"quality": 0, **plain, **values}
    return Row(bytes([number]) * 32, wall, **made)


def a_column(folder: Path, rows: Iterable[Row], standing: Standing = STANDING) -> Column:
    buffer = RowBuffer()
    for row in rows:
        buffer.add(row)
    return write_column(folder / "column", sorted_order(buffer.sections()), None, buffer, standing)


def seen(column: Column, person: str | None = None, **request: Any) -> View:
    return open_view(column, cast("Any", None), ViewRequest(**request), person)


def order_of(view: View) -> list[int]:
    """The numbers of the rows in the order of a view."""
    return [int(view.hash_at(at)[:2], 16) for at in range(view.count)]


def keys_of(view: View) -> list[tuple[str, int]]:
    return [(mark["key"], mark["position"]) for mark in view.marks()]


def at(text: str) -> int:
    return int(np.datetime64(text, "ms").astype(np.int64))


# --- one asset ------------------------------------------------------------------------------------


def test_all_that_is_known_of_an_asset_is_packed():
    row = read_row(
        {
            "hash": ["ab" * 32],
            "captured.wall": [str(SUMMER)],
            "captured.precision": ["second"],
            "kind": ["image"],
            "type": ["dng"],
            "width": [4000],
            "height": [1000],
            "favorite": [True],
            "live_id": ["x"],
            "copy_count": [2],
            "stack.id": ["s"],
            "added": ["120000"],
            "size": [5_000_000_000],
            "quality.focus": [3.0],
            "quality.brightness": [255.0],
            "paths": ["2019/07_July/a.dng", "z.dng"],
            "private": ["bert", "anna"],
            "place.city.keyword": ["Ghent"],
            "place.country.keyword": ["Belgium"],
            "camera.model.keyword": ["EOS R6"],
        }
    )
    assert (row.hash, row.wall, row.precision, row.added) == (b"\xab" * 32, SUMMER, 0, 2)
    assert (row.size, row.quality, row.colour, row.aspect) == (5_000_000_000, 8001, 0xFFFF, 127)
    assert (row.persons, row.place) == (("anna", "bert"), "Ghent, Belgium")
    assert (row.folder, row.camera) == ("2019/07_July", "EOS R6")
    flags = timeline.LIVE | timeline.FAVORITE | timeline.PANORAMA | timeline.RAW
    assert row.flags == flags | timeline.PRIVATE | timeline.SHOT


def test_an_asset_of_which_nothing_is_known_is_packed():
    row = read_row({"hash": ["00" * 32], "kind": ["video"]})
    assert (row.wall, row.precision, row.aspect) == (UNDATED, 0, pack_ratio(1, 1))
    assert row.flags == timeline.FILM | timeline.UNSEEN
    assert (row.folder, row.place, row.camera, row.persons) == ("", "", "", ())


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_a_ratio_is_packed_within_one_percent_or_at_an_end(width: int, height: int):
    ratio = min(4.0, max(1 / 3, width / height))
    assert 0 <= pack_ratio(width, height) <= 127
    assert ratio_of(pack_ratio(width, height)) == pytest.approx(ratio, rel=0.01)


def test_who_sees_what_is_private():
    rules = [PrivacyRule(ALBUM, "Diary", "anna"), PrivacyRule(FOLDER, "2019/Anna", "anna")]
    assert persons_of([], ["Sea"], ["2019/Annabel/a.jpg"], rules) == ()
    assert persons_of(["bert"], ["Diary"], [], rules) == ("anna", "bert")
    assert persons_of([], [], ["x/a.jpg", "2019/Anna/b/a.jpg"], rules) == ("anna",)


# --- the file -------------------------------------------------------------------------------------

ROWS = st.builds(
    Row,
    hash=st.binary(min_size=2, max_size=2).map(lambda b: b[:1] * 8 + b[1:] * 24),
    wall=st.sampled_from([UNDATED, at("0100-01-01"), at("1969-12-31T23:59"), SUMMER, SUMMER + 1]),
    precision=st.integers(0, 2),
    flags=st.integers(0, 255),
    aspect=st.integers(0, 127),
    colour=st.integers(0, 65_535),
    added=st.integers(0, 2**31 - 1),
    size=st.integers(0, 2**40),
    quality=st.integers(0, 65_535),
    persons=st.sampled_from([(), ("anna",), ("anna", "bert")]),
    place=st.sampled_from(["", "Ghent", "Straße"]),
    folder=st.sampled_from(["", "2019/07_July", "a\nb"]),
    camera=st.sampled_from(["", "EOS"]),
)


def one_each(rows: Iterable[Row]) -> dict[bytes, Row]:
    return {row.hash: row for row in rows}


def read_back(column: Column) -> list[Row]:
    """Every row of a column, in order."""
    names = {table: column.names(table) for table in ("places", "folders", "cameras")}
    return [
        Row(
            bytes(column.hashes[n]),
            *(
                int(getattr(column, name)[n])
                for name in (
                    "walls", "precisions", "flags", "aspects", "colours", "added", "sizes",
                    "qualities",
                )
            ),
            tuple(sorted(column.persons[column.owners[n]])),
            *(names[table][getattr(column, table)[n]] for table in names),
        )
        for n in range(column.count)
    ]  # fmt: skip


def as_sorted(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda r: (r.wall == UNDATED, -r.wall, r.precision, r.hash))


@given(rows=st.lists(ROWS, max_size=12))
def test_a_column_gives_back_what_was_written_newest_first(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row]
):
    folder = tmp_path_factory.mktemp("c")
    wanted = as_sorted(one_each(rows).values())
    made = a_column(folder, wanted[::-1])
    for column in (made, open_column(folder / "column")):
        assert (read_back(column), column.etag) == (wanted, made.etag)
        for position, row in enumerate(wanted):
            assert column.position_of(row.hash) == position
            assert column.position_of(bytes(column.ids(np.array([position]))[0])) == position


@given(rows=st.lists(ROWS, max_size=12), changed=st.lists(ROWS, max_size=6), data=st.data())
def test_a_change_comes_to_the_same_as_making_the_column_anew(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[Row],
    changed: list[Row],
    data: st.DataObject,
):
    before, more = one_each(rows), one_each(changed)
    gone = set(data.draw(st.lists(st.sampled_from(sorted(before) or [b""])))) - more.keys() - {b""}
    folder = tmp_path_factory.mktemp("c")
    first = a_column(folder, before.values())
    after = apply_changes(folder / "column", first, more.values(), gone, STANDING)
    wanted = {name: row for name, row in {**before, **more}.items() if name not in gone}
    assert read_back(after) == as_sorted(wanted.values())
    assert read_back(open_column(folder / "column")) == read_back(after)
    assert (after.etag == first.etag) == (wanted == before)


def test_what_changes_nothing_that_is_seen_writes_nothing(tmp_path: Path):
    column = a_column(tmp_path, [a_row(1), a_row(2)])
    before = (tmp_path / "column").stat()
    later = Standing("catalog", "index-1", (9,), "2026-01-02T00:00:00.000Z")
    after = apply_changes(tmp_path / "column", column, [a_row(2)], [], later)
    assert (after.etag, after.standing) == (column.etag, later)
    assert (tmp_path / "column").stat() == before


def test_two_hashes_that_begin_alike_are_never_taken_for_each_other(tmp_path: Path):
    one, other = b"\1" * 8 + b"\2" * 24, b"\1" * 8 + b"\3" * 24
    rows = [Row(name, SUMMER, 0, 0, 0, 0, 0, 0, 0) for name in (one, other)]
    column = a_column(tmp_path, [*rows, a_row(9)])
    ids = [bytes(each) for each in column.ids(np.arange(3))]
    assert len(set(ids)) == 3 and b"\1" * 8 not in ids
    assert column.position_of(b"\1" * 8) is None
    assert [column.position_of(each) for each in ids] == [0, 1, 2]
    assert [column.position_of(name) for name in (one, other)] == [0, 1]
    alone = apply_changes(tmp_path / "column", column, [], [other], STANDING)
    assert alone.position_of(b"\1" * 8) == 0


@pytest.mark.parametrize("damage", ["cut", "bit", "version", "empty", "other"])
def test_a_damaged_or_foreign_file_is_no_column(tmp_path: Path, damage: str):
    a_column(tmp_path, map(a_row, range(50)))
    path = tmp_path / "column"
    data = bytearray(path.read_bytes())
    if damage == "bit":
        data[len(data) // 2] ^= 1
    elif damage == "version":
        data[8] += 1
    path.write_bytes(
        {"cut": bytes(data[:-1]), "empty": b"", "other": b"x" * 500}.get(damage, bytes(data))
    )
    with pytest.raises(NoColumn):
        open_column(path)


def test_a_file_that_cannot_be_written_whole_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first = a_column(tmp_path, [a_row(1)])

    def broken(*_arguments: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(columns, "_by_hash", broken)
    with pytest.raises(OSError):
        apply_changes(tmp_path / "column", first, [a_row(2)], [], STANDING)
    assert open_column(tmp_path / "column").etag == first.etag
    assert [path.name for path in tmp_path.iterdir()] == ["column"]


# --- views ----------------------------------------------------------------------------------------


def test_dates_known_in_part_stand_at_their_beginning_and_claim_no_day(tmp_path: Path):
    rows = [
        a_row(1, at("1975-01-01"), precision=2),
        a_row(2, at("1975-08-01"), precision=1),
        a_row(3, at("1975-08-01T10:00")),
        a_row(4, at("1975-08-01")),
        a_row(5, at("1975-01-01T00:00:01")),
        a_row(6, at("1974-12-31T23:59")),
        a_row(7, UNDATED),
    ]
    view = seen(a_column(tmp_path, rows))
    assert order_of(view) == [3, 4, 2, 5, 1, 6, 7]
    starts = [at for at, byte in enumerate(view.layout()) if byte & 0x80]
    assert starts == [0, 2, 3, 4, 5, 6]
    assert keys_of(view) == [("1975-08", 0), ("1975-01", 3), ("1975", 4), ("1974-12", 5), ("", 6)]
    backwards = seen(view.column, descending=False)
    assert order_of(backwards) == [6, 1, 5, 2, 4, 3, 7]
    assert keys_of(backwards)[-1] == ("", 6)


def test_years_from_100_to_2500_hold(tmp_path: Path):
    years = {1: "0100-02-03", 2: "1969-12-31", 3: "2038-01-20", 4: "2500-12-31"}
    view = seen(a_column(tmp_path, [a_row(n, at(text)) for n, text in years.items()]))
    assert order_of(view) == [4, 3, 2, 1]
    assert [key for key, _at in keys_of(view)] == ["2500-12", "2038-01", "1969-12", "0100-02"]
    assert [view.position_at(text) for text in years.values()] == [3, 2, 1, 0]
    minutes = struct.unpack("<4i", view.window(0, 4)[32:48])
    assert [n * MINUTE for n in minutes] == [at(years[n]) for n in (4, 3, 2, 1)]


def test_a_window_has_sixteen_bytes_an_asset_and_the_layout_one(tmp_path: Path):
    rows = [a_row(n, SUMMER - n * DAY, flags=n, colour=n * 9, aspect=n) for n in range(5)]
    view = seen(a_column(tmp_path, [*rows, a_row(5, UNDATED)]))
    assert view.layout() == bytes(0x80 | a for a in (0, 1, 2, 3, 4, 64))
    data = view.window(3, 99)
    assert len(data) == 16 * 3
    assert data[:24] == b"\3" * 8 + b"\4" * 8 + b"\5" * 8
    assert struct.unpack("<3i", data[24:36])[2] == NO_DATE
    assert struct.unpack("<3H", data[36:42]) == (27, 36, 0)
    assert (data[42:45], data[45:]) == (b"\3\4\0", view.layout()[3:])
    assert view.window(6, 9) == view.window(4, 2) == b""


def test_a_day_of_seventy_thousand_is_one_group(tmp_path: Path):
    buffer = RowBuffer()
    for number in range(70_000):
        name = number.to_bytes(32, "big")
        buffer.add(Row(name, SUMMER + number, 0, 0, 64, 0, 0, 0, 0))
    made = write_column(tmp_path / "c", sorted_order(buffer.sections()), None, buffer, STANDING)
    view = seen(made)
    assert [byte & 0x80 for byte in view.layout()].count(0x80) == 1
    assert view.marks() == [{"key": "2019-07", "position": 0}]
    assert view.position_of((69_999).to_bytes(32, "big")) == 0


SORTS: dict[str, tuple[dict[str, Any], list[int]]] = {
    "added": ({"sort": "added", "group": "none"}, [2, 3, 1]),
    "size": ({"sort": "size", "group": "none"}, [1, 3, 2]),
    "smallest": ({"sort": "size", "group": "none", "descending": False}, [2, 3, 1]),
    "quality": ({"sort": "quality", "group": "none"}, [3, 2, 1]),
    "by day": ({"sort": "size"}, [3, 2, 1]),
    "by place": ({"group": "place"}, [3, 1, 2]),
    "by folder": ({"group": "folder"}, [3, 1, 2]),
}


@pytest.mark.parametrize(("request_", "wanted"), SORTS.values(), ids=SORTS)
def test_assets_are_sorted_and_grouped(tmp_path: Path, request_: dict[str, Any], wanted: list[int]):
    rows = [
        a_row(1, SUMMER - DAY, size=9, added=1, quality=1, place="ghent", folder="a"),
        a_row(2, SUMMER, size=1, added=3, quality=2, folder="b"),
        a_row(3, SUMMER + 1, size=5, added=2, quality=3, place="Antwerp", folder="a"),
    ]
    assert order_of(seen(a_column(tmp_path, rows), **request_)) == wanted


def test_groups_are_named_and_what_has_none_comes_last(tmp_path: Path):
    rows = [a_row(1, camera="EOS"), a_row(2), a_row(3, camera="EOS"), a_row(4, camera="Apple")]
    view = seen(a_column(tmp_path, rows), group="camera")
    assert keys_of(view) == [("Apple", 0), ("EOS", 1), ("", 3)]
    assert [byte >> 7 for byte in view.layout()] == [1, 1, 0, 1]


def test_chance_is_the_same_for_one_seed_and_another_for_another(tmp_path: Path):
    column = a_column(tmp_path, [a_row(n, SUMMER + n) for n in range(100)])
    orders = [order_of(seen(column, sort="random", group="none", seed=s)) for s in (1, 2, 1)]
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(100))


def test_what_is_private_is_in_no_count_mark_layout_or_position_of_another(tmp_path: Path):
    rows = [
        a_row(1, SUMMER),
        a_row(2, SUMMER - 40 * DAY, persons=("anna",), camera="Secret"),
        a_row(3, SUMMER - 80 * DAY, persons=("anna", "bert")),
    ]
    column = a_column(tmp_path, rows)
    everybody, anna, bert, carl = (seen(column, who) for who in (None, "anna", "bert", "carl"))
    assert [order_of(v) for v in (everybody, anna, bert, carl)] == [[1], [1, 2, 3], [1, 3], [1]]
    assert (
        [v.count for v in (everybody, anna, bert)]
        == [1, 3, 2]
        == [len(v.layout()) for v in (everybody, anna, bert)]
    )
    assert [key for key, _at in keys_of(bert)] == ["2019-07", "2019-04"]
    assert [key for key, _at in keys_of(seen(column, "bert", group="camera"))] == [""]
    assert (bert.position_of(b"\2" * 32), anna.position_of(b"\2" * 8)) == (None, 1)
    assert len({everybody.etag, anna.etag, bert.etag}) == 3 and everybody.etag == carl.etag


@pytest.mark.parametrize(
    ("date", "position"),
    [("2019-07-12", 1), ("2019-07", 0), ("2019", 0), ("2018-11-02", 2), ("1800", 3), ("2030", 0)],
)
def test_a_date_leads_to_its_first_asset_or_the_nearest(tmp_path: Path, date: str, position: int):
    walls = {1: "2019-07-20", 2: "2019-07-12T10:00", 3: "2019-07-12T09:00", 4: "2017-05-05"}
    rows = [a_row(n, at(wall)) for n, wall in walls.items()]
    view = seen(a_column(tmp_path, [*rows, a_row(5, UNDATED)]))
    assert view.position_at(date) == position


@pytest.mark.parametrize("text", ["", "yesterday", "2019-13", "2019-02-30", "2019-7-1", "20190712"])
def test_what_is_no_date_is_refused(tmp_path: Path, text: str):
    with pytest.raises(UsageError):
        seen(a_column(tmp_path, [a_row(1)])).position_at(text)


def test_an_order_that_is_none_is_refused(tmp_path: Path):
    column = a_column(tmp_path, [])
    with pytest.raises(UsageError):
        seen(column, sort="colour")
    with pytest.raises(UsageError):
        seen(column, group="month")


def test_an_empty_timeline_has_views(tmp_path: Path):
    for column in (a_column(tmp_path, []), columns.empty_column("catalog")):
        view = seen(column)
        assert (view.count, view.layout(), view.marks(), view.window(0, 10)) == (0, b"", [], b"")
        assert view.position_at("2019") == 0 and view.position_of(b"\1" * 8) is None
        assert seen(column, "anna", group="folder", sort="random").count == 0
