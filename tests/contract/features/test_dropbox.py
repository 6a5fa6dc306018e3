"""The commands for Dropbox, against the emulator, with a real index."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
from emulators.dropbox import Emulator
from running import GHENT, MTIME, Lab, clip, content_hash, ended, jpeg, png, put, wait_for

from catalog.stores.paths import PRIVATE


def in_dropbox(dropbox: Emulator, folder: str = "/photos") -> dict[str, str]:
    """Content hash by path of what lies in a folder of the account,
    without what is the catalog's own.
    """
    base = f"{folder}/"
    return {
        path[len(base) :]: record.content_hash
        for path, record in dropbox.files().items()
        if path.startswith(base) and f"/{PRIVATE}/" not in path
    }


def copies(lab: Lab, store: str) -> dict[str, str]:
    """Content hash by path of the good copies that the index names in a store."""
    return {
        row["path"]: digest
        for digest, document in lab.documents().items()
        for row in document["copies"]
        if row["store"] == store and row["state"] == "ok"
    }


def check_true(lab: Lab, dropbox: Emulator) -> None:
    """What the index says of both stores is what lies there."""
    assert copies(lab, "nas") == {p: h for p, h in lab.stored().items() if not p.endswith(".xmp")}
    assert copies(lab, "dropbox") == {
        p: h for p, h in in_dropbox(dropbox).items() if not p.endswith(".xmp")
    }


def test_an_upload_with_dropbox_makes_both_copies(lab: Lab, dropbox: Emulator):
    put(lab.source, {"a.jpg": jpeg("a", position=GHENT), "b.jpg": jpeg("b"), "c.png": png("c")})
    planned = lab.upload("--dropbox", "--dryrun")
    assert [line["store"] for line in planned.lines[:-1]] == ["nas"] * 3 + ["dropbox"] * 3
    assert not lab.root.exists() and dropbox.files() == {}
    done = lab.upload("--dropbox")
    assert (done.status, done.summary["new"], done.summary["copied"]) == (0, 3, 3), done.err
    assert in_dropbox(dropbox) == lab.stored() and len(lab.stored()) == 3
    check_true(lab, dropbox)
    again = lab.upload("--dropbox")
    assert (again.status, again.summary["new"], again.summary["copied"]) == (0, 0, 0)
    assert lab.catalog("check").status == 0


def test_a_dry_run_of_sidecars_makes_no_store(lab: Lab, dropbox: Emulator):
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload().status == 0
    assert lab.catalog("tag", "--query", "", "--add", "sea").status == 0
    planned = lab.catalog("sidecars", "write", "--store", "dropbox", "--dryrun", "--json")
    assert (planned.status, planned.summary["files"]) == (0, 0), planned.err
    assert dropbox.files() == {} and "dropbox" not in lab.documents("stores")


def test_a_camera_folder_becomes_part_of_the_catalog_without_a_download(
    lab: Lab, dropbox: Emulator
):
    clip(lab.folder / "clip.mp4")
    files = {
        "IMG_1.jpg": jpeg("a", position=GHENT),
        "IMG_2.jpg": jpeg("b", size=900),
        "sub/IMG_3.jpg": jpeg("c"),
        "clip.mp4": (lab.folder / "clip.mp4").read_bytes(),
        "notes.txt": b"hello",
    }
    for name, data in files.items():
        dropbox.plant(f"/Camera Uploads/{name}", data, client_modified=1_600_000_000)
    done = lab.run("upload_to_dropbox_from_dropbox", "/Camera Uploads", "-r", "--json")
    assert (done.status, done.summary["new"], done.summary["unsupported"]) == (0, 4, 1), (
        done.out + done.err
    )
    there = in_dropbox(dropbox)
    assert "2019/07_July/2019-07-12 18-30-15 Ghent.jpg" in there
    assert sorted(there.values()) == sorted(
        content_hash(d) for n, d in files.items() if n != "notes.txt"
    )
    assert copies(lab, "dropbox") == there
    assert dropbox.count("files/upload") == 1  # the marker
    documents = lab.documents()
    assert documents[content_hash(files["IMG_1.jpg"])]["place"]["city"] == "Ghent"
    assert documents[content_hash(files["IMG_2.jpg"])]["width"] == 900
    assert documents[content_hash(files["IMG_2.jpg"])]["phash"]
    again = lab.run("upload_to_dropbox_from_dropbox", "/Camera Uploads", "-r", "--json")
    assert (again.status, again.summary["new"], again.summary["duplicate"]) == (0, 0, 4)
    assert in_dropbox(dropbox, "/Camera Uploads").keys() == files.keys()


def test_a_move_takes_the_sources_away_and_nas_makes_the_second_copy(lab: Lab, dropbox: Emulator):
    dropbox.plant("/Camera Uploads/a.jpg", jpeg("a"))
    dropbox.plant("/Camera Uploads/b.jpg", jpeg("b"))
    done = lab.run("upload_to_dropbox_from_dropbox", "/Camera Uploads", "-m", "--nas", "--json")
    assert (done.status, done.summary["new"], done.summary["copied"]) == (0, 2, 2), (
        done.out + done.err
    )
    assert in_dropbox(dropbox, "/Camera Uploads") == {}
    assert lab.stored() == in_dropbox(dropbox) and len(lab.stored()) == 2
    check_true(lab, dropbox)


@pytest.mark.parametrize("folder", ["/", "/photos", "/photos/2019", "/PHOTOS/2019"])
def test_the_catalog_itself_is_no_source(lab: Lab, dropbox: Emulator, folder: str):
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload("--dropbox").status == 0
    before = dropbox.files()
    for command in ("upload_to_dropbox_from_dropbox", "delete_from_directory_if_in_catalog"):
        more = ["--dropbox"] if command.startswith("delete") else ["-m"]
        done = lab.run(command, folder, "-r", *more)
        assert done.status == 4, done.err
    assert dropbox.files() == before


def test_what_is_in_the_catalog_goes_from_a_dropbox_folder(lab: Lab, dropbox: Emulator):
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload().status == 0
    dropbox.plant("/Old/a copy.jpg", jpeg("a"))
    dropbox.plant("/Old/b.jpg", jpeg("b"))
    done = lab.run("delete_from_directory_if_in_catalog", "/Old", "--dropbox", "--json")
    assert (done.status, done.summary["removed"], done.summary["kept"]) == (0, 1, 1), done.err
    assert list(in_dropbox(dropbox, "/Old")) == ["b.jpg"]
    assert [c for c in dropbox.calls if c.route == "files/download" and c.status == 200] == []


def test_what_changed_in_dropbox_is_recorded(lab: Lab, dropbox: Emulator):
    put(lab.source, {f"{n}.jpg": jpeg(n) for n in range(6)})
    assert lab.upload("--dropbox").status == 0
    names = sorted(in_dropbox(dropbox))
    dropbox.move(f"/photos/{names[0]}", "/photos/Album/moved.jpg")
    dropbox.delete(f"/photos/{names[1]}")
    dropbox.plant(f"/photos/{names[2]}", jpeg("edited"))
    dropbox.plant("/photos/new one.jpg", jpeg("new"))
    dry = lab.run("sync_catalog_with_dropbox", "--dryrun", "--json")
    dropbox.clear_calls()
    done = lab.run("sync_catalog_with_dropbox", "--json")
    assert done.status == 0, done.err
    counts = {k: done.summary[k] for k in ("unchanged", "moved", "new", "changed", "gone")}
    assert counts == {"unchanged": 3, "moved": 1, "new": 1, "changed": 1, "gone": 2}
    assert dry.summary["planned"] == 5
    assert copies(lab, "dropbox") == in_dropbox(dropbox)
    assert dropbox.count("files/list_folder") == 0  # only what changed was asked for
    assert len(lab.documents()) == 8  # the asset whose copy is gone here is still on the NAS
    again = lab.run("sync_catalog_with_dropbox", "--json")
    assert (again.status, again.summary["unchanged"], again.summary["files"]) == (0, 6, 6)


def test_an_emptied_folder_is_no_mass_deletion(lab: Lab, dropbox: Emulator):
    put(lab.source, {f"{n}.jpg": jpeg(n) for n in range(60)})
    assert lab.upload("--dropbox").status == 0
    before = lab.documents()
    for path in list(in_dropbox(dropbox)):
        dropbox.delete(f"/photos/{path}")
    for command in ("sync_catalog_with_dropbox", "sync_nas_to_dropbox", "sync_dropbox_to_nas"):
        done = lab.run(command)
        assert done.status == 4, done.err
    assert lab.documents() == before
    dropbox.delete("/photos")
    for command in ("sync_catalog_with_dropbox", "sync_nas_to_dropbox", "sync_dropbox_to_nas"):
        assert lab.run(command).status == 4
    assert lab.documents() == before
    assert "/photos" not in dropbox.files()


def test_without_a_login_each_command_says_so(lab: Lab, dropbox: Emulator):
    del lab.variables["CATALOG_DBOX_FULL_TOKEN"]
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload().status == 0
    for command in (
        ["sync_nas_to_dropbox"],
        ["sync_catalog_with_dropbox"],
        ["upload_to_dropbox_from_dropbox", "/x"],
    ):
        done = lab.run(*command)
        assert done.status == 2
        assert "catalog dropbox login" in done.err


def test_a_token_that_serves_no_more_ends_with_5(lab: Lab, dropbox: Emulator):
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload().status == 0
    dropbox.revoke()
    done = lab.run("sync_nas_to_dropbox")
    assert done.status == 5
    assert "catalog dropbox login" in done.err and "Traceback" not in done.err
    assert lab.documents()


def test_login_status_and_logout(lab: Lab, dropbox: Emulator):
    del lab.variables["CATALOG_DBOX_FULL_TOKEN"]
    page = logged_in(lab, dropbox)
    assert "code_challenge=" in page
    (login,) = lab.home.rglob("dropbox-login.json")
    assert login.stat().st_mode & 0o777 == 0o600
    status = lab.catalog("dropbox", "status", "--json")
    assert status.status == 0, status.err
    assert json.loads(status.out)["root"] == "/photos"
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload("--dropbox").status == 0
    dropbox.expire_tokens()
    assert lab.run("sync_nas_to_dropbox").status == 0
    assert lab.catalog("dropbox", "logout").status == 0
    assert not login.exists()
    assert lab.run("sync_nas_to_dropbox").status == 2


def logged_in(lab: Lab, dropbox: Emulator) -> str:
    """Log in as a person would; the page they would have seen."""
    import subprocess

    from running import PROGRAMS

    with subprocess.Popen(
        [PROGRAMS / "catalog", "dropbox", "login", "--app-key", dropbox.app_key],
        cwd=lab.home,
        env=lab.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr and process.stdin
        page: Any = ""
        while "https://" not in page:
            page = process.stderr.readline()
        out, err = process.communicate(dropbox.authorize(page.strip()) + "\n", timeout=60)
    assert process.returncode == 0, err
    assert "Logged in" in out
    return str(page)


def test_doctor_looks_at_the_account(lab: Lab, dropbox: Emulator):
    lab.root.mkdir()
    done = lab.catalog("doctor", "--json")
    found = [line["text"] for line in done.lines if line["check"] == "dropbox"]
    assert any("logged in as" in text for text in found)
    assert any("free" in text for text in found)
    dropbox.revoke()
    failing = [line for line in lab.catalog("doctor", "--json").lines if line["check"] == "dropbox"]
    assert failing[0]["state"] == "problem" and "catalog dropbox login" in failing[0]["advice"]


def test_removal_and_trash_work_in_dropbox_as_on_a_disk(lab: Lab, dropbox: Emulator):
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload("--dropbox").status == 0
    (path,) = in_dropbox(dropbox)
    assert lab.catalog("forget", content_hash(jpeg("a")), "--with-files", "--yes").status == 0
    assert in_dropbox(dropbox) == {} and lab.stored() == {}
    trash = lab.catalog("trash", "list", "--json").lines
    assert {line["store"] for line in trash if "store" in line} == {"nas", "dropbox"}
    history = lab.catalog("history", "--json").lines
    run = next(line["run"] for line in history if line.get("command") == "forget")
    assert lab.catalog("undo", run).status == 0
    assert list(in_dropbox(dropbox)) == [path] and list(lab.stored()) == [path]
    assert lab.catalog("verify").status == 0
    check_true(lab, dropbox)


def test_a_watch_of_dropbox_takes_up_what_changes(lab: Lab, dropbox: Emulator):
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload("--dropbox").status == 0
    watch = lab.start("catalog", "watch", "dropbox", "--settle", "1s")
    wait_for(lambda: dropbox.count("files/list_folder") >= 1, watch)
    dropbox.plant("/photos/new.jpg", jpeg("new"))
    wait_for(lambda: content_hash(jpeg("new")) in lab.documents(), watch)
    watch.send_signal(signal.SIGINT)
    done = ended(watch)
    assert done.status == 130
    assert "told by Dropbox" in done.err
    assert copies(lab, "dropbox") == in_dropbox(dropbox)


def test_a_move_within_dropbox_can_be_undone(lab: Lab, dropbox: Emulator):
    names = ("IMG_1.jpg", "sub/IMG_2.jpg")
    for name in names:
        dropbox.plant(f"/Camera Uploads/{name}", jpeg(name), client_modified=1_600_000_000)
    before = in_dropbox(dropbox, "/Camera Uploads")
    done = lab.run("upload_to_dropbox_from_dropbox", "/Camera Uploads", "-r", "-m", "--json")
    assert done.status == 0 and in_dropbox(dropbox, "/Camera Uploads") == {}, done.out + done.err
    assert lab.catalog("undo", done.summary["run"]).status == 0
    assert in_dropbox(dropbox, "/Camera Uploads") == before
    assert in_dropbox(dropbox) == {} and copies(lab, "dropbox") == {}


def test_stores_do_not_lie_in_one_another(lab: Lab, dropbox: Emulator):
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload("--dropbox").status == 0
    for folder in ("dropbox:/photos/2019", "dropbox:/", "dropbox:/Photos"):
        done = lab.catalog("store", "add", "other", folder)
        assert done.status == 4, (folder, done.out, done.err)
    assert lab.catalog("store", "add", "other", "dropbox:/Family").status == 0
    assert lab.catalog("mirror", "nas", "other").status == 0
    assert in_dropbox(dropbox, "/Family") == lab.stored()
    found = lab.run("sync_catalog_with_dropbox", "--store", "other", "--json")
    assert (found.status, found.summary["unchanged"]) == (0, 1)


@pytest.mark.parametrize(
    "program", [["upload_to_nas_from_disk", "SOURCE", "--dropbox"], ["sync_nas_to_dropbox"]]
)
def test_an_interruption_does_not_wait_for_a_dropbox_that_is_down(
    lab: Lab, dropbox: Emulator, program: list[str]
):
    put(lab.source, {f"{n}.jpg": jpeg(n) for n in range(3)})
    assert lab.upload().status == 0
    assert lab.run("sync_nas_to_dropbox", "--limit", "1").status == 0
    dropbox.faults = [{"route": "files/upload*", "action": "status", "status": 503}]
    running = lab.start(*(str(lab.source) if a == "SOURCE" else a for a in program))
    wait_for(lambda: len(dropbox.faults.fired) > 1, running)
    running.send_signal(signal.SIGINT)
    done = ended(running, 60)
    assert done.status == 130, done.err
    dropbox.faults = []
    assert lab.run("sync_nas_to_dropbox").status == 0
    check_true(lab, dropbox)


def test_a_moved_source_waits_for_its_second_copy(lab: Lab, dropbox: Emulator):
    put(lab.source, {"a.jpg": jpeg("a"), "a.jpg.xmp": b"<x/>", "b.jpg": jpeg("b")})
    refusal = {".tag": "path", "reason": {".tag": "insufficient_space"}, "upload_session_id": "x"}
    dropbox.faults = [
        {"route": "files/upload", "path": "*.jpg", "action": "error", "error": refusal},
        {"route": "files/upload_session/*", "action": "status", "status": 400},
    ]
    failed = lab.upload("--dropbox", "--move")
    assert failed.status in (1, 3), failed.err
    assert sorted(p.name for p in lab.source.iterdir()) == ["a.jpg", "a.jpg.xmp", "b.jpg"]
    assert len(copies(lab, "nas")) == 2 and copies(lab, "dropbox") == {}
    dropbox.faults = []
    done = lab.upload("--dropbox", "--move")
    assert done.status == 0, done.out + done.err
    assert list(lab.source.iterdir()) == []
    assert in_dropbox(dropbox) == lab.stored()
    check_true(lab, dropbox)


def test_an_edit_that_nobody_catalogued_is_not_sent_as_the_old_photo(lab: Lab, dropbox: Emulator):
    put(lab.source, {"a.jpg": jpeg("a"), "b.jpg": jpeg("b")})
    assert lab.upload().status == 0
    one, other = sorted(lab.stored())
    put(
        lab.root,
        {one: jpeg("a", size=90), other: jpeg("b").replace(b"iPhone 12", b"iPhone 13")},
        MTIME + 100,
    )
    done = lab.run("sync_nas_to_dropbox", "--json")
    assert (done.status, done.summary["failed"]) == (3, 2)
    assert all("sync the catalog with" in line["reason"].lower() for line in done.lines[:-1]), (
        done.out
    )
    assert in_dropbox(dropbox) == {}
    assert lab.run("sync_catalog_with_disk", "--yes").status == 0
    assert lab.run("sync_nas_to_dropbox").status == 0
    assert in_dropbox(dropbox) == lab.stored()


def test_one_edit_in_dropbox_ends_in_one_arrangement(lab: Lab, dropbox: Emulator):
    put(lab.source, {"a.jpg": jpeg("a"), "b.jpg": jpeg("b", "2019:07:12 18:30:16")})
    assert lab.upload("--dropbox").status == 0
    name = min(in_dropbox(dropbox))
    number = name.replace(".jpg", "_1.jpg")
    old, new = jpeg("a"), jpeg("edited")
    dropbox.plant(f"/photos/{name}", new)
    assert lab.run("sync_catalog_with_dropbox").status == 0
    for command in ("sync_nas_to_dropbox", "sync_dropbox_to_nas"):
        assert lab.run(command).status == 0
    assert in_dropbox(dropbox) == lab.stored() and len(lab.stored()) == 3
    assert lab.stored()[name] == content_hash(new) and lab.stored()[number] == content_hash(old)
    check_true(lab, dropbox)
    # crosswise, as an earlier version left it
    dropbox.plant(f"/photos/{name}", old)
    dropbox.plant(f"/photos/{number}", new)
    assert lab.run("sync_catalog_with_dropbox").status == 0
    done = [lab.run(c, "--json") for c in ("sync_nas_to_dropbox", "sync_dropbox_to_nas")]
    assert [run.status for run in done] == [0, 0]
    assert sum(run.summary["moved"] for run in done) == 2
    assert sum(run.summary["copied"] for run in done) == 0
    assert in_dropbox(dropbox) == lab.stored() and len(lab.stored()) == 3
    check_true(lab, dropbox)
    for command in ("sync_nas_to_dropbox", "sync_dropbox_to_nas"):
        assert lab.run(command, "--json").summary["files"] == 0
