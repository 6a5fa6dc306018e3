"""`search`, `show`, `status` and `doctor` as a person meets them."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import termios
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click
import pytest
from running import GHENT, PROGRAMS, Done, Lab, clip, jpeg, png, put

from catalog.cli.program import umbrella
from catalog.domain.fixity import content_hash
from catalog.engine import NodeAddress
from catalog.index.schema import SCHEMA_VERSION

AMSTERDAM = (52.37, 4.9)
PIPE_BYTES = 65_536
"""What a pipe holds while nobody reads it."""
NOWHERE = "http://127.0.0.1:9"
"""The discard port: nothing answers there."""
FILES = {
    "a.jpg": jpeg("ghent", "2019:07:12 18:30:15", GHENT),
    "b.jpg": jpeg("amsterdam", "2020:01:02 03:04:05", AMSTERDAM),
    "c.jpg": jpeg("plain", "2018:05:06 07:08:09"),
    "screen.png": png("undated"),
    "a.jpg.xmp": b"<x/>",
}
GHENT_PATH = "2019/07_July/2019-07-12 18-30-15 Ghent.jpg"
AMSTERDAM_PATH = "2020/01_January/2020-01-02 03-04-05 Amsterdam.jpg"
PLAIN_PATH = "2018/05_May/2018-05-06 07-08-09.jpg"
PNG_PATH = "2021/03_March/2021-03-04 05-06-07 @ screen.png"
VIDEO_PATH = "2017/02_February/filmchen/2017-02-03 04-05-06.mp4"
BY_DATE = [VIDEO_PATH, PLAIN_PATH, GHENT_PATH, AMSTERDAM_PATH, PNG_PATH]
GHENT_HASH = content_hash(FILES["a.jpg"])


@pytest.fixture(scope="module")
def filled(
    es_node: NodeAddress,
    open_folder: Callable[[], AbstractContextManager[Path]],
    ask: Callable[..., Any],
) -> Iterator[Lab]:
    """Five assets, for tests that only ask."""
    name = f"test-{uuid.uuid4().hex}"
    with open_folder() as folder:
        lab = Lab(folder, es_node, name)
        put(lab.source, FILES)
        clip(lab.source / "v.mp4", "2017-02-03T04:05:06.000000Z")
        assert lab.upload().status == 0
        assert set(lab.stored()) == {*BY_DATE, f"{GHENT_PATH}.xmp"}
        yield lab
        for index in ask(es_node, "GET", f"{name}*").json():
            assert index.startswith(name)
            ask(es_node, "DELETE", index).raise_for_status()


def paths(lab: Lab, *arguments: object) -> list[str]:
    """The paths in the store that a search prints, in its order."""
    done = lab.catalog("search", "--format", "paths", *arguments)
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert all(line.startswith(f"{lab.root}/") for line in lines)
    return [line.removeprefix(f"{lab.root}/") for line in lines]


def count(lab: Lab, query: str) -> int:
    done = lab.catalog("search", "--format", "count", "--", query)
    assert (done.status, done.err) == (0, "")
    return int(done.out)


def on_a_terminal(lab: Lab, *arguments: object, columns: int) -> list[str]:
    """The lines that a subcommand shows on a terminal of so many columns."""
    inner, outer = pty.openpty()
    fcntl.ioctl(outer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    done = subprocess.run(
        [PROGRAMS / "catalog", *map(str, arguments)],
        cwd=lab.home,
        env=lab.environment(COLUMNS=""),
        stdin=subprocess.DEVNULL,
        stdout=outer,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(outer)
    shown = b""
    while True:
        try:
            shown += (part := os.read(inner, 65536))
        except OSError:  # so Linux tells that the other end is closed
            break
        if not part:
            break
    os.close(inner)
    assert (done.returncode, done.stderr) == (0, b"")
    return shown.decode().splitlines()


def wide(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def change(lab: Lab, digest: str, **values: Any) -> None:
    """Change a document behind the program's back, as another version or program may have."""
    lab.ask("POST", f"{lab.index}/_update/{digest}?refresh=true", json={"doc": values})


# --- search: what is found ------------------------------------------------------------------------


def test_every_asset_newest_first_without_a_query(filled: Lab) -> None:
    assert paths(filled) == BY_DATE[::-1]


def test_sort_and_limit(filled: Lab) -> None:
    sizes = {p: (filled.root / p).stat().st_size for p in BY_DATE}
    assert paths(filled, "--sort", "taken") == BY_DATE
    assert paths(filled, "--sort", "size") == sorted(sizes, key=sizes.__getitem__)
    assert (
        paths(filled, "--sort", "-size", "--limit", "2")
        == sorted(sizes, key=sizes.__getitem__)[:-3:-1]
    )
    assert paths(filled, "--sort", "-taken", "-l", "1", "kind:image") == [PNG_PATH]
    # What lacks the value comes last, upwards and downwards.
    assert paths(filled, "--sort", "-city", "has:city OR kind:video") == [
        GHENT_PATH,
        AMSTERDAM_PATH,
        VIDEO_PATH,
    ]
    assert paths(filled, "--sort", "city", "has:city OR kind:video") == [
        AMSTERDAM_PATH,
        GHENT_PATH,
        VIDEO_PATH,
    ]


