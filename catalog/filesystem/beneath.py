"""Opening what lies beneath an open folder, without following a link on the way.

Linux does it in one call (openat2(2), since 5.6). Elsewhere, and where a sandbox refuses that call,
each part of the path is opened by itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import sys
from functools import cache

PLACE = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
"""How a folder is opened to act in it: where the system can, without the right to list it."""
LISTED = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
"""How a folder is opened to be listed, locked or brought to the disk."""
_OPENAT2 = 437
"""The number of the system call, the same on every architecture that Python runs on but Alpha."""
_NO_MAGIC_LINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08


class LinkOnTheWay(OSError):
    """A part of a path is a symbolic link; `link` is the path up to it, "" where it is none any
    more.
    """

    def __init__(self, link: str) -> None:
        super().__init__(errno.ELOOP, "a symbolic link, which is not followed", link)
        self.link = link


class Descriptor(int):
    """An open descriptor, closed when nobody holds it any more, or at the end of a `with`.

    It is a number, so that what is given it holds it while it is used.
    """

    _is_ours = True

    def release(self) -> int:
        """The number, which is the caller's to close from now on."""
        self._is_ours = False
        return int(self)

    def __enter__(self) -> Descriptor:
        return self

    def __exit__(self, *_exception: object) -> None:
        os.close(self.release())

    def __del__(self) -> None:
        if self._is_ours:
            try:  # noqa: SIM105 - this is done for every file
                os.close(self)
            except OSError:
                pass


class _How(ctypes.Structure):
    """`struct open_how` of openat2(2)."""

    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def open_beneath(folder: int, path: str, flags: int) -> Descriptor:
    """Open what lies at a path beneath an open folder; "" is the folder itself.

    Raises LinkOnTheWay, OSError.
    """
    if path.startswith("/") or (".." in path and ".." in path.split("/")):
        raise OSError(errno.EXDEV, "not beneath the folder", path)
    if not path:
        return Descriptor(os.open(".", flags, dir_fd=folder))
    try:
        descriptor = _open_at_once(folder, path, flags) if has_openat2() else None
        if descriptor is None:
            descriptor = _open_by_parts(folder, path.split("/"), flags)
        return descriptor
    except OSError as error:
        link = (
            _find_link(folder, path.split("/"))
            if error.errno in (errno.ELOOP, errno.ENOTDIR)
            else ""
        )
        if link or error.errno == errno.ELOOP:
            raise LinkOnTheWay(link) from error
        raise


@cache
def has_openat2() -> bool:
    """Whether the system opens a path beneath a folder in one call."""
    if sys.platform != "linux":
        return False
    here = Descriptor(os.open("/", PLACE))
    try:
        return _open_at_once(here, ".", PLACE) is not None
    except OSError:
        return False


def _open_at_once(folder: int, path: str, flags: int) -> Descriptor | None:
    """By openat2(2); None where something moved so that the system cannot say."""
    call, how = _syscall(), _how(flags)
    while True:
        number = call(_OPENAT2, folder, os.fsencode(path), how, _HOW_BYTES)
        if number >= 0:
            return Descriptor(number)
        reason = ctypes.get_errno()
        if reason == errno.EAGAIN:
            return None
        if reason != errno.EINTR:
            raise OSError(reason, os.strerror(reason), path)


_HOW_BYTES = ctypes.sizeof(_How)


@cache
def _how(flags: int) -> ctypes.Array[ctypes.c_char]:
    """The structure that asks to open so, as bytes that stay."""
    how = _How(flags | os.O_NOFOLLOW, 0, _BENEATH | _NO_SYMLINKS | _NO_MAGIC_LINKS)
    return ctypes.create_string_buffer(bytes(how), _HOW_BYTES)


@cache
def _syscall() -> ctypes._NamedFuncPointer:
    function = ctypes.CDLL(None, use_errno=True).syscall
    function.restype = ctypes.c_long
    function.argtypes = (
        ctypes.c_long,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_void_p,
        ctypes.c_size_t,
    )
    return function


def _open_by_parts(folder: int, parts: list[str], flags: int) -> Descriptor:
    for part in parts[:-1]:
        folder = _open_part(folder, part, PLACE)
    return _open_part(folder, parts[-1], flags)


def _open_part(folder: int, part: str, flags: int) -> Descriptor:
    return Descriptor(os.open(part or ".", flags | os.O_NOFOLLOW, dir_fd=folder))


def _find_link(folder: int, parts: list[str]) -> str:
    """The path up to the first part that is a link, or ""."""
    with contextlib.suppress(OSError):
        for count, part in enumerate(parts, 1):
            status = os.stat(part or ".", dir_fd=folder, follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                return "/".join(parts[:count])
            if count < len(parts):
                folder = _open_part(folder, part, PLACE)
    return ""
