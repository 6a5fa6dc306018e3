"""`sync_nas_to_dropbox` and `sync_dropbox_to_nas`: what must travel travels once,
and neither undoes the other.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from running import MTIME, Done, Lab, ended, files_in, hashes, jpeg, many, put, wait_for
from stating_store import Counting, Stating, stand_in

from catalog.domain.fixity import content_hash
from catalog.errors import StoreError, StoreFull, StoreUnavailable
from catalog.index.client import Connection
from catalog.stores.local.store import LocalStore
from catalog.work.session import Session
from catalog.work.throttle import Throttle

THERE, BACK = "sync_nas_to_dropbox", "sync_dropbox_to_nas"
OUTCOMES = ("copied", "moved", "found", "recorded", "gone", "missing", "failed", "planned")


@pytest.fixture
def pair(lab: Lab) -> Lab:
    """A catalog on a NAS, and an empty folder that stands for Dropbox."""
    put(lab.source, {f"{n}.jpg": jpeg(n, f"2019:0{n}:12 18:30:15") for n in range(1, 5)})
    put(lab.source, {"1.jpg.xmp": b"<one/>"})
    assert lab.upload().status == 0
    return with_dropbox(lab)


def with_dropbox(lab: Lab) -> Lab:
    folder(lab).mkdir()
    assert lab.catalog("store", "add", "dropbox", folder(lab)).status == 0
    lab.variables["CATALOG_NAS_ROOT"] = str(lab.root)
    return lab


def folder(lab: Lab) -> Path:
    return lab.folder / "dropbox"


def outcomes(done: Done) -> dict[str, int]:
    return {k: done.summary[k] for k in OUTCOMES if done.summary[k]}


def run(lab: Lab, command: str, *arguments: object) -> dict[str, int]:
    done = lab.run(command, "--json", *arguments)
    assert done.status == 0, done.out + done.err
    return outcomes(done)


def dropped(lab: Lab) -> dict[str, str]:
    return {p: h for p, h in hashes(folder(lab)).items() if not p.startswith(".catalog/")}


def record(lab: Lab, *stores: str) -> None:
    for store in stores or ("nas", "dropbox"):
        assert lab.run("sync_catalog_with_disk", "--store", store).status == 0


def check_still(lab: Lab) -> None:
    """Neither direction plans anything, and nothing is changed by running them."""
    before = lab.documents(), lab.stored(), dropped(lab)
    for command in (THERE, BACK, THERE):
        assert run(lab, command, "--dryrun") == {}
        assert run(lab, command) == {}
    assert (lab.documents(), lab.stored(), dropped(lab)) == before


def jpegs(files: dict[str, str]) -> list[str]:
    return sorted(p for p in files if p.endswith("jpg"))


def test_all_that_is_lacking_travels_once(pair: Lab) -> None:
    planned = pair.run(THERE, "--json", "--dryrun")
    assert outcomes(planned) == {"planned": 5} and dropped(pair) == {}
    assert planned.summary["bytes_planned"] == sum(
        p.stat().st_size for p in pair.root.rglob("2019*") if p.is_file()
    )
    assert run(pair, THERE, "--limit", 2) == {"copied": 2}
    assert run(pair, THERE) == {"copied": 3}
    assert dropped(pair) == pair.stored()
    assert {d["copy_count"] for d in pair.documents().values()} == {2}
    check_still(pair)


@pytest.mark.parametrize("order", [(THERE, BACK), (BACK, THERE)], ids=["there first", "back first"])
def test_a_rename_on_the_nas_and_back_is_never_undone(pair: Lab, order: tuple[str, str]) -> None:
    run(pair, THERE)
    (pair.root / "2019").rename(pair.root / "Our 2019")
    record(pair, "nas")
    found = Counter[str]()
    for command in order:
        found.update(run(pair, command))
    assert found == {"moved": 5}
    assert dropped(pair) == pair.stored() and jpegs(dropped(pair))[0].startswith("Our 2019/")
    check_still(pair)
    (pair.root / "Our 2019").rename(pair.root / "2019")
    record(pair, "nas")
    found = Counter()
    for command in order:
        found.update(run(pair, command))
    assert found == {"moved": 5}
    assert dropped(pair) == pair.stored() and jpegs(dropped(pair))[0].startswith("2019/")
    check_still(pair)


@pytest.mark.parametrize("order", [(THERE, BACK), (BACK, THERE)], ids=["there first", "back first"])
def test_a_rename_in_dropbox_is_followed_on_the_nas(pair: Lab, order: tuple[str, str]) -> None:
    run(pair, THERE)
    (folder(pair) / "2019").rename(folder(pair) / "Wedding")
    for command in order:
        run(pair, command)
    assert dropped(pair) == pair.stored() and jpegs(pair.stored())[0].startswith("Wedding/")
    check_still(pair)


@pytest.mark.parametrize("order", [(THERE, BACK), (BACK, THERE)], ids=["there first", "back first"])
def test_where_both_renamed_a_file_the_one_that_came_last_to_its_name_is_followed(
    pair: Lab, order: tuple[str, str]
) -> None:
    run(pair, THERE)
    path = jpegs(pair.stored())[2]
    (pair.root / path).rename(pair.root / "by the sea.jpg")
    (folder(pair) / path).rename(folder(pair) / "beach.jpg")
    record(pair)
    for command in order:
        run(pair, command)
    assert "beach.jpg" in pair.stored() and dropped(pair) == pair.stored()
    check_still(pair)
    (pair.root / "beach.jpg").rename(pair.root / "Spain.jpg")
    record(pair)
    for command in order:
        run(pair, command)
    assert (
        "Spain.jpg" in pair.stored()
        and dropped(pair) == pair.stored()
        and len(jpegs(dropped(pair))) == 4
    )
    check_still(pair)


def test_a_rename_is_followed_though_the_other_store_has_one_more(pair: Lab) -> None:
    run(pair, THERE)
    path = jpegs(pair.stored())[2]
    put(folder(pair), {"D/x.jpg": (folder(pair) / path).read_bytes()})
    (pair.root / path).rename(pair.root / "renamed.jpg")
    record(pair)
    for command in (THERE, BACK):
        run(pair, command)
    assert dropped(pair) == pair.stored() and path not in pair.stored()
    assert {"renamed.jpg", "D/x.jpg"} < dropped(pair).keys()
    check_still(pair)


def test_what_got_a_number_goes_with_its_folder(pair: Lab) -> None:
    run(pair, THERE)
    path = jpegs(pair.stored())[1]
    (pair.root / path).write_bytes(jpeg("edited on the NAS"))
    record(pair)
    for command in (THERE, BACK):
        run(pair, command)
    assert dropped(pair) == pair.stored() and path.replace(".jpg", "_1.jpg") in pair.stored()
    (pair.root / "2019").rename(pair.root / "Holiday")
    record(pair, "nas")
    for command in (THERE, BACK):
        run(pair, command)
    assert dropped(pair) == pair.stored() and not any(p.startswith("2019") for p in dropped(pair))
    check_still(pair)


@pytest.mark.parametrize("order", [(THERE, BACK), (BACK, THERE)], ids=["there first", "back first"])
def test_a_sidecar_that_was_edited_while_its_photo_was_renamed_goes_along(
    pair: Lab, order: tuple[str, str]
) -> None:
    run(pair, THERE)
    sidecar = next(p for p in pair.stored() if p.endswith(".xmp"))
    photo = sidecar.removesuffix(".xmp")
    (pair.root / photo).rename(pair.root / "r.jpg")
    (pair.root / sidecar).rename(pair.root / "r.jpg.xmp")
    put(folder(pair), {sidecar: b"<edited in='Dropbox'/>"}, mtime=MTIME + 500)
    record(pair)
    for command in order:
        run(pair, command)
    assert dropped(pair) == pair.stored() and sidecar not in pair.stored()
    assert (pair.root / "r.jpg.xmp").read_bytes() == b"<edited in='Dropbox'/>"
    check_still(pair)


def test_places_that_nobody_renamed_stay_and_are_named(pair: Lab) -> None:
    path = jpegs(pair.stored())[2]
    put(folder(pair), {"beach.jpg": (pair.root / path).read_bytes()})
    record(pair)
    done = pair.run(THERE)
    assert done.status == 0 and done.err.count("each stays") == 1 and "beach.jpg" not in done.err
    done = pair.run(THERE, "--verbose")
    assert f"nas:{path} is dropbox:beach.jpg" in done.err + done.out
    assert "beach.jpg" in dropped(pair) and path in pair.stored()
    check_still(pair)


@pytest.mark.parametrize("order", [(THERE, BACK), (BACK, THERE)], ids=["there first", "back first"])
@pytest.mark.parametrize("edited", ["nas", "dropbox", "both"])
def test_both_versions_of_an_edited_photo_are_kept_in_one_arrangement(
    pair: Lab, order: tuple[str, str], edited: str
) -> None:
    run(pair, THERE)
    path = jpegs(pair.stored())[1]
    old, new = (pair.root / path).read_bytes(), jpeg("edited")
    roots = {"nas": pair.root, "dropbox": folder(pair)}
    for store in ("nas", "dropbox"):
        if edited in (store, "both"):
            (roots[store] / path).write_bytes(new + (b"nas" if store == "nas" else b""))
            record(pair, store)
    found = Counter[str]()
    for command in order:
        planned = run(pair, command, "--dryrun").get("planned", 0)
        done = Counter(run(pair, command))
        assert planned == sum(done.values())
        found.update(done)
    assert found == {"copied": 2, "moved": 1}
    last = new + (b"nas" if edited == "nas" else b"")
    other = new + b"nas" if edited == "both" else old
    numbered = path.replace(".jpg", "_1.jpg")
    for root in roots.values():
        assert (root / path).read_bytes() == last, "what came last to the name keeps it"
        assert (root / numbered).read_bytes() == other
    assert dropped(pair) == pair.stored()
    check_still(pair)
    record(pair)
    check_still(pair)


@pytest.mark.parametrize("text", [b"<edited/>", b"<one/>"], ids=["edited", "the same"])
@pytest.mark.parametrize("order", [(THERE, BACK), (BACK, THERE)], ids=["there first", "back first"])
def test_sidecars_get_the_number_of_their_photo(
    pair: Lab, order: tuple[str, str], text: bytes
) -> None:
    run(pair, THERE)
    sidecar = next(p for p in pair.stored() if p.endswith(".xmp"))
    path = sidecar.removesuffix(".xmp")
    (folder(pair) / path).write_bytes(jpeg("edited in Dropbox"))
    (folder(pair) / sidecar).write_bytes(text)
    record(pair, "dropbox")
    for command in order:
        run(pair, command)
    assert dropped(pair) == pair.stored()
    number = path.replace(".jpg", "_1.jpg")
    assert (pair.root / sidecar).read_bytes() == text
    assert (pair.root / f"{number}.xmp").read_bytes() == b"<one/>"
    check_still(pair)
    record(pair)
    check_still(pair)
    rows = {d["copies"][0]["path"]: d.get("sidecars", []) for d in pair.documents().values()}
    for photo in (path, number):
        assert {row["path"] for row in rows[photo]} == {f"{photo}.xmp"}


@pytest.mark.parametrize("order", [(THERE, BACK), (BACK, THERE)], ids=["there first", "back first"])
def test_what_an_earlier_version_numbered_crosswise_gets_one_arrangement(
    pair: Lab, order: tuple[str, str]
) -> None:
    run(pair, THERE)
    path = jpegs(pair.stored())[1]
    numbered = path.replace(".jpg", "_1.jpg")
    old, new = (pair.root / path).read_bytes(), jpeg("edited in Dropbox")
    put(folder(pair), {path: new})
    record(pair, "dropbox")
    put(pair.root, {numbered: new})
    put(folder(pair), {numbered: old})
    record(pair)
    found = Counter[str]()
    for command in order:
        found.update(run(pair, command))
    assert found == {"moved": 2}
    assert dropped(pair) == pair.stored()
    assert (pair.root / path).read_bytes() == new and (pair.root / numbered).read_bytes() == old
    check_still(pair)


def test_a_third_store_gets_the_arrangement_of_the_first_two(pair: Lab) -> None:
    run(pair, THERE)
    archive = pair.folder / "archive"
    archive.mkdir()
    assert pair.catalog("store", "add", "archive", archive).status == 0
    assert pair.catalog("mirror", "nas", "archive").status == 0
    path = jpegs(pair.stored())[1]
    (folder(pair) / path).write_bytes(jpeg("edited in Dropbox"))
    record(pair, "dropbox")
    assert pair.catalog("mirror", "nas", "archive").status == 0
    for command in (THERE, BACK):
        run(pair, command)
    assert pair.catalog("mirror", "nas", "archive").status == 0
    mirrored = {p: h for p, h in hashes(archive).items() if not p.startswith(".catalog/")}
    assert mirrored == pair.stored() == dropped(pair)
    again = pair.catalog("mirror", "archive", "dropbox", "--json")
    assert again.status == 0 and outcomes(again) == {}
    check_still(pair)


def test_a_rename_to_a_name_that_another_content_has_there_keeps_it(pair: Lab) -> None:
    run(pair, THERE)
    first, second = jpegs(pair.stored())[1:3]
    put(folder(pair), {"beach.jpg": jpeg("new in Dropbox")})
    record(pair, "dropbox")
    (pair.root / first).rename(pair.root / "beach.jpg")
    record(pair, "nas")
    renamed = pair.stored()["beach.jpg"]
    for command in (BACK, THERE):
        run(pair, command)
    assert dropped(pair) == pair.stored() and pair.stored()["beach.jpg"] == renamed
    assert "beach_1.jpg" in pair.stored() and second in pair.stored()
    check_still(pair)


@pytest.mark.parametrize("limit", [1, 2])
def test_a_limit_leads_to_the_same_arrangement(pair: Lab, limit: int) -> None:
    run(pair, THERE)
    for path in jpegs(pair.stored())[1:3]:
        (folder(pair) / path).write_bytes(jpeg(f"{path} edited in Dropbox"))
    record(pair, "dropbox")
    runs = 0
    while sum(sum(run(pair, command, "--limit", limit).values()) for command in (THERE, BACK)):
        runs += 1
        assert runs < 20
    assert dropped(pair) == pair.stored()
    check_still(pair)


@pytest.mark.parametrize("after", range(6))
def test_a_kill_while_names_are_settled_leads_to_the_same_arrangement(
    pair: Lab, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Ended with no chance to tidy up, after so many files were renamed, sent or recorded."""
    order = (THERE, BACK) if after % 2 else (BACK, THERE)
    run(pair, THERE)
    sidecar = next(p for p in pair.stored() if p.endswith(".xmp"))
    path = sidecar.removesuffix(".xmp")
    put(folder(pair), {path: jpeg("edited in Dropbox"), sidecar: b"<edited/>"}, mtime=MTIME + 500)
    record(pair, "dropbox")
    old, new = pair.stored()[path], dropped(pair)[path]
    left, killed = [after], list[str]()

    def counted(real: Any) -> Any:
        def do(*arguments: Any, **options: Any) -> Any:
            if not left[0]:
                killed.append(str(real))
                os._exit(9)
            left[0] -= 1
            return real(*arguments, **options)

        return do

    for owner, name in ((LocalStore, "put"), (LocalStore, "move"), (Session, "edit")):
        monkeypatch.setattr(owner, name, counted(getattr(owner, name)))
    child = os.fork()
    if not child:
        for command in order:
            pair.run(command)
        os._exit(0)
    ended_by = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    monkeypatch.undo()
    assert ended_by == 9, "nothing was killed"
    for command in order:
        run(pair, command)
    record(pair)
    for command in order:
        run(pair, command)
    assert dropped(pair) == pair.stored()
    numbered = path.replace(".jpg", "_1.jpg")
    assert (pair.stored()[path], pair.stored()[numbered]) == (new, old)
    assert (pair.root / f"{numbered}.xmp").read_bytes() == b"<one/>"
    check_still(pair)


