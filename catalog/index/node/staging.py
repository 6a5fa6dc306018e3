"""A folder where the node may read and write backups, for one program at a time; nothing stays in it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from catalog.errors import TransferError
from catalog.index.node.failures import system_errors
from catalog.index.node.folders import choose_account, give

_LOCK_SECONDS = 600.0
_PREFIX = "transfer-"


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the right to back up or restore the node of a home folder; the system frees it when its holder dies."""
    lock = FileLock(home / "transfer.lock")
    with system_errors("lock", home / "transfer.lock"):
        try:
            lock.acquire(timeout=_LOCK_SECONDS, poll_interval=0.2)
        except Timeout as error:
            raise TransferError(
                f"Another program backs up or restores the node in {home}.", hint="Wait for it, then run the command again."
            ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def staged(home: Path, content: Path | None = None) -> Iterator[Path]:
    """A path below the node's `path.repo`, with a copy of `content` there, if any is given; removed afterwards.

    What a killed program has left there goes first. The caller holds the lock.
    """
    place = home / "snapshots"
    with system_errors("clear", place):
        for left in place.glob(f"{_PREFIX}*"):
            shutil.rmtree(left)
    path = place / f"{_PREFIX}{secrets.token_hex(6)}"
    try:
        if content is not None:
            with system_errors("copy the backup to", path):
                shutil.copytree(content, path, copy_function=shutil.copyfile)
                account = choose_account(home)
                if account.uid is not None:
                    give(path, account.uid)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def copy_durably(source: Path, target: Path) -> None:
    """Copy a folder for the caller to own; every byte of it is on the disk afterwards."""
    target.mkdir()
    for parent, folders, files in os.walk(source):
        here = target / Path(parent).relative_to(source)
        for name in folders:
            (here / name).mkdir()
        for name in files:
            with Path(parent, name).open("rb") as read, (here / name).open("xb") as write:
                shutil.copyfileobj(read, write, 2**20)
                write.flush()
                os.fsync(write.fileno())
