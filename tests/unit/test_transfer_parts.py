"""Exports and backups without a node: merging two documents, reading damaged lines,
files written whole or not at all.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.domain.copies import flat
from catalog.domain.person import lay_over
from catalog.errors import CatalogError, DocumentConflict, SchemaMismatch, TransferError, UsageError
from catalog.features.backup import packed_files, snapshots
from catalog.features.backup import stream as transfer
from catalog.features.backup.checks import problem_of
from catalog.features.backup.merge import with_imported
from catalog.index import schema
from catalog.index.client import Connection
from catalog.index.migration import UPGRADES, is_upgradable

EARLY, LATE = "2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z"


def row(path: str, verified: str = EARLY, **more: Any) -> dict[str, Any]:
    return {"store": "nas", "path": path, "size": 1, "verified": verified, "state": "ok", **more}


def asset(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"hash": "h", "kind": "image", **flat(rows), **more}


# --- merging --------------------------------------------------------------------------------------


def test_an_asset_that_is_not_there_comes_as_it_is():
    document = asset(row("a"), updated=EARLY)
    assert with_imported(document)(None) is document


def test_copies_add_up_and_of_two_rows_of_one_file_the_one_verified_later_wins():
    ours = asset(row("a", LATE, size=2), row("b", EARLY), row("c", EARLY, size=3))
    theirs = asset(
        row("a", EARLY, state="missing"), row("b", LATE, state="missing"), row("c", EARLY), row("d")
    )
    after = with_imported(theirs)(ours)
    assert after is not None
    expected = [
        row("a", LATE, size=2),
        row("b", LATE, state="missing"),
        row("c", EARLY, size=3),
        row("d"),
    ]
    assert after["copies"] == expected
    assert (after["paths"], after["copy_count"], after["stores"]) == (["a", "c", "d"], 3, ["nas"])


def test_one_path_in_two_stores_is_two_copies():
    after = with_imported(asset(row("a") | {"store": "usb"}))(asset(row("a")))
    assert after is not None and [c["store"] for c in after["copies"]] == ["nas", "usb"]


def test_sidecars_add_up_and_ours_stays():
    ours = asset(sidecars=[{"store": "nas", "path": "b.xmp", "hash": "1"}])
    theirs = asset(
        sidecars=[
            {"store": "nas", "path": "b.xmp", "hash": "2"},
            {"store": "nas", "path": "a.xmp", "hash": "3"},
        ]
    )
    after = with_imported(theirs)(ours)
    assert after is not None and [(s["path"], s["hash"]) for s in after["sidecars"]] == [
        ("a.xmp", "3"),
        ("b.xmp", "1"),
    ]


def test_checksums_add_up_and_ours_stays():
    theirs = asset(row("a"), checksums={"dropbox": "theirs", "md5": "3"})
    after = with_imported(theirs)(asset(row("a"), checksums={"dropbox": "ours"}))
    assert after is not None and after["checksums"] == {"dropbox": "ours", "md5": "3"}


def test_what_a_person_said_here_wins_and_what_was_said_elsewhere_comes_in():
    ours = lay_over(asset(row("a"), tags=["sea"]), {"rating": 5, "tags_added": ["x"]})
    theirs = lay_over(
        asset(row("a"), tags=["sea"]), {"rating": 1, "title": "Snow", "tags_added": ["y"]}
    )
    after = with_imported(theirs)(ours)
    assert after is not None
    assert (after["rating"], after["title"], after["tags"]) == (5, "Snow", ["sea", "x", "y"])
    assert after["manual"] == ["rating", "tags_added", "title"]


def test_other_facts_stay_as_they_are_here():
    after = with_imported(asset(row("b"), kind="video", width=9))(asset(row("a"), updated=EARLY))
    assert (
        after is not None
        and after["kind"] == "image"
        and "width" not in after
        and after["updated"] == EARLY
    )


_ROWS = st.lists(
    st.builds(
        row,
        st.sampled_from("abc"),
        st.sampled_from([EARLY, LATE]),
        state=st.sampled_from(["ok", "missing"]),
    ),
    unique_by=lambda r: r["path"],
)
_TAGS = st.lists(st.sampled_from("pq"), min_size=1, unique=True)
_SAID = st.fixed_dictionaries(
    {},
    optional={
        "rating": st.integers(0, 5),
        "title": st.sampled_from("xy"),
        "tags_added": _TAGS,
        "tags_removed": _TAGS,
    },
)
_SAID = _SAID.filter(
    lambda said: not {*said.get("tags_added", [])} & {*said.get("tags_removed", [])}
)
_ASSETS = st.builds(lambda rows, said: lay_over(asset(*rows), said), _ROWS, _SAID)


@given(_ASSETS, _ASSETS)
def test_an_import_done_twice_changes_nothing_the_second_time(
    ours: dict[str, Any], theirs: dict[str, Any]
):
    once = with_imported(theirs)(ours)
    assert with_imported(theirs)(once) == once
    assert with_imported(ours)(ours) == ours


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (asset(row("a")), ""),
        ({"hash": "other"}, "its hash is not its id"),
        (asset() | {"copies": "none"}, "copies that is no list"),
        (asset() | {"copies": [{"store": "nas"}]}, "an element that has no path"),
        (asset() | {"sidecars": [1]}, "an element that is no object"),
        (asset() | {"person": []}, "person that is no object"),
        (asset() | {"size": "1"}, "size that is no whole number"),
        (asset() | {"place_removed": 1}, "place_removed that is neither true nor false"),
        (asset() | {"checksums": {"sha1": 1}}, "checksums that is no text: sha1"),
        (asset(row("a", "yesterday")), "time of verification"),
        (asset(row("a", 5)), "verified that is no text"),  # type: ignore[arg-type]
        (asset(row("/etc/a")), "'/etc/a' is no path inside a store"),
        (asset(row("a/../../b")), "is no path inside a store"),
        (asset(row(".Catalog/tmp/a")), "is no path inside a store"),
        (asset(row("a//b")), "is no path inside a store"),
        (asset(row("a\0b")), "is no path inside a store"),
    ],
)
def test_what_cannot_be_an_asset_is_told(document: dict[str, Any], problem: str):
    found = problem_of("assets", "h", document)
    assert problem in found and bool(problem) == bool(found)


STAGED = {"target": "icloud", "hash": "h", "folder": "/staging", "name": "a.jpg"}
AT = {"action": "add", "hash": "h", "store": "nas", "path": "2019/a.jpg", "effect": "file"}
BAD = {"copies": [row("../a")]}


@pytest.mark.parametrize(
    ("what", "document", "problem"),
    [
        ("events", AT, ""),
        ("events", AT | {"action": "remove", "source": "/s/a", "before": {"hash": "h"}}, ""),
        ("events", AT | {"before": None, "after": {"title": None, "rating": 5}}, ""),
        ("events", {"hash": "h"}, "has no action"),
        ("events", AT | {"before": []}, "before that is no object"),
        ("events", AT | {"before": {"mtime_ns": "5"}}, "mtime_ns that is no whole number"),
        ("events", AT | {"after": {"document": {"copies": [{}]}}}, "has no store"),
        ("events", AT | {"path": "/home/me/.bashrc"}, "no path inside a store"),
        ("events", AT | {"trash": "run/../../a"}, "no path inside a store"),
        ("events", AT | {"action": "move", "source": "../a"}, "no path inside a store"),
        ("events", AT | {"effect": "index", "before": BAD}, "no path inside a store"),
        ("events", AT | {"after": {"document": BAD}}, "no path inside a store"),
        ("events", AT | {"after": {"handover": STAGED | {"name": "../a"}}}, "leads out"),
        ("stores", {"name": "nas", "id": "1", "roots": [{"host": "h", "root": "/nas"}]}, ""),
        ("stores", {"name": "nas"}, "has no id"),
        ("stores", {"name": "a/b", "id": "1"}, "no name of a store"),
        ("stores", {"name": "nas", "id": "1", "roots": [5]}, "an element that is no object"),
        ("sources", {"hash": "h", "path": "/s/a", "run": "r", "at": EARLY}, ""),
        ("sources", {"hash": 5}, "hash that is no text"),
        ("decisions", {"kind": "bad", "hash": "h", "other": "h"}, ""),
        ("decisions", {"kind": "bad", "hash": "h"}, "has no other"),
        ("handovers", STAGED, ""),
        ("handovers", STAGED | {"size": "5"}, "size that is no whole number"),
        ("handovers", STAGED | {"name": "x/a.jpg"}, "leads out of its folder"),
        ("handovers", STAGED | {"folder": "staging"}, "no absolute path"),
    ],
)
def test_what_cannot_be_a_document_of_another_index_is_told(
    what: str, document: dict[str, Any], problem: str
):
    found = problem_of(what, "key", document)
    assert problem in found and bool(problem) == bool(found)


# --- lines ----------------------------------------------------------------------------------------

HEADER = {
    "format": transfer.FORMAT,
    "version": 1,
    "schema": schema.SCHEMA_VERSION,
    "counts": {"assets": 1},
    "program": "9",
}
LINE = {"what": "assets", "id": "h", "document": {"hash": "h"}}
THE_END = {"what": "end", "counts": {"assets": 1, "events": 0}}


def read(*values: Any) -> list[transfer.Item]:
    data = b"".join(v if isinstance(v, bytes) else orjson.dumps(v) + b"\n" for v in values)
    return list(transfer.Reader(packed_files.Input(io.BytesIO(data), "FILE")))


def test_a_whole_export_is_read():
    assert [(item.number, item.key) for item in read(HEADER, b" \n", LINE, THE_END, b"\n")] == [
        (3, "h")
    ]
    assert len(read(HEADER, LINE, orjson.dumps(THE_END))) == 1, (
        "an editor may have taken the last line feed"
    )


@pytest.mark.parametrize(
    ("lines", "error", "said"),
    [
        ((), UsageError, "no export"),
        ((b"\x00\xff\n",), UsageError, "no export"),
        (({"format": "other"},), UsageError, "no export"),
        ((HEADER | {"schema": None},), TransferError, "first line"),
        (
            (HEADER | {"schema": 99},),
            SchemaMismatch,
            "newer version of this program (9, schema 99)",
        ),
        ((HEADER | {"revision": 7},), SchemaMismatch, f"(9, schema {schema.SCHEMA_VERSION}.7)"),
        ((HEADER | {"version": 2},), SchemaMismatch, "newer version"),
        ((HEADER | {"schema": 0},), SchemaMismatch, "too old"),
        ((HEADER, LINE), TransferError, "cut short"),
        ((HEADER, LINE, orjson.dumps(THE_END)[:-1]), TransferError, "cut short"),
        ((HEADER, b'{"what": "ass\n', THE_END), TransferError, "Line 2 of FILE is broken"),
        ((HEADER, LINE, b"[]\n", THE_END), TransferError, "Line 3 of FILE is broken"),
        ((HEADER, LINE | {"what": "people"}, THE_END), TransferError, "Line 2 of FILE is broken"),
        ((HEADER, LINE | {"id": ""}, THE_END), TransferError, "Line 2 of FILE is broken"),
        ((HEADER, LINE | {"document": None}, THE_END), TransferError, "Line 2 of FILE is broken"),
        ((HEADER, THE_END), TransferError, "lacks some of its lines"),
        ((HEADER, LINE, THE_END | {"counts": None}), TransferError, "lacks some of its lines"),
        ((HEADER, LINE, THE_END, LINE), TransferError, "goes on after its end"),
    ],
)
def test_a_file_that_is_not_right_is_told_in_one_line(
    lines: tuple[Any, ...], error: type[CatalogError], said: str
):
    with pytest.raises(error) as told:
        read(*lines)
    assert said in str(told.value) and "\n" not in str(told.value)


def test_requests_have_so_many_documents_or_so_many_bytes():
    small = [transfer.Item(n, "assets", "h", {}, 10) for n in range(2500)]
    assert [len(c) for c in transfer.chunks(small)] == [1000, 1000, 500]
    large = [transfer.Item(n, "assets", "h", {}, transfer.AT_ONCE_BYTES // 2) for n in range(5)]
    assert [len(c) for c in transfer.chunks(large)] == [2, 2, 1]
    assert list(transfer.chunks([])) == []


def test_every_older_schema_that_can_be_brought_up_to_date_is_known():
    assert is_upgradable(schema.SCHEMA_VERSION)
    assert is_upgradable(min(UPGRADES)) and not is_upgradable(min(UPGRADES) - 1)


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "unpacked"),
    [("", bytes), (".gz", gzip.decompress), (".bz2", bz2.decompress), (".xz", lzma.decompress)],
)
def test_a_file_is_packed_as_its_ending_says_and_read_by_its_first_bytes(
    tmp_path: Path, ending: str, unpacked: Any
):
    path = tmp_path / f"file{ending}"
    with packed_files.open_written(str(path), force=False) as output:
        output.write(b"one\n")
        output.write(b"two\n")
        assert not path.exists()
    assert (output.size, unpacked(path.read_bytes())) == (8, b"one\ntwo\n")
    other = path.rename(tmp_path / "renamed")
    with packed_files.open_file(str(other)) as lines:
        assert [lines.readline() for _ in range(3)] == [b"one\n", b"two\n", b""]
    assert os.listdir(tmp_path) == ["renamed"]


def test_a_file_that_is_not_finished_leaves_nothing_and_an_old_one_stays(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with (
        pytest.raises(KeyboardInterrupt),
        packed_files.open_written(str(path), force=True) as output,
    ):
        output.write(b"new")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]
    with packed_files.open_written(str(path), force=True) as output:
        output.write(b"new")
    assert path.read_bytes() == b"new" and os.listdir(tmp_path) == ["file"]


def test_a_file_that_came_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "file"
    for without_links in (False, True):
        if without_links:
            monkeypatch.delattr(os, "link")
            monkeypatch.setattr(
                os, "link", lambda *_: (_ for _ in ()).throw(PermissionError()), raising=False
            )
        with (
            pytest.raises(UsageError, match="there already"),
            packed_files.open_written(str(path), force=False),
        ):
            path.write_bytes(b"theirs")
        assert path.read_bytes() == b"theirs" and os.listdir(tmp_path) == ["file"]
        path.unlink()


def test_what_a_killed_program_left_is_used_again_and_two_at_once_are_refused(tmp_path: Path):
    (tmp_path / ".file.partial").write_bytes(b"much that was left")
    with packed_files.open_written(str(tmp_path / "file"), force=False) as output:
        output.write(b"new")
        with (
            pytest.raises(TransferError, match="Another program"),
            packed_files.open_written(str(tmp_path / "file"), force=False),
        ):
            pass
    assert (tmp_path / "file").read_bytes() == b"new" and os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.zst", "zst"),
        ("there", "there already"),
        ("", "is a folder"),
        ("no/where", "is not there"),
    ],
)
def test_a_target_that_will_not_do_is_refused_before_any_work(tmp_path: Path, name: str, said: str):
    (tmp_path / "there").touch()
    with pytest.raises(UsageError, match=said):
        packed_files.check_target(str(tmp_path / name), force=False)


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz"])
def test_a_packed_file_that_is_cut_or_damaged_is_told_in_one_line(tmp_path: Path, ending: str):
    path = tmp_path / f"file.{ending}"
    with packed_files.open_written(str(path), force=False) as output:
        output.write(os.urandom(5000) + b"\n")
    whole = path.read_bytes()
    for data in (whole[:-9], whole[:2000] + bytes(500) + whole[2500:]):
        path.write_bytes(data)
        with (
            pytest.raises(TransferError, match=r"cut short|cannot be read"),
            packed_files.open_file(str(path)) as lines,
        ):
            while lines.readline():
                pass


def test_zstd_and_what_is_no_file_are_refused(tmp_path: Path):
    (tmp_path / "z").write_bytes(b"\x28\xb5\x2f\xfd rest")
    for name, said in (("z", "zstd"), ("absent", "No such file"), ("", "Is a directory")):
        with pytest.raises(UsageError, match=said), packed_files.open_file(str(tmp_path / name)):
            pass


# --- backups --------------------------------------------------------------------------------------


def test_a_restored_index_keeps_its_mark_when_it_is_brought_up_to_date():
    name = schema.restored_name("catalog", 1, "r1")
    assert (name, schema.successor(name, "catalog", 1, 2)) == ("catalog-v1-r1", "catalog-v2-r1")
    assert schema.successor("catalog-v1", "catalog", 1, 2) == "catalog-v2"
    assert schema.successor("whatever", "catalog", 1, 2) == "catalog-v2"


KNOWN = {
    "name": "n",
    "at": EARLY,
    "catalog": "c",
    "schema": 1,
    "program": "9",
    "counts": {"assets": 1},
    "holds": {"c-v1": "assets"},
    "mark": "image-catalog",
}


def test_a_backup_that_tells_of_no_revision_is_of_a_version_that_had_none():
    backup = snapshots.parse_backup(KNOWN)
    assert backup is not None and backup.revision == 0


def test_what_was_written_of_a_backup_is_understood_or_left_alone():
    assert snapshots.parse_backup(KNOWN | {"more": 1}) is not None
    numbers = ({"schema": "1"}, {"revision": "1"})
    others = ({"mark": "x"}, {"holds": {"i": "people"}})
    for wrong in (None, [], {}, *(KNOWN | change for change in (*numbers, *others))):
        assert snapshots.parse_backup(wrong) is None


def test_a_backup_of_another_version_is_refused():
    newer = {"schema": schema.SCHEMA_VERSION, "revision": schema.REVISION + 1}
    for version, said in (
        ({"schema": 99}, "newer version"),
        (newer, "newer version"),
        ({"schema": 0}, "too old"),
    ):
        backup = snapshots.parse_backup(KNOWN | version)
        assert backup is not None
        with pytest.raises(SchemaMismatch, match=said):
            backup.check()


def test_a_folder_with_other_things_in_it_has_no_backups(tmp_path: Path):
    shelf = snapshots.LocalBackupFolder(tmp_path / "shelf", tmp_path / "home")
    assert shelf.backups() == []
    for name, manifest in (
        ("a", b"{"),
        ("b", b"[]"),
        (".partial-1", orjson.dumps(KNOWN)),
        ("c", orjson.dumps(KNOWN)),
    ):
        (tmp_path / "shelf" / name).mkdir(parents=True)
        (tmp_path / "shelf" / name / "backup.json").write_bytes(manifest)
    (tmp_path / "shelf" / "file").touch()
    (tmp_path / "shelf" / "empty").mkdir()
    assert [backup.name for backup in shelf.backups()] == ["c"]


def test_backups_inside_the_node_itself_are_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="the folder of the node itself"):
        snapshots.LocalBackupFolder(tmp_path / "home" / "backups", tmp_path / "home")


class Busy:
    """Elasticsearch in which the restore of a killed program still reads a repository,
    for some looks.
    """

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.repositories = {"image-catalog-transfer-1": {}, "somebody-elses": {}}

    def request(self, method: str, path: str, _body: Any = None) -> Any:
        name = path.split("/")[2] if path.count("/") > 1 else ""
        if method == "DELETE" and path == f"/_snapshot/{name}":
            self.looks -= 1
            if self.looks >= 0:
                raise DocumentConflict("trying to unregister a repository that is currently used")
            del self.repositories[name]
        return dict(self.repositories)


def test_what_a_killed_restore_still_uses_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(snapshots, "_POLL", 0.0)
    monkeypatch.setattr(snapshots, "_IDLE_LOOKS", 5)
    busy = Busy(4)
    snapshots._unregister_leftovers(cast("Connection", busy))
    assert list(busy.repositories) == ["somebody-elses"]
    with pytest.raises(TransferError, match="still under way"):
        snapshots._unregister_leftovers(cast("Connection", Busy(5)))
