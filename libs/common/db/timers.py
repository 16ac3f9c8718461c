"""Durable timers: rows with a due time, each run once, by whichever replica claims it first.

A run is one transaction: claim, handler, delete, commit. The claim is an advisory lock of the transaction on (kind, key),
tried row by row so that what another worker holds is skipped, and not a lock on the row: whoever holds an incident and
wants to cancel or move its timer must never wait for a handler that waits for that incident. The row is deleted last, and
only in the version that was claimed, so that a timer that was scheduled anew meanwhile stays.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Row, bindparam, delete, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from libs.common.background import Background, pause, until_woken
from libs.common.backoff import Backoff
from libs.common.clock import Clock
from libs.common.db.session import DatabaseUnavailable, is_transient, lock_key, unavailable
from libs.common.db.tables import TIMERS
from libs.common.db.work import TIMERS_WAKE, Tx, UnitOfWork
from libs.common.logs import get_logger
from libs.common.metrics import Metrics
from libs.common.tracing import timer_span

log = get_logger(__name__)

WINDOW = 64
"""How many due timers a claim looks through for one that nobody holds: more than all replicas run at once."""

RETRY = Backoff(first=timedelta(seconds=1), longest=timedelta(minutes=5))
"""When a timer whose handler failed is tried again. It is tried for ever."""

NETWORK = Backoff(first=timedelta(milliseconds=100), longest=timedelta(seconds=5))


@dataclass(frozen=True)
class DueTimer:
    """A timer whose time has come. ``due_at`` is what was scheduled, however late it is now."""

    kind: str
    key: str
    due_at: datetime
    payload: dict[str, Any]


TimerHandler = Callable[[Tx, DueTimer], Awaitable[None]]
"""Runs in the timer's transaction; looks first whether the timer is still wanted."""

_CLAIM = text(
    "SELECT id FROM (SELECT id, kind, key FROM timers WHERE kind = ANY(:kinds) AND run_at <= :now"
    " AND id <> ALL(:held) ORDER BY run_at LIMIT :window) AS due"
    " WHERE pg_try_advisory_xact_lock(hashtextextended(kind || ' ' || key, :seed)) LIMIT 1"
).bindparams(
    bindparam("kinds", type_=ARRAY(Text)),
    bindparam("seed", type_=BigInteger),
    bindparam("held", type_=ARRAY(BigInteger)),
    bindparam("window", WINDOW),
)


