"""Secrets that a Vault keeps, by a real OpenBao."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import hvac
import pytest
import trustme
from vaults import ROOT_TOKEN, Vault, bao  # noqa: F401

from catalog.config import Settings, load, vault
from catalog.errors import ConfigError, SecretUnavailable

SECRET = "hunter2-of-the-vault"


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration but the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def settings(vault: Vault, form: str = "vault:secret/webdav#password", **more: Any) -> Settings:
    login = {} if "vault_role_id" in more else {"vault_token": ROOT_TOKEN}
    return load(**{"vault_address": vault.url, "webdav_password": form, **login, **more})


def value(settings: Settings) -> str:
    assert settings.webdav_password is not None
    return settings.webdav_password.get_secret_value()


def complaint(settings: Settings, kind: type[ConfigError] = SecretUnavailable) -> str:
    with pytest.raises(kind) as caught:
        value(settings)
    assert type(caught.value) is kind
    assert caught.value.exit_code == (5 if kind is SecretUnavailable else 2)
    text = str(caught.value)
    assert "\n" not in text and SECRET not in text and ROOT_TOKEN not in text
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    return text


# --- what is kept there ---------------------------------------------------------------------------


def test_a_secret_of_either_version_is_read(bao: Vault) -> None:  # noqa: F811
    bao.put("webdav", password=SECRET)
    bao.root.secrets.kv.v1.create_or_update_secret(
        "a/webdav", {"password": f"{SECRET}-1"}, mount_point="team/old"
    )
    assert value(settings(bao)) == SECRET
    assert value(settings(bao, "vault:team/old/a/webdav#password")) == f"{SECRET}-1"


def test_odd_names_of_paths_and_keys_are_read(bao: Vault) -> None:  # noqa: F811
    bao.put("a b/ü?x", **{"the #1 key": SECRET})
    assert value(settings(bao, "vault:secret/a b/ü?x#the #1 key")) == SECRET


def test_each_path_is_asked_for_once_and_only_when_it_is_needed(
    bao: Vault,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bao.put("both", password=SECRET, token="t")
    asked = []
    look = vault.Vault._look

    def counted(self: vault.Vault, path: str) -> Any:
        asked.append(path)
        return look(self, path)

    monkeypatch.setattr(vault.Vault, "_look", counted)
    both = settings(bao, "vault:secret/both#password", dbox_full_token="vault:secret/both#token")
    assert asked == []
    assert (value(both), value(both)) == (SECRET, SECRET)
    assert both.dbox_full_token is not None and both.dbox_full_token.get_secret_value() == "t"
    assert asked == ["secret/both"]


def test_the_newest_version_counts_and_a_deleted_one_is_gone(bao: Vault) -> None:  # noqa: F811
    bao.put("twice", password="old")
    bao.put("twice", password=SECRET)
    here = "vault:secret/twice#password"
    assert value(settings(bao, here)) == SECRET
    bao.root.secrets.kv.v2.delete_latest_version_of_secret("twice", mount_point="secret")
    assert "there is nothing at secret/twice in the Vault" in complaint(
        settings(bao, here), ConfigError
    )


def test_a_namespace_is_another_world(bao: Vault) -> None:  # noqa: F811
    bao.root.adapter.post("/v1/sys/namespaces/group")
    inside = hvac.Client(url=bao.url, token=ROOT_TOKEN, namespace="group")
    inside.sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})
    inside.secrets.kv.v2.create_or_update_secret(
        "webdav", {"password": f"{SECRET}-group"}, mount_point="secret"
    )
    bao.put("webdav", password=SECRET)
    assert value(settings(bao, vault_namespace="group")) == f"{SECRET}-group"
    assert value(settings(bao)) == SECRET


# --- who one is -----------------------------------------------------------------------------------


def test_a_role_logs_in_and_its_ids_may_be_kept_elsewhere(
    bao: Vault,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bao.put("webdav", password=SECRET)
    role_id, secret_id = bao.role(bao.let_read("secret/data/webdav"))
    (tmp_path / "id").write_text(f"{secret_id}\n")
    (tmp_path / "id").chmod(0o600)
    monkeypatch.setenv("ROLE", role_id)
    monkeypatch.setenv("CATALOG_VAULT_SECRET_ID_FILE", str(tmp_path / "id"))
    assert value(settings(bao, vault_role_id="env:ROLE")) == SECRET


def test_a_role_that_is_refused_is_told(bao: Vault) -> None:  # noqa: F811
    role_id, _ = bao.role(bao.let_read("secret/data/webdav"))
    text = complaint(settings(bao, vault_role_id=role_id, vault_secret_id="wrong-wrong"))
    assert "refuses the AppRole login" in text and "vault_secret_id" in text
    assert "wrong-wrong" not in text and role_id not in text


def test_a_token_that_expired_is_replaced_by_one_new_login(bao: Vault) -> None:  # noqa: F811
    bao.put("webdav", password=SECRET)
    bao.put("other", password=f"{SECRET}-2")
    policy = bao.let_read("secret/data/webdav", "secret/data/other")
    role_id, secret_id = bao.role(policy)
    both = settings(
        bao,
        vault_role_id=role_id,
        vault_secret_id=secret_id,
        dbox_full_token="vault:secret/other#password",
    )
    assert value(both) == SECRET
    _end_tokens(bao, policy)
    assert both.dbox_full_token is not None
    assert both.dbox_full_token.get_secret_value() == f"{SECRET}-2"


def _end_tokens(vault: Vault, policy: str) -> None:
    """As if the tokens of a role had expired."""
    for accessor in vault.root.auth.token.list_accessors()["data"]["keys"]:
        about = vault.root.auth.token.lookup_accessor(accessor)["data"]
        if policy in about["policies"]:
            vault.root.auth.token.revoke_accessor(accessor)


def test_what_is_denied_is_asked_for_by_one_new_login_and_no_more(
    bao: Vault,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bao.put("webdav", password=SECRET)
    role_id, secret_id = bao.role(bao.let_read("secret/data/elsewhere"))
    logins = []
    log_in = vault.Vault._log_in

    def counted(self: vault.Vault, client: Any) -> None:
        logins.append(1)
        log_in(self, client)

    monkeypatch.setattr(vault.Vault, "_log_in", counted)
    text = complaint(settings(bao, vault_role_id=role_id, vault_secret_id=secret_id))
    assert "denies secret/webdav to this login" in text and "policy" in text
    assert len(logins) == 2


@pytest.mark.parametrize("token", ["", "s.no-such-token"])
def test_a_token_that_may_not_is_denied(bao: Vault, token: str) -> None:  # noqa: F811
    bao.put("webdav", password=SECRET)
    token = token or bao.token(bao.let_read("secret/data/elsewhere"))
    text = complaint(settings(bao, vault_token=token))
    assert "denies secret/webdav to this login" in text and token not in text


def test_a_token_that_is_no_good_gives_way_to_the_role(bao: Vault) -> None:  # noqa: F811
    bao.put("webdav", password=SECRET)
    role_id, secret_id = bao.role(bao.let_read("secret/data/webdav"))
    both = settings(bao, vault_token="s.expired", vault_role_id=role_id, vault_secret_id=secret_id)
    assert value(both) == SECRET


def test_without_a_login_or_an_address_it_is_said_what_to_set(
    bao: Vault,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", ROOT_TOKEN)  # of somebody else's program
    nobody = load(vault_address=bao.url, webdav_password="vault:secret/webdav#password")
    assert "Set vault_token, or vault_role_id and vault_secret_id." in complaint(
        nobody, ConfigError
    )
    nowhere = load(webdav_password="vault:secret/webdav#password")
    text = complaint(nowhere, ConfigError)
    assert text.startswith(
        "The secret webdav_password cannot be read from vault:secret/webdav#password: "
        "vault_address is not set."
    )


# --- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ("vault:secret/nowhere#password", "there is nothing at secret/nowhere in the Vault"),
        ("vault:secret/webdav#pasword", "secret/webdav has no key pasword. Its keys: number, pass"),
        ("vault:secret/webdav#number", "the key number of secret/webdav is no text"),
        ("vault:secret/webdav#two", "it is no single line of text"),
    ],
)
def test_what_is_missing_is_told(bao: Vault, form: str, why: str) -> None:  # noqa: F811
    bao.put("webdav", password=SECRET, number=7, two=f"{SECRET}\nand more")
    text = complaint(settings(bao, form), ConfigError)
    assert f"The secret webdav_password cannot be read from {form}: {why}" in text


def test_a_store_that_is_not_there_is_told(bao: Vault) -> None:  # noqa: F811
    with pytest.raises(ConfigError, match=r"nowhere/webdav"):
        value(settings(bao, "vault:nowhere/webdav#password"))


def test_a_sealed_one_is_told_and_works_again_afterwards(bao: Vault) -> None:  # noqa: F811
    bao.put("webdav", password=SECRET)
    one = settings(bao)
    with bao.sealed():
        assert "is sealed. Unseal it" in complaint(one)
    assert value(one) == SECRET


def test_one_that_is_not_there_is_told() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        text = complaint(settings(Vault(f"http://127.0.0.1:{nobody.getsockname()[1]}", "")))
    assert "cannot be reached. Check vault_address" in text


def test_one_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        text = complaint(settings(Vault(f"http://127.0.0.1:{silent.getsockname()[1]}", "")))
    assert "does not answer within 0.2 s" in text


class _Other(BaseHTTPRequestHandler):
    """A server that is no Vault: it sends elsewhere, answers a page, or with what it was told."""

    status, body = 200, b"<html>"
    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.send_response(self.status)
        self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/away")  # type: ignore[attr-defined]
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"data": {}}'),
        (307, b""),
        (500, json.dumps({"errors": [SECRET, ROOT_TOKEN]}).encode()),
    ],
)
def test_what_is_no_vault_is_told_in_our_own_words_and_gets_the_token_nowhere_else(
    status: int, body: bytes
) -> None:
    about = {"status": status, "body": body, "seen": []}
    with HTTPServer(("127.0.0.1", 0), type("Handler", (_Other,), about)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        text = complaint(settings(Vault(f"http://127.0.0.1:{server.server_port}", "")))
        server.shutdown()
    assert "does not answer as a Vault does" in text
    assert about["seen"] == ["/v1/sys/internal/ui/mounts/secret/webdav"]


def test_a_certificate_is_checked_and_its_authority_may_be_named(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    about: dict[str, Any] = {"seen": []}
    with HTTPServer(("127.0.0.1", 0), type("Handler", (_Other,), about)) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = Vault(f"https://127.0.0.1:{server.server_port}", "")
        assert "is not trusted. Name its certificate authority" in complaint(settings(there))
        assert about["seen"] == []
        complaint(settings(there, vault_ca_cert=tmp_path / "ca.pem"))
        assert about["seen"]
        text = complaint(settings(there, vault_ca_cert=tmp_path / "none.pem"), ConfigError)
        assert f"the certificates {tmp_path / 'none.pem'} cannot be read" in text
        server.shutdown()
