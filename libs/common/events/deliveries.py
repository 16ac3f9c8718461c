"""Topic ``deliveries``: what became of each message, and what people answered. Key = incident id (or notice id)."""

from typing import ClassVar, Literal
from uuid import UUID

from libs.common.events.base import Event, Instant, Model, ObligationKind, RoleRef, subject_key
from libs.common.events.incidents import Purpose
from libs.common.events.notifications import Skipped

AttemptReason = Literal[
    "accepted",
    "channel_is_the_incident",
    "channel_not_configured",
    "invalid_address",
    "opted_out",
    "rejected",
    "provider_error",
    "provider_unreachable",
    "provider_throttled",
    "timed_out",
    "withdrawn",
    "undelivered",
    "no_answer",
    "voicemail",
    "uncertain",
    "quiet_hours",
]
"""Why an attempt ended as it did: the same word in the ledger, the log, the metric and the timeline. ``uncertain``: Tocsin died between
the provider's answer and its own commit, and the provider takes no idempotency key."""


class Addressee(Model):
    """Somebody who is being told, without their addresses."""

    ref: RoleRef
    name: str
    role: RoleRef
    backup_for: str | None = None


class DeliveryFact(Event):
    """What all facts about one notification share. Not sent itself."""

    topic: ClassVar[str] = "deliveries"
    type: str

    subject_id: UUID
    notification_id: UUID
    purpose: Purpose
    rung: int | None = None
    obligation: ObligationKind | None = None
    slot: str
    at: Instant

    @property
    def key(self) -> str:
        """The incident's id, or the notice's."""
        return subject_key(self.subject_id)


class DeliveryAddressed(DeliveryFact):
    """Sent when a notification was taken on: who is being told, and who is not, and why."""

    type: Literal["tocsin.delivery.addressed.v1"] = "tocsin.delivery.addressed.v1"
    addressees: tuple[Addressee, ...]
    skipped: tuple[Skipped, ...] = ()


class DeliverySent(DeliveryFact):
    """Sent when a provider accepted a message to one recipient."""

    type: Literal["tocsin.delivery.sent.v1"] = "tocsin.delivery.sent.v1"
    recipient: Addressee
    channel: str
    provider: str
    """``twilio``, ``smtp`` or ``local`` (the local outbox: nothing left the house)."""
    address: str
    attempt: int
    provider_id: str = ""
    headline: str = ""
    text: str
    why: str = ""


class DeliveryFailed(DeliveryFact):
    """Sent when an attempt did not succeed; ``retry_at`` says when it is tried again, if it is."""

    type: Literal["tocsin.delivery.failed.v1"] = "tocsin.delivery.failed.v1"
    recipient: Addressee
    channel: str
    provider: str
    attempt: int
    reason: AttemptReason
    detail: str = ""
    retry_at: Instant | None = None


class DeliveryConfirmed(DeliveryFact):
    """Sent when the provider says that the message reached its recipient's device or mailbox."""

    type: Literal["tocsin.delivery.confirmed.v1"] = "tocsin.delivery.confirmed.v1"
    recipient: Addressee
    channel: str
    provider_id: str = ""


class DeliveryExhausted(DeliveryFact):
    """Sent when nobody of a notification could be reached: there was nobody, or every channel of everybody failed."""

    type: Literal["tocsin.delivery.exhausted.v1"] = "tocsin.delivery.exhausted.v1"
    reason: Literal["nobody_found", "unreachable"]
    detail: str = ""


class ReplyReceived(Event):
    """Sent when somebody answered a message: ``ACK`` or ``RESOLVE``, a key in a phone call, a button."""

    topic: ClassVar[str] = "deliveries"
    type: Literal["tocsin.delivery.reply_received.v1"] = "tocsin.delivery.reply_received.v1"

    subject_id: UUID
    sender: Addressee
    channel: str
    action: Literal["acknowledge", "resolve"]
    text: str
    at: Instant

    @property
    def key(self) -> str:
        """The incident's id."""
        return subject_key(self.subject_id)
