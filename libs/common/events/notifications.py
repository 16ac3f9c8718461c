"""Topic ``notifications``: whom to tell what, resolved to people. Key = incident id (or notice id)."""

from datetime import timedelta
from typing import ClassVar, Literal
from uuid import UUID

from libs.common.events.base import Contact, Event, Instant, Link, Model, ObligationKind, RoleRef, subject_key
from libs.common.events.incidents import Incident, Purpose

SkipReason = Literal["nobody_on_shift", "no_contact", "unknown_reference", "role_vacant", "absent", "removed"]
"""Why somebody who would be told is not."""


class Recipient(Model):
    """Somebody who is to be told."""

    ref: RoleRef
    """``person:ID`` or ``contact:TENANT/ID``: the same somebody for ever."""
    name: str
    role: RoleRef
    """The reference that led to them."""
    backup_for: str | None = None
    """The name of the one in whose place they are told."""
    contacts: tuple[Contact, ...]
    """In the order in which they are tried."""
    zone: str = "UTC"
    quiet_until: Instant | None = None
    """When the recipient's quiet hours end, where what can wait waits for that."""


class Skipped(Model):
    """Somebody, or a role, that cannot be told, and why."""

    ref: RoleRef
    name: str
    reason: SkipReason
    detail: str = ""


class NotificationRequested(Event):
    """Sent when oncall resolved who is to be told. Without recipients it says that nobody could be found, and why."""

    topic: ClassVar[str] = "notifications"
    type: Literal["tocsin.notification.requested.v1"] = "tocsin.notification.requested.v1"

    notification_id: UUID
    subject_id: UUID
    """The incident's id, or the notice's."""
    incident: Incident | None = None
    purpose: Purpose
    rung: int | None = None
    rung_name: str = ""
    obligation: ObligationKind | None = None
    slot: str
    recipients: tuple[Recipient, ...]
    skipped: tuple[Skipped, ...] = ()
    title: str = ""
    public_title: str = ""
    """What clients are told it is about: never an alert's own words."""
    words: str | None = None
    code: str | None = None
    """What a ``verification`` carries. It stands in the message alone: no log, no answer and no other event shows it."""
    since: Instant | None = None
    next_by: Instant | None = None
    due_at: Instant | None = None
    """When what the message is about is due; of a ``verification``, when its code expires."""
    late_by: timedelta | None = None
    links: tuple[Link, ...] = ()
    """The check links of the incident, rendered from the directory."""
    reason: str | None = None
    internal: bool = False
    """Whether only the team may read it: on a ticket, a note for its agents."""
    requested_at: Instant

    @property
    def key(self) -> str:
        """The incident's id, or the notice's."""
        return subject_key(self.subject_id)


class NotificationsWithdrawn(Event):
    """Sent when what was not delivered yet need not be any more: the incident was acknowledged or is over."""

    topic: ClassVar[str] = "notifications"
    type: Literal["tocsin.notification.withdrawn.v1"] = "tocsin.notification.withdrawn.v1"

    subject_id: UUID
    purposes: tuple[Purpose, ...]
    reason: str
    at: Instant

    @property
    def key(self) -> str:
        """The incident's id."""
        return subject_key(self.subject_id)
