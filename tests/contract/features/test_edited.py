"""What somebody edited is never repaired away, whatever the edit kept of the file;
and what broke is never taken for an edit, nor sent anywhere.
"""

from __future__ import annotations

import io
import os
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from chance import dice, times
from PIL import Image
from running import MTIME, Done, Lab, hashes, jpeg, put

from catalog.domain.fixity import content_hash
from catalog.features.reconcile import numbers, survey
from catalog.stores.local import file_system

XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><x:rating>%d</x:rating></x:xmpmeta>"


@pytest.fixture
def two(lab: Lab) -> Lab:
    """A catalog with four photos, one with a sidecar, and a mirror of it."""
    put(lab.source, {f"{n}.jpg": jpeg(n, f"2019:0{n + 1}:12 18:30:15") for n in range(4)})
    put(lab.source, {"0.jpg.xmp": XMP % 3})
    assert lab.upload().status == 0
    (lab.folder / "archive").mkdir()
    assert lab.catalog("store", "add", "archive", lab.folder / "archive").status == 0
    assert mirror(lab).summary["copied"] == 5
    return lab


def mirror(lab: Lab, source: str = "nas", target: str = "archive", *words: object) -> Done:
    return lab.catalog("mirror", source, target, "--json", *words)


def sync(lab: Lab, *words: object) -> Done:
    return lab.run("sync_catalog_with_disk", "--json", *words)


def verify(lab: Lab, *words: object) -> dict[str, Any]:
    return lab.catalog("verify", "nas", "--json", *words).summary


def photos(lab: Lab) -> list[Path]:
    return sorted(p for p in lab.root.rglob("*.jpg") if ".catalog" not in p.parts)


def archived(lab: Lab) -> dict[str, str]:
    return {
        p: h for p, h in hashes(lab.folder / "archive").items() if not p.startswith(".catalog/")
    }


def rows(lab: Lab, name: str = "copies") -> dict[str, dict[str, Any]]:
    """What is recorded of the files of the store nas, by path."""
    documents = lab.documents().values()
    return {r["path"]: r for d in documents for r in d.get(name, []) if r["store"] == "nas"}


