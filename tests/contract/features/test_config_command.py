"""`catalog config`, and that no command lets a secret out."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from emulators.dropbox import Emulator
from emulators.nextcloud import Emulator as Nextcloud
from running import Lab, ended, jpeg, put
from vaults import ROOT_TOKEN, Vault, bao  # noqa: F401

from catalog.cli.commands import config as command

SECRET = "hunter2-very-secret"


def settings(lab: Lab, **more: str) -> dict[str, dict[str, object]]:
    return {line["setting"]: line for line in lab.catalog("config", "show", "--json", **more).lines}


def user_file(lab: Lab) -> Path:
    return lab.home / "config" / "image-catalog" / "config.json"


# --- show -----------------------------------------------------------------------------------------


def test_every_setting_is_shown_with_where_it_comes_from(lab: Lab) -> None:
    file = lab.home / "config.json"
    file.write_text(
        json.dumps(
            {
                "webdav_password": SECRET,
                "dbox_full_token": "vault:secret/dropbox#token",
                "elasticsearch_distribution": f"https://me:{SECRET}@mirror.example/es.zip",
                "layout": {"name": "{date}"},
                "nas_root": "/nas",
            }
        )
    )
    (lab.home / "key").write_text(SECRET)
    more = {"CATALOG_LAYOUT__FOLDER": "{year}", "CATALOG_ELASTICSEARCH_API_KEY_FILE": "key"}
    shown = settings(lab, **more)
    assert {name: (row["value"], row["secret"], row["origin"]) for name, row in shown.items()} | {
        "webdav_password": ("**********", True, str(file)),
        "dbox_full_token": ("vault:secret/dropbox#token", True, str(file)),
        "elasticsearch_distribution": ("**********", False, str(file)),
        "elasticsearch_api_key": (
            f"file:{lab.home / 'key'}",
            True,
            "the environment (CATALOG_ELASTICSEARCH_API_KEY_FILE)",
        ),
        "elasticsearch_password": (
            "**********",
            True,
            "the environment (CATALOG_ELASTICSEARCH_PASSWORD)",
        ),
        "nas_root": ("/nas", False, str(file)),
        "port": (None, False, "default"),
        "home_zone": ("UTC", False, "the environment (CATALOG_HOME_ZONE)"),
    } == {name: (row["value"], row["secret"], row["origin"]) for name, row in shown.items()}
    assert shown["layout"]["origin"] == f"the environment (CATALOG_LAYOUT), {file}"
    text = lab.catalog("config", "show", **more)
    assert text.status == 0 and SECRET not in text.out + text.err
    assert [line.split()[0] for line in text.out.splitlines()] == list(shown)


# --- set ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("port", "9201", 9201),
        ("shrink-percent", "2.5", 2.5),
        ("nas_root", "/nas", "/nas"),
        ("checksums", '["md5"]', ["md5"]),
        ("raw_names_prefixes", "IMG, Unknown", "IMG, Unknown"),
        ("webdav_password", "env:MINE", "env:MINE"),
    ],
)
def test_a_setting_is_written_as_what_it_is(lab: Lab, name: str, text: str, value: object) -> None:
    done = lab.catalog("config", "set", name, text)
    assert (done.status, done.err) == (0, f"Kept in {user_file(lab)}.\n")
    assert json.loads(user_file(lab).read_bytes()) == {name.replace("-", "_"): value}
    assert lab.catalog("config", "set", name, "").status == 0
    assert json.loads(user_file(lab).read_bytes()) == {}


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("port", "many", "The setting port in what you gave does not fit: it must be a whole num"),
        ("prot", "1", "Unknown setting prot in what you gave. Did you mean port?"),
        ("layout", "{", "The setting layout in what you gave does not fit: it is no valid JSON"),
        ("webdav_password", f"file:{SECRET}", "must be file:/PATH"),
        ("webdav_password", None, "none came by stdin"),
    ],
)
def test_what_does_not_fit_is_refused(lab: Lab, name: str, text: str | None, why: str) -> None:
    done = lab.catalog("config", "set", name, *([text] if text is not None else []))
    assert done.status == 2 and why in done.err and SECRET not in done.err
    assert not user_file(lab).exists()


def test_a_further_login_is_kept_and_its_password_warned_about(lab: Lab) -> None:
    def login(password: str) -> str:
        bob = {"url": "https://cloud.example", "username": "bob", "password": password}
        return json.dumps({"bob": bob})

    done = lab.catalog("config", "set", "webdav_logins", login("env:OF_BOB"))
    assert done.status == 0 and "can be seen by others" not in done.err
    done = lab.catalog("config", "set", "webdav_logins", login(SECRET))
    assert done.status == 0 and SECRET not in done.err and "can be seen by others" in done.err
    assert user_file(lab).stat().st_mode & 0o777 == 0o600
    shown = lab.catalog("config", "show", "--json")
    assert SECRET not in shown.out and "bob" in shown.out


def test_a_secret_on_the_command_line_is_warned_about(lab: Lab) -> None:
    done = lab.catalog("config", "set", "webdav_password", SECRET)
    assert done.status == 0 and SECRET not in done.err
    assert "can be seen by others of this machine" in done.err
    assert user_file(lab).stat().st_mode & 0o777 == 0o600


def test_a_secret_is_asked_for_without_showing_it(lab: Lab) -> None:
    status, shown = lab.answer(
        f"{SECRET}\n", "catalog", "config", "set", "webdav_password", after="webdav_password: "
    )
    assert status == 0 and SECRET not in shown and "command line" not in shown
    assert json.loads(user_file(lab).read_bytes()) == {"webdav_password": SECRET}


def test_a_secret_comes_by_stdin(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    class Sent:
        @staticmethod
        def readline() -> str:
            return f"{SECRET}\n"

        @staticmethod
        def isatty() -> bool:
            return False

    monkeypatch.setattr(command, "sys", type("Sys", (), {"stdin": Sent}))
    assert lab.catalog("config", "set", "webdav_password").status == 0
    assert json.loads(user_file(lab).read_bytes()) == {"webdav_password": SECRET}


def test_what_the_environment_overrules_is_told(lab: Lab) -> None:
    done = lab.catalog("config", "set", "port", "1", CATALOG_PORT="2")
    assert "port is given by the environment (CATALOG_PORT) as well, which wins." in done.err


# --- from-vault -----------------------------------------------------------------------------------

WEBDAV = {
    "host_url": "https://webdav.example.com/remote.php/webdav/",
    "url": "https://webdav.example.com/remote.php/webdav/user_folder/",
    "username": "your_username",
    "password": SECRET,
}
SCALER = {
    "RAW_NAMES_PREFIXES": ["Unknown"],
    "RAW_REMOTE_DIR": "data/AI/_raw",
    "UNSORTED_REMOTE_DIR": "data/AI/_unsorted",
}
MOVER = {
    "IMAGES_ROOT_DIR": "data/AI/organized",
    "UNSORTED_REMOTE_DIR": "data/AI/_unsorted",
    "PARENT_TAG_VALUE": "ai",
}


@pytest.fixture
def vault(bao: Vault, lab: Lab) -> Vault:  # noqa: F811
    """The Vault that the lab's commands are logged in to."""
    for path in ("webdav", "scaler_constants", "mover_constants"):
        bao.root.secrets.kv.v2.delete_metadata_and_all_versions(path, mount_point="secret")
    lab.variables |= {"CATALOG_VAULT_ADDRESS": bao.url, "CATALOG_VAULT_TOKEN": ROOT_TOKEN}
    return bao


