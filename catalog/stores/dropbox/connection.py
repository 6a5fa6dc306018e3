"""One Dropbox account: every request goes through here, waits where Dropbox says so,
and is repeated where it may help.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import requests
from dropbox import Dropbox
from dropbox.common import PathRoot
from dropbox.exceptions import (
    ApiError,
    DropboxException,
    HttpError,
    InternalServerError,
    RateLimitError,
)
from requests.adapters import HTTPAdapter
from requests.exceptions import RequestException
from stone.backends.python_rsrc.stone_validators import ValidationError
from urllib3.exceptions import HTTPError as TransportError

from catalog.errors import InvalidPath, StoreError
from catalog.stores.dropbox.credentials import Credentials
from catalog.stores.dropbox.failures import is_passing, is_untrusted, of_exception
from catalog.stores.patience import Ambiguous, Patience, Verdict, growing
from catalog.version import __version__

T = TypeVar("T")
TIMEOUT = 100.0
"""Seconds without a byte from Dropbox after which a connection is taken for dead."""
CONNECT_TIMEOUT = 20.0
RPC_AT_ONCE = 8


class HttpSession(requests.Session):
    """A session whose certificate authority, where one is named,
    is not overridden by REQUESTS_CA_BUNDLE.

    Nor is the login by a .netrc, and a network that swallows everything is noticed sooner than a
    slow answer. It knows whether the request that a thread is about was answered.
    """

    def __init__(self, ca_cert: Path | None, connections: int) -> None:
        super().__init__()
        self._ca_cert = str(ca_cert) if ca_cert else None
        self.auth = _as_it_is
        self._of_thread = threading.local()
        self.mount("https://", HTTPAdapter(pool_connections=4, pool_maxsize=connections))

    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        """The proxies of the environment,
        and our own certificate authority before that of the environment.
        """
        settings = super().merge_environment_settings(url, proxies, stream, verify, cert)
        if self._ca_cert:
            settings["verify"] = self._ca_cert
        return settings

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send, with less time to be connected than to be answered."""
        if isinstance(seconds := options.get("timeout"), int | float):
            options["timeout"] = (min(CONNECT_TIMEOUT, seconds), seconds)
        response = super().send(request, **options)
        self._of_thread.is_answered = True
        return response

    def begin(self) -> None:
        """This thread begins a request."""
        self._of_thread.is_answered = False

    @property
    def is_answered(self) -> bool:
        """Whether an answer came since this thread began its request."""
        return bool(self._of_thread.is_answered)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class Unreadable(Ambiguous):
    """A request whose reply the SDK cannot read,
    because an entry of it failed for a reason without a name.
    """


