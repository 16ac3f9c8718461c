"""Durable timers: each fires once, on time, whoever runs it and whatever breaks."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import insert, text

from libs.common import background
from libs.common.clock import Clock, ManualClock
from libs.common.db.session import Database
from libs.common.db.tables import TIMERS
from libs.common.db.timers import DueTimer, TimerHandler, TimerLoop
from libs.common.db.wakeups import Wakeups
from libs.common.db.work import Tx, UnitOfWork
from libs.common.metrics import Metrics
from libs.common.tracing import current_trace_id, start_span
from tests.support.postgres import PostgresServer
from tests.support.sample import T0, count, notes, sample_database, until, work, write

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _woken_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No loop finds by itself what it was not woken for."""
    monkeypatch.setattr(background, "LOOK_SECONDS", 3600.0)


class SeenClock(ManualClock):
    """Tells when somebody has gone to sleep by it."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self.asleep = asyncio.Event()

    async def wait_for(self, event: asyncio.Event, timeout: timedelta | None) -> bool:
        if not event.is_set():
            self.asleep.set()
        return await super().wait_for(event, timeout)


async def note_it(tx: Tx, timer: DueTimer) -> None:
    await write(tx, f"{timer.key} at {tx.now:%H:%M}")


@asynccontextmanager
async def running(
    database: Database,
    clock: Clock,
    handler: TimerHandler = note_it,
    metrics: Metrics | None = None,
    workers: int = 4,
    seed: int = 7,
) -> AsyncIterator[tuple[UnitOfWork, TimerLoop]]:
    """A replica that runs timers of the kind ``rung``."""
    wakeups = Wakeups(database)
    uow = work(database, clock, wakeups, seed)
    loop = TimerLoop(uow, clock, {"rung": handler}, metrics, workers=workers)
    await wakeups.start()
    await loop.start()
    try:
        yield uow, loop
    finally:
        await loop.stop()
        await wakeups.stop()


async def schedule(uow: UnitOfWork, key: str, after: timedelta = timedelta(0)) -> None:
    async with uow.begin() as tx:
        await tx.schedule("rung", key, tx.now + after, {"key": key})


async def test_a_timer_fires_when_its_time_comes_and_not_before(database_url: str) -> None:
    clock = ManualClock(T0)
    async with sample_database(database_url) as database, running(database, clock) as (uow, loop):
        await schedule(uow, "a", 5 * MINUTE)
        await until(loop.idle)
        clock.advance(4 * MINUTE)
        await until(loop.idle)
        assert await notes(uow) == []

        clock.advance(MINUTE)
        await until(loop.idle)
        assert await notes(uow) == ["a at 09:20"]
        assert await count(uow, "timers") == 0


async def test_an_earlier_timer_wakes_a_loop_that_waits_for_a_later_one(database_url: str) -> None:
    clock = ManualClock(T0)
    async with sample_database(database_url) as database, running(database, clock) as (uow, loop):
        await schedule(uow, "late", 60 * MINUTE)
        await until(loop.idle)
        await schedule(uow, "now")
        await until(loop.idle)
        assert await notes(uow) == ["now at 09:15"]


async def test_a_timer_that_another_process_committed_is_heard_of(database_url: str) -> None:
    clock = ManualClock(T0)
    async with sample_database(database_url) as database, running(database, clock) as (uow, loop):
        elsewhere = Wakeups(database)
        connected = elsewhere.event("connected")
        await elsewhere.start()
        await connected.wait()
        await schedule(work(database, clock, elsewhere), "from elsewhere")
        await until(loop.idle)
        assert await notes(uow) == ["from elsewhere at 09:15"]
        await elsewhere.stop()


async def test_timers_missed_while_nothing_ran_fire_once_each_in_order(database_url: str) -> None:
    clock = ManualClock(T0)
    async with sample_database(database_url) as database:
        for number in range(3):
            await schedule(work(database, clock), f"t{number}", number * MINUTE)
        clock.advance(60 * MINUTE)
        async with running(database, clock, workers=1) as (uow, loop):
            await until(loop.idle)
            assert await notes(uow) == ["t0 at 10:15", "t1 at 10:15", "t2 at 10:15"]


async def test_two_replicas_never_run_one_timer_twice(database_url: str) -> None:
    runs: Counter[str] = Counter()

    async def tally(tx: Tx, timer: DueTimer) -> None:
        await write(tx, timer.key)
        await asyncio.sleep(0.001)
        runs[timer.key] += 1

    clock = ManualClock(T0)
    async with (
        sample_database(database_url) as database,
        running(database, clock, tally) as (uow, first),
        running(database, clock, tally, seed=8) as (_, second),
    ):
        keys = [f"t{number}" for number in range(200)]
        async with uow.begin() as tx:
            for key in keys:
                await tx.schedule("rung", key, tx.now + MINUTE)
        clock.advance(MINUTE)
        await until(first.idle)
        await until(second.idle)
        assert runs == Counter(keys)
        assert sorted(await notes(uow)) == sorted(keys)


async def test_the_timers_of_a_replica_that_is_gone_are_run_by_another(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "LOOK_SECONDS", 0.05)
    clock = SeenClock(T0)
    async with sample_database(database_url) as database, running(database, clock, seed=8) as (uow, _):
        assert uow.wakeups is not None
        await uow.wakeups.event("connected").wait()
        clock.asleep.clear()
        await clock.asleep.wait()  # it has looked once more and found nothing; from now on only a wake would tell it
        async with running(database, ManualClock(T0)) as (gone, _):
            await schedule(gone, "a", MINUTE)
        clock.advance(MINUTE)

        async def fired() -> bool:
            return await notes(uow) == ["a at 09:16"]

        await until(fired)


async def test_one_slow_handler_does_not_hold_up_the_others(database_url: str) -> None:
    release = asyncio.Event()

    async def slow(tx: Tx, timer: DueTimer) -> None:
        if timer.key == "slow":
            await release.wait()
        await write(tx, timer.key)

    async with sample_database(database_url) as database, running(database, ManualClock(T0), slow) as (uow, loop):
        await schedule(uow, "slow")
        for number in range(3):
            await schedule(uow, f"quick {number}")

        async def all_quick() -> bool:
            return len(await notes(uow)) == 3

        await until(all_quick)
        assert not await loop.idle()
        release.set()
        await until(loop.idle)
        assert (await notes(uow)).count("slow") == 1


async def test_a_handler_that_breaks_is_run_again_later_and_nothing_is_lost(database_url: str) -> None:
    tries: list[DueTimer] = []

    async def break_twice(tx: Tx, timer: DueTimer) -> None:
        tries.append(timer)
        await write(tx, timer.key)
        if len(tries) < 3:
            raise RuntimeError("broken")

    clock, metrics = ManualClock(T0), Metrics()
    async with sample_database(database_url) as database, running(database, clock, break_twice, metrics) as (uow, loop):
        await schedule(uow, "a")
        await until(loop.idle)
        assert (len(tries), await notes(uow)) == (1, [])
        clock.advance(timedelta(seconds=2))
        await until(loop.idle)
        assert (len(tries), await notes(uow)) == (2, [])
        clock.advance(timedelta(seconds=4))
        await until(loop.idle)
        assert (len(tries), await notes(uow)) == (3, ["a"])
        assert {timer.due_at for timer in tries} == {T0}, "what was promised is told, not when it is tried again"
        assert metrics.registry.get_sample_value("tocsin_timer_failures_total", {"kind": "rung"}) == 2
        assert await count(uow, "timers") == 0


async def test_a_handler_may_schedule_its_own_next_turn(database_url: str) -> None:
    async def again(tx: Tx, timer: DueTimer) -> None:
        await note_it(tx, timer)
        await tx.schedule("rung", timer.key, tx.now + MINUTE)

    clock = ManualClock(T0)
    async with sample_database(database_url) as database, running(database, clock, again) as (uow, loop):
        await schedule(uow, "a")
        await until(loop.idle)
        for _ in range(2):
            clock.advance(MINUTE)
            await until(loop.idle)
        assert await notes(uow) == ["a at 09:15", "a at 09:16", "a at 09:17"]


@pytest.mark.parametrize("moved", [False, True], ids=["cancelled", "moved"])
async def test_who_holds_the_incident_may_cancel_or_move_a_timer_whose_handler_waits_for_it(
    database_url: str, postgres_server: PostgresServer, *, moved: bool
) -> None:
    name = urlsplit(database_url).path.lstrip("/")
    await postgres_server.execute(
        f"ALTER DATABASE {name} SET deadlock_timeout = '1h'"
    )  # it would break one, and hide it
    waiting = asyncio.Event()

    async def lock_the_incident(tx: Tx, timer: DueTimer) -> None:
        waiting.set()
        await tx.session.execute(text("SELECT pg_advisory_xact_lock(4711)"))
        if await tx.scheduled("rung", timer.key) == timer.due_at:
            await note_it(tx, timer)

    clock = ManualClock(T0)
    async with (
        sample_database(database_url) as database,
        running(database, clock, lock_the_incident) as (uow, loop),
    ):
        async with uow.begin() as acknowledge:
            await acknowledge.session.execute(text("SELECT pg_advisory_xact_lock(4711)"))
            await schedule(uow, "a")
            async with asyncio.timeout(60):
                await waiting.wait()
            async with asyncio.timeout(60):
                if moved:
                    await acknowledge.schedule("rung", "a", T0 + 30 * MINUTE)
                else:
                    await acknowledge.cancel("rung", "a")
        await until(loop.idle)
        assert await notes(uow) == []
        assert await count(uow, "timers") == (1 if moved else 0)
        clock.advance(30 * MINUTE)
        await until(loop.idle)
        assert await notes(uow) == (["a at 09:45"] if moved else [])


async def test_timers_go_on_after_the_database_was_away(database_url: str, postgres_server: PostgresServer) -> None:
    clock = ManualClock(T0)
    async with sample_database(database_url) as database, running(database, clock) as (uow, loop):
        await schedule(uow, "a", MINUTE)
        await until(loop.idle)
        await postgres_server.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name LIKE 'tocsin %'"
        )
        clock.advance(MINUTE)

        async def fired() -> bool:
            return await notes(uow) == ["a at 09:16"]

        await asyncio.sleep(0.05)
        await until(fired)
        await until(loop.idle)


async def test_timers_of_another_kind_are_left_to_who_knows_them(database_url: str) -> None:
    async with sample_database(database_url) as database, running(database, ManualClock(T0)) as (uow, loop):
        async with uow.begin() as tx:
            await tx.schedule("obligation", "a", T0)
        await until(loop.idle)
        assert await count(uow, "timers") == 1


async def test_stopping_waits_for_the_handler_that_runs(database_url: str) -> None:
    began = asyncio.Event()

    async def slow(tx: Tx, timer: DueTimer) -> None:
        began.set()
        await asyncio.sleep(0.2)
        await note_it(tx, timer)

    async with sample_database(database_url) as database:
        async with running(database, ManualClock(T0), slow) as (uow, _):
            await schedule(uow, "a")
            async with asyncio.timeout(60):
                await began.wait()
        assert await notes(uow) == ["a at 09:15"]


async def test_a_timer_goes_on_with_the_trace_that_scheduled_it(database_url: str) -> None:
    seen: list[str | None] = []

    async def look(tx: Tx, timer: DueTimer) -> None:
        seen.append(current_trace_id())

    async with sample_database(database_url) as database, running(database, ManualClock(T0), look) as (uow, loop):
        with start_span("request") as span:
            await schedule(uow, "a")
        await until(loop.idle)
        assert seen == [format(span.get_span_context().trace_id, "032x")]


async def test_timers_are_punctual_with_many_pending(database_url: str) -> None:
    """The clock stands at the very moment at which each is due: a loop that looked once a second would never see it."""
    fired: list[str] = []

    async def tally(tx: Tx, timer: DueTimer) -> None:
        fired.append(timer.key)

    metrics = Metrics()
    clock = ManualClock(T0)
    step = timedelta(milliseconds=10)
    async with sample_database(database_url) as database:
        async with database.engine.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO timers (kind, key, due_at, run_at, payload)"
                    " SELECT 'rung', 'later ' || n, :later, :later, '{}' FROM generate_series(1, 20000) AS n"
                ),
                {"later": T0 + timedelta(days=1)},
            )
            await connection.execute(
                insert(TIMERS),
                [
                    {"kind": "rung", "key": str(n), "due_at": due, "run_at": due, "payload": {}}
                    for n in range(30)
                    for due in [T0 + step * (n + 1)]
                ],
            )
        async with running(database, clock, tally, metrics):
            for number in range(30):
                clock.advance(step)

                async def has_fired(expected: int = number + 1) -> bool:
                    return len(fired) == expected

                await until(has_fired)
    assert fired == [str(number) for number in range(30)]
    in_time = metrics.registry.get_sample_value("tocsin_timer_lateness_seconds_bucket", {"kind": "rung", "le": "0.5"})
    assert in_time == 30
