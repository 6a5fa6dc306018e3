"""A store on a Nextcloud, and on a plain server: all that a store can, it can."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from emulators.nextcloud import DIALECTS, Dialect, Emulator
from running import Lab, content_hash, jpeg, many, put

from catalog.features.health import doctor
from catalog.stores.webdav.root import WebdavRoot


@contextmanager
def cloud_of(lab: Lab, folder: Path, dialect: Dialect) -> Iterator[Emulator]:
    """An empty account that the lab's commands are logged in to."""
    with Emulator(folder / "cloud", dialect) as emulator:
        lab.variables |= {
            "CATALOG_NAS_ROOT": str(lab.root),
            "CATALOG_WEBDAV_URL": emulator.files_address,
            "CATALOG_WEBDAV_USERNAME": emulator.user,
            "CATALOG_WEBDAV_PASSWORD": emulator.password,
        }
        yield emulator


@pytest.fixture(params=["nextcloud", "plain"])
def cloud(request: pytest.FixtureRequest, lab: Lab, tmp_path: Path) -> Iterator[Emulator]:
    with cloud_of(lab, tmp_path, DIALECTS[request.param]) as emulator:
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


def test_each_of_two_servers_has_its_own_login(lab: Lab, cloud: Emulator, tmp_path: Path) -> None:
    files = stocked(lab)
    password = tmp_path / "password"
    password.write_text("another one\n")
    password.chmod(0o600)
    with Emulator(tmp_path / "other", user="bob", password="another one") as other:
        where = f"{other.files_address}/Photos"
        assert lab.catalog("store", "add", "cloud", "webdav:Photos").status == 0
        refused = lab.catalog("store", "add", "other", f"webdav:{where}")
        assert refused.status == 2 and "webdav_logins" in refused.err
        lab.variables |= {
            "CATALOG_WEBDAV_LOGINS__BOB__URL": other.files_address,
            "CATALOG_WEBDAV_LOGINS__BOB__USERNAME": "bob",
            "CATALOG_WEBDAV_LOGINS__BOB__PASSWORD_FILE": str(password),
        }
        assert lab.catalog("store", "add", "other", f"webdav:{where}").status == 0
        assert lab.catalog("mirror", "nas", "cloud").status == 0
        assert lab.catalog("mirror", "cloud", "other").status == 0
        assert contents(cloud) == files == contents(other)
        checks = lab.catalog("doctor", "--json").lines
        told = [c["text"] for c in checks if c["check"] in ("webdav", "secrets")]
        for login in (f"logged in as {cloud.user} to", "logged in as bob to"):
            assert any(login in text for text in told), told
        kept = f"webdav_logins.bob.password is kept in file:{password}"
        assert any(kept in text for text in told), told
        for call in cloud.calls:
            assert "Ym9i" not in call.argument.headers["authorization"], "bob is unknown here"
        shown = lab.catalog("config", "show")
        assert "another one" not in shown.out and f"file:{password}" in shown.out


def test_two_users_of_one_server_have_a_folder_each(lab: Lab, tmp_path: Path) -> None:
    with cloud_of(lab, tmp_path, DIALECTS["nextcloud"]) as cloud:
        assert lab.catalog("store", "add", "cloud", "webdav:Photos").status == 0
        bobs = f"{cloud.address}/remote.php/dav/files/bob/Photos"
        apart = lab.catalog("store", "add", "other", f"webdav:{bobs}")
        assert apart.status != 4, apart.err  # another user's, whom this account may not see
        again = lab.catalog("store", "add", "again", f"webdav:{cloud.legacy_address}/Photos")
        assert again.status == 4


def test_a_server_asked_without_encryption_is_told_of_at_once(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WebdavRoot, "caution", "It is asked without encryption")
    monkeypatch.setattr(doctor, "caution_of", lambda _address: "It is asked without encryption")
    with cloud_of(lab, tmp_path, DIALECTS["plain"]):
        added = lab.catalog("store", "add", "cloud", "webdav:Photos")
        assert added.status == 0 and added.err.count("without encryption") == 1
        assert "without encryption" not in lab.catalog("sync", "cloud").err
        checks = lab.catalog("doctor", "--json").lines
        (told,) = [c for c in checks if "without encryption" in c["text"]]
        assert told["state"] == "warning"