def test_an_unknown_sort_names_the_known_ones(filled: Lab) -> None:
    done = filled.catalog("search", "--sort", "colour")
    assert (done.status, done.out) == (2, "")
    assert (
        done.err.startswith("Error: --sort does not know colour")
        and "taken, added, size" in done.err
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("city:Ghent", {GHENT_PATH}),
        ("ghent", {GHENT_PATH}),
        ("taken:2019", {GHENT_PATH}),
        ("taken:[2018 TO 2019-07]", {PLAIN_PATH, GHENT_PATH}),
        ("taken:<2018-05-06", {VIDEO_PATH}),
        ("taken:(2017 OR 2020)", {VIDEO_PATH, AMSTERDAM_PATH}),
        ("kind:VIDEO", {VIDEO_PATH}),
        ("-kind:image", {VIDEO_PATH}),
        ("camera:iphone -city:Ghent", {AMSTERDAM_PATH, PLAIN_PATH}),
        ("city:Ghent OR city:Amsterdam kind:image", {GHENT_PATH, AMSTERDAM_PATH}),
        ("kind:video OR NOT camera:iphone", {VIDEO_PATH, PNG_PATH}),
        ("has:location", {GHENT_PATH, AMSTERDAM_PATH}),
        ("-has:camera", {VIDEO_PATH, PNG_PATH}),
        ("has:sidecar", {GHENT_PATH}),
        ("confidence:low", {PNG_PATH}),
        ("path:*filmchen*", {VIDEO_PATH}),
        ("path:2018/*", {PLAIN_PATH}),
        (f'path:"{GHENT_PATH}"', {GHENT_PATH}),
        ("2020/01_January", {AMSTERDAM_PATH}),
        ("name:screen.png", {PNG_PATH}),
        (f"hash:{GHENT_HASH[:12].upper()}*", {GHENT_PATH}),
        ("near:51.05,3.72,5km", {GHENT_PATH}),
        ("near:51.05,3.72,300km", {GHENT_PATH, AMSTERDAM_PATH}),
        ("near:51.05,3.72,300km taken:2020", {AMSTERDAM_PATH}),
        ("-near:51.05,3.72,5km has:location", {AMSTERDAM_PATH}),
        ("ext:.png", {PNG_PATH}),
        ("source:exif:DateTimeOriginal taken:2019", {GHENT_PATH}),
        ("size:>1TB", set()),
        ("blurred:yes blurred:no", set()),
    ],
)
def test_what_a_query_finds(filled: Lab, query: str, found: set[str]) -> None:
    assert set(paths(filled, "--", query)) == found


def test_words_of_several_arguments_are_one_query(filled: Lab) -> None:
    assert paths(filled, "city:Ghent", "OR", "kind:video") == [GHENT_PATH, VIDEO_PATH]


# --- search: how it is told -----------------------------------------------------------------------


def test_count(filled: Lab) -> None:
    assert [count(filled, query) for query in ("", "kind:image", "nothing")] == [5, 4, 0]


def test_jsonl_is_the_document(filled: Lab) -> None:
    done = filled.catalog("search", "city:Ghent OR kind:video", "--format", "jsonl")
    assert done.status == 0
    documents = filled.documents()
    assert [line["hash"] for line in done.lines] == [
        GHENT_HASH,
        content_hash((filled.root / VIDEO_PATH).read_bytes()),
    ]
    for line in done.lines:
        document = documents[line["hash"]]
        assert line == {name: document[name] for name in document.keys() - {"look", "phash_inner"}}


def test_table(filled: Lab) -> None:
    done = filled.catalog("search", "--sort", "taken")
    header, *rows, last = done.out.splitlines()
    assert header.split() == ["taken", "kind", "place", "camera", "size", "path"]
    assert [row.partition("nas:")[2] for row in rows] == BY_DATE
    ghent = rows[BY_DATE.index(GHENT_PATH)]
    size = (
        f"{len(FILES['a.jpg'])} B"
        if len(FILES["a.jpg"]) < 1000
        else f"{len(FILES['a.jpg']) / 1000:.1f} kB"
    )
    for word in ("2019-07-12 18:30:15", "image", "Ghent", "iPhone 12", size):
        assert f"{word} " in ghent
    assert {row.index("nas:") for row in rows} == {header.index("path")}
    assert last == "5 found."


def test_nothing_found_is_no_error(filled: Lab) -> None:
    told = {
        style: filled.catalog("search", "nothing", "--format", style)
        for style in ("table", "jsonl", "paths", "count")
    }
    assert {style: (done.status, done.out, done.err) for style, done in told.items()} == {
        "table": (0, "Nothing found.\n", ""),
        "jsonl": (0, "", ""),
        "paths": (0, "", ""),
        "count": (0, "0\n", ""),
    }


