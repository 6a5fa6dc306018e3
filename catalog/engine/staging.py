"""A folder where the node may read and write backups, for one program at a time;
nothing stays in it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from catalog.engine.failures import system_errors
from catalog.engine.folders import choose_account, give
from catalog.errors import TransferError

_LOCK_SECONDS = 600.0
_PREFIX = "transfer-"


@contextmanager
def lock(home: Path) -> Iterator[None]:
    """Hold the right to back up or restore the node of a home folder;
    the system frees it when its holder dies.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(home / "transfer.lock")
    with system_errors("lock", home / "transfer.lock"):
        try:
            lock.acquire(timeout=_LOCK_SECONDS, poll_interval=0.2)
        except Timeout as error:
            raise TransferError(
                f"Another program backs up or restores the node in {home}.",
                hint="Wait for it, then run the command again.",
            ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def stage(
    home: Path, content: Path | None = None, digests: Mapping[str, str] | None = None
) -> Iterator[Path]:
    """A path below the node's `path.repo`, with a copy of `content` there, if any is given;
    removed afterwards.

    What a killed program has left there goes first. The caller holds the lock. Raises TransferError
    where the copy has not the `digests` that `copied` gave: Elasticsearch never sees a damaged
    backup.
    """
    place = home / "snapshots"
    with system_errors("clear", place):
        for left in place.glob(f"{_PREFIX}*"):
            shutil.rmtree(left)
    path = place / f"{_PREFIX}{secrets.token_hex(6)}"
    try:
        if content is not None:
            with system_errors("copy the backup to", path):
                if copy_folder(content, path) != digests:
                    raise TransferError(
                        f"The backup in {content.parent} is damaged; nothing was changed.",
                        hint="Try another one: `catalog restore DIR --list`.",
                    )
                account = choose_account(home)
                if account.uid is not None:
                    give(path, account.uid)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def copy_folder(source: Path, target: Path) -> dict[str, str]:
    """Copy a folder for the caller to own, to the disk itself: the SHA-256 of every file,
    by its path in the folder.
    """
    target.mkdir()
    digests = {}
    for parent, folders, files in os.walk(source):
        here = target / Path(parent).relative_to(source)
        for name in folders:
            (here / name).mkdir()
        for name in files:
            digests[str((here / name).relative_to(target))] = _copy(Path(parent, name), here / name)
    return digests


def _copy(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("xb") as write:
        while piece := read.read(2**20):
            digest.update(piece)
            write.write(piece)
        write.flush()
        os.fsync(write.fileno())
    return digest.hexdigest()
