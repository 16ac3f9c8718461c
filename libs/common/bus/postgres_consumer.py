"""A consumer on the log in PostgreSQL: one session that reads, commits, and holds this member's partitions.

Reading and committing go through the same session that holds the locks, so that a member which lost its partitions
cannot commit to them: its session is gone too.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog

from libs.common.bus import postgres_group as groups
from libs.common.bus import postgres_log as log
from libs.common.bus.base import BusUnavailable, Partition, Record
from libs.common.bus.postgres_link import Health, close_quietly, open_connection
from libs.common.bus.postgres_schema import CHANNEL
from libs.common.bus.sharing import share_out
from libs.common.clock import Stopwatch
from libs.common.unreachable import UNREACHABLE

POLL_SECONDS = 1.0
"""How often to look without being woken: a notification may be lost with its connection."""
TICK_SECONDS = 0.7
"""How often a member shows that it lives and looks for members that died."""
HAND_OVER_SECONDS = 1.0
"""How long a member that should give a partition up may take to commit what it has read of it."""
LEASE = timedelta(seconds=10)
"""How long a member may hang before others end its session."""
OPERATION = timedelta(seconds=10)
RETRY_SECONDS = 0.3

logger = structlog.get_logger(__name__)


class PostgresConsumer:
    """One member of one group."""

    def __init__(self, url: str, group: str, topics: Sequence[str], health: Health) -> None:
        self._url = url
        self._group = group
        self._topics = frozenset(topics)
        self._health = health
        self._mutex = asyncio.Lock()
        self._connection: Any = None
        self._membership: groups.Membership | None = None
        self._places: Mapping[int, Partition] = {}
        self._positions: dict[int, int] = {}
        self._committed: dict[int, int] = {}
        self._leaving: dict[int, Stopwatch] = {}
        self._beats = groups.Beats(LEASE)
        self._turn = 0
        self._records = asyncio.Event()
        self._members = asyncio.Event()
        self._joined = asyncio.Event()
        self._closed = False
        self._task = asyncio.create_task(self._keep(), name=f"bus member of {group}")

    @property
    def closed(self) -> bool:
        """Whether this member left its group for good."""
        return self._closed

    async def joined(self, seconds: float) -> None:
        """Wait until this member is in its group, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._joined.wait()

    def assigned(self) -> frozenset[Partition]:
        """The partitions that are this member's now."""
        return frozenset(self._places[identity] for identity in self._positions)

    async def fetch(self, limit: int, timeout: timedelta) -> Sequence[Record]:
        """At most ``limit`` records, woken as soon as there are some."""
        waited = Stopwatch()
        while not self._closed:
            if self._task.done():
                self._task.result()  # what ended it is an error of this engine: say so rather than stay silent
            self._records.clear()
            records = await self._read(limit)
            rest = timeout.total_seconds() - waited.seconds()
            if records or rest <= 0:
                return records
            with suppress(TimeoutError):
                async with asyncio.timeout(min(rest, POLL_SECONDS)):
                    await self._records.wait()
        return ()

    async def commit(self, offsets: Mapping[Partition, int]) -> frozenset[Partition]:
        """Note how far the group came in those partitions that are this member's; tells which they are."""
        async with self._mutex:
            if self._connection is None or self._membership is None:
                raise BusUnavailable("PostgreSQL, which carries the bus, cannot be reached: nothing was committed")
            mine = {
                identity: offsets[self._places[identity]]
                for identity in self._positions
                if self._places[identity] in offsets
            }
            if not mine:
                return frozenset()
            try:
                await log.save_cursors(self._connection, self._membership.group, mine)
            except UNREACHABLE as error:
                self._lose(error)
                raise BusUnavailable(f"the commit of {self._group} was lost: {error}") from error
            except BaseException:
                self._lose(None)
                raise
            self._committed.update(mine)
            if self._leaving.keys() & mine.keys():
                self._members.set()
            return frozenset(self._places[identity] for identity in mine)

    async def rewind(self, offsets: Mapping[Partition, int]) -> None:
        """Read these partitions again from these offsets."""
        async with self._mutex:
            for identity in self._positions:
                if self._places[identity] in offsets:
                    self._positions[identity] = offsets[self._places[identity]]
            self._records.set()

    async def close(self) -> None:
        """Leave the group, so that others take over at once."""
        if self._closed:
            return
        self._closed = True
        self._records.set()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        async with self._mutex:
            connection, membership = self._connection, self._membership
            self._forget()
            if connection is not None:
                with suppress(*UNREACHABLE):
                    if membership is not None:
                        await groups.leave(connection, membership)
                await close_quietly(connection)

    async def _read(self, limit: int) -> Sequence[Record]:
        """What stands in this member's partitions now, without waiting."""
        async with self._mutex:
            wanted = sorted((key, value) for key, value in self._positions.items() if key not in self._leaving)
            if self._connection is None or not wanted:
                return ()
            self._turn = (self._turn + 1) % len(wanted)  # no partition may starve the others
            try:
                found = await log.read(
                    self._connection, wanted[self._turn :] + wanted[: self._turn], self._places, limit
                )
            except UNREACHABLE as error:
                self._lose(error)
                return ()
            except BaseException:
                self._lose(None)  # cancelled in the middle: the session's state is not known
                raise
            for identity, record in found:
                self._positions[identity] = record.offset + 1
            return [record for _, record in found]

    async def _keep(self) -> None:
        """Stay a member: join, share out whenever something changed, begin anew after a loss."""
        while True:
            try:
                async with self._mutex:
                    if self._connection is None or self._connection.is_closed():
                        self._forget()
                        await self._join()
                    await self._balance()
                self._health.up()
                self._joined.set()
                with suppress(TimeoutError):
                    async with asyncio.timeout(TICK_SECONDS):
                        await self._members.wait()
                self._members.clear()
            except UNREACHABLE as error:
                self._lose(error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _join(self) -> None:
        """Open a session, listen, and enter the group."""
        connection = await open_connection(self._url, OPERATION)
        try:
            connection.add_termination_listener(self._on_end)
            await connection.add_listener(CHANNEL, self._on_news)
            self._membership = await groups.join(connection, self._group, self._topics)
        except BaseException:
            connection.terminate()
            raise
        self._connection = connection

    async def _balance(self) -> None:
        """Hold what is this member's share: give up the rest once it is committed, take what is free."""
        membership = self._membership
        if membership is None or not await groups.beat(self._connection, membership):
            self._lose(None)  # somebody took this member for dead: join again
            self._members.set()
            return
        peers = await groups.living(self._connection, membership.group)
        await groups.end_sessions(
            self._connection, [peer for peer in self._beats.hung(peers) if peer.number != membership.number]
        )
        await groups.bury(self._connection, membership.group)
        pieces = await groups.slices(self._connection, peers)
        share = share_out(groups.readers(peers), pieces).get(membership.number, frozenset())
        self._places = {**self._places, **groups.places(pieces)}
        await self._give_up(membership, share)
        missing = share - self._positions.keys()
        taken = await groups.take(self._connection, membership, missing) if missing else frozenset()
        if taken:
            # Read after the lock is held: nobody else can commit any more.
            cursors = await log.load_cursors(self._connection, membership.group, taken)
            self._positions.update(cursors)
            self._committed.update(cursors)
            self._records.set()

    async def _give_up(self, membership: groups.Membership, share: frozenset[int]) -> None:
        """Release the partitions outside ``share`` of which all that was read is committed, or that took too long."""
        for identity in self._positions.keys() - share:
            self._leaving.setdefault(identity, Stopwatch())
        for identity in self._leaving.keys() & share:
            del self._leaving[identity]
        ready = [
            identity
            for identity, since in self._leaving.items()
            if self._committed[identity] >= self._positions[identity] or since.seconds() > HAND_OVER_SECONDS
        ]
        if ready:
            for identity in ready:
                del self._positions[identity], self._committed[identity], self._leaving[identity]
            await groups.release(self._connection, membership, ready)

    def _on_news(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        """Wake whoever a notification concerns."""
        kind, _, name = payload.partition(":")
        if kind == "topic":
            if name in self._topics:
                self._records.set()
        elif kind == "topics" or (self._membership is not None and payload == self._membership.news):
            self._members.set()

    def _on_end(self, connection: Any) -> None:
        """The session ended: begin anew without waiting for the next tick."""
        if connection is self._connection:
            self._members.set()

    def _lose(self, error: BaseException | None) -> None:
        """Forget a session that ended or cannot be trusted, and with it every partition."""
        if error is not None:
            self._health.down()
            logger.warning("bus_member_lost_connection", group=self._group, error=str(error) or type(error).__name__)
        if self._connection is not None:
            self._connection.terminate()
        self._forget()

    def _forget(self) -> None:
        self._connection = None
        self._membership = None
        self._positions.clear()
        self._committed.clear()
        self._leaving.clear()
