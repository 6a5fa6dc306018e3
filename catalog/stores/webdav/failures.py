"""What a server answers when it does not do what was asked, as errors of the catalog."""

from __future__ import annotations

import ssl

from catalog.errors import (
    AlreadyExists,
    InvalidPath,
    NotFound,
    PermissionDenied,
    StoreError,
    StoreFull,
    StoreUnavailable,
)

_AGAIN = "Run the command again; what is done is kept."


class Refused(Exception):
    """An answer that is no success: its status, why as the server says it, and whom it sent to.

    `wait`: seconds that the server asks for, None where it does not.
    """

    def __init__(
        self, status: int, reason: str = "", location: str = "", wait: float | None = None
    ) -> None:
        super().__init__(f"HTTP {status}{f' ({reason})' if reason else ''}")
        self.status = status
        self.reason = reason
        self.location = location
        self.wait = wait


def status_of(error: BaseException) -> int:
    """The status of the answer that an error of the catalog was made of; 0 where it was none."""
    cause = error.__cause__
    return cause.status if isinstance(cause, Refused) else 0


def is_untrusted(error: BaseException) -> bool:
    """Whether a connection was refused for its certificate."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def of_exception(error: Exception, host: str, store: str, path: str) -> StoreError:
    """The catalog's error for an answer that is none, or for what became of the line."""
    if isinstance(error, Refused):
        return of_answer(error, host, store, path)
    if is_untrusted(error):
        return StoreUnavailable(
            f"The connection to {host} cannot be trusted: {error}.",
            store=store,
            hint="Name the certificate of its authority in webdav_ca_cert.",
        )
    return StoreUnavailable(
        f"{host} cannot be reached: {str(error) or type(error).__name__}.",
        store=store,
        path=path,
        hint=f"Is there a network? {_AGAIN}",
    )


def of_answer(error: Refused, host: str, store: str, path: str) -> StoreError:
    """The catalog's error for the status of an answer (RFC 9110, section 15; RFC 4918, 11)."""
    where = f"{path} in store {store}" if path else f"store {store}"
    told = f"{error}"
    match error.status:
        case 401:
            return StoreUnavailable(
                f"{host} does not accept the login of store {store}.",
                store=store,
                hint="Check webdav_username and webdav_password; "
                "a Nextcloud with a second factor wants a password of its own for apps.",
            )
        case 403:
            return PermissionDenied(
                f"{host} does not allow it for {where} ({told}).", store=store, path=path
            )
        case 404 | 410:
            return NotFound(f"{path} is not in store {store}.", store=store, path=path)
        case 412:
            return AlreadyExists(f"{path} is already in store {store}.", store=store, path=path)
        case 400 | 405 | 409 | 414 | 415:
            return InvalidPath(
                f"{host} refuses the name of {where} ({told}).",
                store=store,
                path=path,
                hint="Rename the file, or a file that lies where its folder should be.",
            )
        case 413:
            return InvalidPath(
                f"{path} is larger than {host} takes ({told}).",
                store=store,
                path=path,
                hint="Raise the limit of the server or of the proxy before it.",
            )
        case 423:
            return StoreError(
                f"{where} is locked ({told}).",
                store=store,
                path=path,
                hint="Another program works on it. Run the command again.",
            )
        case 507:
            return StoreFull(
                f"Store {store} is full: {path or 'nothing'} was not written ({told}).",
                store=store,
                path=path,
                hint="Free space there or get more, then run the command again.",
            )
        case 301 | 302 | 303 | 307 | 308:
            return StoreUnavailable(
                f"{host} sends store {store} to another address: {error.location}.",
                store=store,
                hint="Nothing was sent there. If it is right, add the store by that address.",
            )
    return StoreUnavailable(
        f"{host} answers {where} with {told}; the run stops.",
        store=store,
        path=path,
        hint=f"{_AGAIN} If it does it again, its log says why.",
    )
