"""The web program as a process: it is announced, protects its way, and ends in good order."""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import trustme
from running import PROGRAMS, Lab, jpeg, put
from web_program import PASSWORD, log_in


@contextmanager
def serving(lab: Lab, *arguments: object) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A server on a free port, and what it announced."""
    process = lab.start("catalog", "serve", "--json", "--bind", "127.0.0.1:0", *arguments)
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.stderr and process.stderr.read()
            yield process, json.loads(line)
        finally:
            process.kill()


def test_it_shows_what_was_uploaded_and_what_comes_while_it_runs(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload().status == 0
    with serving(lab) as (process, told), log_in(told["login"]) as client:
        assert told["url"] == str(client.base_url).rstrip("/")
        assert client.get("/api/v1/timeline").json()["count"] == 1
        put(lab.source, {"b.jpg": jpeg("b")})
        assert lab.upload().status == 0
        while client.get("/api/v1/timeline").json()["count"] == 1:
            assert process.poll() is None
        data = client.get("/api/v1/timeline/window", params={"start": 0, "stop": 2}).content
        for at in (0, 8):
            assert client.get(f"/preview/{data[at : at + 8].hex()}").status_code == 200
        process.send_signal(signal.SIGTERM)
        _out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert '"path":"/api/v1/timeline"' in err and "Traceback" not in err


def test_once_the_owner_has_a_password_no_link_is_printed(lab: Lab) -> None:
    with serving(lab) as (_process, told), log_in(told["login"]) as client:
        name = client.get("/api/v1/me").json()["name"]
    done = subprocess.run(
        [PROGRAMS / "catalog", "user", "passwd", name],
        env=lab.environment(),
        input=f"{PASSWORD}\n",
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    with serving(lab) as (_process, told):
        assert told["login"] is None
        given = {"name": name, "password": PASSWORD}
        assert httpx.post(f"{told['url']}/api/v1/session", json=given).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--bind", "0.0.0.0:0"), "nothing would protect"),
        (("--bind", "0.0.0.0:0", "--behind-proxy"), "no owner has a password"),
        (("--tls-cert", "none.pem"), "--tls-key lacks"),
        (("--tls-cert", "none.pem", "--tls-key", "none.pem"), "no file none.pem"),
        (("--bind", "nowhere"), "no address to listen on"),
    ],
)
def test_an_unprotected_way_is_refused_with_the_step_that_lacks(
    lab: Lab, arguments: tuple[str, ...], told: str
) -> None:
    done = lab.catalog("serve", *arguments)
    assert (done.status, told in done.err) == (2, True), done.err


def test_with_a_certificate_the_session_is_bound_to_the_host(lab: Lab) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    key, chain = lab.home / "key.pem", lab.home / "cert.pem"
    issued.private_key_pem.write_to_path(str(key))
    chain.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with serving(lab, "--tls-cert", chain, "--tls-key", key) as (_process, told):
        assert told["url"].startswith("https://")
        link = {"link": told["login"].partition("#link=")[2]}
        answer = httpx.post(f"{told['url']}/api/v1/session", json=link, verify=context)
        assert answer.headers["set-cookie"].startswith("__Host-catalog=")
