"""Which photos are offered to a cloud and why not the others;
and tables that survive spreadsheets.
"""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.cli.commands.reingest import FORMER_NAMES, SUBCOMMANDS
from catalog.cli.commands.reingest import command as group
from catalog.cli.program import COMMANDS
from catalog.domain.capture_time import CaptureTime
from catalog.domain.spreadsheets import (
    Row,
    encode_header,
    encode_line,
    in_known_order,
    is_reformatted,
    local_date,
    parse,
    proof_date,
    protect,
    read_proof_date,
    unprotect,
    whole_rows,
)
from catalog.errors import ConfirmationNeeded, SourceInsideCatalog, UsageError
from catalog.features.reingest.dates import parse_row_date
from catalog.features.reingest.duplicates.plan import propose_duplicate
from catalog.features.reingest.images.plan import decide_image
from catalog.features.reingest.plan import EvaluatedFile, Rules, year_of_path
from catalog.features.reingest.reports import Processed, read_table
from catalog.features.reingest.row_state import stem
from catalog.features.reingest.rows import validate
from catalog.features.reingest.staging import check_apart
from catalog.features.reingest.videos.dates import film_date

WALL = datetime(2012, 7, 12, 18, 30, 15)
EXIF = CaptureTime(WALL, "exif:DateTimeOriginal", "high", 120)
SHOT = EvaluatedFile(("2012",), "jpeg", EXIF, datetime(2021, 1, 1))


@pytest.mark.parametrize(
    ("folders", "year"),
    [
        (["2012"], 2012),
        (["photos", "2012-07 Italy"], 2012),
        (["2012", "07"], 2012),
        (["2012 Italy", "2013"], 2013),
        (["20120712 Party"], 2012),
        (["201207"], 2012),
        (["1935, grandma"], 1935),
        (["2048x1536"], None),
        (["1920px"], None),
        (["2012 x 1024"], None),
        (["1899"], None),
        (["2100"], None),
        (["20121"], None),
        (["2010-2019"], None),
        (["IMG_2012"], None),
        ([], None),
    ],
)
def test_the_year_of_a_path_is_a_folder_that_begins_with_one(folders: list[str], year: int | None):
    assert year_of_path(folders) == year


def test_a_date_taken_counts_if_it_is_of_the_paths_year():
    assert decide_image(SHOT, Rules()).action == "move"
    other = decide_image(replace(SHOT, folders=("2015",)), Rules())
    assert (other.action, other.wall) == ("skip", WALL)
    assert other.reason == "date taken year mismatch: 2012 (exif:DateTimeOriginal), path 2015"
    assert decide_image(replace(SHOT, folders=("Italy",)), Rules()).action == "move"
    assert (
        decide_image(
            replace(SHOT, folders=("2015",), captured=replace(EXIF, source="person")), Rules()
        ).action
        == "move"
    )
    doubtful = decide_image(replace(SHOT, captured=replace(EXIF, confidence="low")), Rules())
    assert doubtful.action == "skip" and "doubtful" in doubtful.reason


def test_without_a_date_taken_the_time_of_modification_counts_if_it_is_of_the_paths_year():
    bare = replace(
        SHOT, captured=replace(EXIF, source="mtime"), modified=datetime(2012, 3, 4, 5, 6, 7)
    )
    found = decide_image(bare, Rules())
    assert (found.action, found.wall, found.reason) == (
        "move",
        datetime(2012, 3, 4, 5, 6, 7),
        "date modified year correct",
    )
    late = decide_image(replace(bare, modified=datetime(2021, 1, 1)), Rules())
    assert (late.action, late.wall) == ("skip", None)
    assert late.reason == "no date taken, date modified year mismatch: 2021, path 2012"
    assert (
        decide_image(replace(bare, folders=("x",)), Rules()).reason
        == "no date taken, and no year in path"
    )


def test_a_date_in_the_name_is_proposed_to_the_person_and_not_used_by_itself():
    named = replace(SHOT, captured=CaptureTime(WALL, "filename", "medium"))
    found = decide_image(named, Rules())
    assert (found.action, found.wall, found.source) == ("skip", WALL, "filename")
    assert found.reason.endswith("its filename says 2012-07-12")


