"""The consumer loop: records of the bus become events, and each event one transaction of its handler.

Records of one partition are handled in order, partitions beside each other. What may pass (the database is away, a
deadlock) is tried again where it stands and holds up its own partition only; what fails for good is set aside as a dead
letter; and when too much fails for good, the loop stops rather than drain its topics into the dead letters.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from libs.common.background import Background, pause
from libs.common.backoff import Backoff
from libs.common.bus.base import Bus, BusUnavailable, Consumer, Partition, Record
from libs.common.chance import Chance
from libs.common.clock import Clock
from libs.common.db.session import is_transient
from libs.common.db.work import Tx, UnitOfWork
from libs.common.dead_letters import (
    REDRIVEN_FOR,
    DeadLetterCount,
    DeadLetterLimit,
    DeadReason,
    as_dead_letter,
    place_id,
)
from libs.common.errors import TocsinError
from libs.common.events.base import Event
from libs.common.events.envelope import Envelope, Undecodable, decode_record
from libs.common.lanes import Lane
from libs.common.logs import bind_incident, get_logger
from libs.common.metrics import Metrics
from libs.common.tracing import consumer_span

log = get_logger(__name__)

COMMIT_SECONDS = 0.1
"""Offsets are committed at most this often; what was handled and not yet committed is a repeat after a crash."""
RECOMMIT_SECONDS = 1.0
"""How soon offsets that were not noted are committed again."""

BROKEN = Backoff(first=timedelta(milliseconds=50), longest=timedelta(seconds=1))
AWAY = Backoff(first=timedelta(milliseconds=100), longest=timedelta(seconds=10))

Handler = Callable[[Tx, Any], Awaitable[None]]
"""Handles one event in one transaction."""


@dataclass(frozen=True)
class Subscription:
    """What a group reads. Events without a handler are passed over."""

    group: str
    topics: tuple[str, ...]
    handlers: Mapping[type[Event], Handler]


@dataclass(frozen=True)
class ConsumePolicy:
    """How the loop treats what fails. Waits are the machine's time: they are for networks and locks."""

    attempts: int = 5
    """So often a handler may break on one record before that is set aside."""
    broken: Backoff = BROKEN
    """Between the tries of a handler that breaks."""
    away: Backoff = AWAY
    """Between tries while something that the handler needs is away; these are not counted."""
    limit: DeadLetterLimit = field(default_factory=DeadLetterLimit)
    parallel: int = 4
    """So many handlers run at once; each holds a connection of the pool."""
    fetch: int = 200
    fetch_wait: timedelta = timedelta(seconds=5)


@dataclass
class _Trial:
    """How the tries of one record went."""

    record: Record
    waits: int = 0
    breaks: int = 0
    verdict: tuple[DeadReason, Exception] | None = None
    """Why it is to be set aside, once that is decided."""


