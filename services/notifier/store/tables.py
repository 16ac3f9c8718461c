"""The notifier's own tables: what was asked for, each attempt at it, the local outbox, and what people answered."""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import DateTime, Index, MetaData, false, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import Text

from libs.common.db.tables import NAMING
from libs.common.events.incidents import Purpose

AttemptState = Literal["queued", "sending", "sent", "failed", "uncertain", "withdrawn"]
"""``queued`` waits for its time · ``sending`` is with a provider, under a lease · ``sent`` was accepted · ``failed`` for good ·
``uncertain`` may have gone out and nobody can say · ``withdrawn`` since nobody needs it any more."""


ZERO: Final = text("0")


class Base(DeclarativeBase):
    """The notifier's tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - as SQLAlchemy reads it
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(none_as_null=True),
        list[dict[str, Any]]: JSONB(none_as_null=True),
        list[str]: JSONB(none_as_null=True),
        AttemptState: Text,
        Purpose: Text,
        str: Text,
    }


class Notification(Base):
    """A request to tell people something, as it came, and whether it is still wanted."""

    __tablename__ = "notifications"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(index=True)
    purpose: Mapped[Purpose]
    request: Mapped[dict[str, Any]]
    exhausted: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether :class:`~libs.common.events.deliveries.DeliveryExhausted` was told of it."""
    withdrawn: Mapped[str | None]
    """Why nobody wants it any more."""
    taken_at: Mapped[datetime]


class Attempt(Base):
    """One message to one recipient through one contact, however often it is tried."""

    __tablename__ = "attempts"
    __table_args__ = (
        Index("attempts_due_idx", "due_at", postgresql_where=text("state in ('queued', 'sending')")),
        Index("attempts_address_idx", "address", "created_at"),
        Index("attempts_recipient_ref_idx", "recipient_ref", "created_at"),
        Index("attempts_subject_id_idx", "subject_id", "created_at"),
        Index("attempts_edit_due_idx", "edit_due_at", postgresql_where=text("edit_due_at is not null")),
        Index("attempts_provider_id_idx", "provider_id", postgresql_where=text("provider_id is not null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    effect_key: Mapped[str] = mapped_column(unique=True)
    """Subject × rung or obligation × slot × recipient × channel: the effect happens once."""
    notification_id: Mapped[UUID] = mapped_column(index=True)
    subject_id: Mapped[UUID]
    incident_number: Mapped[int | None]
    tenants: Mapped[list[str] | None]
    """The incident's tenants; empty is all of them, null is no incident."""
    purpose: Mapped[Purpose]
    rung: Mapped[int | None]
    obligation: Mapped[str | None]
    slot: Mapped[str]
    recipient_ref: Mapped[str]
    recipient: Mapped[dict[str, Any]]
    """The addressee, as events carry it."""
    contact: Mapped[int]
    """The place of the contact among the recipient's."""
    channel: Mapped[str]
    provider: Mapped[str]
    address: Mapped[str]
    headline: Mapped[str]
    text: Mapped[str]
    html: Mapped[str]
    blocks: Mapped[list[dict[str, Any]] | None]
    """The message in Slack's blocks, where it is one there: as it should be shown now."""
    edit_due_at: Mapped[datetime | None]
    """When the provider is told next what it should show; null where it shows that."""
    edits: Mapped[int] = mapped_column(server_default=ZERO)
    """How often it was told in vain."""
    why: Mapped[str]
    internal: Mapped[bool] = mapped_column(server_default=false())
    """Whether only the team may read it, where the channel knows the difference."""
    state: Mapped[AttemptState]
    reason: Mapped[str | None]
    detail: Mapped[str]
    tries: Mapped[int]
    unsure: Mapped[bool]
    """Whether a try may have gone out without our knowing."""
    due_at: Mapped[datetime | None]
    """When it is tried next; while it is being sent, when its lease runs out."""
    created_at: Mapped[datetime]
    first_tried_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    provider_id: Mapped[str | None]
    traceparent: Mapped[str | None]
    """The trace that led to it goes on in what becomes of it."""


class Held(Base):
    """A message that waits for the end of its recipient's quiet hours, and what became of it."""

    __tablename__ = "held"
    __table_args__ = (Index("held_recipient_ref_idx", "recipient_ref", "subject_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    notification_id: Mapped[UUID] = mapped_column(index=True)
    subject_id: Mapped[UUID]
    purpose: Mapped[Purpose]
    recipient_ref: Mapped[str]
    held_at: Mapped[datetime]
    until: Mapped[datetime]
    fate: Mapped[str | None]
    """What became of it; null while it waits."""
    words: Mapped[str | None]
    """Once it is released, the words of it and of those that are bundled with it."""
    settled_at: Mapped[datetime | None]


class OutboxMessage(Base):
    """A message that the local channel took: what would have been sent. Shown beside its attempt."""

    __tablename__ = "outbox_messages"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt_id: Mapped[UUID] = mapped_column(unique=True)
    channel: Mapped[str]
    address: Mapped[str]
    name: Mapped[str]
    headline: Mapped[str]
    text: Mapped[str]
    html: Mapped[str]
    taken_at: Mapped[datetime]


class Person(Base):
    """Somebody of the house, and the ids by which they act in Slack: a replica of oncall's. Who is gone keeps a row without any."""

    __tablename__ = "people"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    slack: Mapped[list[str]]
    changed_at: Mapped[datetime]


class Reply(Base):
    """What somebody answered, and what they were told. ``id`` is the provider's own, so that a repeat changes nothing."""

    __tablename__ = "replies"

    id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str]
    address: Mapped[str]
    text: Mapped[str]
    action: Mapped[str | None]
    subject_id: Mapped[UUID | None]
    attempt_id: Mapped[UUID | None]
    answer: Mapped[str]
    at: Mapped[datetime]
