"""A consumer on Apache Kafka: one member of one group, whose client is made as soon as a broker answers."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from libs.common.bus.base import BusUnavailable, Partition, Record
from libs.common.bus.kafka_clients import begin, end
from libs.common.clock import Stopwatch

COMMIT_SECONDS = 5.0
REQUEST_MS = 15_000
RETRY_SECONDS = 0.5
REBALANCE_SECONDS = 1.0
"""How long a fetch outlasts its time while the group shares its partitions anew: the library waits for that alone."""
METADATA_MS = 5000
"""How soon topics and partitions that were added are noticed."""
LONGEST_HANDLING = timedelta(minutes=10)
"""How long a member may go without a fetch before the group takes it for dead."""

FAILURES = (KafkaError, OSError, TimeoutError)

logger = structlog.get_logger(__name__)


class KafkaConsumer:
    """One member of one group."""

    def __init__(self, brokers: Sequence[str], group: str, topics: Sequence[str], session: timedelta) -> None:
        self._brokers = list(brokers)
        self._group = group
        self._topics = sorted(topics)
        self._session_ms = int(session / timedelta(milliseconds=1))
        self._client: Any = None
        self._ready = asyncio.Event()
        self._closed = False
        self._ending: asyncio.Task[None] | None = None
        self._task = asyncio.create_task(self._connect(), name=f"bus member of {group}")

    @property
    def closed(self) -> bool:
        """Whether this member left its group for good."""
        return self._closed

    async def joined(self, seconds: float) -> None:
        """Wait until this member has a connected client, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ready.wait()

    def assigned(self) -> frozenset[Partition]:
        """The partitions that are this member's now."""
        if self._client is None:
            return frozenset()
        return frozenset(Partition(place.topic, place.partition) for place in self._client.assignment())

    async def fetch(self, limit: int, timeout: timedelta) -> Sequence[Record]:
        """At most ``limit`` records; waits while no broker answers."""
        waited = Stopwatch()
        while not self._closed:
            rest = timeout.total_seconds() - waited.seconds()
            if not self._ready.is_set():
                if rest <= 0:
                    return ()
                await self.joined(rest)
                continue
            client = self._client
            try:
                async with asyncio.timeout(max(rest, 0) + REBALANCE_SECONDS):
                    found = await client.getmany(timeout_ms=max(int(rest * 1000), 0), max_records=limit)
            except TimeoutError:
                found = {}
            except FAILURES as error:
                logger.warning("bus_fetch_failed", group=self._group, error=str(error) or type(error).__name__)
                self._begin_anew(client)
                found = {}
            records = [_record(message) for messages in found.values() for message in messages]
            if records or rest <= 0:
                return records
        return ()

    async def commit(self, offsets: Mapping[Partition, int]) -> frozenset[Partition]:
        """Note how far the group came in those partitions that are this member's; tells which they are."""
        mine = self.assigned()
        wanted = {TopicPartition(*_pair(place)): offset for place, offset in offsets.items() if place in mine}
        if not wanted:
            if self._client is None:
                raise BusUnavailable("Kafka cannot be reached: nothing was committed")
            return frozenset()
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await self._client.commit(wanted)
        except (CommitFailedError, IllegalStateError):
            logger.info("bus_commit_passed_over", group=self._group)  # the group shares its partitions anew
            return frozenset()
        except FAILURES as error:
            raise BusUnavailable(f"Kafka did not take the commit: {error or type(error).__name__}") from error
        return mine & offsets.keys()

    async def rewind(self, offsets: Mapping[Partition, int]) -> None:
        """Read these partitions again from these offsets."""
        for place in self.assigned() & offsets.keys():
            with suppress(IllegalStateError):
                self._client.seek(TopicPartition(*_pair(place)), offsets[place])

    async def close(self) -> None:
        """Leave the group, so that others take over at once. Goes on to its end where the caller is cancelled."""
        if self._ending is None:
            self._closed = True
            self._ending = asyncio.create_task(self._end(), name=f"end of a bus member of {self._group}")
        await asyncio.shield(self._ending)

    async def _end(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})
        client, self._client = self._client, None
        if client is not None:
            await end(client)

    def _begin_anew(self, broken: Any) -> None:
        """Have another client in place of one that failed. A broker that is away fails none; what does, such as an error
        in the library's own task that keeps the client in its group, fails every later fetch too.
        """
        if self._closed or self._client is not broken:
            return
        self._client = None
        self._ready.clear()
        self._task = asyncio.create_task(self._replace(broken), name=f"bus member of {self._group}")

    async def _replace(self, broken: Any) -> None:
        await end(broken)
        await asyncio.sleep(RETRY_SECONDS)
        await self._connect()

    async def _connect(self) -> None:
        """Make the client; try again until a broker answers."""
        while True:
            client = self._new_client()
            try:
                await begin(client)
            except FAILURES:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._client = client
                self._ready.set()
                return

    def _new_client(self) -> Any:
        return AIOKafkaConsumer(
            *self._topics,
            bootstrap_servers=self._brokers,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=max(self._session_ms // 4, 200),
            rebalance_timeout_ms=max(self._session_ms, 6000),
            max_poll_interval_ms=int(LONGEST_HANDLING / timedelta(milliseconds=1)),
            metadata_max_age_ms=METADATA_MS,
            request_timeout_ms=REQUEST_MS,
            fetch_max_wait_ms=500,
        )


def _pair(place: Partition) -> tuple[str, int]:
    return place.topic, place.number


def _record(message: Any) -> Record:
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        # Whoever else writes to the topic may write anything: that is a dead letter's matter, and must not stop the fetch.
        key=(message.key or b"").decode(errors="replace"),
        value=message.value,
        headers={name: (value or b"").decode(errors="replace") for name, value in message.headers},
        timestamp=datetime.fromtimestamp(message.timestamp / 1000, UTC),
    )