def test_what_is_skipped_keeps_its_date_for_a_person_who_overrules():
    for shot, rules, reason in (
        (
            replace(SHOT, handed_over="handed over to icloud on 2026-01-02 as x.jpg"),
            Rules(),
            "handed over to icloud",
        ),
        (replace(SHOT, same_as="/a/b.jpg"), Rules(), "same content as /a/b.jpg"),
        (
            replace(SHOT, folders=("2012", "Collages 3")),
            Rules(skip=("collages",)),
            "skiplist match: Collages 3",
        ),
        (SHOT, Rules(until=datetime(2012, 7, 12)), "taken on 2012-07-12, not before 2012-07-12"),
        (replace(SHOT, type="nef"), Rules(), "wrong type: nef"),
    ):
        found = decide_image(shot, rules)
        assert (found.action, found.wall, found.offset) == ("skip", WALL, 120)
        assert found.reason.startswith(reason)
    assert (
        decide_image(SHOT, Rules(until=datetime(2012, 7, 13), skip=("collages",))).action == "move"
    )


def test_only_an_equal_file_of_the_same_folder_is_proposed_to_go():
    assert propose_duplicate("exact", same_folder=True) == ("delete", "same content")
    for kind, same_folder in (
        ("exact", False),
        ("same-image", True),
        ("similar", True),
        ("similar", False),
    ):
        assert propose_duplicate(kind, same_folder=same_folder)[0] == "keep"


# --- tables ---------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"))


@given(st.text())
def test_a_protected_cell_comes_back_as_it_was(text: str):
    assert unprotect(protect(text)) == text


@pytest.mark.parametrize(
    "text", ["=1+1", "+02:00", "-5", "@x", "\tx", "007", "1234567890123456", "1e55", "'quoted"]
)
def test_what_a_spreadsheet_would_change_is_written_as_text(text: str):
    assert protect(text) == f"'{text}"


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=5))
def test_what_is_written_is_read(rows: list[tuple[str, str, str]]):
    data = encode_header(["file", "action", "Note"]) + b"".join(map(encode_line, rows))
    table = parse(data, ["file", "action"])
    wanted = [row for row in rows if any(protect(cell).strip() for cell in row)]
    assert [tuple(row.cells.values()) for row in table.rows] == wanted
    assert whole_rows(data) == len(data)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4), st.data())
def test_a_cut_anywhere_loses_the_last_row_alone(rows: list[tuple[str, str]], draw: st.DataObject):
    lines = [encode_header(["file", "x"]), *map(encode_line, rows)]
    data = b"".join(lines)
    cut = draw.draw(st.integers(len(lines[0]), len(data)))
    kept = whole_rows(data[:cut])
    ends = [len(b"".join(lines[: n + 1])) for n in range(len(lines))]
    assert kept == max(end for end in ends if end <= cut)


def saved(separator: str, encoding: str, lineterminator: str = "\r\n", head: str = "") -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=separator, lineterminator=lineterminator)
    writer.writerows(
        [
            ["Reason", "FILE", "my note", "Action", "", ""],
            ['say "x"; or, y', "/a/Grüße.jpg", "ä", "Move", "", ""],
        ]
    )
    return (head + stream.getvalue()).encode(encoding)


