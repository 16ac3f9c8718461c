"""The local outbox's shelf, and what people answered."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from libs.common.db.session import ReadSession, WriteSession
from services.notifier.store.tables import Attempt, OutboxMessage, Reply


async def put(session: WriteSession, message: OutboxMessage) -> UUID:
    """Keep ``message`` unless its attempt has one already; the id of the one that stands."""
    values = {column.key: getattr(message, column.key) for column in OutboxMessage.__table__.columns}
    statement = insert(OutboxMessage).values(values).on_conflict_do_nothing(index_elements=[OutboxMessage.attempt_id])
    kept = await session.scalar(statement.returning(OutboxMessage.id))
    return (
        kept
        or await session.scalar(select(OutboxMessage.id).where(OutboxMessage.attempt_id == message.attempt_id))
        or message.id
    )


async def find(session: ReadSession, attempt_id: UUID) -> UUID | None:
    """The message of this attempt."""
    found: UUID | None = await session.scalar(select(OutboxMessage.id).where(OutboxMessage.attempt_id == attempt_id))
    return found


async def page(
    session: ReadSession,
    *,
    limit: int,
    before: UUID | None = None,
    subject_id: UUID | None = None,
    number: int | None = None,
    tenants: Sequence[str] | None = None,
) -> Sequence[tuple[OutboxMessage, Attempt]]:
    """Messages with their attempts, newest first; ``tenants`` limits them to incidents that concern these."""
    query = select(OutboxMessage, Attempt).join(Attempt, Attempt.id == OutboxMessage.attempt_id)
    if before is not None:
        query = query.where(OutboxMessage.id < before)
    if subject_id is not None:
        query = query.where(Attempt.subject_id == subject_id)
    if number is not None:
        query = query.where(Attempt.incident_number == number)
    if tenants is not None:
        concerned = [Attempt.tenants.contains([tenant]) for tenant in tenants]
        query = query.where(or_(Attempt.tenants == [], *concerned))
    rows = await session.execute(query.order_by(OutboxMessage.id.desc()).limit(limit))
    return [(message, attempt) for message, attempt in rows]


async def attempt_of(session: WriteSession, message_id: UUID) -> Attempt | None:
    """The attempt whose message stands under this id."""
    found: Attempt | None = await session.scalar(
        select(Attempt)
        .join(OutboxMessage, OutboxMessage.attempt_id == Attempt.id)
        .where(OutboxMessage.id == message_id)
    )
    return found


async def replied(session: WriteSession | ReadSession, reply_id: str) -> Reply | None:
    """What was answered to this very message before."""
    return await session.get(Reply, reply_id)
