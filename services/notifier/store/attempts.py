"""Queries on notifications and attempts. Nothing here decides, and nothing commits."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, case, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from libs.common.db.session import ReadSession, WriteSession
from libs.common.events.base import TICKET
from services.notifier.store.tables import Attempt, Notification

PENDING = ("queued", "sending")


async def add_notification(session: WriteSession, notification: Notification) -> bool:
    """Keep it; false where it was taken before."""
    values = {column.key: getattr(notification, column.key) for column in Notification.__table__.columns}
    values["exhausted"] = bool(notification.exhausted)
    statement = insert(Notification).values(values).on_conflict_do_nothing().returning(Notification.id)
    return await session.scalar(statement) is not None


async def lock_notification(session: WriteSession, notification_id: UUID) -> Notification | None:
    """The notification, locked: what becomes of its attempts is decided one after the other."""
    found: Notification | None = await session.scalar(
        select(Notification).where(Notification.id == notification_id).with_for_update()
    )
    return found


async def add_attempt(session: WriteSession, attempt: Attempt) -> bool:
    """Claim the effect; false where somebody has claimed it before."""
    values = {column.key: getattr(attempt, column.key) for column in Attempt.__table__.columns}
    statement = insert(Attempt).values(values)
    claimed = statement.on_conflict_do_nothing(index_elements=[Attempt.effect_key]).returning(Attempt.id)
    return await session.scalar(claimed) is not None


async def claim(
    session: WriteSession, now: datetime, lease: timedelta, limit: int, mine: Sequence[UUID], *, comments: bool
) -> Sequence[Attempt]:
    """Take up to ``limit`` attempts that are due, or whose sender's lease ran out, under a lease of this sender's.

    A lease that ran out leaves the attempt ``unsure``. ``mine`` are with this sender already, whatever their lease says.
    ``comments`` says whether comments on tickets are taken, or messages to people.
    """
    due = (
        select(Attempt.id)
        .where(*_ready(mine, comments=comments), Attempt.due_at <= now)
        .order_by(Attempt.due_at, Attempt.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    statement = (
        update(Attempt)
        .where(Attempt.id.in_(select(due.c.id)))
        .values(
            state="sending",
            unsure=case((Attempt.state == "sending", True), else_=Attempt.unsure),
            due_at=now + lease,
            tries=Attempt.tries + 1,
            first_tried_at=func.coalesce(Attempt.first_tried_at, now),
        )
        .returning(Attempt)
        .execution_options(synchronize_session=False)
    )
    found = (await session.scalars(statement)).all()
    return sorted(found, key=lambda attempt: attempt.id)


async def next_due(session: ReadSession, mine: Sequence[UUID], *, comments: bool) -> datetime | None:
    """When the next attempt is due, or the next lease of another sender runs out; ``comments`` as for :func:`claim`."""
    due: datetime | None = await session.scalar(
        select(func.min(Attempt.due_at)).where(*_ready(mine, comments=comments))
    )
    return due


def _ready(mine: Sequence[UUID], *, comments: bool) -> tuple[ColumnElement[bool], ...]:
    """What may be taken once it is due. A comment waits for those before it on the same ticket, so that they stand in order."""
    pending = (Attempt.state.in_(PENDING), Attempt.id.not_in(mine))
    if not comments:
        return (*pending, Attempt.channel.not_like(f"{TICKET}%"))
    before = aliased(Attempt)
    waits = exists().where(
        before.channel == Attempt.channel,
        before.address == Attempt.address,
        before.state.in_(PENDING),
        before.id < Attempt.id,
    )
    return (*pending, Attempt.channel.like(f"{TICKET}%"), ~waits)


async def lock_attempt(session: WriteSession, attempt_id: UUID) -> Attempt | None:
    """The attempt, locked."""
    found: Attempt | None = await session.scalar(
        select(Attempt).where(Attempt.id == attempt_id).with_for_update().execution_options(populate_existing=True)
    )
    return found


async def find_attempt(session: WriteSession | ReadSession, attempt_id: UUID) -> Attempt | None:
    """The attempt as it is now, not locked."""
    return await session.get(Attempt, attempt_id)


async def id_of_provider(session: WriteSession | ReadSession, provider: str, provider_id: str) -> UUID | None:
    """The attempt that a provider calls ``provider_id``."""
    found: UUID | None = await session.scalar(
        select(Attempt.id).where(Attempt.provider == provider, Attempt.provider_id == provider_id)
    )
    return found


async def provider_ids(session: ReadSession, address: str, provider: str) -> frozenset[str]:
    """The provider's ids of every message to this address."""
    query = select(Attempt.provider_id).where(
        Attempt.address == address, Attempt.provider == provider, Attempt.provider_id.is_not(None)
    )
    return frozenset(one for one in await session.scalars(query) if one is not None)


