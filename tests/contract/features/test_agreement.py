"""What was found in step is not looked at again until something changes, whatever that is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from emulators.nextcloud import DIALECTS, Emulator
from running import Done, Lab, jpeg, many, put

from catalog.index.repository import Repository
from catalog.work import agreement

SYNC = ("catalog", "sync", "cloud")
MIRROR = ("catalog", "mirror", "nas", "cloud")


@pytest.fixture
def cloud(lab: Lab, tmp_path: Path) -> Iterator[Emulator]:
    """A cloud that was mirrored to, and found to be in step by a sync and a mirror."""
    with Emulator(tmp_path / "cloud", DIALECTS["nextcloud"]) as emulator:
        lab.variables |= {
            "CATALOG_NAS_ROOT": str(lab.root),
            "CATALOG_WEBDAV_URL": emulator.files_address,
            "CATALOG_WEBDAV_USERNAME": emulator.user,
            "CATALOG_WEBDAV_PASSWORD": emulator.password,
        }
        many(lab.source, 6)
        assert lab.run("upload_to_nas_from_disk", lab.source, "-r").status == 0
        assert lab.run("catalog", "store", "add", "cloud", "webdav:Photos").status == 0
        for _time in range(2):
            assert lab.run(*MIRROR).status == 0
        assert lab.run(*SYNC).status == 0
        yield emulator


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch, cloud: Emulator) -> list[str]:
    """The reads of all documents from now on."""
    seen: list[str] = []
    scan: Callable[..., Any] = Repository.scan_pages

    def counted(*given: Any, **named: Any) -> Any:
        seen.append("scan")
        return scan(*given, **named)

    monkeypatch.setattr(Repository, "scan_pages", counted)
    return seen


def photo(lab: Lab) -> Path:
    return min(path for path in lab.root.rglob("*.jpg") if ".catalog" not in path.parts)


def told(run: Done) -> dict[str, Any]:
    assert run.status == 0
    return run.summary


def test_what_is_in_step_costs_three_requests_and_no_look_at_a_document(
    lab: Lab, cloud: Emulator, scans: list[str]
) -> None:
    for command, counts in ((SYNC, {"unchanged": 6, "new": 0}), (MIRROR, {"copied": 0})):
        cloud.clear_calls()
        assert counts.items() <= told(lab.run(*command, "--json")).items()
        assert len(cloud.calls) == 3
    assert told(lab.run(*SYNC, "--dryrun", "--json"))["unchanged"] == 6
    assert scans == []


def test_a_change_on_the_server_is_seen(lab: Lab, cloud: Emulator, scans: list[str]) -> None:
    name = next(path for path in cloud.files() if path.endswith(".jpg"))
    cloud.move(name, "/Photos/renamed.jpg")
    assert told(lab.run(*SYNC, "--json"))["moved"] == 1
    assert scans
    cloud.delete("/Photos/renamed.jpg")
    assert told(lab.run(*MIRROR, "--json"))["gone"] == 1


def test_a_file_that_changed_on_the_disk_is_seen(
    lab: Lab, cloud: Emulator, scans: list[str]
) -> None:
    assert cloud.files()
    path = photo(lab)
    status = path.stat()
    path.chmod(0o600)  # its ctime alone
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    told(lab.run(*MIRROR, "--json"))
    assert scans


def test_a_new_asset_and_a_changed_one_are_seen(
    lab: Lab, cloud: Emulator, scans: list[str]
) -> None:
    put(lab.source, {"more.jpg": jpeg("more", "2020:01:02 03:04:05")})
    assert lab.run("upload_to_nas_from_disk", lab.source, "-r").status == 0
    assert told(lab.run(*MIRROR, "--json"))["copied"] == 1
    assert len([path for path in cloud.files() if path.endswith(".jpg")]) == 7
    for _time in range(2):
        told(lab.run(*SYNC, "--json"))
    scans.clear()
    assert lab.run("catalog", "set", photo(lab), "rating=3").status == 0
    scans.clear()
    told(lab.run(*SYNC, "--json"))
    assert scans


def test_another_wish_is_a_question_of_its_own(lab: Lab, cloud: Emulator, scans: list[str]) -> None:
    assert cloud.files()
    told(lab.run(*SYNC, "--rehash", "--json"))
    assert scans
    scans.clear()
    told(lab.run(*SYNC, "--forget-missing", "--json"))
    assert scans


def test_what_was_found_long_ago_or_cannot_be_read_is_not_believed(
    lab: Lab, cloud: Emulator, scans: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cloud.files()
    with monkeypatch.context() as later:
        later.setattr(agreement, "BELIEVED", 0)
        assert told(lab.run(*SYNC, "--json"))["unchanged"] == 6
    assert scans
    scans.clear()
    kept = list(lab.home.rglob("agreements/*.json"))
    assert len(kept) == 2
    for file in kept:
        file.write_text("{")
    assert told(lab.run(*SYNC, "--json"))["unchanged"] == 6
    assert scans
