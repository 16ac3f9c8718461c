"""The promises of the bus about what is published and read, for both engines."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from libs.common.bus import postgres_consumer
from libs.common.bus.base import Bus, BusUnavailable, Message, TopicSpec
from libs.common.bus.connect import connect
from libs.common.clock import Stopwatch
from libs.common.errors import Misconfigured
from tests.support.buses import (
    MOMENT,
    PATIENCE_SECONDS,
    ends,
    fetch_until,
    message,
    new_topic,
    publish,
    read,
    running,
    unique,
    values,
)


@pytest.fixture
async def bus(bus_url: str) -> AsyncIterator[Bus]:
    async with running(bus_url) as bus:
        yield bus


async def test_records_of_one_key_are_read_in_the_order_in_which_they_were_published(bus: Bus) -> None:
    topic = await new_topic(bus, partitions=6)
    for start in range(0, 60, 20):
        batch = [message(topic, f"key-{n % 5}", str(n)) for n in range(start, start + 20)]
        await bus.producer().publish(batch)
    consumer = await bus.subscribe(unique("g"), [topic])
    by_key: dict[str, list[int]] = defaultdict(list)
    for record in await read(consumer, 60):
        by_key[record.key].append(int(record.value or b""))
    assert by_key == {f"key-{k}": list(range(k, 60, 5)) for k in range(5)}


async def test_a_key_stays_in_its_partition_and_keys_spread_over_partitions(bus: Bus) -> None:
    topic = await new_topic(bus, partitions=4)
    await bus.producer().publish([message(topic, f"key-{n % 20}", str(n)) for n in range(60)])
    consumer = await bus.subscribe(unique("g"), [topic])
    partitions: dict[str, set[int]] = defaultdict(set)
    for record in await read(consumer, 60):
        partitions[record.key].add(record.partition)
    assert all(len(found) == 1 for found in partitions.values())
    assert set().union(*partitions.values()) == {0, 1, 2, 3}


async def test_a_record_keeps_key_value_and_headers_and_says_when_the_bus_took_it(bus: Bus) -> None:
    topic = await new_topic(bus)
    before = datetime.now(UTC) - timedelta(seconds=1)
    headers = {"ce_type": "tocsin.test.v1", "ce_subject": "Größe „ß“ 🔔", "empty": ""}
    await bus.producer().publish([Message(topic, "Schlüssel/1", b"\x00\xff binary", headers)])
    consumer = await bus.subscribe(unique("g"), [topic])
    (record,) = await read(consumer, 1)
    assert (record.topic, record.partition, record.offset) == (topic, 0, 0)
    assert (record.key, record.value, dict(record.headers)) == ("Schlüssel/1", b"\x00\xff binary", headers)
    assert before <= record.timestamp <= datetime.now(UTC) + timedelta(seconds=1)


async def test_a_record_without_a_value_is_a_tombstone_and_not_an_empty_value(bus: Bus) -> None:
    topic = await new_topic(bus)
    await bus.producer().publish([Message(topic, "k", b""), Message(topic, "k", None)])
    consumer = await bus.subscribe(unique("g"), [topic])
    assert [record.value for record in await read(consumer, 2)] == [b"", None]


async def test_offsets_have_no_gaps_when_many_publish_at_once(bus: Bus, bus_url: str) -> None:
    topic = await new_topic(bus, partitions=3)
    async with running(bus_url) as other:

        async def write(bus: Bus, writer: int) -> None:
            for n in range(10):
                keys = [f"{writer}-{(n + k) % 7}" for k in range(4)]
                await bus.producer().publish([message(topic, key, f"{writer}.{n}") for key in keys])

        await asyncio.gather(*(write((bus, other)[writer % 2], writer) for writer in range(6)))
    consumer = await bus.subscribe(unique("g"), [topic])
    offsets: dict[int, list[int]] = defaultdict(list)
    for record in await read(consumer, 240):
        offsets[record.partition].append(record.offset)
    assert sum(len(found) for found in offsets.values()) == 240
    assert all(found == list(range(len(found))) for found in offsets.values())


async def test_every_group_reads_everything_from_the_beginning(bus: Bus) -> None:
    topic = await new_topic(bus, partitions=2)
    await publish(bus, topic, "a", "b", "c")
    first = await bus.subscribe(unique("first"), [topic])
    records = await read(first, 3)
    await first.commit(ends(records))
    await publish(bus, topic, "d")
    late = await bus.subscribe(unique("late"), [topic])
    assert values(await read(late, 4)) == ["a", "b", "c", "d"]
    assert values(await read(first, 1)) == ["d"]


async def test_fetch_keeps_to_its_limit_and_goes_on_where_it_ended(bus: Bus) -> None:
    topic = await new_topic(bus)
    await publish(bus, topic, *map(str, range(7)))
    consumer = await bus.subscribe(unique("g"), [topic])
    first = await read(consumer, 1, limit=3)
    assert len(first) <= 3
    rest = await read(consumer, 7 - len(first), limit=3)
    assert values([*first, *rest]) == list("0123456")


async def test_fetch_with_nothing_to_read_returns_empty_after_its_timeout(bus: Bus) -> None:
    topic = await new_topic(bus)
    consumer = await bus.subscribe(unique("g"), [topic])
    waited = Stopwatch()
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert list(await consumer.fetch(10, timedelta(seconds=0.5))) == []
    assert waited.seconds() > 0.4


async def test_a_waiting_fetch_is_woken_by_a_publish(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_consumer, "POLL_SECONDS", 3600.0)  # it does not look by itself
    topic = await new_topic(bus)
    consumer = await bus.subscribe(unique("g"), [topic])
    await publish(bus, topic, "first")
    await read(consumer, 1)
    for n in range(20):
        waiting = asyncio.create_task(consumer.fetch(10, timedelta(hours=1)))
        await asyncio.sleep(0.02)
        await publish(bus, topic, str(n))
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert values(await waiting) == [str(n)]


async def test_one_consumer_reads_several_topics(bus: Bus) -> None:
    one, two = await new_topic(bus), await new_topic(bus, partitions=3)
    consumer = await bus.subscribe(unique("g"), [one, two])
    await publish(bus, one, "a")
    await publish(bus, two, "b")
    assert sorted(values(await read(consumer, 2))) == ["a", "b"]
    assert {place.topic for place in consumer.assigned()} == {one, two}
    assert len(consumer.assigned()) == 4


async def test_a_topic_that_is_made_after_the_subscription_is_read(bus: Bus) -> None:
    topic = unique()
    consumer = await bus.subscribe(unique("g"), [topic])
    assert list(await consumer.fetch(1, MOMENT)) == []
    await bus.ensure_topics([TopicSpec(topic, partitions=2)])
    await publish(bus, topic, "a")
    assert values(await read(consumer, 1)) == ["a"]


async def test_making_topics_again_changes_nothing_and_more_partitions_are_added(bus: Bus) -> None:
    topic = await new_topic(bus, partitions=2)
    await publish(bus, topic, "a")
    await bus.ensure_topics([TopicSpec(topic, partitions=1)])
    consumer = await bus.subscribe(unique("g"), [topic])
    records = await read(consumer, 1)
    assert values(records) == ["a"]
    assert len(consumer.assigned()) == 2
    await consumer.commit(ends(records))
    await bus.ensure_topics([TopicSpec(topic, partitions=5)])
    await fetch_until([consumer], lambda: len(consumer.assigned()) == 5)
    await bus.producer().publish([message(topic, f"k{n}", "b") for n in range(50)])
    assert len(await read(consumer, 50)) == 50


async def test_several_services_may_make_the_same_topics_at_once(bus_url: str) -> None:
    topics = [TopicSpec(unique(), partitions=3) for _ in range(4)]
    buses = [connect(bus_url) for _ in range(4)]
    try:
        await asyncio.gather(*(bus.start() for bus in buses))
        await asyncio.gather(*(bus.ensure_topics(topics) for bus in buses))
        for topic in topics:
            await publish(buses[0], topic.name, "a")
    finally:
        await asyncio.gather(*(bus.stop() for bus in buses))


async def test_publishing_to_a_topic_that_nobody_made_is_refused_and_heals_when_it_is_made(bus: Bus) -> None:
    topic = unique()
    with pytest.raises(BusUnavailable):
        await publish(bus, topic, "a")
    await bus.ensure_topics([TopicSpec(topic)])
    await publish(bus, topic, "b")


async def test_publishing_nothing_is_no_error(bus: Bus) -> None:
    await bus.producer().publish([])


async def test_lag_counts_what_the_group_has_not_committed(bus: Bus) -> None:
    topic, group = await new_topic(bus, partitions=3), unique("g")
    assert await bus.lag(group, [topic]) == 0
    await bus.producer().publish([message(topic, f"k{n}", str(n)) for n in range(30)])
    assert await bus.lag(group, [topic]) == 30
    consumer = await bus.subscribe(group, [topic])
    records = await read(consumer, 30)
    assert await bus.lag(group, [topic]) == 30
    await consumer.commit(ends(records))
    assert await bus.lag(group, [topic]) == 0
    assert await bus.lag(unique("other"), [topic]) == 30


@pytest.mark.parametrize("url", ["redis://localhost", "kafka://", "nonsense"])
def test_a_url_of_no_engine_says_which_there_are(url: str) -> None:
    with pytest.raises(Misconfigured, match="kafka://"):
        connect(url)
