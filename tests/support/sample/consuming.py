"""A replica of the sample service that reads events."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from libs.common.backoff import Backoff
from libs.common.bus.base import Bus, Message
from libs.common.chance import Chance
from libs.common.clock import SystemClock
from libs.common.consume import ConsumePolicy, ConsumerLoop, Handler, Subscription
from libs.common.db.relay import Relay
from libs.common.db.session import Database
from libs.common.db.wakeups import Wakeups
from libs.common.db.work import Tx, UnitOfWork
from libs.common.events.envelope import Envelope, encode
from libs.common.events.notifications import NotificationsWithdrawn
from tests.support.sample import T0, fact, work, write

QUICK = Backoff(first=timedelta(milliseconds=1), longest=timedelta(milliseconds=5))
POLICY = ConsumePolicy(broken=QUICK, away=QUICK)
CHANCE = Chance(11)


async def note_it(tx: Tx, event: NotificationsWithdrawn) -> None:
    await write(tx, event.reason)


@asynccontextmanager
async def consuming(
    database: Database,
    bus: Bus,
    handler: Handler = note_it,
    policy: ConsumePolicy = POLICY,
    *,
    group: str = "sample",
    **more: Any,
) -> AsyncIterator[tuple[UnitOfWork, ConsumerLoop]]:
    """A replica that reads ``notifications``, with its relay."""
    wakeups = Wakeups(database)
    uow = work(database, SystemClock(), wakeups)
    subscription = Subscription(group, ("notifications",), {NotificationsWithdrawn: handler})
    loop = ConsumerLoop(bus, uow, uow.clock, uow.chance, subscription, policy=policy, **more)
    relay = Relay(uow, bus)
    await relay.start()
    await loop.start()
    try:
        yield uow, loop
    finally:
        await loop.stop()
        await relay.stop()


def message(reason: str, subject: int = 1, headers: Mapping[str, str] | None = None) -> Message:
    encoded = encode(Envelope(CHANCE.uuid7(T0), "/tocsin/test", T0, fact(reason, subject)))
    return Message(encoded.topic, encoded.key, encoded.value, {**encoded.headers, **(headers or {})})
