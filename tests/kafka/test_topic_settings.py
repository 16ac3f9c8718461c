"""What Kafka is asked for when topics are made."""

from datetime import timedelta
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from libs.common.bus.base import Message, TopicSpec
from libs.common.bus.connect import connect
from libs.common.bus.kafka import MOST_BYTES, brokers_of
from libs.common.errors import TooLarge
from tests.support.buses import new_topic, publish, read, running, unique, values

pytestmark = pytest.mark.kafka


async def settings_of(bootstrap: str, topic: str) -> dict[str, str]:
    """The settings of a topic as the broker tells them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    finally:
        await admin.close()
    entries: list[Any] = answer.resources[0][-1]
    return {entry[0]: entry[1] for entry in entries}


async def test_a_compacted_topic_is_compacted_and_another_has_its_retention(kafka_bootstrap: str) -> None:
    compacted, plain, eternal = unique(), unique(), unique()
    async with running(f"kafka://{kafka_bootstrap}") as bus:
        await bus.ensure_topics(
            [
                TopicSpec(compacted, partitions=1, compacted=True),
                TopicSpec(plain, partitions=1, retention=timedelta(days=3)),
                TopicSpec(eternal, partitions=1, retention=None),
            ]
        )
    assert (await settings_of(kafka_bootstrap, compacted))["cleanup.policy"] == "compact"
    kept = await settings_of(kafka_bootstrap, plain)
    assert (kept["cleanup.policy"], kept["retention.ms"]) == ("delete", str(3 * 24 * 3600 * 1000))
    assert (await settings_of(kafka_bootstrap, eternal))["retention.ms"] == "-1"


async def test_a_message_over_the_limit_is_the_callers_fault_and_one_below_it_passes(kafka_bootstrap: str) -> None:
    async with running(f"kafka://{kafka_bootstrap}") as bus:
        topic = await new_topic(bus)
        with pytest.raises(TooLarge):
            await bus.producer().publish([Message(topic, "k", bytes(MOST_BYTES + 1))])
        await publish(bus, topic, "x" * (MOST_BYTES // 2))
        consumer = await bus.subscribe(unique("g"), [topic])
        assert [len(value) for value in values(await read(consumer, 1))] == [MOST_BYTES // 2]


def test_a_kafka_url_may_name_several_brokers_with_or_without_port() -> None:
    assert brokers_of("kafka://one:9093,two,10.0.0.3:19092") == ["one:9093", "two:9092", "10.0.0.3:19092"]


async def test_making_a_bus_connects_to_nothing() -> None:
    assert not connect("kafka://127.0.0.1:1").healthy()
