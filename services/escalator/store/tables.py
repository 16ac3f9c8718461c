"""The tables of the escalator: incidents and all that belongs to them, and the policies by which they open."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Interval,
    MetaData,
    Sequence,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from libs.common.db.tables import NAMING


class Base(DeclarativeBase):
    """The escalator's tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        str: Text,
        datetime: DateTime(timezone=True),
        timedelta: Interval,
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
    }


INCIDENT_NUMBER = Sequence("incident_number", metadata=Base.metadata)
"""The number that people say. Taken last before the insert, so that only a failed commit leaves a gap."""


class IncidentRow(Base):
    """An incident. ``body`` is its snapshot without the obligations, which are rows; the columns beside it are what is searched by."""

    __tablename__ = "incidents"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, unique=True)
    version: Mapped[int]
    state: Mapped[str]
    verdict: Mapped[str | None]
    kind: Mapped[str]
    category: Mapped[str]
    severity: Mapped[str]
    service: Mapped[str | None]
    tenants: Mapped[list[str]]
    opened_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    body: Mapped[dict[str, Any]]
    plan: Mapped[dict[str, Any]] = mapped_column(comment="The clocks, and how the ladder repeats, as of its opening.")

    __table_args__ = (Index(None, "state", "number"),)


class AlertRow(Base):
    """An alert of an incident. ``open`` falls with the incident's resolve, whether or not the source says that it is over."""

    __tablename__ = "alerts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"), index=True)
    integration_id: Mapped[str]
    dedup_key: Mapped[str]
    service: Mapped[str | None]
    title: Mapped[str]
    firing: Mapped[bool]
    open: Mapped[bool]
    triggers: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    said: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), comment="The newest trigger of it, where what was announced may be moved."
    )
    collected: Mapped[bool] = mapped_column(
        server_default=false(), comment="It fires under a maintenance that runs, and does not hold it open."
    )

    __table_args__ = (
        Index(
            "alerts_one_open_incident_idx", "integration_id", "dedup_key", unique=True, postgresql_where=text("open")
        ),
    )


class MaintenanceRow(Base):
    """A scheduled maintenance, in step with its incident: what is searched by, and what its sender moves it by."""

    __tablename__ = "maintenances"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"), unique=True)
    integration_id: Mapped[str]
    external_id: Mapped[str]
    title: Mapped[str]
    description: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    services: Mapped[list[str]]
    tenants: Mapped[list[str]]
    assigned_team: Mapped[str | None]
    state: Mapped[str]
    revision: Mapped[int]
    announced_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    __table_args__ = (
        Index(None, "integration_id", "external_id"),
        Index(
            "maintenances_running_services_idx",
            "services",
            postgresql_using="gin",
            postgresql_where=text("state IN ('planned', 'running')"),
        ),
    )


class TimelineRow(Base):
    """A line of the timeline: one fact, in the order of the incident's versions."""

    __tablename__ = "timeline"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    version: Mapped[int]
    at: Mapped[datetime]
    type: Mapped[str]
    actor: Mapped[dict[str, Any]]
    text: Mapped[str]
    reason: Mapped[str | None]
    details: Mapped[dict[str, Any]]

    __table_args__ = (UniqueConstraint("incident_id", "version"),)


class ObligationRow(Base):
    """One communication promise of an incident."""

    __tablename__ = "obligations"

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    owed_by: Mapped[str]
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    every: Mapped[timedelta]
    last_sent_at: Mapped[datetime | None]
    late_by: Mapped[timedelta | None]
    count: Mapped[int]


class ReachedRow(Base):
    """Somebody to whom at least one message of the incident was sent: the closing word goes to these, and to nobody else."""

    __tablename__ = "reached"

    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"), primary_key=True)
    ref: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    at: Mapped[datetime]


class UpdateRow(Base):
    """What a person wrote about an incident."""

    __tablename__ = "updates"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    incident_id: Mapped[UUID] = mapped_column(ForeignKey("incidents.id"))
    at: Mapped[datetime]
    by: Mapped[str]
    text: Mapped[str]
    audiences: Mapped[list[str]]

    __table_args__ = (Index(None, "incident_id", "at"),)


class PolicyRow(Base):
    """One file of the configuration tree as it is in force: ``routing``, ``ladders`` or ``clocks``."""

    __tablename__ = "policies"

    name: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[dict[str, Any]]
    taken_at: Mapped[datetime]
