"""Membership of groups in PostgreSQL: who is alive, and who holds which partition.

A member lives as long as the session that holds its advisory lock; a partition belongs to the session that holds the
lock of (group, partition). When a process dies, PostgreSQL ends its session and both come free at once. A member
whose process hangs keeps its session but stops counting its beat up: others end that session after a lease, which
each of them measures with its own stopwatch. So no clock has to agree with another.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from libs.common.bus.base import Partition
from libs.common.bus.postgres_schema import CHANNEL, MEMBER_LOCKS
from libs.common.bus.sharing import Reader, Slice
from libs.common.clock import Stopwatch

GROUP_LOCKS = 0x746F_0000
"""First half of the advisory lock of a partition, plus the group's id; the second is the partition's id."""

JOIN = "INSERT INTO bus.members (group_id, topics) VALUES ($1, $2) RETURNING id"

BEAT = "UPDATE bus.members SET beat = beat + 1 WHERE id = $1 RETURNING id"

LIVING = "SELECT id, topics, beat, session FROM bus.living WHERE group_id = $1"

BURY = """
DELETE FROM bus.members AS m WHERE m.group_id = $1 AND NOT EXISTS (SELECT 1 FROM bus.living AS l WHERE l.id = m.id)
"""

TAKE = "SELECT id FROM unnest($2::integer[]) AS u (id) WHERE pg_try_advisory_lock($1, u.id)"

RELEASE = "SELECT pg_advisory_unlock($1, u.id) FROM unnest($2::integer[]) AS u (id)"

SLICES = "SELECT id, topic, number FROM bus.partitions WHERE topic = ANY ($1::text[])"


@dataclass(frozen=True)
class Membership:
    """One member of one group, as its own session knows it."""

    group: int
    number: int

    @property
    def news(self) -> str:
        """The NOTIFY payload that tells the group to share out anew."""
        return f"group:{self.group}"


@dataclass(frozen=True)
class Peer:
    """A living member of the group: its beat and the database session that it lives in."""

    number: int
    topics: frozenset[str]
    beat: int
    session: int


class Beats:
    """Notices members that hold their session but no longer count their beat up."""

    def __init__(self, lease: timedelta) -> None:
        self._lease = lease.total_seconds()
        self._seen: dict[int, tuple[int, Stopwatch]] = {}

    def hung(self, peers: Iterable[Peer]) -> Sequence[Peer]:
        """Those whose beat has stood still for longer than the lease."""
        before, self._seen = self._seen, {}
        late = []
        for peer in peers:
            beat, since = before.get(peer.number, (None, Stopwatch()))
            self._seen[peer.number] = (peer.beat, since if beat == peer.beat else Stopwatch())
            if self._seen[peer.number][1].seconds() > self._lease:
                late.append(peer)
        return late


async def join(connection: Any, group: str, topics: Collection[str]) -> Membership:
    """Enter the group, living as long as this session does, and tell the others."""
    async with connection.transaction():
        await connection.execute("INSERT INTO bus.groups (name) VALUES ($1) ON CONFLICT (name) DO NOTHING", group)
        group_id = await connection.fetchval("SELECT id FROM bus.groups WHERE name = $1", group)
        number = await connection.fetchval(JOIN, group_id, sorted(topics))
        # Before the row can be seen: whoever sees a member without its lock takes it for dead.
        await connection.execute("SELECT pg_advisory_lock($1, $2)", MEMBER_LOCKS, number)
    membership = Membership(group_id, number)
    await tell(connection, membership)
    return membership


async def beat(connection: Any, membership: Membership) -> bool:
    """Say that this member's process is at work; whether the group still counts it as a member."""
    return await connection.fetchval(BEAT, membership.number) is not None


async def living(connection: Any, group: int) -> Sequence[Peer]:
    """The members of the group whose sessions live."""
    rows = await connection.fetch(LIVING, group)
    return [Peer(row["id"], frozenset(row["topics"]), row["beat"], row["session"]) for row in rows]


async def end_sessions(connection: Any, peers: Sequence[Peer]) -> None:
    """End the sessions of members that hang."""
    for peer in peers:
        await connection.execute("SELECT pg_terminate_backend($1)", peer.session)


async def bury(connection: Any, group: int) -> None:
    """Forget the members of the group that are dead."""
    await connection.execute(BURY, group)


async def slices(connection: Any, peers: Iterable[Peer]) -> Sequence[Slice]:
    """The partitions of every topic that some member reads."""
    topics = sorted({topic for peer in peers for topic in peer.topics})
    return [Slice(row["id"], row["topic"], row["number"]) for row in await connection.fetch(SLICES, topics)]


async def take(connection: Any, membership: Membership, partitions: Collection[int]) -> frozenset[int]:
    """Those of these partitions that nobody holds: they are this member's from now on."""
    rows = await connection.fetch(TAKE, GROUP_LOCKS + membership.group, sorted(partitions))
    return frozenset(row["id"] for row in rows)


async def release(connection: Any, membership: Membership, partitions: Collection[int]) -> None:
    """Give these partitions up and tell the group."""
    await connection.fetch(RELEASE, GROUP_LOCKS + membership.group, sorted(partitions))
    await tell(connection, membership)


async def leave(connection: Any, membership: Membership) -> None:
    """Give everything up, leave the group and tell it."""
    await connection.execute("SELECT pg_advisory_unlock_all()")
    await connection.execute("DELETE FROM bus.members WHERE id = $1", membership.number)
    await tell(connection, membership)


async def tell(connection: Any, membership: Membership) -> None:
    """Tell the group that its members or their partitions changed."""
    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, membership.news)


def readers(peers: Iterable[Peer]) -> Sequence[Reader]:
    """The members as the sharing out needs them."""
    return [Reader(peer.number, peer.topics) for peer in peers]


def places(pieces: Iterable[Slice]) -> Mapping[int, Partition]:
    """Topic and number of each partition by its id."""
    return {piece.identity: Partition(piece.topic, piece.number) for piece in pieces}
