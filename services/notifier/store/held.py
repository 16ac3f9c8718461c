"""Queries on what waits for the end of quiet hours. Nothing here decides, and nothing commits."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from libs.common.db.session import WriteSession
from services.notifier.store.tables import Held, Notification


async def find(session: WriteSession, held_id: UUID) -> Held | None:
    """What is held under this id, not locked."""
    return await session.get(Held, held_id)


async def lock_waiting(
    session: WriteSession, recipient_ref: str, subject_id: UUID
) -> tuple[dict[UUID, Notification], Sequence[Held]]:
    """Everything that waits for this recipient about this subject, with its notifications by id, which are locked first."""
    waiting = (Held.recipient_ref == recipient_ref, Held.subject_id == subject_id, Held.fate.is_(None))
    ids = (await session.scalars(select(Held.notification_id).where(*waiting))).all()
    wanted = select(Notification).where(Notification.id.in_(ids)).order_by(Notification.id).with_for_update()
    notifications = {one.id: one for one in await session.scalars(wanted.execution_options(populate_existing=True))}
    query = select(Held).where(*waiting, Held.notification_id.in_(ids)).order_by(Held.id).with_for_update()
    return notifications, (await session.scalars(query.execution_options(populate_existing=True))).all()


async def waiting_of(session: WriteSession, notification_ids: Sequence[UUID]) -> Sequence[Held]:
    """What waits of these notifications; the caller has locked them."""
    query = select(Held).where(Held.notification_id.in_(notification_ids), Held.fate.is_(None)).order_by(Held.id)
    return (await session.scalars(query.with_for_update())).all()


async def released(session: WriteSession, notification_id: UUID, recipient_ref: str) -> Held | None:
    """What was held of a notification for this recipient, and released."""
    found: Held | None = await session.scalar(
        select(Held).where(
            Held.notification_id == notification_id, Held.recipient_ref == recipient_ref, Held.fate == "released"
        )
    )
    return found


async def closed_at(session: WriteSession, subject_id: UUID, recipient_ref: str) -> datetime | None:
    """When the closing word of a subject was taken on for this recipient."""
    named = Notification.request["recipients"].contains([{"ref": recipient_ref}])
    found: datetime | None = await session.scalar(
        select(func.max(Notification.taken_at)).where(
            Notification.subject_id == subject_id, Notification.purpose == "closing", named
        )
    )
    return found
