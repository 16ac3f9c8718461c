"""Messages that should be shown otherwise → Slack. No transaction is open while Slack is spoken to, and what is claimed stands under a lease."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.exc import DBAPIError

from libs.common.background import Background, pause, until_woken
from libs.common.backoff import Backoff
from libs.common.clock import Clock
from libs.common.db.session import DatabaseUnavailable, is_transient
from libs.common.db.work import UnitOfWork
from libs.common.logs import get_logger
from services.notifier.channels.base import GiveUp, Outcome, Retry
from services.notifier.channels.book import ChannelBook
from services.notifier.channels.slack import SlackChannel
from services.notifier.domain.blocks import state
from services.notifier.handlers.editing import EDITS_WAKE, edited
from services.notifier.handlers.sending import outgoing
from services.notifier.store import edits
from services.notifier.store.tables import Attempt

log = get_logger(__name__)

NETWORK: Final = Backoff(first=timedelta(milliseconds=100), longest=timedelta(seconds=5))
AT_ONCE: Final = 8


class Editor(Background):
    """Shows what is due. ``lease`` is time of the clock, as a sender's."""

    name = "editor"

    def __init__(self, uow: UnitOfWork, clock: Clock, book: ChannelBook, *, lease: timedelta) -> None:
        super().__init__()
        self._uow = uow
        self._clock = clock
        self._book = book
        self._lease = lease
        self._busy = False
        self._wake = asyncio.Event() if uow.wakeups is None else uow.wakeups.event(EDITS_WAKE)

    async def idle(self) -> bool:
        """Whether nothing is with Slack and nothing is due now."""
        due = await self._next_due()
        return not self._busy and (due is None or due > self._clock.now())

    def _interrupt(self) -> None:
        self._wake.set()

    async def _work(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                await self._edit(await self._claim())
                due = await self._next_due()
            except (DatabaseUnavailable, DBAPIError) as error:
                if not isinstance(error, DatabaseUnavailable) and not is_transient(error):
                    raise
                failures += 1
                log.warning("editor waits for the database", reason=str(error))
                await pause(NETWORK.wait(failures, self._uow.chance).total_seconds(), self._stopping)
                continue
            finally:
                self._busy = False
            failures = 0
            if not self._stopping.is_set():
                await until_woken(self._wake, self._clock, None if due is None else due - self._clock.now())

    async def _next_due(self) -> datetime | None:
        async with self._uow.read() as session:
            return await edits.next_due(session)

    async def _claim(self) -> Sequence[Attempt]:
        async with self._uow.begin() as tx:
            claimed = await edits.claim(tx.session, tx.now, self._lease, AT_ONCE)
            self._busy = bool(claimed)  # from before the ledger says so
        return claimed

    async def _edit(self, claimed: Sequence[Attempt]) -> None:
        outcomes = await asyncio.gather(*(self._outcome(attempt) for attempt in claimed))
        for attempt, outcome in zip(claimed, outcomes, strict=True):
            async with self._uow.begin() as tx:
                await edited(tx, attempt, outcome)

    async def _outcome(self, attempt: Attempt) -> Outcome:
        channel = self._book.channel(attempt.channel)
        if not isinstance(channel, SlackChannel):
            return GiveUp("channel_not_configured")
        message = outgoing(attempt)
        message = replace(message, text=f"{state(message.blocks)}\n{message.text}")
        try:
            return await channel.show(message, attempt.provider_id or "")
        except Exception as error:  # a channel that crashes is told in full to the log, and its message is tried again
            log.exception("channel crashed", channel=attempt.channel, provider=attempt.provider)
            return Retry("provider_error", f"{attempt.provider} crashed: {type(error).__name__}")
