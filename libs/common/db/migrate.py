"""Migrations: each service's own, in its own schema, run by whichever replica comes first.

Files are ``migrations/versions/NNNN_{pre,post}_what.py`` with ``revision = "NNNN"``. ``pre`` is run before the new code and must leave
the old code working; ``post`` comes when no old code runs any more.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any, cast

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy.dialects.postgresql import JSONB

from libs.common.db.session import Database, close, connect, lock_key, translated
from libs.common.errors import Misconfigured


async def upgrade(database_url: str, schema: str, package: str, metadata: Sequence[sa.MetaData]) -> None:
    """Bring ``schema`` to the newest revision of ``package``; make the schema where it is missing.

    Replicas that start together wait for the first. Raises :class:`Misconfigured` where a newer version has been here,
    and :class:`~libs.common.db.session.DatabaseUnavailable`.
    """
    config = _config(package, metadata)
    async with _alone(database_url, schema), _engine(database_url, schema) as database:
        async with database.engine.begin() as connection:
            # Asked first: where an administrator made the schema, the right to make schemas is not needed.
            if not await connection.scalar(sa.text("SELECT to_regnamespace(quote_ident(:name))"), {"name": schema}):
                await connection.execute(sa.text(f'CREATE SCHEMA "{schema}"'))
            await connection.run_sync(_refuse_newer, config, schema)
        async with database.engine.connect() as connection:
            await connection.run_sync(_run, config)


async def check_models(database_url: str, schema: str, metadata: Sequence[sa.MetaData]) -> list[str]:
    """How the tables of a migrated ``schema`` differ from the models, a line each; empty when they agree."""

    def compare(connection: sa.Connection) -> list[str]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return [str(difference) for difference in compare_metadata(context, cast("sa.MetaData", list(metadata)))]

    async with _engine(database_url, schema) as database, database.engine.connect() as connection:
        return await connection.run_sync(compare)


def common_v1(op: Operations | ModuleType) -> None:
    """The tables that every service has, as of the first revision. What changes later is a new function beside this one."""
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=True),
        sa.Column("created_at", instant, nullable=False),
        comment="Messages that were committed and that the bus has not acknowledged yet.",
    )
    op.create_table(
        "inbox",
        sa.Column("group", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("taken_at", instant, nullable=False),
        comment="Events that a subscription has handled, so that a repeat is a no-op.",
    )
    op.create_index("inbox_taken_at_idx", "inbox", ["taken_at"])
    op.create_table(
        "timers",
        sa.Column(
            "id",
            sa.BigInteger,
            sa.Identity(),
            primary_key=True,
            comment="Renewed by each schedule: it is the version too.",
        ),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("due_at", instant, nullable=False, comment="When it was promised."),
        sa.Column("run_at", instant, nullable=False, comment="When it is tried next; later after a failure."),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("payload", JSONB, nullable=False),
        sa.Column("traceparent", sa.Text, nullable=True),
        sa.UniqueConstraint("kind", "key", name="timers_kind_key_key"),
        comment="What is due at a time, once.",
    )
    op.create_index("timers_run_at_idx", "timers", ["run_at"])
    op.create_table(
        "principals",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("roles", JSONB, nullable=False),
        sa.Column("tenants", JSONB, nullable=True, comment="Null is all tenants."),
        sa.Column("person", sa.Text, nullable=True),
        sa.Column("keys", JSONB, nullable=False, comment="Hashed keys: id, digest, expires_at."),
        sa.Column("changed_at", instant, nullable=False),
        comment="The replica of who may call this service.",
    )
    op.create_table(
        "config_files",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("taken_at", instant, nullable=False),
        comment="The configuration files that were taken in, by their newest digest.",
    )


def _config(package: str, metadata: Sequence[sa.MetaData]) -> Config:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Misconfigured(f"there are no migrations at {package}")
    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", next(iter(spec.submodule_search_locations)).replace("%", "%%"))
    config.attributes["metadata"] = list(metadata)
    return config


def _refuse_newer(connection: sa.Connection, config: Config, schema: str) -> None:
    """Raise :class:`Misconfigured` where the schema is at a revision that this version's files do not have."""
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    unknown = set(MigrationContext.configure(connection).get_current_heads()) - known
    if unknown:
        raise Misconfigured(
            f"the database's schema {schema} is at revision {', '.join(sorted(unknown))}, which this version of Tocsin does "
            "not know: a newer version has been here. Start that version, or restore a backup from before it"
        )


def _run(connection: sa.Connection, config: Config) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@asynccontextmanager
async def _engine(database_url: str, schema: str) -> AsyncIterator[Database]:
    database = Database(database_url, schema, pool_size=1)
    try:
        async with translated():
            yield database
    finally:
        await database.dispose()


@asynccontextmanager
async def _alone(database_url: str, schema: str) -> AsyncIterator[None]:
    """Hold the lock that keeps other replicas from migrating the same schema at the same time."""
    connection: Any = await connect(database_url, schema)
    try:
        async with translated():
            await connection.execute("SELECT pg_advisory_lock($1)", lock_key("migrate", schema))
        yield
    finally:
        await close(connection)
