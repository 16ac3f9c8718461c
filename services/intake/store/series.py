"""Maintenance that recurs: the newest announcement of each event, and what was announced of it."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ForeignKey, Index, delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from libs.common.db.session import lock_key
from libs.common.db.work import Tx
from services.intake.domain.series import Known, Occurrence
from services.intake.domain.trigger import Version
from services.intake.store.tables import Base

_OCCURRENCE: Final[TypeAdapter[Occurrence]] = TypeAdapter(Occurrence)
_LOCK: Final = text("SELECT pg_advisory_xact_lock(:key)")


class SeriesRow(Base):
    """An event of a calendar that recurs. Its body is kept for as long as occurrences are read from it."""

    __tablename__ = "maintenance_series"
    __table_args__ = (Index(None, "delivery_id"),)

    integration_id: Mapped[str] = mapped_column(ForeignKey("integrations.id", ondelete="CASCADE"), primary_key=True)
    series: Mapped[str] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("deliveries.id"))
    sequence: Mapped[int]
    stamp: Mapped[datetime | None]
    told: Mapped[dict[str, Any]]
    """What was announced, by dedup key: the fields of :class:`Occurrence`."""
    changed_at: Mapped[datetime]


async def held(tx: Tx, integration_id: str, series: str) -> SeriesRow | None:
    """What is known of an event; nobody else decides about it until the commit, also where nothing is known."""
    await tx.session.execute(_LOCK, {"key": lock_key("maintenance series", f"{integration_id} {series}")})
    return await present(tx.session, integration_id, series)


async def present(session: AsyncSession, integration_id: str, series: str) -> SeriesRow | None:
    """What is known of an event at this moment."""
    mine = (SeriesRow.integration_id == integration_id) & (SeriesRow.series == series)
    return await session.scalar(select(SeriesRow).where(mine).execution_options(populate_existing=True))


def known_of(row: SeriesRow) -> Known:
    """What a row says."""
    told = {key: _OCCURRENCE.validate_python(one) for key, one in row.told.items()}
    return Known(Version(row.sequence, row.stamp), told)


async def save(tx: Tx, row: SeriesRow | None, integration_id: str, series: str, known: Known, body: UUID) -> None:
    """Note what is known of an event, and the delivery that it is read from."""
    if row is None:
        row = SeriesRow(integration_id=integration_id, series=series)
        tx.session.add(row)
    row.sequence, row.stamp, row.delivery_id, row.changed_at = (
        known.version.sequence,
        known.version.stamp,
        body,
        tx.now,
    )
    row.told = {key: _OCCURRENCE.dump_python(one, mode="json") for key, one in known.told.items()}
    await tx.session.flush()


async def forget(tx: Tx, integration_id: str, series: str) -> None:
    """Forget an event."""
    mine = (SeriesRow.integration_id == integration_id) & (SeriesRow.series == series)
    await tx.session.execute(delete(SeriesRow).where(mine))
