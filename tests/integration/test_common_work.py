"""The unit of work: all or nothing, read only means it, and a database that is away is said so."""

import asyncio
import contextlib
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import exc, func, select, text

from libs.common.db.session import Database, DatabaseUnavailable
from libs.common.db.tables import INBOX, OUTBOX, TIMERS
from libs.common.db.wakeups import Wakeups
from libs.common.errors import Invalid
from libs.common.events.envelope import decode
from libs.common.tracing import start_span
from tests.support.postgres import PostgresServer
from tests.support.sample import T0, count, fact, notes, sample_database, until, work, write


async def test_state_and_events_are_committed_together(database_url: str) -> None:
    async with sample_database(database_url) as database:
        uow = work(database)
        async with uow.begin() as tx:
            await write(tx, "opened")
            await tx.emit(fact("a"), fact("b"))

        assert await notes(uow) == ["opened"]
        async with uow.read() as session:
            rows = (await session.execute(select(OUTBOX).order_by(OUTBOX.c.id))).all()
        envelopes = [decode(row.headers, row.value) for row in rows]
        assert [envelope.event for envelope in envelopes] == [fact("a"), fact("b")]
        assert {(row.topic, row.key) for row in rows} == {("notifications", fact("a").key)}
        assert [(envelope.source, envelope.time) for envelope in envelopes] == [("/tocsin/sample", T0)] * 2
        assert envelopes[0].id != envelopes[1].id


async def test_an_error_leaves_neither_state_nor_events_nor_timers(database_url: str) -> None:
    async with sample_database(database_url) as database:
        uow = work(database)

        async def break_half_way() -> None:
            async with uow.begin() as tx:
                await write(tx, "opened")
                await tx.emit(fact("a"))
                await tx.schedule("rung", "1", T0)
                raise RuntimeError("half way")

        with pytest.raises(RuntimeError, match="half way"):
            await break_half_way()

        assert await notes(uow) == []
        assert [await count(uow, table) for table in ("outbox", "timers")] == [0, 0]


async def test_an_event_carries_the_trace_in_which_it_was_told(database_url: str) -> None:
    async with sample_database(database_url) as database:
        uow = work(database)
        with start_span("request") as span:
            trace_id = format(span.get_span_context().trace_id, "032x")
            async with uow.begin() as tx:
                await tx.emit(fact("a"))
                await tx.schedule("rung", "1", T0)
        async with uow.read() as session:
            headers = await session.scalar(select(OUTBOX.c.headers))
            timer = await session.scalar(select(TIMERS.c.traceparent))
        assert trace_id in (headers or {})["ce_traceparent"]
        assert timer is not None
        assert trace_id in timer


async def test_postgresql_itself_refuses_a_write_in_a_read_session(database_url: str) -> None:
    async with sample_database(database_url) as database:
        uow = work(database)
        with pytest.raises(exc.DBAPIError, match="read-only transaction"):
            async with uow.read() as session:
                await session.execute(INBOX.insert().values(group="g", event_id=fact("a").key, taken_at=T0))
        async with uow.begin() as tx:  # the pooled connection has not stayed read only
            await write(tx, "still writes")
        assert await notes(uow) == ["still writes"]


async def test_a_value_asked_for_alone_is_of_the_newest_commit_and_leaves_transactions_whole(database_url: str) -> None:
    how_many = select(func.count()).select_from(TIMERS)
    async with sample_database(database_url) as database:
        uow = work(database)
        assert await database.value(how_many) == 0
        with contextlib.suppress(RuntimeError):
            async with uow.begin() as tx:  # on the pooled connection that the question was asked on
                await tx.schedule("rung", "1", T0)
                await tx.write()
                assert await database.value(how_many) == 0
                raise RuntimeError
        assert await database.value(how_many) == 0
        async with uow.begin() as tx:
            await tx.schedule("rung", "1", T0)
        assert await database.value(how_many) == 1


async def test_a_text_that_postgresql_cannot_have_is_refused_and_not_an_error_of_ours(database_url: str) -> None:
    async with sample_database(database_url) as database:
        uow = work(database)
        for query, said in (
            ("SELECT CAST(:said AS text)", "a\0b"),
            ("SELECT CAST(CAST(:said AS json) ->> 'a' AS text)", '{"a": "\\u0000"}'),
            ("SELECT CAST(CAST(:said AS jsonb) AS text)", '{"a": "\\ud800"}'),
        ):
            with pytest.raises(Invalid, match="cannot be stored"):
                async with uow.read() as session:
                    await session.scalar(text(query), {"said": said})


