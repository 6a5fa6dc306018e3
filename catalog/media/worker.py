"""Processes that read files for another one: requests come in on one pipe, facts go out on another.

The first process, the nursery, loads the readers once and then only forks: its children share what
it loaded. Each child limits its own memory; its time is limited by the parent, which has it ended.
Nothing that a hostile file does here can hurt more than one child: none may write a file, but for
those of a run that makes some in a folder of its own, or, as far as the system can see to it, use
the network (`confinement`), and what it answers is JSON of a shape that is checked (`messages`).
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from catalog.media.confinement import confine
from catalog.media.messages import HEADER, Answer, convert, length_of, pack, unpack
from catalog.media.request import Request

if TYPE_CHECKING:
    from catalog.media.optional import OptionalReaders

ORDER = struct.Struct("<ci")
FORK, END = b"F", b"E"
"""Orders to the nursery: fork a child for the two descriptors sent along;
end the child with this process id.
"""


def receive(stream: IO[bytes]) -> Request:
    """Read one request; EOFError where the other side is gone."""
    length = length_of(_read_exactly(stream, HEADER.size))
    return convert(Request, unpack(_read_exactly(stream, length)))


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


def answer(request: Request, optional: OptionalReaders) -> Answer:
    """`read` with Facts, Digests, preview, Clip or Scaled; `unsupported` or `unreadable` with the
    reason.

    Of a file that was fetched in part also `wanted` with ranges: what must be there before it can
    be told.
    """
    from catalog.errors import UnsupportedType
    from catalog.media.extract import Wanting, read_facts, read_hash
    from catalog.media.previews import read_preview
    from catalog.media.video.probe import read_streams

    read: Callable[[Any], Any] = partial(read_facts, optional=optional)
    if request.scaling is not None:
        from catalog.media.scaling.scaler import scale

        read = scale
    elif request.streams:
        read = read_streams
    elif request.preview or request.only_hash:
        read = read_preview if request.preview else read_hash
    try:
        return Answer("read", read(request))
    except Wanting as wanting:
        return Answer("wanted", wanting.ranges)
    except UnsupportedType as error:
        return Answer("unsupported", str(error))
    except MemoryError:
        return Answer("unreadable", "reading it needs more memory than is allowed")
    except Exception as error:  # a reader must never end the run
        return Answer("unreadable", str(error) or type(error).__name__)


def limit_memory(extra_bytes: int) -> None:
    """Let the process have this much more address space than it has now;
    beyond it Python raises MemoryError.
    """
    with open("/proc/self/statm", "rb") as file:
        pages = int(file.read().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + extra_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def serve(requests: int, replies: int, memory: int, optional_readers: Sequence[str]) -> None:
    """Answer requests from one descriptor on the other until they end."""
    from catalog.media.optional import OptionalReaders

    if sys.platform == "linux":
        limit_memory(memory)
    with (
        open(requests, "rb", buffering=0) as incoming,
        open(replies, "wb") as outgoing,
        OptionalReaders(optional_readers) as optional,
    ):
        while True:
            try:
                outgoing.write(pack(answer(receive(incoming), optional)))
                outgoing.flush()
            except (EOFError, BrokenPipeError):
                return


def tend(orders: socket.socket, memory: int, optional_readers: Sequence[str]) -> None:
    """The nursery: fork and end children as ordered, answering with a process id or an exit status,
    until orders end.
    """
    while True:
        data, descriptors, _flags, _address = socket.recv_fds(orders, ORDER.size, 2)
        if len(data) < ORDER.size:
            return
        order, pid = ORDER.unpack(data)
        if order == END:
            os.kill(pid, signal.SIGKILL)
            orders.sendall(ORDER.pack(END, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))
            continue
        child = os.fork()
        if child == 0:
            orders.close()
            try:
                serve(descriptors[0], descriptors[1], memory, optional_readers)
            finally:
                os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)
        orders.sendall(ORDER.pack(FORK, child))


def _keep_compiled(folder: Path) -> None:
    """Compile the readers that no installation has compiled: their processes cannot keep that."""
    import py_compile
    from importlib.util import cache_from_source

    for path in folder.rglob("*.py"):
        if not os.path.exists(cache_from_source(os.fspath(path))):  # noqa: PTH110 - one look
            try:
                py_compile.compile(os.fspath(path))
            except OSError:
                return


def main() -> None:
    """Load the readers, then tend the nursery.

    The arguments: the descriptor of its socket, bytes of memory for each child, the folder that
    these may write in ("" for none), and the optional readers that they may ask.
    """
    import PIL.AvifImagePlugin
    import PIL.JpegImagePlugin
    import PIL.PngImagePlugin
    import PIL.WebPImagePlugin  # noqa: F401

    import catalog.media.extract
    import catalog.media.stills

    _keep_compiled(Path(__file__).parent)
    writable = sys.argv[3]
    if writable:
        import catalog.media.scaling.scaler  # noqa: F401
    confine([writable] if writable else [])
    gc.collect()
    gc.freeze()  # what is loaded stays where it is, so that the children go on sharing it
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        tend(orders, int(sys.argv[2]), sys.argv[4:])


if __name__ == "__main__":
    main()
