"""The scaler as a person starts it: on folders, on a Nextcloud and on a plain server."""

from __future__ import annotations

import io
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import chance
import pytest
import requests
from chance import dice
from emulators.dropbox import Emulator as Dropbox
from emulators.nextcloud import Emulator
from emulators.nextcloud.dialects import DIALECTS
from PIL import Image
from running import MTIME, Lab, ended, jpeg, png, put, wait_for

from catalog.domain.filetypes import BY_NAME
from catalog.domain.fixity import content_hash
from catalog.errors import StoreUnavailable, UnreadableMedia
from catalog.features.scaling import run
from catalog.features.scaling.pool import ScalingPool
from catalog.media.findings import Findings
from catalog.media.source import MemorySource
from catalog.media.stills import read_still
from catalog.stores.local.store import LocalStore
from catalog.stores.marker import write_marker
from catalog.work import service_loop
from catalog.work.service_loop import ServiceLoop

STAMP = "20210304050607"
"""The time of files that `put` makes, as names have it (UTC)."""


@dataclass
class Folders:
    """Where pictures come in, and where they go."""

    raw: Path
    unsorted: Path

    @property
    def waiting(self) -> dict[str, bytes]:
        return contents(self.raw)

    @property
    def made(self) -> dict[str, bytes]:
        return contents(self.unsorted)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".catalog" not in path.parts
    }


def made_of(data: bytes) -> str:
    """The content hash of what a JPEG or PNG says that it was made of."""
    findings = Findings()
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    read_still(MemorySource(data), BY_NAME[kind], findings)
    found: str = findings.get("rendition_of")
    return found


def size(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.size


@pytest.fixture
def folders(lab: Lab) -> Folders:
    found = Folders(lab.folder / "raw", lab.folder / "unsorted")
    found.raw.mkdir()
    found.unsorted.mkdir()
    lab.variables |= {
        "CATALOG_RAW_REMOTE_DIR": str(found.raw),
        "CATALOG_UNSORTED_REMOTE_DIR": str(found.unsorted),
        "CATALOG_ELASTICSEARCH_URL": "http://127.0.0.1:9",  # nobody is there, and nobody is asked
        "CATALOG_WORKERS": "1",
    }
    return found


def test_pictures_are_doubled_and_the_raw_ones_go(lab: Lab, folders: Folders) -> None:
    photo, drawing = jpeg("a"), png("b")
    put(folders.raw, {"Unknown_1.JPG": photo, "Unknown_2.png": drawing, "other.jpg": photo})
    put(folders.raw, {"deeper/Unknown_3.jpg": photo, "Unknown_4.pdf": b"%PDF"})
    done = lab.run("scaler", "--once", "--json")
    assert done.status == 0, done.err
    assert (done.summary["scaled"], done.summary["unsupported"]) == (2, 1)
    assert set(folders.waiting) == {"other.jpg", "deeper/Unknown_3.jpg", "Unknown_4.pdf"}
    made = folders.made
    assert set(made) == {f"Unknown_1_{STAMP}_x2.jpg", f"Unknown_2_{STAMP}_x2.png"}
    for name, raw in zip(sorted(made), (photo, drawing), strict=True):
        assert made_of(made[name]) == content_hash(raw)
        assert size(made[name]) == tuple(2 * side for side in size(raw))
    assert {int(path.stat().st_mtime) for path in folders.unsorted.glob("[!.]*")} == {int(MTIME)}
    assert lab.run("scaler", "--once", "--json").summary["files"] == 1


def test_the_form_of_names_with_numbers_keeps_pictures_of_one_second_apart(
    lab: Lab, folders: Folders
) -> None:
    lab.variables["CATALOG_SCALED_NAME"] = "jh_rescaler_{time}_{number}"
    lab.variables["CATALOG_RAW_NAMES_PREFIXES"] = '["Unknown", "IMG"]'
    photos = {f"{start}_{n}.png": png((start, n)) for start in ("Unknown", "IMG") for n in range(5)}
    put(folders.raw, photos)
    assert lab.run("scaler", "--once", "--threads", "3").status == 0
    made = folders.made
    assert {made_of(data) for data in made.values()} == {
        content_hash(data) for data in photos.values()
    }
    start = f"jh_rescaler_{STAMP}_"
    assert all(1 <= int(n.removeprefix(start).removesuffix(".png")) <= 1000 for n in made)


def test_another_picture_of_the_name_gets_a_number(lab: Lab, folders: Folders) -> None:
    name = f"Unknown_1_{STAMP}_x2"
    put(folders.unsorted, {f"{name}.jpg": jpeg("somebody's")})
    put(folders.raw, {"Unknown_1.jpg": jpeg("a")})
    assert lab.run("scaler", "--once").status == 0
    assert folders.made[f"{name}.jpg"] == jpeg("somebody's")
    assert made_of(folders.made[f"{name}_1.jpg"]) == content_hash(jpeg("a"))


def test_what_was_put_away_before_the_raw_one_could_go_is_not_made_twice(
    lab: Lab, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folders.raw, {"Unknown_1.jpg": jpeg("a")})

    def die(*_words: object) -> None:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "discard", die)
        assert lab.run("scaler", "--once").status == 5
    before = folders.made
    assert before and folders.waiting
    done = lab.run("scaler", "--once", "--method", "cubic", "--json")
    assert done.summary["already"] == 1
    assert folders.made == before and not folders.waiting


