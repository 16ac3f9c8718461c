"""A body comes in: read it, make its events, keep it, and only then say so."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from libs.common.bus.base import Message
from libs.common.chance import Chance
from libs.common.clock import Clock
from libs.common.db.work import Tx, UnitOfWork
from libs.common.events.base import Event
from libs.common.events.envelope import Envelope, encode
from libs.common.events.triggers import TriggerAcknowledged, TriggerNoted, TriggerReceived
from libs.common.logs import get_logger
from libs.common.metrics import Metrics
from libs.common.tracing import current_traceparent
from services.intake.domain.drop_in import Call
from services.intake.domain.facts import quarantined, received, remarked
from services.intake.domain.integration import Integration
from services.intake.domain.trigger import Ignored, Reading
from services.intake.handlers import series
from services.intake.handlers.understand import Understood, understand
from services.intake.sources.base import Source
from services.intake.store.lapses import Lasting
from services.intake.store.mail import Mark
from services.intake.store.signed import SignedOnce, digest_of, take_once
from services.intake.store.writer import RETRY_AFTER, Entry, NotCommitted, Repeated, Writer, insert_entries

log = get_logger(__name__)

EVENT_SOURCE: Final = "/tocsin/intake"
AGAIN: Final = "This event was taken before."
COMMIT_TIMEOUT: Final = timedelta(seconds=8)
"""How long a sender is kept waiting for the commit, in time of the machine: less than senders' own timeouts of ten seconds."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is durable now."""

    delivery_id: UUID
    reading: Reading
    triggers: tuple[TriggerReceived, ...]
    quarantine_id: UUID | None
    remarks: tuple[TriggerAcknowledged | TriggerNoted, ...] = ()


