"""Pollers: for each integration whose page is asked, when that is due, who asks now, and what is known of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, delete, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from libs.common.db.work import Tx
from services.intake.store.tables import Base


class PollerRow(Base):
    """One page that is asked."""

    __tablename__ = "pollers"
    __table_args__ = (Index(None, "due_at"),)

    integration_id: Mapped[str] = mapped_column(ForeignKey("integrations.id", ondelete="CASCADE"), primary_key=True)
    options_digest: Mapped[str]
    """Of the options with which it was asked last: with other ones the page is read anew, changed or not."""
    due_at: Mapped[datetime]
    claim: Mapped[UUID | None]
    """Who asks at this moment."""
    claimed_until: Mapped[datetime | None]
    """When that one is taken for dead."""
    validators: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """By page."""
    items: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """The provider's incidents that were told of, by dedup key."""
    refused: Mapped[str]
    """A digest of what could not be understood of the last answer, so that it is told once."""
    health: Mapped[str]
    reason: Mapped[str | None]
    """Why the state is unknown."""
    detail: Mapped[str]
    failures: Mapped[int]
    """How many polls in a row have failed."""
    failing_since: Mapped[datetime | None]
    told_as: Mapped[UUID | None]
    """What in quarantine told a person of it."""
    polled_at: Mapped[datetime | None]
    last_ok_at: Mapped[datetime | None]
    last_changed_at: Mapped[datetime | None]


async def all_pollers(session: AsyncSession) -> Sequence[PollerRow]:
    """Every poller, in the order of their integrations."""
    return (await session.scalars(select(PollerRow).order_by(PollerRow.integration_id))).all()


async def poller(session: AsyncSession, integration_id: str) -> PollerRow | None:
    """The poller of an integration."""
    return await session.get(PollerRow, integration_id)


async def next_due(session: AsyncSession) -> datetime | None:
    """When the next page is to be asked by whoever is free: those that are asked now count when their asker is taken for dead."""
    rows = await session.execute(select(PollerRow.due_at, PollerRow.claimed_until))
    return min((max(row.due_at, row.claimed_until or row.due_at) for row in rows), default=None)


async def add_poller(tx: Tx, integration_id: str, digest: str, due_at: datetime) -> None:
    """Have the page of an integration be asked, unless it is already."""
    fresh = {
        "options_digest": digest,
        "due_at": due_at,
        "validators": {},
        "items": {},
        "refused": "",
        "health": "unknown",
        "reason": "never-asked",
        "detail": "It was not asked yet.",
        "failures": 0,
    }
    statement = upsert(PollerRow).values(integration_id=integration_id, **fresh)
    await tx.session.execute(statement.on_conflict_do_nothing())


async def remove_pollers(tx: Tx, integration_ids: Sequence[str]) -> None:
    """Ask these no more."""
    await tx.session.execute(delete(PollerRow).where(PollerRow.integration_id.in_(integration_ids)))


async def begin_anew(tx: Tx, integration_id: str, digest: str) -> None:
    """Have a page be read anew at once, since its options were changed. What was told of stays known, and no claim stands."""
    fresh = {"options_digest": digest, "validators": {}, "due_at": tx.now, "claim": None, "claimed_until": None}
    mine = (PollerRow.integration_id == integration_id) & (PollerRow.options_digest != digest)
    await tx.session.execute(update(PollerRow).where(mine).values(**fresh))


async def claim_due(tx: Tx, claim: UUID, until: datetime, integration_id: str | None = None) -> PollerRow | None:
    """Claim the poller that is due first, or one by its integration whether it is due or not; ``None`` where nobody is to be had."""
    free = or_(PollerRow.claimed_until.is_(None), PollerRow.claimed_until <= tx.now)
    wanted = PollerRow.due_at <= tx.now if integration_id is None else PollerRow.integration_id == integration_id
    first = select(PollerRow).where(free, wanted).order_by(PollerRow.due_at).limit(1)
    row = (await tx.session.scalars(first.with_for_update(skip_locked=True))).one_or_none()
    if row is not None:
        row.claim, row.claimed_until = claim, until
        await tx.session.flush()
    return row


async def locked(tx: Tx, integration_id: str) -> PollerRow | None:
    """The poller of an integration under its lock, whoever has claimed it."""
    mine = select(PollerRow).where(PollerRow.integration_id == integration_id).with_for_update()
    return await tx.session.scalar(mine.execution_options(populate_existing=True))


async def held(tx: Tx, integration_id: str, claim: UUID) -> PollerRow | None:
    """The poller under its lock, if it is still claimed so."""
    mine = select(PollerRow).where(PollerRow.integration_id == integration_id, PollerRow.claim == claim)
    return (await tx.session.scalars(mine.with_for_update())).one_or_none()
