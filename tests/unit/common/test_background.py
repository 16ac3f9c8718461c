"""What every component in the background does: end well, be cut off, or say that it crashed."""

import asyncio
import contextlib

import pytest

from libs.common.background import Background, pause


class Worker(Background):
    """Waits to be told to stop, then still finishes what it is at."""

    name = "worker"

    def __init__(self, finishing: float = 0.0, error: Exception | None = None) -> None:
        super().__init__()
        self.finishing = finishing
        self.error = error
        self.finished = False

    def _interrupt(self) -> None:
        pass

    async def _work(self) -> None:
        if self.error is not None:
            raise self.error
        await self._stopping.wait()
        await asyncio.sleep(self.finishing)
        self.finished = True


async def test_stopping_waits_until_what_was_begun_is_finished() -> None:
    worker = Worker(finishing=0.05)
    await worker.start()
    await worker.stop()
    assert worker.finished


async def test_whoever_loses_patience_cuts_the_work_off() -> None:
    worker = Worker(finishing=60)
    await worker.start()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await worker.stop()
    assert not worker.finished
    assert [task for task in asyncio.all_tasks() if task.get_name() == "worker"] == []


async def test_a_crash_is_told_with_its_error() -> None:
    error = ValueError("a bug")
    worker = Worker(error=error)
    await worker.start()
    async with asyncio.timeout(60):
        assert await worker.crashed() is error
    with pytest.raises(ValueError, match="a bug"):
        await worker.stop()


async def test_work_that_ends_well_never_counts_as_crashed() -> None:
    worker = Worker()
    await worker.start()
    watch = asyncio.create_task(worker.crashed())
    await worker.stop()
    await asyncio.sleep(0.05)
    assert not watch.done()
    watch.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watch


async def test_a_pause_ends_early_for_what_it_is_told_to_look_out_for() -> None:
    event = asyncio.Event()
    await pause(0.01, event)
    asyncio.get_running_loop().call_later(0.01, event.set)
    async with asyncio.timeout(60):
        await pause(3600, event)
