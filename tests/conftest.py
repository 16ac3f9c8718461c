"""Fixtures that every test may ask for, and what holds for all property tests."""

from hypothesis import HealthCheck, settings

from tests.support.kafka import kafka_bootstrap, kafka_broker
from tests.support.postgres import database_url, postgres_server

__all__ = ["database_url", "kafka_bootstrap", "kafka_broker", "postgres_server"]

# Machines are shared: no property fails for having taken long. Speed is measured in tests/bench/ alone.
settings.register_profile("tocsin", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tocsin")
