"""The relay: takes what was committed into the outbox to the bus, one relay at a time per service.

The leader holds an advisory lock on the very connection by which it reads and deletes, so that who lost the one has lost
the other. What the bus acknowledged is deleted; a crash between the two publishes again, and the consumers' inbox makes
that one. With the leader in this process a commit wakes it by an event within the process; NOTIFY is for the others.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from libs.common.background import Background, pause
from libs.common.backoff import Backoff
from libs.common.bus.base import Bus, BusUnavailable, Message
from libs.common.clock import Stopwatch
from libs.common.db.session import DatabaseUnavailable, close, lock_key
from libs.common.db.work import OUTBOX_WAKE, UnitOfWork
from libs.common.logs import get_logger
from libs.common.metrics import Metrics
from libs.common.unreachable import UNREACHABLE

log = get_logger(__name__)

BATCH = 500
POLL_SECONDS = 1.0
"""How long the leader sleeps at most: it finds by itself what nobody woke it for."""
STANDBY_SECONDS = 0.5
"""How often the others look whether the leader is gone."""
MEASURE_SECONDS = 5.0
PURGE_SECONDS = 3600.0
INBOX_KEPT = timedelta(days=30)
"""How long handled events are remembered: longer than any topic keeps them, the compacted one aside."""

NETWORK = Backoff(first=timedelta(milliseconds=100), longest=timedelta(seconds=5))

_SELECT = "SELECT id, topic, key, headers, value FROM outbox ORDER BY id LIMIT $1"
_DELETE = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"
_BACKLOG = "SELECT count(*) AS pending, min(created_at) AS oldest FROM outbox"
_PURGE = "DELETE FROM inbox WHERE ctid = ANY(ARRAY(SELECT ctid FROM inbox WHERE taken_at < $1 LIMIT 5000))"


class Relay(Background):
    """Publishes the outbox of one service in the order of its ids, and forgets what the inbox no longer needs.

    Per key that is the order of the commits where writers hold the key's lock before they emit (see ``Tx.emit``).
    """

    name = "relay"

    def __init__(self, uow: UnitOfWork, bus: Bus, metrics: Metrics | None = None) -> None:
        super().__init__()
        self._uow = uow
        self._bus = bus
        self._metrics = metrics or Metrics()
        self._lock = lock_key("relay", uow.database.schema)
        self._wake = asyncio.Event() if uow.wakeups is None else uow.wakeups.event(OUTBOX_WAKE)
        self._measured: Stopwatch | None = None
        self._purged: Stopwatch | None = None
        self._failures = 0
        self._trouble: str | None = None

    def problem(self) -> str | None:
        """Why the outbox does not reach the bus at the moment, for readiness; ``None`` when it does."""
        return self._trouble

    async def idle(self) -> bool:
        """Whether the outbox is empty."""
        async with self._uow.read() as session:
            connection = await session.connection()
            found = await connection.exec_driver_sql("SELECT EXISTS (SELECT FROM outbox)")
            return not found.scalar_one()

    def _interrupt(self) -> None:
        self._wake.set()

    async def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                connection = await self._uow.database.connect()
            except DatabaseUnavailable as error:
                await self._failed(error.detail)
                continue
            try:
                await self._serve(connection)
            except UNREACHABLE as error:
                await self._failed(f"the database was lost: {error}")
            finally:
                self._answer(here=False)
                await close(connection)

    async def _serve(self, connection: Any) -> None:
        """Wait to become the leader, then lead until ``connection`` is lost or this is stopped."""
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", self._lock):
            self._trouble = None
            await pause(STANDBY_SECONDS, self._stopping)
            if self._stopping.is_set():
                return
        log.debug("relay leads", service=self._uow.source)
        self._answer(here=True)
        while True:
            self._wake.clear()
            last = self._stopping.is_set()  # known before it looks: what was committed until then goes out
            published = await self._pass_on(connection)
            await self._look_after(connection)
            if last and not published:
                return
            if published < BATCH and self._trouble is None and not self._stopping.is_set():
                await pause(POLL_SECONDS, self._wake)

    async def _pass_on(self, connection: Any) -> int:
        """Publish and delete one batch; how many messages it held. Where the bus cannot be reached: wait, 0."""
        rows = await connection.fetch(_SELECT, BATCH)
        if not rows:
            self._failures, self._trouble = 0, None
            return 0
        messages = [Message(row["topic"], row["key"], row["value"], json.loads(row["headers"])) for row in rows]
        try:
            await self._bus.producer().publish(messages)
        except BusUnavailable as error:
            await self._failed(error.detail)
            return 0
        except Exception as error:
            # Skipping a message would break the order and lose it; the way on is a person's to find.
            log.exception("the bus refused a batch of the outbox", first=rows[0]["id"], size=len(rows))
            await self._failed(f"the bus refused a batch: {error}")
            return 0
        await connection.execute(_DELETE, [row["id"] for row in rows])
        self._succeeded(messages)
        return len(rows)

    def _succeeded(self, messages: Sequence[Message]) -> None:
        if self._trouble is not None:
            log.info("relay publishes again", service=self._uow.source)
        self._failures, self._trouble = 0, None
        for message in messages:
            self._metrics.outbox_published.labels(message.topic).inc()

    async def _failed(self, reason: str) -> None:
        self._failures += 1
        if self._trouble is None:
            log.warning("relay waits", service=self._uow.source, reason=reason)
        self._trouble = f"events wait in the outbox: {reason}"
        await pause(NETWORK.wait(self._failures, self._uow.chance).total_seconds(), self._stopping)

    async def _look_after(self, connection: Any) -> None:
        """From time to time: measure the backlog, purge the inbox."""
        if self._measured is None or self._measured.seconds() > MEASURE_SECONDS:
            self._measured = Stopwatch()
            backlog = await connection.fetchrow(_BACKLOG)
            now = self._uow.clock.now()
            self._metrics.outbox_pending.set(backlog["pending"])
            age = (now - backlog["oldest"]).total_seconds() if backlog["oldest"] else 0
            self._metrics.outbox_oldest_seconds.set(max(age, 0))
        if self._purged is None or self._purged.seconds() > PURGE_SECONDS:
            self._purged = Stopwatch()
            await connection.execute(_PURGE, self._uow.clock.now() - INBOX_KEPT)

    def _answer(self, *, here: bool) -> None:
        if self._uow.wakeups is not None:
            self._uow.wakeups.answer_here(OUTBOX_WAKE, here=here)
