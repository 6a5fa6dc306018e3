"""Giving a finished file its name, atomically and never over another file."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM)


def rename_without_overwriting(source: str, target: str) -> None:
    """Rename a file to a name that must be free. Raises FileExistsError where it is taken.

    Linux can say so in one call; elsewhere, and on file systems that refuse it, a hard link does
    the same, and where there are no hard links either (exFAT) the name is reserved by an empty file
    first.
    """
    if _rename_noreplace(source, target):
        return
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (*_UNSUPPORTED, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        _reserve_and_replace(source, target)
    else:
        os.unlink(source)  # noqa: PTH108


def _rename_noreplace(source: str, target: str) -> bool:
    """Whether renameat2(2) with RENAME_NOREPLACE did it; False where it is not to be had."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    arguments = (_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE)
    if renameat2(*arguments) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), target)


def _reserve_and_replace(source: str, target: str) -> None:
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
    try:
        os.replace(source, target)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(target)  # noqa: PTH108
        raise
