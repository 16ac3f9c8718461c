import asyncio
import os
import signal
from datetime import timedelta

import pytest

from libs.common.background import Background
from libs.common.lifecycle import Lifecycle


class Part:
    """A component that notes when it was started and stopped."""

    def __init__(self, name: str, notes: list[str], *, fails: bool = False, stop_seconds: float = 0.0) -> None:
        self.name = name
        self._notes = notes
        self._fails = fails
        self._stop_seconds = stop_seconds

    async def start(self) -> None:
        if self._fails:
            raise ValueError(f"{self.name} cannot")
        self._notes.append(f"+{self.name}")

    async def stop(self) -> None:
        await asyncio.sleep(self._stop_seconds)
        self._notes.append(f"-{self.name}")


class Crashing(Background):
    name = "crashing"

    def _interrupt(self) -> None:
        pass

    async def _work(self) -> None:
        await asyncio.sleep(0.01)
        raise RuntimeError("nobody foresaw this")


async def test_parts_start_in_order_and_stop_in_the_reverse_order() -> None:
    notes: list[str] = []
    lifecycle = Lifecycle([Part("a", notes), Part("b", notes), Part("c", notes)])
    await lifecycle.start()
    await lifecycle.stop()
    assert notes == ["+a", "+b", "+c", "-c", "-b", "-a"]


async def test_when_a_part_cannot_start_those_before_it_are_stopped() -> None:
    notes: list[str] = []
    lifecycle = Lifecycle([Part("a", notes), Part("b", notes, fails=True), Part("c", notes)])
    with pytest.raises(ValueError, match="b cannot"):
        await lifecycle.start()
    assert notes == ["+a", "-a"]


async def test_a_part_that_does_not_stop_in_time_is_cut_off_and_the_others_stop_all_the_same() -> None:
    notes: list[str] = []
    lifecycle = Lifecycle([Part("a", notes), Part("slow", notes, stop_seconds=60)], timedelta(milliseconds=20))
    await lifecycle.start()
    async with asyncio.timeout(60):
        await lifecycle.stop()
    assert notes == ["+a", "+slow", "-a"]


async def test_an_error_while_stopping_keeps_no_other_part_from_stopping() -> None:
    class Sore(Part):
        async def stop(self) -> None:
            raise RuntimeError("no")

    notes: list[str] = []
    lifecycle = Lifecycle([Part("a", notes), Sore("sore", notes)])
    await lifecycle.start()
    await lifecycle.stop()
    assert notes == ["+a", "+sore", "-a"]


async def test_a_signal_drains_and_ends_with_code_0() -> None:
    notes: list[str] = []
    lifecycle = Lifecycle([Part("a", notes)])
    asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(60):
        assert await lifecycle.run_until_signal() == 0
    assert notes == ["+a", "-a"]


async def test_a_second_signal_ends_at_once() -> None:
    notes: list[str] = []
    lifecycle = Lifecycle([Part("slow", notes, stop_seconds=60)], timedelta(seconds=60))
    loop = asyncio.get_running_loop()
    loop.call_later(0.05, os.kill, os.getpid(), signal.SIGTERM)
    loop.call_later(0.1, os.kill, os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(60):
        await lifecycle.run_until_signal()
    assert notes == ["+slow"]


async def test_a_signal_that_the_process_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        lifecycle = Lifecycle([])
        running = asyncio.create_task(lifecycle.run_until_signal())
        await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.05)
        assert not running.done()
        lifecycle.end()
        assert await running == 0
    finally:
        signal.signal(signal.SIGINT, before)


async def test_a_part_that_crashes_drains_the_others_and_ends_with_code_1() -> None:
    notes: list[str] = []
    lifecycle = Lifecycle([Part("a", notes), Crashing(), Part("b", notes)])
    async with asyncio.timeout(60):
        assert await lifecycle.run_until_signal() == 1
    assert notes == ["+a", "+b", "-b", "-a"]


async def test_a_start_that_fails_is_raised_out_of_the_run() -> None:
    lifecycle = Lifecycle([Part("a", [], fails=True)])
    with pytest.raises(ValueError, match="a cannot"):
        await lifecycle.run_until_signal()
