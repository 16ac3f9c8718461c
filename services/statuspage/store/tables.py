"""The tables of the statuspage. Read models can be made again by reading the topics from the start."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, Integer, LargeBinary, MetaData, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from libs.common.db.tables import NAMING


class Base(DeclarativeBase):
    """The statuspage's own tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        UUID: Uuid,
        str: Text,
        bytes: LargeBinary,
    }


class IncidentRow(Base):
    """An incident as its newest event carried it."""

    __tablename__ = "incidents"
    __table_args__ = (Index(None, "opened_at"), Index(None, "changed_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    version: Mapped[int]
    state: Mapped[str]
    is_open: Mapped[bool]
    opened_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(BigInteger, comment="Grows with all that is shown of it, messages included.")
    body: Mapped[dict[str, Any]]


class LineRow(Base):
    """One line of a timeline."""

    __tablename__ = "lines"
    __table_args__ = (Index(None, "incident_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, comment="A digest of the fact: a repeat is the same line.")
    incident_id: Mapped[UUID]
    version: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str]
    actor: Mapped[dict[str, Any]]
    text: Mapped[str]
    reason: Mapped[str | None]
    update: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    rung: Mapped[int | None]


class NotificationRow(Base):
    """One notification: who was to be told, who was left out, and whether nobody could be reached."""

    __tablename__ = "notifications"
    __table_args__ = (Index(None, "subject_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID]
    purpose: Mapped[str]
    rung: Mapped[int | None]
    at: Mapped[datetime]
    addressees: Mapped[list[Any]]
    skipped: Mapped[list[Any]]
    exhausted: Mapped[str]


class MessageRow(Base):
    """One message to one recipient by one channel, as it stands."""

    __tablename__ = "messages"
    __table_args__ = (Index(None, "subject_id"), Index(None, "at"))

    notification_id: Mapped[UUID] = mapped_column(primary_key=True)
    recipient: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID]
    purpose: Mapped[str]
    rung: Mapped[int | None]
    name: Mapped[str]
    role: Mapped[str]
    backup_for: Mapped[str | None]
    state: Mapped[str]
    attempt: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime]
    provider: Mapped[str]
    provider_id: Mapped[str]
    address: Mapped[str]
    reason: Mapped[str]
    detail: Mapped[str]
    headline: Mapped[str]
    text: Mapped[str]
    why: Mapped[str]
    retry_at: Mapped[datetime | None]


class EntryRow(Base):
    """A person or thing of the directory."""

    __tablename__ = "entries"

    noun: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    removed: Mapped[bool]
    first_at: Mapped[datetime] = mapped_column(comment="When it was first heard of.")
    at: Mapped[datetime]
    body: Mapped[dict[str, Any]]


class SessionRow(Base):
    """An operator who is signed in. The key is sealed under the cookie's secret, which is not here."""

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "expires_at"),)

    digest: Mapped[str] = mapped_column(primary_key=True, comment="SHA-256 of the cookie.")
    principal_id: Mapped[str]
    name: Mapped[str]
    sealed_key: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class UsedTokenRow(Base):
    """A sign-in link that was used, so that it is never used again."""

    __tablename__ = "used_tokens"

    digest: Mapped[str] = mapped_column(primary_key=True)
    used_at: Mapped[datetime]
