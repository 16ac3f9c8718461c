"""The consumer loop and the relay on a real Kafka broker: the same promises as on PostgreSQL."""

from uuid import uuid4

import pytest

from libs.common.bus.connect import connect
from libs.common.clock import SystemClock
from libs.common.consume import ConsumerLoop, Subscription
from libs.common.db.relay import Relay
from libs.common.db.wakeups import Wakeups
from libs.common.db.work import Tx
from libs.common.events.notifications import NotificationsWithdrawn
from libs.common.events.topics import TOPICS
from tests.support.sample import fact, notes, sample_database, until, work, write

pytestmark = pytest.mark.kafka


async def test_events_pass_from_outbox_to_inbox_once_and_in_order_over_kafka(
    database_url: str, kafka_bootstrap: str
) -> None:
    run = uuid4().hex

    async def note_it(tx: Tx, event: NotificationsWithdrawn) -> None:
        if event.reason.startswith(run):
            await write(tx, event.reason.removeprefix(run))
            if event.reason == f"{run}0:0":
                await tx.emit(fact(f"{run}follows", 99))

    bus = connect(f"kafka://{kafka_bootstrap}")
    await bus.start()
    await bus.ensure_topics(TOPICS)
    async with sample_database(database_url) as database:
        uow = work(database, SystemClock(), Wakeups(database))
        relay = Relay(uow, bus)
        await relay.start()
        subscription = Subscription(run, ("notifications",), {NotificationsWithdrawn: note_it})
        for batch in range(2):  # a replica stops, another goes on where it was
            loop = ConsumerLoop(bus, uow, uow.clock, uow.chance, subscription)
            await loop.start()
            for number in range(batch * 5, batch * 5 + 5):
                async with uow.begin() as tx:
                    await tx.emit(*(fact(f"{run}{subject}:{number}", subject) for subject in range(4)))
            await until(relay.idle)
            await until(loop.idle, 60)
            await loop.stop()
        await relay.stop()
        found = await notes(uow)
    await bus.stop()
    assert found.count("follows") == 1
    assert len(found) == 41
    for subject in range(4):
        mine = [words for words in found if words.startswith(f"{subject}:")]
        assert mine == [f"{subject}:{number}" for number in range(10)]
