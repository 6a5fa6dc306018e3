"""The port: TLS directly, or `CONNECT host:port` and then TLS, both on loopback; HTTP/1.1 by h11.

What a client sends first tells which: 0x16 begins a TLS handshake. So the emulator is its own
CONNECT relay, and `HTTPS_PROXY=http://127.0.0.1:PORT` brings clients with fixed host names here.
Tunnels to hosts that are not Dropbox's are refused with 403.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl

from ..connections import Listener
from .application import Application
from .certificates import is_ours

_TLS = b"\x16"


class Server(Listener):
    """A port for TLS, and for tunnels to it."""

    def __init__(self, application: Application, tls: ssl.SSLContext) -> None:
        super().__init__(application, tls)
        self.refused_tunnels: list[str] = []

    async def _prepare(self, accepted: socket.socket) -> bool:
        """Answer a CONNECT if the client begins with one;
        False when the connection is of no more use.
        """
        first = await _peek(accepted, 1)
        if first == _TLS:
            return True
        head = await _peek_head(accepted)
        loop = asyncio.get_running_loop()
        asked = re.match(rb"CONNECT (\S+):\d+ HTTP/1\.[01]\r\n", head)
        if asked is None:
            if head:
                await loop.sock_sendall(
                    accepted,
                    _brief("400 Bad Request", "This port speaks TLS, or CONNECT and then TLS."),
                )
            return False
        host = asked[1].decode("ascii", "replace")
        if not is_ours(host):
            self.refused_tunnels.append(host)
            await loop.sock_sendall(
                accepted, _brief("403 Forbidden", f"{host} is not a Dropbox host")
            )
            return False
        await loop.sock_recv(accepted, len(head))
        await loop.sock_sendall(accepted, b"HTTP/1.1 200 Connection established\r\n\r\n")
        return bool(await _peek(accepted, 1))


def _brief(status: str, text: str) -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}"
    ).encode()


async def _readable(accepted: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(accepted, end)
    try:
        await ready
    finally:
        loop.remove_reader(accepted)


async def _peek(accepted: socket.socket, count: int) -> bytes:
    """What has come without taking it: at least a byte, or nothing where the client has gone."""
    while True:
        try:
            return accepted.recv(count, socket.MSG_PEEK)
        except BlockingIOError:
            await _readable(accepted)


async def _peek_head(accepted: socket.socket) -> bytes:
    """A request's head with its empty line, without taking it; nothing where there is none."""
    seen = 0
    while True:
        data = await _peek(accepted, 65536)
        end = data.find(b"\r\n\r\n")
        if end >= 0:
            return data[: end + 4]
        if not data or len(data) == 65536:
            return b""
        if len(data) == seen:
            await asyncio.sleep(0.001)
        seen = len(data)
