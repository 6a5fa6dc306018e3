"""A store on a Nextcloud, and on a plain server: all that a store can, it can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from emulators.nextcloud import Emulator
from emulators.nextcloud.dialects import DIALECTS
from running import Lab, jpeg, many, put


@pytest.fixture(params=["nextcloud", "plain"])
def cloud(request: pytest.FixtureRequest, lab: Lab, tmp_path: Path) -> Iterator[Emulator]:
    with Emulator(tmp_path / "cloud", DIALECTS[request.param]) as emulator:
        lab.variables |= {
            "CATALOG_NAS_ROOT": str(lab.root),
            "CATALOG_WEBDAV_URL": emulator.files_address,
            "CATALOG_WEBDAV_USERNAME": emulator.user,
            "CATALOG_WEBDAV_PASSWORD": emulator.password,
        }
        yield emulator


def contents(cloud: Emulator) -> dict[str, int]:
    return {
        path.removeprefix("/Photos/"): record.size
        for path, record in cloud.files().items()
        if "/.catalog/" not in path
    }


def stocked(lab: Lab) -> dict[str, int]:
    many(lab.source, 8)
    put(lab.source, {"x.jpg": jpeg("x", "2018:01:02 03:04:05"), "x.xmp": b"<x/>"})
    assert lab.run("upload_to_nas_from_disk", lab.source, "-r").status == 0
    return {
        path.relative_to(lab.root).as_posix(): path.stat().st_size
        for path in lab.root.rglob("*")
        if path.is_file() and ".catalog" not in path.parts
    }


def test_it_is_mirrored_watched_over_and_taken_back(lab: Lab, cloud: Emulator) -> None:
    files = stocked(lab)
    assert lab.run("catalog", "store", "add", "cloud", "webdav:Photos").status == 0
    assert lab.run("catalog", "mirror", "nas", "cloud").status == 0
    assert contents(cloud) == files
    lab.run("catalog", "mirror", "nas", "cloud")  # looks at what was sent
    cloud.clear_calls()
    again = lab.run("catalog", "mirror", "nas", "cloud")
    assert again.status == 0 and "0 copied" in again.out
    if cloud.dialect.clouded:
        assert len(cloud.calls) == 3

    photo = next(path for path in sorted(files) if path.endswith(".jpg"))
    cloud.make_folder("/Photos/2001")
    cloud.move(f"/Photos/{photo}", "/Photos/2001/renamed.jpg")
    synced = lab.run("sync_catalog_with_disk", "--store", "cloud")
    assert synced.status == 0 and "1 moved" in synced.out
    assert lab.run("catalog", "verify").status == 0
    assert lab.run("catalog", "check").status == 0

    other = next(path for path in sorted(files, reverse=True) if path.endswith(".jpg"))
    cloud.plant(f"/Photos/{other}", b"damaged")
    assert lab.run("catalog", "verify", "cloud").status == 3

    with_sidecar = next(path for path in files if path.startswith("2018") and "jpg" in path)
    with_sidecar = with_sidecar.removesuffix(".xmp")
    removed = lab.run("catalog", "forget", "--with-files", "--yes", with_sidecar)
    assert removed.status == 0
    assert len(contents(cloud)) == len(files) - 2
    run = next(line for line in removed.out.splitlines() if line.startswith("Run: "))
    assert lab.run("catalog", "undo", run.removeprefix("Run: ")).status == 0
    assert len(contents(cloud)) == len(files)


def test_its_login_is_told_by_what_is_wrong_with_it(lab: Lab, cloud: Emulator) -> None:
    cloud.password = "changed"
    refused = lab.run("catalog", "store", "add", "cloud", "webdav:Photos")
    assert refused.status == 5 and "webdav_password" in refused.err
    assert "emulator-password" not in refused.out + refused.err
    lab.variables |= {"CATALOG_WEBDAV_URL": "", "CATALOG_WEBDAV_HOST_URL": ""}
    nowhere = lab.run("catalog", "store", "add", "cloud", "webdav:Photos")
    assert nowhere.status == 2 and "webdav_url" in nowhere.err
