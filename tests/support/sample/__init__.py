"""A service with one table and one migration, for tests of what all services share."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import Text

from libs.common.chance import Chance
from libs.common.clock import Clock, ManualClock, Stopwatch
from libs.common.config_store import add_to
from libs.common.db.session import Database
from libs.common.db.tables import COMMON
from libs.common.db.wakeups import Wakeups
from libs.common.db.work import Tx, UnitOfWork
from libs.common.events.base import Event
from libs.common.events.notifications import NotificationsWithdrawn

T0 = datetime(2026, 11, 24, 9, 15, tzinfo=UTC)
"""When tests begin."""


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)


add_to(Base.metadata)


@asynccontextmanager
async def sample_database(url: str, schema: str = "sample") -> AsyncIterator[Database]:
    """A database with the tables of the sample service, made without migrations."""
    database = Database(url, schema)
    async with database.engine.begin() as connection:
        await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
        await connection.run_sync(COMMON.create_all)
        await connection.run_sync(Base.metadata.create_all)
    try:
        yield database
    finally:
        await database.dispose()


def work(database: Database, clock: Clock | None = None, wakeups: Wakeups | None = None, seed: int = 7) -> UnitOfWork:
    """A unit of work on the sample service, with seeded chance and a clock that stands at ``T0``.

    Replicas on one clock need seeds of their own: they would make the same ids.
    """
    return UnitOfWork(database, clock or ManualClock(T0), Chance(seed), "sample", wakeups)


async def write(tx: Tx, words: str) -> None:
    """Save a note."""
    tx.session.add(Note(id=tx.chance.uuid7(tx.now), text=words))
    await tx.session.flush()


async def notes(uow: UnitOfWork) -> list[str]:
    """What was saved, in the order of writing."""
    async with uow.read() as session:
        return list(await session.scalars(select(Note.text).order_by(Note.id)))


async def count(uow: UnitOfWork, table: str) -> int:
    """How many rows a shared table has."""
    async with uow.read() as session:
        return await session.scalar(select(func.count()).select_from(COMMON.tables[table])) or 0


def fact(reason: str, subject: int = 1) -> Event:
    """An event that says ``reason`` about the incident ``subject``."""
    return NotificationsWithdrawn(subject_id=UUID(int=subject), purposes=("page",), reason=reason, at=T0)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    """Wait until ``condition`` holds; fail where it does not in time."""
    watch = Stopwatch()
    while not await condition():
        assert watch.seconds() < seconds, "what was waited for did not happen"
        await asyncio.sleep(0.01)
