"""How people want to be reached, as they said it themselves, in the database: beside the directory, which the configuration writes."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from libs.common.db.session import ReadSession, WriteSession
from services.oncall.domain.own import Own
from services.oncall.store.tables import OwnRow


async def of_everybody(session: ReadSession | WriteSession) -> Mapping[str, Own]:
    """What everybody said who said anything, by person."""
    rows = await session.execute(select(OwnRow.person, OwnRow.document))
    return {row.person: _own(row.document) for row in rows}


async def of_person(session: ReadSession | WriteSession, person: str) -> tuple[Own, datetime] | None:
    """What somebody said, and when they changed it last; ``None`` where the configuration counts."""
    query = select(OwnRow.document, OwnRow.changed_at).where(OwnRow.person == person)
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (_own(row.document), row.changed_at)


async def put(session: WriteSession, person: str, own: Own, now: datetime) -> None:
    """Keep what somebody said; it counts from here on."""
    kept = {"document": own.model_dump(mode="json"), "changed_at": now}
    statement = insert(OwnRow).values(person=person, **kept)
    await session.execute(statement.on_conflict_do_update(index_elements=[OwnRow.person], set_=kept))


async def drop(session: WriteSession, person: str) -> None:
    """Forget it: the configuration counts."""
    await session.execute(delete(OwnRow).where(OwnRow.person == person))


def _own(document: Mapping[str, object]) -> Own:
    return Own.model_validate(document, extra="ignore")
