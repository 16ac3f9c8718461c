"""Clients that are closed while their broker is gone, frozen or silent: all end, and leave no task and no connection."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from libs.common.bus.base import Bus, BusUnavailable
from libs.common.bus.kafka import MOST_BYTES, KafkaBus
from libs.common.bus.kafka_clients import begin, end
from libs.common.bus.kafka_consumer import KafkaConsumer
from libs.common.bus.local_broker import LocalBroker
from tests.support.buses import MOMENT, ends, new_topic, publish, published_again, read, running, unique, values

pytestmark = pytest.mark.kafka

MEMBERS = 4
NOBODY = "127.0.0.1:1"
PATIENCE_SECONDS = 60.0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


def lines_to(broker: LocalBroker) -> int:
    """How many sockets of this process are, or were, connected to the broker and are still open."""
    port = int(broker.bootstrap.rpartition(":")[2])
    return sum(bool(line.raddr) and line.raddr.port == port for line in psutil.Process().net_connections("tcp"))


def unsent_bytes(bus: Bus) -> int:
    """How much of what the producer wrote did not leave this process yet."""
    assert isinstance(bus, KafkaBus)
    client = bus.producer()._client  # noqa: SLF001 - nothing public tells
    writers = [connection._writer for connection in client.client._conns.values()] if client else []  # noqa: SLF001
    return sum(writer.transport.get_write_buffer_size() for writer in writers if writer is not None)


async def join(bus: Bus, topic: str) -> KafkaConsumer:
    """A member of a group of its own."""
    member = await bus.subscribe(unique("g"), [topic])
    assert isinstance(member, KafkaConsumer)
    return member


async def members_of(admin: AIOKafkaAdminClient, group: str) -> list[list[object]]:
    """Who the broker says is in the group."""
    (answer,) = await admin.describe_consumer_groups([group])
    return [list(found[5]) for found in answer.groups]


@contextmanager
def frozen(broker: LocalBroker) -> Iterator[None]:
    """The broker keeps its connections and answers nothing."""
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(broker.pid, signal.SIGCONT)


class Gate:
    """Stands before a broker and lets only the first answer of each connection through, until it is opened."""

    def __init__(self) -> None:
        self.open = False
        self.silent = 0
        """How many connections wait for an answer that does not come."""
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
        """Carry one connection."""
        inner_reader, inner_writer = await asyncio.open_connection(host, port)
        asked = 0
        with suppress(ConnectionError):
            while request := await reader.read(65536):
                asked += 1
                inner_writer.write(request)
                if asked > 1 and not self.open:
                    self.silent += 1
                    await reader.read()
                    self.silent -= 1
                    break
                writer.write(await inner_reader.read(65536))
        inner_writer.close()
        writer.close()


@asynccontextmanager
async def gate_before(broker: LocalBroker) -> AsyncIterator[Gate]:
    host, _, port = broker.bootstrap.rpartition(":")
    gate = Gate()
    server = await asyncio.start_server(lambda r, w: gate.serve(r, w, host, int(port)), host, 0)
    gate.url = "{}:{}".format(*server.sockets[0].getsockname())
    async with server:
        yield gate


async def test_a_bus_whose_broker_is_gone_stops_whole_whenever_its_members_close(
    kafka_broker: LocalBroker, caplog: pytest.LogCaptureFixture
) -> None:
    before = asyncio.all_tasks()
    async with running(kafka_broker.url) as bus:
        topic = await new_topic(bus)
        await publish(bus, topic, "a")
        members = await asyncio.gather(*(join(bus, topic) for _ in range(2 * MEMBERS)))
        for member in members:
            assert len(await read(member, 1)) == 1
        await bus.lag(unique("g"), [topic])
        await asyncio.to_thread(kafka_broker.kill)
        try:
            await until(lambda: caplog.text.count("Failed fetch messages") >= len(members))
            for step, member in enumerate(members[:MEMBERS]):  # the others close together
                await asyncio.sleep(step * 0.017)
                await member.close()
                assert member.closed
            await bus.stop()
            assert all(member.closed for member in members)
            await until(lambda: lines_to(kafka_broker) == 0)
            await until(lambda: asyncio.all_tasks() == before)
        finally:
            await asyncio.to_thread(kafka_broker.start)


async def test_a_member_that_closes_is_no_member_any_more(kafka_broker: LocalBroker) -> None:
    group = unique("g")
    async with running(kafka_broker.url) as bus:
        member = await bus.subscribe(group, [await new_topic(bus)])
        await until(lambda: len(member.assigned()) == 1)
        admin = AIOKafkaAdminClient(bootstrap_servers=[kafka_broker.bootstrap])
        await begin(admin)
        try:
            assert [len(members) for members in await members_of(admin, group)] == [1]
            await member.close()
            assert await members_of(admin, group) == [[]]
        finally:
            await end(admin)


async def test_a_fetch_ends_while_the_group_shares_its_partitions_and_the_broker_is_frozen(
    kafka_broker: LocalBroker,
) -> None:
    async with running(kafka_broker.url) as bus:
        topic = await new_topic(bus)
        await publish(bus, topic, "a")
        member = await join(bus, topic)
        await member.commit(ends(await read(member, 1)))
        with frozen(kafka_broker):
            member._client._coordinator.request_rejoin()  # noqa: SLF001 - what the broker's word would make it do
            await until(lambda: bool(member._client._subscription.reassignment_in_progress))  # noqa: SLF001
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert list(await member.fetch(1, MOMENT)) == []
        await published_again(bus, topic, "b")
        assert values(await read(member, 1)) == ["b"]


async def test_a_bus_whose_broker_is_frozen_stops_whole_in_bounded_time(kafka_broker: LocalBroker) -> None:
    before = asyncio.all_tasks()
    async with running(kafka_broker.url) as bus:
        topic = await new_topic(bus)
        await publish(bus, topic, "a")
        member, hurried = [await join(bus, topic) for _ in range(2)]
        for reader in (member, hurried):
            assert len(await read(reader, 1)) == 1
        with frozen(kafka_broker):
            # More than the sockets between take: the rest of it is never sent.
            publishing = asyncio.create_task(publish(bus, topic, "x" * (MOST_BYTES - 4096)))
            await until(lambda: unsent_bytes(bus) > 0)
            closing = asyncio.create_task(hurried.close())
            await asyncio.sleep(0)
            closing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await closing
            async with asyncio.timeout(PATIENCE_SECONDS):
                await bus.stop()
            with pytest.raises(BusUnavailable):
                await publishing
            assert member.closed
            await hurried.close()
            await until(lambda: lines_to(kafka_broker) == 0)
            await until(lambda: asyncio.all_tasks() == before)


@pytest.mark.parametrize("kind", [AIOKafkaConsumer, AIOKafkaProducer, AIOKafkaAdminClient])
async def test_a_start_that_is_called_off_closes_the_connection_that_waits_for_an_answer(
    kafka_broker: LocalBroker, kind: type[AIOKafkaConsumer | AIOKafkaProducer | AIOKafkaAdminClient]
) -> None:
    async with gate_before(kafka_broker) as gate:
        starting = asyncio.create_task(begin(kind(bootstrap_servers=[gate.url])))
        await until(lambda: gate.silent == 1)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        await until(lambda: gate.silent == 0)


async def test_a_start_that_the_library_calls_off_itself_is_tried_again(kafka_broker: LocalBroker) -> None:
    async with running(kafka_broker.url) as bus, gate_before(kafka_broker) as gate:
        topic = await new_topic(bus)
        await publish(bus, topic, "a")
        gated = KafkaBus([gate.url])
        joining = asyncio.create_task(gated.subscribe(unique("g"), [topic]))
        await until(lambda: gate.silent == 1)
        gate.open = True
        starts = [task for task in asyncio.all_tasks() if task.get_name() == "start a AIOKafkaConsumer"]
        assert len(starts) == 1
        starts[0].cancel()
        assert values(await read(await joining, 1)) == ["a"]
        await gated.stop()


async def test_a_member_that_does_not_close_well_keeps_no_other_open(monkeypatch: pytest.MonkeyPatch) -> None:
    before = asyncio.all_tasks()
    bus = KafkaBus([NOBODY])
    await bus.start()
    members = await asyncio.gather(*(join(bus, "t") for _ in range(3)))
    good = members[0].close

    async def bad() -> None:
        await good()
        raise RuntimeError("badly")

    monkeypatch.setattr(members[0], "close", bad)
    with pytest.raises(RuntimeError, match="badly"):
        await bus.stop()
    assert all(member.closed for member in members)
    await until(lambda: asyncio.all_tasks() == before)
