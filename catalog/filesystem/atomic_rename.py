"""Giving a finished file its name, atomically and never over another file."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM)
Folder = int | None
"""An open folder that a name is one of; None where it is a path of the system."""


def rename_without_overwriting(
    source: str, target: str, source_folder: Folder = None, target_folder: Folder = None
) -> None:
    """Rename a file to a name that must be free. Raises FileExistsError where it is taken.

    Linux can say so in one call; elsewhere, and on file systems that refuse it, a hard link does
    the same, and where there are no hard links either (exFAT) the name is reserved by an empty file
    first.
    """
    if _rename_noreplace(source, target, source_folder, target_folder):
        return
    folders = {"src_dir_fd": source_folder, "dst_dir_fd": target_folder}
    try:
        os.link(source, target, **folders, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (*_UNSUPPORTED, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        _reserve_and_replace(source, target, source_folder, target_folder)
    else:
        os.unlink(source, dir_fd=source_folder)


def _rename_noreplace(
    source: str, target: str, source_folder: Folder, target_folder: Folder
) -> bool:
    """Whether renameat2(2) with RENAME_NOREPLACE did it; False where it is not to be had."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    before, after = (_AT_FDCWD if f is None else int(f) for f in (source_folder, target_folder))
    arguments = (before, os.fsencode(source), after, os.fsencode(target), _RENAME_NOREPLACE)
    if renameat2(*arguments) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), target)


def _reserve_and_replace(
    source: str, target: str, source_folder: Folder, target_folder: Folder
) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    os.close(os.open(target, flags, dir_fd=target_folder))
    try:
        os.replace(source, target, src_dir_fd=source_folder, dst_dir_fd=target_folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(target, dir_fd=target_folder)
        raise
