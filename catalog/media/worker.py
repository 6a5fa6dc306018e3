"""A process that reads files for another one: requests come in on standard input, facts go out on standard output.

Messages are pickles behind a 4-byte length. The process limits its own memory; its parent limits its time by killing
it. Nothing that a hostile file does here can hurt more than this process.
"""

from __future__ import annotations

import os
import pickle
import resource
import struct
import sys
from typing import IO, Any

HEADER = struct.Struct("<I")


def send(stream: IO[bytes], message: Any) -> None:
    """Write one message."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(HEADER.pack(len(data)) + data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one message; EOFError where the other side is gone."""
    (length,) = HEADER.unpack(_read_exactly(stream, HEADER.size))
    return pickle.loads(_read_exactly(stream, length))  # noqa: S301 - both ends are this program


def _read_exactly(stream: IO[bytes], length: int) -> bytes:
    """That many bytes, also from an unbuffered pipe that gives them piece by piece."""
    pieces = []
    while length:
        piece = stream.read(length)
        if not piece:
            raise EOFError
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def limit_memory(extra_bytes: int) -> None:
    """Let the process have this much more address space than it has now; beyond it Python raises MemoryError."""
    with open("/proc/self/statm", "rb") as file:
        pages = int(file.read().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + extra_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def answer(request: Any) -> tuple[str, Any]:
    """("read", Facts or content hash), ("unsupported", reason) or ("unreadable", reason)."""
    from catalog.errors import UnsupportedType
    from catalog.media.extract import read_facts, read_hash

    try:
        return "read", read_hash(request) if request.only_hash else read_facts(request)
    except UnsupportedType as error:
        return "unsupported", str(error)
    except MemoryError:
        return "unreadable", "reading it needs more memory than is allowed"
    except Exception as error:  # a reader must never end the run
        return "unreadable", str(error) or type(error).__name__


def main() -> None:
    """Serve until standard input ends."""
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get between the messages
    import numpy  # noqa: F401
    import PIL.JpegImagePlugin  # noqa: F401

    import catalog.media.extract

    memory = int(sys.argv[1])
    catalog.media.extract.OPTIONAL_READERS = tuple(sys.argv[2:])
    if sys.platform == "linux":
        limit_memory(memory)
    while True:
        try:
            request = receive(requests)
        except EOFError:
            return
        send(replies, answer(request))


if __name__ == "__main__":
    main()
