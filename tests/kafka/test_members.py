"""A member that its group took for dead while it was not, and one whose client broke down."""

import pytest

from libs.common.bus.kafka_consumer import KafkaConsumer
from libs.common.bus.local_broker import LocalBroker
from tests.support.buses import ends, fetch_until, new_topic, publish, read, running, unique, values

pytestmark = pytest.mark.kafka


async def test_what_an_expelled_member_could_not_commit_is_read_again_and_noted_then(kafka_broker: LocalBroker) -> None:
    async with running(kafka_broker.url) as bus:
        topic, group = await new_topic(bus), unique("g")
        await publish(bus, topic, "a", "b")
        member = await bus.subscribe(group, [topic])
        assert isinstance(member, KafkaConsumer)
        handled = ends(await read(member, 2))
        coordinator = member._client._coordinator  # noqa: SLF001 - nothing public has the broker forget a member
        generation, name = coordinator.generation, coordinator.member_id
        await coordinator._maybe_leave_group()  # noqa: SLF001
        coordinator.generation, coordinator.member_id = generation, name

        assert await member.commit(handled) == frozenset()
        assert values(await read(member, 2)) == ["a", "b"]
        assert await member.commit(handled) == handled.keys()
        await fetch_until([member], lambda: bool(member.assigned()))
        assert await bus.lag(group, [topic]) == 0


async def test_a_member_whose_client_broke_down_gets_another_and_reads_on(kafka_broker: LocalBroker) -> None:
    async def break_down(*_: object) -> None:
        raise RuntimeError("an error in the library")

    async with running(kafka_broker.url) as bus:
        topic, group = await new_topic(bus), unique("g")
        await publish(bus, topic, "a")
        member = await bus.subscribe(group, [topic])
        assert isinstance(member, KafkaConsumer)
        await member.commit(ends(await read(member, 1)))
        coordinator = member._client._coordinator  # noqa: SLF001 - nothing public breaks it
        coordinator.ensure_active_group = break_down
        coordinator.request_rejoin()
        await publish(bus, topic, "b")
        found = await read(member, 1)
        assert values(found) == ["b"]
        assert await member.commit(ends(found)) == ends(found).keys()