@pytest.mark.parametrize(
    "data",
    [
        saved(";", "utf-8"),
        saved(";", "utf-8-sig"),
        saved(",", "cp1252"),
        saved("\t", "utf-16"),
        saved("\t", "utf-16-le"),
        saved(",", "utf-8", "\n"),
        saved(";", "utf-8", head="sep=;\r\n"),
        saved(",", "utf-8-sig", "\r\n") + b",,,,,\r\n",
    ],
)
def test_every_way_in_which_spreadsheets_save_is_read(data: bytes):
    table = parse(data, ["file", "action"], ["reason"])
    assert table.columns == ("reason", "file", "my note", "action")
    (row,) = table.rows
    assert (row.get("file"), row.get("action"), row.get("reason")) == (
        "/a/Grüße.jpg",
        "Move",
        'say "x"; or, y',
    )
    assert row.line == (3 if data.startswith(b"sep") else 2)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no column file"),
        (b"file;reason\n", "no column action"),
        (b"file;file;action\n", "the column file twice"),
        (b'file;action\n"open;move\n', "line 2"),
        (b"\xff\xfef", "UTF-16".lower()),
        (b"file;action\n\x81\x8d;x\n", "cp1252"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_whole(data: bytes, reason: str):
    with pytest.raises(ValueError, match=reason):
        parse(data, ["file", "action"])


@given(
    st.one_of(
        st.binary(max_size=60),
        st.text(max_size=40).map(lambda t: ("file;action\n" + t).encode("utf-8", "replace")),
    )
)
def test_no_bytes_are_more_than_a_refusal(data: bytes):
    try:
        table = parse(data, ["file", "action"])
    except ValueError as error:
        assert str(error)
    else:
        assert {"file", "action"} <= set(table.columns)


@given(st.text(max_size=30), st.text(max_size=8))
def test_no_date_and_offset_are_more_than_a_refusal(text: str, offset: str):
    try:
        found = parse_row_date(
            Row(2, {"datetime": text, "offset": offset, "taken": "20190712T183015"})
        )
    except ValueError as error:
        assert str(error).startswith(("its datetime", "its offset"))
    else:
        assert found.wall is None or found.wall.year > 1800


@given(st.datetimes(datetime(1970, 1, 1), datetime(2069, 12, 31)))
def test_whatever_a_spreadsheet_makes_of_a_date_is_known_again(moment: datetime):
    wall = moment.replace(microsecond=0)
    assert read_proof_date(proof_date(wall)) == wall
    for form, order in (
        ("%d/%m/%Y %H:%M", "dmy"),
        ("%m/%d/%Y %H:%M", "mdy"),
        ("%d.%m.%y %H:%M:%S", ""),
        ("%Y-%m-%d %H:%M", ""),
        ("%m/%d/%Y %I:%M:%S %p", "mdy"),
        ("%Y/%m/%d %H:%M:%S", "dmy"),
    ):
        assert is_reformatted(wall.strftime(form), wall, order)
        assert not is_reformatted(
            wall.replace(minute=(wall.minute + 1) % 60).strftime(form), wall, order
        )


def row(text: str) -> bytes:
    return f"file;datetime;action;taken;offset\n/a;{text};move;20190712T183015;120\n".encode()


def test_the_date_of_a_row_is_the_proposed_one_or_what_a_person_wrote():
    def read(text: str) -> tuple[datetime | None, int | None, bool]:
        found = parse_row_date(parse(row(text), ["file"]).rows[0])
        return found.wall, found.offset, found.edited

    proposed = datetime(2019, 7, 12, 18, 30, 15)
    assert (
        read("2019-07-12 18:30:15")
        == read("12.07.2019 18:30")
        == read("12.07.19 18:30:15")
        == (proposed, 120, False)
    )
    assert read("2018-01-02 03:04:05") == (datetime(2018, 1, 2, 3, 4, 5), 120, True)
    assert read("2018-01-02 03:04:05+01:00") == (datetime(2018, 1, 2, 3, 4, 5), 60, True)
    assert read("25.12.2018 20:15") == (datetime(2018, 12, 25, 20, 15), 120, True)
    assert read("") == (None, None, True)
    for text in (
        "12/07/2019 18:30",
        "7/12/19 6:30 PM",
        "03/04/2018 10:00",
        "soon",
        "2018-13-01 10:00:00",
        "12/07/2019",
        "1700-01-01 00:00:00",
        "2999-01-01 00:00:00",
    ):
        with pytest.raises(ValueError, match="its datetime"):
            read(text)
    assert local_date("05/05/2018 10:00") == datetime(2018, 5, 5, 10)


def dates(*texts: str, taken: str = "20190712T183015") -> list[tuple[datetime | None, bool] | str]:
    """What is understood of the dates of a file whose first row was the 25 July."""
    lines = [
        f"/{n};{text};move;{'20190725T183000' if n == 0 else taken}" for n, text in enumerate(texts)
    ]
    table = parse("\n".join(["file;datetime;action;taken", *lines]).encode(), ["file"])
    found: list[tuple[datetime | None, bool] | str] = []
    for row in in_known_order(table, "datetime", "taken").rows[1:]:
        try:
            found.append((parse_row_date(row).wall, parse_row_date(row).edited))
        except ValueError as error:
            found.append(str(error))
    return found


def test_day_and_month_are_exchanged_by_a_person_and_not_by_the_reader():
    proposed, exchanged = (
        (datetime(2019, 7, 12, 18, 30, 15), False),
        (datetime(2019, 12, 7, 18, 30, 15), True),
    )
    assert dates("25/07/2019 18:30", "12/07/2019 18:30:15", "07/12/2019 18:30:15") == [
        proposed,
        exchanged,
    ]
    assert dates("7/25/2019 18:30", "7/12/2019 18:30:15", "12/7/2019 18:30:15") == [
        proposed,
        exchanged,
    ]
    assert dates("25/07/19 18:30", "12/07/19 18:30:15") == [proposed]
    assert dates("2019-07-25 18:30:00", "12.07.2019 18:30:15", "07.12.2019 18:30:15") == [
        proposed,
        exchanged,
    ]
    doubt = (
        "cannot be understood for certain, it can be read in two ways: write it as 2019-07-12 "
        "18:30:15"
    )
    for first in ("2019-07-25 18:30:00", "", "24/07/2019 18:30"):  # which shows no order
        one, other = dates(first, "12/07/2019 18:30:15", "07/12/2019 18:30:15")
        assert (
            one == f"its datetime 12/07/2019 18:30:15 {doubt}"
            and other == f"its datetime 07/12/2019 18:30:15 {doubt}"
        )
    mixed = dates(
        "25/07/2019 18:30", "7/25/2019 18:30", "12/07/2019 18:30", taken="20190725T183000"
    )
    assert mixed[0] == (datetime(2019, 7, 25, 18, 30), False) and "for certain" in str(mixed[1])


@pytest.mark.parametrize(
    "text", ["99999999999", "--5", "999", "-841", "+02:00", "1.5", "\u00b2", "two hours"]
)
def test_an_offset_that_is_none_is_refused_in_words_for_photos_and_films(text: str):
    row = Row(
        2,
        {
            "datetime": "2019-07-12 18:30:15",
            "taken": "20190712T183015",
            "offset": text,
            "creation_time": "2019-07-12",
        },
    )
    for read in (parse_row_date, lambda r: film_date(r, lambda _utc: 0)):
        with pytest.raises(ValueError, match="write minutes east of UTC, -840 to 840"):
            read(row)


def test_an_edited_date_keeps_the_offset_of_its_row():
    cells = {
        "datetime": "2019-07-12 18:30:16",
        "taken": "20190712T183015",
        "offset": "-240",
        "creation_time": "",
    }
    film = film_date(Row(2, cells), lambda _utc: 120)
    assert (film.wall, film.offset, film.edited) == (datetime(2019, 7, 12, 18, 30, 16), -240, True)
    for text, minutes in (("", None), ("120", 120), ("120.0", 120), ("-840", -840), ("0", 0)):
        assert parse_row_date(Row(2, {**cells, "offset": text})).offset == minutes


def test_bad_rows_are_refused_by_line_and_a_file_counts_once():
    table = parse(
        b"file;action\n/a;move\n/a;skip\n;move\n/b;fly\n/c;MOVE;extra\n/d;Skip\n",
        ["file", "action"],
    )
    found = validate(
        table, ("skip", "move"), [lambda r: "bad day" if r.get("file") == "/d" else ""]
    )
    assert [r.get("file") for r in found.rows] == ["/a"]
    assert [(row.line, reason.partition(",")[0]) for row, reason in found.refused] == [
        (3, "it is about the same file as line 2"),
        (4, "it names no file"),
        (5, "its action is fly"),
        (6, "it has more cells than there are columns"),
        (7, "bad day"),
    ]


def test_progress_is_appended_and_a_half_row_of_a_killed_run_is_dropped(tmp_path: Path):
    report = tmp_path / "r.csv"
    report.write_bytes(b"file;action\n/a;move\n/b;move\n/c;move\n")
    table = read_table(report, ("file", "action"))
    progress = Processed(report, table.columns, ("processed",))
    with progress.opened():
        with (
            pytest.raises(ConfirmationNeeded, match="at work"),
            Processed(report, table.columns, ("processed",)).opened(),
        ):
            pass
        progress.begin()
        progress.add(table.rows[0], processed="a.jpg")
        assert read_table(progress.path, ("file",)).rows[0].get("processed") == "a.jpg"
        progress.add(table.rows[1], processed="error: no")
    path = tmp_path / "r_processed.csv"
    whole = path.read_bytes()
    path.write_bytes(whole + b'/c;move;"c')
    progress = Processed(report, table.columns, ("processed",))
    with progress.opened():
        assert set(progress.earlier) == {"/a", "/b"}
        progress.begin(["/b", "/c"])
        progress.add(table.rows[1], processed="b.jpg")
    assert (
        path.read_bytes()
        == encode_header(["file", "action", "processed"]) + b"/a;move;a.jpg\r\n/b;move;b.jpg\r\n"
    )
    path.write_bytes(
        "file\taction\tprocessed\tmine\r\n/a\tmove\ta.jpg\t\u00e4\r\n".encode("utf-16")
    )
    progress = Processed(report, table.columns, ("processed",))
    with progress.opened():
        progress.begin()
        progress.add(table.rows[2], processed="c.jpg")
    assert [r.cells.get("mine") for r in read_table(path, ("file",)).rows] == ["\u00e4", ""]
    path.write_bytes(b"nothing\n")
    with (
        pytest.raises(UsageError, match="which tells what was done"),
        Processed(report, table.columns, ("processed",)).opened(),
    ):
        pass


def test_staged_names_sort_by_time_and_are_portable():
    assert stem(WALL, "IMG_0001.JPG") == "20120712_183015-IMG_0001"
    assert stem(None, "a:b.jpg") == "unknown_a-b"
    assert stem(datetime(900, 1, 2), "x") == "09000102_000000-x"


def subcommands() -> dict[str, click.Command]:
    return {
        name: found
        for name in SUBCOMMANDS
        if (found := group.get_command(click.Context(group), name))
    }


@pytest.mark.parametrize("name", list(SUBCOMMANDS))
def test_every_subcommand_explains_itself_and_has_both_spellings(name: str):
    found = subcommands()[name]
    assert found.help and "Example" in found.help and "Exit status" in found.help
    assert group.get_command(click.Context(group), name.replace("-", "_")) is found
    for parameter in found.params:
        if isinstance(parameter, click.Option):
            assert parameter.help
            spelled = [o for o in parameter.opts if o.startswith("--")]
            assert all(option.replace("_", "-") in spelled for option in spelled)


def test_former_names_are_subcommands_and_commands_of_their_own():
    for former, name in FORMER_NAMES.items():
        if name in SUBCOMMANDS:
            found = subcommands()[name]
            assert group.get_command(click.Context(group), former.replace("-", "_")) is found
            assert COMMANDS[former.replace("-", "_")].endswith(SUBCOMMANDS[name])
    assert group.get_command(click.Context(group), "evaluate-nothing") is None


def test_a_folder_between_two_archives_is_in_neither(tmp_path: Path):
    archives = [tmp_path / "home/one", tmp_path / "home/two"]
    check_apart(tmp_path / "home/staging", archives, None)
    for folder in (tmp_path / "home", tmp_path / "home/one", tmp_path / "home/two/staging"):
        with pytest.raises(SourceInsideCatalog, match="lie in each other"):
            check_apart(folder, archives, None)
