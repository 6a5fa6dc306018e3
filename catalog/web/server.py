"""The server: where it listens, by what way people reach it, and how it ends."""

from __future__ import annotations

import contextlib
import getpass
import logging
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.domain.access import OWNER
from catalog.domain.hosts import is_loopback
from catalog.errors import UsageError
from catalog.features.access.gate import make_link
from catalog.features.access.users import first_owner, list_users
from catalog.features.review.groups import ReviewRequest
from catalog.features.review.service import COMMAND, open_review
from catalog.index.access import AccessRecords
from catalog.web.access_log import AccessLog
from catalog.web.program import make_program
from catalog.web.services import Services, open_services
from catalog.work.outcome import RunResult
from catalog.work.report import Report
from catalog.work.service_address import LOOPBACK, Address
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

_WAYS = (
    "Three ways are described in docs/web.md: a reverse proxy with a public certificate "
    "(--behind-proxy), a name in a VPN, or a certificate of your own (--tls-cert, --tls-key)."
)
_GRACE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class ServeRequest:
    """Where to listen, and how the way to there is protected.

    `proxies` are the addresses from which a proxy may say who asked, and by which scheme.
    """

    address: Address
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    user: str = ""
    open: bool = False


@dataclass(slots=True)
class Served:
    """A server that has ended; `problems` are requests that failed by a mistake of the program."""

    problems: int = 0


@dataclass(frozen=True, slots=True)
class Serving:
    """Where people find it; `login` is an address that logs in once, or ""."""

    url: str
    login: str = ""


def run_server(
    workspace: Workspace,
    request: ServeRequest,
    sink: Sink,
    announce: Callable[[Serving], object],
    log: AccessLog,
) -> Served:
    """Serve until asked to end; requests in hand are answered first.

    Raises UsageError where the way to it would not be protected, or nothing can listen there.
    """
    check_protected(request)
    loopback = is_loopback(request.address.host)
    with (
        _listening(request.address) as listener,
        open_services(workspace, loopback=loopback) as services,
    ):
        return _serve(services, request, sink, announce, log, listener)


def run_review(
    workspace: Workspace,
    request: ReviewRequest,
    port: int,
    sink: Sink,
    announce: Callable[[Serving, int], object],
) -> RunResult:
    """Serve the page of a review to this machine, until a person is done with it or ends it.

    `announce` is told where it is, and how many groups there are.
    """
    where = ServeRequest(Address(LOOPBACK, port), user=getpass.getuser(), open=True)
    with (
        _listening(where.address) as listener,
        open_services(workspace, loopback=True, timeline=False) as services,
        open_review(workspace, request, sink, services.renditions) as opened,
    ):
        if opened is None:
            return Report(sink, COMMAND).result()
        review = opened.review
        with contextlib.suppress(KeyboardInterrupt):  # the usual way to end
            _serve(
                replace(services, review=review),
                where,
                sink,
                lambda serving: announce(serving, len(review.page.groups)),
                AccessLog(),
                listener,
                ended=review.ended,
            )
    assert opened.result is not None
    return opened.result


def _serve(
    services: Services,
    request: ServeRequest,
    sink: Sink,
    announce: Callable[[Serving], object],
    log: AccessLog,
    listener: socket.socket,
    ended: threading.Event | None = None,
) -> Served:
    import uvicorn

    served = Served()

    def fault(error: BaseException) -> None:
        served.problems += 1
        logging.getLogger(__name__).error("A request failed.", exc_info=error)
        sink.notice(f"A request failed by a mistake of the program: {type(error).__name__}.")

    services.gate.remove_expired()
    login = _login(services, request)
    scheme = "https" if request.tls_cert else "http"
    url = f"{scheme}://{Address(request.address.host, listener.getsockname()[1]).shown}"
    server = uvicorn.Server(_configuration(request, make_program(services, log, fault)))
    if ended is not None:
        threading.Thread(target=_stop_when, args=(server, ended), daemon=True).start()
    announce(Serving(url, f"{url}/login#link={login}" if login else ""))
    server.run(sockets=[listener])
    return served


def _stop_when(server: uvicorn.Server, ended: threading.Event) -> None:
    ended.wait()
    server.should_exit = True


def _configuration(request: ServeRequest, program: ASGIApp) -> uvicorn.Config:
    import uvicorn

    config = uvicorn.Config(
        program,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=request.behind_proxy,
        forwarded_allow_ips=list(request.proxies),
        ssl_certfile=request.tls_cert,
        ssl_keyfile=request.tls_key,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        timeout_keep_alive=30,
    )
    config.load()  # a certificate that is none is said before anything is announced
    return config


def check_protected(request: ServeRequest) -> None:
    """Raise UsageError where a network could read what is sent, and say which step lacks."""
    if bool(request.tls_cert) != bool(request.tls_key):
        lacks = "--tls-key" if request.tls_cert else "--tls-cert"
        raise UsageError(
            f"{lacks} lacks: a certificate and its key belong together.", hint="Name both."
        )
    for path in (request.tls_cert, request.tls_key):
        if path is not None and not path.is_file():
            raise UsageError(f"There is no file {path}.", hint="Name the PEM file.")
    if request.tls_cert and request.behind_proxy:
        raise UsageError(
            "--behind-proxy and --tls-cert are two ways to protect one line.",
            hint="Leave out one of them.",
        )
    if not is_loopback(request.address.host) and not request.tls_cert and not request.behind_proxy:
        raise UsageError(
            f"{request.address.shown} is open to a network, and nothing would protect what is sent "
            "there; nothing was started.",
            hint=_WAYS,
        )


def _login(services: Services, request: ServeRequest) -> str:
    """The secret of a link that logs an owner in: where nobody could otherwise, or a browser is to
    be opened.

    Raises UsageError where a network is served and no owner has a password.
    """
    records = AccessRecords(services.repository)
    first_owner(records, request.user)
    owners = [user for user in list_users(services.repository) if user.role == OWNER]
    if any(owner.has_password for owner in owners) and not request.open:
        return ""
    name = owners[0].name
    if not services.loopback and not any(owner.has_password for owner in owners):
        raise UsageError(
            f"{request.address.shown} is open to a network, and no owner has a password; nothing "
            "was started.",
            hint=f"Give one: catalog user passwd {name}.",
        )
    return make_link(records, name)


def _listening(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=512)
    except OSError as error:
        raise UsageError(
            f"Nothing can listen on {address.shown} ({error.strerror or error}).",
            hint="Name another with --bind, or :0 for any that is free.",
        ) from None