def test_a_run_that_settled_a_name_is_taken_back(pair: Lab) -> None:
    run(pair, THERE)
    path = jpegs(pair.stored())[1]
    (folder(pair) / path).write_bytes(jpeg("edited in Dropbox"))
    record(pair, "dropbox")
    before = pair.stored()
    settled = pair.run(BACK, "--json").summary
    assert (settled["moved"], settled["copied"]) == (1, 1)
    after = pair.stored()
    undone = pair.catalog("undo", settled["run"], "--yes", "--json")
    assert undone.status == 0, undone.out + undone.err
    assert pair.stored() == before
    assert run(pair, BACK) == {"moved": 1, "copied": 1} and pair.stored() == after


def test_a_deletion_on_one_side_is_healed_from_the_other(pair: Lab) -> None:
    run(pair, THERE)
    before = pair.stored()
    (folder(pair) / jpegs(before)[0]).unlink()
    assert run(pair, THERE) == {"gone": 1, "copied": 1}
    (pair.root / jpegs(before)[1]).unlink()
    assert run(pair, BACK, "--dryrun") == {"planned": 2}
    assert run(pair, BACK) == {"gone": 1, "copied": 1}
    assert dropped(pair) == pair.stored() == before
    check_still(pair)


def test_what_is_no_file_is_in_the_way_and_stays(pair: Lab) -> None:
    path = jpegs(pair.stored())[0]
    link = folder(pair) / path
    link.parent.mkdir(parents=True)
    link.symlink_to("nowhere")
    assert run(pair, THERE) == {"copied": 5}
    assert (
        link.is_symlink() and dropped(pair)[path.replace(".jpg", "_1.jpg")] == pair.stored()[path]
    )
    assert run(pair, THERE) == {}