def test_the_layout_of_a_vault_becomes_settings(vault: Vault, lab: Lab) -> None:
    vault.put("webdav", **WEBDAV)
    vault.put("scaler_constants", **SCALER)
    vault.put("mover_constants", **MOVER)
    shown = lab.catalog("config", "from-vault", "secret", "--dryrun")
    assert (shown.status, shown.err) == (0, f"Would be kept in {user_file(lab)}.\n")
    assert "vault:secret/webdav#password" in shown.out and not user_file(lab).exists()
    done = lab.catalog("config", "from-vault", "secret")
    assert (done.status, done.err, done.out) == (0, f"Kept in {user_file(lab)}.\n", shown.out)
    assert SECRET not in done.out + user_file(lab).read_text()
    assert json.loads(user_file(lab).read_bytes()) == {
        "webdav_host_url": WEBDAV["host_url"],
        "webdav_url": WEBDAV["url"],
        "webdav_username": "your_username",
        "webdav_password": "vault:secret/webdav#password",
        "raw_names_prefixes": ["Unknown"],
        "raw_remote_dir": "data/AI/_raw",
        "unsorted_remote_dir": "data/AI/_unsorted",
        "images_root_dir": "data/AI/organized",
        "parent_tag_value": "ai",
    }
    shown = settings(lab)
    assert shown["webdav_password"]["value"] == "vault:secret/webdav#password"
    checks = lab.catalog("doctor", "--json").lines
    assert [c["text"] for c in checks if c["check"] == "secrets" and "webdav" in c["text"]] == [
        f"webdav_password is kept in vault:secret/webdav#password, as {user_file(lab)} says"
    ]


