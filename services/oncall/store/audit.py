"""Who changed what, when: one row for every change of the directory and of keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, update

from libs.common.db.session import ReadSession, WriteSession
from libs.common.db.work import Tx
from services.oncall.store.tables import AuditRow, RevisionRow

HOUR: Final = timedelta(hours=1)
REVISION: Final = select(RevisionRow.number)
"""Asks for a number that is greater than before once anything changed: ids of rows are no such thing, since replicas commit in any order."""

_CHANGED: Final = update(RevisionRow).values(number=RevisionRow.number + 1)


async def record(
    tx: Tx,
    actor: str,
    action: str,
    place: tuple[str, str],
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write down that ``actor`` did ``action`` to ``place`` (noun, id)."""
    noun, entity = place
    row = AuditRow(
        id=tx.chance.uuid7(tx.now),
        at=tx.now,
        actor=actor,
        action=action,
        noun=noun,
        entity=entity,
        before=before,
        after=after,
    )
    tx.session.add(row)
    await tx.session.flush()
    await tx.session.execute(_CHANGED, execution_options={"synchronize_session": False})


async def lately(session: ReadSession | WriteSession, action: str, place: tuple[str, str], now: datetime) -> int:
    """How often ``action`` was done to ``place`` (noun, id) within the last hour."""
    noun, entity = place
    query = select(func.count()).select_from(AuditRow)
    query = query.where(AuditRow.noun == noun, AuditRow.entity == entity)
    query = query.where(AuditRow.action == action, AuditRow.at > now - HOUR)
    return (await session.execute(query)).scalar_one()


async def revision(session: ReadSession) -> int:
    """What :data:`REVISION` asks for, as this transaction sees it."""
    return (await session.execute(REVISION)).scalar_one()


async def page(
    session: ReadSession, *, noun: str | None, entity: str | None, before: UUID | None, limit: int
) -> Sequence[AuditRow]:
    """The newest rows first; ``before`` goes on after the page that ended with it."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if noun is not None:
        query = query.where(AuditRow.noun == noun)
    if entity is not None:
        query = query.where(AuditRow.entity == entity)
    if before is not None:
        query = query.where(AuditRow.id < before)
    return (await session.scalars(query)).all()
