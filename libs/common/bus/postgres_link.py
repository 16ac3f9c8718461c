"""Connections of the PostgreSQL engine: made when needed, made anew after a loss, one user at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg

from libs.common.bus.base import BusUnavailable
from libs.common.bus.postgres_schema import ensure_schema
from libs.common.errors import Malformed
from libs.common.unreachable import UNREACHABLE

CONNECT_SECONDS = 5.0
SETTINGS = {
    "application_name": "tocsin-bus",
    # A host that vanished without a word is noticed in seconds, and its partitions come free.
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    # Plans that were made while the log was empty must not scan it once it is full.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "jit": "off",
}


class Health:
    """Whether the server could be reached when last tried."""

    def __init__(self) -> None:
        self.reached = False

    def up(self) -> None:
        """It answered."""
        self.reached = True

    def down(self) -> None:
        """It did not answer, or was lost."""
        self.reached = False


async def open_connection(url: str, command_timeout: timedelta) -> Any:
    """A connection to a database that has the tables of the bus. Raises one of :data:`UNREACHABLE`."""
    connection = await asyncpg.connect(
        url, timeout=CONNECT_SECONDS, command_timeout=command_timeout.total_seconds(), server_settings=SETTINGS
    )
    try:
        await ensure_schema(connection)
    except BaseException:
        connection.terminate()
        raise
    return connection


class Link:
    """One connection that heals: who comes after a loss gets a new one.

    ``health`` learns by each use whether the server could be reached.
    """

    def __init__(self, url: str, limit: timedelta, health: Health) -> None:
        self._url = url
        self._limit = limit
        self._health = health
        self._mutex = asyncio.Lock()
        self._connection: Any = None

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Any]:
        """The connection, for one user at a time and for a limited time.

        Raises :class:`BusUnavailable` where the server cannot be reached, or is lost or too slow meanwhile;
        :class:`Malformed` where it refuses the data themselves.
        """
        try:
            async with asyncio.timeout(self._limit.total_seconds()), self._mutex, self._kept() as connection:
                yield connection
        except UNREACHABLE as error:
            self._health.down()
            raise BusUnavailable(
                f"PostgreSQL, which carries the bus, cannot be used: {error or type(error).__name__}"
            ) from error
        self._health.up()

    @asynccontextmanager
    async def _kept(self) -> AsyncIterator[Any]:
        """The connection; dropped where anything goes wrong in it, because its state is not known then."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await open_connection(self._url, self._limit)
        try:
            yield self._connection
        except asyncpg.DataError as refused:
            raise Malformed(f"the bus cannot store this message: {refused}") from refused
        except BaseException:
            self._connection.terminate()
            self._connection = None
            raise

    async def close(self) -> None:
        """Close the connection."""
        async with self._mutex:
            if self._connection is not None:
                await close_quietly(self._connection)
                self._connection = None


async def close_quietly(connection: Any) -> None:
    """Close a connection whose server may be gone."""
    try:
        await connection.close(timeout=2)
    except UNREACHABLE:
        connection.terminate()
