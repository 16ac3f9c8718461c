"""Due attempts → providers: claims what is due, sends several at once, and writes down what came of each.

No transaction is open while a provider is spoken to. What is claimed stands in the database under a lease, so that another
sender takes over what this one leaves behind; what is with this sender is never claimed by it again, however the clock jumps.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from libs.common.background import Background, pause, until_woken
from libs.common.backoff import Backoff
from libs.common.clock import Clock
from libs.common.db.session import DatabaseUnavailable, is_transient
from libs.common.db.timers import DueTimer, TimerHandler
from libs.common.db.work import Tx, UnitOfWork
from libs.common.events.base import TICKET
from libs.common.logs import bind_incident, get_logger
from libs.common.tracing import timer_span
from services.notifier.channels.base import Absent, Channel, Found, GiveUp, Outcome, Outgoing, Retry, Unknowable
from services.notifier.channels.book import ChannelBook
from services.notifier.domain.plan import stands_under
from services.notifier.domain.retry import when_unsure
from services.notifier.domain.wording import span
from services.notifier.handlers.contacts import SENDER_WAKE, STEP
from services.notifier.handlers.quiet import HELD, QuietHours
from services.notifier.handlers.sending import Sending, Uncertain, outgoing
from services.notifier.store import attempts as store
from services.notifier.store.tables import Attempt

log = get_logger(__name__)

NETWORK: Final = Backoff(first=timedelta(milliseconds=100), longest=timedelta(seconds=5))
SLOTS: Final = 32
"""How many messages one sender has with providers at once."""
COMMENTS: Final = 8
"""How many of these may be comments on tickets: a helpdesk that hangs never keeps a page waiting."""
WRITES: Final = 4
"""How many outcomes are written down at once: the other connections of the pool are for what comes in."""
LEASE: Final = timedelta(seconds=60)
"""After so long another sender takes over: longer than any channel's own timeouts together."""


def timer_handlers(quiet: QuietHours) -> Mapping[str, TimerHandler]:
    """The handler of each kind of timer that the notifier sets."""

    async def step(tx: Tx, due: DueTimer) -> None:
        said = due.payload
        place = int(said["contact"])
        await quiet.contacts.step_due(tx, UUID(said["notification"]), said["recipient"], place, due.due_at)

    async def release(tx: Tx, due: DueTimer) -> None:
        await quiet.release(tx, UUID(due.key))

    return {STEP: step, HELD: release}


