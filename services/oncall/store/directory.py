"""The directory in the database: loaded whole, since a company's is small, and saved change by change."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from libs.common.db.session import ReadSession, WriteSession, lock_key
from libs.common.events.directory import DirectoryEntry
from services.oncall.domain.announce import digest_of
from services.oncall.domain.changes import Change, Entry, Origin, document
from services.oncall.domain.directory import NOUNS, Directory
from services.oncall.domain.people import Person
from services.oncall.store import own as own_store
from services.oncall.store.tables import AnnouncedRow, EntryRow

_ORIGINS: dict[str, Origin] = {"config": "config", "api": "api"}


async def lock(session: WriteSession) -> None:
    """Let nobody else change the directory until this transaction ends, so that its events leave in order."""
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key("directory", "oncall")})


async def entries(session: ReadSession | WriteSession) -> list[Entry]:
    """Every entity, in the order of the configuration. Fields of a newer version are passed over."""
    query = select(EntryRow.noun, EntryRow.document, EntryRow.position, EntryRow.origin)
    rows = await session.execute(query.order_by(EntryRow.noun, EntryRow.position, EntryRow.id))
    return [
        Entry(
            row.noun, NOUNS[row.noun].model_validate(row.document, extra="ignore"), row.position, _ORIGINS[row.origin]
        )
        for row in rows
        if row.noun in NOUNS
    ]


async def directory(session: ReadSession | WriteSession) -> Directory:
    """The directory as it is now, everybody reached as they said themselves, where they said anything."""
    own = await own_store.of_everybody(session)
    found = [entry.entity for entry in await entries(session)]
    return Directory.of(own[one.id].applied(one) if isinstance(one, Person) and one.id in own else one for one in found)


async def save(session: WriteSession, changes: Iterable[Change], now: datetime) -> None:
    """Store what each change leaves."""
    for change in changes:
        noun, entity_id = change.place
        if change.after is None:
            await session.execute(delete(EntryRow).where(EntryRow.noun == noun, EntryRow.id == entity_id))
            continue
        kept = {
            "position": change.after.position,
            "origin": change.after.origin,
            "document": document(change.after),
            "changed_at": now,
        }
        statement = insert(EntryRow).values(noun=noun, id=entity_id, **kept)
        await session.execute(statement.on_conflict_do_update(index_elements=[EntryRow.noun, EntryRow.id], set_=kept))


async def announced(session: WriteSession) -> dict[tuple[str, str], tuple[str, str]]:
    """Name and digest of what was said last of each (noun, id) that is not gone."""
    query = select(AnnouncedRow.noun, AnnouncedRow.id, AnnouncedRow.name, AnnouncedRow.digest)
    rows = await session.execute(query.where(AnnouncedRow.digest.is_not(None)))
    return {(row.noun, row.id): (row.name, row.digest) for row in rows}


async def announced_until(session: WriteSession) -> datetime | None:
    """The time of the newest announcement: readers pass over what is older, so that the next one must not be."""
    newest: datetime | None = await session.scalar(select(func.max(AnnouncedRow.at)))
    return newest


async def remember(session: WriteSession, said: Sequence[DirectoryEntry]) -> None:
    """Note what was announced."""
    for event in said:
        kept = {"name": event.name, "digest": None if event.removed else digest_of(event), "at": event.at}
        statement = insert(AnnouncedRow).values(noun=event.noun, id=event.id, **kept)
        await session.execute(
            statement.on_conflict_do_update(index_elements=[AnnouncedRow.noun, AnnouncedRow.id], set_=kept)
        )