def test_a_raw_picture_that_was_changed_meanwhile_stays(
    lab: Lab, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folders.raw, {"Unknown_1.jpg": jpeg("a")})
    real = LocalStore.put

    def meddled(self: LocalStore, path: str, *words: object) -> object:
        put(folders.raw, {"Unknown_1.jpg": jpeg("another")}, mtime=MTIME + 1)
        return real(self, path, *words)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "put", meddled)
        assert lab.run("scaler", "--once").status == 3
    assert folders.waiting == {"Unknown_1.jpg": jpeg("another")}
    assert lab.run("scaler", "--once").status == 0
    assert {made_of(data) for data in folders.made.values()} == {
        content_hash(jpeg("a")),
        content_hash(jpeg("another")),
    }


def test_what_is_broken_goes_beside_with_the_reason(lab: Lab, folders: Folders) -> None:
    broken = jpeg("a")[:-200]
    put(folders.raw, {"Unknown_1.jpg": broken, "Unknown_2.jpg": jpeg("b")})
    done = lab.run("scaler", "--once")
    assert done.status == 3 and "_broken" in done.err
    waiting = folders.waiting
    assert waiting.pop("_broken/Unknown_1.jpg.txt").startswith(b"Unknown_1.jpg: ")
    assert waiting == {"_broken/Unknown_1.jpg": broken}
    put(folders.raw, {"Unknown_1.jpg": broken[:-1]})
    assert lab.run("scaler", "--once").status == 3
    assert "_broken/Unknown_1_1.jpg" in folders.waiting


def test_a_good_picture_stays_where_it_is_though_scaling_it_fails(
    lab: Lab, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folders.raw, {"Unknown_1.jpg": jpeg("a")})
    monkeypatch.setattr(ScalingPool, "_ask", lambda *_words: UnreadableMedia("it died"))
    done = lab.run("scaler", "--once", "--json")
    assert (done.status, done.summary["failed"]) == (3, 1)
    assert folders.waiting == {"Unknown_1.jpg": jpeg("a")} and not folders.made


