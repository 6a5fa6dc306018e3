"""The web program of a lab's catalog, asked without a socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import uvicorn
from running import Lab
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from catalog.config import load
from catalog.features.access.gate import make_link
from catalog.features.access.tokens import add_token
from catalog.features.access.users import add_user
from catalog.index.access import AccessRecords
from catalog.web.access_log import AccessLog
from catalog.web.program import make_program
from catalog.web.services import Services, open_services
from catalog.work.progress import NoProgress
from catalog.work.workspace import Workspace

PLAIN, SECURE = "http://127.0.0.1:8484", "https://photos.example"
PASSWORD = "a password of some length"


@dataclass
class WebStand:
    """One server and its log; `faults` are what should not have happened."""

    services: Services
    logged: list[str] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.records = AccessRecords(self.services.repository)
        self.app = make_program(self.services, AccessLog(self.logged.append), self.faults.append)

    def browser(self, url: str = PLAIN, *, address: str = "127.0.0.1") -> TestClient:
        """A browser that nobody logged in with yet."""
        return TestClient(
            self.app,
            base_url=url,
            follow_redirects=False,
            raise_server_exceptions=False,
            client=(address, 50_000),
        )

    def session(self, name: str, role: str) -> str:
        """The secret of a session of a new user."""
        add_user(self.records, name, role, None)
        begun = self.services.gate.follow_link(make_link(self.records, name))
        assert begun is not None
        return begun.secret

    def add(self, name: str, role: str) -> None:
        """Let a user in, whose password is PASSWORD."""
        add_user(self.records, name, role, PASSWORD)

    def logged_in(self, name: str, role: str, url: str = PLAIN) -> TestClient:
        """A browser of a new user."""
        browser = self.browser(url)
        browser.cookies.set(
            "catalog" if url == PLAIN else "__Host-catalog", self.session(name, role)
        )
        return browser

    def program(self, name: str, scopes: Sequence[str]) -> TestClient:
        """A program with a token of a user who is there."""
        client = self.browser()
        token = add_token(self.records, f"of {name} for {','.join(scopes)}", name, scopes)
        client.headers["Authorization"] = f"Bearer {token}"
        return client


@contextmanager
def open_web(lab: Lab, *, loopback: bool = True) -> Iterator[WebStand]:
    """The web program of a lab; afterwards nothing may have gone wrong in it."""
    assert lab.node is not None
    settings = load(
        index=lab.index,
        state_dir=lab.home / "state",
        preview_dir=lab.home / "previews",
        elasticsearch_url=(lab.node.url,),
        elasticsearch_user=lab.node.user,
        elasticsearch_password=lab.node.password,
    )
    workspace = Workspace(settings, NoProgress())
    try:
        with open_services(workspace, loopback=loopback) as services:
            stand = WebStand(services)
            yield stand
            assert stand.faults == []
    finally:
        workspace.close()


class Listening:
    """A program at an address of its own, for as long as it is entered."""

    def __init__(self, app: ASGIApp) -> None:
        config = uvicorn.Config(app, log_config=None, lifespan="off", server_header=False)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Listening:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self._socket.close()


@contextmanager
def log_in(link: str) -> Iterator[httpx.Client]:
    """A client that followed a link which logs in once."""
    url, _hash, secret = link.partition("/login#link=")
    with httpx.Client(base_url=url, timeout=60) as client:
        done = client.post("/api/v1/session", json={"link": secret})
        assert done.status_code == 200, done.text
        yield client
