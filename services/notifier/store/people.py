"""Queries on the people whom Slack's members are. Nothing here decides, and nothing commits."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from libs.common.db.session import ReadSession, WriteSession
from services.notifier.store.tables import Person


async def keep(session: WriteSession, person: Person) -> None:
    """Keep what is said of somebody; what is older than what is known changes nothing."""
    values = {column.key: getattr(person, column.key) for column in Person.__table__.columns}
    statement = insert(Person).values(values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[Person.id],
            set_={name: statement.excluded[name] for name in values if name != "id"},
            where=Person.changed_at <= statement.excluded.changed_at,
        )
    )


async def by_slack(session: ReadSession | WriteSession, slack: str) -> Person | None:
    """Who has this id in Slack; nobody where several people have it, since nobody could say who acts."""
    found = (await session.scalars(select(Person).where(Person.slack.contains([slack])).limit(2))).all()
    return found[0] if len(found) == 1 else None