def test_what_is_odd_in_a_layout_is_told_and_the_rest_is_taken(vault: Vault, lab: Lab) -> None:
    vault.put("webdav", username="me", port="443")
    vault.put("scaler_constants", **SCALER | {"RAW_NAMES_PREFIXES": '["Unknown", "IMG_"]'})
    vault.put("mover_constants", **MOVER | {"UNSORTED_REMOTE_DIR": "_unsorted"})
    done = lab.catalog("config", "from-vault", "/secret/")
    assert done.status == 0
    assert "secret/webdav has a key port, which is no setting." in done.err
    assert "secret/mover_constants has another UNSORTED_REMOTE_DIR" in done.err
    shown = settings(lab)
    assert shown["raw_names_prefixes"]["value"] == ["Unknown", "IMG_"]
    assert shown["unsorted_remote_dir"]["value"] == "data/AI/_unsorted"
    assert shown["webdav_password"]["value"] is None


def test_a_layout_that_is_not_there_or_does_not_fit_changes_nothing(vault: Vault, lab: Lab) -> None:
    done = lab.catalog("config", "from-vault", "secret/elsewhere")
    assert done.status == 2 and "The Vault has no setting in webdav, scaler_constants" in done.err
    vault.put("webdav", **WEBDAV | {"url": f"https://me:{SECRET}@webdav.example.com/"})
    done = lab.catalog("config", "from-vault", "secret")
    assert done.status == 2 and SECRET not in done.err
    assert "The setting webdav_url in the Vault beneath secret does not fit" in done.err
    with vault.sealed():
        done = lab.catalog("config", "from-vault", "secret")
    assert done.status == 5 and "secret/webdav cannot be read: the Vault at" in done.err
    assert "is sealed. Unseal it" in done.err and ROOT_TOKEN not in done.err
    assert not user_file(lab).exists()


# --- secrecy --------------------------------------------------------------------------------------


def _as_text(_: Vault, lab: Lab, secret: str) -> dict[str, str]:
    return {"CATALOG_ELASTICSEARCH_PASSWORD": secret}


def _in_a_variable(_: Vault, lab: Lab, secret: str) -> dict[str, str]:
    return {"CATALOG_ELASTICSEARCH_PASSWORD": "env:MINE", "MINE": secret}


def _in_a_file(_: Vault, lab: Lab, secret: str) -> dict[str, str]:
    (lab.folder / "given").mkdir(exist_ok=True)
    (lab.folder / "given" / "elasticsearch_password").write_text(f"{secret}\n")
    (lab.folder / "given" / "elasticsearch_password").chmod(0o600)
    file = str(lab.folder / "given" / "elasticsearch_password")
    return {"CATALOG_ELASTICSEARCH_PASSWORD": "", "CATALOG_ELASTICSEARCH_PASSWORD_FILE": file}


def _as_a_credential(vault: Vault, lab: Lab, secret: str) -> dict[str, str]:
    _in_a_file(vault, lab, secret)
    return {
        "CATALOG_ELASTICSEARCH_PASSWORD": "",
        "CREDENTIALS_DIRECTORY": str(lab.folder / "given"),
    }


def _in_a_vault(vault: Vault, lab: Lab, secret: str) -> dict[str, str]:
    vault.put("elastic", password=secret)
    return {"CATALOG_ELASTICSEARCH_PASSWORD": "vault:secret/elastic#password"}


KEEPING = [_as_text, _in_a_variable, _in_a_file, _as_a_credential, _in_a_vault]


