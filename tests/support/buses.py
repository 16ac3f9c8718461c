"""What tests of the bus have in common: a bus that is stopped at the end, topics of their own, reading with patience."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

from libs.common.bus.base import Bus, BusUnavailable, Consumer, Message, Partition, Record, TopicSpec
from libs.common.bus.connect import connect
from libs.common.clock import Clock, Stopwatch

PATIENCE_SECONDS = 90.0
MOMENT = timedelta(milliseconds=200)


@asynccontextmanager
async def running(url: str, *, clock: Clock | None = None) -> AsyncIterator[Bus]:
    """A started bus."""
    bus = connect(url, clock=clock)
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()


def unique(name: str = "t") -> str:
    """A name that no other test uses."""
    return f"{name}-{uuid4().hex[:12]}"


async def new_topic(bus: Bus, partitions: int = 1) -> str:
    """An empty topic. A broker that was frozen or killed takes none for a moment after it is back."""
    name = unique()
    waited = Stopwatch()
    while True:
        try:
            await bus.ensure_topics([TopicSpec(name, partitions=partitions)])
        except BusUnavailable:
            if waited.seconds() > PATIENCE_SECONDS:
                raise
            await asyncio.sleep(0.1)
        else:
            return name


def message(topic: str, key: str, value: str) -> Message:
    """A message without headers."""
    return Message(topic, key, value.encode())


async def publish(bus: Bus, topic: str, *values: str, key: str = "k") -> None:
    """Publish these values under one key."""
    await bus.producer().publish([message(topic, key, value) for value in values])


async def published_again(bus: Bus, topic: str, value: str) -> None:
    """Publish as the relay does: again and again until the bus takes it."""
    while True:
        try:
            await publish(bus, topic, value)
        except BusUnavailable:
            await asyncio.sleep(0.1)
        else:
            return


async def read(consumer: Consumer, count: int, *, limit: int = 100) -> Sequence[Record]:
    """Fetch until ``count`` records came, or as many as came in the time of a patient reader."""
    waited = Stopwatch()
    records: list[Record] = []
    while len(records) < count and waited.seconds() < PATIENCE_SECONDS:
        records.extend(await consumer.fetch(limit, MOMENT))
    return records


async def fetch_until(consumers: Sequence[Consumer], condition: Callable[[], bool]) -> Sequence[Record]:
    """Let every consumer fetch by turns until the condition holds; what they read."""
    waited = Stopwatch()
    records: list[Record] = []
    while not condition():
        assert waited.seconds() < PATIENCE_SECONDS, "the condition never held"
        for consumer in consumers:
            records.extend(await consumer.fetch(100, MOMENT / 4))
    return records


def values(records: Sequence[Record]) -> list[str]:
    """The values as text."""
    return [(record.value or b"").decode() for record in records]


def ends(records: Sequence[Record]) -> dict[Partition, int]:
    """The offsets to commit after these records."""
    return {record.place: record.offset + 1 for record in records}
