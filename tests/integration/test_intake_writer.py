"""The group-commit writer on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text

from libs.common.bus.base import Message
from libs.common.chance import Chance
from libs.common.clock import ManualClock
from libs.common.db.migrate import upgrade
from libs.common.db.session import Database, DatabaseUnavailable
from libs.common.db.tables import COMMON
from libs.common.db.work import UnitOfWork
from libs.common.errors import Unavailable
from services.intake.store import Base
from services.intake.store.writer import Entry, GroupWriter, NotCommitted

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


@pytest.fixture
async def uow(database_url: str) -> AsyncIterator[UnitOfWork]:
    await upgrade(database_url, "intake", "services.intake.migrations", [COMMON, Base.metadata])
    database = Database(database_url, "intake")
    yield UnitOfWork(database, ManualClock(NOW), Chance(1), "intake")
    await database.dispose()


@pytest.fixture
async def writer(uow: UnitOfWork) -> AsyncIterator[GroupWriter]:
    made = GroupWriter(uow)
    await made.start()
    yield made
    await made.stop()


def entry(number: int, **changes: Any) -> Entry:
    message = Message("triggers", "shop:a", f'{{"number": {number}}}'.encode(), {"ce_type": "x"})
    made = Entry(UUID(int=number), "shop", "native", NOW, {"a": "b"}, f"body {number}".encode(), 1, None, (message,))
    return replace(made, **changes)


def commits_of(uow: UnitOfWork) -> list[int]:
    """A list that grows with every commit."""
    commits: list[int] = []
    event.listen(uow.database.engine.sync_engine, "commit", lambda _: commits.append(1))
    return commits


async def numbers(uow: UnitOfWork) -> list[int]:
    async with uow.read() as session:
        found = await session.scalars(text("SELECT value FROM outbox ORDER BY id"))
        return [int(value.split(b" ")[1].rstrip(b"}")) for value in found]


async def test_bodies_that_arrive_together_share_commits_and_keep_their_order(
    uow: UnitOfWork, writer: GroupWriter
) -> None:
    commits = commits_of(uow)
    await asyncio.gather(*(writer.write(entry(number)) for number in range(1, 201)))
    assert await numbers(uow) == list(range(1, 201))
    assert len(commits) <= 5


async def test_nobody_is_told_before_the_commit(uow: UnitOfWork, writer: GroupWriter) -> None:
    async def write_and_look(number: int) -> bool:
        await writer.write(entry(number))
        return number in await numbers(uow)

    assert all(await asyncio.gather(*(write_and_look(number) for number in range(1, 9))))


async def test_one_body_that_cannot_be_stored_fails_none_of_its_neighbours(
    uow: UnitOfWork, writer: GroupWriter
) -> None:
    broken = entry(3, triggers=2**40)  # more than the column holds
    made = [entry(1), entry(2), broken, entry(4), entry(5)]
    results = await asyncio.gather(*(writer.write(one) for one in made), return_exceptions=True)
    assert [type(result) for result in results] == [type(None), type(None), NotCommitted, type(None), type(None)]
    assert await numbers(uow) == [1, 2, 4, 5]


async def test_a_caller_who_leaves_holds_nobody_up(uow: UnitOfWork, writer: GroupWriter) -> None:
    leaving = asyncio.create_task(writer.write(entry(1)))
    staying = asyncio.create_task(writer.write(entry(2)))
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    assert 2 in await numbers(uow)


async def test_what_waits_is_committed_before_the_writer_stops(uow: UnitOfWork, writer: GroupWriter) -> None:
    tasks = [asyncio.create_task(writer.write(entry(number))) for number in range(1, 600)]
    await asyncio.sleep(0)
    await writer.stop()
    await asyncio.gather(*tasks)
    assert len(await numbers(uow)) == 599
    with pytest.raises(NotCommitted):
        await writer.write(entry(1000))


async def test_more_than_fits_into_memory_is_refused_and_not_taken(writer: GroupWriter) -> None:
    large = b"x" * (9 * 1024 * 1024)
    made = [entry(number, body=large) for number in range(1, 11)]
    results = await asyncio.gather(*(writer.write(one) for one in made), return_exceptions=True)
    refused = [result for result in results if isinstance(result, Unavailable)]
    assert len(refused) == 3
    assert results[:7] == [None] * 7


async def test_without_a_database_everybody_is_told_to_come_back() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none", "intake")
    writer = GroupWriter(UnitOfWork(database, ManualClock(NOW), Chance(1), "intake"))
    await writer.start()
    results = await asyncio.gather(*(writer.write(entry(number)) for number in range(1, 4)), return_exceptions=True)
    assert {type(result) for result in results} == {DatabaseUnavailable}
    assert all(isinstance(result, Unavailable) and result.retry_after for result in results)
    await writer.stop()
    await database.dispose()
