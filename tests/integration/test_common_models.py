"""Every service's models are what its migrations make, and its files are named and ordered as they say."""

import re
from importlib import import_module
from pathlib import Path

import pytest
import sqlalchemy as sa

from libs.common.db.migrate import check_models, upgrade
from libs.common.db.session import Database
from libs.common.db.tables import COMMON

SERVICES = ("intake", "escalator", "oncall", "notifier", "statuspage")
ROOT = Path(__file__).parents[2]


def models(service: str) -> list[sa.MetaData]:
    """The shared tables and the service's own."""
    tables = import_module(f"services.{service}.store.tables")
    metadata = tables.Base.metadata
    assert isinstance(metadata, sa.MetaData)
    return [COMMON, metadata]


@pytest.mark.parametrize("service", SERVICES)
async def test_the_migrations_of_a_service_make_its_models(database_url: str, service: str) -> None:
    await upgrade(database_url, service, f"services.{service}.migrations", models(service))

    assert await check_models(database_url, service, models(service)) == []


async def test_all_services_live_in_one_database_each_in_its_own_schema(database_url: str) -> None:
    for service in SERVICES:
        await upgrade(database_url, service, f"services.{service}.migrations", models(service))

    database = Database(database_url, "public")
    async with database.engine.connect() as connection:
        found = await connection.execute(
            sa.text(
                "SELECT schemaname, count(*) AS tables FROM pg_tables WHERE tablename = 'outbox' GROUP BY schemaname"
            )
        )
        schemas = {row.schemaname: row.tables for row in found}
        strays = await connection.scalar(sa.text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
    await database.dispose()
    assert schemas == dict.fromkeys(SERVICES, 1)
    assert strays == 0


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_say_their_number_and_whether_they_go_before_or_after_the_code(service: str) -> None:
    files = sorted(
        path.name
        for path in (ROOT / "services" / service / "migrations" / "versions").glob("*.py")
        if path.name != "__init__.py"
    )

    assert files
    numbers = [re.fullmatch(r"(\d{4})_(pre|post)_[a-z0-9_]+\.py", name) for name in files]
    assert [found and int(found[1]) for found in numbers] == list(range(1, len(files) + 1))
