"""Whether a trigger opens an incident, joins one, or ends one of its alerts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from libs.common.events.base import Ticket
from libs.common.events.triggers import TriggerReceived

OpenReason = Literal["first_seen"]
AttachReason = Literal["repeat", "refired", "same_group", "in_maintenance"]
EndReason = Literal["alerts_remain", "last_alert_resolved"]
DropReason = Literal["unknown_alert", "already_resolved", "unchanged_ticket"]

ECHO_WITHIN: Final = timedelta(hours=3)
"""So long after an incident's end its ticket may be posted again for no more than what we wrote on it: longer than a comment is tried."""


@dataclass(frozen=True)
class KnownAlert:
    """An alert of an incident that is not resolved."""

    incident_id: UUID
    number: int
    dedup_key: str
    service: str | None
    firing: bool
    collected: bool = False
    """Whether it is only collected there, under a maintenance."""


@dataclass(frozen=True)
class Open:
    """Nothing open knows this trigger: a new incident."""

    reason: OpenReason = "first_seen"


@dataclass(frozen=True)
class Attach:
    """It belongs to an incident that is open, so nobody is paged for it again.

    ``repeat``: the alert fires already · ``refired``: it had ended inside this incident · ``same_group``: its sender put it into one body
    with an alert of this incident, for the same service · ``in_maintenance``: its service is in maintenance (decided by ``collecting.py``).
    """

    incident_id: UUID
    reason: AttachReason


@dataclass(frozen=True)
class End:
    """An alert is over; with the last one the incident is."""

    incident_id: UUID
    reason: EndReason


@dataclass(frozen=True)
class Drop:
    """Nothing to do: it ends what nobody knows, or what ended before, or it shows a ticket no different from when its incident ended."""

    reason: DropReason


Decision = Open | Attach | End | Drop


def correlate(trigger: TriggerReceived, known: Sequence[KnownAlert], firing: int) -> Decision:
    """What becomes of ``trigger``, given the open alerts of its integration that bear its dedup key or a sibling's.

    ``firing`` is how many alerts fire in the incident that holds this very alert (0 where none does), collected ones aside: those
    neither hold a maintenance open nor end it. Where siblings stand in several
    incidents, the oldest is joined.
    """
    own = next((alert for alert in known if alert.dedup_key == trigger.dedup_key), None)
    if trigger.status == "resolved":
        return _ended(own, firing)
    if own is not None:
        return Attach(own.incident_id, "repeat" if own.firing else "refired")
    siblings = set(trigger.group.siblings) if trigger.group else set()
    related = [
        alert
        for alert in known
        if alert.dedup_key in siblings and alert.service == trigger.service and not alert.collected
    ]
    if related:
        return Attach(min(related, key=lambda alert: alert.number).incident_id, "same_group")
    return Open()


def _ended(own: KnownAlert | None, firing: int) -> Decision:
    if own is None:
        return Drop("unknown_alert")
    if not own.firing:
        return Drop("already_resolved")
    remain = own.collected or firing > 1
    return End(own.incident_id, "alerts_remain" if remain else "last_alert_resolved")


@dataclass(frozen=True)
class Ended:
    """The last incident of an alert whose source never said that it is over. ``ticket`` is as its helpdesk told it last."""

    incident_id: UUID
    ended_at: datetime
    ticket: Ticket | None


def is_echo(trigger: TriggerReceived, ended: Ended | None, now: datetime) -> bool:
    """Whether a trigger that would open an incident only shows a ticket that its helpdesk still has open, as urgent as before.

    A comment of ours makes a helpdesk post the ticket again, or take it one step further ("Waiting for customer"): a resolve would open
    the next incident. A ticket that was solved meanwhile, and one that is filed, raised or opened again just now, is always heard.
    """
    ticket = trigger.ticket
    if ticket is None or ticket.raised or ended is None or ended.ticket is None:
        return False
    same = ticket.priority == ended.ticket.priority
    return same and now - ended.ended_at <= ECHO_WITHIN
