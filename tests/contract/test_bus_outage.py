"""What both engines do while their server is away, and when it is back."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from libs.common.bus.base import BusUnavailable, Partition
from libs.common.bus.connect import connect
from libs.common.bus.local_broker import LocalBroker
from libs.common.clock import Stopwatch
from tests.contract.conftest import ENGINES
from tests.support.buses import MOMENT, ends, new_topic, publish, published_again, read, running, unique, values
from tests.support.postgres import PostgresServer

BOUND_SECONDS = 90.0
"""Far above what a busy machine makes of any wait here, and below for ever."""


@dataclass
class Server:
    """The server that carries the bus: it can be taken away and brought back."""

    url: str
    away: Callable[[], Awaitable[None]]
    back: Callable[[], Awaitable[None]]


@pytest.fixture(params=ENGINES)
def server(request: pytest.FixtureRequest) -> Server:
    if request.param == "kafka":
        return _kafka(request.getfixturevalue("kafka_broker"))
    return _postgres(request.getfixturevalue("postgres_server"), request.getfixturevalue("database_url"))


def _kafka(broker: LocalBroker) -> Server:
    async def away() -> None:
        await asyncio.to_thread(broker.kill)

    async def back() -> None:
        await asyncio.to_thread(broker.start)

    return Server(broker.url, away, back)


def _postgres(server: PostgresServer, url: str) -> Server:
    name = urlsplit(url).path.lstrip("/")

    async def away() -> None:
        await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await server.execute(
            f"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608 - ours
        )

    async def back() -> None:
        await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    return Server(url, away, back)


async def until(condition: Callable[[], bool]) -> None:
    waited = Stopwatch()
    while not condition():
        assert waited.seconds() < BOUND_SECONDS, "the condition never held"
        await asyncio.sleep(0.05)


async def test_nothing_is_accepted_while_the_server_is_away_and_the_same_objects_heal(server: Server) -> None:
    async with running(server.url) as bus:
        topic, group = await new_topic(bus), unique("g")
        await publish(bus, topic, "before")
        consumer = await bus.subscribe(group, [topic])
        await consumer.commit(ends(await read(consumer, 1)))
        assert bus.healthy()

        await server.away()
        waited = Stopwatch()
        with pytest.raises(BusUnavailable):
            await publish(bus, topic, "meanwhile")
        assert waited.seconds() < BOUND_SECONDS
        await until(lambda: not bus.healthy())
        assert list(await consumer.fetch(10, MOMENT)) == []
        with pytest.raises(BusUnavailable):
            await bus.lag(group, [topic])

        await server.back()
        await published_again(bus, topic, "after")
        assert values(await read(consumer, 1))[-1] == "after"
        await until(bus.healthy)


async def test_a_commit_fails_while_the_server_is_away_and_the_records_come_again(server: Server) -> None:
    async with running(server.url) as bus:
        topic, group = await new_topic(bus), unique("g")
        await publish(bus, topic, "a", "b")
        consumer = await bus.subscribe(group, [topic])
        records = await read(consumer, 2)
        await server.away()
        waited = Stopwatch()
        with pytest.raises(BusUnavailable):
            await consumer.commit({Partition(topic, 0): records[0].offset + 1})
        assert waited.seconds() < BOUND_SECONDS
        await server.back()
        await consumer.close()
        successor = await bus.subscribe(group, [topic])
        assert values(await read(successor, 2)) == ["a", "b"]


async def test_a_bus_starts_without_its_server_and_connects_when_it_comes(server: Server) -> None:
    async with running(server.url) as bus:
        topic = await new_topic(bus)
        await publish(bus, topic, "a")
    await server.away()
    late = connect(server.url)
    try:
        waited = Stopwatch()
        await late.start()
        consumer = await late.subscribe(unique("g"), [topic])
        assert waited.seconds() < BOUND_SECONDS
        assert not late.healthy()
        assert consumer.assigned() == frozenset()
        assert list(await consumer.fetch(1, timedelta(milliseconds=50))) == []
        await server.back()
        assert values(await read(consumer, 1)) == ["a"]
        await until(late.healthy)
    finally:
        await late.stop()
