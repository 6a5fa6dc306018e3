"""An emulator's life: in a thread of its own for tests, or as a program."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from .faults import Fault, FaultPlan
from .traffic import Calls, Traffic

Rules = FaultPlan | Iterable[Fault | Mapping[str, Any]]
App = TypeVar("App", bound=Traffic)
Result = TypeVar("Result")


class Service(ABC, Generic[App]):
    """One emulator behind one loopback port: `with Emulator(...) as emulator: ...`.

    Everything here may be called from any thread while it runs. `faults` and `latency` (seconds a
    call) may be changed while it runs; `port` is known once it does.
    """

    def __init__(self, port: int, faults: Rules, latency: float) -> None:
        self.port = port
        self._plan = faults if isinstance(faults, FaultPlan) else FaultPlan(faults)
        self._latency = latency
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._app: App | None = None

    @property
    @abstractmethod
    def address(self) -> str:
        """Where clients find it."""

    @abstractmethod
    def _serving(self) -> AbstractAsyncContextManager[App]:
        """Listens on `port`, and sets it, from entering to leaving."""

    # Life

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to serve."""
        started: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(started,), name=type(self).__module__, daemon=True
        )
        self._thread.start()
        started.result()

    def stop(self) -> None:
        """End every connection and close the state."""
        if self._thread is not None and self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._thread = None

    def _run(self, started: Future[None]) -> None:
        try:
            asyncio.run(self.serve(lambda: started.set_result(None)))
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    async def serve(self, ready: Callable[[], None]) -> None:
        """Serve in the running loop until `stop`."""
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with self._serving() as self._app:
            ready()
            await self._stop.wait()

    def run(self, prepare: Callable[[], None] = lambda: None) -> None:
        """Serve until SIGTERM or SIGINT; prints `ready ADDRESS` once it can be used.

        `prepare` is called before that.
        """
        asyncio.run(self._serve_as_program(prepare))

    async def _serve_as_program(self, prepare: Callable[[], None]) -> None:
        def ready() -> None:
            prepare()
            assert self._loop is not None and self._stop is not None
            for number in (signal.SIGTERM, signal.SIGINT):
                self._loop.add_signal_handler(number, self._stop.set)
            sys.stdout.write(f"ready {self.address}\n")
            sys.stdout.flush()

        await self.serve(ready)

    def _call(self, work: Callable[[], Result]) -> Result:
        """Run work in the emulator's thread."""
        assert self._loop is not None, "the emulator is not running"
        done: Future[Result] = Future()

        def run() -> None:
            try:
                result = work()
            except BaseException as error:
                done.set_exception(error)
            else:
                done.set_result(result)

        self._loop.call_soon_threadsafe(run)
        return done.result()

    # Live control

    @property
    def _application(self) -> App:
        assert self._app is not None, "the emulator is not running"
        return self._app

    @property
    def calls(self) -> Calls:
        """The calls so far: a list of (route, argument, status); `calls.count("files/upload")`."""
        return self._application.calls

    def count(self, route: str) -> int:
        """How many calls of a route (a glob)."""
        return self.calls.count(route)

    @property
    def peak(self) -> int:
        """The most calls that were under way at the same time."""
        return self._application.peak

    @property
    def under_way(self) -> int:
        """The calls that are being answered, also where nobody waits for it any more."""
        return self._application.under_way

    def clear_calls(self) -> None:
        """Forget the calls so far, and the peak."""
        self.calls.clear()
        self._application.peak = self._application.under_way

    @property
    def faults(self) -> FaultPlan:
        """The faults in force."""
        return self._plan

    @faults.setter
    def faults(self, rules: Rules) -> None:
        self._plan = rules if isinstance(rules, FaultPlan) else FaultPlan(rules)
        if self._app is not None:
            self._app.faults = self._plan

    @property
    def latency(self) -> float:
        """Seconds added to every call; calls wait side by side."""
        return self._app.latency if self._app is not None else self._latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._latency = seconds
        if self._app is not None:
            self._app.latency = seconds
