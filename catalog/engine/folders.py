"""Where the node lives, which user id it runs under, and who owns which folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import psutil  # type: ignore[import-untyped, unused-ignore]

from catalog.engine.failures import SPACE_HINT, system_errors
from catalog.errors import ConfigError, NodeError

HOME_VARIABLE = "CATALOG_NODE_HOME"
FIRST_UID = 47423
NODE_FOLDERS = ("config", "data", "logs", "run", "snapshots", "tmp")


@dataclass(frozen=True)
class UserId:
    """The user id the node runs under; None means the caller's own."""

    uid: int | None = None

    @property
    def groups(self) -> list[int] | None:
        """Supplementary groups for a child process: none when the user id is changed."""
        return None if self.uid is None else []


def default_home() -> Path:
    """`$CATALOG_NODE_HOME`, else the user's data folder; for root a folder below /var/lib,
    since others cannot enter /root.

    A root with another HOME (or XDG_DATA_HOME) has another node, as any other user would.
    """
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return Path(named).expanduser()
    data = platformdirs.user_data_path("image-catalog")
    if not is_root():
        return data / "node"
    usual = data.is_relative_to("/root")
    name = "node" if usual else f"node-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}"
    return Path("/var/lib/image-catalog") / name


def is_root() -> bool:
    """Whether this process runs as root, which Elasticsearch refuses."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def make_home(home: Path) -> None:
    """Create the home folder: 0700 for a user; as root 0755, and so its new parents,
    for the node to pass through.
    """
    mode = 0o755 if is_root() else 0o700
    with system_errors("create the folder", home):
        missing = [folder for folder in (home, *home.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=mode, exist_ok=True)
            folder.chmod(mode)
        if not home.is_dir():
            raise NodeError(
                f"{home} is a file, not a folder.",
                hint=f"Choose another folder with {HOME_VARIABLE}.",
            )
        with tempfile.TemporaryFile(dir=home):
            pass


def check_writable(places: Mapping[Path, str]) -> None:
    """Raise ConfigError, once for all, where folders can be neither written to nor made.

    `places` says of each by what variable another one is named.
    """
    shut = {folder: variable for folder, variable in places.items() if not is_writable(folder)}
    if shut:
        raise ConfigError(
            f"Nothing can be written to {' and '.join(map(str, shut))}.",
            hint=f"Let HOME be a folder that can be written to, or name others with "
            f"{' and '.join(shut.values())}.",
        )


def is_writable(folder: Path) -> bool:
    """Whether this user may make files in a folder, or the folder itself; that something else lies
    there is for others to tell.
    """
    effective = os.access in os.supports_effective_ids
    for above in (folder, *folder.parents):
        try:
            is_folder = stat.S_ISDIR(above.stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return False
        return not is_folder or os.access(above, os.W_OK | os.X_OK, effective_ids=effective)
    return False


def choose_account(home: Path) -> UserId:
    """The caller; for root the owner of the existing data folder,
    else a user id that nobody has.
    """
    if not is_root():
        return UserId()
    data = home / "data"
    if data.is_dir() and data.stat().st_uid != 0:
        return UserId(data.stat().st_uid)
    uid = FIRST_UID
    while _somebody(uid):
        uid += 1
    return UserId(uid)


def _somebody(uid: int) -> bool:
    import grp
    import pwd

    for lookup in (pwd.getpwuid, grp.getgrgid):
        try:
            lookup(uid)
        except KeyError:
            continue
        return True
    return False


def make_node_folders(home: Path, account: UserId) -> None:
    """Create the folders the node writes to, 0700 and owned by its user id;
    repair the owner after a copy by root.
    """
    for name in NODE_FOLDERS:
        folder = home / name
        with system_errors("prepare the folder", folder):
            folder.mkdir(mode=0o700, exist_ok=True)
            if account.uid is not None and folder.stat().st_uid != account.uid:
                give(folder, account.uid)
            folder.chmod(0o700)
    if account.uid is not None and not can_execute(home / "run", account):
        raise NodeError(
            f"The user id {account.uid}, under which Elasticsearch runs for root, cannot enter "
            f"{home}.",
            hint=f"Choose a folder whose parents others may pass through, with {HOME_VARIABLE}.",
        )


def give(folder: Path, uid: int) -> None:
    """Make a user id the owner of a folder and of all in it."""
    os.chown(folder, uid, uid)
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            os.chown(Path(parent, name), uid, uid, follow_symlinks=False)


def can_execute(path: Path, account: UserId) -> bool:
    """Whether the node's user may run (or, a folder, enter) `path`; asked of the system,
    by a process of that user.
    """
    shell = shutil.which("sh") or "/bin/sh"
    try:
        done = subprocess.run(
            [shell, "-c", 'test -x "$1"', "sh", str(path)],
            user=account.uid,
            group=account.uid,
            extra_groups=account.groups,
            cwd="/",
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except OSError as error:
        raise NodeError(
            f"Root cannot run a program under the user id {account.uid}: "
            f"{error.strerror or error}.",
            hint="Run the catalog as an ordinary user, or name an Elasticsearch with "
            "CATALOG_ELASTICSEARCH_URL.",
        ) from error
    return done.returncode == 0


def require_space(folder: Path, needed_mb: int, purpose: str) -> None:
    """Raise when the file system of `folder` has less than `needed_mb` MB free."""
    with system_errors("look at", folder):
        free_mb = shutil.disk_usage(folder).free // 1_000_000
    if free_mb < needed_mb:
        raise NodeError(
            f"The disk is full: {purpose} needs {needed_mb} MB in {folder}, {free_mb} MB are free.",
            hint=SPACE_HINT,
        )


def require_memory(heap_mb: int) -> None:
    """Raise when a node with this heap would not fit into the memory that is available now."""
    needed, available = heap_mb + 300, available_memory_mb()
    if available < needed:
        raise NodeError(
            f"Not enough memory: Elasticsearch with engine_heap_mb = {heap_mb} needs {needed} MB, "
            f"{available} MB are available.",
            hint="Close other programs, or lower the setting engine_heap_mb (192 serves a small "
            "catalog).",
        )


def available_memory_mb() -> int:
    """Memory that can be had without swapping,
    also when a control group (a container) allows less than the machine has.
    """
    available = int(psutil.virtual_memory().available)
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        available = min(available, limit - used + int(stat.get("inactive_file", 0)))
    except (OSError, ValueError):
        pass  # no version 2 control group, or no limit ("max")
    return available // 1_000_000