class Sender(Background):
    """Sends what is due. ``lease`` is time of the clock, so that a faster clock needs a longer one."""

    name = "sender"

    def __init__(
        self,
        uow: UnitOfWork,
        clock: Clock,
        sending: Sending,
        book: ChannelBook,
        *,
        lease: timedelta = LEASE,
        slots: int = SLOTS,
    ) -> None:
        super().__init__()
        self._uow = uow
        self._clock = clock
        self._sending = sending
        self._book = book
        self._lease = lease
        self._slots = slots
        self._writes = asyncio.Semaphore(WRITES)
        self._wake = asyncio.Event() if uow.wakeups is None else uow.wakeups.event(SENDER_WAKE)
        self._sends: dict[UUID, asyncio.Task[None]] = {}
        self._comments: set[UUID] = set()
        self._claiming = False

    async def stop(self) -> None:
        """Claim nothing more and wait for the answers of providers, and until they are written down."""
        try:
            await super().stop()
            await asyncio.gather(*self._sends.values())
        except asyncio.CancelledError:
            sends = tuple(self._sends.values())
            for send in sends:
                send.cancel()
            await asyncio.gather(*sends, return_exceptions=True)
            raise

    async def idle(self) -> bool:
        """Whether nothing is with a provider and nothing is due now."""
        due = await self._next_due()
        return not self._claiming and not self._sends and (due is None or due > self._clock.now())

    async def problem(self) -> str | None:
        """For ``/readyz``: that messages wait much longer than they should."""
        due = await self._next_due()
        overdue = timedelta(0) if due is None else self._clock.now() - due
        return f"messages wait, the oldest for {span(overdue)}" if overdue > self._lease else None

    def _interrupt(self) -> None:
        self._wake.set()

    async def _work(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                await self._claim()
                due = await self._next_due()
            except DatabaseUnavailable as error:
                failures += 1
                log.warning("sender waits for the database", reason=error.detail)
                await pause(NETWORK.wait(failures, self._uow.chance).total_seconds(), self._stopping)
                continue
            failures = 0
            if len(self._sends) >= self._slots:
                await self._wake.wait()
            elif not self._stopping.is_set():
                await until_woken(self._wake, self._clock, None if due is None else due - self._clock.now())

    async def _next_due(self) -> datetime | None:
        mine = tuple(self._sends)
        async with self._uow.read() as session:
            dues = [await store.next_due(session, mine, comments=False)]
            if len(self._comments) < COMMENTS:
                dues.append(await store.next_due(session, mine, comments=True))
        return min((due for due in dues if due is not None), default=None)

    async def _claim(self) -> None:
        """Take as many due attempts as there are free slots."""
        free = self._slots - len(self._sends)
        if free <= 0:
            return
        try:
            async with self._uow.begin() as tx:
                comments = COMMENTS - len(self._comments)
                claimed = await self._sending.claim(tx, self._lease, free, tuple(self._sends), comments)
                self._claiming = bool(claimed)  # from before the ledger says so
            for attempt in claimed:
                if attempt.channel.startswith(TICKET):
                    self._comments.add(attempt.id)
                send = asyncio.create_task(self._send(attempt), name=f"send {attempt.id}")
                self._sends[attempt.id] = send
                send.add_done_callback(partial(self._ended, attempt.id))
        finally:
            self._claiming = False

    def _ended(self, key: UUID, send: asyncio.Task[None]) -> None:
        del self._sends[key]
        was_comment = key in self._comments
        self._comments.discard(key)
        if was_comment or len(self._sends) >= self._slots - 1:
            self._wake.set()
        if not send.cancelled() and (error := send.exception()) is not None:
            log.error("send crashed", attempt=str(key), exc_info=error)
            self._wake.set()  # its lease is somebody's to wait for again

    async def _send(self, attempt: Attempt) -> None:
        """Speak with the provider, then write down what came of it, however long the database takes to come back."""
        with timer_span("send", attempt.traceparent):
            bind_incident(attempt.subject_id)
            outcome = await self._outcome(attempt)
            failures = 0
            while True:
                try:
                    async with self._writes, self._uow.begin() as tx:
                        await self._sending.record(tx, attempt, outcome)
                except (DatabaseUnavailable, DBAPIError) as error:
                    if not isinstance(error, DatabaseUnavailable) and not is_transient(error):
                        raise
                    failures += 1
                    log.warning("outcome waits for the database", attempt=str(attempt.id), reason=str(error))
                    await asyncio.sleep(NETWORK.wait(failures, self._uow.chance).total_seconds())
                else:
                    return

    async def _outcome(self, attempt: Attempt) -> Outcome | Uncertain:
        channel = self._book.channel(attempt.channel)
        if channel is None or channel.provider != attempt.provider:
            detail = f"{attempt.provider} no longer carries {attempt.channel}"
            return Uncertain(detail) if attempt.unsure else GiveUp("channel_not_configured", detail)
        try:
            message = await self._message(attempt)
            if attempt.unsure:
                known = await self._look(channel, attempt, message)
                if not isinstance(known, Absent):
                    return known
            return await channel.send(message)
        except DatabaseUnavailable as error:
            return Retry("uncertain", error.detail, unsure=attempt.unsure)
        except Exception as error:  # a channel that crashes is told in full to the log; its message goes another way
            log.exception("channel crashed", channel=attempt.channel, provider=attempt.provider)
            return Retry("provider_error", f"{attempt.provider} crashed: {type(error).__name__}", unsure=True)

    async def _message(self, attempt: Attempt) -> Outgoing:
        if not stands_under(attempt.provider, attempt.address, attempt.purpose):
            return outgoing(attempt)
        async with self._uow.read() as session:
            return outgoing(attempt, await store.first_sent(session, attempt))

    async def _look(self, channel: Channel, attempt: Attempt, message: Outgoing) -> Outcome | Uncertain | Absent:
        """What became of a message that may have gone out: found, absent (then it may be sent), or nobody can say."""
        async with self._uow.read() as session:
            known = await store.provider_ids(session, attempt.address, attempt.provider)
        found: Found = await channel.lookup(message, known)
        if not isinstance(found, Unknowable):
            return found
        if found.passing:
            return Retry("uncertain", found.detail, unsure=True)
        if when_unsure(attempt.purpose, repeatable=channel.repeatable) == "again":
            return Absent()
        return Uncertain(found.detail)
