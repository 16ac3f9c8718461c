"""What was derived from bodies: one row for each trigger, beside the delivery that it came in."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Text, bindparam, cast, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import LargeBinary

from libs.common.bus.base import Message
from libs.common.db.work import Tx
from libs.common.events.triggers import TriggerReceived
from services.intake.store.deliveries import first_id
from services.intake.store.tables import Base

RECEIVED: Final[str] = TriggerReceived.model_fields["type"].default
WORDS_LIMIT: Final = 10
"""Words of one search; what comes after them is passed over."""
UNENDED_LIMIT: Final = 1_000
"""Of what an integration did not end, so much is looked up when it goes."""


class TriggerRow(Base):
    """One trigger as it was told. Its id is a UUIDv7 of the same millisecond as its delivery's.

    There is no foreign key: checking one would cost each alert as much as storing it. Both are deleted by the same rule.
    """

    __tablename__ = "triggers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID]
    received_at: Mapped[datetime]
    integration_id: Mapped[str]
    source: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str]
    severity: Mapped[str]
    dedup_key: Mapped[str]
    title: Mapped[str]
    service: Mapped[str | None]
    tool: Mapped[str | None]
    provider: Mapped[str | None]
    tenants: Mapped[list[Any]] = mapped_column(JSONB)
    derived: Mapped[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which triggers are looked for; what is ``None`` is not asked for."""

    integration: str | None = None
    source: str | None = None
    kind: str | None = None
    status: str | None = None
    severity: str | None = None
    dedup_key: str | None = None
    service: str | None = None
    tool: str | None = None
    provider: str | None = None
    tenant: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Exclusively."""
    words: str = ""
    """Each must stand in the title, the description, the dedup key or a label."""


_INSERT = text(
    "INSERT INTO triggers (id, delivery_id, received_at, integration_id, source, kind, status, severity, dedup_key,"
    " title, service, tool, provider, tenants, derived)"
    " SELECT trigger_id, delivery_id, received_at, integration_id, source, kind, status, severity, dedup_key,"
    " title, service, tool, provider, tenants, d"
    " FROM (SELECT CAST(convert_from(v, 'UTF8') AS jsonb) AS d FROM unnest(:values) AS rows (v) OFFSET 0) AS told,"
    " jsonb_to_record(d) AS said (trigger_id uuid, delivery_id uuid, received_at timestamptz, integration_id text,"
    " source text, kind text, status text, severity text, dedup_key text, title text, service text, tool text,"
    " provider text, tenants jsonb)"
).bindparams(bindparam("values", type_=ARRAY(LargeBinary)))


async def insert_triggers(tx: Tx, messages: Sequence[Message]) -> None:
    """Store the triggers among ``messages`` with one statement. PostgreSQL takes them from the bytes that are told anyway."""
    values = [message.value for message in messages if message.headers.get("ce_type") == RECEIVED and message.value]
    if values:
        await tx.session.execute(_INSERT, {"values": [storable(value) for value in values]})


def storable(value: bytes) -> bytes:
    """``value`` without the one character that JSON can write and ``jsonb`` cannot hold."""
    return value.replace(b"\\u0000", b"\\u2400") if b"\\u0000" in value else value


async def trigger(session: AsyncSession, trigger_id: UUID, tenants: Collection[str] | None = None) -> TriggerRow | None:
    """One trigger, if it is of one of ``tenants`` (``None``: of anybody)."""
    return await session.scalar(select(TriggerRow).where(TriggerRow.id == trigger_id, *_concerning(tenants)))


async def triggers_of(session: AsyncSession, delivery_id: UUID, received_at: datetime) -> Sequence[TriggerRow]:
    """What was derived from a body, in its order."""
    same_time = TriggerRow.id.between(first_id(received_at), _last_id(received_at))
    query = select(TriggerRow).where(same_time, TriggerRow.delivery_id == delivery_id)
    return (await session.scalars(query.order_by(TriggerRow.id))).all()


async def page(
    session: AsyncSession, wanted: Wanted, tenants: Collection[str] | None, before: UUID | None, limit: int
) -> Sequence[TriggerRow]:
    """The newest triggers that are wanted, of ``tenants`` only (``None``: of anybody), from ``before`` on."""
    query = select(TriggerRow).where(*_wanted(wanted), *_concerning(tenants))
    if before is not None:
        query = query.where(TriggerRow.id < before)
    return (await session.scalars(query.order_by(TriggerRow.id.desc()).limit(limit))).all()


_UNENDED = text(
    "SELECT DISTINCT ON (told.alerts, told.service) told.dedup_key FROM"
    " (SELECT latest.dedup_key, latest.service, coalesce(derived #>> '{group,key}', latest.dedup_key) AS alerts FROM"
    "  (SELECT DISTINCT ON (dedup_key) id, dedup_key, service, status FROM triggers WHERE integration_id = :integration"
    "   ORDER BY dedup_key, id DESC) AS latest JOIN triggers USING (id)"
    "  WHERE latest.status = 'firing' AND latest.dedup_key NOT LIKE 'quarantine:%') AS told"
    " ORDER BY told.alerts, told.service, told.dedup_key LIMIT :most"
)


async def unended(session: AsyncSession, integration_id: str) -> Sequence[str]:
    """Dedup keys of what the integration told of and did not end: one for each group and service, which are one incident."""
    asked = {"integration": integration_id, "most": UNENDED_LIMIT}
    return [str(key) for key in await session.scalars(_UNENDED, asked)]


def _wanted(wanted: Wanted) -> list[ColumnElement[bool]]:
    plain = {
        TriggerRow.integration_id: wanted.integration,
        TriggerRow.source: wanted.source,
        TriggerRow.kind: wanted.kind,
        TriggerRow.status: wanted.status,
        TriggerRow.severity: wanted.severity,
        TriggerRow.dedup_key: wanted.dedup_key,
        TriggerRow.tool: wanted.tool,
        TriggerRow.provider: wanted.provider,
    }
    found: list[ColumnElement[bool]] = [column == value for column, value in plain.items() if value is not None]
    if wanted.service is not None:
        among = TriggerRow.derived["services"].op("?", is_comparison=True)(wanted.service)
        found.append(or_(TriggerRow.service == wanted.service, among))
    if wanted.tenant is not None:
        found += _concerning((wanted.tenant,))
    if wanted.since is not None:
        found.append(TriggerRow.id >= first_id(wanted.since))
    if wanted.until is not None:
        found.append(TriggerRow.id < first_id(wanted.until))
    return found + [_says(word) for word in wanted.words.split()[:WORDS_LIMIT]]


def _says(word: str) -> ColumnElement[bool]:
    labels = cast(TriggerRow.derived["labels"], Text)
    places = (TriggerRow.title, TriggerRow.dedup_key, TriggerRow.derived["description"].astext, labels)
    return or_(*(place.icontains(word, autoescape=True) for place in places))


def _concerning(tenants: Collection[str] | None) -> list[ColumnElement[bool]]:
    if tenants is None:
        return []
    return [TriggerRow.tenants.op("?|", is_comparison=True)(cast(list(tenants), ARRAY(Text)))]


def _last_id(at: datetime) -> UUID:
    return UUID(int=first_id(at).int | (1 << 76) - 1)