class Receiver:
    """Takes bodies in."""

    def __init__(
        self, writer: Writer, clock: Clock, chance: Chance, metrics: Metrics, uow: UnitOfWork | None = None
    ) -> None:
        self._writer = writer
        self._uow = uow
        self._clock = clock
        self._chance = chance
        self._metrics = metrics

    async def receive(
        self,
        source: Source[Any],
        integration: Integration[Any],
        headers: Iterable[tuple[str, str]],
        body: bytes,
        mark: Mark | None = None,
        call: Call | None = None,
        once: str = "",
    ) -> Receipt:
        """Read a body and commit what it says. Raises :class:`~libs.common.errors.Unavailable` where that cannot be done.

        With a ``mark``, or with ``once``, it is committed only once; the second time raises :class:`~services.intake.store.writer.Repeated`.
        A ``call`` of a drop-in API is done and remembered with it. Of a body that is refused neither is, so that it may come again.
        """
        now = self._clock.now()
        understood = understand(source, integration, headers, body, now)
        call, once = (None, "") if understood.reading.refused else (call, once)

        def made(reading: Reading) -> tuple[Receipt, Entry]:
            receipt = self._receipt(reading, integration, now)
            entry = self._entry(receipt, integration, understood.headers, body, now)
            return receipt, replace(entry, mark=mark, call=call, once=once)

        try:
            async with asyncio.timeout(COMMIT_TIMEOUT.total_seconds()):
                if understood.reading.looks_back and self._uow is not None:
                    receipt = await self._follow(self._uow, integration, understood.reading, made)
                else:
                    receipt, entry = made(understood.reading)
                    await self._writer.write(entry)
        except TimeoutError as error:
            sentence = "The body was not committed in time; post it again."
            raise NotCommitted(sentence, retry_after=RETRY_AFTER) from error
        except SQLAlchemyError as error:
            log.warning("body_not_committed", reason=str(error).partition("\n")[0])
            raise NotCommitted("The body could not be stored; post it again.", retry_after=RETRY_AFTER) from error
        self._count(source.name, receipt)
        return receipt

    @staticmethod
    async def _follow(
        uow: UnitOfWork,
        integration: Integration[Any],
        reading: Reading,
        made: Callable[[Reading], tuple[Receipt, Entry]],
    ) -> Receipt:
        """Take in what means something else by what came before: calendars, events that bear a name. It has a transaction of its own."""
        async with uow.begin() as tx:
            followed, noted = await series.follow(tx, integration, reading)
            followed = await _first_time(tx, integration, followed)
            receipt, entry = made(followed)
            if await insert_entries(tx, [entry]):
                raise Repeated
            await series.keep(tx, integration, noted, receipt.delivery_id)
        return receipt

    async def receive_in(
        self,
        tx: Tx,
        source: Source[Any],
        integration: Integration[Any],
        headers: Mapping[str, str],
        body: bytes,
        *,
        reading: Reading | None = None,
    ) -> Receipt:
        """As :meth:`receive`, within a transaction that the caller commits: for what Tocsin itself finds out.

        ``reading``: what of the body is taken in, where the caller has read it already.
        """
        if reading is None:
            understood = understand(source, integration, headers.items(), body, tx.now)
        else:
            understood = Understood(reading, dict(headers))
        followed, noted = await series.follow(tx, integration, understood.reading)
        receipt = self._receipt(followed, integration, tx.now)
        await insert_entries(tx, [self._entry(receipt, integration, understood.headers, body, tx.now)])
        await series.keep(tx, integration, noted, receipt.delivery_id)
        self._count(source.name, receipt)
        return receipt

    def _receipt(self, reading: Reading, integration: Integration[Any], now: datetime) -> Receipt:
        delivery_id = self._chance.uuid7(now)
        triggers = tuple(
            received(trigger, integration, self._chance.uuid7(now), delivery_id, now) for trigger in reading.triggers
        )
        quarantine_id = self._chance.uuid7(now) if reading.refusals else None
        remarks = tuple(remarked(remark, integration, delivery_id, now) for remark in reading.remarks)
        return Receipt(delivery_id, reading, triggers, quarantine_id, remarks)

    def _entry(
        self, receipt: Receipt, integration: Integration[Any], headers: dict[str, str], body: bytes, now: datetime
    ) -> Entry:
        traceparent = current_traceparent()

        def message(event_id: UUID, event: Event) -> Message:
            return encode(Envelope(event_id, EVENT_SOURCE, now, event, traceparent))

        told: list[tuple[UUID, Event]] = [(trigger.trigger_id, trigger) for trigger in receipt.triggers]
        if receipt.remarks:
            told += [(self._chance.uuid7(now), remark) for remark in receipt.remarks]
            told.sort(key=lambda pair: _place(pair[1]))
        messages = [message(event_id, event) for event_id, event in told]
        quarantine = None
        if receipt.quarantine_id is not None:
            refusals = receipt.reading.refusals
            event = quarantined(refusals, integration, receipt.delivery_id, now)
            messages.append(message(receipt.quarantine_id, event))
            quarantine = {
                "id": receipt.quarantine_id,
                "delivery_id": receipt.delivery_id,
                "integration_id": integration.id,
                "integration_name": integration.name,
                "source": integration.source,
                "received_at": now,
                "reason": event.reason,
                "detail": event.detail,
                "problems": [asdict(refusal) for refusal in refusals],
                "triggers": len(receipt.triggers),
            }
        return Entry(
            delivery_id=receipt.delivery_id,
            integration_id=integration.id,
            source=integration.source,
            received_at=now,
            headers=headers,
            body=body,
            triggers=len(receipt.triggers),
            quarantine=quarantine,
            messages=tuple(messages),
            lasting=tuple(
                Lasting(integration.id, integration.source, trigger.dedup_key, trigger.lapse)
                for trigger in receipt.reading.triggers
                if trigger.lapse is not None
            ),
        )

    def _count(self, source: str, receipt: Receipt) -> None:
        for trigger in receipt.triggers:
            self._metrics.triggers_received.labels(source, trigger.status).inc()
        for remark in receipt.reading.remarks:
            self._metrics.triggers_received.labels(source, remark.kind).inc()
        for ignored in receipt.reading.ignored:
            self._metrics.triggers_received.labels(source, ignored.reason).inc()
        for refusal in receipt.reading.refusals[:1]:
            self._metrics.quarantined.labels(source, refusal.reason).inc()


async def _first_time(tx: Tx, integration: Integration[Any], reading: Reading) -> Reading:
    """The reading without the events that were taken before. Raises :class:`Repeated` where nothing else was in it."""
    named = [
        (one, SignedOnce(tx.chance.uuid7(tx.now), integration.id, digest_of([b"named", one.once.encode()])))
        for one in reading.triggers
        if one.once
    ]
    taken = await take_once(tx, [once for _, once in named])
    repeated = {id(one) for one, once in named if once.delivery_id in taken}
    if not repeated:
        return reading
    fresh = tuple(one for one in reading.triggers if id(one) not in repeated)
    if not (fresh or reading.refusals or reading.ignored or reading.remarks):
        raise Repeated
    passed = tuple(Ignored("no-news", AGAIN, trigger=one) for one in reading.triggers if id(one) in repeated)
    return replace(reading, triggers=fresh, ignored=(*reading.ignored, *passed))


def _place(event: Event) -> int:
    """What is said of an alert comes after what fires it and before what ends it: nobody hears of what is over."""
    if not isinstance(event, TriggerReceived):
        return 1
    return 0 if event.status == "firing" else 2
