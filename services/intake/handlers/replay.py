"""Bytes that were kept are read again, with the code and the options of today."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.work import Tx
from libs.common.errors import Conflict, NotFound
from libs.common.events.base import Actor
from libs.common.events.triggers import TriggerReceived
from services.intake.domain.compare import Difference, differences
from services.intake.domain.facts import received
from services.intake.domain.integration import Integration
from services.intake.domain.trigger import Reading
from services.intake.handlers import heartbeats
from services.intake.handlers.receive import Receiver
from services.intake.handlers.senders import integration_of, source_named
from services.intake.handlers.understand import understand
from services.intake.sources.heartbeat import SOURCE as HEARTBEAT
from services.intake.store import deliveries, integrations, triggers
from services.intake.store.tables import DeliveryRow, QuarantineRow

NOBODY: Final = UUID(int=0)
"""In place of the ids that a trigger gets only when it is told."""

GONE: Final = "There is no delivery of this id; bodies are deleted after some time."


@dataclass(frozen=True, slots=True)
class Replay:
    """What the bytes say today. ``delivery_id`` is that of the new delivery, where one was made."""

    reading: Reading
    triggers: tuple[TriggerReceived, ...]
    differences: Sequence[Difference]
    """Against what was derived from them when they came."""
    delivery_id: UUID | None = None
    quarantine_id: UUID | None = None


async def rehearse(session: AsyncSession, delivery_id: UUID, now: datetime) -> Replay:
    """What a replay at ``now`` would tell. Nothing is stored, nobody is paged. Raises :class:`NotFound` and :class:`Conflict`."""
    row = await _delivery(session, delivery_id)
    integration = await _integration(session, row)
    reading = _read(row, integration, now)
    told = tuple(received(trigger, integration, NOBODY, NOBODY, now) for trigger in reading.triggers)
    return Replay(reading, told, await _against(session, row, told))


async def replay(tx: Tx, receiver: Receiver, actor: Actor, delivery_id: UUID) -> Replay:
    """Tell what the bytes say today, as a delivery of its own. Where nothing of them is understood today either, nothing is stored.

    What is open already is joined by its dedup key, so that nobody is paged for it twice. A body in quarantine leaves it; a part
    that is still not understood waits there anew. Raises :class:`NotFound` and :class:`Conflict`.
    """
    waiting = await deliveries.locked_quarantine(tx, QuarantineRow.delivery_id == delivery_id)
    row = await _delivery(tx.session, delivery_id)
    integration = await _integration(tx.session, row)
    reading = _read(row, integration, tx.now)
    if reading.refused:
        await _audit(tx, actor, row, {"understood": False, "reason": reading.refusals[0].reason})
        return Replay(reading, (), await _against(tx.session, row, ()))
    receipt = await receiver.receive_in(tx, source_named(integration.source), integration, _headers(row), row.body)
    await deliveries.note_replay(tx, receipt.delivery_id, row.id)
    if waiting is not None and waiting.state != "opened":
        deliveries.settle(tx, waiting, "replayed", actor, led_to=receipt.delivery_id)
    told = {"understood": True, "delivery": str(receipt.delivery_id), "triggers": len(receipt.triggers)}
    await _audit(tx, actor, row, told)
    changed = await _against(tx.session, row, receipt.triggers)
    return Replay(reading, receipt.triggers, changed, receipt.delivery_id, receipt.quarantine_id)


async def _delivery(session: AsyncSession, delivery_id: UUID) -> DeliveryRow:
    row = await deliveries.delivery(session, delivery_id)
    if row is None:
        raise NotFound(GONE)
    return row


async def _integration(session: AsyncSession, row: DeliveryRow) -> Integration[Any]:
    record = await integrations.integration(session, row.integration_id)
    found = None if record is None else integration_of(record)
    if found is None:
        raise Conflict(
            f"The integration {row.integration_id}, which this body came from, is gone; without its options the body "
            "cannot be read again. Add an integration of this id, or open an incident by hand."
        )
    return heartbeats.teller_of(found) if row.source == HEARTBEAT.name else found


def _read(row: DeliveryRow, integration: Integration[Any], now: datetime) -> Reading:
    return understand(source_named(integration.source), integration, _headers(row).items(), row.body, now).reading


def _headers(row: DeliveryRow) -> Mapping[str, str]:
    return {name: str(value) for name, value in row.headers.items()}


async def _against(session: AsyncSession, row: DeliveryRow, told: Sequence[TriggerReceived]) -> Sequence[Difference]:
    before = await triggers.triggers_of(session, row.id, row.received_at)
    return differences([one.derived for one in before], [one.model_dump(mode="json") for one in told])


async def _audit(tx: Tx, actor: Actor, row: DeliveryRow, detail: Mapping[str, Any]) -> None:
    about = {"integration": row.integration_id, **detail}
    await integrations.audit(tx, actor, "delivery replayed", str(row.id), about)
