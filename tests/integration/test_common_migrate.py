"""Migrations: run once by whoever comes first, held to the models, and never over a newer version's schema."""

import asyncio

import pytest
import sqlalchemy as sa

from libs.common.db.migrate import check_models, upgrade
from libs.common.db.session import Database, DatabaseUnavailable
from libs.common.db.tables import COMMON
from libs.common.errors import Misconfigured
from tests.support.sample import Base

PACKAGE = "tests.support.sample.migrations"
MODELS = [COMMON, Base.metadata]


async def test_migrations_make_exactly_the_tables_of_the_models(database_url: str) -> None:
    await upgrade(database_url, "sample", PACKAGE, MODELS)

    assert await check_models(database_url, "sample", MODELS) == []


async def test_a_model_without_a_migration_is_found(database_url: str) -> None:
    await upgrade(database_url, "sample", PACKAGE, MODELS)
    forgotten = sa.MetaData()
    sa.Table("forgotten", forgotten, sa.Column("id", sa.Integer, primary_key=True))

    differences = await check_models(database_url, "sample", [*MODELS, forgotten])

    assert [difference.startswith("('add_table'") for difference in differences] == [True]


async def test_replicas_that_start_together_migrate_once(database_url: str) -> None:
    await asyncio.gather(*(upgrade(database_url, "sample", PACKAGE, MODELS) for _ in range(4)))

    assert await check_models(database_url, "sample", MODELS) == []


async def test_two_services_keep_their_tables_apart_in_one_database(database_url: str) -> None:
    await upgrade(database_url, "one", PACKAGE, MODELS)
    await upgrade(database_url, "two", PACKAGE, MODELS)

    for schema in ("one", "two"):
        assert await check_models(database_url, schema, MODELS) == []


async def test_a_schema_of_a_newer_version_is_refused_and_left_alone(database_url: str) -> None:
    await upgrade(database_url, "sample", PACKAGE, MODELS)
    database = Database(database_url, "sample")
    async with database.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '0009'"))

    with pytest.raises(Misconfigured, match=r"schema sample is at revision 0009.*newer version"):
        await upgrade(database_url, "sample", PACKAGE, MODELS)

    async with database.engine.connect() as connection:
        assert await connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == "0009"
    await database.dispose()


async def test_a_database_that_cannot_be_reached_is_said_so() -> None:
    with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
        await upgrade("postgresql://tocsin@127.0.0.1:1/tocsin", "sample", PACKAGE, MODELS)