def test_what_may_still_be_being_written_is_left(
    lab: Lab, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = run.time.time() - 120
    put(folders.raw, {"Unknown_1.jpg": jpeg("a")[:-200]}, mtime=clock)
    done = lab.run("scaler", "--once", "--json")
    assert (done.status, done.summary["held"]) == (3, 1)
    put(folders.raw, {"Unknown_1.jpg": jpeg("a")}, mtime=clock + 3600)
    monkeypatch.setattr(run, "SECOND_LOOK", 0.0)
    assert lab.run("scaler", "--once", "--json").summary["scaled"] == 1, "as two looks saw it"


def test_a_dry_run_writes_nothing(lab: Lab, folders: Folders) -> None:
    put(folders.raw, {"Unknown_1.jpg": jpeg("a"), "Unknown_2.jpg": b"\xff\xd8\xff"})
    before = folders.waiting
    done = lab.run("scaler", "--dryrun", "--json")
    assert done.summary["planned"] == 1 and folders.waiting == before and not folders.made
    assert not list((lab.home / "state" / "journal").glob("*"))


def test_folders_that_are_missing_one_or_a_store_are_refused(lab: Lab, folders: Folders) -> None:
    put(folders.raw, {"Unknown_1.jpg": jpeg("a")})
    same = lab.run("scaler", "--once", CATALOG_UNSORTED_REMOTE_DIR=str(folders.raw))
    gone = lab.run("scaler", "--once", CATALOG_RAW_REMOTE_DIR=str(lab.folder / "nowhere"))
    none = lab.run("scaler", "--once", CATALOG_RAW_REMOTE_DIR="")
    write_marker(lab.folder, "nas")
    inside = lab.run("scaler", "--once")
    assert (same.status, gone.status, none.status, inside.status) == (2, 5, 2, 4)
    assert set(folders.waiting) == {"Unknown_1.jpg"}


def test_a_method_that_is_not_installed_says_what_to_install(
    lab: Lab, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run.sys, "executable", "/bin/false")
    done = lab.run("scaler", "--once", "--method", "waifu2x")
    assert done.status == 2
    assert all(word in done.err for word in ("[upscale]", "libvulkan1", "libomp5"))


# --- the service ----------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_the_service_takes_up_what_comes_and_ends_after_the_pictures_in_hand(
    lab: Lab, folders: Folders, number: int, status: int
) -> None:
    port = free_port()
    service = lab.start("scaler", "--frequency", "0.2", "--json", "--metrics", f"127.0.0.1:{port}")
    put(folders.raw, {"Unknown_1.jpg": jpeg("a")})
    wait_for(lambda: bool(folders.made) and not folders.waiting, service)
    address = f"http://127.0.0.1:{port}/metrics"
    counted = 'scaler_pictures_total{outcome="scaled"} 1.0'
    wait_for(lambda: counted in urllib.request.urlopen(address).read().decode(), service)
    put(folders.raw, {f"Unknown_{n}.jpg": jpeg(n) for n in range(2, 80)})
    wait_for(lambda: len(folders.made) > 3, service)
    service.send_signal(number)
    done = ended(service)
    assert done.status == status, done.err
    assert done.summary["error"] == "interrupted"
    told = {line["target"] for line in done.lines if line.get("outcome") == "scaled"}
    assert told == set(folders.made), "what was in hand was finished, and told"
    assert len(folders.made) + len(folders.waiting) == 79


def test_two_at_once_make_each_picture_once(lab: Lab, folders: Folders) -> None:
    photos = {f"Unknown_{n}.jpg": jpeg(n) for n in range(40)}
    put(folders.raw, photos)
    both = [lab.start("scaler", "--once", "--json") for _ in range(2)]
    done = [ended(process) for process in both]
    assert [one.status for one in done] == [0, 0], done
    assert not folders.waiting and len(folders.made) == len(photos)
    assert sum(one.summary["scaled"] for one in done) == len(photos)