ODD = ("a%3Fb;c#d é.jpg", unicodedata.normalize("NFD", "é n.jpg"), "sub/dots...jpg", "sub/end.jpg.")
"""Names that clients and servers take apart, cut, or turn into others."""


def catalogued(lab: Lab, store: str) -> dict[str, str]:
    """What the index says lies in a store: content hash by path."""
    rows = (
        (row["path"], digest)
        for digest, document in lab.documents().items()
        for row in document["copies"]
        if row["store"] == store and row["state"] == "ok"
    )
    return dict(rows)


def in_cloud(cloud: Emulator, folder: str) -> dict[str, str]:
    """What lies in a folder of the server: content hash by path."""
    return {
        path.removeprefix(f"/{folder}/"): content_hash(cloud.content(path))
        for path in cloud.files()
        if path.startswith(f"/{folder}/") and "/.catalog/" not in path
    }


def on_phone(cloud: Emulator) -> dict[str, str]:
    for name in ODD:
        cloud.plant(f"/My Phone/{name}", jpeg(name))
    cloud.plant("/My Phone/notes.txt", b"hello")
    return in_cloud(cloud, "My Phone")


def added(lab: Lab) -> str:
    done = lab.run("catalog", "store", "add", "cloud", "webdav:Photos")
    assert done.status == 0 and "catalog sync cloud" in done.out, done
    return "cloud"


def test_a_folder_of_the_server_becomes_part_of_the_catalog_there(
    lab: Lab, cloud: Emulator
) -> None:
    before = on_phone(cloud)
    upload = ("catalog", "upload", "webdav:My Phone", "-r", "--store", added(lab), "--json")
    cloud.clear_calls()
    done = lab.run(*upload)
    assert (done.status, done.summary["new"], done.summary["unsupported"]) == (0, 4, 1), done
    photos = {digest for name, digest in before.items() if name != "notes.txt"}
    assert in_cloud(cloud, "Photos") == catalogued(lab, "cloud")
    assert set(catalogued(lab, "cloud").values()) == photos
    assert in_cloud(cloud, "My Phone") == before
    if cloud.dialect.extended:  # each is read once, copied there, and its copy not read
        read = [c.argument.path for c in cloud.calls if c.route == "files/GET"]
        assert cloud.calls.count("files/COPY") == 4
        assert not [path for path in read if path.startswith("/Photos/2")]
    again = lab.run(*upload)
    assert (again.status, again.summary["new"], again.summary["duplicate"]) == (0, 0, 4)


def test_a_move_within_the_server_can_be_undone(lab: Lab, cloud: Emulator) -> None:
    before = on_phone(cloud)
    moved = lab.run(
        "catalog",
        "upload",
        "webdav:My Phone",
        "-r",
        "-m",
        "--store",
        added(lab),
        "--also",
        "nas",
        "--json",
    )
    assert (moved.status, moved.summary["new"], moved.summary["copied"]) == (0, 4, 4), moved
    assert in_cloud(cloud, "My Phone").keys() == {"notes.txt"}
    assert lab.stored() == in_cloud(cloud, "Photos")
    undone = lab.run("catalog", "undo", moved.summary["run"])
    assert undone.status == 0, undone
    assert in_cloud(cloud, "My Phone") == before and in_cloud(cloud, "Photos") == {}


def test_what_is_in_the_catalog_goes_from_a_folder_of_the_server(lab: Lab, cloud: Emulator) -> None:
    put(lab.source, {name: jpeg(name) for name in ODD[:2]})
    assert lab.upload().status == 0
    before = on_phone(cloud)
    prune = ("delete_from_directory_if_in_catalog", "webdav:My Phone", "-r", "--json")
    assert lab.run(*prune, "--dryrun").status == 0 and in_cloud(cloud, "My Phone") == before
    done = lab.run(*prune)
    assert (done.status, done.summary["removed"]) == (0, 2), done
    assert set(in_cloud(cloud, "My Phone")) == {*ODD[2:], "notes.txt"}
    assert lab.run("catalog", "undo", done.summary["run"]).status == 0
    assert in_cloud(cloud, "My Phone") == before


