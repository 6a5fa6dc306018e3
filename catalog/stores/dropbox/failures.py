"""What Dropbox answers when it does not do what was asked, as errors of the catalog."""

from __future__ import annotations

from ssl import SSLCertVerificationError
from typing import Any

import orjson
from dropbox.exceptions import ApiError, AuthError, BadInputError, HttpError, PathRootError
from requests.exceptions import SSLError

from catalog.errors import (
    AlreadyExists,
    FixityMismatch,
    InvalidPath,
    NotFound,
    PermissionDenied,
    StoreError,
    StoreFull,
    StoreUnavailable,
)

AGAIN = frozenset({"too_many_write_operations", "internal_error"})
"""Answers that the same request may not get a moment later."""
_FULL = frozenset(
    {
        "insufficient_space",
        "insufficient_quota",
        "member_folder_insufficient_space",
        "member_folder_insufficient_quota",
        "team_folder_insufficient_space",
        "team_folder_insufficient_quota",
        "upload_traffic_limit_reached",
    }
)
_FORBIDDEN = frozenset(
    {
        "no_write_permission",
        "access_restricted",
        "team_folder",
        "access_denied",
        "operation_suppressed",
    }
)
_NAME = frozenset({"malformed_path", "disallowed_name"})
_LOGIN = "Log in again: catalog dropbox login."


def tags(error: Any) -> tuple[str, ...]:
    """The tags of an error union, outermost first: ("path", "conflict", "file")."""
    found: list[str] = []
    value = getattr(error, "error", error)
    while value is not None:
        value = getattr(value, "reason", value)  # UploadWriteFailed holds its union there
        tag = getattr(value, "_tag", None)
        if tag is None:
            break
        found.append(tag)
        value = getattr(value, "_value", None)
    return tuple(found)


def answer_tags(error: BaseException) -> tuple[str, ...]:
    """The tags of the answer that an error of the catalog was made of;
    none where it was no answer of Dropbox.
    """
    cause = error.__cause__
    return tags(cause) if isinstance(cause, ApiError) else ()


def is_passing(error: Any) -> bool:
    """Whether the same request may succeed in a moment."""
    return not AGAIN.isdisjoint(tags(error))


def is_untrusted(error: BaseException) -> bool:
    """Whether a connection was refused for its certificate;
    other errors of the encryption are those of a broken line.
    """
    return isinstance(error, SSLError) and isinstance(_innermost(error), SSLCertVerificationError)


def of_answer(error: Any, store: str, path: str) -> StoreError:
    """The catalog's error for an error union of the SDK (or the ApiError that holds one)."""
    found = set(tags(error))
    where = f"{path} in store {store}" if path else f"store {store}"
    told = "/".join(tags(error)) or str(error)
    if found & _FULL:
        return StoreFull(
            f"Store {store} is full: {path or 'nothing'} was not written ({told}).",
            store=store,
            path=path,
            hint="Free space in Dropbox or get more, then run the command again.",
        )
    if "file_ancestor" in found:
        return InvalidPath(
            f"A file of store {store} lies where the folder of {path} should be.",
            store=store,
            path=path,
            hint="Rename that file.",
        )
    if "conflict" in found:
        return AlreadyExists(f"{path} is already in store {store}.", store=store, path=path)
    if found & _NAME:
        return InvalidPath(
            f"Dropbox refuses the name of {where}.", store=store, path=path, hint="Rename the file."
        )
    if "not_found" in found:
        return NotFound(f"{path} is not in store {store}.", store=store, path=path)
    if found & {"not_file", "not_folder"}:
        return InvalidPath(
            f"{where} is not a file." if "not_file" in found else f"{where} is not a folder.",
            store=store,
            path=path,
        )
    if found & {"restricted_content", "unsupported_content_type", "unsupported_file"}:
        return StoreError(f"Dropbox does not hand out {where} ({told}).", store=store, path=path)
    if found & _FORBIDDEN:
        return PermissionDenied(
            f"Dropbox does not allow it for {where} ({told}).", store=store, path=path
        )
    if "content_hash_mismatch" in found:
        return FixityMismatch(
            f"{path} did not reach store {store} as it was sent.",
            store=store,
            path=path,
            hint="The line damages data; run the command again.",
        )
    return StoreError(f"Dropbox refused {where}: {told}.", store=store, path=path)


def of_exception(error: Exception, store: str, path: str) -> StoreError:
    """The catalog's error for what the SDK, or what it stands on, raised;
    what is retried comes here when it was in vain.
    """
    if isinstance(error, ApiError):
        return of_answer(error, store, path)
    if isinstance(error, AuthError):
        return _of_login(error, store)
    if isinstance(error, PathRootError):
        return StoreUnavailable(
            f"The Dropbox space of store {store} is not there for this account.",
            store=store,
            hint="Check dropbox_space.",
        )
    if isinstance(error, BadInputError) and _login_code(error) == "invalid_client":
        return StoreUnavailable(
            "Dropbox does not know the app of the login.", store=store, hint=_LOGIN
        )
    if isinstance(error, BadInputError):
        return InvalidPath(
            f"Dropbox refuses {path or 'the request'}: {error.message}", store=store, path=path
        )
    if is_untrusted(error):
        return StoreUnavailable(
            f"The connection to Dropbox cannot be trusted: {_short(error)}.",
            store=store,
            hint="Behind a proxy that reads along, name its certificate in dropbox_ca_cert.",
        )
    if isinstance(error, HttpError):
        return StoreUnavailable(
            f"Dropbox answers with HTTP {error.status_code}; the run stops.",
            store=store,
            path=path,
            hint="Run the command again later; what is done is kept.",
        )
    return StoreUnavailable(
        f"Dropbox cannot be reached: {_short(error)}.",
        store=store,
        path=path,
        hint="Is there a network? Run the command again; what is done is kept.",
    )


def _login_code(error: BadInputError) -> str:
    """By which code the server of logins refuses a request (RFC 6749, 5.2); "" for any other."""
    try:
        body = orjson.loads(error.message)
    except orjson.JSONDecodeError:
        return ""
    return str(body.get("error", "")) if isinstance(body, dict) else ""


def _of_login(error: AuthError, store: str) -> StoreUnavailable:
    union = error.error
    tag = tags(union)[0] if tags(union) else "other"
    if tag == "missing_scope":
        scope = getattr(union.get_missing_scope(), "required_scope", "")
        return StoreUnavailable(
            f"The Dropbox app may not do this: it lacks the permission {scope}.",
            store=store,
            hint=f"Allow it in the app's settings. {_LOGIN}",
        )
    what = {
        "expired_access_token": "has expired",
        "user_suspended": "belongs to a suspended account",
    }.get(tag, "is not accepted")
    return StoreUnavailable(f"The Dropbox login {what} ({tag}).", store=store, hint=_LOGIN)


def _short(error: Exception) -> str:
    """The innermost reason of a network error; the whole chain is of no use to a person,
    and may hold a secret.
    """
    if isinstance(error, ValueError):
        return type(error).__name__
    reason = _innermost(error)
    text = str(reason.args[-1]) if reason.args else ""
    return text.partition(": ")[2] or text or type(reason).__name__


def _innermost(error: BaseException) -> BaseException:
    """What happened to the line, of a network error that holds it in one or more others."""
    inner = getattr(error, "reason", None) or next(iter(error.args), None)
    return _innermost(inner) if isinstance(inner, BaseException) else error
