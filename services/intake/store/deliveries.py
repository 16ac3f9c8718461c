"""What came in, and what of it could not be understood."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.work import Tx
from services.intake.store.tables import DeliveryRow, QuarantineRow

PRUNE_AT_ONCE = 5_000


async def delivery(session: AsyncSession, delivery_id: UUID) -> DeliveryRow | None:
    """One body as it came."""
    return await session.get(DeliveryRow, delivery_id)


async def quarantined(session: AsyncSession, quarantine_id: UUID) -> QuarantineRow | None:
    """One entry of the quarantine."""
    return await session.get(QuarantineRow, quarantine_id)


async def quarantine_page(
    session: AsyncSession, limit: int, before: UUID | None = None, integration_id: str | None = None
) -> Sequence[QuarantineRow]:
    """Entries of the quarantine, the newest first, from ``before`` on."""
    query = select(QuarantineRow).order_by(QuarantineRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(QuarantineRow.id < before)
    if integration_id is not None:
        query = query.where(QuarantineRow.integration_id == integration_id)
    return (await session.scalars(query)).all()


async def prune(tx: Tx, before: datetime) -> int:
    """Delete at most :data:`PRUNE_AT_ONCE` bodies that came before ``before``, their quarantine too; how many there were."""
    oldest = select(DeliveryRow.id).where(DeliveryRow.id < first_id(before)).limit(PRUNE_AT_ONCE)
    result = await tx.session.execute(delete(DeliveryRow).where(DeliveryRow.id.in_(oldest)))
    return result.rowcount if isinstance(result, CursorResult) else 0


def first_id(at: datetime) -> UUID:
    """The least UUIDv7 that can be made at ``at``: whatever is below it is older."""
    milliseconds = int(at.timestamp() * 1000) & ((1 << 48) - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62)