def test_a_folder_that_was_emptied_is_not_believed(lab: Lab) -> None:
    many(lab.source, 80)
    assert lab.upload().status == 0
    with_dropbox(lab)
    assert run(lab, THERE) == {"copied": 80}
    before = lab.documents()
    for child in folder(lab).iterdir():
        if child.name != ".catalog":
            shutil.rmtree(child)
    for arguments in ((), ("--dryrun",)):
        done = lab.run(THERE, *arguments)
        assert done.status == 4 and "80 of 80" in done.err and "--yes" in done.err
    assert lab.documents() == before and dropped(lab) == {}
    assert run(lab, THERE, "--yes") == {"gone": 80, "copied": 80}
    assert dropped(lab) == lab.stored()
    folder(lab).rename(lab.folder / "unmounted")
    assert lab.run(THERE).status == 4


def test_killed_at_any_moment_nothing_is_sent_twice(lab: Lab) -> None:
    many(lab.source, 120, pad=20_000)
    assert lab.upload().status == 0
    with_dropbox(lab)

    def arrived() -> int:
        return files_in(folder(lab))

    sent = 0
    for wanted in (10, 45, 80):
        process = lab.start(THERE, "--json", "--bwlimit", "1M")
        wait_for(lambda wanted=wanted: arrived() >= wanted, process)  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.communicate()
        sent = arrived()
    found = run(lab, THERE)
    assert found.get("copied", 0) == 120 - sent and found.get("found", 0) < 120
    assert dropped(lab) == lab.stored()
    assert os.listdir(folder(lab) / ".catalog") == ["store.json"]
    check_still(lab)


