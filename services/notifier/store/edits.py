"""Queries on messages that should be shown otherwise than they went out. Nothing here decides, and nothing commits."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from libs.common.db.session import ReadSession, WriteSession
from services.notifier.store.tables import Attempt

_EDITABLE = (Attempt.edit_due_at.is_not(None), Attempt.provider_id.is_not(None))


async def lock_shown(session: WriteSession, subject_id: UUID) -> Sequence[Attempt]:
    """The messages in blocks about this subject, locked."""
    query = select(Attempt).where(Attempt.subject_id == subject_id, Attempt.blocks.is_not(None)).order_by(Attempt.id)
    return (await session.scalars(query.with_for_update().execution_options(populate_existing=True))).all()


async def claim(session: WriteSession, now: datetime, lease: timedelta, limit: int) -> Sequence[Attempt]:
    """Take up to ``limit`` messages whose edit is due, under a lease."""
    due = (
        select(Attempt.id)
        .where(*_EDITABLE, Attempt.edit_due_at <= now)
        .order_by(Attempt.edit_due_at, Attempt.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    statement = (
        update(Attempt)
        .where(Attempt.id.in_(select(due.c.id)))
        .values(edit_due_at=now + lease, edits=Attempt.edits + 1)
        .returning(Attempt)
        .execution_options(synchronize_session=False)
    )
    return (await session.scalars(statement)).all()


async def next_due(session: ReadSession) -> datetime | None:
    """When the next edit is due."""
    due: datetime | None = await session.scalar(select(func.min(Attempt.edit_due_at)).where(*_EDITABLE))
    return due
