"""Taking back a run that was killed between a file's name in a store and its record."""

from __future__ import annotations

import contextlib
import fcntl
from pathlib import Path
from typing import Any

import pytest
from running import Done, Lab, jpeg, put

from catalog.features.annotations import sidecars
from catalog.features.ingest.records import IndexRecordWriter
from catalog.features.mirror.transfer_recorder import TransferRecorder
from catalog.features.removal import trash
from catalog.stores.local.store import LocalStore

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'


class Killed(BaseException):
    """Nothing goes on after it."""


def cut_off(lab: Lab, where: Any, name: str, *command: object) -> str:
    """Run a command that does not come further than a function; the id of the run."""

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    before = set(journals(lab))
    with pytest.MonkeyPatch.context() as patched, contextlib.suppress(Killed):
        patched.setattr(where, name, killed)
        lab.run(*map(str, command))
    (journal,) = set(journals(lab)) - before
    return journal.stem


def journals(lab: Lab) -> list[Path]:
    return sorted((lab.home / "state/journal").glob("*.jsonl"))


def killed_upload(lab: Lab) -> str:
    words = ("upload_to_nas_from_disk", lab.source, "-r", "--nas_root", lab.root)
    return cut_off(lab, IndexRecordWriter, "create_lines", *words)


def undo(lab: Lab, run: str, *more: object) -> Done:
    return lab.catalog("undo", run, "--json", *more)


@pytest.fixture
def uploaded(lab: Lab) -> str:
    """An upload of a photo with a sidecar, killed before it was recorded."""
    put(lab.source, {"1.jpg": jpeg(1), "1.jpg.xmp": XMP})
    run = killed_upload(lab)
    assert len(lab.stored()) == 2 and not lab.documents()
    return run


def test_what_nobody_recorded_goes_to_the_trash(lab: Lab, uploaded: str) -> None:
    before = lab.stored()
    assert undo(lab, uploaded, "--dryrun").summary["planned"] == 2
    assert lab.stored() == before
    assert undo(lab, uploaded).summary["undone"] == 2
    assert not lab.stored() and not lab.documents()
    assert lab.catalog("trash", "list", "--json").summary["files"] == 2
    assert undo(lab, uploaded).status == 2, "nothing is left of it"


def test_an_undo_of_that_says_where_the_file_is(lab: Lab, uploaded: str) -> None:
    assert undo(lab, uploaded).status == 0
    again = undo(lab, journals(lab)[-1].stem)
    assert again.status == 3 and "catalog trash restore" in again.out
    assert not lab.stored()


def test_what_an_undo_took_away_is_in_the_history_also_where_that_was_killed(
    lab: Lab, uploaded: str
) -> None:
    """Killed once the first file is gone; the next undo goes on, and both are told once."""
    taken: list[str] = []
    remove = LocalStore.remove

    def killed(store: LocalStore, path: str, batch: str = "") -> str | None:
        taken.append(path)
        remove(store, path, batch)
        raise Killed

    with pytest.MonkeyPatch.context() as patched, contextlib.suppress(Killed):
        patched.setattr(LocalStore, "remove", killed)
        undo(lab, uploaded)
    assert len(taken) == 1 and len(lab.stored()) == 1
    assert undo(lab, uploaded).status == 0 and not lab.stored()
    told = [e["path"] for e in lab.documents("events").values() if e["action"] == "trash"]
    assert len(told) == 2 and taken[0] in told


def test_the_last_copy_of_it_stays_unless_a_person_agrees(lab: Lab, uploaded: str) -> None:
    (lab.source / "1.jpg").unlink()
    kept = undo(lab, uploaded)
    assert kept.status == 3 and "--yes" in kept.out
    assert [path for path in lab.stored() if path.endswith(".jpg")]
    assert undo(lab, uploaded, "--yes").status == 0
    assert not lab.stored()


def test_what_is_not_as_it_was_written_stays(lab: Lab, uploaded: str) -> None:
    path = next(lab.root.rglob("*.jpg"))
    path.write_bytes(jpeg("edited"))
    assert undo(lab, uploaded).status == 0
    assert path.read_bytes() == jpeg("edited")


def test_what_somebody_recorded_since_stays(lab: Lab, uploaded: str) -> None:
    assert lab.upload().status == 0
    before = lab.stored()
    assert undo(lab, uploaded).status == 2
    assert lab.stored() == before
    lab.check_no_ghosts()


def test_what_lay_there_before_stays(lab: Lab, uploaded: str) -> None:
    before = lab.stored()
    again = killed_upload(lab)
    assert undo(lab, again).status == 2, "that run brought nothing"
    assert lab.stored() == before


def test_a_run_that_is_under_way_keeps_its_files(lab: Lab, uploaded: str) -> None:
    before = lab.stored()
    with journals(lab)[-1].open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert undo(lab, uploaded).status == 2
    assert lab.stored() == before


def test_a_mirror_is_taken_back_with_what_it_renamed(lab: Lab) -> None:
    put(lab.source, {"1.jpg": jpeg(1), "2.jpg": jpeg(2, "2019:07:20 10:00:00")})
    assert lab.upload().status == 0
    shelf = lab.folder / "shelf"
    shelf.mkdir()
    assert lab.catalog("store", "add", "shelf", shelf).status == 0
    assert lab.catalog("mirror", "nas", "shelf").status == 0
    one, _two = sorted(lab.root.rglob("*.jpg"))
    one.rename(one.with_name("renamed.jpg"))
    put(lab.root, {"new.jpg": jpeg(3)})
    assert lab.run("sync_catalog_with_disk", "--nas_root", lab.root).status == 0
    before = sorted(path.name for path in shelf.rglob("*.jpg"))
    renamed = cut_off(lab, TransferRecorder, "settle", "catalog", "mirror", "nas", "shelf")
    assert "renamed.jpg" in {path.name for path in shelf.rglob("*.jpg")}
    assert undo(lab, renamed).summary["undone"] == 1
    assert sorted(path.name for path in shelf.rglob("*.jpg")) == before


def test_what_came_back_from_the_trash_goes_there_again(lab: Lab) -> None:
    put(lab.source, {"1.jpg": jpeg(1)})
    assert lab.upload().status == 0
    (path,) = lab.stored()
    assert lab.catalog("forget", path, "--with-files").status == 0
    restored = cut_off(lab, trash, "record_back", "catalog", "trash", "restore", path)
    assert list(lab.stored()) == [path]
    assert undo(lab, restored, "--yes").status == 0
    assert not lab.stored()
    assert lab.catalog("trash", "restore", path).status == 0
    assert list(lab.stored()) == [path]


def test_a_sidecar_that_was_written_goes(lab: Lab) -> None:
    put(lab.source, {"1.jpg": jpeg(1)})
    assert lab.upload().status == 0
    assert lab.catalog("tag", "--query", "", "--add", "sea").status == 0
    before = lab.stored()
    run = cut_off(lab, sidecars._Writer, "record", "catalog", "sidecars", "write")
    assert len(lab.stored()) == 2
    assert undo(lab, run).status == 0
    assert lab.stored() == before


def test_the_journal_of_a_run_is_locked_while_it_goes_on(lab: Lab, tmp_path: Path) -> None:
    from catalog.work.journal import Journal

    journal = Journal(tmp_path, "run")
    with journal.path.open("rb") as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        journal.close()
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    assert not journal.path.read_bytes()
