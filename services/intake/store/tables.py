"""Intake's own tables. Ids of deliveries and quarantine are UUIDv7, so that their order is that of arrival."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, MetaData, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from libs.common.db.tables import NAMING


class Base(DeclarativeBase):
    """What intake owns."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: DateTime(timezone=True),
        str: Text,
        bytes: LargeBinary,
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
    }


class IntegrationRow(Base):
    """One sender that Tocsin listens to."""

    __tablename__ = "integrations"
    __table_args__ = (CheckConstraint("origin IN ('config', 'api')", name="origin"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    source: Mapped[str]
    kind: Mapped[str | None]
    options: Mapped[dict[str, Any]]
    origin: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class IntegrationKeyRow(Base):
    """A key of an integration, by its public part; of the secret part only the SHA-256 is kept."""

    __tablename__ = "integration_keys"
    __table_args__ = (Index(None, "integration_id"), CheckConstraint("origin IN ('config', 'api')", name="origin"))

    id: Mapped[str] = mapped_column(primary_key=True)
    integration_id: Mapped[str] = mapped_column(ForeignKey("integrations.id", ondelete="CASCADE"))
    digest: Mapped[str]
    origin: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class DeliveryRow(Base):
    """A body as it came. It names its integration without a reference: what came stays when who sent it is removed."""

    __tablename__ = "deliveries"
    __table_args__ = (Index(None, "replay_of", postgresql_where=text("replay_of IS NOT NULL")),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    integration_id: Mapped[str]
    source: Mapped[str]
    received_at: Mapped[datetime]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes]
    triggers: Mapped[int]
    replay_of: Mapped[UUID | None]
    """The delivery whose bytes were read again."""


class QuarantineRow(Base):
    """A body of which at least a part could not be understood, and why."""

    __tablename__ = "quarantine"
    __table_args__ = (
        Index(None, "delivery_id"),
        CheckConstraint("state IN ('waiting', 'dismissed', 'replayed', 'opened')", name="state"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"))
    integration_id: Mapped[str]
    integration_name: Mapped[str]
    source: Mapped[str]
    received_at: Mapped[datetime]
    reason: Mapped[str]
    detail: Mapped[str]
    problems: Mapped[list[dict[str, Any]]]
    triggers: Mapped[int]
    state: Mapped[str] = mapped_column(default="waiting", server_default="waiting")
    """``waiting`` for a person, or what became of it: ``dismissed``, ``replayed``, ``opened``."""
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    note: Mapped[str] = mapped_column(default="", server_default="")
    led_to: Mapped[UUID | None]
    """The delivery of the replay, or the trigger that a person made of it."""


class AuditRow(Base):
    """Who changed which integration or settled what was in quarantine, when and how."""

    __tablename__ = "audit"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[dict[str, Any]]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]]
