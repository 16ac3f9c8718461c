"""A real broker that is killed and started again on the same folder."""

import asyncio
import os
import signal
from contextlib import suppress

import pytest

from libs.common.bus.base import Bus, BusUnavailable
from libs.common.bus.local_broker import LocalBroker
from tests.support.buses import (
    MOMENT,
    PATIENCE_SECONDS,
    ends,
    message,
    new_topic,
    publish,
    published_again,
    read,
    running,
    unique,
    values,
)

pytestmark = pytest.mark.kafka


async def lag(bus: Bus, group: str, topic: str) -> int | None:
    """What the group has not committed; ``None`` while nobody can say."""
    try:
        return await bus.lag(group, [topic])
    except BusUnavailable:
        return None


async def test_records_and_commits_outlive_a_broker_that_was_killed(kafka_broker: LocalBroker) -> None:
    async with running(kafka_broker.url) as bus:
        topic, group = await new_topic(bus, partitions=3), unique("g")
        await bus.producer().publish([message(topic, f"k{n}", str(n)) for n in range(50)])
        consumer = await bus.subscribe(group, [topic])
        await consumer.commit(ends(await read(consumer, 50)))
        await publish(bus, topic, "not committed")
        await asyncio.to_thread(kafka_broker.kill)
        await asyncio.to_thread(kafka_broker.start)
        again = await read(consumer, 1)
        assert values(again) == ["not committed"]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await lag(bus, group, topic) != 0:
                with suppress(BusUnavailable):  # the coordinator may need its time to come back
                    await consumer.commit(ends(again))
                again = [*again, *await consumer.fetch(10, MOMENT)]  # again, where the group was shared out anew
        late = await bus.subscribe(unique("late"), [topic])
        assert len(await read(late, 51)) == 51


async def test_a_relay_that_tries_again_loses_nothing_and_keeps_the_order_over_a_kill(
    kafka_broker: LocalBroker,
) -> None:
    async with running(kafka_broker.url) as bus:
        topic = await new_topic(bus)

        async def relay() -> None:
            for n in range(200):
                while True:
                    try:
                        await publish(bus, topic, str(n))
                    except BusUnavailable:
                        await asyncio.sleep(0.05)
                    else:
                        break
                await asyncio.sleep(0.005)

        writing = asyncio.create_task(relay())
        await asyncio.sleep(0.3)
        await asyncio.to_thread(kafka_broker.kill)
        await asyncio.to_thread(kafka_broker.start)
        await writing
        consumer = await bus.subscribe(unique("g"), [topic])
        seen: list[int] = []
        while 199 not in seen:
            seen.extend(map(int, values(await read(consumer, 1))))
        first_seen = list(dict.fromkeys(seen))
        assert first_seen == list(range(200))


async def test_a_broker_that_is_restarted_in_good_order_serves_again(kafka_broker: LocalBroker) -> None:
    async with running(kafka_broker.url) as bus:
        topic = await new_topic(bus)
        await publish(bus, topic, "a")
        await asyncio.to_thread(kafka_broker.restart)
        consumer = await bus.subscribe(unique("g"), [topic])
        assert values(await read(consumer, 1)) == ["a"]


async def test_a_broker_that_outlived_its_parent_gives_way_to_the_next_of_its_folder(
    kafka_broker: LocalBroker,
) -> None:
    orphan = kafka_broker.pid
    assert orphan is not None
    successor = LocalBroker(kafka_broker.log.parent, session_ms=1000)
    await asyncio.to_thread(successor.start)
    try:
        assert not kafka_broker.running()
        async with running(successor.url) as bus:
            await published_again(bus, await new_topic(bus), "a")
    finally:
        await asyncio.to_thread(successor.kill)
        await asyncio.to_thread(kafka_broker.start)


async def test_a_frozen_broker_makes_a_publish_fail_in_bounded_time(kafka_broker: LocalBroker) -> None:
    async with running(kafka_broker.url) as bus:
        topic = await new_topic(bus)
        await publish(bus, topic, "a")
        assert kafka_broker.pid is not None
        os.kill(kafka_broker.pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                with pytest.raises(BusUnavailable):
                    await publish(bus, topic, "b")
        finally:
            os.kill(kafka_broker.pid, signal.SIGCONT)