@pytest.mark.parametrize("columns", [80, 130])
def test_a_table_fits_the_terminal_and_shows_the_names(filled: Lab, columns: int) -> None:
    header, *rows, _ = on_a_terminal(filled, "search", "--sort", "taken", columns=columns)
    assert max(map(wide, [header, *rows])) <= columns
    assert ("camera" in header) == (columns > 100)
    for row, path in zip(rows, BY_DATE, strict=True):
        assert row.endswith(path[-17:])
        assert ("\u2026" in row) == (f"nas:{path}" not in row)


def test_odd_names_do_not_break_a_table_or_the_terminal(lab: Lab) -> None:
    put(lab.source, {"a.jpg": FILES["a.jpg"]})
    assert lab.upload().status == 0
    copy = lab.documents()[GHENT_HASH]["copies"][0]
    odd = "one\ntwo\x1b[31m\u202e 写真.jpg"
    change(
        lab,
        GHENT_HASH,
        copies=[{**copy, "store": "far", "path": odd}],
        paths=[odd],
        camera={"model": "写真機写真機写真機写真機\t"},
    )
    table = lab.catalog("search")
    _, row, last = table.out.splitlines()
    assert row.endswith(r"far:one\ntwo\x1b[31m\u202e 写真.jpg") and last == "1 found."
    assert all(c.isprintable() for c in row) and "写真機写真機写真機写 " in row
    shown = lab.catalog("show", GHENT_HASH).out
    assert r"far:one\ntwo\x1b[31m\u202e 写真.jpg" in shown
    assert all(line.isprintable() for line in shown.splitlines())
    # For programs the name is what it is.
    assert lab.catalog("search", "--format", "paths").out == f"far:{odd}\n"
    assert lab.catalog("search", "--format", "paths", "--null").out == f"far:{odd}\0"
    assert lab.catalog("search", "--format", "jsonl").lines[0]["paths"] == [odd]


def test_paths_are_the_very_bytes_that_the_system_knows(lab: Lab) -> None:
    lab.root = Path(os.fsdecode(os.fsencode(lab.folder) + b"/n\xe9w\n back\\slash 'quote'"))
    put(lab.source, {"a.jpg": FILES["a.jpg"], "b.jpg": FILES["b.jpg"]})
    assert lab.upload().status == 0
    found = subprocess.run(
        [PROGRAMS / "catalog", "search", "--format", "paths", "-0"],
        env=lab.environment(),
        capture_output=True,
        check=True,
    ).stdout
    names = [os.fsdecode(name) for name in found.split(b"\0")]
    assert names == [f"{lab.root}/{AMSTERDAM_PATH}", f"{lab.root}/{GHENT_PATH}", ""]
    assert content_hash(Path(names[1]).read_bytes()) == GHENT_HASH
    assert lab.catalog("show", os.fsencode(names[1]), "--json").lines[0]["hash"] == GHENT_HASH


def test_names_that_are_no_utf_8_can_be_asked_for(lab: Lab) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    put(lab.source, {name: FILES["a.jpg"]})
    assert lab.upload("--move").status == 0
    assert lab.catalog("search", b"original:caf\xe9.jpg", "--format", "count").out == "1\n"
    assert lab.catalog("search", b"original.path:*/caf\xe9.jpg", "--format", "count").out == "1\n"
    refused = lab.catalog("search", b"caf\xe9 AND")
    assert refused.status == 2 and refused.err.endswith("  caf\\\\xe9 AND\n           ^\n")
    for typed in (os.fsencode(lab.source / name), f"{lab.source}/caf\\xe9.jpg"):
        assert lab.catalog("show", typed, "--json").lines[0]["hash"] == GHENT_HASH


# --- search: more than anybody reads --------------------------------------------------------------

MANY, FEW = 3000, 501
"""So many assets that any way of telling them is longer than what a pipe holds;
and some of them.
"""


@pytest.fixture(scope="module")
def crowded(filled: Lab) -> Lab:
    """A catalog of MANY assets, FEW of them with a title.

    Takes what it needs from the other one, in an index beside it.
    """
    lab = Lab(filled.folder, filled.node, f"{filled.index}-crowded", dict(filled.variables))
    one = filled.documents()[GHENT_HASH]
    export = lab.home / "crowded.ndjson"
    documents = [
        one | {"hash": f"{n:064x}", **({"title": "rare"} if n < FEW else {})} for n in range(MANY)
    ]
    header = {
        "format": "image-catalog export",
        "version": 1,
        "schema": SCHEMA_VERSION,
        "counts": {},
    }
    lines = [
        header | {"program": "test"},
        *({"what": "assets", "id": d["hash"], "document": d} for d in documents),
        {"what": "end", "counts": {"assets": MANY}},
    ]
    export.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert lab.catalog("import", export).status == 0
    return lab


@pytest.mark.parametrize("style", ["table", "jsonl", "paths"])
def test_a_reader_that_has_seen_enough_is_no_failure(crowded: Lab, style: str) -> None:
    whole = crowded.catalog("search", "--format", style).out
    assert len(whole) > 2 * PIPE_BYTES
    script = f"'{PROGRAMS / 'catalog'}' search --format {style} | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        cwd=crowded.home,
        env=crowded.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == whole.splitlines(keepends=True)[0]


