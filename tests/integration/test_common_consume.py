"""The consumer loop on the real bus: once each, in order, patient with outages, and stopped by its limit."""

import asyncio
import json

import structlog
from sqlalchemy import delete, exc

from libs.common.bus.base import Message, Partition
from libs.common.clock import SystemClock
from libs.common.consume import ConsumePolicy, ConsumerLoop, Subscription
from libs.common.db.session import DatabaseUnavailable
from libs.common.db.tables import INBOX
from libs.common.db.wakeups import Wakeups
from libs.common.db.work import Tx
from libs.common.dead_letters import DeadLetterLimit, list_dead_letters, redrive
from libs.common.errors import Conflict
from libs.common.events.base import Event
from libs.common.events.notifications import NotificationsWithdrawn
from libs.common.metrics import Metrics
from libs.common.tracing import current_trace_id
from tests.support.postgres import PostgresServer
from tests.support.sample import count, fact, notes, sample_database, until, work, write
from tests.support.sample.bus import on_topic, sample_bus
from tests.support.sample.consuming import POLICY, QUICK, consuming, message


async def test_each_event_is_handled_once_and_in_the_order_of_its_key(database_url: str) -> None:
    metrics = Metrics()
    async with sample_database(database_url) as database, sample_bus(database_url) as bus:
        messages = [message(f"{subject}:{number:02}", subject) for number in range(20) for subject in range(5)]
        await bus.producer().publish(messages)
        async with consuming(database, bus, metrics=metrics) as (uow, loop):
            await until(loop.idle)
            await bus.producer().publish(messages)  # a relay that died between publish and delete
            await until(loop.idle)
            found = await notes(uow)
    assert len(found) == 100
    for subject in range(5):
        mine = [words for words in found if words.startswith(f"{subject}:")]
        assert mine == sorted(mine)
    handled, repeats = (
        metrics.registry.get_sample_value("tocsin_consumed_total", {"topic": "notifications", "outcome": outcome})
        for outcome in ("handled", "repeat")
    )
    assert (handled, repeats) == (100, 100)


async def test_what_a_handler_tells_is_committed_with_what_it_saves(database_url: str) -> None:
    async def fail_after_telling(tx: Tx, event: NotificationsWithdrawn) -> None:
        await write(tx, event.reason)
        if event.reason == "cause":
            await tx.emit(fact("effect"))
            if not failed:
                failed.append(event)
                raise ConnectionResetError("half way")

    failed: list[Event] = []
    async with sample_database(database_url) as database, sample_bus(database_url) as bus:
        async with consuming(database, bus, fail_after_telling) as (uow, loop):
            await bus.producer().publish([message("cause")])

            async def both() -> bool:
                return await notes(uow) == ["cause", "effect"]

            await until(both)
            await until(loop.idle)
        assert len(await on_topic(bus, "notifications")) == 2
        assert failed


async def test_events_without_a_handler_leave_no_row_and_are_not_read_again(database_url: str) -> None:
    async with sample_database(database_url) as database, sample_bus(database_url) as bus:
        wakeups = Wakeups(database)
        uow = work(database, SystemClock(), wakeups)
        loop = ConsumerLoop(bus, uow, uow.clock, uow.chance, Subscription("sample", ("notifications",), {}))
        await bus.producer().publish([message("nothing to me")])
        await loop.start()
        await until(loop.idle)
        await loop.stop()
        assert await count(uow, "inbox") == 0
        assert await bus.lag("sample", ["notifications"]) == 0


async def test_what_is_away_is_waited_for_and_holds_up_only_its_own_partition(database_url: str) -> None:
    away = asyncio.Event()

    async def need_it(tx: Tx, event: NotificationsWithdrawn) -> None:
        if event.reason == "stuck" and not away.is_set():
            raise TimeoutError("the lock is not to be had")
        await write(tx, event.reason)

    async with sample_database(database_url) as database, sample_bus(database_url) as bus:
        async with consuming(database, bus, need_it) as (uow, loop):
            stuck, behind = message("stuck", 1), message("behind", 1)
            await bus.producer().publish([stuck, behind])
            others = [message(f"free {subject}", subject) for subject in range(2, 30)]
            await bus.producer().publish(others)
            places = {record.key: record.partition for record in await on_topic(bus, "notifications")}
            free = [other for other in others if places[other.key] != places[stuck.key]]

            async def all_free() -> bool:
                return len(await notes(uow)) == len(free)

            await until(all_free)
            assert not await loop.idle()
            away.set()
            await until(loop.idle)
            found = await notes(uow)
            assert found.index("stuck") < found.index("behind")
            assert await count(uow, "inbox") == 30
        assert await on_topic(bus, "dead-letters") == []