def test_a_folder_that_went_away_is_waited_for(
    lab: Lab, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = folders.raw.rename(lab.folder / "away")
    monkeypatch.setattr(service_loop, "FIRST_PAUSE", 0.0)
    waited: list[float] = []

    def wait(_loop: object, seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            away.rename(folders.raw)
            put(folders.raw, {"Unknown_1.jpg": jpeg("a")})
        if folders.made:
            raise KeyboardInterrupt

    monkeypatch.setattr(ServiceLoop, "wait", wait)
    done = lab.run("scaler")
    assert done.status == 130 and len(waited) >= 3
    assert done.err.count("Error:") == 1 and "there again" in done.err
    assert folders.made and not folders.waiting


# --- on servers -----------------------------------------------------------------------------------


@pytest.fixture(params=["nextcloud", "plain"])
def cloud(request: pytest.FixtureRequest, lab: Lab, tmp_path: Path) -> Iterator[Emulator]:
    with Emulator(tmp_path / "cloud", DIALECTS[request.param]) as emulator:
        lab.variables |= {
            "CATALOG_WEBDAV_URL": emulator.files_address,
            "CATALOG_WEBDAV_USERNAME": emulator.user,
            "CATALOG_WEBDAV_PASSWORD": emulator.password,
            "CATALOG_RAW_REMOTE_DIR": "data/AI/_raw",
            "CATALOG_UNSORTED_REMOTE_DIR": "data/AI/_unsorted",
            "CATALOG_WORKERS": "1",
        }
        yield emulator


def listed(cloud: Emulator) -> set[str]:
    return {path.removeprefix("/data/AI/") for path in cloud.files() if "/.catalog/" not in path}


def test_on_a_server_it_is_the_same(
    lab: Lab, cloud: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "SECOND_LOOK", 0.0)
    for name, data in {"Unknown_1.jpg": jpeg("a"), "Unknown_2.jpg": b"\xff\xd8\xff"}.items():
        cloud.plant(f"/data/AI/_raw/{name}", data)
    done = lab.run("scaler", "--once", "--json")
    assert done.summary["scaled"] == 1, done.err
    (target,) = [line["target"] for line in done.lines if line.get("outcome") == "scaled"]
    assert f"_unsorted/{target}" in listed(cloud)
    assert "_raw/Unknown_1.jpg" not in listed(cloud)
    address = f"{cloud.files_address}/data/AI/_unsorted/{target}"
    made = requests.get(address, auth=(cloud.user, cloud.password), timeout=30).content
    assert made_of(made) == content_hash(jpeg("a"))


def test_from_dropbox_onto_this_machine_it_is_the_same(
    lab: Lab, folders: Folders, dropbox: Dropbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "SECOND_LOOK", 0.0)
    lab.variables["CATALOG_RAW_REMOTE_DIR"] = "dropbox:/raw"
    dropbox.plant("/raw/Unknown_1.jpg", jpeg("a"))
    dropbox.plant("/raw/other.jpg", jpeg("b"))
    assert lab.run("scaler", "--once").status == 0
    assert [made_of(data) for data in folders.made.values()] == [content_hash(jpeg("a"))]
    assert {path for path in dropbox.files() if path.startswith("/raw")} == {"/raw/other.jpg"}


def test_a_time_that_no_date_can_have_does_not_end_a_run(lab: Lab, folders: Folders) -> None:
    put(folders.raw, {"Unknown_1.jpg": jpeg("a"), "Unknown_2.jpg": jpeg("b")}, mtime=-1e9)
    assert lab.run("scaler", "--once", "--json").summary["scaled"] == 2


ROUNDS = 2 if chance.seed is None else 50


@pytest.mark.chance
@pytest.mark.time_limit(120 if chance.seed is None else 1500)
def test_killed_at_any_request_nothing_is_lost_or_there_twice(lab: Lab, cloud: Emulator) -> None:
    rolled, most = dice(f"scaler on {cloud.dialect}"), 0
    for number in range(ROUNDS):
        photos = {f"Unknown_{number}_{n}.jpg": jpeg((number, n)) for n in range(3)}
        for name, data in photos.items():
            cloud.plant(f"/data/AI/_raw/{name}", data, modified=int(MTIME))
        before = listed(cloud)
        cloud.clear_calls()
        started, at = lab.start("scaler", "--once"), rolled.randrange(1, most or 30)
        while started.poll() is None and len(cloud.calls) < at:
            time.sleep(0.001)
        started.kill()
        started.communicate()
        done = lab.run("scaler", "--once", "--json")
        assert done.status == 0, done.err
        most = max(most, len(cloud.calls))
        made = listed(cloud) - before
        assert sorted(made) == [
            f"_unsorted/{name.removesuffix('.jpg')}_{STAMP}_x2.jpg" for name in sorted(photos)
        ], f"killed at request {at} of {most}"
        assert not {name for name in listed(cloud) if name.startswith("_raw/Unknown")}


# --- in the catalog -------------------------------------------------------------------------------


def test_the_index_says_what_a_picture_was_made_of(lab: Lab, folders: Folders) -> None:
    del lab.variables["CATALOG_ELASTICSEARCH_URL"]
    put(lab.source, {"Unknown_1.jpg": jpeg("a")})
    put(folders.raw, {"Unknown_1.jpg": jpeg("a")})
    assert lab.upload().status == 0
    assert lab.run("scaler", "--once").status == 0
    upload = ("upload_to_nas_from_disk", folders.unsorted, "--nas_root", lab.root)
    assert lab.run(*upload).status == 0
    documents = lab.documents()
    (made,) = [d for d in documents.values() if d.get("rendition_of")]
    assert made["rendition_of"] in documents and made["hash"] != made["rendition_of"]
    query = f"rendition_of:{content_hash(jpeg('a'))}"
    found = lab.catalog("search", query, "--format", "jsonl")
    assert [line["hash"] for line in found.lines] == [made["hash"]], (found, made)
