"""Every error of the program, with the exit status it ends a run with. Imports nothing.

An error that concerns one file does not end a run: the run goes on and ends with SOME_FAILED.

CatalogError ├── UsageError (2)             ConfigError, SecretUnavailable (5) ├── UnknownKind (2)
├── StoreError (1)
NotFound, AlreadyExists, PermissionDenied, StoreFull, InvalidPath, │
ReadOnlyStore, FixityMismatch, Interrupted (130), StoreUnavailable (5) ├── CatalogIndexError (1)
IndexUnavailable (5), AccessDenied (5), SchemaMismatch, DocumentConflict, │
QuerySyntaxError (2), NoCatalog (2), AssetNotFound ├── NodeError (5)              the local
Elasticsearch could not be had or started ├── MediaError (1)             UnreadableMedia,
UnsupportedType, GaveUp, ConversionFailed ├── PlanRefused (4)            SourceInsideCatalog,
StoreGuard, LinkedFolder, UnknownCatalog, ConfirmationNeeded, CatalogNotEmpty ├── TransferError
(1)          an export or backup that cannot be written or read └── JournalError (1)
"""

from __future__ import annotations

DONE = 0
SOME_FAILED = 3
INTERRUPTED = 130


def exit_status(problems: int) -> int:
    """The exit status of what came to its end, with so many files that have a problem."""
    return SOME_FAILED if problems else DONE


class CatalogError(Exception):
    """Something a person can act on: what happened, where, why, and what to do next.

    `hint` says what to do next; `str(error)` is one line that ends with it.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        message = (
            self.message
            if not self.hint or self.message.endswith((".", "!", "?", ":"))
            else f"{self.message}."
        )
        return " ".join(part for part in (message, self.hint) if part)


def reason_kind(error: type[CatalogError]) -> str:
    """The keyword of an error in the history, by which reasons are counted:
    `fixity_mismatch` for FixityMismatch.

    Classes are renamed with care: what was told before keeps its word.
    """
    return "".join(
        f"_{letter.lower()}" if letter.isupper() else letter for letter in error.__name__
    ).lstrip("_")


class UsageError(CatalogError):
    """The command was called with words that do not fit."""

    exit_code = 2


class ConfigError(UsageError):
    """A setting is unknown, ill-typed or missing."""


class SecretUnavailable(ConfigError):
    """A secret is kept where it cannot be had now: in a Vault that is sealed, away or refuses."""

    exit_code = 5


class UnknownKind(CatalogError):
    """A store is of a kind that this program does not know."""

    exit_code = 2


class StoreError(CatalogError):
    """A storage location refused or failed; `store` and `path` say where."""

    def __init__(self, message: str, *, store: str = "", path: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.store = store
        self.path = path


class NotFound(StoreError):
    """No such path in the store."""


class AlreadyExists(StoreError):
    """The target path is taken; nothing is ever overwritten."""


class PermissionDenied(StoreError):
    """The system does not let this user read or write there."""


class StoreFull(StoreError):
    """No space or quota is left; going on would fail for every file."""


class InvalidPath(StoreError):
    """A name the store cannot hold, or a path that leaves its root."""


class ReadOnlyStore(StoreError):
    """The store cannot be written to."""


class FixityMismatch(StoreError):
    """The bytes written or read are not the bytes expected."""


class Interrupted(StoreError):
    """The run is to end: what was being done with a file was given up,
    and nothing of it is left behind.
    """

    exit_code = INTERRUPTED


class StoreUnavailable(StoreError):
    """The store's root is missing, unmounted or unreachable."""

    exit_code = 5


FATAL = (StoreFull, ReadOnlyStore, StoreUnavailable)
"""Errors of a store that the next file would meet as well: the run stops, and nothing is lost."""


class CatalogIndexError(CatalogError):
    """The index refused a request; `status` and `kind` are Elasticsearch's answer (HTTP status,
    type of its error), if any.
    """

    def __init__(self, message: str, *, hint: str = "", status: int = 0, kind: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.kind = kind


class IndexUnavailable(CatalogIndexError):
    """Elasticsearch cannot be reached."""

    exit_code = 5


class AccessDenied(CatalogIndexError):
    """Elasticsearch refused the user, password or key."""

    exit_code = 5


class SchemaMismatch(CatalogIndexError):
    """The index is not ours, or was made by a newer version."""


class DocumentConflict(CatalogIndexError):
    """Another program changed the document first."""


class QuerySyntaxError(CatalogIndexError):
    """A search that cannot be understood; `position` is the 0-based spot in the text, or None."""

    exit_code = 2

    def __init__(self, message: str, *, position: int | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.position = position


class NoCatalog(CatalogIndexError):
    """There is no index of that name yet."""

    exit_code = 2


class AssetNotFound(CatalogIndexError):
    """Nothing in the catalog has this hash or path."""


class NodeError(CatalogError):
    """The program's own Elasticsearch node could not be had, started or stopped."""

    exit_code = 5


class MediaError(CatalogError):
    """One file could not be read as a photo or video."""


class UnreadableMedia(MediaError):
    """The file's bytes cannot be had, or are no picture or video of the type they claim."""


class UnsupportedType(MediaError):
    """Not a photo or video this program knows."""


class GaveUp(MediaError):
    """Reading took longer, or needed more memory, than is allowed."""


class ConversionFailed(MediaError):
    """A video could not be converted, or what was made of it is not what it should be;
    nothing of it is kept.
    """


class PlanRefused(CatalogError):
    """A guard stopped the run before anything was changed."""

    exit_code = 4


class SourceInsideCatalog(PlanRefused):
    """The folder to upload lies inside the catalog, or the catalog inside it."""


class StoreGuard(PlanRefused):
    """The store is not the one the catalog knows, or is not there."""


class UnknownCatalog(StoreGuard):
    """The marker of a store names a catalog that this index does not know."""


class LinkedFolder(StoreGuard):
    """A folder of the catalog's own in a store is a symbolic link, which may lead anywhere."""


class ConfirmationNeeded(PlanRefused):
    """The run would do something that a person must agree to."""


class CatalogNotEmpty(PlanRefused):
    """What would be restored is to take the place of a catalog that holds something."""


class TransferError(CatalogError):
    """An export or a backup cannot be written, or is not one that can be read."""


class JournalError(CatalogError):
    """The journal cannot be written; without it nothing is changed."""
