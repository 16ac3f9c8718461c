"""From what was read of a body to the events that say so."""

from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.events.base import Ticket
from libs.common.events.triggers import (
    TriggerAcknowledged,
    TriggerGroup,
    TriggerNoted,
    TriggerQuarantined,
    TriggerReceived,
)
from services.intake.domain.integration import Integration
from services.intake.domain.trigger import ParsedTrigger, Refusal, Remark, summary


def received(
    trigger: ParsedTrigger, integration: Integration[Any], trigger_id: UUID, delivery_id: UUID, now: datetime
) -> TriggerReceived:
    """The event of one trigger. Where the sender named no group, the delivery is the group; where no time, ``now`` counts."""
    group = trigger.group
    if group is not None and not group.key:
        group = TriggerGroup(key=str(delivery_id), siblings=group.siblings)
    return TriggerReceived(
        trigger_id=trigger_id,
        delivery_id=delivery_id,
        integration_id=integration.id,
        integration_name=integration.name,
        source=integration.source,
        kind=trigger.kind,
        status=trigger.status,
        dedup_key=trigger.dedup_key,
        group=group,
        title=trigger.title,
        description=trigger.description,
        severity=trigger.severity,
        category=trigger.category,
        service=trigger.service,
        services=trigger.services,
        tool=trigger.tool,
        provider=trigger.provider,
        tenants=trigger.tenants,
        assigned_team=trigger.assigned_team,
        window=trigger.window,
        sequence=trigger.sequence,
        ending=trigger.ending,
        withdrawn=trigger.withdrawn,
        reporter=trigger.reporter,
        ticket=_ticket(trigger, integration),
        links=trigger.links,
        labels=trigger.labels,
        started_at=trigger.started_at or now,
        ended_at=trigger.ended_at,
        received_at=now,
    )


def remarked(
    remark: Remark, integration: Integration[Any], delivery_id: UUID, now: datetime
) -> TriggerAcknowledged | TriggerNoted:
    """The event of what a sender says of its own alert."""
    event = TriggerAcknowledged if remark.kind == "acknowledged" else TriggerNoted
    return event(
        delivery_id=delivery_id,
        integration_id=integration.id,
        integration_name=integration.name,
        source=integration.source,
        dedup_key=remark.dedup_key,
        by=remark.by,
        note=remark.note,
        received_at=now,
    )


def quarantined(
    refusals: tuple[Refusal, ...], integration: Integration[Any], delivery_id: UUID, now: datetime
) -> TriggerQuarantined:
    """The event of a body of which at least a part was not understood; its first refusal gives the reason."""
    return TriggerQuarantined(
        delivery_id=delivery_id,
        integration_id=integration.id,
        integration_name=integration.name,
        source=integration.source,
        reason=refusals[0].reason,
        detail=summary(refusals),
        received_at=now,
    )


def _ticket(trigger: ParsedTrigger, integration: Integration[Any]) -> Ticket | None:
    read = trigger.ticket
    if read is None:
        return None
    return Ticket(
        integration_id=integration.id,
        source=integration.source,
        id=read.id,
        name=read.name,
        url=read.url,
        status=read.status,
        priority=read.priority,
        raised=read.raised,
    )