async def test_a_timer_of_the_same_kind_and_key_is_replaced_and_can_be_cancelled(database_url: str) -> None:
    async with sample_database(database_url) as database:
        uow = work(database)
        async with uow.begin() as tx:
            await tx.schedule("rung", "1", T0, {"rung": 1})
            await tx.schedule("rung", "1", T0 + timedelta(minutes=5), {"rung": 2})
            await tx.schedule("rung", "2", T0)
        async with uow.begin() as tx:
            assert await tx.scheduled("rung", "1") == T0 + timedelta(minutes=5)
            await tx.cancel("rung", "2")
            await tx.cancel("rung", "nothing of the kind")
        assert await count(uow, "timers") == 1


async def test_an_event_is_taken_in_once_per_group(database_url: str) -> None:
    async with sample_database(database_url) as database:
        uow = work(database)
        event_id = uow.chance.uuid7(T0)
        async with uow.begin() as tx:
            assert await tx.take_in("one", event_id)
        async with uow.begin() as tx:
            assert not await tx.take_in("one", event_id)
            assert await tx.take_in("two", event_id)


async def test_a_database_that_is_away_is_unavailable_with_the_time_to_wait() -> None:
    database = Database("postgresql://tocsin@127.0.0.1:1/tocsin", "sample")
    with pytest.raises(DatabaseUnavailable) as raised:
        async with work(database).begin() as tx:
            await write(tx, "never")
    assert raised.value.retry_after == timedelta(seconds=5)
    with pytest.raises(DatabaseUnavailable):
        await database.ping()
    with pytest.raises(DatabaseUnavailable):
        await database.value(select(TIMERS.c.kind))
    await database.dispose()


async def test_a_connection_that_is_lost_inside_a_transaction_is_unavailable(
    database_url: str, postgres_server: PostgresServer
) -> None:
    async with sample_database(database_url) as database:
        uow = work(database)

        async def lose_the_connection() -> None:
            async with uow.begin() as tx:
                await write(tx, "lost")
                await _cut(postgres_server)
                await write(tx, "too late")

        with pytest.raises(DatabaseUnavailable):
            await lose_the_connection()
        assert await notes(uow) == []


async def test_connections_that_were_cut_while_idle_are_replaced_unnoticed(
    database_url: str, postgres_server: PostgresServer
) -> None:
    async with sample_database(database_url) as database:
        uow = work(database)
        assert await notes(uow) == []
        await _cut(postgres_server)
        async with uow.begin() as tx:
            await write(tx, "as if nothing had been")
        assert await notes(uow) == ["as if nothing had been"]


async def test_a_statement_that_is_wrong_is_not_mistaken_for_an_outage(database_url: str) -> None:
    async with sample_database(database_url) as database:
        with pytest.raises(exc.ProgrammingError):
            async with work(database).begin() as tx:
                await tx.session.execute(text("SELECT * FROM nowhere"))


async def test_a_commit_wakes_at_once_in_its_process_and_soon_in_other_replicas(database_url: str) -> None:
    async with sample_database(database_url) as database:
        here, there = Wakeups(database), Wakeups(database)
        await here.start()
        await there.start()
        mine, theirs = here.event("outbox"), there.event("outbox")
        await mine.wait()  # both look once when they have connected
        await theirs.wait()
        mine.clear()
        theirs.clear()

        async with work(database, wakeups=here).begin() as tx:
            await tx.emit(fact("a"))
            assert not mine.is_set()
        assert mine.is_set()
        async with asyncio.timeout(60):
            await theirs.wait()

        here.answer_here("outbox", here=True)
        await asyncio.sleep(0.1)
        theirs.clear()
        await here.wake("outbox")
        await asyncio.sleep(0.1)
        assert not theirs.is_set(), "nobody else need be told of what is answered here"
        await here.stop()
        await there.stop()


async def test_wakes_go_on_after_the_listening_connection_was_cut(
    database_url: str, postgres_server: PostgresServer
) -> None:
    async with sample_database(database_url) as database:
        here, there = Wakeups(database), Wakeups(database)
        await here.start()
        await there.start()
        theirs = there.event("news")
        await theirs.wait()
        theirs.clear()
        await _cut(postgres_server)
        async with asyncio.timeout(60):
            await theirs.wait()  # who reconnects looks, since a wake may have been missed
        await here.stop()
        await there.stop()


async def _cut(server: PostgresServer) -> None:
    await server.execute(
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name LIKE 'tocsin %'"
    )


async def test_a_pool_is_closed_whole_also_where_its_owner_is_cancelled_meanwhile(
    database_url: str, postgres_server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(database_url, "public", pool_size=2)
    async with database.engine.connect() as connection:
        mine = await connection.scalar(text("SELECT pg_backend_pid()"))
    disposing = asyncio.create_task(database.dispose())
    await asyncio.sleep(0)
    disposing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await disposing
    assert [record for record in caplog.records if record.name.startswith("sqlalchemy")] == []

    async def ended() -> bool:  # the server ends it a moment after it was told
        with contextlib.suppress(asyncpg.AssertError):
            await postgres_server.execute(
                f"DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {mine}); END $$"
            )
            return True
        return False

    await until(ended)