class TimerLoop(Background):
    """Runs the timers of the kinds that ``handlers`` names, at most ``workers`` at once.

    A handler that fails loses nothing: its transaction is rolled back and the timer postponed by :data:`RETRY`.
    """

    name = "timers"

    def __init__(
        self,
        uow: UnitOfWork,
        clock: Clock,
        handlers: Mapping[str, TimerHandler],
        metrics: Metrics | None = None,
        *,
        workers: int = 4,
    ) -> None:
        super().__init__()
        self._uow = uow
        self._clock = clock
        self._handlers = dict(handlers)
        self._metrics = metrics or Metrics()
        self._seed = lock_key("timers", uow.database.schema)
        self._slots = asyncio.Semaphore(workers)
        self._wake = asyncio.Event() if uow.wakeups is None else uow.wakeups.event(TIMERS_WAKE)
        self._runs: set[asyncio.Task[None]] = set()
        self._held: set[int] = set()
        self._transients = 0
        self._contended = False

    async def stop(self) -> None:
        """Claim no more timers and wait for the handlers that run."""
        try:
            await super().stop()
            await asyncio.gather(*self._runs)
        except asyncio.CancelledError:
            for run in self._runs:
                run.cancel()
            await asyncio.gather(*self._runs, return_exceptions=True)
            raise

    async def idle(self) -> bool:
        """Whether no handler runs and nothing is due now; to look for what is due is no work."""
        if self._held:
            return False
        next_at = await self._next_at()
        return next_at is None or next_at > self._clock.now()

    def _interrupt(self) -> None:
        self._wake.set()

    async def _work(self) -> None:
        wakeups = self._uow.wakeups
        if wakeups is not None:
            wakeups.answer_here(TIMERS_WAKE, here=True)
        try:
            failures = 0
            while not self._stopping.is_set():
                self._wake.clear()
                try:
                    looked_at = await self._claim_all()
                    next_at = await self._next_at()
                except DatabaseUnavailable as error:
                    failures += 1
                    log.warning("timers wait for the database", reason=error.detail)
                    await pause(NETWORK.wait(failures, self._uow.chance).total_seconds(), self._stopping)
                    continue
                failures = 0
                await self._wait(looked_at, next_at)
        finally:
            if wakeups is not None:
                wakeups.answer_here(TIMERS_WAKE, here=False)

    async def _wait(self, looked_at: datetime, next_at: datetime | None) -> None:
        """Sleep until the next timer is due, or an earlier one is committed; one that is due already another replica holds."""
        if self._stopping.is_set():
            return
        self._contended = next_at is not None and next_at <= looked_at
        sleep = None if next_at is None or self._contended else next_at - self._clock.now()
        try:
            await until_woken(self._wake, self._clock, sleep)
        finally:
            self._contended = False

    async def _claim_all(self) -> datetime:
        """Start a run for whatever is due; the instant at which nothing was left that nobody holds."""
        while True:
            await self._slots.acquire()
            claim: asyncio.Future[datetime | None] = asyncio.get_running_loop().create_future()
            run = asyncio.create_task(self._run(claim))
            self._runs.add(run)
            run.add_done_callback(self._runs.discard)
            looked_at = await claim
            if looked_at is not None:
                return looked_at
            if self._stopping.is_set():
                return self._clock.now()

    async def _next_at(self) -> datetime | None:
        """When the next timer is to be tried, those that run here left aside."""
        wanted = TIMERS.c.kind.in_(self._handlers) & TIMERS.c.id.not_in(self._held)
        async with self._uow.read() as session:
            next_at: datetime | None = await session.scalar(
                select(TIMERS.c.run_at).where(wanted).order_by(TIMERS.c.run_at).limit(1)
            )
        return next_at

    async def _run(self, claim: asyncio.Future[datetime | None]) -> None:
        """One transaction: claim one timer and run it. ``claim`` is told ``None``, or when nothing was found."""
        row: Row[Any] | None = None
        try:
            async with self._uow.begin() as tx:
                found = await self._claim(tx)
                if found is None:
                    claim.set_result(tx.now)
                    return
                # Whoever held the lock before may have finished this very timer since the claim's snapshot was taken.
                row = (await tx.session.execute(select(TIMERS).where(TIMERS.c.id == found))).one_or_none()
                if row is not None:
                    self._held.add(row.id)
                claim.set_result(None)
                if row is not None:
                    await self._handle(tx, row)
            self._transients = 0
        except Exception as error:
            if row is None or isinstance(error, DatabaseUnavailable) or is_transient(error):
                self._look_again_soon(error, claim)
            else:
                log.exception("timer failed", kind=row.kind, key=row.key, attempts=row.attempts + 1)
                self._metrics.timer_failures.labels(row.kind).inc()
                await self._postpone(row)
        finally:
            if row is not None:
                self._held.discard(row.id)
            self._slots.release()
            if self._contended:
                self._wake.set()

    async def _claim(self, tx: Tx) -> int | None:
        """The id of a timer that is due and that nobody else runs; its lock is this transaction's."""
        claim = {"kinds": sorted(self._handlers), "now": tx.now, "seed": self._seed, "held": list(self._held)}
        found: int | None = (await tx.session.execute(_CLAIM, claim)).scalar()
        return found

    async def _handle(self, tx: Tx, row: Row[Any]) -> None:
        if row.attempts == 0:
            lateness = (tx.now - row.due_at).total_seconds()
            self._metrics.timer_lateness_seconds.labels(row.kind).observe(max(lateness, 0))
        with timer_span(row.kind, row.traceparent):
            await self._handlers[row.kind](tx, DueTimer(row.kind, row.key, row.due_at, row.payload))
        await tx.session.execute(delete(TIMERS).where(TIMERS.c.id == row.id))

    def _look_again_soon(self, error: Exception, claim: asyncio.Future[datetime | None]) -> None:
        """The row is untouched: it is due still, and claimed anew after a moment."""
        if not claim.done():
            claim.set_exception(unavailable(error) if is_transient(error) else error)
            return
        self._transients += 1
        log.warning("timer is run again", reason=str(error).partition("\n")[0])
        wait = NETWORK.wait(self._transients, self._uow.chance).total_seconds()
        asyncio.get_running_loop().call_later(wait, self._wake.set)

    async def _postpone(self, row: Row[Any]) -> None:
        """Note the failure in a transaction of its own, unless the timer was scheduled anew meanwhile."""
        run_at = self._clock.now() + RETRY.wait(row.attempts + 1, self._uow.chance)
        try:
            async with self._uow.begin() as tx:
                await tx.session.execute(
                    update(TIMERS).where(TIMERS.c.id == row.id).values(run_at=run_at, attempts=row.attempts + 1)
                )
        except DatabaseUnavailable as error:
            log.warning("timer could not be postponed", kind=row.kind, key=row.key, reason=error.detail)
        self._wake.set()