class ConsumerLoop(Background):
    """Runs one subscription. ``on_stop`` is told, with the reason, when the loop stops itself over its dead letters."""

    def __init__(
        self,
        bus: Bus,
        uow: UnitOfWork,
        clock: Clock,
        chance: Chance,
        subscription: Subscription,
        *,
        policy: ConsumePolicy | None = None,
        metrics: Metrics | None = None,
        on_stop: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__()
        self.name = f"consumer {subscription.group}"
        self._bus = bus
        self._uow = uow
        self._clock = clock
        self._chance = chance
        self._subscription = subscription
        self._policy = policy or ConsumePolicy()
        self._metrics = metrics or Metrics()
        self._on_stop = on_stop
        self._lanes: dict[Partition, Lane] = {}
        self._slots = asyncio.Semaphore(self._policy.parallel)
        self._count = DeadLetterCount(self._policy.limit)
        self._halted = asyncio.Event()
        self._progress = asyncio.Event()
        self._resumed = asyncio.Event()
        self._stopped: str | None = None
        self._metrics.consumer_stopped.labels(subscription.group).set(0)

    def problem(self) -> str | None:
        """Why this loop does not consume, for readiness; ``None`` while it does."""
        return self._stopped

    def resume(self) -> None:
        """Go on after the loop stopped itself: a person has looked, and the count of dead letters begins anew."""
        self._stopped = None
        self._count = DeadLetterCount(self._policy.limit)
        self._metrics.consumer_stopped.labels(self._subscription.group).set(0)
        self._resumed.set()

    async def idle(self) -> bool:
        """Whether everything on the topics is handled and committed."""
        if any(lane.busy for lane in self._lanes.values()):
            return False
        return await self._bus.lag(self._subscription.group, self._subscription.topics) == 0

    def _interrupt(self) -> None:
        self._halted.set()
        self._resumed.set()

    async def _work(self) -> None:
        while not self._stopping.is_set():
            self._halted.clear()
            self._resumed.clear()
            self._lanes.clear()
            consumer = await self._bus.subscribe(self._subscription.group, self._subscription.topics)
            try:
                await self._consume(consumer)
            finally:
                await consumer.close()
            if self._stopped is not None and not self._stopping.is_set():
                await self._tell(self._stopped)
                await self._resumed.wait()

    async def _tell(self, reason: str) -> None:
        """Tell ``on_stop``, as soon as that is possible, unless the loop goes on before."""
        failures = 0
        while self._on_stop is not None and not self._resumed.is_set():
            try:
                await self._on_stop(reason)
                break
            except Exception as error:
                if not may_pass(error):
                    raise
                failures += 1
                log.warning("nobody could be told of the stop", group=self._subscription.group, reason=str(error))
                await pause(self._policy.away.wait(failures, self._chance).total_seconds(), self._resumed)

    async def _consume(self, consumer: Consumer) -> None:
        """Fetch and handle until halted; then finish the records at hand and commit."""
        fetching: asyncio.Task[Any] | None = None
        halted = asyncio.create_task(self._halted.wait())
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._commit_as_it_goes(consumer))
                while not self._halted.is_set() and not self._stopping.is_set():
                    fetching = asyncio.create_task(consumer.fetch(self._policy.fetch, self._fetch_wait()))
                    await asyncio.wait({fetching, halted}, return_when=asyncio.FIRST_COMPLETED)
                    if fetching.done():
                        await self._distribute(consumer, fetching.result(), tasks)
                self._halted.set()
            await self._commit(consumer)
        finally:
            halted.cancel()
            if fetching is not None:
                fetching.cancel()
                await asyncio.gather(fetching, return_exceptions=True)
            await asyncio.gather(halted, return_exceptions=True)

    def _fetch_wait(self) -> timedelta:
        """Wait less for new records while a full lane waits for the rest of its own."""
        full = any(lane.full for lane in self._lanes.values())
        return timedelta(milliseconds=100) if full else self._policy.fetch_wait

    async def _distribute(self, consumer: Consumer, records: Sequence[Record], tasks: asyncio.TaskGroup) -> None:
        assigned = consumer.assigned()
        for place in self._lanes.keys() - assigned:
            self._lanes.pop(place).abandon()
        for record in records:
            lane = self._lanes.setdefault(record.place, Lane(record.place))
            lane.take(record)
        rewinds = {place: lane.reopen() for place, lane in self._lanes.items() if lane.may_reopen}
        if rewinds:
            await consumer.rewind(rewinds)
        for lane in self._lanes.values():
            if lane.waiting and not lane.running:
                lane.running = True
                tasks.create_task(self._run(lane))

    async def _run(self, lane: Lane) -> None:
        """Handle what waits in one lane, one after the other."""
        try:
            while lane.waiting and not self._halted.is_set():
                if not await self._settle(lane.waiting[0]):
                    return
                lane.finish()
                self._progress.set()
        finally:
            lane.running = False

    async def _settle(self, record: Record) -> bool:
        """Handle ``record``, or set it aside; ``False`` where the loop was halted before that."""
        trial = _Trial(record)
        while not self._halted.is_set():
            try:
                async with self._slots:
                    outcome = await self._attempt(trial)
            except Exception as error:  # noqa: BLE001 - what follows from it is decided, and logged, in _after
                await pause(self._after(trial, error), self._halted)
                continue
            if outcome is None:
                return False
            self._metrics.consumed.labels(record.topic, outcome).inc()
            self._count.note(dead=outcome == "dead")
            return True
        return False

    async def _attempt(self, trial: _Trial) -> str | None:
        """What became of the record, as the metric's label; ``None`` where setting it aside would pass the limit."""
        record = trial.record
        if trial.verdict is None:
            if record.value is None or record.headers.get(REDRIVEN_FOR, self._subscription.group) != (
                self._subscription.group
            ):
                return "passed"
            envelope = decode_record(record)
            handler = self._subscription.handlers.get(type(envelope.event))
            return "passed" if handler is None else await self._handle(record, envelope, handler)
        reason, error = trial.verdict
        if self._count.one_more_is_too_many():
            self._stop_over(reason, error)
            return None
        async with self._uow.begin() as tx:
            if await tx.take_in(self._subscription.group, place_id(record)):
                await tx.send(as_dead_letter(record, self._subscription.group, reason, error))
        self._metrics.dead_letters.labels(record.topic, reason.value).inc()
        return "dead"

    async def _handle(self, record: Record, envelope: Envelope, handler: Handler) -> str:
        event = envelope.event
        with consumer_span(record.topic, event.type, envelope.traceparent):
            incident = getattr(event, "subject_id", None) or getattr(getattr(event, "incident", None), "id", None)
            if incident is not None:
                bind_incident(incident)
            async with self._uow.begin() as tx:
                if not await tx.take_in(self._subscription.group, envelope.id):
                    return "repeat"
                await handler(tx, event)
        return "handled"

    def _after(self, trial: _Trial, error: Exception) -> float:
        """Decide what follows from a failed try: the seconds to wait before the next."""
        record = trial.record
        place = f"{record.topic}/{record.partition}/{record.offset}"
        if may_pass(error):
            trial.waits += 1
            log.warning("record waits", place=place, waits=trial.waits, reason=str(error).partition("\n")[0])
            self._metrics.consumer_retries.labels(record.topic).inc()
            return self._policy.away.wait(trial.waits, self._chance).total_seconds()
        if trial.verdict is not None:
            raise error  # not even setting it aside works: this loop is broken, and the service ends
        trial.breaks += 1
        if isinstance(error, Undecodable):
            trial.verdict = (DeadReason.UNDECODABLE, error)
        elif trial.breaks >= self._policy.attempts:
            trial.verdict = (DeadReason.REJECTED if isinstance(error, TocsinError) else DeadReason.FAILED, error)
        if trial.verdict is not None:
            age = self._clock.now() - record.timestamp
            log.error("record fails for good", place=place, reason=trial.verdict[0].value, age=str(age), exc_info=error)
            return 0
        log.warning("handler failed", place=place, tries=trial.breaks, exc_info=error)
        self._metrics.consumer_retries.labels(record.topic).inc()
        return self._policy.broken.wait(trial.breaks, self._chance).total_seconds()

    def _stop_over(self, reason: DeadReason, error: Exception) -> None:
        """Stop: nothing further is handled, set aside or committed until a person resumes or restarts it."""
        limit = self._policy.limit
        self._stopped = (
            f"the consumer {self._subscription.group} has stopped: more than {limit.allowed} of its last {limit.window} records "
            f"failed for good, the last one being {reason.value} ({type(error).__name__}: {error})"
        )
        log.error("consumer stopped", group=self._subscription.group, reason=self._stopped)
        self._metrics.consumer_stopped.labels(self._subscription.group).set(1)
        self._halted.set()

    async def _commit_as_it_goes(self, consumer: Consumer) -> None:
        halted = self._halted
        while not halted.is_set():
            waits = [asyncio.create_task(self._progress.wait()), asyncio.create_task(halted.wait())]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            all_noted = await self._commit(consumer)
            await pause(COMMIT_SECONDS if all_noted else RECOMMIT_SECONDS, halted)

    async def _commit(self, consumer: Consumer) -> bool:
        """Commit what was handled; whether all of it was noted. What was not is left for the next time: the bus is
        away, or the group shares its partitions anew, and this member may keep what it has.
        """
        self._progress.clear()
        offsets = {place: lane.done for place, lane in self._lanes.items() if lane.done > lane.committed}
        if not offsets:
            return True
        noted: AbstractSet[Partition] = frozenset()
        try:
            noted = await consumer.commit(offsets)
        except BusUnavailable as error:
            log.warning("offsets wait for the bus", reason=error.detail)
        for place in noted & self._lanes.keys():
            self._lanes[place].committed = offsets[place]
        if offsets.keys() <= noted:
            return True
        self._progress.set()
        return False


def may_pass(error: BaseException) -> bool:
    """Whether the same record may be handled when it is tried again later, without anybody changing anything."""
    if isinstance(error, TocsinError):
        return error.retry
    return is_transient(error) or isinstance(error, ConnectionError | TimeoutError)
