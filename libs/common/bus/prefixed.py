"""A bus whose topics and groups have a prefix: several Tocsins, or Tocsin and others, share one Kafka that way."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import timedelta

from libs.common.bus.base import Bus, Consumer, Message, Partition, Producer, Record, TopicSpec


class PrefixedBus:
    """``bus`` with ``prefix`` before the name of every topic and group; callers never see it."""

    def __init__(self, bus: Bus, prefix: str) -> None:
        self._bus = bus
        self._prefix = prefix

    async def start(self) -> None:
        """Begin to connect."""
        await self._bus.start()

    async def stop(self) -> None:
        """Close every producer and consumer."""
        await self._bus.stop()

    def healthy(self) -> bool:
        """Whether the bus could be reached when last tried."""
        return self._bus.healthy()

    async def ensure_topics(self, topics: Sequence[TopicSpec]) -> None:
        """Make the topics, under their prefixed names."""
        await self._bus.ensure_topics([replace(topic, name=self._prefix + topic.name) for topic in topics])

    def producer(self) -> Producer:
        """The producer of this process."""
        return _PrefixedProducer(self._bus.producer(), self._prefix)

    async def subscribe(self, group: str, topics: Sequence[str]) -> Consumer:
        """Join the prefixed group as a new member."""
        consumer = await self._bus.subscribe(self._prefix + group, [self._prefix + topic for topic in topics])
        return _PrefixedConsumer(consumer, self._prefix)

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        """How many records the prefixed group has not committed yet."""
        return await self._bus.lag(self._prefix + group, [self._prefix + topic for topic in topics])


class _PrefixedProducer:
    def __init__(self, producer: Producer, prefix: str) -> None:
        self._producer = producer
        self._prefix = prefix

    async def publish(self, messages: Sequence[Message]) -> None:
        await self._producer.publish([replace(message, topic=self._prefix + message.topic) for message in messages])


class _PrefixedConsumer:
    def __init__(self, consumer: Consumer, prefix: str) -> None:
        self._consumer = consumer
        self._prefix = prefix

    async def fetch(self, limit: int, timeout: timedelta) -> Sequence[Record]:
        records = await self._consumer.fetch(limit, timeout)
        return [replace(record, topic=record.topic.removeprefix(self._prefix)) for record in records]

    async def commit(self, offsets: Mapping[Partition, int]) -> frozenset[Partition]:
        return self._without(await self._consumer.commit(self._within(offsets)))

    async def rewind(self, offsets: Mapping[Partition, int]) -> None:
        await self._consumer.rewind(self._within(offsets))

    def assigned(self) -> frozenset[Partition]:
        return self._without(self._consumer.assigned())

    async def close(self) -> None:
        await self._consumer.close()

    def _without(self, places: AbstractSet[Partition]) -> frozenset[Partition]:
        return frozenset(Partition(place.topic.removeprefix(self._prefix), place.number) for place in places)

    def _within(self, offsets: Mapping[Partition, int]) -> dict[Partition, int]:
        return {Partition(self._prefix + place.topic, place.number): offset for place, offset in offsets.items()}