@pytest.mark.parametrize("folder", ["/", "Photos", "Photos/2019", "https:"])
def test_the_catalog_itself_is_no_source(lab: Lab, cloud: Emulator, folder: str) -> None:
    stocked(lab)
    cloud.make_folder("/Photos")
    cloud.make_folder("/Photos/2019")
    assert lab.run("catalog", "mirror", "nas", added(lab)).status == 0
    before, name = cloud.files(), f"webdav:{folder}"
    if folder == "https:":
        name = f"webdav:{cloud.files_address}/Photos"
    for command in (
        ("catalog", "upload", name, "-r", "-m", "--store", "cloud"),
        ("catalog", "upload", name, "-r"),
        ("delete_from_directory_if_in_catalog", name, "-r"),
    ):
        assert lab.run(*command).status == 4, command
    assert cloud.files() == before


def test_a_folder_of_this_machine_is_uploaded_to_the_server(lab: Lab, cloud: Emulator) -> None:
    put(lab.source, {name: jpeg(name) for name in ODD})
    done = lab.run("catalog", "upload", lab.source, "-r", "-m", "--store", added(lab), "--json")
    assert (done.status, done.summary["new"]) == (0, 4), done
    assert in_cloud(cloud, "Photos") == catalogued(lab, "cloud")
    assert not [path for path in lab.source.rglob("*") if path.is_file()]
    assert lab.run("catalog", "undo", done.summary["run"]).status == 0
    assert len([path for path in lab.source.rglob("*") if path.is_file()]) == 4
    assert in_cloud(cloud, "Photos") == {}


def test_odd_names_survive_both_ways(lab: Lab, cloud: Emulator) -> None:
    put(lab.root, {name: jpeg(name) for name in ODD})
    assert lab.run("catalog", "sync").status == 0
    assert lab.run("catalog", "mirror", "nas", added(lab)).status == 0
    for name in ODD:
        cloud.plant(f"/Photos/back/{name}", jpeg(f"back {name}"))
    assert lab.run("catalog", "sync", "cloud").status == 0
    assert lab.run("catalog", "mirror", "cloud", "nas").status == 0
    assert catalogued(lab, "nas") == lab.stored()
    assert sorted(lab.stored().values()) == sorted(in_cloud(cloud, "Photos").values())
    assert catalogued(lab, "cloud") == in_cloud(cloud, "Photos")
    for command in (("catalog", "mirror", "nas", "cloud"), ("catalog", "mirror", "cloud", "nas")):
        assert "0 copied" in lab.run(*command).out


def test_it_is_verified_by_what_the_server_computes(lab: Lab, cloud: Emulator) -> None:
    lab.variables["CATALOG_CHECKSUMS"] = '["sha1"]'
    files = stocked(lab)
    assert lab.run("catalog", "mirror", "nas", added(lab)).status == 0
    cloud.clear_calls()
    verified = lab.run("catalog", "verify", "cloud", "--json")
    photos = [path for path in files if not path.endswith(".xmp")]
    assert (verified.status, verified.summary["verified"]) == (0, len(files)), verified
    read = {call.argument.path for call in cloud.calls if call.route == "files/GET"}
    if cloud.dialect.extended:
        assert "its server computed" in verified.err
        assert not read & {f"/Photos/{path}" for path in photos}
    else:
        assert {f"/Photos/{path}" for path in photos} <= read


def test_rot_on_the_server_is_found_though_its_checksum_stands(lab: Lab, cloud: Emulator) -> None:
    lab.variables["CATALOG_CHECKSUMS"] = '["sha1"]'
    files = stocked(lab)
    assert lab.run("catalog", "mirror", "nas", added(lab)).status == 0
    photo = next(path for path in sorted(files) if path.endswith(".jpg"))
    cloud.damage(f"/Photos/{photo}")
    assert lab.run("catalog", "verify", "cloud").status == 3


def test_doctor_says_what_the_server_is(lab: Lab, cloud: Emulator) -> None:
    added(lab)
    told = lab.run("catalog", "doctor").out
    assert f"logged in as {cloud.user}" in told
    assert ("a Nextcloud: it computes" if cloud.dialect.extended else "is read back") in told
    if cloud.dialect.extended:
        cloud.space = 3_000_000_000
        assert "3.0 GB free at 127.0.0.1" in lab.run("catalog", "doctor").out
    cloud.password = "changed"
    assert "webdav_password" in lab.run("catalog", "doctor").out
