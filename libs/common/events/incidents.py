"""Topic ``incidents``: everything that happens to an incident, and what is due. Key = incident id.

Every event carries the whole incident as it was right after the fact (:class:`Incident`), with a ``version`` that grows by one for
each fact, so that a reader folds by keeping the newest, and the fact itself as a line of the timeline.
"""

from datetime import timedelta
from typing import ClassVar, Literal
from uuid import UUID

from libs.common.events.base import (
    Actor,
    Category,
    Event,
    IncidentState,
    Instant,
    Link,
    Model,
    ObligationKind,
    ObligationState,
    RoleRef,
    Severity,
    Ticket,
    TriggerKind,
    Verdict,
    Window,
    subject_key,
)

RungReason = Literal["opened", "unacknowledged", "nobody_found", "unreachable", "escalated_by_hand", "repeated"]
"""Why a rung is due now: at opening · its delay ran out · the rung before found nobody · nobody of it could be reached ·
a person said so · the ladder starts over."""

Purpose = Literal[
    "page", "reminder", "missed", "status", "update", "call", "rca_status", "closing", "notice", "verification"
]
"""What a message is for. ``page`` asks to acknowledge; ``reminder`` comes before an obligation that a person owes, ``missed`` after it;
``status`` is what the system owes without news, ``update`` is a person's words; ``closing`` is the last word;
``verification`` carries a code that shows that a contact reaches its person."""


class Rung(Model):
    """One rung of the incident's ladder, as it stands."""

    number: int
    """From 1."""
    name: str
    roles: tuple[RoleRef, ...]
    state: Literal["pending", "due", "done", "cancelled"] = "pending"
    due_at: Instant | None = None
    fired_at: Instant | None = None
    reason: RungReason | None = None
    after: timedelta = timedelta(0)
    """Its delay, counted from when the rung before it fired."""
    times: int = 0
    """How many times it fired."""


class Obligation(Model):
    """One communication promise, as it stands (process.md, "Communication while an incident lasts")."""

    kind: ObligationKind
    state: ObligationState
    owed_by: Literal["system", "person"]
    due_at: Instant | None
    """When it is due next; ``None`` once it is waived or kept for good."""
    every: timedelta
    last_sent_at: Instant | None = None
    late_by: timedelta | None = None
    """How late the last one was, where it was."""
    count: int = 0
    """How many times it was sent."""


class Update(Model):
    """A person's words about the incident."""

    text: str
    by: str
    at: Instant
    audiences: tuple[Literal["team", "tenant", "client"], ...]


MaintenanceState = Literal["planned", "running", "over", "cancelled"]


class Maintenance(Model):
    """The record of a scheduled maintenance; its window, services, tenants and team are those of its incident."""

    id: UUID
    external_id: str
    """By which its sender moves it and calls it off."""
    state: MaintenanceState
    revision: int = 0
    """Grows with each change of what is announced: the ``SEQUENCE`` of calendars that show it."""
    changed_at: Instant
    """When it was announced, or changed last."""