def test_an_interrupted_run_records_what_it_sent(lab: Lab) -> None:
    many(lab.source, 60, pad=20_000)
    assert lab.upload().status == 0
    with_dropbox(lab)
    process = lab.start(THERE, "--json", "--bwlimit", "300K")
    wait_for(lambda: len(list(folder(lab).glob("2*/*/*.jpg"))) >= 10, process)
    process.send_signal(signal.SIGINT)
    done = ended(process)
    assert done.status == 130 and done.summary["copied"] >= 10 and not done.summary["failed"]
    assert len(dropped(lab)) == done.summary["copied"]
    assert run(lab, THERE) == {"copied": 60 - done.summary["copied"]}


def test_limits_end_a_run_in_order(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    many(lab.source, 40, pad=50_000)
    assert lab.upload().status == 0
    with_dropbox(lab)
    done = lab.run(THERE, "--max-transfer", "500K", "--transfers", "2", "--json")
    assert done.status == 0 and 10 <= done.summary["copied"] <= 12 and not done.summary["failed"]
    left = 40 - done.summary["copied"]
    assert f"max_transfer is reached: {left} files" in done.err
    done = lab.run(THERE, "--max-duration", "1s", "--bwlimit", "200K", "--json")
    assert (
        done.status == 0
        and 0 < done.summary["copied"] < left
        and "max_duration is reached" in done.err
    )
    before, paced = dropped(lab).keys(), list[int]()
    with monkeypatch.context() as patched:
        patched.setattr(Throttle, "wait", lambda _self, count: paced.append(count))
        run(lab, THERE, "--bwlimit", "1M")
    sent = [(folder(lab) / path).stat().st_size for path in dropped(lab).keys() - before]
    assert sent and sum(paced) == sum(sent), "every byte waits for its turn"
    for bad in (
        ("--bwlimit", "fast"),
        ("--max-transfer", "much"),
        ("--max-duration", "soon"),
        ("--transfers", "0"),
    ):
        done = lab.run(THERE, *bad)
        assert done.status == 2 and "Traceback" not in done.err
    done = lab.run(THERE, "--bwlimit", "fast")
    assert done.err.count("\n") == 1 and "the option --bwlimit" in done.err


# --- a store that states contents -----------------------------------------------------------------


def told(lab: Lab, command: str, *arguments: object, status: int = 0) -> Done:
    done = lab.run(command, "--json", *arguments)
    assert done.status == status, done
    return done


@pytest.fixture
def asked(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What Elasticsearch is asked, by index and kind: `/_mget` is about assets."""
    counts: Counter[str] = Counter()
    real = Connection.request

    def request(self: Connection, method: str, path: str, *arguments: Any, **options: Any) -> Any:
        counts[path.replace(lab.index, "").replace("//", "/")] += method == "POST"
        return real(self, method, path, *arguments, **options)

    monkeypatch.setattr(Connection, "request", request)
    return counts


def test_what_both_know_costs_one_scan_and_no_call_a_file(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, asked: Counter[str]
) -> None:
    many(lab.source, 300)
    assert lab.upload().status == 0
    with_dropbox(lab)
    calls = stand_in(monkeypatch, {"dropbox": Stating})
    done = told(lab, THERE)
    assert outcomes(done) == {"copied": 300}
    assert calls["dropbox put"] == 300 and calls["dropbox stat"] == 0 and calls["dropbox open"] == 0
    assert calls["nas open"] == 300
    for command in (THERE, BACK):
        calls.clear()
        asked.clear()
        assert outcomes(told(lab, command)) == {}
        assert not {c for c in calls if not c.endswith(" list")}, calls
        assert (
            asked["/_pit"] == asked["/_search"] == 1
            and not asked["/_mget"]
            and not asked["/-events/_pit"]
        ), asked
    shutil.move(folder(lab) / jpegs(dropped(lab))[0], folder(lab) / "renamed.jpg")
    calls.clear()
    assert outcomes(told(lab, THERE)) == {"recorded": 1}
    assert calls["dropbox stat"] == 0 and not calls["dropbox put"] and not calls["dropbox open"]
    assert outcomes(told(lab, BACK)) == {"moved": 1}
    assert dropped(lab) == lab.stored()


def test_what_dropbox_has_already_is_only_recorded(
    pair: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = stand_in(monkeypatch, {"dropbox": Stating})
    one, two = jpegs(pair.stored())[:2]
    put(
        folder(pair),
        {one: (pair.root / one).read_bytes(), "elsewhere.jpg": (pair.root / two).read_bytes()},
    )
    put(folder(pair), {"unknown.jpg": jpeg("unknown"), "notes.txt": b"no photo"}, mtime=MTIME + 5)
    planned = told(pair, THERE, "--dryrun")
    assert outcomes(planned) == {"planned": 2 + 2 + 1}
    done = told(pair, THERE)
    assert outcomes(done) == {"recorded": 2, "copied": 3}
    assert "1 file in dropbox is not in the catalog: run catalog sync dropbox" in done.err
    assert calls["dropbox stat"] == 0 and calls["dropbox put"] == 3
    assert outcomes(told(pair, THERE)) == {}
    assert outcomes(told(pair, BACK)) == {}
    assert (folder(pair) / "unknown.jpg").read_bytes() == jpeg("unknown")


def test_a_content_travels_once_however_often_it_lies_there(
    pair: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = stand_in(monkeypatch, {"dropbox": Stating})
    one, two = jpegs(pair.stored())[:2]
    for name in ("again.jpg", "and again.jpg"):
        shutil.copy2(pair.root / one, pair.root / name)
    record(pair, "nas")
    assert outcomes(told(pair, THERE)) == {"copied": 7}
    assert calls["dropbox put"] == 5 and calls["dropbox copy"] == 2
    shutil.copy2(pair.root / two, pair.root / "later.jpg")
    record(pair, "nas")
    assert outcomes(told(pair, THERE)) == {"copied": 1}
    assert calls["dropbox put"] == 5 and dropped(pair) == pair.stored()


def test_files_that_change_places_do_so_there_and_a_kill_leaves_no_odd_name(
    pair: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in (Counting, Stating):
        stand_in(monkeypatch, {"dropbox": kind})
        told(pair, THERE)
        one, two = (pair.root / p for p in jpegs(pair.stored())[1:3])
        one.rename(pair.root / "spare")
        two.rename(one)
        (pair.root / "spare").rename(two)
        record(pair, "nas")
        real = kind.move

        def dying(self: Counting, source: str, target: str, real: Any = real) -> Any:
            if source.endswith(".moving"):
                raise KeyboardInterrupt
            return real(self, source, target)

        monkeypatch.setattr(kind, "move", dying)
        told(pair, THERE, status=130)
        assert any(p.endswith(".moving") for p in dropped(pair))
        monkeypatch.setattr(kind, "move", real)
        found = outcomes(told(pair, THERE))
        assert found["moved"] == 2 and not found.get("failed"), found
        assert dropped(pair) == pair.stored()
        assert outcomes(told(pair, THERE)) == {}
        assert outcomes(told(pair, BACK)) == {}


def test_further_copies_of_a_content_are_made_at_once(
    pair: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = stand_in(monkeypatch, {"dropbox": Stating})
    for number in range(4):
        shutil.copy2(pair.root / jpegs(pair.stored())[0], pair.root / f"again {number}.jpg")
    record(pair, "nas")
    together = threading.Barrier(4, timeout=20)
    real = Stating.copy

    def copy(self: Stating, source: str, target: str) -> Any:
        together.wait()
        return real(self, source, target)

    monkeypatch.setattr(Stating, "copy", copy)
    assert outcomes(told(pair, THERE)) == {"copied": 9}
    assert (
        calls["dropbox put"] == 5 and calls["dropbox copy"] == 4 and dropped(pair) == pair.stored()
    )


def in_a_ring(lab: Lab) -> list[str]:
    """Give three photos on the NAS each the next one's name."""
    names = jpegs(lab.stored())[:3]
    for name in names:
        (lab.root / name).rename(lab.root / f"{name}.spare")
    for name, other in zip(names, names[1:] + names[:1], strict=True):
        (lab.root / f"{name}.spare").rename(lab.root / other)
    record(lab, "nas")
    return names


def test_a_limit_leaves_a_ring_whole(pair: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = stand_in(monkeypatch, {"dropbox": Stating})
    told(pair, THERE)
    in_a_ring(pair)
    assert "planned" not in outcomes(told(pair, THERE, "--dryrun", "--limit", 2))
    assert outcomes(told(pair, THERE, "--limit", 2)) == {}
    assert calls["dropbox move"] == 0
    assert outcomes(told(pair, THERE, "--limit", 3)) == {"moved": 3}
    assert calls["dropbox move"] == 6, "no move is tried that must fail"
    assert dropped(pair) == pair.stored()


def test_the_files_of_a_ring_are_renamed_at_once(
    pair: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, {"dropbox": Stating})
    told(pair, THERE)
    in_a_ring(pair)
    together = threading.Barrier(3, timeout=20)
    real = Stating.move

    def move(self: Stating, source: str, target: str) -> Any:
        together.wait()
        return real(self, source, target)

    monkeypatch.setattr(Stating, "move", move)
    assert outcomes(told(pair, THERE)) == {"moved": 3}
    assert dropped(pair) == pair.stored()


def test_a_file_that_was_changed_just_before_its_rename_is_put_back(
    pair: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, {"dropbox": Stating})
    told(pair, THERE)
    names = in_a_ring(pair)
    other = jpegs(pair.stored())[3]
    digest = pair.stored()[other]
    (pair.root / other).rename(pair.root / "renamed.jpg")
    record(pair, "nas")
    real = Stating.move
    changed = {names[0]: jpeg("changed"), other: jpeg("changed, too")}

    def move(self: Stating, source: str, target: str) -> Any:
        if source in changed and not (self.root / target).exists():
            (self.root / source).write_bytes(changed[source])
        return real(self, source, target)

    monkeypatch.setattr(Stating, "move", move)
    done = told(pair, THERE, status=3)
    assert (
        outcomes(done) == {"moved": 2, "failed": 2}
        and done.out.count("was changed in store dropbox") >= 2
    )
    for path, content in changed.items():
        assert (folder(pair) / path).read_bytes() == content
    rows = [c["path"] for c in pair.documents()[digest]["copies"] if c["store"] == "dropbox"]
    assert rows == [other], "what is not so is not recorded"
    monkeypatch.setattr(Stating, "move", real)
    record(pair)
    for command in (THERE, BACK, THERE, BACK):
        told(pair, command)
    assert (
        set(dropped(pair).values())
        == set(pair.stored().values())
        >= {content_hash(c) for c in changed.values()}
    )


def test_a_name_that_is_taken_for_good_is_asked_for_once(
    pair: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, {"dropbox": Stating})
    (pair.root / jpegs(pair.stored())[0]).rename(pair.root / "a_1.jpg")
    record(pair, "nas")
    told(pair, THERE)
    put(folder(pair), {"a.jpg": b"no photo of the catalog"})
    (pair.root / "a_1.jpg").rename(pair.root / "a.jpg")
    record(pair, "nas")
    assert outcomes(told(pair, THERE)) == {"found": 1}
    for command in (THERE, BACK):
        assert outcomes(told(pair, command)) == {}
    assert "a.jpg" in pair.stored() and "a_1.jpg" in dropped(pair)


def test_a_name_of_another_case_is_taken(pair: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, {"dropbox": Stating})
    path = jpegs(pair.stored())[0]
    other = path.replace(".jpg", ".JPG").replace("January", "JANUARY")
    put(folder(pair), {other: b"something else"})
    assert outcomes(told(pair, THERE)) == {"copied": 5}
    assert (folder(pair) / other).read_bytes() == b"something else"
    assert dropped(pair)[path.replace(".jpg", "_1.jpg")] == pair.stored()[path]
    assert outcomes(told(pair, THERE)) == {}
    assert outcomes(told(pair, BACK)) == {}


def test_a_file_edited_in_dropbox_and_not_yet_loaded_is_left_alone(
    pair: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, {"dropbox": Stating})
    told(pair, THERE)
    path = jpegs(pair.stored())[0]
    new = jpeg("edited")
    (folder(pair) / path).write_bytes(new)
    for command, found in ((BACK, {"gone": 1}), (THERE, {"copied": 1}), (THERE, {}), (BACK, {})):
        done = told(pair, command)
        assert outcomes(done) == found and "1 file in dropbox is not in the catalog" in done.err
    assert (folder(pair) / path).read_bytes() == new
    assert dropped(pair)[path.replace(".jpg", "_1.jpg")] == pair.stored()[path]


def test_what_is_gone_from_both_is_marked_as_missing(
    pair: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, {"dropbox": Stating, "nas": Stating})
    told(pair, THERE)
    path = jpegs(pair.stored())[0]
    digest = pair.stored()[path]
    for root in (pair.root, folder(pair)):
        (root / path).unlink()
    assert outcomes(told(pair, THERE)) == {"gone": 1, "missing": 1}
    assert [c["state"] for c in pair.documents()[digest]["copies"]] == ["missing"]
    assert outcomes(told(pair, THERE)) == {}


@pytest.mark.parametrize(("kind", "status"), [(StoreFull, 1), (StoreUnavailable, 5)])
def test_a_store_that_is_full_or_gone_stops_the_run_and_what_was_sent_is_recorded(
    pair: Lab, monkeypatch: pytest.MonkeyPatch, kind: type[StoreError], status: int
) -> None:
    calls = stand_in(monkeypatch, {"dropbox": Stating})
    monkeypatch.setattr(Stating, "together", 1)

    def fails(path: str) -> None:
        if calls["dropbox put"] > 2:
            raise kind("Store dropbox went out.", store="dropbox", path=path)

    monkeypatch.setattr(Counting, "before_put", staticmethod(fails))
    done = told(pair, THERE, "--transfers", 1, status=status)
    assert (
        done.summary["copied"] == 2
        and done.summary["failed"] == 1
        and "went out" in done.summary["error"]
    )
    assert calls["dropbox put"] == 3, "nothing more was begun"
    monkeypatch.setattr(Counting, "before_put", staticmethod(lambda _path: None))
    assert outcomes(told(pair, THERE)) == {"copied": 3}


def test_one_file_that_fails_does_not_end_the_run(
    pair: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, {"dropbox": Stating})
    path = pair.root / jpegs(pair.stored())[1]
    before = path.stat()
    path.write_bytes(
        path.read_bytes()[:-1] + b"?"
    )  # as a dying disk would, without anybody having written
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    done = told(pair, THERE, status=3)
    assert outcomes(done) == {"copied": 4, "failed": 1} and "damaged" in done.out
    assert len(dropped(pair)) == 4


def test_several_files_travel_at_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    many(lab.source, 24)
    assert lab.upload().status == 0
    with_dropbox(lab)
    stand_in(monkeypatch, {"dropbox": Stating})
    under_way, most = Counter[str](), Counter[str]()
    lock = threading.Lock()

    def slowly(_path: str) -> None:
        with lock:
            under_way["now"] += 1
            most["at once"] = max(most["at once"], under_way["now"])
        time.sleep(0.05)
        with lock:
            under_way["now"] -= 1

    monkeypatch.setattr(Counting, "before_put", staticmethod(slowly))
    for together, transfers, expected in ((1, 3, 3), (6, 2, 6)):
        monkeypatch.setattr(Stating, "together", together)
        most.clear()
        limit = 12 if together == 1 else 0
        assert outcomes(told(lab, THERE, "--transfers", transfers, "--limit", limit)) == {
            "copied": 12
        }
        assert most["at once"] == expected


def test_a_file_in_the_way_since_the_listing_is_seen_and_kept(
    pair: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, {"dropbox": Stating})
    one, two = jpegs(pair.stored())[:2]
    monkeypatch.setattr(Stating, "list", lambda *_a, **_o: iter(()))
    put(folder(pair), {one: b"put there meanwhile", two: (pair.root / two).read_bytes()})
    assert outcomes(told(pair, THERE)) == {"copied": 4, "found": 1}
    assert (folder(pair) / one).read_bytes() == b"put there meanwhile"
    assert dropped(pair)[one.replace(".jpg", "_1.jpg")] == pair.stored()[one]


def test_only_some_assets_are_brought(
    pair: Lab, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    from catalog.cli import summary_formats
    from catalog.cli.console import Console
    from catalog.features.mirror.run import mirror_assets
    from catalog.work.session import session
    from catalog.work.store_book import StoreBook

    for name, value in pair.environment().items():
        monkeypatch.setenv(name, value)
    console = Console(json=True)
    workspace = console.workspace()
    some = sorted(pair.documents())[:2]
    book = StoreBook(workspace, workspace.repository)
    with (
        book.open("nas") as source,
        book.open("dropbox") as target,
        session(workspace, console.sink(summary_formats.MIRROR), "test") as run,
    ):
        mirror_assets(run, source, target, [*some, "0" * 64])
    last = orjson.loads(capfd.readouterr().out.splitlines()[-1])
    assert last["copied"] in (2, 3)
    assert {h for h, d in pair.documents().items() if d["copy_count"] == 2} == set(some)
    assert content_hash(b"") not in dropped(pair).values()
