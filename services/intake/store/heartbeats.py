"""Heartbeats, by their integration and name."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, Interval, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from libs.common.db.work import Tx
from services.intake.domain.heartbeat import Heartbeat, Said
from services.intake.store.tables import Base


class HeartbeatRow(Base):
    """Something that must be heard of every so often. ``said`` are the fields of :class:`Said`."""

    __tablename__ = "heartbeats"

    integration_id: Mapped[str] = mapped_column(ForeignKey("integrations.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    every: Mapped[timedelta] = mapped_column(Interval)
    grace: Mapped[timedelta] = mapped_column(Interval)
    enabled: Mapped[bool]
    since: Mapped[datetime | None]
    last_at: Mapped[datetime | None]
    missing_since: Mapped[datetime | None]
    said: Mapped[dict[str, Any]]


def heartbeat_of(row: HeartbeatRow) -> Heartbeat:
    """The heartbeat of a row."""
    return Heartbeat(
        row.integration_id,
        row.name,
        row.title,
        row.every,
        row.grace,
        row.enabled,
        row.since,
        row.last_at,
        row.missing_since,
        Said(**{**row.said, "tags": tuple(row.said.get("tags", ()))}),
    )


async def all_heartbeats(session: AsyncSession) -> Sequence[HeartbeatRow]:
    """Every heartbeat, in the order of integration and name."""
    return (await session.scalars(select(HeartbeatRow).order_by(HeartbeatRow.integration_id, HeartbeatRow.name))).all()


async def heartbeats_of(session: AsyncSession, integration_id: str) -> Sequence[HeartbeatRow]:
    """Those of one integration, in the order of their names."""
    mine = select(HeartbeatRow).where(HeartbeatRow.integration_id == integration_id)
    return (await session.scalars(mine.order_by(HeartbeatRow.name))).all()


async def heartbeat(session: AsyncSession, integration_id: str, name: str) -> HeartbeatRow | None:
    """One heartbeat."""
    return await session.get(HeartbeatRow, (integration_id, name))


async def held(tx: Tx, integration_id: str, name: str) -> HeartbeatRow | None:
    """One heartbeat, locked until the commit."""
    mine = (HeartbeatRow.integration_id == integration_id) & (HeartbeatRow.name == name)
    query = select(HeartbeatRow).where(mine).with_for_update().execution_options(populate_existing=True)
    return await tx.session.scalar(query)


async def held_of(tx: Tx, integration_id: str) -> Sequence[HeartbeatRow]:
    """Those of one integration, in the order of their names, locked until the commit."""
    mine = select(HeartbeatRow).where(HeartbeatRow.integration_id == integration_id).order_by(HeartbeatRow.name)
    return (await tx.session.scalars(mine.with_for_update().execution_options(populate_existing=True))).all()


async def added(tx: Tx, heartbeat: Heartbeat) -> bool:
    """Add a heartbeat; ``False`` where there is one of this name, whoever adds it at this moment."""
    said = asdict(heartbeat.said)
    values = {**asdict(heartbeat), "said": {name: value for name, value in said.items() if value}}
    fresh = upsert(HeartbeatRow).values(**values).on_conflict_do_nothing().returning(HeartbeatRow.name)
    return await tx.session.scalar(fresh) is not None


async def remove(tx: Tx, integration_id: str, name: str) -> None:
    """Forget a heartbeat."""
    mine = (HeartbeatRow.integration_id == integration_id) & (HeartbeatRow.name == name)
    await tx.session.execute(delete(HeartbeatRow).where(mine))
