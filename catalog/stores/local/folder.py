"""The folder that a store is: whether it is there, and our errors for the system's."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from catalog.domain.names import to_text
from catalog.errors import (
    CatalogError,
    InvalidPath,
    NotFound,
    PermissionDenied,
    ReadOnlyStore,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from catalog.filesystem.beneath import LinkOnTheWay
from catalog.filesystem.tree import Tree, release_held
from catalog.stores.paths import OWN_FOLDERS, PRIVATE, link_refused


@dataclass(frozen=True, slots=True)
class StoreFolder:
    """A folder, and the name of the store that it is.

    `tree` is what lies beneath it: every file is reached by that.
    """

    store: str
    tree: Tree

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.tree.path

    def check(self) -> None:
        """Raise StoreUnavailable where it is not there, or is another one than it was."""
        if not self.tree.is_there():
            raise StoreUnavailable(
                f"The folder {self.path} of store {self.store} is not there.",
                store=self.store,
                hint="Is it mounted?",
            )

    @contextlib.contextmanager
    def failing_at(self, path: str) -> Iterator[None]:
        """Raise our error for what the system says of a file."""
        try:
            yield
        except OSError as error:
            raise self.failure(error, path) from error

    def failure(self, error: OSError, path: str) -> CatalogError:
        """Our error for the system's; a file that is not there may be a root that went away."""
        release_held(error)
        if isinstance(error, FileNotFoundError):
            self.check()
        if isinstance(error, LinkOnTheWay):
            return self._link_refused(error.link, path)
        return _translated(error, self.store, path)

    def _link_refused(self, link: str, path: str) -> CatalogError:
        if link in OWN_FOLDERS or path == PRIVATE:
            return link_refused(self.path, link or path)
        where = to_text(link)
        if not link:
            told = f"{path} in store {self.store} lay behind a symbolic link a moment ago."
        elif where == path:
            told = f"{path} in store {self.store} is a symbolic link."
        else:
            told = f"{path} lies behind the symbolic link {where} of store {self.store}."
        hint = "Links are not followed: put a folder in its place, or mount one there."
        return InvalidPath(told, store=self.store, path=path, hint=hint)


def _translated(error: OSError, store: str, path: str) -> StoreError:
    """Our error for the system's."""
    reason = error.strerror or str(error)
    if error.errno == errno.EXDEV:
        return StoreError(
            f"{path} would lie on another disk than the root of store {store}.",
            store=store,
            path=path,
            hint="A store lies on one file system: replace the link or the mount in it.",
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(
            f"Store {store} is full: {path} was not written.",
            store=store,
            path=path,
            hint="Make room and run the command again; it goes on where it stopped.",
        )
    if error.errno == errno.EROFS:
        return ReadOnlyStore(
            f"Store {store} is mounted read-only.",
            store=store,
            path=path,
            hint="Mount it for writing.",
        )
    if isinstance(error, PermissionError):
        return PermissionDenied(
            f"No permission for {path} in store {store}.",
            store=store,
            path=path,
            hint="Check the owner and mode of the folder.",
        )
    if isinstance(error, FileNotFoundError):
        return NotFound(f"{path} is not in store {store}.", store=store, path=path)
    if error.errno in (
        errno.ESTALE,
        errno.ENOTCONN,
        errno.EHOSTDOWN,
        errno.ENODEV,
        errno.ETIMEDOUT,
    ):
        return StoreUnavailable(
            f"Store {store} went away ({reason}).", store=store, path=path, hint="Is it mounted?"
        )
    if error.errno in (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.ELOOP):
        return InvalidPath(
            f"Store {store} does not take the name {path} ({reason}).", store=store, path=path
        )
    return StoreError(f"Store {store} failed at {path} ({reason}).", store=store, path=path)
