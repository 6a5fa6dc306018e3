"""Secrets: the forms in which a setting says where one is kept, and who may see what."""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keyring
import keyring.backend
import keyring.errors
import pytest

from catalog.config import ENV_PREFIX, Settings, load, save
from catalog.errors import ConfigError, SecretUnavailable
from catalog.work.progress import NoProgress
from catalog.work.workspace import Workspace

SECRET = "hunter2 ünd: mehr#"
ORIGIN = "a test"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a configuration, and no variable of ours."""
    for name in list(os.environ):
        if name.upper().startswith(ENV_PREFIX) or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    return tmp_path


def kept(path: Path, text: str = SECRET, mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def value(settings: Settings) -> str:
    assert settings.webdav_password is not None
    return settings.webdav_password.get_secret_value()


def complaint(form: str, kind: type[ConfigError] = ConfigError) -> str:
    settings = load(webdav_password=form)
    with pytest.raises(kind) as caught:
        value(settings)
    assert str(caught.value).startswith(f"The secret webdav_password cannot be read from {form}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- the forms ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("hunter2", "hunter2"),
        ("plain:env:HOME", "env:HOME"),
        ("plain:plain:x", "plain:x"),
        ("unknown:x", "unknown:x"),
        ("https://x", "https://x"),
        ("env", "env"),
        ("ENV:HOME", "ENV:HOME"),
        ("hunter2\n", "hunter2"),
    ],
)
def test_what_is_no_form_is_the_secret_itself(written: str, text: str):
    settings = load(webdav_password=written)
    assert value(settings) == text
    assert settings.webdav_password is not None and settings.webdav_password.form == ""


def test_a_variable_may_hold_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MY_PASSWORD", SECRET)
    assert value(load(webdav_password="env:MY_PASSWORD")) == SECRET
    monkeypatch.setenv("MY_PASSWORD", "env:HOME")
    assert value(load(webdav_password="env:MY_PASSWORD")) == "env:HOME", "no form leads to another"
    monkeypatch.delenv("MY_PASSWORD")
    assert "this variable is not set. Set MY_PASSWORD." in complaint("env:MY_PASSWORD")


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_file_may_hold_it(here: Path, end: str):
    assert value(load(webdav_password=f"file:{kept(here / 'a b', SECRET + end)}")) == SECRET


def test_a_file_of_the_persons_own_may_be_named_by_a_tilde(
    here: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(here))
    kept(here / "pw")
    assert value(load(webdav_password="file:~/pw")) == SECRET


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"\n", "it is empty"),
        (b"\xff\xfe", "it is no text in UTF-8"),
        (b"a\nb", "it is no single line of text"),
        (b"a\x00b", "it is no single line of text"),
        (b"x" * 70_000, "it is too large"),
        (None, "No such file or directory. Is it there, and may this user read it?"),
    ],
)
def test_a_file_that_holds_none_is_told(here: Path, content: bytes | None, why: str):
    if content is not None:
        (here / "pw").write_bytes(content)
        (here / "pw").chmod(0o600)
    assert why in complaint(f"file:{here / 'pw'}")


@pytest.mark.parametrize(("mode", "is_warned"), [(0o600, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_can_read_is_warned_about_once(
    here: Path, caplog: pytest.LogCaptureFixture, mode: int, is_warned: bool
):
    path = kept(here / "pw", mode=mode)
    with caplog.at_level(logging.WARNING):
        settings = load(webdav_password=f"file:{path}")
        assert caplog.messages == []
        assert (value(settings), value(settings)) == (SECRET, SECRET)
    assert (
        caplog.messages
        == [
            f"The file {path} of webdav_password can be read by others. "
            f"Make it private: chmod 600 '{path}'."
        ]
        * is_warned
    )


def test_a_credential_of_systemd_may_hold_it(here: Path, monkeypatch: pytest.MonkeyPatch):
    text = complaint("credential:cloud")
    assert "CREDENTIALS_DIRECTORY is not set" in text and "LoadCredential=" in text
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(here / "given"))
    kept(here / "given" / "cloud", f"{SECRET}\n")
    assert value(load(webdav_password="credential:cloud")) == SECRET
    assert "No such file" in complaint("credential:other")


class Wallet(keyring.backend.KeyringBackend):
    priority = 1  # type: ignore[assignment]
    is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise keyring.errors.KeyringLocked(SECRET)
        return SECRET if (service, username) == ("https://cloud.example", "me@home") else None

    def set_password(self, service: str, username: str, password: str) -> None: ...


def test_a_keyring_may_hold_it(monkeypatch: pytest.MonkeyPatch):
    wallet = Wallet()
    monkeypatch.setattr(keyring.core, "_keyring_backend", wallet)
    assert value(load(webdav_password="keyring:https://cloud.example/me@home")) == SECRET
    text = complaint("keyring:cloud/me")
    assert "the keyring has no such entry. Make it: keyring set 'cloud' 'me'." in text
    wallet.is_locked = True
    text = complaint("keyring:cloud/me", SecretUnavailable)
    assert "KeyringLocked" in text and SECRET not in text


def test_without_the_library_it_is_told_how_to_have_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    assert "pip install 'image-catalog[keyring]'" in complaint("keyring:cloud/me")


@pytest.mark.parametrize(
    "form",
    [
        "env:",
        "env:1x",
        "env:hunter2 ünd",
        "file:",
        "file:hunter2",
        "credential:../x",
        "credential:..",
        "credential:a/b",
        "keyring:x",
        "keyring:x/",
        "vault:secret#x",
        "vault:secret/webdav",
        "vault:secret/webdav#",
        "vault:/secret/webdav#x",
        "vault:secret//webdav#x",
        "vault:secret/../sys/x#y",
        "vault:secret/..#y",
        "file:/a\nb",
    ],
)
def test_a_form_that_is_none_is_told_without_what_was_written(here: Path, form: str):
    (here / "config.json").write_text(json.dumps({"webdav_password": form}))
    with pytest.raises(ConfigError) as caught:
        load()
    kind, _, rest = form.partition(":")
    text = str(caught.value)
    assert f"a secret that begins with {kind}: must be {kind}:" in text and "plain:" in text
    assert len(rest) < 3 or rest not in text


@pytest.mark.parametrize("name", ["vault_token", "vault_role_id", "vault_secret_id"])
def test_what_opens_a_vault_is_not_kept_in_it(name: str):
    with pytest.raises(ConfigError, match="it cannot be kept in the Vault that it opens"):
        load(**{name: "vault:secret/vault#key"})


# --- who wins -------------------------------------------------------------------------------------


def test_the_file_of_a_variable_wins_over_a_credential_and_that_over_the_configuration(
    here: Path, monkeypatch: pytest.MonkeyPatch
):
    def origin(**flags: Any) -> tuple[str, str]:
        secret = load(**flags).webdav_password
        assert secret is not None
        return secret.get_secret_value(), secret.origin

    (here / "config.json").write_text('{"webdav_password": "configured"}')
    assert origin() == ("configured", str(here / "config.json"))
    kept(here / "given" / "webdav_password", "credential")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(here / "given"))
    assert origin() == ("credential", "the credential webdav_password")
    kept(here / "pw", "file\n")
    monkeypatch.setenv("CATALOG_WEBDAV_PASSWORD_FILE", "pw")
    assert origin() == ("file", "the environment (CATALOG_WEBDAV_PASSWORD_FILE)")
    assert origin(webdav_password="given") == ("given", "the option --webdav_password")
    monkeypatch.delenv("CATALOG_WEBDAV_PASSWORD_FILE")
    monkeypatch.setenv("CATALOG_WEBDAV_PASSWORD", "variable")
    assert origin() == ("variable", "the environment (CATALOG_WEBDAV_PASSWORD)")


def test_a_variable_and_its_file_together_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CATALOG_WEBDAV_PASSWORD", SECRET)
    monkeypatch.setenv("catalog_webdav_password_file", "/run/secrets/x")
    with pytest.raises(ConfigError) as caught:
        load()
    assert str(caught.value) == (
        "Both CATALOG_WEBDAV_PASSWORD and CATALOG_WEBDAV_PASSWORD_FILE are set. "
        "Take one of them away."
    )


# --- who sees it ----------------------------------------------------------------------------------


def test_a_secret_is_read_when_it_is_needed_and_once(here: Path):
    settings = load(webdav_password=f"file:{here / 'pw'}")
    kept(here / "pw")
    assert value(settings) == SECRET
    (here / "pw").unlink()
    assert value(settings) == SECRET
    assert "No such file" in complaint(f"file:{here / 'pw'}"), "another run"


def test_a_secret_that_was_read_shows_nowhere(here: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MY_PASSWORD", SECRET)
    settings = load(webdav_password="env:MY_PASSWORD", vault_token=SECRET)
    assert value(settings) == SECRET
    secret = settings.webdav_password
    for text in (repr(settings), str(asdict(settings)), repr(vars(settings)), f"{secret!r:>40}"):
        assert SECRET not in text
    assert copy.deepcopy(secret) == secret
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_an_error_holds_no_secret_in_its_trace(here: Path):
    kept(here / "pw", f"{SECRET}\nand more")
    settings = load(webdav_password=f"file:{here / 'pw'}")
    try:
        value(settings)
    except ConfigError as error:
        shown = "".join(traceback.format_exception(error))
        assert "no single line" in shown and SECRET not in shown


@pytest.mark.parametrize("text", ["hunter2\nx", "hunter2\x00", "\x1bhunter2"])
def test_a_secret_that_no_header_may_hold_is_told_without_it(here: Path, text: str):
    with pytest.raises(ConfigError) as caught:
        load(webdav_password=text)
    assert "one line without control characters" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["elasticsearch_api_key", "dbox_full_token", "vault_token"])
@pytest.mark.parametrize("text", ["hunter2€", "hunter2 x"])
def test_a_token_that_no_header_may_hold_is_told_before_it_is_sent(name: str, text: str):
    workspace = Workspace(
        load(
            elasticsearch_url="http://127.0.0.1:9",
            vault_address="http://127.0.0.1:9",
            webdav_password="vault:secret/webdav#password",
            **{name: text},
        ),
        NoProgress(),
    )
    with pytest.raises(ConfigError) as caught:
        if name == "vault_token":
            value(workspace.settings)
        elif name == "dbox_full_token":
            _ = workspace.dropbox
        else:
            _ = workspace.elasticsearch.named_address
    assert f"{name} holds what no token can" in str(caught.value)
    assert "hunter2" not in str(caught.value)


# --- the configuration file -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "password", "after"),
    [
        (None, SECRET, 0o600),
        (None, "env:X", 0o600),
        (0o644, SECRET, 0o600),
        (0o640, "env:X", 0o640),
        (0o644, "", 0o644),
    ],
)
def test_a_file_with_a_secret_is_private_and_others_keep_their_mode(
    here: Path, before: int | None, password: str, after: int
):
    path = here / "none" / "image-catalog" / "config.json"
    if before is not None:
        path.parent.mkdir(parents=True)
        path.write_text('{"port": 1, "webdav_password": "env:OLD"}')
        path.chmod(before)
    assert save({"webdav_password": password}, origin=ORIGIN) == path
    assert path.stat().st_mode & 0o777 == after
    there = json.loads(path.read_bytes())
    assert there == ({} if before is None else {"port": 1}) | (
        {"webdav_password": password} if password else {}
    )
    assert os.listdir(path.parent) == ["config.json"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_somebody_else_stays_theirs(here: Path):
    path = kept(here / "config.json", "{}", 0o640)
    os.chown(path, 1234, 4321)
    save({"port": 1}, origin=ORIGIN)
    status = path.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (1234, 4321, 0o640)


def test_a_link_to_a_configuration_stays_one(here: Path):
    kept(here / "dotfiles", "{}")
    (here / "config.json").symlink_to("dotfiles")
    assert save({"port": "1234"}, origin=ORIGIN) == here / "config.json"
    assert (here / "config.json").is_symlink()
    assert json.loads((here / "dotfiles").read_bytes()) == {"port": 1234}


def test_what_does_not_fit_is_not_written(here: Path):
    kept(here / "config.json", '{"port": 1}')
    for values, why in (
        ({"port": "many"}, "The setting port in a test does not fit: it must be a whole number"),
        ({"prot": 1}, "Unknown setting prot in a test. Did you mean port?"),
    ):
        with pytest.raises(ConfigError, match=why):
            save(values, origin=ORIGIN)
    assert (here / "config.json").read_text() == '{"port": 1}'


def test_a_mistake_is_mended_by_writing_over_it(here: Path):
    kept(here / "config.json", '{"port": "many", "layout": {"nmae": "x"}}')
    with pytest.raises(ConfigError, match=r"layout\.nmae in .*config\.json"):
        save({"port": 1}, origin=ORIGIN)
    save({"port": 1, "layout": {"name": "{date}"}}, origin=ORIGIN)
    assert load().layout.name == "{date}"


def test_a_file_that_cannot_be_written_stays_as_it_is(here: Path, monkeypatch: pytest.MonkeyPatch):
    kept(here / "config.json", '{"port": 1}')

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match=r"config\.json cannot be written: No space left"):
        save({"port": 2}, origin=ORIGIN)
    assert (here / "config.json").read_text() == '{"port": 1}'
    assert os.listdir(here) == ["config.json"]
