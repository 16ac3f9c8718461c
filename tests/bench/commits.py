"""The yardstick: one durable commit of one small row, on the very PostgreSQL that is measured."""

from typing import Any, Self

import asyncpg

from libs.common.clock import Stopwatch


class Commits:
    """Times single commits on a connection and a table of its own."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, database_url: str) -> Self:
        """Connect and make the table."""
        connection = await asyncpg.connect(database_url)
        await connection.execute("CREATE TABLE IF NOT EXISTS public.bench_commit (words text NOT NULL)")
        return cls(connection)

    async def one(self) -> float:
        """How many seconds an insert with its commit takes."""
        watch = Stopwatch()
        await self._connection.execute("INSERT INTO public.bench_commit VALUES ($1)", "a small row")
        return watch.seconds()

    async def facts(self) -> tuple[str, str]:
        """PostgreSQL's version, and what it says of fsync."""
        version = str(await self._connection.fetchval("SHOW server_version"))
        return version, str(await self._connection.fetchval("SHOW fsync"))

    async def close(self) -> None:
        """Disconnect."""
        await self._connection.close()
