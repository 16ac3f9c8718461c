"""Connections to PostgreSQL: one schema per service, sessions that read and sessions that write.

Only :mod:`libs.common.db.work` commits; everybody else is handed a session and flushes at most.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy import Select, event, exc, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from libs.common.errors import Invalid, Misconfigured, Unavailable
from libs.common.unreachable import UNREACHABLE

T = TypeVar("T")

RETRY_AFTER = timedelta(seconds=5)
"""What a caller is told to wait while the database cannot be reached: about the time of a restart."""

CONNECT_SECONDS = 5.0
POOL_SECONDS = 5.0
"""How long a transaction waits for a connection of the pool before the database counts as not reachable."""

_UNREACHABLE_STATES = ("08", "53", "57P", "58")
"""SQLSTATE classes that say nothing of the statement: connection, resources, operator intervention, system error."""

_TRANSIENT_STATES = ("40001", "40P01", "55P03")
"""Serialization failure, deadlock, lock not available: the same transaction may go through when it is run again."""

_UNSTORABLE_STATES = ("22021", "22P05")
"""Character not in repertoire, untranslatable character: PostgreSQL has no text with U+0000 in it."""


class DatabaseUnavailable(Unavailable):
    """PostgreSQL cannot be reached at the moment; nothing was committed for certain."""

    slug = "database-unavailable"
    title = "The database cannot be reached"


class ReadSession(AsyncSession):
    """A session whose transaction is READ ONLY: PostgreSQL itself refuses a write."""


class WriteSession(AsyncSession):
    """A session that may write. It is committed by the edge that began it, never by who was handed it."""


def libpq_url(url: str) -> str:
    """``url`` in the plain form that asyncpg and libpq read, with or without the name of a driver in it.

    ``postgresql://user:password@host:port/database`` or, over a Unix socket, ``postgresql://user@/database?host=/folder``.
    Raises :class:`Misconfigured` where it is no such address.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.partition("+")[0] not in {"postgresql", "postgres"}:
        raise Misconfigured(
            f"the database's address must begin with postgresql://, not with {scheme.partition(':')[0]}:"
        )
    try:
        urlsplit(f"postgresql://{rest}").port  # noqa: B018 - reading it is the check
    except ValueError as error:
        raise Misconfigured(f"the database's address is broken: {error}") from error
    return f"postgresql://{rest}"


async def connect(url: str, schema: str) -> Any:
    """A connection of its own (asyncpg), for what is not a transaction: locks of a session, LISTEN and NOTIFY.

    Raises :class:`DatabaseUnavailable`.
    """
    try:
        return await asyncpg.connect(
            libpq_url(url),
            timeout=CONNECT_SECONDS,
            server_settings={"search_path": schema, "application_name": f"tocsin {schema}", "timezone": "UTC"},
        )
    except UNREACHABLE as error:
        raise unavailable(error) from error


async def close(connection: Any) -> None:
    """Close a connection made by :func:`connect`, also one whose server is gone."""
    try:
        await connection.close(timeout=2)
    except UNREACHABLE:
        connection.terminate()


def unavailable(error: BaseException) -> DatabaseUnavailable:
    """The error to raise where ``error`` kept us from the database."""
    reason = str(error).partition("\n")[0] or type(error).__name__
    return DatabaseUnavailable(f"the database cannot be reached: {reason}", retry_after=RETRY_AFTER)


def is_unreachable(error: BaseException) -> bool:
    """Whether ``error`` of SQLAlchemy or asyncpg says that the connection was lost or could not be made."""
    if isinstance(error, exc.DBAPIError):
        return error.connection_invalidated or (error.orig is not None and is_unreachable(error.orig))
    if isinstance(error, exc.TimeoutError | asyncpg.PostgresConnectionError | asyncpg.InternalClientError):
        return True
    if isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error)  # asyncpg has no type of its own for it
    return _sqlstate(error).startswith(_UNREACHABLE_STATES)


def is_transient(error: BaseException) -> bool:
    """Whether the same transaction may go through when it is run again: deadlock, serialization, a lock not to be had."""
    orig = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    return _sqlstate(orig) in _TRANSIENT_STATES


def lock_key(purpose: str, schema: str) -> int:
    """The number of an advisory lock, which the whole database shares, for one purpose in one schema."""
    digest = hashlib.sha256(f"tocsin {purpose} {schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _unstorable(error: BaseException) -> bool:
    """Whether a text has what none can have in PostgreSQL; of half a character in JSON only the words of the error tell."""
    return _sqlstate(error) in _UNSTORABLE_STATES or "surrogate" in str(getattr(error.__cause__, "detail", "")).lower()


def _sqlstate(error: BaseException) -> str:
    return str(getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or "")


class Database:
    """The pool of one service's schema in one database. ``url`` is read by :func:`libpq_url`."""

    def __init__(self, url: str, schema: str, *, pool_size: int = 5) -> None:
        self.url = libpq_url(url)
        self.schema = schema
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self.connect,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=POOL_SECONDS,
            pool_use_lifo=True,
        )
        event.listen(self._engine.sync_engine, "checkout", _refuse_closed)
        self._alone = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._write = async_sessionmaker(self._engine, class_=WriteSession, expire_on_commit=False)
        self._read = async_sessionmaker(
            self._engine.execution_options(postgresql_readonly=True), class_=ReadSession, expire_on_commit=False
        )

    @property
    def engine(self) -> AsyncEngine:
        """The engine, for migrations and their check. Transactions are begun through a ``UnitOfWork``."""
        return self._engine

    async def connect(self) -> Any:
        """A connection of its own, outside the pool. Raises :class:`DatabaseUnavailable`."""
        return await connect(self.url, self.schema)

    def write_session(self) -> WriteSession:
        """A new session for a unit of work."""
        return self._write()

    def read_session(self) -> ReadSession:
        """A new session whose transactions are READ ONLY."""
        return self._read()

    async def value(self, query: Select[T]) -> T:
        """The one value that ``query`` finds, without a transaction around it: a third of the way to PostgreSQL and back.

        Raises :class:`DatabaseUnavailable`.
        """
        async with translated(), self._alone.connect() as connection:
            return (await connection.execute(query)).scalar_one()

    async def ping(self) -> None:
        """Ask the database for an answer. Raises :class:`DatabaseUnavailable`."""
        try:
            async with translated(), asyncio.timeout(CONNECT_SECONDS), self.read_session() as session:
                await session.execute(text("SELECT 1"))
        except TimeoutError as error:
            raise unavailable(error) from error

    async def dispose(self) -> None:
        """Close the pool's connections; all of them, also where the caller is cancelled meanwhile."""
        closing = asyncio.ensure_future(self._engine.dispose())
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await asyncio.wait({closing})
            raise


@contextlib.asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Raise :class:`DatabaseUnavailable` in place of whatever SQLAlchemy or asyncpg say when the connection is gone.

    And :class:`~libs.common.errors.Invalid` where a text has a character that no text of PostgreSQL can have.
    """
    try:
        yield
    except (exc.SQLAlchemyError, *UNREACHABLE) as error:
        if is_unreachable(error):
            raise unavailable(error) from error
        if isinstance(error, exc.DBAPIError) and error.orig is not None and _unstorable(error.orig):
            raise Invalid(
                "A text has a character that cannot be stored: U+0000, or half of one (a lone surrogate)."
            ) from error
        raise


def _refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    """Have the pool replace a connection that the server closed meanwhile: asyncpg knows without asking the server."""
    if connection.driver_connection.is_closed():
        raise exc.DisconnectionError("the server closed this connection")
