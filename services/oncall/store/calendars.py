"""Calendar feeds and calendars that are read, in the database."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select

from libs.common.db.session import ReadSession, WriteSession
from services.oncall.store.tables import AmendmentRow, AuditRow, CalendarRow, EntryRow, FeedRow

Session = ReadSession | WriteSession


async def feeds(session: Session) -> Sequence[FeedRow]:
    """Every feed, the oldest first."""
    return (await session.scalars(select(FeedRow).order_by(FeedRow.made_at, FeedRow.id))).all()


async def feed_of(session: Session, digest: str) -> FeedRow | None:
    """The feed whose secret has this hash."""
    found: FeedRow | None = await session.scalar(select(FeedRow).where(FeedRow.digest == digest))
    return found


async def add_feed(session: WriteSession, feed: FeedRow) -> None:
    """Keep a feed."""
    session.add(feed)
    await session.flush()


async def drop_feed(session: WriteSession, feed_id: UUID) -> FeedRow | None:
    """Forget a feed, and return what it was."""
    found = await session.get(FeedRow, feed_id)
    if found is not None:
        await session.execute(delete(FeedRow).where(FeedRow.id == feed_id))
    return found


async def calendars(session: Session, rota: str | None = None) -> Sequence[CalendarRow]:
    """The calendars that are read, of one rota or of all, the oldest first."""
    query = select(CalendarRow).order_by(CalendarRow.made_at, CalendarRow.id)
    return (await session.scalars(query if rota is None else query.where(CalendarRow.rota == rota))).all()


async def calendar(session: Session, calendar_id: UUID) -> CalendarRow | None:
    """One calendar."""
    found: CalendarRow | None = await session.get(CalendarRow, calendar_id)
    return found


async def add_calendar(session: WriteSession, row: CalendarRow) -> None:
    """Keep a calendar."""
    session.add(row)
    await session.flush()


async def drop_calendar(session: WriteSession, calendar_id: UUID) -> None:
    """Forget a calendar."""
    await session.execute(delete(CalendarRow).where(CalendarRow.id == calendar_id))


async def changed_at(session: Session) -> datetime | None:
    """When anything that shifts are made of changed last."""
    newest = [
        await session.scalar(select(func.max(column)))
        for column in (EntryRow.changed_at, AmendmentRow.made_at, CalendarRow.read_at, AuditRow.at)
    ]
    known = [at for at in newest if at is not None]
    return max(known) if known else None
