"""A real Apache Kafka for tests: one broker per test process, shared, and private ones for tests that break them.

``TOCSIN_TEST_KAFKA=host:port`` uses a broker that runs already. Topics of a shared broker must have names of their
own in every test.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from libs.common.bus.base import BusUnavailable
from libs.common.bus.local_broker import LocalBroker
from tests.support.buses import ends, new_topic, publish, read, running, unique

SHORT_SESSION_MS = 1000
"""A broker that was killed counts as dead this soon, so that its successor need not wait."""
WARM_SECONDS = 180.0


def _warm(broker: LocalBroker) -> None:
    """Return when the broker has served everything once: on a busy machine it listens long before it does."""
    with ThreadPoolExecutor(1) as aside:  # a loop of its own: the tests' is none of its business
        aside.submit(asyncio.run, _serve_once(broker.url)).result()


async def _serve_once(url: str) -> None:
    async with asyncio.timeout(WARM_SECONDS), running(url) as bus:
        while True:
            try:
                topic = await new_topic(bus)
                await publish(bus, topic, "a")
                consumer = await bus.subscribe(unique("g"), [topic])
                await consumer.commit(ends(await read(consumer, 1)))
            except BusUnavailable:
                await asyncio.sleep(0.2)
            else:
                return


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
        _warm(broker)
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
        _warm(broker)
        yield broker
    finally:
        broker.kill()
        shutil.rmtree(folder, ignore_errors=True)
