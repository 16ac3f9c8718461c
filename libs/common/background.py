"""A component whose work is a task in the background: how it starts, drains, is cut off, and tells that it crashed."""

import asyncio
from abc import ABC, abstractmethod
from datetime import timedelta

from libs.common.clock import Clock

LOOK_SECONDS = 1.0
"""How long who waits for a wake sleeps at most: it finds by itself what nobody woke it for, such as what a replica left that died."""


class Background(ABC):
    """Runs :meth:`_work` as a task from ``start`` to ``stop``. An error that it does not foresee crashes the service."""

    name: str

    def __init__(self) -> None:
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def _work(self) -> None:
        """The work; it returns soon after ``_stopping`` was set, with what was begun finished."""

    @abstractmethod
    def _interrupt(self) -> None:
        """Wake :meth:`_work` wherever it waits, so that it sees that it is to stop."""

    async def start(self) -> None:
        """Begin; returns at once."""
        self._stopping.clear()
        self._task = asyncio.create_task(self._work(), name=self.name)

    async def stop(self) -> None:
        """Take nothing new and wait for what was begun. Whoever cancels this wait cuts the work off."""
        self._stopping.set()
        self._interrupt()
        if self._task is not None:
            task, self._task = self._task, None
            await task

    async def crashed(self) -> BaseException:
        """Wait until the work died of an error and return it; never returns where it ends well."""
        task = self._task
        if task is not None:
            await asyncio.wait({task})
            if not task.cancelled() and (error := task.exception()) is not None:
                return error
        await asyncio.Event().wait()
        raise AssertionError("an event that nobody sets was set")


async def pause(seconds: float, unless: asyncio.Event) -> None:
    """Wait for so many seconds of the machine's time, or until ``unless`` is set."""
    try:
        async with asyncio.timeout(seconds):
            await unless.wait()
    except TimeoutError:
        return


async def until_woken(wake: asyncio.Event, clock: Clock, duration: timedelta | None) -> None:
    """Wait for ``wake``, for so much time of ``clock``, or for :data:`LOOK_SECONDS` of the machine's, whichever is first."""
    look = asyncio.get_running_loop().call_later(LOOK_SECONDS, wake.set)
    try:
        await clock.wait_for(wake, duration)
    finally:
        look.cancel()
