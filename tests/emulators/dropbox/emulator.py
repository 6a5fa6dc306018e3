"""The emulator in a thread of its own, for tests: `with Emulator(folder) as emulator: ...`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import requests

from ..service import Rules, Service
from . import certificates, paths
from .application import Application, RateLimit
from .content import CHUNK, Spool
from .oauth import Grant
from .server import Server
from .services import Account
from .tree import Node, Written

DEFAULT_TOKEN = "emulator-token"
Content = bytes | Path
Result = TypeVar("Result")


@dataclass(frozen=True)
class Record:
    """A file as it stands in the account."""

    content_hash: str
    size: int
    client_modified: datetime
    rev: str
    id: str


@dataclass(frozen=True)
class Plant:
    """A file for `plant_many`: bytes or a file,
    or only its size and content hash (then it reads as zeros).

    With `export` ("markdown", "html") it is an online document: it cannot be downloaded, only
    exported.
    """

    path: str
    content: Content | None = None
    size: int | None = None
    content_hash: str | None = None
    client_modified: datetime | int | None = None
    export: str | None = None


class Emulator(Service[Application]):
    """One Dropbox account behind one loopback port.

    `address` is `https://127.0.0.1:PORT`, `proxy` `http://127.0.0.1:PORT` (for HTTPS_PROXY),
    `ca_file` the certificate authority to trust, `token` an access token that never expires by
    itself and is good again after a restart, `app_key` and `app_secret` the known app.
    `rate_limit` may be changed while it runs.
    """

    def __init__(
        self,
        root: Path,
        *,
        port: int = 0,
        ca_file: Path | None = None,
        token: str | None = None,
        faults: Rules = (),
        latency: float = 0.0,
        team: bool = False,
        app_key: str = "emulator-app",
        app_secret: str = "emulator-secret",
    ) -> None:
        super().__init__(port, faults, latency)
        self.root = Path(root)
        self.ca_file = ca_file or self.root / "ca.pem"
        self.token = token or DEFAULT_TOKEN
        self.app_key, self.app_secret = app_key, app_secret
        self._team = team
        self._server: Server | None = None

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[Application]:
        self.root.mkdir(parents=True, exist_ok=True)
        tls = certificates.make(self.ca_file)
        account = Account(
            self.root,
            team=self._team,
            app_key=self.app_key,
            app_secret=self.app_secret,
            token=self.token,
        )
        try:
            account.state.on_change.append(lambda: self._tell_longpolls(account))
            application = Application(account=account, faults=self._plan, latency=self._latency)
            self._server = Server(application, tls)
            self.port = self._server.listen(self.port)
            yield application
            await self._server.close()
        finally:
            account.state.close()

    def _tell_longpolls(self, account: Account) -> None:
        async def tell() -> None:
            async with account.changed:
                account.changed.notify_all()

        assert self._loop is not None
        task = self._loop.create_task(tell())
        self._telling = task

    def _do(self, work: Callable[[Account], Result]) -> Result:
        """Run work in the emulator's thread, as a transaction."""
        account = self._application.account

        def run() -> Result:
            with account.state.transaction():
                return work(account)

        return self._call(run)

    # Addresses

    @property
    def address(self) -> str:
        """For clients whose hosts can be set."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def proxy(self) -> str:
        """For clients with fixed hosts: their HTTPS proxy."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def refused_tunnels(self) -> list[str]:
        """The hosts that are not Dropbox's and were asked for through the proxy."""
        assert self._server is not None
        return self._server.refused_tunnels

    # Live control

    @property
    def rate_limit(self) -> tuple[int, float] | None:
        """(calls, seconds) that are allowed; above that comes 429."""
        return self._application.rate_limit

    @rate_limit.setter
    def rate_limit(self, limit: tuple[int, float] | None) -> None:
        self._application.rate_limit = RateLimit(*limit) if limit else None

    @property
    def space(self) -> int | None:
        """The account's quota in bytes; None = no end of it."""
        return self._application.account.tree.quota

    @space.setter
    def space(self, quota: int | None) -> None:
        self._application.account.tree.quota = quota

    @property
    def job_polls(self) -> int:
        """How often a job says `in_progress` before it is complete (jobs launched from now on)."""
        return self._application.account.jobs.polls

    @job_polls.setter
    def job_polls(self, polls: int) -> None:
        self._application.account.jobs.polls = polls

    @property
    def jobs_inline(self) -> bool:
        """Whether batch calls that may answer `complete` at once do so."""
        return self._application.account.jobs.inline

    @jobs_inline.setter
    def jobs_inline(self, inline: bool) -> None:
        self._application.account.jobs.inline = inline

    @property
    def page_limit(self) -> int | None:
        """At most so many entries on a page, whatever clients ask (listings begun from now on)."""
        return self._application.account.cursors.page_limit

    @page_limit.setter
    def page_limit(self, entries: int | None) -> None:
        self._application.account.cursors.page_limit = entries

    @property
    def longpoll(self) -> float | None:
        """How long longpolls wait, whatever clients ask (they may not ask for less than 30
        seconds).
        """
        return self._application.account.longpoll

    @longpoll.setter
    def longpoll(self, seconds: float | None) -> None:
        self._application.account.longpoll = seconds

    @property
    def cursor_lifetime(self) -> float | None:
        """Seconds after which an unused cursor is `reset`;
        None = only `expire_cursors` does that.
        """
        return self._application.account.cursors.lifetime

    @cursor_lifetime.setter
    def cursor_lifetime(self, seconds: float | None) -> None:
        self._application.account.cursors.lifetime = seconds

    @property
    def token_lifetime(self) -> float:
        """Seconds for which the access tokens given from now on are good."""
        return self._application.account.oauth.expires_in

    @token_lifetime.setter
    def token_lifetime(self, seconds: float) -> None:
        self._application.account.oauth.expires_in = seconds

    def session(self) -> requests.Session:
        """A session of `requests` that reaches the emulator, for `dropbox.Dropbox(token,
        session=...)`.

        It looks at no environment: REQUESTS_CA_BUNDLE would silently replace the certificate
        authority to trust.
        """
        session = requests.Session()
        session.trust_env = False
        session.proxies = {"https": self.proxy}
        session.verify = str(self.ca_file)
        return session

    def expire_cursors(self) -> None:
        """Every cursor given out so far is `reset`, also those of waiting longpolls."""

        def work(account: Account) -> None:
            account.cursors.expire_all()
            self._tell_longpolls(account)

        self._do(work)

    def expire_sessions(self) -> None:
        """Every upload session is older than seven days."""
        self._do(lambda account: account.state.db.execute("UPDATE sessions SET created = 0"))

    def expire_links(self) -> None:
        """Every temporary link is older than four hours."""
        self._do(lambda account: account.state.db.execute("UPDATE links SET expires = 0"))

    def expire_tokens(self) -> None:
        """Every access token given out so far, `token` too, has expired;
        refresh tokens still work.
        """
        self._do(lambda account: account.oauth.expire_all())

    def revoke(self) -> None:
        """The user has unlinked the app: no token works any more,
        `token` and refresh tokens neither.
        """
        self._do(lambda account: account.oauth.revoke_all())

    def grant(
        self,
        scopes: Iterable[str] | None = None,
        *,
        offline: bool = True,
        expires_in: float | None = None,
    ) -> Grant:
        """Tokens as an authorization would give them."""
        joined = None if scopes is None else " ".join(scopes)
        return self._do(
            lambda account: account.oauth.grant(joined, offline=offline, expires_in=expires_in)
        )

    def authorize(self, url: str) -> str:
        """What the user does on the page of an authorization URL; returns the code shown there."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        return self._do(lambda account: account.oauth.authorize(query))

    # Planting and inspecting, without a call; paths are the home namespace's

    def plant(
        self, path: str, content: Content, *, client_modified: datetime | int | None = None
    ) -> Record:
        """Write a file, whatever is there."""
        return self._do(
            lambda account: _record(
                _plant(account, Plant(path, content, client_modified=client_modified))
            )
        )

    def plant_many(self, plants: Iterable[Plant | tuple[str, Content]]) -> int:
        """Write many files in one transaction; a pair is a path and its content."""
        listed = [plant if isinstance(plant, Plant) else Plant(*plant) for plant in plants]

        def work(account: Account) -> int:
            for plant in listed:
                _plant(account, plant)
            return len(listed)

        return self._do(work)

    def make_folder(self, path: str) -> None:
        """Create a folder with its parents."""
        self._do(
            lambda account: account.tree.make_folder(
                account.home + paths.normal(path), autorename=False
            )
        )

    def delete(self, path: str) -> None:
        """Delete a file or folder."""
        self._do(lambda account: account.tree.delete(_there(account, path)))

    def move(self, source: str, target: str) -> None:
        """Move a file or folder."""

        def work(account: Account) -> None:
            account.tree.relocate(
                _there(account, source),
                account.home + paths.normal(target),
                copy=False,
                autorename=False,
            )

        self._do(work)

    def files(self) -> dict[str, Record]:
        """Every file by its display path."""

        def work(account: Account) -> dict[str, Record]:
            low, high = paths.below(paths.key_of(account.home))
            rows = account.state.db.execute(
                "SELECT * FROM nodes WHERE NOT folder AND key > ? AND key < ? ORDER BY key",
                (low, high),
            )
            return {row["path"][len(account.home) :]: _record(row) for row in rows}

        return self._do(work)

    def folders(self) -> list[str]:
        """Every folder's display path."""

        def work(account: Account) -> list[str]:
            low, high = paths.below(paths.key_of(account.home))
            rows = account.state.db.execute(
                "SELECT path FROM nodes WHERE folder AND key > ? AND key < ? ORDER BY key",
                (low, high),
            )
            return [row["path"][len(account.home) :] for row in rows]

        return self._do(work)

    def content(self, path: str) -> bytes:
        """A file's bytes."""

        def work(account: Account) -> bytes:
            node = _there(account, path)
            return b"".join(account.state.read(node["content"], 0, node["size"]))

        return self._do(work)