def test_a_limit_says_what_it_left_out(crowded: Lab) -> None:
    def last(*arguments: object) -> str:
        done = crowded.catalog("search", *arguments)
        assert done.status == 0
        return done.out.splitlines()[-1]

    assert last("title:rare", "--limit", 2) == f"2 of {FEW} found."
    assert last("--limit", 2) == f"2 of {MANY:,} found."
    assert last("title:rare", "--limit", FEW) == f"{FEW} found."
    assert last("title:rare", "--limit", FEW + 1) == f"{FEW} found."
    assert last("title:rare") == f"{FEW} found."
    assert last("title:none", "--limit", 2) == "Nothing found."


# --- search: mistakes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "mark", "words"),
    [
        ("taken:2019 AND AND", "               ^", ["AND cannot follow AND"]),
        ("kind:video (a OR b", "           ^", ["This ( is never closed"]),
        ("citi:Ghent", "^", ["There is no field citi", "Did you mean city?"]),
        ("x - y", "  ^", ["This - stands alone", r"\-"]),
        ("写真 é OR", "       ^", ["Nothing follows this OR"]),
        ("e\u0301 OR", "  ^", ["Nothing follows this OR"]),
        ("a\tb OR", "    ^", ["Nothing follows this OR"]),
        ("\x1b[31m (", "    ^", ["This [ is never closed", "\\x1b[31m ("]),
    ],
)
def test_a_syntax_error_is_marked_and_needs_no_elasticsearch(
    filled: Lab, query: str, mark: str, words: list[str]
) -> None:
    done = filled.catalog("search", "--", query, CATALOG_ELASTICSEARCH_URL=NOWHERE)
    assert (done.status, done.out) == (2, "")
    first, shown, marked, *hint = done.err.splitlines()
    assert first.startswith(f"Error: {words[0]}")
    assert "\x1b" not in shown and marked == f"  {mark}"
    assert all(word in "\n".join([first, shown, *hint]) for word in words)


def test_what_only_elasticsearch_finds_wrong_is_told_without_a_false_mark(filled: Lab) -> None:
    for style in ("table", "count"):
        done = filled.catalog("search", "city:/[/", "--format", style)
        assert (done.status, done.out) == (2, "")
        assert done.err.splitlines()[-1] == "  city:/[/"
        assert "unexpected end-of-string" in done.err and "Traceback" not in done.err


# --- show -----------------------------------------------------------------------------------------


