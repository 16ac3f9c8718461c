"""The unit of work: one transaction per message, request or due timer, committed once, at the edge, here and nowhere else."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from libs.common.bus.base import Message
from libs.common.chance import Chance
from libs.common.clock import Clock
from libs.common.db.session import Database, ReadSession, WriteSession, translated
from libs.common.db.tables import INBOX, OUTBOX, TIMERS
from libs.common.db.wakeups import Wakeups
from libs.common.events.base import Event
from libs.common.events.envelope import Envelope, encode
from libs.common.tracing import current_traceparent

OUTBOX_WAKE = "outbox"
TIMERS_WAKE = "timers"

# Built once: building them anew took longer than PostgreSQL took to run them.
_SEND = insert(OUTBOX)
_TAKE_IN = upsert(INBOX).on_conflict_do_nothing().returning(INBOX.c.event_id)
_NEW_TIMER = upsert(TIMERS)
_SCHEDULE = _NEW_TIMER.on_conflict_do_update(
    index_elements=[TIMERS.c.kind, TIMERS.c.key],
    set_={name: _NEW_TIMER.excluded[name] for name in ("id", "due_at", "run_at", "attempts", "payload", "traceparent")},
)


@dataclass
class Tx:
    """One transaction: what a handler loads, decides, saves and tells stands or falls together.

    ``now`` was read once, when it began. Handlers flush at most; who began it commits.
    """

    session: WriteSession
    now: datetime
    chance: Chance
    source: str
    wakes: set[str] = field(default_factory=set)
    """Names of :class:`~libs.common.db.wakeups.Wakeups` to wake once this is committed."""
    _sent: list[dict[str, Any]] = field(default_factory=list)
    _timers: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    async def emit(self, *events: Event) -> None:
        """Put ``events`` into the outbox, in this order.

        Events of one key leave in the order of their commits only where the writers hold a lock on what the key stands
        for (the incident's row, say) before they emit.
        """
        traceparent = current_traceparent()
        await self.send(
            *(
                encode(Envelope(self.chance.uuid7(self.now), self.source, self.now, event, traceparent))
                for event in events
            )
        )

    async def send(self, *messages: Message) -> None:
        """Put ``messages`` as they are into the outbox, in this order. Facts are told by :meth:`emit`.

        What is sent and scheduled is written right before the commit, in one go: a handler that tells much would
        otherwise wait for PostgreSQL once for each.
        """
        if not messages:
            return
        self._sent += [
            {
                "topic": message.topic,
                "key": message.key,
                "headers": dict(message.headers),
                "value": message.value,
                "created_at": self.now,
            }
            for message in messages
        ]
        self.wakes.add(OUTBOX_WAKE)

    async def take_in(self, group: str, event_id: UUID) -> bool:
        """Note in the inbox that ``group`` handles this event; ``False`` where it did already."""
        taken = {"group": group, "event_id": event_id, "taken_at": self.now}
        return (await self.session.execute(_TAKE_IN, taken)).first() is not None

    async def schedule(self, kind: str, key: str, due_at: datetime, payload: Mapping[str, Any] | None = None) -> None:
        """Have the handler of ``kind`` run at ``due_at``, or at once where that is past. Replaces the timer of the same (kind, key).

        Whoever schedules and cancels holds the lock of what the timer is about; the handler takes it too and looks
        whether it is still wanted, since it may have been claimed just before.
        """
        self._timers[(kind, key)] = {
            "kind": kind,
            "key": key,
            "due_at": due_at,
            "run_at": due_at,
            "attempts": 0,
            "payload": dict(payload or {}),
            "traceparent": current_traceparent(),
        }
        self.wakes.add(TIMERS_WAKE)

    async def cancel(self, kind: str, key: str) -> None:
        """Remove the timer of (kind, key); where there is none nothing happens."""
        self._timers.pop((kind, key), None)
        await self.session.execute(delete(TIMERS).where(TIMERS.c.kind == kind, TIMERS.c.key == key))

    async def scheduled(self, kind: str, key: str) -> datetime | None:
        """When the timer of (kind, key) is due, if there is one."""
        fresh = self._timers.get((kind, key))
        if fresh is not None:
            return cast("datetime", fresh["due_at"])
        found: datetime | None = await self.session.scalar(
            select(TIMERS.c.due_at).where(TIMERS.c.kind == kind, TIMERS.c.key == key)
        )
        return found

    async def write(self) -> None:
        """Write what was sent and scheduled so far; whoever commits calls it right before."""
        sent, self._sent = self._sent, []
        timers, self._timers = self._timers, {}
        if sent:
            await self.session.execute(_SEND, sent)
        if timers:
            # in one order everywhere, so that two transactions which set the same timers never wait for each other
            await self.session.execute(_SCHEDULE, [timers[key] for key in sorted(timers)])


class UnitOfWork:
    """Begins transactions on one service's database. ``source`` is the service's name."""

    def __init__(
        self, database: Database, clock: Clock, chance: Chance, source: str, wakeups: Wakeups | None = None
    ) -> None:
        self.database = database
        self.clock = clock
        self.chance = chance
        self.source = source if source.startswith("/") else f"/tocsin/{source}"
        self.wakeups = wakeups

    def begin(self) -> AbstractAsyncContextManager[Tx]:
        """A transaction that is committed at the end of the ``async with``, and rolled back where that raises.

        Raises :class:`~libs.common.db.session.DatabaseUnavailable` where the database could not be reached; whether a
        commit that was under way then took effect nobody knows, so that the same work must bear to be done again.
        """
        return self._begin()

    def read(self) -> AbstractAsyncContextManager[ReadSession]:
        """A READ ONLY transaction. Raises :class:`~libs.common.db.session.DatabaseUnavailable`."""
        return self._read()

    @contextlib.asynccontextmanager
    async def _begin(self) -> AsyncIterator[Tx]:
        async with translated(), self.database.write_session() as session:
            tx = Tx(session, self.clock.now(), self.chance, self.source)
            yield tx
            await tx.write()
            await session.commit()
        if self.wakeups is not None:
            for name in tx.wakes:
                await self.wakeups.wake(name)

    @contextlib.asynccontextmanager
    async def _read(self) -> AsyncIterator[ReadSession]:
        async with translated(), self.database.read_session() as session:
            yield session