async def first_sent(session: ReadSession, attempt: Attempt) -> str | None:
    """The provider's id of the first message about the same subject to the same address."""
    found: str | None = await session.scalar(
        select(Attempt.provider_id)
        .where(
            Attempt.subject_id == attempt.subject_id,
            Attempt.address == attempt.address,
            Attempt.provider == attempt.provider,
            Attempt.provider_id.is_not(None),
        )
        .order_by(Attempt.created_at, Attempt.id)
        .limit(1)
    )
    return found


async def of_notification(session: WriteSession, notification_id: UUID) -> Sequence[Attempt]:
    """All attempts of a notification, in the order of contacts."""
    query = select(Attempt).where(Attempt.notification_id == notification_id)
    return (await session.scalars(query.order_by(Attempt.recipient_ref, Attempt.contact))).all()


async def lock_of_subject(
    session: WriteSession, subject_id: UUID, purposes: Sequence[str]
) -> tuple[Sequence[Notification], Sequence[Attempt]]:
    """The notifications of these purposes that are still wanted, and their attempts that wait, locked."""
    wanted = select(Notification).where(
        Notification.subject_id == subject_id,
        Notification.purpose.in_(purposes),
        Notification.withdrawn.is_(None),
    )
    notifications = (await session.scalars(wanted.order_by(Notification.id).with_for_update())).all()
    waiting = select(Attempt).where(
        Attempt.notification_id.in_([one.id for one in notifications]), Attempt.state == "queued"
    )
    attempts = (await session.scalars(waiting.order_by(Attempt.id).with_for_update())).all()
    return notifications, attempts


async def latest_told(
    session: WriteSession | ReadSession, channel: str, address: str, number: int | None
) -> Attempt | None:
    """The newest message about an incident to this address: a page if no ``number`` is named, else about that incident."""
    query = select(Attempt).where(
        Attempt.channel == channel,
        Attempt.address == address,
        Attempt.state.in_(("sending", "sent", "uncertain")),
        Attempt.incident_number.is_not(None),
        Attempt.recipient_ref.not_like("contact:%"),
        Attempt.recipient_ref.not_like(f"{TICKET}%"),
    )
    query = query.where(Attempt.purpose == "page" if number is None else Attempt.incident_number == number)
    newest: Attempt | None = await session.scalar(query.order_by(Attempt.created_at.desc(), Attempt.id.desc()).limit(1))
    return newest


async def latest_told_about(
    session: WriteSession | ReadSession, ref: str, place: str, number: int | None
) -> Attempt | None:
    """The newest message about an incident to this recipient, by whichever channel, or in this channel of Slack's; ``number`` as for :func:`latest_told`."""
    here = (Attempt.provider == "slack") & (Attempt.address == place)
    query = select(Attempt).where(
        or_(Attempt.recipient_ref == ref, here) if place else Attempt.recipient_ref == ref,
        Attempt.state.in_(("sending", "sent", "uncertain")),
        Attempt.incident_number.is_not(None),
        Attempt.recipient_ref.not_like("contact:%"),
        Attempt.recipient_ref.not_like(f"{TICKET}%"),
    )
    query = query.where(Attempt.purpose == "page" if number is None else Attempt.incident_number == number)
    newest: Attempt | None = await session.scalar(query.order_by(Attempt.created_at.desc(), Attempt.id.desc()).limit(1))
    return newest


async def page(
    session: ReadSession,
    *,
    limit: int,
    before: UUID | None = None,
    subject_id: UUID | None = None,
    number: int | None = None,
    state: str | None = None,
    tenants: Sequence[str] | None = None,
) -> Sequence[Attempt]:
    """Attempts, newest first, from before ``before`` on; ``tenants`` limits them to incidents that concern these."""
    query = select(Attempt)
    if before is not None:
        query = query.where(Attempt.id < before)
    if subject_id is not None:
        query = query.where(Attempt.subject_id == subject_id)
    if number is not None:
        query = query.where(Attempt.incident_number == number)
    if state is not None:
        query = query.where(Attempt.state == state)
    if tenants is not None:
        concerned = [Attempt.tenants.contains([tenant]) for tenant in tenants]
        query = query.where(or_(Attempt.tenants == [], *concerned))
    return (await session.scalars(query.order_by(Attempt.id.desc()).limit(limit))).all()
