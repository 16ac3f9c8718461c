"""What a person makes of a body in quarantine: nothing, or an incident."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.work import Tx
from libs.common.errors import Conflict, NotFound
from libs.common.events.base import Actor, Severity, TriggerKind
from libs.common.events.envelope import Envelope, encode
from libs.common.events.triggers import TriggerReceived
from libs.common.tracing import current_traceparent
from services.intake.domain.gist import excerpt, gist
from services.intake.domain.mapping import TITLE_LIMIT, clean
from services.intake.handlers.receive import EVENT_SOURCE
from services.intake.sources.registry import all_sources
from services.intake.store import deliveries, integrations, triggers
from services.intake.store.tables import DeliveryRow, QuarantineRow

NOTHING: Final = "There is nothing of this id in quarantine; bodies are deleted after some time."
USUAL: Final[TriggerKind] = "provider"
"""The kind where neither the person nor the integration nor its source names one: what people send is mostly a provider's mail."""

OPENED: Final = "An incident was opened from this body already; it cannot be dismissed any more."
REPLAYED: Final = "This body was understood in the meantime and has left quarantine."


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says of a body; what is left away is taken from the body and its integration."""

    title: str | None = None
    description: str | None = None
    kind: TriggerKind | None = None
    severity: Severity = "critical"
    service: str | None = None
    tool: str | None = None
    provider: str | None = None
    tenants: tuple[str, ...] = ()


async def dismiss(tx: Tx, actor: Actor, quarantine_id: UUID, note: str) -> QuarantineRow:
    """Say that nothing is to be done about a body; a second time changes nothing. Raises :class:`NotFound`, :class:`Conflict`."""
    row = await _held(tx, quarantine_id)
    if row.state in ("opened", "replayed"):
        raise Conflict(OPENED if row.state == "opened" else REPLAYED)
    if row.state == "waiting":
        deliveries.settle(tx, row, "dismissed", actor, note=note, led_to=None)
        await integrations.audit(tx, actor, "quarantine dismissed", str(row.id), {"note": note})
    return row


async def make_incident(tx: Tx, actor: Actor, quarantine_id: UUID, said: Said) -> TriggerReceived:
    """Tell of a body what a person says of it, so that an incident opens; a second time tells nothing. Raises :class:`NotFound`."""
    row = await _held(tx, quarantine_id)
    before = await triggers.trigger(tx.session, row.led_to) if row.state == "opened" and row.led_to else None
    if before is not None:
        return TriggerReceived.model_validate(before.derived)
    body = await deliveries.delivery(tx.session, row.delivery_id)
    if body is None:
        raise NotFound(NOTHING)
    event = await _event(tx, actor, row, body, said)
    message = encode(Envelope(event.trigger_id, EVENT_SOURCE, tx.now, event, current_traceparent()))
    await triggers.insert_triggers(tx, [message])
    await tx.send(message)
    deliveries.settle(tx, row, "opened", actor, led_to=event.trigger_id)
    detail = {"trigger": str(event.trigger_id), "title": event.title, "kind": event.kind}
    await integrations.audit(tx, actor, "incident opened from quarantine", str(row.id), detail)
    return event


def dedup_key_of(quarantine_id: UUID) -> str:
    """What makes two openings of one body the same thing."""
    return f"quarantine:{quarantine_id}"


async def usual_kind(session: AsyncSession, row: QuarantineRow) -> TriggerKind:
    """The kind of what a body says where nobody says otherwise."""
    record = await integrations.integration(session, row.integration_id)
    source = all_sources().get(row.source)
    return (record.kind if record else None) or (source.kind if source else None) or USUAL


async def _held(tx: Tx, quarantine_id: UUID) -> QuarantineRow:
    row = await deliveries.locked_quarantine(tx, QuarantineRow.id == quarantine_id)
    if row is None:
        raise NotFound(NOTHING)
    return row


async def _event(tx: Tx, actor: Actor, row: QuarantineRow, body: DeliveryRow, said: Said) -> TriggerReceived:
    kind = said.kind or await usual_kind(tx.session, row)
    name = row.integration_name or row.integration_id
    return TriggerReceived(
        trigger_id=tx.chance.uuid7(tx.now),
        delivery_id=row.delivery_id,
        integration_id=row.integration_id,
        integration_name=row.integration_name,
        source=row.source,
        kind=kind,
        status="firing",
        dedup_key=dedup_key_of(row.id),
        title=clean(said.title or "", TITLE_LIMIT) or gist(body.body, name),
        description=excerpt(body.body) if said.description is None else clean(said.description),
        severity=said.severity,
        service=said.service,
        tool=said.tool,
        provider=said.provider,
        tenants=said.tenants,
        reporter=actor.name,
        started_at=row.received_at,
        received_at=tx.now,
    )
