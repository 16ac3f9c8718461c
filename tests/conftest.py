"""Fixtures that every test may ask for."""

from tests.support.kafka import kafka_bootstrap, kafka_broker
from tests.support.postgres import database_url, postgres_server

__all__ = ["database_url", "kafka_bootstrap", "kafka_broker", "postgres_server"]
