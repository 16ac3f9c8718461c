"""How late timers run while 100,000 are pending: the real loop on the embedded PostgreSQL, its handlers telling the bus.

The timers that come due are spread evenly over the time of the measurement, as those of many incidents are.
"""

import asyncio
import shutil
import statistics
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text

from libs.common.clock import SystemClock
from libs.common.db.timers import DueTimer, TimerLoop
from libs.common.db.wakeups import Wakeups
from libs.common.db.work import TIMERS_WAKE, Tx, UnitOfWork
from libs.common.embedded.postgres import EmbeddedPostgres
from libs.common.heap import SettledHeap
from tests.bench.commits import Commits
from tests.bench.figures import Section, Tell, at_most, ms, percentile
from tests.support.instance import short_folder
from tests.support.sample import fact, sample_database, work

PENDING: Final = 100_000
PER_SECOND: Final = 200
SECONDS: Final = 10
DUE: Final = PER_SECOND * SECONDS
PATIENCE_SECONDS: Final = 30.0
P99_MS: Final = 100
READING: Final = """\
The pending timers cost nothing by their number: the loop sleeps until the next one is due, and finds it by an index. What is left is one look for what is due,
one claim and the queue for the cores. 200 timers a second keep the loop busy for about half of a core and PostgreSQL for some more: where other programs use most of the
machine, timers queue, and the highest values tell how long that lasted."""

_INSERT: Final = text(
    "INSERT INTO timers (kind, key, due_at, run_at, payload)"
    " SELECT 'bench', :name || n, at, at, '{}' FROM generate_series(1, CAST(:count AS integer)) AS n,"
    " LATERAL (SELECT CAST(:first AS timestamptz) + n * CAST(:step AS interval) AS at) AS due"
)


async def run(tell: Tell) -> Section:
    """Fill the table, run the loop, note how late each timer was."""
    folder = short_folder()
    server = EmbeddedPostgres(folder / "postgres", durable=True)
    tell("starting PostgreSQL", 0.0)
    try:
        url = await asyncio.to_thread(server.start)
        async with sample_database(url, "bench") as database:
            wakeups = Wakeups(database)
            return await _measure(work(database, SystemClock(), wakeups), wakeups, url, tell)
    finally:
        await asyncio.to_thread(server.stop)
        shutil.rmtree(folder, ignore_errors=True)


async def _measure(uow: UnitOfWork, wakeups: Wakeups, url: str, tell: Tell) -> Section:
    clock = uow.clock
    late: list[float] = []

    async def tell_the_bus(tx: Tx, timer: DueTimer) -> None:
        late.append((clock.now() - timer.due_at).total_seconds())
        await tx.emit(fact(timer.key))

    tell("scheduling", 0.1)
    await _schedule(uow, "pending", PENDING, clock.now() + timedelta(hours=1), timedelta(milliseconds=100))
    loop = TimerLoop(uow, clock, {"bench": tell_the_bus})
    commits = await Commits.open(url)
    took = [await commits.one() for _ in range(100)]
    heap = SettledHeap()  # as in every process that serves
    await heap.start()
    await wakeups.start()
    await loop.start()
    try:
        first = clock.now() + timedelta(seconds=1)
        await _schedule(uow, "due", DUE, first, timedelta(seconds=1 / PER_SECOND))
        async with asyncio.timeout(SECONDS + PATIENCE_SECONDS):
            while len(late) < DUE:
                tell(f"timer {len(late)} of {DUE}", 0.2 + 0.8 * len(late) / DUE)
                await asyncio.sleep(0.5)
        version, fsync = await commits.facts()
    finally:
        await loop.stop()
        await wakeups.stop()
        await heap.stop()
        await commits.close()
    tell("done", 1.0)
    return _section(late, took, version, fsync)


async def _schedule(uow: UnitOfWork, name: str, count: int, first: datetime, step: timedelta) -> None:
    async with uow.begin() as tx:
        await tx.session.execute(_INSERT, {"name": name, "count": count, "first": first, "step": step})
        tx.wakes.add(TIMERS_WAKE)


def _section(late: list[float], commits: list[float], version: str, fsync: str) -> Section:
    half, most, commit = percentile(late, 0.50), percentile(late, 0.99), statistics.median(commits)
    return Section(
        title=f"Lateness of timers with {PENDING:,} pending",
        how=(
            f"The timer loop as every service runs it (4 workers), on an embedded PostgreSQL of its own, `fsync` {fsync}. {PENDING:,} timers wait for later hours; "
            f"{PER_SECOND} timers a second come due for {SECONDS} s, evenly spread. Each is a transaction of its own that puts an event into the outbox. Lateness runs from "
            "the promised instant until the handler begins."
        ),
        aims=(at_most("p99", most, P99_MS),),
        details=(
            ("p50", ms(half)),
            ("least and most", f"{ms(min(late))} and {ms(max(late))}"),
            ("timers that ran", f"{len(late):,}"),
            ("one durable commit just before: p50", ms(commit)),
            ("p50 ÷ durable commit", f"{half / commit:.1f}"),
        ),
        reading=READING,
        versions=(("PostgreSQL", version),),
    )
