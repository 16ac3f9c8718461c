"""The log in PostgreSQL: appending with gapless offsets, reading many partitions at once, cursors, upkeep.

An append takes the row of each partition under a lock until it commits, so that offsets have no gaps and become
visible in their order. Each function is one round trip unless it says otherwise.
"""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from libs.common.bus.base import BusUnavailable, Message, Partition, Record, TopicSpec
from libs.common.bus.postgres_schema import CHANNEL

UPKEEP_LOCK = 0x746F_6373_696F
TOMBSTONES_KEPT = timedelta(days=1)
"""How long a compacted topic shows that a key was deleted, so that readers that are behind learn of it."""

CUT_AT_ONCE = 5000
"""Records deleted in one transaction, so that upkeep after a long rest goes on where it was interrupted."""

APPEND = """
WITH incoming AS MATERIALIZED (
    SELECT * FROM unnest($1::integer[], $2::text[], $3::bytea[], $4::jsonb[])
        WITH ORDINALITY AS i (partition_id, key, value, headers, place)
), held AS MATERIALIZED (
    SELECT id FROM bus.partitions WHERE id = ANY ($1::integer[]) ORDER BY id FOR UPDATE
), grown AS (
    SELECT partition_id, count(*) AS records FROM incoming
    WHERE partition_id IN (SELECT id FROM held) GROUP BY partition_id
), moved AS (
    UPDATE bus.partitions AS p SET next_position = p.next_position + grown.records
    FROM grown WHERE p.id = grown.partition_id
    RETURNING p.id, p.topic, p.next_position - grown.records AS base
), stored AS (
    INSERT INTO bus.records (partition_id, position, key, value, headers, stored_at)
    SELECT i.partition_id, m.base + row_number() OVER (PARTITION BY i.partition_id ORDER BY i.place) - 1,
        i.key, i.value, i.headers, $5
    FROM incoming AS i LEFT JOIN moved AS m ON m.id = i.partition_id
)
SELECT pg_notify($6, 'topic:' || topic) FROM (SELECT DISTINCT topic FROM moved) AS t
"""
# Partitions are locked in the order of their ids, whatever the order of the messages: two appends cannot deadlock.
# A partition that is not there gives a null position, and so refuses the whole append.

READ = """
SELECT r.partition_id, r.position, r.key, r.value, r.headers, r.stored_at
FROM unnest($1::integer[], $2::bigint[]) AS w (partition_id, position)
CROSS JOIN LATERAL (
    SELECT * FROM bus.records AS s
    WHERE s.partition_id = w.partition_id AND s.position >= w.position ORDER BY s.position LIMIT $3
) AS r
LIMIT $3
"""

COMMIT = """
INSERT INTO bus.cursors (group_id, partition_id, position)
SELECT $1, u.partition_id, u.position FROM unnest($2::integer[], $3::bigint[]) AS u (partition_id, position)
ON CONFLICT (group_id, partition_id) DO UPDATE SET position = excluded.position
"""

CURSORS = """
SELECT p.id, greatest(c.position, p.first_position) AS position
FROM bus.partitions AS p LEFT JOIN bus.cursors AS c ON c.partition_id = p.id AND c.group_id = $1
WHERE p.id = ANY ($2::integer[])
"""

LAG = """
SELECT coalesce(sum(greatest(p.next_position - greatest(c.position, p.first_position), 0)), 0)::bigint
FROM bus.partitions AS p
LEFT JOIN bus.cursors AS c ON c.partition_id = p.id AND c.group_id = (SELECT id FROM bus.groups WHERE name = $1)
WHERE p.topic = ANY ($2::text[])
"""

MAKE_TOPICS = """
INSERT INTO bus.topics (name, compacted, retention_seconds)
SELECT * FROM unnest($1::text[], $2::boolean[], $3::double precision[])
ON CONFLICT (name) DO UPDATE SET compacted = excluded.compacted, retention_seconds = excluded.retention_seconds
"""

MAKE_PARTITIONS = """
INSERT INTO bus.partitions (topic, number)
SELECT t.name, n FROM unnest($1::text[], $2::integer[]) AS t (name, partitions), generate_series(0, t.partitions - 1) AS n
ON CONFLICT (topic, number) DO NOTHING
"""

EXPIRED = """
SELECT p.id, p.first_position, coalesce(
    (SELECT r.position FROM bus.records AS r
     WHERE r.partition_id = p.id AND r.stored_at >= $2 ORDER BY r.position LIMIT 1), p.next_position) AS kept_from
FROM bus.partitions AS p WHERE p.topic = $1
"""

CUT = """
WITH kept AS (
    UPDATE bus.partitions SET first_position = $2 WHERE id = $1 AND first_position < $2
)
DELETE FROM bus.records WHERE partition_id = $1 AND position < $2
"""

COMPACT = """
DELETE FROM bus.records AS r
WHERE r.partition_id = $1 AND r.position < $2 AND (
    EXISTS (SELECT 1 FROM bus.records AS n WHERE n.partition_id = $1 AND n.key = r.key AND n.position > r.position)
    OR (r.value IS NULL AND r.stored_at < $3))
"""