def test_show_finds_by_hash_path_and_content(filled: Lab, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.bin").write_bytes(FILES["a.jpg"])
    (tmp_path / "link.jpg").symlink_to("elsewhere.bin")
    for what in (
        GHENT_HASH,
        GHENT_HASH.upper(),
        GHENT_HASH[:10],
        f" {GHENT_HASH[:16]} ",
        GHENT_PATH,
        f"nas:{GHENT_PATH}",
        filled.root / GHENT_PATH,
        f"../nas/2019/../{GHENT_PATH}",
        filled.source / "a.jpg",
        tmp_path / "elsewhere.bin",
        tmp_path / "link.jpg",
    ):
        done = filled.catalog("show", what, "--json")
        assert (done.status, done.err) == (0, ""), what
        assert [line["hash"] for line in done.lines] == [GHENT_HASH], what


def test_show_json_is_the_document_with_its_history(filled: Lab) -> None:
    (line,) = filled.catalog("show", GHENT_HASH, "--json").lines
    history = line.pop("history")
    assert line == filled.documents()[GHENT_HASH]
    assert [(e["action"], e["store"], e["path"], e["source"]) for e in history] == [
        ("add", "nas", GHENT_PATH, str(filled.source / "a.jpg"))
    ]


def test_show_tells_each_value_and_where_it_came_from(filled: Lab) -> None:
    done = filled.catalog("show", GHENT_PATH)
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == f"image jpeg  {GHENT_HASH}"
    taken = "2019-07-12 18:30:15 (UTC+02:00)   from exif:DateTimeOriginal, confidence high"
    assert f"  taken                     {taken}" in lines
    assert "  location                  51.05, 3.72   from exif" in lines
    assert "  camera.model              iPhone 12   from exif" in lines
    assert "  place.city                Ghent" in lines
    assert f"  original.path             {filled.source}/a.jpg" in lines
    assert any(
        line.startswith(f"  copy                      nas:{GHENT_PATH}  ok, verified 20")
        for line in lines
    )
    assert f"  sidecar                   nas:{GHENT_PATH}.xmp" in lines
    events = lines[lines.index("history") + 1 :]
    assert (
        len(events) == 1
        and f"add        nas:{GHENT_PATH}  from {filled.source}/a.jpg  run " in events[0]
    )
    # Nothing that the index holds of the asset is left out.
    document = filled.documents()[GHENT_HASH]
    pixels = {"look", "phash_inner", "preview"}
    for name in (
        document.keys()
        - pixels
        - {"hash", "kind", "type", "captured", "copies", "sidecars", "sources", "stores", "paths"}
    ):
        assert any(line.startswith(f"  {name}") for line in lines), name


def test_show_writes_offsets_as_clocks_do(lab: Lab) -> None:
    put(lab.source, {"a.jpg": FILES["a.jpg"]})
    assert lab.upload().status == 0
    told = []
    for minutes in (330, -210, 0):
        captured = lab.documents()[GHENT_HASH]["captured"] | {
            "offset_minutes": minutes,
            "zone": "Asia/Kolkata",
        }
        change(lab, GHENT_HASH, captured=captured)
        told.append(lab.catalog("show", GHENT_HASH).out)
    for out, offset in zip(told, ("+05:30", "-03:30", "+00:00"), strict=True):
        assert (
            f"2019-07-12 18:30:15 (UTC{offset})   from" in out
            and "taken.zone                Asia/Kolkata" in out
        )


def test_show_what_is_not_there(filled: Lab, tmp_path: Path) -> None:
    (tmp_path / "new.jpg").write_bytes(jpeg("never uploaded"))
    unknown = "0" * 64
    for what, words in (
        (unknown, ["Nothing in the catalog has the hash", unknown]),
        ("not/there.jpg", ["hash or path not/there.jpg", "catalog search"]),
        ("dropbox:" + GHENT_PATH, ["hash or path dropbox:"]),
        ("abc", ["hash or path abc"]),
        (
            tmp_path / "new.jpg",
            ["The content of", "new.jpg is not in the catalog", "upload_to_nas_from_disk"],
        ),
        (filled.root, ["is a folder", "catalog search"]),
        ("\x1b[31m", ["\\x1b[31m"]),
    ):
        done = filled.catalog("show", what)
        assert (done.status, done.out) == (1, ""), what
        assert done.err.startswith("Error: ") and done.err.count("\n") == 1, what
        assert all(word in done.err for word in words), what


def test_show_wants_more_digits_where_several_hashes_begin_alike(filled: Lab, lab: Lab) -> None:
    put(lab.source, {"a.jpg": FILES["a.jpg"]})
    assert lab.upload().status == 0
    twin = GHENT_HASH[:6] + ("0" if GHENT_HASH[6] != "0" else "1") + GHENT_HASH[7:]
    document = lab.documents()[GHENT_HASH] | {"hash": twin}
    lab.ask("PUT", f"{lab.index}/_doc/{twin}?refresh=true", json=document)
    done = lab.catalog("show", GHENT_HASH[:6])
    assert done.status == 1 and "More than one" in done.err and "more digits" in done.err
    assert lab.catalog("show", GHENT_HASH[:7], "--json").lines[0]["hash"] == GHENT_HASH


def test_show_of_a_source_that_was_moved_away(lab: Lab) -> None:
    put(lab.source, {"a.jpg": FILES["a.jpg"]})
    assert lab.upload("--move").status == 0
    assert not (lab.source / "a.jpg").exists()
    assert lab.catalog("show", lab.source / "a.jpg", "--json").lines[0]["hash"] == GHENT_HASH


def test_show_of_a_path_means_the_copy_that_is_there(lab: Lab) -> None:
    put(lab.source, {"a.jpg": FILES["a.jpg"], "b.jpg": FILES["b.jpg"]})
    assert lab.upload().status == 0
    other = content_hash(FILES["b.jpg"])
    for lost, there in ((GHENT_HASH, other), (other, GHENT_HASH)):
        copy = lab.documents()[GHENT_HASH]["copies"][0] | {"path": "one.jpg"}
        change(lab, lost, copies=[copy | {"state": "missing"}])
        change(lab, there, copies=[copy | {"state": "ok"}])
        assert lab.catalog("show", "one.jpg", "--json").lines[0]["hash"] == there
    assert paths(lab) == ["one.jpg"]
    assert [
        row.split("B  ")[1]
        for row in lab.catalog("search", "--sort", "taken").out.splitlines()[1:3]
    ] == [
        "nas:one.jpg",
        "(no copy)",
    ]


# --- status ---------------------------------------------------------------------------------------


def test_status_counts_what_is_there(filled: Lab) -> None:
    sizes = {p: (filled.root / p).stat().st_size for p in BY_DATE}
    (found,) = filled.catalog("status", "--json").lines
    (store,) = found.pop("known_stores")
    shortfalls = {row["what"]: row["assets"] for row in found.pop("shortfalls")}
    assert shortfalls == {
        "have fewer than 2 copies": 5,
        "have a damaged copy": 0,
        "have a missing copy": 0,
    }
    assert (store["name"], store["kind"], store["root"]) == ("nas", "local", str(filled.root))
    assert found == {
        "assets": 5,
        "bytes": sum(sizes.values()),
        "copies": 5,
        "stores": {"nas": {"copies": 5, "bytes": sum(sizes.values()), "not_ok": 0}},
        "kinds": {
            "image": {"assets": 4, "bytes": sum(sizes.values()) - sizes[VIDEO_PATH]},
            "video": {"assets": 1, "bytes": sizes[VIDEO_PATH]},
        },
        "years": {"2017": 1, "2018": 1, "2019": 1, "2020": 1, "2021": 1},
        "min_copies": 2,
        "lacking_copies": 5,
        "weak_dates": 1,
        "with_position": 2,
        "with_problem": 0,
        "outdated": 0,
    }


def test_status_as_text(filled: Lab) -> None:
    done = filled.catalog("status", CATALOG_MIN_COPIES="1")
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].startswith("5 assets, ") and lines[0].endswith("; 5 copies.")
    assert any(
        line.split()[:2] == ["nas", "5"] and line.endswith(str(filled.root)) for line in lines
    )
    assert [line.split()[:2] for line in lines if "#" in line] == [
        [str(y), "1"] for y in range(2017, 2022)
    ]
    assert not any("fewer than" in line for line in lines)
    assert any(line.startswith("1 has a weak date or none") for line in lines)
    assert any(line.startswith("2 have a position") for line in lines)
    assert "missing" not in done.out and "undated" not in done.out and "problem" not in done.out
    # The searches that it names find as many as it counts.
    hints = [
        line.partition(" (catalog search '")[::2] for line in lines if "(catalog search" in line
    ]
    assert len(hints) == 2
    for told, query in hints:
        assert count(filled, query.removesuffix("').")) == int(told.split()[0])