def _there(account: Account, path: str) -> Node:
    node = account.tree.find(account.home + paths.normal(path))
    if node is None:
        raise FileNotFoundError(path)
    return node


def _record(node: Node) -> Record:
    modified = datetime.fromtimestamp(node["client_modified"], UTC)
    return Record(node["hash"], node["size"], modified, node["rev"], node["id"])


def _plant(account: Account, plant: Plant) -> Node:
    state = account.state
    when = plant.client_modified
    modified = (
        state.now()
        if when is None
        else int(when.timestamp())
        if isinstance(when, datetime)
        else when
    )
    if plant.content is None:
        if plant.size is None or plant.content_hash is None:
            raise ValueError(f"{plant.path}: neither content nor size and content hash")
        new = Written(None, plant.size, plant.content_hash, modified, plant.export)
    else:
        spool = state.spool()
        _fill(spool, plant.content)
        state.adopt(spool)
        new = Written(
            state.add_content(spool.segments()), spool.size, spool.hash, modified, plant.export
        )
    return account.tree.plant(account.home + paths.normal(plant.path), new)


def _fill(spool: Spool, content: Content) -> None:
    if isinstance(content, Path):
        with content.open("rb") as file:
            while data := file.read(CHUNK):
                spool.write(data)
    else:
        spool.write(content)
    spool.close()
