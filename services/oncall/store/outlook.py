"""The doubts that earlier looks ahead saw."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import delete, select

from libs.common.db.session import ReadSession, WriteSession
from services.oncall.domain.finding import Finding
from services.oncall.domain.outlook import Known
from services.oncall.store.tables import DoubtRow


async def known(session: ReadSession | WriteSession) -> list[Known]:
    """All of them, the soonest first."""
    rows = await session.scalars(select(DoubtRow).order_by(DoubtRow.starts_at, DoubtRow.id))
    return [Known(row.id, _finding(row), row.told_at, row.urged_at) for row in rows]


async def keep(session: WriteSession, doubt_id: UUID, one: Known) -> None:
    """Remember it as it is now."""
    found = one.finding
    row = DoubtRow(
        id=doubt_id,
        doubt=found.doubt,
        subject=found.subject,
        person=found.person,
        text=found.text,
        starts_at=found.starts_at,
        ends_at=found.ends_at,
        told_at=one.told_at,
        urged_at=one.urged_at,
    )
    await session.merge(row)


async def forget(session: WriteSession, ids: Iterable[UUID]) -> None:
    """These are gone."""
    await session.execute(delete(DoubtRow).where(DoubtRow.id.in_(list(ids))))


def _finding(row: DoubtRow) -> Finding:
    return Finding(row.doubt, row.subject, row.starts_at, row.ends_at, row.person, row.text)  # type: ignore[arg-type] # a Doubt