@dataclass(frozen=True)
class Layout:
    """The partitions of one topic by number: the engine's ids of them."""

    ids: tuple[int, ...]

    def of_key(self, key: str) -> int:
        """The id of the partition that holds this key, the same in every process."""
        return self.ids[zlib.crc32(key.encode()) % len(self.ids)]


async def layouts(connection: Any, topics: Iterable[str]) -> Mapping[str, Layout]:
    """The partitions of those topics that exist."""
    rows = await connection.fetch(
        "SELECT topic, array_agg(id ORDER BY number) AS ids FROM bus.partitions WHERE topic = ANY ($1) GROUP BY topic",
        sorted(topics),
    )
    return {row["topic"]: Layout(tuple(row["ids"])) for row in rows}


async def append(connection: Any, messages: Sequence[Message], known: Mapping[str, Layout], now: datetime) -> None:
    """Store all messages in one transaction and wake those who read their topics."""
    await connection.execute(
        APPEND,
        [known[message.topic].of_key(message.key) for message in messages],
        [message.key for message in messages],
        [message.value for message in messages],
        [json.dumps(dict(message.headers), ensure_ascii=False) for message in messages],
        now,
        CHANNEL,
    )


async def read(
    connection: Any, positions: Sequence[tuple[int, int]], places: Mapping[int, Partition], limit: int
) -> Sequence[tuple[int, Record]]:
    """At most ``limit`` records from these positions on, with the id of the partition that each stands in."""
    rows = await connection.fetch(READ, [pair[0] for pair in positions], [pair[1] for pair in positions], limit)
    return [
        (
            row["partition_id"],
            Record(
                topic=places[row["partition_id"]].topic,
                partition=places[row["partition_id"]].number,
                offset=row["position"],
                key=row["key"],
                value=row["value"],
                headers=json.loads(row["headers"]),
                timestamp=row["stored_at"],
            ),
        )
        for row in rows
    ]


async def save_cursors(connection: Any, group: int, positions: Mapping[int, int]) -> None:
    """Note durably how far the group came in these partitions."""
    await connection.execute(COMMIT, group, list(positions), list(positions.values()))


async def load_cursors(connection: Any, group: int, partitions: Iterable[int]) -> Mapping[int, int]:
    """From where the group goes on in these partitions; a new group from the first record that is kept."""
    rows = await connection.fetch(CURSORS, group, list(partitions))
    return {row["id"]: row["position"] for row in rows}


async def lag(connection: Any, group: str, topics: Sequence[str]) -> int:
    """How many records the group has not committed yet."""
    return int(await connection.fetchval(LAG, group, list(topics)))


async def make_topics(connection: Any, topics: Sequence[TopicSpec]) -> None:
    """Make topics, grow those with fewer partitions, and tell every reader. A transaction of several statements."""
    ordered = sorted(topics, key=lambda topic: topic.name)
    names = [topic.name for topic in ordered]
    seconds = [topic.retention.total_seconds() if topic.retention is not None else None for topic in ordered]
    async with connection.transaction():
        await connection.execute(MAKE_TOPICS, names, [topic.compacted for topic in ordered], seconds)
        made = await connection.execute(MAKE_PARTITIONS, names, [topic.partitions for topic in ordered])
        if made != "INSERT 0 0":
            await connection.execute("SELECT pg_notify($1, 'topics')", CHANNEL)


async def upkeep(connection: Any, now: datetime) -> None:
    """Delete what is over its retention, compact what is compacted; one process at a time, several round trips.

    Retention is by topic, whether or not every group has read the records, as with Kafka.
    """
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", UPKEEP_LOCK):
        return
    try:
        for topic in await connection.fetch("SELECT name, compacted, retention_seconds FROM bus.topics"):
            if topic["compacted"]:
                await _compact(connection, topic["name"], now)
            elif topic["retention_seconds"] is not None:
                await _expire(connection, topic["name"], now - timedelta(seconds=topic["retention_seconds"]))
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", UPKEEP_LOCK)


async def _expire(connection: Any, topic: str, before: datetime) -> None:
    """Delete the records at the head of each partition that are older than ``before``."""
    for row in await connection.fetch(EXPIRED, topic, before):
        for start in range(row["first_position"], row["kept_from"], CUT_AT_ONCE):
            await connection.execute(CUT, row["id"], min(start + CUT_AT_ONCE, row["kept_from"]))


async def _compact(connection: Any, topic: str, now: datetime) -> None:
    """Keep the newest record of each key in the partitions that grew since the last time."""
    grown = await connection.fetch(
        "SELECT id, next_position FROM bus.partitions WHERE topic = $1 AND next_position > compacted_to", topic
    )
    for row in grown:
        await connection.execute(COMPACT, row["id"], row["next_position"], now - TOMBSTONES_KEPT)
        await connection.execute(
            "UPDATE bus.partitions SET compacted_to = $2 WHERE id = $1", row["id"], row["next_position"]
        )


def require(topics: Iterable[str], known: Mapping[str, Layout]) -> None:
    """Raise :class:`BusUnavailable` for a topic that nobody has made yet."""
    missing = sorted(set(topics) - set(known))
    if missing:
        raise BusUnavailable(
            f"the bus has no topic {', '.join(missing)} yet; services make their topics when they start"
        )