async def test_a_deadlock_is_run_again(database_url: str) -> None:
    tries: list[str] = []

    async def deadlock_once(tx: Tx, event: NotificationsWithdrawn) -> None:
        tries.append(event.reason)
        await write(tx, event.reason)
        if len(tries) == 1:
            cause = RuntimeError("deadlock detected")
            cause.sqlstate = "40P01"  # type: ignore[attr-defined]
            raise exc.OperationalError("UPDATE", None, cause)

    async with (
        sample_database(database_url) as database,
        sample_bus(database_url) as bus,
        consuming(database, bus, deadlock_once, ConsumePolicy(attempts=1, away=QUICK)) as (uow, loop),
    ):
        await bus.producer().publish([message("a")])
        await until(loop.idle)
        assert await notes(uow) == ["a"]
        assert len(tries) == 2


async def test_the_database_may_go_away_while_events_are_handled(
    database_url: str, postgres_server: PostgresServer
) -> None:
    seen: list[str] = []

    async def cut_once(tx: Tx, event: NotificationsWithdrawn) -> None:
        seen.append(event.reason)
        await write(tx, event.reason)
        if len(seen) == 3:
            await postgres_server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tocsin sample'"
            )

    async with (
        sample_database(database_url) as database,
        sample_bus(database_url) as bus,
        consuming(database, bus, cut_once) as (uow, loop),
    ):
        await bus.producer().publish([message(str(number)) for number in range(10)])

        async def all_there() -> bool:
            return len(seen) > 10 and await loop.idle()

        await until(all_there)
        assert await notes(uow) == [str(number) for number in range(10)]


async def test_what_breaks_at_every_try_is_set_aside_with_its_reason_and_the_rest_goes_on(database_url: str) -> None:
    tries: list[str] = []

    async def break_on_bad(tx: Tx, event: NotificationsWithdrawn) -> None:
        tries.append(event.reason)
        await write(tx, event.reason)
        if event.reason == "bad":
            raise ValueError("cannot be")
        if event.reason == "refused":
            raise Conflict("it is resolved already")

    metrics = Metrics()
    async with sample_database(database_url) as database, sample_bus(database_url) as bus:
        async with consuming(database, bus, break_on_bad, metrics=metrics) as (uow, loop):
            bad = message("bad")
            broken = Message("notifications", bad.key, b"{", {**message("x").headers})
            await bus.producer().publish([bad, broken, message("refused"), message("good")])
            await until(loop.idle)
            assert await notes(uow) == ["good"]
            assert tries.count("bad") == POLICY.attempts

            async def on_the_bus() -> bool:
                return await count(uow, "outbox") == 0

            await until(on_the_bus)
        letters = await list_dead_letters(bus)
    assert [(letter.reason, letter.topic, letter.group, letter.redriven) for letter in letters] == [
        ("failed", "notifications", "sample", False),
        ("undecodable", "notifications", "sample", False),
        ("rejected", "notifications", "sample", False),
    ]
    first = letters[0]
    assert first.error == "ValueError: cannot be"
    assert (first.record.key, first.record.value) == (bad.key, bad.value)
    assert bad.headers.items() <= first.record.headers.items()
    assert first.origin.endswith("/0")
    sample = metrics.registry.get_sample_value
    assert sample("tocsin_dead_letters_total", {"topic": "notifications", "reason": "failed"}) == 1


async def test_a_dead_letter_sent_again_is_handled_by_the_group_it_failed_in_and_no_other(database_url: str) -> None:
    mended = asyncio.Event()

    async def break_until_mended(tx: Tx, event: NotificationsWithdrawn) -> None:
        if not mended.is_set():
            raise ValueError("a bug")
        await write(tx, f"mended: {event.reason}")

    async def count_it(tx: Tx, event: NotificationsWithdrawn) -> None:
        others.append(event.reason)

    others: list[str] = []
    async with (
        sample_database(database_url) as database,
        sample_database(database_url, "other") as second,
        sample_bus(database_url) as bus,
        consuming(database, bus, break_until_mended) as (uow, loop),
        consuming(second, bus, count_it, group="other") as (elsewhere, other),
    ):
        await bus.producer().publish([message("a")])
        await until(loop.idle)
        await until(other.idle)
        async with elsewhere.begin() as tx:  # so long after that the other group has forgotten the event
            await tx.session.execute(delete(INBOX))
        mended.set()

        async def is_listed() -> bool:
            return bool(await list_dead_letters(bus))

        await until(is_listed)
        letters = await list_dead_letters(bus)
        await redrive(bus, letters)
        await redrive(bus, letters)
        await until(loop.idle)
        await until(other.idle)
        assert await notes(uow) == ["mended: a"]
        assert others == ["a"]
        assert [letter.redriven for letter in await list_dead_letters(bus)] == [True]


