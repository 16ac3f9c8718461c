"""Topic ``triggers``: what intake understood, and what it could not. Key = integration + dedup key."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from libs.common.events.base import Category, Event, Instant, Link, Model, Severity, Ticket, TriggerKind, Window

MaintenanceEnding = Literal["cancelled", "completed"]
"""How a scheduled maintenance ended: called off, or done."""


class TriggerGroup(Model):
    """The alerts that a sender put into one body: they are one thing unless somebody says otherwise."""

    key: str
    """The sender's own key of the group (Alertmanager's ``groupKey``), or the delivery's id."""
    siblings: tuple[str, ...] = ()
    """The dedup keys of every firing alert in that body, this one's included."""


class TriggerReceived(Event):
    """Sent when intake has committed a trigger that it understands: one for each alert in a body."""

    topic: ClassVar[str] = "triggers"
    type: Literal["tocsin.trigger.received.v1"] = "tocsin.trigger.received.v1"

    trigger_id: UUID
    delivery_id: UUID
    """The raw payload that it came in, kept by intake."""
    integration_id: str
    integration_name: str = ""
    source: str
    """The wire format: ``alertmanager``, ``native``, …"""
    kind: TriggerKind
    status: Literal["firing", "resolved"]
    dedup_key: str
    """What makes two triggers of one integration the same thing."""
    group: TriggerGroup | None = None
    title: str
    description: str = ""
    severity: Severity = "critical"
    category: Category | None = None
    """As the sender named it; ``None`` leaves it to the escalator's routing."""
    service: str | None = None
    services: tuple[str, ...] = ()
    """Every service that it concerns, ``service`` first, where the sender names several."""
    tool: str | None = None
    provider: str | None = None
    tenants: tuple[str, ...] = ()
    assigned_team: str | None = None
    """The team assigned to a scheduled maintenance."""
    window: Window | None = None
    """When a maintenance, or an announced outage of a tool, takes place."""
    sequence: int | None = None
    """Which announcement of the same thing it is, where the sender counts them (``SEQUENCE`` of a calendar): a lower one is older."""
    ending: MaintenanceEnding | None = None
    """How a maintenance ended, where it did and its sender says."""
    withdrawn: str = ""
    """Why nobody waits for the alert any more, where it is over for that and not since all is well: a clause such as *its heartbeat was
    deleted by Olga*."""
    reporter: str | None = None
    ticket: Ticket | None = None
    """The ticket that it is, where it came from a helpdesk."""
    links: tuple[Link, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)
    started_at: Instant
    ended_at: Instant | None = None
    received_at: Instant

    @property
    def key(self) -> str:
        """Integration and dedup key: repeats of one alert keep their order."""
        return f"{self.integration_id}:{self.dedup_key}"


class TriggerQuarantined(Event):
    """Sent when a body that authenticates could not be understood: it is kept, and a person must be told."""

    topic: ClassVar[str] = "triggers"
    type: Literal["tocsin.trigger.quarantined.v1"] = "tocsin.trigger.quarantined.v1"

    delivery_id: UUID
    integration_id: str
    integration_name: str = ""
    source: str
    reason: str
    """Which rule it broke, as a slug: ``invalid-json``, ``missing-field``, …"""
    detail: str
    """The sentence for a person."""
    received_at: Instant

    @property
    def key(self) -> str:
        """Integration and delivery: quarantined bodies have no dedup key."""
        return f"{self.integration_id}:{self.delivery_id}"


class TriggerAcknowledged(Event):
    """Sent when a sender says that somebody on its side has taken notice of an alert."""

    topic: ClassVar[str] = "triggers"
    type: Literal["tocsin.trigger.acknowledged.v1"] = "tocsin.trigger.acknowledged.v1"

    delivery_id: UUID
    integration_id: str
    integration_name: str = ""
    source: str
    dedup_key: str
    """The alert's, as in the trigger that fired it."""
    by: str = ""
    """Who, as the sender names them."""
    note: str = ""
    received_at: Instant

    @property
    def key(self) -> str:
        """Integration and dedup key: it comes after the trigger that it is about."""
        return f"{self.integration_id}:{self.dedup_key}"


class TriggerNoted(Event):
    """Sent when a sender adds a note to an alert."""

    topic: ClassVar[str] = "triggers"
    type: Literal["tocsin.trigger.noted.v1"] = "tocsin.trigger.noted.v1"

    delivery_id: UUID
    integration_id: str
    integration_name: str = ""
    source: str
    dedup_key: str
    """The alert's, as in the trigger that fired it."""
    by: str = ""
    """Who, as the sender names them."""
    note: str
    received_at: Instant

    @property
    def key(self) -> str:
        """Integration and dedup key: it comes after the trigger that it is about."""
        return f"{self.integration_id}:{self.dedup_key}"