@dataclass
class Connection:
    """Credentials and how to use them.

    `patience`: seconds for which a request is repeated while Dropbox cannot be reached or asks to
    wait. `transfers`: requests with the bytes of files that run at once. `space`: "home" for the
    member's own folders, "team" for the whole team space, else the id of a namespace. Once
    `interrupted` is set nothing is waited for any more.
    """

    credentials: Credentials
    store: str = "dropbox"
    ca_cert: Path | None = None
    patience: float = 900.0
    transfers: int = 4
    space: str = "home"
    interrupted: threading.Event = field(default_factory=threading.Event)
    sleep: Callable[[float], object] | None = None

    def __post_init__(self) -> None:
        self._waiting = Patience(
            "Dropbox",
            self.store,
            self.patience,
            judge,
            lambda error, path: of_exception(error, self.store, path),
            self.interrupted,
            self.sleep,
        )
        self._bytes_at_once = threading.BoundedSemaphore(self.transfers)
        self._calls_at_once = threading.BoundedSemaphore(RPC_AT_ONCE)

    @cached_property
    def session(self) -> HttpSession:
        """The connections, shared by all threads."""
        return HttpSession(self.ca_cert, self.transfers + RPC_AT_ONCE)

    @cached_property
    def _sdk(self) -> Dropbox:
        known = self.credentials
        client = Dropbox(
            oauth2_access_token=known.access_token or None,
            oauth2_refresh_token=known.refresh_token or None,
            app_key=known.app_key or None,
            session=self.session,
            user_agent=f"image-catalog/{__version__}",
            timeout=TIMEOUT,
            # all waiting is done here, so that it has an end and is the same for all threads
            max_retries_on_error=0,
            max_retries_on_rate_limit=0,
        )
        return client if self.space == "home" else client.with_path_root(self._path_root(client))

    def _path_root(self, client: Dropbox) -> PathRoot:
        if self.space != "team":
            return PathRoot.namespace_id(self.space)
        account = self._repeated(lambda: client.users_get_current_account(), "")
        return PathRoot.root(account.root_info.root_namespace_id)

    @cached_property
    def account(self) -> Any:
        """The account, as `users/get_current_account` states it."""
        return self.call(lambda sdk: sdk.users_get_current_account())

    def call(self, function: Callable[[Dropbox], T], path: str = "") -> T:
        """The result of a request that may be sent again without harm. Raises StoreError."""
        with self._calls_at_once:
            return self._repeated(lambda: function(self._sdk), path)

    def transfer(self, function: Callable[[Dropbox], T], path: str = "") -> T:
        """The same for one that carries the bytes of files."""
        with self._bytes_at_once:
            return self._repeated(lambda: function(self._sdk), path)

    def once(
        self, function: Callable[[Dropbox], T], path: str = "", *, carries_bytes: bool = False
    ) -> T:
        """The same for one that must not be sent blindly again:
        raises Ambiguous where the reply was lost.

        It is repeated only where Dropbox answered that it was not done.
        """
        with self._bytes_at_once if carries_bytes else self._calls_at_once:
            return self._repeated(lambda: function(self._sdk), path, is_once=True)

    def give_time(self, error: Exception | None, attempt: int, path: str) -> None:
        """Wait before something is tried again that was lost or refused for the moment.

        Raises StoreError after too many.
        """
        self._waiting.give_time(error, attempt, path)

    def begin_transfer(self) -> None:
        """Wait until one more transfer may run, whose bytes are read after its request;
        `end_transfer` ends it.
        """
        self._bytes_at_once.acquire()

    def end_transfer(self) -> None:
        """A transfer that `begin_transfer` allowed is over."""
        self._bytes_at_once.release()

    def streamed(self, function: Callable[[Dropbox], T], path: str) -> T:
        """The result of a request whose bytes are read afterwards,
        within a transfer that was begun.
        """
        return self._repeated(lambda: function(self._sdk), path)

    def _repeated(self, request: Callable[[], T], path: str, *, is_once: bool = False) -> T:
        def answered() -> T:
            self.session.begin()
            try:
                return request()
            except ValidationError as error:
                # the SDK refuses what no request could hold, or cannot read an answer
                if not self.session.is_answered:
                    raise InvalidPath(
                        f"Dropbox cannot hold {path}: {error}", store=self.store, path=path
                    ) from error
                if is_once:
                    raise Unreadable(error) from error
                raise StoreError(
                    f"Dropbox refused {path} and does not say why.", store=self.store, path=path
                ) from error

        return self._waiting.repeat(answered, path, is_once=is_once)

    def pause(self, seconds: float) -> None:
        """Wait. Raises Interrupted where the program is to end instead."""
        self._waiting.pause(seconds)

    def close(self) -> None:
        """Close the connections, if there are any."""
        if "session" in self.__dict__:
            self.session.close()


def judge(error: Exception, attempt: int) -> Verdict | None:
    """What a failed request is worth."""
    if not isinstance(error, DropboxException | RequestException | TransportError | AssertionError):
        return None
    is_answer, is_lost = isinstance(error, DropboxException), is_ambiguous(error)
    if isinstance(error, RateLimitError):
        backoff = error.backoff
        pause = float(backoff) if backoff is not None else max(1.0, growing(attempt))
        return Verdict(pause, for_all=True, is_answer=is_answer, is_lost=is_lost)
    if isinstance(error, ApiError):
        is_over = not is_passing(error)
    elif isinstance(error, InternalServerError):
        is_over = False
    else:  # of the last a setting is wrong
        is_over = is_untrusted(error) or isinstance(error, HttpError | AssertionError | ValueError)
    return Verdict(None if is_over else growing(attempt), is_answer=is_answer, is_lost=is_lost)


def is_ambiguous(error: Exception) -> bool:
    """Whether a request may have been done although it failed: the reply was lost,
    or the server broke down over it.
    """
    return not is_untrusted(error) and isinstance(
        error, InternalServerError | RequestException | TransportError
    )