@pytest.mark.parametrize("keep", KEEPING)
@pytest.mark.parametrize("is_right", [True, False])
def test_no_command_lets_a_secret_out(
    vault: Vault,
    lab: Lab,
    dropbox: Emulator,
    keep: Callable[[Vault, Lab, str], dict[str, str]],
    is_right: bool,
) -> None:
    assert lab.node
    secret = lab.node.password if is_right else SECRET
    more = keep(vault, lab, secret)
    vault.put("dropbox", token=dropbox.token)
    lab.variables |= {"CATALOG_DBOX_FULL_TOKEN": "vault:secret/dropbox#token"}
    put(lab.source, {"a.jpg": jpeg("a")})
    did = [
        lab.upload("--verbose", **more),
        lab.run("sync_nas_to_dropbox", "--verbose", **more),
        lab.catalog("status", "--json", **more),
        lab.catalog("doctor", **more),
        lab.catalog("config", "show", **more),
        lab.catalog("history", "--json", **more),
    ]
    assert [done.status for done in did[:3]] == ([0, 0, 0] if is_right else [5, 5, 5])
    said = "".join(done.out + done.err for done in did)
    indexed = json.dumps([lab.documents(what) for what in ("", "events", "stores")])
    for hidden in (secret, dropbox.token, ROOT_TOKEN):
        assert hidden not in said and hidden not in indexed
        assert [*_files_with(lab, hidden)] == []


def test_the_password_of_a_webdav_server_may_be_kept_in_a_vault(
    vault: Vault, lab: Lab, nextcloud: Nextcloud
) -> None:
    """Right, and then wrong: with it in the Vault the store is filled, and nothing shows it."""
    vault.put("webdav", **WEBDAV | {"password": nextcloud.password, "username": nextcloud.user})
    lab.variables |= {
        "CATALOG_WEBDAV_URL": nextcloud.files_address,
        "CATALOG_WEBDAV_USERNAME": nextcloud.user,
        "CATALOG_WEBDAV_PASSWORD": "vault:secret/webdav#password",
        "CATALOG_NAS_ROOT": str(lab.root),
    }
    put(lab.source, {"a.jpg": jpeg("a")})
    did = [
        lab.upload(),
        lab.catalog("store", "add", "cloud", "webdav:Photos"),
        lab.catalog("mirror", "nas", "cloud", "--verbose"),
    ]
    assert [done.status for done in did] == [0, 0, 0], did
    vault.put("webdav", password=SECRET)
    refused = lab.catalog("mirror", "nas", "cloud", "--verbose")
    assert refused.status == 5
    said = "".join(done.out + done.err for done in (*did, refused))
    for hidden in (nextcloud.password, SECRET, ROOT_TOKEN):
        assert hidden not in said and [*_files_with(lab, hidden)] == []


def _files_with(lab: Lab, secret: str) -> Iterator[Path]:
    """What was written anywhere, but for what the test wrote itself, and the account."""
    own = (lab.folder / "given", lab.folder / "account")
    for path in lab.folder.rglob("*"):
        is_own = any(path.is_relative_to(folder) for folder in own)
        if path.is_file() and not is_own and secret.encode() in path.read_bytes():
            yield path


def test_no_list_of_processes_shows_a_secret(vault: Vault, lab: Lab) -> None:
    assert lab.node
    more = _in_a_vault(vault, lab, lab.node.password)
    put(lab.source, {f"{n}.jpg": jpeg(n) for n in range(20)})
    process = lab.uploading(**more)
    shown: set[str] = set()
    while process.poll() is None:
        for each in (psutil.Process(process.pid), *_children(process.pid)):
            try:
                shown.update(each.cmdline())
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.01)
    assert ended(process).status == 0
    assert any("catalog.media.worker" in part for part in shown), "the readers were seen"
    assert not any(lab.node.password in part or ROOT_TOKEN in part for part in shown)


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def test_a_vault_that_does_not_answer_ends_a_run_before_it_changes_anything(
    vault: Vault, lab: Lab
) -> None:
    put(lab.source, {"a.jpg": jpeg("a")})
    more = _in_a_vault(vault, lab, SECRET)
    with vault.sealed():
        done = lab.upload(**more)
    assert done.status == 5
    assert (
        "The secret elasticsearch_password cannot be read from vault:secret/elastic#password: "
        in (done.err)
    )
    assert not lab.root.exists() and not os.path.exists(user_file(lab))
