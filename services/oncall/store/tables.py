"""The tables of oncall: the directory as documents, what was changed of rotas, keys, what was announced, and who changed what."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, Integer, MetaData, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from libs.common.db.tables import NAMING


class Base(DeclarativeBase):
    """What oncall's own tables share."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: DateTime(timezone=True), str: Text, int: Integer}  # noqa: RUF012 - as SQLAlchemy asks for it


class EntryRow(Base):
    """One entity of the directory, as a document: it is small, read as a whole, and its shape is the configuration's."""

    __tablename__ = "entries"

    noun: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    origin: Mapped[str]
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    changed_at: Mapped[datetime]


class KeyRow(Base):
    """One API key of a principal; the secret itself is stored nowhere."""

    __tablename__ = "keys"
    __table_args__ = (Index(None, "principal"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    principal: Mapped[str]
    digest: Mapped[str]
    origin: Mapped[str]
    issued_at: Mapped[datetime]
    issued_by: Mapped[str]
    expires_at: Mapped[datetime | None]


class AnnouncedRow(Base):
    """What the directory topic was last told of one entity, so that only news is told. An entity that is gone has no digest."""

    __tablename__ = "announced"

    noun: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    digest: Mapped[str | None]
    at: Mapped[datetime]


class AmendmentRow(Base):
    """One change of a rota for a while, or an absence, which is of every rota: then ``rota`` is empty."""

    __tablename__ = "amendments"
    __table_args__ = (Index(None, "ends_at"), UniqueConstraint("rota", "kind", "digest"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    rota: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    digest: Mapped[str]
    """Tells the change from every other one, so that the same is not made twice."""
    made_at: Mapped[datetime]
    made_by: Mapped[str]


class FeedRow(Base):
    """A calendar feed of a person, rota or team. Its address holds a secret, of which only the hash is kept."""

    __tablename__ = "feeds"
    __table_args__ = (UniqueConstraint("digest"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    noun: Mapped[str]
    entity: Mapped[str]
    alarm_minutes: Mapped[int | None]
    digest: Mapped[str]
    made_at: Mapped[datetime]
    made_by: Mapped[str]


class CalendarRow(Base):
    """A calendar of somebody else's that is read: the shifts of a rota, or, where ``rota`` is empty, absences."""

    __tablename__ = "calendars"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    rota: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    priority: Mapped[int]
    person: Mapped[str | None]
    """Whose all of its events are."""
    url: Mapped[str | None]
    text: Mapped[str]
    read_at: Mapped[datetime]
    problem: Mapped[str | None]
    """Why the newest reading failed; then the text is the one before."""
    made_at: Mapped[datetime]
    made_by: Mapped[str]


class DoubtRow(Base):
    """A doubt that a look ahead saw, so that its owner hears of it once, and once more when it is near."""

    __tablename__ = "doubts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    doubt: Mapped[str]
    subject: Mapped[str]
    person: Mapped[str | None]
    text: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    urged_at: Mapped[datetime | None]


class RevisionRow(Base):
    """One row, whose number grows with every change. It is locked until the commit: whoever reads a number has all changes up to it."""

    __tablename__ = "revision"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)


class VerificationRow(Base):
    """Whether a contact of a person was proved by a code, and the code that was sent last. Another address is another row."""

    __tablename__ = "verifications"

    person: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    code_id: Mapped[UUID | None]
    """Which message carried the code; salts its digest."""
    digest: Mapped[str | None]
    """SHA-256 of ``code_id`` and the code; the code itself is stored nowhere in this service."""
    asked_at: Mapped[datetime | None]
    tries: Mapped[int]
    """How many wrong codes were given since."""
    counted_from: Mapped[datetime | None]
    """The beginning of the hour in which ``asked`` codes were sent."""
    asked: Mapped[int]
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[str | None]


class OwnRow(Base):
    """How somebody is reached as they said it themselves, in the place of what the configuration says."""

    __tablename__ = "own"

    person: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    changed_at: Mapped[datetime]


class AuditRow(Base):
    """One change: who, when, what, and the document before and after."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "noun", "entity"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    noun: Mapped[str]
    entity: Mapped[str]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
