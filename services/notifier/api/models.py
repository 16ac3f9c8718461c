"""What the API shows."""

from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field

from services.notifier.domain.segments import measure
from services.notifier.handlers.contacts import repliable, shown_text
from services.notifier.store.tables import Attempt, OutboxMessage


class Told(BaseModel):
    """Somebody who is told."""

    ref: str
    name: str
    role: str
    backup_for: str | None = None


class Sms(BaseModel):
    """What a text takes on the air."""

    encoding: Literal["gsm7", "ucs2"]
    segments: int


class Message(BaseModel):
    """A message in the local outbox: what would have been sent, to whom, when and why."""

    id: UUID
    at: datetime
    channel: str
    to: Told
    address: str
    purpose: str
    why: str
    headline: str
    text: str
    html: str
    subject_id: UUID
    incident_number: int | None
    rung: int | None
    obligation: str | None
    attempt_id: UUID
    sms: Sms | None = None
    repliable: bool
    """Whether ``POST …/reply`` understands ``ACK`` for it."""

    @classmethod
    def of(cls, message: OutboxMessage, attempt: Attempt) -> Self:
        """The message with its attempt."""
        size = measure(message.text)
        return cls(
            id=message.id,
            at=message.taken_at,
            channel=message.channel,
            to=Told.model_validate(attempt.recipient),
            address=message.address,
            purpose=attempt.purpose,
            why=attempt.why,
            headline=message.headline,
            text=message.text,
            html=message.html,
            subject_id=attempt.subject_id,
            incident_number=attempt.incident_number,
            rung=attempt.rung,
            obligation=attempt.obligation,
            attempt_id=attempt.id,
            sms=Sms(encoding=size.encoding, segments=size.segments) if message.channel == "sms" else None,
            repliable=repliable(attempt),
        )


class AttemptView(BaseModel):
    """One line of the ledger: one message to one recipient through one contact, and what became of it."""

    id: UUID
    created_at: datetime
    subject_id: UUID
    notification_id: UUID
    incident_number: int | None
    purpose: str
    rung: int | None
    obligation: str | None
    slot: str
    to: Told
    channel: str
    provider: str
    address: str
    headline: str
    text: str
    why: str
    state: str
    reason: str | None
    detail: str
    tries: int
    next_try_at: datetime | None
    sent_at: datetime | None
    confirmed_at: datetime | None
    provider_id: str | None

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """The attempt."""
        shown: dict[str, Any] = {
            name: getattr(attempt, name) for name in cls.model_fields if name not in {"to", "next_try_at", "text"}
        }
        waits = attempt.due_at if attempt.state == "queued" else None
        return cls(**shown, text=shown_text(attempt), to=Told.model_validate(attempt.recipient), next_try_at=waits)


class Messages(BaseModel):
    """A page of the local outbox, newest first; ``next`` is the cursor of the page after it."""

    messages: list[Message]
    next: UUID | None = None


class Attempts(BaseModel):
    """A page of the ledger, newest first; ``next`` is the cursor of the page after it."""

    attempts: list[AttemptView]
    next: UUID | None = None


class Answer(BaseModel):
    """What a person answers."""

    text: str = Field(min_length=1, max_length=1600, examples=["ACK 12"])


class Answered(BaseModel):
    """What they get back."""

    answer: str
