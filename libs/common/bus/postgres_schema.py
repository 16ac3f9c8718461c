"""The tables of the log in PostgreSQL, and how they come to be.

Everything stands in the schema ``bus``, apart from the services' own. Nothing here asks the database for the time.
"""

from typing import Any

SCHEMA_LOCK = 0x746F_6373_696E
"""Advisory lock under which the tables are made, so that five services that start at once do not race."""

MEMBER_LOCKS = 1_953_366_016
"""First half of the advisory lock of a member of a group; the second is the member's id."""

CHANNEL = "tocsin_bus"
"""NOTIFY channel. Payloads: ``topic:<name>`` new records · ``group:<id>`` members or their partitions changed ·
``topics`` topics or partitions were added."""

TABLES = """
CREATE SCHEMA IF NOT EXISTS bus;

CREATE TABLE IF NOT EXISTS bus.topics (
    name text PRIMARY KEY,
    compacted boolean NOT NULL,
    retention_seconds double precision
);

CREATE TABLE IF NOT EXISTS bus.partitions (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL REFERENCES bus.topics (name),
    number integer NOT NULL,
    next_position bigint NOT NULL DEFAULT 0,
    first_position bigint NOT NULL DEFAULT 0,
    compacted_to bigint NOT NULL DEFAULT 0,
    UNIQUE (topic, number)
) WITH (fillfactor = 20);

CREATE TABLE IF NOT EXISTS bus.records (
    partition_id integer NOT NULL,
    position bigint NOT NULL,
    key text NOT NULL,
    value bytea,
    headers jsonb NOT NULL,
    stored_at timestamptz NOT NULL,
    PRIMARY KEY (partition_id, position)
);

CREATE TABLE IF NOT EXISTS bus.groups (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);

CREATE TABLE IF NOT EXISTS bus.cursors (
    group_id integer NOT NULL,
    partition_id integer NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (group_id, partition_id)
) WITH (fillfactor = 20);

-- Unlogged: a crash of PostgreSQL ends every session, and with it every member.
CREATE UNLOGGED TABLE IF NOT EXISTS bus.members (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    group_id integer NOT NULL,
    topics text[] NOT NULL,
    beat bigint NOT NULL DEFAULT 0
);

-- A member lives while the session lives that holds the advisory lock (MEMBER_LOCKS, its id).
CREATE OR REPLACE VIEW bus.living AS
SELECT m.id, m.group_id, m.topics, m.beat, l.pid AS session
FROM bus.members AS m
JOIN pg_locks AS l ON l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
    AND l.classid = 1953366016::oid AND l.objid = m.id::oid
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database());
"""

NEWEST = "bus.living"
"""What is made last: where it stands, all stands, since it is made in one transaction."""


async def ensure_schema(connection: Any) -> None:
    """Make the tables in the connection's database, where they are missing."""
    if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", NEWEST):
        return
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", SCHEMA_LOCK)
        await connection.execute(TABLES)
