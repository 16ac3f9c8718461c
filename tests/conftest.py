"""Fixtures that every test may ask for, and what holds for all property tests."""

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings

from libs.common import components, web
from libs.common.bus import postgres_link
from libs.common.db import session
from services.intake.handlers import receive
from tests.support.kafka import kafka_bootstrap, kafka_broker
from tests.support.postgres import database_url, postgres_server

__all__ = ["database_url", "kafka_bootstrap", "kafka_broker", "postgres_server"]

# Machines are shared: no property fails for having taken long. Speed is measured in tests/bench/ alone. A run judges
# the change and not its luck: the same examples each time. HYPOTHESIS_PROFILE=search looks for new ones.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
settings.register_profile("tocsin", UNHURRIED, derandomize=True, database=None)
settings.register_profile("search", UNHURRIED, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "tocsin"))


@pytest.fixture(scope="session", autouse=True)
def patient_services() -> Iterator[None]:
    """A service that a test starts waits for its database as long as a shared machine may need."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(components, "DATABASE_SECONDS", 60.0)
        for module in (session, postgres_link):
            patch.setattr(module, "CONNECT_SECONDS", 60.0)
        patch.setattr(session, "POOL_SECONDS", 60.0)
        patch.setattr(web, "CHECK_TIMEOUT", timedelta(seconds=60))
        patch.setattr(receive, "COMMIT_TIMEOUT", timedelta(seconds=60))
        yield