def test_status_of_missing_copies_undated_assets_and_problems(lab: Lab) -> None:
    put(lab.source, {name: FILES[name] for name in ("a.jpg", "b.jpg", "c.jpg")})
    assert lab.upload().status == 0
    copy = lab.documents()[GHENT_HASH]["copies"][0]
    copies = [copy, copy | {"store": "far\x1b", "path": "x.jpg", "size": 10**9}]
    change(lab, GHENT_HASH, copies=copies, copy_count=2, stores=["far", "nas"])
    change(
        lab,
        content_hash(FILES["b.jpg"]),
        copies=[copy | {"state": "missing"}],
        copy_count=0,
        problem="cannot be decoded",
    )
    change(lab, content_hash(FILES["c.jpg"]), captured=None)
    (found,) = lab.catalog("status", "--json").lines
    assert (found["assets"], found["copies"], found["lacking_copies"], found["weak_dates"]) == (
        3,
        4,
        2,
        1,
    )
    assert found["stores"]["nas"] == {
        "copies": 3,
        "bytes": found["stores"]["nas"]["bytes"],
        "not_ok": 1,
    }
    assert found["stores"]["far\x1b"] == {"copies": 1, "bytes": 10**9, "not_ok": 0}
    assert (found["years"], found["with_problem"]) == ({"2019": 1, "2020": 1}, 1)
    done = lab.catalog("status")
    lines = done.out.splitlines()
    assert any(
        line.split()[0] == "nas" and line.endswith("  1 missing or damaged") for line in lines
    )
    assert any(line.split()[:3] == [r"far\x1b", "1", "1.0"] for line in lines)
    assert any(line.split()[:2] == ["undated", "1"] for line in lines)
    assert "2 have fewer than 2 copies (catalog copies --fewer-than 2)." in lines
    assert any(line.startswith("1 has a problem") for line in lines)
    for told, query in [
        line.partition(" (catalog search '")[::2] for line in lines if "(catalog search" in line
    ]:
        assert count(lab, query.removesuffix("').")) == int(told.split()[0])


def test_where_there_is_no_catalog_asking_says_so_and_makes_none(lab: Lab) -> None:
    for arguments in (
        ("search",),
        ("search", "--format", "count"),
        ("show", "abcdef"),
        ("status",),
        ("status", "--json"),
    ):
        done = lab.catalog(*arguments)
        assert (done.status, done.out) == (2, ""), arguments
        assert (
            done.err.startswith(f"Error: There is no catalog {lab.index} yet.")
            and done.err.count("\n") == 1
        )
    assert lab.catalog("doctor").status in (0, 1)
    assert lab.ask("GET", f"{lab.index}*") == {}


def test_an_empty_catalog_answers_every_question(lab: Lab) -> None:
    assert lab.upload().status == 0
    status = lab.catalog("status")
    assert (status.status, status.err) == (0, "")
    assert status.out.splitlines()[0] == "0 assets, 0 B; 0 copies."
    assert (
        status.out.splitlines()[-1]
        == "Nothing is in this catalog yet: upload_to_nas_from_disk brings photos and videos in."
    )
    (found,) = lab.catalog("status", "--json").lines
    assert (found["assets"], found["copies"], found["stores"], found["years"]) == (0, 0, {}, {})
    assert [store["name"] for store in found["known_stores"]] == ["nas"]
    assert lab.catalog("search").out == "Nothing found.\n"
    assert count(lab, "near:51,3 taken:2019") == 0
    assert lab.catalog("show", "abcdef").status == 1


def test_without_elasticsearch_the_exit_status_is_5(lab: Lab) -> None:
    for arguments in (
        ("search",),
        ("search", "--format", "count"),
        ("show", "abcdef"),
        ("status",),
        ("status", "--json"),
    ):
        done = lab.catalog(*arguments, CATALOG_ELASTICSEARCH_URL=NOWHERE)
        assert (done.status, done.out) == (5, ""), arguments
        assert (
            done.err.startswith(f"Error: Elasticsearch at {NOWHERE} does not answer")
            and done.err.count("\n") == 1
        )


