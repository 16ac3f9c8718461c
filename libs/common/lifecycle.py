"""Start in order, stop in the reverse order, drain, and end the process when a part of it has crashed."""

import asyncio
import signal
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol, runtime_checkable

from libs.common.clock import Stopwatch
from libs.common.logs import get_logger

log = get_logger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""Once: finish what is begun, then end. Twice: end at once."""


class Component(Protocol):
    """A part of a service that runs. ``stop`` finishes what is begun; it is called only after ``start`` returned."""

    @property
    def name(self) -> str:
        """What logs call it."""
        ...

    async def start(self) -> None:
        """Begin; return once it runs. What goes on then is a task of the component's own."""
        ...

    async def stop(self) -> None:
        """Take nothing new, finish what is begun, let go of everything."""
        ...


@runtime_checkable
class Watched(Protocol):
    """A component that can say that it crashed."""

    async def crashed(self) -> BaseException:
        """Wait until it crashed and return what it died of. A component that ends well never returns."""
        ...


class Lifecycle:
    """Runs components. Each has ``drain`` to stop; one that needs longer is cancelled and said so."""

    def __init__(self, components: Sequence[Component], drain: timedelta = timedelta(seconds=15)) -> None:
        self._components = tuple(components)
        self._drain = drain
        self._started: list[Component] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._ended = asyncio.Event()
        self._at_once = asyncio.Event()
        self._crash: BaseException | None = None

    async def start(self) -> None:
        """Start all in order. When one cannot, those before it are stopped and its error is raised."""
        for component in self._components:
            watch = Stopwatch()
            try:
                await component.start()
            except BaseException:
                await self.stop()
                raise
            self._started.append(component)
            if isinstance(component, Watched):
                self._watchers.append(asyncio.create_task(self._watch(component, component.name)))
            log.debug("component started", component=component.name, seconds=round(watch.seconds(), 3))

    async def _watch(self, component: Watched, name: str) -> None:
        self._crash = await component.crashed()
        log.error("component crashed", component=name, exc_info=self._crash)
        self._ended.set()

    async def stop(self) -> None:
        """Stop all that were started, the last first. Errors are logged, the others are stopped all the same."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        self._watchers.clear()
        while self._started:
            await self._stop_one(self._started.pop())

    async def _stop_one(self, component: Component) -> None:
        stopping = asyncio.ensure_future(component.stop())
        hurry = asyncio.ensure_future(self._at_once.wait())
        seconds = self._drain.total_seconds()
        try:
            await asyncio.wait({stopping, hurry}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hurry.cancel()
            if not stopping.done():
                log.warning("component cut off", component=component.name, after_seconds=seconds)
                stopping.cancel()
        [result] = await asyncio.gather(stopping, return_exceptions=True)
        if isinstance(result, Exception):
            log.error("component did not stop well", component=component.name, exc_info=result)

    def end(self) -> None:
        """Ask for the end: the first time to drain, from then on at once."""
        if self._ended.is_set():
            self._at_once.set()
        self._ended.set()

    async def run_until_signal(self) -> int:
        """Start, wait for SIGTERM, SIGINT, :meth:`end` or a crash, then drain. Returns the exit code: 1 after a crash."""
        loop = asyncio.get_running_loop()
        heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        for number in heeded:
            loop.add_signal_handler(number, self._on_signal, number)
        starting = asyncio.ensure_future(self.start())
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait({starting, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
            else:
                starting.result()
            await ended
            await self.stop()
        finally:
            ended.cancel()
            for number in heeded:
                loop.remove_signal_handler(number)
        return 0 if self._crash is None else 1

    def _on_signal(self, number: signal.Signals) -> None:
        log.info("stopping", signal=number.name, at_once=self._ended.is_set())
        self.end()
