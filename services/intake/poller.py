"""The loop that asks providers' pages when they are due: of several replicas one asks each, and a page that is slow holds up no other."""

import asyncio
from datetime import timedelta
from typing import Final

from libs.common.background import Background, pause
from libs.common.backoff import Backoff
from libs.common.db.session import DatabaseUnavailable
from libs.common.db.work import UnitOfWork
from libs.common.logs import get_logger
from services.intake.handlers.watch import Claimed, Watcher
from services.intake.store.integrations import INTEGRATIONS_WAKE

log = get_logger(__name__)

AT_ONCE: Final = 8
"""Pages that one replica asks at the same time."""

LOOK: Final = timedelta(minutes=1)
"""How long it is relied upon that a change of integrations, or another replica's death, is told."""

NETWORK: Final = Backoff(first=timedelta(milliseconds=200), longest=timedelta(seconds=10))


class PollLoop(Background):
    """Polls whatever is due."""

    name = "pollers"

    def __init__(self, uow: UnitOfWork, watcher: Watcher) -> None:
        super().__init__()
        self._uow = uow
        self._watcher = watcher
        self._wake = asyncio.Event() if uow.wakeups is None else uow.wakeups.event(INTEGRATIONS_WAKE)
        self._polls: set[asyncio.Task[None]] = set()
        self._looking = False
        """Whether it is being seen what there is to ask."""

    async def start(self) -> None:
        """Begin; what there is to ask is seen in the background."""
        self._looking = True
        await super().start()

    async def stop(self) -> None:
        """Begin no poll and wait for those that run. One that is cut off is begun by another replica once its claim has run out."""
        try:
            await super().stop()
            await asyncio.gather(*self._polls, return_exceptions=True)
        except asyncio.CancelledError:
            for poll in self._polls:
                poll.cancel()
            await asyncio.gather(*self._polls, return_exceptions=True)
            raise

    async def idle(self) -> bool:
        """Whether no page is asked and none is due now."""
        if self._is_busy():
            return False
        next_at = await self._watcher.next_at()
        return not self._is_busy() and (next_at is None or next_at > self._uow.clock.now())

    def _is_busy(self) -> bool:
        return bool(self._polls) or self._looking or self._wake.is_set()

    def _interrupt(self) -> None:
        self._wake.set()

    async def _work(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._wake.clear()
            self._looking = True
            try:
                await self._round()
                next_at = await self._watcher.next_at()
            except DatabaseUnavailable as error:
                failures += 1
                log.warning("pollers wait for the database", reason=error.detail)
                await pause(NETWORK.wait(failures, self._uow.chance).total_seconds(), self._stopping)
                continue
            failures = 0
            wait = LOOK if next_at is None else min(next_at - self._uow.clock.now(), LOOK)
            if len(self._polls) >= AT_ONCE:
                wait = LOOK  # whichever is done first wakes us
            if wait > timedelta(0) and not self._stopping.is_set():
                self._looking = False
                await self._uow.clock.wait_for(self._wake, wait)

    async def _round(self) -> None:
        """Begin what is due."""
        await self._watcher.sync()
        while len(self._polls) < AT_ONCE and not self._stopping.is_set():
            claimed = await self._watcher.claim()
            if claimed is None:
                return
            poll = asyncio.create_task(self._poll(claimed), name=f"poll of {claimed.watched.integration.id}")
            self._polls.add(poll)
            poll.add_done_callback(self._done)

    async def _poll(self, claimed: Claimed) -> None:
        try:
            await self._watcher.poll(claimed)
        except DatabaseUnavailable as error:
            log.warning("poll lost", integration=claimed.watched.integration.id, reason=error.detail)

    def _done(self, poll: asyncio.Task[None]) -> None:
        self._polls.discard(poll)
        self._wake.set()
        if not poll.cancelled() and (error := poll.exception()) is not None:
            log.error("poll failed", poll=poll.get_name(), reason=f"{type(error).__name__}: {error}")
