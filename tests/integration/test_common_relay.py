"""The relay: what was committed reaches the bus, in order, whatever dies in between."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text

from libs.common.bus.base import Bus, Record
from libs.common.clock import ManualClock
from libs.common.db import relay as relay_module
from libs.common.db.relay import BATCH, Relay
from libs.common.db.session import Database
from libs.common.db.wakeups import Wakeups
from libs.common.db.work import UnitOfWork
from libs.common.metrics import Metrics
from tests.support.postgres import PostgresServer
from tests.support.sample import T0, count, fact, sample_database, until, work
from tests.support.sample.bus import on_topic, sample_bus


@asynccontextmanager
async def relaying(
    database: Database, bus: Bus, metrics: Metrics | None = None, clock: ManualClock | None = None
) -> AsyncIterator[tuple[UnitOfWork, Relay]]:
    """A replica whose outbox is relayed."""
    wakeups = Wakeups(database)
    uow = work(database, clock, wakeups)
    relay = Relay(uow, bus, metrics)
    await wakeups.start()
    await relay.start()
    try:
        yield uow, relay
    finally:
        await relay.stop()
        await wakeups.stop()


async def tell(uow: UnitOfWork, *reasons: str) -> None:
    async with uow.begin() as tx:
        await tx.emit(*(fact(reason) for reason in reasons))


def reasons(records: list[Record]) -> list[str]:
    return [json.loads(record.value or b"{}")["reason"] for record in records]


async def test_what_was_committed_reaches_the_bus_in_order_and_leaves_the_outbox(database_url: str) -> None:
    metrics = Metrics()
    async with (
        sample_database(database_url) as database,
        sample_bus(database_url) as bus,
        relaying(database, bus, metrics) as (uow, relay),
    ):
        for number in range(20):
            await tell(uow, f"{number} a", f"{number} b")
        await until(relay.idle)
        found = await on_topic(bus, "notifications")
        assert reasons(found) == [f"{number} {half}" for number in range(20) for half in "ab"]

        async def counted() -> bool:
            return metrics.registry.get_sample_value("tocsin_outbox_published_total", {"topic": "notifications"}) == 40

        await until(counted)


async def test_a_backlog_goes_out_in_full_batches(database_url: str) -> None:
    async with sample_database(database_url) as database, sample_bus(database_url) as bus:
        await tell(work(database), *(str(number) for number in range(BATCH + 1)))
        async with relaying(database, bus) as (_, relay):
            await until(relay.idle)
        assert bus.batches == [BATCH, 1]


async def test_a_commit_is_on_the_bus_without_the_relay_looking_by_itself(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "POLL_SECONDS", 3600.0)
    async with (
        sample_database(database_url) as database,
        sample_bus(database_url) as bus,
        relaying(database, bus) as (uow, relay),
    ):
        await tell(uow, "warm")
        await until(relay.idle)
        arrived = asyncio.Event()

        async def arrive() -> None:
            arrived.set()

        bus.after = arrive
        for number in range(30):
            arrived.clear()
            await tell(uow, str(number))
            async with asyncio.timeout(60):
                await arrived.wait()


async def test_while_the_bus_is_down_events_wait_and_then_all_arrive(database_url: str) -> None:
    metrics, clock = Metrics(), ManualClock(T0)
    async with (
        sample_database(database_url) as database,
        sample_bus(database_url) as bus,
    ):
        bus.down = True
        await tell(work(database), "a", "b")
        clock.advance(timedelta(minutes=5))
        async with relaying(database, bus, metrics, clock) as (_, relay):

            async def told() -> bool:
                return relay.problem() is not None

            await until(told)
            assert relay.problem() == "events wait in the outbox: the bus is down, says the test"

            async def measured() -> bool:
                return metrics.registry.get_sample_value("tocsin_outbox_pending") == 2

            await until(measured)
            assert metrics.registry.get_sample_value("tocsin_outbox_oldest_seconds") == 300
            bus.down = False
            await until(relay.idle)

            async def well() -> bool:
                return relay.problem() is None

            await until(well)
        assert reasons(await on_topic(bus, "notifications")) == ["a", "b"]


async def test_a_relay_that_dies_between_publish_and_delete_publishes_again(
    database_url: str, postgres_server: PostgresServer
) -> None:
    async with sample_database(database_url) as database, sample_bus(database_url) as bus:
        deaths = iter([True])

        async def die_once() -> None:
            if next(deaths, False):
                await postgres_server.execute(
                    "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
                    " WHERE application_name = 'tocsin sample' AND query LIKE '%FROM outbox ORDER BY id%'"
                )

        bus.after = die_once
        async with relaying(database, bus) as (uow, relay):
            await tell(uow, "a", "b")
            await until(relay.idle)
            found = await on_topic(bus, "notifications")
        assert reasons(found) == ["a", "b", "a", "b"]
        assert len({record.headers["ce_id"] for record in found}) == 2, "an inbox knows the repeats by their ids"


async def test_of_two_relays_one_publishes_and_the_other_takes_over(database_url: str) -> None:
    async with sample_database(database_url) as database, sample_bus(database_url) as bus:
        async with relaying(database, bus) as (first, relay):
            async with relaying(database, bus) as (second, _):
                for number in range(50):
                    await asyncio.gather(tell(first, f"first {number}"), tell(second, f"second {number}"))
                await until(relay.idle)
            await tell(first, "the other is gone")
            await until(relay.idle)
        async with relaying(database, bus) as (third, relay):
            await tell(third, "taken over")
            await until(relay.idle)
        found = reasons(await on_topic(bus, "notifications"))
        assert len(found) == len(set(found)) == 102
        assert found[-2:] == ["the other is gone", "taken over"]


async def test_stopping_drains_the_outbox_first(database_url: str) -> None:
    async with sample_database(database_url) as database, sample_bus(database_url) as bus:
        async with relaying(database, bus) as (uow, relay):
            await tell(uow, "warm")
            await until(relay.idle)
            await tell(work(database), *(f"unheard of {number}" for number in range(3)))  # nobody is woken for these
        assert await count(work(database), "outbox") == 0


async def test_what_was_committed_after_the_last_look_of_a_relay_that_stops_still_goes_out(database_url: str) -> None:
    async with sample_database(database_url) as database, sample_bus(database_url) as bus:
        async with database.engine.begin() as holding:
            await holding.execute(text("LOCK TABLE inbox"))  # that its first purge waits for, right after it looked
            async with relaying(database, bus) as (uow, relay):

                async def has_looked() -> bool:
                    query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = CAST('inbox' AS regclass)"
                    async with uow.read() as session:
                        return bool(await session.scalar(text(query)))

                await until(has_looked)
                await tell(uow, "at the last moment")
                stopping = asyncio.create_task(relay.stop())
                await asyncio.sleep(0)
                await holding.commit()
                await stopping
        assert await count(work(database), "outbox") == 0


async def test_stopping_does_not_wait_for_a_bus_that_is_down(database_url: str) -> None:
    async with sample_database(database_url) as database, sample_bus(database_url) as bus:
        bus.down = True
        async with asyncio.timeout(60), relaying(database, bus) as (uow, _):
            await tell(uow, "kept")
        assert await count(work(database), "outbox") == 1


async def test_the_inbox_forgets_what_is_older_than_any_repeat(database_url: str) -> None:
    async with sample_database(database_url) as database, sample_bus(database_url) as bus:
        async with database.engine.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO inbox (\"group\", event_id, taken_at) SELECT 'g', uuidv7(), CAST(:at AS timestamptz) - n * CAST(:day AS interval) FROM generate_series(29, 32) AS n"
                ),
                {"at": T0, "day": timedelta(days=1)},
            )
        async with relaying(database, bus):

            async def purged() -> bool:
                return await count(work(database), "inbox") == 2

            await until(purged)
