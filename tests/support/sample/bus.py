"""The bus of tests of the relay and the consumer loop: the real engine on PostgreSQL, with faults on order."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from libs.common.bus.base import BusUnavailable, Consumer, Message, Partition, Producer, Record
from libs.common.bus.postgres import PostgresBus
from libs.common.events.topics import TOPICS


class FaultyProducer:
    """Passes on to the real producer. ``before`` and ``after`` run around each publish and may raise."""

    def __init__(self, bus: "FaultyBus", producer: Producer) -> None:
        self._bus = bus
        self._producer = producer

    async def publish(self, messages: Sequence[Message]) -> None:
        if self._bus.down:
            raise BusUnavailable("the bus is down, says the test")
        await self._producer.publish(messages)
        self._bus.batches.append(len(messages))
        if self._bus.after is not None:
            await self._bus.after()


class SharingConsumer:
    """A member whose group shares its partitions anew at the first commit, and gives it the same ones again."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._shared = False
        self.fetch = consumer.fetch
        self.rewind = consumer.rewind
        self.assigned = consumer.assigned
        self.close = consumer.close

    async def commit(self, offsets: Mapping[Partition, int]) -> frozenset[Partition]:
        if self._shared:
            return await self._consumer.commit(offsets)
        self._shared = True
        await self._consumer.rewind(dict.fromkeys(self._consumer.assigned(), 0))
        return frozenset()


class FaultyBus(PostgresBus):
    """The engine on PostgreSQL; ``down`` refuses to publish, ``after`` runs when a publish was accepted; ``sharing``
    groups share their partitions anew once.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.down = False
        self.sharing = False
        self.after: Callable[[], Awaitable[None]] | None = None
        self.batches: list[int] = []

    def producer(self) -> Producer:  # type: ignore[override]
        return FaultyProducer(self, super().producer())

    async def subscribe(self, group: str, topics: Sequence[str]) -> Consumer:  # type: ignore[override]
        consumer = await super().subscribe(group, topics)
        return SharingConsumer(consumer) if self.sharing else consumer


@asynccontextmanager
async def sample_bus(url: str) -> AsyncIterator[FaultyBus]:
    """A started bus with every topic."""
    bus = FaultyBus(url)
    await bus.start()
    try:
        await bus.ensure_topics(TOPICS)
        yield bus
    finally:
        await bus.stop()


async def on_topic(bus: PostgresBus, topic: str) -> list[Record]:
    """Everything that stands on a topic, of which nobody forgets anything here."""
    consumer = await bus.subscribe("onlooker", [topic])
    found: list[Record] = []
    while len(found) < await bus.lag("onlooker", [topic]):  # it commits nothing, so that all of it lies before it
        found.extend(await consumer.fetch(1000, timedelta(milliseconds=300)))
    await consumer.close()
    return found
