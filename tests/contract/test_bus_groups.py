"""The promises of the bus about groups and their members, for both engines."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence

import pytest

from libs.common.bus.base import Bus, Consumer, Partition
from tests.support.buses import MOMENT, ends, fetch_until, message, new_topic, publish, read, running, unique, values


@pytest.fixture
async def bus(bus_url: str) -> AsyncIterator[Bus]:
    async with running(bus_url) as bus:
        yield bus


async def settled(consumers: Sequence[Consumer], *counts: int) -> None:
    """Return when the consumers hold so many partitions, no partition twice."""

    def shared_out() -> bool:
        held = [consumer.assigned() for consumer in consumers]
        return sorted(map(len, held)) == sorted(counts) and len(frozenset().union(*held)) == sum(counts)

    await fetch_until(consumers, shared_out)


async def test_a_successor_goes_on_from_the_last_commit(bus: Bus) -> None:
    topic, group = await new_topic(bus), unique("g")
    await publish(bus, topic, *"abcde")
    first = await bus.subscribe(group, [topic])
    records = await read(first, 5)
    await first.commit(ends(records[:2]))
    await first.close()
    second = await bus.subscribe(group, [topic])
    assert values(await read(second, 3)) == ["c", "d", "e"]


async def test_what_a_killed_member_did_not_commit_is_read_by_the_next(bus: Bus, bus_url: str) -> None:
    topic, group = await new_topic(bus), unique("g")
    await publish(bus, topic, *"abc")
    member = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.bus_member", bus_url, group, topic, stdout=asyncio.subprocess.PIPE
    )
    assert member.stdout is not None
    seen = [await member.stdout.readline() for _ in range(3)]
    second = await bus.subscribe(group, [topic])
    # The only partition may stay with the first, or go to the second: an engine is free to share out anew.
    early = list(await second.fetch(10, MOMENT))
    member.kill()
    await member.wait()
    assert values([*early, *await read(second, 3 - len(early))]) == ["a", "b", "c"]
    assert [int(line) for line in seen] == [0, 1, 2]


async def test_members_share_the_partitions_and_each_record_is_read_once(bus: Bus, bus_url: str) -> None:
    topic, group = await new_topic(bus, partitions=6), unique("g")
    async with running(bus_url) as other:
        one = await bus.subscribe(group, [topic])
        await settled([one], 6)
        two = await other.subscribe(group, [topic])
        await settled([one, two], 3, 3)
        await bus.producer().publish([message(topic, f"k{n}", str(n)) for n in range(60)])
        records: list[str] = []
        while len(records) < 60:
            for consumer in (one, two):
                found = await consumer.fetch(100, MOMENT)
                assert {record.place for record in found} <= consumer.assigned()
                records.extend(values(found))
        assert sorted(map(int, records)) == list(range(60))


async def test_when_a_member_leaves_the_others_take_over_at_once(bus: Bus) -> None:
    topic, group = await new_topic(bus, partitions=4), unique("g")
    one = await bus.subscribe(group, [topic])
    two = await bus.subscribe(group, [topic])
    await settled([one, two], 2, 2)
    await one.close()
    await settled([two], 4)
    assert one.assigned() == frozenset()


async def test_groups_do_not_see_each_others_progress(bus: Bus) -> None:
    topic = await new_topic(bus)
    await publish(bus, topic, *"ab")
    one = await bus.subscribe(unique("one"), [topic])
    two_group = unique("two")
    two = await bus.subscribe(two_group, [topic])
    await one.commit(ends(await read(one, 2)))
    await read(two, 2)
    await two.close()
    again = await bus.subscribe(two_group, [topic])
    assert values(await read(again, 2)) == ["a", "b"]


async def test_a_commit_for_partitions_of_others_is_passed_over(bus: Bus) -> None:
    topic, group = await new_topic(bus, partitions=2), unique("g")
    await bus.producer().publish([message(topic, f"k{n}", str(n)) for n in range(20)])
    one = await bus.subscribe(group, [topic])
    two = await bus.subscribe(group, [topic])
    await settled([one, two], 1, 1)
    others = dict.fromkeys(two.assigned(), 5) | {Partition(topic, 99): 5, Partition("no-such", 0): 5}
    assert await one.commit(others) == frozenset()
    assert await bus.lag(group, [topic]) == 20
    assert await one.commit(others | dict.fromkeys(one.assigned(), 1)) == one.assigned()
    assert await bus.lag(group, [topic]) == 19


async def test_rewound_partitions_are_read_again_from_there(bus: Bus) -> None:
    topic = await new_topic(bus)
    await publish(bus, topic, *"abcd")
    consumer = await bus.subscribe(unique("g"), [topic])
    await read(consumer, 4)
    await consumer.rewind({Partition(topic, 0): 1, Partition("no-such", 0): 0})
    assert values(await read(consumer, 3)) == ["b", "c", "d"]


async def test_rewinding_in_the_middle_of_a_batch_repeats_only_what_follows(bus: Bus) -> None:
    topic = await new_topic(bus)
    await publish(bus, topic, *map(str, range(10)))
    consumer = await bus.subscribe(unique("g"), [topic])
    first = await read(consumer, 3, limit=3)
    await consumer.rewind({Partition(topic, 0): first[-1].offset})
    again = await read(consumer, 10 - first[-1].offset)
    assert values(again) == [str(n) for n in range(first[-1].offset, 10)]


async def test_a_closed_consumer_reads_nothing_and_may_be_closed_again(bus: Bus) -> None:
    topic = await new_topic(bus)
    await publish(bus, topic, "a")
    consumer = await bus.subscribe(unique("g"), [topic])
    await consumer.close()
    await consumer.close()
    assert list(await consumer.fetch(1, MOMENT)) == []


async def test_stopping_the_bus_closes_its_consumers(bus_url: str) -> None:
    group = unique("g")
    async with running(bus_url) as first:
        topic = await new_topic(first)
        await publish(first, topic, "a")
        await read(await first.subscribe(group, [topic]), 1)
    async with running(bus_url) as second:
        successor = await second.subscribe(group, [topic])
        assert values(await read(successor, 1)) == ["a"]