class Incident(Model):
    """An incident as it was right after a fact."""

    id: UUID
    number: int
    version: int
    title: str
    description: str = ""
    state: IncidentState
    verdict: Verdict | None = None
    kind: TriggerKind
    category: Category
    severity: Severity
    service: str | None = None
    services: tuple[str, ...] = ()
    """Every service concerned, ``service`` first, where more than one is."""
    tool: str | None = None
    provider: str | None = None
    tenants: tuple[str, ...] = ()
    """The tenants concerned; empty means all of them."""
    assigned_team: str | None = None
    window: Window | None = None
    maintenance: Maintenance | None = None
    """Its record, where it is a scheduled maintenance."""
    first: tuple[RoleRef, ...] = ()
    """Who hears of it first, as the routing rule says."""
    route: str = ""
    """The id of the routing rule that matched."""
    source: str = ""
    links: tuple[Link, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    """The tickets that it came from, or that joined it: its status goes back to these."""
    opened_at: Instant
    acknowledged_at: Instant | None = None
    acknowledged_by: Actor | None = None
    resolved_at: Instant | None = None
    resolved_by: Actor | None = None
    alerts: int = 0
    """How many different alerts are attached."""
    firing: int = 0
    """How many of these still fire."""
    triggers: int = 0
    """How many triggers came in for it, repeats included."""
    ladder: str = ""
    rung: int = 0
    """The rung that fired last; 0 before the first."""
    rungs: tuple[Rung, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    last_update: Update | None = None
    last_public_update: Update | None = None
    """The newest update that was meant for tenants or clients."""
    rca_url: str | None = None


class IncidentFact(Event):
    """What all facts about one incident share. Not sent itself."""

    topic: ClassVar[str] = "incidents"
    type: str

    incident: Incident
    at: Instant
    actor: Actor
    text: str
    """The line of the timeline: a sentence for a person."""
    reason: str | None = None
    """Why, as a slug, where a rule decided."""

    @property
    def key(self) -> str:
        """The incident's id."""
        return subject_key(self.incident.id)


class IncidentOpened(IncidentFact):
    """Sent when a trigger, or a person, opened an incident."""

    type: Literal["tocsin.incident.opened.v1"] = "tocsin.incident.opened.v1"
    trigger_id: UUID | None = None


class AlertAttached(IncidentFact):
    """Sent when a trigger joined an incident that is open already, so that nobody is paged for it again."""

    type: Literal["tocsin.incident.alert_attached.v1"] = "tocsin.incident.alert_attached.v1"
    trigger_id: UUID
    new_alert: bool
    """False for a repeat of an alert that was attached before."""


class AlertResolved(IncidentFact):
    """Sent when a source says that one of the incident's alerts is over."""

    type: Literal["tocsin.incident.alert_resolved.v1"] = "tocsin.incident.alert_resolved.v1"
    trigger_id: UUID


class IncidentAcknowledged(IncidentFact):
    """Sent when a person took the incident: the ladder has stopped, for everyone."""

    type: Literal["tocsin.incident.acknowledged.v1"] = "tocsin.incident.acknowledged.v1"


class IncidentResolved(IncidentFact):
    """Sent when the incident is over, by a person or because its source said so."""

    type: Literal["tocsin.incident.resolved.v1"] = "tocsin.incident.resolved.v1"


class VerdictGiven(IncidentFact):
    """Sent when a person confirmed the incident or called it a false positive (rung 1 of the process)."""

    type: Literal["tocsin.incident.verdict_given.v1"] = "tocsin.incident.verdict_given.v1"
    verdict: Verdict


class UpdatePosted(IncidentFact):
    """Sent when a person wrote an update."""

    type: Literal["tocsin.incident.update_posted.v1"] = "tocsin.incident.update_posted.v1"
    update: Update


class RcaIssued(IncidentFact):
    """Sent when the root cause analysis was issued; ``incident.rca_url`` leads to it."""

    type: Literal["tocsin.incident.rca_issued.v1"] = "tocsin.incident.rca_issued.v1"


class ObligationMoved(IncidentFact):
    """Sent when an obligation was kept, missed, set forward or waived, or when its time came."""

    type: Literal["tocsin.incident.obligation_moved.v1"] = "tocsin.incident.obligation_moved.v1"
    obligation: Obligation


class IncidentNoted(IncidentFact):
    """Sent when something belongs on the timeline and changes nothing else: who was paged, whom nobody could reach."""

    type: Literal["tocsin.incident.noted.v1"] = "tocsin.incident.noted.v1"


class WindowMoved(IncidentFact):
    """Sent when a scheduled maintenance, or an announced outage, was moved, or something else that is announced of it changed."""

    type: Literal["tocsin.incident.window_moved.v1"] = "tocsin.incident.window_moved.v1"
    before: Window | None = None
    """The window until now."""


class MaintenanceBegun(IncidentFact):
    """Sent when the window of a scheduled maintenance begins."""

    type: Literal["tocsin.incident.maintenance_begun.v1"] = "tocsin.incident.maintenance_begun.v1"


class EscalationDue(IncidentFact):
    """Sent when a rung of the ladder is due: oncall resolves its roles to people at this moment."""

    type: Literal["tocsin.incident.escalation_due.v1"] = "tocsin.incident.escalation_due.v1"
    rung: int
    rung_name: str
    roles: tuple[RoleRef, ...]
    slot: str
    """Tells this firing of the rung from every other: part of the key of the effect."""
    late_by: timedelta | None = None


class CommunicationDue(IncidentFact):
    """Sent when a message other than a page is due: oncall resolves the audience at this moment."""

    type: Literal["tocsin.incident.communication_due.v1"] = "tocsin.incident.communication_due.v1"
    purpose: Purpose
    obligation: ObligationKind | None = None
    audience: tuple[RoleRef, ...]
    slot: str
    words: str | None = None
    """The update in the person's own words; ``None`` where nobody wrote anything since ``since``."""
    since: Instant | None = None
    """When there was news last."""
    next_by: Instant | None = None
    """The promise: the next one comes by then."""
    due_at: Instant | None = None
    """When the obligation that a reminder or a miss is about is, or was, due."""
    late_by: timedelta | None = None
    internal: bool = False
    """Whether only the team may read it, wherever it is told."""


class NoticeDue(Event):
    """Sent when a person must be told of something that is no incident, such as a body in quarantine."""

    topic: ClassVar[str] = "incidents"
    type: Literal["tocsin.notice.due.v1"] = "tocsin.notice.due.v1"

    notice_id: UUID
    title: str
    text: str
    audience: tuple[RoleRef, ...]
    reason: str
    at: Instant

    @property
    def key(self) -> str:
        """The notice's id."""
        return subject_key(self.notice_id)
