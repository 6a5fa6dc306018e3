"""A port on loopback, and what comes over it: HTTP/1.1 by h11."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Protocol

import h11

from .messages import Body, Cut, Reply, Request, plain

READ = 256 * 1024
_LOG = logging.getLogger(__name__)
_MAX_HEAD = 2 * 1024 * 1024
_ERRORS = (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, TimeoutError, OSError)


class Handler(Protocol):
    """What answers requests."""

    async def handle(self, request: Request) -> Reply:
        """The reply; raises `Cut` where a fault drops the connection."""


class Listener:
    """Accepts connections and answers their requests one after another,
    the connections side by side.
    """

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        self._handler = handler
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None

    def listen(self, port: int) -> int:
        """Bind to loopback; 0 = any free port. Returns the port."""
        listener = socket.create_server(("127.0.0.1", port), backlog=128)
        listener.setblocking(False)
        self._listener = listener
        self._accepting = asyncio.get_running_loop().create_task(self._accept(listener))
        return int(listener.getsockname()[1])

    async def close(self) -> None:
        """Accept nothing more and end every connection."""
        assert self._listener is not None and self._accepting is not None
        for task in (self._accepting, *self._tasks):
            task.cancel()
        await asyncio.gather(self._accepting, *self._tasks, return_exceptions=True)
        self._listener.close()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            accepted, _ = await loop.sock_accept(listener)
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = loop.create_task(self._connection(accepted))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connection(self, accepted: socket.socket) -> None:
        try:
            with suppress(*_ERRORS):
                if not await self._prepare(accepted):
                    return
                loop = asyncio.get_running_loop()
                reader = asyncio.StreamReader(limit=READ, loop=loop)
                protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
                transport, _ = await loop.connect_accepted_socket(
                    lambda: protocol, accepted, ssl=self._tls
                )
                writer = asyncio.StreamWriter(transport, protocol, reader, loop)
                try:
                    await Connection(self._handler, reader, writer).serve()
                finally:
                    transport.abort()
        finally:
            accepted.close()

    async def _prepare(self, accepted: socket.socket) -> bool:
        """What comes before HTTP; False when the connection is of no more use."""
        return True


class Connection:
    """One HTTP connection.

    Heads and bodies without a length go through h11; a body with a length goes past it, since h11
    copies what comes several times, and the next request begins with a new state.
    """

    def __init__(
        self, handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._handler = handler
        self._reader = reader
        self._writer = writer
        self._http = _new_state()
        self._is_counted = False
        self._rest = b""

    async def serve(self) -> None:
        """Answer requests until the client or an error ends the connection."""
        try:
            while True:
                event = await self._next()
                if not isinstance(event, h11.Request):
                    return
                await self._answer(event)
                if self._http.our_state is h11.MUST_CLOSE or self._http.our_state is h11.CLOSED:
                    break
                if not self._is_counted:
                    self._http.start_next_cycle()
                    continue
                self._http = _new_state()
                if self._rest:
                    self._http.receive_data(self._rest)
        except (Cut, h11.RemoteProtocolError):
            return
        self._writer.close()
        await self._writer.wait_closed()

    async def _next(self) -> h11.Event | type[h11.PAUSED]:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event  # type: ignore[return-value]
            self._acknowledge()
            self._http.receive_data(await self._reader.read(READ))

    def _acknowledge(self) -> None:
        """Send TCP acknowledgements at once:
        clients that write head and body apart wait 40 ms for them otherwise.
        """
        connection = self._writer.get_extra_info("socket")  # None once the client is gone
        if hasattr(socket, "TCP_QUICKACK") and connection is not None:
            with suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    async def _answer(self, event: h11.Request) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
        length = int(headers["content-length"]) if "content-length" in headers else None
        if length is None and "transfer-encoding" not in headers:
            length = 0
        self._is_counted = bool(length)
        body = Body(self._counted(length) if length else self._body(), length)
        request = Request(event.method.decode(), event.target.decode("latin-1"), headers, body)
        try:
            reply = await self._handler.handle(request)
        except (Cut, h11.RemoteProtocolError, OSError):
            raise
        except Exception:
            _LOG.exception("%s %s", request.method, request.path)
            reply = plain(500, "The emulator itself is broken; its log says where")
        if not self._http.they_are_waiting_for_100_continue:
            async for _ in body:
                pass
        await self._send(reply, head_only=event.method == b"HEAD")

    async def _body(self) -> AsyncIterator[bytes]:
        await self._welcome()
        while self._http.their_state is h11.SEND_BODY:
            event = await self._next()
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif not isinstance(event, h11.EndOfMessage):
                raise h11.RemoteProtocolError("the client went away")

    async def _counted(self, left: int) -> AsyncIterator[bytes]:
        """A body of so many bytes; what comes after it is kept."""
        await self._welcome()
        data = self._http.trailing_data[0]
        self._acknowledge()
        while True:
            self._rest = data[left:]
            chunk = data[:left] if self._rest else data
            left -= len(chunk)
            if chunk:
                yield chunk
            if not left:
                return
            data = await self._reader.read(READ)
            if not data:
                raise h11.RemoteProtocolError("the client went away")

    async def _welcome(self) -> None:
        if self._http.they_are_waiting_for_100_continue:
            await self._write(
                self._http.send(h11.InformationalResponse(status_code=100, headers=[]))
            )

    async def _send(self, reply: Reply, *, head_only: bool) -> None:
        if reply.cut == -1:
            await self._break(reply)
        headers = [(name, value) for name, value in reply.headers.items()]
        if reply.status not in {204, 304}:
            headers.append(("Content-Length", str(reply.size)))
        if self._http.they_are_waiting_for_100_continue:  # their body may come or not
            headers.append(("Connection", "close"))
        head = self._http.send(h11.Response(status_code=reply.status, headers=headers))
        if head_only or not reply.size:
            await self._write(head + self._http.send(h11.EndOfMessage()), reply)
            return
        sent = 0
        for chunk in reply.body:
            if reply.cut is not None and reply.cut >= 0 and sent + len(chunk) >= reply.cut:
                there, chunk = chunk[: reply.cut - sent], chunk[reply.cut - sent :]
                await self._write(head + self._http.send(h11.Data(data=there)), reply)
                head, sent = b"", sent + len(there)
                await self._break(reply)
            await self._write(head + self._http.send(h11.Data(data=chunk)), reply)
            head = b""
            sent += len(chunk)
        await self._write(self._http.send(h11.EndOfMessage()), reply)

    @staticmethod
    async def _break(reply: Reply) -> None:
        """Nothing moves for a while, once, or the connection is dropped."""
        reply.cut = None
        await asyncio.sleep(reply.stall or 0.01)
        if reply.stall is None:
            raise Cut

    async def _write(self, data: bytes | None, reply: Reply | None = None) -> None:
        if not data:
            return
        if reply is None or reply.rate is None:
            self._writer.write(data)
            await self._writer.drain()
            return
        step = max(1, int(reply.rate / 10))
        for start in range(0, len(data), step):
            self._writer.write(data[start : start + step])
            await self._writer.drain()
            await asyncio.sleep(min(step, len(data) - start) / reply.rate)


def _new_state() -> h11.Connection:
    return h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD)