def in_place(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def by_a_new_file(path: Path, data: bytes) -> None:
    other = path.with_name("editing")
    other.write_bytes(data)
    other.replace(path)


def edit(path: Path, write: Callable[[Path, bytes], None] = in_place, at: int = 0) -> bytes:
    """One byte more or less, with the file's time put back, as `exiftool -P` does; what it holds
    then. `at` chooses the byte.
    """
    status, data = path.stat(), bytearray(path.read_bytes())
    data[(len(data) // 2 + at) % len(data)] ^= 1
    write(path, bytes(data))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return bytes(data)


@pytest.mark.parametrize("write", [in_place, by_a_new_file])
def test_an_edit_that_kept_size_and_time_is_left_and_then_taken_up(
    two: Lab, write: Callable[[Path, bytes], None]
) -> None:
    photo, sidecar = photos(two)[1], next(two.root.rglob("*.xmp"))
    old, new = content_hash(photo.read_bytes()), edit(photo, write)
    sidecar_status = sidecar.stat()
    write(sidecar, XMP % 5)
    os.utime(sidecar, ns=(0, sidecar_status.st_mtime_ns))
    for words in ((), ("--repair",), ("--repair", "--repair-unclear")):
        found = verify(two, *words)
        assert (found["edited"], found["verified"]) == (2, 3) and not found["repaired"]
    done = sync(two)
    assert done.status == 0 and (done.summary["changed"], done.summary["sidecars"]) == (1, 1)
    assert done.summary["read_for_ctime"] == 2
    assert photo.read_bytes() == new and sidecar.read_bytes() == XMP % 5
    assert rows(two)[str(photo.relative_to(two.root))]["ctime_ns"] == photo.stat().st_ctime_ns
    assert [r["store"] for r in two.documents()[old]["copies"]] == ["archive"]
    assert verify(two, "--repair")["verified"] == 5
    assert "read_for_ctime" not in sync(two).summary


def test_a_new_ctime_alone_changes_nothing_and_is_read_once(two: Lab) -> None:
    before, events = two.documents(), len(two.documents("events"))
    for path in (*photos(two), *two.root.rglob("*.xmp")):
        path.chmod(0o600)
    dry = sync(two, "--dryrun")
    assert dry.summary["planned"] == 0 and dry.summary["read_for_ctime"] == 5
    assert two.documents() == before, "nothing is written by a dry run"
    done = two.run("sync_catalog_with_disk")
    assert done.status == 0 and "5 files were read only because the change time (ctime)" in done.err
    assert len(two.documents("events")) == events
    for name in ("copies", "sidecars"):
        for path, row in rows(two, name).items():
            assert row["ctime_ns"] == (two.root / path).stat().st_ctime_ns
    again = sync(two)
    assert again.summary["unchanged"] == 4 and "read_for_ctime" not in again.summary


def test_a_verification_notes_the_numbers_of_what_it_read(two: Lab) -> None:
    for path in (*photos(two), *two.root.rglob("*.xmp")):
        path.chmod(0o600)
    assert verify(two)["verified"] == 5
    assert "read_for_ctime" not in sync(two).summary


def test_an_edit_before_a_rename_is_found_though_the_rename_was_not_read(two: Lab) -> None:
    photo = photos(two)[0]
    new = edit(photo)
    (two.root / "Anna").mkdir()
    moved = photo.rename(two.root / "Anna" / photo.name)
    done = sync(two)
    assert (done.summary["moved"], done.summary["read_for_ctime"]) == (1, 1)
    assert verify(two, "--repair")["edited"] == 1
    done = sync(two)
    assert (done.summary["changed"], done.summary["read_for_ctime"]) == (1, 1)
    assert moved.read_bytes() == new
    assert "read_for_ctime" not in sync(two).summary


def test_a_second_sync_changes_nothing_though_single_files_were_renamed(two: Lab) -> None:
    (two.root / "Anna").mkdir()
    for photo in photos(two):
        photo.rename(two.root / "Anna" / photo.name)
    sidecar = next(two.root.rglob("*.xmp"))
    sidecar.rename(two.root / "Anna" / sidecar.name)
    done = sync(two)
    assert (done.summary["moved"], done.summary["read_for_ctime"]) == (4, 5)
    before = two.documents()
    again = sync(two)
    assert again.summary["unchanged"] == 4 and "read_for_ctime" not in again.summary
    assert two.documents() == before
    (two.root / "Anna").rename(two.root / "Berta")
    done = sync(two)
    assert done.summary["moved"] == 4 and "read_for_ctime" not in done.summary


def test_an_edit_in_a_mirror_outlasts_the_rename_that_the_mirror_gives_it(two: Lab) -> None:
    photo = photos(two)[0]
    copies = two.folder / "archive" / photo.relative_to(two.root)
    new = edit(copies)
    photo.rename(photo.with_name("Anna.jpg"))
    other = photos(two)[1]
    other.rename(other.with_name("Ben.jpg"))
    assert sync(two).status == 0 and mirror(two).summary["moved"] == 2
    found = two.catalog("verify", "archive", "--repair", "--json").summary
    assert (found["edited"], found["repaired"]) == (1, 0)
    assert copies.with_name("Anna.jpg").read_bytes() == new
    done = sync(two, "--store", "archive")
    assert (done.summary["changed"], done.summary["read_for_ctime"]) == (1, 1)


@pytest.mark.parametrize("words", [(), ("--rehash",)], ids=["read once", "rehashed"])
def test_a_restored_disk_is_read_once_and_what_differs_on_it_is_held(
    two: Lab, words: tuple[str, ...]
) -> None:
    put(two.root, {f"more/{n}.jpg": jpeg(f"more {n}") for n in range(30)})
    assert sync(two).status == 0
    copy = two.folder / "restored"
    shutil.copytree(two.root, copy)
    shutil.rmtree(two.root)
    copy.rename(two.root)
    bad = edit(two.root / "more" / "7.jpg")
    done = sync(two, *words)
    assert done.status == 3 and done.summary["held"] == 1
    assert done.summary["read_for_ctime"] == (1 if words else 35), "sidecars are not rehashed"
    again = sync(two)
    assert again.summary["unchanged"] == 34 and "read_for_ctime" not in again.summary, again.out
    for repair in ((), ("--repair",)):
        found = verify(two, *repair)
        assert (found["held"], found["repaired"]) == (1, 0), "nor is it taken for an edit later"
    assert (two.root / "more" / "7.jpg").read_bytes() == bad
    assert sync(two, "--rehash").summary["held"] == 1
    assert sync(two, "--rehash", "--accept-changes").summary["changed"] == 1


def test_a_restored_disk_whose_reading_was_cut_off_is_still_one(
    two: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(two.root, {f"more/{n:02}.jpg": jpeg(f"more {n}") for n in range(30)})
    assert sync(two).status == 0
    copy = two.folder / "restored"
    shutil.copytree(two.root, copy)
    shutil.rmtree(two.root)
    copy.rename(two.root)
    edit(two.root / "more" / "29.jpg")
    monkeypatch.setattr(numbers, "AT_ONCE", 5)
    flush, calls = numbers.NumberWriter.flush, []

    def cut_off(self: numbers.NumberWriter) -> None:
        flush(self)
        calls.append(self)
        if len(calls) == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(numbers.NumberWriter, "flush", cut_off)
    assert sync(two).status == 130
    monkeypatch.undo()
    assert "stirred_since" in two.documents("stores")["nas"]
    done = sync(two)
    assert done.summary["read_for_ctime"] < 15 and done.summary["held"] == 1
    assert "stirred_since" not in two.documents("stores")["nas"]


def test_where_no_ctimes_are_kept_nobody_is_believed_but_a_person(
    two: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_system, "KEEPING", frozenset())
    assert sync(two).status == 0
    (here,) = two.documents("stores")["nas"]["roots"]
    assert here["evidence"] == [] and here["file_system"]
    photo, sidecar = photos(two)[0], next(two.root.rglob("*.xmp"))
    good = two.stored()
    other = edit(photo)
    done = sync(two)
    assert done.summary["unchanged"] == 4 and "read_for_ctime" not in done.summary
    found = verify(two, "--repair")
    assert (found["held"], found["repaired"]) == (1, 0) and photo.read_bytes() == other
    done = sync(two, "--rehash")
    assert (done.status, done.summary["held"]) == (3, 1) and "nothing tells" in done.out
    edit(sidecar)
    assert verify(two, "--repair", "--repair-unclear")["repaired"] == 2 and two.stored() == good
    edit(photo)
    done = sync(two, "--rehash", "--accept-changes")
    assert done.status == 0 and done.summary["changed"] == 1


def test_records_that_do_not_say_when_a_file_changed_are_no_leave_to_repair(two: Lab) -> None:
    for digest, document in two.documents().items():
        old = [
            {k: v for k, v in row.items() if k not in ("ctime_ns", "host")}
            for row in document["copies"]
        ]
        url = f"{two.index}/_update/{digest}?refresh=true"
        two.ask("POST", url, json={"doc": {"copies": old}})
    photo = photos(two)[0]
    other = edit(photo)
    found = verify(two, "--repair")
    assert (found["held"], found["repaired"], found["verified"]) == (1, 0, 4)
    assert photo.read_bytes() == other
    told = [p for p, row in rows(two).items() if "ctime_ns" in row]
    assert len(told) == 3, "what was read and right says it from now on"


def noise() -> bytes:
    """A JPEG of which a crash left the first half."""
    stream = io.BytesIO()
    Image.effect_noise((200, 150), 60).save(stream, "JPEG")
    data = stream.getvalue()
    return data[:5120] + bytes(len(data) - 5120)


@pytest.mark.parametrize(
    "data",
    [b"", bytes(500), b"\xff\xd8\xff\xe0" + bytes(500), noise()],
    ids=["empty", "zeros", "a head", "half"],
)
def test_what_is_no_picture_any_more_is_held_and_goes_nowhere(two: Lab, data: bytes) -> None:
    photo, before = photos(two)[0], archived(two)
    old = content_hash(photo.read_bytes())
    photo.write_bytes(data)
    for _again in range(2):
        done = sync(two)
        assert done.status == 3 and done.summary["held"] + done.summary["failed"] == 1
        assert not (done.summary["gone"] or done.summary["changed"] or done.summary["unsupported"])
    assert rows(two)[str(photo.relative_to(two.root))]["state"] == "ok"
    for ways in (("nas", "archive"), ("archive", "nas")):
        mirror(two, *ways)
    assert archived(two) == before and photo.read_bytes() == data
    assert old in two.documents()
    if data:
        done = sync(two, "--accept-changes")
        assert done.summary["gone"] == 1
        two.catalog("forget", content_hash(data))
    photo.unlink()
    assert sync(two, "--accept-losses").status == 0
    assert mirror(two, "archive", "nas").summary["copied"] == 1
    assert content_hash(photo.read_bytes()) == old, "once it is away, the good copy comes back"


@pytest.mark.parametrize("data", [b"", bytes(60), (XMP % 5)[:-9], b'{"no": "xmp"}'])
def test_a_broken_sidecar_is_held_and_replaces_none(two: Lab, data: bytes) -> None:
    sidecar, before = next(two.root.rglob("*.xmp")), archived(two)
    sidecar.write_bytes(data)
    done = sync(two)
    assert (done.status, done.summary["held"], done.summary["sidecars"]) == (3, 1, 0)
    mirror(two)
    assert archived(two) == before
    assert sync(two, "--accept-changes").summary["sidecars"] == 1


def test_a_sidecar_gives_way_only_to_what_the_catalog_recorded(two: Lab) -> None:
    sidecar = next(two.root.rglob("*.xmp"))
    sidecar.write_bytes(XMP % 5)
    assert sync(two).summary["sidecars"] == 1
    before = archived(two)
    edit(sidecar)
    two.age(sidecar)
    for words in (("--dryrun",), ()):
        done = mirror(two, "nas", "archive", *words)
        assert done.status == 3 and done.summary["failed"] == 1 and "other bytes" in done.out
        assert archived(two) == before


def test_an_older_sidecar_comes_back_where_its_successor_cannot_be_written(
    two: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalog.errors import StoreError
    from catalog.stores.local.store import LocalStore

    next(two.root.rglob("*.xmp")).write_bytes(XMP % 5)
    assert sync(two).summary["sidecars"] == 1
    before = archived(two)

    def refuse(_self: LocalStore, path: str, *_rest: object) -> None:
        raise StoreError(f"{path} is refused", path=path)

    monkeypatch.setattr(LocalStore, "put", refuse)
    assert mirror(two).summary["failed"] == 1 and archived(two) == before
    monkeypatch.undo()
    assert mirror(two).summary["copied"] == 1 and archived(two) != before


def test_very_many_changes_at_once_are_held_until_a_person_agrees(two: Lab) -> None:
    settings = {"CATALOG_CHANGE_FILES": "1", "CATALOG_CHANGE_PERCENT": "25"}
    for number, photo in enumerate(photos(two)[:2]):
        put(two.root, {str(photo.relative_to(two.root)): jpeg(f"encrypted {number}")}, MTIME + 99)
    put(two.root, {"new.jpg": jpeg("new")})
    before = archived(two)
    done = two.run("sync_catalog_with_disk", "--json", **settings)
    assert (done.status, done.summary["held"], done.summary["new"]) == (3, 2, 1)
    assert "2 of 4 recorded files changed at once" in done.out
    assert mirror(two).summary["copied"] == 1
    assert {p: h for p, h in archived(two).items() if p != "new.jpg"} == before
    done = two.run("sync_catalog_with_disk", "--json", "--accept-changes", **settings)
    assert (done.status, done.summary["changed"]) == (0, 2)


def test_where_ctimes_never_rest_they_are_not_looked_at_any_more(
    two: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "FEW", 1)

    def stir() -> None:
        for mode in (0o600, 0o644):
            for path in photos(two):
                path.chmod(mode)

    for number in range(3):
        stir()
        done = sync(two)
        assert done.status == 0 and done.summary["read_for_ctime"] == 4
        assert ("not looked at any more" in done.err) is (number == 2)
    stir()
    assert "read_for_ctime" not in sync(two).summary
    other = edit(photos(two)[0])
    found = verify(two, "--repair")
    assert (found["held"], found["repaired"]) == (1, 0) and photos(two)[0].read_bytes() == other
    assert two.catalog("store", "add", "nas", two.root).status == 0
    done = sync(two)
    assert done.summary["read_for_ctime"] == 1 and done.summary["held"] == 1


def test_two_stirred_syncs_with_a_quiet_one_between_are_no_unrest(
    two: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "FEW", 1)
    for number in range(4):
        for path in photos(two):
            path.chmod(0o600 if number % 4 else 0o644)
        assert sync(two).summary["read_for_ctime"] == 4
        assert "read_for_ctime" not in sync(two).summary
    assert "stirs" not in two.documents("stores")["nas"]


def test_a_disk_that_was_found_elsewhere_is_no_sign_of_edits(two: Lab) -> None:
    moved = two.folder / "new disk"
    shutil.copytree(two.root, moved)
    shutil.rmtree(two.root)
    two.variables["CATALOG_NAS_ROOT"] = str(moved)
    assert two.catalog("store", "add", "nas", moved).status == 0
    photo = next(moved.rglob("*.jpg"))
    bad = edit(photo)
    found = verify(two, "--repair")
    assert (found["held"], found["verified"], found["repaired"]) == (1, 4, 0)
    assert photo.read_bytes() == bad
    assert sync(two).summary["held"] == 1
    assert "stirred_since" not in two.documents("stores")["nas"]


def test_who_adds_a_store_is_told_what_it_cannot_tell(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, kept in (("one", file_system.KEEPING), ("two", frozenset())):
        monkeypatch.setattr(file_system, "KEEPING", kept)
        (lab.folder / name).mkdir()
        done = lab.catalog("store", "add", name, lab.folder / name)
        assert done.status == 0 and ("rot from an edit" in done.out) is (name == "two")


@dataclass
class History:
    """What happened to the files of a store: `made` are the contents that a person made and left,
    `rotten` those that nobody made, by path.
    """

    lab: Lab
    chance: random.Random
    made: set[str] = field(default_factory=set)
    rotten: dict[Path, str] = field(default_factory=dict)
    rot: set[str] = field(default_factory=set)

    def happen(self) -> None:
        """Something happens to one file, or to all; none that is rotten, which would be hidden."""
        sound = [path for path in photos(self.lab) if path not in self.rotten]
        path = self.chance.choice(sound)
        before = content_hash(path.read_bytes())
        what = self.chance.choice(("edit", "new file", "new time", "rot", "move", "chmod", "all"))
        if what in ("edit", "new file", "new time"):
            write = by_a_new_file if what == "new file" else in_place
            self.made.discard(before)
            self.made.add(content_hash(edit(path, write, self.chance.randrange(2000))))
            if what == "new time":
                os.utime(path, (MTIME, MTIME + self.chance.randrange(1, 10**6)))
        elif what == "rot" and self.is_as_recorded(path, before):
            self.made.discard(before)
            self.rotten[path] = content_hash(edit(path, at=self.chance.randrange(2000)))
            self.rot.add(self.rotten[path])
            self.lab.age(path)
        elif what == "move":
            (self.lab.root / "moved").mkdir(exist_ok=True)
            path.rename(self.lab.root / "moved" / f"{self.chance.randrange(10**9)}.jpg")
        else:
            for one in sound if what == "all" else [path]:
                one.chmod(self.chance.choice((0o600, 0o640, 0o644)))

    def is_as_recorded(self, path: Path, content: str) -> bool:
        """Else nobody can know what a file was before it rotted."""
        document = self.lab.documents().get(content, {"copies": []})
        name, ctime = str(path.relative_to(self.lab.root)), path.stat().st_ctime_ns
        return any(
            (row["store"], row["path"], row.get("ctime_ns")) == ("nas", name, ctime)
            for row in document["copies"]
        )

    def check(self) -> None:
        """Nothing that a person made is taken away, and no rot has travelled."""
        assert self.made <= set(self.lab.stored().values())
        assert not self.rot & set(archived(self.lab).values())
        for path, content in list(self.rotten.items()):
            if not path.exists() or content_hash(path.read_bytes()) != content:
                del self.rotten[path]  # a good copy took its place


@pytest.mark.chance
def test_by_chance_no_edit_is_taken_away_and_no_rot_travels(two: Lab) -> None:
    history = History(two, dice("edited"))
    runs: Sequence[Callable[[], object]] = (
        lambda: verify(two, "--repair"),
        lambda: sync(two),
        lambda: sync(two, "--rehash"),
        lambda: mirror(two),
        lambda: mirror(two, "archive", "nas"),
    )
    for _round in range(times(15)):
        for _step in range(history.chance.randrange(1, 4)):
            history.happen()
        history.chance.choice(runs)()
        history.check()
    assert history.rot, "nothing rotted"
