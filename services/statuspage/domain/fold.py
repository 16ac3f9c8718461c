"""How events become what the pages read: each fact a line, each message a row, the newest version of an incident.

Everything here may be applied twice and gives the same: a line is found again by its id, which is made of the fact itself.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from libs.common.events.base import TICKET, Actor, RoleRef
from libs.common.events.deliveries import DeliveryConfirmed, DeliveryFailed, DeliverySent
from libs.common.events.incidents import EscalationDue, Incident, IncidentFact, Purpose, Update, UpdatePosted

MessageState = Literal["sent", "confirmed", "retrying", "failed"]


@dataclass(frozen=True)
class Line:
    """One line of an incident's timeline."""

    id: UUID
    incident_id: UUID
    version: int
    at: datetime
    kind: str
    """The fact in one word: ``opened``, ``acknowledged``, ``escalation_due``…"""
    actor: Actor
    text: str
    reason: str | None
    update: Update | None
    rung: int | None = None
    """The rung that fired, where the line is about that."""


@dataclass(frozen=True)
class Message:
    """One message to one recipient by one channel, as it stands."""

    notification_id: UUID
    recipient: RoleRef
    channel: str
    subject_id: UUID
    purpose: Purpose
    rung: int | None
    name: str
    role: RoleRef
    backup_for: str | None
    state: MessageState
    attempt: int
    at: datetime
    provider: str = ""
    provider_id: str = ""
    address: str = ""
    reason: str = ""
    detail: str = ""
    headline: str = ""
    text: str = ""
    why: str = ""
    retry_at: datetime | None = None

    @property
    def takes_reply(self) -> bool:
        """Whether somebody of the house got it, who may answer; contacts of clients and tickets may not."""
        return not self.recipient.startswith(("contact:", TICKET))


PROGRESS: Final[dict[MessageState, int]] = {"retrying": 0, "failed": 1, "sent": 1, "confirmed": 2}
"""Within one attempt, a later state never gives way to an earlier one."""


def kind_of(event_type: str) -> str:
    """``tocsin.incident.opened.v1`` → ``opened``."""
    return event_type.split(".")[2]


def line_of(fact: IncidentFact) -> Line:
    """The line that a fact adds. Its id is a digest of the fact, so that the same fact is the same line for ever."""
    digest = hashlib.sha256(f"{fact.type}\n{fact.model_dump_json()}".encode()).digest()
    return Line(
        id=UUID(bytes=digest[:16]),
        incident_id=fact.incident.id,
        version=fact.incident.version,
        at=fact.at,
        kind=kind_of(fact.type),
        actor=fact.actor,
        text=fact.text,
        reason=fact.reason,
        update=fact.update if isinstance(fact, UpdatePosted) else None,
        rung=fact.rung if isinstance(fact, EscalationDue) else None,
    )


def message_of(fact: DeliverySent | DeliveryFailed | DeliveryConfirmed) -> Message:
    """The row that a delivery's fact makes, or brings further."""
    base = Message(
        notification_id=fact.notification_id,
        recipient=fact.recipient.ref,
        channel=fact.channel,
        subject_id=fact.subject_id,
        purpose=fact.purpose,
        rung=fact.rung,
        name=fact.recipient.name,
        role=fact.recipient.role,
        backup_for=fact.recipient.backup_for,
        state="confirmed",
        attempt=0,
        at=fact.at,
    )
    match fact:
        case DeliverySent():
            return replace(
                base,
                state="sent",
                attempt=fact.attempt,
                provider=fact.provider,
                provider_id=fact.provider_id,
                address=fact.address,
                headline=fact.headline,
                text=fact.text,
                why=fact.why,
            )
        case DeliveryFailed():
            return replace(
                base,
                state="retrying" if fact.retry_at else "failed",
                attempt=fact.attempt,
                provider=fact.provider,
                reason=fact.reason,
                detail=fact.detail,
                retry_at=fact.retry_at,
            )
        case DeliveryConfirmed():
            return replace(base, provider_id=fact.provider_id)


def supersedes(new: Message, old: Message | None) -> bool:
    """Whether ``new`` says more than what is known. A confirmation carries no attempt: it follows whatever was sent."""
    if old is None:
        return True
    if new.state == "confirmed":
        return old.state != "confirmed"
    return (new.attempt, PROGRESS[new.state]) > (old.attempt, PROGRESS[old.state])


def merged(new: Message, old: Message | None) -> Message:
    """What is kept of ``new``: a message whose confirmation overtook it stays confirmed."""
    overtaken = old is not None and old.state == "confirmed" and not old.attempt
    return replace(new, state="confirmed") if overtaken and new.state == "sent" else new


def concerns_tenant(incident: Incident, tenant: str, uses: Collection[str]) -> bool:
    """Whether a tenant's page shows an incident: it names the tenant, or it names nobody and the tenant uses the service.

    ``uses`` are the services that the tenant uses; empty means all of them.
    """
    if incident.tenants:
        return tenant in incident.tenants
    return incident.service is None or not uses or not {incident.service, *incident.services}.isdisjoint(uses)


def visible_to(incident: Incident, tenants: Sequence[str] | None) -> bool:
    """Whether a principal may see an incident; ``None`` is a principal of all tenants."""
    return tenants is None or not incident.tenants or any(tenant in incident.tenants for tenant in tenants)


def is_open(incident: Incident) -> bool:
    """Whether an incident lasts: not resolved, and not called a false positive."""
    return incident.state != "resolved" and incident.verdict != "false_positive"