# --- doctor ---------------------------------------------------------------------------------------


def findings(done: Done) -> dict[str, list[tuple[str, str, str]]]:
    """State, text and advice of each finding, by check."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for line in done.lines:
        assert line.keys() == {"check", "state", "text", "advice"}
        found.setdefault(line["check"], []).append((line["state"], line["text"], line["advice"]))
    return found


def problems(done: Done) -> dict[str, str]:
    """The advice of each check that found a problem; every problem has one."""
    found = {
        check: "; ".join(f"{t} -> {a}" for s, t, a in those if s == "problem")
        for check, those in findings(done).items()
    }
    assert all("-> " in text and not text.endswith("-> ") for text in found.values() if text)
    return {check: text for check, text in found.items() if text}


def test_doctor_where_all_is_well(filled: Lab) -> None:
    well = {"CATALOG_NAS_ROOT": str(filled.root), "CATALOG_HOME_ZONE": "Europe/Brussels"}
    done = filled.catalog("doctor", "--json", **well)
    assert (done.status, done.err, problems(done)) == (0, "", {})
    found = findings(done)
    assert found.keys() == {
        "python",
        "configuration",
        "secrets",
        "engine",
        "nas",
        "dropbox",
        "webdav",
        "journal",
        "previews",
        "reading",
        "programs",
    }
    where = "the environment (CATALOG_ELASTICSEARCH_PASSWORD)"
    assert found["secrets"] == [("ok", f"elasticsearch_password is in {where}", "")]
    assert re.match("a process that reads files (cannot|could) write files", found["reading"][0][1])
    assert filled.node and found["engine"][0][1].startswith(f"{filled.node.url} answers")
    assert found["nas"][0] == ("ok", f"{filled.root}, marked", "")
    assert found["configuration"] == [
        ("ok", f"catalog {filled.index}, home zone Europe/Brussels", "")
    ]
    text = filled.catalog("doctor", **well)
    assert text.status == 0 and "FAIL" not in text.out
    assert all(line[:6] in ("ok    ", "warn  ", "      ") for line in text.out.splitlines())


@pytest.mark.parametrize(
    ("files", "network", "state"),
    [("landlock", "landlock", "ok"), ("", "a namespace", "ok"), ("", "", "warning")],
)
def test_doctor_warns_where_nothing_keeps_the_readers_in(
    filled: Lab, monkeypatch: pytest.MonkeyPatch, files: str, network: str, state: str
) -> None:
    answer = json.dumps({"files": files, "network": network})
    done = subprocess.CompletedProcess[str]((), 0, answer, "")
    monkeypatch.setattr("catalog.features.health.doctor.subprocess.run", lambda *_a, **_n: done)
    told = findings(filled.catalog("doctor", "--json", "--nas_root", filled.root))
    ((found, text, advice),) = told["reading"]
    assert found == state and bool(advice) == (state == "warning")
    assert ("could write files" in text) == (not files)


def test_doctor_warns_where_nobody_said_which_time_films_tell(filled: Lab) -> None:
    done = filled.catalog("doctor", "--json", "--nas_root", filled.root, CATALOG_HOME_ZONE="")
    assert (done.status, problems(done)) == (0, {})
    (_zone, (state, text, advice)) = findings(done)["configuration"]
    assert state == "warning" and "home_zone is not set" in text and "Set home_zone" in advice


def test_doctor_changes_nothing(lab: Lab) -> None:
    root = lab.folder / "root"
    root.mkdir()
    before = sorted(p for p in lab.folder.rglob("*"))
    done = lab.catalog("doctor", "--nas-root", root, "--json")
    assert (done.status, problems(done)) == (0, {})
    assert (
        "not yet marked" in findings(done)["nas"][0][1]
        and "no catalog yet" in findings(done)["engine"][0][1]
    )
    assert [p for p in lab.folder.rglob("*") if p not in before and "journal" in p.name] == []
    assert sorted(root.iterdir()) == []


def test_doctor_of_bad_roots(filled: Lab) -> None:
    for root, words in (
        (None, "there is no nas_root -> Give --nas_root"),
        (filled.folder / "nowhere", "is not there -> Is it mounted?"),
        (filled.source / "a.jpg", "is a file, not a folder"),
        (filled.source, "has no marker of store nas"),
    ):
        done = filled.catalog("doctor", "--json", *(["--nas_root", root] if root else []))
        (found,) = problems(done).values()
        assert done.status == 1 and words in found, root
    text = filled.catalog("doctor", "--nas_root", filled.folder / "nowhere")
    lines = text.out.splitlines()
    assert text.status == 1
    assert lines[
        lines.index(f"FAIL  nas: {filled.folder / 'nowhere'} is not there") + 1
    ].startswith("      -> Is it mounted?")


def test_doctor_without_permission(filled: Lab) -> None:
    locked = filled.folder / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    bound: list[str | Path] = []
    if os.geteuid() == 0:  # whom nothing is forbidden, unless it gives its privileges away
        if not shutil.which("setpriv"):
            pytest.skip("root, and no setpriv")
        bound = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    done = subprocess.run(
        [
            *bound,
            PROGRAMS / "catalog",
            "doctor",
            "--json",
            "--nas_root",
            locked,
            "--index",
            "test-none",
        ],
        cwd="/",
        env=filled.environment(CATALOG_STATE_DIR=str(locked / "state")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    found = problems(Done(done.returncode, done.stdout, done.stderr))
    assert found.keys() == {"nas", "journal"}
    assert "cannot be read and written by this user -> Check its owner and mode." in found["nas"]
    assert "cannot be written -> Set state_dir" in found["journal"]


def test_doctor_of_engine_and_programs(filled: Lab) -> None:
    root = ("--nas_root", filled.root, "--json")
    assert problems(
        filled.catalog("doctor", *root, CATALOG_OPTIONAL_READERS='["exiftool"]', PATH="/nowhere")
    ) == {
        "programs": "exiftool is asked for by optional_readers, but is not installed -> Install "
        "ExifTool."
    }
    hachoir = filled.catalog("doctor", *root, CATALOG_OPTIONAL_READERS='["hachoir"]')
    assert problems(hachoir) == {} and "hachoir installed, used" in hachoir.out
    gone = filled.catalog("doctor", *root, CATALOG_ELASTICSEARCH_URL=NOWHERE)
    assert gone.status == 1 and f"{NOWHERE} does not answer" in problems(gone)["engine"]
    refused = filled.catalog("doctor", *root, CATALOG_ELASTICSEARCH_PASSWORD="not-the-password")
    assert refused.status == 1 and "refused the login" in problems(refused)["engine"]
    foreign = f"{filled.index}-foreign"
    filled.ask("PUT", foreign)
    other = filled.catalog("doctor", *root, "--index", foreign)
    assert other.status == 1 and "was not made by this program" in problems(other)["engine"]


def test_a_bad_configuration_is_one_line_and_exit_status_2(lab: Lab) -> None:
    config = lab.folder / "config.json"
    for content, words in (
        ('{"nas_rot": "/x"}', ["Unknown setting nas_rot", str(config), "nas_root"]),
        ('{"min_copies": "many"}', ["min_copies", str(config)]),
        ("{", [str(config), "no valid JSON"]),
        (None, [str(config), "is not there"]),
    ):
        config.unlink(missing_ok=True)
        if content is not None:
            config.write_text(content)
        for command in ("search", "show", "status", "doctor"):
            done = lab.catalog(command, *(["x"] if command == "show" else []), "--config", config)
            assert (done.status, done.out) == (2, ""), (command, content)
            assert done.err.startswith("Error: ") and done.err.count("\n") == 1
            assert all(word in done.err for word in words), done.err


# --- all of them ----------------------------------------------------------------------------------

COMMANDS = [
    "search",
    "show",
    "status",
    "doctor",
    "engine start",
    "engine stop",
    "engine status",
    "engine logs",
    "upload_to_nas_from_disk",
]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_every_option_and_needs_no_index(name: str, tmp_path: Path) -> None:
    command: click.Command = umbrella
    for word in name.split():
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found
        command = found
    lab = Lab(
        tmp_path,
        None,
        "test-help",
        {"CATALOG_ELASTICSEARCH_URL": NOWHERE, "CATALOG_CONFIG": "/nowhere"},
    )
    done = lab.catalog(*name.split(), "--help")
    assert (done.status, done.err) == (0, "")
    words = done.out.replace(",", " ").split()
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert set(parameter.opts) <= set(words), parameter.name
        elif parameter.metavar or parameter.name:
            assert (parameter.metavar or f"{parameter.name}".upper()) in done.out
    assert lab.catalog(*name.split(), "-h").out == done.out


def test_secrets_never_show(filled: Lab, tmp_path: Path) -> None:
    assert filled.node
    secrets = {
        "CATALOG_ELASTICSEARCH_API_KEY": "secret-of-the-key",
        "CATALOG_DBOX_FULL_TOKEN": "secret-of-the-account",
        "CATALOG_DBOX_CATALOG_TOKEN": "secret-of-the-folder",
    }
    secrets |= {
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "NO_PROXY": "",
        "no_proxy": "",
        "CATALOG_DROPBOX_RETRY_SECONDS": "0",
    }  # nothing leaves this machine
    tokens = {k: v for k, v in secrets.items() if "KEY" not in k}
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"elasticsearch_password": ["secret-of-the-file"]}))
    told = [
        filled.catalog(*arguments, **environment)
        for arguments in (
            ("search",),
            ("status", "--json"),
            ("doctor",),
            ("doctor", "--json"),
            ("show", GHENT_HASH),
        )
        for environment in (
            tokens,
            secrets,
            tokens | {"CATALOG_ELASTICSEARCH_PASSWORD": "secret-that-is-wrong"},
        )
    ]
    told += [filled.catalog("status", "--config", config, CATALOG_ELASTICSEARCH_PASSWORD="")]
    assert {done.status for done in told} == {0, 1, 2, 5}
    for done in told:
        assert "secret-" not in done.out + done.err
        assert filled.node.password not in done.out + done.err
