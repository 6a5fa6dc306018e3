"""What lies around every call of an emulator: its latency, its faults, and the log of calls."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from .faults import Effect, Fault, FaultPlan, flip
from .messages import Body, Cut, Reply, Request

Work = Callable[[Request], Awaitable[Reply]]


class Made(NamedTuple):
    """A call that was answered; status 0 = its connection was cut before a reply."""

    route: str
    argument: Any
    status: int


class Calls(list[Made]):
    """The calls so far, in the order of their replies."""

    def count(self, route: str) -> int:  # type: ignore[override]
        """How many calls of a route, which may be a glob."""
        return sum(fnmatchcase(one.route, route) for one in list(self))


class Asked(NamedTuple):
    """A call before it is answered: its route, what the log keeps of it, and the path by which
    faults know it.
    """

    route: str
    argument: Any
    path: str | None


@dataclass
class _Postponed:
    """Work that goes on behind a reply that was given already."""

    request: Request
    work: Work
    calls: int


@dataclass
class Traffic(ABC):
    """The calls of one emulator."""

    faults: FaultPlan
    latency: float = 0.0
    calls: Calls = field(default_factory=Calls)
    under_way: int = 0
    peak: int = 0
    _postponed: list[_Postponed] = field(default_factory=list)

    @abstractmethod
    def refusal(self, fault: Fault) -> Reply:
        """The reply a fault wants instead of the work."""

    async def around(self, request: Request, asked: Asked, work: Work) -> Reply:
        """The reply to a call, with what latency and faults make of it; raises `Cut`."""
        request.effect = self.faults.effect(asked.route, asked.path)
        self.under_way += 1
        self.peak = max(self.peak, self.under_way)
        try:
            reply = await self._shaped(request, work)
        except Cut:
            self.calls.append(Made(asked.route, asked.argument, 0))
            raise
        finally:
            self.under_way -= 1
        self.calls.append(Made(asked.route, asked.argument, reply.status))
        return reply

    async def _shaped(self, request: Request, work: Work) -> Reply:
        effect = request.effect
        if self.latency + effect.delay:
            await asyncio.sleep(self.latency + effect.delay)
        await self._go_on()
        cut = effect.get("cut_request")
        request.body = Body(_shaped_body(request.body, effect), request.body.length)
        if cut is not None:
            async for _ in request.body:
                pass
            raise Cut
        made, late = effect.get("status") or effect.get("error"), effect.get("late")
        if made is not None:
            reply = self.refusal(made)
        elif self._goes_on(request):
            reply = self.refusal(Fault("status", status=423))
        elif late is not None:
            reply = await self._postpone(request, work, late)
        else:
            reply = await work(request)
        return _shaped_reply(reply, effect)

    async def _postpone(self, request: Request, work: Work, late: Fault) -> Reply:
        data = await request.body.read()
        request.body = Body.of(data)
        if late.after >= 0:
            self._postponed.append(_Postponed(request, work, late.after))
        return self.refusal(Fault("status", status=late.status or 504))

    async def _go_on(self) -> None:
        """Do the postponed work whose time has come; one call has passed."""
        due = [one for one in self._postponed if one.calls <= 0]
        self._postponed = [one for one in self._postponed if one.calls > 0]
        for one in self._postponed:
            one.calls -= 1
        for one in due:
            await one.work(one.request)

    def _goes_on(self, request: Request) -> bool:
        return any(
            (one.request.method, one.request.target) == (request.method, request.target)
            for one in self._postponed
        )


async def _shaped_body(body: Body, effect: Effect) -> AsyncIterator[bytes]:
    """The request's body as the faults let it through."""
    cut, rate = effect.get("cut_request"), effect.rate("request")
    corrupt, stall = effect.towards("corrupt", "request"), effect.towards("stall", "request")
    place = 0
    async for chunk in body:
        if corrupt is not None:
            chunk = flip(chunk, corrupt, place, body.length or 1)
        place += len(chunk)
        if rate:
            await asyncio.sleep(len(chunk) / rate)
        if stall is not None and place >= (stall.bytes or 0):
            await asyncio.sleep(stall.seconds or 0.0)
            stall = None
        if cut is not None and place >= (cut.bytes or 0):
            raise Cut
        yield chunk


def _shaped_reply(reply: Reply, effect: Effect) -> Reply:
    """The reply as the faults let it out."""
    corrupt, stall = effect.towards("corrupt", "reply"), effect.towards("stall", "reply")
    if corrupt is not None:
        reply.body = _corrupted(reply.body, corrupt, reply.size)
    cut = effect.get("cut_reply") or stall
    if cut is not None:
        reply.cut = -1 if cut.bytes is None else cut.bytes
    if stall is not None and cut is stall:
        reply.stall = stall.seconds
    reply.rate = effect.rate("reply")
    return reply


def _corrupted(chunks: Iterator[bytes], corrupt: Fault, size: int) -> Iterator[bytes]:
    place = 0
    for chunk in chunks:
        yield flip(chunk, corrupt, place, size)
        place += len(chunk)
