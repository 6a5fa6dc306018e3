"""The mover as a person starts it: on a Nextcloud, in no store and in one, and on a disk."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import chance
import pytest
from chance import dice
from emulators.nextcloud import Emulator
from emulators.nextcloud.dialects import DIALECTS
from running import MTIME, Lab, ended, jpeg, png, put, wait_for

from catalog.domain.fixity import content_hash
from catalog.work import service_loop
from catalog.work.service_loop import ServiceLoop

A, B, C = (jpeg(name) for name in "abc")


@pytest.fixture
def cloud(lab: Lab, tmp_path: Path) -> Iterator[Emulator]:
    with Emulator(tmp_path / "cloud") as emulator:
        lab.variables |= {
            "CATALOG_WEBDAV_URL": emulator.files_address,
            "CATALOG_WEBDAV_USERNAME": emulator.user,
            "CATALOG_WEBDAV_PASSWORD": emulator.password,
            "CATALOG_IMAGES_ROOT_DIR": "data/AI/organized",
            "CATALOG_UNSORTED_REMOTE_DIR": "data/AI/_unsorted",
            "CATALOG_PARENT_TAG_VALUE": "ai",
        }
        yield emulator


@pytest.fixture
def outside(lab: Lab, cloud: Emulator) -> Emulator:
    """The cloud without any catalog."""
    lab.variables["CATALOG_ELASTICSEARCH_URL"] = "http://127.0.0.1:9"  # nobody is there, or asked
    cloud.make_folder("/data/AI/_unsorted")
    return cloud


def plant(cloud: Emulator, files: dict[str, tuple[bytes, tuple[str, ...]]]) -> None:
    for path, (data, tags) in files.items():
        cloud.plant(f"/data/AI/{path}", data, modified=int(MTIME))
        cloud.tag(f"/data/AI/{path}", *tags)


def listed(cloud: Emulator) -> dict[str, tuple[bytes, tuple[str, ...]]]:
    """What lies below the folder, with the tags that it has."""
    return {
        path.removeprefix("/data/AI/"): (cloud.content(path), record.tags)
        for path, record in cloud.files().items()
        if "/.catalog/" not in path
    }


def test_files_go_into_the_folders_of_their_tags(lab: Lab, outside: Emulator) -> None:
    waiting = {
        "_unsorted/a.jpg": (A, ("ai:cats", "holiday")),
        "_unsorted/deeper/b.png": (png("b"), ("ai:Côte d'Azur",)),
        "_unsorted/c.jpg": (C, ("AI:cats", "ai", "aim:cats", "holiday")),
        "elsewhere/d.jpg": (B, ("ai:cats",)),
        "organized/e.jpg": (B, ("ai:cats",)),
    }
    plant(outside, waiting)
    outside.tag("/data/AI/_unsorted/deeper", "ai:cats")
    numbers = {record.id for record in outside.files().values()}
    shown = lab.run("mover", "--dryrun", "--json")
    assert (shown.status, shown.summary["planned"]) == (0, 2), shown.err
    assert listed(outside) == waiting and not list((lab.home / "state/journal").glob("*"))
    done = lab.run("mover", "--json")
    assert (done.status, done.summary["moved"]) == (0, 2), done.err
    assert listed(outside) == {
        "organized/cats/a.jpg": (A, ("holiday",)),
        "organized/Côte d'Azur/b.png": (png("b"), ()),
        **{path: waiting[path] for path in ("_unsorted/c.jpg", "elsewhere/d.jpg")},
        "organized/e.jpg": waiting["organized/e.jpg"],
    }
    assert {record.id for record in outside.files().values()} == numbers, "they were renamed"
    assert "/data/AI/_unsorted/deeper" in outside.folders()
    assert "0 moved" in lab.run("mover").out


def test_names_that_are_taken_get_numbers_and_equal_files_are_kept_once(
    lab: Lab, outside: Emulator
) -> None:
    plant(
        outside,
        {
            "_unsorted/a.jpg": (A, ("ai:cats",)),
            "_unsorted/b.jpg": (B, ("ai:cats",)),
            "_unsorted/2/b.jpg": (C, ("ai:cats",)),
            "organized/cats/a.jpg": (A, ()),
            "organized/cats/b.jpg": (A[:-1] + b"x", ()),
        },
    )
    done = lab.run("mover", "--json")
    assert (done.summary["moved"], done.summary["equal"], done.status) == (2, 1, 0), done.err
    found = {path: data for path, (data, _tags) in listed(outside).items()}
    assert found == {
        "organized/cats/a.jpg": A,
        "organized/cats/b.jpg": A[:-1] + b"x",
        "organized/cats/b_1.jpg": C,
        "organized/cats/b_2.jpg": B,
    }
    assert [one.original for one in outside.trash().values()] == ["/data/AI/_unsorted/a.jpg"]


@pytest.mark.parametrize("tag", ["ai:", "ai: ", "ai:a/b", "ai:..", "ai:.", "ai:.catalog", "ai:a?"])
def test_a_category_that_is_no_folder_is_refused_in_words(
    lab: Lab, outside: Emulator, tag: str
) -> None:
    waiting = {"_unsorted/a.jpg": (A, (tag,)), "_unsorted/b.jpg": (B, (tag, "ai:cats"))}
    plant(outside, waiting)
    done = lab.run("mover", "--json")
    assert done.status == 3 and done.summary["refused"] == 1
    (reason,) = [one["reason"] for one in done.lines if one.get("outcome") == "refused"]
    assert tag in reason
    assert set(listed(outside)) == {"_unsorted/a.jpg", "organized/cats/b.jpg"}


def test_of_two_tags_the_first_by_name_counts_and_that_is_told(lab: Lab, outside: Emulator) -> None:
    plant(outside, {"_unsorted/a.jpg": (A, ("ai:dogs", "ai:cats"))})
    done = lab.run("mover", "--json")
    (moved,) = [one for one in done.lines if one.get("outcome") == "moved"]
    assert moved["reason"] == "also tagged ai:dogs"
    assert listed(outside) == {"organized/cats/a.jpg": (A, ("ai:dogs",))}


def test_the_folder_of_unsorted_files_may_be_named_within_the_other(
    lab: Lab, outside: Emulator
) -> None:
    plant(
        outside, {"_unsorted/a.jpg": (A, ("ai:cats",)), "_unsorted/b.jpg": (B, ("ai:_unsorted",))}
    )
    lab.variables |= {
        "CATALOG_IMAGES_ROOT_DIR": "data/AI",
        "CATALOG_UNSORTED_REMOTE_DIR": "_unsorted",
    }
    done = lab.run("mover")
    assert done.status == 3 and "a folder of images_root_dir" in done.err
    assert set(listed(outside)) == {"cats/a.jpg", "_unsorted/b.jpg"}
    outside.make_folder("/_unsorted")
    assert "its whole path" in lab.run("mover").err
    lab.variables["CATALOG_UNSORTED_REMOTE_DIR"] = "nowhere"
    gone = lab.run("mover")
    assert gone.status == 5 and gone.err.count("nowhere") == 2


@pytest.mark.parametrize("images", [".", "sorted"])
def test_both_folders_may_lie_right_in_the_account(
    lab: Lab, outside: Emulator, images: str
) -> None:
    outside.plant("/_unsorted/a.jpg", A)
    outside.tag("/_unsorted/a.jpg", "ai:cats")
    lab.variables |= {
        "CATALOG_IMAGES_ROOT_DIR": images,
        "CATALOG_UNSORTED_REMOTE_DIR": "_unsorted",
    }
    assert lab.run("mover").status == 0
    where = "/cats/a.jpg" if images == "." else "/sorted/cats/a.jpg"
    assert {path: record.tags for path, record in outside.files().items()} == {where: ()}


@pytest.mark.parametrize("store", ["webdav:/", "webdav:data"])
def test_a_store_around_both_folders_is_seen(lab: Lab, cloud: Emulator, store: str) -> None:
    plant(cloud, {"_unsorted/a.jpg": (A, ("ai:cats",))})
    assert lab.catalog("store", "add", "cloud", store).status == 0
    done = lab.run("mover", "--json")
    assert done.status == 3 and done.summary["held"] == 1, "it has not been synced"


def test_one_that_fails_keeps_no_other_from_going(lab: Lab, outside: Emulator) -> None:
    plant(outside, {f"_unsorted/{name}.jpg": (A, ("ai:cats",)) for name in "abc"})
    refusal = {"action": "status", "status": 403}
    outside.faults = [{"route": "files/MOVE", "path": "/data/AI/_unsorted/b.jpg", **refusal}]
    done = lab.run("mover", "--json")
    assert (done.status, done.summary["failed"]) == (3, 1), done.err
    assert listed(outside)["_unsorted/b.jpg"] == (A, ("ai:cats",))
    assert {"organized/cats/a.jpg", "organized/cats/c.jpg"} <= set(listed(outside))


def test_what_is_not_set_or_has_no_tags_is_refused(
    lab: Lab, outside: Emulator, tmp_path: Path
) -> None:
    for name in ("IMAGES_ROOT_DIR", "UNSORTED_REMOTE_DIR", "PARENT_TAG_VALUE"):
        done = lab.run("mover", **{f"CATALOG_{name}": ""})
        assert done.status == 2 and name.lower() in done.err
    same = lab.run("mover", CATALOG_IMAGES_ROOT_DIR="data/AI/_unsorted")
    assert same.status == 2 and "lies where files are taken from" in same.err
    put(tmp_path / "plain/_unsorted", {"a.jpg": A})
    folder = lab.run(
        "mover",
        CATALOG_UNSORTED_REMOTE_DIR=str(tmp_path / "plain/_unsorted"),
        CATALOG_IMAGES_ROOT_DIR=str(tmp_path / "plain"),
    )
    assert folder.status == 2 and "catalog store add" in folder.err
    with Emulator(tmp_path / "other", DIALECTS["plain"]) as plain:
        plain.make_folder("/data/AI/_unsorted")
        none = lab.run("mover", CATALOG_WEBDAV_URL=plain.files_address)
    assert none.status == 2 and "Nothing has tags" in none.err


def test_an_idle_look_costs_few_requests(lab: Lab, outside: Emulator) -> None:
    for number in range(20):
        outside.plant(f"/data/AI/_unsorted/{number}/{number}.jpg", jpeg(number))
    for number in range(3):
        plant(outside, {f"organized/{number}.jpg": (A, (f"ai:{number}",))})
    assert lab.run("mover", "-q").status == 0
    outside.clear_calls()
    assert lab.run("mover", "-q").status == 0
    methods = [call.route for call in outside.calls]
    assert methods.count("files/REPORT") == 6 and methods.count("systemtags/PROPFIND") == 2


# --- the service ----------------------------------------------------------------------------------


def test_the_service_takes_up_what_is_tagged_and_ends_after_the_file_in_hand(
    lab: Lab, outside: Emulator
) -> None:
    service = lab.start("mover", "--watch", "--frequency", "0.2", "--json")
    plant(outside, {"_unsorted/a.jpg": (A, ("ai:cats",)), "_unsorted/b.jpg": (B, ("ai:a/b",))})
    wait_for(lambda: "organized/cats/a.jpg" in outside_names(outside), service)
    plant(outside, {f"_unsorted/{n}.jpg": (jpeg(n), ("ai:dogs",)) for n in range(60)})
    wait_for(lambda: any("/dogs/" in name for name in outside_names(outside)), service)
    service.send_signal(signal.SIGTERM)
    done = ended(service)
    assert done.status == 0, done.err
    moved = {line["target"] for line in done.lines if line.get("outcome") == "moved"}
    there = {f"data/AI/{path}" for path in outside_names(outside) if path.startswith("organized")}
    assert {target.removeprefix("data/AI/") for target in moved} == {
        path.removeprefix("data/AI/") for path in there
    }
    assert all(not tags for path, (_data, tags) in listed(outside).items() if "dogs" in path)
    assert len([line for line in done.lines if line.get("outcome") == "refused"]) == 1, "told once"


def outside_names(cloud: Emulator) -> set[str]:
    return {path.removeprefix("/data/AI/") for path in cloud.files()}


def test_what_cannot_be_reached_is_waited_for(
    lab: Lab, outside: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside.delete("/data/AI/_unsorted")
    monkeypatch.setattr(service_loop, "FIRST_PAUSE", 0.0)
    waited: list[float] = []

    def wait(_loop: object, seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            plant(outside, {"_unsorted/a.jpg": (A, ("ai:cats",))})
        if "organized/cats/a.jpg" in outside_names(outside):
            raise KeyboardInterrupt

    monkeypatch.setattr(ServiceLoop, "wait", wait)
    done = lab.run("mover", "--watch")
    assert done.status == 130 and len(waited) >= 3 and done.err.count("Error:") == 1


# --- killed ---------------------------------------------------------------------------------------

ROUNDS = 2 if chance.seed is None else 50


@pytest.mark.chance
@pytest.mark.time_limit(120 if chance.seed is None else 1500)
def test_killed_at_any_request_nothing_is_lost_or_there_twice(lab: Lab, outside: Emulator) -> None:
    rolled, most = dice("mover"), 0
    for number in range(ROUNDS):
        photos = {f"{number}_{n}.jpg": jpeg((number, n)) for n in range(3)}
        plant(outside, {f"_unsorted/{name}": (photos[name], ("ai:cats",)) for name in photos})
        plant(outside, {f"_unsorted/2/{number}_0.jpg": (photos[f"{number}_0.jpg"], ("ai:cats",))})
        before = outside_names(outside)
        outside.clear_calls()
        started, at = lab.start("mover"), rolled.randrange(1, most or 30)
        while started.poll() is None and len(outside.calls) < at:
            time.sleep(0.001)
        started.kill()
        started.communicate()
        done = lab.run("mover", "--json")
        assert done.status == 0, done.err
        most = max(most, len(outside.calls))
        made = {path: listed(outside)[path] for path in outside_names(outside) - before}
        wanted = {f"organized/cats/{name}": (data, ()) for name, data in photos.items()}
        assert made == wanted, f"killed at request {at} of {most}"
        assert not {name for name in outside_names(outside) if name.startswith("_unsorted")}


# --- in the catalog -------------------------------------------------------------------------------


def recorded(lab: Lab) -> dict[str, tuple[list[str], list[str], list[str]]]:
    """Paths, tags and albums of every asset."""
    return {
        name: (found["paths"], found.get("tags", []), found.get("albums", []))
        for name, found in lab.documents().items()
    }


def test_in_a_store_of_the_cloud_the_record_moves_and_comes_back(lab: Lab, cloud: Emulator) -> None:
    assert lab.catalog("store", "add", "cloud", "webdav:data/AI").status == 0
    plant(cloud, {"_unsorted/a.jpg": (A, ("ai:cats",)), "_unsorted/b.jpg": (B, ("ai:cats",))})
    plant(cloud, {"organized/cats/b again.jpg": (B, ())})
    early = lab.run("mover", "--json")
    assert early.status == 3 and early.summary["held"] == 2, "no sync has seen them"
    assert lab.run("sync_catalog_with_disk", "--store", "cloud", "-y", "-q").status == 0
    done = lab.run("mover", "--json")
    assert (done.status, done.summary["moved"], done.summary["equal"]) == (0, 1, 1), done.err
    a, b = content_hash(A), content_hash(B)
    assert recorded(lab) == {
        a: (["organized/cats/a.jpg"], [], ["cats"]),
        b: (["organized/cats/b again.jpg"], [], ["cats"]),
    }
    again = lab.run("sync_catalog_with_disk", "--store", "cloud", "-y", "--json")
    assert again.summary["unchanged"] == 2, again.out
    assert lab.catalog("undo", done.summary["run"], "--yes").status == 0
    assert recorded(lab) == {
        a: (["_unsorted/a.jpg"], [], []),
        b: (["_unsorted/b.jpg", "organized/cats/b again.jpg"], [], []),
    }
    assert {"_unsorted/a.jpg", "_unsorted/b.jpg"} <= outside_names(cloud)


def test_on_a_disk_the_tags_of_the_catalog_count(lab: Lab) -> None:
    lab.root.mkdir()
    put(lab.root, {"_unsorted/a.jpg": A, "_unsorted/a.jpg.xmp": b"<x/>", "_unsorted/b.jpg": B})
    put(lab.root, {"ai/cats/a.jpg": C})
    lab.variables |= {
        "CATALOG_NAS_ROOT": str(lab.root),
        "CATALOG_UNSORTED_REMOTE_DIR": "_unsorted",
        "CATALOG_IMAGES_ROOT_DIR": str(lab.root),
        "CATALOG_PARENT_TAG_VALUE": "ai",
    }
    assert lab.catalog("store", "add", "nas", lab.root).status == 0
    assert lab.run("sync_catalog_with_disk", "-y", "-q").status == 0
    a, b = content_hash(A), content_hash(B)
    assert lab.catalog("tag", a, "--add", "ai:cats", "--add", "beach").status == 0
    before = recorded(lab)
    done = lab.run("mover", "--json", CATALOG_IMAGES_ROOT_DIR=str(lab.root / "ai"))
    assert done.status == 5, "no such folder in that one"
    lab.variables["CATALOG_UNSORTED_REMOTE_DIR"] = str(lab.root / "_unsorted")
    done = lab.run("mover", "--json", CATALOG_IMAGES_ROOT_DIR=str(lab.root / "ai"))
    assert (done.status, done.summary["moved"]) == (0, 1), done.err
    after = recorded(lab)
    assert after[a] == (["ai/cats/a_1.jpg"], ["beach"], ["cats"]) and after[b] == before[b]
    assert (lab.root / "ai/cats/a_1.jpg").read_bytes() == A
    assert (lab.root / "ai/cats/a_1.jpg.xmp").exists()
    assert lab.catalog("undo", done.summary["run"], "--yes").status == 0
    assert recorded(lab) == before
    assert (lab.root / "_unsorted/a.jpg.xmp").exists()


def test_a_second_name_of_the_very_file_is_no_equal_one(lab: Lab) -> None:
    put(lab.root, {"_unsorted/a.jpg": A})
    (lab.root / "ai/cats").mkdir(parents=True)
    (lab.root / "ai/cats/a.jpg").hardlink_to(lab.root / "_unsorted/a.jpg")
    lab.variables |= {
        "CATALOG_NAS_ROOT": str(lab.root),
        "CATALOG_UNSORTED_REMOTE_DIR": str(lab.root / "_unsorted"),
        "CATALOG_IMAGES_ROOT_DIR": str(lab.root / "ai"),
        "CATALOG_PARENT_TAG_VALUE": "ai",
    }
    assert lab.catalog("store", "add", "nas", lab.root).status == 0
    assert lab.run("sync_catalog_with_disk", "-y", "-q").status == 0
    assert lab.catalog("tag", content_hash(A), "--add", "ai:cats").status == 0
    done = lab.run("mover", "--json")
    assert (done.status, done.summary["failed"]) == (3, 1), done.err
    assert (lab.root / "_unsorted/a.jpg").exists() and (lab.root / "ai/cats/a.jpg").exists()
