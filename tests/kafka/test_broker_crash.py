"""A real broker that is killed and started again on the same folder."""

import asyncio
import os
import signal

import pytest

from libs.common.bus.base import BusUnavailable
from libs.common.bus.local_broker import LocalBroker
from libs.common.clock import Stopwatch
from tests.support.buses import ends, message, new_topic, publish, read, running, unique, values

pytestmark = pytest.mark.kafka


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
        await consumer.commit(ends(again))
        assert await bus.lag(group, [topic]) == 0
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
            await publish(bus, await new_topic(bus), "a")
    finally:
        await asyncio.to_thread(successor.kill)
        await asyncio.to_thread(kafka_broker.start)


async def test_a_frozen_broker_makes_a_publish_fail_in_bounded_time(kafka_broker: LocalBroker) -> None:
    async with running(kafka_broker.url) as bus:
        topic = await new_topic(bus)
        await publish(bus, topic, "a")
        assert kafka_broker.pid is not None
        os.kill(kafka_broker.pid, signal.SIGSTOP)
        waited = Stopwatch()
        try:
            with pytest.raises(BusUnavailable):
                await publish(bus, topic, "b")
            assert waited.seconds() < 8
        finally:
            os.kill(kafka_broker.pid, signal.SIGCONT)
