"""Several Tocsins share one Kafka under prefixes of their own."""

from libs.common.bus.base import Partition, TopicSpec
from tests.support.buses import ends, publish, read, running, unique, values


async def test_two_prefixes_on_one_broker_do_not_see_each_other(kafka_bootstrap: str) -> None:
    here, there = unique("a."), unique("b.")
    async with (
        running(f"kafka://{kafka_bootstrap}?prefix={here}") as one,
        running(f"kafka://{kafka_bootstrap}?prefix={there}") as other,
        running(f"kafka://{kafka_bootstrap}") as plain,
    ):
        for bus in (one, other):
            await bus.ensure_topics([TopicSpec("triggers", partitions=1)])
        await publish(one, "triggers", "mine")
        await publish(other, "triggers", "theirs")
        consumer = await one.subscribe("escalator", ["triggers"])
        records = await read(consumer, 1)
        assert values(records) == ["mine"]
        assert {record.topic for record in records} == {"triggers"}
        assert consumer.assigned() == {Partition("triggers", 0)}
        await consumer.rewind({Partition("triggers", 0): 0})
        assert values(await read(consumer, 1)) == ["mine"]
        await consumer.commit(ends(records))
        assert await one.lag("escalator", ["triggers"]) == 0
        assert await other.lag("escalator", ["triggers"]) == 1
        assert await plain.lag(f"{here}escalator", [f"{here}triggers"]) == 0
