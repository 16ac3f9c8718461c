"""What belongs to an incident beside its state: the timeline, updates, and who was reached."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.session import WriteSession
from libs.common.events.incidents import Update
from services.escalator.domain.obligations import Audience
from services.escalator.store.tables import ReachedRow, TimelineRow, UpdateRow


async def timeline(session: AsyncSession, incident_id: UUID, after: int, limit: int) -> Sequence[TimelineRow]:
    """Lines of the timeline in order, from the one after version ``after`` on."""
    statement = (
        select(TimelineRow)
        .where(TimelineRow.incident_id == incident_id, TimelineRow.version > after)
        .order_by(TimelineRow.version)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def said(session: WriteSession, incident_id: UUID, text: str) -> bool:
    """Whether the timeline has this very line."""
    line = select(TimelineRow.id).where(TimelineRow.incident_id == incident_id, TimelineRow.text == text)
    return await session.scalar(line.limit(1)) is not None


async def newest_update(session: WriteSession, incident_id: UUID, audience: Audience) -> Update | None:
    """What was written last for an audience."""
    statement = (
        select(UpdateRow)
        .where(UpdateRow.incident_id == incident_id, UpdateRow.audiences.contains([audience]))
        .order_by(UpdateRow.at.desc(), UpdateRow.id.desc())
        .limit(1)
    )
    row = await session.scalar(statement)
    if row is None:
        return None
    return Update.model_validate({"text": row.text, "by": row.by, "at": row.at, "audiences": tuple(row.audiences)})


async def note_reached(session: WriteSession, incident_id: UUID, ref: str, name: str, at: datetime) -> bool:
    """Note that somebody was reached. Whether they had not been before."""
    statement = insert(ReachedRow).values(incident_id=incident_id, ref=ref, name=name, at=at)
    noted = await session.scalar(statement.on_conflict_do_nothing().returning(ReachedRow.ref))
    return noted is not None


async def reached(session: WriteSession, incident_id: UUID) -> Sequence[str]:
    """The references of everyone who was reached, in the order in which they were."""
    statement = (
        select(ReachedRow.ref).where(ReachedRow.incident_id == incident_id).order_by(ReachedRow.at, ReachedRow.ref)
    )
    return (await session.scalars(statement)).all()
