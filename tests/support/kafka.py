"""A real Apache Kafka for tests: one broker per test process, shared, and private ones for tests that break them.

``TOCSIN_TEST_KAFKA=host:port`` uses a broker that runs already. Topics of a shared broker must have names of their
own in every test.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from libs.common.bus.local_broker import LocalBroker

SHORT_SESSION_MS = 1000
"""A broker that was killed counts as dead this soon, so that its successor need not wait."""


@pytest.fixture(scope="session")
def kafka_bootstrap() -> Iterator[str]:
    """``host:port`` of the shared broker."""
    running = os.environ.get("TOCSIN_TEST_KAFKA")
    if running:
        yield running
        return
    folder = Path(tempfile.mkdtemp(prefix="tocsin-kafka-"))
    broker = LocalBroker(folder)
    broker.start()
    try:
        yield broker.bootstrap
    finally:
        broker.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def kafka_broker() -> Iterator[LocalBroker]:
    """A broker of this module's own, which tests may stop, kill and start again; they leave it running."""
    folder = Path(tempfile.mkdtemp(prefix="tocsin-kafka-"))
    broker = LocalBroker(folder, session_ms=SHORT_SESSION_MS)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()
        shutil.rmtree(folder, ignore_errors=True)
