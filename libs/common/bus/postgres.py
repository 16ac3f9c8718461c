"""The bus engine for one machine: a durable log in PostgreSQL, in the schema ``bus`` of the given database."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import structlog

from libs.common.bus import postgres_log as log
from libs.common.bus.base import BusUnavailable, Message, TopicSpec
from libs.common.bus.postgres_consumer import PostgresConsumer
from libs.common.bus.postgres_link import Health, Link
from libs.common.clock import Clock, Stopwatch, SystemClock

PUBLISH = timedelta(seconds=5)
"""How long a publish may take before it raises."""
CONTROL = timedelta(seconds=10)
PING_SECONDS = 1.0
START_SECONDS = 3.0
UPKEEP_SECONDS = 60.0

logger = structlog.get_logger(__name__)


class PostgresProducer:
    """Appends messages, one transaction for each call."""

    def __init__(self, link: Link, clock: Clock) -> None:
        self._link = link
        self._clock = clock
        self._layouts: dict[str, log.Layout] = {}

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return when every message is committed; either all of them are, or none."""
        if not messages:
            return
        topics = {message.topic for message in messages}
        if not topics <= self._layouts.keys():
            async with self._link.use() as connection:
                self._layouts.update(await log.layouts(connection, topics))
            log.require(topics, self._layouts)
        try:
            async with self._link.use() as connection:
                await log.append(connection, messages, self._layouts, self._clock.now())
        except BusUnavailable:
            self._layouts.clear()  # the database that comes back may be another one
            raise

    def forget_layouts(self) -> None:
        """Look the partitions up again: somebody may have added some."""
        self._layouts.clear()


class PostgresBus:
    """The bus in PostgreSQL.

    ``clock`` stamps records and measures retention, so that all processes of one database must share it; waits and
    leases are the machine's time whatever it says.
    """

    def __init__(self, url: str, *, clock: Clock | None = None) -> None:
        self._url = url
        self._clock = clock or SystemClock()
        self._health = Health()
        self._control = Link(url, CONTROL, self._health)
        self._publishing = Link(url, PUBLISH, self._health)
        self._producer = PostgresProducer(self._publishing, self._clock)
        self._consumers: list[PostgresConsumer] = []
        self._watch: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()

    async def start(self) -> None:
        """Begin to connect; return after the first try, or after a few seconds of it."""
        if self._watch is None:
            self._watch = asyncio.create_task(self._look_after(), name="bus upkeep")
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await self._tried.wait()

    async def stop(self) -> None:
        """Close every producer and consumer of this bus."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        for consumer in self._consumers:
            await consumer.close()
        self._consumers.clear()
        await self._publishing.close()
        await self._control.close()
        self._health.down()

    def healthy(self) -> bool:
        """Whether PostgreSQL could be reached when last tried."""
        return self._health.reached

    async def ensure_topics(self, topics: Sequence[TopicSpec]) -> None:
        """Make the topics that do not exist; grow those with fewer partitions."""
        async with self._control.use() as connection:
            await log.make_topics(connection, topics)
        self._producer.forget_layouts()

    def producer(self) -> PostgresProducer:
        """The producer of this process."""
        return self._producer

    async def subscribe(self, group: str, topics: Sequence[str]) -> PostgresConsumer:
        """Join ``group`` as a new member; while PostgreSQL is down, as soon as it is back."""
        self._consumers = [consumer for consumer in self._consumers if not consumer.closed]
        consumer = PostgresConsumer(self._url, group, topics, self._health)
        self._consumers.append(consumer)
        await consumer.joined(START_SECONDS)
        return consumer

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        """How many records of ``topics`` the group has not committed yet."""
        async with self._control.use() as connection:
            return await log.lag(connection, group, topics)

    async def upkeep(self) -> None:
        """Delete what is over its retention and compact what is compacted, now rather than at the next turn."""
        async with self._control.use() as connection:
            await log.upkeep(connection, self._clock.now())

    async def _look_after(self) -> None:
        """Ask every second whether PostgreSQL is there; keep the log tidy every minute."""
        since_upkeep: Stopwatch | None = None
        while True:
            try:
                async with self._control.use() as connection:
                    await connection.execute("SELECT 1")
                if since_upkeep is None or since_upkeep.seconds() > UPKEEP_SECONDS:
                    since_upkeep = Stopwatch()
                    self._producer.forget_layouts()
                    await self.upkeep()
            except BusUnavailable as error:
                logger.warning("bus_unreachable", error=error.detail)
            self._tried.set()
            await asyncio.sleep(PING_SECONDS)
