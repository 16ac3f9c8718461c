"""Clocks: the only way that Tocsin learns what time it is, or waits.

A clock is given to the edges (composition root, consumer, timer loop); ``domain/`` receives ``now`` as an
argument and never a clock. All instants are aware and in UTC.
"""

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Says what time it is and waits until a later one."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    async def sleep(self, duration: timedelta) -> None:
        """Wait for ``duration`` of this clock's time; return at once if it is not positive."""
        ...

    async def wait_for(self, event: asyncio.Event, timeout: timedelta | None) -> bool:
        """Wait for ``event`` or, at the latest, for ``timeout`` of this clock's time.

        Returns whether the event was set. ``None`` waits without a limit.
        """
        ...


class ScaledClock:
    """A clock that runs ``speed`` times as fast as the machine's, from ``origin`` on.

    Processes that share ``origin`` and ``speed`` agree on the time, so that a demonstration of five services can play
    an hour in a minute. ``origin`` is the machine's time at which both clocks showed the same.
    """

    def __init__(self, speed: float = 1.0, origin: datetime | None = None) -> None:
        if speed <= 0:
            raise ValueError("the clock's speed must be above 0")
        self._speed = speed
        self._origin = (origin or datetime.now(UTC)).astimezone(UTC)

    @property
    def speed(self) -> float:
        """Seconds of this clock for one second of the machine."""
        return self._speed

    def now(self) -> datetime:
        """The present instant of this clock."""
        return self._origin + (datetime.now(UTC) - self._origin) * self._speed

    async def sleep(self, duration: timedelta) -> None:
        """Wait for ``duration`` of this clock's time."""
        await asyncio.sleep(max(duration.total_seconds(), 0) / self._speed)

    async def wait_for(self, event: asyncio.Event, timeout: timedelta | None) -> bool:
        """Wait for ``event``, at most ``timeout`` of this clock's time."""
        seconds = None if timeout is None else max(timeout.total_seconds(), 0) / self._speed
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return event.is_set()
        return True


class SystemClock(ScaledClock):
    """The machine's own clock."""

    def __init__(self) -> None:
        super().__init__(1.0)

    def now(self) -> datetime:
        """The machine's present instant."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is told to advance: stories fast-forward with it.

    Sleepers wake in the order of their due times as :meth:`advance` passes them.
    """

    def __init__(self, now: datetime) -> None:
        if now.tzinfo is None:
            raise ValueError("a clock's time must be aware")
        self._now = now.astimezone(UTC)
        self._sleepers: list[tuple[datetime, int, asyncio.Event]] = []
        self._sequence = itertools.count()

    def now(self) -> datetime:
        """The instant to which this clock was last set."""
        return self._now

    def advance(self, duration: timedelta) -> None:
        """Move on by ``duration`` and wake whoever slept until then."""
        self.set(self._now + duration)

    def set(self, now: datetime) -> None:
        """Move to ``now``, which must not lie before the present, and wake whoever slept until then."""
        if now < self._now:
            raise ValueError("a clock never goes back")
        self._now = now.astimezone(UTC)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            heapq.heappop(self._sleepers)[2].set()

    async def sleep(self, duration: timedelta) -> None:
        """Wait until the clock was advanced by ``duration``."""
        await self.wait_for(asyncio.Event(), duration)

    async def wait_for(self, event: asyncio.Event, timeout: timedelta | None) -> bool:
        """Wait for ``event`` or until the clock was advanced by ``timeout``."""
        if timeout is not None and timeout <= timedelta(0):
            await asyncio.sleep(0)
            return event.is_set()
        alarm = asyncio.Event()
        if timeout is not None:
            heapq.heappush(self._sleepers, (self._now + timeout, next(self._sequence), alarm))
        waits = {asyncio.ensure_future(event.wait()), asyncio.ensure_future(alarm.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return event.is_set()


class Stopwatch:
    """Measures how long something took, in seconds of the machine, whatever the clock says."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def seconds(self) -> float:
        """Seconds since this stopwatch was made."""
        return time.perf_counter() - self._start
