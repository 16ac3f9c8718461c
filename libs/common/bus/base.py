"""What Tocsin asks of a bus, and what every engine promises.

Promises, held by ``tests/contract/`` for every engine:

- **Order per key**: records of one key in one topic are read in the order in which their ``publish`` returned.
- **At least once**: a record whose ``publish`` returned is read by every group until that group commits past it,
  also over a crash of producer, consumer or bus.
- **Groups**: within a group each partition has one reader at a time; groups do not see each other's progress.
- **Offsets** grow by one within a partition, from 0, without gaps, and are committed by partition. A group that is new
  starts at the beginning.
- **Rebalance**: when a member leaves or dies, the others take its partitions over from the last commit; when one
  joins, the partitions are shared out anew.
- **Compaction**: a compacted topic keeps at least the newest record of every key; a record without a value is a tombstone.
- **Down is not lost**: while the bus cannot be reached, ``publish`` raises :class:`BusUnavailable` and nothing was accepted
  for certain; ``fetch`` waits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from libs.common.errors import Unavailable


class BusUnavailable(Unavailable):
    """The bus cannot be reached at the moment."""

    slug = "bus-unavailable"
    title = "The bus cannot be reached"


@dataclass(frozen=True)
class TopicSpec:
    """A topic as the bus needs to know it. ``partitions`` never shrinks; ``retention`` of ``None`` keeps for ever."""

    name: str
    partitions: int = 6
    compacted: bool = False
    retention: timedelta | None = timedelta(days=14)


@dataclass(frozen=True)
class Message:
    """What a producer hands over: ``value`` of ``None`` is a tombstone; header names are lower case."""

    topic: str
    key: str
    value: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Partition:
    """One partition of one topic."""

    topic: str
    number: int


@dataclass(frozen=True)
class Record:
    """What a consumer reads: a message with its place in the log and the time at which the bus took it (UTC)."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes | None
    headers: Mapping[str, str]
    timestamp: datetime

    @property
    def place(self) -> Partition:
        """The partition that this record stands in."""
        return Partition(self.topic, self.partition)


class Producer(Protocol):
    """Publishes messages durably."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return when every message is durable, in the order given per key.

        Raises :class:`BusUnavailable` where that cannot be said; part of the messages may have been accepted then.
        """
        ...


class Consumer(Protocol):
    """One member of one group, reading some topics."""

    async def fetch(self, limit: int, timeout: timedelta) -> Sequence[Record]:
        """At most ``limit`` records of the partitions that are this member's now, after at most ``timeout`` of the
        machine's time; empty when there was none, or while the bus cannot be reached.

        Each call goes on where the last one ended; records of one partition come in order.
        """
        ...

    async def commit(self, offsets: Mapping[Partition, int]) -> frozenset[Partition]:
        """Note durably that the group has handled every record *below* these offsets; tells for which that was noted.

        Partitions that are no longer this member's are passed over, and those that the group just shares anew: whoever
        gets these, be it this member again, reads what was not noted once more. Raises :class:`BusUnavailable`.
        """
        ...

    async def rewind(self, offsets: Mapping[Partition, int]) -> None:
        """Read these partitions again from these offsets at the next ``fetch`` (after a failed handler)."""
        ...

    def assigned(self) -> frozenset[Partition]:
        """The partitions that are this member's now."""
        ...

    async def close(self) -> None:
        """Leave the group, so that others take over at once. Commits nothing."""
        ...


class Bus(Protocol):
    """One bus engine: makes producers and consumers, and says how far groups are behind."""

    async def start(self) -> None:
        """Begin to connect. Returns also where the bus cannot be reached: it goes on trying (:meth:`healthy` tells)."""
        ...

    async def stop(self) -> None:
        """Close every producer and consumer of this bus."""
        ...

    def healthy(self) -> bool:
        """Whether the bus could be reached when last tried."""
        ...

    async def ensure_topics(self, topics: Sequence[TopicSpec]) -> None:
        """Make the topics that do not exist; grow those with fewer partitions. Raises :class:`BusUnavailable`."""
        ...

    def producer(self) -> Producer:
        """The producer of this process (one, shared)."""
        ...

    async def subscribe(self, group: str, topics: Sequence[str]) -> Consumer:
        """Join ``group`` as a new member that reads ``topics``."""
        ...

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        """How many records of ``topics`` the group has not committed yet. Raises :class:`BusUnavailable`."""
        ...