async def test_past_the_limit_of_dead_letters_the_loop_stops_and_commits_no_further(database_url: str) -> None:
    handled: list[str] = []
    calls: list[str] = []
    told: list[str] = []
    mended = asyncio.Event()

    async def break_on_bad(tx: Tx, event: NotificationsWithdrawn) -> None:
        handled.append(event.reason)
        if event.reason.startswith("bad") and not mended.is_set():
            raise ValueError("cannot be")
        await write(tx, event.reason)

    async def page(reason: str) -> None:
        calls.append(reason)
        if len(calls) == 1:
            raise DatabaseUnavailable("away for a moment")
        told.append(reason)

    policy = ConsumePolicy(
        attempts=1, broken=QUICK, away=QUICK, limit=DeadLetterLimit(window=100, at_least=3, share=0.03)
    )
    metrics = Metrics()
    stopped = {"group": "sample"}
    async with sample_database(database_url) as database, sample_bus(database_url) as bus:
        async with consuming(database, bus, break_on_bad, policy, metrics=metrics, on_stop=page) as (uow, loop):
            assert metrics.registry.get_sample_value("tocsin_consumer_stopped", stopped) == 0
            await bus.producer().publish([message("good"), *(message(f"bad {number}") for number in range(10))])

            async def has_stopped() -> bool:
                return loop.problem() is not None

            await until(has_stopped)
            await bus.producer().publish([message("later")])

            async def is_told() -> bool:
                return bool(told)

            await until(is_told)
            assert handled == ["good", "bad 0", "bad 1", "bad 2", "bad 3"], (
                "what breaks the limit is not set aside any more"
            )
            assert await notes(uow) == ["good"]
            assert await bus.lag("sample", ["notifications"]) == 8, "bad 3 to bad 9 and what came later wait"
            assert "more than 3 of its last 100 records failed for good" in (loop.problem() or "")
            assert told == [loop.problem()]
            assert metrics.registry.get_sample_value("tocsin_consumer_stopped", stopped) == 1

            mended.set()
            loop.resume()
            await until(loop.idle)
            assert loop.problem() is None
            assert await notes(uow) == ["good", *(f"bad {number}" for number in range(3, 10)), "later"]
            assert metrics.registry.get_sample_value("tocsin_consumer_stopped", stopped) == 0
        assert len(await on_topic(bus, "dead-letters")) == 3


async def test_a_crash_before_the_offset_is_committed_repeats_nothing(database_url: str) -> None:
    async with sample_database(database_url) as database, sample_bus(database_url) as bus:
        messages = [message(str(number)) for number in range(5)]
        await bus.producer().publish(messages)
        partition = (await on_topic(bus, "notifications"))[0].partition
        async with consuming(database, bus) as (uow, loop):
            await until(loop.idle)
        member = await bus.subscribe("sample", ["notifications"])
        await member.commit({Partition("notifications", partition): 2})  # as if the last commits had never been
        await member.close()
        async with consuming(database, bus) as (uow, loop):
            await until(loop.idle)
            assert await notes(uow) == [str(number) for number in range(5)]


async def test_what_was_handled_while_the_group_shares_anew_is_noted_after_that(database_url: str) -> None:
    async with sample_database(database_url) as database, sample_bus(database_url) as bus:
        await bus.producer().publish([message("the last for long")])
        bus.sharing = True
        async with consuming(database, bus) as (uow, loop):
            await until(loop.idle)
            assert await notes(uow) == ["the last for long"]


async def test_two_replicas_share_the_partitions_and_handle_everything_once(database_url: str) -> None:
    async with (
        sample_database(database_url) as database,
        sample_bus(database_url) as bus,
        sample_bus(database_url) as second_bus,
        consuming(database, bus) as (uow, first),
    ):
        sent = [message(f"{subject}:{number}", subject) for number in range(10) for subject in range(12)]
        await bus.producer().publish(sent[:40])
        async with consuming(database, second_bus) as (_, second):
            await bus.producer().publish(sent[40:80])
            await until(second.idle)
        await bus.producer().publish(sent[80:])
        await until(first.idle)
        found = await notes(uow)
    assert sorted(found) == sorted(json.loads(one.value or b"")["reason"] for one in sent)


async def test_stopping_finishes_the_record_at_hand_and_leaves_the_rest(database_url: str) -> None:
    began = asyncio.Event()

    async def slow(tx: Tx, event: NotificationsWithdrawn) -> None:
        began.set()
        await asyncio.sleep(0.2)
        await write(tx, event.reason)

    async with sample_database(database_url) as database, sample_bus(database_url) as bus:
        async with consuming(database, bus, slow) as (uow, _):
            await bus.producer().publish([message(str(number)) for number in range(5)])
            async with asyncio.timeout(60):
                await began.wait()
        assert await notes(uow) == ["0"]
        assert await bus.lag("sample", ["notifications"]) == 4


async def test_trace_and_incident_are_known_while_a_handler_runs(database_url: str) -> None:
    seen: list[tuple[str | None, object]] = []

    async def look(tx: Tx, event: NotificationsWithdrawn) -> None:
        seen.append((current_trace_id(), structlog.contextvars.get_contextvars().get("incident_id")))

    trace = "0af7651916cd43dd8448eb211c80319c"
    async with (
        sample_database(database_url) as database,
        sample_bus(database_url) as bus,
        consuming(database, bus, look) as (_, loop),
    ):
        traced = message("a", headers={"ce_traceparent": f"00-{trace}-b7ad6b7169203331-01"})
        await bus.producer().publish([traced])
        await until(loop.idle)
    assert seen == [(trace, traced.key)]
